"""Whatever comes to the endpoints of signing in: a clear answer, no way elsewhere, no markup."""

import json
import re
from urllib.parse import urlencode, urlsplit

import pytest

from dpop_lab import DUENDE, RFC_9449
from dpop_lab.server.sign_in.state import Store
from dpop_lab.wire.message import Request, first
from tests.hostile_sign_in import ALL, ASKED, BASE, CLIENT, HOSTILE, REDIRECT, Site, changed

POLICIES = {"DUENDE": DUENDE, "RFC_9449": RFC_9449}
OUR_PAGES = (f"{BASE}/Account/Login?", f"{BASE}/connect/authorize/callback?")
MARKUP = re.compile(rb"<(?:script|img)|onerror=alert\(1\)>", re.I)
# what may be missing, and what changes nothing or concerns the client alone
OPTIONAL = {"missing", "blank"}
ASKED_HARMLESS = {
    "state": {*ALL}, "nonce": {*ALL}, "login_hint": {*ALL}, "scope": {"space"},
    "response_mode": OPTIONAL, "code_challenge": {"one more letter", "capitals"},
    "dpop_jkt": OPTIONAL | {"capitals"}, "max_age": OPTIONAL | {"capitals"},
    "resource": OPTIONAL | {"twice"}, "prompt": OPTIONAL | {"line end", "space"},
}  # fmt: skip
OF_THE_DEMO = {  # any redirect URI, plain challenges, any dpop_jkt up to 100 characters
    "redirect_uri": {
        "other host", "userinfo", "backslash", "one more letter", "capitals", "twice",
    },
    "code_challenge_method": OPTIONAL, "dpop_jkt": {*ALL} - {"100 kB", "huge number"},
    "scope": {"line end"},
}  # fmt: skip
HARMLESS = {
    "token": {"resource": OPTIONAL, "scope": OPTIONAL | {"space"}},
    "login": {"button": {*ALL}, "Username": {"twice"}, "Password": {"twice"}, "ReturnUrl": {
        "NUL behind", "lines", "line end", "space", "one more letter", "twice",
    }},
    "told": {"token": {"space"}, "token_type_hint": {*ALL}},
}  # fmt: skip


@pytest.fixture(params=POLICIES)
def site(request):
    return Site(POLICIES[request.param])


def is_safe(site, answer):
    """No error of ours, no line of a header more, no way elsewhere, no markup of the client's."""
    assert answer.status in (200, 201, 302, 400, 401, 403, 405), answer
    for name, value in answer.headers:
        assert re.fullmatch("[ -~]*", name + value), (name, value)
    to = first(answer.headers, "location")
    if answer.status == 302 and not to.startswith(OUR_PAGES):
        if not site.demo:
            assert to.startswith((f"{REDIRECT}?", f"{REDIRECT}#")), to
        else:
            assert urlsplit(to).scheme in ("http", "https"), to
    kind = first(answer.headers, "content-type")
    assert "html" in kind or not answer.body or json.loads(answer.body) is not None
    assert "html" not in kind or not MARKUP.search(answer.body)


def taken(answer):
    """Did the request get what it is for: a code, tokens, a page to go on?"""
    to = first(answer.headers, "location")
    active = not answer.body.startswith(b'{"active":false')
    if answer.status == 200 and b'role="alert"' in answer.body:
        return False
    return answer.status in (200, 201, 302) and "error=" not in to and active


def try_all(site, send, honest, harmless):
    """Send what is honest, then each parameter in each hostile way; nothing bad is taken."""
    assert taken(send(urlencode(honest())))
    for name in honest():
        for how in ALL:
            answer = send(changed(honest(), name, how))
            is_safe(site, answer)
            if taken(answer):
                assert how in harmless.get(name, ()), (name, how, answer, answer.headers)


def asked_harmless(site):
    if not site.demo:
        return ASKED_HARMLESS
    return {name: ASKED_HARMLESS.get(name, set()) | OF_THE_DEMO.get(name, set()) for name in ASKED}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_parameter_of_an_authorization_request(site, method):
    cookie = [site.cookie()]

    def send(form):
        return site.send(method, "/connect/authorize", form, cookie)

    try_all(site, send, lambda: ASKED, asked_harmless(site))


@pytest.mark.parametrize("button", [None, "login", "cancel"])
def test_every_parameter_within_the_return_url_of_the_login_page(site, button):
    more = {"Username": "alice", "Password": "alice", "button": button} if button else {}

    def send(form):
        back = {"ReturnUrl": f"/connect/authorize/callback?{form}"}
        return site.send("POST" if button else "GET", "/Account/Login", urlencode(back | more))

    if button == "cancel":  # taken is what takes the refusal to the client
        for name in ASKED:
            for how in ALL:
                is_safe(site, send(changed(ASKED, name, how)))
    else:
        try_all(site, send, lambda: ASKED, asked_harmless(site))


def test_every_field_of_the_login_form(site):
    def send(form):
        answer = site.send("POST", "/Account/Login", form)
        assert ("set-cookie" in dict(answer.headers)) <= (answer.status == 302)
        return answer

    try_all(site, send, site.login, HARMLESS["login"])


