"""One request and what came of it, as a value and as the text of a session log."""

import re
from dataclasses import dataclass
from email.utils import formatdate

Headers = tuple[tuple[str, str], ...]
MARK = re.compile(r"^(?=---- )", re.MULTILINE)
LONGEST = 20_000  # characters of a body in the text


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
