"""A private key out of a JWK, or of the one in a JWK Set that can sign (RFC 7517)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from dpop_lab.errors import KeyUnusable, LabError
from dpop_lab.jose.encoding import base64url_decode
from dpop_lab.jose.keys import (
    ALGORITHMS,
    OCTETS,
    PRIVATE,
    PUBLIC,
    PrivateKey,
    check_size,
    key_bits,
)

CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def from_mapping(value: Mapping[str, Any], alg: str | None) -> PrivateKey:
    """The key of a JWK or of a JWK Set, for `alg` or else its own. Raises `KeyUnusable`."""
    if "kty" in value or not isinstance(value.get("keys"), list):
        return _from_jwk(value, alg)
    usable, refused = [], []
    for jwk in value["keys"]:
        try:
            usable.append(_from_jwk(jwk, alg))
        except KeyUnusable as error:
            refused.append(error.reason)
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise KeyUnusable("several_keys", f"a JWK Set with {len(usable)} of them")
    raise KeyUnusable("no_key", "a JWK Set with " + (", ".join(refused) or "nothing in it"))


def _from_jwk(jwk: object, alg: str | None) -> PrivateKey:
    if not isinstance(jwk, Mapping) or not isinstance(kty := jwk.get("kty"), str):
        raise KeyUnusable("not_a_key", "JSON without a kty, so no JWK")
    if kty not in PUBLIC:
        raise KeyUnusable(
            "symmetric_key" if kty == "oct" else "unsupported_key", f"kty {kty!r:.40}"
        )
    if jwk.get("d") is None:
        raise KeyUnusable("public_key", f"a JWK with kty {kty} and no d")
    operations, crv = jwk.get("key_ops"), jwk.get("crv")
    signs = operations is None or (isinstance(operations, list | tuple) and "sign" in operations)
    if not signs or jwk.get("use") not in (None, "sig"):
        raise KeyUnusable("not_for_signing", "a JWK with another use or other key_ops")
    if kty != "RSA" and (kty, crv) not in ALGORITHMS.values():
        raise KeyUnusable("unsupported_curve", f"{crv!r:.40} in kty {kty}")
    key = _rebuilt(jwk, kty)
    bound = bind(key, jwk.get("alg"))
    return bound if alg is None else bind(key, alg)


def _rebuilt(jwk: Mapping[str, Any], kty: str) -> Any:
    """The `cryptography` key of a JWK, once each member is seen to be well formed and to fit."""
    members = {name: jwk.get(name) for name in (*PUBLIC[kty], *PRIVATE[kty])}
    octets = {name: _member(name, value) for name, value in members.items() if name != "crv"}
    if kty == "RSA":
        bits = {name: int.from_bytes(value, "big").bit_length() for name, value in octets.items()}
        check_size(bits["n"])
        wrong = [name for name in bits if bits[name] > bits["n"]]  # before any slow arithmetic
    else:
        wrong = [name for name in octets if len(octets[name]) != OCTETS[jwk["crv"]]]
    if wrong:
        raise KeyUnusable("damaged_key", f"the wrong length in {', '.join(wrong)}")
    try:
        key = JWK(kty=kty, **members).get_op_key("sign")
    except (ValueError, JWException):
        raise KeyUnusable("damaged_key", "private and public members that do not fit") from None
    if kty == "OKP" and key.public_key().public_bytes_raw() != octets["x"]:
        raise KeyUnusable("damaged_key", "an x that does not belong to its d")
    return key


def _member(name: str, value: object) -> bytes:
    octets = _octets(value)
    if not octets:
        raise KeyUnusable("damaged_key", f"no base64url without padding in {name}")
    return octets


def _octets(value: object) -> bytes:
    """The octets of strict base64url, none where it is something else."""
    try:
        return base64url_decode(value) if isinstance(value, str) else b""
    except LabError:
        return b""


def bind(key: Any, alg: object) -> PrivateKey:
    """A `cryptography` key as a PrivateKey for `alg`, or for the default of its kind.

    Raises `KeyUnusable` for a kind of key that is not used here, and for another key's `alg`.
    """
    kind = _kind(key)
    fitting = [name for name, its in ALGORITHMS.items() if its == kind]
    chosen = fitting[0] if alg is None else alg
    if not isinstance(chosen, str) or chosen not in fitting:
        raise KeyUnusable("wrong_algorithm", f"{alg!r:.40}", wanted=" or ".join(fitting))
    try:
        return PrivateKey(JWK.from_pyca(key), chosen)
    except ValueError:  # older versions of cryptography load an EC key whose halves do not fit
        raise KeyUnusable("damaged_key", "private and public halves that do not fit") from None


def _kind(key: Any) -> tuple[str, str | None]:
    if key is None:
        raise KeyUnusable("no_key", "PKCS#12 without a private key")
    if isinstance(key, rsa.RSAPrivateKey):
        check_size(key.key_size)
        return "RSA", None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "OKP", "Ed25519"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        name = key.curve.name
        if name in CURVES:
            return "EC", CURVES[name]
        raise KeyUnusable("unsupported_curve", name)
    name = type(key).__name__.removesuffix("PrivateKey")
    curve = name in ("Ed448", "X448", "X25519")
    raise KeyUnusable("unsupported_curve" if curve else "unsupported_key", name)


P = 2**255 - 19  # of Ed25519


@lru_cache(maxsize=256)
def public_fault(kty: str, *members: str, bits: range) -> str | None:
    """What is wrong with a public key, None when nothing is (RFC 7518 section 6, RFC 8037).

    Its members come in the order of `PUBLIC`. An RSA modulus may have so many `bits`.
    """
    jwk = {"kty": kty, **dict(zip(PUBLIC[kty], members, strict=True))}
    numbers = {name: _octets(jwk[name]) for name in PUBLIC[kty] if name != "crv"}
    for name, octets in numbers.items():
        if not octets:
            return f"{name} is not base64url, or not zero in the spare bits at its end"
        if kty == "RSA" and octets[0] == 0:
            return f"{name} begins with a zero octet"
        if kty != "RSA" and len(octets) != OCTETS[jwk["crv"]]:
            return f"{name} has {len(octets)} octets, wanted {OCTETS[jwk['crv']]}"
    size = key_bits(jwk)
    if size is None:
        point = f"the point (x, y) does not lie on {jwk.get('crv')}"
        return point if kty == "EC" else "its numbers are no key of this kind"
    if kty == "RSA" and size not in bits:
        return f"{size} bits, wanted {bits[0]} to {bits[-1]}"
    if kty == "RSA":
        return rsa_fault(numbers["n"], numbers["e"])
    return ed25519_fault(numbers["x"]) if kty == "OKP" else None


def ed25519_fault(octets: bytes) -> str | None:
    """What is wrong with the 32 octets of an Ed25519 public key, None when nothing is.

    A point must stand in its one spelling, with y below p (RFC 8032 section 5.1.3), and must not
    be one of the eight of small order: under those, signatures that take no private key are good
    for many texts or for all. Not asked is whether the point lies on the curve (nothing verifies
    where it does not), nor whether it has a part of small order beside a large one: such a key
    still takes its secret to sign with, and RFC 8032 allows it.
    """
    y = int.from_bytes(octets, "little") % 2**255  # the topmost bit is the sign of x
    if y >= P:
        return "x is another spelling of its point: y is 2^255 - 19 or more"
    # y = 1 has order 1, y = -1 has order 2, y = 0 has order 4. The double of a point of order 8
    # has y = 0, which means x^2 = -y^2. Put into the curve's equation that is d y^4 + 2 y^2 = 1,
    # with d = -121665/121666. Where x is 0, y is 1 or -1: so "minus 0" is refused here, too.
    if y * (y**2 - 1) * (121665 * y**4 - 243332 * y**2 + 121666) % P == 0:
        return "x is a point of small order: a signature under it takes no private key"
    return None


def rsa_fault(n: bytes, e: bytes) -> str | None:
    """What is wrong with the public exponent of an RSA key, None when nothing is.

    Under e = 1 the padded message is its own signature, and so it is under any e that is 1 plus a
    multiple of the group's order. Below 2^64 (OpenSSL's own bound for large keys) an e is quick to
    try. Not asked is whether n is hard to factor: whoever makes a key knows best.
    """
    modulus, exponent = int.from_bytes(n), int.from_bytes(e)
    if exponent < 3 or exponent % 2 == 0 or exponent >= 2**64:
        return "e is not an odd number from 3 up to 2^64"
    if pow(2, exponent, modulus) == 2:
        return "to raise to e changes nothing: a signature under it takes no private key"
    return None
