"""The pytest plugin: a twin for a test, others as wanted, and what they saw where a test fails.

Each run of pytest loads this module, whatever it tests: the rest of the package is loaded by the
first test that asks for a twin.
"""

from collections.abc import Callable, Generator, Iterator
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dpop_lab.pytest_twin.watched import WatchedTwin

MARKER = """dpop_twin(*, policy=DUENDE, api_nonce=False, client_id="m2m.dpop", port=0): \
the rules of this test's dpop_twin, whether its API demands nonces, the client that a test is told \
of, and the port (0: any free one); of several marks the nearest decides."""
TWINS = pytest.StashKey["list[WatchedTwin]"]()  # that run, or have something to tell


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def dpop_twin_factory(request: pytest.FixtureRequest) -> "Iterator[Callable[..., WatchedTwin]]":
    """Starts OAuth servers with an API, all with DPoP (RFC 9449), each on a port of this machine:
    `dpop_twin_factory(policy=RFC_9449)` takes what the mark dpop_twin does, and gives what the
    fixture does. Each runs until its `close()`, the end of its `with`, or the end of the session.

    Raises `LabError` for arguments that are none, and for a port that can't be had.
    """
    from dpop_lab.errors import LabError
    from dpop_lab.pytest_twin.watched import WatchedTwin

    known = [*signature(WatchedTwin).parameters]
    twins = request.config.stash[TWINS] = []

    def start(*nameless: object, **options: Any) -> WatchedTwin:
        __tracebackhide__ = True
        unknown = [repr(one) for one in nameless] + [one for one in options if one not in known]
        if unknown:
            wanted, found = f"arguments by name: {', '.join(known)}", ", ".join(unknown)
            raise LabError("Not what dpop_twin takes", wanted=wanted, found=found)
        twins.append(twin := WatchedTwin(**options))
        return twin

    yield start
    for twin in twins:
        twin.close()


@pytest.fixture
def dpop_twin(
    request: pytest.FixtureRequest, dpop_twin_factory: "Callable[..., WatchedTwin]"
) -> "Iterator[WatchedTwin]":
    """An OAuth server with an API, both with DPoP (RFC 9449), on a port of this machine, to test
    a client with: its `issuer`, `token_endpoint`, `api`, `client_id`, `client_secret` and `scope`
    are what that needs, `exchanges[-1].reports` is what was found in its last request, and
    `clock.advance(seconds)` moves the server's time. @pytest.mark.dpop_twin(policy=RFC_9449,
    api_nonce=True) chooses. Where the test fails, its report tells each request.

    Parameters given with `indirect=True` are such arguments in a dict; they go before the marks.
    """
    from dpop_lab.errors import LabError, expect

    nameless: list[object] = []
    options: dict[str, Any] = {}
    for mark in [*request.node.iter_markers("dpop_twin")][::-1]:  # the nearest is the last
        nameless, options = [*nameless, *mark.args], options | mark.kwargs
    param = getattr(request, "param", {})
    try:
        expect(param, dict, "an indirect dpop_twin", 'Such as {"policy": RFC_9449}.')
        options |= param
        twin = dpop_twin_factory(*nameless, **options)
    except LabError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    with twin:
        yield twin


@pytest.hookimpl(hookwrapper=True)  # which pytest 7.0 knows as well, where the lab is installed
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Add what its twins saw to the report of a test that failed."""
    report: pytest.TestReport = (yield).get_result()
    twins = item.config.stash.get(TWINS, [])
    if report.failed:
        report.sections += [(twin.title, text) for twin in twins if (text := twin.told_now())]
    if report.when == "teardown":
        for twin in twins:
            twin.forget()
        twins[:] = [twin for twin in twins if twin.running]
