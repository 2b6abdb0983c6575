"""Nothing of a sign-in that is good for anything is shown: codes, tokens, cookies, passwords."""

import json
import re
from dataclasses import fields, replace
from html import escape
from urllib.parse import parse_qsl, quote

import pytest
import requests

from dpop_lab import DUENDE, RFC_9449, DPoPAuth, Lab, LabError, diagnose, generate_key
from dpop_lab.client.sign_in.store import FileStore
from dpop_lab.doctor.explain.explainer import Explainer
from dpop_lab.lab.sign_in.person import signed_in
from dpop_lab.server.sign_in.state import Store
from dpop_lab.server.sockets import serve
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.redact import Redactor

POLICIES = {"DUENDE": DUENDE, "RFC_9449": RFC_9449}
PASSWORD = "Corr3ct-h0rse &battery=staple"
JWT = re.compile(r"ey[\w-]{30,}\.ey[\w-]{30,}\.[\w-]{30,}")


def handles(twin):
    """Every handle that the server gave out: of sessions, codes, requests, refresh tokens."""
    state = twin.authorization_server.state
    stores = [getattr(state, one.name) for one in fields(state)]
    found = [handle for one in stores if isinstance(one, Store) for handle in one._kept]
    assert len(found) >= 3
    return found


def shown(lab, tmp_path, *values):
    """Every text that the session can be shown as."""
    lab.story.save_har(tmp_path / "x.har")
    texts = [lab.log.text(), str(lab.story), lab.story._repr_html_(), str(lab.story.curl())]
    texts += [str(lab.story.diagram()), (tmp_path / "x.har").read_text("utf-8"), repr(lab.log)]
    for one in lab.log:
        texts += [repr(one), str(one), str(diagnose(one)), *map(str, one.reports)]
    return "\n".join([*texts, *map(repr, values)])


@pytest.fixture(params=POLICIES)
def lab(request):
    with Lab(policy=POLICIES[request.param]) as made:
        yield made


@pytest.mark.parametrize(
    ("client_id", "push"),
    [("native.dpop", True), ("interactive.confidential", False), ("interactive.public", True)],
)
def test_a_session_shows_no_secret_of_a_sign_in(lab, tmp_path, client_id, push):
    with pytest.raises(LabError):
        lab.sign_in(password=PASSWORD)
    auth = lab.sign_in(client_id=client_id, push=push)
    signing = auth.sign_in
    signing.begin()
    verifiers, tokens = [signing.asked.verifier], []
    for _ in range(2):
        assert lab.session.get(lab.api, auth=auth).status_code == 200
        tokens += [auth.token.value, signing.refresh_token]
        lab.clock.advance(4000)
    lab.session.post(
        f"{lab.base_url}/connect/introspect", data={"token": tokens[-2]}, auth=("api", "secret")
    )
    secret = [*handles(lab.twin), *verifiers, *tokens, PASSWORD, "Corr3ct", "battery"]
    text = shown(lab, tmp_path, auth, signing, signing.asked, auth.token, lab)
    for value in secret:
        assert value not in text
    assert not JWT.search(text)
    assert "<code 1>" in text and "<cookie 1>" in text and "<password 1>" in text
    assert ("<request_uri 1>" in text) == push
    kinds = ("code", "code_verifier", "access_token", "refresh_token", "id_token")
    for kind in kinds:  # the same label for the same value, numbered as they turned up
        numbers = [int(one) for one in re.findall(rf"<{kind} (\d+)>", lab.log.text())]
        assert numbers[0] == 1 and set(numbers) == set(range(1, max(numbers) + 1))


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_a_code_is_hidden_whichever_way_it_goes(lab, tmp_path, mode):
    auth = lab.sign_in()
    url = auth.sign_in.begin(response_mode=mode)
    with lab.session_over(lab.adapter, lab.log) as browser:
        page = browser.get(url, allow_redirects=False)
        form = {"Username": "bob", "Password": "bob", "button": "login"}
        page = browser.post(page.headers["Location"], data=form, allow_redirects=False)
        browser.get(page.headers["Location"], allow_redirects=False)
    text = shown(lab, tmp_path)
    for value in handles(lab.twin):
        assert value not in text
    assert "<code 2>" in lab.log.text()


SECRET = "Zq7-Xk_4Tn9Lw2Rv8Yb3"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON, HTML = ("Content-Type", "application/json"), ("Content-Type", "text/html")
KINDS = """code id_token id_token_hint access_token refresh_token request_uri code_verifier password
    client_secret device_code user_code auth_req_id session_state sid state nonce token""".split()


