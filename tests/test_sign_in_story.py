"""What is told of the exchanges by which people sign in."""

import json
import re
from urllib.parse import quote

import pytest

from dpop_lab import DUENDE, RFC_9449, Lab, SessionLog, Story, diagnose
from dpop_lab.session.call import read_call
from dpop_lab.wire.message import Exchange

REDIRECT = "https://notused"
PUBLIC = "interactive.public"
TOKENS = "access_token 1 and refresh_token 1"
AS = ("authorization server", "demo.duendesoftware.com")


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
        ("PAR endpoint", "authorization request pushed: request_uri 1, bound to key 1"),
        ("authorization endpoint", "sent to the login page"),
        ("login page", "login page shown"),
        ("login page", "signed in: cookie 1"),
        ("authorization endpoint", "code 1 given, bound to key 1"),
        ("", f"token fetched for code 1, given at 6: {TOKENS}, bound to key 1"),
        ("userinfo", "told who signed in"),
        ("introspection endpoint", "access_token 1 active, bound to key 1"),
        ("revocation endpoint", "refresh_token 1 ended"),
        ("revocation endpoint", "access_token 1 ended"),
    ]
    assert {step.role for step in steps} == {"authorization server"}
    assert not [step for step in steps[1:] if "nothing of DPoP" in step.carried]
    assert "dpop_jkt" in steps[1].carried and "proof" in steps[1].carried
    assert "code_verifier" in steps[6].carried
    assert "request_uri 1" in steps[2].carried and "cookie 1" in steps[5].carried


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


def arrows(story):
    """Who sends what to whom, by the names of the lanes, as the picture has it."""
    diagram = story.diagram()
    names = [who for who, _ in diagram.lanes]
    return [(names[one.start], names[one.end], one.text, one.more) for one in diagram.messages]


def test_the_browser_is_a_party_of_its_own_which_brings_the_code():
    with Lab(policy=RFC_9449) as lab:
        auth = lab.sign_in(client_id=PUBLIC)
        lab.session.get(lab.api, auth=auth)
        data = {"token": auth.token.value}
        lab.session.post(f"{lab.base_url}/connect/introspect", data=data, auth=("api", "secret"))
        diagram, told = lab.story.diagram(), arrows(lab.story)
    api = ("resource server", "demo.duendesoftware.com")
    assert diagram.lanes == (("client", ""), ("browser", ""), AS, api)
    ends = [one[:2] for one in told]
    assert ends[2] == ("client", "browser") and "/connect/authorize" in told[2][2]
    asked = [("browser", AS[0]), (AS[0], "browser")]
    assert ends[3:11] == asked * 4
    assert told[11] == ("browser", "client", f"redirect to {REDIRECT}", "code 1, state, iss")
    assert ends[12:] == [
        ("client", AS[0]), (AS[0], "client"), ("client", api[0]), (api[0], "client"),
        (api[0], AS[0]), (AS[0], api[0]),
    ]  # fmt: skip
    assert "participant L1 as browser\n" in diagram.mermaid
    assert "L1->>L0: redirect to https://notused<br/>code 1, state, iss\n" in diagram.mermaid
    assert "client ← browser" in repr(diagram) and "browser to client" in diagram._repr_html_()


def test_an_introspection_alone_is_asked_by_a_resource_server(lab):
    url = f"{lab.base_url}/connect/introspect"
    lab.session.post(url, data={"token": "x" * 40}, auth=("api", "secret"))
    lanes = new_steps(lab, len(lab.log) - 1).diagram().lanes
    assert lanes == (AS, ("resource server", ""))


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
def test_a_code_is_brought_in_whatever_mode_it_was_asked_for(lab, mode):
    since = len(lab.log)
    auth = lab.sign_in(client_id=PUBLIC)
    with lab.session_over(lab.adapter, lab.log) as browser:
        page = browser.get(auth.sign_in.begin(response_mode=mode), allow_redirects=False)
        form = {"Username": "bob", "Password": "bob", "button": "login"}
        page = browser.post(page.headers["Location"], data=form, allow_redirects=False)
        browser.get(page.headers["Location"], allow_redirects=False)
    story = new_steps(lab, since)
    code = story[-1].meaning.partition(" given")[0]
    assert code.startswith("code ")
    way = "form posted" if mode == "form_post" else "redirect"
    told = ("browser", "client", f"{way} to {REDIRECT}", f"{code}, state, iss")
    assert arrows(story[-4:])[-1] == told  # in these steps there is one of each
    assert "(bob)" in story[-1].carried


