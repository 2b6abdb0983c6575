"""What the demo takes and refuses beyond the recordings, as its source says it does.

The numbers in the first part are those of the forty exchanges most likely to be met unseen.
"""

import base64
import json
import secrets

import pytest

from dpop_lab.jose.jws import read_jws
from dpop_lab.proof.rules import ANY_TIME
from dpop_lab.server.duende import DUENDE
from tests import builder
from tests.builder import compact, encode
from tests.world import (
    API,
    BASE_URL,
    CLIENT_KEY,
    FORM_TYPE,
    PLAIN_API,
    STRANGER,
    THIEF,
    TOKEN,
    VICTIM,
    World,
    error,
    header,
    parts,
)

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
CLIENTS_KEY = builder.load(CLIENT_KEY.private_jwk())
P256 = builder.public_jwk(VICTIM)
OKAY = (200, None, None)
INVALID_CLIENT = (400, "invalid_client", None)
INVALID_REQUEST = (400, "invalid_request", None)
MALFORMED = (400, "invalid_dpop_proof", "Malformed DPoP token.")
SIGNATURE = (400, "invalid_dpop_proof", "Invalid signature on DPoP token.")
INVALID_FORMAT = (400, "invalid_target", "Invalid resource indicator format")
BARE = "DPoP"


def invalid(name):
    """The token endpoint's words for a wrong member."""
    return (400, "invalid_dpop_proof", f"Invalid '{name}' value.")


def challenge(text):
    """The API's words for a proof that fails a check."""
    return f'DPoP error="invalid_dpop_proof", error_description="{text}"'


@pytest.fixture(scope="module")
def world():
    """One twin for all tests that do not move its clock."""
    return World(DUENDE)


@pytest.fixture
def own_world():
    """A twin of a test's own."""
    return World(DUENDE)


def asked(world, form=None, headers=(), *, proofs=None, **variations):
    """Status, error and description of a token request with a proof."""
    if proofs is None:
        proofs = [world.token_proof(**variations)]
    answer = world.token_request(*proofs, headers=headers, **(form or {}))
    if answer.status == 200:
        return OKAY
    return (answer.status, *error(answer))


def called(world, *, signing_key=VICTIM, bound_to=VICTIM, **variations):
    """Status 200, or the challenge, after a call of the API with a proof."""
    token = world.token(bound_to)
    answer = world.call(token, world.api_proof(token, signing_key, **variations))
    return 200 if answer.status == 200 else header(answer, "WWW-Authenticate")


def assertion(world, client="m2m.jwt", **variations):
    """A client assertion, right unless variations say otherwise."""
    said = {"audience": BASE_URL + TOKEN, "now": world.clock.now(), "jti": secrets.token_urlsafe()}
    said |= {"kid": world.twin.client_key_id, "client_id": client, **variations}
    return builder.assertion(CLIENTS_KEY, **said)


def asserted(text, **form):
    """The form of a request with a client assertion."""
    said = {"client_assertion": text, "client_assertion_type": JWT_BEARER}
    return {"client_id": None, "client_secret": None, **said, **form}


def basic(pair):
    """An Authorization line with this pair, or this text where it is none."""
    return ("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


# ---- the token endpoint: grants and forms -----------------------------------------------------

GRANTS = {
    "1": ({"grant_type": "refresh_token"}, "invalid_request"),
    "2": ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    "3": ({"grant_type": DEVICE}, "unauthorized_client"),
    "4": ({"grant_type": DEVICE, "resource": "urn:resource1"}, "invalid_target"),
    "5": ({"grant_type": CIBA}, "unauthorized_client"),
    "6": (
        {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"},
        "unsupported_grant_type",
    ),
    "7, no code": (
        {"client_id": "interactive.confidential", "grant_type": "authorization_code"},
        "invalid_grant",
    ),
    "7, a code": (
        {"client_id": "interactive.confidential", "grant_type": "authorization_code", "code": "x"},
        "invalid_grant",
    ),
    "9": ({"client_id": "interactive.public", "grant_type": "refresh_token"}, "invalid_request"),
    "13": ({"scope": "api", "resource": "urn:resource1"}, "invalid_target"),
    "16": ({"scope": "api\tscope3"}, "invalid_request"),
    "a scope with a quote": ({"scope": 'api"'}, "invalid_request"),
    "a scope with a backslash": ({"scope": "api\\"}, "invalid_request"),
    "a scope with an accent": ({"scope": "api é"}, "invalid_request"),
    "a scope with a line end": ({"scope": "api\nscope3"}, "invalid_request"),
    "a scope with a zero": ({"scope": "api\0"}, "invalid_request"),
    "a scope with a delete": ({"scope": "\x7f"}, "invalid_request"),
    "a misspelt scope and a resource": (
        {"scope": 'api"', "resource": "urn:a"},
        "invalid_request",
    ),
    "a scope of all that is legal": (
        {"scope": "".join(map(chr, {*range(0x20, 0x7F)} - {0x22, 0x5C}))},
        "invalid_scope",
    ),
    "a grant with a blank": ({"grant_type": " client_credentials"}, "unsupported_grant_type"),
    "a grant in capitals": ({"grant_type": "Client_Credentials"}, "unsupported_grant_type"),
    "a grant of 101 characters": ({"grant_type": "x" * 101}, "unsupported_grant_type"),
    "a blank grant": ({"grant_type": " "}, "unsupported_grant_type"),
    "a code for a machine": ({"grant_type": "authorization_code"}, "unauthorized_client"),
    "a device asks, no code": ({"client_id": "device", "grant_type": DEVICE}, "invalid_request"),
    "a device asks": (
        {"client_id": "device", "grant_type": DEVICE, "device_code": "x"},
        "invalid_grant",
    ),
    "the implicit grant": (
        {"client_id": "login", "grant_type": "implicit"},
        "unsupported_grant_type",
    ),
    "scopes with commas": ({"scope": "api,scope3"}, "invalid_scope"),
    "scope in capitals": ({"scope": "API"}, "invalid_scope"),
    "a scope beyond the resource": (
        {"scope": "nothing", "resource": "urn:resource1"},
        "invalid_target",
    ),
    "a scope unknown in the resource": (
        {"scope": "resource1.scope1 nothing", "resource": "urn:resource1"},
        "invalid_scope",
    ),
    "a scope of no resource": ({"scope": "scope3", "resource": "urn:resource1"}, "invalid_target"),
    "a resource in capitals": ({"scope": None, "resource": "URN:resource1"}, "invalid_target"),
    "an unknown file URI": ({"resource": "file:///x"}, "invalid_target"),
    "an unknown URN": ({"resource": "urn:a"}, "invalid_target"),
}


@pytest.mark.parametrize(("form", "code"), GRANTS.values(), ids=GRANTS)
def test_a_token_request_is_refused_with_nothing_but_its_error(world, form, code):
    assert asked(world, form) == (400, code, None)


def test_8_a_native_client_without_code_is_refused_after_its_nonce(world):
    form = {"client_id": "native.dpop", "grant_type": "authorization_code", "client_secret": None}
    assert asked(world, form, proofs=[])[1] == "invalid_request"
    assert asked(world, form)[1] == "use_dpop_nonce"
    assert asked(world, form, nonce=world.nonce()) == (400, "invalid_grant", None)


@pytest.mark.parametrize(
    "resource", ["api", "/x", "//x", "resource1", "http://a b", "C:\\x", "x#y"]
)
def test_11_and_12_a_resource_is_an_absolute_uri(world, resource):
    assert asked(world, {"resource": resource}) == INVALID_FORMAT


def test_14_an_isolated_resource_gives_its_own_scopes(world):
    answer = world.token_request(world.token_proof(), scope=None, resource="urn:resource3")
    members = json.loads(answer.body)
    assert members["scope"] == "resource3.scope1 resource3.scope2 shared.scope"
    assert parts(members["access_token"])[1]["aud"] == "urn:resource3"


@pytest.mark.parametrize(
    ("form", "granted"),
    [
        ({"resource": ""}, "api"),  # 10
        ({"resource": "  "}, "api"),
        ({"scope": "api api"}, "api"),  # 15
        ({"scope": "  api   scope3 "}, "api scope3"),
        ({"scope": "scope3 api"}, "api scope3"),
        ({"scope": ["", "api"]}, "api"),
        ({"scope": "\tapi\t"}, "api"),
        ({"grant_type": ["client_credentials", " "]}, "api"),
        ({"grant_type": None, "GRANT_TYPE": "client_credentials"}, "api"),  # 17
        ({"client_id": None, "Client_Id": "m2m.dpop"}, "api"),
        ({"scope": "resource1.scope1 api", "resource": "urn:resource1"}, "resource1.scope1"),
        ({"scope": "shared.scope", "resource": "urn:resource3"}, "shared.scope"),
    ],
)
def test_forms_are_read_generously(world, form, granted):
    answer = world.token_request(world.token_proof(), **form)
    assert answer.status == 200
    assert json.loads(answer.body)["scope"] == granted


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "text/plain", "", "application/json", None]
)
def test_18_another_content_type_is_an_invalid_request(world, kind):
    lines = [] if kind is None else [("Content-Type", kind)]
    answer = world.send("POST", TOKEN, lines, b"grant_type=client_credentials&client_id=m2m")
    assert (answer.status, *error(answer)) == INVALID_REQUEST


