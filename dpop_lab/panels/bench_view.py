"""What the bench's panel shows and what its fields mean, without a widget in it."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace

from dpop_lab.jose.encoding import COMPACT
from dpop_lab.lab.bench import Bench
from dpop_lab.lab.catalogue.change import PLACES
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.lab import Lab
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.server.state import FARTHEST

SHORTEST = 8  # characters of a value that is looked for in what was typed


def rows_at(place: str, policy: Policy) -> dict[str, bool]:
    """The rows asked at a place, in their order, each with whether it can be struck out."""
    profiles = [policy.profiles[name] for name in PLACES[place].profiles]
    return {row.name: row.name not in one.essential for one in profiles for row in one.rows}


def policies_for(lab: Lab) -> dict[str, Policy]:
    """The policies to choose from, by name: a whole one of the lab's own twin is one of them."""
    own = DUENDE if lab.live or lab.twin.policy.struck_out else lab.twin.policy
    return {**POLICIES, own.name: own}


def all_rows(policies: Mapping[str, Policy] = POLICIES) -> list[str]:
    """Every row that can be struck out somewhere, those of access tokens first."""
    names = dict.fromkeys(
        name
        for policy in reversed([*policies.values()])
        for place in PLACES
        for name, strikable in rows_at(place, policy).items()
        if strikable
    )
    return list(names)


def for_reading(text: str) -> str:
    """Compact JSON over several lines; any other text as it is."""
    value = _json(text)
    if value is None or COMPACT.encode(value) != text:
        return text
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_meant(typed: str) -> str:
    """What was typed, compact again where it still has the form it was given for reading."""
    value = _json(typed)
    if value is None or json.dumps(value, indent=2, ensure_ascii=False) != typed:
        return typed
    return COMPACT.encode(value)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def renewed(typed: str, old: Draft, new: Draft, name: str) -> str:
    """What was typed into a field, with what is new each time made new where it still stands.

    `name` is `header` or `claims`. A text that nobody touched becomes the new draft's; in another
    one the long values of the old draft (jti, iat, ath, nonce, keys) are replaced by the new.
    """
    before, after = getattr(old, name), getattr(new, name)
    if typed == for_reading(before):
        return str(after)
    pairs = {old.jti: new.jti, str(old.iat): str(new.iat)}
    then, now = _json(before), _json(after)
    if isinstance(then, dict) and isinstance(now, dict):
        pairs |= {str(then[key]): str(now[key]) for key in then.keys() & now.keys()}
    meant = as_meant(typed)
    for one, other in pairs.items():
        if len(one) >= SHORTEST and one != other:
            meant = meant.replace(one, other)
    return meant


def ready(
    bench: Bench, old: Draft, fields: Mapping[str, str], *, sign_again: bool, signed_by: str
) -> Draft:
    """A draft of this moment with what was typed in it. Raises what `Bench.draft` does."""
    own = old.change.signed_by
    asked = "" if signed_by == own else signed_by
    new = bench.draft(old.change.name, to=old.to, signed_by=asked)
    return replace(
        new,
        header=renewed(fields["Header"], old, new, "header"),
        claims=renewed(fields["Claims"], old, new, "claims"),
        sign_again=sign_again,
    )


def seconds(text: str, ahead: float) -> float | None:
    """How far to move a clock that is `ahead` already; None for no number, or one too large."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(ahead + number) <= FARTHEST else None
