"""HTTP as values: what a server is asked and what it answers, with no framework in sight."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: method, path with its query, header lines in order, body.

    Headers are pairs because a mapping cannot say that there were two `DPoP` lines.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

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
        """The path percent-decoded and in small letters, for choosing who answers."""
        return unquote(self.path).lower()

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The parameters behind the question mark, in order."""
        return tuple(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, header lines in order, body."""

    status: int
    headers: Headers = ()
    body: bytes = b""

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
