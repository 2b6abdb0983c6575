"""How long it takes from a click on Send to a painted verdict in the bench, median of 20.

    uv run python tests/browser/latency.py [NUMBER [CHANGE OTHER]]

Measured in the page: from the click to the frame after the one in which the verdict changed, in
JupyterLab with a headless Chromium. Nothing but the time is looked at, and nothing is asserted.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from lesson import Lesson, lessons_with
from playwright.sync_api import sync_playwright

import conftest

CLASSROOM = {"width": 1366, "height": 768}
CHANGES = ("htu_with_slash", "typ_jwt")  # in turn, so that each time other rows say no
MEASURED = """panel => new Promise(resolve => {
    const verdict = panel.querySelector('.dpop-lab-verdict');
    const send = [...panel.querySelectorAll('button')].find(one => one.textContent === 'Send');
    const began = performance.now();
    const painted = () => requestAnimationFrame(() => setTimeout(
        () => resolve(performance.now() - began)));
    new MutationObserver((seen, observer) => { observer.disconnect(); painted(); }).observe(
        verdict, { subtree: true, childList: true, characterData: true });
    send.click();
})"""


def main(times: int, changes: Sequence[str]) -> None:
    """Print the median and the worst of so many clicks; changes, or attacks, are sent in turn."""
    [name, *_] = lessons_with("BenchPanel(")
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "dpop_lab", "--no-browser", "--folder", str(folder / "work")]
    environment = conftest._environment(folder)
    with (
        conftest._running(command, folder / "said.txt", environment) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=conftest.browser_found())
        page = browser.new_context(viewport=CLASSROOM).new_page()
        Lesson(page, conftest.START, url)
        panel = Lesson(page, name).run().panel()
        panel.scroll_into_view_if_needed()
        taken = []
        for number in range(times):
            panel.get_by_label("Search").fill(changes[number % len(changes)])
            page.wait_for_timeout(1000)
            taken.append(panel.evaluate(MEASURED))
            page.wait_for_timeout(500)
        browser.close()
    found = (f"{of(taken):.0f} ms" for of in (statistics.median, min, max))
    print("click to painted verdict, of {}: median {}, best {}, worst {}".format(times, *found))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20, sys.argv[2:] or CHANGES)
