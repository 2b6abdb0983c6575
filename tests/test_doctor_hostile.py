"""The doctor and what is pasted to hurt: secrets in odd places, broken values, correct requests."""

import base64
import gc
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dpop_lab import LabError, diagnose, generate_key
from dpop_lab.doctor.paste.bounds import CUT
from dpop_lab.doctor.secrets import without_users
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PRIVATE_MEMBERS
from tests.test_doctor import (
    API,
    ISSUER,
    KEY,
    NOW,
    THIEF,
    TOKEN,
    access_token,
    custom,
    proof,
    raw,
    refused,
    rows,
    told,
)

PRIVATE_PART = KEY.private_jwk()["d"]
OPAQUE = "S3cr3tOpaqueValue" * 4


def jwt(header, claims):
    """A JWT with these members and no signature worth the name."""
    return ".".join(base64url_encode(json.dumps(one).encode()) for one in (header, claims)) + ".AA"


LEAKY = custom({"jwk": KEY.private_jwk()})
ORDERS = "GET /orders HTTP/1.1\nHost: api.example.com\n"
LEAKS = {
    "half a JWT": (".".join(LEAKY.split(".")[:2]), PRIVATE_PART),
    "a header alone": (LEAKY.split(".")[0], PRIVATE_PART),
    "a header cut off": (LEAKY.split(".")[0][:-20], PRIVATE_PART[:20]),
    "half a JWT in a request": (raw(f"DPoP: {LEAKY.split('.')[0]}"), PRIVATE_PART),
    "d beside jwk": (jwt({"typ": "dpop+jwt", "d": PRIVATE_PART}, {"htm": "GET"}), PRIVATE_PART),
    "a key in the claims": (
        jwt({"typ": "dpop+jwt"}, {"htm": "GET", "key": KEY.private_jwk()}),
        PRIVATE_PART,
    ),
    "a secret in the claims": (
        jwt({"typ": "dpop+jwt"}, {"htm": "GET", "client_secret": OPAQUE}),
        OPAQUE,
    ),
    "PEM in jti": (custom(claims={"jti": KEY.to_pem()}), KEY.to_pem().splitlines()[1]),
    "a password in a URL": (f"curl https://a:{OPAQUE}@host.example/token -d grant_type=x", OPAQUE),
    "a password in htu": (
        raw(f"DPoP: {custom(claims={'htu': f'https://u:{OPAQUE}@api.example/x'})}"),
        OPAQUE,
    ),
    "an error object": (json.dumps({"error": {"message": "x", "access_token": OPAQUE}}), OPAQUE),
    "an error description": (
        json.dumps({"error": "x", "error_description": json.dumps(KEY.private_jwk())}),
        PRIVATE_PART,
    ),
    "a token named beside": (
        json.dumps(
            {"error": "invalid_grant", "error_description": OPAQUE, "refresh_token": OPAQUE}
        ),
        OPAQUE,
    ),
    "a JSON body, echoed": (
        f'POST /token HTTP/1.1\nHost: as.example\n\n{{"client_secret":"{OPAQUE}"}}\n'
        f'HTTP/1.1 400 Bad Request\n\n{{"error":"x","error_description":"not {OPAQUE}"}}',
        OPAQUE,
    ),
    "an API key, echoed": (
        f"{ORDERS}X-Api-Key: {OPAQUE}\n\nHTTP/1.1 401 No\n"
        f'WWW-Authenticate: DPoP error="x", error_description="no {OPAQUE}"\n\n',
        OPAQUE,
    ),
    "an opaque token, everywhere": (
        f"GET /{OPAQUE} HTTP/1.1\nHost: api.example.com\nAuthorization: DPoP {OPAQUE * 4}\nDPoP: "
        + custom(claims={"htm": OPAQUE * 4, "htu": OPAQUE * 4, "jti": OPAQUE * 4})
        + f'\n\nHTTP/1.1 401 No\nWWW-Authenticate: DPoP error="x", error_description="{OPAQUE * 4}"'
        "\n\n",
        OPAQUE,
    ),
    "a key in a string": (custom({"jwk": json.dumps(KEY.private_jwk())}), PRIVATE_PART),
    "a key in base64url": (
        custom({"jwk": base64url_encode(json.dumps(KEY.private_jwk()).encode())}),
        PRIVATE_PART,
    ),
    "a key in kid": (custom({"kid": json.dumps(KEY.private_jwk())}), PRIVATE_PART),
    "a capital D": (custom({"jwk": {**KEY.public_jwk(), "D": PRIVATE_PART}}), PRIVATE_PART),
    "another name": (custom({"jwk": {**KEY.public_jwk(), "priv": PRIVATE_PART}}), PRIVATE_PART),
    "a password with a slash": (
        custom(claims={"htu": f"https://joe:{OPAQUE}/x@h.example/"}),
        OPAQUE,
    ),
    "a password with an at sign": (
        custom(claims={"htu": f"https://joe:p@{OPAQUE}@h.example/"}),
        OPAQUE,
    ),
    "a password without a scheme": (custom(claims={"htu": f"joe:{OPAQUE}@h.example/"}), OPAQUE),
    "a token in a query": (
        jwt({"typ": "dpop+jwt"}, {"htu": f"https://a.example/?access_token={OPAQUE}"}),
        OPAQUE,
    ),
    "a token with its scheme": (jwt({"typ": "dpop+jwt"}, {"jti": f"DPoP {OPAQUE}"}), OPAQUE),
    "a token for its hash": (custom(claims={"ath": OPAQUE}), OPAQUE),
    "a very long token": (f"{ORDERS}Authorization: DPoP {OPAQUE * 300}\n\n", OPAQUE),
}

