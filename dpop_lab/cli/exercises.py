"""`dpop-lab lessons --exercises`, `--progress` and `--reset`: the exercises of the course."""

import argparse
import json
import sys
from dataclasses import asdict

from dpop_lab.cli.options import say, show
from dpop_lab.errors import LabError
from dpop_lab.exercises.course import CourseMap, all_exercises, progress
from dpop_lab.exercises.progress import data_folder, forget_progress
from dpop_lab.lab.compare import by_keyboard
from dpop_lab.show import Table, as_text

HEAD = ("Exercise", "Lesson", "Kind", "Title")


def tell(options: argparse.Namespace) -> int:
    """Do the one thing that is asked for. Raises `LabError` for two."""
    if options.exercises + options.progress + options.reset > 1:
        raise LabError("One at a time", wanted="--exercises, --progress or --reset")
    if options.reset:
        return _reset(sure=options.sure)
    found = progress() if options.progress else None
    if options.as_json:
        print(json.dumps(_as_json(found), indent=2))
    elif found:
        show(repr(found))
    else:
        rows = ((one.id, one.lesson, one.kind, one.title) for one in all_exercises().values())
        show(as_text([Table("", tuple(rows), HEAD)]))
    return 0


def _as_json(found: CourseMap | None) -> list[dict[str, object]]:
    """A member for each exercise, with its progress where that is asked for."""
    return [
        {"id": one.id, "lesson": one.lesson, "kind": one.kind, "title": one.title}
        | (asdict(found.entry(one.id)) if found else {})
        for one in all_exercises().values()
    ]


def _reset(*, sure: bool) -> int:
    """Forget what was kept, once a person at a terminal, or `--yes`, said so."""
    words = f"Your progress with the exercises, in {data_folder() or 'no file'}, will be forgotten."
    if not (sure or (sys.stdin.isatty() and by_keyboard(words))):
        say(f"{words} Say --yes.")
        return 1
    forget_progress()
    print("Your progress is forgotten.")
    return 0
