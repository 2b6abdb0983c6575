"""What the person at the terminal is told: in a line, with no key they pasted and no traceback."""

import os
import signal
import sys
from collections.abc import Callable

from dpop_lab.show.values import printable


class Wrong(Exception):
    """One line for the person at the terminal, and the exit code that goes with it."""

    def __init__(self, line: str, code: int = 2) -> None:
        super().__init__(line)
        self.code = code


def say(line: str) -> None:
    """Print a line to standard error."""
    print(printable(line), file=sys.stderr)  # a server may try to move the cursor


def fail(line: str, code: int) -> int:
    """Say what went wrong, whatever its length, as one line; gives the exit code back."""
    say(f"dpop-lab: {' '.join(line.split())}")
    return code


def named(path: object) -> str:
    """A path as it may be shown: what is no path but a key someone pasted is not repeated."""
    text = str(path)
    pasted = len(text) > 255 or any(mark in text for mark in ("\n", "{", "-----BEGIN"))
    return f"a text of {len(text)} characters" if pasted else text


def settings_named(path: str) -> str:
    """Where settings come from, as it may be shown: what looks like no file may be a secret."""
    likely = path.endswith(".json") or {"/", os.sep} & set(path) or os.path.isfile(path)
    return named(path) if likely else f"a text of {len(path)} characters"


def on_signals(stop: Callable[[], object]) -> None:
    """Call `stop` when the process is asked to end: by Ctrl-C, by its terminal, by another."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop())
