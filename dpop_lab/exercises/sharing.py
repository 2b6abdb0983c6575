"""What a participant shares with a room, once they have said so: where they are in the course."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread

import requests

from dpop_lab.client.recorder import SessionLog
from dpop_lab.errors import LabError, expect
from dpop_lab.exercises.progress import read_progress
from dpop_lab.lab.lab import Lab
from dpop_lab.show import Block, Note, Shown

PATH = "/explain/progress"  # below the URL of the room's server
BEGUN = ("begun", "solved")  # the states that are told


@dataclass(frozen=True, slots=True, repr=False)
class Shared(Shown):
    """What is shared from now on, and with whom."""

    words: str

    def blocks(self) -> Iterator[Block]:
        """That, in a sentence."""
        yield Note(self.words)


class Sharing:
    """Tells one lab's server of each change, in a thread of its own: no exercise waits for it.

    All is told each time, so that what did not arrive comes with the next change.
    """

    def __init__(self, lab: Lab) -> None:
        self._url = lab.base_url + PATH
        self._session = lab.session_over(lab.adapter, SessionLog())  # it is no part of the story
        self._own = dict[str, str]()  # states, where no file keeps them
        self._report, self._told, self._ended = self._written(""), "", False
        self._changed = Condition()

    def begin(self) -> None:
        """Tell where things stand, and from now on each change.

        Raises `LabError` where the server takes no such thing, `Unreachable` where there is none.
        """
        answer = self._send(self._report)
        if not answer.ok:
            wanted, found = "a room's dpop-lab serve --explain", f"status {answer.status_code}"
            raise LabError("This server shows no exercises", wanted=wanted, found=found)
        self._told = self._report
        Thread(target=self._run, name="dpop_lab sharing", daemon=True).start()

    def note(self, exercise: str, state: str) -> None:
        """Take it that the learner is at this exercise, and how far."""
        with self._changed:
            self._own[exercise] = state
            self._report = self._written(exercise)
            self._changed.notify()

    def end(self) -> None:
        """Tell nothing from now on."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _written(self, exercise: str) -> str:
        kept = {name: one.state for name, one in read_progress().items()}
        states = {name: one for name, one in (self._own | kept).items() if one in BEGUN}
        return json.dumps({"exercise": exercise, "states": states})

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._report != self._told)
                if self._ended:
                    return
                self._told = self._report
            with suppress(requests.RequestException):  # Unreachable is one
                self._send(self._told)

    def _send(self, report: str) -> requests.Response:
        headers = {"Content-Type": "application/json"}
        return self._session.post(self._url, report, headers=headers, allow_redirects=False)


_sharing: list[Sharing] = []  # one at most: a person is in one room


def share(lab: Lab | None) -> Shared:
    """Share with this lab's server from now on, or, without a lab, with nobody."""
    expect(lab, (Lab, type(None)), "share", 'Lab(issuer=URL, name="ann"), or None.')
    made = Sharing(lab) if lab is not None and lab.introduction else None
    if lab is not None and made is None:
        advice = 'Lab(issuer=URL, name="ann") is one.'
        raise LabError("This lab takes part in no room", wanted="a lab with a name", advice=advice)
    if made is not None:
        made.begin()
    for old in _sharing:
        old.end()
    _sharing[:] = [] if made is None else [made]
    if lab is None:
        return Shared("Nothing is shared from now on.")
    return Shared(
        f"Whoever opens {lab.base_url}/ now sees beside your name which exercise you are at and"
        " which ones are begun or solved: nothing else, and until this kernel ends or"
        " progress().share(None)."
    )


def note(exercise: str, state: str) -> None:
    """Tell the room, if there is one, that the learner is at this exercise, and how far."""
    for one in _sharing:
        one.note(exercise, state)
