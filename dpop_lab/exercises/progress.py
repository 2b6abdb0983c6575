"""What was solved, tried and opened so far: one small file of the learner's own, never sent."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dpop_lab.jose.encoding import read_json
from dpop_lab.show.values import date

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

VARIABLE, FILE, LOCK, DAMAGED = "DPOP_LAB_DATA", "progress.json", "progress.lock", "damaged"
VERSION, LARGEST = 1, 1_000_000  # octets
STATES = ("not begun", "begun", "solved")


@dataclass(frozen=True, slots=True)
class Entry:
    """How far a learner is with one exercise."""

    state: str = STATES[0]
    solved_at: float | None = None  #: the first time, in seconds since 1970
    tries: int = 0  #: how often it was asked whether it is solved, each time after a request
    hints: int = 0  #: opened

    @property
    def words(self) -> str:
        """The state, with the day when it was solved."""
        day = date(self.solved_at)[5:16] if self.solved_at is not None else ""
        return f"{self.state}, {day}" if day else self.state


NOT_BEGUN = Entry()
Entries = Mapping[str, Entry]  # by the ids of exercises


def data_folder() -> Path | None:
    """Where the file is: `DPOP_LAB_DATA`, or the user's data folder; None: nothing is kept.

    Nothing is kept where the variable is there and empty.
    """
    if (named := os.environ.get(VARIABLE)) is not None:
        return Path(os.path.expanduser(named)) if named else None
    import platformdirs

    return platformdirs.user_data_path("dpop-lab", appauthor=False)


def read_progress() -> Entries:
    """What is kept; empty where nothing is, or nothing can be read. Never raises."""
    folder = data_folder()
    try:
        if folder is None or not (folder / FILE).exists():
            return {}
        with _locked(folder):
            return _read(folder)
    except OSError:
        return {}


def note_progress(
    exercise: str, change: Callable[[Entry], Entry], known: Entry = NOT_BEGUN
) -> Entry:
    """Change the entry of an exercise in the file, whoever else is writing; gives the new one.

    Where the file can't be written nothing is kept, and what was `known` is changed. Never raises.
    """
    folder = data_folder()
    try:
        if folder is None:
            return change(known)
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            entries = dict(_read(folder))
            entries[exercise] = changed = change(entries.get(exercise, NOT_BEGUN))
            _write(folder, entries)
            return changed
    except OSError:
        return change(known)


def forget_progress() -> None:
    """Remove the file. Raises `OSError` where it can't be."""
    folder = data_folder()
    if folder is not None and (folder / FILE).exists():
        with _locked(folder):
            (folder / FILE).unlink(missing_ok=True)


def damaged_files() -> list[str]:
    """The names of files that could not be read, and were kept beside the new one."""
    folder = data_folder()
    try:
        found = folder.glob(f"progress-{DAMAGED}-*.json") if folder else ()
        return sorted(one.name for one in found)
    except OSError:
        return []


def solved_now(now: float) -> Callable[[Entry], Entry]:
    """The change of an entry when its exercise is solved; the first time counts."""
    return lambda old: replace(
        old, state="solved", solved_at=old.solved_at or now, tries=old.tries + 1
    )


def tried(old: Entry) -> Entry:
    """An entry after a try that did not solve it."""
    return replace(old, state=_begun(old), tries=old.tries + 1)


def hinted(count: int) -> Callable[[Entry], Entry]:
    """The change of an entry when so many hints are open."""
    return lambda old: replace(old, state=_begun(old), hints=max(old.hints, count))


def _begun(old: Entry) -> str:
    return "solved" if old.state == "solved" else "begun"


# ---- the file


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The file is ours until the block ends; the system frees it when a process dies."""
    with open(folder / LOCK, "a+b") as file:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if sys.platform == "win32":
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_UN)


def _read(folder: Path) -> Entries:
    """The entries in the file; one that can't be read is put aside, under a name of its own."""
    path = folder / FILE
    if not path.exists():
        return {}
    with open(path, "rb") as file:
        octets = file.read(LARGEST + 1)
    entries = None if len(octets) > LARGEST else _entries(octets.decode("utf-8", "replace"))
    if entries is None:
        os.replace(path, folder / f"progress-{DAMAGED}-{secrets.token_hex(4)}.json")
    return entries or {}


def _entries(text: str) -> dict[str, Entry] | None:
    """The entries in a text, None where it is not what is written here."""
    value = read_json(text)
    kept = value.get("exercises") if isinstance(value, dict) else None
    if not isinstance(kept, dict) or value.get("version") != VERSION:
        return None
    entries = {str(name): _entry(one) for name, one in kept.items()}
    return None if None in entries.values() else {n: e for n, e in entries.items() if e}


def _entry(value: object) -> Entry | None:
    """An entry as it was written, None for anything else."""
    told = value if isinstance(value, dict) else {}
    at, counts = told.get("solved_at"), [told.get("tries"), told.get("hints")]
    good = {*told} == {"state", "solved_at", "tries", "hints"} and told["state"] in STATES
    good = good and (at is None or type(at) in (int, float))
    return Entry(**told) if good and all(type(one) is int for one in counts) else None


def _write(folder: Path, entries: Entries) -> None:
    """Write the file beside, and put it in place at once."""
    told = {"version": VERSION, "exercises": {name: asdict(one) for name, one in entries.items()}}
    part = folder / f"progress-{secrets.token_hex(4)}.part"
    try:
        part.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        os.replace(part, folder / FILE)
    finally:
        part.unlink(missing_ok=True)
