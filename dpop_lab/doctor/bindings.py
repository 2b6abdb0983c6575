"""Keys across a session: a token without one, another one than before, that of the login."""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.exchanges import Earlier, members_of, named, same_request
from dpop_lab.doctor.problem import Problem, unsupported_alg
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof import rules
from dpop_lab.session.call import API, Call, host_of
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import shown

EXCHANGED = ("subject_token", "assertion")  # parameters of a token that another is got for
OF_A_CNF = ("bound_key", "no binding", "unbound", "any row", "invalid_token", "invalid_dpop_proof")
#: What servers may say of a key that does not fit.
OF_KEYS = (
    "bound_key", "invalid_token", "invalid_grant", "invalid_request", "any row",
    "invalid_dpop_proof",
)  # fmt: skip


def another_key(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof by another key than the one with which the access token was got."""
    mine = key_of(call)
    if not mine or call.wants_nonce or call.place != API or not call.refused:
        return
    got = next((one for one in reversed(earlier) if one.issued and one.issued == call.token), None)
    bound = key_of(got) if got else ""
    if got and bound and bound != mine:
        yield Problem(
            f"The token request in {named(got)} binds the access token to the key"
            f" {shown(bound, 60)}, and this proof is by another key, {shown(mine, 60)}",
            "Sign with the key that the access token is bound to. Keep it across processes and page"
            " loads, as long as the token lives. Where it is lost, log in again.",
            "RFC 9449 §5",
            bound,
            mine,
            "bound_key",
            explains=OF_KEYS,
        )


def spelt_otherwise(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A request that was refused, and taken with the scheme in capitals as RFC 9449 writes it."""
    mine = call.scheme
    if not call.refused or mine == "DPoP" or mine.lower() != "dpop":
        return
    taken = [one for one in (*earlier, *later) if one.succeeded and one.scheme == "DPoP"]
    if any(one.token == call.token and same_request(one, call) for one in taken):
        yield Problem(
            f"scheme: the server refuses {shown(mine, 20)} and takes 'DPoP': it compares the"
            " letter case",
            "The server has to take the scheme in capital and small letters alike: its name is"
            " case-insensitive. Till then send DPoP, as RFC 9449 writes it.",
            "RFC 9110 §11.1",
            row="scheme",
            explains=("scheme", "bare_challenge", "invalid_token", "no scheme", "status"),
            at_server=True,
        )


def introspected(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof by another key than introspection names of its token (RFC 9449 §6.2)."""
    mine = key_of(call)
    asked = [
        one for one in (*earlier, *later) if call.token and one.form.get("token") == call.token
    ]
    for told in map(members_of, asked if mine and call.refused else ()):
        cnf = told.get("cnf")
        bound = cnf.get("jkt") if isinstance(cnf, dict) else None
        if told.get("active") is True and isinstance(bound, str) and bound != mine:
            yield Problem(
                "bound_key: introspection says that the access token is bound to the key"
                f" {shown(bound, 60)}, and this proof is by another key, {shown(mine, 60)}",
                "Sign with the key that the token was asked for with, or ask for a new token with"
                " this one.",
                "RFC 9449 §6.2",
                bound,
                mine,
                "bound_key",
                explains=OF_KEYS,
            )
            return


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
    yield from _unbound_again(call)
    yield from _without_proof(call)
    yield from _to_another_key(call, bound)


def _unbound_again(call: Call) -> Iterator[Problem]:
    """A token bound to no key, got for one that was bound (token exchange, RFC 8693)."""
    given = next((call.form[one] for one in EXCHANGED if one in call.form), "")
    was_bound, issued = "cnf" in read_jws(given).claims, read_jws(call.issued)
    if was_bound and issued.claims and "cnf" not in issued.claims and not call.is_proof:
        yield Problem(
            "The token given for exchange is bound to a key, and the new one is bound to no key:"
            " the exchange takes the binding away",
            "The server must refuse such an exchange without a proof: else whoever has stolen a"
            " bound token gets one that needs no key. Send a proof with the token request, and the"
            " new token is bound.",
            "RFC 9449 §5",
            "cnf with jkt",
            "nothing",
            at_server=True,
        )


def _without_proof(call: Call) -> Iterator[Problem]:
    """A token that is bound to a key, as the answer says, though no proof named one."""
    proven = call.is_proof or "proof" in call.hidden
    if call.token_type.lower() == "dpop" and call.whole and call.form and not proven:
        yield Problem(
            "token_type says DPoP, and no proof came with the request: to which key is it bound?",
            "The server has to refuse the request, or to answer with a token of token_type Bearer."
            " If a proof did go out, something on the way kept the DPoP header back.",
            "RFC 9449 §5",
            "a DPoP header",
            "nothing",
            at_server=True,
        )


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


def cnf_astray(call: Call) -> Iterator[Problem]:
    """A confirmation in the access token that is no object with jkt: the issuer's fault."""
    claims = read_jws(call.issued).claims or call.access_token.claims
    cnf, action = claims.get("cnf"), ""
    if cnf is None and "jkt" in claims:
        title = "jkt stands beside cnf, where no API looks for it"
        action = "The issuer has to put jkt into an object cnf: here it stands beside it."
    elif cnf is not None and not isinstance(cnf, dict):
        title = f"cnf in the access token is {'a string' * isinstance(cnf, str) or 'no object'}"
        title += ", not a JSON object, so no API finds cnf.jkt in it"
        action = (
            'The issuer has to give cnf as an object, {"jkt": …}: where a mapper makes the claim,'
            " its type has to be JSON, not String."
        )
    if action:
        one = Problem.at(rules.bound_key, title, action, "an object with jkt", shown(cnf, 120))
        yield replace(one, explains=OF_A_CNF, at_server=True)
