"""Examine one case: ask the rows, weigh the words of the server against them, say what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.checking import Answer, Finding
from dpop_lab.doctor.advice.advise import GENERAL, advise
from dpop_lab.doctor.beside import beside
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.remarks import remarks_on, solved_later
from dpop_lab.doctor.server_words import GUESS, Blame, blamed, meaning, policy_of
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Looked, Used, look
from dpop_lab.session.call import Call
from dpop_lab.show.times import FAR, date, offset
from dpop_lab.show.values import shown


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Examined:
    """A case with what was found: problems, the worst first, and remarks that are none."""

    case: Call
    looked: Looked
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """What happened and why, in a line."""
        case, first = self.case, next(iter(self.problems), None)
        said = " ".join(filter(None, (str(case.status or ""), case.error)))
        if not case.refused and case.status is not None:
            taken = case.status < 300 and case.place
            word = f"Accepted ({said})" if taken else f"Answered ({said})"
        elif case.refused:
            word = f"Refused ({said})" if said else "Refused"
        else:
            word = "No answer" if case.exchange.failure else "Looked at"
        if first is None and case.refused:
            return f"{word}, then mended in a later request."
        if first is None:
            return f"{word}: {self._good()}."
        more = len(self.problems) - 1
        also = f" ({more} more)" if more else ""
        return f"{word}: {first.title}{also}"

    def _good(self) -> str:
        asked = sum(len(report.findings) for report in self.looked.reports)
        if not asked:
            return "nothing is wrong with what can be seen"
        told = "one row" if asked == 1 else f"{asked} rows"
        return f"nothing is wrong, as far as {told} can tell"


def examine(
    case: Call,
    *,
    policy: Policy | None,
    now: float,
    used: Used,
    jwks: tuple[Mapping[str, Any], ...],
    solved: bool,
) -> Examined:
    """Examine a case. `solved`: a later exchange of the same session got what this one did not."""
    rules = policy or policy_of(case)
    looked = look(case, rules, RFC_9449, now=now, used=used, jwks=jwks)
    problems: list[Problem] = []
    remarks: list[str] = []
    if solved:
        remarks.append(solved_later(case))
    elif case.refused or _redirected(case):
        problems += _refused(case, looked)
    elif case.status is not None:
        taken = [one for one in looked.failures if one.check.name != "no_private_key"]
        remarks += [f"The server took it, but: {_brief(one, case)}" for one in taken]
        problems += [_problem(one, case) for one in looked.failures if one not in taken]
    else:
        problems += [_problem(one, case) for one in looked.failures]
    if policy is None and not case.is_demo:  # not every server follows RFC 9068
        remarks += [f"{one.title}. {RFC_9068}" for one in problems if one.row == "at_typ"]
        problems = [one for one in problems if one.row != "at_typ"] or _still_refused(case)
    problems += beside(case)
    remarks += remarks_on(case, looked)
    return Examined(
        case=case,
        looked=looked,
        problems=tuple(problems),
        remarks=tuple(dict.fromkeys(remarks)),
    )


RFC_9068 = "RFC 9068 has at+jwt, which not every server follows."


def _still_refused(case: Call) -> list[Problem]:
    """What is to be said of a refusal when nothing else is."""
    told = meaning(case) if case.refused else None
    return [Problem(title=f"{_said(case)}: {told[0]}".rstrip("."), action=told[1])] if told else []


def _redirected(case: Call) -> bool:
    """Was a request with a proof or a token sent elsewhere, where it needs a new proof?"""
    return case.status in REDIRECTS and (case.is_proof or bool(case.token))


REDIRECTS = (301, 302, 303, 307, 308)


def _problem(finding: Finding, case: Call) -> Problem:
    verdict, row = finding.verdict, finding.check
    return Problem(
        title=f"{row.name}: {_no(finding)}",
        action=advise(finding, case),
        row=row.name,
        wanted=shown(verdict.wanted, 200) if verdict else "",
        found=shown(verdict.found, 200) + _note(row.name, verdict.found, case) if verdict else "",
        section=row.section,
    )


def _note(row: str, value: object, case: Call) -> str:
    """The date beside a time that a row found, and how far it is from the clock that decides."""
    if row not in ("fresh", "not_expired") or type(value) not in (int, float) or not case.clock:
        return ""
    time, whose = case.clock
    told = date(value) if abs(value) < FAR else ""  # type: ignore[arg-type]
    return f" ({told}, {offset(value, time)} {whose})" if told else ""  # type: ignore[arg-type]


def _no(finding: Finding) -> str:
    defect = (finding.verdict.defect if finding.verdict else None) or ""
    return f"{finding.check.question} No: {defect.replace('_', ' ')}"


def _brief(finding: Finding, case: Call) -> str:
    return f"{finding.check.name}. {advise(finding, case)}"


def _refused(case: Call, looked: Looked) -> Iterator[Problem]:
    """Why the server said no: the rows it may mean first, then the others that fail."""
    blames = blamed(case)
    names = [blame.row for blame in blames]
    failed = looked.failures
    hit = [one for one in failed if one.check.name in names or _fits(looked.answered(one), case)]
    if blames and not hit:
        yield _unexplained(case, looked, blames)
    elif not failed or (not hit and case.error not in ("", "invalid_dpop_proof", "invalid_token")):
        told = meaning(case)
        if told:
            yield Problem(title=f"{_said(case)}: {told[0]}".rstrip("."), action=told[1])
    for finding in sorted(failed, key=lambda one: one not in hit):
        yield _problem(finding, case)


def _fits(answer: Answer, case: Call) -> bool:
    """Are these the words of this refusal, as far as they are known?"""
    if case.status is None:
        return False
    said = (answer.status, answer.error or "", answer.description or "")
    return said == (case.status, case.error, case.description)


def _said(case: Call) -> str:
    said = " ".join(filter(None, (str(case.status or ""), case.error)))
    if not said:
        said = "a bare DPoP challenge" if case.bare_challenge else "the server"
    return f"{said} “{case.description}”" if case.description else said


def _unexplained(case: Call, looked: Looked, blames: tuple[Blame, ...]) -> Problem:
    """The server names a row which passes here, or which can't be asked."""
    rows = list(dict.fromkeys(blame.row for blame in blames))
    row, finding = rows[0], looked.finding(rows[0])
    missing = dict(looked.missing).get(row, "")
    places = " or ".join(dict.fromkeys(filter(None, (blame.place for blame in blames))))
    whose = {blame.policy for blame in blames}
    of_demo = " in the demo server's words" if whose == {DUENDE.name} else ""
    where = f" at the {places}" if places else ""
    sure = "that is" if whose != {GUESS} else "that sounds like"
    title = f"{_said(case)}: {sure} the row {' or '.join(rows)}{where}{of_demo}"
    action = GENERAL.get(row, "")
    if finding is not None and finding.mark == "passed":
        why = WHY_PASSED.get(row, "is this the request that was refused?")
        action = f"{action} Here the row passes: {why}"
    elif missing:
        action = f"{action} To be sure, give {missing}."
    elif "proof" in case.hidden:
        action = f"{action} The proof is redacted here: with it, the row is asked."
    elif not case.is_proof and not case.token:
        action = f"{action} Give the request as well, and the row is asked."
    section = finding.check.section if finding else ""
    return Problem(title=title, action=action.strip(), row=row, section=section)


WHY_PASSED = {
    "htu": "the server takes another URL for its own, as behind a proxy that hides scheme, host or "
    "prefix: compare with the URL in its log or metadata.",
    "fresh": "compare the server's clock with the client's; its window may be smaller.",
    "unused": "the proof was sent before, in an exchange that is not in this paste.",
    "nonce": "the nonce was outdated when it came, or is that of another server.",
    "one_header": "something on the way may add or take a DPoP header.",
    "signature": "was the text changed on the way?",
}
