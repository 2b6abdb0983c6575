"""Judge one call: by its rows, what the sequence shows, the server's words; a finding a cause."""

from collections.abc import Hashable, Iterator
from dataclasses import replace

from dpop_lab.checking import Finding, Report
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.advice.header import is_another_jwt
from dpop_lab.doctor.advice.names import MEMBERS
from dpop_lab.doctor.examined import Examined
from dpop_lab.doctor.exchanges import REDIRECTS, Others, clock_apart, solved
from dpop_lab.doctor.faults import fault_of
from dpop_lab.doctor.general import TICKET
from dpop_lab.doctor.problem import METHODS, OF_A_TOKEN, Problem
from dpop_lab.doctor.times import clocks_compared
from dpop_lab.doctor.unasked import other_problems, remarks
from dpop_lab.doctor.urls import differences
from dpop_lab.doctor.weighed import weighed
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import Jwks, ask_rows, speaks_of_dpop
from dpop_lab.session.call import API, OF_TOKENS, TOKEN_ENDPOINT, Call
from dpop_lab.show.values import is_time, shown
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import NONCE_WANTED

OF_THINGS = (404, 406, 409, 410, 412, 422)  # of which a server speaks when it has let one in
TOO_WIDE = 3600  # seconds from a server's clock at which no window ends
STATUS = {TOKEN_ENDPOINT: 400, API: 401}  # of a refused proof, RFC 9449 §5 and §7.1
PROOF_CODES = ("invalid_dpop_proof", NONCE_WANTED)
NOT_OURS = ("jwk", "signature")  # can't be judged where the algorithm is not known here


def examine(
    call: Call,
    others: Others,
    *,
    policy: Policy | None,
    now: float,
    used: set[Hashable],
    jwks: Jwks,
) -> Examined:
    """Examine a call; `others` are those of its session, and what these make plain."""
    own_rules = policy is not None or call.is_demo
    held_to = policy or (DUENDE if call.is_demo else RFC_9449)
    if call.preflight:
        from dpop_lab.doctor.preflight import preflight  # of a browser, to which no row applies

        return Examined(call=call, policy=held_to, problems=tuple(preflight(call)))
    reports, missing, stricter = ask_rows(call, held_to, now=now, used=used, jwks=jwks)
    answered, took = call.status or call.refused, bool(call.place and call.succeeded)
    obeyed = solved(call, others) if answered else ""
    apart = tuple(other_problems(call))
    sequence = tuple(one for one in others.problems() if not _said_by(apart, one))
    explained = {name for problem in (*sequence, *apart) for name in problem.explains}
    known = {each.row for each in (*sequence, *apart)}
    reports = tuple(_without(report, known) for report in reports)
    one = Examined(call=call, policy=held_to, reports=reports, missing=missing, stricter=stricter)
    failures = [] if obeyed else [each for each in _faults(one) if each.check.name not in explained]
    free = [each for each in failures if _is_open(each, call) and (took or not own_rules)]
    judged = _accepted if took else _refused
    by_rows = _joined([judged(each, call) for each in failures if each not in free], call)
    problems = [*sequence, *by_rows, *apart]
    sent_on = call.status in REDIRECTS and (call.is_proof or call.token)  # it needs a new proof
    if call.status in OF_THINGS and not problems and _is_well(one):
        obeyed = f"{call.said}: that is about what was asked for, and nothing of DPoP."
    elif not obeyed and (call.refused or sent_on):
        problems, free = weighed(one, problems, free)
    notes = [obeyed, _other_status(call, known=bool(by_rows))]
    notes += [*(_not_binding(each, call) for each in free), *remarks(call, stricter)]
    told = tuple(dict.fromkeys(filter(None, notes)))
    return replace(one, problems=tuple(_once(problems, call, now, others)), remarks=told)


def _is_well(one: Examined) -> bool:
    """Is there a proof of which no row fails, and no word against it?"""
    call, passed = one.call, {name for name, each in one.findings.items() if each.mark == "passed"}
    told = call.challenges or speaks_of_dpop(call) or one.failures
    return {rules.signature.name, rules.htm.name, rules.htu.name} <= passed and not told


def _once(problems: list[Problem], call: Call, now: float, others: Others) -> Iterator[Problem]:
    """The problems without a second one of the same row, those of time by all clocks."""
    told = set[str]()
    for one in problems:
        if one.row == rules.fresh.name not in told and call.refused:
            title, action = clock_apart(call, others)
            by_clocks = action or clocks_compared(call, now) or one.action
            yield replace(
                one,
                title=title or one.title,
                action=by_clocks,
                at_server=one.at_server or bool(action),
            )
        elif one.row not in told:
            yield one
        told |= {one.row} - {""}


def _said_by(others: tuple[Problem, ...], problem: Problem) -> bool:
    """Does another one account for its row?"""
    return any(problem.row in each.explains for each in others)


def _without(report: Report, rows: set[str]) -> Report:
    """A report without the rows that pass by themselves, and fail by what else is known."""
    found = (one for one in report.findings if one.mark != "passed" or one.check.name not in rows)
    return replace(report, findings=tuple(found))


