"""The panels in their lessons, driven as people do: by their labels, and by the keyboard alone."""

import os
import re

import pytest
from lesson import ANSWERED, PANEL, SIZE, Locator, expect, lessons_with

HOSTILE = "<img src=x onerror=alert(1)>"
AGAIN, SIGN, HELD_TO = "Start again", "Sign again after each change", "Held to"
ENCODED = "Encoded"
STAYED, CHANGED = re.compile("the same"), re.compile("has changed")
NONE, ACCEPTED = re.compile("no thumbprint"), re.compile("accepted", re.IGNORECASE)
THUMBPRINT_AFTER = {"kty": NONE, "kid": STAYED, "use": STAYED, "alg": STAYED}  # others: CHANGED
REFUSED_BY = {  # a field: what is typed into it, and the row that sees it
    "typ": ("jwt", "typ"),
    "alg": ("HS256", "alg"),
    "jti": ("", "jti"),
    "htm": ("DELETE", "htm"),
    "htu": ("https://thief.example/token", "htu"),
    "iat": ("1", "fresh"),
}

KEY_LESSONS, PROOF_LESSONS = lessons_with("KeyPanel("), lessons_with("ProofPanel(")
each_panel = pytest.mark.parametrize("name", KEY_LESSONS + PROOF_LESSONS)
each_key_panel = pytest.mark.parametrize("name", KEY_LESSONS)
each_proof_panel = pytest.mark.parametrize("name", PROOF_LESSONS)


class Panel:
    """The panel of a lesson, as it is at the start; `labels` are those of its text fields."""

    def __init__(self, root: Locator) -> None:
        self.root, self.keyboard = root, root.page.keyboard
        self.verdict = root.locator(".dpop-lab-verdict")
        self.again = root.get_by_role("button", name=AGAIN)
        self.again.click()
        root.page.evaluate(ANSWERED)  # else what comes back from the click undoes what is typed
        labels = "fields => fields.map(field => field.labels[0].textContent)"
        self.labels: list[str] = root.get_by_role("textbox").evaluate_all(labels)

    def control(self, label: str) -> Locator:
        """The field, switch, list or button with this label."""
        return self.root.get_by_label(label, exact=True).or_(
            self.root.get_by_role("button", name=label, exact=True)
        )

    def says(self, words: "re.Pattern[str]") -> None:
        """Wait until the verdict says something."""
        expect(self.verdict).to_have_text(words)

    def tab_to(self, *labels: str) -> None:
        """Press Tab once for each of these controls, which are to get the focus in this order."""
        for label in labels:
            self.keyboard.press("Tab")
            expect(self.control(label)).to_be_focused()


@pytest.fixture
def panel(lesson, name):
    return Panel(lesson(name).run().panel())


def refused(row):
    """What the verdict says of a proof that fails at a row."""
    return re.compile(rf"refused.*\b{row}\b", re.IGNORECASE)


@each_key_panel
def test_each_member_of_a_key_changes_the_thumbprint_or_leaves_it(panel, name):
    assert {"kty", *THUMBPRINT_AFTER} < set(panel.labels)
    for label in panel.labels:
        panel.says(STAYED)
        panel.control(label).fill("other")
        panel.says(THUMBPRINT_AFTER.get(label, CHANGED))
        panel.again.click()
    panel.says(STAYED)


@each_proof_panel
def test_each_field_of_a_proof_is_refused_by_its_row(panel, name):
    assert panel.labels == [*REFUSED_BY, ENCODED]
    for label, (text, row) in REFUSED_BY.items():
        panel.says(ACCEPTED)
        panel.control(label).fill(text)
        panel.says(refused(row))
        panel.again.click()
    panel.says(ACCEPTED)


@each_proof_panel
def test_an_old_signature_does_not_fit_a_new_claim(panel, name):
    panel.control(SIGN).uncheck()
    panel.control("htm").fill("DELETE")
    panel.says(refused("signature"))
    panel.control(SIGN).check()
    panel.says(refused("htm"))


@each_proof_panel
def test_what_one_policy_takes_the_other_refuses(panel, name):
    stale = int(panel.control("iat").input_value()) - 200
    panel.control("iat").fill(str(stale))
    panel.says(ACCEPTED)
    panel.control(HELD_TO).select_option("RFC_9449")
    panel.says(refused("fresh"))


