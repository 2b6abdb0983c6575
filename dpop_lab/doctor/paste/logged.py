"""An exchange in a JSON object, as programs log it: by the names that are usual."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.doctor.paste.messages import EMPTY, url_of, with_headers
from dpop_lab.wire.message import Exchange, Headers

METHOD = ("method", "httpMethod", "http_method", "requestMethod", "request_method", "verb")
URL = (
    "url",
    "uri",
    "requestUrl",
    "requestUri",
    "request_uri",
    "href",
    "endpoint",
    "path",
    "target",
)
HOST = ("host", "hostname", "authority")
HEADERS = ("headers", "requestHeaders", "request_headers", "rawHeaders")
ANSWER_HEADERS = ("headers", "responseHeaders", "response_headers", "rawHeaders")
STATUS = ("status", "statusCode", "status_code", "responseStatus", "response_status", "code")
ASKED_BODY = ("body", "data", "requestBody", "request_body", "form", "payload")
BODY = ("body", "data", "responseBody", "response_body", "content", "text", "json")
LONGEST = 500_000  # characters of a body
MOST = 200  # header lines


def logged_exchange(value: Mapping[Any, Any]) -> Exchange | None:
    """The exchange that an object tells of, by the usual names; None where it tells of none.

    Request and answer may be objects in it, or all may stand side by side. Never raises.
    """
    asked = _first(value, ("request", "req", "config"), Mapping) or value
    answered = _first(value, ("response", "res"), Mapping) or value
    method, url = _first(asked, METHOD, str) or "", _first(asked, URL, str) or ""
    sent, received = (
        headers_in(_first(asked, HEADERS)),
        headers_in(_first(answered, ANSWER_HEADERS)),
    )
    if asked is answered:
        sent, received = _by_names(sent, value)
    status = _first(answered, STATUS, int) or _first(value, STATUS, int)
    if not (method or sent or received) and not (url and status):
        return None
    host = _first(asked, HOST, str) or ""
    return replace(
        EMPTY,
        method=method.upper(),
        url=url_of(url, (*sent, ("Host", host))) if url else "",
        request_headers=sent,
        request_body=_body(asked, ASKED_BODY) if method else "",
        status=status if status and 100 <= status < 600 else None,
        response_headers=received,
        response_body=_answer_body(value, answered),
    )


def headers_in(value: object) -> Headers:
    """Header lines in any of the shapes JSON has for them; empty for what is none of these.

    An object, its values texts or lists of texts; pairs; objects with a name and a value; text.
    """
    found: list[tuple[str, str]] = []
    if isinstance(value, Mapping):
        for name, one in value.items():
            found += [(str(name), str(each)) for each in (one if isinstance(one, list) else [one])]
    elif isinstance(value, list | tuple):
        for one in value[:MOST]:
            if isinstance(one, Mapping):
                name = _first(one, ("name", "key", "Name", "Key"), str) or ""
                found.append((name, _first(one, ("value", "Value"), str) or ""))
            elif isinstance(one, list | tuple) and len(one) == 2:
                found.append((str(one[0]), str(one[1])))
    elif isinstance(value, str):
        parted = (line.partition(":") for line in value.splitlines()[:MOST])
        found = [(name.strip(), one.strip()) for name, colon, one in parted if colon]
    found = [(name, one) for name, one in found if name and name[0] != ":"]  # HTTP/2's own
    return tuple((name[:200], one[:LONGEST]) for name, one in found[:MOST])


def _by_names(headers: Headers, value: Mapping[Any, Any]) -> tuple[Headers, Headers]:
    """Header lines that stand beside both the request's and the answer's members."""
    apart = headers_in(_first(value, ANSWER_HEADERS[1:3]))
    found = None if apart else with_headers(headers)
    if found is None:
        return headers, apart
    return found.request_headers, found.response_headers


def _first(value: Mapping[Any, Any], names: tuple[str, ...], kind: type = object) -> Any:
    """The first member of one of these names, in any letter case, that is of a type; else None."""
    for name in names:
        found = value.get(name, value.get(name.capitalize()))
        if found is None or isinstance(found, bool):
            continue
        if kind is int and isinstance(found, str) and found[:3].isdecimal():
            return int(found[:3])
        if isinstance(found, kind):
            return found
    return None


def _body(value: Mapping[Any, Any], names: tuple[str, ...]) -> str:
    """A body, as text or as the JSON that it was read into."""
    found = _first(value, names)
    return found[:LONGEST] if isinstance(found, str) else json_text(found) if found else ""


def _answer_body(value: Mapping[Any, Any], answered: Mapping[Any, Any]) -> str:
    """The body of the answer, or the error that stands beside all else."""
    found = _body(answered, BODY) if answered is not value else _body(value, BODY[2:4])
    told = {name: value[name] for name in ("error", "error_description") if name in value}
    return found or (json_text(told) if told else "")


def json_text(value: object) -> str:
    """A value as JSON text; empty for one that holds itself."""
    try:
        return json.dumps(value, default=str, skipkeys=True)[:LONGEST]
    except (ValueError, RecursionError):
        return ""
