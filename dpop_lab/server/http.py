"""One server out of several, chosen by path, with what every answer has."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus

from dpop_lab.wire.message import Headers, Request, Response

Server = Callable[[Request], Response]
Routes = Mapping[str, Server]


def answered(
    request: Request, routes: Routes, *, time: float, headers: Headers = (), exposed: str = ""
) -> Response:
    """The answer of the server that the path chooses, or to a preflight; with what every one has.

    Paths are compared percent-decoded and in any letter case. `headers` go on each answer;
    `exposed` are the answer headers that scripts of other origins may read.
    """
    origin = request.lines("Origin")
    if request.method == "OPTIONS" and origin and request.lines("Access-Control-Request-Method"):
        response = _preflight(request)
    else:
        server = routes.get(request.route)
        response = server(request) if server else Response(404)
    if origin:
        response = response.with_headers(("Access-Control-Allow-Origin", "*"))
    if origin and exposed and response.status != HTTPStatus.NO_CONTENT:
        response = response.with_headers(("Access-Control-Expose-Headers", exposed))
    response = response.with_headers(("Date", formatdate(time, usegmt=True)), *headers)
    return response if request.method != "HEAD" else replace(response, body=b"")


def _preflight(request: Request) -> Response:
    """Every origin may send every method and header (the Fetch standard, section 3.2.2)."""
    asked = {
        "Access-Control-Allow-Headers": request.lines("Access-Control-Request-Headers"),
        "Access-Control-Allow-Methods": request.lines("Access-Control-Request-Method"),
    }
    echoed = {name: ",".join(lines).replace(" ", "") for name, lines in asked.items() if lines}
    return Response(204, tuple(echoed.items()))
