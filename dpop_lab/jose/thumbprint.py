"""The JWK thumbprint: one name for one public key, whoever writes it down (RFC 7638)."""

from collections.abc import Mapping

from dpop_lab.errors import KeyUnusable, expect
from dpop_lab.jose.encoding import base64url_encode, compact_json, sha256

REQUIRED_MEMBERS = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
    "oct": ("k", "kty"),
}


def hash_input(jwk: Mapping[str, object]) -> bytes:
    """The octets a thumbprint is the hash of: the required members only, sorted, no white space.

    Takes a public or private JWK; optional members (`kid`, `alg`, `use`, private ones) play no
    part (RFC 7638 section 3.2). The strings are taken as they stand, not decoded and encoded again.
    Raises `KeyUnusable` when `kty` is unknown or a required member is missing or no string.
    """
    expect(jwk, Mapping, "a thumbprint", "public_jwk(key) gives a key's JWK.")
    kty = jwk.get("kty")
    names = REQUIRED_MEMBERS.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise KeyUnusable(
            "No thumbprint without a key type",
            reason="not_a_key",
            wanted="kty of " + ", ".join(REQUIRED_MEMBERS),
            found=repr(kty),
        )
    lacking = [name for name in names if not isinstance(jwk.get(name), str)]
    if lacking:
        raise KeyUnusable(
            f"No thumbprint for this {kty} key",
            reason="not_a_key",
            wanted="the members " + ", ".join(names) + " as strings",
            found="no string in " + ", ".join(lacking),
        )
    return compact_json({name: jwk[name] for name in names})


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The SHA-256 thumbprint of a JWK, 43 base64url characters (RFC 7638 section 3).

    As `jkt` it binds an access token to a key. Raises `KeyUnusable` as `hash_input` does.
    """
    return base64url_encode(sha256(hash_input(jwk)))
