"""The same servers on a port of this machine, for curl and for clients in other languages."""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

from dpop_lab.jose.keys import PrivateKey
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.front import Front, Fronted
from dpop_lab.server.http import Headers, Request, Response, Server
from dpop_lab.server.policy import Policy, Watch
from dpop_lab.server.state import Clock
from dpop_lab.server.twin import Twin

MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024  # of all lines together, as the real server has it
MAX_BODY = 1024 * 1024
HARD_LIMIT = 1024 * 1024  # beyond this the connection is closed without a word
TLS_HANDSHAKE = 0x16  # how a TLS connection begins (RFC 8446 section 5.1), and no HTTP
log = logging.getLogger(__name__)
Tell = Callable[[Request, Response], None]


class _Message(HTTPMessageDelegate):
    """One request on its way in: collected within limits, answered, then told."""

    def __init__(self, server: Server, tell: Tell | None, connection: HTTPConnection) -> None:
        self.server, self.tell, self.connection = server, tell, connection
        self.head, self.body, self.answered = Request("GET", "/"), bytearray(), False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        assert isinstance(start_line, RequestStartLine)  # noqa: S101  this end reads requests
        lines = tuple(headers.get_all())
        self.head = Request(start_line.method, _origin_form(start_line.path), lines)
        status = self._fault(start_line)
        if status:
            self._refuse(status)

    def _fault(self, start_line: RequestStartLine) -> int | None:
        """The status for a request that is too large, or names no host or several."""
        if len(start_line.path) > MAX_TARGET:
            return 414
        if sum(len(name) + len(value) + 4 for name, value in self.head.headers) > MAX_HEADERS:
            return 431
        hosts = self.head.lines("Host")
        if len(hosts) > 1 or (not hosts and start_line.version != "HTTP/1.0"):
            return 400
        lengths = self.head.lines("Content-Length")
        # longer numbers are tornado's to refuse
        known = [int(text) for text in lengths if re.fullmatch("[0-9]{1,19}", text)]
        return 413 if any(length > MAX_BODY for length in known) else None

    def _refuse(self, status: int) -> None:
        """Answer at once, and hang up unless a body is on its way.

        A refused body is still read, so that the client gets to read the answer.
        """
        lines = self.head.lines
        framing = {*lines("Content-Length"), *lines("Transfer-Encoding")}
        body = len(framing) == 1 and re.fullmatch("[0-9]{1,19}|chunked", min(framing))
        last = not body or bool(lines("Expect"))
        self._answer(Response(status, (("Connection", "close"),) * last))
        if last:
            self.connection.finish()

    def data_received(self, chunk: bytes) -> None:
        if not self.answered:
            self.body += chunk
            if len(self.body) > MAX_BODY:
                self._answer(Response(413))

    def finish(self) -> None:
        if not self.answered:
            self.head = replace(self.head, body=bytes(self.body))
            self._answer(self._served(self.head))
        self.connection.finish()

    def _served(self, request: Request) -> Response:
        try:
            return self.server(request)
        except Exception:  # the next client must be served whatever this one found
            log.exception("%s %s", request.method, request.path)
            return Response(500)

    def _answer(self, response: Response) -> None:
        self.answered = True
        headers = _AsWritten(response.headers)
        if response.status != 204 and self.head.method != "HEAD":
            headers["Content-Length"] = str(len(response.body))
        start = ResponseStartLine("HTTP/1.1", response.status, response.reason)
        self.connection.write_headers(start, headers, response.body or None)
        try:
            if self.tell:
                self.tell(self.head, response)
        except Exception:  # the answer is given, and must not be followed by a second one
            log.exception("telling of %s %s", self.head.method, self.head.path)


class _AsWritten(HTTPHeaders):
    """Header lines under the names they were given: tornado would write `Www-Authenticate`."""

    def __init__(self, lines: Headers) -> None:
        super().__init__()
        self.names = {name.lower(): name for name, _ in lines}
        for name, value in lines:
            self.add(name, value)

    def get_all(self) -> Iterable[tuple[str, str]]:
        return [(self.names.get(name.lower(), name), value) for name, value in super().get_all()]


