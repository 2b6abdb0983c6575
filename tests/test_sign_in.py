"""Signing people in: codes, their keys, refresh tokens and their families, under both policies."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from dpop_lab import (
    DUENDE,
    RFC_9449,
    Lab,
    LabError,
    generate_key,
    private_key_jwt,
    public_jwk,
    thumbprint,
)
from dpop_lab.client.sign_in.answer import read_id_token
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.lab.sign_in.person import signed_in

VERIFIER = "v" * 43
CHALLENGE = base64url_encode(sha256(VERIFIER.encode()))
REDIRECT = "https://notused"
POLICIES = {"DUENDE": DUENDE, "RFC_9449": RFC_9449}
PUBLIC, CONFIDENTIAL = "interactive.public", "interactive.confidential"
SCOPE = "openid api offline_access"


@pytest.fixture(params=POLICIES)
def lab(request):
    with Lab(policy=POLICIES[request.param]) as made:
        yield made


@pytest.fixture
def strict():
    with Lab(policy=RFC_9449) as made:
        yield made


@pytest.fixture
def demo():
    with Lab() as made:
        yield made


def jkt(key):
    return thumbprint(public_jwk(key))


def authorize(lab, client_id=PUBLIC, **changed):
    """The answer to an authorization request, with alice signed in where it comes to that."""
    query = {
        "client_id": client_id, "response_type": "code", "redirect_uri": REDIRECT, "scope": SCOPE,
        "state": "s", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changed,
    }  # fmt: skip
    query = {name: value for name, value in query.items() if value is not None}
    url = f"{lab.base_url}/connect/authorize"
    answer = lab.session.get(url, params=query, allow_redirects=False)
    if "/Account/Login" not in answer.headers.get("Location", ""):
        return answer
    form = {"Username": "alice", "Password": "alice", "button": "login"}
    answer = lab.session.post(answer.headers["Location"], data=form, allow_redirects=False)
    return lab.session.get(answer.headers["Location"], allow_redirects=False)


def told(answer):
    """The parameters that an answer takes to the client."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(REDIRECT)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def code_of(lab, client_id=PUBLIC, **changed):
    return told(authorize(lab, client_id, **changed))["code"]


def token(lab, key=None, client_id=PUBLIC, **form):
    """The answer to a token request of this client, with a proof by this key."""
    secret = {"client_secret": "secret"} if client_id.startswith(CONFIDENTIAL) else {}
    headers = {"DPoP": lab.proof(key, "POST", lab.token_endpoint)} if key else {}
    data = {"client_id": client_id, **secret, **form}
    return lab.session.post(lab.token_endpoint, data=data, headers=headers)


