"""Exchanges as other tools have them: as HAR, for browsers, and as curl commands."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from dpop_lab.checking import Finding, Report
from dpop_lab.show.values import printable, shown
from dpop_lab.wire.message import Headers, Redacted, first, lines
from dpop_lab.wire.redact import FORM

NOTE = re.compile(r"<(?:(\d+) bytes of [^>]*|streamed body, not recorded)>")
UNKNOWN = -1  # what HAR says for a number of octets that is not known
IN_A_URL = ":/?#[]@!$&'()*+,;=%~"


def har(exchanges: Sequence[Redacted], words: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The exchanges as the JSON object of a HAR file, with words of ours on each."""
    from dpop_lab import __version__

    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "dpop_lab", "version": __version__},
            "pages": [],
            "entries": [_entry(*pair) for pair in zip(exchanges, words, strict=True)],
        }
    }


def _entry(exchange: Redacted, words: Mapping[str, str]) -> dict[str, Any]:
    took = round(exchange.took * 1000, 3)
    sent = datetime.fromtimestamp(exchange.sent_at, UTC).isoformat(timespec="milliseconds")
    reports = [_report(report) for report in exchange.reports]
    return {
        "startedDateTime": sent.replace("+00:00", "Z"),
        "time": took,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "_dpop_lab": {**words, **({"reports": reports} if reports else {})},
    }


def _request(exchange: Redacted) -> dict[str, Any]:
    url, body = exchange.url, exchange.request_body
    cookies = ";".join(lines(exchange.request_headers, "cookie")).split(";")
    media_type = first(exchange.request_headers, "content-type")
    fields = body if media_type.startswith(FORM) else ""
    data = {"mimeType": media_type, "text": body, "params": _query(fields)}
    return {
        "method": exchange.method,
        "url": quote(url, safe=IN_A_URL, errors="replace"),
        "queryString": _query(url.partition("?")[2].partition("#")[0]),
        **_message(exchange.request_headers, cookies, body),
        **({"postData": data} if body else {}),
    }


def _response(exchange: Redacted) -> dict[str, Any]:
    headers, body = exchange.response_headers, exchange.response_body
    cookies = [line.partition(";")[0] for line in lines(headers, "set-cookie")]
    media_type = first(headers, "content-type") or "x-unknown"
    told = {"comment" if NOTE.fullmatch(body) else "text": body} if body else {}
    response = {
        "status": exchange.status or 0,
        "statusText": exchange.reason,
        "content": {"size": max(_size(body), 0), "mimeType": media_type, **told},
        "redirectURL": first(headers, "location"),
        **_message(headers, cookies, body),
    }
    if exchange.status is None:
        response |= {"httpVersion": "", "bodySize": UNKNOWN, "_error": exchange.failure}
    return response


def _message(headers: Headers, cookies: Sequence[str], body: str) -> dict[str, Any]:
    """What HAR has of requests and of answers."""
    pairs = (cookie.strip().partition("=")[::2] for cookie in cookies if cookie)
    return {
        "httpVersion": "HTTP/1.1",
        "cookies": _named(pairs),
        "headers": _named(headers),
        "headersSize": UNKNOWN,
        "bodySize": _size(body),
    }


def _size(body: str) -> int:
    """The octets of a body as it is told, without its secrets; of one that is not, if known."""
    if note := NOTE.fullmatch(body):
        return int(note[1]) if note[1] and len(note[1]) < 16 else UNKNOWN
    return len(body.encode("utf-8", "replace"))


def _query(text: str) -> list[dict[str, str]]:
    return _named(parse_qsl(text, keep_blank_values=True))


def _named(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _report(report: Report) -> dict[str, Any]:
    """The report of a server as data: its profile, and its rows."""
    return {
        "profile": report.profile,
        "accepted": report.accepted,
        "struck_out": list(report.struck_out),
        "rows": [_row(finding) for finding in report.findings],
    }


def _row(finding: Finding) -> dict[str, Any]:
    row = {"row": finding.check.name, "mark": finding.mark, "section": finding.check.section}
    if finding.mark == "not asked":
        return row
    return row | {"wanted": shown(finding.wanted), "found": shown(finding.found)}


NOT_SAID = ("host", "content-length", "connection")  # curl adds these itself


def as_curl(exchange: Redacted) -> str:
    """The request of an exchange as a `curl` command, a header a line, quoted for a POSIX shell.

    What was redacted stays so: put your own token in the place of `<access_token 1>`.
    """
    lines = [f"curl --include --request {shlex.quote(exchange.method)} {shlex.quote(exchange.url)}"]
    for name, value in exchange.request_headers:
        if name.lower() not in NOT_SAID:
            lines.append(f"  --header {shlex.quote(f'{name}: {value}')}")
    if exchange.request_body:
        lines.append(f"  --data-raw {shlex.quote(exchange.request_body)}")
    return printable(" \\\n".join(lines), "\n\t")
