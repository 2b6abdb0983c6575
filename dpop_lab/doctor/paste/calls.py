"""A call in the source of a program, in JavaScript, Python or PowerShell: the request it makes."""

import math
import re
from urllib.parse import urlencode

from dpop_lab.doctor.paste.commands import with_printed
from dpop_lab.doctor.paste.messages import START
from dpop_lab.doctor.paste.pasted import Pasted, of_exchanges
from dpop_lab.wire.message import Exchange

CALLS = (  # how a call begins, and what it is
    (
        re.compile(r"\b(?:requests|httpx|session|client)\.(\w+)\(\s*[furb]*[\"']"),
        "a call in Python",
    ),
    (re.compile(r"\b(?:fetch|axios(?:\.(\w+))?|\$\.ajax)\("), "a call in JavaScript"),
    (
        re.compile(
            r"\A[^\0]*?\.(?:header|addHeader|setHeader|setRequestHeader|Set|Add)"
            r"\(\s*[\"'](?:DPoP|Authorization)[\"']\s*,"
        ),
        "a call in a program",
    ),
    (re.compile(r"\b(?:Invoke-(?:WebRequest|RestMethod)|iwr|irm)\b", re.I), "a PowerShell command"),
)
STRING = r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|`[^`\n]*+`)"""
URL = re.compile(r"[\"'`](https?://[^\"'`\s]+)[\"'`]|\s-Uri\s+(https?://\S+)", re.I)
METHOD = re.compile(
    r"[\"']?\bmethod[\"']?\s*[:=]\s*[\"'](\w{1,20})[\"']|-Method\s+[\"']?(\w{1,20})"
    r"|(?:\.request|NewRequest)\(\s*[\"'](\w{1,20})[\"']|HttpMethod\.(\w{1,20})"
    r"|\.(GET|POST|PUT|PATCH|DELETE)\(",
    re.I,
)
BODY = re.compile(rf"(?:[\"']?\b(?:body|data)[\"']?\s*[:=]|-Body)\s*({STRING})", re.I)
FIELDS = re.compile(
    r"[\"']?\b(data|json|params|body)[\"']?\s*[:=]\s*"
    r"(?:new URLSearchParams\(|JSON\.stringify\(|@)?\{([^{}]*)\}",
    re.I,
)
PAIR = re.compile(
    rf"(?:[\"']([\w-]{{1,60}})[\"']|\b([A-Za-z][\w-]{{0,60}}))\s*(?:=>|[:=])\s*"
    rf"[furbFURB]{{0,2}}({STRING}|[A-Za-z_$][\w.]*)"
    rf"|\(\s*[\"']([\w-]{{1,60}})[\"']\s*,\s*({STRING}|[A-Za-z_$][\w.]*)"
)
NO_HEADERS = set(
    "method body data mode credentials referrer referrerpolicy url uri cache redirect headers json"
    " params get post put patch delete head options authority path scheme"
    " contenttype timeout verify auth keepalive window signal".split()
)
PAIRED_ONLY = ("authorization", "dpop")  # those that count where a variable is the value
LONGEST = 100_000


def code_paste(text: str) -> Pasted | None:
    """The request of a call in a program's source; None where there is none. Nothing is run."""
    start = START.search(text[:LONGEST])
    end = start.start() if start else LONGEST
    text, printed = text[:end], text[end:] if start else ""
    for pattern, kind in CALLS:
        if (call := pattern.search(text)) is None:
            continue
        verb = (call[1] or "").upper() if pattern.groups else ""
        made = _request(text[call.start() :], verb if verb != "REQUEST" else "")
        if made.url and made.request_headers:
            return of_exchanges(kind, with_printed(made, printed))
    return None


def _request(text: str, verb: str) -> Exchange:
    """The request of the call that the text begins with."""
    url, method = URL.search(text), METHOD.search(text)
    forms = [match for match in FIELDS.finditer(text) if match[1].lower() in ("data", "body")]
    body = "&".join(urlencode(list(_pairs(one[2]).items())) for one in forms)
    if not body and (given := BODY.search(text)):
        body = _unquoted(given[1])
    named = next((one for one in (method.groups() if method else ()) if one), "") or verb
    headers = {
        name: value
        for name, value in _pairs(BODY.sub("", FIELDS.sub("", text))).items()
        if name.lower() not in NO_HEADERS
    }
    return Exchange(
        (named or ("POST" if body else "GET")).upper(),
        next((one for one in (url.groups() if url else ()) if one), ""),
        tuple(headers.items()), body, math.nan, math.nan,
    )  # fmt: skip


def _pairs(text: str) -> dict[str, str]:
    """The names and values in a text; `<name>` for a value that is a variable's."""
    found: dict[str, str] = {}
    for match in PAIR.finditer(text):
        name, value = match[1] or match[2] or match[4], match[3] or match[5]
        if value[0] in "\"'`":
            found[name] = _unquoted(value)
        elif name.lower() in PAIRED_ONLY:
            found[name] = f"<{value.replace('.', ' ').strip('$')}>"
    return found


def _unquoted(text: str) -> str:
    plain = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"[\\`](.)", lambda match: plain.get(match[1], match[1]), text[1:-1], flags=re.S)
