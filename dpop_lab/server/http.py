"""HTTP as values: what a server is asked and what it answers, with no framework in sight."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from dpop_lab.proof.htu import without_dots

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: method, path with its query, header lines in order, body.

    Headers are pairs because a mapping cannot say that there were two `DPoP` lines.
    """

    method: str
    target: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def lines(self, name: str) -> tuple[str, ...]:
        """The values of every header line with this name, in any letter case."""
        wanted = name.lower()
        return tuple(value.strip(" \t") for key, value in self.headers if key.lower() == wanted)

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def route(self) -> str:
        """The path percent-decoded (but for slashes), in small letters, to choose who answers."""
        return unquote(
            without_dots(self.path.replace("%2F", "%252F").replace("%2f", "%252f"))
        ).lower()

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The parameters behind the question mark, in order."""
        return tuple(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, header lines in order, body."""

    status: int
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def reason(self) -> str:
        """The phrase beside the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """The same answer with more header lines."""
        return Response(self.status, (*self.headers, *headers), self.body)


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