@pytest.mark.parametrize(
    "kind", [f"{FORM_TYPE[1]}; charset=utf-8", FORM_TYPE[1].upper(), f"{FORM_TYPE[1]};"]
)
def test_19_the_content_type_may_have_parameters(world, kind):
    body = b"grant_type=client_credentials&client_id=m2m&client_secret=secret&scope=api"
    assert world.send("POST", TOKEN, [("Content-Type", kind)], body).status == 200


# ---- the token endpoint: clients --------------------------------------------------------------


def test_20_basic_without_a_secret_leaves_it_to_the_form(world):
    assert asked(world, headers=[basic("m2m.dpop:")]) == OKAY
    assert asked(world, headers=[basic("m2m.dpop: ")]) == OKAY
    alone = {"client_id": None, "client_secret": None}
    assert asked(world, alone, headers=[basic("m2m.dpop:")]) == INVALID_CLIENT


def test_21_basic_that_cannot_be_read_leaves_it_to_the_form(world):
    for line in (
        ("Authorization", "Basic !"),
        ("Authorization", "Basic"),
        ("Authorization", "Basic bTJt"),
        basic("m2m.dpop"),
        basic(":secret"),
        basic("x" * 101 + ":secret"),
        basic("m2m.dpop:" + "x" * 101),
        ("Authorization", "Digest x"),
    ):
        assert asked(world, headers=[line]) == OKAY


