"""What the houses of the heist hand out, and when they are robbed, named and repaired."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.houses import ALARM, ALARMED, GUESSED, NAMES, Listed, repairing, telling
from dpop_lab.exercises.mistakes import HOUSE, REPAIRS, told
from dpop_lab.exercises.museum import HONEST, MISTAKES, Mistake, Museum, Night
from dpop_lab.exercises.scene import PLAIN_API, Scene, Seen
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, API, NO_ROW

WANTED = 4  # rows to be met in the first house
BEFORE, THEFT, AFTER = "guard, two rounds", "thief", "guard, next round"
ASIDE = {  # what was stopped by these tells nothing of the other rows
    NO_ROW: "No row looked at that: it was none of the three doors, or no request for one",
    "fresh": "That proof had grown old: task.listen() waits for another",
    "not_expired": "The night is over, and so is the guard's token: start again",
}


# ---- what was seen


def _is_round(scene: Scene, one: Seen) -> bool:
    """Is it the guard's? Of the guard's token a full server takes nothing else."""
    return one.token == scene.given["token"] and one.fault == ACCEPTED and bool(one.reports)


def _thefts(scene: Scene) -> list[Seen]:
    """What came to the doors, but for the guard's rounds."""
    return [one for one in scene.at(API, PLAIN_API) if not _is_round(scene, one)]


def _differs(one: Seen) -> bool:
    """Does a full server say another thing to it?"""
    return bool(one.reports) and one.accepted is not (one.fault == ACCEPTED)


def _ways_in(scene: Scene) -> list[Seen]:
    """What this server let in with the guard's token and a full one refuses; rounds it refused."""
    stolen = (one for one in scene.at(API, PLAIN_API) if one.token == scene.given["token"])
    return [one for one in stolen if _differs(one)]


def _rows_of(one: Seen) -> list[str]:
    """The rows at which a full server and this one part."""
    if one.fault == ACCEPTED:
        return [one.caught]
    found = (finding for report in one.complete for finding in report.findings)
    return [finding.check.name for finding in found if finding.mark == "failed"]


# ---- what is handed out


SUSPECTS = Listed(
    ("Row", "What the server does"), tuple((one.row, told(one.made)) for one in MISTAKES.values())
)
REPAIRED = Listed(
    ("Repair", "What is done"), tuple((name, told(one)) for name, one in REPAIRS.items())
)
GIVES = {
    "hall": "URL of the guard's door",
    "vault": "URL behind the hall",
    "staff_entrance": "URL that takes bearer tokens",
    "token": "the guard's access token",
    "captured": "the proof of the guard's last round",
    "listen": "waits for the guard's next proof",
    "log": "what was overheard before you came",
}


def _loot(night: Night) -> dict[str, Any]:
    night.begin()
    return {
        "hall": night.hall,
        "vault": night.vault,
        "staff_entrance": night.staff_entrance,
        "token": night.token,
        "captured": night.captured,
        "log": night.lab.story,
        "listen": night.round,
    }


# ---- the first house


def full_house(scene: Scene) -> Mapping[str, Any]:
    """The house without a mistake, and the loot."""
    return _loot(Night(scene.open(HOUSE, complete=HOUSE, apis=Museum)))


def four_rows(scene: Scene) -> Steps:
    """So many thefts of which each was stopped by another row, which was foreseen."""
    stolen = [one for one in _thefts(scene) if one.token == scene.given["token"]]
    yield stolen, "No door was tried with the guard's token yet."
    yield len(_thefts(scene)) <= ALARM, ALARMED
    last = stolen[-1]
    right = {one.caught for one in stolen if one.predicted == one.caught}
    count = f"{len(right)} of {WANTED} rows foreseen"
    row = f"The row {last.caught} stopped you"
    yield last.predicted or len(right) >= WANTED, f"{row}, and you had predicted nothing: {count}."
    yield last.caught in right, f"{row}, and not {last.predicted}: {count}."
    names = ", ".join(sorted(right))
    yield len(right) >= WANTED, f"{count}: {names}. Find a theft that another row stops."
    few = " Not one send in vain!" if len(_thefts(scene)) == WANTED else ""
    return f"Four thefts, each stopped by another row, and you knew which: {names}.{few}"


