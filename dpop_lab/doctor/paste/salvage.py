"""As much of a JWT as can be read when a part of it is missing, cut off or damaged."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.jose.encoding import loose_base64url_decode, read_json
from dpop_lab.jose.jws import Jws, read_jws

MEMBER = re.compile(
    r'"([^"\\]{1,60})"\s*:\s*("(?:[^"\\]|\\.)*+(?:"|\Z)|-?\d+(?:\.\d+)?|true|false|null)'
)
LONGEST = 200_000


def salvaged(text: str) -> Jws:
    """A JWT as `read_jws` reads it, or with the members that can be made out; never raises."""
    whole = read_jws(text)
    if not whole.problem:
        return whole
    header, claims = map(_members, decoded_parts(text))
    return replace(whole, header=header, claims=claims)


def decoded_parts(text: str) -> list[str]:
    """The header and the claims of a JWT as the texts they are, as far as they can be decoded."""
    return [_decoded(part) for part in (*text[:LONGEST].split(".", 2), "")[:2]]


def _decoded(segment: str) -> str:
    known = re.sub(r"[^\w+/-]", "", segment, flags=re.ASCII)
    try:
        octets = loose_base64url_decode(known[: len(known) // 4 * 4].replace("+", "-"))
    except ValueError:
        return ""
    return octets.decode("utf-8", "replace")


def _members(text: str) -> Mapping[str, Any]:
    """The members of a JSON object, also where its end is missing."""
    if not text.lstrip().startswith("{"):
        return {}
    return {name: _value(value) for name, value in MEMBER.findall(text)}


def _value(text: str) -> object:
    if text.startswith('"'):
        read = read_json(text) or read_json(text + '"')
        return read if isinstance(read, str) else text[1:].removesuffix('"')
    words: dict[str, object] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    return float(text) if "." in text else int(text[:400])
