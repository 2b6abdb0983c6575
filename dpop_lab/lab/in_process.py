"""A requests adapter that calls a server in this process instead of opening a socket."""

from email.message import Message
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from dpop_lab.checking import Report
from dpop_lab.client.recorder import header_lines
from dpop_lab.server.resource_server import Server
from dpop_lab.wire.message import Headers, Request, Response

WITHOUT_BODY = (204, 304)


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
        return with_reports(
            self.build_response(request, _raw(answered, asked.method)), answered.reports
        )


def with_reports(response: requests.Response, reports: tuple[Report, ...]) -> requests.Response:
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
    if hasattr(body, "read"):
        return _octets(body.read())
    return b"".join(map(_octets, body))


def _raw(response: Response, method: str) -> HTTPResponse:
    headers = HTTPHeaderDict()
    for name, value in response.headers:
        headers.add(name, value)
    silent = method == "HEAD" or response.status in WITHOUT_BODY
    return HTTPResponse(
        body=BytesIO(b"" if silent else response.body),
        headers=headers,
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
