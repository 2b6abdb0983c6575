"""Why a code or a refresh token was refused, or should have been: what its use does not fit."""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.authorized import ANEW, ANY, OF_KEYS, another_code, elsewhere, other_terms
from dpop_lab.doctor.documents import no_thumbprint
from dpop_lab.doctor.exchanges import (
    Earlier,
    answered,
    key_of,
    members_of,
    named,
    same_answer,
    same_server,
    value_of,
)
from dpop_lab.doctor.grants import GRANTS, Bound, Use
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown

#: Codes by which servers refuse what does not fit a grant.
REFUSED = ("invalid_grant", "invalid_request", "invalid_dpop_proof", "unauthorized_client",
           "invalid_token", "invalid_client", "")  # fmt: skip
CONFIDENTIAL = {"client_secret", "client_assertion", "Basic"}  # how such a client says who it is
KEEP = "across processes and page loads, until the callback and as long as a token lives."


def redeemed(use: Use, later: Earlier) -> Iterator[Problem]:
    """The one likeliest reason why a code or a refresh token was refused; empty where none is seen.

    Where the server's words are about one of several, that one is it. What was accepted though it
    must not be is the server's fault.
    """
    call = use.call
    if call.wants_nonce:
        return
    fits = call.refused and call.error.lower() in REFUSED
    if fits and (another := [*another_code(use)]):
        yield another[0]
        return
    found = [*_key(use), *(other_terms(use) if use.sure else ())]
    if fits and call.error.lower() in ("invalid_grant", ""):
        found += [*_spent(use, later), *_ended(use), *elsewhere(use)]
    if call.succeeded:  # a thumbprint of this key that was made in another way is no such fault
        found = [one if one.wanted == key_of(call) else _let_through(one) for one in found]
    said = meaning(call) if fits and len(found) > 1 else None
    topics = {*said.explains} if said else set()
    yield from sorted(found, key=lambda one: one.explains[0] not in topics)[:1]


def _let_through(problem: Problem) -> Problem:
    action = (
        "The server has to compare both: else what was stolen works with any key, or for anyone."
    )
    title = f"{problem.title}: the server accepted what it must refuse"
    return replace(problem, title=title, action=action, at_server=True)


# ---- the key


def _key(use: Use) -> Iterator[Problem]:
    """A proof by another key than the one that the grant is bound to, or none."""
    call, bound, mine = use.call, use.grant.bound, key_of(use.call)
    if bound is None or (bound.by is call and not call.form.get("dpop_jkt")):
        return
    if not (call.refused or _is_bound(use)):
        return
    if mine and mine != bound.key:
        yield _by_another_key(use, bound, mine)
    elif bound.by is not call and call.whole and not (call.is_proof or "proof" in call.hidden):
        what, topic, section = _bound_thing(use)
        yield Problem(
            f"{_where(bound, call)} binds the {what} to the key {shown(bound.key, 60)}, and no"
            " proof came with this request",
            "Send a DPoP header with a proof by that key, each time.",
            section,
            explains=(topic, "one_header", *OF_KEYS),
        )


def _bound_thing(use: Use) -> tuple[str, str, str]:
    """What is bound, in words, the topic of words about it, and the section."""
    if use.grant.name == "refresh_token":
        return "refresh token", "refresh key", "RFC 9449 §5"
    return "code", "code key", "RFC 9449 §10"


def _is_bound(use: Use) -> bool:
    """Must the server compare keys? Refresh tokens of confidential clients are bound to none."""
    return use.grant.name != "refresh_token" or not CONFIDENTIAL & use.call.form.keys()


def _where(bound: Bound, call: Call) -> str:
    return f"{bound.how} in {'this request' if bound.by is call else named(bound.by)}"


def _by_another_key(use: Use, bound: Bound, mine: str) -> Problem:
    call, jwk = use.call, use.call.proof.header["jwk"]
    what, topic, section = _bound_thing(use)
    if made := thumbprint_made(bound.key, jwk, call.proof.header):
        name = "dpop_jkt=" * (bound.how == "dpop_jkt")
        return Problem(
            f"{_where(bound, call)} is made of this very key, but it {made}",
            f"Send the JWK thumbprint, base64url of SHA-256 (RFC 7638): {name}{mine}.",
            section, mine, shown(bound.key, 200), explains=(topic, *OF_KEYS),
        )  # fmt: skip
    action = (
        f"Sign with the key that the {what} is bound to. Keep it {KEEP} Where it is lost, log in"
        " again."
    )
    if odd := next(no_thumbprint(bound.key, "dpop_jkt"), None):
        return replace(odd, explains=(topic, *OF_KEYS))
    if "dpop_jkt" in call.form:
        action = (
            f"Both have to be of one key: sign with that, send dpop_jkt={mine}, or leave dpop_jkt"
            " out, as the proof says it."
        )
    return Problem(
        f"{_where(bound, call)} binds the {what} to the key {shown(bound.key, 60)}, and this proof"
        f" is by another key, {shown(mine, 60)}",
        action, section, bound.key[:200], mine, explains=(topic, *OF_KEYS),
    )  # fmt: skip


