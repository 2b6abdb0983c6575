"""The forms in which a request is pasted: each leads to the same request, and the same finding."""

import io
import json
from base64 import b64encode
from email.utils import formatdate

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from dpop_lab import Lab, diagnose
from dpop_lab.doctor.explain.telling import Entry
from dpop_lab.show import coloured
from tests.test_doctor import (
    API,
    NOW,
    THIEF,
    TOKEN,
    TOKEN_URL,
    proof,
    rows,
    told,
)

DATE = formatdate(NOW, usegmt=True)
GOOD, BAD, STOLEN = proof(), proof(htu=f"{API}/other"), proof(THIEF)
LONG = 60_000  # characters of a paste: of more no more is told
FORM = "grant_type=client_credentials&client_id=m2m.dpop&client_secret=a-long-secret"


def status(sent):
    """What the API answers to this proof."""
    return "200 OK" if sent == GOOD else "401 Unauthorized"


def raw(sent):
    """A raw request with this proof, and its answer, by lines."""
    return [
        "GET /api/dpop/test HTTP/1.1",
        "Host: demo.duendesoftware.com",
        f"Authorization: DPoP {TOKEN}",
        f"DPoP: {sent}",
        "",
        f"HTTP/1.1 {status(sent)}",
        f"Date: {DATE}",
        "",
        "[]",
    ]


def curl(sent):
    """The same as a curl command."""
    return f"curl {API} -H 'Authorization: DPoP {TOKEN}' -H 'DPoP: {sent}'"


def verbose(sent):
    """What curl -v prints of it."""
    asked, answered = raw(sent)[:5], raw(sent)[5:8]
    return ["* Connected", *(f"> {one}" for one in asked), *(f"< {one}" for one in answered), "[]"]


def lines(*several):
    """Lines put together."""
    return "\n".join(several)


WRAPPED = {
    "indented": lambda sent: lines(*(f"    {one}" for one in raw(sent))),
    "indented but for the first line": lambda sent: lines(*raw(sent)[:5]).replace("\n", "\n    "),
    "an empty line after each": lambda sent: "\n\n".join(raw(sent)),
    "quoted but for the first line": lambda sent: "\n> ".join(raw(sent)),
    "quoted twice": lambda sent: lines(*(f"> > {one}" for one in raw(sent))),
    "fenced": lambda sent: lines("It fails:", "```http", *raw(sent), "```", "Why?"),
    "fenced and indented": lambda sent: lines(
        "1. So:", "", "   ```bash", f"   $ {curl(sent)}", "   ```"
    ),
    "a prompt at the end": lambda sent: lines(*raw(sent), "me@host:~/x$ "),
    "100 Continue": lambda sent: lines(*raw(sent)[:5], "HTTP/1.1 100 Continue", "", *raw(sent)[5:]),
}
COMMANDS = {
    "curl": curl,
    "curl with its -v output": lambda sent: lines(f"$ {curl(sent)} -v", *verbose(sent)),
    "curl with its -i output": lambda sent: lines(curl(sent), *raw(sent)[5:]),
    "curl with a JSON answer": lambda sent: lines(curl(sent), "[]"),
    "curl over lines without backslashes": lambda sent: curl(sent).replace(" -H", "\n  -H"),
    "curl after a blank at a backslash": lambda sent: curl(sent).replace(" -H", " \\ \n  -H"),
    "curl after an assignment": lambda sent: f"X='a b' {curl(sent)}",
    "curl after time": lambda sent: f"time sudo {curl(sent)}",
    "curl after words": lambda sent: f"I tried this: {curl(sent)}",
    "curl with Windows quotes": lambda sent: (
        curl(sent).replace("'", '"').replace("curl", "curl.exe")
    ),
    "wget": lambda sent: (
        f"wget -qO- --header='Authorization: DPoP {TOKEN}' --header 'DPoP: {sent}' {API}"
    ),
    "HTTPie": lambda sent: f"http GET {API} 'Authorization:DPoP {TOKEN}' DPoP:{sent}",
    "HTTPie without a method": lambda sent: (
        f"https -v {API[8:]} Authorization:'DPoP {TOKEN}' DPoP:{sent}"
    ),
}


def burp(sent):
    """An item that Burp Suite saved."""
    asked, answered = "\r\n".join(raw(sent)).split("\r\n\r\n", 1)
    parts = {"request": asked, "response": answered}
    texts = (
        f'<{name} base64="true"><![CDATA[{b64encode(text.encode()).decode()}]]></{name}>'
        for name, text in parts.items()
    )
    return (
        f'<items burpVersion="2026.1">\n<item><url><![CDATA[{API}]]></url>{"".join(texts)}</item>'
    )


