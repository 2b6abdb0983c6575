"""How exercises are solved, and how not: a module a lesson, with a table of its exercises."""

from collections.abc import Callable
from dataclasses import dataclass

from dpop_lab.exercises.attempt import Attempt

Way = Callable[[Attempt], object]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What solves an exercise, and what does not; each way gets a fresh attempt."""

    solve: Way
    wrong: tuple[Way, ...]  #: two at least, each of which gets words of its own
    second: Way | None = None  #: another way to solve it, which gets praise of its own


def predicted(**rows: str | None) -> Way:
    """Send each of these by its name, after predicting its row where one is given."""

    def way(task: Attempt) -> None:
        for name, row in rows.items():
            if row:
                task.predict(row)
            task.send(name)

    return way