SHORT_KEY = generate_key("EdDSA").to_pem()
KEY_LINE = SHORT_KEY.splitlines()[1]
SAYING = '{"error":"invalid_client","error_description":'
LEAKS |= {
    "a key behind an escape, cut": (
        f'{SAYING}"RIVATE KEY-----\\n{KEY_LINE}\\n-----END PRIV',
        KEY_LINE,
    ),
    "a key behind an escape": (f"{SAYING}{json.dumps(chr(92) + 'n' + KEY_LINE)}}}", KEY_LINE),
    "a key behind a line feed in a URL": (f'{SAYING}"pk%3D%0A{KEY_LINE}"}}', KEY_LINE),
    "a key in base64url, one line": (
        f'{SAYING}"MC4CAQAwBQYDK2VwBCIEILq-I2j_PoLb-h11JAtJVdqF6yeHo_Ryp3ykaYLRO_rY"}}',
        "h11JAtJVdqF6yeHo_Ryp",
    ),
    "PEM in base64": (
        f'{SAYING}"{base64.b64encode(SHORT_KEY.encode()).decode()}"}}',
        base64.b64encode(SHORT_KEY.encode()).decode()[70:],
    ),
    "a JWK in base64": (
        f'{SAYING}"{base64.b64encode(json.dumps(KEY.private_jwk()).encode()).decode()}"}}',
        base64.b64encode(json.dumps(KEY.private_jwk()).encode()).decode()[-60:],
    ),
}
PARTS = f'--x\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n{OPAQUE}1\r\n--x--'
LEAKS |= {
    "a list for each field": (
        json.dumps({"status": 400, "errors": {"client_secret": [f"The value '{OPAQUE}' is bad."]}}),
        OPAQUE,
    ),
    "a form of several parts, copied as fetch": (
        f'fetch("https://as.example/token", {{"body": {json.dumps(PARTS)}, "method": "POST"}});\n'
        f'{SAYING}"not {OPAQUE}1"}}',
        OPAQUE,
    ),
}
ESCAPED = html.escape(json.dumps({"client_secret": OPAQUE}))
TAB = base64.b64encode(f"me:{OPAQUE}".encode()).decode()
LEAKS |= {
    "JSON escaped for HTML": (f'{SAYING}"{ESCAPED}"}}', OPAQUE),
    "a URL of PHP": (
        f"{SAYING}{json.dumps(f'https:{chr(92)}/{chr(92)}/u:{OPAQUE}@h{chr(92)}/')}}}",
        OPAQUE,
    ),
    "a URL in URL encoding": (f'{SAYING}"see https%3A%2F%2Fu%3A{OPAQUE}%40h.example"}}', OPAQUE),
    "a key for an error code": (
        {"error": SHORT_KEY.replace("-----BEGIN", "---BEGIN")},  # an object has no text
        KEY_LINE[10:],
    ),
    "Basic and a tab": (
        f"{ORDERS}Authorization: Basic\t{TAB}\n\nHTTP/1.1 401 No\n"
        f'WWW-Authenticate: DPoP error="x", error_description="no {OPAQUE}"\n\n',
        OPAQUE,
    ),
}

