"""The ways to a server of our own: in this process, or to a port of this machine."""

from collections import deque
from io import BytesIO
from threading import Lock
from types import SimpleNamespace
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from dpop_lab.client.recorder import header_lines
from dpop_lab.lab.live import LiveAdapter
from dpop_lab.server.resource_server import Server
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Request, Response

WITHOUT_BODY = (204, 304)
WAITING = 100  # answers at once that are not here yet, or never will be


class InProcessAdapter(HTTPAdapter):
    """Carries each request of a session to `server`, a `Request -> Response`, and its answer back.

    `session.mount("https://demo.duendesoftware.com", InProcessAdapter(server))`; the URLs are the
    real ones, no port and no thread is needed. Bodies are read whole before the server is called.
    Timeouts, certificates and proxies have no meaning here; what the server raises is not caught.
    The reports of the server are on the answer, from which a recorder takes them.
    """

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The server's answer to this request, as a requests.Response."""
        asked = _request(request, _octets(request.body))
        answered = self.server(asked)
        answer = self.build_response(request, _raw(answered, asked.method))
        answer.reports = answered.reports  # type: ignore[attr-defined]
        return answer


def _request(request: requests.PreparedRequest, body: bytes) -> Request:
    return Request(str(request.method), request.path_url, header_lines(request), body)


def _octets(body: Any) -> bytes:
    """A body of any kind that requests takes: none, octets, text, a file, an iterable of parts."""
    if body is None or isinstance(body, bytes | bytearray):
        return bytes(body or b"")
    if isinstance(body, str):
        return body.encode()
    return b"".join(map(_octets, [body.read()] if hasattr(body, "read") else body))


def _raw(response: Response, method: str) -> HTTPResponse:
    headers = HTTPHeaderDict(response.headers)
    silent = method == "HEAD" or response.status in WITHOUT_BODY
    return HTTPResponse(
        body=BytesIO(b"" if silent else response.body),
        headers=headers,
        status=response.status,
        reason=response.reason,
        version=11,
        preload_content=False,
        request_method=method,
        # all that is asked of an http.client response: Set-Cookie lines, and closing
        original_response=SimpleNamespace(  # type: ignore[arg-type]
            msg=headers, close=lambda: None, isclosed=lambda: True
        ),
    )


class PortAdapter(LiveAdapter, Front):
    """Both ends of the way to a twin on a port: what it found there is put on the answer here.

    It stands `before` the twin, and keeps the last requests and answers with their reports.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._count = 0  # of all requests that came in
        self._seen: deque[tuple[int, Request, Response]] = deque(maxlen=WAITING)

    def before(self, twin: Twin) -> Self:
        """Stand before this twin."""
        self._twin = twin
        return self

    def __call__(self, request: Request) -> Response:
        response = self._twin(request)
        with self._lock:
            self._count += 1
            self._seen.append((self._count, request, response))
        return response

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, with the reports of the first request since that is this one and got it.

        Threads may take turns, and other clients may ask the same server. Each is told once. Raises
        `Unreachable`.
        """
        before = self._count
        answer = super().send(request, *args, **kwargs)
        with self._lock:
            for one in self._seen:
                number, seen, response = one
                if number > before and _is(seen, answer.request) and _got(answer, response):
                    self._seen.remove(one)
                    answer.reports = response.reports  # type: ignore[attr-defined]
                    break
        return answer


def _is(seen: Request, sent: requests.PreparedRequest) -> bool:
    """Is this request, as it came in, the one that was sent? A streamed body is not looked at."""
    known = isinstance(sent.body, bytes | str | None)
    asked = _request(sent, _octets(sent.body) if known else seen.body)
    if (seen.method, seen.target, seen.body) != (asked.method, asked.target, asked.body):
        return False
    return all(seen.lines(name) == asked.lines(name) for name, _ in asked.headers)


def _got(answer: requests.Response, response: Response) -> bool:
    """Is this answer, as it arrived, the one that was given?"""
    lines = {(name.lower(), value) for name, value in answer.raw.headers.items()}
    given = {(name.lower(), value) for name, value in response.headers}
    return answer.status_code == response.status and given <= lines
