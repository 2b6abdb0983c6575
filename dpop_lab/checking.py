"""What a check, a verdict, a finding, a report and a profile are: rules as data, asked in order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal, Self

from dpop_lab.errors import LabError
from dpop_lab.show import Block, Card, Note, Shown, Table
from dpop_lab.show.values import mapped, shown

HEAD = ("Row", "Question", "Wanted", "Found")
Grade = Literal["must", "should", "free"]
Failure = str | tuple[str, str]  # a row, or a row and its defect
Texts = Mapping[Failure, str | None]  # what is said to failures
Verdict = tuple[object, object, str | None]  # what was wanted, what was found; its defect, if any


def verdict(wanted: object, found: object, *, good: bool, defect: str = "wrong") -> Verdict:
    """What a row saw: `missing` where nothing was found, no defect when good, else this defect."""
    return wanted, found, "missing" if found is None else None if good else defect


def equal(*, wanted: object, found: object) -> Verdict:
    """Good when found is wanted, of the same type; else `missing` (None) or `wrong`."""
    return verdict(wanted, found, good=type(found) is type(wanted) and found == wanted)


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: a pure, total function of what was presented and the context, with its metadata."""

    name: str
    question: str
    section: str  #: where the rule is written
    stops: str  #: the attack it is there for
    needs: tuple[str, ...]  #: the names of the rows without which the question makes no sense
    mend: str  #: what to do when it fails, in a sentence
    #: How binding it is to refuse a defect: `must` (it is demanded), `should` (advised), or `free`
    #: (each server decides for itself).
    grade: Grade
    free: tuple[str, ...]  #: defects that are free, whatever the grade of all others
    judge: Callable[[Any, Any], Verdict] = field(repr=False)
    #: what to do about a defect, where it is another thing than `mend`
    mends: Mapping[str, str] = field(default_factory=dict, hash=False)

    def mended(self, defect: str) -> str:
        """What to do about this defect, in a sentence."""
        return self.mends.get(defect, self.mend)

    def graded(self, defect: str = "") -> Grade:
        """How binding it is to refuse this defect."""
        return "free" if defect in self.free else self.grade

    @property
    def source(self) -> str:
        """Where the rule is written and how binding it is: `RFC 9449 §11.1, must; stale: free`."""
        return f"{self.section}, {self.grade}" + "".join(f"; {one}: free" for one in self.free)


def check(
    section: str,
    *,
    stops: str,
    mend: str,
    needs: tuple[str, ...] = (),
    grade: Grade = "must",
    free: tuple[str, ...] = (),
    mends: Mapping[str, str] | None = None,
) -> Callable[[Callable[[Any, Any], Verdict]], Check]:
    """Make a row of a function: its name is the row's name, its docstring the question."""

    def row(judge: Callable[[Any, Any], Verdict]) -> Check:
        question = (judge.__doc__ or "").strip()
        written = (section, stops, needs, mend, grade, free)
        return Check(judge.__name__, question, *written, judge, mends or {})

    return row