LOGS = {
    "Burp Suite": burp,
    "OkHttp": lambda sent: lines(
        f"--> GET {API} http/1.1",
        f"Authorization: DPoP {TOKEN}",
        f"DPoP: {sent}",
        "--> END GET",
        f"<-- {status(sent)} {API} (12ms)",
        f"date: {DATE}",
        "[]",
        "<-- END HTTP (2-byte body)",
    ),
    "OkHttp on Android": lambda sent: lines(
        f"11-25 10:00:00.123  4711  4712 D OkHttp  : --> GET {API}",
        f"11-25 10:00:00.123  4711  4712 D OkHttp  : Authorization: DPoP {TOKEN}",
        f"11-25 10:00:00.123  4711  4712 D OkHttp  : DPoP: {sent}",
        "11-25 10:00:00.123  4711  4712 D OkHttp  : --> END GET",
        f"11-25 10:00:00.223  4711  4712 D OkHttp  : <-- {status(sent)} {API} (12ms)",
        f"11-25 10:00:00.223  4711  4712 D OkHttp  : date: {DATE}",
    ),
    ".NET": lambda sent: lines(
        "info: System.Net.Http.HttpClient.Default.LogicalHandler[100]",
        f"      Start processing HTTP request GET {API}",
        "info: System.Net.Http.HttpClient.Default.ClientHandler[100]",
        f"      Sending HTTP request GET {API}",
        "trce: System.Net.Http.HttpClient.Default.ClientHandler[102]",
        "      Request Headers:",
        f"      Authorization: DPoP {TOKEN}",
        f"      DPoP: {sent}",
        "info: System.Net.Http.HttpClient.Default.ClientHandler[101]",
        f"      Received HTTP response headers after 12.5ms - {status(sent)[:3]}",
        "trce: System.Net.Http.HttpClient.Default.ClientHandler[103]",
        "      Response Headers:",
        f"      Date: {DATE}",
        "info: System.Net.Http.HttpClient.Default.LogicalHandler[101]",
        f"      End processing HTTP request after 20.5ms - {status(sent)[:3]}",
    ),
    ".NET objects": lambda sent: lines(
        f"Method: GET, RequestUri: '{API}', Version: 1.1, Content: <null>, Headers:",
        "{",
        f"  Authorization: DPoP {TOKEN}",
        f"  DPoP: {sent}",
        "}",
        f"StatusCode: {status(sent)[:3]}, ReasonPhrase: 'X', Version: 1.1, Content: Y, Headers:",
        "{",
        f"  Date: {DATE}",
        "}",
    ),
    "http.client": lambda sent: lines(
        "send: " + repr("\r\n".join([*raw(sent)[:4], "", ""]).encode()),
        f"reply: 'HTTP/1.1 {status(sent)}\\r\\n'",
        f"header: Date: {DATE}",
    ),
    "ASP.NET Core": lambda sent: lines(
        "info: Microsoft.AspNetCore.Hosting.Diagnostics[1]",
        f"      Request starting HTTP/1.1 GET {API} - - -",
        "info: Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware[1]",
        f"      Authorization: DPoP {TOKEN}",
        f"      DPoP: {sent}",
        "info: Microsoft.AspNetCore.Hosting.Diagnostics[2]",
        f"      Request finished HTTP/1.1 GET {API} - {status(sent)[:3]} 0 - 123.4567ms",
    ),
    "an object that Node prints": lambda sent: lines(
        "AxiosError: Request failed",
        "  config: {",
        f"    headers: {{ DPoP: '{sent}', Authorization: 'DPoP {TOKEN}' }},",
        "    method: 'get',",
        f"    url: '{API}',",
        "  },",
        f"  status: {status(sent)[:3]},",
    ),
    "Apache HttpClient": lambda sent: lines(
        *(f'10:00 DEBUG wire - http-outgoing-0 >> "{one}[\\r][\\n]"' for one in raw(sent)[:4]),
        *(f"10:00 DEBUG headers - http-outgoing-0 >> {one}" for one in raw(sent)[:4]),
        *(f"10:00 DEBUG headers - http-outgoing-0 << {one}" for one in raw(sent)[5:7]),
    ),
    "Apache HttpClient, octets alone": lambda sent: lines(
        *(f'10:00 DEBUG wire - http-outgoing-0 >> "{one}[\\r][\\n]"' for one in raw(sent)[:4]),
        *(f'10:00 DEBUG wire - http-outgoing-0 << "{one}[\\r][\\n]"' for one in raw(sent)[5:7]),
    ),
    "HTTP/2": lambda sent: lines(
        ":method: GET",
        ":path: /api/dpop/test",
        ":authority: demo.duendesoftware.com",
        ":scheme: https",
        f"authorization: DPoP {TOKEN}",
        f"dpop: {sent}",
        "",
        f":status: {status(sent)[:3]}",
        f"date: {DATE}",
    ),
    "a browser's header lines": lambda sent: lines(
        "General",
        "Request URL",
        API,
        "Request Method",
        "GET",
        "Status Code",
        status(sent),
        "Response Headers",
        "date",
        DATE,
        "Request Headers",
        "authorization",
        f"DPoP {TOKEN}",
        "dpop",
        sent,
    ),
    "copied as fetch": lambda sent: lines(
        f'fetch("{API}", {{',
        '  "headers": {',
        '    "accept": "*/*",',
        f'    "authorization": "DPoP {TOKEN}",',
        f'    "dpop": "{sent}"',
        "  },",
        '  "body": null,',
        '  "method": "GET",',
        '  "mode": "cors"',
        "});",
    ),
    "copied as fetch by Firefox": lambda sent: lines(
        f'await fetch("{API}", {{',
        '    "credentials": "omit",',
        f'    "headers": {{"Authorization": "DPoP {TOKEN}", "DPoP": "{sent}"}},',
        '    "method": "GET",',
        '    "mode": "cors"',
        "});",
    ),
    "copied as fetch for Node.js": lambda sent: lines(
        f'fetch("{API}", {{',
        f'  "headers": {{"authorization": "DPoP {TOKEN}", "dpop": "{sent}"}},',
        '  "body": null,',
        '  "method": "GET"',
        "});",
    ),
    "an .http file": lambda sent: lines(
        "### A call",
        "# @name call",
        f"GET {API}",
        f"Authorization: DPoP {TOKEN}",
        f"DPoP: {sent}",
        "",
        "###",
    ),
    "header lines before the answer": lambda sent: lines(f"GET {API}", *raw(sent)[2:]),
    "one line": lambda sent: (
        f"10:00 INFO GET {API} headers={{Authorization=[DPoP {TOKEN}], DPoP=[{sent}]}}"
        f" -> {status(sent)[:3]}"
    ),
    "words": lambda sent: (
        f"When I call GET {API} with\n{sent} and\n{TOKEN}\nit returned {status(sent)[:3]}."
    ),
}
CALLS = {
    "await fetch": lambda sent: (
        f"const r = await fetch('{API}', {{headers: {{DPoP: '{sent}', "
        f"Authorization: `DPoP {TOKEN}`}}}})"
    ),
    "Python": lambda sent: (
        f'requests.get("{API}", headers={{"DPoP": "{sent}", "Authorization": "DPoP {TOKEN}"}})'
    ),
    "Python by method": lambda sent: (
        f'r = httpx.request("GET", "{API}", headers={{\n"DPoP": "{sent}",\n'
        f'"Authorization": f"DPoP {TOKEN}"}})'
    ),
    "Go": lambda sent: lines(
        f'req, err := http.NewRequest("GET", "{API}", nil)',
        f'req.Header.Set("DPoP", "{sent}")',
        f'req.Header.Set("Authorization", "DPoP {TOKEN}")',
    ),
    "Java": lambda sent: lines(
        f'var request = HttpRequest.newBuilder(URI.create("{API}"))',
        f'    .header("DPoP", "{sent}")',
        f'    .header("Authorization", "DPoP {TOKEN}").GET().build();',
    ),
    "PowerShell": lambda sent: lines(
        f'Invoke-WebRequest -UseBasicParsing -Uri "{API}" `',
        "-Headers @{",
        '"method"="GET"',
        '  "path"="/api/dpop/test"',
        f'  "DPoP"="{sent}"',
        f'  "Authorization"="DPoP {TOKEN}"',
        "}",
    ),
    "axios": lambda sent: lines(
        f"const answer = await axios.get('{API}', {{",
        f"  headers: {{ DPoP: '{sent}', Authorization: 'DPoP {TOKEN}' }},",
        "});",
    ),
    "XMLHttpRequest": lambda sent: lines(
        "const request = new XMLHttpRequest();",
        f'request.open("GET", "{API}");',
        f'request.setRequestHeader("DPoP", "{sent}");',
        f'request.setRequestHeader("Authorization", "DPoP {TOKEN}");',
    ),
    "C#": lambda sent: lines(
        f'var request = new HttpRequestMessage(HttpMethod.Get, "{API}");',
        f'request.Headers.Add("DPoP", "{sent}");',
        f'request.Headers.Add("Authorization", "DPoP {TOKEN}");',
        "var response = await client.SendAsync(request);",
    ),
    "variables": lambda sent: lines(
        f'const proof = "{sent}";',
        f'const token = "{TOKEN}";',
        f'const answer = await call("{API}", proof, token);',
    ),
}


