"""One call with all that was found, and what several calls tell once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.checking import Finding, Report
from dpop_lab.doctor.problem import Problem
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import Call

ECHO = "Another exchange with this status tells the reason."
SILENT = ("status",)  # what a finding explains that goes by the status alone


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Examined:
    """A call with what was found: what the rows say, what is wrong, and remarks that are none."""

    call: Call
    #: whose rows were asked
    policy: Policy
    reports: tuple[Report, ...] = ()
    #: of each row that could not be asked, what to give so that it can
    missing: Mapping[str, str] = field(default_factory=dict)
    #: what fails under RFC_9449 alone
    stricter: tuple[Finding, ...] = ()
    #: the worst first
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def findings(self) -> dict[str, Finding]:
        """What was found by the rows that were asked, by their names, in the order asked."""
        return {one.check.name: one for report in self.reports for one in report.findings}

    @property
    def failures(self) -> list[Finding]:
        """The findings that failed."""
        return [one for one in self.findings.values() if one.mark == "failed"]

    @property
    def outcome(self) -> str:
        """What happened, in a few words."""
        call = self.call
        if call.refused:
            word = "Refused"
        elif call.status is None:
            word = "No answer" if call.exchange.failure else "Looked at"
        else:
            word = "Accepted" if call.status < 300 and call.place else "Answered"
        return f"{word} ({call.said})" if call.said else word

    @property
    def verdict(self) -> str:
        """What happened and why, in a line."""
        asked, more = len(self.findings), len(self.problems) - 1
        if self.problems:
            return f"{self.outcome}: {self.problems[0].title}" + (f" ({more} more)" if more else "")
        if self.call.refused:
            return f"{self.outcome}. {self.remarks[0]}" if self.remarks else self.outcome
        rows = "one row" if asked == 1 else f"{asked} rows"
        told = f", as far as {rows} can tell" if asked else " with what can be seen"
        return f"{self.outcome}: nothing is wrong{told}."


def told_once(examined: list[Examined]) -> Iterator[Examined]:
    """Each call without what a finding of another one says, or says better."""
    known = [(one.call.status, problem) for one in examined for problem in one.problems]
    clear = {status for status, problem in known if problem.explains != SILENT}
    actions = tuple(problem.action for _, problem in known if problem.action)
    for one in examined:
        left = [each for each in one.problems if each.explains != SILENT]
        echo = one.problems and not left and one.call.status in clear
        remarks = [each for each in one.remarks if not each.endswith(actions)] + [ECHO] * bool(echo)
        yield replace(one, problems=() if echo else one.problems, remarks=tuple(remarks))