def _origin_form(target: str) -> str:
    """The path and query of a request target, also of an absolute one (RFC 9112 section 3.2)."""
    rest = re.sub(r"\Ahttps?://[^/?#]*", "", target, count=1, flags=re.IGNORECASE)
    return rest if rest == target or rest.startswith("/") else f"/{rest}"


class _Delegate(HTTPServerConnectionDelegate):
    def __init__(self, server: Server, tell: Tell | None) -> None:
        self.server, self.tell = server, tell

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        return _Message(self.server, self.tell, request_conn)


class _Stream(IOStream):
    """A connection that ends at once when it begins as TLS does, for both sides would wait."""

    spoke_tls: Callable[[], object] | None = None
    _begun = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        count = super().read_from_fd(buf)
        if self._begun or not count:
            return count
        self._begun = True
        if buf[0] != TLS_HANDSHAKE:
            return count
        if self.spoke_tls:
            asyncio.get_running_loop().call_soon(self.spoke_tls)
        return 0  # as if the client had hung up


class _HTTPServer(HTTPServer):
    spoke_tls: Callable[[], object] | None = None

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        watched = _Stream(
            stream.socket,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )
        watched.spoke_tls = self.spoke_tls
        super().handle_stream(watched, address)


class RunningTwin:
    """The twin on a port, in a thread of its own. Close it, or use it in a `with`.

    `url` is where it listens, `base_url` what clients call it: issuer, discovery and the wanted
    `htu` follow that one. `twin` is what answers.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        base_url: str | None,
        front: Callable[[Twin], Front] | None = None,
        **options: Any,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        named = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        self.url = f"http://{f'[{named}]' if ':' in named else named}:{self.port}"
        self.twin = Twin(base_url or self.url, **options)
        self.base_url = self.twin.base_url
        before = front(self.twin) if front else None
        fronted = Fronted(self.twin, before) if before else None
        self._spoke_tls = partial(before.spoke_tls, self.url) if before else None
        self._delegate = _Delegate(fronted or self.twin, fronted.tell if fronted else None)
        self._loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dpop_lab server", daemon=True)
        self._thread.start()
        self._started.wait()

    def __repr__(self) -> str:
        return f"<RunningTwin at {self.url}>"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _listen(self) -> None:
        self._http = _HTTPServer(
            self._delegate,
            max_header_size=HARD_LIMIT,
            max_body_size=10**19,  # refused with a 413 by the delegate, long before
            max_buffer_size=8 * HARD_LIMIT,
            idle_connection_timeout=60,
        )
        self._http.spoke_tls = self._spoke_tls
        self._http.add_socket(self._socket)
        self._started.set()

    async def _end(self) -> None:
        self._http.stop()
        await self._http.close_all_connections()

    def close(self) -> None:
        """Stop listening and wait until the thread has ended; a second time does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    base_url: str | None = None,
    policy: Policy = DUENDE,
    api_nonce: bool = False,
    clock: Clock | None = None,
    client_key: PrivateKey | None = None,
    client_jwk: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    front: Callable[[Twin], Front] | None = None,
) -> RunningTwin:
    """Start the twin on a port of this machine (0: any free one) and give it back, running.

    `base_url` is what clients call it, when that is not `http://host:port` (behind a proxy, say).
    `front` is given the twin and makes what stands before it: pages of its own, and a watch on all
    requests, also on those that no server gets to see. The rest is as for `Twin`.
    Raises OSError when the port can't be had.
    """
    return RunningTwin(
        host=host,
        port=port,
        base_url=base_url,
        policy=policy,
        api_nonce=api_nonce,
        clock=clock,
        client_key=client_key,
        client_jwk=client_jwk,
        watch=watch,
        front=front,
    )
