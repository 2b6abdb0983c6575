"""What became of each code and token of a session, by its number: who got it, used it, ended it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dpop_lab.jose.encoding import read_json
from dpop_lab.session.sign_in.places import INTROSPECTION, REVOCATION, TAKEN
from dpop_lab.session.telling import UNAUTHENTICATED, Step, label_in

MOST = 2000  # keys, codes and tokens that are remembered
THUMBPRINT = re.compile(r"[\w-]{43}", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Handed:
    """A code, a token or a request_uri that a server gave."""

    at: str  #: in which step: its number, or its name; empty where that is not known
    client: int  #: and of the client that it is for
    key: str = ""  #: of the proof that it came for, or of dpop_jkt; by name
    bound: bool = False  #: is it certain that it can be used with that key alone?
    source: str = ""  #: the code or refresh token that it was given for
    sign_in: int = 0  #: the number of the sign-in that it came of, 0 for none
    used: str = ""  #: in which step
    again: str = ""  #: in which step it was refused when it had been used
    ended: str = ""


def when(step: Step) -> str:
    """What others say of when a step was: its name, else its number."""
    return step.name or str(step.number)


def numbered(jkt: str, number: int) -> str:
    """What a key is called by default: `key 1` for the first."""
    return f"key {number}"


@dataclass(slots=True)
class Ledger:
    """What was handed out so far, by its label; keys by their thumbprints."""

    named: Callable[[str, int], str] = numbered  #: what a key is called, by thumbprint and number
    keys: dict[str, str] = field(default_factory=dict)
    handed: dict[str, Handed] = field(default_factory=dict)

    def key(self, jkt: object) -> str:
        """The name of the key with this thumbprint; empty for what is none.

        A key keeps its name wherever it turns up: in a proof, in dpop_jkt, in cnf.
        """
        if not (isinstance(jkt, str) and THUMBPRINT.fullmatch(jkt)):
            return ""
        if jkt not in self.keys and len(self.keys) < MOST:
            self.keys[jkt] = self.named(jkt, len(self.keys) + 1)
        return self.keys.get(jkt, "another key")

    def hand(self, label: str, given: Handed) -> str:
        """Note what was given, if it has a label; gives what to say of its key behind its name."""
        if label:
            self.handed.setdefault(label, given)
        if len(self.handed) > MOST:
            del self.handed[next(iter(self.handed))]
        return f", bound to {given.key}" * given.bound

    def taken(self, step: Step, given: Mapping[str, str]) -> str:
        """The label of the code or token that a request is about; empty where it is not known."""
        name = TAKEN.get(given.get("grant_type", ""), "")
        name = "token" if step.personal in (INTROSPECTION, REVOCATION) else name
        return label_in(given.get(name, "")) if name else step.token_label

    def granted(self, step: Step, label: str, client: int, key: str) -> str:
        """What a token request brought, and for what.

        A refresh token is bound for certain where the client did not authenticate (RFC 9449
        section 5): what a server does with those of other clients no answer tells.
        """
        members = read_json(step.exchange.response_body)
        members = members if isinstance(members, dict) else {}
        proven = key if step.token_type.lower() == "dpop" else ""
        public = step.authentication == UNAUTHENTICATED
        given = {
            label_in(str(members.get("access_token", ""))): proven,
            label_in(str(members.get("refresh_token", ""))): proven if public else "",
        }
        stays = f", {label} stays" * (label in given)  # the server gives it again
        given.pop(label, None)
        said, since, sign_in = _listed(given) + stays, "", 0
        if old := self.handed.get(label):
            spent = f", {_spent(label, old)} before" if old.used else ""
            since, sign_in = f", given at {old.at}" * bool(old.at) + spent, old.sign_in
            old.used = old.used if stays else when(step)
        for one, bound in given.items():
            handed = Handed(at=when(step), client=client, key=key, source=label, sign_in=sign_in)
            handed.bound = bool(bound)
            self.hand(one, handed)
        return f" for {label or 'what it brought'}{since}" + f": {said}" * bool(said)

    def refused(self, step: Step, label: str, key: str) -> str:
        """What is known against the use of a code or token with this key, after a refusal."""
        old = self.handed.get(label)
        if old is None:
            return ""
        said = [f"is bound to {old.key}" if old.bound else f"came for a proof by {old.key}"]
        said *= old.key not in ("", key)
        if old.used:
            said.append(_spent(label, old))
            old.again = when(step)
        said += [f"revoked at {old.ended}"] * bool(old.ended)
        return f"; {label} {', '.join(said)}" if said else self._ended(label)

    def _ended(self, label: str) -> str:
        """How a token came to its end: revoked, or with a code or token that it came of."""
        old = self.handed.get(label)
        if old is None:
            return ""
        if old.ended:
            return f"; {label} revoked at {old.ended}"
        passed, came = set[str](), old.source
        while came in self.handed and came not in passed:
            source = self.handed[came]
            if source.again:
                return f"; {label} came of {came}, sent again at {source.again}"
            passed.add(came)
            came = source.source
        return ""

    def introspected(self, step: Step, label: str) -> str:
        """What the introspection endpoint tells of a token (RFC 7662 section 2.2)."""
        members = read_json(step.exchange.response_body)
        members = members if isinstance(members, dict) else {}
        if members.get("active") is not True:
            return f"{label or 'token'} not active{self._ended(label)}"
        cnf = members.get("cnf")
        key = self.key(cnf.get("jkt")) if isinstance(cnf, dict) else ""
        bound = f", bound to {key or 'a key'}" * ("cnf" in members)
        return f"{label or 'token'} active{bound}"

    def revoked(self, step: Step, label: str) -> str:
        """What came of a revocation: a token that nobody knows gets the same answer (RFC 7009)."""
        if old := self.handed.get(label):
            old.ended = when(step)
            return f"{label} ended"
        return "token ended, if there was one"


def _spent(label: str, old: Handed) -> str:
    return f"{'redeemed' if label.startswith('code') else 'used'} at {old.used}"


def _listed(given: Mapping[str, str]) -> str:
    """The tokens that were given, each with the key that it is bound to."""
    pairs = [(label, key) for label, key in given.items() if label]
    keys = {key for _, key in pairs}
    bound = {key: f", bound to {key}" * bool(key) for key in keys}
    if len(keys) == 1:
        return " and ".join(label for label, _ in pairs) + bound[pairs[0][1]]
    return ", and ".join(label + bound[key] for label, key in pairs)