RSA_LINES = ISSUER.to_pem().splitlines()
PEMS = {
    "whole": RSA_LINES,
    "without its first line": RSA_LINES[1:],
    "without its last line": RSA_LINES[:-1],
    "without both": RSA_LINES[1:-1],
    "cut in its first line": [RSA_LINES[0][17:], *RSA_LINES[1:]],
    "cut in its first base64": [RSA_LINES[1][30:], *RSA_LINES[2:]],
    "cut in its last line": [*RSA_LINES[:-1], RSA_LINES[-1][:-9]],
    "locked, without its first line": KEY.to_pem("word").splitlines()[1:],
}
AROUND = {
    "an error description": lambda text: json.dumps({"error": "x", "error_description": text}),
    "JSON in a description": lambda text: AROUND["an error description"](json.dumps([text])),
    "a challenge": lambda text: refused(f'DPoP error="{text.replace(chr(10), chr(92) + "n")}"'),
    "a form": lambda text: f"{FORM_HEAD}grant_type=x&scope={quote_plus(text)}\n",
    "a claim": lambda text: jwt({"typ": "dpop+jwt"}, {"htm": text}),
    "a claim of half a JWT": lambda text: jwt({"typ": "dpop+jwt"}, {"htm": text})[:-3],
    "an odd key": lambda text: custom({"kid": text}),
}
FORM_HEAD = (
    "POST /token HTTP/1.1\nHost: as.example\nContent-Type: application/x-www-form-urlencoded\n\n"
)


@pytest.mark.parametrize("cut", PEMS)
@pytest.mark.parametrize("around", AROUND)
def test_what_is_left_of_a_private_key_in_pem_stays_out(around, cut):
    found = diagnose(AROUND[around]("\n".join(PEMS[cut])))
    shown = told(found) + repr(found.problems) + repr(found)
    lines = [line for line in PEMS[cut] if len(line) > 20 and not line.endswith("--")]
    assert lines and not [line for line in lines if line[9:-3] in shown]
    assert found.secrets[:1] == ("a private key",)


JWK_TEXT = json.dumps(KEY.private_jwk())
TEXTS = {
    "itself": JWK_TEXT,
    "a text in a text": json.dumps(JWK_TEXT),
    "a member": json.dumps({"key": JWK_TEXT}),
    "other words": f"my key is {JWK_TEXT}, and",
    "Python": str(KEY.private_jwk()),
    "lines": json.dumps(KEY.private_jwk(), indent=2),
    "escapes": JWK_TEXT.replace('"d"', '"\\u0064"'),
    "base64url": base64url_encode(JWK_TEXT.encode()),
}


