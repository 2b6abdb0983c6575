"""The token endpoint: who the client says it is, what it is refused, where it is found."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, unquote_plus

import pytest
import requests
from client_world import NOW, SECRET, TOKEN_ENDPOINT, Script, World, answer, issued, listening
from hypothesis import given, settings
from hypothesis import strategies as st
from network import dripping
from requests.exceptions import InvalidURL, ReadTimeout

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.bounded import TOO_LONG
from dpop_lab.client.discovery import discover, metadata_urls
from dpop_lab.client.read_settings import read_settings
from dpop_lab.client.recorder import InProcessAdapter
from dpop_lab.client.settings import CLIENT_AUTH, MOST_METADATA
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.jose.jws import read_jws, verify
from dpop_lab.jose.keys import generate_key, public_jwk
from dpop_lab.wire.message import Request, Response

CLIENT_KEY = generate_key("ES384")
WANTED = answer(400, {"error": "use_dpop_nonce"}, DPoP_Nonce="n1")


def test_basic_form_encodes_name_and_secret_first() -> None:
    given = {"client_id": "a:b c", "client_secret": "ü%&+ /"}
    world = World(client_auth="client_secret_basic", **given)
    world.session.auth = ("not", "this")
    world.get()
    (request,) = world.tokens.requests
    scheme, _, pair = request.lines("Authorization")[0].partition(" ")
    name, _, secret = base64.b64decode(pair).decode("ascii").partition(":")
    assert scheme == "Basic"
    assert {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)} == given
    assert world.tokens.forms[0].keys() == {"grant_type", "scope"}


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("scheme", ["DPoP", "Bearer", "basic"])
def test_a_nonce_is_sent_under_whatever_scheme_it_is_asked_for(status: int, scheme: str) -> None:
    nonces = iter(["n1", "n2", "n3", "n4"])
    wanted = f'{scheme} error="use_dpop_nonce"'
    world = World(
        tokens=[lambda _: answer(status, WWW_Authenticate=wanted, DPoP_Nonce=next(nonces))]
    )
    with pytest.raises(TokenRefused):
        world.get()
    assert [one.get("nonce") for one in world.tokens.claims] == [None, "n1"]


def test_private_key_jwt_makes_a_new_assertion_for_each_request() -> None:
    world = World(
        tokens=[WANTED, issued(1)], client_secret=None, client_key=CLIENT_KEY, client_key_id="k1"
    )
    world.get()
    first, second = (read_jws(form["client_assertion"][0]) for form in world.tokens.forms)
    assert first.header == {"alg": "ES384", "typ": "JWT", "kid": "k1"}
    assert first.claims["jti"] != second.claims["jti"]
    assert first.claims | {"jti": ""} == {
        "iss": "me",
        "sub": "me",
        "aud": TOKEN_ENDPOINT,
        "jti": "",
        "iat": NOW,
        "exp": NOW + 60,
    }
    public = public_jwk(CLIENT_KEY)
    assert verify(second.signing_input, second.signature, alg="ES384", jwk=public)
    assert "client_secret" not in world.tokens.forms[0]


def test_the_audience_of_an_assertion_can_be_set_and_kid_left_out() -> None:
    world = World(
        client_secret=None, client_key=CLIENT_KEY, assertion_audience="https://as.example"
    )
    world.get()
    assertion = read_jws(world.tokens.forms[0]["client_assertion"][0])
    assert assertion.claims["aud"] == "https://as.example"
    assert "kid" not in assertion.header


def test_a_public_client_gives_its_name_alone() -> None:
    world = World(client_secret=None)
    world.get()
    assert world.tokens.forms[0].keys() == {"grant_type", "client_id", "scope"}


def test_extra_parameters_are_sent_also_several_of_one_name() -> None:
    world = World(parameters={"resource": ["urn:a", "urn:b"], "audience": "x"})
    world.get()
    form = world.tokens.forms[0]
    assert (form["resource"], form["audience"]) == (["urn:a", "urn:b"], ["x"])


@pytest.mark.parametrize(
    "settings",
    [
        {"client_key": CLIENT_KEY},
        {"client_auth": "none"},
        {"client_auth": "private_key_jwt"},
        {"client_auth": "client_secret_jwt", "client_secret": None},
        {"client_auth": "client_secret_basic", "client_secret": None},
        {"client_auth": "client_secret_post", "client_secret": None, "client_key": CLIENT_KEY},
        {"token_endpoint": None},
        {"token_endpoint": "as.example/token"},
        {"token_endpoint": TOKEN_ENDPOINT, "issuer": "https://as.example"},
        {"token_endpoint": f"https://me:{SECRET}@as.example/token"},
        {"token_endpoint": None, "issuer": f"https://{SECRET}@as.example"},
    ],
)
def test_settings_that_do_not_fit_are_told_without_the_secret(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        World(**settings)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("way", [*CLIENT_AUTH])
@pytest.mark.parametrize("name", ["client_id", "client_secret", "scope", "client_key_id"])
def test_a_setting_that_utf_8_cannot_have_is_told_by_its_name(way: str, name: str) -> None:
    if name == "client_secret" != CLIENT_AUTH[way]:
        return
    credentials = {"client_secret": SECRET, "client_key": CLIENT_KEY}
    whole: dict[str, Any] = {"client_id": "me", "token_endpoint": TOKEN_ENDPOINT}
    whole |= {key: value for key, value in credentials.items() if key == CLIENT_AUTH[way]}
    whole |= {"client_auth": way, name: f"{SECRET}\udcff"}
    with pytest.raises(SettingsError) as read:
        read_settings(whole)
    with pytest.raises(SettingsError) as made:
        DPoPAuth.client_credentials(key=generate_key("ES256"), **whole)
    for error in (read.value, made.value):
        assert name in error.problem
        assert SECRET not in str(error) and error.__context__ is None


# nonces


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED,
        answer(400, {"error": "Use_DPoP_Nonce"}, DPoP_Nonce="n1"),
        answer(401, WWW_Authenticate='Basic, DPoP error="use_dpop_nonce"', DPoP_Nonce="n1"),
    ],
)
def test_the_token_endpoints_nonce_challenge_is_obeyed_once(wanted: Response) -> None:
    world = World(tokens=[wanted, issued(1)])
    assert world.get().status_code == 200
    first, second = world.tokens.claims
    assert ("nonce" in first, second["nonce"]) == (False, "n1")
    assert first["jti"] != second["jti"]
    world = World(tokens=[wanted])
    with pytest.raises(TokenRefused) as caught:
        world.get()
    assert len(world.tokens.requests) == 2
    assert len(caught.value.response.history) == 1


def test_a_demand_for_a_nonce_without_one_is_not_obeyed() -> None:
    world = World(tokens=[answer(400, {"error": "use_dpop_nonce"})])
    with pytest.raises(TokenRefused):
        world.get()
    assert len(world.tokens.requests) == 1


def test_nonces_of_the_token_endpoint_are_learned_from_errors_and_from_a_200() -> None:
    refused = answer(400, {"error": "invalid_scope"}, DPoP_Nonce="n1")
    given = Response(200, (("DPoP-Nonce", "n2"),), issued(1, expires_in=0).body)
    world = World(tokens=[refused, given, issued(2)])
    with pytest.raises(TokenRefused):
        world.get()
    world.get(), world.get()
    assert [one.get("nonce") for one in world.tokens.claims] == [None, "n1", "n2"]


# refusals


def test_an_answer_may_have_a_number_of_5000_digits_where_nobody_reads_it() -> None:
    body = b'{"access_token":"t","token_type":"DPoP","expires_in":60,"foo":%s}' % (b"9" * 5000)
    world = World(tokens=[Response(200, (), body)])
    assert world.get().ok
    assert world.auth.token.expires_in == 60


@pytest.mark.parametrize(
    ("life", "found"),
    [
        ("9" * 4000, "larger"),
        ("9" * 5000, "larger"),
        ("1e999", "larger"),
        ("-1", "less than 0"),
        ("-1e999", "less than 0"),
        ("NaN", "NaN"),
        ("true", "bool"),
        ('"soon"', "str"),
    ],
    ids=lambda value: value[:8],
)
def test_a_life_of_no_use_is_told_for_what_it_is(life: str, found: str) -> None:
    body = f'{{"access_token":"t","token_type":"DPoP","expires_in":{life}}}'
    with pytest.raises(TokenRefused) as caught:
        World(tokens=[Response(200, (), body.encode())]).get()
    assert found in caught.value.found


def test_a_refusal_carries_what_the_server_said() -> None:
    said = {"error": "invalid_client", "error_description": "No such client"}
    world = World(tokens=[answer(400, said), issued(1)])
    with pytest.raises(TokenRefused) as caught:
        world.get()
    refusal = caught.value
    assert isinstance(refusal, LabError)
    assert isinstance(refusal, requests.RequestException)
    assert (refusal.error, refusal.error_description) == ("invalid_client", "No such client")
    assert refusal.response.status_code == 400
    assert refusal.request is refusal.response.request
    assert "invalid_client" in str(refusal)
    assert SECRET not in str(refusal) + repr(refusal)
    assert world.get().status_code == 200


@pytest.mark.parametrize(
    "refusal",
    [
        Response(500, (), b"<h1>Sorry</h1>"),
        Response(200, (), b"not json"),
        Response(200, (), b"\xff\xfe"),
        Response(200, (), b"[" * 100_000),
        answer(200, ["token"]),
        answer(204),
        issued(1, access_token=None),
        issued(1, access_token=7),
        issued(1, access_token=""),
        issued(1, access_token="two words"),
        issued(1, access_token="line\r\nInjected: yes"),
        issued(1, token_type=None),
        issued(1, token_type=["DPoP"]),
        issued(1, expires_in="soon"),
        issued(1, expires_in=True),
        issued(1, expires_in=-1),
        Response(200, (), b'{"access_token":"t","token_type":"DPoP","expires_in":NaN}'),
        Response(
            200, (), b'{"access_token":"t","token_type":"DPoP","expires_in":1%s}' % (b"0" * 400)
        ),
        answer(400, {"error": 7, "error_description": ["x"]}),
    ],
)
def test_an_answer_without_a_usable_token_is_a_refusal(refusal: Response) -> None:
    world = World(tokens=[refusal])
    with pytest.raises(TokenRefused) as caught:
        world.get()
    assert (caught.value.error, caught.value.error_description) == (None, None)
    assert caught.value.token_type == ""
    assert world.api.requests == []


def echoes(request: Request) -> str:
    """All that a server could repeat of a request, in several spellings."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    pair = request.lines("Authorization")
    basic = base64.b64decode(pair[0].split()[1]).decode() if pair else ""
    said = [request.body.decode(), json.dumps(form), str(request.headers), basic, *form.values()]
    return " ".join([*said, json.dumps(said), quote(json.dumps(form)), unquote_plus(basic)])


