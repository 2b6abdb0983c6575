"""Run the lessons afresh and store what they show, where it is more than other keys and times.

    python -m tests.store [NAME…]      all of notebooks/, or those named: 03_proof 04_token
    python -m tests.store --check      write nothing; exit 1 when something would be written

A notebook whose outputs are the stored ones after `tests/nbval.ini` keeps them all, so a second run
changes nothing; else all are stored afresh, so that they are of one run. A cell that fails ends
it, its notebook left as it was.
"""

import argparse
import atexit
import contextlib
import copy
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS, MASKS = ROOT / "notebooks", ROOT / "tests" / "nbval.ini"
SECONDS_FOR_A_CELL = 60
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
NOT_FOR_KERNELS = re.compile(r"DPOP_LAB_.*|.*_PROXY|PYTHON(STARTUP|WARNINGS|HASHSEED)", re.I)


# The kernel


@cache
def _empty_folder() -> str:
    folder = tempfile.mkdtemp(prefix="dpop-lab-ipython-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextlib.contextmanager
def kernel_environment(**more: str) -> Iterator[None]:
    """The environment a kernel is started in: nothing of the user's can change what it prints."""
    before = dict(os.environ)
    for name in filter(NOT_FOR_KERNELS.fullmatch, before):
        del os.environ[name]
    os.environ.update(
        IPYTHONDIR=_empty_folder(), COLUMNS="80", LINES="24", DPOP_LAB_DATA="", **more
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class CellFailed(Exception):
    """A cell raised, or took too long, or took its kernel with it; the message names the cell."""


def executed(notebook: NotebookNode, folder: Path, **environment: str) -> NotebookNode:
    """A copy of a notebook with the outputs of a run in this interpreter, in that folder.

    `environment` is for the kernel alone. Raises `CellFailed` at the first cell that fails or
    takes longer than a minute.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

    fresh, begun = copy.deepcopy(notebook), list[str]()
    client = NotebookClient(
        fresh,
        km=AsyncKernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()
        ),
        timeout=SECONDS_FOR_A_CELL,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=lambda cell, cell_index: begun.append(cell.id),
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    try:
        with kernel_environment(**environment):
            client.execute(cleanup_kc=True, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise CellFailed(f"cell {begun[-1]}: {error}") from error
    return fresh


# What is the same


@cache
def masks() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Pattern and replacement, read from nbval.ini as nbval reads it."""
    from nbval.plugin import get_sanitize_patterns

    pairs = get_sanitize_patterns(MASKS.read_text(encoding="utf-8"))
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


def masked(value: Any) -> Any:
    """A value with what differs in each run masked in every string of it."""
    if isinstance(value, str):
        for pattern, replacement in masks():
            value = pattern.sub(replacement, value)
    elif isinstance(value, dict):
        value = {name: masked(item) for name, item in value.items()}
    elif isinstance(value, list):
        value = [masked(item) for item in value]
    return value


def _comparable(outputs: list[Any]) -> list[Any]:
    without = [{k: v for k, v in one.items() if k != "execution_count"} for one in outputs]
    return masked(without)


# The stored form


def tidy(notebook: NotebookNode) -> None:
    """Counts from 1 on; no widget state or views, no times, no versions of anything."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(kernelspec=dict(KERNEL), language_info=dict(LANGUAGE))
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    for count, cell in enumerate(code, 1):
        cell.metadata.pop("execution", None)
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            output.get("data", {}).pop(WIDGET_VIEW, None)


def written(notebook: NotebookNode) -> str:
    """A notebook as text: tidy, as nbformat writes it, one newline at its end."""
    tidied = copy.deepcopy(notebook)
    tidy(tidied)
    return nbformat.writes(tidied).rstrip("\n") + "\n"


def stored(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook as it is to be stored: run, tidied, old outputs kept where they still hold."""
    fresh = executed(notebook, folder)
    tidy(fresh)
    pairs = list(zip(fresh.cells, notebook.cells, strict=True))
    same = all(_comparable(_outputs(cell)) == _comparable(_outputs(old)) for cell, old in pairs)
    for cell, old in pairs:
        if cell.cell_type == "code" and same:
            cell.outputs = _outputs(old)
    return fresh


def _outputs(cell: NotebookNode) -> list[Any]:
    return cell.get("outputs", [])


# The command


def _replace(path: Path, text: str, *, check: bool) -> bool:
    """Put the text in the file if it is another; tell whether it is."""
    if path.read_text(encoding="utf-8") == text:
        return False
    print(f"{path.name}: {'would change' if check else 'stored'}")
    if not check:
        path.write_text(text, encoding="utf-8", newline="\n")
    return True


def store(path: Path, *, check: bool = False) -> bool:
    """Run one notebook and store it; tell whether the file is another. Raises as `executed`."""
    notebook = nbformat.read(path, as_version=4)
    text = written(stored(notebook, path.parent))
    return _replace(path, text, check=check)


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all ran (with --check: and nothing would change)."""
    parser = argparse.ArgumentParser(prog="python -m tests.store", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 03_proof; default: all")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what would be")
    given = parser.parse_args(arguments)
    changed = False
    paths = [NOTEBOOKS / f"{Path(name).stem}.ipynb" for name in given.names]
    for path in paths or sorted(NOTEBOOKS.glob("*.ipynb")):
        try:
            changed |= store(path, check=given.check)
        except FileNotFoundError:
            return _stopped(f"there is no {path.name} in {path.parent.name}/")
        except CellFailed as error:
            return _stopped(f"{path.name} is left as it was; {error}")
    return int(changed and given.check)


def _stopped(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
