"""The bench in its lesson, driven by labels with the mouse, and by the keyboard alone."""

import os
import re
from pathlib import Path

import pytest
from lesson import ANSWERED, PANEL, SIZE, Locator, expect, lessons_with
from test_panel_controls import HOSTILE, Panel

from dpop_lab import CHANGES, SIGN_IN_CHANGES

SEND, SAME, MOVE, BLIND = "Send", "Send again", "Move the clock", "Draw one blind"
SIGN, SERVER, SENT = "Sign again after editing", "Server", "Sent so far"
DIFFER = "only where the two servers differ"
PREDICTS, STRIKES, EDIT = "predicts it", "strikes it out", "Edit the proof"
CLASSROOM = {"width": 1366, "height": 768}
MOMENT = 150  # milliseconds
EDGE = 8  # pixels that a shadow or a focus ring may stand out
FITS = f"one => one.scrollWidth <= one.clientWidth + {EDGE}"

each_bench = pytest.mark.parametrize("name", lessons_with("BenchPanel(lab)"))


class Bench(Panel):
    """The panel at its start, with what a person does to it."""

    def settle(self) -> None:
        """Wait until the kernel has answered, else what it sends undoes what is typed next.

        What it sent before its answer is carried out a moment later.
        """
        self.root.page.evaluate(ANSWERED)
        self.root.page.wait_for_timeout(MOMENT)

    def choose(self, label: str, option: str) -> None:
        """Choose an entry of a list."""
        self.control(label).select_option(option)
        self.settle()

    def change(self, name: str) -> None:
        """Choose a change, which is listed by its title."""
        self.choose("Change", CHANGES[name].title)

    def press(self, label: str) -> None:
        """Click a button."""
        self.control(label).click()

    def chip(self, row: str) -> Locator:
        """The button of a row, whatever its mark."""
        return self.root.get_by_role("button", name=re.compile(rf"^\W*{row}$"))

    def chips(self, doing: str, *rows: str) -> None:
        """Press the buttons of rows, to predict them or to strike them out."""
        self.press(doing)
        self.settle()
        for row in rows:
            self.chip(row).click()
            self.settle()

    def unfold(self, summary: str) -> None:
        """Show what is folded under a summary."""
        fold = self.root.locator("details", has_text=summary)
        if not fold.evaluate("one => one.open"):
            fold.locator("summary").click()

    def seen(self, part: Locator) -> bool:
        """Is the whole of a part in the window?"""
        inside = "(one, size) => { const r = one.getBoundingClientRect();"
        inside += " return r.top >= 0 && r.bottom <= size.height && r.right <= size.width; }"
        return part.evaluate(inside, CLASSROOM)

    def keep_picture(self, file: Path) -> None:
        """A sharp picture for the README, as wide as that is, down to the end of the verdict."""
        page = self.root.page
        page.set_viewport_size({"width": 1290, "height": 1000})
        self.root.locator("summary", has_text=EDIT).click()
        self.root.evaluate("one => one.scrollIntoView({ block: 'start' })")
        self.settle()
        box, low = self.root.bounding_box(), self.verdict.bounding_box()
        page.screenshot(path=file, clip={**box, "height": low["y"] + low["height"] - box["y"] + 8})


@pytest.fixture
def bench(lesson, name):
    panel = Bench(lesson(name).run().panel())
    panel.unfold(EDIT)
    panel.settle()
    return panel


def refused(row):
    return re.compile(rf"Refused .*\b{row}\b")


ACCEPTED = re.compile("Accepted")


@each_bench
def test_an_attack_is_predicted_sent_and_let_in_without_its_row(bench, name):
    bench.choose("Who", "a thief with the token")
    bench.change("own_key")
    bench.chips(PREDICTS, "htm", "bound_key")
    expect(bench.chip("bound_key")).to_have_attribute("aria-pressed", "true")
    expect(bench.chip("htm")).to_have_attribute("aria-pressed", "false")
    bench.press(SEND)
    bench.says(refused("bound_key"))
    bench.says(re.compile("You predicted bound_key: right"))
    expect(bench.root).to_contain_text(re.compile("[1-9] of [1-9] predictions right"))
    expect(bench.chip("bound_key")).to_have_text("✗ bound_key")
    expect(bench.chip("htm")).to_have_text("✓ htm")
    bench.chips(STRIKES, "bound_key")
    bench.press(SAME)
    bench.says(re.compile("Accepted .*without bound_key"))
    bench.chips(STRIKES, "bound_key")
    bench.press(SAME)
    bench.says(refused("bound_key"))
    bench.control(SENT).select_option(index=1)
    bench.says(re.compile("Accepted .*without bound_key"))


