"""A request as it comes in over a connection: within limits of size and time, then answered."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from dpop_lab.server.twin import Front
from dpop_lab.wire.message import Headers, Request, Response

MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024  # of all lines together, as the real server has it
MAX_BODY = 1024 * 1024
log = logging.getLogger(__name__)


class Message(HTTPMessageDelegate):
    """One request on its way in: collected within limits, answered by the front, then told.

    `patience` is how many seconds its body may take to come, all of it.
    """

    timer: asyncio.TimerHandle

    def __init__(
        self, front: Front, patience: float, connection: HTTPConnection, peer: str
    ) -> None:
        self.front, self.connection, self.patience, self.peer = front, connection, patience, peer
        self.head, self.body, self.answered = Request("GET", "/"), bytearray(), False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        assert isinstance(start_line, RequestStartLine)  # noqa: S101  this end reads requests
        lines = tuple(headers.get_all())
        target = _origin_form(start_line.path)
        self.head = Request(start_line.method, target, lines, peer=self.peer)
        self.timer = asyncio.get_running_loop().call_later(self.patience, self._too_slow)
        status = self._fault(start_line)
        if status:
            self._refuse(status)

    def _too_slow(self) -> None:
        """Say that the body did not come in time, and hang up; some of it may still be coming."""
        if not self.answered:
            self._answer(Response(408, (("Connection", "close"),)))
            self.connection.finish()

    def _fault(self, start_line: RequestStartLine) -> int | None:
        """The status for a request that is too large, or names no host or several."""
        if len(start_line.path) > MAX_TARGET:
            return 414
        if sum(len(name) + len(value) + 4 for name, value in self.head.headers) > MAX_HEADERS:
            return 431
        hosts = self.head.lines("Host")
        if len(hosts) > 1 or (not hosts and start_line.version != "HTTP/1.0"):
            return 400
        for text in self.head.lines("Content-Length"):
            # longer numbers are tornado's to refuse
            if re.fullmatch("[0-9]{1,19}", text) and int(text) > MAX_BODY:
                return 413
        return None

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
        self.timer.cancel()
        if not self.answered:
            self.head = replace(self.head, body=bytes(self.body))
            self._answer(self._served(self.head))
        self.connection.finish()

    def on_connection_close(self) -> None:
        self.timer.cancel()
        if not self.answered:
            self.answered = True
            self._tell(lambda: self.front.hung_up(replace(self.head, body=bytes(self.body))))

    def _served(self, request: Request) -> Response:
        try:
            return self.front(request)
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
        self._tell(lambda: self.front.told(self.head, response))

    def _tell(self, of_it: Callable[[], object]) -> None:
        try:
            of_it()
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
