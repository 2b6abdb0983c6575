"""The files that `dpop-lab call` writes: none that it reads, and none when it is refused."""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import combinations
from typing import TYPE_CHECKING

from dpop_lab.cli.terminal import Wrong, named
from dpop_lab.client.read_settings import variable
from dpop_lab.client.recorder import record
from dpop_lab.errors import LabError
from dpop_lab.session.story import Story
from dpop_lab.wire.log import SessionLog

if TYPE_CHECKING:
    from dpop_lab.lab.world import World

BEGINNING = b"---- Sending"  # of a session log
READ_FROM_VARIABLES = (variable("client_key"), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def check_files(options: argparse.Namespace, told: Mapping[str, object]) -> None:
    """Raise `Wrong` when a file to be written is one that is read, or the other one to be written.

    `told` is what the file of `--client` says.
    """
    own = {name: os.environ.get(name) for name in READ_FROM_VARIABLES}
    keys = {"--key": options.key, "client_key": told.get("client_key"), **own}
    read = {name: os.path.expanduser(path) for name, path in keys.items() if isinstance(path, str)}
    written = {"--log": options.log, "--har": options.har}
    files = {**written, **read, "--client": options.client}
    for (one, path), (other, its) in combinations(files.items(), 2):
        if one in written and path and its and _keeps(path) and _same_file(path, its):
            raise Wrong(f"{one} and {other} name the same file. Give {one} a file of its own.")
    if options.log and os.path.isfile(options.log):
        beginning = b""
        with suppress(OSError), open(options.log, "rb") as file:  # writing to it will tell
            beginning = file.read(len(BEGINNING))
        if not BEGINNING.startswith(beginning):
            found = f"found another file, {named(options.log)}"
            raise Wrong(f"--log wants a session log to append to, or a new file; {found}.")


def _keeps(path: str) -> bool:
    """Whether what is written there stays there: not in /dev/null, nor in a pipe."""
    return os.path.isfile(path) or not os.path.exists(path)


def _same_file(one: str, other: str) -> bool:
    """Whether both paths lead to one file, which need not be there yet."""
    try:
        if os.path.exists(one) and os.path.exists(other):
            return os.path.samefile(one, other)
        first, second = (os.path.normcase(os.path.realpath(path)) for path in (one, other))
    except (OSError, ValueError):  # a key itself, and no path
        return False
    return first == second


@contextmanager
def recorded(lab: "World", options: argparse.Namespace) -> Iterator[None]:
    """Write what is exchanged to the files asked for; when one can't be written, make neither."""
    log, har = options.log, options.har
    paths = [path for path in (log, har) if path is not None]
    new = [path for path in paths if not os.path.lexists(path)]
    try:
        if log is not None:
            record(lab.session, SessionLog(log, show_proofs=options.show_proofs))
        if har is not None:
            Story(lab.log).save_har(har)  # now, to see that it can be
    except (LabError, OSError):
        for path in new:
            with suppress(OSError):
                os.unlink(path)
        raise
    try:
        yield
    finally:
        if har is not None:
            Story(lab.log).save_har(har)
