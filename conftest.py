"""Lessons among the tests: each code cell of a notebook is one, run and compared by nbval."""

import gc
import os
import re
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

from tests.store import MASKS, kernel_environment

os.environ["DPOP_LAB_DATA"] = ""  # no test reads or writes somebody's progress
TOGETHER = re.compile(
    r".*\.ipynb(?=::)|.*tests/browser/test_(?=bench|doctor|explain|sign_in|story)"
    r"|.*tests/browser(?=/)|.*tests/interop/test_o(?=idc|ther)"
    r"|.*tests/test_(?:c(?=hanges|ompare)|binder|pages|sign_in_changes|structure)"
)
FIRST = ("tests/browser/", "tests/interop/", "notebooks/")  # they wait for others
LATER = """import sys
loaded = [name for name in sys.modules if "dpop_lab." in name and "sign_in" in name]
assert not loaded, f"this lesson loads {loaded}"
"""

if sys.dont_write_bytecode:  # kept apart, or each of some two hundred processes compiles it all
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).with_name(".pytest_cache") / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Under `-p no:xdist` its option in pyproject.toml means nothing, and does no harm."""
    if pluginmanager.is_blocked("xdist"):
        parser.getgroup("xdist")._addoption("-n")


def pytest_configure(config: pytest.Config) -> None:
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(MASKS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long without a core to itself begins, so that none is idle in the end.

    What a cell shows with a program that is not on this machine can't be compared.
    """
    items.sort(key=lambda item: [not item.nodeid.startswith(one) for one in FIRST])
    for item in items:
        if isinstance(item, IPyNbCell):
            needs = item.cell.metadata.get("dpop_lab", {}).get("needs")
            item.options["check"] &= needs is None or shutil.which(needs) is not None


def pytest_collection_finish() -> None:
    """Ten thousand tests are no garbage: it is not looked for among them again and again."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """One worker has all cells of a notebook, two the browser tests, which wait more than they
    work, one all that share what takes long: a catalogue gone through, pages, parsed modules. The
    rest come one function after the other, with all its values at once: for each unit of work
    xdist looks through all units before.

    Instead of `--dist loadgroup`, which since pytest 9.2 groups nothing (pytest-xdist issue 1386).
    """
    if config.getvalue("dist") not in ("load", "loadgroup", "worksteal"):
        return None
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class Lessons(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            together = TOGETHER.match(nodeid)
            return together[0] if together else nodeid.partition("[")[0]

    return Lessons(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """A kernel starts in the environment in which the outputs were stored."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    with kernel_environment():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """After its last cell a lesson from 00 to 08 has loaded nothing of how people sign in."""
    last, reply = nextitem is None or nextitem.parent is not item.parent, {}
    if last and isinstance(item, IPyNbCell) and re.match(r"0[0-8]_", item.path.name):
        kernel = item.parent.kernel
        sent = kernel.execute_cell_input(LATER, allow_stdin=False)
        while reply.get("parent_header", {}).get("msg_id") != sent:
            reply = kernel.get_message(stream="shell", timeout=60)
    done = yield
    if why := reply.get("content", {}).get("evalue"):
        pytest.fail(why, pytrace=False)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """After a cell that takes too long nbval lets the others fail: here they fail for good."""
    report = yield
    if isinstance(item, IPyNbCell) and hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"not compared: {report.wasxfail}"
        del report.wasxfail
    return report
