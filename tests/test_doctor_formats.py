"""The forms in which a request is pasted: each leads to the same request, and the same finding."""

import io
import json
from email.utils import formatdate

import pytest
import requests

from dpop_lab import Lab, diagnose
from tests.test_doctor import (
    API,
    BIG,
    NOW,
    TOKEN,
    TOKEN_URL,
    proof,
    rows,
)

DATE = formatdate(NOW, usegmt=True)
GOOD, BAD = proof(), proof(htu=f"{API}/other")
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
LOGS = {
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
    "PowerShell": lambda sent: lines(
        f'Invoke-WebRequest -UseBasicParsing -Uri "{API}" `',
        "-Headers @{",
        '"method"="GET"',
        '  "path"="/api/dpop/test"',
        f'  "DPoP"="{sent}"',
        f'  "Authorization"="DPoP {TOKEN}"',
        "}",
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
FORMATS = WRAPPED | COMMANDS | LOGS | CALLS
FORMATS |= {name: lambda sent, make=make: json.dumps(make(sent)) for name, make in VALUES.items()}
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
    assert (one.case.method, one.case.url, rows(bad)) == ("GET", API, ["htu"]), bad.kind
    assert one.case.token == TOKEN
    assert one.case.status in (None, 401)
    good = diagnose(FORMATS[name](GOOD), now=NOW)
    assert good.healthy, rows(good)
    assert not good.remarks
