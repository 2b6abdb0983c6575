"""What came of a request that was sent: the answer, and what the rows know of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dpop_lab.checking import SYMBOLS, Finding
from dpop_lab.lab.catalogue.change import LEFT_OUT
from dpop_lab.session.answered import ACCEPTED, NO_ROW, Answered
from dpop_lab.show.values import cut, escaped, html_list, html_table, printable, shown
from dpop_lab.wire.curl import as_curl
from dpop_lab.wire.message import Redacted

FAILED = f"{SYMBOLS['failed']} failed"
LONGEST = 4000  # characters of a request or a body that are shown


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sent:
    """A request that was sent, shown by a notebook whole and by a panel part by part.

    `change` and `to` say what was sent where.
    """

    change: str
    to: str
    answered: Answered | None = None
    #: What a server with the other policy, new to this proof, says to these bytes; None when live.
    elsewhere: Answered | None = None
    exchange: Redacted | None = None
    #: The members in which the proof differs from the last one accepted at this place, from an
    #: honest one when none was (`first_here`): name, value then, value now.
    difference: tuple[tuple[str, object, object], ...] = ()
    first_here: bool = False
    #: The names of those members that are new in any proof.
    fresh: tuple[str, ...] = ()
    #: The row named before.
    predicted: str = ""
    #: Why nothing could be sent, else empty.
    problem: str = ""

    @property
    def caught(self) -> str:
        """The row that said no, `accepted`, `no row`; empty when nothing was sent."""
        return self.answered.caught if self.answered else ""

    @property
    def verdict(self) -> str:
        """What happened, in words."""
        if self.answered is None:
            return f"Nothing was sent: {self.problem}"
        told = f"{self.answered.rules} answers {self.answered.words}"
        told += "" if told.endswith(".”") else "."
        if self.caught == ACCEPTED:
            verdict = f"Accepted at the {self.to}: {told}"
        elif self.caught == NO_ROW:
            verdict = f"Refused at the {self.to}, though no row says no: {told}"
        else:
            verdict = f"Refused at the {self.to} by the row {self.caught}: {told}"
        return verdict + self._prediction()

    def _prediction(self) -> str:
        if not self.predicted:
            return ""
        if self.predicted == self.caught:
            return f" You predicted {self.predicted}: right."
        return f" You predicted {self.predicted}: not this time."

    @property
    def curl(self) -> str:
        """The request as a `curl` command, redacted."""
        return as_curl(self.exchange) if self.exchange else ""

    @property
    def request(self) -> str:
        """The request as it went over the wire, redacted."""
        return self.exchange.sent().rstrip() if self.exchange else ""

    @property
    def disagreement(self) -> tuple[tuple[str, str, str], ...]:
        """The rows that the two servers see differently: name, here, elsewhere."""
        if self.answered is None or self.elsewhere is None:
            return ()
        here, there = self.answered.findings, self.elsewhere.findings
        names = dict.fromkeys((*here, *there))
        told = ((name, _told(here.get(name)), _told(there.get(name))) for name in names)
        return tuple(row for row in told if row[1] != row[2] and FAILED in row)

    def __repr__(self) -> str:
        """Verdict, answer, rows, other server and difference as text."""
        if self.answered is None:
            return self.verdict
        lines = [self.verdict, *(f"  {name}: {text}" for name, text in self._answer())]
        if self.elsewhere is not None:
            said = f"{self.elsewhere.words} ({self.elsewhere.reason})"
            lines.append(f"{self.elsewhere.rules}, asked afresh, says {said}")
        lines += [repr(report) for report in self.answered.reports]
        for name, here, there in self.disagreement:
            lines.append(f"  {name:<15} here {here}; there {there}")
        lines.append(self._compared)
        lines += [f"  {name}: {_value(a)} → {_value(b)}" for name, a, b in self._rows()]
        lines += ["The request:", cut(self.request, LONGEST), "As curl:", cut(self.curl, LONGEST)]
        return printable("\n".join(lines))

    def _answer(self) -> Iterator[tuple[str, str]]:
        answered = self.answered
        if answered is None:
            return
        yield "status", str(answered.status)
        if answered.challenge:
            yield "WWW-Authenticate", answered.challenge
        if answered.nonce:
            yield "DPoP-Nonce", answered.nonce
        yield "body", cut(answered.body, LONGEST) or "empty"

    @property
    def _compared(self) -> str:
        headers = self.exchange.request_headers if self.exchange else ()
        if not [value for name, value in headers if name.lower() == "dpop"]:
            return "No proof was sent."
        other = "an honest one" if self.first_here else "the last one accepted here"
        if all(name in self.fresh for name, _, _ in self.difference):
            return f"Compared with {other}, nothing is new but what always is (jti, iat)."
        return f"Compared with {other}, the proof has other members:"

    def _rows(self) -> tuple[tuple[str, object, object], ...]:
        """What is worth showing of the difference."""
        if self._compared == "No proof was sent.":
            return ()
        return tuple(row for row in self.difference if row[0] not in self.fresh)

    def details(self) -> str:
        """All but the verdict as HTML, in the same order and with the bytes at the end."""
        if self.answered is None:
            return ""
        parts = [html_table("The answer", ("Part", "Text"), list(self._answer()), code=("Text",))]
        if self.elsewhere is not None:
            parts.append(self._beside(self.answered, self.elsewhere))
        parts += [report._repr_html_() for report in self.answered.reports]
        if self.disagreement:
            head = ("Row", self.answered.rules, self.elsewhere.rules if self.elsewhere else "")
            parts.append(
                html_table("What the two servers see differently", head, self.disagreement)
            )
        rows = [(name, _value(then), _value(now)) for name, then, now in self._rows()]
        head = ("Member", "Then", "Now")
        if rows:
            parts.append(html_table(self._compared, head, rows, code=head[1:]))
        else:
            parts.append(f"<p>{escaped(self._compared)}</p>")
        bytes_ = [("The request", cut(self.request, LONGEST)), ("As curl", cut(self.curl, LONGEST))]
        return "".join([*parts, html_list(bytes_)])

    def _beside(self, here: Answered, there: Answered) -> str:
        rows = [
            (f"{here.rules}, which you asked", here.words, here.reason),
            (f"{there.rules}, asked afresh", there.words, there.reason),
        ]
        head = ("Server", "What it answers", "What the rows know")
        return html_table("One request, two servers", head, rows, code=head[1:2])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return f"<p>{escaped(self.verdict)}</p>{self.details()}"


def _told(finding: Finding | None) -> str:
    return f"{SYMBOLS[finding.mark]} {finding.mark}" if finding else "no such row"


def _value(value: object) -> str:
    return repr(LEFT_OUT) if value is LEFT_OUT else shown(value, 80)


def difference(
    before: Mapping[str, object], now: Mapping[str, object]
) -> tuple[tuple[str, object, object], ...]:
    """The members that differ between two proofs, flattened: name, value before, value now."""
    names = dict.fromkeys((*before, *now))
    pairs = ((name, before.get(name, LEFT_OUT), now.get(name, LEFT_OUT)) for name in names)
    return tuple(row for row in pairs if type(row[1]) is not type(row[2]) or row[1] != row[2])


def flat(header: Mapping[str, object], claims: Mapping[str, object]) -> dict[str, object]:
    """Header and claims of a proof as one mapping, the members of the jwk apart."""
    named: dict[str, object] = {}
    for name, value in header.items():
        if name == "jwk" and isinstance(value, Mapping):
            named |= {f"header.jwk.{inner}": one for inner, one in value.items()}
        else:
            named[f"header.{name}"] = value
    return named | {f"claims.{name}": value for name, value in claims.items()}
