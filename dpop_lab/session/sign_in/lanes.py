"""The picture of a session in which people sign in: a browser is a party of its own in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dpop_lab.session.sign_in.trail import API, CLIENT, Followed, Party
from dpop_lab.session.telling import Step, short
from dpop_lab.show.pictures import Diagram, Message

MOST = 3  # clients or browsers with a lane of their own
UNRECORDED: Party = ("browser", "not recorded")
LINE = 120  # characters of a line


def with_browsers(diagram: Diagram, drawn: Sequence[Step]) -> Diagram:
    """The diagram of these steps, with its title, where it is known of each who sent it."""
    steps = [step for step in drawn if isinstance(step, Followed)]
    if len(steps) < len(drawn):  # one alone, out of any session
        return diagram
    lanes = _lanes(steps)
    heads = tuple(dict.fromkeys(lanes.values()))
    at = {party: heads.index(head) for party, head in lanes.items()}
    messages = tuple(one for step in steps for one in _messages(step, at))
    return replace(diagram, lanes=heads, messages=messages)


def _lanes(steps: Sequence[Followed]) -> dict[Party, Party]:
    """Who takes part, each with what stands over their lane: clients, browsers, then servers."""
    lanes = _heads(steps)
    lanes |= {party: party for party in map(_receiver, steps) if party not in lanes}
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
        if step.by_browser:
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


def _receiver(step: Followed) -> Party:
    if step.role == CLIENT[0]:
        return step.principal
    return step.role, short(step.origin.partition("://")[2])


def _messages(step: Followed, at: Mapping[Party, int]) -> Iterator[Message]:
    """The request, and the answer or a note that none came; what led a browser there, and away."""
    sender, server, client = at[step.sender], at[_receiver(step)], at.get(step.principal, 0)
    answered = step.exchange.status is not None
    request, carried, answer = (
        short(text, LINE) for text in (f"{step.number}. {step.request}", step.held, step.answer)
    )
    reason = step.meaning.removesuffix(step.evidence)  # is cut sooner than what is known
    meaning = short(reason, max(LINE - len(step.evidence), 40)) + step.evidence
    if step.sends:
        yield Message(client, sender, short(f"sends the browser to {step.sends}"), "")
    if step.unrecorded:
        yield Message(at[UNRECORDED], sender, "redirect", step.unrecorded)
    yield Message(sender, server, request, carried, arrives=answered)
    yield Message(server if answered else sender, sender, answer, meaning, step.mark)
    if step.arrives[0]:
        where, what = map(short, step.arrives)
        yield Message(sender, client, where, what)
