"""The card of an exercise as a panel: hints, start again, and a state that changes by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ipywidgets import HTML

from dpop_lab.exercises.exercise import HINTS
from dpop_lab.panels.panel import WIDE, Panel
from dpop_lab.show import Block, Shown, as_html


@dataclass(frozen=True, slots=True, repr=False)
class Standing(Shown):
    """Where an attempt stands at this moment: its state, and the hints that are open."""

    parts: tuple[Block, ...]

    def blocks(self) -> Iterator[Block]:
        """All of them."""
        yield from self.parts


class ExercisePanel(Panel):
    """An `Attempt`, which makes it, with two buttons; what its server sees shows here at once."""

    purpose = "shows a task, and says when its server saw the solution."
    view: Standing

    def __init__(self, attempt: Any) -> None:
        self.attempt, one = attempt, attempt.exercise
        self._hint = self.button("Open a hint", self._open_hint)
        tables = [*attempt.material()]
        source = [tables.pop()] if attempt.source else []
        rows = [HTML(as_html(tables), layout=WIDE)], [self._hint, self.start_again]
        super().__init__(f"Exercise {one.heading}", one.task, *rows)
        if source:  # below both columns, where its lines have room
            self.root.children += (HTML(as_html(source)),)
        attempt.listeners.append(lambda: self._react(self.values))

    def _open_hint(self) -> None:
        """Open the next; after the last the button is of no use, and would take the focus along."""
        if len(self.attempt.hint().texts) == HINTS:
            self.start_again.focus()

    def back(self) -> None:
        """Make a new world."""
        self.attempt.start_again()

    def look(self) -> Standing:
        """The state and the open hints."""
        return Standing((*self.attempt.standing(),))

    def show(self) -> None:
        """Show where the attempt stands, and how many hints are left."""
        super().show()
        left = HINTS - len(self.attempt.hints.texts)
        self._hint.description = f"Open a hint ({left} left)" if left else "All hints are open"
        self._hint.disabled = not left
