"""The session log: its form, its order, and that no secret gets through."""

import base64
import html
import json
import os
import re
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
import requests
from client_world import API, SECRET, World, answer, challenge, issued, listening
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpop_lab import Lab, diagnose
from dpop_lab.client.recorder import InProcessAdapter, RecordingAdapter, SessionLog, record
from dpop_lab.client.token import TokenRefused
from dpop_lab.jose import sign_compact
from dpop_lab.jose.keys import generate_key
from dpop_lab.proof import proof_header
from dpop_lab.wire.labels import Labels
from dpop_lab.wire.message import Exchange, Request, Response
from tests.world import CLIENT_KEY

FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


def logged(log: SessionLog | None = None, **parts: Any) -> Exchange:
    """What the log keeps of an exchange with these parts."""
    log = SessionLog() if log is None else log
    given = {"method": "GET", "url": API, "request_headers": (), "request_body": ""}
    given |= {"sent_at": 0.0, "ended_at": 1.0, "status": 200, "reason": "OK"}
    log.record(Exchange(**(given | parts)))
    return log[-1]


def test_the_text_has_the_form_of_the_commercial_sample() -> None:
    world = World(answer(200, "fine"))
    log = record(world.session, clock=lambda: world.now)
    world.get(API + "?page=2", headers={"User-Agent": "t"})
    assert log[1].text() == (
        "---- Sending Fri, 15 Jan 2027 08:00:00 GMT ----\n"
        "GET /things?page=2 HTTP/1.1\n"
        "Host: api.example\n"
        "User-Agent: t\n"
        f"Accept-Encoding: {requests.utils.default_headers()['Accept-Encoding']}\n"
        "Accept: */*\n"
        "Connection: keep-alive\n"
        "Authorization: DPoP <access_token 1>\n"
        "DPoP: <proof 2>\n"
        "\n"
        "---- Received Fri, 15 Jan 2027 08:00:00 GMT ----\n"
        "HTTP/1.1 200 OK\n"
        "Content-Type: application/json\n"
        "\n"
        '"fine"\n'
    )
    assert log.text() == log[0].text() + log[1].text()
    assert repr(log) == "<SessionLog, 2 exchanges>"


def test_the_log_sees_the_refusal_that_carried_the_nonce() -> None:
    world = World(challenge("n1"), answer())
    log = record(world.session)
    assert world.get().status_code == 200
    assert [one.status for one in log] == [200, 401, 200]
    assert ("DPoP-Nonce", "n1") in log[1].response_headers


def test_token_secret_and_proofs_are_replaced_and_keep_their_numbers() -> None:
    def echo(request: Request) -> Response:
        return answer(200, {"headers": dict(request.headers)})

    world = World(echo)
    world.tokens.answers = (issued(1, access_token="token-of-many-characters"),)
    log = record(world.session)
    world.get(), world.get(params={"again": "token-of-many-characters"})
    text = log.text()
    for secret in (SECRET, "token-of-many-characters", *world.api.requests[0].lines("DPoP")):
        assert secret not in text
    assert "&client_secret=<client_secret 1>" in log[0].request_body
    assert '"access_token": "<access_token 1>"' in log[0].response_body
    assert log[2].url.endswith("?again=<access_token 1>")
    assert set(re.findall(r"<(\w+ \d)>", text)) == {
        "client_secret 1",
        "access_token 1",
        *(f"proof {number}" for number in (1, 2, 3)),
    }
    assert json.loads(log[1].response_body)["headers"]["DPoP"] == "<proof 2>"


def test_proofs_can_be_kept() -> None:
    world = World()
    log = record(world.session, SessionLog(show_proofs=True))
    world.get()
    assert world.api.requests[0].lines("DPoP")[0] in log.text()


def test_a_wrong_secret_has_another_number() -> None:
    log = SessionLog()
    bodies = [f"client_secret={secret}&a=1" for secret in ("secret", "wrong", "secret")]
    shown = [
        logged(log, request_headers=(FORM,), request_body=body).request_body for body in bodies
    ]
    assert [one.split("&")[0][-3:] for one in shown] == [" 1>", " 2>", " 1>"]


def test_a_reason_that_repeats_a_token_is_replaced_like_everything_else() -> None:
    carried = (("Authorization", f"DPoP {SECRET}"),)
    kept = logged(request_headers=carried, reason=f"No {SECRET} client_secret=abc")
    assert kept.reason == "No <access_token 1> client_secret=<client_secret 1>"


def test_a_short_secret_spoils_no_name() -> None:
    body = "client_secret=secret&client_id=secret&scope=a"
    shown = logged(request_headers=(FORM, ("Content-Length", "45")), request_body=body)
    assert shown.request_body == "client_secret=<client_secret 1>&client_id=secret&scope=a"
    assert shown.request_headers[1] == ("Content-Length", str(len(shown.request_body)))


