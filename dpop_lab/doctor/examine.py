"""Examine one case: ask the rows, weigh the server's words against them, say what to do."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.doctor.advice import GENERAL, advise
from dpop_lab.doctor.case import API, TOKEN_ENDPOINT, Case
from dpop_lab.doctor.decoded import thumbprint_or_none
from dpop_lab.doctor.look import Looked, Used, look
from dpop_lab.doctor.server_words import Blame, blamed, meaning, policy_of
from dpop_lab.doctor.times import duration
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof.checking import SYMBOLS, Answer, Finding
from dpop_lab.proof.htu import without_query
from dpop_lab.proof.rendering import printable, shown
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449

SKEW = 5  # seconds between two clocks that are not worth a word


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem:
    """One thing that is wrong: the row that says so, if one does, and what to do about it.

    `wanted`, `found` and `section`, where it is written, are empty where no row was asked.
    """

    title: str
    action: str
    row: str = ""
    wanted: str = ""
    found: str = ""
    section: str = ""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What to do, and what the row wanted and found, as terms and texts."""
        names = ("action", "wanted", "found", "section")
        terms = ("what to do", *names[1:])
        pairs = zip(terms, (getattr(self, name) for name in names), strict=True)
        return tuple((term, text) for term, text in pairs if text)

    def __repr__(self) -> str:
        """The title, and a line for each of `lines`."""
        told = [f"  {term:<10}  {text}" for term, text in self.lines]
        return printable("\n".join([f"{SYMBOLS['failed']} {self.title}", *told]))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Examined:
    """A case with what was found: problems, the worst first, and remarks that are none."""

    case: Case
    looked: Looked
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """What happened and why, in a line."""
        case, first = self.case, next(iter(self.problems), None)
        said = " ".join(filter(None, (str(case.status or ""), case.error)))
        if not case.refused and case.status is not None:
            word = f"Accepted ({said})" if case.status < 300 else f"Answered ({said})"
        elif case.refused:
            word = f"Refused ({said})" if said else "Refused"
        else:
            word = "No answer" if case.failure else "Looked at"
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
        return f"nothing is wrong, as far as {asked} rows can tell"


