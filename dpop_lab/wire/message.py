"""Requests, responses and exchanges as values, and the challenges that are read in them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qsl, unquote

from dpop_lab.checking import Report
from dpop_lab.show.values import mapped, one_line, printable
from dpop_lab.wire.syntax import without_dots

Headers = tuple[tuple[str, str], ...]
MARK = re.compile(r"^(?=---- )", re.MULTILINE)
LONGEST = 20_000  # characters of a body in the text
TEXTS = (  # of an exchange: what came over the wire, or says why nothing came
    "method url request_headers request_body reason response_headers response_body failure".split()
)


def lines(headers: Headers, name: str) -> list[str]:
    """The values of every header line with this name, in any letter case."""
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


def first(headers: Headers, name: str) -> str:
    """The value of the first header line with this name, empty when there is none."""
    return "".join(lines(headers, name)[:1])


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: method, path with its query, header lines in order, body.

    Headers are pairs because a mapping cannot say that there were two `DPoP` lines.
    """

    method: str
    target: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    #: the address that it came from, empty where it came over no port
    peer: str = field(default="", repr=False, compare=False)

    def lines(self, name: str) -> tuple[str, ...]:
        """The values of every header line with this name, in any letter case."""
        return tuple(value.strip(" \t") for value in lines(self.headers, name))

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
    #: of those who checked the request, where they are in this process
    reports: tuple[Report, ...] = field(default=(), repr=False)

    @property
    def reason(self) -> str:
        """The phrase beside the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """This answer with more header lines."""
        return replace(self, headers=(*self.headers, *headers))


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """A request, its answer or the failure when none came, and the reports of whoever checked it.

    Header lines stand in order, several of one name apart. Bodies are text: what is no text, was
    streamed, or is very long is told in a note `<…>`. Times are seconds since 1970. Nothing is
    redacted here, so the repr is method, URL and status; a `Redactor` makes the `Redacted` that is
    kept and shown.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: str
    sent_at: float
    ended_at: float
    status: int | None = None  #: None when there is no answer, and `failure` says why
    reason: str = ""
    response_headers: Headers = ()
    response_body: str = ""
    failure: str = ""
    reports: tuple[Report, ...] = ()  #: where the server that checked it is in this process

    @property
    def took(self) -> float:
        """Seconds from the request to the end of its answer."""
        return max(0.0, self.ended_at - self.sent_at)

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """This exchange with every text changed that came over the wire, or says why none came."""
        return replace(self, **{name: mapped(getattr(self, name), change) for name in TEXTS})

    def __repr__(self) -> str:
        url = re.sub(r"(?<=//)[^/?#]*@|[?#].*", "", self.url, flags=re.DOTALL)
        came = "no answer" if self.status is None else str(self.status)
        return f"<{type(self).__name__} {one_line(self.method)} {one_line(url)}: {came}>"


@dataclass(frozen=True, slots=True, repr=False)
class Redacted(Exchange):
    """An exchange without its secrets, as a log keeps it; only a `Redactor` makes one.

    Labels such as `<access_token 1>` stand for the secrets, `<proof 1>` for proofs.
    """

    proofs: tuple[str, ...] = field(default=(), kw_only=True)  #: the DPoP header values themselves

    def with_proofs(self) -> Self:
        """This exchange with its proofs in the DPoP lines; each is good once, and for seconds."""
        rest = iter(self.proofs)
        lines = tuple(
            (name, next(rest, value) if name.lower() == "dpop" else value)
            for name, value in self.request_headers
        )
        return replace(self, request_headers=lines)

    def text(self) -> str:
        """The exchange in the form of the commercial sample, ended by a line feed.

        Control characters are escaped, and a line of a body that looks like one of the log's own
        marks gets a backslash in front. A very long body is cut, and the cut is noted.
        """
        ended = "Failed" if self.status is None else "Received"
        return (
            f"---- Sending {formatdate(self.sent_at, usegmt=True)} ----\n{self.sent()}"
            f"---- {ended} {formatdate(self.ended_at, usegmt=True)} ----\n{self.received()}"
        )

    def sent(self) -> str:
        """The request as it went over the wire."""
        target = "/" + self.url.partition("://")[2].partition("/")[2]
        start = f"{self.method} {target} HTTP/1.1"
        return _message(start, self.request_headers, self.request_body)

    def received(self) -> str:
        """The answer as it came, or the failure in a line."""
        if self.status is None:
            return f"{one_line(self.failure)}\n"
        start = f"HTTP/1.1 {self.status} {self.reason}".rstrip()
        return _message(start, self.response_headers, self.response_body)


def measured(headers: Headers, body: str) -> Headers:
    """The header lines with the length of this body."""
    length = str(len(body.encode("utf-8", "surrogatepass")))
    return tuple(
        (name, length if name.lower() == "content-length" else value) for name, value in headers
    )


def _message(start: str, headers: Headers, body: str) -> str:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    more = len(body) - LONGEST
    cut = body if more <= 0 else f"{body[:LONGEST]}\n<{more} more characters>"
    shown = MARK.sub(r"\\", printable(cut.replace("\r\n", "\n"), "\n\t"))
    end = "" if not shown or shown.endswith("\n") else "\n"
    return "\n".join(printable(line, "\t") for line in lines) + "\n\n" + shown + end
