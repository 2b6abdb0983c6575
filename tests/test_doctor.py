"""The doctor: what it recognises, which rows it asks, what it says to do, and what it keeps."""

import base64
import hashlib
import json
import time
from email.utils import formatdate
from functools import cache
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from dpop_lab import (
    DUENDE,
    RFC_9449,
    Lab,
    LabError,
    access_token_hash,
    diagnose,
    generate_key,
    make_proof,
    thumbprint,
)
from dpop_lab.checking import Finding
from dpop_lab.doctor.advice import ADVICE, advise
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.jws import sign_compact
from dpop_lab.session.call import Call
from tests.test_display import ELEMENTS, HOSTILE, Page
from tests.world import CLIENT_KEY as ISSUER

RECORDINGS = Path(__file__).parent / "recordings"
API = "https://demo.duendesoftware.com/api/dpop/test"
TOKEN_URL = "https://demo.duendesoftware.com/connect/token"
NOW = 1_760_000_000
KEY = generate_key("ES256")
THIEF = generate_key("ES256")


def access_token(key=KEY, **claims):
    """An access token as the demo issues it, but signed by nobody's issuer."""
    said = {"iss": "https://demo.duendesoftware.com", "nbf": NOW, "iat": NOW, "exp": NOW + 3600}
    said |= {"aud": "api", "cnf": {"jkt": thumbprint(key.public_jwk())}, "scope": ["api"]}
    said |= {"client_id": "m2m.dpop"} | claims
    said = {name: value for name, value in said.items() if value is not None}
    return sign_compact({"alg": "RS256", "typ": "at+jwt"}, said, ISSUER)


TOKEN = access_token()


def proof(key=KEY, token=TOKEN, **changes):
    """A proof for the API at NOW."""
    claims = {"jti": "c4b1", "htm": "GET", "htu": API, "iat": NOW} | changes
    return make_proof(key, access_token=token, **claims)


def custom(header=None, claims=None, key=KEY):
    """A proof with any members, signed."""
    head = {"typ": "dpop+jwt", "alg": key.alg, "jwk": key.public_jwk()} | (header or {})
    said = {"jti": "c4b1", "htm": "GET", "htu": API, "iat": NOW, "ath": access_token_hash(TOKEN)}
    said |= claims or {}
    return sign_compact(
        *({name: one for name, one in part.items() if one is not None} for part in (head, said)),
        key,
    )


def raw(*lines, target="/api/dpop/test", method="GET", token=TOKEN, answer=""):
    """A raw request with these further header lines, and perhaps its answer."""
    head = [f"{method} {target} HTTP/1.1", "Host: demo.duendesoftware.com"]
    head += [f"Authorization: DPoP {token}"] * bool(token)
    return "\r\n".join([*head, *lines]) + "\r\n\r\n" + answer


def refused(text, *, status=401, date=NOW):
    """An answer of the demo's API with this challenge."""
    lines = [f"HTTP/1.1 {status} Unauthorized", f"Date: {formatdate(date, usegmt=True)}"]
    return "\r\n".join([*lines, "X-REVISION: 7e667643", f"WWW-Authenticate: {text}"]) + "\r\n\r\n"


def rows(found):
    """The rows that the problems are about, in their order."""
    return [problem.row for problem in found.problems]


def told(found):
    """All of the report, in every form."""
    machine = json.dumps(found.as_dict())
    return "\n".join(
        [found.text(), found.markdown(), found._repr_html_(), found.details(), machine]
    )


# ---- what it is -------------------------------------------------------------------------------

SAMPLE = (RECORDINGS / "sample-session.txt").read_text("utf-8")
CURL = f"""curl -sS -X POST '{TOKEN_URL}' \\
  -H 'DPoP: {proof(token=None, htm="POST", htu=TOKEN_URL)}' \\
  -d grant_type=client_credentials -d client_id=m2m.dpop -d client_secret=a-long-secret"""
