"""The JWK thumbprint: one name for one public key, whoever writes it down (RFC 7638)."""

from collections.abc import Mapping

from dpop_lab.errors import KeyUnusable, expect
from dpop_lab.jose.encoding import base64url_encode, compact_json, sha256

REQUIRED_MEMBERS = {  # in alphabetical order
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
        problem, wanted = "No thumbprint without a key type", ", ".join(REQUIRED_MEMBERS)
        raise KeyUnusable(problem, reason="not_a_key", wanted=f"kty of {wanted}", found=repr(kty))
    if missing := [name for name in names if not isinstance(jwk.get(name), str)]:
        problem, wanted = f"No thumbprint for this {kty} key", ", ".join(names)
        wanted, found = f"the members {wanted} as strings", "no string in " + ", ".join(missing)
        raise KeyUnusable(problem, reason="not_a_key", wanted=wanted, found=found)
    return compact_json({name: jwk[name] for name in names})


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The SHA-256 thumbprint of a JWK, 43 base64url characters (RFC 7638 section 3).

    As `jkt` it binds an access token to a key. Raises `KeyUnusable` as `hash_input` does.
    """
    return base64url_encode(sha256(hash_input(jwk)))
