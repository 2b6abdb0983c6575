"""A lesson open in JupyterLab: what it shows, what it said, whom it asked."""

import html
import json
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

try:
    from axe_playwright_python.base import AXE_SCRIPT, AxeResults
    from playwright.sync_api import Locator, Page, expect
except ImportError as error:
    if os.environ.get("CI"):
        raise
    pytest.skip(f"there is no Playwright here: {error}", allow_module_level=True)

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LESSONS = [path.stem for path in NOTEBOOKS]
THEMES = ("JupyterLab Light", "JupyterLab Dark")
TAB = ".jp-NotebookPanel:not(.lm-mod-hidden)"
OURS = f"{TAB} .jp-OutputArea-output, {TAB} .jp-MarkdownOutput"
TABS = "#jp-main-dock-panel .lm-TabBar-tab"
FRONT = f"{TABS}.lm-mod-current"
PANEL = f"{TAB} .dpop-lab-panel"
WCAG = ["wcag2a", "wcag2aa"]
CONTRAST = ["color-contrast"]  # what a theme can change
LINKS = "link-in-text-block"  # in a lesson's text it is JupyterLab that does not underline them
# JupyterLab's body is 0 pixels high and hides what overflows: axe-core would take all for unseen
SEEN = "() => { document.body.style.minHeight = '100vh'; }"
LOCAL = ("data", "blob")  # addresses without a host
SIZE = {"width": 1280, "height": 900}
SECONDS = 60
OPEN = """async path => {
    const notebook = await window.jupyterapp.commands.execute('docmanager:open', { path });
    await notebook.revealed;
    await notebook.context.ready;
    await notebook.sessionContext.ready;
    await notebook.sessionContext.session.kernel.info;
}"""
ANSWERED = """async () => {
    const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
    await session.kernel.requestKernelInfo();
}"""
COMMAND = "([name, options]) => window.jupyterapp.commands.execute(name, options)"
HEIGHT = f"() => document.querySelector('{TAB} .jp-WindowedPanel-viewport').offsetHeight"
TO_THE_TOP = f"() => document.querySelector('{TAB} .jp-WindowedPanel-outer').scrollTo(0, 0)"
expect.set_options(timeout=SECONDS * 1000)


def source(name: str) -> dict[str, Any]:
    """A lesson's file."""
    notebook: dict[str, Any] = json.loads(NOTEBOOKS[LESSONS.index(name)].read_text("utf-8"))
    return notebook


def lessons_with(text: str) -> list[str]:
    """The lessons in whose code a text occurs."""
    return [
        name
        for name in LESSONS
        if any(
            text in "".join(cell["source"])
            for cell in source(name)["cells"]
            if cell["cell_type"] == "code"
        )
    ]


