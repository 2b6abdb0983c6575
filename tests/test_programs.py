"""The tests' own programs: they end in any case, and a test that leaves one running fails."""

import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest

from tests.programs import run, started

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = f"""
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen({SLEEP}).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_program_that_will_not_end_is_killed_with_all_it_started():
    with pytest.raises(ZeroDivisionError), started([sys.executable, "-c", DEAF], grace=0.1) as one:
        child = psutil.Process(int(one.stdout.readline()))
        assert child.is_running()
        1 / 0  # noqa: B018  what a test does that fails
    assert one.returncode < 0
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_test_that_leaves_a_process_fails(tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    text = "import conftest, subprocess\nconftest.SECONDS_TO_END = 0.1\n"
    text += f"def test_it():\n    subprocess.Popen({SLEEP})\n"
    (tmp_path / "test_left.py").write_text(text, encoding="utf-8")
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = run([sys.executable, "-m", "pytest", str(tmp_path)], cwd=tmp_path, env=alone)
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout
    assert "time.sleep(600)" in done.stdout
