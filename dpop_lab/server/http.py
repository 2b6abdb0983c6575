"""One server out of several, chosen by path, with what every answer has."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus

from dpop_lab.wire.message import Headers, Request, Response

Server = Callable[[Request], Response]
Routes = Mapping[str, Server]


def http_date(time: float) -> str:
    """A time as HTTP writes it: `Sun, 22 Nov 2026 13:36:01 GMT` (RFC 9110 section 5.6.7)."""
    return formatdate(time, usegmt=True)


def site(
    routes: Routes,
    *,
    time: Callable[[], float],
    headers: Headers = (),
    exposed: str = "",
) -> Server:
    """One server out of several: choose by path, answer preflights, add what every answer has.

    Paths are compared percent-decoded and in any letter case. `headers` go on each answer;
    `exposed` are the answer headers that scripts of other origins may read.
    """

    def answer(request: Request) -> Response:
        asks = request.lines("Origin") and request.lines("Access-Control-Request-Method")
        if request.method == "OPTIONS" and asks:
            response = _preflight(request)
        else:
            server = routes.get(request.route)
            response = server(request) if server else Response(404)
        if request.lines("Origin"):
            cors = [("Access-Control-Allow-Origin", "*")]
            if exposed and response.status != HTTPStatus.NO_CONTENT:
                cors.append(("Access-Control-Expose-Headers", exposed))
            response = response.with_headers(*cors)
        response = response.with_headers(("Date", http_date(time())), *headers)
        return response if request.method != "HEAD" else replace(response, body=b"")

    return answer


def _preflight(request: Request) -> Response:
    """Every origin may send every method and header (the Fetch standard, section 3.2.2)."""
    asked = {
        "Access-Control-Allow-Headers": request.lines("Access-Control-Request-Headers"),
        "Access-Control-Allow-Methods": request.lines("Access-Control-Request-Method"),
    }
    echoed = {name: ",".join(lines).replace(" ", "") for name, lines in asked.items() if lines}
    return Response(204, tuple(echoed.items()))
