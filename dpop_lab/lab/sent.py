"""What came of a request that was sent: the answer, and what the rows know of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dpop_lab.checking import Finding
from dpop_lab.lab.catalogue.change import LEFT_OUT
from dpop_lab.session.call import ACCEPTED, NO_ROW, Call
from dpop_lab.show import Block, Note, Shown, Table, marked
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.log import as_curl
from dpop_lab.wire.message import Redacted

NO_PROOF = "No proof was sent."
LONGEST = 4000  # characters of a request or a body that are shown


Difference = tuple[tuple[str, object, object], ...]  # name, value then, value now


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sent(Shown):
    """A request that was sent, shown by a notebook whole and by a panel part by part.

    `change` and `to` say what was sent where.
    """

    change: str
    to: str
    answered: Call | None = None
    #: What a server with the other policy, new to this proof, says to these bytes; None when live.
    elsewhere: Call | None = None
    exchange: Redacted | None = None
    #: The members in which the proof differs from the last one accepted at this place, from an
    #: honest one when none was (`first_here`): name, value then, value now.
    difference: Difference = ()
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
        told = f"{self.answered.rules} answers {self.answered.answer}"
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
        return tuple(row for row in told if row[1] != row[2] and marked("failed", "failed") in row)

    def blocks(self) -> Iterator[Block]:
        """Verdict, answer, the other server, rows, difference, and the request at the end."""
        here, there = self.answered, self.elsewhere
        if here is None:
            yield Note(self.verdict, "not asked")
            return
        yield Note(self.verdict, "passed" if self.caught == ACCEPTED else "failed")
        yield Table("The answer", tuple(self._answer()))
        if there is not None:
            head = ("Server", "What it answers", "What the rows know")
            rows = (
                (f"{here.rules}, which you asked", here.answer, here.reason),
                (f"{there.rules}, asked afresh", there.answer, there.reason),
            )
            yield Table("One request, two servers", rows, head, code=head[1:2])
        for report in here.reports:
            yield from report.blocks()
        if there is not None and self.disagreement:
            head = ("Row", here.rules, there.rules)
            yield Table("What the two servers see differently", self.disagreement, head)
        yield self._difference()
        texts = (("The request", self.request), ("As curl", self.curl))
        yield Table("", tuple((name, cut(text, LONGEST)) for name, text in texts))

    def _answer(self) -> Iterator[tuple[str, str]]:
        answered = self.answered
        if answered is None:
            return
        yield "status", str(answered.status)
        if answered.challenge:
            yield "WWW-Authenticate", answered.challenge
        if answered.nonce:
            yield "DPoP-Nonce", answered.nonce
        yield "body", cut(answered.exchange.response_body, LONGEST) or "empty"

    @property
    def _compared(self) -> str:
        headers = self.exchange.request_headers if self.exchange else ()
        if not [value for name, value in headers if name.lower() == "dpop"]:
            return NO_PROOF
        other = "an honest one" if self.first_here else "the last one accepted here"
        if all(name in self.fresh for name, _, _ in self.difference):
            return f"Compared with {other}, nothing is new but what always is (jti, iat)."
        return f"Compared with {other}, the proof has other members:"

    def _difference(self) -> Block:
        """What the proof differs in from another, but for what is new in any."""
        compared, head = self._compared, ("Member", "Then", "Now")
        rows = tuple(
            (name, _value(then), _value(now))
            for name, then, now in self.difference
            if name not in self.fresh
        )
        if not rows or compared == NO_PROOF:
            return Note(compared)
        return Table(compared, rows, head, code=head[1:])


def _told(finding: Finding | None) -> str:
    return marked(finding.mark, finding.mark) if finding else "no such row"


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
