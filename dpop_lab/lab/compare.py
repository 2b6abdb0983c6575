"""The catalogue of changes against two servers: where do their answers differ?"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from urllib.parse import urlsplit

import requests

from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError, expect
from dpop_lab.lab.bench import one_of
from dpop_lab.lab.catalogue import CHANGES, LISTED
from dpop_lab.lab.catalogue.change import BEARER_API, PLACES, Change
from dpop_lab.lab.compared import Compared, NotAsked, outcome, told
from dpop_lab.lab.comparison import Comparison
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.live import TIMEOUT, Unreachable, in_words
from dpop_lab.lab.side import REPLAY, Asked, Side
from dpop_lab.session.call import Call
from dpop_lab.show.values import cut, printable

Names = str | Iterable[str]
Sides = tuple[Side, Side]
HONEST_AT = {place: "honest_bearer" if place == BEARER_API else "honest" for place in PLACES}


class HonestRefused(LabError):
    """A server refuses, or can't be asked, what is right: nothing can be learned of it so."""


def compare(
    a: Lab,
    b: Lab,
    *,
    changes: Names | None = None,
    places: Names | None = None,
    pace: float | None = None,
    progress: Callable[[int, int], object] | None = None,
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
    sides = Side("A", a, pace), Side("B", b, pace)
    _settle(sides, asked, ask or _by_keyboard)
    return _through(sides, asked, progress or (lambda done, of: None))


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
    used = [to for to in PLACES if any(to == one for _, one in pairs)]
    first = [(HONEST_AT[to], to) for to in used]
    first += [pair for pair in pairs if pair[0] == REPLAY]
    return [(CHANGES[name], to) for name, to in dict.fromkeys([*first, *pairs])]


def _by_keyboard(words: str) -> bool:
    try:
        return input(f"{words} Go on? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # there is no keyboard: a script, a notebook run by one
        return False


def _settle(sides: Sides, asked: list[Asked], ask: Callable[[str], bool]) -> None:
    """Bound what is sent to each server, and have it agreed on where it is somebody else's."""
    both = [one for one in asked if not any(side.why_not(*one) for side in sides)]
    told = []
    for side in sides:
        side.way.limit = side.needs(both)
        if side.foreign:
            told.append(_told(side))
    if told and not ask(" ".join(told)):
        advice = "Give ask= or, to the command, --yes."
        raise LabError("Nothing was sent: nobody said yes", advice=advice)


def _through(
    sides: Sides, asked: list[Asked], progress: Callable[[int, int], object]
) -> Comparison:
    """Ask it all, or as much as can be."""
    rows, not_asked = list[Compared](), list[NotAsked]()
    stopped = ""
    cause: BaseException | None = None
    try:
        for done, (change, to) in enumerate(asked):
            progress(done, len(asked))
            found = _compared(sides, change, to)
            if isinstance(found, Compared):
                rows.append(found)
            else:
                not_asked.append(found)
        progress(len(asked), len(asked))
    except KeyboardInterrupt as error:
        stopped, cause = f"interrupted after {len(rows)} changes", error
    except (LabError, requests.RequestException) as error:
        stopped, cause = in_words(error, TIMEOUT), error
    return Comparison(
        a=sides[0].name,
        b=sides[1].name,
        rows=tuple(rows),
        not_asked=tuple(not_asked),
        stopped=printable(stopped),
        cause=cause,
    )


def _compared(sides: Sides, change: Change, to: str) -> Compared | NotAsked:
    """Both answers, or why they can't be had."""
    for side in sides:
        if why := side.why_not(change, to):
            return NotAsked(change.name, to, side.label, why)
    answers = []
    for side in sides:
        answered = _answer(side, change, to)
        if isinstance(answered, str):
            return NotAsked(change.name, to, side.label, answered)
        answers.append(answered)
    for side, answered in zip(sides, answers, strict=True):
        if why := _beside_the_point(change, answered):
            return NotAsked(change.name, to, side.label, why)
    return Compared(change.name, to, *answers)


def _beside_the_point(change: Change, answered: Call) -> str:
    """Why an answer says nothing about a change: what it needs is not at this server."""
    if change.url and answered.status == requests.codes.not_found:
        return "nothing is at the URL that it takes the proof to (404)"
    if (change.first or change.again) and answered.error == "use_dpop_nonce":
        return "the server's nonces are good for one request, and it takes two"
    return ""


def _answer(side: Side, change: Change, to: str) -> Call | str:
    """The answer of one server, or why it turned out that it can't be asked."""
    honest = change.name == HONEST_AT[to]
    try:
        answered = side.ask(change, to)
    except Unreachable:
        raise
    except TokenRefused as error:
        if honest:
            raise HonestRefused(str(error).rstrip(".")) from error
        return f"no access token is granted for it (status {error.response.status_code})"
    except (LabError, ValueError) as error:
        if honest:
            raise HonestRefused(f"{side.name} can't be asked: {str(error).rstrip('.')}") from error
        return str(error).rstrip(".")
    if not honest or outcome(answered, to)[0]:
        return answered
    if why := side.why_not(change, to):
        return why
    raise HonestRefused(
        f"{side.name} refuses even the honest request",
        wanted=f"a yes at the {to}",
        found=cut(told(answered, to), 300),
        advice="Look at the settings (client, secret, scope, API), or leave this place out.",
    )


def _told(side: Side) -> str:
    """How many requests are going to be sent to a server, as whom, and how long that takes."""
    count, pace = side.way.limit or 0, side.way.pace
    minutes = round(count * pace / 60)
    long = f"about {minutes} minute{'s' * (minutes > 1)}" if minutes else "less than a minute"
    client = side.lab.client
    hosts = list(dict.fromkeys(urlsplit(url).netloc for url in side.urls))
    hosts += ["the token endpoint in its metadata"] * (client.token_endpoint is None)
    how = f"one each {pace:g} s: {long}" if pace else "as fast as it answers"
    to, who = ", ".join(hosts), client.client_id
    return printable(f"At most {count} requests go to {to}, as the client {who}, {how}.")
