"""One compact JWS with one key: sign it, read it without believing it, verify its signature."""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import (
    MAX_DEPTH,
    base64url_decode,
    base64url_encode,
    compact_json,
    loose_base64url_decode,
    salvaged_members,
    salvaged_text,
    too_deep,
    whole_number,
)
from dpop_lab.jose.keys import NO_KEY, PrivateKey, arguments, der_signature, kind_of, public_key

LONGEST = 200_000  # characters of a JWS that are salvaged


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
    return sign_segment(segment(header), claims, key.sign)


def sign_segment(header: str, claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A compact JWS under a header that is encoded already, for whoever signs under one often."""
    signing_input = f"{header}.{segment(claims)}"
    return f"{signing_input}.{base64url_encode(sign(signing_input.encode()))}"


def segment(value: object) -> str:
    """A JSON value as the part of a JWS."""
    return base64url_encode(compact_json(value))


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
    claims, signature = dict[str, Any](), b""
    try:
        header = _json_object(parts[0], "header", deviations)
        if len(parts) == 3:
            claims = _json_object(parts[1], "payload", deviations)
    except ValueError as error:
        return Jws(text=text, problem=str(error), deviations=tuple(deviations))
    if "crit" in header:  # no extension is known here (RFC 7515 section 4.1.11)
        deviations.append(Deviation("header.crit", "extension_not_understood"))
    if len(parts) == 3:
        signature = _signature(parts[2], deviations)
    else:
        deviations.append(Deviation("whole", "five_parts"))
    return Jws(
        text=text,
        header=header,
        claims=claims,
        signing_input=f"{parts[0]}.{parts[1]}".encode("utf-8", "replace"),
        signature=signature,
        deviations=tuple(deviations),
    )


def salvaged(text: str) -> Jws:
    """A JWS as `read_jws` reads it, or with the members that can be made out; never raises."""
    whole = read_jws(text)
    if not whole.problem:
        return whole
    header, claims = map(salvaged_members, decoded_parts(text))
    return replace(whole, header=header, claims=claims)


def decoded_parts(text: str) -> list[str]:
    """The header and the claims of a JWS as the texts they are, as far as they can be decoded."""
    return [salvaged_text(part) for part in (*text[:LONGEST].split(".", 2), "")[:2]]


def _signature(text: str, deviations: list[Deviation]) -> bytes:
    """The octets of a signature, none where it is written in a way that no server takes."""
    unusual: list[Deviation] = []
    try:
        octets = _octets(text, "signature", unusual)
    except ValueError:
        octets, unusual = b"", [Deviation("signature", "unreadable")]
    deviations.extend(unusual)
    return octets if {kind for _, kind in unusual} <= {"padding", "spare_bits"} else b""


def _octets(text: str, where: str, deviations: list[Deviation]) -> bytes:
    """The octets of a segment, with what was unusual about its spelling added to the list."""
    try:
        return base64url_decode(text)
    except LabError:
        pass
    padded = re.sub(r"[ \t\r\n]", "", text)
    bare = padded.rstrip("=")
    kinds = {
        "white_space": padded != text,
        "padding": bare != padded,
        "foreign_alphabet": bool(re.search(r"[+/]", bare)),
        "impossible_length": len(padded) % 4 == 1 or len(padded) - len(bare) > 2,
    }
    deviations.extend(Deviation(where, kind) for kind, seen in kinds.items() if seen)
    bare = bare.replace("+", "-").replace("/", "_")
    if len(bare) % 4 == 1 or not re.fullmatch(r"[\w-]*", bare, re.ASCII):
        raise ValueError(f"the {where} is not base64url")
    octets = loose_base64url_decode(bare)
    if base64url_encode(octets) != bare:
        deviations.append(Deviation(where, "spare_bits"))
    return octets


def _json_object(encoded: str, where: str, deviations: list[Deviation]) -> dict[str, Any]:
    """The JSON object in a segment. Raises ValueError when there is none."""
    octets = _octets(encoded, where, deviations)
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
    if too_deep(value, text):
        raise ValueError(f"the {where} is nested more than {MAX_DEPTH} deep")
    return value


def verify(signing_input: bytes, signature: bytes, *, alg: str, jwk: Mapping[str, Any]) -> bool:
    """Does the signature over these octets verify with this public JWK? Total: never raises.

    `alg` is a JWS algorithm (RFC 7518 section 3.1, RFC 8037). The hash comes from `alg`, the curve
    from the key: whether the two belong together is for the caller to judge. RSA below 1024 bits,
    unknown curves and keys that are no key verify nothing.
    """
    kty = kind_of(alg)
    if kty is None or kty != jwk.get("kty"):
        return False
    try:
        key = public_key(jwk)
        if kty == "EC":
            signature = der_signature(signature, (key.key_size + 7) // 8)
        if kty == "RSA" and key.key_size < 1024:
            return False
        key.verify(signature, signing_input, *arguments(alg))
    except (InvalidSignature, *NO_KEY):
        return False
    return True


HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def mac_compact(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """A compact JWS over header and claims, with an HMAC for a signature (RFC 7518 section 3.2).

    Raises `LabError` when the header's `alg` is none of `HASHES`. That the secret is as long as the
    hash, as the RFC wants, is not checked: who issued the secret has settled its length.
    """
    alg = header.get("alg")
    if alg not in HASHES:
        wanted, found = " or ".join(HASHES), repr(alg)
        raise LabError("The header's alg takes no shared secret", wanted=wanted, found=found)
    hashed = HASHES[alg]
    return sign_segment(segment(header), claims, lambda octets: hmac.digest(secret, octets, hashed))
