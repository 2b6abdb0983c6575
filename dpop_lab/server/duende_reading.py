"""demo.duendesoftware.com as data, second part: how it reads a proof, its leniencies included."""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.jose.jws import Deviation, Jws
from dpop_lab.proof.rules import Context, Reading
from dpop_lab.server.duende_site import ALGORITHMS
from dpop_lab.wire.url import NormalURL, normal_url, without_query

HEADER_TEXTS = ("typ", "alg", "kid", "x5t", "cty", "zip")
CLAIM_TEXTS = ("jti", "iss", "azp")
NUMBER = re.compile(r"\s*[+-]?(\d[\d,]*)?(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)
REFUSED_FORMS = {
    Deviation(where, kind)
    for where in ("header", "payload")
    for kind in (
        "white_space", "foreign_alphabet", "impossible_length", "byte_order_mark", "not_a_number"
    )
}  # fmt: skip


def malformed(jws: Jws) -> str | None:
    """What the demo's JWT reader can't get over: odd alphabets, members of the wrong type."""
    forms = [str(one) for one in jws.deviations if one in REFUSED_FORMS]
    if forms:
        return ", ".join(forms)
    if Deviation("whole", "five_parts") in jws.deviations:
        tail = jws.text.split(".")[2:]
        return (
            None
            if all(re.fullmatch(r"[\w-]+=*", part, re.ASCII) for part in tail)
            else "five parts"
        )
    texts = [("header", jws.header, name) for name in HEADER_TEXTS]
    texts += [("claims", jws.claims, name) for name in CLAIM_TEXTS]
    odd = [
        f"{where}.{name}"
        for where, members, name in texts
        if not isinstance(members.get(name), str | None)
    ]
    odd += [
        f"claims.{name}"
        for name in ("iat", "exp", "nbf")
        if name in jws.claims and number(jws.claims[name]) is None
    ]
    if type(jws.claims.get("sub")) not in (str, int, float, type(None)):
        odd.append("claims.sub")
    audience = jws.claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str | None) for one in several):
        odd.append("claims.aud")
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def too_long_or_malformed(proof: Jws) -> tuple[str, str] | None:
    """The token endpoint reads no proof of more than 4000 characters."""
    if len(proof.text) > 4000:
        return "too_long", f"{len(proof.text)} characters, more than 4000"
    return only_malformed(proof)


def only_malformed(proof: Jws) -> tuple[str, str] | None:
    """The API reads a proof of any length."""
    fault = malformed(proof)
    return ("malformed", fault) if fault else None


def signature(proof: Jws) -> bytes:
    """None at all where the spare bits of its last character are not zero, as recorded."""
    return b"" if Deviation("signature", "spare_bits") in proof.deviations else proof.signature


def number(value: object) -> int | None:
    """Seconds from a number or from a numeric text, rounded; None beyond 64 bits."""
    if isinstance(value, str) and re.search(r"\d", value) and NUMBER.fullmatch(value):
        value = float(value.replace(",", ""))
    if type(value) not in (int, float) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    whole = round(value)  # type: ignore[call-overload]
    return whole if -(2**63) <= whole < 2**63 else None


def text(value: object) -> str | None:
    """A text, also one that stands alone in an array."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def token_jti(claims: Mapping[str, Any]) -> str | None:
    """The token endpoint takes any text that is not empty."""
    return claims.get("jti") or None


def api_jti(claims: Mapping[str, Any]) -> str | None:
    """The API takes an empty text too, and null for one."""
    return (claims["jti"] or "") if "jti" in claims else None


JWK_TEXTS = (
    "kty", "crv", "x", "y", "e", "n", "d", "dp", "dq", "p", "q", "qi", "k",
    "kid", "alg", "use", "x5t", "x5t#S256", "x5u",
)  # fmt: skip
JWK_NAMES = {name.lower(): name for name in (*JWK_TEXTS, "key_ops", "x5c", "oth")}
RSA_PRIVATE = ("d", "dp", "dq", "p", "q", "qi")


def jwk_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """A jwk as the demo reads it: member names in any letter case, and of a JWK Set its first key.

    Recorded was a set that holds one key. The demo's reader goes on into the member `keys` as if
    its bracket were not there, and stops at the first closing brace.
    """
    members: dict[str, Any] = {}
    for name, value in jwk.items():
        first = value[0] if isinstance(value, list) and value else None
        if name.lower() == "keys" and isinstance(first, dict):
            return members | jwk_members(first)
        members[JWK_NAMES.get(name.lower(), name)] = value
    return members


def _unreadable(jwk: Mapping[str, Any]) -> str | None:
    """Known members of a JSON type that the demo's key reader can't take."""
    odd = [name for name in JWK_TEXTS if not isinstance(jwk.get(name), str | None)]
    for name, also in (("key_ops", ()), ("x5c", (type(None),)), ("oth", (str, type(None)))):
        given = jwk.get(name, [])
        listed = isinstance(given, list) and all(isinstance(one, str) for one in given)
        if not listed and not isinstance(given, also):
            odd.append(name)
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def private_members(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """EC: a `d` will do. RSA: only all six together count."""
    if _unreadable(jwk):
        return ()
    wanted = {"EC": ("d",), "RSA": RSA_PRIVATE}.get(jwk.get("kty", ""), ())
    return wanted if wanted and all(jwk.get(name) is not None for name in wanted) else ()


def key_fault(jwk: Mapping[str, Any], alg: object) -> str | None:
    """The demo wants a jwk it can take the thumbprint of, whatever `alg` says.

    Where there is no thumbprint the real server falls over with a 500; the twin does not.
    """
    fault = _unreadable(jwk)
    if fault:
        return fault
    names = {"EC": ("crv", "x", "y"), "RSA": ("e", "n"), "oct": ("k",)}.get(jwk.get("kty") or "")
    if names is None:
        return f"kty is not EC or RSA but {jwk.get('kty')!r}"
    lacking = [name for name in names if not jwk.get(name)]
    return f"no {', '.join(lacking)} in it" if lacking else None


def _uri(url: str) -> NormalURL | None:
    """A URL as the demo's URI class reads it: blanks around it, backslashes, user info ignored."""
    normal = normal_url(without_query(url).strip().replace("\\", "/"))
    return normal and normal._replace(user=None)


def same_token_url(wanted: str, found: str) -> bool:
    """At the token endpoint the case of the path counts."""
    return _uri(found) is not None and _uri(wanted) == _uri(found)


def same_api_url(wanted: str, found: str) -> bool:
    """At the API it does not."""
    return same_token_url(wanted.lower(), found.lower())


def jti_alone(proof: Jws, context: Context) -> Hashable:
    """The demo remembers a proof by its jti and nothing else."""
    return context.profile.reading.jti(proof.claims)


TOKEN_READING = Reading(
    algorithms=ALGORITHMS,
    fault=too_long_or_malformed,
    key_fault=key_fault,
    members=jwk_members,
    private=private_members,
    signature=signature,
    text=text,
    number=number,
    jti=token_jti,
    same_url=same_token_url,
    unchecked=lambda cnf: (),  # it looks at jkt alone
)
API_READING = replace(TOKEN_READING, fault=only_malformed, jti=api_jti, same_url=same_api_url)