@pytest.mark.parametrize("part", ["header", "claims"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_private_key_as_text_in_half_a_jwt_stays_out(name, part):
    members = {"header": {"typ": "dpop+jwt"}, "claims": {"htm": "GET"}}
    members[part]["x"] = TEXTS[name]
    two = jwt(members["header"], members["claims"])[:-3]
    head = two.partition(".")[0]
    for text in (two + ".AA", two, two[:-4], two[:-9], *(head, head[:-6]) * (part == "header")):
        for pasted in (text, raw(f"DPoP: {text}"), raw(f"DPoP: {proof()}", token=text)):
            found = diagnose(pasted)
            assert PRIVATE_PART[:16] not in told(found) + repr(found.problems)
            assert "a private key" in found.secrets


FENCES = ["```json\n{}\n```", "Look:\n\n```\n{}\n```\nThanks", "~~~\n{}\n~~~", "```json\n{}"]
SAID = {
    "a password": ({"error": "x", "error_description": f"client_secret={OPAQUE}"}, OPAQUE),
    "a key": ({"error": "x", "error_description": KEY.to_pem()}, KEY.to_pem().splitlines()[1]),
    "a JWK": ({"error": "x", "error_description": JWK_TEXT}, PRIVATE_PART),
    "JSON": ({"error": "x", "error_description": json.dumps({"password": OPAQUE})}, OPAQUE),
}


@pytest.mark.parametrize("fence", FENCES)
@pytest.mark.parametrize("name", SAID)
def test_what_a_json_string_in_a_markdown_fence_holds_stays_out(name, fence):
    value, secret = SAID[name]
    for times in range(3):
        text = json.dumps(value)
        for _ in range(times):
            text = json.dumps(text)
        found = diagnose(fence.replace("{}", text))
        assert found.kind == "a JSON error"
        assert secret[9:25] not in told(found) + repr(found.problems)
        assert found.secrets


@pytest.mark.parametrize("codec", ["latin-1", "utf-8"])
def test_a_basic_password_stays_out_in_whatever_encoding_it_is_echoed(codec):
    password = "geheimes-Passwört"
    octets = password.encode(codec)
    pair = base64.b64encode(b"me:" + octets).decode()
    head = f"{FORM_HEAD[:-1]}Authorization: Basic {pair}\n\ngrant_type=x\n"
    for echo in (
        password,
        octets.decode("latin-1"),
        octets.decode(errors="replace"),
        password.encode("latin-1").decode(errors="replace"),
        password.encode().decode("latin-1"),
        password.encode("ascii", "xmlcharrefreplace").decode(),
        quote(octets),
    ):
        body = json.dumps({"error": "invalid_client", "error_description": echo})
        found = diagnose(f"{head}HTTP/1.1 401 No\nContent-Type: application/json\n\n{body}\n")
        assert found.understood
        assert "Passw" not in told(found) + repr(found.problems)


PAIR = base64.b64encode(f"me:{OPAQUE}".encode()).decode()
ECHO = json.dumps({"error": "invalid_client", "error_description": f"bad {OPAQUE}"})
LOGINS = {
    "a header line of curl -v": f"> Authorization: Basic {PAIR}\n< HTTP/1.1 401 No\n"
    f'< WWW-Authenticate: DPoP error="invalid_client", error_description="bad {OPAQUE}"\n',
    "a header line in a log": f"sent authorization='Basic {PAIR}'\ngot {ECHO}",
    "a header in JSON": json.dumps({"Authorization": f"Basic {PAIR}"}) + f"\n{ECHO}",
    "requests": f"requests.post(url, auth=('me','{OPAQUE}'))\n{ECHO}",
    "httpx": f'httpx.post(url, auth = httpx.BasicAuth("me", "{OPAQUE}"))\n{ECHO}',
}


@pytest.mark.parametrize("name", LOGINS)
def test_a_login_is_a_secret_wherever_it_stands(name):
    found = diagnose(LOGINS[name])
    assert OPAQUE not in told(found) + repr(found.problems)
    assert "a client secret" in found.secrets


def test_words_about_basic_are_no_login():
    text = "By authorization Basic is meant here, auth=('a', b) too; use DPoP"
    assert diagnose(text).secrets == ()


def test_of_a_private_key_not_even_the_last_line_is_told():
    key = ec.generate_private_key(ec.SECP521R1())
    lines = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().split()
    assert len(lines[-4]) < 9
    for text in ("\n".join(lines[2:]), "\n".join(lines[3:])):
        body = json.dumps({"error": "invalid_client", "error_description": text})
        shown = told(diagnose(f"HTTP/1.1 400 No\nContent-Type: application/json\n\n{body}"))
        assert not [line for line in lines[3:-3] if line in shown]


USERS = {
    "see https://u:p@h/x and //v:q@i": "see https://…@h/x and //…@i",
    "https://u@h.example": "https://…@h.example",
    "https://u:p/q?r#s@h": "https://…@h",
    "https://u:p@q@h": "https://…@h",
    "https://u@:p@h": "https://…@h",
    "https://h:80/?to=https://u:p@i": "https://h:80/?to=https://…@i",
    "https://h:8443/x@y mail@h.example http://[::1]:80/@": None,
    r"https:\/\/u:p@h\/x": r"https:\/\/…@h\/x",
    "https%3A%2F%2Fu%3Ap%40h%2Fx": "https%3A%2F%2F…%40h%2Fx",
    "https%3a%2f%2fu%3ap%40q%40h and a%40b": "https%3a%2f%2f…%40h and a%40b",
    "https%3A%2F%2Fh.example%2Fx%40y": None,
    "//:" * 200_000: None,
    "//:" * 200_000 + "@": "//…@",
    "@" * 200_000 + "://" * 200_000: None,
}


@pytest.mark.parametrize(("text", "shown"), USERS.items(), ids=lambda one: str(one)[:20])
def test_of_a_url_the_name_and_the_password_are_left_out(text, shown):
    assert without_users(text) == (shown or text)


NO_KEYS = {
    "BEGIN in a log": "INFO no -----BEGIN PRIVATE KEY----- in duendesoftware configuration\n"
    f"POST https://demo.duendesoftware.com/connect/token\nDPoP: {proof()}\n"
    'HTTP/1.1 400 Bad Request\n\n{"error":"invalid_client"}',
    "END in a sentence": f'{SAYING}"The uploaded file lacks the line -----END PRIVATE KEY-----'
    ' at its end"}',
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_words_about_a_private_key_are_no_private_key(name):
    found = diagnose(NO_KEYS[name])
    assert found.understood
    assert found.secrets == ()
    assert "<private_key" not in told(found) + repr(found.problems)


@pytest.mark.parametrize("name", LEAKS)
def test_no_secret_comes_back_from_an_odd_place(name):
    text, secret = LEAKS[name]
    found = diagnose(text)
    assert secret[:20] not in told(found) + repr(found.problems)
    assert found.secrets


def test_a_private_key_in_half_a_jwt_is_called_leaked():
    found = diagnose(LEAKY.split(".")[0])
    assert "no_private_key" in rows(found)
    assert "a private key" in found.secrets


@pytest.mark.parametrize("name", PRIVATE_MEMBERS)
def test_a_short_member_with_a_private_name_is_no_secret(name):
    assert diagnose(jwt({"typ": "dpop+jwt"}, {"htm": "GET", name: "short"})).secrets == ()


HOSTS = ["http://[::1/x", "https://[bad/", "http://a:b/", "http://[x]/", "http://\ud800/"]


@pytest.mark.parametrize("url", HOSTS)
def test_a_url_that_is_none_is_no_reason_to_fail(url):
    host = url.split("/")[2]
    told(diagnose(f'curl {url} -H "DPoP: x"'))
    told(diagnose(f"GET / HTTP/1.1\nHost: {host}\n\n"))
    entry = {"request": {"method": "GET", "url": url, "headers": [{"name": "DPoP", "value": "x"}]}}
    told(diagnose({"log": {"entries": [entry]}}))
    told(diagnose(custom(claims={"htu": url.replace("\ud800", "?")})))
    assert diagnose(proof(), url=url).remarks


@pytest.mark.parametrize("time", [10**400, -(10**400), 1e308, -1e308, float("nan"), float("inf")])
def test_a_time_that_is_none_is_no_reason_to_fail(time):
    text = jwt({"typ": "dpop+jwt"}, {"iat": time, "exp": time, "nbf": time, "htm": "GET"})
    told(diagnose(raw(f"DPoP: {text}", token=text, answer=refused("DPoP"))))
    told(diagnose(text, now=NOW))
    with pytest.raises(LabError):
        diagnose(proof(), now=time)


class Strange:
    """An object that fails whoever looks at it."""

    def __iter__(self):
        raise RuntimeError

    @property
    def exchange(self):
        raise RuntimeError


def test_objects_that_hold_themselves_or_fail_are_not_understood():
    circle = {"header": {}}
    circle["payload"] = {"htm": circle}
    for thing in (circle, {"htm": object()}, Strange(), [Strange()], [[], [[]]]):
        told(diagnose(thing))


# ---- what is right is not called wrong --------------------------------------------------------

PLAIN = "HTTP/1.1 200 OK\nContent-Type: application/json\n\n{}\n"
ELSEWHERE = access_token(iss="https://as.example.com", aud="https://api.example.com")


def at(host, *lines, method="GET", path="/orders", answer="", token=ELSEWHERE, **claims):
    """A request to another server, with a good proof for it."""
    url = f"https://{host}{path}"
    made = proof(token=token, **({"htu": url, "htm": method} | claims))
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: DPoP {token}"]
    return "\n".join([*head, f"DPoP: {made}", *lines]) + "\n\n" + answer


RIGHT = {
    "another server": at("api.example.com"),
    "IPv6": at("[2001:db8::1]:8443"),
    "a port": at("api.example.com:8443"),
    "a query": at("api.example.com").replace("GET /orders", "GET /orders?page=2"),
    "http inside": at("api.internal", htu="http://api.internal/orders"),
    "discovery": "GET /.well-known/oauth-authorization-server HTTP/1.1\nHost: as.example\n\n"
    + PLAIN,
    "a preflight": "OPTIONS /orders HTTP/1.1\nHost: api.example.com\nOrigin: https://a.example\n"
    "Access-Control-Request-Headers: dpop\n\nHTTP/1.1 204 No Content\n\n",
    "a redirect to log in": "GET /authorize?a=b HTTP/1.1\nHost: as.example\n\n"
    "HTTP/1.1 302 Found\n\n",
    "not modified": at("api.example.com", answer="HTTP/1.1 304 Not Modified\n\n"),
    "an opaque token": at("api.example.com", token="0paque-access-token-of-some-length"),
    "a resource named twice": "POST /token HTTP/1.1\nHost: as.example\n"
    "Content-Type: application/x-www-form-urlencoded\n\n"
    "grant_type=client_credentials&client_id=a&client_secret=b&resource=x&resource=y\n" + PLAIN,
    "X-Revision of another": at("api.example.com", answer="HTTP/1.1 200 OK\nX-Revision: 42\n\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_correct_request_is_healthy(name):
    found = diagnose(RIGHT[name])
    assert found.healthy, found.text()


def test_a_token_that_is_no_at_jwt_is_a_remark_elsewhere_and_a_finding_at_the_demo():
    from dpop_lab import thumbprint

    claims = {"exp": NOW + 9, "cnf": {"jkt": thumbprint(KEY.public_jwk())}}
    token = sign_compact({"alg": "RS256", "typ": "JWT"}, claims, ISSUER)
    found = diagnose(at("api.example.com", token=token))
    assert found.healthy
    assert any("RFC 9068" in remark for remark in found.examined[0].remarks)
    assert "at_typ" in rows(diagnose(raw(f"DPoP: {proof(token=token)}", token=token)))


def test_a_forgotten_header_is_one_finding_and_not_four():
    assert rows(diagnose(raw(token=TOKEN), now=NOW)) == ["one_header"]
    assert rows(diagnose(raw("DPoP:"), now=NOW)) == ["one_header"]
    assert rows(diagnose(raw(f"DPoP: {proof()}", token=""))) == ["scheme"]
    bearer = raw(f"DPoP: {proof()}").replace("Authorization: DPoP", "Authorization: Bearer")
    assert rows(diagnose(bearer)) == ["scheme"]


def test_a_challenge_with_other_algorithms_is_compared():
    answer = refused('DPoP error="invalid_dpop_proof", algs="PS256 EdDSA"').replace("X-REV", "X-")
    found = diagnose(at("api.example.com", answer=answer.replace("\r", "")))
    assert "alg" in rows(found)
    assert any("PS256 EdDSA" in problem.action for problem in found.problems)


def test_when_every_row_passes_the_advice_does_not_ask_for_what_was_given():
    answer = 'HTTP/1.1 401 No\nWWW-Authenticate: DPoP error="invalid_dpop_proof"\n\n'
    [problem] = diagnose(at("api.example.com", answer=answer)).problems
    assert "Give the proof" not in problem.action
    assert "clock" in problem.action


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (generate_key("EdDSA"), "Make another key"),
        (generate_key("ES384"), ""),
    ],
)
def test_advice_on_algorithms_names_none_that_the_server_refuses(key, words):
    from dpop_lab import thumbprint

    token = access_token(cnf={"jkt": thumbprint(key.public_jwk())})
    found = diagnose(raw(f"DPoP: {proof(key, token=token)}", token=token))
    assert [problem for problem in found.problems if problem.row == "alg"] == [
        problem for problem in found.problems if words and words in problem.action
    ]


def test_signing_mistakes_are_told_apart():
    from dpop_lab.jose.encoding import sha256

    head, _, _ = proof().rpartition(".")
    for octets, words in (
        (head.encode() + b"\n", "line feed"),
        (sha256(head.encode()), "hashed beforehand"),
    ):
        text = f"{head}.{base64url_encode(KEY.sign(octets))}"
        [problem] = [
            one for one in diagnose(raw(f"DPoP: {text}")).problems if one.row == "signature"
        ]
        assert words in problem.action
    cut = diagnose(raw(f"DPoP: {proof()[:-5]}")).problems
    assert any("copied whole" in problem.action for problem in cut)
    other = diagnose(raw(f"DPoP: {custom({'jwk': THIEF.public_jwk()})}")).problems
    assert any("another key signed" in problem.action for problem in other)


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ("DPoP proof has invalid claim: htu", "htu"),
        ("DPoP proof is not active", "fresh"),
        ("invalid_dpop_proof: DPoP proof iat is not recent enough", "fresh"),
        ("Invalid DPoP key binding", "bound_key"),
        ("DPoP proof is missing", "one_header"),
        ("DPoP proof replay detected", "unused"),
        ("htu mismatch", "htu"),
    ],
)
def test_the_words_of_other_servers_are_guessed_and_called_a_guess(words, row):
    found = diagnose(words)
    assert rows(found) == [row]
    assert f"(row {row})" in found.problems[0].title


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("DPoP-bound access token required", "no binding"),
        ("token_type mismatch: expected DPoP got Bearer", "no binding"),
        ("the access token is unbound, DPoP", "no binding"),
        ("expected token_type 'Bearer', got 'DPoP'", "client library"),
        ("token response: unsupported token type dpop", "client library"),
        ("Invalid token: policy expects scheme Bearer, DPoP was sent", "no scheme"),
        (
            "401 Jwt is not in the form of Header.Payload.Signature\nAuthorization: DPoP x",
            "no scheme",
        ),
        ("expired access token, DPoP", "not_expired"),
        ("access token not active yet, DPoP", "not_expired"),
        ("IDX10501: Signature validation failed. Authorization: DPoP", "issuer keys"),
        ("undefined is not an object (evaluating 'crypto.subtle'), DPoP", "no crypto"),
        ("Failed to execute 'append' on 'Headers': Invalid value, DPoP", "header text"),
        ("websocket 401 with DPoP", "websocket"),
        ("test_dpop: E  assert 200 == 401", "let in"),
        ("dpop.nonceSecret must be a 32-byte Buffer", "own store"),
        ("invalid_dpop_proof: aud claim is mandatory", "own rule"),
        ('Cannot deserialize value of type `long` from String: DPoPClaims["iat"]', "fresh"),
        ("invalid url in dpop proof", "htu"),
    ],
)
def test_words_that_sound_like_something_else_are_told_by_what_they_are_about(words, topic):
    [problem] = diagnose(words).problems
    assert problem.explains[0] == topic