@pytest.mark.parametrize(
    "name",
    "client_secret client_assertion access_token refresh_token id_token code password assertion"
    " subject_token".split(),
)
@pytest.mark.parametrize("secret", ["short", "long enough: ü\"'+/\\&=<#%{"])
def test_form_fields_that_are_secret_are_replaced(name: str, secret: str) -> None:
    for encode in (quote_plus, quote):
        shown = logged(request_headers=(FORM,), request_body=f"a=1&{name}={encode(secret)}&b=2")
        assert shown.request_body == f"a=1&{name}=<{name} 1>&b=2"
    shown = logged(url=f"{API}?{name}={quote(secret)}#{name}={quote(secret)}")
    assert shown.url == f"{API}?{name}=<{name} 1>#{name}=<{name} 1>"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "DPoP  abc", "DPoP <access_token 1>"),
        ("authorization", "bearer abc", "bearer <access_token 1>"),
        ("Authorization", "Basic YTpi", "Basic <credentials 1>"),
        ("Authorization", "Basic\tYTpi", "Basic <credentials 1>"),
        ("Authorization", "abc", "<credentials 1>"),
        ("Proxy-Authorization", 'Digest username="a"', "Digest <credentials 1>"),
        ("DPoP", "a.b.c", "<proof 1>"),
        ("Cookie", "a=1; b=2; lonely", "a=<cookie 1>; b=<cookie 2>;<cookie 3>"),
        ("Set-Cookie", "a=1; Path=/; HttpOnly", "a=<cookie 1>; Path=/; HttpOnly"),
        ("Location", "https://u:p@h/?code=x&a=1", "https://<credentials 1>@h/?code=<code 1>&a=1"),
        ("Location", "/#access_token=x", "/#access_token=<access_token 1>"),
        ("WWW-Authenticate", 'DPoP error="invalid_token"', 'DPoP error="invalid_token"'),
        ("DPoP-Nonce", "n1", "n1"),
        ("X-Access-Token", "abc", "<access_token 1>"),
        ("x-api-key", "abc", "<api_key 1>"),
        ("Client-Secret", "abc", "<client_secret 1>"),
        ("X-Amz-Security-Token", "abc", "<secret 1>"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
        (
            "Location",
            "/?Access_Token=x&accessToken=y",
            "/?Access_Token=<access_token 1>&accessToken=<access_token 2>",
        ),
    ],
)
def test_headers_that_are_secret_are_replaced(name: str, value: str, expected: str) -> None:
    shown = logged(request_headers=((name, value),), response_headers=((name, value),))
    assert shown.request_headers == shown.response_headers == ((name, expected),)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
def test_private_keys_are_replaced_and_public_ones_shown(alg: str) -> None:
    key = generate_key(alg)
    jwk = key.private_jwk()
    public = key.public_jwk()
    for body in (json.dumps({"keys": [jwk]}), json.dumps({"text": json.dumps(jwk)}), key.to_pem()):
        for kept in (logged(request_body=body).request_body, logged(response_body=body).text()):
            assert not any(value in kept for name, value in jwk.items() if name not in public)
            assert key.to_pem().splitlines()[2] not in kept
            assert "<private" in kept or "<d 1>" in kept
    shown = logged(response_body=json.dumps(jwk)).response_body
    assert {name: json.loads(shown)[name] for name in public} == public


@pytest.mark.parametrize(
    "body",
    [
        '{"access_token" :\t"SECRET","token_type":"DPoP"}',
        '{"access\\u005ftoken":"SECRET"}',
        '{"deep":[{"access_token":["SECRET",{"x":"SECRET"}]}]}',
        '{"text":"{\\"access_token\\":\\"SECRET\\"}"}',
        '{"access_token":"SECRET","broken":',
        '{"access_token":"SECRET',
        "{'access_token': 'SECRET'}",
        'log: {\\"access_token\\": \\"SECRET\\"}',
        "see https://x/?a=1&access_token=SECRET&b=2",
        "<a href='?code=SECRET'>",
        'data: {"client_secret": "SECRET"}\n\n',
        "-----BEGIN EC PRIVATE KEY-----\nSECRET",
        '"-----BEGIN PRIVATE KEY-----\\nSECRET\\n-----END PRIVATE KEY-----\\n"',
        '{"accessToken":"SECRET","Client_Secret":"SECRET","ACCESS_TOKEN":"SECRET"}',
        '{"refresh-token":"SECRET"} trailing',
        "access_token: SECRET",
        "Client_Secret=SECRET&refreshToken = SECRET",
        "<access_token>SECRET</access_token>",
        '<input name="accessToken" value="SECRET">',
        'key = {"kty":"EC","d":"SECRETSECRETSECRETSECRET"}',
        "access_token=" + "\\" * 100 + '"SECRET"',
        '{"kty":"EC","d":["SECRET"],"more":%s}' % ("9" * 5000),
        '\ufeff{"kty":"EC","d":["SECRET"]}',
        '{"access_token":["SECRET",%s]}' % ("9" * 5000),
        "<pre>" + html.escape('{"client_secret": "SECRET"}'),
        "<pre>" + html.escape(html.escape('{"client_secret":"SECRET"}')),
        "<pre>" + html.escape("{'access_token': 'SECRET'}").replace("&#x27;", "&#39;"),
        "<pre>" + html.escape('{"kty":"EC","d":"SECRETSECRETSECRETSECRET"}'),
        "see https://user:SECRET@h/",
        "see https://user:p@SECRET@h/",
        '{"a":"https:\\/\\/user:SECRET@h\\/"',
        "see https%3A%2F%2Fuser%3ASECRET%40h",
        "see https%3a%2f%2fuser%3ap%40SECRET%40h%2f",
    ],
)
def test_secrets_in_bodies_of_every_form_are_replaced(body: str) -> None:
    assert "SECRET" not in logged(response_headers=(JSON,), response_body=body).text()


