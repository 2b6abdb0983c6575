"""Lessons among the tests: each code cell of a notebook is one, run and compared by nbval.

pyproject.toml loads this file as a plugin too, so that it is there for `pytest notebooks/…` alone;
what it does may be done twice.
"""

from collections.abc import Generator

import pytest
from nbval.plugin import IPyNbCell

from tests.store import MASKS, kernel_environment


def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """Under `-p no:xdist` its options in pyproject.toml mean nothing, and do no harm."""
    if early_config.pluginmanager.is_blocked("xdist"):
        group = parser.getgroup("xdist")
        group._addoption("-n")
        group._addoption("--dist")


def pytest_configure(config: pytest.Config) -> None:
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(MASKS)


def pytest_itemcollected(item: pytest.Item) -> None:
    """One kernel runs a notebook from its first cell to its last: one worker has them all."""
    if isinstance(item, IPyNbCell) and item.config.pluginmanager.hasplugin("xdist"):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """A kernel starts in the environment in which the outputs were stored."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    with kernel_environment():
        return (yield)