KINDS = {
    "a DPoP proof": proof(),
    "an access token": TOKEN,
    "a header line": f"DPoP: {proof()}",
    "a set of header lines": f"Authorization: DPoP {TOKEN}\nDPoP: {proof()}",
    "a server's error text": "Invalid 'htu' value.",
    "a JSON error": '{"error":"x","error_description":"Invalid \\u0027htu\\u0027 value."}',
    "a raw HTTP request": raw(f"DPoP: {proof()}"),
    "a raw HTTP response": refused('DPoP error="invalid_dpop_proof"'),
    "a raw HTTP request with its response": raw(f"DPoP: {proof()}", answer=refused("DPoP")),
    "a curl command": CURL,
    "a session log, 3 exchanges": SAMPLE,
    "an encrypted JWT (JWE)": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.a.b.c.d",
    "a JWK": json.dumps(KEY.public_jwk()),
    "a JWK Set": json.dumps({"keys": [KEY.public_jwk()]}),
    "a PEM file with a private key": KEY.to_pem(),
    "a token response": json.dumps({"access_token": TOKEN, "token_type": "DPoP"}),
    "text with a DPoP proof in it": f"2026-11-25 WARN proof={proof()} was refused",
    "a set of 10 JWTs": "\n".join(proof(jti=str(number)) for number in range(10)),
    "a DPoP proof in decoded form": json.dumps(
        {"header": {"typ": "dpop+jwt"}, "payload": {"htm": "GET"}}
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_was_pasted(kind):
    found = diagnose(KINDS[kind])
    assert found.understood
    assert found.kind.endswith(kind) or kind in found.kind


def test_octets_with_any_usual_encoding_are_text():
    for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le"):
        assert diagnose(f"DPoP: {proof()}".encode(codec)).kind == "a header line"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "hello world",
        "/tmp/x.tmp/my.client.json",
        b"\xff\xfe\x00\x01" * 9,
        b"\0" * 99,
        7,
        None,
    ],
)
def test_what_says_nothing_of_dpop_is_not_understood(text):
    found = diagnose(text)
    assert (found.understood, found.exit_code, found.problems) == (False, 2, ())
    assert found.verdict.startswith("Not understood")


def test_the_sample_session_is_healthy_and_read_whole():
    found = diagnose(SAMPLE)
    assert (found.exit_code, len(found.examined)) == (0, 3)
    assert [one.call.status for one in found.examined] == [400, 200, 200]
    assert set(found.secrets) == {"a client secret", "an access token"}
    last = found.examined[2]
    assert last.findings["ath"].mark == "passed"  # with the token of the answer before
    assert last.findings["bound_key"].mark == "passed"
    assert "use_dpop_nonce" in found.text()


def test_a_nonce_that_was_asked_for_and_never_sent_is_a_finding():
    asked = SAMPLE.split("// ---- Sending")[1]
    found = diagnose("// ---- Sending" + asked)
    assert found.exit_code == 1
    assert "nonce" in found.problems[0].action


def test_the_recorded_answers_are_all_understood():
    recorded = json.loads((RECORDINGS / "exchanges.json").read_text("utf-8"))
    seen = 0
    for one in recorded:
        for answer in one["answers"]:
            head = [f"HTTP/1.1 {answer['status']} X", "X-REVISION: 7e667643"]
            head += [f"{name}: {value}" for name, value in answer["headers"]]
            found = diagnose("\n".join(head) + "\n\n" + answer["body"])
            assert found.understood
            assert found.healthy is (answer["status"] < 300), one["name"]
            assert all(problem.action for problem in found.problems)
            seen += 1
    assert seen > 300


def test_all_ways_to_write_a_curl_command_are_the_same_request():
    posix = diagnose(CURL)
    joined = CURL.replace("\\\n", " ")
    ansi = joined.replace("'DPoP: ", "$'DPoP\\u003a ")
    windows = CURL.replace("'", '^"').replace("\\\n", "^\n")
    bundled = CURL.replace("-sS -X POST", "-sSXPOST")
    prompt = "$ " + CURL
    seen = {(one.examined[0].call.method, one.examined[0].call.url, *rows(one))
            for one in map(diagnose, (CURL, joined, ansi, windows, bundled, prompt))}  # fmt: skip
    assert seen == {("POST", TOKEN_URL)}
    assert posix.healthy
    assert posix.secrets == ("a client secret",)


