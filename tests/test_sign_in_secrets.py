"""Nothing of a sign-in that is good for anything is shown: codes, tokens, cookies, passwords."""

import json
import re
from dataclasses import fields

import pytest
import requests

from dpop_lab import DUENDE, RFC_9449, DPoPAuth, Lab, LabError, diagnose, generate_key
from dpop_lab.client.sign_in.store import FileStore
from dpop_lab.doctor.explain.explainer import Explainer
from dpop_lab.lab.sign_in.person import signed_in
from dpop_lab.server.sign_in.state import Store
from dpop_lab.server.sockets import serve
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