@pytest.mark.parametrize(
    "pair", [b"\xff:secret", b"m2m.dpop:\xff", b"m2m.dpop\xe9:secret", b"\xc3(:\x80", b"%FF:secret"]
)
def test_basic_that_is_no_utf_8_is_an_invalid_client(world, pair):
    line = ("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    assert asked(world, headers=[line]) == INVALID_CLIENT
    alone = {"client_id": None, "client_secret": None}
    assert asked(world, alone, headers=[line]) == INVALID_CLIENT
    assert asked(world, alone, headers=[basic("m2m.dpop")]) == INVALID_REQUEST


def test_22_basic_is_form_encoded(world):
    form = {"client_id": None, "client_secret": None}
    assert asked(world, form, headers=[basic("m2m%2Edpop:%73ecret")]) == OKAY
    assert asked(world, form, headers=[basic("m2m.dpop:secret:")]) == INVALID_CLIENT
    scheme = ("Authorization", basic("m2m.dpop:secret")[1].replace("Basic", "bAsIc"))
    assert asked(world, form, headers=[scheme]) == OKAY


def test_23_client_ids_are_compared_to_the_letter(world):
    for client_id in ("M2M.DPOP", "m2m.dpop ", "m2m"):
        wanted = OKAY if client_id == "m2m" else INVALID_CLIENT
        assert asked(world, {"client_id": client_id}) == wanted


def test_24_a_secret_wins_over_an_assertion(world):
    both = {"client_assertion": "garbage", "client_assertion_type": JWT_BEARER}
    assert asked(world, both) == OKAY
    good = asserted(assertion(world), client_id="m2m.jwt", client_secret="any")
    assert asked(world, good) == INVALID_CLIENT


def test_25_an_assertion_names_its_client_whatever_the_form_says(world):
    for form in ({}, {"client_id": "m2m.jwt"}, {"client_id": "m2m.dpop"}, {"client_id": "nobody"}):
        answer = world.token_request(**asserted(assertion(world), **form))
        assert answer.status == 200
        token = json.loads(answer.body)["access_token"]
        assert parts(token)[1]["client_id"] == "m2m.jwt"


BAD_ASSERTIONS = {
    "26, no exp": {"without": ["exp"]},
    "26, another issuer": {"claims": {"iss": "m2m"}},
    "26, no issuer": {"without": ["iss"]},
    "26, empty jti": {"jti": ""},
    "26, blank jti": {"jti": " "},
    "26, no jti": {"without": ["jti"]},
    "26, nbf in ten minutes": {"later": {"nbf": 600, "exp": 1200}},
    "nbf after exp": {"later": {"nbf": 60, "exp": 30}},
    "28": {"header": {"typ": "CLIENT-AUTHENTICATION+JWT"}, "audience": BASE_URL},
    "typed, token endpoint": {"header": {"typ": "client-authentication+jwt"}},
    "typed, two audiences": {
        "header": {"typ": "client-authentication+jwt"},
        "audience": [BASE_URL, BASE_URL],
    },
    "run out 301 s ago": {"later": {"exp": -302}},
    "no audience": {"without": ["aud"]},
    "an empty list of audiences": {"audience": []},
    "an audience in capitals": {"audience": f"{BASE_URL}/Connect/Token"},
    "another endpoint": {"audience": f"{BASE_URL}/connect/introspect"},
    "two slashes": {"audience": f"{BASE_URL}//"},
    "spoilt": {"spoil": True},
    "an elliptic alg": {"header": {"alg": "ES256"}},
    "EdDSA": {"header": {"alg": "EdDSA"}},
    "sub unknown": {"client_id": "nobody"},
}


@pytest.mark.parametrize("variations", BAD_ASSERTIONS.values(), ids=BAD_ASSERTIONS)
def test_26_and_28_bad_assertions_make_an_invalid_client(own_world, variations):
    now = own_world.now()
    variations = dict(variations)
    later = {name: now + seconds for name, seconds in variations.pop("later", {}).items()}
    variations["claims"] = {**variations.get("claims", {}), **later}
    text = assertion(own_world, variations.pop("client_id", "m2m.jwt"), **variations)
    assert asked(own_world, asserted(text), proofs=[]) == INVALID_CLIENT


GOOD_ASSERTIONS = {
    "27, iat in an hour": {"later": {"iat": 3600}},
    "27, kid unknown": {"kid": "unknown"},
    "27, no kid": {"without_header": ["kid"]},
    "27, no typ": {"without_header": ["typ"]},
    "typ at+jwt": {"header": {"typ": "at+jwt"}},
    "run out 299 s ago": {"later": {"exp": -299}},
    "nbf in 299 s": {"later": {"nbf": 299, "exp": 600}},
    "exp as text": {"claims": {"exp": "9999999999"}},
    "exp with a fraction": {"claims": {"exp": 9_999_999_999.5}},
    "crit": {"header": {"crit": ["x"]}},
    "the PAR endpoint": {"audience": f"{BASE_URL}/connect/par"},
    "the CIBA endpoint": {"audience": f"{BASE_URL}/connect/ciba/"},
    "one good audience of three": {"audience": ["x", BASE_URL, "y"]},
    "typed, issuer": {"header": {"typ": "client-authentication+jwt"}, "audience": BASE_URL},
    "typed, issuer in a list": {
        "header": {"typ": "client-authentication+jwt"},
        "audience": [BASE_URL + "/"],
    },
    "a jti of 3000 characters": {"jti": "j" * 3000},
}


@pytest.mark.parametrize("variations", GOOD_ASSERTIONS.values(), ids=GOOD_ASSERTIONS)
def test_27_odd_assertions_are_taken(own_world, variations):
    now = own_world.now()
    variations = dict(variations)
    later = {name: now + seconds for name, seconds in variations.pop("later", {}).items()}
    variations["claims"] = {**variations.get("claims", {}), **later}
    text = assertion(own_world, **variations)
    assert asked(own_world, asserted(text), proofs=[]) == OKAY


def test_an_assertion_is_used_up_by_whatever_fails_after_it(world):
    for form in ({"scope": "nothing"}, {"grant_type": "made up"}):
        text = assertion(world)
        assert asked(world, asserted(text, **form), proofs=[])[1] != "invalid_client"
        assert asked(world, asserted(text), proofs=[]) == INVALID_CLIENT


def test_an_assertion_that_was_refused_leaves_its_jti_free(world):
    jti = secrets.token_hex()
    assert (
        asked(world, asserted(assertion(world, jti=jti, spoil=True)), proofs=[]) == INVALID_CLIENT
    )
    bad = assertion(world, jti=jti, audience="https://else.example")
    assert asked(world, asserted(bad), proofs=[]) == INVALID_CLIENT
    assert asked(world, asserted(assertion(world, jti=jti)), proofs=[]) == OKAY
    other = assertion(world, "m2m.short.jwt", jti=jti)
    assert asked(world, asserted(other), proofs=[]) == INVALID_CLIENT


def test_unreadable_assertions_name_no_client(world):
    for text in ("x", assertion(world, without=["sub"]), assertion(world, "x" * 101)):
        assert asked(world, asserted(text), proofs=[]) == INVALID_REQUEST
        assert asked(world, asserted(text, client_id="m2m.jwt"), proofs=[]) == INVALID_CLIENT
    for claims in ({"exp": None}, {"iat": True}):  # unreadable or wrong: refused in either case
        form = asserted(assertion(world, claims=claims), client_id="m2m.jwt")
        assert asked(world, form, proofs=[]) == INVALID_CLIENT
    form = asserted(assertion(world), client_assertion_type=None)
    assert asked(world, form, proofs=[]) == INVALID_REQUEST


def test_a_form_that_names_a_client_too_long_names_none(world):
    assert asked(world, {"client_id": "x" * 101}) == INVALID_REQUEST
    assert asked(world, {"client_secret": "x" * 101}) == INVALID_REQUEST
    assert asked(world, {"client_id": "x" * 100}) == INVALID_CLIENT


# ---- the proof at the token endpoint ----------------------------------------------------------

PROOFS = {
    "29, jti in a list": ({"claims": {"jti": ["1"]}}, MALFORMED),
    "29, jti null": ({"claims": {"jti": None}}, invalid("jti")),
    "30, two htm": ({"claims": {"htm": ["POST", "POST"]}}, invalid("htm")),
    "30, no htm in a list": ({"claims": {"htm": []}}, invalid("htm")),
    "30, htm null": ({"claims": {"htm": None}}, invalid("htm")),
    "30, htm in small letters": ({"claims": {"htm": "post"}}, invalid("htm")),
    "30, htm with a blank": ({"claims": {"htm": "POST "}}, invalid("htm")),
    "31, exp null": ({"claims": {"exp": None}}, MALFORMED),
    "31, aud a number": ({"claims": {"aud": 5}}, MALFORMED),
    "31, aud a list with one": ({"claims": {"aud": ["x", 5]}}, MALFORMED),
    "31, iss a number": ({"claims": {"iss": 5}}, MALFORMED),
    "31, sub true": ({"claims": {"sub": True}}, MALFORMED),
    "31, sub a number": ({"claims": {"sub": 5}}, OKAY),
    "31, aud null": ({"claims": {"aud": None}}, OKAY),
    "31, nbf text": ({"claims": {"nbf": "soon"}}, MALFORMED),
    "31, azp a list": ({"claims": {"azp": []}}, MALFORMED),
    "32, iat empty": ({"claims": {"iat": ""}}, MALFORMED),
    "32, iat null": ({"claims": {"iat": None}}, MALFORMED),
    "32, iat true": ({"claims": {"iat": True}}, MALFORMED),
    "32, iat a list": ({"claims": {"iat": [1]}}, MALFORMED),
    "32, iat NaN": ({"claims": {"iat": "NaN"}}, MALFORMED),
    "32, iat 1e300": ({"claims": {"iat": 1e300}}, MALFORMED),
    "32, iat beyond 64 bits": ({"claims": {"iat": 10**20}}, MALFORMED),
    "32, iat of 64 bits": ({"claims": {"iat": 2**63 - 1}}, invalid("iat")),
    "32, iat 0": ({"claims": {"iat": 0}}, invalid("iat")),
    "32, iat -1": ({"claims": {"iat": -1}}, invalid("iat")),
    "33, kty OKP": ({"jwk": {"kty": "OKP"}}, invalid("jwk")),
    "33, kty ec": ({"jwk": {"kty": "ec"}}, invalid("jwk")),
    "33, no x": ({"jwk": {"x": None}}, invalid("jwk")),
    "33, x empty": ({"jwk": {"x": ""}}, invalid("jwk")),
    "34, x a number": ({"jwk": {"x": 5}}, invalid("jwk")),
    "34, jwk in a list": ({"header": {"jwk": [P256]}}, invalid("jwk")),
    "34, jwk as text": ({"header": {"jwk": compact(P256)}}, invalid("jwk")),
    "34, jwk true": ({"header": {"jwk": True}}, invalid("jwk")),
    "34, key_ops text": ({"jwk": {"key_ops": "verify"}}, invalid("jwk")),
    "34, key_ops numbers": ({"jwk": {"key_ops": [1]}}, invalid("jwk")),
    "34, key_ops sign": ({"jwk": {"key_ops": ["sign"]}}, OKAY),
    "34, use a number": ({"jwk": {"use": 5}}, invalid("jwk")),
    "34, unknown members": ({"jwk": {"ext": True, "x-y": {"z": []}}}, OKAY),
    "35, another curve": ({"jwk": {"crv": "secp256k1"}}, SIGNATURE),
    "35, curve in small letters": ({"jwk": {"crv": "p-256"}}, SIGNATURE),
    "35, RS256 with an EC key": ({"header": {"alg": "RS256"}}, SIGNATURE),
    "35, x is not on the curve": ({"jwk": {"x": P256["y"]}}, SIGNATURE),
    "35, x in standard base64": ({"jwk": {"x": "+/" + P256["x"][2:]}}, SIGNATURE),
    "an octet key with HS256": (
        {"jwk": {"kty": "oct", "k": "AQAB"}, "header": {"alg": "HS256"}},
        invalid("alg"),
    ),
    "an octet key with ES256": ({"jwk": {"kty": "oct", "k": "AQAB"}}, SIGNATURE),
    "an octet key without k": ({"jwk": {"kty": "oct"}}, invalid("jwk")),
    "typ null": ({"header": {"typ": None}}, invalid("typ")),
    "typ a list": ({"header": {"typ": ["dpop+jwt"]}}, MALFORMED),
    "alg null": ({"header": {"alg": None}}, invalid("alg")),
    "kid a number": ({"header": {"kid": 5}}, MALFORMED),
    "kid null": ({"header": {"kid": None}}, OKAY),
    "zip a number": ({"header": {"zip": 1}}, MALFORMED),
    "crit, jku, x5c of any type": ({"header": {"crit": 5, "jku": [], "x5c": {}, "enc": 1}}, OKAY),
    "exp past, as text": ({"claims": {"exp": "1"}}, OKAY),
    "payload empty object": ({"payload": "{}"}, invalid("jti")),
    "payload null": ({"payload": "null"}, MALFORMED),
    "payload text": ({"payload": '"x"'}, MALFORMED),
    "payload a number": ({"payload": "1"}, MALFORMED),
    "payload with a mark": ({"payload": "\ufeff{}"}, MALFORMED),
    "payload with NaN": ({"payload": '{"x":NaN}'}, MALFORMED),
    "payload with a comment": ({"payload": '{"x":1 /* */}'}, MALFORMED),
    "payload with single quotes": ({"payload": "{'x':1}"}, MALFORMED),
    "payload with a comma at the end": ({"payload": '{"x":1,}'}, MALFORMED),
    "text after the payload": ({"payload": "{}x"}, invalid("jti")),
    "no text": ({"text": "x"}, MALFORMED),
    "one part and a dot": ({"text": "e30."}, MALFORMED),
    "an empty header": ({"text": ".e30.x"}, MALFORMED),
    "four parts": ({"text": "e30.e30.e30.e30"}, MALFORMED),
    "six parts": ({"text": "e30.e30.e30.e30.e30.e30"}, MALFORMED),
    "an empty object for a header": ({"text": "e30.e30.AAAA"}, invalid("typ")),
    "a header of null": ({"text": encode(b"null") + ".e30.AAAA"}, MALFORMED),
    "a header in a list": ({"text": encode(b"[{}]") + ".e30.AAAA"}, MALFORMED),
    "65 levels deep": ({"payload": '{"x":' + "[" * 64 + "]" * 64 + "}"}, MALFORMED),
    "htu null": ({"claims": {"htu": None}}, invalid("htu")),
    "htu two": ({"claims": {"htu": [BASE_URL + TOKEN] * 2}}, invalid("htu")),
    "a blank jti": ({"jti": " \t"}, OKAY),
    "typ wrong and alg none": ({"header": {"typ": "x", "alg": "none"}}, invalid("typ")),
    "alg none and no jwk": ({"header": {"alg": "none", "jwk": None}}, invalid("alg")),
    "private and otherwise broken": (
        {"private": True, "jwk": {"x": None}},
        (400, "invalid_dpop_proof", "'jwk' value contains a private key."),
    ),
    "jti and htm wrong": ({"without": ["jti"], "htm": "GET"}, invalid("jti")),
    "htm and htu wrong": ({"htm": "GET", "htu": "x"}, invalid("htm")),
    "htu wrong and no iat": ({"htu": "x", "without": ["iat"]}, invalid("htu")),
    "no iat": ({"without": ["iat"]}, (400, "invalid_dpop_proof", "Missing 'iat' value.")),
}


@pytest.mark.parametrize(("variations", "wanted"), PROOFS.values(), ids=PROOFS)
def test_29_to_35_odd_proofs_at_the_token_endpoint(world, variations, wanted):
    assert asked(world, **variations) == wanted


TIMES = {
    "as it is": lambda now: now,
    "blanks around it": lambda now: f" {now} ",
    "with a plus": lambda now: f"+{now}",
    "with thousands": lambda now: f"{now:,}",
    "a fraction": lambda now: now + 0.4,
    "a fraction as text": lambda now: f"{now}.0",
    "an exponent": lambda now: f"{now / 1e9!r}e9",
}


@pytest.mark.parametrize("write", TIMES.values(), ids=TIMES)
def test_iat_may_be_written_in_many_ways(world, write):
    assert asked(world, iat=write(world.clock.now())) == OKAY


NO_NONCES = ("", " ", None, 5, True, {}, [], ["a", "b"])
WRONG_NONCES = ("x", ["x"], "gAAAAA" * 20, "é")


@pytest.mark.parametrize(
    ("nonce", "word"),
    [*((one, "Missing") for one in NO_NONCES), *((one, "Invalid") for one in WRONG_NONCES)],
)
def test_36_nonces_missing_and_invalid_both_bring_a_new_one(world, nonce, word):
    form = {"client_id": "m2m.dpop.nonce"}
    answer = world.token_request(world.token_proof(claims={"nonce": nonce}), **form)
    assert (answer.status, *error(answer)) == (400, "use_dpop_nonce", f"{word} 'nonce' value.")
    new = header(answer, "DPoP-Nonce")
    assert asked(world, form, claims={"nonce": [new]}) == OKAY


def test_an_iat_is_wanted_beside_a_nonce_but_may_be_any(world):
    form, nonce = {"client_id": "m2m.dpop.nonce"}, world.nonce()
    for iat in (0, -1, 2**63 - 1, "5"):
        assert asked(world, form, nonce=nonce, iat=iat) == OKAY
    missing = (400, "invalid_dpop_proof", "Missing 'iat' value.")
    assert asked(world, form, nonce=nonce, without=["iat"]) == missing
    assert asked(world, form, nonce=nonce, claims={"iat": None}) == MALFORMED


# ---- spelling of the proof, at both -----------------------------------------------------------


def respelt(text, *changes):
    """A JWS with its segments changed."""
    return ".".join(change(part) for change, part in zip(changes, text.split("."), strict=True))


def same(segment):
    """A segment as it is."""
    return segment


def padded(segment):
    """With the padding that is due."""
    return segment + "=" * (-len(segment) % 4)


def spare(segment):
    """With other spare bits in the last character, where there are any."""
    return segment[:-1] + chr(ord(segment[-1]) + 1)


def test_a_signature_may_be_padded(world):
    assert asked(world, text=respelt(world.token_proof(), same, same, padded)) == OKAY
    token = world.token()
    proof = respelt(world.api_proof(token), same, same, padded)
    assert world.call(token, proof).status == 200
    token = respelt(token, same, same, padded)
    assert world.call(token, world.api_proof(token)).status == 200


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_a_proofs_signature_with_other_spare_bits_is_a_wrong_one(world, alg):
    key = builder.key("A", alg)
    for change in (spare, lambda text: padded(spare(text))):
        honest = world.token_proof(key)
        proof = respelt(honest, same, same, change)
        assert read_jws(proof).signature == read_jws(honest).signature  # the same octets
        assert asked(world, proofs=[proof]) == SIGNATURE
        token = world.token(key)
        answer = world.call(token, respelt(world.api_proof(token, key), same, same, change))
        wanted = (401, challenge("Invalid DPoP proof token."))
        assert (answer.status, header(answer, "WWW-Authenticate")) == wanted


def test_an_access_tokens_signature_may_have_other_spare_bits(world):
    token = respelt(world.token(), same, same, spare)
    assert world.call(token, world.api_proof(token)).status == 200


def in_a_set(*jwks, **others):
    """The header of a proof whose jwk is a JWK Set."""
    return {"header": {"jwk": {**others, "keys": list(jwks)}}}


def test_a_jwk_set_is_taken_for_the_key_in_it(world):
    for jwk in (
        P256,
        {**P256, "kid": "k"},
        {"KTY": "EC", "CRV": "P-256", **{name: P256[name] for name in "xy"}},
    ):
        answer = world.token_request(world.token_proof(**in_a_set(jwk)))
        token = json.loads(answer.body)["access_token"]
        assert parts(token)[1]["cnf"] == {"jkt": builder.thumbprint(P256)}
        assert world.call(token, world.api_proof(token, **in_a_set(jwk))).status == 200
        assert world.call(token, world.api_proof(token)).status == 200
    assert asked(world, header={"jwk": {"KEYS": [P256]}}) == OKAY


def test_a_jwk_set_hides_no_fault_of_its_key(world):
    private = (400, "invalid_dpop_proof", "'jwk' value contains a private key.")
    assert asked(world, **in_a_set(builder.private_jwk(VICTIM))) == private
    assert asked(world, **in_a_set(builder.public_jwk(THIEF))) == SIGNATURE
    assert called(world, **in_a_set(builder.public_jwk(THIEF))) != 200
    for empty in ([], [[]], {}, "x", None, [None], [{}], [{"kty": "EC"}], [{"keys": []}]):
        assert asked(world, header={"jwk": {"keys": empty}}) == invalid("jwk")


NUMBER = "9" * 5000


def with_number(number, name="made up"):
    """The claims of a call, with one more that is this number, as JSON text."""
    return lambda claims: f'{compact(claims)[:-1]},"{name}":{number}}}'


@pytest.mark.parametrize("number", [NUMBER, f"-{NUMBER}", f'{{"x":[{NUMBER}]}}', f"{NUMBER}.5"])
def test_an_unknown_claim_may_be_a_number_of_5000_digits(world, number):
    token = world.token()
    payload = with_number(number)(parts(world.api_proof(token))[1])
    assert world.call(token, world.api_proof(token, payload=payload)).status == 200
    assert asked(world, payload=payload) == (400, "invalid_dpop_proof", None)  # too long


@pytest.mark.parametrize("name", ["iat", "exp", "nbf", "jti", "iss", "azp"])
def test_a_claim_that_is_read_may_not_be_a_number_of_5000_digits(world, name):
    token = world.token()
    payload = with_number(NUMBER, name)(parts(world.api_proof(token))[1])
    answer = world.call(token, world.api_proof(token, payload=payload))
    malformed = challenge("Malformed DPoP proof token.")
    assert header(answer, "WWW-Authenticate") == malformed


def test_a_signature_that_is_not_base64url_is_a_wrong_one(world):
    for change in (
        lambda text: "+" + text[1:],
        lambda text: "!" + text[1:],
        lambda text: text[:-1],
    ):
        assert asked(world, text=respelt(world.token_proof(), same, same, change)) == SIGNATURE


def test_a_header_or_payload_that_is_not_base64url_is_malformed(world):
    for change in (
        lambda text: "+" + text[1:],
        lambda text: f"{text}=====",
        lambda text: f"{text}!",
    ):
        assert asked(world, text=respelt(world.token_proof(), change, same, same)) == MALFORMED
        assert asked(world, text=respelt(world.token_proof(), same, change, same)) == MALFORMED


def test_jwk_members_may_be_named_in_capitals(world):
    capitals = {name.upper(): value for name, value in P256.items()}
    jwk = {**dict.fromkeys(P256), **capitals}
    assert asked(world, jwk=jwk) == OKAY
    assert called(world, jwk=jwk) == 200
    assert asked(world, jwk={**jwk, "D": "x"})[2] == "'jwk' value contains a private key."


def test_any_curve_goes_with_any_elliptic_algorithm(world):
    for kind in ("ES256", "ES384", "ES512"):
        for alg in ("ES256", "ES384", "ES512"):
            key = builder.key("A", kind)
            assert asked(world, proofs=[world.token_proof(key, alg=alg)]) == OKAY


def test_rsa_of_1024_bits_is_taken(world):
    small = builder.key("S", "RS256", bits=1024)
    for alg in ("RS256", "PS256", "RS512"):
        assert asked(world, proofs=[world.token_proof(small, alg=alg)]) == OKAY


def test_an_rsa_key_is_private_with_all_six_members_only(world):
    rsa = builder.key("A", "RS256")
    private = builder.private_jwk(rsa)
    wanted = (400, "invalid_dpop_proof", "'jwk' value contains a private key.")
    assert asked(world, proofs=[world.token_proof(rsa, private=True)]) == wanted
    assert asked(world, proofs=[world.token_proof(rsa, jwk={"d": private["d"]})]) == OKAY
    five = {name: private[name] for name in ("d", "p", "q", "dp", "dq")}
    assert asked(world, proofs=[world.token_proof(rsa, jwk=five)]) == OKAY
    assert asked(world, proofs=[world.token_proof(rsa, jwk={**five, "qi": ""})]) == wanted
    assert asked(world, jwk={"d": ""}) == wanted


def test_two_levels_of_the_same_member_are_taken_the_last_counts(world):
    claims = compact(parts(world.token_proof())[1])
    assert asked(world, payload=claims[:-1] + ',"htm":"POST"}') == OKAY
    assert asked(world, payload='{"htm":"POST",' + claims[1:-1] + ',"htm":"GET"}') == invalid("htm")


# ---- htu --------------------------------------------------------------------------------------

HOST = BASE_URL.removeprefix("https://")
HTU = {  # the way to write the URL: taken at the token endpoint, taken at the API
    "blanks around it": (" https://{host}{path} ", True, True),
    "the default port": ("https://{host}:443{path}", True, True),
    "an empty port": ("https://{host}:{path}", True, True),
    "user info": ("https://user@{host}{path}", True, True),
    "a query and a fragment": ("https://{host}{path}?x#y", True, True),
    "capital scheme": ("HTTPS://{host}{path}", True, True),
    "an escaped letter": ("https://{host}{escaped}", True, True),
    "dot segments": ("https://{host}/x/..{path}", True, True),
    "backslashes in the path": ("https://{host}{back}", True, True),
    "backslashes all over": ("https:\\\\{host}{back}", True, True),
    "the path in capitals": ("https://{host}{PATH}", False, True),
    "another port": ("https://{host}:8443{path}", False, False),
    "port 80": ("https://{host}:80{path}", False, False),
    "http": ("http://{host}{path}", False, False),
    "a host with a dot": ("https://{host}.{path}", False, False),
    "another host": ("https://else.example{path}", False, False),
    "a slash more": ("https://{host}{path}/", False, False),
    "a semicolon": ("https://{host}{path};x", False, False),
    "an escaped slash": ("https://{host}/%2F{bare}", False, False),
    "an escaped escape": ("https://{host}{twice}", False, False),
    "two slashes": ("https://{host}/{path}", False, False),
    "the path alone": ("{path}", False, False),
    "no scheme": ("//{host}{path}", False, False),
    "a relative path": ("{bare}", False, False),
    "blank": (" ", False, False),
    "empty": ("", False, False),
    "another kind of URL": ("urn:{host}{path}", False, False),
}


@pytest.mark.parametrize(("url", "at_token", "at_api"), HTU.values(), ids=HTU)
def test_htu_is_compared_as_a_uri(world, url, at_token, at_api):
    for path, taken in ((TOKEN, at_token), (API, at_api)):
        letter = f"{ord(path[-1]):02X}"
        htu = url.format(
            host=HOST,
            path=path,
            PATH=path.upper(),
            bare=path[1:],
            back=path.replace("/", "\\"),
            escaped=f"{path[:-1]}%{letter}",
            twice=f"{path[:-1]}%25{letter}",
        )
        if path == TOKEN:
            assert asked(world, htu=htu) == (OKAY if taken else invalid("htu"))
        else:
            wanted = 200 if taken else challenge("Invalid 'htu' value.")
            assert called(world, htu=htu) == wanted


# ---- the API ----------------------------------------------------------------------------------


def bare(world, *lines):
    """The challenge after a GET of the API with these header lines."""
    answer = world.send("GET", API, lines)
    assert (answer.status, answer.body) == (401, b"")
    return header(answer, "WWW-Authenticate")


def test_37_the_first_authorization_line_counts(world):
    token = world.token()
    dpop, bearer = ("Authorization", f"DPoP {token}"), ("Authorization", f"Bearer {token}")
    proof = ("DPoP", world.api_proof(token))
    assert bare(world, bearer, dpop, proof) == BARE
    assert world.send("GET", API, [dpop, bearer, proof]).status == 200


def test_38_what_is_no_token_under_dpop_gets_a_bare_challenge(world):
    token = world.token()
    proof = ("DPoP", world.api_proof(token))
    for text in (
        f"DPoP\t{token}", "DPoP", "DPoP ", f"DPoP{token}", f"DPoP {token},x", f'DPoP "{token}"',
        f"DPoP {token}, Bearer x", token, f"Basic {token}", f"DPoP token={token}", "DPoP a.b.c",
        f"DPoP {token}" + " " * 4000 + "x",
    ):  # fmt: skip
        assert bare(world, ("Authorization", text), proof) == BARE
    answer = world.send("GET", API, [("Authorization", f"DPoP \t {token} "), proof])
    assert answer.status == 200


def test_38_a_token_in_the_query_or_a_form_is_none(world):
    token = world.token()
    answer = world.send("GET", f"{API}?access_token={token}", [("DPoP", world.api_proof(token))])
    assert header(answer, "WWW-Authenticate") == BARE
    lines = [FORM_TYPE, ("DPoP", world.api_proof(token, method="POST"))]
    answer = world.send("POST", API, lines, f"access_token={token}".encode())
    assert header(answer, "WWW-Authenticate") == BARE


def test_39_the_first_fault_in_the_demos_order_decides(world):
    cnf, ath = challenge("Invalid 'cnf' value."), challenge("Invalid 'ath' value.")
    assert called(world, signing_key=THIEF, access_token="other") == cnf
    assert called(world, access_token="other", htm="PUT") == ath
    assert called(world, bound_to=None, access_token="other") == challenge("Missing 'cnf' value.")
    token = world.token()
    lines = [("DPoP", world.api_proof(token)), ("dpop", world.api_proof(token))]
    assert bare(world, ("Authorization", f"DPoP {builder.spoilt(token)}"), *lines) == BARE
    two = 'DPoP error="invalid_request"'
    assert bare(world, ("Authorization", f"DPoP {token}"), *lines) == two
    assert bare(world, ("Authorization", f"DPoP {token}"), ("DPoP", ""), ("DPoP", "")) == two


API_PROOFS = {
    "malformed": ({"claims": {"iss": 5}}, "Malformed DPoP proof token."),
    "jwk a string": ({"header": {"jwk": "x"}}, "Invalid 'jwk' value."),
    "kty OKP and alg EdDSA": (
        {"jwk": {"kty": "OKP"}, "header": {"alg": "EdDSA"}},
        "Invalid 'jwk' value.",
    ),
    "no jwk and typ wrong": ({"header": {"jwk": None, "typ": "x"}}, "Invalid 'jwk' value."),
    "typ null": ({"header": {"typ": None}}, "Invalid DPoP proof token."),
    "alg none": ({"header": {"alg": "none"}}, "Invalid DPoP proof token."),
    "35, another curve": ({"jwk": {"crv": "secp256k1"}}, "Invalid DPoP proof token."),
    "35, RS256": ({"header": {"alg": "RS256"}}, "Invalid DPoP proof token."),
    "five parts": ({"text": "e30.e30.e30.e30.e30"}, "Invalid 'jwk' value."),
    "an empty object for a header": ({"text": "e30.e30.AAAA"}, "Invalid 'jwk' value."),
    "payload empty object": ({"payload": "{}"}, "Invalid 'ath' value."),
    "ath null": ({"claims": {"ath": None}}, "Invalid 'ath' value."),
    "ath twice": ({"claims": {"ath": ["a", "b"]}}, "Invalid 'ath' value."),
    "no jti": ({"without": ["jti"]}, "Invalid 'jti' value."),
    "jti a number": ({"claims": {"jti": 5}}, "Malformed DPoP proof token."),
    "htm in small letters": ({"htm": "get"}, "Invalid 'htm' value."),
    "no iat": ({"without": ["iat"]}, "Invalid 'iat' value."),
    "iat 0": ({"iat": 0}, "Invalid 'iat' value."),
    "iat beyond 64 bits": ({"iat": 10**20}, "Malformed DPoP proof token."),
}


@pytest.mark.parametrize(("variations", "text"), API_PROOFS.values(), ids=API_PROOFS)
def test_odd_proofs_at_the_api(world, variations, text):
    assert called(world, **variations) == challenge(text)


def test_a_token_that_is_bound_by_more_than_its_jkt_is_taken(world):
    cnf = {"jkt": builder.thumbprint(P256), "x5t#S256": "x", "made up": None}
    token = world.forged(world.token(), claims={"cnf": cnf})
    assert world.call(token, world.api_proof(token)).status == 200


def test_an_empty_jti_is_one_at_the_api_and_null_is_the_same(own_world):
    assert called(own_world, claims={"jti": ""}) == 200
    assert called(own_world, claims={"jti": None}) == challenge("Detected DPoP proof token replay.")


def test_a_long_proof_is_read_at_the_api_and_not_at_the_token_endpoint(world):
    assert called(world, length=9000) == 200
    assert asked(world, length=4000) == OKAY
    assert asked(world, length=4001) == (400, "invalid_dpop_proof", None)


def test_40_the_bearer_api_reads_all_lines_as_one(world):
    token = world.token(None)
    answer = world.send("GET", PLAIN_API, [("Authorization", f"bearer  {token}")])
    assert answer.status == 200
    pairs = {pair["type"]: pair["value"] for pair in json.loads(answer.body)}
    assert pairs["authorization_scheme"] == "bearer"
    line = ("Authorization", f"Bearer {token}")
    for lines in ([line, line], [line, ("authorization", "x")]):
        answer = world.send("GET", PLAIN_API, lines)
        assert (answer.status, header(answer, "WWW-Authenticate")) == (401, "Bearer")


def test_the_bearer_api_shows_a_proof_and_never_judges_it(world):
    token = world.token()
    for proofs, shown in ((["", "x"], ""), (["a", "b"], "a"), ([world.api_proof(token)], None)):
        answer = world.call(token, *proofs, path=PLAIN_API, scheme="Bearer")
        assert answer.status == 200
        value = json.loads(answer.body)[-1]
        assert value == {"type": "proof_token", "value": proofs[0] if shown is None else shown}


@pytest.mark.parametrize(
    "text", ["", "Bearer", "Bearer ", "Bearer\t{token}", "DPoP {token}", "Bearer x"]
)
def test_the_bearer_api_has_one_challenge_for_everything(world, text):
    line = ("Authorization", text.format(token=world.token(None)))
    answer = world.send("GET", PLAIN_API, [line])
    assert (answer.status, header(answer, "WWW-Authenticate")) == (401, "Bearer")


# ---- more of the list: routes and preflights --------------------------------------------------

ROUTES = {
    "/connect/token/": 404,
    "//connect/token": 404,
    "/connect//token": 404,
    "/connect%2Ftoken": 404,
    "/CONNECT/token": 400,
    "/connect/%74oken": 400,
    "/connect/./token": 400,
    "/.well-known/openid-configuration/": 404,
    "/.well-known/OpenID-configuration": 405,
    "/api/dpop/test/": 401,
    "/api/dpop/test//": 404,
    "//api/dpop/test": 404,
    "/api//dpop/test": 404,
    "/API/DPOP/TEST": 401,
    "/api/dpop/%74est": 401,
    "/api/test/": 401,
    "/nothing": 404,
}


@pytest.mark.parametrize(("path", "status"), ROUTES.items())
def test_paths_lead_where_the_demo_leads_them(world, path, status):
    answer = world.send("POST", path)
    assert answer.status == status
    assert answer.body == b"" or status == 400


@pytest.mark.parametrize("method", ["PATCH", "get", "MOVEMONEY", "TRACE"])
def test_the_api_serves_any_method_invented_ones_too(world, method):
    token = world.token()
    proof = world.api_proof(token, method=method)
    assert world.call(token, proof, method=method).status == 200
    assert world.call(token, world.api_proof(token), method=method).status == 401


def test_the_proof_names_the_path_as_it_was_asked_for(world):
    token = world.token()
    for path in ("/api/dpop/test/", "/API/dpop/test"):
        proof = world.proof("GET", path, access_token=token)
        assert world.call(token, proof, path=path).status == 200
    assert world.call(token, world.api_proof(token), path="/api/dpop/test/").status == 401
    assert world.call(token, world.api_proof(token), path="/api/dpop/%74est").status == 200


def test_head_and_options_at_the_token_endpoint_are_invalid_requests(world):
    answer = world.send("HEAD", TOKEN)
    assert (answer.status, answer.body) == (400, b"")
    answer = world.send("OPTIONS", TOKEN)
    assert (answer.status, *error(answer)) == INVALID_REQUEST
    answer = world.send("OPTIONS", TOKEN, [("Origin", "https://spa.example")])
    assert (answer.status, header(answer, "Access-Control-Allow-Origin")) == (400, "*")
    answer = world.send("OPTIONS", TOKEN, [("Access-Control-Request-Method", "POST")])
    assert (answer.status, header(answer, "Access-Control-Allow-Origin")) == (400, None)


@pytest.mark.parametrize("path", [TOKEN, API, "/nothing/here"])
def test_a_preflight_is_answered_on_any_path(world, path):
    lines = [
        ("Origin", "null"),
        ("Access-Control-Request-Method", "post"),
        ("Access-Control-Request-Headers", "authorization, dpop"),
    ]
    answer = world.send("OPTIONS", path, lines)
    assert (answer.status, answer.body) == (204, b"")
    assert header(answer, "Access-Control-Allow-Origin") == "*"
    assert header(answer, "Access-Control-Allow-Methods") == "post"
    assert header(answer, "Access-Control-Allow-Headers") == "authorization,dpop"
    assert header(answer, "Access-Control-Expose-Headers") is None


# ---- windows and memory -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "oldest", "newest"), [("token", -360, 300), ("api", -30, 25)]
)  # fmt: skip
def test_iat_is_taken_to_the_second_of_the_window(own_world, place, oldest, newest):
    def ask(iat):
        return asked(own_world, iat=iat) if place == "token" else called(own_world, iat=iat)

    good = OKAY if place == "token" else 200
    bad = invalid("iat") if place == "token" else challenge("Invalid 'iat' value.")
    for offset, wanted in ((oldest, good), (oldest - 1, bad), (newest, good), (newest + 1, bad)):
        now = own_world.now()
        assert ask(now + offset) == wanted
        assert own_world.clock.now() == now