def logged(sent, **changes):
    """The same as an object of a log."""
    headers = {"Authorization": f"DPoP {TOKEN}", "DPoP": sent}
    made = {"method": "GET", "url": API, "headers": headers}
    return made | {"status": int(status(sent)[:3]), "time": 1} | changes


VALUES = {
    "a flat object": logged,
    "a flat object with lists": lambda sent: logged(
        sent, headers={"Authorization": [f"DPoP {TOKEN}"], "dpop": [sent]}
    ),
    "a flat object with pairs": lambda sent: logged(
        sent, headers=[["Authorization", f"DPoP {TOKEN}"], ["dpop", sent]]
    ),
    "request and response": lambda sent: {
        "request": logged(sent),
        "response": {"statusCode": int(status(sent)[:3]), "headers": {"Date": DATE}, "body": "[]"},
    },
    "a HAR entry": lambda sent: {
        "request": logged(
            sent,
            headers=[
                {"name": "Authorization", "value": f"DPoP {TOKEN}"},
                {"name": "DPoP", "value": sent},
            ],
        ),
        "response": {"status": int(status(sent)[:3]), "headers": [{"name": "Date", "value": DATE}]},
    },
    "a path and a host": lambda sent: logged(
        sent,
        url=None,
        path="/api/dpop/test",
        headers={
            "host": "demo.duendesoftware.com",
            "authorization": f"DPoP {TOKEN}",
            "dpop": sent,
        },
    ),
    "named by what they are": lambda sent: {
        "proof": sent,
        "access_token": TOKEN,
        "method": "GET",
        "url": API,
    },
    "in a list": lambda sent: [logged(sent)],
    "in a list in a list": lambda sent: [[logged(sent)]],
}
FORMATS = WRAPPED | COMMANDS | LOGS
FORMATS |= {name: lambda sent, make=make: json.dumps(make(sent)) for name, make in VALUES.items()}
FORMATS["a dict that Python prints"] = lambda sent: str(logged(sent))
FORMATS |= {f"{name}, a value": make for name, make in VALUES.items()}
FORMATS["a file object"] = lambda sent: io.StringIO(lines(*raw(sent)))
FORMATS["a file object of octets"] = lambda sent: io.BytesIO(lines(*raw(sent)).encode())
FORMATS["a list of lines"] = raw
FORMATS["a generator of lines"] = lambda sent: (f"{one}\n" for one in raw(sent))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_leads_to_the_same_request_and_finding(name):
    bad = diagnose(FORMATS[name](BAD), now=NOW)
    assert bad.understood, bad.kind
    [one] = bad.examined
    assert (one.call.method, one.call.url, rows(bad)) == ("GET", API, ["htu"]), bad.kind
    assert one.call.token == TOKEN
    assert one.call.status in (None, 401)
    good = diagnose(FORMATS[name](GOOD), now=NOW)
    assert good.healthy, rows(good)
    assert not good.remarks
    for secret in (TOKEN, BAD, BAD.rpartition(".")[2]):
        assert secret not in told(bad)


UNKNOWN_FROM_CODE = {"htm", "htu", "one_header", "scheme"}  # what only a request tells


def is_code(found):
    """Is it taken for source code, with the advice to run it?"""
    return "source code" in found.kind and any("--explain" in one for one in found.remarks)


@pytest.mark.parametrize("name", CALLS)
def test_of_source_code_the_jwts_are_judged_and_nothing_is_said_of_its_request(name):
    for sent in (GOOD, BAD):
        found = diagnose(CALLS[name](sent))
        assert is_code(found) and found.healthy
        [one] = found.examined
        assert (one.call.proofs, one.call.token) == ((sent,), TOKEN)
        assert (one.call.method, one.call.url, one.call.scheme, one.call.whole) == (
            "",
            "",
            "",
            False,
        )
        asked = set(one.findings)
        assert not asked & UNKNOWN_FROM_CODE
        assert {"signature", "ath", "bound_key"} <= asked
    stolen = diagnose(CALLS[name](STOLEN))
    assert is_code(stolen) and rows(stolen) == ["bound_key"]
    for secret in (TOKEN, STOLEN.rpartition(".")[2]):
        assert secret not in told(stolen)