@pytest.mark.parametrize("secret", ["short", "+/ \"'\\<ü&=: of many characters", SECRET])
@pytest.mark.parametrize("member", ["error", "error_description", "token_type"])
@pytest.mark.parametrize("way", ["client_secret_post", "client_secret_basic", "private_key_jwt"])
def test_a_server_that_repeats_the_request_makes_us_show_no_credentials(
    secret: str, member: str, way: str
) -> None:
    def repeat(request: Request) -> Response:
        said = {member: where(echoes(request)), "access_token": "token-1"}
        return answer(200 if member == "token_type" else 400, said)

    key = {"client_secret": None, "client_key": CLIENT_KEY} if way == "private_key_jwt" else {}
    settings = {"client_auth": way, "client_secret": secret} | key
    for at in range(0, 4000, 200):  # the message shows but a part
        where = lambda text, at=at: text[at:]  # noqa: E731
        world = World(tokens=[repeat], **settings)
        with pytest.raises(TokenRefused) as caught:
            world.get()
        (request,) = world.tokens.requests
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        hidden = [form.get("client_assertion", secret), *request.lines("DPoP")]
        hidden += [] if at else [value[:60] for value in hidden]
        error = caught.value
        assert error.__cause__ is error.__context__ is None
        for value in hidden:
            for spelling in (value, quote_plus(value), json.dumps(value)[1:-1]):
                assert spelling not in str(error)
                assert repr(spelling)[1:-1] not in str(error)