def test_words_without_a_verb_come_before_their_code():
    text = "GET /authorize?response_type=code HTTP/1.1\nHost: as.example\n\nHTTP/1.1 400 No\n"
    text += 'Content-Type: application/json\n\n{"error":"invalid_request","error_description":%s}'
    [problem] = diagnose(text % '"PKCE is mandatory"').problems
    assert problem.explains[0] == "pkce"


def test_a_proof_that_is_over_by_its_own_exp_is_not_said_to_be_in_time():
    answer = refused(
        'DPoP error="invalid_dpop_proof", error_description="exp claim timestamp check failed"'
    )
    found = diagnose(raw(f"DPoP: {custom(claims={'exp': NOW - 9})}", answer=answer), now=NOW)
    [problem] = found.problems
    assert (problem.row, "passes" in problem.title) == ("fresh", False)
    without = diagnose(raw(f"DPoP: {proof()}", answer=answer), now=NOW)
    assert "its own exp" not in without.text()


@pytest.mark.parametrize("claims", [{"cnf": None}, {"cnf": {"jkt": "x" * 43}}])
def test_a_token_that_was_bound_wrongly_is_no_fault_of_the_call_that_brings_it(claims):
    token = access_token(**claims)
    kind = "DPoP" if claims["cnf"] else "Bearer"
    used = proof(token=None, htm="POST", htu="https://as.example/token", jti="other")
    request = f"{FORM_HEAD[:-1]}DPoP: {used}\n\ngrant_type=client_credentials\n\n"
    got = f"{PLAIN[:-3]}{json.dumps({'access_token': token, 'token_type': kind})}\n\n"
    answer = refused('DPoP error="invalid_token"')
    found = diagnose(request + got + raw(f"DPoP: {proof(token=token)}", token=token, answer=answer))
    assert {one.at_server for one in found.problems} == {True}
    assert "bound_key" not in rows(found)


