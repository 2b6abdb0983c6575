"""The access token: a JWT bound to a key, issued by one party and checked by another (RFC 9068)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.checking import Check, Profile, Verdict, check, equal
from dpop_lab.jose.jws import Jws, read_jws, sign_compact, verify
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.proof import STRICT, Reading
from dpop_lab.show.values import Words

SigningKey = tuple[PrivateKey, Mapping[str, Any]]  # and as it is published, with its kid


def new_signing_key(issuer: str, *, kid: str) -> SigningKey:
    """A fresh RS256 key in a self-signed certificate for the issuer, and its JWK in the JWKS."""
    from dpop_lab.server.certificate import self_signed

    key = generate_key("RS256")
    x5t, x5c = self_signed(key, issuer)
    public = key.public_jwk()
    published = {
        "kty": "RSA", "use": "sig", "kid": kid, "x5t": x5t,
        "e": public["e"], "n": public["n"], "x5c": [x5c], "alg": "RS256",
    }  # fmt: skip
    return key, published


def issue(signing_key: SigningKey, claims: Mapping[str, Any]) -> str:
    """A signed access token with these claims."""
    key, published = signing_key
    header = {"alg": "RS256", "kid": published["kid"], "x5t": published["x5t"], "typ": "at+jwt"}
    return sign_compact(header, claims, key)


def token_of(authorization: str) -> Jws:
    """The access token in an Authorization value (empty: there was none), taken apart."""
    return read_jws(authorization.partition(" ")[2].strip(" \t"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenProfile(Profile):
    """The rules for access tokens at one API."""

    scheme: str  #: DPoP or Bearer
    reading: Reading = STRICT
    #: values of the header's `typ`
    types: tuple[str, ...] = ("at+jwt", "application/at+jwt")
    #: characters of the Authorization value, from which on it is too long
    max_length: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenContext:
    """What one API holds an access token to: how it came, the issuer and its keys, the time."""

    profile: TokenProfile
    authorization: str = field(repr=False)
    keys: tuple[Mapping[str, Any], ...]
    issuer: str
    audience: str
    now: int


@check(
    "RFC 9449 §7.1",
    stops="a token taken out of its scheme, where other rules apply",
    mend="Send Authorization: DPoP and the access token.",
    grade={"": "must", "too_long": "free"},
)
def scheme(token: Jws, context: TokenContext) -> Verdict:
    """Does the Authorization header bring an access token under the right scheme?"""
    rules, given = context.profile, context.authorization
    if not given:
        return Verdict(rules.scheme, None, "missing")
    if len(given) >= rules.max_length:
        wanted, found = f"less than {rules.max_length}", f"{len(given)} characters"
        return Verdict(Words(wanted), Words(found), "too_long")
    word, space, _ = given.partition(" ")
    defect = None if rules.reading.same("scheme", rules.scheme, word) else "wrong"
    # what stands alone may be the token itself, without a scheme
    return Verdict(rules.scheme, word if space else Words("one word alone"), defect)


@check(
    "RFC 9068 §4",
    stops="a token in another spelling, new to any list of revoked ones",
    mend="Send the access token to the letter, as the token endpoint gave it, or fetch a new one.",
)
def at_form(token: Jws, context: TokenContext) -> Verdict:
    """Is the access token a well-formed JWT?"""
    fault = token.problem or context.profile.reading.token_fault(token)
    found = Words(fault or "a JWT")
    return Verdict(Words("a JWT in compact form"), found, "malformed" if fault else None)


# RFC 9068 demands it, but RFC 9449 leaves the form of access tokens to their issuer
@check(
    "RFC 9068 §4",
    stops="another kind of JWT of the same issuer passed off as an access token",
    mend="Send the access_token of the token response, whose header says at+jwt.",
    grade="should",
)
def at_typ(token: Jws, context: TokenContext) -> Verdict:
    """Does its header call it an access token?"""
    found = token.header.get("typ")
    good = isinstance(found, str) and found in context.profile.types
    return Verdict(Words(" or ".join(context.profile.types)), found, None if good else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token of another issuer that signs with the same key",
    mend="Fetch a new access token, from the issuer that this API trusts.",
)
def issuer(token: Jws, context: TokenContext) -> Verdict:
    """Is it from the issuer this API trusts?"""
    return equal(wanted=context.issuer, found=token.claims.get("iss"))


@check(
    "RFC 9068 §4",
    stops="a token that the thief wrote, or changed",
    mend="Fetch a new access token: no key of the issuer verifies this one.",
    needs=("at_form",),
)
def at_signature(token: Jws, context: TokenContext) -> Verdict:
    """Does its signature verify with one of the issuer's keys?"""
    good = token.header.get("alg") == "RS256" and any(
        verify(token.signing_input, token.signature, alg="RS256", jwk=key) for key in context.keys
    )
    found = Words("it verifies" if good else "it does not verify")
    return Verdict(Words("an RS256 signature by the issuer"), found, None if good else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token for another API, sent on by whoever runs that API",
    mend="Ask for a token for this API, by its scope or resource.",
)
def audience(token: Jws, context: TokenContext) -> Verdict:
    """Is it meant for this API?"""
    found = token.claims.get("aud")
    several = found if isinstance(found, list) else [found]
    return Verdict(context.audience, found, None if context.audience in several else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token that was stolen long ago",
    mend="Fetch a new access token, and renew it before its end.",
)
def not_expired(token: Jws, context: TokenContext) -> Verdict:
    """Is it still, and already, valid?"""
    now, reading = context.now, context.profile.reading
    end, start = (token.claims.get(name) for name in ("exp", "nbf"))
    if type(end) is not int and not (type(end) is float and math.isfinite(end)):
        return Verdict(Words("exp, a number"), end, "missing" if end is None else "wrong")
    if reading.expired(end, now):
        return Verdict(Words(f"exp well after {now - reading.leeway}"), end, "expired")
    early = isinstance(start, int | float) and now + reading.leeway < start
    return Verdict(Words("exp ahead"), end, "early" if early else None)


@check(
    "RFC 9449 §7.2",
    stops="a stolen bound token sent as a plain Bearer token, with no proof",
    mend="Send a bound token under the scheme DPoP with a proof: it is no Bearer token.",
)
def unbound(token: Jws, context: TokenContext) -> Verdict:
    """Is it free of a key it would have to be proven with?"""
    found = token.claims.get("cnf")
    return Verdict(Words("no cnf"), found, None if found is None else "bound")


ROWS: tuple[Check, ...] = (
    scheme, at_form, at_typ, issuer, at_signature, audience, not_expired
)  # fmt: skip
