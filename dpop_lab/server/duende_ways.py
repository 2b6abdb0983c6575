"""How demo.duendesoftware.com reads requests, proofs and access tokens, its leniencies included."""

import json
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from dpop_lab.jose.encoding import Members, several
from dpop_lab.jose.jws import Deviation, Jws, read_jws
from dpop_lab.proof import Reading
from dpop_lab.server import common
from dpop_lab.server import duende_site as site
from dpop_lab.server.policy import Policy
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.syntax import normal_url, without_query

NUMBER = re.compile(r"\s*[+-]?(\d[\d,]*)?(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuendeReading(Reading):
    """The reader of the demo's token endpoint, or of its API: they are two programs."""

    algorithms: tuple[str, ...] = site.ALGORITHMS
    leeway: int = 300
    #: any length, an empty jti, and an htu with its path in any letter case
    api: bool = False

    def fault(self, proof: Jws) -> tuple[str, str] | None:
        """What the reader of JWTs can't get over; the token endpoint reads no long proof."""
        if not self.api and len(proof.text) > site.LONGEST_PROOF:
            return "too_long", f"{len(proof.text)} characters, more than {site.LONGEST_PROOF}"
        fault = self.token_fault(proof)
        return ("malformed", fault) if fault else None

    def token_fault(self, token: Jws) -> str | None:
        """Odd alphabets, and members of a type that the demo's JWT reader can't read."""
        forms = [
            str(one)
            for one in token.deviations
            if one.where in ("header", "payload") and one.kind in site.REFUSED_FORMS
        ]
        if forms:
            return ", ".join(forms)
        if Deviation("whole", "five_parts") in token.deviations:
            tail = token.text.split(".")[2:]
            good = all(re.fullmatch(r"[\w-]+=*", part, re.ASCII) for part in tail)
            return None if good else "five parts"
        claims = token.claims
        odd = [f"header.{name}" for name in _misread(token.header, site.HEADER_TYPES)]
        odd += [f"claims.{name}" for name in _misread(claims, site.CLAIM_TYPES)]
        times = [name for name in ("iat", "exp", "nbf") if name in claims]
        odd += [f"claims.{name}" for name in times if self.number(claims[name]) is None]
        if not all(isinstance(one, site.TEXT) for one in several(claims.get("aud"))):
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
            members[site.JWK_NAMES.get(name.lower(), name)] = value
        return members

    def private(self, jwk: Members) -> tuple[str, ...]:
        """EC: a `d` will do. RSA: only all six together count."""
        if _misread(jwk, site.JWK_TYPES):
            return ()
        wanted = site.PRIVATE.get(jwk.get("kty", ""), ())
        return wanted if all(jwk.get(name) is not None for name in wanted) else ()

    def key_fault(self, jwk: Members, alg: object) -> str | None:
        """The demo wants a jwk it can take the thumbprint of, whatever `alg` says.

        Where there is no thumbprint the real server falls over with a 500; the twin does not.
        """
        if odd := _misread(jwk, site.JWK_TYPES):
            return _unread(odd)
        names = site.HASHED.get(jwk.get("kty") or "")
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

    def is_odd(value: object, kinds: tuple[type, ...]) -> bool:
        texts = type(value) is not list or all(isinstance(one, str) for one in value)
        return type(value) not in kinds or not texts

    return [name for name in members if name in types and is_odd(members[name], types[name])]


def _unread(odd: list[str]) -> str | None:
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def _uri(url: str) -> SplitResult | None:
    """A URL as the demo's URI class reads it: blanks around it, backslashes, user info ignored."""
    normal = normal_url(without_query(url).strip().replace("\\", "/"))
    return normal and normal._replace(netloc=normal.netloc.rpartition("@")[2])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Duende(Policy):
    """The demo's ways where they differ from a strict server's."""

    def proofs(self, request: Request, place: str) -> tuple[str, ...]:
        """A single blank header counts as none, but not at the API."""
        lines = request.lines("DPoP")
        return () if place in ("token", "par") and lines == ("",) else lines

    def token_parameters(self, request: Request) -> common.Form:
        """Names in any letter case, blank values dropped."""
        if request.method != "POST":
            raise common.bad_request()
        pairs = common.read_form(request)
        return common.collected((name.lower(), given) for name, given in pairs if given.strip())

    def credentials(self, request: Request, form: common.Form) -> common.Credentials:
        """Basic, then the form, then an assertion: the first with a secret or an assertion wins."""
        raw = {
            name.lower(): given for name, given in reversed(common.read_form(request))
        }  # the first
        pairs = {
            "basic": common.basic_pair("".join(request.lines("Authorization")[:1])) or ("", ""),
            "form": (raw.get("client_id", ""), raw.get("client_secret", "")),
        }
        found: list[common.Credentials] = [
            (client_id, way, secret if secret.strip() else None)
            for way, (client_id, secret) in pairs.items()
            if client_id.strip() and max(len(client_id), len(secret)) <= 100
        ]
        assertion = raw.get("client_assertion", "")
        jws = read_jws(assertion[:51201])
        client_id = jws.claims.get("sub")
        readable = len(assertion) <= 51200 and not self.token.reading.token_fault(jws)
        if raw.get("client_assertion_type") == common.JWT_BEARER and readable:
            if isinstance(client_id, str) and 0 < len(client_id) <= 100:
                found.append((client_id, "assertion", assertion))
        if not found:
            raise common.bad_request()
        return next((one for one in found if one[2]), found[-1])

    def audience_fits(self, header: Members, audience: object, issuer: str) -> bool:
        """The issuer or one of four endpoints; the issuer alone where the assertion has a type."""
        given = several(audience)
        names = [one.removesuffix("/") for one in given if isinstance(one, str)]
        kind = header.get("typ")
        if isinstance(kind, str) and kind.lower() == "client-authentication+jwt":
            return kind.islower() and names == [issuer] and len(given) == 1
        paths = ("", "/connect/token", "/connect/ciba", "/connect/par")
        return any(f"{issuer}{path}" in names for path in paths)

    def client_refused(self, way: str) -> common.Refused:
        """400, whichever way the client tried to authenticate."""
        return common.bad_request("invalid_client")

    def scope(self, text: str) -> str:
        """Blanks at its ends do not count; another character makes the request invalid."""
        try:
            return Policy.scope(self, text.strip())
        except common.Refused:
            raise common.bad_request() from None

    def token_claims(self, claims: Members) -> dict[str, Any]:
        """Neither a subject nor an audience of its own accord; scope is an array."""
        return dict(claims)

    def authorization(self, request: Request, scheme: str) -> str:
        """The first line counts at the DPoP API; the other one takes all lines for one value."""
        lines = request.lines("Authorization")
        return lines[0] if lines and scheme == "DPoP" else ",".join(lines)

    def json(self, value: object) -> bytes:
        """JSON as .NET escapes it: no quote, ampersand, angle bracket, plus or non-ASCII."""

        def escape(match: re.Match[str]) -> str:
            found = match[0]
            if found.startswith("\\u"):
                return f"\\u{found[2:].upper()}"
            return f"\\u{ord(found[-1]):04X}" if found == '\\"' or len(found) == 1 else found

        plain = json.dumps(value, separators=(",", ":"))
        return re.sub(r"\\(?:u[0-9a-f]{4}|.)|['+<>&`\x7f]", escape, plain).encode()

    def method_not_allowed(self, allowed: str) -> Response:
        """405 and nothing else, not even what would be allowed."""
        return Response(405)

    def metadata(self, base: str) -> dict[str, Any]:
        """What the whole of it can do, most of which is not here."""
        return site.metadata(base)