def asked(name, secret=SECRET):
    """The parameters of a message of a sign-in, one of them secret."""
    return f"client_id=a&response_type=code&{name}={quote(secret, safe='')}"


def often(text, times):
    """A text in URL encoding, so many times."""
    return often(quote(text, safe=""), times - 1) if times else text


PLACES = {  # of one secret that nothing else names
    "a URL": lambda q: {"url": f"https://c.example/cb?{q}"},
    "a fragment": lambda q: {"url": f"https://c.example/cb#{q}"},
    "a form": lambda q: {"request_headers": (FORM,), "request_body": q},
    "a Location": lambda q: {"response_headers": (("Location", f"https://c.example/?{q}"),)},
    "a Referer": lambda q: {"request_headers": (("Referer", f"https://c.example/?{q}"),)},
    "a ReturnUrl": lambda q: {"url": f"https://as.example/?ReturnUrl={often(f'/cb?{q}', 1)}"},
    "a ReturnUrl encoded twice": lambda q: {"url": f"https://a/?ReturnUrl={often(f'/cb?{q}', 2)}"},
    "a Location with a ReturnUrl": lambda q: {
        "response_headers": (("Location", f"/Login?ReturnUrl={often(f'/cb?{q}', 2)}"),)
    },
    "a form with a ReturnUrl": lambda q: {
        "request_headers": (FORM,), "request_body": f"ReturnUrl={often(f'/cb?{q}', 2)}",
    },
    "a link": lambda q: page(f'<a href="https://c.example/?{escape(q)}">'),
    "a link to a login page": lambda q: page(f'<a href="/?ReturnUrl={often(f"/cb?{q}", 1)}">'),
    "a meta element": lambda q: page(f'<meta content="0;url=https://c.example/?{escape(q)}">'),
    "a script": lambda q: page(f'<script>go("https:\\/\\/c.example\\/cb?{q}")</script>'),
    "a script with escapes": lambda q: page(f"<script>go('/?{q.replace('&', chr(92) + 'u0026')}')"),
    "a member of JSON": lambda q: {
        "response_headers": (JSON,), "response_body": json.dumps({"url": f"https://c.example/?{q}"}),
    },
    "an unknown text": lambda q: {"request_body": f"see https://c.example/?{q} there"},
    "a text in URL encoding": lambda q: {"request_body": often(f"https://c.example/?{q}", 3)},
}  # fmt: skip


def page(html):
    """The parts of an exchange that gets a page."""
    return {"response_headers": (HTML,), "response_body": html}


def texts(**parts):
    """All texts of an exchange with these parts, without its secrets."""
    exchange = replace(Exchange("POST", "https://as.example/", (), "", 0, 0, status=200), **parts)
    redacted = Redactor().exchange(exchange)
    return redacted.text() + redacted.url


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["code", "id_token_hint", "request_uri", "code_verifier", "state"])
def test_a_secret_is_hidden_wherever_it_is_seen_first(place, name):
    told = texts(**PLACES[place](asked(name)))
    assert SECRET not in told and f"<{name} 1>" in told


@pytest.mark.parametrize("name", KINDS)
def test_every_secret_of_a_sign_in_is_hidden_by_its_name(name):
    for place in ("a URL", "a form", "a ReturnUrl encoded twice"):
        assert SECRET not in texts(**PLACES[place](asked(name)))


@pytest.mark.parametrize("field", [
    "name='{0}' value='{1}'", 'type=hidden name="{0}" value="{1}"', 'value="{1}" name="{0}"',
    'name="{0}" type="hidden" value="{1}" /', "name={0} value={1}", 'NAME="{0}" ID=x VALUE="{1}"',
])  # fmt: skip
@pytest.mark.parametrize("name", ["code", "state", "id_token", "SAMLResponse", "request_uri"])
def test_a_field_of_a_page_is_hidden_however_it_is_written(field, name):
    shown = Redactor().text(f"<form><input {field.format(name, SECRET)}></form>")
    assert (SECRET in shown) == (name == "SAMLResponse")
    assert shown.startswith("<form><input ") and shown.endswith("></form>")


@pytest.mark.parametrize("name", ["Password", "passwd", "pwd", "passcode"])
def test_a_password_is_hidden_as_other_login_pages_call_it(name):
    assert "tiny" not in texts(request_headers=(FORM,), request_body=f"login=ann&{name}=tiny")


