"""The picture of a session in which people sign in: a browser is a party of its own in it."""

from collections.abc import Iterable, Sequence

from dpop_lab.session.sign_in.trail import API, UNRECORDED, Followed
from dpop_lab.session.telling import Party, Step

MOST = 3  # clients or browsers with a lane of their own


def lanes_of(drawn: Sequence[Step]) -> dict[Party, Party]:
    """Who takes part, each with what stands over their lane: clients, browsers, then servers.

    Empty where it is not known of each step who sent it.
    """
    steps = [step for step in drawn if isinstance(step, Followed)]
    if len(steps) < len(drawn):  # one alone, out of any session
        return {}
    lanes = _heads(steps)
    lanes |= {step.receiver: step.receiver for step in steps if step.receiver not in lanes}
    if any(step.sender == API for step in steps):  # which may be called in these steps, too
        lanes[API] = next((party for party in lanes if party[0] == API[0]), API)
    return lanes


def _heads(steps: Iterable[Followed]) -> dict[Party, Party]:
    """What stands over the lanes of clients and browsers.

    The first client, then browsers, then other clients. One of a kind needs no name of its own;
    of many, the last ones share a lane.
    """
    found: dict[str, dict[Party, None]] = {"client": {}, "browser": {}}
    for step in steps:
        if step.browser:
            found["browser"][step.sender] = None
        if step.sender != API:
            found["client"][step.principal] = None
        if step.unrecorded:
            found["browser"][UNRECORDED] = None
    named: dict[Party, Party] = {}
    for kind, parties in found.items():
        for party in [*parties][:MOST]:
            named[party] = party if len(parties) > 1 else (kind, "")
        named |= dict.fromkeys([*parties][MOST:], (f"other {kind}s", ""))
    named |= {UNRECORDED: UNRECORDED}
    first = [*found["client"]][:1]
    return {party: named[party] for party in (*first, *found["browser"], *found["client"])}
