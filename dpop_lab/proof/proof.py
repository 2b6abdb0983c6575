"""A DPoP proof: its header, its claims, signed; and read back without believing it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import NoneType
from typing import Any

from dpop_lab.errors import expect
from dpop_lab.jose.encoding import base64url_encode, compact_json, sha256
from dpop_lab.jose.jws import Deviation, Jws, read_jws, sign_segment
from dpop_lab.jose.keys import PrivateKey, public_jwk
from dpop_lab.wire.url import without_query

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
    return sign_segment(_header_segment(key.alg, tuple(public_jwk(key).items())), claims, key)


@lru_cache(maxsize=64)
def _header_segment(alg: str, members: tuple[tuple[str, str], ...]) -> str:
    """A proof's header, encoded: for one key always the same."""
    return base64url_encode(compact_json(_header(alg, dict(members))))


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
    unusual = _unusual_values(proof.claims)
    return replace(proof, deviations=(*proof.deviations, *unusual)) if unusual else proof


def _unusual_values(claims: Mapping[str, Any]) -> list[Deviation]:
    found = []
    for name in TEXT_CLAIMS:
        if isinstance(claims.get(name), list):
            found.append(Deviation(f"claims.{name}", "value_in_an_array"))
        elif name in claims and not isinstance(claims[name], str):
            found.append(Deviation(f"claims.{name}", "not_a_string"))
    if isinstance(claims.get("iat"), str):
        found.append(Deviation("claims.iat", "number_as_text"))
    elif "iat" in claims and type(claims["iat"]) not in (int, float):
        found.append(Deviation("claims.iat", "not_a_number"))
    return found
