"""Proofs and access tokens decoded for people, without the secrets that stand in them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dpop_lab.doctor.paste.jwts import salvaged
from dpop_lab.jose.encoding import read_json
from dpop_lab.jose.keys import PRIVATE_MEMBERS
from dpop_lab.session.call import Call, is_hidden
from dpop_lab.session.decoded import drawn
from dpop_lab.show.jwt import Jwt
from dpop_lab.show.values import Words
from dpop_lab.wire.secrets import KINDS, holds_key, squeezed

LONGEST_INSIDE, LEVELS = 20_000, 4  # of JSON in a string: characters, and strings in strings
LOGIN = re.compile(r"^[^/\s:]*+:\S*@")  # in a URL without a scheme
HASH = re.compile(r"[\w+/-]{43}=?|[0-9a-fA-F]{64}|[\w+/-]{64}|[\w+/-]{86}(?:==)?|[\w-]{22}")
SHORTEST_PRIVATE = 16  # characters of a private member of a key


def drawn_proof(call: Call, now: float) -> Jwt | None:
    """What the first proof of a call says, None where it has none."""
    if not call.proofs:
        return None
    return drawn("The proof", salvaged(call.proofs[0]), now=now, date=call.date, clean=harmless)


def drawn_token(call: Call, now: float) -> Jwt | None:
    """What the access token of a call says: the one sent, else the one it was given."""
    if not (text := call.token or call.issued):
        return None
    jws, title = salvaged(text), "The access token"
    if jws.problem and not jws.header:
        opaque = f"opaque: only its server can read it; {len(text)} characters"
        return Jwt(title, "", (), (), opaque)
    return drawn(title, jws, now=now, date=call.date, clean=harmless)


def harmless(value: object, name: str = "") -> Any:
    """A value without the secrets in it: private members of keys, what a name calls a secret."""
    if isinstance(value, Mapping):
        return {key: harmless(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [harmless(one, name) for one in value]
    if is_secret(name, value):
        return Words("(private)")
    if leaked(inside(value)):
        return Words("(JSON in a string, with private members)")
    return LOGIN.sub("…@", value) if name == "htu" and isinstance(value, str) else value


def strings(value: object, name: str = "", levels: int = LEVELS) -> Iterator[tuple[str, str]]:
    """Every string in a JSON value, in the JSON of its strings too, with the name of its member."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from strings(one, str(key), levels)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, name, levels)
    elif isinstance(value, str):
        yield name, value
        if levels:
            yield from strings(inside(value), name, levels - 1)


def inside(value: object) -> object | None:
    """The JSON that a string holds, plain or in base64url; None where it holds none."""
    if not isinstance(value, str) or len(value) > LONGEST_INSIDE:
        return None
    if value.lstrip()[:1] in ("{", "["):
        found: object = read_json(value)
        return found
    return salvaged(value).header or None if value.startswith("eyJ") else None


def is_secret(name: str, value: object) -> bool:
    """Is this a private member of a key, or something that its name calls a secret?"""
    if not isinstance(value, str) or is_hidden(value):
        return False
    known = squeezed(name.strip())
    token = known == "ath" and not HASH.fullmatch(value)  # perhaps
    if known in PRIVATE_MEMBERS or token:
        return len(value) >= SHORTEST_PRIVATE
    named = known in KINDS or known.endswith("secret") or known.startswith("priv")
    return named or holds_key(value)


def is_private(name: str, value: object) -> bool:
    """Is this a private member of a key?"""
    known = name.strip().lower()
    return (known in PRIVATE_MEMBERS or known.startswith("priv")) and is_secret(name, value)


def leaked(value: object) -> tuple[str, ...]:
    """The names of private members of keys, wherever in a JSON value they stand."""
    return tuple(name for name, text in strings(value) if is_private(name, text))
