"""When a house that signs visitors in is robbed, named and repaired."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import requests

from dpop_lab.errors import LabError
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.houses import ALARM, ALARMED, GUESSED, NAMES, Listed, repairing, telling
from dpop_lab.exercises.leaks import (
    CODE_LEAKS,
    HONEST,
    OF_CODES,
    OF_REFRESH_TOKENS,
    OWN_CLIENT,
    REFRESH_LEAKS,
    Leaks,
    Listening,
    Loot,
    by_the_new_app,
)
from dpop_lab.exercises.mistakes import Revision, told
from dpop_lab.exercises.museum import Mistake
from dpop_lab.exercises.scene import Scene, Seen
from dpop_lab.exercises.visitor_mistakes import CODE_REPAIRS, OPEN_HOUSE, REFRESH_REPAIRS
from dpop_lab.exercises.visits import Visits
from dpop_lab.jose.encoding import read_json
from dpop_lab.lab.sign_in.stage import Over, challenge
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW

THEFT = "thief"
REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a parameter
ONCE = "one use"
FREE = "That is bound to nothing, and a full server takes it, too, from whoever comes first"
USED = "That code was used up by an earlier send: task.listen(…) gets another"
OLD = "That code had grown old: task.listen(…) gets another"
OWN = "The last was none of what leaked, and to sign in oneself is no theft"


# ---- what was seen


def _sends(scene: Scene) -> list[Seen]:
    """The learner's own token requests, for whatever."""
    return [one for one in scene.calls if one.token_request and not one.handed]


def _given(one: Seen) -> str:
    """The code or the refresh token that came in a token request."""
    return one.form.get("code") or one.form.get(REFRESH_TOKEN, "")


def _stolen(scene: Scene) -> dict[str, Loot]:
    """By each code and refresh token that leaked, or came of one that did, what leaked."""
    listening: Listening = scene.given["listen"]
    stolen = {one.form.get("code") or one.form[REFRESH_TOKEN]: one for one in listening.heard}
    for one in scene.calls:
        if one.issued and (loot := stolen.get(_given(one))):
            told = cast(Mapping[str, Any], read_json(one.exchange.response_body))
            stolen.setdefault(str(told.get(REFRESH_TOKEN)), loot)
    return stolen


def _before(scene: Scene, one: Seen, stolen: Mapping[str, Loot]) -> list[Seen]:
    """The earlier token requests with the same loot."""
    loot, earlier = stolen.get(_given(one)), scene.calls[: scene.calls.index(one)]
    return [other for other in earlier if loot and stolen.get(_given(other)) is loot]


def _ways_in(scene: Scene) -> list[Seen]:
    """Token requests with something stolen that were answered, and by a full server never are.

    What is bound to nothing it takes from whoever comes first, and ends when both have come.
    """
    stolen = _stolen(scene)
    return [
        one
        for one in _sends(scene)
        if one.issued
        and (loot := stolen.get(_given(one)))
        and (not loot.free or any(other.handed for other in _before(scene, one, stolen)))
    ]


def _stopped_by(one: Seen, loot: Loot, before: list[Seen]) -> str:
    """The row that said no, or what it was where none was asked."""
    if one.caught != NO_ROW:
        return f"the row {one.caught}"
    if one.form.get("client_id") != loot.form["client_id"]:
        return "whose it is"
    wanted, verifier = loot.request.get("code_challenge"), one.form.get("code_verifier", "")
    return ONCE if before or challenge(verifier) == wanted else "PKCE"


# ---- a house


