"""Judge one call: by its rows, what the sequence shows, the server's words; a finding a cause."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.checking import Answer, Finding, Report
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.codes import REDIRECTS
from dpop_lab.doctor.problem import Problem, other_problems, query_in_htu
from dpop_lab.doctor.words import Meaning, meaning
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
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
NOT_OURS = ("jwk", "signature")  # can't be judged where the algorithm is not known here
CATCH_ALL = ("", "invalid_dpop_proof", "invalid_token")  # codes that stand for many reasons


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
            return f"{self.outcome}, then mended in a later request."
        rows = "one row" if asked == 1 else f"{asked} rows"
        told = f", as far as {rows} can tell" if asked else " with what can be seen"
        return f"{self.outcome}: nothing is wrong{told}."


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

    `sequence` is what the calls around it show.
    """
    own_rules = policy is not None or call.is_demo
    held_to = policy or (DUENDE if call.is_demo else RFC_9449)
    reports, missing, stricter = ask_rows(call, held_to, now=now, used=used, jwks=jwks)
    one = Examined(call=call, policy=held_to, reports=reports, missing=missing, stricter=stricter)
    problems = [*sequence, *other_problems(call)]
    explained = {name for problem in problems for name in problem.explains}
    failures = [each for each in _faults(one) if each.check.name not in explained]
    free = [each for each in failures if _is_open(each, call) and not own_rules]
    solved = _solved(call, later)
    if call.place and not call.refused and 200 <= (call.status or 0) < 300:
        free = [each for each in failures if each.grade != "must"]
        problems += [_accepted(each, call) for each in failures if each not in free]
    elif not solved:
        problems += [Problem.of(each, call) for each in failures if each not in free]
        if call.refused or (call.status in REDIRECTS and (call.is_proof or call.token)):
            problems, free = _weighed(one, problems, free)
    remarks = [solved, *(_not_binding(each, call) for each in free), *_remarks(one)]
    known = tuple(dict.fromkeys(filter(None, remarks)))
    return replace(one, problems=tuple(problems), remarks=known)


def refusal(call: Call, policy: Policy) -> Problem | None:
    """What a refusal means, going by the server's words alone; None where there was none."""
    said = meaning(call, policy)
    return _by_words(Examined(call=call, policy=policy), said) if said else None


def _faults(one: Examined) -> list[Finding]:
    """The rows that failed, without those that can't be judged or only follow from another."""
    failed = {each.check: each for each in one.failures}
    dropped = {at.unbound.name} if at.scheme in failed else set[str]()
    if rules.alg in failed and failed[rules.alg].defect == "unsupported":
        dropped |= {*NOT_OURS}
    return [each for row, each in failed.items() if row.name not in dropped]


def _is_open(finding: Finding, call: Call) -> bool:
    """May the server have passed over this? Its windows and leniencies are its own."""
    answered = call.refused or call.status is not None
    return finding.check == at.at_typ or (answered and finding.grade != "must")


def _not_binding(finding: Finding, call: Call) -> str:
    """What to say of a row that failed where each server decides for itself."""
    row = f"{finding.check.name} ({finding.source})"
    return f"A server may see this in its own way: {row}. {advise(finding, call)}"


def _accepted(finding: Finding, call: Call) -> Problem:
    """A request that was accepted though it must be refused: that is the server's fault."""
    problem, row = Problem.of(finding, call), finding.check
    if row == rules.no_private_key:
        return problem  # the server should say so, but the key is the client's
    return replace(
        problem,
        title=f"The server accepted what it must refuse. {problem.title}",
        action="This is the server's fault, to be mended there: without this check nothing stops "
        f"{row.stops}. In the request: {problem.action}",
        at_server=True,
    )


# ---- refused


def _weighed(
    one: Examined, certain: list[Problem], free: list[Finding]
) -> tuple[list[Problem], list[Finding]]:
    """Why the server said no, the likeliest first; and what it may have passed over.

    Evidence explains the server's words, where both are about one thing; words that name a reason
    of their own come before other evidence, words that name none tell nothing beside it.
    """
    said, answered = meaning(one.call, one.policy), _rows_answered_so(one)
    words = (said.topic, *(row.name for row in said.rows)) if said else ()
    meant = {*answered, *words, one.call.error.lower()} - {""}
    likely = {each.check.name: Problem.of(each, one.call) for each in free}
    hits = [problem for problem in (*certain, *likely.values())
            if meant & {problem.row, *problem.explains}]  # fmt: skip
    others = [problem for problem in certain if problem not in hits]
    left = [each for each in free if likely[each.check.name] not in hits]
    if not hits and said and (_tells(said, one.call) or not (certain or free)):
        return [_by_words(one, said), *others], left
    if not hits:
        return [*others, *likely.values()], []
    return [*hits, *others], left


def _tells(said: Meaning, call: Call) -> bool:
    """Do the words name a reason, which need not be what can be seen here?"""
    named = said.row is not None and said.topic == said.row.name
    return said.exact or named or call.error.lower() not in CATCH_ALL


def _rows_answered_so(one: Examined) -> set[str]:
    """The rows that failed, and to which these rules have the answer that was given."""
    call, profiles = one.call, {each.name: each for each in one.policy.profiles.values()}
    answer = Answer(call.status or 0, call.error or None, call.description or None)
    return {
        finding.check.name
        for report in one.reports
        for finding in report.findings
        if finding.mark == "failed" and profiles[report.profile].answer(finding) == answer
    }


def _said(call: Call) -> str:
    said = call.said or ("a bare DPoP challenge" if call.bare_challenge else "the server")
    return f"{said} “{call.description}”" if call.description else said


def _by_words(one: Examined, said: Meaning) -> Problem:
    """What the server's words mean, where nothing that can be seen says it better."""
    call, row = one.call, said.row
    title, action, more = f"{_said(call)}: {said.title}", said.action, ""
    if row and (finding := one.findings.get(row.name)) and finding.mark == "passed":
        from dpop_lab.doctor.advice.passed import why_passed  # a contradiction is rare

        more = f" Here the row passes: {why_passed(row, call)}"
    elif row and row.name in one.missing:
        more = f" To be sure, give {one.missing[row.name]}."
    elif row and "proof" in call.hidden:
        more = " The proof is redacted here: with it, the row is asked."
    elif row and not (call.whole or call.is_proof or call.token):
        more = " Give the request as well, and the row is asked."
    name = row.name if row else ""
    return Problem(title, action + more, said.section, row=name, explains=(said.topic,))


# ---- what is no fault


def _solved(call: Call, later: tuple[Call, ...]) -> str:
    """What to say where a later request got what this one was refused for want of; else empty."""
    good = [one for one in later if one.status is not None and one.status < 300]
    same = [one for one in later if (one.method, _place(one)) == (call.method, _place(call))]
    told = "A later request of this session got through."
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        found = [one for one in good if WELL_KNOWN in one.url]
        return told * any(host_of(one.url) == host_of(call.url) for one in found)
    refused = call.error in ("use_dpop_nonce", "invalid_token") or call.bare_challenge
    if not refused or call.status is None:
        return ""
    if call.error == "use_dpop_nonce":
        told = "The server asked for its nonce, and got it in the next request: as it should be."
        good = [one for one in later if one.error != "use_dpop_nonce"]
    return told * any(one in good for one in same)


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
    if (finding.check, finding.defect) != (at.not_expired, "early") or not call.clock:
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