def test_a_long_htm_is_cut_in_its_quotes():
    [problem] = diagnose(raw(f"DPoP: {custom(claims={'htm': 'G' * 60})}"), now=NOW).problems
    assert problem.row == "htm"
    assert "htm says GGGGGGGGGGGGGGGGGGGG… (60 characters), but" in problem.title


def test_a_claim_that_is_missing_is_told_once_and_by_its_name():
    answer = refused('DPoP error="invalid_request", error_description="claims are missing"')
    found = diagnose(raw(f"DPoP: {custom(claims={'jti': None})}", answer=answer), now=NOW)
    assert rows(found) == ["jti"]
    found = diagnose(raw(f"DPoP: {proof()}", answer=answer), now=NOW)
    assert "not the cause" not in found.text()


@pytest.mark.parametrize("claims", [{"cnf": None, "jkt": "x" * 43}, {"cnf": "{}"}, {"cnf": {}}])
def test_a_binding_that_is_missing_in_a_token_is_one_finding(claims):
    answer = {"access_token": access_token(**claims), "token_type": "DPoP"}
    assert len(diagnose(f"{PLAIN[:-3]}{json.dumps(answer)}\n").problems) == 1


def test_the_proof_of_the_token_request_is_known_again_at_the_api():
    used = proof(token=None, htm="POST", htu="https://demo.duendesoftware.com/connect/token")
    found = diagnose(raw(f"DPoP: {used}"))
    assert "token request" in found.problems[0].title


