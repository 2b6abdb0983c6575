"""One compact JWS with one key: sign it, read it without believing it, verify its signature."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import (
    MAX_DEPTH,
    base64url_decode,
    base64url_encode,
    compact_json,
    deeper,
    loose_base64url_decode,
    whole_number,
)
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC, PrivateKey


class Deviation(NamedTuple):
    """One way in which a text departs from the one strict spelling: where, and what kind."""

    where: str
    kind: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind.replace('_', ' ')}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Jws:
    """A compact JWS taken apart and not believed (RFC 7515 section 3.1).

    `problem` says why it could not be read, empty when it could. `header` and `claims` are empty
    mappings where unreadable. `deviations` lists every departure from the strict spelling.
    """

    text: str
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    signing_input: bytes = b""
    signature: bytes = b""
    deviations: tuple[Deviation, ...] = ()
    problem: str = ""

    def __repr__(self) -> str:
        """What kind it is and which claims it has, without a value that could be a secret."""
        named = [name for name in ("typ", "alg") if name in self.header]
        kinds = ", ".join(f"{name} {str(self.header[name])[:40]}" for name in named)
        claims = " ".join(map(str, self.claims)) or "none"
        facts = ", ".join(map(str, (f"{len(self.text)} characters", *self.deviations)))
        return f"<Jws {self.problem or kinds}; claims {claims[:200]}; {facts}>"


def sign_compact(header: Mapping[str, Any], claims: Mapping[str, Any], key: PrivateKey) -> str:
    """A compact JWS over header and claims, signed with the key (RFC 7515 section 5.1).

    Raises `LabError` when the header's `alg` is not the algorithm the key signs with.
    """
    if (alg := header.get("alg")) != key.alg:
        wanted = f"alg {key.alg!r}"
        raise LabError("The header does not fit the key", wanted=wanted, found=repr(alg))
    return sign_segment(base64url_encode(compact_json(header)), claims, key)


def sign_segment(header: str, claims: Mapping[str, Any], key: PrivateKey) -> str:
    """A compact JWS under a header that is encoded already, for whoever signs under one often."""
    signing_input = f"{header}.{base64url_encode(compact_json(claims))}"
    return f"{signing_input}.{base64url_encode(key.sign(signing_input.encode()))}"


def read_jws(text: str) -> Jws:
    """Take a compact JWS apart, tolerantly, and note every deviation; never raises, never verifies.

    Of duplicate members the last counts; padding, white space, the standard base64 alphabet and
    text after a JSON object are passed over, each with its `Deviation`. A whole number of more
    digits than Python counts (4300) is infinite, as 1e999 is. A text of five parts is read as far
    as its header (a JWE is no JWS, but its header is worth seeing).
    """
    if not isinstance(text, str):
        return Jws(text="", problem=f"{type(text).__name__} instead of text")
    parts = text.split(".")
    if len(parts) not in (3, 5):
        count = f"{len(parts)} part{'s' * (len(parts) != 1)}"
        return Jws(text=text, problem=f"{count} between dots, wanted 3")
    deviations: list[Deviation] = []
    try:
        header = _json_object(parts[0], "header", deviations)
        claims = _json_object(parts[1], "payload", deviations) if len(parts) == 3 else {}
    except ValueError as error:
        return Jws(text=text, problem=str(error), deviations=tuple(deviations))
    if "crit" in header:  # no extension is known here (RFC 7515 section 4.1.11)
        deviations.append(Deviation("header.crit", "extension_not_understood"))
    signature, unusual = b"", [Deviation("whole", "five_parts")]
    if len(parts) == 3:
        try:
            unusual = []
            signature = _octets(parts[2], "signature", unusual)
        except ValueError:
            unusual = [Deviation("signature", "unreadable")]
    if {kind for _, kind in unusual} - {"padding", "spare_bits"}:
        signature = b""  # it is written in a way that no server takes
    return Jws(
        text=text,
        header=header,
        claims=claims,
        signing_input=f"{parts[0]}.{parts[1]}".encode("utf-8", "replace"),
        signature=signature,
        deviations=(*deviations, *unusual),
    )


def _octets(segment: str, where: str, deviations: list[Deviation]) -> bytes:
    """The octets of a segment, with what was unusual about its spelling added to the list."""
    try:
        return base64url_decode(segment)
    except ValueError:
        pass
    text = re.sub(r"[ \t\r\n]", "", segment)
    bare = text.rstrip("=")
    kinds = {
        "white_space": text != segment,
        "padding": bare != text,
        "foreign_alphabet": bool(re.search(r"[+/]", bare)),
        "impossible_length": len(text) % 4 == 1 or len(text) - len(bare) > 2,
    }
    deviations.extend(Deviation(where, kind) for kind, seen in kinds.items() if seen)
    bare = bare.replace("+", "-").replace("/", "_")
    try:
        octets = loose_base64url_decode(bare)
    except ValueError:
        octets = None
    if octets is None or not re.fullmatch(r"[\w-]*", bare, re.ASCII):
        raise ValueError(f"the {where} is not base64url")
    if base64url_encode(octets) != bare:
        deviations.append(Deviation(where, "spare_bits"))
    return octets


def _json_object(segment: str, where: str, deviations: list[Deviation]) -> dict[str, Any]:
    """The JSON object in a segment. Raises ValueError when there is none."""
    octets = _octets(segment, where, deviations)
    seen: set[str] = set()

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen.add("duplicate_member")
        return value

    def constant(name: str) -> float:
        seen.add("not_a_number")
        return float(name)

    try:
        text = octets.decode("utf-8")
        start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
        if "\ufeff" in text[:start]:
            seen.add("byte_order_mark")
        decoder = json.JSONDecoder(
            object_pairs_hook=members, parse_constant=constant, parse_int=whole_number
        )
        value, end = decoder.raw_decode(text, start)
        if "\\u" in text:  # a lone surrogate is an error here, not later in a row
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError(f"the {where} is not JSON") from None
    if text[end:].strip(" \t\r\n"):
        seen.add("text_after_the_object")
    deviations.extend(Deviation(where, kind) for kind in sorted(seen))
    if not isinstance(value, dict):
        raise ValueError(f"the {where} is not a JSON object")
    if deeper(value, MAX_DEPTH):
        raise ValueError(f"the {where} is nested more than {MAX_DEPTH} deep")
    return value


def verify(signing_input: bytes, signature: bytes, *, alg: str, jwk: Mapping[str, Any]) -> bool:
    """Does the signature over these octets verify with this public JWK? Total: never raises.

    `alg` is a JWS algorithm (RFC 7518 section 3.1, RFC 8037). The hash comes from `alg`, the curve
    from the key: whether the two belong together is for the caller to judge. RSA below 1024 bits,
    unknown curves and keys that are no key verify nothing.
    """
    algorithm = ALGORITHMS.get(alg)
    if algorithm is None or algorithm.kty != jwk.get("kty"):
        return False
    try:
        key = _public_key(jwk)
        if algorithm.kty == "EC":
            signature = der_signature(signature, (key.key_size + 7) // 8)
        if algorithm.kty == "RSA" and key.key_size < 1024:
            return False
        key.verify(signature, signing_input, *algorithm.arguments)
    except (InvalidSignature, JWException, ValueError, TypeError, KeyError):
        return False
    return True


def key_bits(jwk: Mapping[str, Any]) -> int | None:
    """The size of a public JWK in bits; None when it is no EC, RSA or Ed25519 key. Never raises."""
    try:
        return getattr(_public_key(jwk), "key_size", 256)
    except (JWException, ValueError, TypeError, KeyError):
        return None


def _public_key(jwk: Mapping[str, Any]) -> Any:
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


HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def mac_compact(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """A compact JWS over header and claims, with an HMAC for a signature (RFC 7518 section 3.2).

    Raises `LabError` when the header's `alg` is none of `HASHES`. That the secret is as long as the
    hash, as the RFC wants, is not checked: who issued the secret has settled its length.
    """
    alg = header.get("alg")
    if alg not in HASHES:
        wanted, found = " or ".join(HASHES), repr(alg)
        raise LabError("The header's alg takes no shared secret", wanted=wanted, found=found)
    signing_input = ".".join(base64url_encode(compact_json(part)) for part in (header, claims))
    mac = hmac.digest(secret, signing_input.encode("ascii"), HASHES[alg])
    return f"{signing_input}.{base64url_encode(mac)}"
