"""How a server takes the values of a JWT: strictly here, and a lenient server has a subclass."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from dpop_lab.errors import EncodingError
from dpop_lab.jose.encoding import base64url_decode
from dpop_lab.jose.jws import Jws, key_bits
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC
from dpop_lab.jose.weak_keys import ed25519_fault, rsa_fault
from dpop_lab.show.values import shown
from dpop_lab.wire.url import normal_url

KEYS_OF = {name: (algorithm.kty, algorithm.crv) for name, algorithm in ALGORITHMS.items()}
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
RSA_BITS = range(2048, 8193)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one server takes the values of a proof or an access token: here with no leniency at all.

    Each method is a choice that another server may make in another way; none turns a rule off.
    """

    #: that verify here, in the order they are told in
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    #: seconds of grace for `exp` and `nbf` of access tokens and client assertions
    leeway: int = 0

    def fault(self, proof: Jws) -> tuple[str, str] | None:
        """The defect that makes a proof malformed, with words for it: not three parts.

        The finer points of form are for the row `strict_form`.
        """
        count = proof.text.count(".") + 1
        if count != 3:
            return "malformed", f"{count} part{'s' * (count != 1)} between dots, wanted 3"
        return None

    def token_fault(self, token: Jws) -> str | None:
        """What makes an access token malformed: any spelling but the one it was issued in."""
        return ", ".join(map(str, token.deviations)) or None

    def same(self, name: str, wanted: str, found: object) -> bool:
        """Is what was found for `typ`, `htm` or the `scheme` what was wanted?

        Letter case counts but for the scheme (RFC 9110 section 11.1).
        """
        if name == "scheme" and isinstance(found, str):
            return found.lower() == wanted.lower()
        return found == wanted

    def key_fault(self, jwk: Mapping[str, Any], alg: object) -> str | None:
        """What is wrong with a key for this algorithm (RFC 7518 sections 3.3, 3.4, 6; RFC 8037)."""
        kty, crv = jwk.get("kty"), jwk.get("crv")
        wanted = KEYS_OF.get(alg) if isinstance(alg, str) else None
        kinds = [wanted] if wanted else list(KEYS_OF.values())
        if (kty, crv if kty != "RSA" else None) not in kinds:
            return f"a key of kind {kty!r} {crv!r}, which is not for {alg!r}"
        if KEYS_OF.get(str(jwk.get("alg", alg))) != wanted or jwk.get("use", "sig") != "sig":
            member = "use" if jwk.get("use", "sig") != "sig" else "alg"
            return f"its {member}, {shown(jwk.get(member), 40)}, says it is for something else"
        if "verify" not in _strings(jwk.get("key_ops", ["verify"])):
            return "key_ops in it do not say verify"
        numbers = {name: _octets(jwk.get(name)) for name in PUBLIC[str(kty)] if name != "crv"}
        for name, octets in numbers.items():
            if not octets:
                return f"{name} is not base64url, or not zero in the spare bits at its end"
            if kty == "RSA" and octets[0] == 0:
                return f"{name} begins with a zero octet"
            if kty != "RSA" and len(octets) != OCTETS[str(crv)]:
                return f"{name} has {len(octets)} octets, wanted {OCTETS[str(crv)]}"
        bits = key_bits(jwk)
        if bits is None:
            point = f"the point (x, y) does not lie on {crv}"
            return point if kty == "EC" else "its numbers are no key of this kind"
        if kty == "RSA" and bits not in RSA_BITS:
            return f"{bits} bits, wanted {RSA_BITS[0]} to {RSA_BITS[-1]}"
        if kty == "RSA":
            return rsa_fault(numbers["n"], numbers["e"])
        return ed25519_fault(numbers["x"]) if kty == "OKP" else None

    def members(self, jwk: Mapping[str, Any]) -> Mapping[str, Any]:
        """A jwk as this server reads it: as it is."""
        return jwk

    def private(self, jwk: Mapping[str, Any]) -> tuple[str, ...]:
        """Any private or symmetric member, whatever the key type (RFC 7518 section 6)."""
        return tuple(name for name in PRIVATE_MEMBERS if name in jwk)

    def signature(self, proof: Jws) -> bytes:
        """The octets of the signature; how they are spelt is for the row `strict_form`."""
        return proof.signature

    def unchecked(self, cnf: Mapping[str, Any]) -> tuple[str, ...]:
        """What binds an access token besides its key: every member of `cnf` but `jkt`.

        A binding that nobody proves binds nothing (RFC 7800 section 3).
        """
        return tuple(name for name in cnf if name != "jkt")

    def text(self, value: object) -> str | None:
        """A JSON string."""
        return value if isinstance(value, str) else None

    def number(self, value: object) -> float | None:
        """A finite JSON number; true and false are none (RFC 7519 section 2, NumericDate)."""
        if type(value) is int or (type(value) is float and math.isfinite(value)):
            return value
        return None

    def jti(self, claims: Mapping[str, Any]) -> str | None:
        """A string that is not empty."""
        return self.text(claims.get("jti")) or None

    def same_url(self, wanted: str, found: str) -> bool:
        """Equal after RFC 3986 normalisation, but for query and fragment; path case counts."""
        normal = normal_url(found)
        return normal is not None and normal == normal_url(wanted)

    def expired(self, end: float, now: int) -> bool:
        """On or after `exp` it is over (RFC 7519 section 4.1.4)."""
        return now >= end + self.leeway

    def replay_key(
        self, claims: Mapping[str, Any], *, jkt: str | None, url: str, client_id: str
    ) -> Hashable:
        """What a proof is remembered by: its key, its jti, and where it was used."""
        return jkt, self.jti(claims), normal_url(url) or url


STRICT = Reading()


def _strings(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _octets(text: object) -> bytes:
    """The octets of strict base64url, none where it is something else."""
    try:
        return base64url_decode(text) if isinstance(text, str) else b""
    except EncodingError:
        return b""
