"""Judge one call: by its rows, what the sequence shows, the server's words; a finding a cause."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.checking import Answer, Finding, Report
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.advice.header import is_another_jwt
from dpop_lab.doctor.codes import BEFORE, REDIRECTS
from dpop_lab.doctor.problem import Problem, other_problems
from dpop_lab.doctor.remarks import remarks, solved
from dpop_lab.doctor.words import Meaning, meaning
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Jwks, ask_rows
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call
from dpop_lab.show.values import is_time
from dpop_lab.wire.syntax import NONCE_WANTED

NOT_OURS = ("jwk", "signature")  # can't be judged where the algorithm is not known here
#: What else words about a row may mean, where that is what fails.
MAY_MEAN = {
    "well_formed": ("strict_form", "typ", "alg", "jwk", "no_private_key", "jti"),
    "jwk": ("no_private_key",),
}
WIDEST = 3600  # seconds; RFC 9449 §11.1 speaks of seconds or minutes
STATUS = {TOKEN_ENDPOINT: 400, API: 401}  # of a refused proof, RFC 9449 §5 and §7.1
PROOF_CODES = ("invalid_dpop_proof", NONCE_WANTED)
OF_A_PROOF = ("jwk", "jti", "htm", "htu", "ath")
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
    if call.method == "OPTIONS" and not (call.authorization or call.scheme or call.proofs):
        from dpop_lab.doctor.preflight import preflight  # of a browser, to which no row applies

        return Examined(call=call, policy=held_to, problems=tuple(preflight(call)))
    reports, missing, stricter = ask_rows(call, held_to, now=now, used=used, jwks=jwks)
    one = Examined(call=call, policy=held_to, reports=reports, missing=missing, stricter=stricter)
    obeyed, took = solved(call, later), bool(call.place) and call.succeeded
    others = [*other_problems(call)]
    explained = {name for problem in (*sequence, *others) for name in problem.explains}
    failures = [] if obeyed else [each for each in _faults(one) if each.check.name not in explained]
    free = [each for each in failures if _is_open(each, call) and (took or not own_rules)]
    judged = _accepted if took else Problem.of
    by_rows = [judged(each, call) for each in failures if each not in free]
    problems = [*sequence, *by_rows, *others]
    sent_on = call.status in REDIRECTS and (call.is_proof or call.token)  # it needs a new proof
    if not obeyed and (call.refused or sent_on):
        problems, free = _weighed(one, problems, free)
    told = [obeyed, *(_not_binding(each, call) for each in free), *remarks(call, stricter)]
    told += [_other_status(call, known=bool(by_rows))]
    if call.refused and any(each.row == rules.fresh.name for each in problems):
        from dpop_lab.doctor.clocks import timed  # rarely needed

        problems = [timed(each, call, now) for each in problems]
    known = tuple(dict.fromkeys(filter(None, told)))
    return replace(one, problems=tuple(_once(problems)), remarks=known)


def refusal(call: Call, policy: Policy) -> Problem | None:
    """What a refusal means, going by the server's words alone; None where there was none."""
    said = meaning(call, policy)
    return _by_words(Examined(call=call, policy=policy), said) if said else None


def _once(problems: list[Problem]) -> list[Problem]:
    """The problems without a second one of the same row."""
    first = {problem.row: problem for problem in reversed(problems)}
    return [one for one in problems if not one.row or first[one.row] is one]


def _faults(one: Examined) -> list[Finding]:
    """The rows that failed, without those that can't be judged or only follow from another."""
    failed = {each.check: each for each in one.failures}
    dropped = {at.unbound.name} if at.scheme in failed else set[str]()
    if rules.alg in failed and failed[rules.alg].defect == "unsupported":
        dropped |= {*NOT_OURS}
    odd = {where for where, _ in one.call.proof.deviations}
    if rules.fresh in failed and odd <= {"claims.iat"}:
        dropped.add(rules.strict_form.name)
    if rules.no_private_key in failed and "key_ops" in str(failed.get(rules.jwk, "")):
        dropped.add(rules.jwk.name)  # what a private key may be used for
    if rules.typ in failed and is_another_jwt(one.call.proof):
        there = {*one.call.proof.header, *one.call.proof.claims}
        dropped |= {name for name in OF_A_PROOF if name not in there}
    return [each for row, each in failed.items() if row.name not in dropped]


def _is_open(finding: Finding, call: Call) -> bool:
    """May the server have passed over this? Its windows and leniencies are its own."""
    answered = call.refused or call.status is not None
    if finding.check == rules.unused and call.succeeded:
        return False  # a replay that got through is worth a finding
    if finding.check == rules.fresh and call.succeeded and _beyond_all_windows(call):
        return False
    return finding.check == at.at_typ or (answered and finding.grade != "must")


def _beyond_all_windows(call: Call) -> bool:
    """Is iat so far from the server's own Date that it can't have looked, with no nonce either?"""
    iat = call.proof.claims.get("iat")
    if not is_time(iat) or call.date is None or "nonce" in call.proof.claims:
        return False
    return abs(iat - call.date) > WIDEST


def _other_status(call: Call, *, known: bool) -> str:
    """What to say of a status by which no client knows that its proof was refused; else empty.

    `known` says that a row failed, so a server that fell over did so for the proof.
    """
    right, status = STATUS.get(call.place), call.status or 0
    about_proof = call.error in PROOF_CODES or (status >= 500 and known)
    if right in (None, status) or not (status and about_proof):
        return ""
    return (
        f"The server answered {status}, and should have refused the proof with {right} and an"
        " error code of RFC 9449, so that a client can tell: a fault of its own."
    )


def _not_binding(finding: Finding, call: Call) -> str:
    """What to say of a row that failed where each server decides for itself."""
    row = f"{finding.check.name} ({finding.source})"
    return f"A server may see this in its own way: {row}. {advise(finding, call)}"


def _accepted(finding: Finding, call: Call) -> Problem:
    """A request that was accepted though it must be refused: that is the server's fault."""
    problem, row = Problem.of(finding, call), finding.check
    grade = "must" if finding.grade == "free" else finding.grade  # no server is free to that extent
    if row == rules.no_private_key:
        return problem  # the server should say so, but the key is the client's
    return replace(
        problem,
        title=f"The server accepted what it {grade} refuse. {problem.title}",
        grade=grade,
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
    meant |= {name for row in meant & {*MAY_MEAN} for name in MAY_MEAN[row]}
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
    return said.exact or named or call.status in BEFORE or call.error.lower() not in CATCH_ALL


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
    title, action = f"{_said(call)}: {said.title}", said.action
    if row and (finding := one.findings.get(row.name)) and finding.mark == "passed":
        from dpop_lab.doctor.advice.passed import why_passed  # a contradiction is rare

        title += ", and here that row passes"
        action = why_passed(row, call)
    elif row and row.name in one.missing:
        action += f" To be sure, give {one.missing[row.name]}."
    elif row and "proof" in call.hidden:
        action += " The proof is redacted here: with it, the row is asked."
    elif row and not (call.whole or call.is_proof or call.token):
        action += " Give the request as well, and the row is asked."
    name = row.name if row else ""
    return Problem(title, action, said.section, row=name, explains=(said.topic,))
