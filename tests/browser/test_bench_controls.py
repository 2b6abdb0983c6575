"""The bench in its lesson, driven by labels with the mouse, and by the keyboard alone."""

import os
import re
import statistics
import time

import pytest
from lesson import ANSWERED, PANEL, expect, lessons_with
from test_panel_controls import HOSTILE, Panel

SEND, SAME, MOVE = "Send", "Send the same again", "Move the clock"
SIGN, PREDICTION, SERVER = "Sign again after editing", "Your prediction", "Server"
MOMENT = 150  # milliseconds
EDGE = 8  # pixels that a shadow or a focus ring may stand out
FITS = f"one => one.scrollWidth <= one.clientWidth + {EDGE}"

each_bench = pytest.mark.parametrize("name", lessons_with("BenchPanel("))


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

    def press(self, label: str) -> None:
        """Click a button."""
        self.control(label).click()

    def from_list(self, *keys: str) -> None:
        """Open the list that has the focus, press these keys, and take what they lead to."""
        for key in ("Space", *keys, "Enter"):
            self.keyboard.press(key)
        self.settle()


@pytest.fixture
def bench(lesson, name):
    panel = Bench(lesson(name).run().panel())
    panel.settle()
    return panel


def refused(row):
    return re.compile(rf"Refused .*\b{row}\b")


ACCEPTED = re.compile("Accepted")


@each_bench
def test_an_attack_is_predicted_sent_and_let_in_without_its_row(bench, name):
    bench.choose("Who", "a thief with the token")
    bench.choose("Change", "own_key")
    bench.choose(PREDICTION, "bound_key")
    bench.press(SEND)
    bench.says(refused("bound_key"))
    bench.says(re.compile("You predicted bound_key: right"))
    expect(bench.root).to_contain_text(re.compile("[1-9] of [1-9] predictions right"))
    bench.control("bound_key").uncheck()
    bench.settle()
    bench.press(SAME)
    bench.says(re.compile("Accepted .*without bound_key"))
    bench.control("bound_key").check()
    bench.settle()
    bench.press(SAME)
    bench.says(refused("bound_key"))


@each_bench
def test_both_texts_are_edited_and_signed_or_not(bench, name):
    bench.choose("Target", "token endpoint")
    expect(bench.control("Claims")).to_have_value(re.compile("POST"))
    claims = bench.control("Claims").input_value()
    bench.control("Claims").fill(claims.replace("POST", "DELETE"))
    bench.press(SEND)
    bench.says(refused("htm"))
    bench.control(SIGN).uncheck()
    bench.settle()
    bench.press(SEND)
    bench.says(refused("signature"))
    bench.control(SIGN).check()
    bench.settle()
    bench.control("Claims").fill(claims)
    bench.control("Claims").blur()
    bench.settle()
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
    bench.choose("Change", "htu_with_user")
    bench.press(SEND)
    bench.says(ACCEPTED)
    bench.choose(SERVER, "RFC_9449")
    bench.press(SAME)
    bench.says(refused("htu"))
    bench.choose(SERVER, "DUENDE")
    bench.choose("Change", "honest")
    bench.press(SEND)
    bench.says(ACCEPTED)
    bench.control("Seconds").fill("600")
    bench.settle()
    bench.press(MOVE)
    bench.settle()
    bench.press(SAME)
    bench.says(refused("fresh"))


@each_bench
def test_each_row_has_a_switch(bench, name):
    switches = bench.root.get_by_role("checkbox")
    labels = switches.evaluate_all("all => all.map(one => one.closest('label').innerText.trim())")
    assert len(labels) == len(set(labels)) and {"htm", "unused", "scheme", SIGN} < set(labels)
    for label in labels:
        if bench.control(label).is_enabled():
            bench.control(label).uncheck()
            expect(bench.control(label)).not_to_be_checked()
    bench.press("Start again")
    expect(bench.control("htm")).to_be_checked()


@each_bench
def test_the_bench_needs_no_mouse(bench, name):
    bench.control("Who").focus()
    bench.tab_to("Change")
    bench.from_list("ArrowDown")
    expect(bench.control("Change")).not_to_have_value("honest")
    bench.tab_to("Target", "Header", "Claims")
    bench.keyboard.press("Control+A")
    bench.keyboard.type("{}")
    bench.tab_to("Signed by", SIGN)
    bench.keyboard.press("Space")
    expect(bench.control(SIGN)).not_to_be_checked()
    bench.keyboard.press("Space")
    bench.tab_to(SERVER, "scheme")
    bench.keyboard.press("Space")
    expect(bench.control("scheme")).not_to_be_checked()
    for _ in range(30):
        bench.keyboard.press("Tab")
        if bench.control(PREDICTION).evaluate("one => one === document.activeElement"):
            break
    expect(bench.control(PREDICTION)).to_be_focused()
    bench.from_list("ArrowDown")
    expect(bench.control(PREDICTION)).to_have_value("accepted")
    bench.tab_to(SEND)
    bench.keyboard.press("Enter")
    bench.says(re.compile("Refused"))
    expect(bench.control(SAME)).to_be_enabled()
    bench.tab_to(SAME)
    bench.keyboard.press("Space")
    bench.says(re.compile("Refused"))
    bench.tab_to("Start again")
    bench.keyboard.press("Space")
    bench.says(re.compile("Nothing was sent"))
    bench.tab_to("Seconds")
    bench.keyboard.type("soon")
    bench.tab_to(MOVE)
    bench.keyboard.press("Space")
    expect(bench.root).to_contain_text("Seconds wants a number")


@each_bench
def test_what_is_typed_into_the_bench_never_becomes_markup(bench, lesson, name):
    before = len(lesson(name).said)
    for label in ("Header", "Claims"):
        text = bench.control(label).input_value()
        member = '"typ": "' if label == "Header" else '"htm": "'
        bench.control(label).fill(text.replace(member, member + HOSTILE))
    bench.control("Seconds").fill(HOSTILE)
    bench.settle()
    bench.press(SEND)
    bench.says(re.compile("Refused"))
    expect(bench.root).to_contain_text(HOSTILE)
    bench.press(MOVE)
    bench.settle()
    expect(bench.root.locator("img")).to_have_count(0)
    for label in ("Header", "Claims"):
        bench.control(label).fill(HOSTILE)
    bench.press(SEND)
    bench.says(refused("well_formed"))
    expect(bench.root.locator("img")).to_have_count(0)
    assert lesson(name).said[before:] == []
    assert not [url for url in lesson(name).asked if url.endswith("/x")]


@each_bench
def test_a_bench_that_says_no_is_accessible(bench, lesson, name):
    bench.choose("Change", "own_key")
    bench.press(SEND)
    bench.says(refused("bound_key"))
    assert bench.root.evaluate(FITS)
    assert lesson(name).faults(f"{name}-bench", PANEL) == []
    assert bench.root.evaluate(FITS)  # in the other theme, too


@each_bench
def test_a_verdict_follows_each_click(bench, name):
    changes, times = ("htm_delete", "typ_jwt"), []
    measured = bool(os.environ.get("DPOP_LAB_TIMES"))
    for number in range(20 if measured else 8):
        change = changes[number % 2]
        bench.choose("Change", change)
        began = time.perf_counter()
        bench.press(SEND)
        bench.says(refused(change.partition("_")[0]))
        times.append(time.perf_counter() - began)
    if measured:
        print(f"click to verdict, median of 20: {statistics.median(times) * 1000:.0f} ms")
