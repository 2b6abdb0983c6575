"""Examine one call: ask the rows, weigh the words of the server against them, say what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dpop_lab.checking import Answer, Finding
from dpop_lab.doctor.advice.advise import advise
from dpop_lab.doctor.other_problems import other_problems
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.remarks import remarks_on, solved_later
from dpop_lab.doctor.server_words import GUESS, REDIRECTS, Said, blamed, meaning
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Looked, Used, ask_rows
from dpop_lab.session.call import Call
from dpop_lab.show.values import date, is_time, offset


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Examined:
    """A call with what was found: problems, the worst first, and remarks that are none."""

    call: Call
    looked: Looked
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What happened and why, in a line."""
        call, first = self.call, next(iter(self.problems), None)
        if call.refused:
            word = "Refused"
        elif call.status is None:
            word = "No answer" if call.exchange.failure else "Looked at"
        else:
            word = "Accepted" if call.status < 300 and call.place else "Answered"
        word += f" ({call.said})" if call.said else ""
        if first:
            more = len(self.problems) - 1
            return f"{word}: {first.title}" + (f" ({more} more)" if more else "")
        if call.refused:
            return f"{word}, then mended in a later request."
        asked = sum(len(report.findings) for report in self.looked.reports)
        rows = "one row" if asked == 1 else f"{asked} rows"
        told = f", as far as {rows} can tell" if asked else " with what can be seen"
        return f"{word}: nothing is wrong{told}."


def examine(
    call: Call,
    *,
    policy: Policy | None,
    now: float,
    used: Used,
    jwks: tuple[Mapping[str, Any], ...],
    solved: bool,
) -> Examined:
    """Examine a call. `solved`: a later exchange of the same session got what this one did not."""
    held_to = policy or (DUENDE if call.is_demo else RFC_9449)
    looked = ask_rows(call, held_to, RFC_9449, now=now, used=used, jwks=jwks)
    problems: list[Problem] = []
    remarks: list[str] = []
    if solved:
        remarks.append(solved_later(call))
    elif call.refused or _redirected(call):
        problems += _refused(call, looked, held_to)
    else:
        for finding in looked.failures:
            if call.status is None or finding.check == rules.no_private_key:
                problems.append(_problem(finding, call))
            else:
                told = f"{finding.check.name}. {advise(finding, call)}"
                remarks.append(f"The server took it, but: {told}")
    if policy is None and not call.is_demo:  # not every server follows RFC 9068
        remarks += [f"{one.title}. {RFC_9068}" for one in problems if one.row == "at_typ"]
        problems = [one for one in problems if one.row != "at_typ"]
        problems = problems or ([*_meaning(call)] if call.refused else [])
    problems += other_problems(call)
    remarks += remarks_on(call, looked)
    return Examined(
        call=call,
        looked=looked,
        problems=tuple(problems),
        remarks=tuple(dict.fromkeys(remarks)),
    )


MOST_ROWS = 3
RFC_9068 = "RFC 9068 has at+jwt, which not every server follows."


def _meaning(call: Call) -> Iterator[Problem]:
    """What a refusal means, going by what the server said alone."""
    if told := meaning(call):
        yield Problem(title=f"{_said(call)}: {told[0]}".rstrip("."), action=told[1])


def _redirected(call: Call) -> bool:
    """Was a request with a proof or a token sent elsewhere, where it needs a new proof?"""
    return call.status in REDIRECTS and (call.is_proof or bool(call.token))


def _problem(finding: Finding, call: Call) -> Problem:
    problem = Problem.of(
        finding.check,
        f"{finding.check.question} No: {finding.defect.replace('_', ' ')}",
        advise(finding, call),
        defect=finding.defect,
        wanted=finding.wanted,
        found=finding.found,
    )
    return replace(problem, found=problem.found + _note(finding, call))


def _note(finding: Finding, call: Call) -> str:
    """The date beside a time that a row found, and how far it is from the clock that decides."""
    value = finding.found
    if finding.check not in (rules.fresh, not_expired) or not is_time(value) or not call.clock:
        return ""
    time, whose = call.clock
    return f" ({date(value)}, {offset(value, time)} {whose})" if date(value) else ""


def _refused(call: Call, looked: Looked, policy: Policy) -> Iterator[Problem]:
    """Why the server said no: the rows it may mean first, then the others that fail."""
    said = blamed(call, policy)
    if len({one.row.name for one in said}) > MOST_ROWS:  # words that fit many rows tell of none
        said = ()
    names = [one.row.name for one in said]
    failed = looked.failures
    answer = Answer(call.status or 0, call.error or None, call.description or None)
    hit = [one for one in failed if one.check.name in names or looked.answered(one) == answer]
    if said and not hit:
        yield _unexplained(call, looked, said)
    elif not failed or (not hit and call.error not in ("", "invalid_dpop_proof", "invalid_token")):
        yield from _meaning(call)
    for finding in sorted(failed, key=lambda one: one not in hit):
        yield _problem(finding, call)


def _said(call: Call) -> str:
    said = call.said or ("a bare DPoP challenge" if call.bare_challenge else "the server")
    return f"{said} “{call.description}”" if call.description else said


def _unexplained(call: Call, looked: Looked, said: tuple[Said, ...]) -> Problem:
    """The server names a row which passes here, or which can't be asked."""
    row, finding = said[0].row, looked.finding(said[0].row.name)
    missing = dict(looked.missing).get(row.name)
    places = " or ".join(dict.fromkeys(one.place for one in said if one.place))
    whose = {one.policy for one in said}
    names = " or ".join(dict.fromkeys(one.row.name for one in said))
    title = f"{_said(call)}: "
    title += f"this sounds like the row {names}" if whose == {GUESS} else f"the row {names} failed"
    title += f" at the {places}" if places else ""
    title += ", in the demo server's words" if whose == {DUENDE.name} else ""
    if finding and finding.mark == "passed":
        why = WHY_PASSED.get(row, "is this the request that was refused?")
        more = f" Here the row passes: {why}"
    elif missing:
        more = f" To be sure, give {missing}."
    elif "proof" in call.hidden:
        more = " The proof is redacted here: with it, the row is asked."
    else:
        asked = call.is_proof or call.token
        more = "" if asked else " Give the request as well, and the row is asked."
    return Problem(title=title, action=row.mend + more, row=row.name, section=row.section)


WHY_PASSED = {  # what a server may know that is not known here
    rules.htu: "the server takes another URL for its own, as behind a proxy that hides scheme, host"
    " or prefix: compare with the URL in its log or metadata.",
    rules.fresh: "compare the server's clock with the client's; its window may be smaller.",
    rules.unused: "the proof was sent before, in an exchange that is not in this paste.",
    rules.nonce: "the nonce was outdated when it came, or is that of another server.",
    rules.one_header: "something on the way may add or take a DPoP header.",
    rules.signature: "was the text changed on the way?",
}
