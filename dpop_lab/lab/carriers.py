"""Requests adapters to a twin, in this process or on a port, with its reports on each answer."""

from collections import deque
from email.message import Message
from io import BytesIO
from threading import Lock
from types import SimpleNamespace
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from dpop_lab.checking import Report
from dpop_lab.client.recorder import header_lines
from dpop_lab.server.resource_server import Server
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Headers, Request, Response

WITHOUT_BODY = (204, 304)
WAITING = 100  # answers at once that have not arrived yet, or never will


class InProcessAdapter(HTTPAdapter):
    """Carries each request of a session to `server`, a `Request -> Response`, and its answer back.

    `session.mount("https://demo.duendesoftware.com", InProcessAdapter(server))`; the URLs are the
    real ones, no port and no thread is needed. Bodies are read whole before the server is called.
    Timeouts, certificates and proxies have no meaning here; what the server raises is not caught.
    """

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The server's answer to this request, as a requests.Response."""
        asked = Request(
            method=str(request.method),
            target=request.path_url,
            headers=header_lines(request),
            body=_octets(request.body),
        )
        answered = self.server(asked)
        answer = self.build_response(request, _raw(answered, asked.method))
        return _with_reports(answer, answered.reports)


class PortAdapter(Front, HTTPAdapter):
    """Sends to a twin on a port of this machine, and puts on each answer what the twin found.

    It stands at both ends: `before` makes it the server, which keeps the reports until the answer
    that they belong to has arrived.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._count = Lock(), 0  # of all requests that came in
        self._given: deque[tuple[int, Request, Response]] = deque(maxlen=WAITING)

    def before(self, twin: Twin) -> Self:
        """Stand before this twin."""
        self._twin = twin
        return self

    def __call__(self, request: Request) -> Response:
        response = self._twin(request)
        with self._lock:
            self._count += 1
            self._given.append((self._count, request, response))
        return response

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, with its reports. Raises what any adapter raises."""
        before = self._count
        answer = super().send(request, *args, **kwargs)
        return _with_reports(answer, self._reports_of(answer, before))

    def _reports_of(self, answer: requests.Response, before: int) -> tuple[Report, ...]:
        """The reports of the first request after so many that is this one and got this answer.

        Threads may take turns, and other clients may ask the same server. Each is told once.
        """
        with self._lock:
            for one in self._given:
                number, request, response = one
                if number > before and _is(request, answer.request) and _got(answer, response):
                    self._given.remove(one)
                    return response.reports
        return ()


def _with_reports(response: requests.Response, reports: tuple[Report, ...]) -> requests.Response:
    """A response with the reports of the server that gave it: a recorder takes them from it."""
    response.reports = reports  # type: ignore[attr-defined]
    return response


def _octets(body: Any) -> bytes:
    """A body of any kind that requests takes: none, octets, text, a file, an iterable of parts."""
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    return _octets(body.read()) if hasattr(body, "read") else b"".join(map(_octets, body))


def _raw(response: Response, method: str) -> HTTPResponse:
    silent = method == "HEAD" or response.status in WITHOUT_BODY
    return HTTPResponse(
        body=BytesIO(b"" if silent else response.body),
        headers=HTTPHeaderDict(response.headers),
        status=response.status,
        reason=response.reason,
        version=11,
        preload_content=False,
        request_method=method,
        original_response=_original(response.headers),
    )


def _original(headers: Headers) -> Any:
    """What requests and urllib3 ask of the http.client response: Set-Cookie lines, and closing."""
    lines = Message()
    for name, value in headers:
        lines.add_header(name, value)
    return SimpleNamespace(msg=lines, close=lambda: None, isclosed=lambda: True)


def _is(seen: Request, sent: requests.PreparedRequest) -> bool:
    """Is this request, as it came in, the one that was sent?"""
    if (seen.method, seen.target) != (sent.method, sent.path_url):
        return False
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    if body != seen.body and isinstance(body, bytes | None) and (body or seen.body):
        return False
    lines: dict[str, list[str]] = {}
    for name, value in header_lines(sent):
        lines.setdefault(name.lower(), []).append(value.strip(" \t"))
    return all([*seen.lines(name)] == values for name, values in lines.items())


def _got(answer: requests.Response, response: Response) -> bool:
    """Is this answer, as it arrived, the one that was given?"""
    lines = {(name.lower(), value) for name, value in answer.raw.headers.items()}
    given = {(name.lower(), value) for name, value in response.headers}
    return answer.status_code == response.status and given <= lines
