"""What came of a request that was sent: the answer, and what the rows know of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dpop_lab.lab.catalogue.change import LEFT_OUT
from dpop_lab.proof import read_proof
from dpop_lab.session.call import ACCEPTED, NO_ROW, Call, read_as
from dpop_lab.session.decoded import drawn
from dpop_lab.session.story import sequence_diagram
from dpop_lab.session.telling import Step
from dpop_lab.show import Block, Card, Note, Shown, Table
from dpop_lab.show.html import folded, inline, marked
from dpop_lab.show.values import cut, date, shown
from dpop_lab.wire.har import as_curl
from dpop_lab.wire.message import Redacted, lines

LONGEST = 4000  # characters of a request or a body that are shown
MOST = 40  # members of a comparison that are shown
Members = dict[str, object]  # of a proof, by where they stand: `header.jwk.x`, `claims.htm`
Difference = tuple[tuple[str, object, object], ...]  # name, value then, value now


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sent(Shown):
    """A request that was sent, shown by a notebook whole and by a panel part by part.

    `change` and `to` say what was sent where, `title` what that is in plain words.
    """

    change: str
    to: str
    title: str = ""
    #: Which of all that this bench sent, from 1 on.
    number: int = 0
    #: When the answer was there, by the clock of the lab, in seconds since 1970.
    at: float = 0
    #: What went over the wire, redacted but for the proofs.
    exchange: Redacted | None = None
    answered: Call | None = None
    #: What a server with the other policy, new to this proof, says to these bytes; None when live.
    elsewhere: Call | None = None
    #: The members in which the proof differs from an honest one: name, value then, value now.
    difference: Difference = ()
    #: The number of that honest one, the last that all rows accepted here; 0 for one made up now.
    compared_with: int = 0
    #: The names of those members that are new in any proof.
    fresh: tuple[str, ...] = ()
    #: The row named before.
    predicted: str = ""
    #: What the prediction was about: change, place, rules, signing, names of what was edited.
    question: tuple[str, ...] = ()
    #: Why nothing could be sent, else empty.
    problem: str = ""

    @property
    def caught(self) -> str:
        """Who said no, as in `Call.caught`, or `accepted`; empty when nothing was sent."""
        return self.answered.caught if self.answered else ""

    @property
    def verdict(self) -> str:
        """What happened, in words."""
        if self.answered is None:
            return f"Nothing was sent: {self.problem}"
        outcomes = {
            ACCEPTED: f"Accepted at the {self.to}",
            NO_ROW: f"Refused at the {self.to}, though no row says no",
        }
        by = "by the row" if self.answered.finding else "by no row, but by"
        outcome = outcomes.get(self.caught, f"Refused at the {self.to} {by} {self.caught}")
        told = f"{outcome}: {self.answered.rules} answers {self.answered.answer}"
        return told + ("" if told.endswith(".”") else ".") + self.of_prediction

    @property
    def outcome(self) -> str:
        """Which of all that may be predicted came true: as `caught`, but for `no row`."""
        answered = self.answered
        other = answered and answered.stopped_by and answered.stopped_by == self.caught
        return NO_ROW if other else self.caught

    @property
    def foreseen(self) -> bool:
        """Did the prediction come true? `no row` does where something else said no."""
        return self.predicted in (self.caught, self.outcome)

    @property
    def of_prediction(self) -> str:
        """Whether the prediction came true, a sentence after a blank; empty without one."""
        came = "right" if self.foreseen else "not this time"
        return f" You predicted {self.predicted}: {came}." * bool(self.predicted)

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
        here, there = (
            {name: marked(one.mark, one.mark) for name, one in call.findings.items()}
            for call in (self.answered, self.elsewhere)
        )
        unknown = "no such row"
        rows = ((name, here.get(name, unknown), there.get(name, unknown)) for name in here | there)
        return tuple(row for row in rows if row[1] != row[2] and marked("failed", "failed") in row)

    @property
    def stamp(self) -> str:
        """Its number, and when the answer was there: `#3, 09:36:47 GMT`."""
        return f"#{self.number}, {date(self.at)[-12:]}" if self.number else ""

    @property
    def line(self) -> str:
        """Number, verdict, prediction, change and place in a line."""
        mark = "passed" if self.caught == ACCEPTED else "failed" if self.caught else "not asked"
        said = f"#{self.number} {marked(mark, self.caught or 'not sent')}"
        if self.predicted and self.caught:
            said += " (right)" if self.foreseen else f" (not {self.predicted})"
        return f"{said}: {self.briefly}, {self.to}"

    @property
    def briefly(self) -> str:
        """What was sent, where there is room for a line: by its title."""
        return self.title

    def blocks(self) -> Iterator[Block]:
        """The verdict; folded, all rows, the other server, the difference, the request."""
        here, there = self.answered, self.elsewhere
        if here is None or self.exchange is None:
            yield Card(self.verdict, "not asked", stamp=self.stamp)
            return
        facts = [("sent", f"{self.title} ({self.change})")]
        if here.finding and not here.accepted:
            facts += [("the row", here.finding.title), *here.finding.facts]
        mark = "passed" if here.accepted else "failed"
        yield Card(self.verdict, mark, tuple(facts), self.stamp)
        for report in here.reports:
            kinds = {"access token": "the access token", "key of": "the key"}
            name = next((kinds[one] for one in kinds if one in report.profile), "the proof")
            title = report.title.replace(report.profile, name, 1)
            yield replace(report.table, title=title)
        if there:
            head = ("", here.rules, there.rules)
            rows = (("answer", here.answer, there.answer), ("why", here.reason, there.reason))
            title = f"{there.rules}, which has not seen it before, answers {there.answer}"
            yield Table(title, (*rows, *self.disagreement), head, folded=True)
        yield self._compared()
        texts = (("request", self.request), ("answer", self.exchange.received().rstrip()))
        wire = tuple((name, cut(text, LONGEST)) for name, text in texts)
        yield Table("What went over the wire", wire, folded=True)
        yield Table("The request for a terminal", (("curl", cut(self.curl, LONGEST)),), folded=True)

    def details(self) -> str:
        """All but the verdict, as HTML; folded, the proof and the exchange as pictures."""
        if self.answered is None or self.exchange is None:
            return ""
        known = {"number": self.number, "meaning": self.answered.reason}
        steps = self._steps or [read_as(Step, self.exchange, **known)]
        more = folded("As a picture", sequence_diagram(steps).html(inline), inline)
        for text in lines(self.exchange.request_headers, "DPoP")[:1]:
            proof = drawn("", read_proof(text), now=self.at, encoded=text).html(inline)
            more = folded("The proof, decoded", proof, inline) + more
        return super(Sent, self).details() + more

    @property
    def _steps(self) -> Sequence[Step]:
        """The steps to be drawn, none for this exchange alone."""
        return ()

    def _compared(self) -> Block:
        """What the proof differs in from another, but for what is new in any."""
        if self.exchange is None or not lines(self.exchange.request_headers, "DPoP"):
            return Note("No proof was sent.")
        other = f"#{self.compared_with}, honest" if self.compared_with else "an honest one"
        rows = tuple(
            (cut(name, 80), shown(then, 80), shown(now, 80))
            for name, then, now in self.difference
            if name not in self.fresh
        )
        if not rows:
            return Note(f"Compared with {other}, nothing is new but what always is (jti, iat).")
        head = ("Member", "Then", "Now")
        title = f"Compared with {other}: {cut(', '.join(name for name, *_ in rows[:MOST]), 200)}"
        if len(rows) > MOST:
            rows = (*rows[:MOST], (f"… and {len(rows) - MOST} more members", "", ""))
        return Table(title, rows, head, code=head[1:], folded=True)


@dataclass(frozen=True, slots=True, repr=False)
class Score:
    """How many predictions came true: each counts once, if its answer had not been seen before.

    An answer is seen when it came to the same `Sent.question`, predicted or not.
    """

    #: Whether it came true, None where nothing was predicted, by questions with their answers.
    guesses: Mapping[tuple[str, ...], bool | None] = field(default_factory=dict)

    @property
    def right(self) -> int:
        """How many came true."""
        return sum(guess is True for guess in self.guesses.values())

    @property
    def asked(self) -> int:
        """How many there were."""
        return sum(guess is not None for guess in self.guesses.values())

    def after(self, sent: Sent) -> "Score":
        """The score with what was predicted of this request, if anything, and it got an answer."""
        if not sent.caught:
            return self
        guess = sent.foreseen if sent.predicted else None
        return Score({(*sent.question, sent.caught): guess, **self.guesses})

    def __repr__(self) -> str:
        return f"{self.right} of {self.asked} predictions right"


def by_all_rows(answered: Call) -> bool:
    """Was it accepted, and no row struck out that is asked there?"""
    return answered.caught == ACCEPTED and not any(one.struck_out for one in answered.reports)


def difference(then: Members, now: Members) -> Difference:
    """The members in which two proofs differ."""
    pairs = ((name, then.get(name, LEFT_OUT), now.get(name, LEFT_OUT)) for name in then | now)
    return tuple(row for row in pairs if type(row[1]) is not type(row[2]) or row[1] != row[2])


def flat(header: Mapping[str, object], claims: Mapping[str, object]) -> Members:
    """Header and claims of a proof as one mapping, the members of the jwk apart."""
    jwk = header.get("jwk")
    inner = jwk if isinstance(jwk, Mapping) else {}
    parts = {"header": header, "header.jwk": inner, "claims": claims}
    return {
        f"{part}.{name}": value
        for part, members in parts.items()
        for name, value in members.items()
        if value is not inner
    }