def squeezed(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def words(output: dict[str, Any]) -> str:
    """What a person should read of a stored output."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" in data:
        return squeezed(html.unescape(re.sub(r"<[^>]*>", "", "".join(data["text/html"]))))
    return squeezed("".join(data.get("text/plain", "")))


def faults(page: Page, rules: list[str] | None = None, part: str = "html") -> list[str]:
    """What axe-core finds in a part of a page; `rules` are their names or tags, None is all."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    asked: dict[str, Any] = {"resultTypes": ["violations"]}
    asked |= {"runOnly": rules} if rules else {}
    asked |= {"rules": {LINKS: {"enabled": False}}} if part == OURS else {}
    answer = page.evaluate("([part, asked]) => axe.run(part, asked)", [part, asked])
    found = AxeResults(answer)
    return [found.generate_report(one["id"]) for one in answer["violations"]]


class Lesson:
    """A notebook in a tab of JupyterLab, ready to be run; the first one opens JupyterLab, too.

    `said` are errors and warnings of the console, exceptions of the page and dialogs; `asked` the
    addresses of all requests; `at_first` the texts under the code cells before anything was run.
    `tab` is what is in front, `tabs` the names of all at the time this one was opened.
    """

    def __init__(self, page: Page, name: str, url: str = "") -> None:
        self.page, self.name, self.began = page, name, time.perf_counter()
        self.tab = page.locator(TAB)
        self.said: list[str] = []
        self.asked: list[str] = []
        self._ran = False
        self._listen()
        page.set_default_timeout(SECONDS * 1000)
        if url:
            page.goto(url)
            expect(page.locator(FRONT)).to_have_text(f"{name}.ipynb")
            page.evaluate(SEEN)
        page.evaluate(OPEN, f"{name}.ipynb")
        self.at_first = self.shown()
        self.tabs = page.locator(TABS).all_inner_texts()

    def _listen(self) -> None:
        def dismiss(dialog: Any) -> None:
            self.said.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def note(message: Any) -> None:
            if message.type in ("error", "warning"):
                self.said.append(f"{message.type}: {message.text}")

        self.page.on("dialog", dismiss)
        self.page.on("console", note)
        self.page.on("pageerror", lambda error: self.said.append(f"exception: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    def close(self) -> None:
        """Close its tab, without a question whether to save what has changed.

        Not before the kernel has answered: what JupyterLab asks it on opening would be cancelled,
        and the console would say so.
        """
        self.page.evaluate(ANSWERED)
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")

    def command(self, name: str, **options: object) -> Any:
        """Let JupyterLab carry out one of its commands, to the end."""
        return self.page.evaluate(COMMAND, [name, options])

    def run(self) -> "Lesson":
        """Run all cells, once."""
        if not self._ran:
            self.command("notebook:run-all-cells")
            self._ran = True
        return self

    def shown(self) -> list[str]:
        """The text under each code cell, as it is on the page."""
        return self.tab.locator(".jp-CodeCell").evaluate_all(
            "cells => cells.map(cell => Array.from("
            "cell.querySelectorAll('.jp-OutputArea-output'), one => one.textContent).join(''))"
        )

    def outputs(self) -> list[dict[str, Any]]:
        """All outputs as the notebook holds them now."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells"
            ".flatMap(cell => cell.toJSON().outputs ?? [])"
        )

    def strangers(self) -> list[str]:
        """What was asked of anybody but the server the lesson came from."""
        own = urlsplit(self.page.url).netloc
        asked = (urlsplit(url) for url in self.asked)
        return [one.geturl() for one in asked if one.netloc != own and one.scheme not in LOCAL]

    def wear(self, theme: str) -> None:
        """Change the theme of JupyterLab."""
        self.command("apputils:change-theme", theme=theme)
        self.page.locator(f'body[data-jp-theme-name="{theme}"]').wait_for(state="attached")

    def faults(self, picture: str, part: str = OURS) -> list[str]:
        """What axe-core finds in a part of the notebook, against WCAG 2 A and AA, in both themes.

        In the theme that is worn it is asked all rules, in the other one those about colours, of
        which it sees no more than what is in the window. A picture is kept of each theme.
        """
        worn = self.page.locator("body").get_attribute("data-jp-theme-name")
        found = []
        for theme in sorted(THEMES, key=lambda one: one != worn):
            self.wear(theme)
            self.keep_picture(f"{picture}-{theme.split()[-1].lower()}", part)
            rules = WCAG if theme == worn else CONTRAST
            found += [f"{theme}: {one}" for one in faults(self.page, rules, part)]
        return found

    def panel(self) -> Locator:
        """The first of our panels."""
        return self.tab.locator(".dpop-lab-panel").first

    def keep_picture(self, name: str, part: str) -> None:
        """A screenshot of the whole notebook or a part of it, where a person has asked for them."""
        folder = os.environ.get("DPOP_LAB_SCREENSHOTS")
        if folder:
            high = self.page.evaluate(HEIGHT) + 150
            self.page.set_viewport_size({**SIZE, "height": min(high, 16000)})
            self.page.evaluate(TO_THE_TOP)
            shown = self.page if part == OURS else self.page.locator(part).first
            shown.screenshot(path=Path(folder, f"{name}.png"))
            self.page.set_viewport_size(SIZE)