def test_a_nonce_is_taken_for_60_seconds_any_number_of_times(own_world):
    form = {"client_id": "m2m.dpop.nonce"}
    own_world.now()
    nonce = own_world.nonce()
    for seconds, wanted in ((0, OKAY), (59, OKAY), (1, OKAY)):
        own_world.clock.advance(seconds)
        assert asked(own_world, form, nonce=nonce) == wanted
    own_world.clock.advance(1)
    wanted = (400, "use_dpop_nonce", "Invalid 'nonce' value.")
    assert asked(own_world, form, nonce=nonce) == wanted


def test_a_nonce_is_no_good_at_the_other_server(own_world):
    form = {"client_id": "m2m.dpop.nonce"}
    assert asked(own_world, form, nonce=own_world.nonce("api"))[1] == "use_dpop_nonce"


def test_a_success_brings_no_nonce(own_world):
    own_world.now()
    nonce = own_world.nonce()
    own_world.clock.advance(59)
    answer = own_world.token_request(own_world.token_proof(nonce=nonce), client_id="m2m.dpop.nonce")
    assert (answer.status, header(answer, "DPoP-Nonce")) == (200, None)


@pytest.mark.parametrize(
    ("client", "seconds"), [("m2m.dpop", 660), ("m2m", 660), ("m2m.dpop.nonce", 60)]
)
def test_a_jti_is_remembered_at_the_token_endpoint(own_world, client, seconds):
    own_world.now()
    jti, form = secrets.token_hex(), {"client_id": client}

    def ask():
        return asked(own_world, form, jti=jti, nonce=own_world.nonce())

    replay = (400, "invalid_dpop_proof", "Detected replay of DPoP proof token.")
    assert ask() == OKAY
    own_world.clock.advance(seconds - 1)
    assert ask() == replay
    own_world.clock.advance(1)
    assert ask() == OKAY


