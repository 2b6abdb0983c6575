"""An exercise as one person works at it: a card with its state, hints, and what it hands out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import RLock
from typing import Any

from dpop_lab.errors import one_of
from dpop_lab.exercises.exercise import HINTS, Exercise, Feedback
from dpop_lab.exercises.progress import (
    Entry,
    hinted,
    note_progress,
    read_progress,
    solved_now,
    tried,
)
from dpop_lab.exercises.scene import Scene
from dpop_lab.exercises.sharing import note
from dpop_lab.lab.lab import Lab
from dpop_lab.server.policies import POLICIES
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.show import Block, Note, Shown, Table

MARKS = {"solved": "passed"}


@dataclass(frozen=True, slots=True, repr=False)
class Hints(Shown):
    """The hints that are open, of `HINTS`."""

    texts: tuple[str, ...]

    def blocks(self) -> Iterator[Block]:
        """A row for each."""
        rows = tuple((f"{n} of {HINTS}", text) for n, text in enumerate(self.texts, 1))
        yield Table("Hints", rows, ("Hint", "What it says")) if rows else Note("No hint is open.")


class Attempt(Shown):
    """An exercise in a world of its own: `lab`, and by their names the things it hands out.

    What the server sees decides; `solved()` tells of it, and a notebook's panel says so by itself.
    Once solved it stays so until `start_again`.
    """

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        #: called without arguments after each change
        self.listeners: list[Callable[[], object]] = []
        self._lock = RLock()
        self._entry, self._open = read_progress().get(exercise.id, Entry()), 0
        self._panel: Any = None
        self.start_again()

    def start_again(self) -> None:
        """Make a new world, in which nothing was sent yet; hints stay open."""
        with self._lock:
            self._scene = scene = Scene(lambda: self._heard(scene))
            self._done: Feedback | None = None
            self._told, self._looked = Feedback(False, ""), 0
            self.exercise.begin(scene)
        self._tell()

    @property
    def lab(self) -> Lab:
        """The lab of this exercise, in which nothing else takes place."""
        return self._scene.lab

    @property
    def source(self) -> str:
        """What is to be mended, to be printed, copied and changed; empty where there is nothing."""
        return self.exercise.source

    def __getattr__(self, name: str) -> Any:
        """One of the things that were handed out. Raises AttributeError for any other name."""
        if name in ("_scene", "exercise") or name not in self._scene.handed_out:
            if name in ("_scene", "exercise"):  # while it is being made
                raise AttributeError(name)
            told = f"{self.exercise.id} gives {', '.join(['lab', *self._scene.handed_out])}"
            again = "For another exercise run the cell of its card again"
            raise AttributeError(f"{told}, and no {name!r}. {again}.", name=name)
        return self._scene.handed_out[name]

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self._scene.handed_out]  # for completion in a notebook

    def predict(self, row: str) -> Feedback:
        """Say which row will say no to the next request, or `accepted`, or `no row`.

        Raises `LabError` for a name that no policy has, nor this exercise.
        """
        self._scene.predict(self._row(row))
        return Feedback(False, f"Predicted for the next request: {row}.")

    def name(self, row: str) -> Feedback:
        """Say which row it is that the task asks for; gives what that comes to.

        Raises `LabError` as `predict` does.
        """
        self._scene.name(self._row(row))
        return self._heard(self._scene)

    def hint(self) -> Hints:
        """Open the next hint; gives all that are open."""
        with self._lock:
            self._open = min(self._open + 1, HINTS)
            self._keep(hinted(self._open))
        self._tell()
        return self.hints

    def _row(self, name: str) -> str:
        """The name of a row, or what else may be said here. Raises `LabError` for another."""
        rows = {row for policy in POLICIES.values() for row in policy.row_names}
        known = dict.fromkeys([ACCEPTED, NO_ROW, *self.exercise.names, *sorted(rows)])
        one_of("row", name, known)
        return name

    @property
    def hints(self) -> Hints:
        """Those that are open."""
        return Hints(self.exercise.hints[: self._open])

    def solved(self) -> Feedback:
        """Is it solved? What is missing, from what the server saw, or in which way it was done."""
        with self._lock:
            feedback = self._judge(self._scene)
            seen = self._scene.count
            if not feedback and seen > self._looked:
                self._looked = seen
                self._keep(tried)
        self._tell()
        return feedback

    @property
    def state(self) -> str:
        """`not begun`, `begun` or `solved`; what was kept of earlier days counts."""
        if self._done:
            return "solved"
        begun = self._entry.state == "not begun" and (self._scene.count or self._open)
        return "begun" if begun else self._entry.state

    def _heard(self, scene: Scene) -> Feedback:
        """Look at what was seen, at once, so that nobody has to ask."""
        with self._lock:
            if scene is not self._scene:
                return Feedback(False, "This was begun anew since.")
            feedback = self._judge(scene)
        self._tell()
        return feedback

    def _judge(self, scene: Scene) -> Feedback:
        self._told = self._done or self.exercise.judged(scene)
        if self._told and not self._done:
            self._done = self._told
            self._keep(solved_now(time.time()))
        return self._told

    def _keep(self, change: Callable[[Entry], Entry]) -> None:
        self._entry = note_progress(self.exercise.id, change, self._entry)

    def _tell(self) -> None:
        note(self.exercise.id, self.state)
        for listener in self.listeners:  # without the lock: they have locks of their own
            listener()

    # ---- shown

    def blocks(self) -> Iterator[Block]:
        """Where it stands, the task, what was handed out, and the hints that are open."""
        state, *hints = self.standing(f"{self.exercise.heading}: ")
        yield from (state, Note(self.exercise.task), *self.material(), *hints)

    def standing(self, heading: str = "") -> Iterator[Block]:
        """The state, with what is missing or the praise, and the hints that are open."""
        solved = self.state == "solved"
        told = self._entry.words if solved and not self._done else self.state
        told = f"{heading}{told if heading else told[:1].upper() + told[1:]}."
        if self._scene.count:
            told += f"{' Here not yet:' * (solved and not self._done)} {self._told.words}"
        yield from self._told.under(told, MARKS.get(self.state, "not asked"))
        if self._open:
            yield from self.hints.blocks()

    def material(self) -> Iterator[Block]:
        """What was handed out, what can be sent, and what is to be mended."""
        given = {"lab": "a lab of its own", **self.exercise.gives}
        rows = tuple((f"task.{name}", words) for name, words in given.items())
        title = f'What you have, after task = exercise("{self.exercise.id}")'
        yield Table(title, rows, ("Name", "What it is"))
        if cases := self.exercise.cases:
            yield Table("What task.send sends", tuple(cases.items()), ("Name", "What it is"))
        if self.source:
            yield Table("To be mended (task.source)", (("source", self.source),))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The panel for a live notebook; the card as HTML where it is not run, and as text."""
        from dpop_lab.exercises.panel import ExercisePanel  # with ipywidgets, when shown

        self._panel = self._panel or ExercisePanel(self)
        texts = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return {**self._panel.root._repr_mimebundle_(**options), **texts}
