"""base64url, JSON and SHA-256, and what is made of all three: the thumbprint of a key."""

import base64
import binascii
import hashlib
import json
import re
import string
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dpop_lab.errors import KeyUnusable, LabError, expect

Members = Mapping[str, Any]  # of a JSON object: a header, claims, a JWK
COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
MAX_DEPTH = 64  # levels of JSON that are followed
UNPADDED = "base64url without padding (RFC 7515 section 2)"
ALPHABET = frozenset(string.ascii_letters + string.digits + "-_")
MEMBER = re.compile(
    r'"([^"\\]{1,60})"\s*:\s*("(?:[^"\\]|\\.)*+(?:"|\Z)|-?\d+(?:\.\d+)?|true|false|null)'
)


def base64url_encode(octets: bytes) -> str:
    """Octets as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """The octets of base64url text, in the one spelling `base64url_encode` makes.

    Raises `LabError` for padding, foreign characters, an impossible length and for spare
    bits that are not zero (RFC 4648 section 3.5), so that no two texts give the same octets.
    """
    try:
        octets = loose_base64url_decode(text)
        if base64url_encode(octets) == text:
            return octets
        wanted, found = "zero in the spare bits at the end", f"{text[-1]!r} there"
    except ValueError:
        wanted, found = UNPADDED, f"{len(text)} characters"
    if foreign := sorted(set(text) - ALPHABET):
        wanted, found = UNPADDED, f"the characters {', '.join(map(repr, foreign[:5]))}"
    raise LabError("Not base64url", wanted=wanted, found=found)


def loose_base64url_decode(text: str) -> bytes:
    """The octets of text drawn from the base64url alphabet, spare bits ignored; never strict.

    Raises `binascii.Error` (a ValueError) for what no decoder could read.
    """
    standard = text.replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(standard + "=" * (-len(text) % 4))


def salvaged_text(segment: str) -> str:
    """A part of a JWT as the text it is, as far as it can be decoded; never raises."""
    known = re.sub(r"[^\w+/-]", "", segment, flags=re.ASCII)
    whole = known[: len(known) - (len(known) % 4 == 1)]
    return loose_base64url_decode(whole).decode("utf-8", "replace")


def salvaged_members(text: str) -> Members:
    """The members of a JSON object, also where its end is missing; never raises."""
    pairs = MEMBER.findall(text) if text.lstrip().startswith("{") else ()
    return {name: _salvaged_value(value) for name, value in pairs}


def _salvaged_value(text: str) -> object:
    """The value that a text is the beginning of, at least."""
    if not text.startswith('"'):
        return read_json(text)
    read = read_json(text) or read_json(text + '"')
    return read if isinstance(read, str) else text[1:].removesuffix('"')


def compact_json(value: object) -> bytes:
    """A JSON value as UTF-8 without white space, members in the order given."""
    return COMPACT.encode(value).encode()


def from_json(text: str) -> Any:
    """The JSON value of a text that comes from elsewhere, with or without a byte order mark.

    A whole number of more digits than Python counts (4300) is infinite, as 1e999 is. Raises
    ValueError for what is no JSON, and RecursionError for too many brackets.
    """
    text = text.lstrip("\ufeff")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # the digits
        return json.loads(text, parse_int=whole_number)


def whole_number(digits: str) -> float:
    """An int, or infinity: int() refuses what would take it, and str() later, too long."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def sha256(octets: bytes) -> bytes:
    """The 32 octets of SHA-256."""
    return hashlib.sha256(octets).digest()


def deeper(value: object, levels: int) -> bool:
    """Is a JSON value nested in more than so many levels?"""
    nested = [value] if isinstance(value, (dict, list)) else []
    for _ in range(levels):
        inside = (one.values() if isinstance(one, dict) else one for one in nested)
        found = (each for one in inside for each in one if isinstance(each, (dict, list)))
        nested = [*{id(one): one for one in found}.values()]  # one may hold itself, twice
    return bool(nested)


def several(value: object) -> list[Any]:
    """The members of an array, or what stands there in place of one."""
    return value if isinstance(value, list) else [value]


def too_deep(value: object, text: str) -> bool:
    """Is the JSON value of this text nested in more levels than are followed?"""
    return text.count("{") + text.count("[") > MAX_DEPTH and deeper(value, MAX_DEPTH)


def read_json(text: str) -> Any:
    """The JSON value a text is; None when it is none, or a value in too many brackets."""
    try:
        value = from_json(text)
    except (ValueError, RecursionError):
        return None
    return None if too_deep(value, text) else value


REQUIRED_MEMBERS = {  # in alphabetical order
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
    "oct": ("k", "kty"),
}
KINDS = ", ".join(REQUIRED_MEMBERS)


def hash_input(jwk: Mapping[str, object]) -> bytes:
    """The octets a thumbprint is the hash of: the required members only, sorted, no white space.

    Takes a public or private JWK; optional members (`kid`, `alg`, `use`, private ones) play no
    part (RFC 7638 section 3.2). The strings are taken as they stand, not decoded and encoded again.
    Raises `KeyUnusable` when `kty` is unknown or a required member is missing or no string.
    """
    return compact_json(dict(_required(jwk)))


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The SHA-256 thumbprint of a JWK, 43 base64url characters (RFC 7638 section 3).

    As `jkt` it binds an access token to a key. Raises `KeyUnusable` as `hash_input` does.
    """
    return _thumbprint(_required(jwk))


@lru_cache(maxsize=256)
def _thumbprint(members: tuple[tuple[str, object], ...]) -> str:
    """The thumbprint, computed once: a client comes again and again."""
    return base64url_encode(sha256(compact_json(dict(members))))


def _required(jwk: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    expect(jwk, Mapping, "a thumbprint", "public_jwk(key) gives a key's JWK.")
    kty = jwk.get("kty")
    names = REQUIRED_MEMBERS.get(kty, ()) if isinstance(kty, str) else ()
    members = tuple((name, jwk.get(name)) for name in names)
    missing = ", ".join(name for name, value in members if not isinstance(value, str))
    if names and not missing:
        return members
    raise KeyUnusable(
        "not_a_key",
        f"no string in {missing}" if names else repr(kty),
        wanted=f"the members {', '.join(names)} as strings" if names else f"kty of {KINDS}",
        problem=f"No thumbprint for this {kty} key"
        if names
        else "No thumbprint without a key type",
    )
