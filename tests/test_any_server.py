"""Labs and the command at a server that is neither the twin nor the demo: settings, discovery."""

import base64
import hashlib
import hmac
import json
import os
import re
from urllib.parse import parse_qs

import pytest

from dpop_lab import (
    DPoPAuth,
    Lab,
    LabError,
    SettingsError,
    TokenRefused,
    __version__,
    generate_key,
    public_jwk,
)
from dpop_lab.cli import main
from dpop_lab.client.read_settings import read_settings
from dpop_lab.client.settings import NAMES
from dpop_lab.jose.jws import HASHES, mac_compact, read_jws, verify
from dpop_lab.jose.keys import ALGORITHMS
from dpop_lab.wire.message import Request, Response
from tests.client_world import answer, claims, issued, listening
from tests.network import dripping

SECRET = "a-secret-of-many-characters"
KEY, CLIENT_KEY = generate_key("ES256"), generate_key("PS256")
WHOLE = {"client_id": "me", "client_secret": SECRET, "token_endpoint": "https://as.example/t"}
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in [one for one in os.environ if one.startswith("DPOP_LAB_")]:
        monkeypatch.delenv(name)


class Provider:
    """An authorization server with an API at `/orders`; its first token request needs a nonce."""

    def __init__(self, openid=False, **metadata):
        self.requests, self.metadata, self.url = list[Request](), metadata, ""
        self._well_known = "/.well-known/openid-configuration" if openid else METADATA

    def __call__(self, request):
        self.requests.append(request)
        if request.path == self._well_known:
            found = {"issuer": self.url, "token_endpoint": f"{self.url}/token"}
            return answer(200, found | self.metadata)
        if request.path == "/token" and claims(request).get("nonce") != "n1":
            return answer(400, {"error": "use_dpop_nonce"}, DPoP_Nonce="n1")
        if request.path == "/token":
            return issued(1)
        return answer(200, "fine") if request.path == "/orders" else Response(404)

    @property
    def paths(self):
        return [one.path for one in self.requests]

    @property
    def token_requests(self):
        return [one for one in self.requests if one.path == "/token"]


@pytest.fixture
def provider():
    served = Provider()
    with listening(served) as served.url:
        yield served


def given(provider, **changed):
    known = {"issuer": provider.url, "api": f"{provider.url}/orders", "scope": "orders"}
    known |= {"client_id": "me", "client_secret": SECRET}
    return {name: value for name, value in (known | changed).items() if value is not None}


# ---- five ways to say who the client is -------------------------------------------------------

BY_KEY = {"client_secret": None, "client_key": CLIENT_KEY, "client_key_id": "k1"}
WAYS = {
    "client_secret_post": {},
    "client_secret_basic": {},
    "client_secret_jwt": {},
    "private_key_jwt": BY_KEY,
    "none": {"client_secret": None},
}