def test_the_log_of_a_good_session_is_healthy_though_it_is_redacted():
    from dpop_lab import Lab

    with Lab() as lab:
        lab.session.get(lab.api, auth=lab.auth())
        text = diagnose(lab.log.text()).text()
    assert "redacted" in text
    assert "failed" not in text and "Take the quotes" not in text


def test_the_url_that_was_given_is_told_when_it_is_none():
    found = diagnose(proof(), url="x")
    assert found.remarks and "htu" not in rows(found)
    assert diagnose(proof(), url=API, method="get", token=TOKEN, now=NOW).healthy


def test_a_private_key_in_a_string_is_called_leaked_though_the_row_passes():
    for jwk in (json.dumps(KEY.private_jwk()), {**KEY.public_jwk(), "D": PRIVATE_PART}):
        assert "no_private_key" in rows(diagnose(custom({"jwk": jwk})))


def test_two_authorization_headers_are_a_finding():
    found = diagnose(raw(f"DPoP: {proof()}", f"Authorization: DPoP {TOKEN}"))
    assert any("2 Authorization headers" in problem.title for problem in found.problems)


@pytest.mark.parametrize("number", ["9" * 4000, "9" * 5000, "-" + "9" * 5000, "1e999"])
def test_numbers_of_any_length_are_no_reason_to_fail(number):
    for text in (
        '{"error":"use_dpop_nonce","more":%s}',
        '\ufeff{"error":"use_dpop_nonce","more":%s}',
    ):
        found = diagnose(text % number)
        told(found)
        assert [one.call.error for one in found.examined] == ["use_dpop_nonce"]
    header = '"headers":[{"name":"DPoP","value":"x"}]'
    entry = '{"startedDateTime":%s,"request":{"method":"GET","url":"https://a/",' + header + "}}"
    found = diagnose('{"log":{"entries":[' + entry.replace("%s", number) + "]}}")
    told(found)
    assert [one.call.url for one in found.examined] == ["https://a/"]
    for text in ('{"htm":"GET","iat":%s,"jti":"x"}', '{"status":%s,"error":%s}', '{"keys":[%s]}'):
        told(diagnose(text.replace("%s", number)))


