"""Proofs, access tokens and keys decoded for people: dates beside times, the thumbprint."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import salvaged
from dpop_lab.jose.keys import PRIVATE_MEMBERS, key_bits
from dpop_lab.session.call import Call
from dpop_lab.show.values import Words, cut, date, offset, shown
from dpop_lab.wire.secrets import inside, is_secret, leaked

TIMES = ("iat", "exp", "nbf", "auth_time", "updated_at")
MOST, LONGEST = 40, 200  # members of a JWT, characters of a value
LATEST = 100_000_000_000  # seconds; of a larger number milliseconds may be meant
LOGIN = re.compile(r"^[^/\s:]*+:\S*@")  # in a URL without a scheme

Line = tuple[str, str]
JSON_TYPES = {str: "a string", list: "an array", bool: "true or false", type(None): "null"}


def jwt_lines(text: str, call: Call, now: float) -> Iterator[Line]:
    """What a proof or an access token says, member by member, with what follows from it."""
    jws = salvaged(text)
    if jws.problem:
        yield "the text", f"{cut(jws.problem, 200)}; {len(text)} characters"
    yield from _members("header", jws.header, call, now)
    if "enc" in jws.header and not jws.problem:
        yield "claims", "encrypted: only who has the key can read them"
    yield from _members("claims", jws.claims, call, now)


def proof_lines(call: Call, now: float) -> list[Line]:
    """What the first proof of a call says."""
    return [line for text in call.proofs[:1] for line in jwt_lines(text, call, now)]


def token_lines(call: Call, now: float) -> list[Line]:
    """What the access token of a call says: the one sent, else the one it was given."""
    text = call.token or call.issued
    jws = salvaged(text)
    if text and jws.problem and not jws.header:
        return [("the text", f"opaque: only its server can read it; {len(text)} characters")]
    return [*jwt_lines(text, call, now)] if text else []


def _members(part: str, members: Mapping[str, Any], call: Call, now: float) -> Iterator[Line]:
    for name in [*members][:MOST]:
        value, shown_name = members[name], f"{part}.{cut(str(name), 60)}"
        if shown_name == "header.jwk":
            yield from key_lines(value, shown_name)
        else:
            note = _time_note(value, call, now) if name in TIMES else ""
            yield shown_name, shown(harmless(value, str(name)), LONGEST) + note
    if len(members) > MOST:
        yield f"{part}…", f"{len(members) - MOST} more members"


def _time_note(value: object, call: Call, now: float) -> str:
    """The date a time is, and how far it is from now and from the server's clock."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return " (no time: a number of seconds is wanted)"
    if LATEST < abs(value) < LATEST * 10_000 and (told := date(value / 1000)):
        return f" (in milliseconds? then {told})"
    if not abs(value) <= LATEST or not (told := date(value)):
        return " (no time)"
    notes = [told, f"{offset(value, now)} now"]
    if call.date is not None:
        notes.append(f"{offset(value, call.date)} the server's Date")
    return f" ({', '.join(notes)})"


def key_lines(jwk: object, name: str = "jwk") -> Iterator[Line]:
    """A public key: kind, size, thumbprint; of private members nothing but their names."""
    if not isinstance(jwk, Mapping):
        yield name, f"{JSON_TYPES.get(type(jwk), 'a number')}, not an object"
        return
    kind = " ".join(str(jwk[one])[:20] for one in ("kty", "crv") if jwk.get(one))
    bits = key_bits(jwk)
    unreadable = f"{kind or 'no kty'}, not a key that can be read"
    yield name, unreadable if bits is None else f"{kind}, {bits} bits"
    if jkt := thumbprint_or_none(jwk):
        yield f"{name} thumbprint", f"{jkt} (RFC 7638; this is jkt)"
    for one in ("alg", "use", "kid", "key_ops"):
        if one in jwk:
            yield f"{name}.{one}", shown(harmless(jwk[one], one), 80)
    if private := ", ".join(one for one in PRIVATE_MEMBERS if one in jwk):
        yield f"{name} private members", private


def thumbprint_or_none(jwk: object) -> str | None:
    """The thumbprint of a JWK, None when it has none, or is none."""
    try:
        return thumbprint(jwk) if isinstance(jwk, Mapping) else None
    except (KeyUnusable, UnicodeEncodeError):  # half a character in a member
        return None


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
