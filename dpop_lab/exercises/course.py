"""All exercises of the course by their ids, and the map of what is solved."""

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import groupby

import dpop_lab.exercises as room
from dpop_lab.errors import LabError
from dpop_lab.exercises.attempt import MARKS, Attempt
from dpop_lab.exercises.exercise import Exercise
from dpop_lab.exercises.progress import Entry, damaged_files, read_progress
from dpop_lab.exercises.sharing import Shared, share
from dpop_lab.lab.lab import Lab
from dpop_lab.show import Block, Card, Note, Shown, Table

MODULE = "lesson_"  # and the number of the lesson
HEAD = ("Exercise", "Title", "Kind", "State")


@cache
def exercises_of(lesson: str) -> Mapping[str, Exercise]:
    """The exercises of a lesson by their ids; none where it has none."""
    if f"{MODULE}{lesson}" not in [one.name for one in pkgutil.iter_modules(room.__path__)]:
        return {}
    module = import_module(f"{room.__name__}.{MODULE}{lesson}")
    return {one.id: one for one in module.EXERCISES}


def all_exercises() -> Mapping[str, Exercise]:
    """Every exercise by its id, in the order of the course."""
    names = sorted(one.name for one in pkgutil.iter_modules(room.__path__))
    lessons = [name.removeprefix(MODULE) for name in names if name.startswith(MODULE)]
    return {name: one for lesson in lessons for name, one in exercises_of(lesson).items()}


def find_exercise(name: str) -> Exercise:
    """The exercise with this id, `1.1` for `01.1`, too. Raises `LabError` when there is none."""
    lesson, _, number = name.partition(".") if isinstance(name, str) else ("", "", "")
    lesson = lesson and lesson.zfill(2)
    found = exercises_of(lesson)
    known = f"{lesson}.{number}"
    if known not in found:
        wanted = ", ".join(found or all_exercises())
        raise LabError("No such exercise", wanted=f"one of {wanted}", found=repr(name)[:40])
    return found[known]


def exercise(name: str) -> Attempt:
    """The exercise with this id, such as "05.2": a card with its task, its lab and three hints.

    In one process it is always the same one; its `start_again()` makes a new world. Raises
    `LabError` when there is none.
    """
    return _attempt(find_exercise(name).id)


@cache
def _attempt(name: str) -> Attempt:
    """The one attempt of this process."""
    return Attempt(exercises_of(name.partition(".")[0])[name])


@dataclass(frozen=True, slots=True, repr=False)
class CourseMap(Shown):
    """How far the learner is, exercise by exercise."""

    entries: Mapping[str, Entry]
    damaged: tuple[str, ...] = ()  #: files that could not be read

    def entry(self, name: str) -> Entry:
        """How far the learner is with the exercise of this id."""
        return self.entries.get(name, Entry())

    def share(self, lab: Lab | None) -> Shared:
        """Show the room how far you are: `progress().share(lab)`, `progress().share(None)` ends it.

        `lab` is one with a name, as `Lab(issuer=URL, name="ann")`. Its server is told the id of the
        exercise you are at, and of each whether it is begun or solved, now and at each change until
        this kernel ends; of what you send and type it hears nothing, and nothing at all without
        this call. Raises `LabError` for a lab without a name, for a server that shows no exercises,
        and where there is no answer.
        """
        return share(lab)

    def blocks(self) -> Iterator[Block]:
        """How many are solved; a folded table for each lesson."""
        known = all_exercises()
        entries = {name: self.entry(name) for name in known}
        solved = sum(one.state == "solved" for one in entries.values())
        mark = "passed" if solved == len(known) else "not asked"
        yield Card(f"{solved} of {len(known)} exercises solved.", mark)
        for lesson, group in groupby(known.values(), key=lambda one: one.lesson):
            own = [(one, entries[one.id]) for one in group]
            done = sum(entry.state == "solved" for _, entry in own)
            rows = tuple((one.id, one.title, one.kind, entry.words) for one, entry in own)
            marks = tuple(MARKS.get(entry.state, "not asked") for _, entry in own)
            title = f"Lesson {int(lesson)}: {done} of {len(own)}"
            yield Table(title, rows, HEAD, marks, folded=True)
        if self.damaged:
            names = ", ".join(self.damaged)
            yield Note(f"A file of progress could not be read. It is kept beside the new: {names}.")


def progress() -> CourseMap:
    """The map of the course: which exercises are solved, begun or still to do, on this machine."""
    return CourseMap(read_progress(), tuple(damaged_files()))