@pytest.mark.parametrize(
    "body",
    [
        "see https://h.example/ and write to a@h.example",
        '{"a":"https://h.example","b":"a@h.example"',
        "see https%3A%2F%2Fh.example%2F and a%40h.example",
    ],
)
def test_a_mail_address_behind_a_url_is_no_password(body: str) -> None:
    assert logged(response_body=body).response_body == body


def test_a_basic_password_behind_a_tab_is_known() -> None:
    pair = base64.b64encode(f"me:{SECRET}".encode()).decode()
    lines = (("Authorization", f"Basic\t{pair}"),)
    kept = logged(request_headers=lines, response_body=f"({SECRET})")
    assert kept.response_body == "(<client_secret 1>)"


def test_json_that_holds_no_secret_is_left_as_it_was_written() -> None:
    body = '{"error":"invalid", "error_description":"Missing \\u0027nonce\\u0027 value.","code":7}'
    assert logged(response_headers=(JSON,), response_body=body).response_body == body


PEM_LINES = CLIENT_KEY.to_pem().splitlines()


@pytest.mark.parametrize("part", [slice(1, None), slice(0, -1), slice(1, -1), slice(4, None)])
@pytest.mark.parametrize("end", ["\n", "\\n", "\r\n", "\n    ", "\n> "])
def test_what_is_left_of_a_private_key_in_pem_is_replaced(part: slice, end: str) -> None:
    text = end.join(PEM_LINES[part])
    for body in (text, json.dumps({"a": [text]}), f'{{"a":"{text}', urlencode({"a": text})):
        for headers in ((), (FORM,), (JSON,)):
            kept = logged(
                request_headers=headers,
                request_body=body,
                response_headers=(("X", text.replace("\r\n", "")),),
                response_body=text,
            )
            shown = f"{kept.request_body if headers or '%' not in body else ''}{kept.response_body}"
            shown += kept.response_headers[0][1]
            assert not [line for line in PEM_LINES[part] if line[0] != "-" and line in shown]
            assert "<private_key " in shown


def test_a_line_of_a_private_key_that_was_seen_is_replaced_wherever_it_is() -> None:
    log = SessionLog()
    logged(log, request_body="\n".join(PEM_LINES))
    kept = logged(log, response_body=f"can't read {PEM_LINES[7]} here")
    assert kept.response_body == "can't read <private_key 2> here"