def test_a_servers_words_are_cut_and_made_printable() -> None:
    words = "\x1b[2J\r\nX: y \u202e" + "x" * 100_000
    for refusal in (answer(400, {"error": words}), issued(1, token_type=words)):
        with pytest.raises(TokenRefused) as caught:
            World(tokens=[refusal]).get()
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("token_type", ["mac", "N_A", "dpop "])
def test_a_token_type_nobody_knows_is_refused_even_with_accept_bearer(token_type: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        World(tokens=[issued(1, token_type=token_type)], accept_bearer=True).get()
    assert caught.value.token_type == token_type


def test_a_token_endpoint_that_cannot_be_reached_raises_what_requests_raises() -> None:
    world = World(token_endpoint="http://127.0.0.1:9/token")
    with pytest.raises(requests.ConnectionError) as caught:
        world.get()
    assert not isinstance(caught.value, LabError)


# discovery

ISSUER = "https://as.example/tenant"
METADATA = {"issuer": ISSUER, "token_endpoint": TOKEN_ENDPOINT}
RFC_8414, OPENID = metadata_urls(ISSUER)


def site(**documents: object) -> tuple[Script, requests.Session]:
    def find(request: Request) -> Response:
        found = documents.get("openid" if request.path.endswith("configuration") else "rfc_8414")
        return answer(200, found) if found is not None else answer(404)

    script, session = Script(find), requests.Session()
    session.mount("https://as.example", InProcessAdapter(script))
    return script, session


def test_the_two_places_of_metadata() -> None:
    assert RFC_8414 == "https://as.example/.well-known/oauth-authorization-server/tenant"
    assert OPENID == "https://as.example/tenant/.well-known/openid-configuration"
    assert metadata_urls("https://a.b/") == metadata_urls("https://a.b")


@pytest.mark.parametrize("place", ["openid", "rfc_8414"])
def test_metadata_is_found_in_either_place(place: str) -> None:
    _, session = site(**{place: METADATA})
    assert discover(ISSUER, session=session) == METADATA


@pytest.mark.parametrize(
    "found",
    [None, [], METADATA | {"issuer": ISSUER + "/"}, {"issuer": ISSUER}, {"token_endpoint": ""}],
)
def test_metadata_that_is_missing_or_another_issuers_is_told(found: object) -> None:
    _, session = site(rfc_8414=found)
    with pytest.raises(SettingsError):
        discover(ISSUER, session=session)


@pytest.mark.parametrize("hops", [1, 3])
def test_metadata_may_have_moved_within_the_origin(hops: int) -> None:
    with listening(lambda request: moved.pop(0)) as url:
        moved = [answer(302, Location=f"/elsewhere/{n}") for n in range(hops)]
        moved.append(answer(200, {"issuer": url, "token_endpoint": f"{url}/token"}))
        assert discover(url)["issuer"] == url
        assert moved == []


def test_redirects_without_an_end_are_left() -> None:
    script = Script(answer(307, Location="/again"))
    with listening(script) as url, pytest.raises(SettingsError) as caught:
        discover(url)
    assert len(script.requests) == 8
    assert "307" in caught.value.found


@pytest.mark.parametrize("location", ["{}/latest?token=" + SECRET, "{}"])
def test_discovery_is_led_to_no_other_origin(location: str) -> None:
    other = Script(answer(200, METADATA))
    with listening(other) as elsewhere:
        with listening(lambda _: answer(302, Location=location.format(elsewhere))) as url:
            with pytest.raises(SettingsError) as caught:
                discover(url)
    assert other.requests == []
    assert elsewhere in caught.value.found and SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        "ftp://h/",
        "javascript:alert(1)",
        "http://169.254.169.254/",
        "http://[::1/",
        "http://h:99999/",
    ],
)
def test_a_redirect_to_what_is_no_place_for_metadata_is_told(location: str) -> None:
    with listening(lambda _: answer(302, Location=location)) as url:
        with pytest.raises(SettingsError) as caught:
            discover(url)
    assert "redirect" in caught.value.found