def test_a_curl_command_with_variables_says_that_their_values_are_elsewhere():
    found = diagnose(f'curl {API} -H "Authorization: DPoP $TOKEN" -H "DPoP: {proof()}"')
    assert any("variables" in remark for remark in found.remarks)


def test_what_curl_prints_is_read():
    lines = [f"> {line}" for line in raw(f"DPoP: {proof()}").split("\r\n")[:-1]]
    lines += [f"< {line}" for line in refused("DPoP error=x").split("\r\n")[:-1]]
    found = diagnose("\n".join(["* Connected", *lines, "* closed"]))
    case = found.examined[0].call
    assert (case.method, case.status, case.url) == ("GET", 401, API)


def har(*entries):
    """A HAR file with these pairs of request and answer."""
    made = []
    for request, response in entries:
        made.append({"startedDateTime": "2025-10-09T08:53:20.000Z",
                     "request": request, "response": response})  # fmt: skip
    return {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": made}}


def test_a_har_file_is_read_as_text_and_as_a_value():
    headers = [{"name": "Authorization", "value": f"DPoP {TOKEN}"},
               {"name": "DPoP", "value": proof(htu=f"{API}/")}]  # fmt: skip
    entry = ({"method": "GET", "url": API, "headers": headers}, {"status": 401, "headers": []})
    other = ({"method": "GET", "url": "https://a.example/x.png", "headers": []}, {"status": 200})
    for value in (har(entry, other), json.dumps(har(entry, other))):
        found = diagnose(value)
        assert len(found.examined) == 1
        assert rows(found)[0] == "htu"
    assert not diagnose(har(other)).understood


def test_answers_of_requests_are_read_with_their_history():
    with Lab() as lab:
        auth = lab.auth("m2m.dpop.nonce")
        answer = lab.session.get(lab.api, auth=auth)
        found = diagnose(answer)
        assert found.healthy
        assert found.examined[0].findings["bound_key"].mark == "passed"
        assert diagnose(lab.log).healthy is True
        refusal = lab.session.get(lab.plain_api, auth=auth)
        assert rows(diagnose(refusal)) == ["scheme"]
        assert diagnose(lab.log[0]).understood
        assert diagnose(answer.request).understood


def test_a_body_that_was_not_read_is_left_unread():
    with Lab() as lab:
        answer = lab.session.get(lab.api, auth=lab.auth(), stream=True)
        diagnose(answer)
        assert answer.json()


# ---- rows -------------------------------------------------------------------------------------


def test_all_that_writes_advice_is_for_a_row():
    names = {row.name for policy in (DUENDE, RFC_9449) for profile in policy.profiles.values()
             for row in profile.rows}  # fmt: skip
    assert ADVICE and set(ADVICE) <= names


@pytest.mark.parametrize("defect", ["missing", "wrong", "early", "several", "unchecked"])
def test_every_row_has_an_action_whatever_is_known_of_the_request(defect):
    for policy in (DUENDE, RFC_9449):
        for row in (row for profile in policy.profiles.values() for row in profile.rows):
            for found in (None, "", 1, ["x"], {}):
                assert advise(Finding(row, "failed", None, found, defect), Call())
            assert not advise(Finding(row, "passed"), Call())
            assert not advise(Finding(row), Call())


def test_rows_that_cannot_be_asked_say_what_to_give_and_giving_it_helps():
    found = diagnose(proof())
    missing = dict(found.examined[0].missing)
    assert {"htm", "htu", "ath", "bound_key", "fresh"} <= set(missing)
    assert found.healthy
    whole = diagnose(proof(), url=API, method="GET", token=TOKEN, now=NOW)
    assert not {"htm", "htu", "ath", "bound_key", "fresh"} & set(dict(whole.examined[0].missing))
    assert whole.healthy
    for changes, row in (
        ({"url": TOKEN_URL}, "htu"),
        ({"method": "DELETE"}, "htm"),
        ({"token": access_token(THIEF)}, "ath"),
        ({"now": NOW + 400}, "fresh"),
    ):
        known = {"url": API, "method": "GET", "token": TOKEN, "now": NOW} | changes
        assert row in rows(diagnose(proof(), **known))


def test_behind_a_proxy_nobody_is_told_to_send_the_url_that_only_the_proxy_knows():
    inside, public = "http://10.0.0.7/api/dpop/test", "demo.duendesoftware.com"
    said = {}
    for host, scheme in ((public, "https"), (public, "http"), ("else.example", "https")):
        text = raw(f"DPoP: {proof()}", f"X-Forwarded-Host: {host}", f"X-Forwarded-Proto: {scheme}")
        found = diagnose(text, url=inside, now=NOW)
        assert rows(found) == ["htu"] and inside not in found.problems[0].action
        said[host, scheme] = "htu is right" in found.problems[0].action
    assert [*said.values()] == [True, False, False]
    for line in ("Forwarded: for=1.2.3.4;host=demo.duendesoftware.com;proto=https, for=10.0.0.1",
                 "X-Forwarded-Host: demo.duendesoftware.com, 10.0.0.1"):  # fmt: skip
        found = diagnose(raw(f"DPoP: {proof()}", line), url=inside, now=NOW)
        assert "htu is right" in found.problems[0].action
    port = raw(f"DPoP: {proof(htu='https://a.example:8443/x/api')}", "X-Forwarded-Proto: https",
               "X-Forwarded-Port: 8443", "X-Forwarded-Prefix: /x/")  # fmt: skip
    found = diagnose(port, url="http://a.example/api", now=NOW)
    assert "htu is right" in found.problems[0].action


def test_the_signature_of_the_access_token_is_verified_once_keys_are_given():
    jwk = {**ISSUER.public_jwk(), "alg": "RS256"}
    assert diagnose(TOKEN, now=NOW, jwks={"keys": [jwk]}).healthy
    other = {"keys": [generate_key("RS256").public_jwk()]}
    assert rows(diagnose(TOKEN, now=NOW, jwks=other)) == ["at_signature"]


def test_a_proof_that_is_sent_twice_is_a_replay_in_the_second_exchange():
    once = raw(
        f"DPoP: {proof()}",
        answer=f"HTTP/1.1 200 OK\r\nDate: {formatdate(NOW, usegmt=True)}\r\n\r\n[]\n",
    )
    again = raw(f"DPoP: {proof()}", answer=refused('DPoP error="invalid_dpop_proof", '
                'error_description="Detected DPoP proof token replay."'))  # fmt: skip
    assert diagnose(once).healthy
    found = diagnose(once + again)
    assert rows(found)[0] == "unused"
    assert found.examined[0].problems == ()


def test_a_redacted_value_is_said_to_be_redacted():
    found = diagnose(raw("DPoP: <proof 1>", token="<access_token 1>"))
    assert found.examined[0].call.hidden == ("proof", "access_token")
    assert "redacted" in found.text()
    assert found.healthy


# ---- actions, made from what was found --------------------------------------------------------


def half_hash(text):
    """The left half of a hash, as at_hash has it."""
    return base64url_encode(hashlib.sha256(text.encode()).digest()[:16])


DIGEST = hashlib.sha256(TOKEN.encode()).digest()
ACTIONS = {
    "a query": (custom(claims={"htu": f"{API}?page=2"}), "htu", f"Send {API} as htu"),
    "a slash": (custom(claims={"htu": f"{API}/"}), "htu", f"Send {API} as htu"),
    "http": (custom(claims={"htu": API.replace("https", "http")}), "htu", "scheme http"),
    "a port": (custom(claims={"htu": API.replace(".com", ".com:8443")}), "htu", "port 8443"),
    "a path alone": (custom(claims={"htu": "/api/dpop/test"}), "htu", "no whole URL"),
    "the token endpoint": (custom(claims={"htu": TOKEN_URL}), "htu", "of the token endpoint"),
    "behind": (custom(claims={"iat": NOW - 312}), "fresh", "312 s behind the server's Date"),
    "ahead": (custom(claims={"iat": NOW + 312}), "fresh", "312 s ahead of the server's Date"),
    "local time": (custom(claims={"iat": NOW + 7200}), "fresh", "local time"),
    "milliseconds": (custom(claims={"iat": NOW * 1000}), "fresh", f"by 1000, {NOW}"),
    "no iat": (custom(claims={"iat": None}), "fresh", "Add iat"),
    "small letters": (custom(claims={"htm": "get"}), "htm", "capital letters, GET"),
    "hexadecimal": (custom(claims={"ath": DIGEST.hex()}), "ath", "is hexadecimal"),
    "base64": (custom(claims={"ath": base64.b64encode(DIGEST).decode()}), "ath", "base64"),
    "half": (custom(claims={"ath": half_hash(TOKEN)}), "ath", "at_hash"),
    "scheme": (custom(claims={"ath": access_token_hash("DPoP " + TOKEN)}), "ath", "word DPoP"),
    "no ath": (custom(claims={"ath": None}), "ath", access_token_hash(TOKEN)),
    "typ JWT": (custom({"typ": "JWT"}), "typ", "libraries"),
    "no jwk": (custom({"jwk": None, "kid": "1"}), "jwk", "kid does not replace it"),
    "jwk as text": (custom({"jwk": json.dumps(KEY.public_jwk())}), "jwk", "not as a string"),
    "leaked": (custom({"jwk": KEY.private_jwk()}), "no_private_key", "leaked"),
    "another key": (custom({"jwk": THIEF.public_jwk()}), "signature", "another key signed"),
    "a scheme": (f"DPoP {custom()}", "well_formed", "Take the word 'DPoP' away"),
    "two in one": (f"{custom()}, {custom()}", "well_formed", "comma"),
    "cut off": (custom().rpartition(".")[0], "well_formed", "signature is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIONS)
def test_the_action_is_made_from_what_was_found(name):
    text, row, words = ACTIONS[name]
    answer = refused('DPoP error="invalid_dpop_proof"')
    found = diagnose(raw(f"DPoP: {text}", answer=answer))
    [first] = [problem for problem in found.problems if problem.row == row][:1]
    assert words in f"{first.title}. {first.action}"


def der(text):
    """A proof with its signature in DER."""
    from dpop_lab.jose.jws import read_jws
    from dpop_lab.jose.keys import der_signature

    return (
        f"{text.rpartition('.')[0]}.{base64url_encode(der_signature(read_jws(text).signature, 32))}"
    )


def test_a_signature_in_der_is_told_from_one_by_another_key():
    good = diagnose(raw(f"DPoP: {der(proof())}")).problems[0]
    assert (good.row, "Convert" in good.action) == ("signature", True)
    other = diagnose(raw(f"DPoP: {der(custom({'jwk': THIEF.public_jwk()}))}")).problems[0]
    assert (other.row, "Convert" in other.action) == ("signature", False)


def test_the_thumbprint_is_computed_and_compared_with_cnf():
    jwk = KEY.public_jwk()
    right = thumbprint(jwk)
    found = diagnose(raw(f"DPoP: {proof()}"))
    assert right in found.text()
    assert found.as_dict()["requests"][0]["jkt"] == right
    mine = access_token(THIEF)
    found = diagnose(raw(f"DPoP: {proof(token=mine)}", token=mine))
    bound = next(problem for problem in found.problems if problem.row == "bound_key")
    assert right in bound.action and thumbprint(THIEF.public_jwk()) in bound.action
    for jkt, words in (
        (base64.urlsafe_b64decode(right + "=").hex(), "hexadecimal"),
        (f"{right}=", "= at its end"),
        (base64url_encode(hashlib.sha256(json.dumps(jwk).encode()).digest()), "white space"),
    ):
        odd = access_token(cnf={"jkt": jkt})
        found = diagnose(raw(f"DPoP: {proof(token=odd)}", token=odd))
        assert any(words in problem.action for problem in found.problems)
    unbound = access_token(cnf=None)
    found = diagnose(raw(f"DPoP: {proof(token=unbound)}", token=unbound))
    assert "token_type DPoP" in found.problems[0].action


def test_a_token_bound_by_more_than_its_jkt_is_told_from_one_bound_to_another_key():
    both = {"jkt": thumbprint(KEY.public_jwk()), "x5t#S256": "bwcK0esc3ACC"}
    token = access_token(cnf=both)
    text = raw(f"DPoP: {proof(token=token)}", token=token)
    assert "bound_key" not in rows(diagnose(text, policy=DUENDE))
    found = diagnose(text, policy=RFC_9449)
    action = next(one.action for one in found.problems if one.row == "bound_key")
    assert "x5t#S256" in action and "sign with the key" not in action


def test_a_bare_challenge_is_explained_by_the_token_that_expired():
    old = access_token(exp=NOW - 600)
    found = diagnose(raw(f"DPoP: {proof(token=old)}", token=old, answer=refused("DPoP")))
    assert rows(found) == ["not_expired"]
    assert "10 min" in found.problems[0].action or "600 s" in found.problems[0].action
    assert any("bare DPoP challenge" in remark for remark in found.examined[0].remarks)


def test_leniencies_of_the_demo_are_remarks_and_not_findings():
    loose = custom(claims={"htm": ["GET"]})
    assert diagnose(raw(f"DPoP: {loose}"), now=NOW).healthy
    found = diagnose(raw(f"DPoP: {loose}"), now=NOW)
    assert any("RFC_9449 does not" in remark for remark in found.examined[0].remarks)
    assert "strict_form" in rows(diagnose(raw(f"DPoP: {loose}"), now=NOW, policy=RFC_9449))


@pytest.mark.parametrize(
    ("text", "row", "place"),
    [
        ("Invalid 'htu' value.", "htu", ""),
        ("Detected DPoP proof token replay.", "unused", "API"),
        ("Detected replay of DPoP proof token.", "unused", "token endpoint"),
        ("Missing 'iat' value.", "fresh", "token endpoint"),
        ("invalid \\u0027cnf\\u0027 value", "bound_key", "API"),
        ('DPoP error_description="Missing DPoP proof token."', "one_header", "API"),
    ],
)  # fmt: skip
def test_a_servers_words_alone_lead_to_the_row_and_the_place(text, row, place):
    found = diagnose(text)
    assert rows(found) == [row]
    assert place in found.problems[0].title


@pytest.mark.parametrize(
    ("challenge", "schemes"),
    [
        ('DPoP error="use_dpop_nonce"', ["dpop"]),
        ('bearer realm="a, b", dPoP ERROR="use_dpop_nonce", algs="ES256"', ["bearer", "dpop"]),
        ('Negotiate abc==, DPoP error="use_dpop_nonce",x="a \\"b\\" c"', ["negotiate", "dpop"]),
    ],
)  # fmt: skip
def test_challenges_are_parsed_in_any_case_and_number(challenge, schemes):
    found = diagnose(f"WWW-Authenticate: {challenge}\nDPoP-Nonce: n1")
    case = found.examined[0].call
    assert [one.scheme for one in case.challenges] == schemes
    assert (case.error, case.nonce) == ("use_dpop_nonce", "n1")
    assert "nonce" in found.problems[0].action


def test_a_token_request_is_told_what_to_change_in_its_form():
    form = "grant_type=client_credentials&client_id=m2m.dpop&client_secret=a-long-secret&scope=all"
    head = (
        f"POST /connect/token HTTP/1.1\nHost: demo.duendesoftware.com\nDPoP: {proof(token=None)}\n"
    )
    typed = "Content-Type: application/x-www-form-urlencoded\n"
    answer = "HTTP/1.1 400 Bad Request\nX-REVISION: 1\n\n"
    for kind, body, error, words in (
        (typed, form, "invalid_scope", "'all'"),
        (typed, form, "invalid_client", "'m2m.dpop' was sent as form parameters"),
        (typed, form.replace("&client_secret=a-long-secret", ""), "invalid_client", "came alone"),
        (typed, form + "&scope=api", "invalid_scope", "once"),
        ("Content-Type: application/json\n", "{}", "invalid_request", "not as 'application/json'"),
    ):
        found = diagnose(f'{head}{kind}\n{body}\n{answer}{{"error":"{error}"}}')
        assert words in found.problems[0].action
        assert "a-long-secret" not in told(found)


def test_a_bearer_token_in_answer_to_a_proof_is_a_finding():
    text = raw(f"DPoP: {proof(token=None, htm='POST', htu=TOKEN_URL)}", method="POST",
               target="/connect/token", token="") + (
        f'HTTP/1.1 200 OK\n\n{{"access_token":"{TOKEN}","token_type":"Bearer"}}')  # fmt: skip
    assert "token_type" in diagnose(text).problems[0].title


# ---- forms, secrets, hostility ----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_no_form_of_the_report_repeats_a_secret(kind):
    text = told(diagnose(KINDS[kind]))
    key = (KEY.private_jwk()["d"], *KEY.to_pem().splitlines()[1:-1])
    for secret in (TOKEN, "a-long-secret", proof().split(".")[2], *key):
        assert secret not in text


def test_secrets_are_named_and_not_repeated():
    private = custom({"jwk": KEY.private_jwk()})
    found = diagnose(raw(f"DPoP: {private}", "Cookie: session=abcdefghijkl"))
    assert set(found.secrets) == {"a private key", "an access token", "cookies"}
    assert "abcdefghijkl" not in told(found)
    echo = refused('DPoP error="x", error_description="bad token ' + TOKEN + '"')
    assert TOKEN not in told(diagnose(raw(f"DPoP: {proof()}", answer=echo)))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_values_are_shown_and_do_nothing(hostile):
    texts = [custom({"typ": hostile, "kid": hostile}, {hostile: hostile, "htu": hostile}),
             json.dumps({"error": hostile, "error_description": hostile})]  # fmt: skip
    for text in texts:
        found = diagnose(text)
        page = Page(found._repr_html_())
        assert set(page.elements) <= ELEMENTS
        assert all(one.isprintable() or one == "\n" for one in found.text())
        assert "<script" not in found.markdown() and "<img" not in found.markdown()


def test_markdown_shows_tables_whatever_is_in_the_claims():
    found = diagnose(custom(claims={"htu": "a|b`c`*d*\n# e"}))
    for line in found.markdown().splitlines():
        if line.startswith("|"):
            bars = line.replace("\\|", "").count("|")
            assert bars in (3, 4)


def test_the_json_form_is_json_and_says_what_the_text_says():
    found = diagnose(raw(f"DPoP: {custom(claims={'htm': 'PUT'})}", answer=refused("DPoP error=x")))
    value = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert value["exit_code"] == found.exit_code == 1
    one = value["requests"][0]
    assert {row["row"] for row in one["rows"] if row["mark"] == "failed"} >= {"htm"}
    assert all(set(problem) >= {"row", "title", "action"} for problem in one["problems"])


def test_only_arguments_of_another_type_raise():
    for wrong in ({"url": 7}, {"now": "late"}, {"policy": "DUENDE"}, {"jwks": []}):
        with pytest.raises(LabError):
            diagnose(proof(), **wrong)


@pytest.mark.parametrize("now", [10**13, 10**400, -(10**5000), float("nan")], ids=range(4))
def test_a_time_that_is_too_far_is_an_error_in_a_sentence(now):
    with pytest.raises(LabError) as caught:
        diagnose(proof(), now=now)
    assert 0 < len(caught.value.found) < 100


def test_times_are_told_with_dates_and_offsets():
    made = int(time.time()) - 3700
    text = diagnose(custom(claims={"iat": made})).text()
    assert formatdate(made, usegmt=True) in text
    assert "1 h 1 min before now" in text
    answer = refused("DPoP error=x", date=made + 100)
    assert (
        "100 s before the server's Date"
        in diagnose(raw(f"DPoP: {custom(claims={'iat': made})}", answer=answer)).text()
    )


BIG = 700_000  # characters, more than are read of plain text; the benchmark takes more


@cache
def pastes(size):
    """Things that nobody would read, of so many characters, by name."""
    return {
        "a letter": "a" * size,
        "JWTs": (proof() + "\n") * (size // 700),
        "half a JWT": proof()[:200] + "A" * size,
        "dots": "." * size,
        "NUL": b"\0" * size,
        "brackets": "[" * size,
        "quotes": '"' * size,
        "header lines": "DPoP: x\n" * (size // 8),
        "challenges": "WWW-Authenticate: " + 'DPoP error="x", ' * (size // 16),
        "log marks": "---- Sending x ----\n" * (size // 20),
        "requests": "GET / HTTP/1.1\n" * (size // 15),
        "chunks": "HTTP/1.1 200 OK\n\n" + "1\na\n" * (size // 4),
        "curl": "curl " + "$'" * (size // 2),
        "digits": '{"iat":' + "1" * size + "}",
        "line feeds": "\n" * size,
        "a HAR": many('{"log":{"entries":[', ENTRY, "]}}", size),
        "keys": many('{"keys":[', json.dumps(KEY.public_jwk()), "]}", size),
        "objects": many("[", '{"a":1,"b":[2,3]}', "]", size),
        "header lines in a list": many("[", '"DPoP: x9"', "]", size),
        "members": json.dumps({f"name {number}": number for number in range(size // 20)}),
        "scripts left open": "<html>" + "<script>dpop " * (size // 13),
        "cookies": "Cookie: " + "".join(f"c=value-{n}-of-it; " for n in range(size // 20)),
        "reports": "This is x\nDetails\n" + f"GET {API}: Refused (401 x)\n\n" * (size // 70),
    }


ENTRY = json.dumps(
    {
        "startedDateTime": "2026-11-29T20:00:00.000Z",
        "request": {
            "method": "POST",
            "url": API,
            "headers": [{"name": "Accept", "value": "*/*"}] * 8,
            "postData": {"mimeType": "text/plain", "text": "name=ann&password=secret-of-ann-1"},
        },
        "response": {"status": 200, "headers": [{"name": "Age", "value": "1"}], "content": {}},
    }
)


def many(begin, one, end, size):
    """JSON with so many characters of one thing."""
    return begin + ",".join([one] * (size // len(one))) + end


@pytest.mark.parametrize("name", pastes(0))
def test_megabytes_of_anything_give_a_short_report(name):
    found = diagnose(pastes(BIG)[name])
    assert len(found.text()) < 300_000
    assert json.dumps(found.as_dict())


PIECES = st.sampled_from(
    [*KINDS.values(), "HTTP/1.1 401\n", "---- Sending x ----\n", "curl ", "\0", "\ud800", "DPoP: "]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=5), st.integers(0, 3000))
def test_no_mixture_of_pieces_raises(pieces, cut):
    text = "".join(pieces)
    for one in (text, text[:cut], text[cut:], text.encode("utf-8", "replace")):
        told(diagnose(one))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid"]), JSON),
    st.dictionaries(st.sampled_from(["htm", "htu", "jti", "iat", "ath", "nonce", "exp"]), JSON),
)
def test_no_proof_raises_whatever_its_members_are(header, claims):
    text = ".".join(base64url_encode(json.dumps(one).encode()) for one in (header, claims)) + ".AA"
    told(diagnose(raw(f"DPoP: {text}")))
    told(diagnose(raw(token=text)))


def test_nothing_is_sent_or_opened(monkeypatch, tmp_path):
    def forbidden(*args, **kwargs):
        raise AssertionError("a connection was made")

    monkeypatch.setattr("socket.socket.connect", forbidden)
    for text in KINDS.values():
        diagnose(text)
    secret = tmp_path / "client.json"
    secret.write_text("{}")
    assert not diagnose(str(secret)).understood
    assert diagnose(requests.Request("GET", API, headers={"DPoP": proof()})).understood


def test_header_lines_by_name_and_a_path_are_taken_too(tmp_path):
    headers = {"DPoP": proof(htu=TOKEN_URL), "Authorization": f"DPoP {TOKEN}"}
    for thing in (headers, json.dumps(headers), requests.structures.CaseInsensitiveDict(headers)):
        assert rows(diagnose(thing, url=API)) == ["htu"]
    file = tmp_path / "session.log"
    file.write_text(SAMPLE, encoding="utf-8")
    assert diagnose(file).healthy
    assert not diagnose(tmp_path / "nothing").understood


def test_an_error_without_an_answer_says_that_none_came():
    request = requests.Request("GET", API, headers={"DPoP": proof()}).prepare()
    found = diagnose(requests.ConnectionError("refused by the host", request=request))
    assert any("refused by the host" in problem.title for problem in found.problems)
