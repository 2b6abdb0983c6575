"""Requests, responses and exchanges as values, with no framework in sight."""

import re
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from dpop_lab.wire.url import without_dots

Headers = tuple[tuple[str, str], ...]
MARK = re.compile(r"^(?=---- )", re.MULTILINE)
LONGEST = 20_000  # characters of a body in the text


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


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as sent and the response as received, or the failure when none came.

    Header lines stand in order, several of one name apart. Bodies are text: what is no text, was
    streamed, or is very long is told in a note `<…>`. Times are seconds since 1970; `status` is
    None and `failure` says why when there is no response. Nothing is redacted here: `SessionLog`
    does that.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: str
    sent_at: float
    ended_at: float
    status: int | None = None
    reason: str = ""
    response_headers: Headers = ()
    response_body: str = ""
    failure: str = ""

    def text(self) -> str:
        """The exchange in the form of the commercial sample, ended by a line feed.

        Control characters are escaped, and a line of a body that looks like one of the log's own
        marks gets a backslash in front. A very long body is cut, and the cut is noted.
        """
        target = "/" + self.url.partition("://")[2].partition("/")[2]
        return "".join(
            (
                f"---- Sending {formatdate(self.sent_at, usegmt=True)} ----\n",
                _message(
                    f"{self.method} {target} HTTP/1.1", self.request_headers, self.request_body
                ),
                f"---- {'Failed' if self.status is None else 'Received'}"
                f" {formatdate(self.ended_at, usegmt=True)} ----\n",
                f"{_one_line(self.failure)}\n"
                if self.status is None
                else _message(
                    f"HTTP/1.1 {self.status} {self.reason}".rstrip(),
                    self.response_headers,
                    self.response_body,
                ),
            )
        )


def _message(start: str, headers: Headers, body: str) -> str:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    more = len(body) - LONGEST
    cut = body if more <= 0 else f"{body[:LONGEST]}\n<{more} more characters>"
    shown = MARK.sub(r"\\", visible(cut.replace("\r\n", "\n")))
    end = "" if not shown or shown.endswith("\n") else "\n"
    return "\n".join(map(_one_line, lines)) + "\n\n" + shown + end


def _one_line(text: str) -> str:
    return visible(text).replace("\n", r"\n")


def visible(text: str) -> str:
    """Text with every control and other unprintable character but the line feed escaped."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
