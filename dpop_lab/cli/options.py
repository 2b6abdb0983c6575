"""What the commands share: their options and how a value is read, and how a person is told."""

import argparse
import faulthandler
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from dpop_lab.client.settings import http_parts
from dpop_lab.errors import KeyUnusable, LabError, SettingsError
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import ALGORITHMS, PrivateKey
from dpop_lab.server import policies
from dpop_lab.show import coloured
from dpop_lab.show.values import printable
from dpop_lab.wire.syntax import WORD, without_login

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
POLICIES = {name.lower().replace("_", ""): policy for name, policy in policies.POLICIES.items()}
RAW = argparse.RawDescriptionHelpFormatter
EXIT_CODES = """exit codes:
  0  done; the server accepted, or two answered alike
  1  the server refused, or two answered differently
  2  something given to the command is wrong
  3  no answer: the host can't be reached"""


def adder(place: Any, **usual: Any) -> Callable[..., object]:
    """What adds an option to a parser: `--log FILE` has a value, `--live` is on when it is there.

    `file FILE` is an argument without a name. `usual` is what goes for all of them.
    """

    def add(spelling: str, words: str, **more: Any) -> None:
        name, _, metavar = spelling.partition(" ")
        kind = {"metavar": metavar} if metavar else {"action": "store_true"}
        place.add_argument(name, help=words, **usual | kind | more)

    return add


def command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    words: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """A new command's parser, for its options; `words` are its help, `run` gives the exit code."""
    parser = commands.add_parser(name, help=words, epilog=epilog, formatter_class=RAW)
    parser.set_defaults(run=run)
    return parser


def add_policy(add: Callable[..., object]) -> None:
    """Add the choice of a policy for the twin."""
    words = "what the demo server does, or what a strict reading of the RFCs asks"
    add(f"--policy {'|'.join(POLICIES)}", words, choices=POLICIES, default="duende")


def add_key_options(
    add: Callable[..., object],
    words: str = "what the key signs with, when its kind leaves a choice; RSA: PS256",
    alg: str | None = None,
) -> None:
    """Add what goes with a private key: its algorithm, `alg` unless given, and its password."""
    add("--alg ALG", words, choices=ALGORITHMS, default=alg)
    add("--password-env NAME", "the environment variable that holds the key's password")


def private_key(options: argparse.Namespace) -> PrivateKey:
    """The private key that the options name."""
    return load_key(options.key, password(options), alg=options.alg)


def password(options: argparse.Namespace) -> str | None:
    """The key's password, None when none was named. Raises `LabError` when it is not there."""
    name = options.password_env
    if name is None:
        return None
    if not os.environ.get(name):
        state = "empty" if name in os.environ else "not set"
        raise LabError(f"No password: the environment variable {name} is {state}")
    return os.environ[name]


def write_secret(path: str, text: str) -> None:
    """Write a text to a new file that only its owner can read. Raises FileExistsError."""
    with open(path, "x", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
        file.write(text)


# how a value is read


def port(text: str) -> int:
    """A port's number, 0 for any."""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"wanted 0 to 65535, found {named(repr(text))}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or not float(text):
        raise argparse.ArgumentTypeError(f"wanted seconds, more than 0, found {named(repr(text))}")
    return float(text)


def url(text: str) -> str:
    """An http(s) URL with a host, as it was given."""
    if http_parts(text) is None:
        found = named(repr(without_login(text.partition("?")[0])))
        raise argparse.ArgumentTypeError(f"wanted http(s)://host[:port]/…, found {found}")
    return text


def base_url(text: str) -> str:
    """An http(s) URL without user, query and fragment."""
    if set("?#@") & set(text):
        raise argparse.ArgumentTypeError("wanted no user, query or fragment in it")
    return url(text)


def method(text: str) -> str:
    """An HTTP method: a token as RFC 9110 section 5.6.2 has it."""
    if not re.fullmatch(WORD, text):
        raise argparse.ArgumentTypeError(f"wanted a method such as GET, found {named(repr(text))}")
    return text


# how a person is told: in a line, with no key they pasted and no traceback


def say(line: str) -> None:
    """Print a line to standard error."""
    print(printable(line), file=sys.stderr)  # a server may try to move the cursor


def show(text: str) -> None:
    """Print a report: in colour on a terminal that has it, unless `NO_COLOR` is set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    old = sys.platform == "win32" and "WT_SESSION" not in os.environ  # a console of Windows
    print(text if plain or old or not sys.stdout.isatty() else coloured(text), flush=True)


def fail(line: str, code: int) -> int:
    """Say what went wrong, whatever its length, as one line; gives the exit code back."""
    say(f"dpop-lab: {' '.join(line.split())}")
    return code


def named(path: object) -> str:
    """A path as it may be shown: what is no path but a key someone pasted is not repeated."""
    text = str(path)
    pasted = len(text) > 255 or any(mark in text for mark in ("\n", "{", "-----BEGIN"))
    return f"a text of {len(text)} characters" if pasted else text


@contextmanager
def settings_from(option: str, file: str | None) -> Iterator[None]:
    """Say in an error about settings which option they come from.

    What is given to it and looks like no file may be a secret: it is not shown.
    """
    try:
        yield
    except (SettingsError, KeyUnusable) as error:
        if file is None:
            raise
        likely = file.endswith(".json") or {"/", os.sep} & set(file) or os.path.isfile(file)
        shown = named(file) if likely else f"a text of {len(file)} characters"
        raise LabError(f"{option} {shown}: {str(error).rstrip('.')}") from None


@contextmanager
def listening(host: str, port: int | None) -> Iterator[None]:
    """Say in a line why nothing can listen there."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        where = f"{host} port {port}" if port else host
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"Can't listen on {where}: {reason}") from None


def on_signals(stop: Callable[[], object], within: float = 15) -> None:
    """Call `stop`, once, when the process is asked to end: by Ctrl-C, by its terminal, by another.

    Once, since `timeout` and `uv run` hand a signal on twice. What has not ended `within` seconds
    is ended all the same, with exit code 1, whatever it waits for.
    """
    asked, nowhere = threading.Event(), os.open(os.devnull, os.O_WRONLY)

    def ask(*_: object) -> None:
        if not asked.is_set():
            asked.set()
            faulthandler.dump_traceback_later(within, exit=True, file=nowhere)
            stop()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask)
