"""A JWT as people want to see it: dates beside times, the thumbprint, what each member means."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dpop_lab.errors import KeyUnusable, expect
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import Jws, read_jws, salvaged
from dpop_lab.jose.keys import PRIVATE_MEMBERS, key_bits
from dpop_lab.session.call import Call
from dpop_lab.show.jwt import Jwt, Member
from dpop_lab.show.values import cut, date, offset, shown
from dpop_lab.wire.secrets import harmless

TIMES = ("iat", "exp", "nbf", "auth_time", "updated_at")
MOST, LONGEST = 40, 200  # members of a JWT, characters of a value
LATEST = 100_000_000_000  # seconds; of a larger number milliseconds may be meant
JSON_TYPES = {str: "a string", list: "an array", bool: "true or false", type(None): "null"}
MEANINGS = {
    "typ": "What kind of JWT this is: dpop+jwt for a proof, at+jwt for an access token.",
    "alg": "The algorithm of the signature.",
    "kid": "The name of the key that signed, in the signer's own list of keys.",
    "jwk": "The public key that the signature is verified with.",
    "jwk thumbprint": "A hash of the public key: the key's name for everybody (RFC 7638).",
    "jti": "The identifier of this JWT; of proofs a server takes each identifier once.",
    "htm": "The HTTP method of the request that this proof is for.",
    "htu": "The URL of the request that this proof is for, without query and fragment.",
    "iat": "When it was made, in seconds since 1970.",
    "nbf": "From when on it is valid, in seconds since 1970.",
    "exp": "Until when it is valid, in seconds since 1970.",
    "ath": "The hash of the access token that this proof goes with.",
    "nonce": "A value for one occasion: in a proof's claims the one that the server gave out.",
    "iss": "Who issued it.",
    "sub": "Whom it is about.",
    "aud": "Whom it is meant for.",
    "scope": "What it allows.",
    "client_id": "The client it was issued to.",
    "cnf": "The confirmation: jkt in it is the thumbprint of the key that the token is bound to.",
}
Clean = Callable[[Any, str], Any]  # a value without secrets, given the name of its member


def drawn(
    title: str,
    jws: Jws,
    *,
    now: float | None = None,
    date: float | None = None,
    clean: Clean = lambda value, name: value,
    encoded: str = "",
    changed: tuple[str, ...] = (),
) -> Jwt:
    """A JWT that was read, as a block.

    `now` and `date` (the server's Date) are seconds since 1970, with which times are compared.
    """
    clocks = {"now": now, "the server's Date": date}
    remark = ""
    if jws.problem:
        remark = f"{cut(jws.problem, 200)}; {len(jws.text)} characters"
    elif "enc" in jws.header:
        remark = "claims encrypted: only who has the key can read them"
    header, claims = (tuple(_members(part, clocks, clean)) for part in (jws.header, jws.claims))
    return Jwt(title, encoded, header, claims, remark, changed)


def _members(
    part: Mapping[str, Any], clocks: Mapping[str, float | None], clean: Clean
) -> Iterator[Member]:
    for name in [*part][:MOST]:
        value, told = part[name], cut(str(name), 60)
        if name == "jwk":
            yield from ((one, text, MEANINGS.get(one, "")) for one, text in key_lines(value, clean))
        else:
            note = _time_note(value, clocks) if name in TIMES else ""
            yield told, shown(clean(value, str(name)), LONGEST) + note, MEANINGS.get(told, "")
    if len(part) > MOST:
        yield "…", f"{len(part) - MOST} more members", ""


def _time_note(value: object, clocks: Mapping[str, float | None]) -> str:
    """The date a time is, and how far it is from what the clocks show."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return " (no time: a number of seconds is wanted)"
    if LATEST < abs(value) < LATEST * 10_000 and (told := date(value / 1000)):
        return f" (in milliseconds? then {told})"
    if not abs(value) <= LATEST or not (told := date(value)):
        return " (no time)"
    notes = [f"{offset(value, at)} {clock}" for clock, at in clocks.items() if at is not None]
    return f" ({', '.join([told, *notes])})"


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


def key_lines(jwk: object, clean: Clean) -> Iterator[tuple[str, str]]:
    """A public key: kind, size, thumbprint; of private members nothing but their names."""
    if not isinstance(jwk, Mapping):
        yield "jwk", f"{JSON_TYPES.get(type(jwk), 'a number')}, not an object"
        return
    kind = " ".join(str(jwk[one])[:20] for one in ("kty", "crv") if jwk.get(one))
    bits = key_bits(jwk)
    unreadable = f"{kind or 'no kty'}, not a key that can be read"
    yield "jwk", unreadable if bits is None else f"{kind}, {bits} bits"
    if jkt := thumbprint_or_none(jwk):
        yield "jwk thumbprint", f"{jkt} (RFC 7638; this is jkt)"
    for one in ("alg", "use", "kid", "key_ops"):
        if one in jwk:
            yield f"jwk.{one}", shown(clean(jwk[one], one), 80)
    if private := ", ".join(one for one in PRIVATE_MEMBERS if one in jwk):
        yield "jwk private members", private


def thumbprint_or_none(jwk: object) -> str | None:
    """The thumbprint of a JWK, None when it has none, or is none."""
    try:
        return thumbprint(jwk) if isinstance(jwk, Mapping) else None
    except (KeyUnusable, UnicodeEncodeError):  # half a character in a member
        return None


def key_of(call: Call) -> str:
    """The thumbprint of the key in the proof, empty where there is none."""
    return thumbprint_or_none(call.proof.header.get("jwk")) or ""


def decode_jwt(text: str, *, now: float | None = None) -> Jwt:
    """Take a JWT apart for reading: three parts, dates beside times, what each member means.

    With `now` (seconds since 1970) each time has its distance from it. Nothing is verified, and a
    damaged JWT is shown as far as it can be read (RFC 7515 section 3.1). An access token is shown
    whole, so keep the output to yourself. Raises `LabError` for what is no text.
    """
    expect(text, str, "decode_jwt", "A JWT, as make_proof makes one.")
    expect(now, (int, float, type(None)), "now", "Seconds since 1970: time.time().")
    return drawn("", read_jws(text), now=now, encoded=text)
