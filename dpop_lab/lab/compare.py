"""The catalogue of changes against two servers: where do their answers differ?"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from urllib.parse import urlsplit

import requests

from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.lab.catalogue import CHANGES, LISTED
from dpop_lab.lab.catalogue.change import Change
from dpop_lab.lab.catalogue.places import PLACES
from dpop_lab.lab.comparison import Compared, Comparison
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.side import HONEST_AT, REPLAY, Asked, Side
from dpop_lab.show.values import printable

Names = str | Iterable[str]


def compare(
    a: Lab,
    b: Lab,
    *,
    changes: Names | None = None,
    places: Names | None = None,
    pace: float | None = None,
    progress: Callable[[int, int], object] = lambda done, of: None,
    ask: Callable[[str], bool] | None = None,
) -> Comparison:
    """What two servers answer to the same changes, each with proofs, keys and tokens of its own.

    `changes` are names in `CHANGES`, `places` in `PLACES`; all of them unless given, and before
    them the honest requests. A server that is neither a twin nor on this machine gets a request
    each half second, or each `pace` seconds, after `ask` was given a sentence on how many there
    will be, and has said yes; unless given it asks the person at the keyboard. `progress` is called
    with how many are done, of how many. What goes wrong on the way, Ctrl-C too, is told in
    `Comparison.stopped`, with all the answers till then. Raises `LabError` for a name that is
    unknown, and when `ask` says no. The labs' logs are left alone.

    >>> compare(Lab(), Lab(policy=RFC_9449), changes="htm_in_array", places="API")  # doctest: +SKIP
    """
    for one in (a, b):
        expect(one, Lab, "compare", "Such as Lab() and Lab(policy=RFC_9449).")
    asked = _asked(_chosen("change", changes, CHANGES), _chosen("place", places, PLACES))
    sides = {"A": Side(a, pace), "B": Side(b, pace)}
    _settle([*sides.values()], asked, ask or by_keyboard)
    tried: list[Compared] = []
    cause: BaseException | None = None
    try:
        for change, to in asked:
            progress(len(tried), len(asked))
            tried.append(_compared(sides, change, to))
        progress(len(tried), len(asked))
    except (KeyboardInterrupt, LabError, requests.RequestException) as error:
        cause = error
    return Comparison(a=sides["A"].name, b=sides["B"].name, tried=tuple(tried), cause=cause)


def _chosen(kind: str, names: Names | None, known: Mapping[str, object]) -> list[str]:
    chosen = list(known if names is None else [names] if isinstance(names, str) else names)
    for name in chosen:
        one_of(kind, name, known, listed=LISTED)
    return chosen


def _asked(changes: list[str], places: list[str]) -> list[Asked]:
    """Every change at each of its places, first the honest ones and replays, as the others need."""
    pairs = [(name, to) for name, to in product(changes, places) if to in CHANGES[name].places]
    if not pairs:
        raise LabError("None of these changes is for any of these places")
    used = {to for _, to in pairs}
    first = [(HONEST_AT[to], to) for to in PLACES if to in used]
    first += [pair for pair in pairs if pair[0] == REPLAY]
    return [(CHANGES[name], to) for name, to in dict.fromkeys([*first, *pairs])]


def _settle(sides: list[Side], asked: list[Asked], ask: Callable[[str], bool]) -> None:
    """Bound what is sent to each server, and have it agreed on where it is somebody else's."""
    both = [one for one in asked if not any(side.why_not(*one) for side in sides)]
    for side in sides:
        side.way.limit = side.needs(both)
    told = [_told(side) for side in sides if side.foreign]
    if told and not ask(" ".join(told)):
        advice = "Give ask= or, to the command, --yes."
        raise LabError("Nothing was sent: nobody said yes", advice=advice)


def _told(side: Side) -> str:
    """How many requests are going to be sent to a server, as whom, and how long that takes."""
    count, pace, who = side.way.limit, side.way.pace, side.lab.client.client_id
    minutes = math.ceil(count * pace / 60)
    how = f"one each {pace:g} s, about {minutes} min" if pace else "as fast as it answers"
    hosts = dict.fromkeys(urlsplit(url).netloc for url in side.urls)
    looked_up = ["the token endpoint in its metadata"] * (side.lab.client.token_endpoint is None)
    to = ", ".join([*hosts, *looked_up])
    return printable(f"At most {count} requests go to {to}, as the client {who}, {how}.")


def by_keyboard(words: str) -> bool:
    """Does the person at the keyboard say yes to this? Nobody there does not."""
    print(f"{words} Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return input().strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # there is no keyboard: a script, a notebook run by one
        return False


def _compared(sides: Mapping[str, Side], change: Change, to: str) -> Compared:
    """Both answers, or why they can't be had."""
    for label, side in sides.items():
        if why := side.why_not(change, to):
            return Compared(change.name, to, of=label, why=why)
    answers = []
    for label, side in sides.items():
        answered = side.ask(change, to)
        if isinstance(answered, str):
            return Compared(change.name, to, of=label, why=answered)
        answers.append(answered)
    a, b = answers
    return Compared(change.name, to, a, b)
