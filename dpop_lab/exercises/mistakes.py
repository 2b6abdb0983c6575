"""Mistakes that real servers made, each as data or as one method of a policy, and their repairs.

The museum of lesson 20 is the full server: `HOUSE`. A mistake is a function that makes a worse
policy of it, a repair one that makes a better one of that; both are short enough to be shown.
"""

import inspect
import operator
import re
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from dpop_lab.exercises.scene import lacking
from dpop_lab.proof import Reading
from dpop_lab.proof.rules import Window
from dpop_lab.server.common import UsedProofs
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.wire.syntax import normal_url

Revision = Callable[[Policy], Policy]


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseReading(Reading):
    """How the museum takes values: strictly, two of its choices as data."""

    #: what a proof is remembered by
    remembered: tuple[str, ...] = ("key", "jti", "url")
    #: asked of the URL of the request and of htu, both in normal form
    compares: Callable[[str, str], bool] = operator.eq

    def same_url(self, wanted: str, found: str) -> bool:
        """As `compares` has it."""
        url, htu = (one.geturl() if one else "" for one in map(normal_url, (wanted, found)))
        return htu != "" and self.compares(url, htu)

    def replay_key(
        self, claims: Mapping[str, Any], *, jkt: str | None, url: str, client_id: str
    ) -> Hashable:
        """The parts that are `remembered`."""
        known = {"key": jkt, "jti": self.jti(claims), "url": normal_url(url) or url}
        return tuple(known[name] for name in self.remembered)


def at_the_api(policy: Policy, **changes: Any) -> Policy:
    """A policy with other rules for proofs at the API."""
    profiles = {
        place: replace(one, **changes) if place in ("api", "api_nonce") else one
        for place, one in policy.profiles.items()
    }
    return replace(policy, profiles=profiles)


def reading_otherwise(policy: Policy, **choices: Any) -> Policy:
    """A policy whose API takes values in another way."""
    return at_the_api(policy, reading=replace(policy.api.reading, **choices))


LONG = 8 * 60 * 60  # seconds that tokens are good for: a night
#: The full server. Its guards' watches are slow, so the window is wide: 120 s back, 10 s ahead.
HOUSE = at_the_api(
    replace(
        RFC_9449,
        name="the museum",
        clients={name: replace(one, lifetime=LONG) for name, one in RFC_9449.clients.items()},
    ),
    reading=HouseReading(),
    window=Window(120, 10),
    remember=131,
)


def again(policy: Policy, row: str) -> Policy:
    """A policy that asks a row again which it lacks, where the museum does."""
    profiles = {}
    for place, one in policy.profiles.items():
        names = {row, *(own.name for own in one.rows)}
        rows = tuple(own for own in HOUSE.profiles[place].rows if own.name in names)
        profiles[place] = replace(one, rows=rows)
    return replace(policy, profiles=profiles)


class Turns(UsedProofs):
    """Two memories of two machines, to which requests go by turns."""

    def __init__(self) -> None:
        super().__init__()
        self._now, self._next = UsedProofs(), UsedProofs()

    def seen(self, key: Hashable, *, now: int) -> bool:
        """Is this key claimed at the machine whose turn it is?"""
        self._now, self._next = self._next, self._now
        return self._now.seen(key, now=now)

    def claim(self, key: Hashable, *, now: int, remember: int) -> bool:
        """Take the key at that machine."""
        return self._now.claim(key, now=now, remember=remember)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TwoNodes(Policy):
    """The ways of a server that is two machines."""

    def memory(self) -> UsedProofs:
        """One for each machine."""
        return Turns()


# ---- mistakes: the docstring says what the server does


def binding_not_compared(policy: Policy) -> Policy:
    """It verifies the proof and the token, but never that they belong to one key."""
    return lacking(policy, "bound_key")


def bound_token_under_bearer(policy: Policy) -> Policy:
    """Its entrance for bearer tokens takes a token that is bound to a key, too."""
    return lacking(policy, "unbound")


def memory_too_short(policy: Policy) -> Policy:
    """It forgets a proof after ten seconds, though the proof is fresh for two minutes."""
    return at_the_api(policy, remember=10)


