"""Try a class before it comes: all participants run the lessons at once on a JupyterHub here.

    python -m tests.try_class 20                    lessons 00 to 05
    python -m tests.try_class 2 --lessons 00 05

Each signs in with the password of the class, gets a token and a server by the hub's own API, and
runs their own copies of the lessons cell by cell, in kernels that stay. What is printed: the memory
of a participant, the seconds to the first accepted call, what failed. The hub is that of
`binder/hub`, on loopback, with a password, a folder and a port of its own; all that was started
ends. Exit codes: 0 all is well, 1 something failed, 2 can't be done as asked, 130 Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from dpop_lab.cli.options import fail, listening, port
from dpop_lab.errors import LabError
from dpop_lab.lab.lessons import notebooks, originals
from tests.network import free_port
from tests.programs import end

INSTALLED = importlib.util.find_spec("jupyterhub") is not None
if INSTALLED:
    from tests.participant import Participant, attend

HUB = Path(__file__).parents[1] / "binder" / "hub"
MB = 1024 * 1024
SECONDS_TO_START, SECONDS_TO_END = 120, 60
LESSONS = [f"{number:02}" for number in range(6)]


# The hub


@contextlib.contextmanager
def hub(folder: Path, participants: int, at: int, password: str) -> Iterator[subprocess.Popen]:
    """The hub as a process that answers. Raises `LabError` with its own words when it doesn't."""
    chosen = {"PARTICIPANTS": participants, "PORT": at, "FOLDER": folder, "PASSWORD": password}
    chosen |= {"AS_ROOT": 1, "ADDRESS": "127.0.0.1"}  # who signs in here is this program alone
    environment = os.environ | {f"DPOP_LAB_HUB_{name}": str(one) for name, one in chosen.items()}
    command = [sys.executable, "-m", "jupyterhub", "-f", str(HUB / "jupyterhub_config.py")]
    log = folder / "hub.log"
    with open(log, "wb") as said:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
        process = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
    try:
        wait_for(process, f"http://127.0.0.1:{at}/hub/api/", log)
        yield process
    finally:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)  # first everything ends
        end(process, grace=SECONDS_TO_END)


def wait_for(process: subprocess.Popen, url: str, log: Path) -> None:
    """Wait until the hub answers. Raises `LabError` when it ends, or takes too long."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), opener.open(url, timeout=5):
            return
        time.sleep(0.2)
    last = log.read_text("utf-8", errors="replace").strip().rpartition("\n")[2]
    raise LabError(last.removeprefix("dpop-lab hub: ").rstrip(".") or "The hub does not answer")


def free_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for one in (first + 1, first + 2):
                stack.enter_context(socket.create_server(("127.0.0.1", one)))
            return first


# The class


async def hold(
    url: str, password: str, lessons: list[str], people: list["Participant"], of: subprocess.Popen
) -> None:
    """All participants at once, to the end; then look at the memory that each has taken."""
    all_done = asyncio.Barrier(len(people) + 1)
    async with asyncio.TaskGroup() as group:
        for who in people:
            group.create_task(attend(url, password, who, lessons, all_done))
        await all_done.wait()
        for server in psutil.Process(of.pid).children():
            for who in people:
                with contextlib.suppress(psutil.Error):  # it has died: its participant told so
                    if server.environ().get("JUPYTERHUB_USER") == who.name:
                        who.memory = memory(server)
        await all_done.wait()


def memory(process: psutil.Process) -> tuple[int, int]:
    """RSS and PSS of a process and all it started, in octets; RSS again where PSS is not told."""
    infos = [one.memory_full_info() for one in (process, *process.children(recursive=True))]
    return sum(one.rss for one in infos), sum(getattr(one, "pss", one.rss) for one in infos)


def told(people: list["Participant"], total: float) -> Iterator[str]:
    """The figures, a line each, and all failures."""
    where = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    yield f"participants         {len(people)} on {where}"
    yield f"cells run            {sum(who.cells for who in people)}"
    for name, one in (("RSS", 0), ("PSS", 1)):
        if taken := [who.memory[one] / MB for who in people if who.memory[one]]:
            middle, most = statistics.median(taken), max(taken)
            yield f"memory ({name})         {middle:.0f} MB a participant, {most:.0f} MB at most"
    if calls := [who.first_call for who in people if who.first_call is not None]:
        middle, worst = statistics.median(calls), max(calls)
        yield f"first accepted call  {middle:.1f} s after coming, {worst:.1f} s at worst"
    yield f"total                {total:.1f} s"
    failures = [f"{who.name}: {one}" for who in people for one in who.failures]
    failures += [f"{who.name}: no call was accepted" for who in people if who.first_call is None]
    yield f"failures             {len(failures)}"
    yield from failures


def chosen(arguments: list[str] | None) -> argparse.Namespace:
    """What was asked for, with the lessons by their whole names. Raises `LabError`."""
    parser = argparse.ArgumentParser(
        prog="try_class", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("participants", type=int, metavar="N", help="1 or more")
    parser.add_argument(
        "--lessons", nargs="+", metavar="NN", default=LESSONS, help="00 comes first"
    )
    parser.add_argument("--port", type=port, help="and the two above it; default: free ones")
    parser.add_argument("--seconds", type=int, default=1800, help="for all of it; default: 1800")
    options = parser.parse_args(arguments)
    if not INSTALLED:
        advice = f"Here: pip install -r {HUB / 'requirements.txt'}"
        raise LabError("JupyterHub is not in this environment", advice=advice)
    known = {path.stem.partition("_")[0]: path.stem for path in notebooks(originals())}
    for one in options.lessons:
        if one not in known:
            raise LabError("No such lesson", wanted=", ".join(known), found=repr(one))
    options.lessons = [known[one] for one in dict.fromkeys(("00", *options.lessons))]
    return options


def try_class(options: argparse.Namespace) -> int:
    """Start the hub, hold the class, tell the figures; gives 1 where something failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job, too
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    at, password = options.port or free_ports(), secrets.token_urlsafe()
    with listening("127.0.0.1", at):  # else another hub would be asked
        socket.create_server(("127.0.0.1", at)).close()
    people = [Participant(f"participant-{number + 1:02}") for number in range(options.participants)]
    since = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="dpop-lab-class-", ignore_cleanup_errors=True) as folder,
        hub(Path(folder), options.participants, at, password) as process,
    ):
        held = hold(f"http://127.0.0.1:{at}", password, options.lessons, people, process)
        try:
            asyncio.run(asyncio.wait_for(held, options.seconds))
        except TimeoutError:
            return fail(f"Not all were done after {options.seconds} seconds", 1)
        lines = list(told(people, time.monotonic() - since))
        print("\n".join(lines), flush=True)
    return int(any(who.failures or who.first_call is None for who in people))


def main(arguments: list[str] | None = None) -> int:
    """Try it; gives the exit code."""
    try:
        return try_class(chosen(arguments))
    except LabError as error:
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