@pytest.mark.parametrize("proxy", [f"http://joe:{SECRET}@h:99999", f"http://joe:{SECRET}#@h:1"])
def test_a_proxy_that_is_no_url_is_not_taken_for_a_redirect(proxy: str) -> None:
    with requests.Session() as session, pytest.raises(InvalidURL) as caught:
        session.proxies = {"https": proxy}
        discover(ISSUER, session=session)
    assert caught.value.response is None
    assert SECRET not in str(caught.value) and caught.value.__context__ is None


@pytest.mark.parametrize("issuer", ["https://as.example:99999", "https://as.example:0"])
def test_an_issuer_at_no_port_is_no_url(issuer: str) -> None:
    with pytest.raises(SettingsError) as caught:
        discover(issuer)
    assert caught.value.problem.startswith("issuer")


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("sends", [(HEAD, b"X: x\r\n"), (HEAD + b"\r\n", b" ")])
def test_without_a_lab_too_an_answer_is_waited_for_no_longer_than_the_timeout(
    sends: tuple[bytes, bytes],
) -> None:
    with dripping(*sends) as server:
        with pytest.raises(ReadTimeout):
            discover(server.url, timeout=0.2)
        with pytest.raises(ReadTimeout):
            World(session=None, token_endpoint=server.url, timeout=0.2).get()
    assert server.sent < 200  # as many take four seconds


def test_without_a_lab_too_no_more_is_read_than_an_answer_may_have() -> None:
    with dripping(HEAD + b"\r\n", b" " * 65536, 0) as server:
        with pytest.raises(SettingsError) as caught:
            discover(server.url)
        with pytest.raises(requests.RequestException, match=TOO_LONG):
            World(session=None, token_endpoint=server.url).get()
    assert str(MOST_METADATA) in caught.value.found
    assert server.sent * 65536 < 50 * MOST_METADATA  # what the sockets hold is sent, but not read


