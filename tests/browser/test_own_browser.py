"""Lesson 9 in JupyterLab, and the sign-in that it leaves to the reader's own browser."""

import os
from pathlib import Path

import pytest
from lesson import THEMES, expect

NAME, CAME = "09_sign_in", "visit.finish()"
SIZE = {"width": 1366, "height": 768}
CHOOSE = """text => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const cells = content.widgets.map(cell => cell.model.sharedModel.source.trim());
    content.activeCellIndex = cells.indexOf(text);
    content.activeCell.node.scrollIntoView({ block: 'center' });
}"""


@pytest.mark.parametrize("name", [NAME])
def test_the_reader_follows_the_link_and_whatever_cell_runs_then_the_story_is_told(lesson, name):
    ran = lesson(name).run()
    cell = ran.tab.locator(".jp-CodeCell").filter(has_text=CAME).last
    ran.page.set_viewport_size(SIZE)
    expect(cell).to_contain_text("Nobody has come yet")
    with ran.page.context.expect_page() as opened:
        ran.tab.get_by_role("link", name="Sign in at the twin's own login page").click()
    visit = opened.value
    visit.set_viewport_size(SIZE)
    visit.get_by_label("Username").fill("alice")
    visit.get_by_label("Password").fill("alice")
    keep(visit, "login")
    visit.get_by_role("button", name="Login").click()
    expect(visit.get_by_role("main")).to_contain_text(CAME)
    keep(visit, "back")
    visit.close()
    ran.page.keyboard.press("Shift+Enter")  # where the link was clicked: its cell runs again
    link = ran.tab.locator(".jp-CodeCell").filter(has_text="BrowserSignIn(wire)")
    expect(link).to_contain_text("came back")
    keep(ran.page, "again")
    ran.page.evaluate(CHOOSE, CAME)
    ran.command("notebook:run-cell")
    expect(cell).to_contain_text("/api/dpop/test")
    assert cell.inner_text().count("/connect/authorize/callback") == 1
    for theme in THEMES:
        ran.wear(theme)
        ran.page.evaluate(CHOOSE, CAME)
        keep(ran.page, f"came-{theme.split()[-1].lower()}")


def keep(page, name):
    """A picture of what is in the window, where a person has asked for them."""
    if folder := os.environ.get("DPOP_LAB_SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"own-browser-{name}.png"))
