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


def test_who_signed_in_before_the_cell_ran_again_is_signed_in(wire, visit):
    come(visit, "bob")
    again, third = BrowserSignIn(wire), BrowserSignIn(wire)
    assert "came back" in repr(third)
    story = third.finish()
    assert paths(wire)[-2:] == ["/connect/token", "/api/dpop/test"] and wire.log[-1].status == 200
    assert third.auth.sign_in.person["sub"] == "2" and third.finish() is story is visit.finish()
    assert "Nobody has come yet" in repr(again.finish()) and "came back" not in repr(again)
    close(again, third)


def test_the_link_before_is_still_good_after_the_cell_ran_again(wire, visit):
    again = BrowserSignIn(wire)
    assert "Nobody has come yet" in repr(again.finish())
    come(visit, "alice")
    again.finish()
    assert again.auth.sign_in.person["sub"] == "1"
    close(again)


def test_another_client_does_not_tell_of_who_came_to_the_first(wire, visit):
    come(visit, "alice")
    other = BrowserSignIn(wire, client_id="interactive.public")
    assert "Nobody has come yet" in repr(other.finish())
    close(other)


def test_the_page_at_the_redirect_uri_names_the_cell_to_run(visit):
    assert "visit.finish()" in come(visit, "alice")


def come(visit, name):
    """Sign in by the link of this visit, as this person, and give the last page."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(visit.link)
        back = unescape(re.search(r'name="ReturnUrl" value="([^"]*)"', page.text)[1])
        typed = {"ReturnUrl": back, "Username": name, "Password": name, "button": "login"}
        last = browser.post(page.url, data=typed).text
    visit._thread.join(5)  # it ends when the page is sent
    return last


def close(*visits):
    for one in visits:
        one.close()


def test_a_lab_that_no_browser_can_reach_is_refused():
    with pytest.raises(LabError, match="socket"):
        BrowserSignIn(Lab())
    with pytest.raises(LabError, match="wanted World, found a NoneType"):
        BrowserSignIn(None)


def test_a_link_that_is_too_old_is_told_of_in_the_servers_words(wire, visit):
    wire.clock.advance(700)
    with pytest.raises(LabError, match=r"refused.*invalid_request_uri"):
        visit.play()


def test_who_is_no_person_is_told_so(visit):
    with pytest.raises(LabError, match="found a NoneType"):
        visit.play(None)
