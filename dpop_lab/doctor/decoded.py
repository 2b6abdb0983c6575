"""Proofs, access tokens and keys decoded for people: dates beside times, the thumbprint."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from dpop_lab.doctor.paste.jwts import salvaged
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import read_json, thumbprint
from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.jose.keys import key_bits
from dpop_lab.session.call import Call, is_hidden
from dpop_lab.show.values import Words, cut, date, offset, shown
from dpop_lab.wire.secrets import KINDS, holds_key

TIMES = ("iat", "exp", "nbf", "auth_time", "updated_at")
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
MOST, LONGEST = 40, 200  # members of a JWT, characters of a value
LONGEST_INSIDE = 20_000  # characters of JSON in a string
HASH = re.compile(r"[\w+/-]{43}=?|[0-9a-fA-F]{64}|[\w+/-]{64}|[\w+/-]{86}(?:==)?|[\w-]{22}")
SHORTEST_PRIVATE = 16  # characters of a private member of a key

Line = tuple[str, str]
JSON_TYPES = {str: "a string", list: "an array", bool: "true or false", type(None): "null"}


def proof_lines(call: Call, now: float) -> list[Line]:
    """What a proof says, member by member, with what follows from it."""
    proof = call.proof
    if proof.problem:
        return [_unread(proof), *_salvaged(proof, call, now)]
    jwk = proof.header.get("jwk")
    lines = list(_members("header", proof.header, call, now, without=("jwk",)))
    if isinstance(jwk, dict):
        lines += key_lines(jwk, "header.jwk")
    elif "jwk" in proof.header:
        lines.append(("header.jwk", f"{JSON_TYPES.get(type(jwk), 'a number')}, not an object"))
    return [*lines, *_members("claims", proof.claims, call, now)]


def token_lines(token: Jws, call: Call, now: float) -> list[Line]:
    """What an access token says, where it is a JWT."""
    if token.problem:
        half = salvaged(token.text)
        if half.header:
            return [_unread(token), *_salvaged(token, call, now)]
        return [("the text", f"opaque: only its server can read it; {len(token.text)} characters")]
    lines = list(_members("header", token.header, call, now))
    if "enc" in token.header:
        lines.append(("claims", "encrypted: only who has the key can read them"))
    return [*lines, *_members("claims", token.claims, call, now)]


def token_lines_of(call: Call, now: float) -> list[Line]:
    """What the access token of a call says: the one sent, else the one it was given."""
    if call.token or call.other:
        return token_lines(read_jws(call.token or call.other), call, now)
    return token_lines(read_jws(call.issued), call, now) if call.issued else []


def _unread(jws: Jws) -> Line:
    return "the text", f"{cut(jws.problem, 200)}; {len(jws.text)} characters"


def _salvaged(jws: Jws, call: Call, now: float) -> Iterator[Line]:
    """What can be read of a text that is no whole JWT."""
    half = salvaged(jws.text)
    yield from _members("header", half.header, call, now)
    yield from _members("claims", half.claims, call, now)


def key_lines(jwk: Mapping[str, Any], name: str = "jwk") -> list[Line]:
    """A public key: kind, size, thumbprint; of private members nothing but their names."""
    lines = [(name, key_in_words(jwk))]
    jkt = thumbprint_or_none(jwk)
    if jkt:
        lines.append((f"{name} thumbprint", f"{jkt} (RFC 7638; this is jkt)"))
    lines += [
        (f"{name}.{one}", shown(harmless(jwk[one], one), 80))
        for one in ("alg", "use", "kid", "key_ops")
        if one in jwk
    ]
    private = [one for one in PRIVATE if one in jwk]
    if private:
        lines.append((f"{name} private members", ", ".join(private)))
    return lines


def key_in_words(jwk: Mapping[str, Any]) -> str:
    """`EC P-256, 256 bits`; or that it is no key that can be read."""
    kind = " ".join(str(jwk[one])[:20] for one in ("kty", "crv") if jwk.get(one))
    bits = key_bits(jwk)
    if bits is None:
        return f"{kind or 'no kty'}, not a key that can be read"
    return f"{kind}, {bits} bits"


def thumbprint_or_none(jwk: object) -> str | None:
    """The thumbprint of a JWK, None when it has none, or is none."""
    try:
        return thumbprint(jwk) if isinstance(jwk, Mapping) else None
    except (KeyUnusable, UnicodeEncodeError):  # half a character in a member
        return None


def _members(
    part: str, members: Mapping[str, Any], call: Call, now: float, without: tuple[str, ...] = ()
) -> Iterator[Line]:
    names = [name for name in members if name not in without]
    for name in names[:MOST]:
        value = members[name]
        note = time_note(value, call, now) if name in TIMES else ""
        yield f"{part}.{cut(str(name), 60)}", shown(harmless(value, str(name)), LONGEST) + note
    if len(names) > MOST:
        yield f"{part}…", f"{len(names) - MOST} more members"


def harmless(value: object, name: str = "") -> Any:
    """A value without the secrets in it: private members of keys, what a name calls a secret."""
    if isinstance(value, Mapping):
        return {key: harmless(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [harmless(one, name) for one in value]
    if is_secret(name, value):
        return Words("(private)")
    inner = inside(value)
    if inner is not None and leaked(inner):
        return Words("(JSON in a string, with private members)")
    return re.sub(r"^[^/\s:]*+:\S*@", "…@", value) if name == "htu" and _is_text(value) else value


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str)


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
    squeezed = name.strip().lower().replace("_", "").replace("-", "")
    if squeezed in PRIVATE:
        return len(value) >= SHORTEST_PRIVATE
    if squeezed == "ath" and not HASH.fullmatch(value):
        return len(value) >= SHORTEST_PRIVATE  # perhaps the token itself
    named = squeezed in KINDS or squeezed.endswith("secret") or squeezed.startswith("priv")
    return named or holds_key(value)


def leaked(value: object, levels: int = 4) -> tuple[str, ...]:
    """The names of private members of keys, wherever in a JSON value they stand."""
    if levels == 0:
        return ()
    if isinstance(value, str):
        inner = inside(value)
        return () if inner is None else leaked(inner, levels - 1)
    if isinstance(value, list):
        return tuple(name for one in value for name in leaked(one, levels))
    if not isinstance(value, Mapping):
        return ()
    own = [str(name) for name, one in value.items() if _is_private(str(name), one)]
    return (*own, *(name for one in value.values() for name in leaked(one, levels)))


def _is_private(name: str, value: object) -> bool:
    squeezed = name.strip().lower()
    return (squeezed in PRIVATE or squeezed.startswith("priv")) and is_secret(name, value)


def time_note(value: object, call: Call, now: float) -> str:
    """The date a time is, and how far it is from now and from the server's clock."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return " (no time: a number of seconds is wanted)"
    if abs(value) > 10**15:  # some integers are too large for a division
        return " (no time)"
    if abs(value) > 100_000_000_000:
        in_ms = date(value / 1000)
        return f" (in milliseconds? then {in_ms})" if in_ms else " (no time)"
    told = date(value)
    if not told:
        return " (no time)"
    notes = [told, f"{offset(value, now)} now"]
    if call.date is not None:
        notes.append(f"{offset(value, call.date)} the server's Date")
    return f" ({', '.join(notes)})"
