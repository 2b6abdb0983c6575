"""The doctor's panel in JupyterLab: pasted into, dropped on, read, and left without a trace."""

import json
import re
import time

import pytest
from lesson import PANEL, SIZE, Locator, expect, lessons_with
from test_panel_controls import HOSTILE, Panel

from dpop_lab import generate_key, make_proof
from dpop_lab.doctor.paste.recognise import LONGEST
from dpop_lab.panels.doctor import EXAMPLES, MOST

PASTE, TOKEN, HELD_TO = "Paste it here", "Access token", "Held to"
OTHERS = ["URL", "Method", TOKEN, "Nonce", "Time"]
SECRET, URL = "a-secret-access-token-of-some-length", "https://api.example/orders"
EMPTY, REFUSAL = re.compile("Nothing is here yet"), "Invalid 'htu' value."
LARGE = 2_000_000
SAVED = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.model.toJSON())"

each_panel = pytest.mark.parametrize("name", lessons_with("DoctorPanel("))


class Doctor(Panel):
    """The panel at its start, with what a person does to it."""

    def paste(self, text: str) -> None:
        """Put a text into the box in one piece, as a paste does."""
        self.control(PASTE).fill(text)

    def unfold(self, *, unfolded: bool = True) -> None:
        """Show or hide the fields for what is known besides."""
        self.root.locator(".dpop-lab-fold details").evaluate(
            "(details, open) => { details.open = open; }", unfolded
        )

    def drop(self, target: Locator, *paths: object) -> None:
        """Drop files on a part of the page as a mouse does, with all that a browser makes of it."""
        target.scroll_into_view_if_needed()
        place = target.bounding_box()
        assert place
        at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
        data = {"items": [], "files": [str(one) for one in paths], "dragOperationsMask": 1}
        mouse = self.root.page.context.new_cdp_session(self.root.page)
        for event in ("dragEnter", "dragOver", "drop"):
            mouse.send("Input.dispatchDragEvent", {"type": event, **at, "data": data})
        mouse.detach()


def a_proof(**changed):
    claims = {"htm": "GET", "htu": URL, "jti": "one", "iat": int(time.time())}
    return make_proof(generate_key(), **(claims | {"access_token": SECRET} | changed))


def finds(row):
    """What the verdict says when a row is the first to find something."""
    return re.compile(rf"(?:fault|turn|first|namely|row):? {row}\b")


@pytest.fixture
def doctor(lesson, name):
    panel = Doctor(lesson(name).run().panel())
    panel.says(EMPTY)
    panel.unfold()
    return panel


@each_panel
def test_a_proof_is_pasted_and_the_report_follows_what_is_known(doctor, name):
    doctor.paste(a_proof())
    doctor.says(re.compile("This is a DPoP proof. Nothing is wrong"))
    doctor.control("Method").fill("DELETE")
    doctor.says(finds("htm"))
    doctor.control("Method").fill("GET")
    doctor.control("URL").fill(f"{URL}/")
    doctor.says(finds("htu"))
    doctor.control("URL").fill(URL)
    doctor.control(TOKEN).fill("another")
    doctor.says(finds("ath"))
    doctor.control(TOKEN).fill(SECRET)
    doctor.control("Time").fill("2020-01-01")
    doctor.says(finds("fresh"))
    payload = doctor.root.get_by_role("table", name="payload", exact=True)
    expect(payload).to_be_hidden()
    doctor.root.get_by_text("Details", exact=True).press("Enter")
    expect(payload).to_be_visible()
    doctor.again.click()
    doctor.says(EMPTY)
    for label in OTHERS:
        expect(doctor.control(label)).to_have_value("")


@each_panel
def test_the_report_follows_while_a_servers_words_are_typed(doctor, name):
    doctor.control(PASTE).press_sequentially(REFUSAL)
    expect(doctor.control(PASTE)).to_have_value(REFUSAL)
    doctor.says(finds("htu"))
    doctor.control("Method").fill("two words")
    expect(doctor.root).to_contain_text("Method wants a word")
    doctor.says(finds("htu"))
    doctor.control(PASTE).fill("")
    doctor.says(EMPTY)


@each_panel
def test_an_example_and_its_verdict_are_seen_together_on_a_small_screen(doctor, lesson, name):
    page = lesson(name).page
    doctor.unfold(unfolded=False)
    page.set_viewport_size({"width": 1366, "height": 768})
    try:
        doctor.root.evaluate("root => root.scrollIntoView()")
        named = ("htu has", "typ ", "row fresh", "dpop_jkt")
        for example, said in zip(EXAMPLES, named, strict=True):
            doctor.control(example).click()
            doctor.says(re.compile(said))
            for part in (doctor.control(PASTE), doctor.control(example), doctor.verdict):
                expect(part).to_be_in_viewport(ratio=1)
        assert doctor.root.evaluate("root => root.scrollWidth - root.clientWidth") <= 0
    finally:
        page.set_viewport_size(SIZE)


@each_panel
def test_the_rules_are_chosen(doctor, name):
    past = int(time.time()) - 200
    url = "https://as.example/token"
    doctor.paste(a_proof(iat=past, htm="POST", htu=url, access_token=None))
    doctor.control("Time").fill("now")
    doctor.says(finds("fresh"))
    doctor.control(HELD_TO).select_option("DUENDE")
    doctor.says(re.compile("Nothing is wrong"))


