"""A public key in other forms than a JWK, and the curves that a point may lie on."""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dpop_lab.jose.keys import NO_KEY, public_key

CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}  # fmt: skip
FORMS: Final = {
    "the DER public key (SubjectPublicKeyInfo)": (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "the PEM public key": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "the raw point, 04 and x and y": (Encoding.X962, PublicFormat.UncompressedPoint),
    "the raw public key": (Encoding.Raw, PublicFormat.Raw),
    "the public key in PKCS#1": (Encoding.DER, PublicFormat.PKCS1),
}


def public_forms(jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """The forms that a key of this kind has, by their names in words; none of what is no key."""
    found = dict[str, bytes]()
    for words, (encoding, kind) in FORMS.items():
        try:
            found[words] = public_key(jwk).public_bytes(encoding, kind)
        except NO_KEY:  # a form that is for keys of another kind
            continue
    return found


def on_curve(name: str, x: bytes, y: bytes) -> bool:
    """Does the point with these coordinates, big-endian, lie on the curve?"""
    try:
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), CURVES[name])
        numbers.public_key()
    except ValueError:
        return False
    return True
