"""Exchanges in values: HAR files of browsers, requests' own objects, what the lab recorded."""

import base64
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import requests

from dpop_lab.client.recorder import header_lines
from dpop_lab.doctor.paste.logged import headers_in
from dpop_lab.doctor.paste.messages import EMPTY
from dpop_lab.wire.message import Exchange

LONGEST = 500_000  # characters of a body


def har_entries(value: object) -> list[Exchange] | None:
    """The exchanges of a HAR 1.2 file, None for JSON that is none. Never raises."""
    log = value.get("log") if isinstance(value, Mapping) else None
    entries = log.get("entries") if isinstance(log, Mapping) else None
    if not isinstance(entries, list):
        return None
    return [_entry(one) for one in entries if isinstance(one, Mapping)]


def _entry(entry: Mapping[str, Any]) -> Exchange:
    asked, answered = _mapping(entry.get("request")), _mapping(entry.get("response"))
    sent, content = _mapping(asked.get("postData")), _mapping(answered.get("content"))
    status = answered.get("status")
    body = _text(sent.get("text"))
    if not body and isinstance(sent.get("params"), list):
        pairs = [_mapping(one) for one in sent["params"]]
        body = "&".join(f"{_text(one.get('name'))}={_text(one.get('value'))}" for one in pairs)
    answer = _text(content.get("text"))
    if content.get("encoding") == "base64":
        answer = _decoded(answer)
    got = isinstance(status, int) and status > 0
    return replace(
        EMPTY,
        method=_text(asked.get("method")),
        url=_text(asked.get("url")),
        request_headers=headers_in(asked.get("headers")),
        request_body=body,
        sent_at=_time(_text(entry.get("startedDateTime"))),
        status=status if got else None,
        reason=_text(answered.get("statusText")),
        response_headers=headers_in(answered.get("headers")),
        response_body=answer,
        failure="" if got else _text(answered.get("_error")) or "no answer was recorded",
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return math.nan


def of_requests(value: object) -> list[Exchange] | None:
    """The exchanges of an object of `requests`: an answer with its history, a request, an error.

    None for any other object. A body that was not read yet is left unread.
    """
    if isinstance(value, requests.Response):
        return [_answer(one) for one in (*value.history, value)]
    if isinstance(value, requests.PreparedRequest):
        return [_request(value)]
    if isinstance(value, requests.Request):
        try:
            return [_request(value.prepare())]
        except (requests.RequestException, ValueError):
            return [replace(EMPTY, method=str(value.method), url=str(value.url))]
    if isinstance(value, requests.RequestException):
        if value.response is not None:
            return of_requests(value.response)
        if value.request is not None:
            asked = of_requests(value.request) or []
            return [replace(one, failure=str(value)[:500]) for one in asked]
    return None


def _request(request: requests.PreparedRequest) -> Exchange:
    body = request.body
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return replace(
        EMPTY,
        method=str(request.method),
        url=str(request.url),
        request_headers=header_lines(request),
        request_body=text[:LONGEST] if isinstance(text, str) else "",
    )


def _answer(answer: requests.Response) -> Exchange:
    known = answer.request is not None
    asked = _request(answer.request) if known else replace(EMPTY, url=answer.url or "")
    content = getattr(answer, "_content", b"")  # `content` itself would read, and wait
    body = content if isinstance(content, bytes) else b""
    lines = getattr(answer.raw, "headers", answer.headers).items()
    return replace(
        asked,
        status=answer.status_code,
        reason=str(answer.reason or ""),
        response_headers=tuple((str(name), str(text)) for name, text in lines),
        response_body=body[:LONGEST].decode("utf-8", "replace"),
    )
