"""Keys across a session: a token without one, another one than before, that of the login."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.exchanges import Earlier, key_of, members_of, named, value_of
from dpop_lab.doctor.problem import Problem, unsupported_alg
from dpop_lab.jose.jws import read_jws
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of
from dpop_lab.show.values import shown

#: What servers may say of a key that does not fit.
OF_KEYS = (
    "bound_key", "refresh key", "invalid_token", "invalid_grant", "invalid_request", "any row",
    "invalid_dpop_proof",
)  # fmt: skip


class Bound(NamedTuple):
    """Something that an exchange binds to a key, for whoever brings it later."""

    words: str
    topic: str  #: what such a problem explains, by the name of a row or of a wording
    section: str
    #: How one exchange binds what another one brings, in words, and the thumbprint; or nothing.
    key: Callable[[Call, Call], tuple[str, str]]


def _of_the_token(one: Call, call: Call) -> tuple[str, str]:
    brought = call.place == API and call.refused and one.issued and one.issued == call.token
    return ("The token request", key_of(one)) if brought else ("", "")


def _of_the_refresh_token(one: Call, call: Call) -> tuple[str, str]:
    given, mine = members_of(one).get("refresh_token"), value_of(call, "refresh_token")
    brought = call.refused and one.issued and given and given == mine
    return ("The token request", key_of(one)) if brought else ("", "")


def _of_the_code(one: Call, call: Call) -> tuple[str, str]:
    if not call.form.keys() & {"code", "code_challenge", "dpop_jkt"} and (
        call.form or call.place != TOKEN_ENDPOINT
    ):
        return "", ""
    asked = dict(parse_qsl(one.url.partition("?")[2]))
    if said := asked.get("dpop_jkt") or one.form.get("dpop_jkt"):
        return "dpop_jkt", said
    pushing = one.place == TOKEN_ENDPOINT and "code_challenge" in one.form
    return ("The pushed request", key_of(one)) if pushing else ("", "")


BOUND = (
    Bound("access token", "bound_key", "RFC 9449 §5", _of_the_token),
    Bound("refresh token", "refresh key", "RFC 9449 §5", _of_the_refresh_token),
    Bound("code", "code key", "RFC 9449 §10", _of_the_code),
)


def another_key(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof by another key than the one that what it brings is bound to."""
    mine = key_of(call)
    for thing in BOUND if mine and not call.wants_nonce else ():
        for one in reversed([*earlier, call]):
            how, bound = thing.key(one, call)
            if bound and bound != mine:
                where = "this request" if one is call else named(one)
                yield _bound_otherwise(thing, call, f"{how} in {where}", bound)
            if bound:
                break


def _bound_otherwise(thing: Bound, call: Call, how: str, bound: str) -> Problem:
    mine, jwk = key_of(call), call.proof.header["jwk"]
    if made := thumbprint_made(bound, jwk, call.proof.header):
        title = f"{how} is made of this very key, but it {made}"
        name = "dpop_jkt=" * how.startswith("dpop_jkt")
        action = f"Send the JWK thumbprint, base64url of SHA-256 (RFC 7638): {name}{mine}."
    else:
        title = (
            f"{how} binds the {thing.words} to the key {shown(bound, 60)}, and this proof is by"
            f" another key, {shown(mine, 60)}"
        )
        action = (
            f"Sign with the key that the {thing.words} is bound to. Keep it across processes and"
            " page loads, until the callback and as long as a token lives. Where it is lost, log"
            " in again."
        )
        if "dpop_jkt" in call.form:
            action = (
                f"Both have to be of one key: sign with that, send dpop_jkt={mine}, or leave"
                " dpop_jkt out, as the proof says it."
            )
        if call.accepted:
            title += ": the server accepted what it must refuse"
            action = (
                f"The server has to compare both: else a stolen {thing.words} works with any key."
            )
    topics = (thing.topic, *OF_KEYS)
    return Problem(
        title,
        action,
        thing.section,
        mine if made else bound,
        shown(bound, 200) if made else mine,
        thing.topic * (thing.topic == "bound_key"),
        explains=topics,
        at_server=call.accepted and not made,
    )


