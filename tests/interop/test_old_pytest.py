"""A suite under a pytest of some years ago, beside which the lab happens to be installed."""

import os
from pathlib import Path

from tests.programs import run

ROOT = Path(__file__).parents[2]
TESTS = """
def test_that_asks_for_no_twin(): ...

def test_that_fails(): assert not 1
"""


def test_the_plugin_is_no_hindrance_to_a_suite_under_an_old_pytest(old_python, tmp_path) -> None:
    (tmp_path / "test_theirs.py").write_text(TESTS, "ascii")
    command = [str(old_python), "-m", "pytest", "-q", "-W", "error", "-p", "dpop_lab.pytest_twin"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = run(command, cwd=tmp_path, env=environment)
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 passed"), done.stdout + done.stderr
