"""The end of a sign-in on this machine: one answer of a browser at a loopback port (RFC 8252)."""

import time
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

from dpop_lab.client.sign_in.answer import NotSignedIn
from dpop_lab.errors import LabError

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 26rem; margin: 10vh auto; padding: 0 1rem }}</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>"""
STEP = 0.2  # seconds between two looks at the clock, in which Ctrl-C is heard
LONGEST = 16_384  # characters of an answer


class _Server(ThreadingHTTPServer):
    """Threads, for a browser opens connections that it does not use, and then uses another."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser may hang up."""


class Loopback:
    """Listens at `redirect_uri` on this machine until a browser has brought the answer there.

    The URI is http, at a loopback address; port 0 is any free one. `back_to` says on the page that
    the browser gets where the person goes on, and `then` what says there what came of it.
    Raises OSError where nothing can listen, and `LabError` for another URI.
    """

    def __init__(
        self,
        redirect_uri: str = "http://127.0.0.1:0/callback",
        *,
        back_to: str = "terminal",
        then: str = "",
    ) -> None:
        try:
            parts = urlsplit(redirect_uri)
            host, port = parts.hostname or "", parts.port or 0
        except ValueError:  # brackets that do not match, a port that is too high
            parts, host, port = urlsplit(""), "", 0
        if parts.scheme != "http" or host not in ("127.0.0.1", "localhost") or parts.query:
            wanted = "http://127.0.0.1:PORT/PATH, or localhost"
            raise LabError("Nobody can listen at this redirect URI", wanted=wanted)
        self._path, self._back_to, self._then = parts.path or "/", back_to, then
        #: What came, as path and query; empty as long as nothing has.
        self.answer, self._given_up = "", False
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5  # seconds for a browser that opens a connection and says nothing

            def do_GET(self) -> None:
                loopback._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: a code would stand in it."""

        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.timeout = STEP
        self.redirect_uri = f"http://{host}:{self._server.server_address[1]}{parts.path}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        ours = path == self._path and len(query) <= LONGEST and ("state=" in query)
        title = f"Back to the {self._back_to}" if ours else "Not here"
        text = f"{self._then or 'It'} says what came of the sign-in. This window can be closed."
        text = text if ours else escape(path[:80])
        page = PAGE.format(title=title, text=text).encode()
        handler.send_response(200 if ours else 404)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(page)
        if ours:
            self.answer = handler.path

    def wait(self, seconds: float) -> str:
        """The answer, as path and query. Raises `NotSignedIn` when none comes in this time."""
        end = time.monotonic() + seconds
        while not self.answer:
            if self._given_up or time.monotonic() > end:
                advice = "Run the command again, and sign in while it waits."
                raise NotSignedIn(f"Nobody signed in within {seconds:g} s", advice=advice)
            self._server.handle_request()
        return self.answer

    def give_up(self) -> None:
        """Have `wait`, in another thread, wait no longer."""
        self._given_up = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.server_close()