def header_lost(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof that went out with this token, and did not arrive where it was refused."""
    sent = [one for one in earlier if one.is_proof and one.status is None and one.token]
    if call.refused and not call.is_proof and call.token in [one.token for one in sent]:
        yield Problem(
            f"one_header: {named(sent[-1])} sent a proof, and here, behind a gateway or proxy, it"
            " is gone",
            "Let the gateway pass the header DPoP on, or check the proof itself: the client is"
            " right.",
            "RFC 9449 §4.3 (1)",
            row="one_header",
            explains=("one_header", "not_expired"),
            at_server=True,
        )


def unbound(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A token that is bound to no key, since the request for it had no proof."""
    wanted = any(one.scheme == "dpop" for one in call.challenges or ())
    wanted = wanted or call.is_proof or "dpop" in call.description.lower()
    source = next((one for one in earlier if call.token and one.issued == call.token), None)
    if not source or not call.refused or not wanted or not source.whole:
        return
    if source.is_proof or "proof" in source.hidden or "cnf" in call.access_token.claims:
        return
    yield Problem(
        "The access token is bound to no key, since the token request in"
        f" {named(source)} had no DPoP header",
        "Send a proof in a DPoP header with the token request, look for token_type DPoP in the"
        " answer, then call the API under the scheme DPoP with a proof by the same key.",
        "RFC 9449 §5",
        row="bound_key",
        explains=("bound_key", "scheme", "no binding", "one_header", "ath", "invalid_token"),
    )


def other_alg(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """An algorithm that the server's metadata, fetched before, does not name."""
    for one in earlier if call.refused and call.is_proof else ():
        taken = members_of(one).get("dpop_signing_alg_values_supported")
        if isinstance(taken, list) and host_of(one.url) == host_of(call.url):
            yield from unsupported_alg(call, taken, f"the metadata in {named(one)}")


def badly_bound(call: Call) -> Iterator[Problem]:
    """A new access token that is bound to no key, or to another one than the proof's."""
    kind, issued = call.token_type.lower(), read_jws(call.issued)
    cnf = issued.claims.get("cnf")
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    if kind == "bearer" and bound:
        yield Problem(
            "token_type says Bearer, but cnf.jkt in the access token binds it to a key",
            "The server has to answer token_type DPoP. Send the token in Authorization: DPoP with a"
            " proof by its key.",
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
            at_server=True,
        )
    elif kind == "bearer" and (call.is_proof or "proof" in call.hidden):
        yield Problem(
            "token_type: Bearer came in answer to a proof, so the token is bound to no key",
            "The server passed over the DPoP header: does it know DPoP, for this client?",
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
            at_server=True,
        )
    if kind == "dpop" and issued.claims and not cnf:
        yield Problem(
            "token_type says DPoP, but the access token has no cnf.jkt: it is bound to no key",
            "The authorization server has to put cnf.jkt into it, or the APIs have to ask it by"
            " introspection. Till then a proof by any key would do.",
            "RFC 9449 §6.1",
            "cnf with jkt",
            "nothing",
            at_server=True,
        )
    yield from _to_another_key(call, bound)


def _to_another_key(call: Call, bound: str | None) -> Iterator[Problem]:
    """A new access token whose cnf.jkt is not the thumbprint of the proof's key."""
    mine = key_of(call)
    if mine and bound and bound != mine:
        how = thumbprint_made(bound, call.proof.header["jwk"], call.proof.header)
        yield Problem(
            f"cnf.jkt: it is made of the proof's key, but it {how}"
            if how
            else "cnf.jkt: the new access token is bound to another key than the proof's",
            f"The issuer has to use the JWK thumbprint (RFC 7638): {mine}."
            if how
            else f"The server has to bind it to the key of the proof in its request: {mine}.",
            "RFC 9449 §6.1",
            mine,
            shown(bound, 80),
            at_server=True,
        )