def way_of(request):
    """How a token request says who the client is, after a look at what proves it."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if header := request.lines("Authorization"):
        assert base64.b64decode(header[0].split()[1]).decode() == f"me:{SECRET}"
        return "client_secret_basic"
    assert form["client_id"] == "me"
    if "client_assertion" in form:
        assertion = read_jws(form["client_assertion"])
        assert SECRET not in request.body.decode()
        if assertion.header["alg"].startswith("HS"):
            mac = hmac.digest(SECRET.encode(), assertion.signing_input, hashlib.sha256)
            assert (assertion.header["alg"], assertion.signature) == ("HS256", mac)
            return "client_secret_jwt"
        signed = assertion.signing_input, assertion.signature
        assert verify(*signed, alg=assertion.header["alg"], jwk=public_jwk(CLIENT_KEY))
        assert assertion.header["kid"] == "k1"
        return "private_key_jwt"
    return "client_secret_post" if form.get("client_secret") == SECRET else "none"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gets_a_token_after_the_nonce_and_calls_the_api(provider, way):
    with Lab(**given(provider, client_auth=way, **WAYS[way])) as lab:
        assert lab.session.get(lab.api, auth=lab.auth(key=KEY)).json() == "fine"
        log = lab.log.text()
    assert provider.paths == [METADATA, "/token", "/token", "/orders"]
    assert SECRET not in log and "eyJ" not in log and "token-1" not in log
    assert [way_of(one) for one in provider.token_requests] == [way, way]


@pytest.mark.parametrize("way", ["client_secret_jwt", "private_key_jwt"])
def test_an_assertion_is_new_for_each_request_and_names_client_audience_and_times(provider, way):
    with Lab(**given(provider, client_auth=way, **WAYS[way])) as lab:
        lab.session.get(lab.api, auth=lab.auth())
    forms = [parse_qs(one.body.decode()) for one in provider.token_requests]
    said = [read_jws(form["client_assertion"][0]).claims for form in forms]
    assert len({one["jti"] for one in said}) == 2
    for one in said:
        assert (one["iss"], one["sub"], one["aud"]) == ("me", "me", f"{provider.url}/token")
        assert one["exp"] - one["iat"] == 60


def test_the_audience_of_an_assertion_is_what_the_settings_say(provider):
    with Lab(
        **given(provider, client_auth="client_secret_jwt", assertion_audience="urn:as")
    ) as lab:
        _, form = lab.credentials()
    assert read_jws(form["client_assertion"]).claims["aud"] == "urn:as"


@pytest.mark.parametrize(
    ("listed", "changed", "way"),
    [
        (["client_secret_basic", "client_secret_post"], {}, "client_secret_post"),
        (["private_key_jwt", "client_secret_basic"], {}, "client_secret_basic"),
        (["client_secret_jwt"], {}, "client_secret_jwt"),
        (None, {}, "client_secret_basic"),  # RFC 8414: what no list means
        (["tls_client_auth"], {}, "client_secret_post"),
        ("client_secret_jwt", {}, "client_secret_post"),
        (["client_secret_jwt"], {"client_auth": "client_secret_post"}, "client_secret_post"),
        (["client_secret_basic"], BY_KEY, "private_key_jwt"),
    ],
)
def test_without_a_way_the_one_that_fits_and_the_server_lists_is_taken(
    provider, listed, changed, way
):
    if listed is not None:
        provider.metadata["token_endpoint_auth_methods_supported"] = listed
    with Lab(**given(provider, **changed)) as lab:
        lab.session.get(lab.api, auth=lab.auth())
        more = {name: value for name, value in given(provider, **changed).items() if name != "api"}
        auth = DPoPAuth.client_credentials(key=KEY, **more)
        lab.session.get(lab.api, auth=auth)
    assert {way_of(one) for one in provider.token_requests} == {way}


def test_a_secret_makes_no_jws_that_a_proof_could_be():
    assert not HASHES.keys() & ALGORITHMS.keys()
    for alg in ("none", "ES256", None):
        with pytest.raises(LabError):
            mac_compact({"alg": alg}, {}, SECRET.encode())
    for alg, name in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        jws = read_jws(mac_compact({"alg": alg}, {"a": 1}, SECRET.encode()))
        assert jws.signature == hmac.digest(SECRET.encode(), jws.signing_input, name)
        assert not verify(jws.signing_input, jws.signature, alg=alg, jwk=public_jwk(KEY))


# ---- discovery, and what is sent --------------------------------------------------------------


def test_nothing_is_sent_before_something_is_asked_for_and_the_metadata_once(provider):
    with Lab(**given(provider)) as lab:
        assert provider.url in repr(lab)
        assert provider.requests == []
        for _ in range(2):
            lab.session.get(lab.api, auth=lab.auth())
        assert lab.token_endpoint == f"{provider.url}/token"
    assert provider.paths.count(METADATA) == 1


def test_metadata_in_openids_place_do_as_well():
    served = Provider(openid=True)
    with listening(served) as served.url, Lab(**given(served)) as lab:
        assert lab.metadata["issuer"] == served.url
        assert lab.session.get(lab.api, auth=lab.auth()).ok


def test_a_token_endpoint_that_was_given_is_not_looked_up(provider):
    endpoint = f"{provider.url}/token"
    with Lab(**given(provider, issuer=None, token_endpoint=endpoint)) as lab:
        assert lab.session.get(lab.api, auth=lab.auth()).ok
        with pytest.raises(SettingsError):
            lab.metadata  # noqa: B018
    assert METADATA not in provider.paths


def test_each_request_says_who_sends_it_but_for_those_to_the_twin(provider):
    with Lab(**given(provider)) as lab, Lab() as twin:
        for one in (lab, twin):
            one.session.get(one.api, auth=one.auth())
        agents = {dict(exchange.request_headers)["User-Agent"] for exchange in twin.log}
    assert {one.lines("User-Agent") for one in provider.requests} == {(f"dpop-lab/{__version__}",)}
    assert agents == {"dpop-lab"}


@pytest.mark.parametrize(
    "page",
    [
        Response(404),
        Response(200, (("Content-Type", "text/html"),), b"<h1>Welcome</h1>"),
        answer(200, {"issuer": "https://other.example", "token_endpoint": "https://h/"}),
    ],
)
def test_metadata_that_are_none_are_told_with_the_issuer(page):
    with listening(lambda request: page) as url:
        with Lab(issuer=url, client_id="me", client_secret=SECRET) as lab:
            with pytest.raises(SettingsError) as caught:
                lab.auth()
    assert url in str(caught.value)


@pytest.mark.parametrize("endpoint", [5, "ftp://x/", "no url", f"https://me:{SECRET}@h/"])
def test_a_token_endpoint_in_the_metadata_that_is_no_url_is_told(provider, endpoint):
    provider.metadata["token_endpoint"] = endpoint
    with Lab(**given(provider)) as lab, pytest.raises(SettingsError) as caught:
        lab.auth()
    assert SECRET not in str(caught.value)


# ---- which world it is ------------------------------------------------------------------------


def test_each_world_says_which_it_is(provider):
    kinds = {"the offline twin": {}, "the live server": {"live": True}}
    kinds["another server"] = given(provider)
    for kind, arguments in kinds.items():
        with Lab(**arguments) as lab:
            assert (lab.kind, lab.live) == (kind, kind != "the offline twin")
            assert kind in repr(lab) and lab.base_url in repr(lab)
            assert lab.client.client_id == arguments.get("client_id", "m2m.dpop")
            assert SECRET not in repr(lab) + repr(lab.client) + repr(vars(lab))


def test_what_is_the_twins_alone_is_told_of_another_server_as_of_the_live_one(provider):
    with Lab(**given(provider)) as other, Lab(live=True) as live:
        for lab in (other, live):
            for name in ("twin", "client_key", "client_key_id"):
                with pytest.raises(LabError):
                    getattr(lab, name)
            with pytest.raises(LabError):
                lab.session_under(Lab().twin.policy)
        with pytest.raises(LabError):
            other.plain_api  # noqa: B018
    with Lab(**given(provider, api=None)) as lab, pytest.raises(LabError) as caught:
        lab.api  # noqa: B018
    assert "DPOP_LAB_API" in str(caught.value)
    assert provider.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"live": True, "issuer": "https://as.example"},
        {"live": True, "client_key": CLIENT_KEY},
        {"live": True, "settings": {}},
        {"issuer": "https://as.example", "carrier": "socket"},
        {"issuer": "https://as.example", "api_nonce": True},
        {"client_id": "me"},
        {"client_id": "me", "client_secret": SECRET},
        {"issuer": "https://as.example"},
        {"issuer": "https://as.example", "client_id": "me"},
        {"issuer": "https://as.example", "client_id": "me", "client_auth": "private_key_jwt"},
        {"issuer": "https://as.example", "token_endpoint": "https://as.example/token"},
        {"issuer": f"https://{SECRET}@as.example"},
        {"api": f"https://me:{SECRET}@api.example"},
        {"isuer": "https://as.example"},
        {"settings": {"isuer": SECRET}},
        {"settings": WHOLE | {"client_key": 5}},
        {"settings": WHOLE | {"client_auth": SECRET}},
        {"client_key": CLIENT_KEY},
        {"client_auth": "none"},
        {"client_auth": SECRET},
    ],
)
def test_what_is_missing_or_does_not_go_together_is_told_by_name_and_not_by_value(arguments):
    apart = {"live", "carrier", "api_nonce", "log", "client_id", "issuer", "settings"}
    more = {} if apart & arguments.keys() else WHOLE
    with pytest.raises(LabError) as caught:
        Lab(**(more | arguments))
    assert SECRET not in str(caught.value)


# ---- keywords, JSON, environment --------------------------------------------------------------


def test_keywords_go_before_json_and_json_before_the_environment(monkeypatch, tmp_path):
    key_file = tmp_path / "client.pem"
    key_file.write_text(CLIENT_KEY.to_pem("word"), encoding="utf-8")
    monkeypatch.setenv("DPOP_LAB_CLIENT_KEY_PASSWORD", "word")
    for name in NAMES:
        monkeypatch.setenv(f"DPOP_LAB_{name.upper()}", "")  # set, but to nothing
    monkeypatch.setenv("DPOP_LAB_CLIENT_ID", "environment")
    monkeypatch.setenv("DPOP_LAB_SCOPE", "environment")
    monkeypatch.setenv("DPOP_LAB_API", "https://environment.example/")
    monkeypatch.setenv("DPOP_LAB_ISSUER", "https://environment.example")
    monkeypatch.setenv("DPOP_LAB_CLIENT_KEY", str(key_file))
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_id": "file", "scope": "file"}), encoding="utf-8")
    with Lab(settings=file, scope="keyword") as lab:
        assert (lab.client.client_id, lab.client.scope) == ("file", "keyword")
        assert lab.client.client_key == CLIENT_KEY
        assert lab.api == "https://environment.example/"
    with Lab(settings=file, token_endpoint="https://k.example/t", client_secret=SECRET) as lab:
        assert (lab.client.issuer, lab.token_endpoint) == (None, "https://k.example/t")
        assert lab.client.client_key is None
        assert lab.credentials() == ({}, {"client_id": "file", "client_secret": SECRET})
    with Lab(settings={}) as lab:
        assert (lab.client.client_id, lab.base_url) == (
            "environment",
            "https://environment.example",
        )
    with Lab() as lab:
        assert lab.kind == "the offline twin"


@pytest.mark.parametrize(
    ("variables", "told", "way"),
    [
        ({"client_secret": SECRET}, {"client_auth": "none"}, "none"),
        ({"client_secret": SECRET, "client_auth": "client_secret_jwt"}, BY_KEY, None),
        ({"client_key": "no.pem"}, {"client_auth": "none"}, "none"),
        ({"client_auth": "none"}, {"client_secret": SECRET}, None),
        ({"client_auth": "private_key_jwt"}, {"client_secret": SECRET}, None),
        ({"client_auth": "client_secret_jwt"}, {"client_secret": SECRET}, "client_secret_jwt"),
        ({"client_secret": SECRET}, {"client_auth": "client_secret_jwt"}, "client_secret_jwt"),
    ],
)
def test_what_is_given_is_not_spoilt_by_an_older_variable(variables, told, way):
    environment = {f"DPOP_LAB_{name.upper()}": value for name, value in variables.items()}
    bare = {"client_id": "me", "issuer": "https://as.example"}
    told = {name: value for name, value in told.items() if value is not None}
    for known in (
        read_settings(bare, given=told, environment=environment),
        read_settings(bare | told, environment=environment),
    ):
        assert known.client_auth == way
        credentials = {name: getattr(known, name) for name in ("client_secret", "client_key")}
        wanted = told if way != "client_secret_jwt" else {"client_secret": SECRET}
        assert credentials == {name: wanted.get(name) for name in credentials}


@pytest.mark.parametrize(
    ("variables", "blamed"),
    [
        ({"client_secret": SECRET, "client_auth": "none"}, {"CLIENT_SECRET", "CLIENT_AUTH"}),
        ({"client_secret": SECRET, "client_auth": SECRET}, {"CLIENT_SECRET", "CLIENT_AUTH"}),
        ({"client_secret": f"{SECRET}\udcff"}, {"CLIENT_SECRET"}),
        ({"client_secret": SECRET, "api": SECRET}, {"API"}),
        ({"client_auth": "private_key_jwt"}, {"CLIENT_KEY"}),
    ],
)
def test_a_variable_that_is_to_blame_is_named(variables, blamed):
    environment = {f"DPOP_LAB_{name.upper()}": value for name, value in variables.items()}
    bare = {"client_id": "me", "issuer": "https://as.example"}
    with pytest.raises(SettingsError) as caught:
        read_settings(bare, environment=environment)
    assert set(re.findall(r"DPOP_LAB_(\w+)", caught.value.advice)) == blamed
    assert SECRET not in str(caught.value)


def test_what_the_commercial_sample_has_is_taken_as_it_is():
    sample = {"client_id": "me", "client_secret": SECRET, "token_endpoint": "https://h/t"}
    known = read_settings(json.dumps(sample | {"scope": "api"}))
    assert (known.client_id, known.token_endpoint, known.scope) == ("me", "https://h/t", "api")
    assert known.client_secret == SECRET and SECRET not in repr(known)


# ---- the twin on a port, and the command ------------------------------------------------------


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "ec.pem"
    path.write_text(KEY.to_pem(), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("way", ["client_secret_post", "client_secret_basic", "private_key_jwt"])
def test_the_twin_on_a_port_is_a_server_like_any_other(way):
    with Lab(carrier="socket") as twin:
        client = {"client_id": "m2m.dpop.nonce", "client_secret": "secret"}
        if way == "private_key_jwt":
            client = {"client_id": "m2m.jwt", "client_key": twin.client_key}
            client["client_key_id"] = twin.client_key_id
        more = {"issuer": twin.base_url, "api": twin.api, "scope": "api", "client_auth": way}
        with Lab(**client, **more) as lab:
            assert lab.session.get(lab.api, auth=lab.auth()).ok


def test_the_twin_takes_no_client_secret_jwt():
    with Lab(carrier="socket") as twin:
        client = {"client_id": "m2m.dpop", "client_secret": "secret", "scope": "api"}
        with Lab(issuer=twin.base_url, client_auth="client_secret_jwt", **client) as lab:
            with pytest.raises(TokenRefused) as caught:
                lab.session.get(twin.api, auth=lab.auth())
    assert caught.value.error == "invalid_client"


@pytest.mark.parametrize("way", WAYS)
def test_call_knows_the_five_ways(capsys, monkeypatch, tmp_path, key_file, provider, way):
    client = {"client_id": "me", "scope": "orders", "api": f"{provider.url}/orders"}
    if way == "private_key_jwt":
        (tmp_path / "client.pem").write_text(CLIENT_KEY.to_pem(), encoding="utf-8")
        client |= {"client_key": str(tmp_path / "client.pem"), "client_key_id": "k1"}
    elif way != "none":
        monkeypatch.setenv("DPOP_LAB_CLIENT_SECRET", SECRET)
    file = tmp_path / "client.json"
    file.write_text(json.dumps(client), encoding="utf-8")
    arguments = ["--key", key_file, "--client", str(file), "--client-auth", way]
    assert main(["call", "--issuer", provider.url, *arguments]) == 0
    out, err = capsys.readouterr()
    assert (out, "another server" in err, SECRET in err) == ('"fine"\n', True, False)
    assert {way_of(one) for one in provider.token_requests} == {way}
    assert {one.lines("User-Agent") for one in provider.requests} == {(f"dpop-lab/{__version__}",)}


def test_the_environment_alone_names_a_server_to_the_command(
    capsys, monkeypatch, key_file, provider
):
    for name, value in given(provider).items():
        monkeypatch.setenv(f"DPOP_LAB_{name.upper()}", value)
    assert main(["call", "--key", key_file]) == 0
    assert capsys.readouterr().out == '"fine"\n'
    assert main(["call", f"{provider.url}/gone", "--key", key_file]) == 1
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    seen = len(provider.requests)
    assert main(["call", "--live", "--key", key_file]) == 3  # it means the demo all the same
    assert len(provider.requests) == seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--issuer", "{url}"], "client_secret"),
        (["--issuer", "{url}", "--client", "{client}"], "DPOP_LAB_API"),
        (["{url}/orders", "--issuer", "{url}", "--client", "{client}", "--live"], "--live"),
        (["{url}/orders", "--client", "{client}"], "issuer"),
        (["--client-auth", "private_key_jwt"], "client_key"),
    ],
)
def test_what_the_command_lacks_is_one_line(capsys, tmp_path, key_file, provider, arguments, said):
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_id": "me", "client_secret": SECRET}), encoding="utf-8")
    told = [one.format(url=provider.url, client=file) for one in arguments]
    assert main(["call", "--key", key_file, *told]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), said in err, SECRET in err) == ("", 1, True, False)
    assert provider.requests == []


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
WITHOUT_END = {
    "body": (HEAD, b" "),
    "headers": (HEAD[:-2], b"X: x\r\n"),
    "octets": (HEAD, b" " * 65536, 0),
}


@pytest.mark.parametrize("what", WITHOUT_END)
@pytest.mark.parametrize("place", ["token_endpoint", "api"])
def test_an_answer_without_end_is_one_line_in_the_command(
    capsys, tmp_path, key_file, provider, place, what
):
    file, seconds = tmp_path / "client.json", "20" if what == "octets" else "0.4"
    with dripping(*WITHOUT_END[what]) as server:
        endpoint = {"issuer": None, "token_endpoint": f"{provider.url}/token"}
        file.write_text(json.dumps(given(provider, **endpoint | {place: server.url})))
        code = main(["call", "--key", key_file, "--client", str(file), "--timeout", seconds])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert server.url.removeprefix("http://") in err


@pytest.mark.parametrize("text", ["0", "-1", "nan", "1e3", "", "ten"])
def test_a_time_out_that_is_none_is_told_by_the_usage(capsys, key_file, text):
    with pytest.raises(SystemExit) as ended:
        main(["call", "--key", key_file, "--timeout", text])
    assert ended.value.code == 2
