"""How demo.duendesoftware.com reads a proof and an access token, its leniencies included."""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

from dpop_lab.jose.encoding import Members, several
from dpop_lab.jose.jws import Deviation, Jws
from dpop_lab.proof import Reading
from dpop_lab.server.duende_site import ALGORITHMS
from dpop_lab.wire.url import NormalURL, normal_url, without_query

LONGEST = 4000  # characters of a proof at the token endpoint
NUMBER = re.compile(r"\s*[+-]?(\d[\d,]*)?(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)
REFUSED_FORMS = (
    "white_space", "foreign_alphabet", "impossible_length", "byte_order_mark", "not_a_number"
)  # fmt: skip
HEADER_TEXTS = ("typ", "alg", "kid", "x5t", "cty", "zip")
JWK_TEXTS = (
    "kty", "crv", "x", "y", "e", "n", "d", "dp", "dq", "p", "q", "qi", "k",
    "kid", "alg", "use", "x5t", "x5t#S256", "x5u",
)  # fmt: skip
# members that are arrays of texts, with what they may be besides
JWK_ARRAYS = {"key_ops": (), "x5c": (NoneType,), "oth": (NoneType, str)}
JWK_NAMES = {name.lower(): name for name in (*JWK_TEXTS, *JWK_ARRAYS)}
PRIVATE = {"EC": ("d",), "RSA": ("d", "dp", "dq", "p", "q", "qi")}
HASHED = {"EC": ("crv", "x", "y"), "RSA": ("e", "n"), "oct": ("k",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DuendeReading(Reading):
    """The reader of the demo's token endpoint, or of its API: they are two programs."""

    algorithms: tuple[str, ...] = ALGORITHMS
    leeway: int = 300
    #: any length, an empty jti, and an htu with its path in any letter case
    api: bool = False

    def fault(self, proof: Jws) -> tuple[str, str] | None:
        """What the reader of JWTs can't get over; the token endpoint reads no long proof."""
        if not self.api and len(proof.text) > LONGEST:
            return "too_long", f"{len(proof.text)} characters, more than {LONGEST}"
        fault = self.token_fault(proof)
        return ("malformed", fault) if fault else None

    def token_fault(self, token: Jws) -> str | None:
        """Odd alphabets, and members of a type that the demo's JWT reader can't read."""
        forms = [
            str(one)
            for one in token.deviations
            if one.where in ("header", "payload") and one.kind in REFUSED_FORMS
        ]
        if forms:
            return ", ".join(forms)
        if Deviation("whole", "five_parts") in token.deviations:
            tail = token.text.split(".")[2:]
            good = all(re.fullmatch(r"[\w-]+=*", part, re.ASCII) for part in tail)
            return None if good else "five parts"
        claims = token.claims
        read = {f"header.{name}": _is_text(token.header.get(name)) for name in HEADER_TEXTS}
        read |= {f"claims.{name}": _is_text(claims.get(name)) for name in ("jti", "iss", "azp")}
        for name in ("iat", "exp", "nbf"):
            read[f"claims.{name}"] = name not in claims or self.number(claims[name]) is not None
        subject = claims.get("sub")
        read["claims.sub"] = _is_text(subject) or type(subject) in (int, float)
        read["claims.aud"] = all(map(_is_text, several(claims.get("aud"))))
        return _unread(read)

    def signature(self, proof: Jws) -> bytes:
        """None at all where the spare bits of its last character are not zero, as recorded."""
        return b"" if Deviation("signature", "spare_bits") in proof.deviations else proof.signature

    def number(self, value: object) -> int | None:
        """Seconds from a number or from a numeric text, rounded; None beyond 64 bits."""
        if isinstance(value, str) and re.search(r"\d", value) and NUMBER.fullmatch(value):
            value = float(value.replace(",", ""))
        if type(value) is float and math.isfinite(value):
            value = round(value)
        return value if type(value) is int and -(2**63) <= value < 2**63 else None

    def text(self, value: object) -> str | None:
        """A text, also one that stands alone in an array."""
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return value if isinstance(value, str) else None

    def jti(self, claims: Members) -> str | None:
        """Any text that is not empty; the API takes an empty text too, and null for one."""
        if self.api:
            return (claims["jti"] or "") if "jti" in claims else None
        return claims.get("jti") or None

    def members(self, jwk: Members) -> dict[str, Any]:
        """Member names in any letter case, and of a JWK Set its first key.

        Recorded was a set that holds one key. The demo's reader goes on into the member `keys` as
        if its bracket were not there, and stops at the first closing brace.
        """
        members: dict[str, Any] = {}
        for name, value in jwk.items():
            first = value[0] if isinstance(value, list) and value else None
            if name.lower() == "keys" and isinstance(first, dict):
                return members | self.members(first)
            members[JWK_NAMES.get(name.lower(), name)] = value
        return members

    def private(self, jwk: Members) -> tuple[str, ...]:
        """EC: a `d` will do. RSA: only all six together count."""
        if _unreadable(jwk):
            return ()
        wanted = PRIVATE.get(jwk.get("kty", ""), ())
        return wanted if all(jwk.get(name) is not None for name in wanted) else ()

    def key_fault(self, jwk: Members, alg: object) -> str | None:
        """The demo wants a jwk it can take the thumbprint of, whatever `alg` says.

        Where there is no thumbprint the real server falls over with a 500; the twin does not.
        """
        if fault := _unreadable(jwk):
            return fault
        names = HASHED.get(jwk.get("kty") or "")
        if names is None:
            return f"kty is not EC or RSA but {jwk.get('kty')!r}"
        absent = ", ".join(name for name in names if not jwk.get(name))
        return f"no {absent} in it" if absent else None

    def same_url(self, wanted: str, found: str) -> bool:
        """At the token endpoint the case of the path counts, at the API it does not."""
        if self.api:
            wanted, found = wanted.lower(), found.lower()
        return _uri(found) is not None and _uri(wanted) == _uri(found)

    def unchecked(self, cnf: Members) -> tuple[str, ...]:
        """It looks at jkt alone."""
        return ()

    def expired(self, end: float, now: int) -> bool:
        """Five minutes of grace, that second included."""
        return now - self.leeway > end

    def replay_key(self, claims: Members, **known: object) -> Hashable:
        """The demo remembers a proof by its jti and nothing else."""
        return self.jti(claims)


def _is_text(value: object) -> bool:
    return isinstance(value, str | None)


def _unread(read: Mapping[str, bool]) -> str | None:
    odd = ", ".join(name for name, good in read.items() if not good)
    return (odd and f"another JSON type than it can read: {odd}") or None


def _unreadable(jwk: Members) -> str | None:
    """Known members of a JSON type that the demo's key reader can't take."""
    read = {name: _is_text(jwk.get(name)) for name in JWK_TEXTS}
    for name, also in JWK_ARRAYS.items():
        given = jwk.get(name, [])
        texts = isinstance(given, list) and all(isinstance(one, str) for one in given)
        read[name] = texts or isinstance(given, also)
    return _unread(read)


def _uri(url: str) -> NormalURL | None:
    """A URL as the demo's URI class reads it: blanks around it, backslashes, user info ignored."""
    normal = normal_url(without_query(url).strip().replace("\\", "/"))
    return normal and normal._replace(user=None)
