"""The access token: a JWT bound to a key, issued by one party and checked by another (RFC 9068)."""

import base64
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dpop_lab.checking import Check, Profile, Verdict, check, equal, verdict
from dpop_lab.jose.encoding import Members, base64url_encode, several
from dpop_lab.jose.jws import Jws, read_jws, sign_compact, verify
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.proof import STRICT, Reading
from dpop_lab.show.values import Words

SigningKey = tuple[PrivateKey, Members]  # and as it is published, with its kid
BEGIN, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2046))


@cache
def _key(whose: str) -> tuple[PrivateKey, Any]:
    """The RS256 key of these twins in this process: making one takes longer than all the rest."""
    key = generate_key("RS256")
    pem = key.to_pem().encode()  # whose primes need no proof: it was made here, just now
    return key, load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


def new_signing_key(issuer: str, *, kid: str, whose: str = "labs") -> SigningKey:
    """An RS256 key of this process in a new certificate for the issuer, and its JWK in the JWKS.

    A twin that is started again signs with it again; `whose` tells twins apart that take no tokens
    of each other. The certificate is self-signed, `x5t` its SHA-1, `x5c` its DER. Nobody validates
    it: access tokens are verified with the bare key (RFC 7517 section 4.7).
    """
    key, private = _key(whose)
    # a common name has room for 64 characters
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer[:64])])
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    fingerprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303  x5t is SHA-1 by definition
    der, public = certificate.public_bytes(Encoding.DER), key.public_jwk()
    published = {
        "kty": "RSA", "use": "sig", "kid": kid, "x5t": base64url_encode(fingerprint),
        "e": public["e"], "n": public["n"], "x5c": [base64.b64encode(der).decode()], "alg": "RS256",
    }  # fmt: skip
    return key, published


def issue(signing_key: SigningKey, claims: Members) -> str:
    """A signed access token with these claims, but for those that say nothing.

    An audience alone is a string in it.
    """
    key, published = signing_key
    header = {"alg": "RS256", "kid": published["kid"], "x5t": published["x5t"], "typ": "at+jwt"}
    said = {name: value for name, value in claims.items() if value not in (None, [])}
    if len(said.get("aud", ())) == 1:
        said["aud"] = said["aud"][0]
    return sign_compact(header, said, key)


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
    keys: tuple[Members, ...]
    issuer: str
    audience: str
    now: int

    @property
    def reading(self) -> Reading:
        """How this API takes values."""
        return self.profile.reading


@check(
    "RFC 9449 §7.1",
    stops="a token taken out of its scheme, where other rules apply",
    mend="Send Authorization: DPoP and the access token.",
    free=("too_long",),
)
def scheme(token: Jws, context: TokenContext) -> Verdict:
    """Does the Authorization header bring an access token under the right scheme?"""
    rules, given = context.profile, context.authorization
    if not given:
        return rules.scheme, None, "missing"
    if len(given) >= rules.max_length:
        wanted, found = f"less than {rules.max_length}", f"{len(given)} characters"
        return Words(wanted), Words(found), "too_long"
    word, space, _ = given.partition(" ")
    # what stands alone may be the token itself, without a scheme
    same = rules.reading.same("scheme", rules.scheme, word)
    return verdict(rules.scheme, word if space else Words("one word alone"), good=same)


@check(
    "RFC 9068 §4",
    stops="a token in another spelling, new to any list of revoked ones",
    mend="Send the access token to the letter, as the token endpoint gave it, or fetch a new one.",
)
def at_form(token: Jws, context: TokenContext) -> Verdict:
    """Is the access token a well-formed JWT?"""
    fault = token.problem or context.reading.token_fault(token)
    found = Words(fault or "a JWT")
    return Words("a JWT in compact form"), found, "malformed" if fault else None


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
    types = context.profile.types
    return Words(" or ".join(types)), found, None if found in types else "wrong"


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
    return verdict(Words("an RS256 signature by the issuer"), found, good=good)


@check(
    "RFC 9068 §4",
    stops="a token for another API, sent on by whoever runs that API",
    mend="Ask for a token for this API, by its scope or resource.",
)
def audience(token: Jws, context: TokenContext) -> Verdict:
    """Is it meant for this API?"""
    found = token.claims.get("aud")
    good = context.audience in several(found)
    return context.audience, found, None if good else "wrong"


@check(
    "RFC 9068 §4",
    stops="a token that was stolen long ago",
    mend="Fetch a new access token, and renew it before its end.",
)
def not_expired(token: Jws, context: TokenContext) -> Verdict:
    """Is it still, and already, valid?"""
    now, reading = context.now, context.reading
    end: Any = token.claims.get("exp")
    start = token.claims.get("nbf")
    if STRICT.number(end) is None:
        return verdict(Words("exp, a number"), end, good=False)
    if reading.expired(end, now):
        return Words(f"exp well after {now - reading.leeway}"), end, "expired"
    early = isinstance(start, int | float) and now + reading.leeway < start
    return Words("exp ahead"), end, "early" if early else None


@check(
    "RFC 9449 §7.2",
    stops="a stolen bound token sent as a plain Bearer token, with no proof",
    mend="Send a bound token under the scheme DPoP with a proof: it is no Bearer token.",
)
def unbound(token: Jws, context: TokenContext) -> Verdict:
    """Is it free of a key it would have to be proven with?"""
    found = token.claims.get("cnf")
    return Words("no cnf"), found, None if found is None else "bound"


ROWS: tuple[Check, ...] = (
    scheme, at_form, at_typ, issuer, at_signature, audience, not_expired
)  # fmt: skip