@each_panel
@pytest.mark.parametrize("target", ["box", "report", "file"])
def test_a_file_is_dropped_on_the_panel(doctor, lesson, tmp_path, name, target):
    file = tmp_path / "refused.json"
    file.write_text(json.dumps({"error": "invalid_dpop_proof", "error_description": REFUSAL}))
    on = {
        "box": doctor.control(PASTE),
        "report": doctor.verdict,
        "file": doctor.control("Or a file:"),
    }
    doctor.drop(on[target], file)
    doctor.says(finds("htu"))
    expect(doctor.control(PASTE)).to_have_value(file.read_text())
    assert len(lesson(name).page.context.pages) == 1  # else the browser would open the file


@each_panel
def test_a_file_is_chosen_and_chosen_again(doctor, tmp_path, name):
    file = tmp_path / "session.txt"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_text(REFUSAL, encoding)
        doctor.control("Or a file:").set_input_files(file)
        doctor.says(finds("htu"))
        expect(doctor.control(PASTE)).to_have_value(REFUSAL)
        doctor.again.click()
        doctor.says(EMPTY)


@each_panel
def test_what_is_no_file_is_told(doctor, tmp_path, name):
    doctor.paste("a text")
    doctor.drop(doctor.control(PASTE), tmp_path)
    expect(doctor.root.get_by_role("status").filter(has_text="read as a file")).to_be_visible()
    expect(doctor.control(PASTE)).to_have_value("a text")


@each_panel
def test_a_large_text_can_still_be_edited(doctor, tmp_path, name):
    file = tmp_path / "large.txt"
    file.write_text(("x" * 99 + "\n") * (LARGE // 100) + REFUSAL)
    doctor.control("Or a file:").set_input_files(file)
    doctor.says(re.compile(f"{LARGE + len(REFUSAL)}|{LONGEST}"))
    doctor.control(PASTE).focus()
    doctor.keyboard.press("Control+Home")
    doctor.keyboard.type(f"{REFUSAL}\n")
    doctor.says(finds("htu"))


@each_panel
def test_a_box_that_is_full_says_so(doctor, tmp_path, name):
    file = tmp_path / "too_large.txt"
    file.write_text("x" * (MOST + 1))
    doctor.control("Or a file:").set_input_files(file)
    expect(doctor.root).to_contain_text(f"The box holds {MOST} characters")
    doctor.control(PASTE).dispatch_event("paste")
    assert doctor.control(PASTE).evaluate("box => box.maxLength") == MOST


@each_panel
def test_a_doctors_panel_needs_no_mouse(doctor, name):
    doctor.control(PASTE).focus()
    doctor.keyboard.insert_text(a_proof())
    doctor.says(re.compile("Nothing is wrong"))
    doctor.unfold(unfolded=False)
    doctor.tab_to("Or a file:", "Start again", *EXAMPLES)
    doctor.keyboard.press("Tab")
    doctor.keyboard.press("Enter")
    doctor.tab_to("URL", "Method")
    doctor.keyboard.type("PUT")
    doctor.says(finds("htm"))
    doctor.tab_to(TOKEN, "Nonce", "Time")
    doctor.keyboard.type("now")
    doctor.tab_to(HELD_TO)
    for key in ("Space", "ArrowDown", "Enter"):
        doctor.keyboard.press(key)
    expect(doctor.control(HELD_TO)).to_have_value("DUENDE")
    doctor.again.focus()
    doctor.keyboard.press("Space")
    doctor.says(EMPTY)
    expect(doctor.control(HELD_TO)).to_have_value("automatic")


@each_panel
def test_secrets_stay_in_their_fields(doctor, lesson, name):
    proof = a_proof(htm="PUT")
    doctor.paste(
        f"GET /orders HTTP/1.1\nHost: api.example\nAuthorization: DPoP {SECRET}\nDPoP: {proof}"
    )
    doctor.says(finds("htm"))
    doctor.control(TOKEN).fill(SECRET)
    expect(doctor.control(TOKEN)).to_have_attribute("type", "password")
    page = lesson(name).page
    markup = page.evaluate("() => document.documentElement.outerHTML")
    assert SECRET not in markup and proof not in markup
    lesson(name).command("docmanager:save")
    saved = page.evaluate(SAVED)
    assert "The doctor" in saved and SECRET not in saved and proof not in saved


@each_panel
def test_what_is_pasted_never_becomes_markup(doctor, lesson, name):
    before = len(lesson(name).said)
    doctor.paste(f'HTTP/1.1 401 {HOSTILE}\nWWW-Authenticate: DPoP error="{HOSTILE}"\n\n{HOSTILE}')
    doctor.says(re.compile("raw HTTP"))
    for label in OTHERS:
        doctor.control(label).fill(HOSTILE)
    expect(doctor.root).to_contain_text("Time wants")
    expect(doctor.root.locator("img")).to_have_count(0)
    doctor.again.click()
    doctor.says(EMPTY)
    doctor.paste(a_proof(htm=HOSTILE))
    doctor.control("Method").fill("GET")
    doctor.says(finds("htm"))
    expect(doctor.root).to_contain_text(HOSTILE)
    expect(doctor.root.locator("img")).to_have_count(0)
    assert lesson(name).said[before:] == []
    assert not [url for url in lesson(name).asked if url.endswith("/x")]


@each_panel
def test_what_is_pasted_is_not_spell_checked(doctor, name):
    """By a browser that may send it to its maker for that."""
    assert doctor.control(PASTE).evaluate("box => box.spellcheck") is False


@each_panel
def test_an_empty_box_and_a_report_are_accessible(doctor, lesson, name):
    assert lesson(name).faults(f"{name}-empty", PANEL) == []
    doctor.paste(a_proof(htm="PUT"))
    doctor.control("Method").fill("GET")
    doctor.control("Time").fill("soon")
    doctor.says(finds("htm"))
    assert lesson(name).faults(f"{name}-doctor", PANEL) == []
