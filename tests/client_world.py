"""A tiny world for the client's tests: a token endpoint that counts, an API that follows a script.

Both are `Request -> Response` functions; they write down what they are sent. `listening` puts such
a function on a loopback port with the standard library's server.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.recorder import InProcessAdapter
from dpop_lab.jose.keys import generate_key
from dpop_lab.proof import read_proof
from dpop_lab.server.resource_server import Server
from dpop_lab.wire.message import Request, Response

KEY = generate_key("ES256")
NOW = 1_800_000_000
API = "https://api.example/things"
TOKEN_ENDPOINT = "https://as.example/token"
SECRET = "a-secret-of-many-characters"


def claims(request: Request) -> dict[str, Any]:
    """The claims of the one proof on a request."""
    (proof,) = request.lines("DPoP")
    return dict(read_proof(proof).claims)


def token_of(request: Request) -> str | None:
    lines = request.lines("Authorization")
    return lines[0] if lines else None


def answer(status: int = 200, body: object = None, **headers: str) -> Response:
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if body is None:
        return Response(status, tuple(lines))
    return Response(
        status, (("Content-Type", "application/json"), *lines), json.dumps(body).encode()
    )


def issued(number: int, **more: object) -> Response:
    token = {"access_token": f"token-{number}", "token_type": "DPoP", "expires_in": 3600}
    return answer(200, {name: value for name, value in (token | more).items() if value is not None})


def challenge(nonce: str) -> Response:
    return answer(401, WWW_Authenticate='DPoP error="use_dpop_nonce"', DPoP_Nonce=nonce)


class Script:
    """A server that gives these answers in turn, the last one for ever, and keeps the requests."""

    def __init__(self, *answers: Response | Callable[[Request], Response]) -> None:
        self.answers, self.requests, self.lock = answers, list[Request](), threading.Lock()

    def __call__(self, request: Request) -> Response:
        with self.lock:
            chosen = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
        return chosen(request) if callable(chosen) else chosen

    @property
    def claims(self) -> list[dict[str, Any]]:
        return [claims(request) for request in self.requests]

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        return [parse_qs(request.body.decode()) for request in self.requests]


class World:
    """A session with both servers mounted, and an auth object for it."""

    def __init__(self, *api: Any, tokens: Any = None, **settings: Any) -> None:
        self.now = float(NOW)
        self.api = Script(*(api or (answer(200, "fine"),)))
        self.tokens = Script(*(tokens or [issued(n) for n in range(1, 9)]))
        self.session = requests.Session()
        self.session.mount("https://as.example", InProcessAdapter(self.tokens))
        self.session.mount("https://api.example", InProcessAdapter(self.api))
        given = {"client_id": "me", "client_secret": SECRET, "token_endpoint": TOKEN_ENDPOINT}
        given |= {"key": KEY, "session": self.session, "clock": lambda: self.now, "scope": "api"}
        self.auth = DPoPAuth.client_credentials(**(given | settings))

    def get(self, url: str = API, **more: Any) -> requests.Response:
        return self.session.get(url, auth=self.auth, **more)

    def post(self, url: str = API, **more: Any) -> requests.Response:
        return self.session.post(url, auth=self.auth, **more)


@contextmanager
def listening(server: Server, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[str]:
    """The base URL at which this server listens, on a port of 127.0.0.1, behind TLS if told so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.serve
            raise AttributeError(name)

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            lines = tuple(self.headers.items())
            response = server(Request(self.command, self.path, lines, body))
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.wfile.flush()

        def handle(self) -> None:
            with suppress(ssl.SSLError, ConnectionError):  # a client that trusts no one hangs up
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        if tls is not None:
            # the handshake is for the connection's own thread
            running.socket = tls.wrap_socket(
                running.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http{'s' * (tls is not None)}://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()