# ---- what counts once


def _spent(use: Use, later: Earlier) -> Iterator[Problem]:
    """A code or a refresh token that another request has used up."""
    call, name = use.call, use.grant.name
    again = (one for one in later if value_of(call, name) == value_of(one, name) != "")
    before = [
        one for one in reversed(use.before) if same_server(one, call) and not same_answer(one, call)
    ]
    other = next((one for one in before if not _lasts(one, name)), None)
    other = other or next((one for one in again if one.issued), None)
    if other is None:
        return
    what = GRANTS[name]
    if other.wants_nonce:
        yield from _after_challenge(use, other, what)
        return
    title = f"The same {what} went out in {named(other)} and here: {used_up(other)}"
    yield Problem(title, ONCE[name], "RFC 6749 §5.2", explains=("spent grant", *ANY))


def used_up(first: Call) -> str:
    """That an exchange used something up, and what came of it."""
    used = f"{answered(first)} used it up"
    if first.refused:
        proofless = first.whole and not first.is_proof and "proof" not in first.hidden
        return f"{used}, though it was refused" + " for want of a proof" * proofless
    return f"{used}, though no answer came" if first.status is None else used


def spent_unseen(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A code or a refresh token that is spent, going by the answers of a log without requests."""
    before = [
        one
        for one in reversed(earlier)
        if same_server(one, call)
        and not same_answer(one, call)
        and (one.issued or one.error.lower() in ("invalid_dpop_proof", "use_dpop_nonce"))
    ]
    if before and call.error.lower() == "invalid_grant" and not call.form:
        name = "refresh_token" if "refresh" in call.description.lower() else "code"
        yield Problem(
            f"The {GRANTS[name]} is spent, most likely: {answered(before[0])} used it up, or two"
            " requests at once did",
            f"{ONCE[name]} This goes by the answers alone: to be sure, give the requests.",
            "RFC 6749 §5.2",
            explains=("invalid_grant", "spent grant"),
        )


def _ended(use: Use) -> Iterator[Problem]:
    """A refresh token whose login was ended by another request: given back, or brought again."""
    ends = [one for one in use.grant.login if one is not use.call]
    for one in ends[:1]:
        again = bool(one.form.get("grant_type"))
        yield Problem(
            f"{answered(one)} brought a code or a refresh token that was used before, so the server"
            " ended all that came of this login"
            if again
            else f"The refresh token's login was ended by {answered(one)}, which revoked it",
            "Log in again. Then send each refresh token once, one request at a time: a second use"
            " looks like a thief's."
            if again
            else "Log in again: what is revoked stays so. Forget the tokens when they are revoked.",
            "RFC 9700 §4.14.2" if again else "RFC 7009 §2.1",
            explains=("spent grant", *ANY),
        )


ONCE = {
    "code": f"{ANEW}. Then send one token request for each code, with the proof, and the nonce if"
    " one is known, from the start: a callback that runs twice, or two requests at once, spend the"
    " code.",
    "refresh_token": "Log in again. Then send the proof, and the nonce if one is known, with the"
    " first refresh request, one at a time, in one tab, and keep the newest refresh token that an"
    " answer brings.",
}


def _lasts(one: Call, name: str) -> bool:
    """Is it a refresh that left its token in force, as no other came of it?"""
    new = members_of(one).get("refresh_token", value_of(one, name))
    return name == "refresh_token" and bool(one.issued) and new == value_of(one, name)


def _after_challenge(use: Use, first: Call, what: str) -> Iterator[Problem]:
    """What was refused once its first request was asked for a nonce, which spends nothing."""
    call, where = use.call, named(first)
    start = f"The server asked {where} for a nonce, and "
    if key_of(first) != key_of(call) and key_of(first) and key_of(call):
        yield Problem(
            f"{start}the proof of this second try is by another key than that of the first",
            f"Make the key once for each login and sign both tries with it: only jti, iat and nonce"
            f" are new. {ANEW}.",
            "RFC 9449 §8", shown(key_of(first), 80), shown(key_of(call), 80), explains=OF_KEYS,
        )  # fmt: skip
        return
    for name in ("code_verifier", "redirect_uri", "client_id"):
        if first.form.get(name) and call.form.get(name, "") != first.form[name]:
            yield Problem(
                f"{start}this second try has another {name} than the first",
                f"Send the same form again, with a new proof that has the nonce. {ANEW}.",
                "RFC 9449 §8", explains=ANY,
            )  # fmt: skip
            return
    yield Problem(
        f"The same {what} went out in {where} and here: {answered(first)} used it up, as if"
        " to ask for a nonce were to redeem it",
        "The server has to keep it for the request that brings the nonce. Till then: start the"
        " login anew, and send the nonce of an earlier answer with the first request.",
        "RFC 9449 §8", explains=("spent grant", *ANY), at_server=True, guess="likely",
    )  # fmt: skip
