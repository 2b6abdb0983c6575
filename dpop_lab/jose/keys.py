"""Keys: a private one signs with one algorithm, and hides; a public one comes out of its JWK."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final, Never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from dpop_lab.errors import KeyUnusable, expect

ALGORITHMS: Final[dict[str, tuple[str, str | None]]] = {  # the kind of key, and the curve
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),  # the first that fits a key is that key's default
    "Ed25519": ("OKP", "Ed25519"),  # RFC 9864: the same signature, named in full
    **dict.fromkeys(("PS256", "PS384", "PS512", "RS256", "RS384", "RS512"), ("RSA", None)),
}
HASHES: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PUBLIC: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
PRIVATE: Final = {"EC": ("d",), "OKP": ("d",), "RSA": ("d", "p", "q", "dp", "dq", "qi")}
PRIVATE_MEMBERS: Final = (*PRIVATE["RSA"], "oth", "k")  # of a key of any kind
OCTETS: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}  # of x, of y and of d
NO_KEY: Final = (JWException, ValueError, TypeError, KeyError)  # in a JWK that was read
RSA_BITS: Final = range(2048, 16384 + 1)  # RFC 7518 section 3.3; above, signing takes seconds


class PrivateKey:
    """A private key together with the one algorithm (`alg`) it signs with.

    Never changes and shows its public half only: `repr`, pickling, copying and comparing give no
    private member away. `private_jwk` and `to_pem` are the two exports; both are asked for by name.
    `kty` is EC, OKP or RSA; `crv` is the curve's name, None for RSA. Get one from `generate_key` or
    `load_key`: the constructor believes what it is given.
    """

    # No dataclass: dataclasses.asdict would walk into the JWK, which is a dict, and copy `d` out.
    __slots__ = ("_jwk", "_key", "alg", "crv", "kty")
    _jwk: Any
    _key: Any
    alg: str
    crv: str | None
    kty: str

    def __init__(self, jwk: JWK, alg: str) -> None:
        jwk.unsafe_skip_rsa_key_validation = True  # done on loading; again would cost 50 ms and up
        kty, crv = ALGORITHMS[alg]
        values = (jwk, jwk.get_op_key("sign"), alg, crv, kty)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def sign(self, octets: bytes) -> bytes:
        """The JWS signature of octets with `alg` (RFC 7518 section 3, RFC 8037 section 3.1).

        For the ES algorithms it is r and s side by side at the curve's full length, not DER.
        """
        return self.sign_as(octets, self.alg)

    def sign_as(self, octets: bytes, alg: str) -> bytes:
        """A signature with any algorithm of the key's `kty`, to see what a verifier makes of it.

        The hash is that of `alg`, the curve that of the key, whether or not the two belong together
        (RFC 7518 section 3.4 wants one pairing alone). Raises ValueError for another `kty`.
        """
        if kind_of(alg) != self.kty:
            raise ValueError(f"{alg} is not for a key of kind {self.kty}")
        signature: bytes = self._key.sign(octets, *arguments(alg))
        if self.kty != "EC":
            return signature
        size, (r, s) = OCTETS[str(self.crv)], decode_dss_signature(signature)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def public_jwk(self) -> dict[str, str]:
        """The public half as a fresh JWK, kty and key members only (RFC 7518 section 6, RFC 8037).

        There is no kid, alg or use in it, so the same key gives the same JWK however it came.
        """
        return {name: self._jwk[name] for name in ("kty", *PUBLIC[self.kty])}

    def private_jwk(self) -> dict[str, str]:
        """The whole key as a JWK, private members included: for a safe place, never for a wire."""
        return self.public_jwk() | {name: self._jwk[name] for name in PRIVATE[self.kty]}

    def to_pem(self, password: str | None = None) -> str:
        """The whole key as PKCS#8 PEM (RFC 5958), encrypted when there is a password.

        Raises ValueError for an empty password.
        """
        secret = None if password is None else password.encode()
        pem: bytes = self._jwk.export_to_pem(private_key=True, password=secret)
        return pem.decode("ascii")

    def __repr__(self) -> str:
        bits = "" if self.crv else f"{self._key.key_size} bits"
        return f"<PrivateKey {self.alg} ({self.kty} {self.crv or bits}), private members hidden>"

    def __eq__(self, other: object) -> bool:
        """Whether both have the same public half and the same `alg`."""
        if not isinstance(other, PrivateKey):
            return NotImplemented
        return (self.alg, self.public_jwk()) == (other.alg, other.public_jwk())

    def __hash__(self) -> int:
        return hash((self.alg, *self.public_jwk().values()))

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"A PrivateKey never changes; {name} was not set. Load another one.")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"A PrivateKey never changes; {name} was not deleted.")

    def __getstate__(self) -> Never:
        raise TypeError("A PrivateKey is not pickled, nor is what it hides. Use to_pem(password).")

    def __copy__(self, *memo: object) -> "PrivateKey":
        return self

    __deepcopy__ = __copy__


def kind_of(alg: str) -> str | None:
    """The kind of key (`kty`) that an algorithm takes; None for one that is not known here."""
    return ALGORITHMS.get(alg, (None, None))[0]


@cache
def arguments(alg: str) -> tuple[Any, ...]:
    """What `cryptography` is told to sign and verify with, besides the octets."""
    if alg in ("EdDSA", "Ed25519"):
        return ()
    hashed = HASHES[alg[2:]]
    if alg.startswith("ES"):
        return (ec.ECDSA(hashed),)
    salted = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
    return salted if alg.startswith("PS") else padding.PKCS1v15(), hashed


def public_jwk(key: PrivateKey) -> dict[str, str]:
    """The public half of a key as a fresh JWK: what goes into a proof's header."""
    expect(key, PrivateKey, "public_jwk", "load_key and generate_key make one.")
    return key.public_jwk()


