"""What holds for all tests: Ctrl-C reaches what they start, and none leaves a process behind."""

import signal
from collections.abc import Iterator

import psutil
import pytest

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


def _described(process: psutil.Process) -> str:
    """A process as a person knows it again."""
    with process.oneshot():
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