def examine(
    case: Case,
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
        remarks.append(_solved(case))
    elif case.refused or (case.status or 0) >= 300:
        problems += _refused(case, looked)
    elif case.status is not None:
        taken = [one for one in looked.failures if one.check.name != "no_private_key"]
        remarks += [f"The server took it, but: {_brief(one, case)}" for one in taken]
        problems += [_problem(one, case) for one in looked.failures if one not in taken]
    else:
        problems += [_problem(one, case) for one in looked.failures]
    problems += _beside(case)
    remarks += _remarks(case, looked)
    return Examined(
        case=case,
        looked=looked,
        problems=tuple(problems),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _problem(finding: Finding, case: Case) -> Problem:
    verdict, row = finding.verdict, finding.check
    return Problem(
        title=f"{row.name}: {_no(finding)}",
        action=advise(finding, case),
        row=row.name,
        wanted=shown(verdict.wanted, 200) if verdict else "",
        found=shown(verdict.found, 200) if verdict else "",
        section=row.section,
    )


def _no(finding: Finding) -> str:
    defect = (finding.verdict.defect if finding.verdict else None) or ""
    return f"{finding.check.question} No: {defect.replace('_', ' ')}"


def _brief(finding: Finding, case: Case) -> str:
    return f"{finding.check.name}. {advise(finding, case)}"


def _refused(case: Case, looked: Looked) -> Iterator[Problem]:
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


def _fits(answer: Answer, case: Case) -> bool:
    """Are these the words of this refusal, as far as they are known?"""
    if case.status is None:
        return False
    said = (answer.status, answer.error or "", answer.description or "")
    return said == (case.status, case.error, case.description)


def _said(case: Case) -> str:
    said = " ".join(filter(None, (str(case.status or ""), case.error)))
    if not said:
        said = "a bare DPoP challenge" if case.bare_challenge else "the server"
    return f"{said} “{case.description}”" if case.description else said


def _unexplained(case: Case, looked: Looked, blames: tuple[Blame, ...]) -> Problem:
    """The server names a row which passes here, or which can't be asked."""
    rows = list(dict.fromkeys(blame.row for blame in blames))
    row, finding = rows[0], looked.finding(rows[0])
    missing = dict(looked.missing).get(row, "")
    places = " or ".join(dict.fromkeys(blame.place for blame in blames))
    whose = {blame.policy for blame in blames}
    of_demo = " in the demo server's words" if whose == {DUENDE.name} else ""
    title = f"{_said(case)}: that is the row {' or '.join(rows)} at the {places}{of_demo}"
    action = GENERAL.get(row, "")
    if finding is not None and finding.mark == "passed":
        why = WHY_PASSED.get(row, "is this the request that was refused?")
        action = f"{action} Here the row passes: {why}"
    elif missing:
        action = f"{action} To be sure, give {missing}."
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


def _beside(case: Case) -> Iterator[Problem]:
    """What no row asks: tokens in the wrong place or not bound, answers that never came."""
    if case.failure:
        yield Problem(
            title=f"No answer came: {shown(case.failure, 200)}",
            action="Look at the address, the network, its proxy and certificates.",
        )
    query = case.url.partition("?")[2]
    if "access_token=" in query or (case.place == API and "access_token" in case.form):
        yield Problem(
            title="The access token stands in the URL or the body",
            action="Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            section="RFC 9449 §7.1",
        )
    if (queried := _queried(case)) and not (case.status and case.status < 300):
        yield queried
    if not case.issued:
        return
    claims = read_jws(case.issued).claims
    cnf = claims.get("cnf")
    jwk = case.proof.header.get("jwk")
    mine = thumbprint_or_none(jwk) if isinstance(jwk, dict) else None
    if case.token_type.lower() == "bearer" and (case.is_proof or "proof" in case.hidden):
        yield Problem(
            title="token_type: Bearer came in answer to a proof, so the token is bound to no key",
            action="The server passed over the DPoP header: does it know DPoP, for this client?",
            wanted="DPoP",
            found=case.token_type,
            section="RFC 9449 §5",
        )
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    if mine and bound and bound != mine:
        yield Problem(
            title="cnf.jkt: the new access token is bound to another key than the proof's",
            action="Look at what makes the token request: it signs with another key.",
            wanted=mine,
            found=shown(bound, 80),
            section="RFC 9449 §6.1",
        )


def _queried(case: Case) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = case.proof.claims.get("htu")
    if not isinstance(htu, str) or not ("?" in htu or "#" in htu):
        return None
    part = "query" if "?" in htu else "fragment"
    return Problem(
        title=f"htu: it has a {part}",
        action=f"htu has a {part}: send {shown(without_query(htu), 200)[1:-1]}.",
        row="htu",
        wanted=shown(without_query(htu), 200),
        found=shown(without_query(htu) + ("?" if part == "query" else "#") + "…", 200),
        section="RFC 9449 §4.2",
    )


def _solved(case: Case) -> str:
    if case.error == "use_dpop_nonce":
        return "The server asked for its nonce, and got it in the next request: as it should be."
    return "A later request of this session got through."


def _remarks(case: Case, looked: Looked) -> Iterator[str]:
    if case.hidden:
        names = " and ".join(name.replace("_", " ") for name in case.hidden)
        yield f"The {names} is redacted, so the rows about it can't be asked."
    if case.sent_at is not None and case.date is not None and abs(case.sent_at - case.date) > SKEW:
        away, side = case.sent_at - case.date, "ahead of" if case.sent_at > case.date else "behind"
        yield f"The clock of whoever recorded this is {duration(away)} {side} the server's Date."
    for finding in looked.stricter:
        if _within_a_second_or_two(finding, case):
            continue
        yield (
            f"The demo server lets this pass, RFC_9449 does not: {finding.check.name}"
            f" ({finding.check.section}). {advise(finding, case)}"
        )
    if (queried := _queried(case)) and case.status and case.status < 300:
        yield f"This server passes over it, another may not: {queried.action}"
    yield from _ways_of_the_demo(case)
    challenges = [one.scheme for one in case.challenges or ()]
    if len(challenges) > 1:
        yield f"There are {len(challenges)} challenges: {', '.join(challenges)[:200]}."
    errors = [one.error for one in case.challenges or () if one.error]
    if case.method == "OPTIONS" and (case.status or 0) >= 400:
        yield "A browser asks first with OPTIONS: the server must allow the DPoP header (CORS)."
    if "use_dpop_nonce" in errors and not case.nonce:
        yield "The challenge asks for a nonce, but no DPoP-Nonce header is here to take it from."


def _within_a_second_or_two(finding: Finding, case: Case) -> bool:
    """Is this a time that lies ahead by no more than two clocks may differ?"""
    start = case.access_token.claims.get("nbf")
    time = case.clock[0] if case.clock else math.inf
    early = finding.verdict is not None and finding.verdict.defect == "early"
    return (
        early
        and finding.check.name == "not_expired"
        and isinstance(start, int | float)
        and start - time <= SKEW
    )


def _ways_of_the_demo(case: Case) -> Iterator[str]:
    """What was relied on of what only the demo server does."""
    if not case.is_demo:
        return
    if case.bare_challenge:
        yield "Relied on the demo's ways: a bare DPoP challenge answers a token it refuses."
    if case.error == "invalid_client" and case.status == 400:
        yield "Relied on the demo's ways: a failed client gets 400 there, where RFC 6749 has 401."
    if case.error == "invalid_dpop_proof" and case.place in (API, TOKEN_ENDPOINT):
        yield f"Relied on the demo's ways: such are its words at the {case.place}, not elsewhere."
