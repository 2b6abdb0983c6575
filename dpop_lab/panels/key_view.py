"""What becomes of a public key when one of its members is changed: the state behind `KeyPanel`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import hash_input, thumbprint
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC
from dpop_lab.proof import RSA_BITS, STRICT
from dpop_lab.show import Block, Note, Shown, Table
from dpop_lab.show.values import cut, printable, shown

MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")  # public ones only
Compared = Literal["same", "changed", "none"]
SAID = {
    "same": "The thumbprint is the same as at the start.",
    "changed": "The thumbprint has changed.",
    "none": "There is no thumbprint.",
}


@dataclass(frozen=True, slots=True, repr=False)
class KeyView(Shown):
    """A public JWK looked at, shown by a notebook as the panel shows it.

    `problem` says why no server could use the key, empty when one could; `hash_input` and
    `thumbprint` are empty where a member they need is missing; `compared` is what became of the
    thumbprint: `same`, `changed` or `none`.
    """

    problem: str
    hash_input: str
    thumbprint: str
    compared: Compared

    @property
    def verdict(self) -> str:
        """Both answers in words: is it a usable key, is it still the same one."""
        usable = f"Not a usable key: {self.problem}" if self.problem else "A usable public key."
        return f"{usable} {SAID[self.compared]}"

    def blocks(self) -> Iterator[Block]:
        """The verdict, the hash input and the thumbprint."""
        text = cut(printable(self.hash_input), 4000)
        facts = (("hash input", text or "none"), ("thumbprint", self.thumbprint or "none"))
        yield Note(self.verdict, "failed" if self.problem else "passed")
        yield Table("", facts)


def look_at_key(members: Mapping[str, str], before: Mapping[str, str]) -> KeyView:
    """Is this still a usable public JWK, and has its thumbprint changed against the one before?

    An empty member counts as absent, one that is not in `MEMBERS` is not looked at. A key that no
    server could use may have a thumbprint all the same: the strings are hashed as they stand (RFC
    7638 section 3). Raises `KeyUnusable` when `before` has none; nothing in `members` raises.
    """
    start = thumbprint(before)
    jwk = {name: members[name] for name in MEMBERS if members.get(name)}
    try:
        text, found = hash_input(jwk).decode(), thumbprint(jwk)
    except KeyUnusable as error:
        return KeyView(cut(printable(str(error)), 300), "", "", "none")
    except UnicodeEncodeError:
        return KeyView("Half a character in it has no octets to hash.", "", "", "none")
    return KeyView(_problem(jwk), text, found, "same" if found == start else "changed")


def _problem(jwk: Mapping[str, str]) -> str:
    """What the strict policy has against the key as one that verifies proofs, as a sentence."""
    kty, crv = jwk["kty"], jwk.get("crv", "")
    fitting = [name for name, one in ALGORITHMS.items() if (one.kty, one.crv or crv) == (kty, crv)]
    if not fitting:
        kinds = dict.fromkeys(one.crv or one.kty for one in ALGORITHMS.values())
        return f"{kty} with crv {shown(crv)} is none of {', '.join(kinds)}."
    numbers = {name: jwk[name] for name in ("kty", *PUBLIC[kty])}
    fault = STRICT.key_fault(numbers, fitting[0])
    if fault:
        return f"{fault}. Wanted: {_rule(kty, crv)}"
    fault = STRICT.key_fault(jwk, fitting[0])
    return f"{fault}." if fault else ""


def _rule(kty: str, crv: str) -> str:
    if kty == "RSA":
        return f"n is a modulus of {RSA_BITS[0]} to {RSA_BITS[-1]} bits, e an odd exponent."
    if kty == "OKP":
        return f"x is a point of {crv}, {OCTETS[crv]} octets in base64url."
    return f"x and y are a point on {crv}, each {OCTETS[crv]} octets in base64url."