def test_every_parameter_of_a_pushed_request(site):
    harmless = {**asked_harmless(site), "dpop_jkt": OPTIONAL}
    harmless["client_id"] = {"twice"} if site.demo else set()  # recorded so
    try_all(site, lambda form: site.send("POST", "/connect/par", form), lambda: ASKED, harmless)


def test_every_parameter_of_a_request_that_was_pushed(site):
    cookie = [site.cookie()]

    def honest():
        pushed = json.loads(site.send("POST", "/connect/par", urlencode(ASKED)).body)
        return {"client_id": CLIENT, "request_uri": pushed["request_uri"]}

    def send(form):
        return site.send("GET", "/connect/authorize", form, cookie)

    try_all(site, send, honest, {})


@pytest.mark.parametrize("grant", ["redemption", "refreshing"])
def test_every_parameter_of_a_token_request(site, grant):
    def send(form):
        return site.send("POST", "/connect/token", form)

    harmless = dict(HARMLESS["token"])
    if site.demo:  # recorded so; a refresh does not read the scope
        harmless |= {"client_id": {"twice"}, "scope": {*ALL}}
    try_all(site, send, getattr(site, grant), harmless)


def test_every_parameter_of_introspection_and_revocation(site):
    tokens = site.tokens()
    access = {"token": tokens["access_token"], "client_id": "api", "client_secret": "secret"}
    access["token_type_hint"] = "access_token"
    harmless = dict(HARMLESS["told"])
    if site.demo:
        harmless |= {"client_id": {"twice"}, "client_secret": {"twice"}}

    def introspect(form):
        return site.send("POST", "/connect/introspect", form)

    def revoke(form):
        return site.send("POST", "/connect/revocation", form)

    try_all(site, introspect, lambda: access, harmless)
    given = {"token": "x", "client_id": CLIENT, "token_type_hint": "refresh_token"}
    harmless["token"] = {*ALL}  # RFC 7009 section 2.2: an unknown token is as good as ended
    try_all(site, revoke, lambda: given, harmless)


@pytest.mark.parametrize("name", ["Authorization", "DPoP", "Cookie", "Origin", "Sec-Fetch-Site"])
def test_every_header_that_is_read(site, name):
    access = site.tokens()["access_token"]
    cookie = f"{site.cookie()[1]}; x={{}}"
    for how in HOSTILE.values():
        for text in {how or "", f"Bearer {how}", f"DPoP {access}{how}", cookie.format(how)}:
            lines = [(name, text), (name, text)]
            for method, path, form in (
                ("GET", "/connect/userinfo", ""),
                ("GET", "/connect/authorize", urlencode(ASKED)),
                ("POST", "/Account/Login", urlencode(site.login())),
                ("POST", "/connect/par", urlencode(ASKED)),
                ("POST", "/connect/introspect", "token=x"),
            ):
                is_safe(site, site.ask(method, path, form, lines))