def test_what_only_looks_like_a_private_key_is_left() -> None:
    public = load_pem_private_key("\n".join(PEM_LINES).encode(), None).public_key()
    certified = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (certified, "a PRIVATE KEY is needed", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCg"):
        assert logged(response_body=text).response_body == text


SHORT_KEY = generate_key("EdDSA").to_pem().splitlines()
KEY_LINE = SHORT_KEY[1]
ONE_LINE = "".join(PEM_LINES[1:-1])
EC_JWK = json.dumps(generate_key("ES256").private_jwk())
IN_BASE64 = {
    "PEM": base64.b64encode("\n".join(PEM_LINES).encode()).decode(),
    "PEM in lines": base64.encodebytes("\n".join(PEM_LINES).encode()).decode(),
    "PEM of a short key": base64.b64encode("\n".join(SHORT_KEY).encode()).decode(),
    "JWK": base64.b64encode(EC_JWK.encode()).decode(),
    "JWK in base64url": base64.urlsafe_b64encode(EC_JWK.encode()).decode().rstrip("="),
    "JWK in lines": base64.b64encode(json.dumps(json.loads(EC_JWK), indent=2).encode()).decode(),
}
ODD_KEYS = {
    "cut JSON": (f'{{"error":"x","text":"RIVATE KEY-----\\n{KEY_LINE}\\n-----END PRIV', KEY_LINE),
    "an escape": (f'{{"text":"-\\n{KEY_LINE}', KEY_LINE),
    "an escape in JSON": (json.dumps({"text": f"-\\n{KEY_LINE}"}), KEY_LINE),
    "escapes of UTF-16": (f"x\\u000a{KEY_LINE}", KEY_LINE),
    "URL encoding": (f"pk%3D%0A{KEY_LINE}", KEY_LINE),
    "a slash before it": (f"keys/{KEY_LINE}", KEY_LINE),
    "a letter before it": (f"x{KEY_LINE}", KEY_LINE),
    "words behind BEGIN and END": ("\n".join([*SHORT_KEY, "duendesoftware"]), KEY_LINE),
    "lines with numbers": ("\n".join(f"{n} | {x}" for n, x in enumerate(PEM_LINES)), PEM_LINES[5]),
    "lines of HTML": ("<br>".join(PEM_LINES), PEM_LINES[5]),
    "the source of a program": ('\\n" +\n  "'.join(PEM_LINES[1:]), PEM_LINES[5]),
    "base64url": (ONE_LINE.translate(str.maketrans("+/", "-_")), ONE_LINE[-40:-8]),
    **{name: (f"KEY: {text}", text.strip()[-40:]) for name, text in IN_BASE64.items()},
}


@pytest.mark.parametrize("name", ODD_KEYS)
def test_a_private_key_in_an_odd_form_is_replaced(name: str) -> None:
    text, secret = ODD_KEYS[name]
    secrets = {secret, secret.translate(str.maketrans("+/", "-_"))}
    log = SessionLog()
    kept = logged(log, request_body=text, response_body=text)
    echoed = logged(log, response_body=f"no {KEY_LINE} here" if KEY_LINE in text else text)
    for body in (kept.request_body, kept.response_body, echoed.response_body):
        assert not [one for one in secrets if one in body]
        assert "<private_key " in body


PROOF = generate_key("ES256").sign(b"").hex()
NO_KEYS = {
    "BEGIN in a log": "INFO no -----BEGIN PRIVATE KEY----- in duendesoftware configuration\n"
    f"POST https://demo.duendesoftware.com/connect/token\nX: {PROOF}\nHTTP/1.1 400 Bad Request\n",
    "BEGIN on a line": f"looking for -----BEGIN PRIVATE KEY-----\nPOST /duendesoftware\nX: {PROOF}",
    "END in a sentence": "The uploaded file lacks the line -----END PRIVATE KEY----- at its end",
    "both": "no -----BEGIN PRIVATE KEY----- duendesoftware and no -----END PRIVATE KEY----- there",
    "both, apart": f"no -----BEGIN PRIVATE KEY----- there\nPOST /duendesoftware\nX: {PROOF}\n"
    "HTTP/1.1 400 Bad Request\nno -----END PRIVATE KEY----- there",
    "broken JSON": '{"a":"no -----BEGIN PRIVATE KEY-----",\n"state": "duendesoftware",',
    "a certificate in base64": base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIC").decode(),
    "a public JWK in base64": base64.b64encode(b'{"kty":"EC","crv":"P-256","x":"AAAA"}').decode(),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_words_about_a_private_key_are_left_and_those_around_them(name: str) -> None:
    text = NO_KEYS[name]
    log = SessionLog()
    for body in (text, json.dumps({"error": text}), "https://demo.duendesoftware.com/ is here"):
        assert logged(log, response_body=body).response_body == body


@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "cp1252"])
@pytest.mark.parametrize("encode", [str, quote_plus])
def test_a_basic_password_is_known_in_whatever_encoding(
    codec: str, encode: Callable[..., str]
) -> None:
    password = "zwölf größen+%41"
    sent = (encode(password, encoding=codec) if encode is quote_plus else password).encode(codec)
    pair = base64.b64encode(b"me:" + sent).decode()
    octets = password.encode(codec)
    echoes = [password, octets.decode("latin-1"), octets.decode(errors="replace"), quote(octets)]
    echoes += [quote_plus(octets), quote(octets).lower(), json.dumps(password)[1:-1]]
    echoes += misread(password)
    for header in (pair, pair.rstrip("="), pair.replace("+", "-").replace("/", "_")):
        lines = (("Authorization", f"Basic {header}"),)
        kept = logged(request_headers=lines, response_body=" | ".join(echoes)).response_body
        assert "zw" not in kept
        assert kept.count("<client_secret ") == len(echoes)


NAMED = str.maketrans({"ö": "&ouml;", "ß": "&szlig;"})
HEXADECIMAL = str.maketrans({"ö": "&#xF6;", "ß": "&#xDF;"})


def misread(text: str) -> list[str]:
    """What servers make of a text that is not ASCII: mojibake, entities, escapes, a mark."""
    unreadable = text.encode("latin-1").decode(errors="replace")
    return [
        unreadable,
        json.dumps(unreadable)[1:-1],
        text.encode().decode("latin-1"),
        text.encode().decode("cp1252"),
        text.encode("ascii", "replace").decode(),
        text.encode("ascii", "xmlcharrefreplace").decode(),
        ascii(text)[1:-1],
        text.translate(NAMED),
        text.translate(HEXADECIMAL),
    ]


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_a_secret_that_a_server_misreads_is_in_no_refusal(client_auth: str) -> None:
    secret = "zwölf größen+%41"
    bodies = [one.encode() for one in map(refusing, [secret, *misread(secret)])]
    for body in (refusing(secret).encode("latin-1"), *bodies):
        refusal = Response(400, (JSON,), body)
        world = World(tokens=[refusal], client_secret=secret, client_auth=client_auth)
        with pytest.raises(TokenRefused) as caught:
            world.get()
        assert "<client_secret 1>" in str(caught.value) and "zw" not in str(caught.value)


