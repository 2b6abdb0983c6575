"""Why a code or a refresh token was refused, or should have been: what its use does not fit."""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.confirmation import no_thumbprint
from dpop_lab.doctor.exchanges import Others, named
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.sign_in.authorized import OF_KEYS, another_code, elsewhere, other_terms
from dpop_lab.doctor.sign_in.spent import spent
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import UNAUTHENTICATED, Call
from dpop_lab.session.decoded import key_of
from dpop_lab.session.sign_in.grants import Bound, Use
from dpop_lab.show.values import shown

#: Codes by which servers refuse what does not fit a grant.
REFUSED = ("invalid_grant", "invalid_request", "invalid_dpop_proof", "unauthorized_client",
           "invalid_token", "invalid_client", "")  # fmt: skip
OF_ANOTHER = {"refresh key", "code key", "bound_key"}  # topics of words about another key
KEEP = "across processes and page loads, until the callback and as long as a token lives."


def redeemed(use: Use, others: Others) -> Iterator[Problem]:
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
        found += [*spent(use, others), *elsewhere(use)]
    if call.succeeded:  # a thumbprint of this key that was made in another way is no such fault
        mine = key_of(call)
        found = [one if mine and one.wanted == mine else _let_through(one) for one in found]
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
    elif mine and call.refused and OF_ANOTHER & {*getattr(meaning(call), "explains", ())}:
        what, topic, section = _bound_thing(use)
        yield Problem(
            f"The server says that the {what} is bound to another key, and both proofs are by the"
            f" same key, {shown(mine, 60)}: that of {named(bound.by)}, and this one",
            "The server has to compare the thumbprint of this proof's key with what it kept then:"
            " did it keep another thing than the JWK thumbprint (RFC 7638), forget it, or does"
            " another node hold it? Its log and its store tell; the client has nothing to mend.",
            section,
            explains=(topic, *OF_KEYS),
            at_server=True,
        )
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
    public = use.call.authentication == UNAUTHENTICATED and "access_token" not in use.call.hidden
    return use.grant.name != "refresh_token" or public  # a line that is hidden may say who asks


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