def generate_key(alg: str = "ES256", *, bits: int = 2048) -> PrivateKey:
    """A new private key for a JWS algorithm; `bits` is the size of an RSA modulus, else unused.

    `alg` is ES256, ES384, ES512, EdDSA (or Ed25519, the same), RS256 … RS512 or PS256 … PS512.

    Raises `KeyUnusable` (`wrong_algorithm`, `rsa_too_small`, `rsa_too_large`).
    """
    if alg not in ALGORITHMS:
        problem, wanted = "There is no such algorithm here", "one of " + ", ".join(ALGORITHMS)
        raise KeyUnusable("wrong_algorithm", f"{alg!r:.40}", wanted=wanted, problem=problem)
    kty, crv = ALGORITHMS[alg]
    if kty == "RSA":
        check_size(bits)
        return PrivateKey(JWK.generate(kty=kty, size=bits), alg)
    return PrivateKey(JWK.generate(kty=kty, crv=crv), alg)


def too_small_key() -> PrivateKey:
    """An RSA key of 1024 bits, which `generate_key` won't make: to see which server takes it."""
    return PrivateKey(JWK.generate(kty="RSA", size=1024), "RS256")


def check_size(bits: int) -> None:
    """Raise `KeyUnusable` for an RSA modulus of too few or too many bits."""
    if bits not in RSA_BITS:
        small = bits < RSA_BITS.start
        raise KeyUnusable("rsa_too_small" if small else "rsa_too_large", f"{bits} bits")


def key_bits(jwk: Mapping[str, Any]) -> int | None:
    """The size of a public JWK in bits; None when it is no EC, RSA or Ed25519 key. Never raises."""
    try:
        return getattr(public_key(jwk), "key_size", 256)
    except NO_KEY:
        return None


def public_key(jwk: Mapping[str, Any]) -> Any:
    """The `cryptography` key of a public JWK. Raises one of `NO_KEY` when it is none."""
    return _imported(jwk["kty"], *(jwk[name] for name in PUBLIC[jwk["kty"]]))


@lru_cache(maxsize=256)
def _imported(kty: str, *members: str) -> Any:
    """The public key with these members, imported once: a client comes again and again."""
    values = dict(zip(PUBLIC[kty], members, strict=True))
    if kty != "RSA" and values["crv"] not in OCTETS:
        raise ValueError(f"no curve {values['crv']!r}")
    return JWK(kty=kty, **values).get_op_key("verify", values.get("crv"))


def der_signature(signature: bytes, size: int) -> bytes:
    """An ECDSA signature in DER, as most libraries have it; a JWS has r and s side by side.

    `size` is the number of octets of each. Raises `InvalidSignature` for another length.
    """
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = (int.from_bytes(part) for part in (signature[:size], signature[size:]))
    return encode_dss_signature(r, s)


def raw_signature(signature: bytes, size: int) -> bytes | None:
    """r and s side by side, `size` octets each, out of a signature in DER; None when it is none."""
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    except (ValueError, OverflowError):
        return None