PATHS = (
    "/connect/authorize", "/connect/authorize/callback", "/Account/Login", "/connect/par",
    "/connect/userinfo", "/connect/introspect", "/connect/revocation",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X"])
def test_every_method_and_any_body(site, method):
    form = "application/x-www-form-urlencoded"
    for path in PATHS:
        for body in (b"", b"\xff\0", b"a=" * 2000, b'{"client_id": "native.dpop"}'):
            for kind in (form, "application/json", "multipart/form-data"):
                is_safe(site, site.twin(Request(method, path, (("Content-Type", kind),), body)))


TRAPS = (
    "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc",
    "about:blank", "blob:https://client.example/x", " javascript:alert(1)", "java\tscript:alert(1)",
    "//mallory.example", "/callback", "https:mallory", "http://", "https://client.example/#f",
    "https://client.example/callback\r\nSet-Cookie: x=1", "https://[::1",
)  # fmt: skip


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_nobody_is_sent_to_a_trap(site, mode):
    cookie = site.cookie()
    for uri in TRAPS:
        asked = urlencode({**ASKED, "redirect_uri": uri, "response_mode": mode})
        assert site.ask("GET", "/connect/authorize", asked, [cookie]).status == 400, uri
    # an app's own scheme (RFC 8252 section 7.1); none where it is not registered
    asked = urlencode({**ASKED, "redirect_uri": "com.example.app:/cb", "response_mode": mode})
    answer = site.ask("GET", "/connect/authorize", asked, [cookie])
    assert answer.status == (302 if site.demo and mode != "form_post" else 400)


# ---- how much is kept


def test_a_store_keeps_so_many_and_forgets_the_oldest():
    store = Store(60, most=100)
    for number in range(10_000):
        store.put(str(number), number, now=0)
        assert store.spend(str(number))
    assert len(store) == len(store._spent) == 100
    assert store.get("9899", now=0) is None and store.get("9900", now=0) == 9900
    assert not store.spend("9899") and not store.spend("9900")
    store.drop(lambda number: number % 2 == 0)
    assert len(store) == len(store._spent) == 50
    store.put("new", 1, now=60)
    assert len(store) == 1


def test_ten_thousand_sign_ins_keep_no_more_than_was_said(site):
    site.cookie()  # now it signs people in
    state = site.twin.authorization_server.state
    stores = ("sessions", "codes", "pushed", "refresh_tokens")
    for name in stores:
        assert getattr(state, name)._most == 10_000
        getattr(state, name)._most = 20
    first_code, first_tokens, first_cookie = site.code(), site.tokens(), site.cookie()
    pushed = json.loads(site.send("POST", "/connect/par", urlencode(ASKED)).body)
    for _ in range(25):
        site.tokens()
        site.send("POST", "/connect/par", urlencode(ASKED))
    assert [len(getattr(state, name)) for name in stores] == [20, 20, 20, 20]
    for form in (
        {**site.redemption(), "code": first_code},
        {**site.refreshing(), "refresh_token": first_tokens["refresh_token"]},
    ):
        answer = site.send("POST", "/connect/token", urlencode(form))
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_grant")
    answer = site.ask("GET", "/connect/authorize", urlencode(ASKED), [first_cookie])
    assert first(answer.headers, "location").startswith(OUR_PAGES[0])  # sign in again
    asked = urlencode({"client_id": CLIENT, "request_uri": pushed["request_uri"]})
    answer = site.ask("GET", "/connect/authorize", asked, [site.cookie()])
    assert answer.status == 400 and b"invalid_request_uri" in answer.body


def test_of_a_pushed_request_only_what_is_read_is_kept(site):
    for more in ({"x": "A" * 100_000}, {f"x{number}": "A" * 300 for number in range(300)}):
        assert site.send("POST", "/connect/par", urlencode({**ASKED, **more})).status == 201
    for kept in site.twin.authorization_server.state.pushed._kept.values():
        assert set(kept[1].form) <= set(ASKED)
    many = {"resource": ["urn:resource1"] * 500}
    code = site.code(**many)
    grant = site.twin.authorization_server.state.codes._kept[code][1]
    assert grant.resources == ("urn:resource1",)


# ---- a clock that is moved


def test_what_was_used_or_ended_stays_so_wherever_the_clock_is_moved(site):
    twin, month = site.twin, 31 * 86_400
    cookie = site.cookie()
    spent = {**site.redemption(), "code": site.code()}
    tokens = json.loads(site.send("POST", "/connect/token", urlencode(spent)).body)
    ended = site.tokens()["refresh_token"]
    site.send("POST", "/connect/revocation", urlencode({"client_id": CLIENT, "token": ended}))
    pushed = json.loads(site.send("POST", "/connect/par", urlencode(ASKED)).body)["request_uri"]
    asked = urlencode({"client_id": CLIENT, "request_uri": pushed})
    assert taken(site.ask("GET", "/connect/authorize", asked, [cookie]))
    late = site.redemption()
    twin.clock.advance(month)
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "m2m",
        "client_secret": "secret",
    }
    assert taken(site.send("POST", "/connect/token", urlencode(credentials)))  # old proofs go
    assert not taken(site.send("POST", "/connect/token", urlencode(late)))
    twin.clock.advance(-month)
    assert not taken(site.send("POST", "/connect/token", urlencode(spent)))
    refresh = {"grant_type": "refresh_token", "client_id": CLIENT}
    for one in (ended, *[tokens["refresh_token"]] * (not site.demo)):  # the code's second use
        form = urlencode({**refresh, "refresh_token": one})
        assert not taken(site.send("POST", "/connect/token", form))
    assert not taken(site.ask("GET", "/connect/authorize", asked, [site.cookie()]))
    twin.clock.advance(-month)  # before it all began
    assert taken(site.send("POST", "/connect/token", urlencode(site.redemption())))


def test_what_is_kept_shows_nothing_of_it(site):
    code = site.code()
    server = site.twin.authorization_server
    for shown in (repr(server.state), repr(server), repr(server.state.codes._kept[code][1])):
        assert code not in shown and ASKED["code_challenge"] not in shown


# ---- scopes and APIs of a refresh


def test_a_refresh_asks_for_fewer_scopes_or_apis_but_for_no_others(site):
    refreshing = {**site.refreshing(), "scope": "api profile"}
    wrong = site.send("POST", "/connect/token", urlencode(refreshing))
    assert taken(wrong) == site.demo  # which does not read it
    if not site.demo:
        assert json.loads(wrong.body)["error"] == "invalid_scope"
        fewer = {**refreshing, "scope": "api"}  # the token was not used up
        told = json.loads(site.send("POST", "/connect/token", urlencode(fewer)).body)
        assert told["scope"] == "api" and "id_token" not in told
        again = {**fewer, "scope": "", "refresh_token": told["refresh_token"]}
        told = json.loads(site.send("POST", "/connect/token", urlencode(again)).body)
        assert told["scope"] == ASKED["scope"] and "id_token" in told
    for resource in ("urn:resource2", "urn:nobody"):
        other = {**site.refreshing(), "resource": resource}
        answer = site.send("POST", "/connect/token", urlencode(other))
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_target")
