"""The notebooks of the lessons, and a learner's copies of them: made once, never written over."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dpop_lab.errors import LabError
from dpop_lab.show import plain_markdown

IN_WHEEL = Path(__file__).parents[1] / "notebooks"
IN_CLONE = Path(__file__).parents[2] / "notebooks"
ASIDE = "before-restore"  # the folder, in a learner's own, for what was restored


def originals() -> Path:
    """The folder with the notebooks of this installation. Raises `LabError` when it has none."""
    in_clone = (IN_CLONE.parent / "pyproject.toml").is_file()
    folder = IN_CLONE if in_clone and not IN_WHEEL.is_dir() else IN_WHEEL
    if not notebooks(folder):
        raise LabError("This installation holds no notebooks", wanted=f"*.ipynb in {folder}")
    return folder


def notebooks(folder: Path) -> tuple[Path, ...]:
    """The notebooks in a folder, in the order of the lessons."""
    return tuple(sorted(path for path in folder.glob("*.ipynb") if path.is_file()))


def bring(source: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Copy the notebooks that are missing in a folder; gives the names of those copied, and of
    those that are there and differ from the originals.

    The folder is made when there is none. Whatever has the name of a notebook stays as it is.
    Raises `LabError` when something else is where the folder should be, else `OSError`.
    """
    _make(folder)
    if folder.resolve() == source.resolve():
        raise LabError(f"{folder} holds the originals", advice="--here opens them, for authors.")
    known = {original.name: original for original in notebooks(source)}
    copied = [name for name, original in known.items() if _copied(original, folder / name)]
    differing = [name for name, original in known.items() if not _same(original, folder / name)]
    return copied, differing


def _make(folder: Path) -> None:
    """Make a folder where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise LabError(f"{folder} is there, but it is no folder") from None


def _same(original: Path, own: Path) -> bool:
    return own.is_file() and own.read_bytes() == original.read_bytes()


def bench(change: str) -> tuple[str, str]:
    """The name and the text of a notebook that is the bench, with a change or an attack chosen.

    Raises `LabError` for an unknown name.
    """
    from dpop_lab.lab.catalogues import any_change  # when used

    title = any_change(change).title
    words = f"# The bench: {plain_markdown(title)}\n\nRun the cell below (Shift and Enter)."
    line = f"from dpop_lab.panels import BenchPanel\n\nBenchPanel(change={change!r})"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    code = {"cell_type": "code", "id": "bench", "source": line, "outputs": []}
    cells = [
        {"cell_type": "markdown", "id": "head", "metadata": {}, "source": words},
        code | {"execution_count": None, "metadata": {}},
    ]
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}}
    return f"bench_{change}.ipynb", json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5})


def put(folder: Path, name: str, text: str) -> str:
    """Put a new notebook into a folder, where none has this name yet; gives the name."""
    with suppress(FileExistsError), open(folder / name, "x", encoding="utf-8") as file:
        file.write(text)
    return name


def restore(source: Path, folder: Path, name: str) -> dict[str, str | None]:
    """Put pristine copies back: of one notebook (`03`, `03_proof`, `03_proof.ipynb`) or of `all`.

    The learner's own is moved to the folder `ASIDE` before, under a name that is not taken. By the
    names of the notebooks it gives where the learner's own are now, seen from the folder: empty
    where there was none, None where it was no different, and stays. Raises `LabError` when no
    notebook or no folder is meant, and `OSError`.
    """
    meant = [
        path
        for path in notebooks(source)
        if name in ("all", path.stem.partition("_")[0], path.stem, path.name)
    ]
    if not meant:
        lessons = ", ".join(path.stem for path in notebooks(source))
        raise LabError("No such lesson", wanted=f"{lessons} or all", found=repr(name[:40]))
    if not folder.is_dir():
        raise LabError(f"No folder {folder}", advice="Name the one you work in: --folder DIR.")
    return {original.name: _restored(original, folder / original.name) for original in meant}


def _restored(original: Path, target: Path) -> str | None:
    if _same(original, target):
        return None
    with _fresh(original, target.parent) as fresh:
        aside = _put_aside(target) if os.path.lexists(target) else ""
        _move(fresh, target)
    return aside


def _put_aside(path: Path) -> str:
    """Move a file to the folder for it, under a name that no other has; gives both."""
    _make(path.with_name(ASIDE))
    number = 1
    while True:
        aside = path.with_name(ASIDE) / f"{path.stem}-{number}{path.suffix}"
        try:
            _move(path, aside)
        except FileExistsError:
            number += 1
        else:
            return f"{ASIDE}/{aside.name}"


def _copied(original: Path, target: Path) -> bool:
    """Whether a copy was needed, and made."""
    if os.path.lexists(target):
        return False
    with _fresh(original, target.parent) as fresh:
        try:
            _move(fresh, target)
        except FileExistsError:  # it came in the meantime
            return False
    return True


@contextmanager
def _fresh(original: Path, folder: Path) -> Iterator[Path]:
    """A whole, writable copy under a hidden name, for as long as the block lasts."""
    fresh = folder / f".{original.stem}-{secrets.token_hex(4)}.part"
    try:
        shutil.copyfile(original, fresh)
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    """Give a file another name at once. Raises FileExistsError rather than replace another."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here, so the look before the move has to do
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        path.rename(target)
    else:
        path.unlink()
