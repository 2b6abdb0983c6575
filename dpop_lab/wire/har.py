"""Exchanges as HAR 1.2, which the developer tools of browsers open."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from dpop_lab.checking import Finding, Report
from dpop_lab.show.values import shown
from dpop_lab.wire.message import Headers, Redacted, lines

Pairs = Iterable[tuple[str, str]]
NOTE = re.compile(r"<(?:(\d+) bytes of [^>]*|streamed body, not recorded)>")
UNKNOWN = -1  # what HAR says for a number of octets that is not known
IN_A_URL = ":/?#[]@!$&'()*+,;=%~"
FORM = "application/x-www-form-urlencoded"


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
    reports = [_report(report) for report in exchange.reports]
    return {
        "startedDateTime": _time(exchange.sent_at),
        "time": took,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "_dpop_lab": {**words, **({"reports": reports} if reports else {})},
    }


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request(exchange: Redacted) -> dict[str, Any]:
    headers, body = exchange.request_headers, exchange.request_body
    cookies = [pair for line in lines(headers, "cookie") for pair in line.split(";")]
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": quote(exchange.url, safe=IN_A_URL, errors="replace"),
        "httpVersion": "HTTP/1.1",
        "cookies": _named(map(_pair, cookies)),
        "headers": _named(headers),
        "queryString": _named(_query(exchange.url)),
        "headersSize": UNKNOWN,
        "bodySize": _size(body),
    }
    if body:
        media_type = "".join(lines(headers, "content-type")[:1])
        fields = parse_qsl(body, keep_blank_values=True) if media_type.startswith(FORM) else []
        request["postData"] = {"mimeType": media_type, "text": body, "params": _named(fields)}
    return request


def _response(exchange: Redacted) -> dict[str, Any]:
    headers, body = exchange.response_headers, exchange.response_body
    cookies = [line.partition(";")[0] for line in lines(headers, "set-cookie")]
    failed = exchange.status is None
    response: dict[str, Any] = {
        "status": exchange.status or 0,
        "statusText": exchange.reason,
        "httpVersion": "" if failed else "HTTP/1.1",
        "cookies": _named(map(_pair, cookies)),
        "headers": _named(headers),
        "content": _content(body, "".join(lines(headers, "content-type")[:1])),
        "redirectURL": "".join(lines(headers, "location")[:1]),
        "headersSize": UNKNOWN,
        "bodySize": UNKNOWN if failed else _size(body),
    }
    return {**response, "_error": exchange.failure} if failed else response


def _content(body: str, media_type: str) -> dict[str, Any]:
    content: dict[str, Any] = {"size": max(_size(body), 0), "mimeType": media_type or "x-unknown"}
    return {**content, ("comment" if NOTE.fullmatch(body) else "text"): body} if body else content


def _size(body: str) -> int:
    """The octets of a body as it is told, without its secrets; of one that is not, if known."""
    if note := NOTE.fullmatch(body):
        return int(note[1]) if note[1] and len(note[1]) < 16 else UNKNOWN
    return len(body.encode("utf-8", "replace"))


def _query(url: str) -> Pairs:
    return parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True)


def _pair(cookie: str) -> tuple[str, str]:
    name, _, value = cookie.strip().partition("=")
    return name, value


def _named(pairs: Pairs | Headers) -> list[dict[str, str]]:
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
