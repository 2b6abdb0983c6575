"""A sign-in that is left to a person and a real browser: a link, and what came of it."""

import re
from html import unescape

import pytest
import requests

from dpop_lab import RFC_9449, BrowserSignIn, Lab, LabError


@pytest.fixture(params=["DUENDE", "RFC_9449"])
def wire(request):
    rules = {"policy": RFC_9449} if request.param == "RFC_9449" else {}
    with Lab(carrier="socket", **rules) as lab:
        yield lab


@pytest.fixture
def visit(wire):
    visit = BrowserSignIn(wire)
    yield visit
    visit.close()


def paths(lab):
    return [re.sub(r"https?://[^/]*|\?.*", "", one.url) for one in lab.log]


def test_as_long_as_nobody_has_come_nothing_is_told_but_that(wire, visit):
    before = len(wire.log)
    assert "Nobody has come yet" in repr(visit.finish())
    assert len(wire.log) == before


def test_the_story_has_the_browsers_requests_each_once_and_the_call_in_a_persons_name(wire, visit):
    story = visit.play("bob")
    assert paths(wire)[-6:] == [
        "/connect/authorize",
        "/Account/Login",
        "/Account/Login",
        "/connect/authorize/callback",
        "/connect/token",
        "/api/dpop/test",
    ]
    assert wire.log[-1].status == 200 and len(story) == len(wire.log)
    assert visit.auth.sign_in.person["sub"] == "2"
    assert len(visit.finish()) == len(story) == len(wire.log)


def test_nothing_secret_of_the_browsers_is_kept(wire, visit):
    visit.play()
    kept = wire.log.text()
    assert "code=<code 1>" in kept
    assert not re.search(r"[?&]code=[0-9A-F]|Cookie: .*=[0-9A-F]{32}|Password=alice", kept)


def test_a_person_who_says_no_is_told_of(wire, visit):
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(visit.link)
        back = unescape(re.search(r'name="ReturnUrl" value="([^"]*)"', page.text)[1])
        browser.post(page.url, data={"ReturnUrl": back, "button": "cancel"})
    visit.close()
    assert "access_denied" in repr(visit.finish())
    assert "token" not in paths(wire)[-1]


def test_who_listens_no_longer_says_so(visit):
    visit.close()
    assert "Nobody came" in repr(visit.finish())
    with pytest.raises(LabError, match="nobody listens"):
        visit.play()


def test_the_link_is_one_that_opens_beside_the_notebook_and_tells_nothing_of_it(wire, visit):
    [link] = re.findall(r'<a href="([^"]*)" [^>]*rel="noopener noreferrer"', visit._repr_html_())
    assert unescape(link) == visit.link
    assert visit.link.startswith(f"{wire.base_url}/connect/authorize?client_id=native.dpop&")


def test_a_lab_that_no_browser_can_reach_is_refused():
    with pytest.raises(LabError, match="socket"):
        BrowserSignIn(Lab())
