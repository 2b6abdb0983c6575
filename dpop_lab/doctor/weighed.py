"""Why a server said no: its words against what can be seen, the likeliest reason first."""

from dataclasses import replace

from dpop_lab.checking import Answer, Finding
from dpop_lab.doctor.advice.passed import REASONS, may_be_either, why_passed, why_refused
from dpop_lab.doctor.clues import OVER
from dpop_lab.doctor.examined import Examined
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.wordings import VAGUE
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call

#: What else words about a row may mean, where that is what fails.
MAY_MEAN = {
    "well_formed": ("strict_form", "typ", "alg", "jwk", "no_private_key", "jti"),
    "jwk": ("no_private_key",),
    "no binding": ("bound_key",),
}
CLAIMS = ("htm", "htu", "ath")  # of which nobody speaks who saw no proof
#: Topics of words that name no fault of a request, and so none of one with which all is well.
NO_FAULT_NAMED = ("any row", "status", "server_error", "bare_challenge", "invalid_token")
OF_OTHERS = (403, 404, 405, 415)  # statuses of what no row asks for
#: Rows by which a whole request is known to be good, as far as it shows.
ALL_IS_WELL = {
    TOKEN_ENDPOINT: {"one_header", "signature", "htm", "htu"},
    API: {"one_header", "signature", "htm", "htu", "ath", "bound_key", "not_expired"},
}
#: What is likeliest where the answer gives another nonce than the proof has, without asking for it.
OTHER_NONCE = (
    "but the answer gives another nonce than the proof has, so that one is outdated, most likely",
    "Make a new proof with the nonce of this answer, and send the request again, once. The server"
    " should ask for that by use_dpop_nonce (RFC 9449 §8): else no client knows that it may try"
    " again.",
)
#: Codes that stand for many reasons.
CATCH_ALL = ("", "invalid_dpop_proof", "invalid_token", "server_error")


def weighed(
    one: Examined, certain: list[Problem], free: list[Finding]
) -> tuple[list[Problem], list[Finding]]:
    """Why the server said no, the likeliest first; and what it may have passed over.

    `certain` is what can be seen, `free` what the server may see in its own way. Evidence explains
    the server's words, where both are about one thing; words that name a reason of their own come
    before other evidence, words that name none tell nothing beside it.
    """
    call, rows = one.call, {each.row for each in certain}  # none accounts for another one's row
    certain = [
        replace(each, explains=tuple(x for x in each.explains if x not in rows)) for each in certain
    ]
    said, answered = meaning(call, one.policy), _rows_answered_so(one)
    otherwise = {said.row if said else "", *rows} - {"", "not_expired"}
    if otherwise and not call.clock and not call.is_proof:  # that it is over by now tells nothing
        certain = [each for each in certain if each.row != "not_expired"]
    if said and "no scheme" in said.explains and call.scheme.lower() == "dpop":
        told = [each for each in certain if each.row != "scheme"]  # which says it from here
        said, certain = replace(said, row="scheme" * (told != certain)), told
    meant = {*answered, *(said.explains if said else ()), call.error.lower()} - {""}
    meant |= {name for row in meant & {*MAY_MEAN} for name in MAY_MEAN[row]}
    if "missing claims" in meant:
        meant |= {each.check.name for each in one.failures if each.defect == "missing"}
    likely = {each.check.name: Problem.of(each, call) for each in free}
    hits = [problem for problem in (*certain, *likely.values())
            if meant & {problem.row, *problem.explains}]  # fmt: skip
    seen = said is not None and said.row in CLAIMS  # so the server has a proof
    lost = ("one_header", "scheme" * (not call.authorization)) if seen else ()
    certain = [one for one in certain if not one.row or one.row not in lost]
    others = [problem for problem in certain if problem not in hits]
    left = [each for each in free if likely[each.check.name] not in hits]
    if hits:
        return [*hits, *others], left
    finding = one.findings.get(said.row) if said and OVER not in said.title else None
    passed = finding if finding and finding.mark == "passed" else None
    if said and (_tells(said, call, passed, certain) or not (certain or free)):
        return [_beside_rows(said, one, passed), *others], left
    return [*others, *likely.values()], []


def _tells(said: Problem, call: Call, passed: Finding | None, certain: list[Problem]) -> bool:
    """Do the words name a reason, which need not be what can be seen here?"""
    if passed and passed.check not in REASONS:
        return False  # they stand for any fault
    topic, error = said.explains[0], call.error.lower()
    if certain and topic == "own code":
        return False
    return topic != "status" and (topic not in VAGUE or error not in CATCH_ALL)


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


def _beside_rows(said: Problem, one: Examined, passed: Finding | None) -> Problem:
    """What the words mean, with what the row that they are about says here."""
    title, action, row, call = said.title, said.action, said.row, one.call
    if passed:
        start = f"{call.said}: " if title.startswith(f"{call.said}: ") else ""
        told, _, of_row = title.removeprefix(start).partition(" (row ")
        told = f"the words are about the row {of_row.replace(')', '', 1)}" if of_row else told
        title = f"{start}{told}, and here that row passes"
        action = action if said.at_server else why_passed(passed.check, call)
        open_yet = not said.at_server and may_be_either(
            passed.check, call
        )  # else the server alone sees it otherwise
        said = replace(said, guess="open" if open_yet else "likely", at_server=not open_yet)
    elif row in one.missing:
        action += f" To be sure, give {one.missing[row]}."
    elif row and "proof" in call.hidden:
        action += (
            " The proof is redacted here, or a variable not filled in: with it, the row is asked."
        )
    elif row and not (call.whole or call.is_proof or call.token):
        action += f" Give the request as well: then the row {row} is asked."
    asked = [name for name, each in one.findings.items() if each.mark == "passed"]
    good = len(asked) == len(one.findings) and ALL_IS_WELL.get(call.place, {""}) <= {*asked}
    elsewhere = good and not (row or said.explains[0] in (*NO_FAULT_NAMED, "missing claims"))
    action = f"The proof is in order, and not the cause. {action}" if elsewhere else action
    other = said.explains[0] == "status" and call.status in OF_OTHERS
    if good and not (passed or other) and said.explains[0] in NO_FAULT_NAMED:
        title += ", and every row passes that can be asked"
        action, said = why_refused(call), replace(said, guess="likely", at_server=True)
        if call.nonce and call.proof.claims.get("nonce", call.nonce) != call.nonce:
            title, action = f"{title}; {OTHER_NONCE[0]}", OTHER_NONCE[1]
    return replace(said, title=title, action=action)
