"""Programs that tests start: each ends with its test, and with it all that it started."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psutil

SECONDS = 240  # for what a program is waited for; no machine is that busy
GRACE = 30  # seconds to end when asked to, before it is killed


def run(command, **given):
    """A program from start to end, its output as text; it is killed when it takes far too long."""
    given = {"stdin": subprocess.DEVNULL, "encoding": "utf-8", "timeout": SECONDS} | given
    return subprocess.run(command, capture_output=True, **given)


@contextmanager
def started(command, *, grace=GRACE, **given):
    """A program as a process, its output as text in pipes; it is ended in any case."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **(pipes | {"encoding": "utf-8"} | given))
    try:
        yield process
    finally:
        end(process, grace=grace)


def end(process, *, grace=GRACE):
    """Ask a process to end, and kill what is left of it and of all that it started by then."""
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()  # not killed at once: it may have files to take away
    try:
        process.communicate(timeout=grace)  # it may have more to say than a pipe holds
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        kill(family)
        process.communicate()


def kill(processes):
    """Kill those that still run, and wait until they are gone."""
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(processes, timeout=5)  # or until nobody asks for their exit codes


def in_a_thread(call):
    """What this gives in a thread of its own: in ours another test's event loop may be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