def test_two_people_have_two_browsers_and_two_keys_are_two_clients():
    with Lab(policy=RFC_9449) as lab:
        for name in ("alice", "bob"):
            lab.sign_in(name, client_id=PUBLIC)
        story = lab.story
    assert [who for who, _ in story.diagram().lanes] == [
        "client with key 1", "browser 1 (alice)", "browser 2 (bob)", "client with key 2", AS[0],
    ]  # fmt: skip
    senders = [step.sender[0] for step in story if step.personal]
    assert senders == ["browser 1 (alice)"] * 4 + ["browser 2 (bob)"] * 4
    assert "browser 2 (bob): name and password" in repr(story)


def test_a_thief_of_a_code_is_told_from_its_owner():
    with Lab(policy=RFC_9449) as lab:
        story = lab.attack("stolen_bound_code").story
    told = arrows(story)
    assert told[0][:2] == ("client with key 1", "browser")
    assert told[-3][:2] == ("browser", "client with key 1")
    assert told[-2][:2] == ("client with key 2", AS[0])
    assert story[-1].meaning.endswith("; code 1 is bound to key 1")
    assert told[-1][3] == "refused by the row code_key; code 1 is bound to key 1"


def test_many_keys_and_browsers_share_a_lane():
    with Lab(policy=RFC_9449) as lab:
        for _ in range(5):
            lab.sign_in(client_id=PUBLIC)
        lanes = [who for who, _ in lab.story.diagram().lanes]
    assert len(lanes) == 4 + 4 + 1 and {"other clients", "other browsers"} < {*lanes}


def test_an_error_is_brought_to_the_client_and_an_error_page_is_not(lab):
    for query, brought in (
        ({"scope": "nonsense"}, "error invalid_scope, state, iss"),
        ({"client_id": "nobody"}, ""),
    ):
        ask(lab, **query)
        *_, more = arrows(new_steps(lab, len(lab.log) - 1))[-1]
        assert (more == brought) if brought else "refused" in more


FOREIGN = "https://as.example/realms/x"
APP = "https://app.example/signin"


def visits(*exchanges):
    """A log of somebody else's browser and client."""
    log = SessionLog()
    for n, (method, url, sent, body, status, answered, came) in enumerate(exchanges):
        log.record(
            Exchange(method, url, sent, body, n, n, status=status, response_headers=answered,
                     response_body=came)
        )  # fmt: skip
    return Story(log)


def test_a_browser_of_other_people_is_known_by_where_it_is_led_and_by_its_cookies():
    query = "client_id=a&response_type=code&state=s"
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    one = (("Cookie", "S=a-session-of-some-length"),)
    story = visits(
        ("GET", f"{FOREIGN}/auth?{query}", (), "", 302,
         (("Location", "/realms/x/form?step=1"), ("Set-Cookie", "S=a-session-of-some-length")), ""),
        ("GET", f"{FOREIGN}/form?step=1", (), "", 200, (), "<html>"),
        ("POST", f"{FOREIGN}/form?step=2", (*one, *form), "username=ann&password=topsecret", 302,
         (("Location", f"{APP}?code=AbCdEfGh12345678&state=s"),), ""),
        ("GET", f"{APP}?code=AbCdEfGh12345678&state=s", (), "", 200, (), "<html>"),
        ("POST", f"{FOREIGN}/token", form, "grant_type=authorization_code&code=AbCdEfGh12345678",
         400, (), '{"error": "invalid_grant"}'),
    )  # fmt: skip
    assert [step.sender[0] for step in story] == ["browser"] * 4 + ["client"]
    assert [step.meaning for step in story][2:] == [
        "code 1 given", "brought to the client", "refused: invalid_grant",
    ]  # fmt: skip
    ends = [one[:2] for one in arrows(story)]
    assert ends[7:9] == [("browser", "client"), ("client", "browser")]  # and not drawn twice
    assert [who for who, _ in story.diagram().lanes] == ["client", "browser", AS[0]]