def refusing(words: str) -> str:
    """The JSON of a refusal in these words."""
    return json.dumps({"error": "x", "error_description": words}, ensure_ascii=False)


def test_a_secret_is_not_replaced_within_the_label_of_another() -> None:
    labels = Labels(1)
    for kind, value in {"client_secret": "client", "proof": "secret", "code": "1"}.items():
        labels.know(kind, value)
    assert labels.replace(["client, secret, 1"]) == ["<client_secret 1>, <proof 1>, <code 1>"]
    labels.know("password", "x <code 1> y")
    assert labels.replace(["(x <code 1> y)"]) == ["(<password 1>)"]


@pytest.mark.parametrize(
    "body", ["Client_Secret=SECRET&a=1", "access%5Ftoken=SECRET", '{"client_secret":"SECRET=="}']
)
def test_a_form_is_searched_for_names_in_any_spelling_and_for_what_is_no_form(body: str) -> None:
    assert "SECRET" not in logged(request_headers=(FORM,), request_body=body).text()


def test_a_multipart_field_that_is_secret_is_replaced() -> None:
    request = requests.Request("POST", API, files={"password": (None, "hunter2"), "a": (None, "b")})
    prepared = request.prepare()
    kept = logged(
        request_headers=tuple(prepared.headers.items()), request_body=prepared.body.decode()
    )
    assert "hunter2" not in kept.text()
    assert 'name="a"\r\n\r\nb\r\n' in kept.request_body
    loose = ("Content-Type", 'Multipart/Form-Data; charset=utf-8; boundary="x y"')
    body = "--x y\nContent-Disposition: form-data; name=clientSecret\n\nhunter2\n--x y--\n"
    shown = logged(request_headers=(loose,), request_body=body).request_body
    assert shown == body.replace("hunter2", "<client_secret 1>")


SECRETS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=12, max_size=40)


def dotnet(text: str) -> str:
    """JSON text as .NET escapes it by default."""
    odd = "\"'&+<>`"
    return "".join(
        "\\\\" if one == "\\" else one if one.isascii() and one not in odd else utf16(one)
        for one in text
    )


def utf16(character: str) -> str:
    units = character.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


