"""A DPoP proof: made, read back without believing it, and how a server takes its values."""

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import NoneType
from typing import Any

from dpop_lab.errors import expect
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.jose.jwk import public_fault
from dpop_lab.jose.jws import Deviation, Jws, read_jws, segment, sign_segment
from dpop_lab.jose.keys import ALGORITHMS, PRIVATE_MEMBERS, PUBLIC, PrivateKey, public_jwk
from dpop_lab.show.values import shown
from dpop_lab.wire.syntax import normal_url, without_query

TYP = "dpop+jwt"
TEXT_CLAIMS = ("jti", "htm", "htu", "ath", "nonce")


def proof_header(key: PrivateKey) -> dict[str, Any]:
    """The JOSE header of a proof: what it is, how it is signed, the public key (section 4.2)."""
    return _header(key.alg, public_jwk(key))


def _header(alg: str, jwk: Mapping[str, str]) -> dict[str, Any]:
    return {"typ": TYP, "alg": alg, "jwk": dict(jwk)}


def proof_claims(
    *,
    jti: str,
    htm: str,
    htu: str,
    iat: int,
    access_token: str | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The claims of a proof, in the order of RFC 9449 section 4.2.

    `jti` is a fresh unique identifier, `htm` the request's method, `htu` its URL (query and
    fragment are taken off), `iat` the time in seconds since 1970. With an access token its hash is
    added as `ath`; with the server's nonce, `nonce`.
    """
    claims: dict[str, Any] = {
        "jti": jti,
        "htm": htm,
        "htu": without_query(htu),
        "iat": iat,
    }
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


def make_proof(
    key: PrivateKey,
    *,
    jti: str,
    htm: str,
    htu: str,
    iat: int,
    access_token: str | None = None,
    nonce: str | None = None,
) -> str:
    """A signed proof for one request, as the text of the `DPoP` header (RFC 9449 section 4.2).

    `jti` is a fresh unique identifier, `htm` the request's method, `htu` its URL (query and
    fragment are taken off), `iat` the time in whole seconds since 1970. With `access_token` the
    proof carries its hash as `ath`; `nonce` is the server's, where it gave one. Nothing here reads
    the clock or draws the `jti`: a proof is good for one request, so give each its own. Raises
    `LabError` for arguments of another type; a wrong proof is made from `proof_claims` by hand.
    """
    expect(key, PrivateKey, "make_proof", "load_key and generate_key make one.")
    for name, text in (("jti", jti), ("htm", htm), ("htu", htu)):
        expect(text, str, name)
    expect(iat, int, "iat", "Whole seconds since 1970: int(time.time()).")
    expect(access_token, (str, NoneType), "access_token")
    expect(nonce, (str, NoneType), "nonce")
    claims = proof_claims(
        jti=jti, htm=htm, htu=htu, iat=iat, access_token=access_token, nonce=nonce
    )
    members = tuple(key.public_jwk().items())
    return sign_segment(_header_segment(key.alg, members), claims, key.sign)


@lru_cache(maxsize=64)
def _header_segment(alg: str, members: tuple[tuple[str, str], ...]) -> str:
    """A proof's header, encoded: for one key always the same."""
    return segment(_header(alg, dict(members)))


def access_token_hash(access_token: str) -> str:
    """The `ath` claim: base64url of the SHA-256 of the access token's text (section 4.2)."""
    expect(access_token, str, "access_token_hash")
    return base64url_encode(sha256(access_token.encode("utf-8", "surrogatepass")))


def read_proof(text: str) -> Jws:
    """Take a proof apart without believing any of it; never raises.

    Besides the deviations of `read_jws` it notes values of another JSON type than section 4.2
    gives them.
    """
    proof = read_jws(text)
    unusual = tuple(_unusual_values(proof.claims))
    return replace(proof, deviations=(*proof.deviations, *unusual)) if unusual else proof


def _unusual_values(claims: Mapping[str, Any]) -> Iterator[Deviation]:
    for name in TEXT_CLAIMS:
        value = claims.get(name, "")
        if not isinstance(value, str):
            kind = "value_in_an_array" if isinstance(value, list) else "not_a_string"
            yield Deviation(f"claims.{name}", kind)
    iat = claims.get("iat", 0)
    if type(iat) not in (int, float):
        yield Deviation("claims.iat", "number_as_text" if isinstance(iat, str) else "not_a_number")