def test_a_browser_is_known_again_where_its_login_page_was_not_kept():
    query = "client_id=a&response_type=code&state=of-the-owner&code_challenge=x"
    cookie = (("Cookie", "S=a-session-of-some-length"),)
    back = (("Location", f"{APP}?code=AbCdEfGh12345678&state=of-the-owner"),)
    story = visits(
        ("GET", f"{FOREIGN}/authorize?{query}", (), "", 302, (("Location", "/login"),), ""),
        ("GET", f"{FOREIGN}/authorize/callback?{query}", cookie, "", 302, back, ""),
    )
    assert [step.sender[0] for step in story] == ["browser"] * 2
    assert [one[0] for one in arrows(story) if one[1] == "browser"].count("client") == 1


def test_a_form_with_a_code_is_posted_by_the_browser_that_was_given_it():
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    page = f'<form method="post" action="{APP}"><input name="code" value="AbCdEfGh12345678">'
    story = visits(
        ("GET", f"{FOREIGN}/authorize?response_type=code", (), "", 200, (), page),
        ("POST", APP, form, "code=AbCdEfGh12345678&state=s", 302, (("Location", "/"),), ""),
    )
    assert [step.personal for step in story] == ["authorization endpoint", "redirect URI"]
    assert story[1].carried == "browser: code 1" and story[1].principal == ("client", "")


def test_one_session_for_browser_and_client_is_still_two_parties():
    """By hand people send all of it through one session, whose cookies go along with a token."""
    cookie, asked = (("Cookie", "dpop_lab.session=" + "A" * 40),), "grant_type=refresh_token"
    story = visits(
        ("GET", f"{FOREIGN}/authorize?response_type=code", cookie, "", 200, (), ""),
        ("POST", f"{FOREIGN}/token", cookie, f"{asked}&refresh_token=x", 200, (), ""),
        ("GET", f"{FOREIGN}/userinfo", cookie, "", 401, (), ""),
    )
    assert [step.sender[0] for step in story] == ["browser", "client", "client"]


def test_a_browser_that_was_not_recorded_still_brings_the_code_once():
    body = "grant_type=authorization_code&code=AbCdEfGh12345678&code_verifier=x"
    given = '{"access_token": "of-some-length", "token_type": "DPoP"}'
    story = visits(
        ("POST", f"{FOREIGN}/token", (), body, 200, (), given),
        ("POST", f"{FOREIGN}/token", (), body, 400, (), '{"error": "invalid_grant"}'),
    )
    assert story.diagram().lanes[:2] == (("client", ""), ("browser", "not recorded"))
    assert [one for one in arrows(story) if one[0] == "browser"] == [
        ("browser", "client", "redirect", "code 1"),
    ]  # fmt: skip
    assert [step.meaning for step in story] == [
        "token fetched for code 1: access_token 1",
        "refused: invalid_grant; code 1 redeemed at 1",
    ]  # fmt: skip


def test_tokens_that_come_of_each_other_are_told_of_in_the_end():
    def renewed(old, new, status=200):
        body = json.dumps({"access_token": f"{old}{new}of-some-length", "refresh_token": new})
        form = f"grant_type=refresh_token&refresh_token={old}"
        return "POST", f"{FOREIGN}/token", (), form, status, (), body

    one, other = "one-of-some-length", "other-of-some-length"
    story = visits(renewed(one, other), renewed(other, one), renewed(one, other, 400))
    assert story[2].meaning.startswith("refused")


@pytest.mark.parametrize(("name", "said"), [
    ("code_twice", "; code 1 redeemed at 5"),
    ("code_used_first", "; refresh_token 1 came of code 1, sent again at 6"),
    ("refresh_token_used_first", "; refresh_token 2 came of refresh_token 1, sent again at 7"),
    ("stolen_refresh_token", "; refresh_token 1 is bound to key 1"),
    ("old_refresh_token", "; refresh_token 1 used at 6"),
    ("revoked_refresh_token", "; refresh_token 1 revoked at 6"),
    ("revoked_access_token", "; access_token 1 revoked at 6"),
])  # fmt: skip
def test_what_became_of_a_code_or_a_token_is_told_when_it_is_refused(name, said):
    with Lab(policy=RFC_9449) as lab:
        story = lab.attack(name).story
    assert story[-1].meaning.endswith(said)