@settings(deadline=None)
@given(SECRETS, st.sampled_from(["client_secret", "access_token", "code"]))
def test_no_generated_secret_gets_through_in_any_spelling(secret: str, name: str) -> None:
    log = SessionLog()
    logged(log, request_headers=(FORM,), request_body=urlencode({name: secret}))
    label = f"<{name} 1>"
    spellings = [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
    ]
    spellings += [
        dotnet(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]
    for spelling in spellings:
        kept = logged(
            log,
            url=f"{API}?q=[{spelling}]",
            request_headers=(("X-Odd", f"({spelling})"),),
            request_body=f"({spelling})",
            response_headers=(("X-Odd", f"({spelling})"),),
            response_body=f"({spelling})",
            failure=f"({spelling})",
            status=None,
        )
        odd = (("X-Odd", f"({label})"),)
        assert (kept.request_headers, kept.response_headers) == (odd, odd)
        assert kept.request_body == kept.response_body == kept.failure == f"({label})"
        assert kept.url == f"{API}?q=[{label}]"


@settings(deadline=None)
@given(SECRETS)
@example("ACCESSTOKEN=")
def test_a_secret_of_basic_credentials_is_known_when_it_turns_up(secret: str) -> None:
    pair = base64.b64encode(f"me:{quote_plus(secret)}".encode()).decode()
    kept = logged(
        request_headers=(("Authorization", f"Basic {pair}"),), response_body=f"({secret}) ({pair})"
    )
    assert secret not in kept.response_body and pair not in kept.response_body
    if "=" not in secret:  # a name in it hides what follows, too, under a label of its own
        assert kept.response_body == "(<client_secret 1>) (<credentials 1>)"


@settings(deadline=None)
@given(
    st.text(max_size=200),
    st.text(max_size=50),
    st.sampled_from(["", FORM[1], JSON[1], "multipart/x"]),
)
def test_nothing_makes_the_log_raise(body: str, value: str, media_type: str) -> None:
    kept = logged(
        url="https://h/" + value,
        request_headers=(("Content-Type", media_type), ("Authorization", value)),
        request_body=body,
        response_headers=(("Set-Cookie", value), ("Location", value)),
        response_body=body,
    )
    assert len(re.findall("(?m)^---- ", kept.text())) == 2
    assert len(kept.text().split("\n")) == len(kept.text().splitlines()) + 1


def test_bodies_and_headers_cannot_forge_a_line_of_the_log() -> None:
    mark = "---- Sending Sun, 22 Nov 2026 13:36:01 GMT ----"
    for gap in ("\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", ""):
        kept = logged(response_headers=(("X", f"a{gap}{mark}"),), response_body=f"{gap}{mark}\nx")
        assert kept.text().splitlines().count(mark) == 0
    assert "\x1b" not in logged(response_body="\x1b[2J").text()


def test_octets_that_are_no_text_are_noted() -> None:
    png = Response(200, (("Content-Type", "image/png"),), b"\x89PNG\0\0")
    world = World(png, Response(200, (("Content-Type", "text/plain"),), b"x" * 2_000_000))
    log = record(world.session)
    world.post(data=b"\xff\xfe")
    assert (log[1].request_body, log[1].response_body) == (
        "<2 bytes of unknown type>",
        "<6 bytes of image/png>",
    )
    assert len(world.get().content) == 2_000_000
    assert log[2].response_body == "<2000000 bytes of text/plain>"


def test_a_very_long_body_is_cut_in_the_text() -> None:
    kept = logged(response_body="x" * 30_000)
    assert "<10000 more characters>" in kept.text()
    assert len(kept.text()) < 21_000


def test_streamed_bodies_are_left_to_the_caller() -> None:
    world = World(answer(200, "fine"))
    log = record(world.session)
    response = world.get(stream=True)
    assert log[1].response_body.startswith("<streamed")
    assert list(response.iter_content(100)) == [b'"fine"']
    world.post(data=(part for part in (b"x",)))
    assert log[2].request_body.startswith("<streamed")
    assert world.api.requests[1].body == b"x"


def test_failures_are_recorded_too() -> None:
    with requests.Session() as session:
        log = record(session)
        with pytest.raises(requests.ConnectionError):
            session.get(f"http://127.0.0.1:9/?client_secret={SECRET}", timeout=1)
    assert log[0].status is None
    assert "ConnectionError" in log[0].failure
    assert "\n---- Failed " in log.text()
    assert SECRET not in log.text()


def test_recording_twice_changes_nothing() -> None:
    world = World()
    log = record(world.session)
    assert record(world.session) is log
    assert record(world.session, log) is log
    other = record(world.session, SessionLog())
    record(world.session, log)
    world.get()
    assert (len(log), len(other)) == (2, 2)
    world.session.mount("https://later.example", InProcessAdapter(world.api))
    assert isinstance(world.session.get_adapter(API), RecordingAdapter)
    record(world.session, log)
    world.session.get("https://later.example")
    assert len(log) == 3


def test_over_sockets_header_lines_of_one_name_stay_apart() -> None:
    lines = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    with listening(lambda _: Response(200, lines, b"")) as url, requests.Session() as session:
        log = record(session)
        response = session.get(url)
        response.close()
    cookies = [value for name, value in log[0].response_headers if name == "Set-Cookie"]
    assert cookies == ["a=<cookie 1>", "b=<cookie 2>"]
    assert log[0].request_headers[0] == ("Host", url.removeprefix("http://"))


def test_the_file_grows_with_each_exchange_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    world = World()
    log = record(world.session, SessionLog(path))
    assert path.read_bytes() == b""
    world.get()
    assert path.read_bytes().decode() == log.text()
    SessionLog(path).record(log[0])
    assert path.read_bytes().decode() == log.text() + log[0].text()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OSError):
        SessionLog(tmp_path / "none" / "session.txt")


def test_threads_write_whole_exchanges(tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    world = World()
    log = record(world.session, SessionLog(path))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.get(), range(40)))
    assert len(log) == 41
    assert path.read_bytes().decode() == log.text()
    assert len(set(re.findall("<proof [0-9]+>", log.text()))) == 41


def test_a_known_secret_that_looks_like_a_field_is_replaced_whole() -> None:
    secret = "alpha access_token=beta omega"
    log = SessionLog()
    for body in (
        urlencode({"client_secret": secret}),
        f"[{secret}]",
        json.dumps({"password": secret}),
    ):
        kept = logged(log, request_headers=(FORM,), request_body=body, response_body=body).text()
        assert not any(part in kept for part in ("alpha", "beta", "omega"))