def test_a_jti_is_remembered_for_55_seconds_at_the_api(own_world):
    own_world.now()
    jti = secrets.token_hex()
    assert called(own_world, jti=jti) == 200
    own_world.clock.advance(54)
    assert called(own_world, jti=jti) == challenge("Detected DPoP proof token replay.")
    own_world.clock.advance(1)
    assert called(own_world, jti=jti) == 200


def test_a_jti_is_one_for_all_keys_and_clients_but_not_for_both_servers(world):
    jti = secrets.token_hex()
    assert asked(world, jti=jti) == OKAY
    other = world.token_proof(THIEF, jti=jti, nonce=world.nonce())
    assert asked(world, {"client_id": "m2m.dpop.nonce"}, proofs=[other])[2].startswith("Detected")
    assert called(world, jti=jti) == 200
    again = called(world, signing_key=THIEF, bound_to=THIEF, jti=jti)
    assert again == challenge("Detected DPoP proof token replay.")


def test_a_proof_that_passed_is_burnt_by_any_later_fault_and_one_that_failed_is_not(world):
    for form in ({"scope": "nothing"}, {"grant_type": "made up"}, {"resource": "urn:a"}):
        proof = world.token_proof()
        assert asked(world, form, proofs=[proof])[1] != "invalid_dpop_proof"
        assert asked(world, proofs=[proof])[2] == "Detected replay of DPoP proof token."
    for form in ({"client_secret": "x"}, {"grant_type": None}, {"resource": "x"}):
        proof = world.token_proof()
        assert asked(world, form, proofs=[proof]) != OKAY
        assert asked(world, proofs=[proof]) == OKAY


