"""A private key that signs with one algorithm, and never shows its private half unasked."""

from typing import Any, Final, NamedTuple, Never

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto.jwk import JWK

from dpop_lab.errors import KeyUnusable, expect


class Algorithm(NamedTuple):
    """One JWS algorithm: the kind of key it takes, and what `cryptography` is told to sign with."""

    kty: str
    crv: str | None
    arguments: tuple[Any, ...]


def _rsa(hash_: hashes.HashAlgorithm, *, pss: bool) -> Algorithm:
    salted = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
    return Algorithm("RSA", None, (salted if pss else padding.PKCS1v15(), hash_))


ALGORITHMS: Final[dict[str, Algorithm]] = {  # the first that fits a key is that key's default
    "ES256": Algorithm("EC", "P-256", (ec.ECDSA(hashes.SHA256()),)),
    "ES384": Algorithm("EC", "P-384", (ec.ECDSA(hashes.SHA384()),)),
    "ES512": Algorithm("EC", "P-521", (ec.ECDSA(hashes.SHA512()),)),
    "EdDSA": Algorithm("OKP", "Ed25519", ()),
    "Ed25519": Algorithm("OKP", "Ed25519", ()),  # RFC 9864: the same signature, named in full
    "PS256": _rsa(hashes.SHA256(), pss=True),
    "PS384": _rsa(hashes.SHA384(), pss=True),
    "PS512": _rsa(hashes.SHA512(), pss=True),
    "RS256": _rsa(hashes.SHA256(), pss=False),
    "RS384": _rsa(hashes.SHA384(), pss=False),
    "RS512": _rsa(hashes.SHA512(), pss=False),
}
PUBLIC: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
PRIVATE: Final = {"EC": ("d",), "OKP": ("d",), "RSA": ("d", "p", "q", "dp", "dq", "qi")}
OCTETS: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}  # of x, of y and of d
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
        values = {"_jwk": jwk, "alg": alg, "kty": jwk["kty"], "crv": jwk.get("crv")}
        for name, value in (values | {"_key": jwk.get_op_key("sign")}).items():
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
        algorithm = ALGORITHMS.get(alg)
        if algorithm is None or algorithm.kty != self.kty:
            raise ValueError(f"{alg} is not for a key of kind {self.kty}")
        signature: bytes = self._key.sign(octets, *algorithm.arguments)
        if self.kty != "EC":
            return signature
        size = OCTETS[str(self.crv)]
        return b"".join(one.to_bytes(size, "big") for one in decode_dss_signature(signature))

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

    def __copy__(self) -> "PrivateKey":
        return self

    def __deepcopy__(self, memo: object) -> "PrivateKey":
        return self


def public_jwk(key: PrivateKey) -> dict[str, str]:
    """The public half of a key as a fresh JWK: what goes into a proof's header."""
    expect(key, PrivateKey, "public_jwk", "load_key and generate_key make one.")
    return key.public_jwk()


def generate_key(alg: str = "ES256", *, bits: int = 2048) -> PrivateKey:
    """A new private key for a JWS algorithm; `bits` is the size of an RSA modulus, else unused.

    `alg` is ES256, ES384, ES512, EdDSA (or Ed25519, the same), RS256 … RS512 or PS256 … PS512.

    Raises `KeyUnusable` (`wrong_algorithm`, `rsa_too_small`, `rsa_too_large`).
    """
    if (row := ALGORITHMS.get(alg)) is None:
        raise KeyUnusable(
            "There is no such algorithm here",
            reason="wrong_algorithm",
            wanted="one of " + ", ".join(ALGORITHMS),
            found=f"{alg!r:.40}",
        )
    if row.kty == "RSA":
        check_size(bits)
        return PrivateKey(JWK.generate(kty="RSA", size=bits), alg)
    return PrivateKey(JWK.generate(kty=row.kty, crv=row.crv), alg)


def too_small_key(alg: str = "RS256") -> PrivateKey:
    """An RSA key of 1024 bits, which `generate_key` won't make: to see which server takes it."""
    return PrivateKey(JWK.generate(kty="RSA", size=1024), alg)


def check_size(bits: int) -> None:
    """Raise `KeyUnusable` for an RSA modulus of too few or too many bits."""
    if bits not in RSA_BITS:
        small = bits < RSA_BITS.start
        raise unusable("rsa_too_small" if small else "rsa_too_large", f"{bits} bits")


_KEY = "a private key as PEM, DER, OpenSSH, PKCS#12 or JWK"
_KIND = "EC P-256, P-384 or P-521, Ed25519, or RSA"
_PATH_OR_KEY = "Text is taken for a path unless it holds '-----BEGIN' or begins with '{'."
_REMOVE = "Change or remove the key's password where it was made; OpenSSH needs pip install bcrypt."
_SAID: Final = {  # reason: what is the matter, what was wanted, what to do
    "no_such_file": ("There is no such key file", "the path of a file, or a key", _PATH_OR_KEY),
    "unreadable_file": ("The key file cannot be read", "a file", "Look at its kind and its mode."),
    "password_missing": ("The key is encrypted", "its password", "Give the password too."),
    "wrong_password": (
        "The key does not open",
        "its password",
        "Try openssl pkey -in FILE -noout",
    ),
    "public_key": ("This is a public key", _KEY, "Give the private key it belongs to."),
    "certificate": ("This is a certificate", _KEY, "Give the private key it was made for."),
    "symmetric_key": ("This is a shared secret", _KEY, "Only an asymmetric key can prove here."),
    "unsupported_curve": ("A curve that is not used here", _KIND, "Make one with generate_key."),
    "unsupported_key": ("A kind of key that is not used here", _KIND, "Use generate_key."),
    "unsupported_encryption": ("The key's encryption is not known here", "another", _REMOVE),
    "rsa_too_small": ("The RSA key is too small", "2048 bits or more", "RFC 7518 section 3.3."),
    "rsa_too_large": ("The RSA key is too large", "16384 bits at most", "2048 or 3072 will do."),
    "several_keys": ("There is more than one key", "one private key", "Give one of them alone."),
    "no_key": ("There is no usable key in it", "one private signing key", "Give the key itself."),
    "not_for_signing": ("This JWK is not for signing", "use sig, key_ops with sign", ""),
    "wrong_algorithm": ("The algorithm does not fit the key", "", "Leave alg out for the default."),
    "damaged_key": ("The key is damaged", _KEY, "Export it again, or copy the whole of it."),
    "not_a_key": ("This is no key", _KEY, "Give a path, the file's content, or a JWK."),
}


def unusable(reason: str, found: str, wanted: str = "") -> KeyUnusable:
    """The error for a reason, with what was found and, where it differs from the usual, wanted."""
    problem, usual, advice = _SAID[reason]
    return KeyUnusable(problem, reason=reason, wanted=wanted or usual, found=found, advice=advice)