def test_a_place_that_leads_elsewhere_does_not_hide_the_other_place() -> None:
    def find(request: Request) -> Response:
        openid = request.path.endswith("openid-configuration")
        return answer(200, METADATA) if openid else answer(302, Location="https://login.example/")

    session = requests.Session()
    session.mount("https://as.example", InProcessAdapter(find))
    assert discover(ISSUER, session=session) == METADATA


def test_an_issuer_that_is_spelt_otherwise_is_told_how_to_be_spelt() -> None:
    _, session = site(rfc_8414=METADATA)
    with pytest.raises(SettingsError) as caught:
        discover(ISSUER + "/", session=session)
    error = caught.value
    assert (error.wanted, error.found) == (repr(ISSUER + "/"), repr(ISSUER))
    assert error.advice


@pytest.mark.parametrize("endpoint", ["http://as.example/t", "http://127.0.0.1:1/t", "HTTP://h/"])
def test_an_https_issuer_sends_no_secret_to_an_endpoint_without_tls(endpoint: str) -> None:
    _, session = site(rfc_8414=METADATA | {"token_endpoint": endpoint})
    with pytest.raises(SettingsError) as caught:
        discover(ISSUER, session=session)
    assert caught.value.found.startswith("http://")


@pytest.mark.parametrize("host", ["as.example", "127.0.0.1"])
def test_an_issuer_on_this_machine_may_do_without_tls_here_alone(host: str) -> None:
    with listening(lambda _: answer(200, metadata)) as url:
        metadata = {"issuer": url, "token_endpoint": f"http://{host}/token"}
        if host == "127.0.0.1":
            assert discover(url) == metadata
            return
        with pytest.raises(SettingsError) as caught:
            discover(url)
    assert caught.value.found == "http://as.example:80"


def test_an_issuer_is_as_good_as_a_token_endpoint() -> None:
    tokens, session = site(rfc_8414=METADATA)
    world = World(token_endpoint=None, issuer=ISSUER, session=session)
    tokens.answers = (issued(1),)
    session.mount("https://api.example", InProcessAdapter(world.api))
    assert session.get("https://api.example/", auth=world.auth).status_code == 200
    assert tokens.requests[-1].path == "/token"


# settings

GOOD = {
    "client_id": "me",
    "client_secret": SECRET,
    "token_endpoint": TOKEN_ENDPOINT,
    "scope": "api",
}


def test_settings_may_lack_the_scope() -> None:
    assert read_settings({k: v for k, v in GOOD.items() if k != "scope"}).scope is None
    assert read_settings("\ufeff " + json.dumps(GOOD)).client_secret == SECRET
    assert SECRET not in repr(read_settings(GOOD))


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "   ",
        "{",
        "[" * 100_000,
        f'{{"client_secret": "{SECRET}"',
        f'["{SECRET}"]',
        f'"{SECRET}"',
        f"client_secret={SECRET}",
        f"{SECRET}\0",
        json.dumps(GOOD) + SECRET,
        json.dumps({"client_id": "me"}),
        GOOD | {"client_secret": [SECRET]},
        GOOD | {"client_id": ""},
        GOOD | {"scope": None},
        GOOD | {SECRET: SECRET},
        GOOD | {"token_endpoint": SECRET},
        GOOD | {"token_endpoint": f"https://as.example/ {SECRET}"},
        GOOD | {"token_endpoint": "https://[" + SECRET},
        GOOD | {"token_endpoint": f"https://me:{SECRET}@as.example/token"},
        [SECRET],
        None,
        SECRET.encode(),
    ],
)
def test_junk_settings_are_told_without_repeating_the_secret(settings: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(settings)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error) + repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__


@settings(deadline=None)
@given(st.text(max_size=60) | st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4))
def test_no_settings_raise_anything_else(settings: Any) -> None:
    with pytest.raises(SettingsError):
        read_settings(settings)


@pytest.mark.parametrize("left_out", ["client_id", "client_secret", "token_endpoint"])
def test_the_variables_that_could_give_what_is_missing_are_named(left_out: str) -> None:
    settings = {name: value for name, value in GOOD.items() if name != left_out}
    with pytest.raises(SettingsError) as caught:
        read_settings(settings, environment={})
    assert re.findall(r"DPOP_LAB_(\w+)", caught.value.advice) == [left_out.upper()]


def test_a_life_in_digits_but_as_text_is_a_life_all_the_same() -> None:
    world = World(tokens=[issued(1, expires_in="3600")])
    world.get()
    assert world.auth.token.expires_in == 3600