@each_key_panel
def test_a_key_panel_needs_no_mouse(panel, name):
    middle = panel.labels.index("kid")
    panel.control(panel.labels[0]).focus()
    panel.tab_to(*panel.labels[1:middle])
    panel.keyboard.type("AQAB")  # what is tabbed to is selected, so this replaces it
    panel.says(CHANGED)
    panel.tab_to(*panel.labels[middle:], AGAIN)
    panel.keyboard.press("Space")
    panel.says(STAYED)


@each_proof_panel
def test_a_proof_panel_needs_no_mouse(panel, name):
    panel.control("typ").focus()
    panel.tab_to("alg", "jti", "htm")
    panel.keyboard.type("DELETE")
    panel.says(refused("htm"))
    panel.tab_to("htu", "iat", ENCODED, SIGN)
    panel.keyboard.press("Space")
    expect(panel.control(SIGN)).not_to_be_checked()
    panel.keyboard.press("Shift+Tab")
    panel.keyboard.press("Shift+Tab")
    panel.keyboard.type("1")
    panel.says(refused("signature"))
    panel.tab_to(ENCODED, SIGN, HELD_TO)
    for key in ("Space", "ArrowDown", "Enter"):  # JupyterLab takes arrows from a list not open
        panel.keyboard.press(key)
    expect(panel.control(HELD_TO)).to_have_value("RFC_9449")
    panel.tab_to(AGAIN)
    panel.keyboard.press("Space")
    panel.says(ACCEPTED)
    expect(panel.control(SIGN)).to_be_checked()
    expect(panel.control(HELD_TO)).to_have_value("DUENDE")


@each_panel
def test_what_is_typed_never_becomes_markup(panel, lesson, name):
    first, *rest = panel.labels
    for label in rest:
        panel.control(label).fill(HOSTILE)
    expect(panel.root).to_contain_text(HOSTILE)
    panel.control(first).fill(HOSTILE)
    panel.says(re.compile("refused|no thumbprint", re.IGNORECASE))
    expect(panel.root.locator("img")).to_have_count(0)
    panel.again.click()
    panel.says(re.compile("accepted|the same", re.IGNORECASE))
    assert lesson(name).said == []
    assert not [url for url in lesson(name).asked if url.endswith("/x")]


@each_panel
def test_a_panel_that_says_no_is_accessible(panel, lesson, name):
    panel.control(panel.labels[-1]).fill("other")
    panel.says(re.compile("refused|not a usable", re.IGNORECASE))
    assert lesson(name).faults(f"{name}-panel", PANEL) == []


@each_proof_panel
def test_the_encoded_proof_can_be_edited_as_well(panel, name):
    before = panel.control(ENCODED).input_value()
    panel.control("htm").fill("DELETE")
    panel.says(refused("htm"))
    expect(panel.control(ENCODED)).not_to_have_value(before)
    panel.control(ENCODED).fill(before)
    panel.says(ACCEPTED)
    expect(panel.control("htm")).to_have_value("POST")
    panel.control(ENCODED).press("End")
    panel.keyboard.type("AAAAAAAAAAAAAAAAAAAA", delay=20)  # each is judged, and none is lost
    panel.says(refused("signature"))
    expect(panel.control(ENCODED)).to_have_value(f"{before}AAAAAAAAAAAAAAAAAAAA")


@each_panel
def test_fields_and_verdict_are_seen_together(panel, name):
    panel.root.page.set_viewport_size({"width": 1366, "height": 768})
    panel.root.get_by_role("textbox").first.scroll_into_view_if_needed()
    panel.root.evaluate("root => root.scrollIntoView()")
    for seen in (panel.root.get_by_role("textbox").first, panel.verdict, panel.again):
        expect(seen).to_be_in_viewport(ratio=1)
    panel.root.page.set_viewport_size(SIZE)
    picture = os.environ.get("DPOP_LAB_SCREENSHOTS")
    if picture:
        panel.root.page.set_viewport_size({"width": 1366, "height": 768})
        panel.root.page.screenshot(path=f"{picture}/panel-{name}.png")
        panel.root.page.set_viewport_size(SIZE)
