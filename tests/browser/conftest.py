"""JupyterLab as a learner starts it, in a real Chromium: once for all tests of this folder.

Where there is no Chromium or no Playwright these tests are skipped; in CI they fail instead.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.programs import end

if TYPE_CHECKING:
    from lesson import Lesson
    from playwright.sync_api import BrowserContext

HERE = Path(__file__).parent
START = "00_start"
SECONDS_TO_START = 120
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SETTINGS = {  # of JupyterLab, beside the launcher's own
    "jupyter_lab_config.json": {"LabApp": {"expose_app_in_browser": True}},
    "labconfig/page_config.json": {  # what else lies over the page while a theme changes
        "disabledExtensions": {"@jupyterlab/apputils-extension:splash": True}
    },
    "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
        "windowingMode": "none"  # every cell is in the document, also those off screen
    },
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Here the tests of a lesson follow each other: it is opened once."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    others = [item for item in items if not item.path.is_relative_to(HERE)]
    items[:] = others + sorted(ours, key=_lesson_of)


def _lesson_of(item: pytest.Item) -> str:
    called = getattr(item, "callspec", None)
    return str(called.params.get("name", START)) if called else START


def browser_found() -> str | None:
    """Where the browser is, None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="package")
def chromium() -> str:
    """Where the browser is."""
    if found := browser_found():
        return found
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    give_up(f"there is no browser on this machine: none of {', '.join(BROWSERS)}")


@pytest.fixture(scope="package")
def context(chromium: str) -> "Iterator[BrowserContext]":
    """A browser's profile, new and empty."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--disable-gpu", "--disable-quic"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        sharp = 2 if os.environ.get("DPOP_LAB_SCREENSHOTS") else 1
        size = {"width": 1280, "height": 900}
        yield browser.new_context(viewport=size, device_scale_factor=sharp)
        browser.close()


def _environment(folder: Path) -> dict[str, str]:
    """What the server's process sees: nothing of the Jupyter of the person who runs the tests."""
    for name, settings in SETTINGS.items():
        file = folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("DATA", "RUNTIME")}
    own |= {"JUPYTER_CONFIG_DIR": str(folder / "config"), "IPYTHONDIR": str(folder / "ipython")}
    foreign = ("JUPYTER", "DPOP_LAB_LIVE")
    return {n: v for n, v in os.environ.items() if not n.startswith(foreign)} | own


@contextlib.contextmanager
def _running(command: list[str], said: Path, env: dict[str, str]) -> Iterator[str]:
    """The launcher in a process of its own, until the end; gives the URL it prints."""
    with open(said, "wb") as out:
        process = subprocess.Popen(
            command, env=env, cwd=said.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while not (found := re.search(r"http://127\.0\.0\.1:\S+token=\w+", said.read_text())):
                assert process.poll() is None and time.monotonic() < deadline, said.read_text()
                time.sleep(0.05)
            yield found[0]
        finally:
            end(process)


@pytest.fixture(scope="package")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the learner works in."""
    return tmp_path_factory.mktemp("browser") / "work"


@pytest.fixture(scope="package")
def printed_url(work: Path) -> Iterator[str]:
    """What `dpop-lab --no-browser` prints for the learner to open."""
    folder = work.parent
    command = [sys.executable, "-m", "dpop_lab", "--no-browser", "--folder", str(work)]
    with _running(command, folder / "said.txt", _environment(folder)) as url:
        yield url


@pytest.fixture(scope="package")
def lesson(context: "BrowserContext", printed_url: str) -> "Callable[[str], Lesson]":
    """A lesson by its name; one is open at a time, and the start page is the first."""
    from lesson import Lesson

    page = context.new_page()
    opened = [Lesson(page, START, printed_url)]

    def one(name: str) -> Lesson:
        if opened[-1].name != name:
            opened[-1].close()
            opened.append(Lesson(page, name))
        return opened[-1]

    return one