def redeem(lab, code, key=None, client_id=PUBLIC, **changed):
    form = {"code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER} | changed
    form = {name: value for name, value in form.items() if value is not None}
    return token(lab, key, client_id, grant_type="authorization_code", **form)


def refresh(lab, refresh_token, key=None, client_id=PUBLIC):
    return token(lab, key, client_id, grant_type="refresh_token", refresh_token=refresh_token)


def error(answer):
    return answer.json()["error"]


# ---- the code and its key


def test_a_code_bound_by_dpop_jkt_is_refused_without_its_key_and_stays_good_for_its_owner(lab):
    owner, thief = generate_key(), generate_key()
    code = code_of(lab, dpop_jkt=jkt(owner))
    for key, defect in ((None, "missing"), (thief, "wrong")):
        answer = redeem(lab, code, key)
        assert answer.status_code == 400
        failed = lab.log[-1].reports[-1].failure
        assert (failed.check.name, failed.defect) == ("code_key", defect)
    assert redeem(lab, code, owner).json()["token_type"] == "DPoP"


def test_without_the_row_a_thief_redeems_a_bound_code(lab):
    code = code_of(lab, dpop_jkt=jkt(generate_key()))
    twin = lab.twin
    assert redeem(lab, code, generate_key()).status_code == 400
    twin.authorization_server.policy = twin.policy.without("code_key")
    assert redeem(lab, code, generate_key()).status_code == 200


def test_a_code_without_its_verifier_is_refused_and_used_up(lab):
    for verifier in (None, "w" * 43, "short"):
        code = code_of(lab)
        assert error(redeem(lab, code, generate_key(), code_verifier=verifier)) == "invalid_grant"
        assert error(redeem(lab, code, generate_key())) == "invalid_grant"


def test_a_code_is_for_its_client_and_its_redirect_uri(lab):
    code = code_of(lab)
    assert error(redeem(lab, code, client_id=CONFIDENTIAL)) == "invalid_grant"
    assert error(redeem(lab, code, redirect_uri="https://other.example")) == "invalid_grant"
    missing = redeem(lab, code_of(lab), redirect_uri=None)
    wanted = "unauthorized_client" if lab.policy.name == "DUENDE" else "invalid_grant"
    assert error(missing) == wanted


def test_a_code_has_an_end(lab):
    code = code_of(lab)
    lab.clock.advance(301)
    assert error(redeem(lab, code)) == "invalid_grant"


def test_a_verifier_without_a_challenge_is_refused(demo):
    client_id = "interactive.confidential.nopkce"
    bare = {"code_challenge": None, "code_challenge_method": None}
    code = code_of(demo, client_id, **bare)
    assert error(redeem(demo, code, client_id=client_id)) == "invalid_grant"
    code = code_of(demo, client_id, **bare)
    assert redeem(demo, code, client_id=client_id, code_verifier=None).status_code == 200


def test_a_code_used_twice_ends_what_came_of_it_where_the_policy_says_so(lab):
    key = generate_key()
    code = code_of(lab)
    first = redeem(lab, code, key).json()
    assert error(redeem(lab, code, key)) == "invalid_grant"
    after = refresh(lab, first["refresh_token"], key)
    assert after.status_code == (200 if lab.policy.name == "DUENDE" else 400)


# ---- refresh tokens


def test_a_public_clients_refresh_token_is_bound_and_goes_once(lab):
    key, thief = generate_key(), generate_key()
    first = redeem(lab, code_of(lab), key).json()["refresh_token"]
    stolen = refresh(lab, first, thief)
    assert stolen.status_code == 400
    assert lab.log[-1].reports[-1].failure.check.name == "refresh_key"
    assert refresh(lab, first).status_code == 400
    second = refresh(lab, first, key).json()["refresh_token"]
    assert second != first
    assert error(refresh(lab, first, key)) == "invalid_grant"
    again = refresh(lab, second, key)
    assert again.status_code == (200 if lab.policy.name == "DUENDE" else 400)  # the family ended


def test_a_public_client_asks_with_its_name_alone(lab):
    auth = lab.sign_in("alice", client_id=PUBLIC)
    form = {"grant_type": "refresh_token", "refresh_token": auth.sign_in.refresh_token}
    assert lab.ask(PUBLIC, key=auth.sign_in.key, **form).ok
    assert "client_id=interactive.public" in lab.log[-1].request_body
    assert "client_secret" not in lab.log[-1].request_body


def test_without_the_row_a_thief_uses_a_public_clients_refresh_token(lab):
    first = redeem(lab, code_of(lab), generate_key()).json()["refresh_token"]
    twin = lab.twin
    twin.authorization_server.policy = twin.policy.without("refresh_key")
    assert refresh(lab, first, generate_key()).status_code == 200


def test_a_confidential_client_may_take_another_key(lab):
    code = code_of(lab, CONFIDENTIAL)
    first = redeem(lab, code, generate_key(), CONFIDENTIAL).json()["refresh_token"]
    other = generate_key()
    answer = refresh(lab, first, other, CONFIDENTIAL).json()
    assert answer["token_type"] == "DPoP"
    assert answer["refresh_token"] == first


def test_whether_it_may_go_on_without_a_proof_is_the_policys_choice(lab):
    demo = lab.policy.name == "DUENDE"
    code = code_of(lab, CONFIDENTIAL)
    proven = redeem(lab, code, generate_key(), CONFIDENTIAL).json()["refresh_token"]
    plain = redeem(lab, code_of(lab, CONFIDENTIAL), None, CONFIDENTIAL).json()["refresh_token"]
    assert refresh(lab, proven, None, CONFIDENTIAL).status_code == (400 if demo else 200)
    answer = refresh(lab, plain, generate_key(), CONFIDENTIAL)
    assert answer.status_code == (400 if demo else 200)


def test_a_refresh_token_is_for_its_client(lab):
    code = code_of(lab, CONFIDENTIAL)
    first = redeem(lab, code, None, CONFIDENTIAL).json()["refresh_token"]
    assert error(refresh(lab, first)) == "invalid_grant"


def test_a_revoked_refresh_token_is_at_its_end(lab):
    key = generate_key()
    first = redeem(lab, code_of(lab), key).json()["refresh_token"]
    url = f"{lab.base_url}/connect/revocation"
    for client_id, status in ((CONFIDENTIAL, 200), (PUBLIC, 400)):  # another's ends nothing
        secret = {"client_secret": "secret"} if client_id == CONFIDENTIAL else {}
        form = {"client_id": client_id, "token": first, **secret}
        assert lab.session.post(url, data=form).status_code == 200
        if client_id == CONFIDENTIAL:
            first = refresh(lab, first, key).json()["refresh_token"]
        else:
            assert refresh(lab, first, key).status_code == status


@pytest.mark.parametrize("kind", ["code", "refresh token"])
def test_of_64_threads_with_one_code_or_one_time_token_one_wins(lab, kind):
    key = generate_key()
    code = code_of(lab)
    if kind == "code":
        sends = [lambda: redeem(lab, code, key)] * 64
    else:
        first = redeem(lab, code, key).json()["refresh_token"]
        sends = [lambda: refresh(lab, first, key)] * 64
    with ThreadPoolExecutor(64) as pool:
        answers = [one.result() for one in [pool.submit(send) for send in sends]]
    assert sorted({one.status_code for one in answers}) == [200, 400]
    assert sum(one.status_code == 200 for one in answers) == 1


# ---- the authorization request


def test_errors_go_to_the_redirect_uri_or_to_a_page_but_never_to_an_unknown_one(strict):
    for changed, wanted in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"dpop_jkt": "x" * 42}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ):
        said = told(authorize(strict, **changed))
        assert (said["error"], said["state"], said["iss"]) == (wanted, "s", strict.base_url)
    for changed in (
        {"redirect_uri": "https://mallory.example/"},
        {"redirect_uri": f"{REDIRECT}/more"},
        {"redirect_uri": "http://127.0.0.1:99999999/callback"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": "m2m"},
        {"client_id": "interactive.implicit"},
    ):
        answer = authorize(strict, **{"client_id": PUBLIC} | changed)
        assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_the_demo_shows_its_errors_on_a_page(demo):
    for changed in ({"dpop_jkt": "x" * 101}, {"scope": "nonsense"}, {"code_challenge": None}):
        assert authorize(demo, **changed).status_code == 400
    assert told(authorize(demo, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("port", ["", ":1", ":65535"])
def test_a_loopback_redirect_uri_may_have_any_port(strict, port):
    uri = f"http://127.0.0.1{port}/callback"
    answer = authorize(strict, redirect_uri=uri)
    assert answer.headers["Location"].startswith(f"{uri}?code=")


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_the_answer_takes_the_way_that_was_asked_for(lab, mode):
    answer = authorize(lab, response_mode=mode, state='"><script>')
    if mode == "form_post":
        assert 'name="code"' in answer.text
        assert "<script>" not in answer.text
    else:
        assert answer.headers["Location"].startswith(
            REDIRECT + ("#" if mode == "fragment" else "?")
        )


def test_no_html_of_a_request_reaches_a_page(lab):
    markup = '"><script>alert(1)</script>'
    names = ("client_id", "redirect_uri", "scope", "response_mode", "dpop_jkt", "prompt", "nonce")
    for name in names:
        answer = authorize(lab, **{"client_id": PUBLIC} | {name: markup})
        assert "<script>" not in answer.text
    url = f"{lab.base_url}/Account/Login"
    for back in (
        markup,
        f"/connect/authorize/callback?client_id={markup}",
        "https://mallory.example",
    ):
        answer = lab.session.get(url, params={"ReturnUrl": back}, allow_redirects=False)
        assert answer.status_code == 400
        assert "<script>" not in answer.text


@pytest.mark.parametrize("back", [
    "https://mallory.example", "//mallory.example", "/\\mallory.example", "/connect/authorize", "",
    "/connect/authorize/callback/../../..//mallory.example", "javascript:alert(1)",
])  # fmt: skip
def test_a_login_leads_back_to_an_authorization_request_alone(lab, back):
    form = {"Username": "alice", "Password": "alice", "button": "login", "ReturnUrl": back}
    answer = lab.session.post(f"{lab.base_url}/Account/Login", data=form, allow_redirects=False)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("line", [
    {"Origin": "https://mallory.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
])  # fmt: skip
def test_a_login_form_of_another_site_signs_nobody_in(lab, line):
    query = {"client_id": PUBLIC, "response_type": "code", "redirect_uri": REDIRECT}
    query |= {"scope": SCOPE, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    url = f"{lab.base_url}/connect/authorize"
    login = lab.session.get(url, params=query, allow_redirects=False).headers["Location"]
    form = {"Username": "alice", "Password": "alice", "button": "login"}
    answer = lab.session.post(login, data=form, headers=line, allow_redirects=False)
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    answer = lab.session.post(
        login, data=form, headers={"Origin": lab.base_url}, allow_redirects=False
    )
    assert answer.status_code == 302
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" in cookie


def test_a_wrong_password_and_a_no_sign_nobody_in(lab):
    browser = lab.session_over(lab.adapter, lab.log)
    query = {"client_id": PUBLIC, "response_type": "code", "redirect_uri": REDIRECT, "state": "s"}
    query |= {"scope": SCOPE, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    answer = browser.get(f"{lab.base_url}/connect/authorize", params=query, allow_redirects=False)
    login = answer.headers["Location"]
    for name, password in (("alice", "bob"), ("nobody", "x"), ("", ""), ("alice", "")):
        form = {"Username": name, "Password": password, "button": "login"}
        answer = browser.post(login, data=form, allow_redirects=False)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert 'role="alert"' in answer.text
    answer = browser.post(login, data={"button": "cancel"}, allow_redirects=False)
    assert told(answer)["error"] == "access_denied"


# ---- PAR, userinfo, introspection


def push(lab, key=None, client_id=CONFIDENTIAL, **changed):
    form = {
        "client_id": client_id, "client_secret": "secret", "response_type": "code",
        "redirect_uri": REDIRECT, "scope": SCOPE, "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", **changed,
    }  # fmt: skip
    url = f"{lab.base_url}/connect/par"
    headers = {"DPoP": lab.proof(key, "POST", url)} if key else {}
    return lab.session.post(url, data=form, headers=headers)


def test_a_proof_at_the_par_endpoint_binds_the_code(lab):
    key = generate_key()
    uri = push(lab, key).json()["request_uri"]
    code = told(authorize(lab, CONFIDENTIAL, request_uri=uri))["code"]
    assert redeem(lab, code, generate_key(), CONFIDENTIAL).status_code == 400
    assert lab.log[-1].reports[-1].failure.check.name == "code_key"
    assert redeem(lab, code, key, CONFIDENTIAL).status_code == 200


def test_a_pushed_request_goes_once_and_for_its_client_alone(lab):
    uri = push(lab, generate_key()).json()["request_uri"]
    assert authorize(lab, PUBLIC, request_uri=uri).status_code == 400
    assert "code" in told(authorize(lab, CONFIDENTIAL, request_uri=uri))
    assert authorize(lab, CONFIDENTIAL, request_uri=uri).status_code == 400
    late = push(lab, generate_key()).json()["request_uri"]
    lab.clock.advance(601)
    assert authorize(lab, CONFIDENTIAL, request_uri=late).status_code == 400


def test_proof_and_dpop_jkt_must_agree_in_a_pushed_request(lab):
    key = generate_key()
    assert push(lab, key, dpop_jkt=jkt(key)).status_code == 201
    assert error(push(lab, key, dpop_jkt=jkt(generate_key()))) == "invalid_request"
    assert error(push(lab, client_secret="wrong")) == "invalid_client"
    assert error(push(lab, scope="nonsense")) == "invalid_scope"
    assert error(push(lab, request_uri="urn:x")) == "invalid_request"


def test_an_assertion_for_the_par_endpoint_is_taken_there(lab):
    client_id, url = "interactive.confidential.jwt", f"{lab.base_url}/connect/par"
    for audience, taken in ((url, True), (lab.base_url, True), ("https://other.example", False)):
        form = private_key_jwt(client_id, lab.client_key, audience=audience)(lab.clock.now())[1]
        answer = push(lab, client_secret=None, **form)
        assert (answer.status_code == 201) == taken
    assert error(answer) == "invalid_client"


def test_a_bound_token_at_userinfo(lab):
    key = generate_key()
    access = redeem(lab, code_of(lab, scope="openid profile api"), key).json()["access_token"]
    url = f"{lab.base_url}/connect/userinfo"
    bearer = lab.session.get(url, headers={"Authorization": f"Bearer {access}"})
    proof = lab.proof(key, "GET", url, access_token=access)
    proven = lab.session.get(url, headers={"Authorization": f"DPoP {access}", "DPoP": proof})
    without = lab.proof(key, "GET", url)
    bare = lab.session.get(url, headers={"Authorization": f"DPoP {access}", "DPoP": without})
    good = bearer if lab.policy.name == "DUENDE" else proven
    assert [one.status_code for one in (bearer, proven, bare)].count(200) == 1
    assert good.json() == {
        "sub": "1", "name": "Alice Smith", "given_name": "Alice", "family_name": "Smith",
        "website": "http://alice.example.com",
    }  # fmt: skip
    if lab.policy.name == "RFC_9449":
        assert lab.log[-1].reports[-1].failure.check.name == "ath"
        assert bearer.headers["WWW-Authenticate"].startswith("Bearer")


def test_introspection_tells_the_key_to_who_may_ask(lab):
    key = generate_key()
    access = redeem(lab, code_of(lab), key).json()["access_token"]
    url = f"{lab.base_url}/connect/introspect"
    seen = lab.session.post(url, data={"token": access}, auth=("api", "secret")).json()
    assert (seen["active"], seen["cnf"], seen["sub"]) == (True, {"jkt": jkt(key)}, "1")
    for auth in (("api", "wrong"), ("nobody", "secret"), None):
        assert lab.session.post(url, data={"token": access}, auth=auth).status_code in (400, 401)
    other = lab.session.post(url, data={"token": access}, auth=("urn%3Aresource1", "secret"))
    assert other.json() == {"active": False}


# ---- what it costs those who do not sign in


def test_a_lab_without_people_loads_nothing_of_it():
    code = (
        "import sys; from dpop_lab import Lab; lab = Lab(); print(lab.session.get(lab.api,"
        " auth=lab.auth()).status_code, [m for m in sys.modules if 'sign_in' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "200 []"


# ---- the client


def test_a_client_signs_in_calls_renews_and_ends_it(lab):
    auth = lab.sign_in("bob", client_id=PUBLIC, scope="openid profile api offline_access")
    assert auth.sign_in.person["sub"] == "2"
    assert lab.session.get(lab.api, auth=auth).status_code == 200
    first = auth.token.value
    lab.clock.advance(3600)
    assert lab.session.get(lab.api, auth=auth).status_code == 200
    assert auth.token.value != first
    auth.revoke()
    assert auth.token is None
    with pytest.raises(Exception, match="Nobody is signed in"):
        lab.session.get(lab.api, auth=auth)


@pytest.mark.parametrize("client_id", [
    PUBLIC, "native.dpop", CONFIDENTIAL, "interactive.confidential.jwt",
    "interactive.confidential.jwt.dpop", "interactive.confidential.short",
])  # fmt: skip
@pytest.mark.parametrize("push", [False, True])
def test_every_client_signs_in_pushed_or_not(lab, client_id, push):
    auth = lab.sign_in(client_id=client_id, push=push)
    assert lab.session.get(lab.api, auth=auth).status_code == 200
    paths = [urlsplit(one.url).path for one in lab.log]
    assert ("/connect/par" in paths) == push


def test_an_answer_of_another_sign_in_or_server_is_not_taken(lab):
    auth = lab.sign_in()
    browser = lab.session_over(lab.adapter, lab.log)
    there = signed_in(browser, auth.sign_in.begin(), REDIRECT, "alice", "alice")
    for wrong, word in (
        (there.replace("state=", "state=x"), "state"),
        (there.partition("&iss=")[0], "another server"),
        (there.partition("&iss=")[0] + "&iss=https://mallory.example", "another server"),
        (REDIRECT, "state"),
        ("", "state"),
    ):
        with pytest.raises(Exception, match=word):
            auth.sign_in.finish(wrong)
    assert auth.sign_in.finish(there).token_type == "DPoP"
    with pytest.raises(Exception, match="No sign-in has begun"):
        auth.sign_in.finish(there)


@pytest.mark.parametrize("answer", [
    "", "?", "#", "http://[", "x" * 100_000, "&" * 5_000, "?state=%ff&code=%00", "?state=\udcff",
    "https://notused:99999/?state=x", None, 5, b"?state=x",
])  # fmt: skip
def test_what_is_no_answer_is_told_and_the_sign_in_goes_on(strict, answer):
    auth = strict.sign_in()
    browser = strict.session_over(strict.adapter, strict.log)
    there = signed_in(browser, auth.sign_in.begin(), REDIRECT, "alice", "alice")
    with pytest.raises(LabError):
        auth.sign_in.finish(answer)
    assert auth.sign_in.finish(f"  {there}\n").token_type == "DPoP"


def id_token(**claims):
    said = {"iss": "i", "aud": "c", "nonce": "n", "exp": 1000, "sub": "1", **claims}
    parts = [json.dumps(one).encode() for one in ({"alg": "RS256"}, said)]
    return ".".join([*map(base64url_encode, parts), "AA"])


def read(token):
    return read_id_token(token, issuer="i", client_id="c", nonce="n", now=900.5)


@pytest.mark.parametrize("claims", [
    {"iss": "j"}, {"iss": None}, {"aud": "d"}, {"aud": []}, {"aud": {"c": 1}}, {"aud": [["c"]]},
    {"nonce": "m"}, {"nonce": None}, {"exp": 500}, {"exp": "1000"}, {"exp": True}, {"exp": None},
    {"exp": float("nan")}, {"exp": -(10**400)}, {"azp": "d"}, {"sub": None}, {"sub": 1},
])  # fmt: skip
def test_an_id_token_for_something_else_is_not_taken(claims):
    assert read(id_token(aud=["c", {}], azp="c"))["sub"] == "1"
    with pytest.raises(LabError, match=f"by its {next(iter(claims))}"):
        read(id_token(**claims))


@pytest.mark.parametrize("token", [None, 5, "", "a.b.c", {}, "x" * 100_000, "..", "\0"])
def test_what_is_no_id_token_is_not_taken(token):
    with pytest.raises(LabError):
        read(token)
