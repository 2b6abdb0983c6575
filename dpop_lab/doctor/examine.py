"""Examine one call: ask the rows, weigh the words of the server against them, say what to do."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.checking import Answer, Check, Finding, Report
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.problem import Problem, other_problems, query_in_htu
from dpop_lab.doctor.words import REDIRECTS, Meaning, meaning
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Jwks, ask_rows
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import is_time, offset
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import without_query

SKEW = 5  # seconds between two clocks that are not worth a word
RFC_9068 = "RFC 9068 has at+jwt, which not every server follows."
WHY_PASSED = {  # what a server may know that is not known here
    rules.htu: "the server takes another URL for its own, as behind a proxy that hides scheme, host"
    " or prefix: compare with the URL in its log or metadata.",
    rules.fresh: "compare the server's clock with the client's; its window may be smaller.",
    rules.unused: "the proof was sent before, in an exchange that is not in this paste.",
    rules.nonce: "the nonce was outdated when it came, or is that of another server.",
    rules.one_header: "something on the way may add or take a DPoP header.",
    rules.signature: "was the text changed on the way?",
}


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
    def verdict(self) -> str:
        """What happened and why, in a line."""
        call, asked, more = self.call, len(self.findings), len(self.problems) - 1
        if call.refused:
            word = "Refused"
        elif call.status is None:
            word = "No answer" if call.exchange.failure else "Looked at"
        else:
            word = "Accepted" if call.status < 300 and call.place else "Answered"
        word += f" ({call.said})" if call.said else ""
        if self.problems:
            return f"{word}: {self.problems[0].title}" + (f" ({more} more)" if more else "")
        if call.refused:
            return f"{word}, then mended in a later request."
        rows = "one row" if asked == 1 else f"{asked} rows"
        told = f", as far as {rows} can tell" if asked else " with what can be seen"
        return f"{word}: nothing is wrong{told}."


def examine(
    call: Call,
    *,
    policy: Policy | None,
    now: float,
    used: set[Hashable],
    jwks: Jwks,
    later: tuple[Call, ...],
    sequence: tuple[Problem, ...] = (),
) -> Examined:
    """Examine a call; `later` are those after it in the same session.

    `sequence` is what the session makes plain: it comes first and explains what fails.
    """
    held_to = policy or (DUENDE if call.is_demo else RFC_9449)
    reports, missing, stricter = ask_rows(call, held_to, now=now, used=used, jwks=jwks)
    one = Examined(call=call, policy=held_to, reports=reports, missing=missing, stricter=stricter)
    problems: list[Problem] = []
    remarks: list[str] = []
    if solved := _solved(call, later):
        remarks.append(solved)
    elif call.refused or (call.status in REDIRECTS and (call.is_proof or call.token)):
        problems += refusal(one, sequence)  # where it was sent elsewhere, it needs a new proof
    else:
        for finding in one.failures:
            if call.status is None or finding.check == rules.no_private_key:
                problems.append(Problem.of(finding, call))
            else:
                told = f"{finding.check.name}. {advise(finding, call)}"
                remarks.append(f"The server took it, but: {told}")
    if policy is None and not call.is_demo:  # not every server follows RFC 9068
        remarks += [f"{one.title}. {RFC_9068}" for one in problems if one.row == "at_typ"]
        problems = [one for one in problems if one.row != "at_typ"]
        if call.refused and not (problems or sequence or solved):
            problems += _meant(one, meaning(call, held_to))
    problems = [*sequence, *problems, *other_problems(call)]
    remarks += _remarks(one)
    return replace(one, problems=tuple(problems), remarks=tuple(dict.fromkeys(remarks)))


def refusal(one: Examined, sequence: tuple[Problem, ...] = ()) -> Iterator[Problem]:
    """Why the server said no: the rows it may mean first, then the others that fail.

    What the sequence explains is no finding of its own.
    """
    call, meant = one.call, meaning(one.call, one.policy)
    explained = {name for problem in sequence for name in problem.explains}
    if meant and explained & {meant.topic, call.error.lower()}:
        meant = None
    rows = meant.rows if meant else ()
    answer = Answer(call.status or 0, call.error or None, call.description or None)
    profiles = {profile.name: profile for profile in one.policy.profiles.values()}
    hit = [
        finding
        for report in one.reports
        for finding in report.findings
        if finding.mark == "failed"
        and finding.check.name not in explained
        and (finding.check in rows or profiles[report.profile].answer(finding) == answer)
    ]
    if (rows and not hit) or not one.failures:
        yield from _meant(one, meant)
    elif not hit and call.error not in ("", "invalid_dpop_proof", "invalid_token"):
        yield from _meant(one, meant)
    for finding in sorted(one.failures, key=lambda one: one not in hit):
        if finding.check.name not in explained:
            yield Problem.of(finding, call)


def _meant(one: Examined, meant: Meaning | None) -> Iterator[Problem]:
    """What a refusal means, going by what the server said, and what more would tell."""
    if meant is None:
        return
    call, row = one.call, meant.row
    said = call.said or ("a bare DPoP challenge" if call.bare_challenge else "the server")
    said += f" “{call.description}”" if call.description else ""
    more = _more(one, row) if row else ""
    name = row.name if row else ""
    yield Problem(f"{said}: {meant.title}", meant.action + more, meant.section, row=name)


def _more(one: Examined, row: Check) -> str:
    """Where the server names a row which passes here, or can't be asked: what may help."""
    call, finding = one.call, one.findings.get(row.name)
    if finding and finding.mark == "passed":
        why = WHY_PASSED.get(row, "is this the request that was refused?")
        return f" Here the row passes: {why}"
    if row.name in one.missing:
        return f" To be sure, give {one.missing[row.name]}."
    if "proof" in call.hidden:
        return " The proof is redacted here: with it, the row is asked."
    asked = call.whole or call.is_proof or call.token
    return "" if asked else " Give the request as well, and the row is asked."


