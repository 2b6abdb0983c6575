"""Why a server said no: its words against what can be seen, the likeliest reason first."""

from collections.abc import Mapping
from dataclasses import replace

from dpop_lab.checking import Answer, Finding, Report
from dpop_lab.doctor.advice.passed import REASONS, why_passed
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.wordings import VAGUE
from dpop_lab.doctor.words import meaning
from dpop_lab.proof import rules
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import Call

OF_THE_FORM = ("strict_form", "typ", "alg", "jwk", "no_private_key", "jti")  # may be "malformed"
CATCH_ALL = ("", "invalid_dpop_proof", "invalid_token")  # codes that stand for many reasons


def weighed(
    call: Call,
    policy: Policy,
    *,
    reports: tuple[Report, ...],
    missing: Mapping[str, str],
    certain: list[Problem],
    free: list[Finding],
) -> tuple[list[Problem], list[Finding]]:
    """Why the server said no, the likeliest first; and what it may have passed over.

    `certain` is what can be seen, `free` what the server may see in its own way. Evidence explains
    the server's words, where both are about one thing; words that name a reason of their own come
    before other evidence, words that name none tell nothing beside it.
    """
    said, answered = meaning(call, policy), _rows_answered_so(call, policy, reports)
    meant = {*answered, *(said.explains if said else ()), call.error.lower()} - {""}
    meant |= {*OF_THE_FORM} if rules.well_formed.name in meant else set()
    likely = {each.check.name: Problem.of(each, call) for each in free}
    hits = [problem for problem in (*certain, *likely.values())
            if meant & {problem.row, *problem.explains}]  # fmt: skip
    others = [problem for problem in certain if problem not in hits]
    left = [each for each in free if likely[each.check.name] not in hits]
    if hits:
        return [*hits, *others], left
    findings = {one.check.name: one for report in reports for one in report.findings}
    finding = findings.get(said.row) if said else None
    passed = finding if finding and finding.mark == "passed" else None
    if said and (_tells(said, call, passed) or not (certain or free)):
        return [_beside_rows(said, call, passed, missing), *others], left
    return [*others, *likely.values()], []


def _tells(said: Problem, call: Call, passed: Finding | None) -> bool:
    """Do the words name a reason, which need not be what can be seen here?"""
    if passed and passed.check not in REASONS:
        return False  # they stand for any fault
    topic, error = said.explains[0], call.error.lower()
    return topic != "status" and (topic not in VAGUE or error not in CATCH_ALL)


def _rows_answered_so(call: Call, policy: Policy, reports: tuple[Report, ...]) -> set[str]:
    """The rows that failed, and to which these rules have the answer that was given."""
    profiles = {each.name: each for each in policy.profiles.values()}
    answer = Answer(call.status or 0, call.error or None, call.description or None)
    return {
        finding.check.name
        for report in reports
        for finding in report.findings
        if finding.mark == "failed" and profiles[report.profile].answer(finding) == answer
    }


def _beside_rows(
    said: Problem, call: Call, passed: Finding | None, missing: Mapping[str, str]
) -> Problem:
    """What the words mean, with what the row that they are about says here."""
    title, action, row = said.title, said.action, said.row
    if passed:
        title += ", and here that row passes"
        action = why_passed(passed.check, call)
    elif row in missing:
        action += f" To be sure, give {missing[row]}."
    elif row and "proof" in call.hidden:
        action += " The proof is redacted here: with it, the row is asked."
    elif row and not (call.whole or call.is_proof or call.token):
        action += " Give the request as well, and the row is asked."
    return replace(said, title=title, action=action)