def jti_without_the_key(policy: Policy) -> Policy:
    """It remembers the jti of a proof, and not whose proof it was."""
    return reading_otherwise(policy, remembered=("jti",))


def htu_as_a_prefix(policy: Policy) -> Policy:
    """It asks whether the URL of the request begins with htu."""
    return reading_otherwise(policy, compares=str.startswith)


def signature_not_verified(policy: Policy) -> Policy:
    """It reads the key in the proof, and never verifies the signature with it."""
    return lacking(policy, "signature")


def age_not_looked_at(policy: Policy) -> Policy:
    """It takes a proof of any age, and remembers it for two minutes."""
    return lacking(policy, "fresh")


def two_machines(policy: Policy) -> Policy:
    """It is two machines, each with a memory of its own."""
    return TwoNodes(**{one.name: getattr(policy, one.name) for one in fields(policy)})


# ---- repairs: the docstring says what is done


def compare_the_keys(policy: Policy) -> Policy:
    """Compare the key of the proof with the token's cnf.jkt."""
    return again(policy, "bound_key")


def refuse_bound_under_bearer(policy: Policy) -> Policy:
    """Refuse a token that has a cnf, where it comes under Bearer."""
    return again(policy, "unbound")


def refuse_all_under_bearer(policy: Policy) -> Policy:
    """Refuse every token that comes under Bearer."""
    closed = replace(policy.bearer, scheme="DPoP")
    return replace(policy, profiles={**policy.profiles, "bearer": closed})


def remember_one_minute(policy: Policy) -> Policy:
    """Remember each proof for 60 seconds."""
    return at_the_api(policy, remember=60)


def remember_the_whole_window(policy: Policy) -> Policy:
    """Remember each proof for as long as it can be fresh: 10 s ahead, 120 s back, that second."""
    return at_the_api(policy, remember=131)


def remember_jti_alone(policy: Policy) -> Policy:
    """Refuse a jti that was seen before, whoever sends it and wherever."""
    return reading_otherwise(policy, remembered=("jti",))


def remember_key_jti_and_url(policy: Policy) -> Policy:
    """Remember the key of a proof, its jti and the URL together."""
    return reading_otherwise(policy, remembered=("key", "jti", "url"))


def compare_the_whole_url(policy: Policy) -> Policy:
    """Take htu only where it is the URL of the request."""
    return reading_otherwise(policy, compares=operator.eq)


def narrow_the_window(policy: Policy) -> Policy:
    """Take no proof that is older than five seconds."""
    return at_the_api(policy, window=Window(5, 0))


def verify_signatures(policy: Policy) -> Policy:
    """Verify the signature of each proof."""
    return again(policy, "signature")


def one_memory(policy: Policy) -> Policy:
    """Let all machines share one memory."""
    return Policy(**{one.name: getattr(policy, one.name) for one in fields(policy)})


REPAIRS: Mapping[str, Revision] = {
    one.__name__: one
    for one in (
        compare_the_keys, compare_the_whole_url, narrow_the_window, one_memory,
        refuse_all_under_bearer, refuse_bound_under_bearer, remember_jti_alone,
        remember_key_jti_and_url, remember_one_minute, remember_the_whole_window,
        verify_signatures,
    )
}  # fmt: skip


def told(revision: Revision) -> str:
    """What a mistake or a repair does, in a sentence."""
    return inspect.getdoc(revision) or ""


def code(revision: Revision) -> str:
    """The one statement that does it."""
    return inspect.getsource(revision).rpartition("return ")[2].strip()


def in_code(revision: Revision) -> tuple[tuple[str, str], ...]:
    """What it changes: of a row with an edit that line, before and after; else one statement."""
    edit = re.search(r'edited\((\w+), "(.*?)", "(.*?)"', inspect.getsource(revision))
    if not edit:
        return (("this server", code(revision)),)
    name, old, new = edit.groups()
    lines = inspect.getsource(vars(sys.modules[revision.__module__])[name].judge).splitlines()
    line = next(one.strip() for one in lines if old in one)
    return ((f"{name} elsewhere", line), (f"{name} here", line.replace(old, new)))
