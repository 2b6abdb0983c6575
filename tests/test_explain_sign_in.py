"""`serve --explain` where people sign in: whose request it was, and what came of it."""

import json
import time
from html import unescape

import pytest
import requests

from dpop_lab import RFC_9449, DPoPAuth, LabError, generate_key
from dpop_lab.doctor.explain.explainer import FEED, Explainer
from dpop_lab.lab.sign_in.person import signed_in
from dpop_lab.server.sockets import serve

REDIRECT = "http://127.0.0.1:1/callback"


class Server:
    """A server that explains, in this process, with the entries it told."""

    def __init__(self, running, told):
        self.running, self.told = running, told

    def sign_in(self, name, password="", *, push=True):
        """Sign somebody in, up to the tokens."""
        auth = DPoPAuth.authorization_code(
            key=generate_key(), issuer=self.running.base_url, client_id="native.dpop",
            client_auth="none", redirect_uri=REDIRECT, scope="openid offline_access", push=push,
        )  # fmt: skip
        with requests.Session() as browser:
            url = auth.sign_in.begin()
            there = signed_in(browser, url, REDIRECT, name, password or name)
        auth.sign_in.finish(there)
        self.last("tokens for code")
        return auth

    def post(self, path, **form):
        """Post a form; gives the entry."""
        requests.post(f"{self.running.url}{path}", data=form, timeout=20)
        return self.last(f"POST {path}")

    def last(self, words):
        """The last entry, once its verdict has these words: it is told behind the answer."""
        deadline = time.monotonic() + 60
        while not (self.told and words in self.told[-1].verdict):
            assert time.monotonic() < deadline, self.told
            time.sleep(0.01)
        return self.told[-1]


@pytest.fixture
def server():
    told = []
    front = lambda twin: Explainer(twin, told.append)  # noqa: E731
    with serve(policy=RFC_9449, every_row=True, front=front) as running:
        yield Server(running, told)


def test_one_sign_in_can_be_followed_from_the_pushed_request_to_the_end(server):
    auth = server.sign_in("alice")
    server.post("/connect/revocation", token=auth.token.value, client_id="native.dpop")
    flow = [one for one in server.told if one.sign_in == server.told[-1].sign_in]
    key = next(one.key for one in flow if one.key)
    browsed = [(one.verdict, one.browser.partition("(")[2]) for one in flow if one.browser]
    assert [verdict.partition(": ")[2] for verdict, _ in browsed] == [
        "302, sent to the login page", "200, login page shown", "302, signed in: cookie 1",
        f"302, code 1 given, bound to key {key}",
    ]  # fmt: skip
    assert [who for _, who in browsed] == ["", "", "alice)", "alice)"]
    assert not [one for one in flow if one.why]
    first, *_, tokens, ended = flow
    assert first.verdict.endswith(
        f"authorization request pushed: request_uri 1, bound to key {key}"
    )
    given = next(one.clock for one in flow if "code 1 given" in one.verdict)
    brought = f"access_token 1 and refresh_token 1, bound to key {key}"
    assert tokens.verdict.endswith(f"tokens for code 1, given at {given}: {brought}")
    assert tokens.carried.startswith(
        f"code 1, code_verifier, proof 3 by key {key} (htm POST, nonce)"
    )
    assert ended.verdict.endswith("access_token 1 ended")
    assert f"[{first.sign_in}, browser 1 (alice)]" in repr(flow[3])


def test_the_page_shows_one_sign_in_alone_where_it_is_asked_to(server):
    server.sign_in("bob", push=False)
    mine = server.told[-1].sign_in
    number = sum(one.sign_in == mine for one in server.told)
    feed = requests.get(f"{server.running.url}{FEED}", params={"sign_in": mine}, timeout=20).json()
    assert len(feed["entries"]) == number > 4
    used = [json.loads(used) for used in _used(feed)]
    assert used[-1]["sign_in"][mine] == number
    page = requests.get(server.running.url, timeout=20).text
    assert '<select id="sign_in">' in page and "What it carried" in page
    assert all("<script" not in one["html"] for one in feed["entries"])


def _used(feed):
    return [unescape(one.partition('data-used="')[2].partition('"')[0]) for one in feed["people"]]


def test_what_went_before_is_told_of_a_code_that_is_refused(server):
    code = "of-no-server-" + "x" * 30
    fields = {"grant_type": "authorization_code", "code": code, "client_id": "interactive.public"}
    told = server.post("/connect/token", **fields, redirect_uri=REDIRECT, code_verifier="y" * 43)
    assert told.refused and "known" not in dict(told.why) and told.sign_in == ""
    auth = server.sign_in("alice")
    token = auth.token.value
    server.post("/connect/revocation", token=token, client_id="native.dpop")
    ended = server.told[-1].clock
    lines = {"Authorization": f"DPoP {token}"}
    requests.get(f"{server.running.url}/connect/userinfo", headers=lines, timeout=20)
    refused = server.last("GET /connect/userinfo")
    bound = dict(refused.why)["known"].partition(" is bound to key ")[2]
    assert bound.endswith(f"…, revoked at {ended}")
    assert refused.sign_in and "known   access_token" in repr(refused)


def test_a_wrong_password_is_told_of_the_browser_and_without_the_password(server):
    with pytest.raises(LabError):
        server.sign_in("alice", "not-the-password")
    last = server.last("POST /Account/Login")
    assert last.verdict.endswith("200, login page shown again: not signed in")
    assert "not-the-password" not in last.request + last.curl
    assert last.browser.endswith("(alice)")


def test_calls_of_others_are_told_as_ever(server):
    form = {"grant_type": "client_credentials", "client_id": "m2m", "client_secret": "secret"}
    told = server.post("/connect/token", **form, scope="api")
    assert told.verdict == "POST /connect/token: accepted, 200"
    assert (told.sign_in, told.browser, told.carried) == ("", "", "")
