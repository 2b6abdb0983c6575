"""One step of a story: an exchange, what it carried, what was answered, what that means."""

import re
from dataclasses import dataclass

from dpop_lab.session.carried import Carried
from dpop_lab.show.values import cut, printable
from dpop_lab.wire.message import Redacted

LONGEST = 60  # characters of a path


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Step:
    """An exchange of a session log in its story.

    `number` counts from 1, `after` are the seconds since the first was sent. `role` is who was
    asked: the authorization server, a resource server, or a server that was asked for nothing
    protected. `error` and `description` are what it said (RFC 6749 section 5.2, RFC 6750 section
    3), empty when it said nothing; `words` says what came of it, with the reason where that is
    known.
    """

    number: int
    after: float
    exchange: Redacted
    role: str = "server"
    carried: Carried
    error: str = ""
    description: str = ""
    nonce_given: bool = False
    words: str = ""

    @property
    def accepted(self) -> bool:
        """Was there an answer that is no refusal?"""
        return self.exchange.status is not None and self.exchange.status < 400

    @property
    def origin(self) -> str:
        """Scheme and host that were asked: `https://as.example`."""
        scheme, _, rest = self.exchange.url.partition("://")
        return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"

    @property
    def request(self) -> str:
        """Method and path, without the values of a query: `GET /orders?…`."""
        rest = self.exchange.url[len(self.origin) :]
        path, query = re.match(r"([^?#]*)(\??)", rest).groups()  # type: ignore[union-attr]
        more = "?…" if query else ""
        return printable(f"{cut(self.exchange.method, 20)} {cut(path or '/', LONGEST)}{more}")

    @property
    def answer(self) -> str:
        """Status, error and description in a line, or why there is no answer."""
        if self.exchange.status is None:
            return cut(f"no answer: {self.exchange.failure}", 120)
        said = f"{self.exchange.status} {cut(self.error or self.exchange.reason, 40)}".rstrip()
        said += f" “{cut(self.description, 120)}”" if self.description else ""
        return said + ", DPoP-Nonce given" * self.nonce_given

    def __repr__(self) -> str:
        """The step as text."""
        head = f"{self.number}. {self.request} to {self.origin}"
        told = [head, self.carried.words, self.answer, self.words]
        return "\n     ".join(one_line(text) for text in told)


def one_line(text: str) -> str:
    """Text from anywhere as one printable line."""
    return printable(text).replace("\n", r"\n")
