"""What became of a code or a token, in words: which exchange gave it, to whose key, who used it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dpop_lab.session.sign_in.grants import Bound, Grant, Read
from dpop_lab.session.sign_in.places import INTROSPECTION, REVOCATION
from dpop_lab.session.telling import Step, label_in

MOST = 2000  # keys that are remembered
THUMBPRINT = re.compile(r"[\w-]{43}", re.ASCII)


def numbered(jkt: str, number: int) -> str:
    """What a key is called by default: `key 1` for the first."""
    return f"key {number}"


@dataclass(slots=True)
class Evidence:
    """What is told of codes and tokens, by their labels, and of keys, by name."""

    named: Callable[[str, int], str] = numbered  #: what a key is called, by thumbprint and number
    keys: dict[str, str] = field(default_factory=dict)  #: the names, by thumbprints

    def key(self, jkt: object) -> str:
        """The name of the key with this thumbprint; empty for what is none.

        A key keeps its name wherever it turns up: in a proof, in dpop_jkt, in cnf.
        """
        if not (isinstance(jkt, str) and THUMBPRINT.fullmatch(jkt)):
            return ""
        if jkt not in self.keys and len(self.keys) < MOST:
            self.keys[jkt] = self.named(jkt, len(self.keys) + 1)
        return self.keys.get(jkt, "another key")

    def bound(self, to: Bound | None) -> str:
        """The key that something is bound to for certain, as it is said behind its name."""
        name = self.key(to.key) if to and to.certain else ""
        return f", bound to {name}" * bool(name)

    def granted(self, read: Read) -> str:
        """What a token request brought, and for what."""
        if read.use is None:
            return " for what it brought" + self._listed(read.given)
        old, spent, said = read.use.grant, read.use.spent, ""
        if old.given:
            said = f", given at {old.given.name}"
        if spent:
            said += f", {_spent(old, spent.name)} before"
        said += self._listed(read.given)
        stays = f", {_label(old)} stays" * (old.spent is spent)
        return f" for {_label(old) or 'what it brought'}{said}{stays}"

    def refused(self, read: Read, key: str) -> str:
        """What is known against the use of a code or token with this key, after a refusal."""
        old = read.about
        if old is None or not _label(old):
            return ""
        said, bound = list[str](), old.bound if old.given else None
        if bound and self.key(bound.key) not in ("", key):
            how = "is bound to" if bound.certain else "came for a proof by"
            said.append(f"{how} {self.key(bound.key)}")
        if old.spent:
            said.append(_spent(old, old.spent.name))
        if old.ended:
            said.append(f"revoked at {old.ended.name}")
        return f"; {_label(old)} {', '.join(said)}" if said else _ended(old)

    def told(self, step: Step, read: Read) -> str:
        """What came of a client's request at a place for people."""
        about = read.about
        if read.pushed and read.asked:
            uri = "".join(f": {_label(one)}" for one in read.given)
            return f"authorization request pushed{uri}{self.bound(read.asked.bound)}"
        if step.personal == INTROSPECTION:
            return self._introspected(step, about)
        if step.personal == REVOCATION:  # a token that nobody knows gets the same answer (RFC 7009)
            return f"{_label(about)} ended" if about else "token ended, if there was one"
        return "told who signed in" if step.personal else ""

    def _introspected(self, step: Step, about: Grant | None) -> str:
        """What the introspection endpoint tells of a token (RFC 7662 section 2.2)."""
        members, token = step.members, label_in(step.form.get("token", "")) or "token"
        if members.get("active") is not True:
            return f"{token} not active{_ended(about) if about else ''}"
        cnf = members.get("cnf")
        key = self.key(cnf.get("jkt")) if isinstance(cnf, dict) else ""
        return f"{token} active" + f", bound to {key or 'a key'}" * ("cnf" in members)

    def _listed(self, given: Iterable[Grant]) -> str:
        """The tokens that were given, each with the key that it is bound to."""
        named = [(label, self.bound(one.bound)) for one in given if (label := _label(one))]
        if not named:
            return ""
        if len({bound for _, bound in named}) == 1:
            return ": " + " and ".join(label for label, _ in named) + named[0][1]
        return ": " + ", and ".join(label + bound for label, bound in named)


def _label(grant: Grant) -> str:
    return label_in(grant.value)


def _spent(grant: Grant, at: str) -> str:
    return f"{'redeemed' if grant.name == 'code' else 'used'} at {at}"


def _ended(grant: Grant) -> str:
    """How a token came to its end: revoked, or with a code or token that it came of."""
    if grant.ended:
        return f"; {_label(grant)} revoked at {grant.ended.name}"
    for one in grant.line:
        if one.again and one is not grant:
            return f"; {_label(grant)} came of {_label(one)}, sent again at {one.again.name}"
    return ""
