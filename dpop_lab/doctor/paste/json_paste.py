"""JSON as what it is: a HAR, an exchange, an answer, a key, header lines by name, a decoded JWT."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from dpop_lab.doctor.paste.decoded import of_values
from dpop_lab.doctor.paste.jwts import jwts_in
from dpop_lab.doctor.paste.pasted import (
    Pasted,
    concerns,
    document_in,
    merged,
    not_understood,
    of_exchanges,
    of_headers,
    says_something,
    with_headers,
)
from dpop_lab.doctor.paste.reading import url_of
from dpop_lab.doctor.paste.refusals import ABOUT, ANSWER_WORDS
from dpop_lab.session.call import CODES, DESCRIPTIONS, NOTHING, Call, answer_of, read_call
from dpop_lab.show.values import seconds_since_1970
from dpop_lab.wire.message import Exchange, Headers

METHOD = "method httpMethod http_method requestMethod request_method verb"
URL = "url uri requestUrl requestUri request_uri href endpoint path target"
HOST = "host hostname authority"
HEADERS = "headers requestHeaders request_headers rawHeaders"
ANSWER_HEADERS = "responseHeaders response_headers"
STATUS = "status statusCode status_code responseStatus response_status code"
ASKED_BODY = "body data requestBody request_body form payload postData"
ANSWER_BODY = "responseBody response_body"
CREDENTIAL = "access_token accessToken token at"
LONGEST = 500_000  # characters of a body
MOST = 200  # header lines
NO_AUTHORIZATION = (
    "No Authorization header is in it: browsers leave it out of a HAR file unless asked for"
    " sensitive data."
)


def json_paste(value: object) -> Pasted | None:
    """What a JSON value is; None for one that says nothing of DPoP by its members. Never raises."""
    if isinstance(value, list):
        return _api_claims(value) or _headers(value) or of_values(value)
    if not isinstance(value, Mapping):
        return None
    if "access_token" not in value and (found := document_in(value)):
        return found
    entries = _first(_first(value, "log", Mapping) or {}, "entries", list)
    if entries is not None:
        return _har(entries)
    logged = exchange_in(value)
    if found := _with_proof(value, logged):
        return found
    if logged and says_something(logged):
        return of_exchanges("an exchange in JSON", [logged], whole=bool(logged.request_headers))
    if found := _answer(value):
        return found
    keys = _first(value, "keys", list) or [value]
    jwks = tuple(one for one in keys if isinstance(one, Mapping) and "kty" in one)
    if jwks:
        return Pasted(kind="a JWK" if "kty" in value else "a JWK Set", jwks=jwks)
    return _headers(value) or of_values([value])


def exchange_in(value: Mapping[Any, Any]) -> Exchange | None:
    """The exchange that an object tells of, by the usual names; None where it tells of none.

    Request and answer may be objects in it, as in a HAR, or all may stand side by side.
    """
    asked = _first(value, "request req config", Mapping) or value
    answered = _first(value, "response res", Mapping) or value
    method, url = _first(asked, METHOD, str) or "", _first(asked, URL, str) or ""
    sent = headers_in(_first(asked, HEADERS))
    apart = asked is not answered
    received = headers_in(_first(answered, "headers " * apart + ANSWER_HEADERS))
    if not (apart or received) and (named := with_headers(sent)):
        sent, received = named.request_headers, named.response_headers
    status = _status(answered) or _status(value)
    body = _body(answered, ANSWER_BODY + " body data content text json" * apart)
    if not (method or sent or received) and not (url and status):
        return None
    told = {name: value[name] for name in (*CODES, *DESCRIPTIONS) if name in value}
    sent_at = seconds_since_1970(_first(value, "startedDateTime", str) or "")
    return Exchange(
        method.upper(),
        url_of(url, (*sent, ("Host", _first(asked, HOST, str) or ""))) if url else "",
        sent,
        _body(asked, ASKED_BODY) if method else "",
        math.nan if sent_at is None else sent_at,
        math.nan,
        status=status,
        reason=_first(answered, "statusText", str) or "",
        response_headers=received,
        response_body=body or (json_text(told) if told else ""),
        failure=_first(answered, "_error", str) or "",
    )


def headers_in(value: object) -> Headers:
    """Header lines in any of the shapes JSON has for them; empty for what is none of these.

    An object, its values texts or lists of texts; pairs; objects with a name and a value; text.
    """
    if isinstance(value, str):
        value = [line.split(":", 1) for line in value.splitlines()[:MOST]]
    elif isinstance(value, Mapping):
        several = ((name, one if isinstance(one, list) else [one]) for name, one in value.items())
        value = [(name, each) for name, one in several for each in one]
    found = []
    for one in value[:MOST] if isinstance(value, list | tuple) else ():
        if isinstance(one, Mapping):
            one = (_first(one, "name key") or "", _first(one, "value") or "")
        if isinstance(one, list | tuple) and len(one) == 2:
            found.append((str(one[0]).strip()[:200], str(one[1]).strip()[:LONGEST]))
    return tuple((name, text) for name, text in found if name and name[0] != ":")


def _first(value: Mapping[Any, Any], names: str, kind: type = object) -> Any:
    """The first member of one of these names, in any letter case, that is of a type; else None."""
    for name in names.split():
        found = value.get(name, value.get(name.capitalize()))
        if kind is int and isinstance(found, str) and found[:3].isdecimal():
            return int(found[:3])
        if found is not None and isinstance(found, kind) and not isinstance(found, bool):
            return found
    return None


def _status(value: Mapping[Any, Any]) -> int | None:
    status = _first(value, STATUS, int)
    return status if status and 100 <= status < 600 else None


def _body(value: Mapping[Any, Any], names: str) -> str:
    """A body as text, as the JSON that it was read into, or as a HAR has it."""
    found = _first(value, names)
    if isinstance(found, Mapping) and {"mimeType", "text", "params"} & set(found):
        text = _first(found, "text", str) or urlencode(
            headers_in(found.get("params")), errors="replace"
        )
        try:
            octets = base64.b64decode(text if found.get("encoding") == "base64" else "")
        except ValueError:
            return ""
        found = octets.decode("utf-8", "replace") or text
    return found[:LONGEST] if isinstance(found, str) else json_text(found) if found else ""


def json_text(value: object) -> str:
    """A value as JSON text; what is no JSON in it as Python writes it."""
    return json.dumps(value, default=str, skipkeys=True)[:LONGEST]


def _har(entries: list[Any]) -> Pasted:
    """The exchanges of a HAR that have to do with DPoP."""
    read = [exchange_in(one) or NOTHING for one in entries if isinstance(one, Mapping)]
    kept = [
        one if one.status else replace(one, failure=one.failure or "no answer was recorded")
        for one in read
        if concerns(one)
    ]
    passed = len(read) - len(kept)
    kind = f"a HAR file of {len(read)} exchange{'s' * (len(read) != 1)}"
    if not kept:
        return not_understood(f"{kind}, none with a DPoP header, a token or a token request")
    names = {name.lower() for one in kept for name, _ in one.request_headers}
    bare = "dpop" in names and "authorization" not in names
    pasted = of_exchanges(kind, kept, whole=not bare)
    told = f"{passed} exchange{'s' * (passed != 1)} without anything of DPoP passed over."
    more = (*[NO_AUTHORIZATION] * bare, *[told] * bool(passed))
    return replace(pasted, remarks=(*pasted.remarks, *more))


def _api_claims(value: list[Any]) -> Pasted | None:
    """The list that the demo's API answers with."""
    claims = [one for one in value if isinstance(one, dict) and {"type", "value"} <= set(one)]
    if not claims or len(claims) < len(value):
        return None
    answer = replace(NOTHING, status=200, response_body=json_text(value))
    return Pasted(kind="an answer of the demo's API", calls=(read_call(answer),))


