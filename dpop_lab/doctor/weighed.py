"""Why a server said no: its words against what can be seen, the likeliest reason first."""

from dataclasses import replace
from typing import TYPE_CHECKING

from dpop_lab.checking import Answer, Finding
from dpop_lab.doctor.advice.passed import REASONS, why_passed
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.wordings import VAGUE
from dpop_lab.doctor.words import meaning

if TYPE_CHECKING:
    from dpop_lab.doctor.examine import Examined

CATCH_ALL = ("", "invalid_dpop_proof", "invalid_token")  # codes that stand for many reasons


def weighed(
    one: "Examined", certain: list[Problem], free: list[Finding]
) -> tuple[list[Problem], list[Finding]]:
    """Why the server said no, the likeliest first; and what it may have passed over.

    Evidence explains the server's words, where both are about one thing; words that name a reason
    of their own come before other evidence, words that name none tell nothing beside it.
    """
    said, answered = meaning(one.call, one.policy), _rows_answered_so(one)
    meant = {*answered, *(said.explains if said else ()), one.call.error.lower()} - {""}
    likely = {each.check.name: Problem.of(each, one.call) for each in free}
    hits = [problem for problem in (*certain, *likely.values())
            if meant & {problem.row, *problem.explains}]  # fmt: skip
    others = [problem for problem in certain if problem not in hits]
    left = [each for each in free if likely[each.check.name] not in hits]
    if not hits and said and (_tells(said, one) or not (certain or free)):
        return [_beside_rows(said, one), *others], left
    if not hits:
        return [*others, *likely.values()], []
    return [*hits, *others], left


def _tells(said: Problem, one: "Examined") -> bool:
    """Do the words name a reason, which need not be what can be seen here?"""
    finding = one.findings.get(said.row)
    if finding and finding.mark == "passed" and finding.check not in REASONS:
        return False  # they stand for any fault
    topic, error = said.explains[0], one.call.error.lower()
    return topic != "status" and (topic not in VAGUE or error not in CATCH_ALL)


def _rows_answered_so(one: "Examined") -> set[str]:
    """The rows that failed, and to which these rules have the answer that was given."""
    call, profiles = one.call, {each.name: each for each in one.policy.profiles.values()}
    answer = Answer(call.status or 0, call.error or None, call.description or None)
    return {
        finding.check.name
        for report in one.reports
        for finding in report.findings
        if finding.mark == "failed" and profiles[report.profile].answer(finding) == answer
    }


def _beside_rows(said: Problem, one: "Examined") -> Problem:
    """What the words mean, with what the row that they are about says here."""
    call, row = one.call, said.row
    title, action = said.title, said.action
    if (finding := one.findings.get(row)) and finding.mark == "passed":
        title += ", and here that row passes"
        action = why_passed(finding.check, call)
    elif row in one.missing:
        action += f" To be sure, give {one.missing[row]}."
    elif row and "proof" in call.hidden:
        action += " The proof is redacted here: with it, the row is asked."
    elif row and not (call.whole or call.is_proof or call.token):
        action += " Give the request as well, and the row is asked."
    return replace(said, title=title, action=action)
