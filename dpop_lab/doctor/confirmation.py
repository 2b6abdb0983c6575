"""What binds a token to a key (cnf, jkt): its form, and new tokens that lack it or have another."""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.advice.hashes import octets_of, thumbprint_made
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import shown

LENGTHS = {20: "is as long as SHA-1", 48: "is as long as SHA-384", 64: "is as long as SHA-512"}
EXCHANGED = ("subject_token", "assertion")  # parameters of a token that another is got for
PASSED_OVER = "The server passed over the DPoP header: does it know DPoP, for this client?"
BIND = "The server has to bind it to the key of the proof in its request: {}."
OF_A_CNF = ("bound_key", "no binding", "unbound", "any row", "invalid_token", "invalid_dpop_proof")


def no_thumbprint(jkt: object, name: str) -> Iterator[Problem]:
    """A value that can be the SHA-256 thumbprint of no key."""
    octets, spelling = next(octets_of(jkt), (b"", ""))
    if len(octets) == 32 and base64url_encode(octets) == jkt:
        return
    how = spelling or LENGTHS.get(len(octets), "")
    if str(jkt)[:1] in ("{", "["):
        how = "is a whole key, not the hash of one"
    yield Problem(
        f"{name} is no thumbprint of a key{': it ' * bool(how)}{how}",
        "Make it by RFC 7638: SHA-256 of the public JWK's required members, as base64url.",
        "RFC 9449 §10" if name == "dpop_jkt" else "RFC 9449 §6",
        "43 characters of base64url",
        shown(jkt, 100),
        explains=("code key",),
        at_server=name != "dpop_jkt",
    )


def badly_bound(call: Call) -> Iterator[Problem]:
    """A new access token that is bound to no key, or to another one than the proof's."""
    kind, issued = call.token_type.lower(), read_jws(call.issued)
    cnf = issued.claims.get("cnf")
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    if kind == "bearer":
        yield from _bearer(call, bound)
    astray = cnf is None and "jkt" in issued.claims  # which `cnf_astray` tells
    lacks = bound is None and (isinstance(cnf, dict) or not cnf) and not astray
    if kind == "dpop" and issued.claims and lacks:
        other = ", but to a certificate (x5t#S256, RFC 8705)" * ("x5t#S256" in (cnf or {}))
        yield Problem(
            "token_type says DPoP, but the access token has no cnf.jkt: it is bound to no key"
            + other,
            "The authorization server has to put cnf.jkt into it, or the APIs have to ask it by"
            " introspection. Till then a proof by any key would do.",
            "RFC 9449 §6.1",
            "cnf with jkt",
            shown(cnf, 120) if cnf else "nothing",
            at_server=True,
        )
    yield from _unbound_again(call)
    yield from _without_proof(call)
    yield from _to_another_key(call, bound)


def _bearer(call: Call, bound: object) -> Iterator[Problem]:
    """A token said to be a Bearer token that is bound, or that was meant to be."""
    if bound:
        yield Problem(
            "token_type says Bearer, but cnf.jkt in the access token binds it to a key",
            "The server has to answer token_type DPoP. Send the token in Authorization: DPoP with a"
            " proof by its key.",
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
            at_server=True,
        )
    elif call.is_proof or "proof" in call.hidden:
        yield Problem(
            "token_type: Bearer came in answer to a proof, so the token is bound to no key",
            PASSED_OVER,
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
            at_server=True,
        )
    elif _was_meant(call):
        yield Problem(
            "token_type is Bearer, for the token request had no DPoP header: the token is bound to"
            " no key",
            "Send a proof in a DPoP header with the token request. That the server knows DPoP, or"
            " the client is set to use it, binds no token by itself.",
            "RFC 9449 §5",
            "a DPoP header",
            "nothing",
        )


def _was_meant(call: Call) -> bool:
    """Is it a whole request without a proof, and do words beside it speak of DPoP?"""
    proven = call.is_proof or "proof" in call.hidden
    return call.token_request and call.whole and not proven and "dpop" in call.around.lower()


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
            else BIND.format(mine),
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
        title = "jkt stands among the claims, and there is no cnf, where an API looks for it"
        action = "The issuer has to put jkt into an object cnf."
    elif cnf is not None and not isinstance(cnf, dict):
        title = f"cnf in the access token is {'a string' * isinstance(cnf, str) or 'no object'}"
        title += ", not a JSON object, so no API finds cnf.jkt in it"
        action = (
            'The issuer has to give cnf as an object, {"jkt": …}: where a mapper makes the claim,'
            " its type has to be JSON, not String."
        )
    if action:
        title += ", though token_type says DPoP" * (call.token_type.lower() == "dpop")
        one = Problem.at(rules.bound_key, title, action, "an object with jkt", shown(cnf, 120))
        yield replace(one, explains=OF_A_CNF, at_server=True)