def _answer(value: Mapping[str, Any]) -> Pasted | None:
    """What a server answers: an error, a token, or a problem (RFC 9457); None for none of these."""
    status = _status(value)
    if "error" in value:
        kind = "a JSON error"
    elif isinstance(value.get("access_token"), str):
        kind = "a token response"
    elif ANSWER_WORDS & set(value) and (status or ABOUT.search(json_text(value))):
        kind = "a problem in JSON (RFC 9457)"
    else:
        return None
    nonce = _first(value, "DPoP-Nonce dpop_nonce", str) or ""
    told = answer_of(value, status=status or (None if "access_token" in value else 400))
    call = Call(**told, nonce=nonce, status=status)
    calls = (call, Call(token=call.issued)) if call.issued else (call,)
    return replace(document_in(value) or Pasted(kind=kind), kind=kind, calls=calls)


def _with_proof(value: Mapping[str, Any], logged: Exchange | None) -> Pasted | None:
    """A proof among other members, perhaps with its access token and what it is for."""
    token, nonce = _first(value, CREDENTIAL, str) or "", _first(value, "nonce", str)
    headers = "dpop" in (str(name).lower() for name in value) and not token
    found = None if headers else jwts_in(json_text(value))
    calls = tuple(one for one in found.calls if one.proofs or not token) if found else ()
    if found is None or len(calls) != 1 or (logged and logged.request_headers):
        return None
    known = replace(read_call(logged or NOTHING), token=token, nonces=(nonce,) if nonce else ())
    return replace(found, kind="a DPoP proof in JSON", calls=(merged(known, calls[0]),))


def _headers(value: Mapping[Any, Any] | list[Any]) -> Pasted | None:
    """Header lines by their names, as many libraries print them, or as pairs of name and value."""
    texts = value.values() if isinstance(value, Mapping) else ()
    headers = headers_in(value)
    whole = len(headers) == len(value) and all(isinstance(one, str) for one in texts)
    return of_headers(headers) if whole else None
