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
FORMATS = WRAPPED | COMMANDS


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
