"""How a hash was made that does not fit: of what, with which function, in which spelling."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import compact_json, hash_input, loose_base64url_decode
from dpop_lab.jose.public_forms import public_forms
from dpop_lab.session.decoded import thumbprint_or_none

FUNCTIONS = ("SHA-256", "SHA-1", "SHA-384", "SHA-512", "MD5")
CUT = 15  # characters of a thumbprint that are no other one's beginning
TEXT = 43  # characters of base64url, of 32 octets
URN = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"  # RFC 9278
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}[:\s-]?){16,64}")
Forms = Mapping[str, bytes]  # what may have been hashed, in words; the first, "", is the right one


def how_made(text: object, forms: Forms) -> str:
    """How a hash was made, in words that begin with "is" or "has"; empty where no way fits it.

    The right way is base64url without padding of the SHA-256 of the first of the forms.
    """
    for octets, spelling in octets_of(text):
        for words, form in forms.items():
            for function in FUNCTIONS:
                digest = hashlib.new(function.replace("-", ""), form).digest()
                half = digest[: len(digest) // 2] == octets
                if half or digest == octets:
                    return _told(words, function, spelling, half=half)
    return ""


def octets_of(text: object) -> Iterator[tuple[bytes, str]]:
    """The octets a text may stand for, each with what is odd about its spelling."""
    if not isinstance(text, str):
        return
    bare = text.strip().removeprefix(URN)
    if HEXADECIMAL.fullmatch(bare):
        yield bytes.fromhex(re.sub(r"[:\s-]", "", bare)), "is hexadecimal"
    if len(bare) > 200 or not re.fullmatch(r"[\w+/-]+=*", bare, re.ASCII):
        return
    try:
        octets = loose_base64url_decode(bare.rstrip("="))
    except ValueError:
        return
    if len(octets) == TEXT and re.fullmatch(rb"[\w-]+", octets):
        yield loose_base64url_decode(octets.decode("ascii")), "is base64url of the base64url text"
    if HEXADECIMAL.fullmatch(inner := octets.decode("latin-1")):
        yield bytes.fromhex(re.sub(r"[:\s-]", "", inner)), "is base64url of the hexadecimal text"
    spelling = "is in the standard base64 alphabet" if {"+", "/"} & set(bare) else ""
    spelling = spelling or "has = at its end" * ("=" in bare)
    yield octets, spelling or f"has the prefix {URN} (RFC 9278)" * (bare != text)


def _told(words: str, function: str, spelling: str, *, half: bool) -> str:
    if half and not words and function == FUNCTIONS[0]:
        return "is the left half of the hash, as in at_hash"
    told = []
    if words or half or function != FUNCTIONS[0]:
        part = "the left half of " * half
        told = [f"is {part}the {function} hash" + f" of {words}" * bool(words)]
    return " and ".join([*told, *filter(None, [spelling])])


def forms_of_key(jwk: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, bytes]:
    """What a thumbprint may have been made of: the right text first; empty for what is no key."""
    try:
        right = hash_input(jwk)
        required = {name: jwk[name] for name in json.loads(right)}
        forms = {
            "": right,
            "all members of the jwk": compact_json(dict(sorted(jwk.items()))),
            "the jwk as it stands, not in sorted form": compact_json(jwk),
            "the jwk with white space": json.dumps(jwk).encode(),
            "the required members with white space": json.dumps(required).encode(),
            "the sorted jwk with white space": json.dumps(jwk, sort_keys=True).encode(),
        }
    except (KeyUnusable, TypeError, ValueError):
        return {}
    for number, order in enumerate(permutations(required)):
        members = compact_json({name: required[name] for name in order})
        forms[f"the members in another order, {', '.join(order)}" if number else ""] = members
    return forms | _encoded(jwk) | _certificate(header) | _certificate(jwk)


def _encoded(jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """A key in other forms than a JWK, those that it has."""
    found = public_forms(jwk)
    if pem := found.get("the PEM public key"):
        found["the PEM public key without a line feed at its end"] = pem.strip()
        lines = pem.split(b"\n")[1:-2]
        found["the base64 text of the public key"] = b"".join(lines)
    return found


def _certificate(members: Mapping[str, Any]) -> dict[str, bytes]:
    """The certificate in `x5c`, whose hash is x5t#S256."""
    chain = members.get("x5c")
    first = chain[0] if isinstance(chain, list) and chain else None
    try:
        octets = base64.b64decode(first) if isinstance(first, str) else b""
    except ValueError:
        return {}
    return {"the certificate in x5c (that is x5t#S256)": octets} if octets else {}


def thumbprint_made(text: object, jwk: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """How a thumbprint that does not fit was made of this key; empty for that of another one."""
    for name, members in (("jwk", jwk), ("header", header)):
        if isinstance(text, str) and text and members.get("kid") == text:
            return f"is the kid of the {name}"
    mine = thumbprint_or_none(jwk) or ""
    if isinstance(text, str) and CUT < len(text) < len(mine) and mine.startswith(text):
        return f"is cut off: it is the first {len(text)} of its {len(mine)} characters"
    return how_made(text, forms_of_key(jwk, header))
