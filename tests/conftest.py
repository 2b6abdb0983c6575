"""What holds for all tests: Ctrl-C reaches what they start, and none leaves a process behind.

And what some share: the two policies compared in everything.
"""

import signal
from collections.abc import Iterator

import psutil
import pytest

from dpop_lab import RFC_9449, Lab
from dpop_lab.lab.compare import compare
from dpop_lab.lab.comparison import Comparison

SECONDS_TO_END = 10


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell's background job, and all that it starts, passes over SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail at the end where one is left that a test started, and name it; it is killed."""
    yield
    left = psutil.Process().children(recursive=True)
    _, left = psutil.wait_procs(left, timeout=SECONDS_TO_END)
    lines = [_described(one) for one in left]
    for one in left:
        one.kill()
    psutil.wait_procs(left, timeout=SECONDS_TO_END)
    assert not lines, f"a test left running: {'; '.join(lines)}"


@pytest.fixture(scope="session")
def policies() -> Comparison:
    """The two policies compared in everything: all changes, all places."""
    return compare(Lab(), Lab(policy=RFC_9449))


def _described(process: psutil.Process) -> str:
    """A process as a person knows it again."""
    with process.oneshot():
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