@dataclass(frozen=True, slots=True, repr=False)
class Finding(Shown):
    """A check and what it saw; nothing when a row it needs had failed."""

    check: Check
    mark: str = "not asked"  #: `passed`, `failed` or `not asked`
    wanted: Any = None
    found: Any = None
    defect: str = ""  #: the name of the fault (`missing`, `wrong`, …) when the row failed

    @property
    def grade(self) -> Grade:
        """How binding it is to refuse what was found."""
        return self.check.graded(self.defect)

    @property
    def mend(self) -> str:
        """What to do about what was found."""
        return self.check.mended(self.defect)

    @property
    def source(self) -> str:
        """Where the row is written, and the grade."""
        return f"{self.check.section}, {self.grade}"

    @property
    def question(self) -> str:
        """What the row asks; of one that was not asked what it needs, too."""
        needs = f" (not asked: needs {', '.join(self.check.needs)})"
        return self.check.question + needs * (self.mark == "not asked")

    @property
    def title(self) -> str:
        """The row and its question, with the defect where it failed."""
        no = f" No: {self.defect.replace('_', ' ')}" if self.defect else ""
        return f"{self.check.name}: {self.question}{no}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What was wanted and found of a row that failed, what to do, and what the row stops."""
        return (
            ("wanted", shown(self.wanted)),
            ("found", shown(self.found)),
            ("what to do", self.mend),
            ("stops", f"{self.check.stops} ({self.source})"),
        )

    def blocks(self) -> Iterator[Card]:
        """What it saw: when it failed, with what to do."""
        yield Card(self.title, self.mark, self.facts if self.mark == "failed" else ())

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Row, question, wanted and found."""
        asked = self.mark != "not asked"
        wanted, found = (shown(one, 60) * asked for one in (self.wanted, self.found))
        return self.check.name, f"{self.question}\n{self.source}", wanted, found


def ask(
    rows: tuple[Check, ...], presented: object, context: object, *, whole: bool = True
) -> Iterator[Finding]:
    """The findings, one row at a time: all of them, or (a gatekeeper) up to the first failure."""
    broken: set[str] = set()
    for row in rows:
        if broken.isdisjoint(row.needs):
            wanted, found, defect = row.judge(presented, context)
            finding = Finding(row, "failed" if defect else "passed", wanted, found, defect or "")
        else:
            finding = Finding(row)
        yield finding
        if finding.mark != "passed":
            broken.add(row.name)
        if finding.mark == "failed" and not whole:
            return


@dataclass(frozen=True, slots=True, repr=False)
class Report(Shown):
    """All findings of one profile about one thing, in the order asked."""

    profile: str
    findings: tuple[Finding, ...]
    struck_out: tuple[str, ...] = ()

    @property
    def failure(self) -> Finding | None:
        """The first finding that failed, None when all passed."""
        return next((one for one in self.findings if one.mark == "failed"), None)

    @property
    def accepted(self) -> bool:
        """Did every row pass?"""
        return all(one.mark == "passed" for one in self.findings)

    def __bool__(self) -> bool:
        return self.accepted

    def __getitem__(self, name: str) -> Finding:
        """The finding of the row with this name. Raises KeyError when it was never reached."""
        return {one.check.name: one for one in self.findings}[name]

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """This report with every text changed that its rows wanted or found."""
        findings = tuple(
            replace(one, wanted=mapped(one.wanted, change), found=mapped(one.found, change))
            for one in self.findings
        )
        return replace(self, findings=findings)

    @property
    def title(self) -> str:
        """What came of it, and which rows were struck out."""
        said = "accepted" if self.accepted else "refused"
        return f"{self.profile}: {said}{_struck_out(self.struck_out)}"

    @property
    def table(self) -> Table:
        """All findings, folded."""
        rows = tuple(one.cells for one in self.findings)
        marks = tuple(one.mark for one in self.findings)
        return Table("", rows, HEAD, marks, HEAD[2:], folded=True)

    def blocks(self) -> Iterator[Block]:
        """The verdict, the rows that failed, and all rows in a table; no secret is in it."""
        failed = (one.blocks() for one in self.findings if one.mark == "failed")
        cards = tuple(chain.from_iterable(failed))
        yield Card(self.title, "passed" if self.accepted else "failed", parts=cards)
        yield self.table


def _struck_out(names: tuple[str, ...]) -> str:
    return f"\nstruck out, so never asked: {', '.join(names)}" if names else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a refusal looks like on the wire: status, OAuth error code, description."""

    status: int
    error: str | None = None
    description: str | None = None

    @property
    def members(self) -> dict[str, str]:
        """Error and description by their OAuth names, those that there are."""
        said = {"error": self.error, "error_description": self.description}
        return {name: text for name, text in said.items() if text is not None}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Profile(Shown):
    """The rules of one place: an ordered tuple of rows, and what the server answers to each defect.

    A row can only be left out by `without`, and every report then says so.
    """

    name: str
    rows: tuple[Check, ...]
    answers: Mapping[Failure, Answer]  #: what is said to a failed row
    otherwise: Answer = Answer(400)  #: what is said to one that `answers` does not have
    essential: frozenset[str] = frozenset()
    struck_out: tuple[str, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """Its rows in their order, each question a line that unfolds."""
        yield Note(f"{self.name}: {len(self.rows)} rows{_struck_out(self.struck_out)}")
        for one in self.rows:
            facts = (("stops", one.stops), ("what to do", one.mend), ("written in", one.source))
            yield Table(f"{one.name}: {one.question}", facts, folded=True)

    def without(self, name: str) -> Self:
        """This profile with one row struck out.

        Raises `LabError` for a row that is not there or that nothing could be checked without.
        """
        rows = {row.name: row for row in self.rows}
        if name in self.essential or rows.pop(name, None) is None:
            raise LabError(
                f"No row to strike out in the profile {self.name}",
                wanted="one of " + ", ".join(one for one in rows if one not in self.essential),
                found=repr(name),
                advice=f"Not to be struck out: {', '.join(sorted(self.essential)) or 'none'}.",
            )
        return replace(self, rows=tuple(rows.values()), struck_out=(*self.struck_out, name))

    def answer(self, finding: Finding) -> Answer:
        """What the server says to a failed finding."""
        name, said = finding.check.name, self.answers
        return said.get((name, finding.defect)) or said.get(name, self.otherwise)

    def examine(self, presented: object, context: object, *, whole: bool = True) -> Report:
        """Ask the rows: all of them, or (a gatekeeper) up to the first that fails."""
        findings = tuple(ask(self.rows, presented, context, whole=whole))
        return Report(self.name, findings, self.struck_out)
