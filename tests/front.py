"""A twin behind a server of our own, which may answer in its stead, late, wrongly or not at all."""

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dpop_lab.server.duende import DUENDE
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request, Response
from tests.world import CLIENT_KEY, SIGNING_KEY

CLIENT = {"client_id": "the shop", "client_secret": "horse: battery & staple", "scope": "orders"}


@dataclass
class Front:
    """Where it is, and what it was sent: (when, request)."""

    url: str
    twin: Twin
    asked: list

    @property
    def settings(self):
        """The client that it knows."""
        return {**CLIENT, "issuer": self.url, "api": f"{self.url}/api/dpop/test"}

    @property
    def requests(self):
        """What it was sent, but for metadata."""
        return [one for _, one in self.asked if "well-known" not in one.target]


def twin_with_its_own_client(url):
    """A twin that knows one client, which may ask for one scope."""
    name, scope = CLIENT["client_id"], CLIENT["scope"]
    known = DUENDE.clients["m2m.dpop"]
    client = replace(known, client_id=name, secret=CLIENT["client_secret"])
    policy = replace(DUENDE, clients={name: client}, apis={"api": (scope,)}, scopes=(scope,))
    return Twin(url, policy=policy, client_key=CLIENT_KEY, signing_key=SIGNING_KEY)


@contextmanager
def front(meddle=None, *, base_url=None, tls=None, demo=False):
    """A `Front`, running, as a demo with the demo's clients and scopes.

    `meddle` gets its handler and a request, and may give an answer to it, or False for none.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm, timeout = "HTTP/1.1", True, 60

        def one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, tuple(self.headers.items()), body)
            made.asked.append((time.monotonic(), request))
            answer = meddle(self, request) if meddle else None
            if answer is not False:
                self.say(answer or made.twin(request))

        do_GET = do_POST = do_PUT = do_DELETE = one

        def say(self, answer: Response):
            self.send_response(answer.status, answer.reason)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(answer.body)

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # a client may go away

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    url = base_url or f"http://127.0.0.1:{server.server_port}"
    twin = Twin(url, signing_key=SIGNING_KEY) if demo else twin_with_its_own_client(url)
    made = Front(url, twin, [])
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
