"""Change a member of a public key and watch its thumbprint change, or stay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType

from dpop_lab.errors import KeyUnusable, LabError, expect
from dpop_lab.jose.encoding import hash_input, thumbprint
from dpop_lab.jose.keys import ALGORITHMS, PUBLIC, generate_key, public_jwk
from dpop_lab.panels.panel import Panel, text_fields
from dpop_lab.proof import STRICT
from dpop_lab.show import Block, Card, Shown, Table
from dpop_lab.show.values import cut, printable, shown

OPTIONAL = ("kid", "use", "alg")
SAID = {
    "same": "The thumbprint is the same as at the start.",
    "changed": "The thumbprint has changed.",
    "none": "There is no thumbprint.",
}


class KeyPanel(Panel):
    """A field for each member of a public JWK; beside them its thumbprint and its hash input.

    Starts from a new key where none is given. Only public members are shown, whatever else is in
    the JWK. Raises `LabError` (`KeyUnusable`
    where a member is missing) when it is no EC, OKP or RSA key.
    """

    purpose = "lets you change a public key and watch its thumbprint."
    view: "KeyView"

    def __init__(self, jwk: Mapping[str, str] | None = None) -> None:
        expect(jwk, (Mapping, NoneType), "KeyPanel", "public_jwk(key) gives a key's JWK.")
        jwk = public_jwk(generate_key()) if jwk is None else jwk
        thumbprint(jwk)  # raises where a member is missing
        if (kty := jwk["kty"]) not in PUBLIC:
            raise LabError("No public key", wanted=f"kty {', '.join(PUBLIC)}", found=repr(kty))
        self._before = {name: jwk.get(name, "") for name in _public_names(jwk)}
        for name, value in self._before.items():
            expect(value, str, name)
        super().__init__(
            "A public key and its thumbprint",
            "Change a member and see what follows. An empty field is a member left out.",
            *text_fields(self._before),
            [self.start_again],
        )

    def look(self) -> "KeyView":
        """The key that is in the fields, against the one at the start."""
        return look_at_key(self.values(), self._before)


def _public_names(jwk: Mapping[str, str]) -> tuple[str, ...]:
    """The members that a public key of this kind may have."""
    return ("kty", *PUBLIC.get(jwk.get("kty", ""), ()), *OPTIONAL)


@dataclass(frozen=True, slots=True, repr=False)
class KeyView(Shown):
    """A public JWK looked at, shown by a notebook as the panel shows it."""

    #: Why no server could use the key, empty when one could.
    problem: str
    #: Empty where a member they need is missing.
    hash_input: str = ""
    thumbprint: str = ""
    #: What became of the thumbprint since the start, one of `SAID`.
    compared: str = "none"

    @property
    def verdict(self) -> str:
        """Both answers in words: is it a usable key, is it still the same one."""
        usable = f"Not a usable key: {self.problem}" if self.problem else "A usable public key."
        return f"{usable} {SAID[self.compared]}"

    def blocks(self) -> Iterator[Block]:
        """The verdict, the hash input and the thumbprint."""
        mark = "failed" if self.problem else "passed"
        goes_by = (("goes by", "jkt in a token's cnf, dpop_jkt in an authorization request"),)
        facts = (("thumbprint", self.thumbprint or "none"), *goes_by * bool(self.thumbprint))
        yield Card(self.verdict, mark, facts)
        text = cut(printable(self.hash_input), 4000)
        yield Table("", (("hash input (RFC 7638)", text or "none"),))


def look_at_key(members: Mapping[str, str], before: Mapping[str, str]) -> KeyView:
    """Is this still a usable public JWK, and has its thumbprint changed against the one before?

    An empty member counts as absent, one that is not public is not looked at. A key that no server
    could use may have a thumbprint all the same: the strings are hashed as they stand (RFC 7638
    section 3). Raises `KeyUnusable` when `before` has none; nothing in `members` raises.
    """
    start = thumbprint(before)
    jwk = {name: members[name] for name in _public_names(members) if members.get(name)}
    try:
        text, found = hash_input(jwk).decode(), thumbprint(jwk)
    except KeyUnusable as error:
        return KeyView(cut(printable(str(error)), 300))
    except UnicodeEncodeError:
        return KeyView("Half a character in it has no octets to hash.")
    return KeyView(_problem(jwk), text, found, "same" if found == start else "changed")


def _problem(jwk: Mapping[str, str]) -> str:
    """What the strict policy has against the key as one that verifies proofs, as a sentence."""
    kty, crv = jwk["kty"], jwk.get("crv", "")
    algorithms = {(kind, curve or ""): name for name, (kind, curve) in ALGORITHMS.items()}
    if (alg := algorithms.get((kty, crv))) is None:
        kinds = dict.fromkeys(curve or kind for kind, curve in ALGORITHMS.values())
        return f"{kty} with crv {shown(crv)} is none of {', '.join(kinds)}."
    fault = STRICT.key_fault(jwk, alg)
    return f"{fault}." if fault else ""
