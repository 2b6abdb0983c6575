"""A person signs in with a real browser: at the twin's pages, and for `dpop-lab login`."""

import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from lesson import expect, faults

from dpop_lab import DUENDE, RFC_9449, DPoPAuth, generate_key
from dpop_lab.client.sign_in.loopback import Loopback
from dpop_lab.errors import LabError
from dpop_lab.server.sockets import serve
from tests.programs import SECONDS, started

SIZE, ZOOMED = {"width": 1366, "height": 768}, {"width": 341, "height": 192}  # the same at 400 %
CLIENT, SCOPE = "native.dpop", "openid api offline_access"
REACHES = "() => document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def issuer(request):
    with serve(policy=getattr(request, "param", RFC_9449)) as running:
        yield running.url


@pytest.fixture
def page(context):
    """A tab of a browser in which nobody has signed in."""
    context.clear_cookies()
    with closing(context.new_page()) as tab:
        tab.set_viewport_size(SIZE)
        tab.complaints = []
        tab.on("console", lambda line: tab.complaints.append(line.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        yield tab
        context.clear_cookies()


class SignIn:
    """A client at a loopback port, and what comes of its sign-in."""

    def __init__(self, issuer, waiting, loopback):
        self.auth = DPoPAuth.authorization_code(
            key=generate_key(),
            client_id=CLIENT,
            client_auth="none",
            issuer=issuer,
            redirect_uri=loopback.redirect_uri,
            scope=SCOPE,
        )
        self.url = self.auth.sign_in.begin()
        self._answer = waiting.submit(loopback.wait, SECONDS)

    def finished(self):
        return self.auth.sign_in.finish(self._answer.result())


@pytest.fixture
def signing(issuer):
    with ThreadPoolExecutor(1) as waiting, Loopback() as loopback:
        yield SignIn(issuer, waiting, loopback)


def came_back(page):
    """Wait for the client's own page: a tab that is on its way there may never be closed.

    It is Chromium that forgets to (Playwright issue 41900).
    """
    expect(page.get_by_role("heading", name="Back to the terminal")).to_be_visible()


def has_no_faults(page, name):
    """Ask axe-core, light and dark, at the size of a laptop and zoomed; nothing is cut off."""
    for size in (SIZE, ZOOMED):
        page.set_viewport_size(size)
        assert page.evaluate(REACHES) <= size["width"]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert faults(page) == []
            if folder := os.environ.get("DPOP_LAB_SCREENSHOTS"):
                file = f"sign-in-{name}-{scheme}-{size['width']}.png"
                page.screenshot(path=Path(folder, file), full_page=True)
    page.set_viewport_size(SIZE)


@pytest.mark.parametrize("issuer", [DUENDE, RFC_9449], ids=["DUENDE", "RFC_9449"], indirect=True)
def test_alice_signs_in_with_the_mouse(page, issuer, signing):
    page.goto(signing.url)
    has_no_faults(page, "login")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice")
    page.get_by_role("button", name="Login").click()
    assert signing.finished().token_type == "DPoP"
    came_back(page)
    has_no_faults(page, "back")
    answer = requests.get(f"{issuer}/api/dpop/test", auth=signing.auth, timeout=10)
    assert answer.status_code == 200
    assert page.complaints == []


def test_bob_signs_in_with_the_keyboard_after_a_wrong_password(page, signing):
    page.goto(signing.url)
    for password in ("alice", "bob"):
        expect(page.get_by_label("Username")).to_be_focused()
        page.keyboard.type("bob")
        page.keyboard.press("Tab")
        page.keyboard.type(password)
        page.keyboard.press("Enter")
        if password == "alice":
            expect(page.get_by_role("alert")).to_have_text("Invalid username or password.")
            expect(page.get_by_label("Username")).to_have_accessible_description(
                "Invalid username or password."
            )
            has_no_faults(page, "wrong")
    assert signing.finished().token_type == "DPoP"
    assert signing.auth.sign_in.person["sub"] == "2"
    came_back(page)


def test_a_no_is_said_with_the_keyboard_and_reaches_the_client(page, signing):
    page.goto(signing.url)
    expect(page.get_by_label("Username")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    with pytest.raises(LabError, match="access_denied"):
        signing.finished()
    came_back(page)


def test_an_error_has_a_page_that_leads_nowhere(page, issuer):
    query = {"client_id": "<b>nobody</b>", "redirect_uri": "https://mallory.example/"}
    page.goto(f"{issuer}/connect/authorize?{urlencode(query)}")
    expect(page.get_by_role("alert")).to_contain_text("unauthorized_client")
    assert page.locator("a, form, script").count() == 0
    has_no_faults(page, "error")


def test_an_answer_is_posted_where_that_is_asked_for(page, signing):
    page.goto(f"{signing.url}&response_mode=form_post")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice")
    page.keyboard.press("Enter")
    go_on = page.get_by_role("button", name="Go on")
    expect(go_on).to_be_visible()
    has_no_faults(page, "posted")
    # what the button sends: nobody listens for a POST there
    read = "all => Object.fromEntries(all.map(one => [one.name, one.value]))"
    fields = page.locator("input").evaluate_all(read)
    answer = f"{page.locator('form').get_attribute('action')}?{urlencode(fields)}"
    requests.get(answer, timeout=10)
    assert signing.finished().token_type == "DPoP"


@pytest.mark.parametrize("policy", ["duende", "rfc9449"])
def test_the_command_signs_a_person_in_end_to_end(page, policy):
    command = [sys.executable, "-m", "dpop_lab", "login", "--no-browser", "--push"]
    with started([*command, "--policy", policy]) as process:
        url = ""
        while not url.startswith("http"):
            url = process.stderr.readline().strip()
        page.goto(url)
        expect(page.get_by_label("Username")).to_be_focused()
        page.keyboard.type("alice")
        page.keyboard.press("Tab")
        page.keyboard.type("alice")
        page.keyboard.press("Enter")
        told, said = process.communicate(timeout=SECONDS)
        came_back(page)
    assert process.returncode == 0
    assert json.loads(told)["sub"] == "1"
    assert re.search("^Signed in: <AccessToken DPoP", said, re.M)
    assert re.search("GET .*: 200 OK$", said, re.M)