def test_a_rotation_can_be_followed_by_number():
    with Lab(policy=RFC_9449) as lab:
        auth = lab.sign_in(client_id=PUBLIC)
        for _ in range(2):
            lab.clock.advance(4000)
            lab.session.get(lab.api, auth=auth)
        told = [step.meaning for step in lab.story if step.token_request]
    assert told[1:] == [
        f"token renewed for refresh_token {n}, given at {at}: access_token {n + 1} and"
        f" refresh_token {n + 1}, bound to key 1"
        for n, at in ((1, 6), (2, 7))
    ]


def test_a_refresh_token_that_is_given_again_is_not_spent():
    with Lab(policy=RFC_9449) as lab:
        auth = lab.sign_in()
        for _ in range(2):
            lab.clock.advance(4000)
            lab.session.get(lab.api, auth=auth)
        last = [step.meaning for step in lab.story if step.token_request][-1]
    assert last.endswith(
        "for refresh_token 1, given at 6: access_token 3, bound to key 1, refresh_token 1 stays"
    )


def test_a_refresh_token_of_a_confidential_client_is_not_said_to_be_bound():
    with Lab(policy=RFC_9449) as lab:
        lab.sign_in()
        assert lab.story[-1].meaning.endswith("access_token 1, bound to key 1, and refresh_token 1")


@pytest.mark.parametrize("policy", [RFC_9449, DUENDE], ids=["RFC_9449", "DUENDE"])
@pytest.mark.parametrize("push", [True, False])
def test_what_was_kept_of_a_sign_in_is_read_back_without_a_finding(policy, push):
    with Lab(policy=policy) as lab:
        auth = lab.sign_in(client_id="native.dpop", push=push)
        lab.session.get(lab.api, auth=auth)
        auth.revoke()
        for text in (lab.log.text(), json.dumps(lab.story.har())):
            assert diagnose(text).healthy


def test_the_command_of_a_browsers_request_has_no_cookie_and_follows_nothing(lab):
    since = len(lab.log)
    lab.sign_in(client_id=PUBLIC, push=True).revoke()
    commands = new_steps(lab, since).curl().split("\n\n")
    browsed = [one for one in commands if ".com/connect/authorize/callback" in one]
    assert re.search(r"Cookie: dpop_lab.session=<cookie \d+>'", browsed[0])
    assert "--location" not in browsed[0] and " -L" not in browsed[0]
    pushed, *_, ended = (one for one in commands if re.search("/par$|/par |/revocation", one))
    assert "--header 'DPoP: <proof " in pushed and "dpop_jkt=" in pushed
    assert "token=<access_token " in ended


@pytest.mark.parametrize("name", ["<b>", "end", "a;b#c", "alice\n\u202e"])
def test_a_hostile_session_of_a_browser_is_drawn_as_text(name):
    query = f"client_id={quote(name)}&response_type=code&dpop_jkt={quote(name)}"
    back = (("Location", f"//{name}?code=AbCdEfGh12345678&state={name}"),)
    story = visits(
        ("GET", f"https://{name}/authorize?{query}", (), "", 302, back, ""),
        ("POST", f"https://{name}/login", (), f"Username={quote(name)}", 302, back, ""),
        ("GET", f"https://{name}/cb?code=AbCdEfGh12345678&state={name}", (), "", None, (), ""),
    )
    diagram = story.diagram()
    lines = diagram.mermaid.split("\n")
    grammar = r" {4}(?:participant L\d as|accTitle:|Note over L\d:|L\d(?:--?>>|-x)L\d:) [^<>;\n]*"
    plain = [re.sub(r"#\d+;|<br/>", "", line) for line in lines[1:]]
    assert all(re.fullmatch(grammar, line) for line in plain)
    assert "<b>" not in diagram._repr_html_() and len(diagram.lanes) < 6