def har(**lists):
    """A HAR in which only these lists of the one request have the secret."""
    pairs = {name: [{"name": n, "value": v} for n, v in pair] for name, pair in lists.items()}
    data = {"mimeType": FORM[1], "params": pairs.pop("params", [])}
    request = {"method": "POST", "url": "https://as.example/connect/token", **pairs}
    return {"log": {"entries": [{"request": {**request, "postData": data}}]}}


@pytest.mark.parametrize("value", [SECRET, f"{'8975DD546CF5' * 5}-1"])
@pytest.mark.parametrize(("text", "kind"), [
    ("The code {} was redeemed", "code"), ("authorization code not found: {}", "code"),
    ("invalid_grant: refresh token '{}' is unknown", "refresh_token"),
    ("State mismatch: expected {}", "state"), ("AuthorizationCode not found: {}", "code"),
    ("{{'authorization_code': '{}', 'redirect_uri': 'x'}}", "code"),
    ('{{"code": "{}"}}', "code"), ('{{"authorizationCode": "{}"}}', "code"),
    ("<button name='code' value='{}'>", "code"),
])  # fmt: skip
def test_a_random_value_is_hidden_where_words_say_what_it_is(text, kind, value):
    assert Redactor().text(text.format(value)) == text.format(f"<{kind} 1>")
    assert value not in str(diagnose(json.dumps({"error": "x", "error_description": text})))


def test_both_values_of_a_mismatch_are_hidden():
    told = Redactor().text(f"state mismatch: expected '{SECRET}' but got {SECRET}Other")
    assert told == "state mismatch: expected '<state 1>' but got <state 2>"