def _faults(one: Examined) -> list[Finding]:
    """The rows that failed, without those that can't be judged or only follow from another."""
    failed = {each.check: each for each in one.failures}
    proof = one.call.proof
    dropped = {at.unbound.name} if at.scheme in failed else set[str]()
    if one.call.scheme.lower() == "bearer" and {at.scheme, at.unbound} & {*failed}:
        dropped |= {rules.one_header.name}
    if rules.no_private_key in failed and "key_ops" in str(failed.get(rules.jwk, "")):
        dropped |= {rules.jwk.name}  # what a private key may be used for
    if rules.alg in failed and failed[rules.alg].defect == "unsupported":
        dropped |= {*NOT_OURS}
    if rules.typ in failed and is_another_jwt(proof):
        dropped |= {each.check.name for each in failed.values() if each.defect == "missing"}
    if rules.strict_form in failed:
        loose = {where for where, _ in proof.deviations}
        dropped |= {row for row, member in MEMBERS.items() if f"claims.{member}" in loose}
    return [each for row, each in failed.items() if row.name not in dropped]


def _is_open(finding: Finding, call: Call) -> bool:
    """May the server have passed over this? Its windows and leniencies are its own."""
    answered, iat = call.refused or call.status is not None, call.proof.claims.get("iat")
    if finding.check == rules.unused and call.succeeded:
        return False  # a replay that got through is worth a finding
    if finding.check == rules.htu and call.succeeded and Problem.of(finding, call).at_server:
        return True  # seen behind a proxy: the server knows its public URL, which htu has
    by_iat = finding.check == rules.fresh and "nonce" not in call.proof.claims
    if by_iat and call.succeeded and call.date is not None and is_time(iat):
        return abs(iat - call.date) < TOO_WIDE
    return finding.check == at.at_typ or (answered and finding.grade != "must")


def _other_status(call: Call, *, known: bool) -> str:
    """What to say of a status by which no client knows that its proof was refused; else empty.

    `known` says that a row failed, so a server that fell over did so for the proof.
    """
    if call.wants_nonce and call.error.lower() != NONCE_WANTED:
        return f"The server has to say {NONCE_WANTED}: by that code alone clients send it again."
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
    row = f"{fault_of(finding, call)} ({finding.check.name}, {finding.source})"
    return f"A server may see this in its own way: {row}. {advise(finding, call)}"


def _joined(found: list[Problem], call: Call) -> list[Problem]:
    """The problems, those of one cause as one."""
    return [*_of_another_request([*_with_neither(found, call)], call)]


def _with_neither(found: list[Problem], call: Call) -> Iterator[Problem]:
    """The problems, those of a request that has neither access token nor proof as one."""
    absent = [each for each in found if each.row in (at.scheme.name, rules.one_header.name)]
    if len(absent) < 2 or call.authorization or call.is_proof or absent[0].guess:
        yield from found
        return
    what = "scheme: there is no Authorization header and no DPoP header"
    action = f"{absent[0].action.partition(';')[0]}, and a proof for this request in a DPoP header."
    if first(call.headers, "Upgrade").lower() == "websocket":
        action += f" In a browser a page can't give a WebSocket header lines: {TICKET}"
    one = replace(absent[0], title=what, action=" ".join(action.split()), question="")
    yield replace(one, explains=(*one.explains, rules.one_header.name))
    yield from (each for each in found if each not in absent)


def _of_another_request(found: list[Problem], call: Call) -> Iterator[Problem]:
    """The problems, those of a proof that was made for another request as one."""
    rows = {each.row: each for each in found}
    htm, htu, ath = (rows.get(row.name) for row in (rules.htm, rules.htu, rules.ath))
    method, url = call.proof.claims.get("htm"), str(call.proof.claims.get("htu"))
    of_token, named = OF_TOKENS.search(url), shown(f"{method} {url}", 200)[1:-1]
    other = htu and not htu.at_server and method in METHODS and (htm or (ath and of_token))
    if htu is None or not (other and {"path", "host"} & differences(call.url, url).keys()):
        yield from found
        return
    what = "the token request" if of_token else "another request"
    hashed = ", with the ath of the token that goes with it" * (ath is not None)
    yield replace(
        htu,
        title=f"htm and htu: this is the proof of {what}, {named}",
        action="Make a new proof for each request, right before it is sent, for its own method and"
        f" URL{hashed}. Look where the client keeps a proof and sends it again.",
        wanted=f"{call.method} {htu.wanted[1:-1]}",
        found=named,
        question="",
        row=next(each.row for each in found if each in (htm, htu, ath)),  # that said no
        explains=("htm", "htu", "ath", "any row"),
    )
    yield from (each for each in found if each not in (htm, htu, ath))


def _refused(finding: Finding, call: Call) -> Problem:
    """What fails in a request that was refused; without the scheme DPoP all else of it follows."""
    plain = finding.check == at.scheme and call.scheme.lower() == "bearer"
    return replace(Problem.of(finding, call), explains=OF_A_TOKEN * plain)


def _accepted(finding: Finding, call: Call) -> Problem:
    """A request that was accepted though it must be refused: that is the server's fault."""
    problem, row = Problem.of(finding, call), finding.check
    grade = "must" if finding.grade == "free" else finding.grade  # no server is free to that extent
    if row == rules.no_private_key:
        return problem  # the server should say so, but the key is the client's
    todo = f" In the request: {problem.action[:1].lower()}{problem.action[1:]}"
    request = todo * (row != rules.fresh)  # as old as it was made
    return replace(
        problem,
        title=f"the server accepted what it {grade} refuse: {problem.title}",
        action=f"Mend the server: without this check nothing stops {row.stops}.{request}",
        grade=grade,
        at_server=True,
    )
