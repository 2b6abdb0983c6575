"""What is told of the exchanges by which people sign in."""

import pytest

from dpop_lab import RFC_9449, Lab, SessionLog, Story
from dpop_lab.session.call import read_call
from dpop_lab.wire.message import Exchange

REDIRECT = "https://notused"
PUBLIC = "interactive.public"


@pytest.fixture(scope="module")
def lab():
    with Lab(policy=RFC_9449) as made:
        yield made


def new_steps(lab, since):
    return Story(lab.log)[since:]


def test_each_place_of_a_sign_in_is_named_and_told(lab):
    since = len(lab.log)
    auth = lab.sign_in(client_id=PUBLIC, push=True, scope="openid api offline_access")
    access = auth.token.value
    url = f"{lab.base_url}/connect/userinfo"
    lab.session.get(url, auth=auth)
    url = f"{lab.base_url}/connect/introspect"
    lab.session.post(url, data={"token": access}, auth=("api", "secret"))
    auth.revoke()
    steps = new_steps(lab, since)
    assert [(step.personal, step.meaning) for step in steps] == [
        ("", "metadata fetched"),
        ("PAR endpoint", "authorization request pushed"),
        ("authorization endpoint", "sent to the login page"),
        ("login page", "login page shown"),
        ("login page", "signed in"),
        ("authorization endpoint", "code given"),
        ("", "token fetched"),
        ("userinfo", "told who signed in"),
        ("introspection endpoint", "token active, bound to a key"),
        ("revocation endpoint", "token ended, if there was one"),
        ("revocation endpoint", "token ended, if there was one"),
    ]
    assert {step.role for step in steps} == {"authorization server"}
    assert not [step for step in steps[1:] if "nothing of DPoP" in step.carried]
    assert "dpop_jkt" in steps[1].carried and "proof" in steps[1].carried
    assert "code_verifier" in steps[6].carried
    assert "pushed" in steps[2].carried and "cookie" in steps[5].carried


def ask(lab, **query):
    known = {"client_id": PUBLIC, "response_type": "code", "redirect_uri": REDIRECT, "state": "s"}
    url = f"{lab.base_url}/connect/authorize"
    lab.session.get(url, params=known | query, allow_redirects=False)
    return new_steps(lab, len(lab.log) - 1)[0]


def test_an_error_in_a_redirect_or_on_a_page_is_read_and_no_yes(lab):
    for query, status, error in (
        ({"scope": "nonsense"}, 302, "invalid_scope"),
        ({"scope": "nonsense", "response_mode": "fragment"}, 302, "invalid_scope"),
        ({"scope": "openid"}, 302, "invalid_request"),  # without a challenge
        ({"redirect_uri": "https://mallory.example/"}, 400, "invalid_request"),
        ({"client_id": "nobody"}, 400, "unauthorized_client"),
        ({"request_uri": "urn:x"}, 400, "invalid_request_uri"),
    ):
        step = ask(lab, **query)
        assert (step.status, step.error) == (status, error)
        assert step.description and not step.accepted and step.caught == "no row"
        assert step.meaning == f"refused: {error}"
        assert "\n" not in step.description


def test_a_wrong_password_is_told_from_a_right_one(lab):
    since = len(lab.log)
    with pytest.raises(Exception, match="refused name and password"):
        lab.sign_in(password="wrong")
    assert new_steps(lab, since)[-1].meaning == "login page shown again: not signed in"


def test_places_of_other_servers_are_known_by_what_is_asked_for():
    realm = "https://as.example/realms/x/protocol/openid-connect"
    query, log = "client_id=a&response_type=code&dpop_jkt=x", SessionLog()
    back = (("Location", "https://client.example/cb?error=access_denied&state=1"),)
    log.record(Exchange("GET", f"{realm}/auth?{query}", (), "", 0, 0, 302, response_headers=back))
    url = f"{realm}/ext/par/request"
    log.record(Exchange("POST", url, (), query, 0, 0, status=201, response_body="{}"))
    asked, pushed = Story(log)
    assert (asked.personal, asked.error, asked.accepted) == (
        "authorization endpoint", "access_denied", False,
    )  # fmt: skip
    assert "authorization request as a" in asked.carried and "dpop_jkt" in asked.carried
    assert (pushed.personal, pushed.meaning) == ("PAR endpoint", "authorization request pushed")


def test_a_redirect_elsewhere_is_no_refusal_whatever_stands_in_it():
    exchange = Exchange(
        "GET", "https://api.example/orders", (), "", 0, 0, status=302, reason="Found",
        response_headers=(("Location", "https://api.example/?error=none"),),
    )  # fmt: skip
    call = read_call(exchange)
    assert (call.personal, call.error, call.accepted) == ("", "", True)


@pytest.mark.parametrize("page", ["<html>" * 5000, "<html><code>x</code>", "<html><" + "p" * 9999])
def test_a_page_without_an_error_or_without_an_end_tells_none(page):
    url = "https://as.example/authorize"
    exchange = Exchange("GET", url, (), "", 0, 0, status=400, response_body=page)
    assert (read_call(exchange).error, read_call(exchange).caught) == ("", "no row")


@pytest.mark.parametrize("url", [
    "http://[::1/authorize", "//[/connect/authorize?client_id=%ff&x", "https://as.example/login",
    "https://as.example/authorize?client_id=<b>\n", "https://as.example/userinfo?" + "a=&" * 30_000,
    "https://as.example/revoke",
])  # fmt: skip
@pytest.mark.parametrize("status", [None, 200, 302, 400, 503])
def test_whatever_comes_is_told_in_lines_of_print(url, status):
    log = SessionLog()
    body = '{"token": 7}' if status == 200 else "token=x&client_id=%3Cb%3E&button=" + "y" * 9999
    lines = (("Location", "//[?error=%0a&code=1"), ("Cookie", "a"))
    log.record(
        Exchange("POST", url, lines, body, 0, 0, status=status, response_headers=lines,
                 response_body=body)
    )  # fmt: skip
    story = Story(log)
    told = [story[0].carried, story[0].meaning, story[0].answer]
    assert all(isinstance(one, str) for one in told)
    assert len(repr(story)) < 3000 and "<b>" not in story._repr_html_()