@pytest.mark.parametrize("client", ["m2m.short", "m2m"])
def test_a_token_is_taken_for_300_seconds_after_its_expiry(own_world, client):
    own_world.now()
    answer = own_world.token_request(own_world.token_proof(), client_id=client)
    members = json.loads(answer.body)
    token = members["access_token"]
    own_world.clock.advance(members["expires_in"] + 300)
    assert own_world.call(token, own_world.api_proof(token)).status == 200
    assert own_world.call(token, path=PLAIN_API, scheme="Bearer").status == 200
    own_world.clock.advance(1)
    answer = own_world.call(token, own_world.api_proof(token))
    assert header(answer, "WWW-Authenticate") == BARE
    answer = own_world.call(token, path=PLAIN_API, scheme="Bearer")
    assert header(answer, "WWW-Authenticate") == "Bearer"


def test_the_profiles_have_the_numbers_of_the_source():
    said = {
        place: (p.window.max_age, p.window.max_ahead, p.remember)
        for place, p in DUENDE.profiles.items()
        if place in ("token", "api")
    }
    assert said == {"token": (360, 300, 660), "api": (30, 25, 55)}
    assert DUENDE.token_nonce.window == DUENDE.api_nonce.window == ANY_TIME
    assert DUENDE.token_nonce.nonce_window.max_age == DUENDE.token_nonce.remember == 60
    assert DUENDE.api_nonce.remember == 15
    assert (DUENDE.bound.reading.leeway, DUENDE.bound.max_length) == (300, 4000)
    assert (DUENDE.bearer.reading.leeway, DUENDE.bearer.max_length) == (300, 51200)
    assert len(DUENDE.token.reading.algorithms) == 9