@pytest.mark.parametrize("text", [
    '{"code": "INVALID_DPOP_PROOF_401"}', '{"code": "invalid_grant"}', '{"token": "expired"}',
    f"the token is bound to jkt {SECRET}{SECRET}aaa", "the code was already redeemed at 12:00:00",
    "no code for https://client.example/callback/Of/The/App1",
])  # fmt: skip
def test_words_and_thumbprints_are_left_in_what_a_server_says(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize("method", ["&code_challenge_method=plain", ""])
def test_the_challenge_of_the_method_plain_is_a_verifier(method):
    asked = f"https://as.example/authorize?client_id=a&code_challenge={SECRET}{method}"
    assert "<code_verifier 1>" in Redactor().exchange(Exchange("GET", asked, (), "", 0, 0)).url
    hashed = f"{asked.removesuffix(method)}&code_challenge_method=S256"
    assert Redactor().exchange(Exchange("GET", hashed, (), "", 0, 0)).url == hashed


@pytest.mark.parametrize("lists", [
    {"queryString": [("code", SECRET)]}, {"params": [("code_verifier", SECRET)]},
    {"cookies": [("S", SECRET)]}, {"headers": [("cookie", f"S={SECRET}")]},
    {"headers": [("set-cookie", f"S=of-no-use-at-all; Path=/\nT={SECRET}; Path=/")]},
    {"headers": [("referer", f"https://c.example/?{asked('code')}")]},
    {"headers": [("authorization", f"DPoP {SECRET}")]},
])  # fmt: skip
def test_the_lists_of_a_har_are_read_as_what_they_are(lists):
    made = har(**lists)
    turned = json.loads(json.dumps(made), object_pairs_hook=lambda pairs: dict(pairs[::-1]))
    for one in (made, turned):
        for text in (json.dumps(one), json.dumps(one, indent=1)):
            assert SECRET not in Redactor().text(text) + str(diagnose(text))
            assert json.loads(Redactor().text(text)).keys() == {"log"}


@pytest.mark.parametrize("text", [
    '{"cookies": "S=1", "name": "value", "value": ["name"]}', '{"cookies": [], "postData": 7}',
    '{"queryString": [{"name": 1, "value": "x"}, {"name": "\\u0000", "value": ""}]}',
    "<input name=code value>", "<input name='code' value=''>", "%3D", "see=" + "%3D" * 400,
    "%25" * 400 + "3Dx", "<input " * 400,
])  # fmt: skip
def test_what_only_looks_like_a_secret_in_a_list_or_a_field_is_left(text):
    assert Redactor().text(text) == text


def test_a_value_has_one_name_whatever_it_is_called_later():
    redactor = Redactor()
    first = redactor.text(f"https://as.example/?{asked('code')}")
    later = redactor.text(f'{{"token": "{SECRET}", "note": "{often(SECRET, 2)}"}}')
    assert "<code 1>" in first and "<token" not in later and later.count("<code 1>") == 2


def test_cookies_in_one_line_are_all_hidden_and_their_attributes_are_left():
    attributes = "Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly"
    line = f"a={SECRET}; {attributes}, b=tiny; Path=/"
    told = texts(response_headers=(("Set-Cookie", line), ("Set-Cookie", "justavalue")))
    assert f"a=<cookie 1>; {attributes}, b=<cookie 2>; Path=/" in told
    assert not {SECRET, "tiny", "justavalue"} & set(re.findall(r"[\w-]+", told))


def test_a_parameter_with_a_secret_within_stays_one_parameter():
    within = "/cb?client_id=a&state=of-the-owner&nonce=#y"
    told = Redactor().exchange(
        Exchange("POST", "https://as.example/", (FORM,), f"ReturnUrl={often(within, 1)}&b=1", 0, 0)
    )
    assert dict(parse_qsl(told.request_body)) == {
        "ReturnUrl": within.replace("of-the-owner", "<state 1>"), "b": "1",
    }  # fmt: skip


def test_a_state_of_something_else_is_left():
    assert "state=open" in texts(url="https://api.example/orders?state=open&nonce=1")


HANDLE = "0123456789ABCDEF" * 4
URN = f"urn:ietf:params:oauth:request_uri:{HANDLE}"


@pytest.mark.parametrize("text", [
    f"302 to /connect/authorize?client_id=a&request_uri={URN}",
    f"302 to /connect/authorize?client_id=a&request_uri={URN.replace(':', '%3A')}",
    f"/Account/Login?ReturnUrl=%2Fcallback%3Frequest_uri%3D{URN.replace(':', '%253A')}",
    json.dumps({"request_uri": URN, "expires_in": 60}),
    json.dumps({"message": json.dumps({"request_uri": URN})}),
    f"PAR answered request_uri: {URN}",
    f"the handle {URN} was used twice",
    f'<input type="hidden" name="code" value="{HANDLE}">',
    f"<input type='hidden' name='code' value='{HANDLE}'>",
    f"https://client.example/#code={HANDLE}&state=s",
    f"https://client.example/cb?state=s&code={HANDLE}",
])  # fmt: skip
def test_a_handle_is_hidden_in_every_spelling(text):
    redactor = Redactor()
    redactor.text(f'{{"request_uri": "{URN}"}}' if "%253A" in text else "")  # as PAR gave it
    assert HANDLE not in redactor.text(text)


@pytest.mark.parametrize("text", [
    "error=invalid_request_uri: it is used", "request_uri: expired", "the request_uri is missing",
    '{"request_uri_parameter_supported": true}', '{"error": "invalid_request_uri"}',
    "require_request_uri_registration: false", '<code>invalid_request_uri</code>: It is used',
])  # fmt: skip
def test_what_is_said_of_a_request_uri_is_left(text):
    assert Redactor().text(text) == text


def test_the_explain_page_shows_no_secret_of_a_sign_in():
    said = []
    with serve(policy=RFC_9449, front=lambda twin: Explainer(twin, said.append)) as running:
        redirect = "http://127.0.0.1:1/callback"
        auth = DPoPAuth.authorization_code(
            key=generate_key(),
            issuer=running.base_url,
            client_id="native.dpop",
            client_auth="none",
            redirect_uri=redirect,
            scope="openid api offline_access",
            push=True,
        )
        with requests.Session() as browser:
            there = signed_in(browser, auth.sign_in.begin(), redirect, "alice", "alice")
        verifier = auth.sign_in.asked.verifier
        auth.sign_in.finish(there)
        requests.get(f"{running.url}/api/dpop/test", auth=auth, timeout=10)
        text = requests.get(running.url, timeout=10).text + "".join(map(str, said))
        assert "/connect/par" in text
        for value in (*handles(running.twin), verifier, auth.token.value):
            assert value not in text
        assert not JWT.search(text)


def test_the_file_of_a_sign_in_is_not_repeated_by_who_reads_it(tmp_path):
    kept = {"issuer": "https://as.example", "client_id": "a", "jkt": "x" * 43}
    store = FileStore(tmp_path / "login.json")
    store.write({**kept, "refresh_token": HANDLE})
    assert store.path.stat().st_mode & 0o077 == 0
    assert HANDLE in store.path.read_text("utf-8")
    for text in (repr(store), str(diagnose(store.path.read_text("utf-8")))):
        assert HANDLE not in text
