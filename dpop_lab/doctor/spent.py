"""What counts once and went out twice: a proof, a code, a refresh token, an assertion."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.exchanges import Earlier, answered, key_of, named, same_server, value_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call

OF_A_PROOF = ("invalid_dpop_proof", "use_dpop_nonce", "invalid_request", "")
REPLAY = re.compile(r"replay|already|re-?us|\bused\b|\bjti\b|unique|duplicate", re.I)
#: What counts once: the parameter, its name in words, the error code, and what to do.
SPENT = (
    (
        "code",
        "authorization code",
        "invalid_grant",
        "Start the login anew. Then send one token request for each code, with the proof, and the"
        " nonce if one is known, from the start: a callback that runs twice, or two requests at"
        " once, spend the code.",
    ),
    (
        "refresh_token",
        "refresh token",
        "invalid_grant",
        "Log in again. Then send the proof, and the nonce if one is known, with the first refresh"
        " request, one at a time, and keep the newest refresh token that an answer brings.",
    ),
    (
        "code_verifier",
        "PKCE verifier",
        "invalid_grant",
        "Start the login anew: each login has a code and a code_verifier of its own.",
    ),
    (
        "client_assertion",
        "client assertion",
        "invalid_client",
        "Make a new assertion, with a jti of its own, for each request, also for the one that"
        " brings the nonce.",
    ),
)


def same_proof(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof that went out before, as when an HTTP library sends a request again by itself."""
    about = call.error.lower() in OF_A_PROOF or REPLAY.search(call.description)
    if not call.is_proof or not call.refused or not about:
        return
    first = next((one for one in reversed(earlier) if _is_same_proof(one, call)), None)
    if first is None or (_same_answer(first, call) and not call.wants_nonce):
        return
    what = "proof" if first.proofs == call.proofs else "jti, under the same key,"
    yield Problem(
        f"unused: the same {what} went out before, in {answered(first)}",
        "Make a new proof with a new jti for each attempt. A retry by the HTTP library or an"
        " interceptor repeats the headers as they were: make the proof inside what is retried.",
        "RFC 9449 §11.1",
        row="unused",
        explains=("unused", "nonce", "use_dpop_nonce"),
    )


def _is_same_proof(one: Call, other: Call) -> bool:
    jti = other.proof.claims.get("jti")
    same_jti = isinstance(jti, str) and one.proof.claims.get("jti") == jti
    return one.proofs[:1] == other.proofs[:1] or (same_jti and key_of(one) == key_of(other) != "")


def _same_answer(one: Call, other: Call) -> bool:
    """Were both refused alike? Then the second was not refused for what the first had done."""
    alike = (one.said, one.description) == (other.said, other.description)
    return alike and one.refused


def spent(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A code, refresh token or assertion that an earlier request has used up."""
    for name, words, error, action in SPENT:
        value, failed = value_of(call, name), call.error.lower() == error
        before = [
            one
            for one in earlier
            if failed
            and value
            and value_of(one, name) == value
            and same_server(one, call)
            and not _same_answer(one, call)
        ]
        if before:
            yield _spent_problem(words, error, action, before)
            return
    if call.error.lower() == "invalid_grant" and not call.form:
        yield from _spent_out_of_sight(call, earlier)


def _spent_problem(words: str, error: str, action: str, before: Earlier) -> Problem:
    """What was spent, by which request, and what had come of that."""
    first = before[0]
    used = "used it up"
    if first.refused:
        proofless = first.whole and not first.is_proof and "proof" not in first.hidden
        used += ", though it was refused" + " for want of a proof" * proofless
    elif first.status is None:
        used += ", though no answer came"
    return Problem(
        f"The same {words} went in {named(first)} and here: {answered(first)} {used}",
        action,
        "RFC 6749 §5.2" if error == "invalid_grant" else "RFC 7523 §3",
        explains=(error, "spent grant", "refresh key", "code key"),
    )


def _spent_out_of_sight(call: Call, earlier: Earlier) -> Iterator[Problem]:
    """The answers alone: a grant is refused after another request to that endpoint."""
    before = [one for one in earlier if same_server(one, call) and not _same_answer(one, call)]
    before = [one for one in before if one.issued or one.error.lower() in OF_A_PROOF[:2]]
    if not before:
        return
    index = 1 if "refresh" in call.description.lower() else 0
    _, words, error, action = SPENT[index]
    yield Problem(
        f"The {words} is spent, most likely: {answered(before[-1])} used it up, or two requests"
        " at once did",
        f"{action} This goes by the answers alone: to be sure, give the requests.",
        "RFC 6749 §5.2",
        explains=(error, "spent grant"),
    )