@pytest.mark.parametrize("policy_place", ["token", "token_nonce", "api", "api_nonce"])
def test_the_demo_has_no_row_for_strict_form(policy_place):
    assert "strict_form" not in [row.name for row in DUENDE.profiles[policy_place].rows]


# ---- each client ------------------------------------------------------------------------------

CLIENTS = {  # secret or key, lifetime, must prove, wants a nonce; or the error of those without
    "m2m": ("secret", 3600, False, False),
    "m2m.jwt": ("key", 3600, False, False),
    "m2m.dpop": ("secret", 3600, True, False),
    "m2m.dpop.nonce": ("secret", 3600, True, True),
    "m2m.short": ("secret", 75, False, False),
    "m2m.short.jwt": ("key", 75, False, False),
    "interactive.confidential": ("secret", 3600, False, False),
    "interactive.confidential.jwt": ("key", 3600, False, False),
    "interactive.confidential.jwt.dpop": ("key", 75, True, True),
    "interactive.confidential.jar.jwt": ("key", 3600, False, False),
    "interactive.confidential.short": ("secret", 75, False, False),
    "interactive.confidential.short.jwt": ("key", 75, False, False),
    "interactive.confidential.short.jar.jwt": ("key", 75, False, False),
    "interactive.confidential.nopkce": ("secret", 3600, False, False),
    "interactive.confidential.hybrid": ("secret", 3600, False, False),
}
WITHOUT_CLIENT_CREDENTIALS = {  # must prove and wants a nonce
    "interactive.public": False,
    "interactive.public.short": False,
    "native.dpop": True,
    "device": False,
    "interactive.implicit": False,
    "login": False,
}


