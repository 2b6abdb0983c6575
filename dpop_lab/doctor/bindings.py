"""Keys across a session: a token without one, another one than before, that of the login."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.exchanges import Earlier, key_of, members_of, named, value_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.proof.rules import alg
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of
from dpop_lab.show.values import shown

#: What servers may say where the key of a login and that of its token request differ.
OF_A_LOGIN = ("code key", "refresh key", "bound_key", "invalid_grant", "invalid_request")


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
        explains=("bound_key", "scheme", "unbound", "one_header", "ath", "invalid_token"),
    )


def another_key(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof by another key than the one that the token or the refresh token was got with."""
    mine = key_of(call)
    if not mine or not call.refused or call.wants_nonce:
        return
    for one in reversed(earlier):
        if not key_of(one) or not one.issued:
            continue
        refresh = members_of(one).get("refresh_token")
        if call.place == API and one.issued == call.token:
            what, topic = "access token", "bound_key"
        elif refresh and refresh == value_of(call, "refresh_token"):
            what, topic = "refresh token", "refresh key"
        else:
            continue
        if key_of(one) != mine:
            yield Problem(
                f"The {what} was got with another key, in {named(one)}: this proof is by"
                f" {shown(mine, 60)}, that one was by {shown(key_of(one), 60)}",
                f"Sign with the key that the {what} was got with, and keep it as long as the token"
                " lives. Where it is lost, log in again.",
                "RFC 9449 §5",
                row=topic * (topic == "bound_key"),
                explains=(topic, "bound_key", "invalid_token", "invalid_grant"),
            )
        return


def key_of_the_login(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A code that is bound to a key by `dpop_jkt` or the pushed request, and another key here."""
    mine = key_of(call)
    pushed = "code_challenge" in call.form or "dpop_jkt" in call.form
    if not mine or not ("code" in call.form or pushed):
        return
    for one in reversed([*earlier, *[call] * pushed]):
        asked = dict(parse_qsl(one.url.partition("?")[2]))
        said = asked.get("dpop_jkt") or one.form.get("dpop_jkt", "")
        pushing = one.place == TOKEN_ENDPOINT and "code_challenge" in one.form
        bound = said or (key_of(one) if pushing else "")
        how = thumbprint_made(bound, call.proof.header["jwk"], call.proof.header)
        if how:
            yield _misspelt_jkt(_where(call, one), bound, mine, how)
        elif bound and bound != mine:
            yield _login_problem(call, one, bound, by_jkt=bool(said))
        if bound:
            return


def _where(call: Call, one: Call) -> str:
    return "this request" if one is call else named(one)


def _misspelt_jkt(where: str, bound: str, mine: str, how: str) -> Problem:
    return Problem(
        f"dpop_jkt in {where} is made of this very key, but it {how}",
        f"Send the JWK thumbprint, base64url of SHA-256 (RFC 7638): dpop_jkt={mine}.",
        "RFC 9449 §10",
        mine,
        shown(bound, 200),
        explains=OF_A_LOGIN,
    )


def _login_problem(call: Call, one: Call, bound: str, *, by_jkt: bool) -> Problem:
    where = _where(call, one)
    how = f"dpop_jkt in {where}" if by_jkt else f"The pushed request in {where}"
    title = (
        f"{how} binds the code to the key {shown(bound, 60)}, and this proof is by another key,"
        f" {shown(key_of(call), 60)}"
    )
    taken = call.accepted
    if taken:
        title += ": the server accepted what it must refuse"
    return Problem(
        title,
        "The server has to compare both: else a stolen code works with any key."
        if taken
        else "Both have to be of one key: send the thumbprint of the key that signs the proof, or"
        " leave dpop_jkt out, as the proof says it."
        if one is call
        else "Sign with the key of the authorization request. Keep it until the callback, across"
        " processes and page loads: store it with the state of the login.",
        "RFC 9449 §10",
        bound,
        key_of(call),
        explains=(*OF_A_LOGIN, "any row", "invalid_dpop_proof"),
        at_server=taken,
    )


def other_alg(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """An algorithm that the server's metadata, fetched before, does not name."""
    mine = call.proof.header.get("alg")
    for one in earlier if call.refused and isinstance(mine, str) else ():
        taken = members_of(one).get("dpop_signing_alg_values_supported")
        if not isinstance(taken, list) or host_of(one.url) != host_of(call.url):
            continue
        if taken and mine not in taken:
            yield Problem.at(
                alg,
                f"the metadata in {named(one)} names algorithms, and {shown(mine, 40)} is none",
                f"Sign with one of {shown(taken, 100)}, with a fitting key.",
                shown(taken, 200),
                shown(mine, 200),
                "unsupported",
            )
