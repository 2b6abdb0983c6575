"""The names that give a secret away: of parameters, of members of JSON and of keys, in any text."""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from dpop_lab.jose.encoding import loose_base64url_decode, whole_number
from dpop_lab.jose.jws import Jws

NAMES = (
    "access_token actor_token api_key assertion client_assertion client_secret code_verifier"
    " device_code id_token id_token_hint password refresh_token registration_access_token secret"
    " subject_token".split()
)
KINDS = {name.replace("_", ""): name for name in NAMES}
PARAMETERS = KINDS | {"code": "code", "token": "token"}  # elsewhere these words are harmless
JWK_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
QUOTE = r"""(?:\\{0,63}["']|&(?:amp;)*+(?:quot|apos|#3[49]|#x2[27]);)"""
# in text of no known form: name=value, name: value, "name": "value", <name>value
LOOSE = re.compile(
    rf"""(?P<name>{"|".join(sorted(NAMES, reverse=True)).replace("_", "[_-]?")}"""
    r"""|(?<=[?&])(?:code|token)(?==)"""
    rf"""|(?<=["';])(?:d|p|q|dp|dq|qi|k)(?={QUOTE}\s*+:\s*+{QUOTE}[\w-]{{16}}))"""
    rf"""(?P<gap>>|(?:{QUOTE}|\\*+["']?)\s*+(?:value\s*+)?[:=]>?\s*+)"""
    rf"""(?:(?P<quote>{QUOTE})"""
    r"""(?P<quoted>(?:\\.|.)*?)(?=(?P=quote)|\Z)"""
    r"""|(?P<bare>[\\\[{]*+["']?[^\s"'&,;<>]+))""",
    re.S | re.I,
)


def squeezed(name: str) -> str:
    """A name without letter case and separators: accessToken, Access-Token, access_token."""
    return name.lower().replace("_", "").replace("-", "")


def named_in(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the value of each secret that a text of no known form gives away by a name."""
    return map(named, LOOSE.finditer(text))


def named(match: re.Match[str]) -> tuple[str, str]:
    """The kind and the value of the secret in what `LOOSE` found."""
    value = match["bare"] or match["quoted"] or ""
    kind = KINDS.get(squeezed(match["name"]), match["name"].lower())
    return kind, unquote_plus(value) if match["gap"] == "=" else value


def decoded(segment: str) -> str:
    """A segment of a JWT as text, as far as it can be decoded."""
    try:
        return loose_base64url_decode(segment.rstrip("=")).decode("utf-8", "replace")
    except ValueError:
        return segment


def private_members(proof: Jws) -> list[str]:
    """The private members of the key in a proof's header."""
    jwk = proof.header.get("jwk")
    found = [jwk.get(name) for name in JWK_PRIVATE] if isinstance(jwk, dict) else []
    return [one for one in found if isinstance(one, str)]


def member_names(text: str) -> set[str] | None:
    """The names of all members in a JSON text, None if it is no JSON."""
    names: set[str] = set()
    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: names.update(name for name, _ in pairs),
        parse_int=whole_number,
    )
    try:
        decoder.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return names