@dataclass(frozen=True, slots=True)
class House:
    """A house with a mistake about `leaks`, how many sends are enough to find it, and repairs."""

    mistake: Mistake
    par: int
    moral: str
    leaks: Leaks
    suspects: tuple[Mistake, ...]
    repairs: Mapping[str, Revision]

    def start(self, scene: Scene) -> Mapping[str, Any]:
        """The house, a visit that was overheard, what leaks, and what may be done."""
        policy = self.mistake.made(OPEN_HOUSE)
        lab = scene.open(policy)
        by_the_new_app(Visits(lab, lab.session_over(lab.adapter, lab.log)))

        def found() -> bool:
            return bool(_ways_in(scene)) and self.mistake.row in scene.named[-1:]

        made = ((one.row, told(one.made)) for one in self.suspects)
        done = ((name, told(one)) for name, one in self.repairs.items())
        leaks = ((name, one.__doc__ or "") for name, one in self.leaks.items())
        listen = Listening(scene, self.leaks)
        given = {
            "log": lab.story,
            "leaks": Listed(("Leak", "What you get"), tuple(leaks)),
            "listen": listen,
            "suspects": Listed(("Name", "What the server does"), tuple(made)),
            "mistake": telling(self.mistake.made, found),
            "repairs": Listed(("Repair", "What is done"), tuple(done)),
            "repair": repairing(self.repairs, policy, partial(self._try_out, scene)),
        }
        at_the_cloakroom = {"owner": listen.owner, "own_client": OWN_CLIENT}
        return given | (at_the_cloakroom if self.leaks is REFRESH_LEAKS else {})

    def _try_out(self, scene: Scene, policy: Policy) -> object:
        """The theft, and honest visitors, at a repaired house."""

        def goes(what: Callable[[Visits], object], session: requests.Session) -> None:
            with suppress(Over, LabError):  # refused; what was seen of it tells
                what(Visits(scene.lab, session))

        plays = {THEFT: self.mistake.attack, **HONEST}
        return scene.try_out(policy, {words: partial(goes, what) for words, what in plays.items()})

    def steps(self, scene: Scene) -> Steps:
        """Get tokens with what leaked, name what is to blame, repair it."""
        sends, ways, stolen = _sends(scene), _ways_in(scene), _stolen(scene)
        count = f"{len(sends)} so far, par is {self.par}"
        sent = sends[: sends.index(ways[0]) + 1] if ways else sends
        yield len(sent) <= ALARM, ALARMED
        yield sends, "No token was asked for with what leaked yet: task.listen(…) gets something."
        last = sends[-1]
        loot, before = stolen.get(_given(last)), _before(scene, last, stolen)
        yield ways or loot, f"{OWN} ({count})."
        yield ways or not last.issued, f"{FREE} ({count}). How is it, once its owner comes?"
        if loot and not ways:
            own = any(one.caught in (ACCEPTED, NO_ROW) for one in before if not one.handed)
            yield not (own and "code" in last.form), f"{USED} ({count})."
            old = last.exchange.sent_at - loot.heard_at >= OPEN_HOUSE.ways.code_lifetime
            yield not (old and "code" in last.form), f"{OLD} ({count})."
            why = _stopped_by(last, loot, before)
            yield ways, f"No theft has got through yet. The last was stopped by {why} ({count})."
        got = f"You got tokens after {len(sent)} send{'s' * (len(sent) != 1)} (par {self.par})."
        yield scene.named, f"{got} What is to blame? task.suspects, task.name('…')."
        yield len({*scene.named}) <= NAMES, f"{got} {GUESSED}"
        named = scene.named[-1]
        other = f"{got} But where {named} alone is amiss, a server refuses what you sent."
        yield named == self.mistake.row, other
        yield scene.trials, f"{got} It is {named}. See task.mistake(), and repair it."
        yield from self._repaired(scene, f"{got} It is {named}, but with this repair")
        few = " Under par!" * (len(sent) < self.par)
        return f"{got}{few} It was {named}, and at your repair the theft fails. {self.moral}"

    def _repaired(self, scene: Scene, words: str) -> Steps:
        """Does the theft fail, and no honest visitor?"""
        yield not scene.trials[THEFT][-1].accepted, f"{words} the thief still gets tokens."
        for who in HONEST:
            last = scene.trials[who][-1]
            yield last.accepted, f"{words} honest people stand outside: {who} ({last.answer})."
        return ""


def house_with(mistake: str, par: int, moral: str) -> House:
    """A house with the mistake of this name, about codes or about refresh tokens."""
    kinds = (
        (CODE_LEAKS, OF_CODES, CODE_REPAIRS),
        (REFRESH_LEAKS, OF_REFRESH_TOKENS, REFRESH_REPAIRS),
    )
    return next(
        House(one, par, moral, leaks, suspects, repairs)
        for leaks, suspects, repairs in kinds
        for one in suspects
        if one.name == mistake
    )