def credentials_of(world, client):
    """What this client sends to be known."""
    if CLIENTS[client][0] == "secret":
        return {"client_id": client}
    return asserted(assertion(world, client))


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_what_it_is_registered_for(world, client):
    _, lifetime, must_prove, wants_nonce = CLIENTS[client]
    answer = world.token_request(**credentials_of(world, client))
    if must_prove:
        text = "Client requires DPoP and a DPoP header value was not provided."
        assert (answer.status, *error(answer)) == (400, "invalid_request", text)
    else:
        members = json.loads(answer.body)
        assert list(members) == ["access_token", "expires_in", "token_type", "scope"]
        assert (members["token_type"], members["expires_in"]) == ("Bearer", lifetime)
        assert "cnf" not in parts(members["access_token"])[1]
    answer = world.token_request(world.token_proof(), **credentials_of(world, client))
    if wants_nonce:
        assert error(answer) == ("use_dpop_nonce", "Missing 'nonce' value.")
        proof = world.token_proof(nonce=header(answer, "DPoP-Nonce"))
        answer = world.token_request(proof, **credentials_of(world, client))
    members = json.loads(answer.body)
    assert (members["token_type"], members["expires_in"]) == ("DPoP", lifetime)
    claims = parts(members["access_token"])[1]
    assert list(claims) == [
        "iss", "nbf", "iat", "exp", "aud", "cnf", "scope", "client_id", "jti"
    ]  # fmt: skip
    assert (claims["client_id"], claims["scope"]) == (client, ["api"])
    assert claims["cnf"] == {"jkt": builder.thumbprint(P256)}


@pytest.mark.parametrize(("client", "proves"), WITHOUT_CLIENT_CREDENTIALS.items())
def test_clients_without_client_credentials_are_not_authorized(world, client, proves):
    for secret in (None, "any"):
        form = {"client_id": client, "client_secret": secret}
        if proves:
            assert asked(world, form, proofs=[])[1] == "invalid_request"
            assert asked(world, form)[1] == "use_dpop_nonce"
        nonce = {"nonce": world.nonce()} if proves else {}
        assert asked(world, form, **nonce) == (400, "unauthorized_client", None)


def test_there_are_no_other_clients(world):
    registered = world.twin.policy.clients
    assert set(registered) == set(CLIENTS) | set(WITHOUT_CLIENT_CREDENTIALS)


def test_a_client_with_a_secret_takes_no_assertion_and_the_reverse(world):
    assert asked(world, asserted(assertion(world, "m2m")), proofs=[]) == INVALID_CLIENT
    assert asked(world, {"client_id": "m2m.jwt"}, proofs=[]) == INVALID_CLIENT
    stranger = builder.assertion(
        STRANGER, kid="x", client_id="m2m.jwt", audience=BASE_URL, now=world.clock.now(), jti="1"
    )
    assert asked(world, asserted(stranger), proofs=[]) == INVALID_CLIENT