RSA_BITS = range(2048, 8193)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one server takes the values of a proof or an access token: here with no leniency at all.

    Each method is a choice that another server may make in another way; none turns a rule off.
    """

    #: that verify here, in the order they are told in
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    #: seconds of grace for `exp` and `nbf` of access tokens and client assertions
    leeway: int = 0

    def fault(self, proof: Jws) -> tuple[str, str] | None:
        """The defect that makes a proof malformed, with words for it: not three parts.

        The finer points of form are for the row `strict_form`.
        """
        five = proof.text.count(".") == 4  # anything but three is `Jws.problem`
        return ("malformed", "5 parts between dots, wanted 3") if five else None

    def token_fault(self, token: Jws) -> str | None:
        """What makes an access token malformed: any spelling but the one it was issued in."""
        return ", ".join(map(str, token.deviations)) or None

    def same(self, name: str, wanted: str, found: object) -> bool:
        """Is what was found for `typ`, `htm` or the `scheme` what was wanted?

        Letter case counts but for the scheme (RFC 9110 section 11.1).
        """
        if name == "scheme" and isinstance(found, str):
            return found.lower() == wanted.lower()
        return found == wanted

    def key_fault(self, jwk: Mapping[str, Any], alg: object) -> str | None:
        """What is wrong with a key for this algorithm (RFC 7518 sections 3.3, 3.4, 6; RFC 8037)."""
        kty, crv = jwk.get("kty"), jwk.get("crv")
        wanted = ALGORITHMS.get(alg) if isinstance(alg, str) else None
        kind = (kty, None if kty == "RSA" else crv)
        if kind != wanted and (wanted or kind not in ALGORITHMS.values()):
            return f"a key of kind {kty!r} {crv!r}, which is not for {alg!r}"
        use = jwk.get("use", "sig")
        if use != "sig" or ALGORITHMS.get(str(jwk.get("alg", alg))) != wanted:
            member = "alg" if use == "sig" else "use"
            return f"its {member}, {shown(jwk.get(member), 40)}, says it is for something else"
        operations = jwk.get("key_ops", ["verify"])
        if not isinstance(operations, list) or "verify" not in operations:
            return "key_ops in it do not say verify"
        texts = [one if isinstance(one := jwk.get(name), str) else "" for name in PUBLIC[str(kty)]]
        return public_fault(str(kty), *texts, bits=RSA_BITS)

    def members(self, jwk: Mapping[str, Any]) -> Mapping[str, Any]:
        """A jwk as this server reads it: as it is."""
        return jwk

    def private(self, jwk: Mapping[str, Any]) -> tuple[str, ...]:
        """Any private or symmetric member, whatever the key type (RFC 7518 section 6)."""
        return tuple(name for name in PRIVATE_MEMBERS if name in jwk)

    def signature(self, proof: Jws) -> bytes:
        """The octets of the signature; how they are spelt is for the row `strict_form`."""
        return proof.signature

    def unchecked(self, cnf: Mapping[str, Any]) -> tuple[str, ...]:
        """What binds an access token besides its key: every member of `cnf` but `jkt`.

        A binding that nobody proves binds nothing (RFC 7800 section 3).
        """
        return tuple(name for name in cnf if name != "jkt")

    def text(self, value: object) -> str | None:
        """A JSON string."""
        return value if isinstance(value, str) else None

    def number(self, value: object) -> float | None:
        """A finite JSON number; true and false are none (RFC 7519 section 2, NumericDate)."""
        if type(value) is int or (type(value) is float and math.isfinite(value)):
            return value
        return None

    def jti(self, claims: Mapping[str, Any]) -> str | None:
        """A string that is not empty."""
        return self.text(claims.get("jti")) or None

    def same_url(self, wanted: str, found: str) -> bool:
        """Equal after RFC 3986 normalisation, but for query and fragment; path case counts."""
        normal = normal_url(found)
        return normal is not None and normal == normal_url(wanted)

    def expired(self, end: float, now: int) -> bool:
        """On or after `exp` it is over (RFC 7519 section 4.1.4)."""
        return now >= end + self.leeway

    def replay_key(
        self, claims: Mapping[str, Any], *, jkt: str | None, url: str, client_id: str
    ) -> Hashable:
        """What a proof is remembered by: its key, its jti, and where it was used."""
        return jkt, self.jti(claims), normal_url(url) or url


STRICT = Reading()