def seconds(work: Callable[[], object]) -> float:
    """What it takes, in seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def grows_like_its_length(work: Callable[[int], object], length: int) -> bool:
    """Does it take about four times as much for a text of four times the length? Of three tries."""
    return any(
        seconds(lambda: work(4 * length)) < 8 * seconds(lambda: work(length)) + 0.02
        for _ in range(3)
    )


UNITS = {
    "text/plain": [
        *'"\\{[=&<: -',
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN A ",
        "access_token",
        'access_token="',
        "access_token: ",
        "://",
        "&code=",
        '"d":"',
    ],
    "application/x-www-form-urlencoded": ["&", "=", "a", "a=b&", "?"],
    "multipart/form-data; boundary=b": ['name="a"\n', "--b", "--b\n\n", "\n"],
    "multipart/form-data": ['name="a"\n'],
    "application/json": ['"a",', '{"d":1},', '{"access_token":"a+"},', '[[["code_verifier"]]],'],
}
HOSTILE = [(media_type, unit) for media_type, units in UNITS.items() for unit in units]


@pytest.mark.parametrize(
    "start", ["", "access_token=", 'access_token="', "access_token=" + "\\" * 63]
)
@pytest.mark.parametrize(("media_type", "unit"), HOSTILE)
def test_the_time_for_a_hostile_message_grows_with_its_length_alone(
    media_type: str, unit: str, start: str
) -> None:
    def redact(length: int) -> None:
        body = start + unit * (length // len(unit))
        if media_type == "application/json":
            body = json.dumps([start, json.loads(f"[{body[len(start) :]}0]")])
        url, headers = f"{API}?{body}", (("Content-Type", media_type), ("Location", body))
        logged(url=url, request_headers=headers, response_headers=headers, response_body=body)

    assert grows_like_its_length(redact, 2_500)


@pytest.mark.parametrize("name", ["access_token", "client_secret", "code_verifier"])
@pytest.mark.parametrize("unit", ["x", "x+", "ü", "\\", '"', "&"])
def test_a_huge_secret_is_replaced_in_no_time(name: str, unit: str) -> None:
    def redact(length: int) -> Exchange:
        secret = unit * (length // len(unit))
        body = json.dumps({name: secret})
        return logged(
            request_headers=(FORM,), request_body=urlencode({name: secret}), response_body=body
        )

    assert unit * 9 not in redact(50_000).text()
    assert grows_like_its_length(redact, 15_000)


def test_deep_brackets_are_no_trouble() -> None:
    for depth in (100, 900, 1000, 5000, 200_000):
        body = '{"access_token":' + "[" * depth + '"SECRET"' + "]" * depth + "}"
        assert "SECRET" not in logged(response_headers=(JSON,), response_body=body).response_body
    nested = "x"
    while len(nested) < 100_000:
        nested = json.dumps([nested])
    assert logged(response_body=nested).response_body == nested


def test_an_exchange_costs_the_same_after_thousands_of_secrets() -> None:
    log = SessionLog()
    numbers = count()

    def turn(exchanges: int) -> None:
        for _ in range(exchanges):
            number = f"{next(numbers):09}"
            headers = (("Cookie", f"s=cookie+{number}"), ("DPoP", f"proof.of.{number}"))
            answered = (("Set-Cookie", f"s=cookie+{number}+new"), JSON)
            body = json.dumps(
                {"access_token": f"token+{number}", "code_verifier": f"pkce/{number}"}
            )
            logged(log, request_headers=headers, response_headers=answered, response_body=body)

    turn(350)
    before = min(seconds(lambda: turn(100)) for _ in range(3))
    turn(800)
    assert min(seconds(lambda: turn(100)) for _ in range(3)) < 3 * before + 0.02


def test_many_tokens_do_not_drive_out_the_one_secret() -> None:
    log = SessionLog()
    logged(log, request_headers=(FORM,), request_body=f"client_secret={SECRET}")
    for start in range(0, 5000, 1000):
        tokens = [{"access_token": f"a-long-token-{n}"} for n in range(start, start + 1000)]
        logged(log, response_body=json.dumps(tokens))
    assert logged(log, response_body=f"({SECRET})").response_body == "(<client_secret 1>)"
    assert logged(log, response_body="(a-long-token-4999)").response_body == "(<access_token 5000>)"


def test_a_very_long_text_body_is_noted_like_any_other() -> None:
    world = World()
    log = record(world.session)
    world.post(data="x" * 2_000_000)
    assert log[1].request_body.startswith("<2000000 bytes")


# ---- what a client puts where it does not belong ----------------------------------------------

DIGITS, LETTERS = "839201746512345", "CorrectHorseBattery"


def sent_to_the_twin(secret: str, header: dict[str, Any], claims: dict[str, Any]) -> Lab:
    """A lab whose client sent a secret in its form, and such members in its proof."""
    lab, key = Lab(), generate_key()
    own = {"jti": "j", "htm": "POST", "htu": lab.token_endpoint, "iat": lab.clock.now()}
    proof = sign_compact({**proof_header(key), **header}, own | claims, key)
    form = {"grant_type": "client_credentials", "client_id": "m2m.dpop", "client_secret": secret}
    lab.session.post(lab.token_endpoint, data=form, headers={"DPoP": proof})
    return lab


@pytest.mark.parametrize(
    ("secret", "header", "claims"),
    [
        (SECRET, {}, {"jti": SECRET}),
        (SECRET, {"kid": [SECRET]}, {}),
        (LETTERS, {}, {"htm": LETTERS}),
        (DIGITS, {}, {"jti": int(DIGITS), "htm": int(DIGITS)}),
        (SECRET, {}, {SECRET: 1}),
    ],
)
def test_a_secret_in_a_proof_is_in_nothing_that_a_log_gives(
    secret: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    with sent_to_the_twin(secret, header, claims) as lab:
        told = [repr(lab.story), repr(lab.story.timeline()), str(lab.story.har())]
        told += [lab.log.text(), str(lab.log[-1].proofs), str(lab.log[-1].reports)]
        told += [lab.log[-1].with_proofs().text(), str(diagnose(lab.log))]
    assert not [one for one in told if secret in one]


def test_a_key_in_the_place_of_a_proof_is_never_kept() -> None:
    key, log = generate_key(), SessionLog(show_proofs=True)
    with Lab(log=log) as lab:
        lab.session.get(lab.api, headers={"DPoP": json.dumps(key.private_jwk())})
        lab.session.get(lab.api, headers={"DPoP": "Basic bTJtOnNlY3JldA=="})
        lab.send("private_member")
        lab.send("two_parts")
    private, basic, member, parts = (one.proofs[0] for one in log if one.url == lab.api)
    assert {private[:6], basic[:6], member[:6]} == {"<proof"}
    assert parts.startswith("ey")


def test_a_private_key_in_a_proof_is_not_kept_though_its_kty_is_missing() -> None:
    key, log = generate_key(), SessionLog(show_proofs=True)
    jwk = {name: value for name, value in key.private_jwk().items() if name != "kty"}
    proof = sign_compact({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, {}, key)
    kept = logged(log, request_headers=(("DPoP", proof),), response_body=f"no {jwk['d']}")
    assert kept.request_headers[0][1] == "<proof 1>" == kept.proofs[0]
    assert kept.response_body == "no <private_key 1>"


@pytest.mark.parametrize("before", ["&", "&amp;", r"\ud83d"])
@pytest.mark.parametrize("secret", ["hunter2;abcdefgh", "\xfc;hunter2abcdef"])
def test_the_beginning_of_a_secret_is_not_taken_for_that_of_an_escape(
    secret: str, before: str
) -> None:
    labels = Labels()
    labels.know("client_secret", secret)
    for text in (secret, json.dumps(secret)[1:-1]):
        (shown,) = labels.replace([f"a {before}{text} b"])
        assert "hunter2" not in shown and "\xfc" not in shown and "00fc" not in shown
        assert shown.endswith("<client_secret 1> b")


@pytest.mark.parametrize(
    "parts",
    [
        {"response_headers": (("X-Why", "password: sesame=hunter2 is wrong"),)},
        {"response_headers": (("X-Why", 'error="x", client_secret="sesame&hunter2"'),)},
        {"response_headers": (("X-Why", '{"client_secret": "sesame=hunter2"}'),)},
        {
            "response_headers": (("Content-Type", "application/json; boundary=x"),),
            "response_body": '{"client_secret": "hunter2"}',
        },
        {"response_body": r'{"k\u0074y": "EC", "d": "hunter2"}'},
    ],
)
def test_a_secret_is_taken_out_as_a_whole(parts: dict[str, Any]) -> None:
    assert "hunter2" not in logged(**parts).text()


def test_a_host_named_like_a_secret_keeps_its_port() -> None:
    assert logged(url="https://secret:8443/orders").url == "https://secret:8443/orders"


def test_an_access_token_as_the_name_of_a_header_is_not_shown() -> None:
    with Lab() as lab:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)
        token = auth.token.value if auth.token else ""
        lab.session.get(lab.api, headers={token: "1"})
    assert token not in lab.log.text() + lab.story.curl()


def test_a_log_of_what_another_log_kept_has_its_proofs_too() -> None:
    with Lab() as lab:
        lab.session.get(lab.api, auth=lab.auth())
    log = SessionLog()
    again = [log.record(one).proofs for one in lab.log]
    assert again == [one.proofs for one in lab.log] and all(again)


POISON = {
    "a parameter": ("client_secret=", "client_secret=hunter2hunter2X"),
    "a member": ('"access_token":', '{"access_token": "hunter2hunter2X"}'),
    "a header": ("client_secret", "client_secret=hunter2hunter2X&a=b"),
}


@pytest.mark.parametrize("case", POISON)
def test_no_value_that_looks_like_a_name_keeps_a_secret_in_the_log(case: str) -> None:
    value, body = POISON[case]
    log = SessionLog()
    for headers in (("DPoP", value), ("Cookie", f"a={value}"), ("Authorization", f"DPoP {value}")):
        logged(log, request_headers=(headers,))
    form = ("Content-Type", "application/x-www-form-urlencoded")
    logged(log, request_headers=(form,), request_body=body, response_body=body)
    assert "hunter2" not in log.text()


def test_a_proof_too_long_to_be_looked_through_is_not_kept() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = part({"client_secret": "hunter2hunter2X"})
    proof = f"{part({'typ': 'dpop+jwt', 'pad': 'p' * 160_000})}.{claims}.x"
    log = SessionLog(show_proofs=True)
    logged(log, request_headers=(("DPoP", proof),))
    assert claims not in log.text()
