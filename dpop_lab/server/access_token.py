"""The access token: a JWT bound to a key, issued by one party and checked by another (RFC 9068)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.checking import Check, Profile, Verdict, check, equal
from dpop_lab.jose.jws import Jws, read_jws, sign_compact, verify
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.show.values import Words


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The authorization server's RS256 key: what it signs with, and how it is published."""

    key: PrivateKey = field(repr=False)
    kid: str
    published: Mapping[str, Any]

    @property
    def header(self) -> dict[str, Any]:
        """The JOSE header of every access token signed with it."""
        return {"alg": "RS256", "kid": self.kid, "x5t": self.published["x5t"], "typ": "at+jwt"}


def new_signing_key(issuer: str, *, kid: str) -> SigningKey:
    """A fresh RSA key in a self-signed certificate for the issuer, as its JWKS shows it."""
    from dpop_lab.server.certificate import self_signed

    key = generate_key("RS256")
    x5t, x5c = self_signed(key, issuer)
    public = key.public_jwk()
    published = {
        "kty": "RSA", "use": "sig", "kid": kid, "x5t": x5t,
        "e": public["e"], "n": public["n"], "x5c": [x5c], "alg": "RS256",
    }  # fmt: skip
    return SigningKey(key, kid, published)


def issue(key: SigningKey, claims: Mapping[str, Any]) -> str:
    """A signed access token with these claims."""
    return sign_compact(key.header, claims, key.key)


def demo_claims(
    *,
    issuer: str,
    now: int,
    lifetime: int,
    audience: tuple[str, ...],
    jkt: str | None,
    scope: tuple[str, ...],
    client_id: str,
    jti: str,
) -> dict[str, Any]:
    """The claims of the demo's access tokens, in its order.

    With a `jkt` the token is bound to that key (RFC 9449 section 6.1). Times are in seconds.
    """
    claims: dict[str, Any] = {"iss": issuer, "nbf": now, "iat": now, "exp": now + lifetime}
    if audience:
        claims["aud"] = audience[0] if len(audience) == 1 else list(audience)
    if jkt is not None:
        claims["cnf"] = {"jkt": jkt}
    return {**claims, "scope": list(scope), "client_id": client_id, "jti": jti}


def standard_claims(*, client_id: str, scope: tuple[str, ...], **others: Any) -> dict[str, Any]:
    """The same as RFC 9068 section 2.2 has them: with subject and audience, scope a string."""
    others["audience"] = others["audience"] or (others["issuer"],)
    claims = demo_claims(client_id=client_id, scope=scope, **others)
    return {**claims, "sub": client_id, "scope": " ".join(scope)}


@dataclass(frozen=True, slots=True)
class Presented:
    """What an Authorization header brought: its scheme as typed, and the token taken apart."""

    credentials: str = field(repr=False)
    scheme: str
    token: Jws

    @classmethod
    def read(cls, credentials: str) -> "Presented":
        """Split an Authorization value (empty: there was none) at its first space."""
        scheme, _, text = credentials.partition(" ")
        return cls(credentials, scheme, read_jws(text.strip(" \t")))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenProfile(Profile):
    """The rules for access tokens at one API.

    `max_length` bounds the Authorization value, `fault` says what makes a token malformed, `types`
    are the header's `typ` values taken. `expired` tells of an `exp` whether it is over now;
    `leeway` is the grace for `nbf` in seconds.
    """

    max_length: float
    fault: Callable[[Jws], str | None]
    types: tuple[str, ...]
    expired: Callable[[float, int], bool]
    leeway: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenContext:
    """What one API holds an access token to: its scheme, its issuer and keys, itself, the time."""

    profile: TokenProfile
    scheme: str
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
def scheme(presented: Presented, context: TokenContext) -> Verdict:
    """Does the Authorization header bring an access token under the right scheme?"""
    if not presented.credentials:
        return Verdict(context.scheme, None, "missing")
    if len(presented.credentials) >= context.profile.max_length:
        wanted = Words(f"less than {context.profile.max_length}")
        return Verdict(wanted, Words(f"{len(presented.credentials)} characters"), "too_long")
    good = presented.scheme.lower() == context.scheme.lower()
    # what stands alone may be the token itself, without a scheme
    found = presented.scheme if " " in presented.credentials else Words("one word alone")
    return Verdict(context.scheme, found, None if good else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token in another spelling, new to any list of revoked ones",
    mend="Send the access token to the letter, as the token endpoint gave it, or fetch a new one.",
)
def at_form(presented: Presented, context: TokenContext) -> Verdict:
    """Is the access token a well-formed JWT?"""
    fault = presented.token.problem or context.profile.fault(presented.token)
    found = Words(fault or "a JWT")
    return Verdict(Words("a JWT in compact form"), found, "malformed" if fault else None)


# RFC 9068 demands it, but RFC 9449 leaves the form of access tokens to their issuer
@check(
    "RFC 9068 §4",
    stops="another kind of JWT of the same issuer passed off as an access token",
    mend="Send the access_token of the token response, whose header says at+jwt.",
    grade="should",
)
def at_typ(presented: Presented, context: TokenContext) -> Verdict:
    """Does its header call it an access token?"""
    found = presented.token.header.get("typ")
    good = isinstance(found, str) and found in context.profile.types
    return Verdict(Words(" or ".join(context.profile.types)), found, None if good else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token of another issuer that signs with the same key",
    mend="Fetch a new access token, from the issuer that this API trusts.",
)
def issuer(presented: Presented, context: TokenContext) -> Verdict:
    """Is it from the issuer this API trusts?"""
    return equal(wanted=context.issuer, found=presented.token.claims.get("iss"))


@check(
    "RFC 9068 §4",
    stops="a token that the thief wrote, or changed",
    mend="Fetch a new access token: no key of the issuer verifies this one.",
    needs=("at_form",),
)
def at_signature(presented: Presented, context: TokenContext) -> Verdict:
    """Does its signature verify with one of the issuer's keys?"""
    token = presented.token
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
def audience(presented: Presented, context: TokenContext) -> Verdict:
    """Is it meant for this API?"""
    found = presented.token.claims.get("aud")
    several = found if isinstance(found, list) else [found]
    return Verdict(context.audience, found, None if context.audience in several else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token that was stolen long ago",
    mend="Fetch a new access token, and renew it before its end.",
)
def not_expired(presented: Presented, context: TokenContext) -> Verdict:
    """Is it still, and already, valid?"""
    now, leeway = context.now, context.profile.leeway
    end, start = (presented.token.claims.get(name) for name in ("exp", "nbf"))
    if type(end) is not int and not (type(end) is float and math.isfinite(end)):
        return Verdict(Words("exp, a number"), end, "missing" if end is None else "wrong")
    if context.profile.expired(end, now):
        return Verdict(Words(f"exp well after {now - leeway}"), end, "expired")
    early = isinstance(start, int | float) and now + leeway < start
    return Verdict(Words("exp ahead"), end, "early" if early else None)


@check(
    "RFC 9449 §7.2",
    stops="a stolen bound token sent as a plain Bearer token, with no proof",
    mend="Send a bound token under the scheme DPoP with a proof: it is no Bearer token.",
)
def unbound(presented: Presented, context: TokenContext) -> Verdict:
    """Is it free of a key it would have to be proven with?"""
    found = presented.token.claims.get("cnf")
    return Verdict(Words("no cnf"), found, None if found is None else "bound")


ROWS: tuple[Check, ...] = (
    scheme, at_form, at_typ, issuer, at_signature, audience, not_expired
)  # fmt: skip