@pytest.mark.parametrize("levels", [63, 65, 300, 600, 990, 5000])
def test_brackets_in_any_number_are_no_reason_to_fail(levels):
    nested = "[" * levels + "]" * levels
    objects = '{"a":' * levels + "1" + "}" * levels
    for text in (
        f'{{"kty":"EC","use":{nested}}}',
        f'{{"error":{objects}}}',
        f'{{"header":{{"typ":"dpop+jwt","a":{nested}}},"payload":{{"htm":"GET"}}}}',
        f'{{"log":{{"entries":[{{"request":{objects}}}]}}}}',
        nested,
    ):
        told(diagnose(text))


@pytest.mark.parametrize("code", ['SECRET = {{"client_secret": "{0}"}}', 'client_secret = "{0}"'])
def test_a_short_password_is_taken_out_whoever_knew_it_first(code):
    password = "p4ssw0rd"
    basic = base64.b64encode(f"cid:{password}".encode()).decode()
    said = f'# {{"error": "invalid_client", "error_description": "{password} is wrong"}}'
    logins = f'headers={{"Authorization": "Basic {basic}"}}', f'auth=("cid", "{password}")'
    for login in logins:
        found = diagnose(
            f"import requests\n{code.format(password)}\nrequests.post(u, {login})\n{said}"
        )
        assert password not in told(found)


def test_many_secrets_do_not_drive_each_other_out():
    tokens = [f"t{number:03d}kqzyxwvu" for number in range(100)]
    text = "".join(
        f"GET /o HTTP/1.1\r\nHost: a.example\r\nAuthorization: DPoP {token}\r\n"
        f"DPoP: eyJhbGciOiJFUzI1NiJ9.e30.{token}\r\nCookie: sid=c{token}\r\n"
        f"X-Request-Key: k{token}\r\n\r\nHTTP/1.1 401 No\r\n"
        f'WWW-Authenticate: DPoP error="x", error_description="{token} is not known"\r\n\r\n'
        for token in tokens
    )
    report = told(diagnose(text))
    assert not [token for token in tokens if token in report]


@pytest.mark.parametrize("member", ["log", "message", "error_description"])
@pytest.mark.parametrize(
    "line",
    [
        "Authorization: DPoP opaque-s3cret-4711",
        "Authorization: Basic bWU6bm8tczNjcmV0LTQ3MTE=",
        "Cookie: a=1; session=s3cret-cookie-4711",
        "> -u 'camara:s3cret-4711'",
    ],
)
def test_header_lines_within_a_member_of_json_keep_their_secrets(member, line):
    text = f"GET /me HTTP/1.1\r\n{line}\r\nDPoP: x\n\nHTTP/1.1 401 Unauthorized\n"
    found = diagnose(json.dumps({"error": "invalid_dpop_proof", member: text}))
    shown = found.text(everything=True) + json.dumps(found.as_dict()) + found._repr_html_()
    assert not [one for one in ("s3cret", "bWU6") if one in shown]
    assert found.secrets


def test_of_many_long_things_the_beginnings_are_looked_at_and_no_secret_in_them_is_repeated():
    entry = {"method": "GET", "url": API, "headers": {"DPoP": "x"}, "status": 401}
    words = f"invalid_dpop_proof: htu does not match, client_secret={OPAQUE} " + "x" * 9000
    found = diagnose([entry | {"body": {"error_description": words + str(n)}} for n in range(50)])
    assert any("htu" in (one.row, *one.explains) for one in found.problems)
    assert OPAQUE not in found.text(everything=True) and CUT in found.remarks


@pytest.mark.parametrize("kind", [list, dict])
def test_what_holds_itself_twice_is_no_reason_to_hang(kind):
    thing = {"dpop": "x" * 300_000}
    thing["a"] = thing["b"] = thing
    assert not diagnose(thing if kind is dict else [thing, thing]).understood


@pytest.mark.parametrize("runs", [True, False])
def test_python_collects_its_cycles_afterwards_as_it_did_before(runs, request):
    request.addfinalizer(gc.enable)
    (gc.enable if runs else gc.disable)()
    diagnose(json.dumps([{"dpop": "x"}] * 3))
    assert gc.isenabled() == runs