@each_bench
def test_choice_send_and_verdict_are_seen_together(bench, name):
    page = bench.root.page
    page.set_viewport_size(CLASSROOM)
    try:
        bench.root.evaluate("one => one.scrollIntoView({ block: 'start' })")
        bench.control("Search").fill("slash htu")
        bench.settle()
        assert bench.control("Change").locator("option:enabled").count() == 2
        bench.chips(PREDICTS, "htu")
        bench.press(SEND)
        bench.says(refused("htu"))
        for part in (bench.control("Search"), bench.control("Change"), bench.control(SEND)):
            assert bench.seen(part)
        assert bench.seen(bench.control(SAME)) and bench.seen(bench.verdict)
        assert bench.seen(bench.chip("scheme")) and bench.seen(bench.chip("unused"))
        if folder := os.environ.get("DPOP_LAB_SCREENSHOTS"):
            bench.keep_picture(Path(folder, "bench.png"))
    finally:
        page.set_viewport_size(SIZE)


@each_bench
def test_a_sign_in_is_attacked_and_all_of_it_is_seen_together_without_a_mouse(bench, lesson, name):
    page = bench.root.page
    page.set_viewport_size(CLASSROOM)
    try:
        bench.root.evaluate("one => one.scrollIntoView({ block: 'start' })")
        bench.control("What").focus()
        for key in ("End", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"):
            bench.keyboard.press(key)  # the last one, which brings more: the fourth is codes
            bench.settle()
        bench.tab_to(DIFFER, BLIND, "Change")
        bench.keyboard.press("End")
        bench.settle()
        title = SIGN_IN_CHANGES["other_redirect_uri"].title
        assert title in bench.root.locator(".dpop-lab-about").inner_text().lower()
        bench.tab_to(SERVER, SEND)  # there is no proof to edit
        bench.chip("no row").focus()
        bench.keyboard.press("Space")
        bench.settle()
        bench.control(SEND).focus()
        bench.keyboard.press("Enter")
        bench.says(re.compile("by no row, but by redirect URI.*You predicted no row: right"))
        for part in (bench.control("Change"), bench.control(SEND), bench.verdict):
            assert bench.seen(part)
        assert bench.seen(bench.chip("one_header")) and bench.seen(bench.chip("the client"))
        assert bench.root.evaluate(FITS)
        assert lesson(name).faults(f"{name}-attack", PANEL) == []
    finally:
        page.set_viewport_size(SIZE)


@each_bench
def test_blind_mode_tells_the_name_when_it_is_predicted_and_sent(bench, name):
    bench.choose("What", "The token request")
    bench.press(BLIND)
    bench.says(re.compile("Predict one"))
    expect(bench.control(SEND)).to_be_disabled()
    expect(bench.root).to_contain_text(" /connect/token HTTP/1.1")
    bench.chips(PREDICTS, "accepted")
    bench.press(SEND)
    bench.says(re.compile("You predicted accepted"))
    chosen = bench.control("Change").evaluate("one => one.selectedOptions[0].text")
    expect(bench.verdict).to_contain_text(chosen.replace("\xa0", " "))


@each_bench
def test_the_texts_are_edited_and_signed_or_not(bench, name):
    bench.choose("Target", "token endpoint")
    expect(bench.control("Claims")).to_have_value(re.compile("POST"))
    whole = bench.control("Encoded").input_value()
    claims = bench.control("Claims").input_value()
    bench.control("Claims").fill(claims.replace("POST", "DELETE"))
    bench.press(SEND)
    bench.says(refused("htm"))
    expect(bench.control("Encoded")).not_to_have_value(whole)
    bench.control(SIGN).uncheck()
    bench.settle()
    bench.press(SEND)
    bench.says(refused("signature"))
    bench.control(SIGN).check()
    bench.settle()
    bench.control("Encoded").fill(whole[:-9] + 9 * "A")
    bench.press(SEND)
    bench.says(refused("signature"))
    expect(bench.control("Claims")).to_have_value(claims)
    header = bench.control("Header").input_value()
    bench.control("Header").fill(header.replace("dpop+jwt", "JWT"))
    bench.press(SEND)
    bench.says(refused("typ"))


@each_bench
def test_the_signer_the_server_and_the_clock_are_chosen(bench, name):
    bench.choose("Signed by", "thief")
    bench.press(SEND)
    bench.says(refused("bound_key"))
    bench.choose("Signed by", "owner")
    bench.press(SEND)
    bench.says(ACCEPTED)
    bench.change("htu_with_user")
    bench.press(SEND)
    bench.says(ACCEPTED)
    bench.choose(SERVER, "RFC_9449")
    bench.press(SAME)
    bench.says(refused("htu"))
    bench.choose(SERVER, "DUENDE")
    bench.change("honest")
    bench.press(SEND)
    bench.says(ACCEPTED)
    bench.unfold(MOVE)
    bench.control("Seconds").fill("600")
    bench.settle()
    bench.press(MOVE)
    bench.settle()
    bench.press(SAME)
    bench.says(refused("fresh"))


@each_bench
def test_the_bench_needs_no_mouse(bench, name):
    bench.control("Search").focus()
    bench.keyboard.type("own_key")
    expect(bench.control("Change").locator("option:enabled")).to_have_count(1)
    bench.keyboard.press("Control+A")
    bench.keyboard.press("Delete")
    bench.settle()
    bench.tab_to("Who", "What", DIFFER, BLIND, "Change")
    bench.keyboard.press("Home")  # of which the heading is passed over
    bench.settle()
    bench.keyboard.press("ArrowDown")  # another heading, and beyond it
    bench.settle()
    chosen = bench.control("Change").evaluate("one => one.selectedOptions[0].text")
    expect(bench.control("Change").locator("option:enabled").nth(1)).to_have_text(chosen)
    bench.tab_to("Target", SERVER, "Signed by", SIGN)
    bench.keyboard.press("Space")
    expect(bench.control(SIGN)).not_to_be_checked()
    bench.tab_to(SEND)
    bench.keyboard.press("Enter")
    bench.says(re.compile("Refused"))
    bench.tab_to(SAME)
    bench.keyboard.press("Space")
    bench.says(re.compile("#[0-9]+.*Refused|Refused.*#[0-9]+"))
    bench.chip("accepted").focus()
    bench.keyboard.press("Tab")
    expect(bench.chip("scheme")).to_be_focused()
    bench.keyboard.press("Space")
    expect(bench.chip("scheme")).to_have_attribute("aria-pressed", "true")
    bench.control(STRIKES).focus()
    bench.keyboard.press("Enter")
    bench.settle()
    bench.keyboard.press("Tab")
    bench.keyboard.press("Space")
    expect(bench.chip("scheme")).to_have_attribute("aria-pressed", "true")
    bench.control("Start again").focus()
    bench.keyboard.press("Space")
    bench.says(re.compile("Nothing was sent"))


@each_bench
def test_what_is_typed_into_the_bench_never_becomes_markup(bench, lesson, name):
    before = len(lesson(name).said)
    for label in ("Header", "Claims"):
        text = bench.control(label).input_value()
        member = '"typ": "' if label == "Header" else '"htm": "'
        bench.control(label).fill(text.replace(member, member + HOSTILE))
    bench.unfold(MOVE)
    bench.control("Seconds").fill(HOSTILE)
    bench.settle()
    bench.press(SEND)
    bench.says(re.compile("Refused"))
    expect(bench.root).to_contain_text(HOSTILE)
    bench.press(MOVE)
    expect(bench.root).to_contain_text("Seconds wants a number")
    expect(bench.root.locator("img")).to_have_count(0)
    for label in ("Header", "Claims", "Encoded"):
        bench.control(label).fill(HOSTILE)
    bench.press(SEND)
    bench.says(refused("well_formed"))
    expect(bench.root.locator("img")).to_have_count(0)
    assert lesson(name).said[before:] == []
    assert not [url for url in lesson(name).asked if url.endswith("/x")]


@each_bench
def test_a_claim_of_any_length_stays_in_its_box(bench, name):
    claims = bench.control("Claims").input_value()
    bench.control("Claims").fill(claims.replace('"htm": "', '"htm": "' + 100_000 * "x"))
    bench.press(SEND)
    bench.says(re.compile("Refused|Nothing was sent"))
    assert bench.root.evaluate(FITS)
    assert bench.control("Claims").bounding_box()["height"] < 400
    assert bench.root.bounding_box()["height"] < 3000


@each_bench
def test_a_bench_that_says_no_is_accessible(bench, lesson, name):
    bench.change("own_key")
    bench.chips(STRIKES, "htm")
    bench.press(SEND)
    bench.says(refused("bound_key"))
    assert bench.root.evaluate(FITS)
    assert lesson(name).faults(f"{name}-bench", PANEL) == []
    assert bench.root.evaluate(FITS)  # in the other theme, too
