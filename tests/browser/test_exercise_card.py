"""The card of an exercise in its lesson: it opens hints, and knows by itself what was sent."""

import re

import pytest
from lesson import PANEL, expect, lessons_with

SEND = """async code => {
    const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
    await session.kernel.requestExecute({ code, store_history: false }).done;
}"""
TRY = 'one = exercise("05.2"); one.client(one.lab, one.key)'


@pytest.mark.parametrize("name", lessons_with('exercise("05.2")'))
def test_a_card_changes_by_itself_and_opens_hints_by_the_keyboard(lesson, name):
    ran = lesson(name).run()
    card = ran.page.locator(PANEL).filter(has_text="Exercise 05.2")
    verdict = card.locator(".dpop-lab-verdict")
    expect(verdict).to_have_text(re.compile("Not begun"))
    ran.page.evaluate(SEND, TRY)
    expect(verdict).to_have_text(re.compile("hash of the token before"))
    expect(verdict).to_have_attribute("role", "status")
    hint = card.get_by_role("button", name=re.compile("hint"))
    for left in (2, 1):
        hint.focus()
        ran.page.keyboard.press("Enter")
        expect(hint).to_have_text(f"Open a hint ({left} left)")
    expect(card.get_by_text("Run it as it is")).to_be_visible()
    ran.page.keyboard.press("Enter")
    expect(hint).to_be_disabled()
    assert ran.faults("exercise", PANEL) == []
    again = card.get_by_role("button", name="Start again")
    expect(again).to_be_focused()  # the other button is of no use any more
    again.click()
    expect(verdict).to_have_text(re.compile("Begun"))
