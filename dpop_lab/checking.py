"""What a check, a verdict, a finding, a report and a profile are: rules as data, asked in order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from dpop_lab.errors import LabError
from dpop_lab.show import Block, Shown, Table
from dpop_lab.show.values import mapped, shown

HEAD = ("Row", "Question", "Wanted", "Found")
PROFILE_HEAD = ("Row", "Question", "What it stops, and what to do when it fails")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check saw. `defect` names the fault (`missing`, `wrong`, …), None when good."""

    wanted: object
    found: object
    defect: str | None = None


def equal(*, wanted: object, found: object) -> Verdict:
    """Good when found is wanted, of the same type; else `missing` (None) or `wrong`."""
    if found is None:
        return Verdict(wanted, found, "missing")
    same = type(found) is type(wanted) and found == wanted
    return Verdict(wanted, found, None if same else "wrong")


Grade = Literal["must", "should", "free"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: a pure, total function of what was presented and the context, with its metadata."""

    name: str
    question: str
    #: Where the rule is written.
    section: str
    #: The attack it is there for.
    stops: str
    #: The names of the rows without which the question makes no sense.
    needs: tuple[str, ...]
    #: What to do when it fails, in a sentence.
    mend: str
    #: How binding it is to refuse a defect, by the name of the defect, or under "" for any other:
    #: `must` (it is demanded), `should` (advised), or `free` (each server decides for itself).
    grades: Mapping[str, Grade] = field(hash=False)
    judge: Callable[[Any, Any], Verdict] = field(repr=False)

    def graded(self, defect: str = "") -> Grade:
        """How binding it is to refuse this defect."""
        return self.grades.get(defect) or self.grades.get("", "must")

    @property
    def source(self) -> str:
        """Where the rule is written and how binding it is: `RFC 9449 §11.1, must; stale: free`."""
        others = (f"; {defect}: {grade}" for defect, grade in self.grades.items() if defect)
        return f"{self.section}, {self.graded()}{''.join(others)}"


def check(
    section: str,
    *,
    stops: str,
    mend: str,
    needs: tuple[str, ...] = (),
    grade: Grade | Mapping[str, Grade] = "must",
) -> Callable[[Callable[[Any, Any], Verdict]], Check]:
    """Make a row of a function: its name is the row's name, its docstring the question.

    `grade` is that of every defect, or has one for each (see `Check.grades`).
    """
    grades: Mapping[str, Grade] = {"": grade} if isinstance(grade, str) else grade

    def row(judge: Callable[[Any, Any], Verdict]) -> Check:
        question = (judge.__doc__ or "").strip()
        return Check(judge.__name__, question, section, stops, needs, mend, grades, judge)

    return row


@dataclass(frozen=True, slots=True, repr=False)
class Finding(Shown):
    """A check and its verdict; no verdict when a row it needs had failed."""

    check: Check
    verdict: Verdict | None

    @property
    def mark(self) -> str:
        """`passed`, `failed` or `not asked`."""
        if self.verdict is None:
            return "not asked"
        return "passed" if self.verdict.defect is None else "failed"

    @property
    def defect(self) -> str:
        """The name of the fault; empty when the row did not fail."""
        return (self.verdict and self.verdict.defect) or ""

    @property
    def wanted(self) -> Any:
        """What was wanted; None when the row was not asked."""
        return self.verdict and self.verdict.wanted

    @property
    def found(self) -> Any:
        """What was found; None when the row was not asked."""
        return self.verdict and self.verdict.found

    @property
    def grade(self) -> Grade:
        """How binding it is to refuse what was found."""
        return self.check.graded(self.defect)

    @property
    def source(self) -> str:
        """Where the row is written, and the grade."""
        return f"{self.check.section}, {self.grade}"

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """This finding with every text changed that its row wanted or found."""
        if self.verdict is None:
            return self
        verdict = self.verdict
        wanted, found = (mapped(value, change) for value in (verdict.wanted, verdict.found))
        return replace(self, verdict=replace(verdict, wanted=wanted, found=found))

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Row, question, wanted and found, with what it stops where it failed."""
        row, verdict = self.check, self.verdict
        if verdict is None:
            needs = f"not asked: needs {', '.join(row.needs)}"
            return row.name, f"{row.question} ({needs})\n{self.source}", "", ""
        question = f"{row.question}\n{self.source}"
        if verdict.defect is not None:
            stops = f"Stops {row.stops} ({self.source})."
            question = f"{row.question} No: {verdict.defect}.\n{stops}\n{row.mend}"
        limit = 60 if verdict.defect is None else 120
        return row.name, question, shown(verdict.wanted, limit), shown(verdict.found, limit)

    def blocks(self) -> Iterator[Block]:
        """A table of one row, which plain text has whole where it failed."""
        yield _table("", (self,))


def _table(title: str, findings: tuple[Finding, ...], mark: str = "") -> Table:
    rows, marks = tuple(one.cells for one in findings), tuple(one.mark for one in findings)
    return Table(title, rows, HEAD, mark, marks, HEAD[2:])


def ask(rows: tuple[Check, ...], presented: object, context: object) -> Iterator[Finding]:
    """The findings, one row at a time: a gatekeeper stops at the first failure, a lab takes all."""
    broken: set[str] = set()
    for row in rows:
        blocked = not broken.isdisjoint(row.needs)
        finding = Finding(row, None if blocked else row.judge(presented, context))
        if finding.mark != "passed":
            broken.add(row.name)
        yield finding


@dataclass(frozen=True, slots=True, repr=False)
class Report(Shown):
    """All findings of one profile about one thing, in the order asked."""

    profile: str
    findings: tuple[Finding, ...]
    struck_out: tuple[str, ...] = ()

    @property
    def failure(self) -> Finding | None:
        """The first finding that failed, None when all passed."""
        return next((finding for finding in self.findings if finding.mark == "failed"), None)

    @property
    def accepted(self) -> bool:
        """Did every row pass?"""
        return all(finding.mark == "passed" for finding in self.findings)

    def __bool__(self) -> bool:
        """A refused report is false."""
        return self.accepted

    def __getitem__(self, name: str) -> Finding:
        """The finding of the row with this name. Raises KeyError when it was never reached."""
        for finding in self.findings:
            if finding.check.name == name:
                return finding
        raise KeyError(name)

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """This report with every text changed that its rows wanted or found."""
        return replace(self, findings=tuple(one.with_texts(change) for one in self.findings))

    def blocks(self) -> Iterator[Block]:
        """All findings in a table; no secret is in it."""
        said, mark = ("accepted", "passed") if self.accepted else ("refused", "failed")
        title = f"{self.profile}: {said}{_struck_out(self.struck_out)}"
        yield _table(title, self.findings, mark)


def _struck_out(names: tuple[str, ...]) -> str:
    return f"\nstruck out, so never asked: {', '.join(names)}" if names else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a refusal looks like on the wire: status, OAuth error code, description."""

    status: int
    error: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Profile(Shown):
    """The rules of one place: an ordered tuple of rows, and what the server answers to each defect.

    A row can only be left out by `without`, and every report then says so.
    """

    name: str
    rows: tuple[Check, ...]
    #: What is said to a failed row, by its name or by the pair of name and defect.
    answers: Mapping[str | tuple[str, str], Answer]
    #: What is said to one that `answers` does not have.
    otherwise: Answer = Answer(400)
    essential: frozenset[str] = frozenset()
    struck_out: tuple[str, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """The check table, drawn from the rows."""
        title = f"{self.name}: {len(self.rows)} rows{_struck_out(self.struck_out)}"
        rows = (
            (row.name, f"{row.question}\n{row.source}", f"{row.stops}\n{row.mend}")
            for row in self.rows
        )
        yield Table(title, tuple(rows), PROFILE_HEAD)

    def without(self, name: str) -> Self:
        """This profile with one row struck out.

        Raises `LabError` for a row that is not there or that nothing could be checked without.
        """
        names = [row.name for row in self.rows if row.name not in self.essential]
        if name not in names:
            raise LabError(
                f"No row to strike out in the profile {self.name}",
                wanted="one of " + ", ".join(names),
                found=repr(name),
                advice=f"Not to be struck out: {', '.join(sorted(self.essential)) or 'none'}.",
            )
        rows = tuple(row for row in self.rows if row.name != name)
        return replace(self, rows=rows, struck_out=(*self.struck_out, name))

    def answer(self, finding: Finding) -> Answer:
        """What the server says to a failed finding."""
        name = finding.check.name
        by_defect = self.answers.get((name, finding.defect))
        return by_defect or self.answers.get(name, self.otherwise)

    def examine(self, presented: object, context: object, *, whole: bool = True) -> Report:
        """Ask the rows: all of them, or (a gatekeeper) up to the first that fails."""
        findings = []
        for finding in ask(self.rows, presented, context):
            findings.append(finding)
            if finding.mark == "failed" and not whole:
                break
        return Report(self.name, tuple(findings), self.struck_out)