# ---- what is no fault


def _solved(call: Call, later: tuple[Call, ...]) -> str:
    """What to say where a later request got what this one was refused for want of; else empty."""
    good = [one for one in later if one.status is not None and one.status < 300]
    told = "A later request of this session got through."
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        found = [one for one in good if WELL_KNOWN in one.url]
        return told * any(host_of(one.url) == host_of(call.url) for one in found)
    refused = call.error in ("use_dpop_nonce", "invalid_token") or call.bare_challenge
    if not refused or call.status is None:
        return ""
    if call.error == "use_dpop_nonce":
        told = "The server asked for its nonce, and got it in the next request: as it should be."
    return told * any((one.method, _place(one)) == (call.method, _place(call)) for one in good)


def _place(call: Call) -> str:
    return host_of(call.url) + without_query(call.url).partition("://")[2]


def _remarks(one: Examined) -> Iterator[str]:
    """What is good to know: clocks, leniencies, what was relied on."""
    call = one.call
    if call.hidden:
        names = " and ".join(name.replace("_", " ") for name in call.hidden)
        verb = "is" if len(call.hidden) == 1 else "are"
        yield f"The {names} {verb} redacted, so those rows can't be asked.{_kept(call)}"
    if call.sent_at is not None and call.date is not None and abs(call.sent_at - call.date) > SKEW:
        away = offset(call.sent_at, call.date)
        yield f"By the clock of whoever recorded this it was sent {away} the server's Date."
    for finding in one.stricter:
        if not _within_a_second_or_two(finding, call):
            row = f"{finding.check.name} ({finding.source}). {advise(finding, call)}"
            yield f"The demo server lets this pass, RFC_9449 does not: {row}"
    if (found := query_in_htu(call)) and call.status and call.status < 300:
        yield f"This server passes over it, another may not: {found.action}"
    if call.is_demo:
        yield from _ways_of_the_demo(call)
    challenges = call.challenges or ()
    if len(challenges) > 1:
        schemes = ", ".join(one.scheme for one in challenges)
        yield f"There are {len(challenges)} challenges: {schemes[:200]}."
    if call.method == "OPTIONS" and (call.status or 0) >= 400:
        yield "A browser asks first with OPTIONS: the server must allow the DPoP header (CORS)."
    if "use_dpop_nonce" in [one.error for one in challenges] and not call.nonce:
        yield "The challenge asks for a nonce, but no DPoP-Nonce header is here to take it from."


def _kept(call: Call) -> str:
    """How to have proofs in a session log of ours, whose labels are told from others'."""
    if not first(call.headers, "DPoP").startswith("<proof "):
        return ""
    return " SessionLog(show_proofs=True) and `dpop-lab call --show-proofs` keep proofs."


def _within_a_second_or_two(finding: Finding, call: Call) -> bool:
    """Is this a time that lies ahead by no more than two clocks may differ?"""
    start = call.access_token.claims.get("nbf")
    if (finding.check, finding.defect) != (not_expired, "early") or not call.clock:
        return False
    return is_time(start) and start - call.clock[0] <= SKEW


def _ways_of_the_demo(call: Call) -> Iterator[str]:
    """What was relied on of what only the demo server does."""
    relied = "Relied on the demo's ways:"
    if call.bare_challenge:
        yield f"{relied} a bare DPoP challenge answers a token it refuses."
    if call.error == "invalid_client" and call.status == 400:
        yield f"{relied} a failed client gets 400 there, where RFC 6749 has 401."
    if call.error == "invalid_dpop_proof" and call.place in (API, TOKEN_ENDPOINT):
        yield f"{relied} such are its words at the {call.place}, not elsewhere."