CHALLENGE = 'WWW-Authenticate: DPoP error="invalid_token"'
SAID = {
    "a raw answer": (
        lines(*raw(BAD)[5:7], 'WWW-Authenticate: DPoP error="invalid_token"', ""),
        401,
    ),
    "the output of curl -v": (
        lines(*verbose(BAD)[6:8], '< WWW-Authenticate: DPoP error="invalid_token"'),
        401,
    ),
    "JSON": ('{"error":"invalid_token"}', None),
    "JSON over lines": ('{\n  "error": "invalid_token"\n}', None),
    "a header line": (CHALLENGE, None),
    "words": ("HTTPError: 401 Client Error: Unauthorized, invalid_token", 401),
    "a comment": ('// {"error": "invalid_token"}', None),
    "another comment": ('# DPoP error="invalid_token"', None),
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("name", CALLS)
def test_what_a_server_says_after_source_code_is_judged_with_its_jwts(name, said):
    words, answered = SAID[said]
    found = diagnose(lines(CALLS[name](STOLEN), "", words))
    assert is_code(found)
    [one] = found.examined
    assert (one.call.error, one.call.status) == ("invalid_token", answered)
    assert one.call.proofs == (STOLEN,) and "bound_key" in rows(found)


def test_what_was_sent_stands_beside_what_stands_in_the_code():
    found = diagnose(lines(CALLS["Python"](STOLEN), "", *raw(BAD)), now=NOW)
    assert is_code(found)
    assert [one.call.method for one in found.examined] == ["", "GET"]
    assert rows(found) == ["htu", "bound_key"]  # what was refused comes first


SILENT = {
    "a handler of nonces": lines(
        "const answer = await fetch(url, { headers: { DPoP: proof } });",
        'if (error === "use_dpop_nonce") {',
        "  // the server says use_dpop_nonce: once more, with its nonce",
        "  return fetch(url, { headers: { DPoP: again } });",
        "}",
    ),
    "a docstring": lines(
        "def call(url):",
        '    """Call it.',
        "",
        "    Once more when the answer is use_dpop_nonce.",
        '    """',
        "    return requests.get(url, headers=headers(url))",
    ),
    "a maker of proofs": lines(
        "import jwt",
        "",
        "def proof(key, method, url):",
        "    claims = {'jti': str(uuid4()), 'htm': method, 'htu': url, 'iat': int(time())}",
        "    return jwt.encode(claims, key, headers={'typ': 'dpop+jwt'})",
    ),
    "C#": lines(
        "using System.Net.Http;",
        "public class Handler : DelegatingHandler {",
        '    private const string Error = "invalid_dpop_proof";',
        "}",
    ),
    "Go": lines(
        "package main",
        "func proof(key *ecdsa.PrivateKey) (string, error) {",
        '\ttoken := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"htm": "GET"})',
        "\treturn token.SignedString(key)",
        "}",
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_of_source_code_alone_nothing_is_judged(name):
    found = diagnose(SILENT[name])
    assert is_code(found)
    assert (found.understood, found.examined, found.exit_code) == (False, (), 2)


NO_CODE = {
    "prose": "Why does requests.get(url, auth=auth) give 401 Unauthorized, invalid_token?",
    "a traceback": lines(
        "Traceback (most recent call last):",
        '  File "a.py", line 3, in <module>',
        f'    answer = requests.get("{API}", headers=headers)',
        '  File "b.py", line 9, in get',
        "    answer.raise_for_status()",
        "HTTPError: 401 Client Error: Unauthorized, invalid_token",
    ),
}


@pytest.mark.parametrize("name", NO_CODE)
def test_what_only_speaks_of_code_is_none(name):
    found = diagnose(NO_CODE[name])
    assert not is_code(found)
    assert found.examined[0].call.error == "invalid_token"


OPAQUE = "S3cr3tOpaqueValue" * 3
GIVEN = {  # how programs write a name and its value
    "fetch": lambda name: f'fetch("{API}", {{"headers": {{"{name}": "{OPAQUE}"}}}});',
    "a template": lambda name: f"fetch(url, {{headers: {{'{name}': `{OPAQUE}`}}}});",
    "Python": lambda name: f"requests.post(url, data={{'a': 'b', '{name}': '{OPAQUE}'}})",
    "a setter": lambda name: f'req.Header.Set("DPoP", p)\nreq.Header.Set("{name}", "{OPAQUE}")',
    "PowerShell": lambda name: f'Invoke-RestMethod -Uri $uri -Headers @{{ "{name}" = "{OPAQUE}" }}',
    "pairs": lambda name: (
        "var http = new HttpClient();\n"
        f'var pair = new KeyValuePair<string, string>("{name}", "{OPAQUE}");'
    ),
}
NAMES = {"Authorization": "DPoP ", "Cookie": "session=", "X-Api-Key": "", "client_secret": "",
         "refresh_token": "", "password": "", "code": ""}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", GIVEN)
def test_a_secret_in_source_code_stays_out_though_it_is_echoed(how, name):
    code = GIVEN[how](name).replace(OPAQUE, NAMES[name] + OPAQUE)
    body = json.dumps({"error": "invalid_request", "error_description": f"not {OPAQUE}"})
    for answer in (body, f"HTTP/1.1 400 Bad Request\n\n{body}"):
        found = diagnose(f"{code}\n\n{answer}")
        assert is_code(found) and found.secrets
        assert OPAQUE not in told(found) + repr(found.problems)


def test_a_placeholder_in_source_code_is_no_secret():
    code = "fetch(url, {headers: {Authorization: `DPoP ${accessToken}`, Cookie: '<your-cookie>'}});"
    assert diagnose(f'{code}\n{{"error":"invalid_request"}}').secrets == ()


@pytest.mark.parametrize(
    ("text", "kind", "cases"),
    [
        (f"{GOOD}\n{BAD}", "a set of 2 JWTs", 2),
        (f"{GOOD} {TOKEN}", "a set of 2 JWTs", 1),
        (f'"{GOOD}",\n"{TOKEN}"', "a set of 2 JWTs", 1),
        (f"{GOOD[:99]}\n{GOOD[99:]}", "a DPoP proof", 1),
        (f"{GOOD[:99]}\n{GOOD[99:]}\n\n{BAD[:99]}\n{BAD[99:]}", "a set of 2 JWTs", 2),
        ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.a.b.c.d\n" + GOOD, "a set of 2 JWTs", 2),
    ],
    ids=["lines", "a blank", "quoted", "wrapped", "both wrapped", "a JWE and a JWS"],
)
def test_jwts_that_stand_apart_stay_apart(text, kind, cases):
    found = diagnose(text)
    assert (found.kind, len(found.examined)) == (kind, cases)


def test_the_things_in_a_list_keep_their_order():
    things = [lines(*raw(GOOD)), logged(BAD)]
    for pasted in (things, json.dumps(things)):
        found = diagnose(pasted, now=NOW)
        assert [one.call.proofs for one in found.examined] == [(GOOD,), (BAD,)]


PLACEHOLDERS = (
    "$PROOF ${PROOF} $(make-proof) `make-proof` {{proof}} {proof} %PROOF% <proof> <your-proof>"
    " YOUR_PROOF your-proof PROOF DPOP_PROOF eyJhbGci... … [redacted] $env:PROOF"
).split()


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_never_judged_as_a_proof(value):
    for text in (
        lines(*raw(value)[:5]),
        f"curl {API} -H \"DPoP: {value}\" -H 'Authorization: DPoP {TOKEN}'",
        json.dumps(logged(value)),
    ):
        found = diagnose(text, now=NOW)
        assert found.examined[0].call.hidden == ("proof",), text
        assert found.examined[0].call.proofs == ()


def test_a_variable_that_is_set_in_the_text_has_its_value():
    text = f'export PROOF="{BAD}"\nT={TOKEN}\n' + curl("$PROOF").replace("'", '"')
    found = diagnose(text.replace(f"DPoP {TOKEN}", "DPoP ${T}"), now=NOW)
    assert rows(found) == ["htu"]
    assert found.examined[0].call.token == TOKEN


@pytest.mark.parametrize(
    ("options", "method"),
    [("-F a=b", "POST"), ("-d @file", "POST"), ("-d ''", "POST"), ("-T file", "PUT"),
     ("-G -d a=b", "GET"), ("-I", "HEAD"), ("-X PATCH -d a=b", "PATCH")],
)  # fmt: skip
def test_the_method_of_a_curl_command_follows_from_its_options(options, method):
    assert diagnose(f"curl {options} {API}").examined[0].call.method == method


def test_header_lines_from_a_file_may_hold_the_proof():
    found = diagnose(f"curl {API} -H @headers.txt -H 'Authorization: DPoP {TOKEN}'", now=NOW)
    assert found.remarks
    assert not found.examined[0].call.whole
    assert "one_header" not in rows(found)


def test_the_curl_commands_of_a_story_are_an_exchange_each():
    with Lab() as lab:
        lab.session.get(lab.api, auth=lab.auth("m2m.dpop.nonce"))
        found = diagnose(lab.story.curl())
    assert [one.call.url for one in found.examined] == [TOKEN_URL, TOKEN_URL, API]
    assert found.examined[2].call.hidden == ("proof", "access_token")


def har(*header_lines):
    """A HAR file with one exchange that has these header lines."""
    headers = [{"name": name, "value": value} for name, value in header_lines]
    asked = {"method": "GET", "url": API, "headers": headers}
    return {"log": {"entries": [{"request": asked, "response": {"status": 401, "headers": []}}]}}


def test_a_har_file_without_the_authorization_headers_is_not_whole():
    bare = diagnose(har(("DPoP", GOOD)), now=NOW)
    assert not bare.examined[0].call.whole
    assert "scheme" not in rows(bare)
    full = diagnose(har(("DPoP", GOOD), ("Authorization", f"Bearer {TOKEN}")), now=NOW)
    assert "scheme" in rows(full)


FAILING = type("Failing", (), {"__iter__": lambda self: 1 / 0})()
EXPLODING = type("Exploding", (), {"exchange": property(lambda self: 1 / 0)})()
UNREADABLE = type("Unreadable", (), {"read": lambda self, size: 1 / 0})()


def test_the_password_of_a_login_page_in_a_har_file_is_named():
    file = har(("DPoP", GOOD))
    form = {"text": "Username=ann&Password=tulip", "params": []}
    login = {"method": "POST", "url": "https://as.example/login", "headers": [], "postData": form}
    file["log"]["entries"].append({"request": login, "response": {"status": 302, "headers": []}})
    for entries in (file["log"]["entries"], file["log"]["entries"][1:]):
        shown = str(diagnose({"log": {"entries": entries}}))
        assert "a password" in shown
        assert "tulip" not in shown


@pytest.mark.parametrize(
    "thing",
    ["HTTP/1.1 200", "HTTP/1.1 200 OK\n\n", "GET / HTTP/1.1", "curl ", "curl", requests.Response(),
     FAILING, EXPLODING, UNREADABLE, io.StringIO(""), [], [[]], {}, "[]", "###", "```\n```"],
    ids=lambda thing: repr(thing)[:16].partition(" at ")[0],
)  # fmt: skip
def test_what_says_nothing_is_not_understood(thing):
    found = diagnose(thing)
    assert (found.understood, found.examined, found.exit_code) == (False, (), 2)


class Endless(io.RawIOBase):
    """A file without an end, nor an end of a line."""

    def read(self, size=-1):
        assert size > 0
        return b"a" * size


def test_no_more_is_read_of_a_file_than_is_looked_at():
    found = diagnose(Endless())
    assert not found.understood
    assert len(found.remarks) == 2


def test_a_file_over_the_limit_is_said_to_be_cut(tmp_path):
    file = tmp_path / "long.txt"
    file.write_text(lines(*raw(BAD)) + " " * 16_000_001, encoding="utf-8")
    found = diagnose(file, now=NOW)
    assert rows(found) == ["htu"]
    assert any("16000000" in remark for remark in found.remarks)


ERRORS = {
    "a JSON error": {"error": "invalid_dpop_proof", "status": 401},
    "an exchange in JSON": {"error": "x", "status": 401, "headers": {"Date": DATE}},
    "a problem in JSON (RFC 9457)": {
        "title": "No",
        "status": 401,
        "detail": "Invalid 'htu' value.",
    },
    "an access log": f'::1 - - [x] "GET /api/dpop/test HTTP/2.0" 401 0 "{API}" "x/1"',
}


@pytest.mark.parametrize("kind", ERRORS)
def test_an_answer_alone_has_its_status(kind):
    found = diagnose(ERRORS[kind])
    assert (found.kind, found.examined[0].call.status) == (kind, 401)


def test_what_stands_around_a_server_s_words_is_known_too():
    found = diagnose(f"POST {TOKEN_URL} gave 400 Invalid 'htu' value.")
    case = found.examined[0].call
    assert (case.method, case.url, case.status, rows(found)) == ("POST", TOKEN_URL, 400, ["htu"])
    fenced = diagnose(f"I call GET {API} with\n```\n{BAD}\n```\n", token=TOKEN, now=NOW)
    assert rows(fenced) == ["htu"]


def test_a_challenge_in_quotes_is_read_to_its_end():
    said = 'DPoP algs=\\"ES256\\", error=\\"invalid_dpop_proof\\", error_description=\\"no\\"'
    found = diagnose(f'-> 400 Bad Request\nWWW-Authenticate: "{said}"')
    call = found.examined[0].call
    assert (call.status, call.error, call.description) == (400, "invalid_dpop_proof", "no")
    assert [one.scheme for one in call.challenges] == ["dpop"]


def test_json_over_several_lines_of_a_log_is_the_body_of_the_answer():
    body = json.dumps({"error": "invalid_grant", "more": {"a": [1]}}, indent=2)
    found = diagnose(f"POST {TOKEN_URL}\nDPoP: {proof()}\n-> 400\n{body}\ndone", now=NOW)
    [one] = found.examined
    assert (one.call.status, one.call.error) == (400, "invalid_grant")


def test_what_stands_around_raw_messages_is_no_exchange():
    found = diagnose(lines(f"I send GET {API} and get 401:", "", *raw(BAD)), now=NOW)
    assert [one.call.proofs for one in found.examined] == [(BAD,)]


TOKEN_PROOF = proof(token=None, htm="POST", htu=TOKEN_URL)
FORMS = {
    "HTTPie": f"http -f POST {TOKEN_URL} DPoP:{TOKEN_PROOF} {FORM.replace('&', ' ')}",
    "http.client": lines(
        f"send: b'POST /connect/token HTTP/1.1\\r\\nHost: demo.duendesoftware.com\\r\\n"
        f"DPoP: {TOKEN_PROOF}\\r\\n\\r\\n'",
        f"send: b'{FORM}'",
    ),
    ".http file": lines(
        f"POST {TOKEN_URL}", f"DPoP: {TOKEN_PROOF}", "", FORM.replace("&", "\n&"), "", "### x"
    ),
    "raw": lines(f"POST {TOKEN_URL} HTTP/1.1", f"DPoP: {TOKEN_PROOF}", "", FORM, "", "### next"),
    "JSON": json.dumps(
        {"method": "POST", "url": TOKEN_URL, "headers": {"DPoP": TOKEN_PROOF}, "body": FORM}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_token_request_is_read_with_its_form(name):
    found = diagnose(FORMS[name], now=NOW)
    assert found.healthy, rows(found)
    case = found.examined[0].call
    assert (case.method, case.url, len(case.proofs)) == ("POST", TOKEN_URL, 1)
    assert case.form["client_secret"] == "a-long-secret"
    assert "a-long-secret" not in found.text() + found.markdown()


def long(size):
    """Each format, of so many characters, by name."""
    return {
        "fences": "```\n" * (size // 4),
        "Burp Suite": '<items burpVersion="1">' + "<item><request>ey" * (size // 17),
        "Burp Suite's one item": '<items burpVersion="1"><item>' + "<request>]]" * (size // 11),
        "one fence": "```\n" + "> > a: b\n" * (size // 9),
        "double spacing": "DPoP: x\n\n" * (size // 9),
        "OkHttp": "--> GET https://a/x\nDPoP: ey\n<-- 401 x\n" * (size // 40),
        "octets sent": "send: b'" * (size // 8),
        "status words": "Received HTTP response " * (size // 23),
        "braces": "GET https://a/b\n" + "{ " * (size // 2),
        "names": "GET https://a/b " + "DPoP: " * (size // 6),
        "pseudo header lines": ":method: GET\n:path: /x\n" * (size // 23),
        "a browser's": "Request URL\n" * (size // 12),
        "an access log": '1.1.1.1 - - [x] "GET /x HTTP/1.1" 401 0 "-"\n' * (size // 46),
        "curl": "curl https://a/b -H 'DPoP: x'\n" * (size // 30),
        "open quotes": "curl 'https://a/b\n" * (size // 18),
        "HTTPie": "http -v " * (size // 8),
        "fetch": 'fetch("https://a/b",{headers:{' + '"a":"b",' * (size // 8),
        "data": "requests.get('https://a'," + "data={" * (size // 6),
        "JSON lines": '{"method":"GET","url":"https://a/b","headers":{"DPoP":"x"}}\n'
        * (size // 61),
        "JSON": '{"request":{"method":"GET","headers":['
        + '["a","b"],' * (size // 11)
        + '["a","b"]]}}',
        "blanks": " " * size,
        "back ticks": "DPoP: `" + "`" * size,
        "brackets in a value": "GET / HTTP/1.1\nDPoP: $(" + "(" * size,
    }


def wide(text):
    """As UTF-16 that was cut within its last character."""
    return text.encode("utf-16") + b"x"


WORDS = {"error": "invalid_dpop_proof", "error_description": "Invalid 'htu' value."}


@pytest.mark.parametrize("end", ["0", "0  ", "0\nX-Checksum: 1"])
def test_the_body_of_an_answer_in_chunks_ends_with_the_last_of_them(end):
    head, tail = json.dumps(WORDS)[:20], json.dumps(WORDS)[20:]
    chunks = lines("HTTP/1.1 401 x", "", "14", head, f"{len(tail):x} ", tail, end, "")
    [call] = diagnose(chunks).as_dict()["requests"]
    assert call["error_description"] == "Invalid 'htu' value."


def test_an_error_that_a_log_shows_after_the_header_lines_is_the_answer_s():
    octets = raw(BAD)[:4]
    log = f"send: b'{chr(10).join(octets)}'".replace("\n", "\\r\\n")
    log = lines(log, "reply: 'HTTP/1.1 401 x\\r\\n'", f"header: Date: {DATE}", json.dumps(WORDS))
    assert diagnose(log).as_dict()["requests"][0]["error"] == "invalid_dpop_proof"


def test_a_log_with_an_empty_line_after_each_is_read_as_one_without():
    log = "\n\n".join(f"DEBUG http-outgoing-0 >> {one}" for one in raw(BAD)[:4])
    assert told(diagnose(log)) == told(diagnose(log.replace("\n\n", "\n")))


def test_requests_of_a_file_stay_two_where_raw_answers_follow_them():
    two = lines(f"GET {API}", *raw(BAD)[2:], f"GET {API}", *raw(STOLEN)[2:])
    assert [(one["url"], one["status"]) for one in diagnose(two).as_dict()["requests"]] == [
        (API, 401)
    ] * 2


def test_an_authority_before_the_method_belongs_to_the_request_that_follows():
    one = lines(
        ":authority: a.example", ":method: GET", ":scheme: https", ":path: /x", f"dpop: {BAD}"
    )
    calls = diagnose(lines(one, one)).as_dict()["requests"]
    assert [call["url"] for call in calls] == ["https://a.example/x"] * 2


def test_a_status_before_the_one_request_of_its_line_is_that_request_s():
    [call] = diagnose(f"got 401 for GET {API}\nDPoP: {BAD}").as_dict()["requests"]
    assert (call["method"], call["status"]) == ("GET", 401)


def test_of_several_logs_no_more_is_told_than_of_one():
    logs = [lines(*raw(BAD), "") * 30] * 5
    found = diagnose(json.dumps(logs)).as_dict()
    names = [one["name"] for one in found["requests"]]
    assert len(names) == 100 and names[-1] == "exchange 100 of 150"
    assert found["remarks"][0].startswith("Only the first 100 of 150")


def test_of_a_command_beside_a_jwt_nothing_is_repeated():
    text = f"$ http -a me:hunter2hunter :8080/x DPoP:{BAD}\ninvalid_token"
    assert "hunter2" not in json.dumps(diagnose(text).as_dict())


@pytest.mark.parametrize("encode", [lambda text: b"G\0" + text[1:].encode() + b"\n", wide])
def test_a_nul_octet_makes_no_other_encoding_and_an_odd_one_at_the_end_none_the_less(encode):
    text = lines(*raw(BAD), "\n" * (len("\n".join(raw(BAD))) % 2))
    assert rows(diagnose(encode(text))) == rows(diagnose(text))


def test_a_token_in_a_message_within_json_is_told_beside_the_proof():
    sent = diagnose(json.dumps({"request": lines(*raw(GOOD)[:4])})).as_dict()
    assert "an access token" in sent["secrets"]


@pytest.mark.parametrize("name", long(0))
def test_a_long_text_of_each_format_gives_a_short_report(name):
    assert len(diagnose(long(LONG)[name]).text()) < 160_000


PIECES = st.sampled_from(
    [one for make in (FORMATS | CALLS).values() for one in [make(BAD)] if isinstance(one, str)]
    + list(FORMS.values())
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=3), st.integers(0, 3000), st.sampled_from(("", "\n", "> ", "# ")))
def test_no_mixture_of_formats_raises(pieces, cut, mark):
    text = "\n".join(pieces)
    for one in (text[:cut], text[cut:], text.replace("\n", f"\n{mark}")):
        assert TOKEN not in diagnose(one).text()


CLAIMS = '"jti": "a", "htm": "POST", "htu": "https://as.example/token", "iat": 1764327600'
DECODED = {  # a text, and what it does not show
    f'{{"typ": "dpop+jwt", "alg": "ES256", "jwk": {{"kty": "EC"}}}}\n{{{CLAIMS}}}': set(),
    f'HEADER:\n{{"typ": "dpop+jwt", "alg": "ES256", "jwk": "...",}}\nPAYLOAD:\n{{{CLAIMS},}}': {
        "jwk"
    },
    f"Proof.Payload: {{{CLAIMS}}}": {"typ", "alg", "jwk"},
    "```\n{ jti: 'a', htm: 'POST', htu: 'https://as.example/token', iat: now() }\n```": {
        "typ",
        "alg",
        "jwk",
        "iat",
    },
    "claims {jti=a, htm=POST, htu=https://as.example/token, iat=1764327600}": {"typ", "alg", "jwk"},
    'jti = "a"\nhtm = "POST"\nhtu = "https://as.example/token"\niat = 1764327600': {
        "typ",
        "alg",
        "jwk",
    },
}


@pytest.mark.parametrize("text", DECODED)
def test_a_decoded_proof_is_read_for_what_it_shows_and_no_more(text):
    call = diagnose(f"{text}\n\nPOST https://as.example/token gives 400").examined[0].call
    assert (call.method, call.url, call.status) == ("POST", "https://as.example/token", 400)
    assert (call.proof.claims["jti"], call.proof.claims["htu"]) == ("a", call.url)
    assert not call.token
    assert set(call.unseen) == {f"proof.{one}" for one in DECODED[text] | {"signature"}}


PROOF_BAD, WANTED = "invalid_dpop_proof", "use_dpop_nonce"
WORDS_ANYWHERE = {  # a text, and of its last call status, error and words
    'at a.b(C.java:1)\nCaused by: 401 DPoP error="invalid_dpop_proof",'
    ' error_description="too old"\n\t... 2 more': (401, PROOF_BAD, "too old"),
    'Www-Authenticate:[DPoP error=\\"use_dpop_nonce\\"]] status=401': (401, WANTED, ""),
    'DPoP ... error="invalid_dpop_proof",\n  error_description="no htu"': (
        None,
        PROOF_BAD,
        "no htu",
    ),
    'auth: 400: {"error":"use_dpop_nonce"}\nauth: 400: {"error":"invalid_grant"}': (
        400,
        "invalid_grant",
        "",
    ),
    'type="X", error="invalid_dpop_proof", reason="DPoP is not active"': (
        None,
        PROOF_BAD,
        "DPoP is not active",
    ),
    '{"status": 401, "detail": "DPoP htu differs"}': (401, "", "DPoP htu differs"),
    '- error : "invalid_dpop_proof"\n  - some : "DPoP is missing"': (
        None,
        PROOF_BAD,
        "DPoP is missing",
    ),
    "lib.UseDPoPNonce: a DPoP nonce is required": (None, WANTED, "a DPoP nonce is required"),
}


ELIDED = 'DPoP realm="x", ... error="invalid_dpop_proof", error_description="too ... old"'


@pytest.mark.parametrize(
    "text",
    [
        f"HTTP/1.1 401 No\nWWW-Authenticate: {ELIDED}\n\n",
        f"WWW-Authenticate: {ELIDED}",
        f"got 401, www-authenticate: {ELIDED}",
        json.dumps({"status": 401, "headers": {"WWW-Authenticate": ELIDED.replace("...", "…")}}),
    ],
)
def test_what_is_left_out_of_a_challenge_is_no_part_of_it_in_whatever_form(text):
    call = diagnose(text).examined[-1].call
    assert call.error == "invalid_dpop_proof"
    assert [one.scheme for one in call.challenges or ()] == ["dpop"]
    assert call.description.replace("…", "...") == "too ... old"


@pytest.mark.parametrize(
    "text",
    [
        "auth failed: invalid_dpop_proof (reason='iat is too old', iat=1775029320 now=1775029820)",
        'error=invalid_dpop_proof detail="proof too old" iat=1775029320 now=1775029820',
    ],
)
def test_times_beside_a_server_s_words_are_compared(text):
    [problem] = diagnose(text).problems
    assert problem.row == "fresh"
    assert "500 s" in problem.title


@pytest.mark.parametrize("text", WORDS_ANYWHERE)
def test_a_server_s_words_are_found_wherever_they_stand(text):
    call = diagnose(text).examined[-1].call
    status, error, words = WORDS_ANYWHERE[text]
    assert (call.status, call.error) == (status, error)
    assert words in call.description
    assert all(one.scheme == "dpop" for one in call.challenges or ())


def test_words_before_a_command_are_its_answer():
    text = f'I get {{"error":"invalid_request","error_description":"DPoP htu"}}\n\n{curl(GOOD)}'
    [one] = diagnose(text).examined
    assert (one.call.error, one.call.description) == ("invalid_request", "DPoP htu")
    assert one.call.proofs == (GOOD,)


def test_a_report_that_is_pasted_back_is_read_as_the_request_it_is_about():
    first = diagnose(lines(*raw(BAD)), now=NOW)
    for text in (first.text(), coloured(first.text()), first.markdown()):
        call = diagnose(text, now=NOW).examined[0].call
        assert (call.method, call.url, call.status) == ("GET", API, 401)
        assert call.proof.claims["htu"] == f"{API}/other"
    again = diagnose(json.dumps(first.as_dict()))
    assert [(one.title, one.action) for one in again.problems] == [
        (one.title, one.action) for one in first.problems
    ]


def test_what_serve_explain_told_is_told_again_the_last_refusal_first():
    why = (("row", "fresh, RFC 9449 §4.3 (11), free: Was it made now?"), ("change", "Set it."))
    told = [
        Entry(number=1, time=0.0, refused=True, verdict="GET /a: refused, 401", why=()),
        Entry(number=2, time=1.0, refused=True, verdict="POST /token: refused, 400", why=why),
        Entry(number=3, time=2.0, refused=False, verdict="GET /a: accepted, 200"),
    ]
    found = diagnose("\n".join(["ready", *map(repr, told)])).problems
    assert [one.title for one in found] == ["POST /token: refused, 400", "GET /a: refused, 401"]
    assert (found[0].row, found[0].action) == ("fresh", "Set it.")
    assert found[0].section == "RFC 9449 §4.3 (11), free"


@pytest.mark.parametrize(
    "text",
    ["The proof of the dough: 12 loaves, got 404, refused one.", '"GET /a HTTP/1.1" 200 1 "-"'],
)
def test_other_texts_are_not_understood(text):
    assert diagnose(text).exit_code == 2


@pytest.mark.parametrize("behind", ["any ideas?", "then the api says 401. v1.4", "{", "\n\n42"])
def test_what_is_written_behind_a_json_body_is_none_of_it(behind):
    body = json.dumps({"error": "invalid_dpop_proof", "error_description": "Invalid 'htu' value."})
    text = f"HTTP/1.1 400 Bad Request\nContent-Type: application/json\n\n{body}\n\n{behind}"
    assert [one.row for one in diagnose(text).problems] == ["htu"]


def test_a_har_that_is_too_large_is_told_how_to_be_made_smaller():
    cut = '{"log": {"entries": [{"request": {}},' + " " * 100_001
    assert "HAR of fewer requests" in str(diagnose(cut))
    assert "HAR of fewer requests" not in str(diagnose(cut[1:]))