# ---- the five others


@dataclass(frozen=True, slots=True)
class Room:
    """A house with a mistake, and how many thefts are enough to find it."""

    mistake: Mistake
    par: int
    moral: str

    def start(self, scene: Scene) -> Mapping[str, Any]:
        """The house, the loot, what is suspected, and what a repair is tried out with."""
        policy = self.mistake.made(HOUSE)
        night = Night(scene.open(policy, complete=HOUSE, apis=Museum))

        def found() -> bool:
            ways = _ways_in(scene)
            return bool(ways and {*scene.named[-1:]} & {*_rows_of(ways[0])})

        return {
            **_loot(night),
            "suspects": SUSPECTS,
            "mistake": telling(self.mistake.made, found),
            "repairs": REPAIRED,
            "repair": repairing(REPAIRS, policy, partial(self._try_out, scene, night)),
        }

    def _try_out(self, scene: Scene, night: Night, policy: Policy) -> object:
        """The attack, the guard's round after it, and honest people, at a repaired house."""
        known = night.session, night.captured, night.rounds

        def goes(what: Callable[[Night], object], session: requests.Session) -> None:
            night.session = session
            what(night)

        plays: dict[str, Callable[[Night], object]] = {
            BEFORE: Night.begin, THEFT: self.mistake.attack, AFTER: Night.round, **HONEST
        }  # fmt: skip
        told = scene.try_out(policy, {words: partial(goes, what) for words, what in plays.items()})
        night.session, night.captured, night.rounds = known
        return told

    def steps(self, scene: Scene) -> Steps:
        """Get in, name the row, repair it."""
        thefts, ways = _thefts(scene), _ways_in(scene)
        count = f"{len(thefts)} so far, par is {self.par}"
        last = thefts[-1] if thefts else None
        way = scene.calls.index(ways[0]) + 1 if ways else None
        sent = [one for one in scene.calls[:way] if one in thefts]
        yield len(sent) <= ALARM, ALARMED
        own = "You went in with a ticket of your own, which is no theft"
        yield ways or not (last and last.accepted), f"{own} ({count})."
        odd = f"That was refused, and a full server takes it. Who suffers by that ({count})?"
        yield ways or not (last and _differs(last)), odd
        for row, why in ASIDE.items():
            yield ways or not (last and last.caught == row), f"{why} ({count})."
        row = f"The last was stopped by {last.caught}" if last else "Nothing was tried"
        yield ways, f"No theft has got through yet. {row} ({count})."
        got = "You got in" if ways[0].accepted else "The guard is locked out"
        got += f" after {len(sent)} send{'s' * (len(sent) != 1)} (par {self.par})."
        yield scene.named, f"{got} Which row is to blame? task.suspects, task.name('…')."
        yield len({*scene.named}) <= NAMES, f"{got} {GUESSED}"
        named = scene.named[-1]
        other = (
            f"{got} But it is not the row {named}: a server without a mistake answers your send"
            " the same there."
        )
        yield named in _rows_of(ways[0]), other
        yield scene.trials, f"{got} It is the row {named}. See task.mistake(), and repair it."
        yield from self._repaired(scene, f"{got} It is the row {named}, but")
        few = " Under par!" * (len(sent) < self.par)
        return (
            f"{got}{few} It was the row {named}, and at your repair the attack fails. {self.moral}"
        )

    def _repaired(self, scene: Scene, words: str) -> Steps:
        theft = [one for one in scene.trials[THEFT] if one.token == scene.given["token"]]
        still = f"{words} with this repair the thief still gets in."
        yield not any(one.accepted for one in theft), still
        (after,) = scene.trials[AFTER]
        yield after.accepted, f"{words} with this repair the guard is still locked out."
        for who in HONEST:
            (seen,) = scene.trials[who]
            refused = f"this repair stops honest people: {who} ({seen.reason})."
            yield seen.accepted, f"{words} {refused}"
        return ""
