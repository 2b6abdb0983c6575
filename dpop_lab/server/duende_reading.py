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
# the JSON types that it can read, by member; arrays are of texts
TEXT = (str, NoneType)
HEADER = dict.fromkeys(("typ", "alg", "kid", "x5t", "cty", "zip"), TEXT)
CLAIMS = {**dict.fromkeys(("jti", "iss", "azp"), TEXT), "sub": (*TEXT, int, float)}
JWK = {
    **dict.fromkeys((
        "kty", "crv", "x", "y", "e", "n", "d", "dp", "dq", "p", "q", "qi", "k",
        "kid", "alg", "use", "x5t", "x5t#S256", "x5u",
    ), TEXT),
    "key_ops": (list,), "x5c": (list, NoneType), "oth": (list, *TEXT),
}  # fmt: skip
JWK_NAMES = {name.lower(): name for name in JWK}
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
        odd = [f"header.{name}" for name in _misread(token.header, HEADER)]
        odd += [f"claims.{name}" for name in _misread(claims, CLAIMS)]
        for name in ("iat", "exp", "nbf"):
            if name in claims and self.number(claims[name]) is None:
                odd.append(f"claims.{name}")
        if not all(isinstance(one, TEXT) for one in several(claims.get("aud"))):
            odd.append("claims.aud")
        return _unread(odd)

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
        if _misread(jwk, JWK):
            return ()
        wanted = PRIVATE.get(jwk.get("kty", ""), ())
        return wanted if all(jwk.get(name) is not None for name in wanted) else ()

    def key_fault(self, jwk: Members, alg: object) -> str | None:
        """The demo wants a jwk it can take the thumbprint of, whatever `alg` says.

        Where there is no thumbprint the real server falls over with a 500; the twin does not.
        """
        if odd := _misread(jwk, JWK):
            return _unread(odd)
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


def _misread(members: Members, types: Mapping[str, tuple[type, ...]]) -> list[str]:
    """The names of the members that are of another JSON type than these."""
    return [
        name
        for name, value in members.items()
        if name in types
        and (
            type(value) not in types[name]
            or (type(value) is list and not all(isinstance(one, str) for one in value))
        )
    ]


def _unread(odd: list[str]) -> str | None:
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def _uri(url: str) -> NormalURL | None:
    """A URL as the demo's URI class reads it: blanks around it, backslashes, user info ignored."""
    normal = normal_url(without_query(url).strip().replace("\\", "/"))
    return normal and normal._replace(user=None)
