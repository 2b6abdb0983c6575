"""Objects as what they are: a HAR, an exchange, an answer, a key, header lines, a decoded JWT."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from dpop_lab.doctor.paste.browser import glance, recorded
from dpop_lab.doctor.paste.decoded import header_named, parts_of
from dpop_lab.doctor.paste.pasted import (
    PROVING,
    Pasted,
    api_claims,
    document_in,
    of_exchanges,
    of_headers,
    of_keys,
    says_something,
    with_headers,
)
from dpop_lab.doctor.paste.raw import MOST, body_in, headers_in, json_text, only_headers
from dpop_lab.doctor.paste.reading import refusal, url_of
from dpop_lab.doctor.paste.refusals import ABOUT, FAILS
from dpop_lab.doctor.paste.unwrap import METHODS
from dpop_lab.jose.encoding import Members
from dpop_lab.session.answer import compared, json_value, spelt, told_in, words_of
from dpop_lab.session.call import NOTHING, Call
from dpop_lab.show.values import is_time, seconds_since_1970
from dpop_lab.wire.message import Exchange, Headers, first
from dpop_lab.wire.syntax import signs_in

SPELT_AS = {  # names of members by what they are, in small letters, without `_`, `-` and blanks
    "asked": "request req config",
    "answered": "response res",
    "method": "method httpmethod requestmethod verb",
    "url": "url uri requesturl requesturi href endpoint path target",
    "host": "host hostname authority",
    "headers": "headers requestheaders rawheaders",
    "answer headers": "responseheaders",
    "status": "status statuscode responsestatus responsecode httpstatus code",
    "body": "body data requestbody form payload postdata",
    "answer body": "responsebody",
    "content": "body data content text json",
    "node": "node pod podname instance instanceid replica servedby xservedby worker",
    "token": "accesstoken token at",
    "proof": "proof dpopproof proofjwt",
    "DPoP-Nonce": "dpopnonce",
    "WWW-Authenticate": "wwwauthenticate challenge respwwwauthenticate responsewwwauthenticate",
    "line": "msg message event call request req operation text",
    "keys": "keys",
    "time": "starteddatetime",
    "reason": "statustext",
}
NAMES = {what: names.split() for what, names in SPELT_AS.items()}
LINE = re.compile(  # a request, an answer or both, told in a member
    rf"[^\w/]{{0,9}}(?:(?P<method>{METHODS})[ ](?P<url>(?:https?:/)?/\S+)|(?=\W{{0,5}}\d))"
    r"(?:\W{1,5}(?:HTTP/\S+ )?(?P<status>[2-5]\d\d)\b)?"
)
BODIES, ANSWERS = {*NAMES["content"], "payload", "resp"}, {"access_token", "c_nonce", "active"}
SPELT = str.maketrans("", "", "_- ")
LARGEST, LONGEST_WORDS = 5000, 10_000  # members of what is ours; characters asked for a failure
KINDS = {  # of what a member gives away, in words; the first that fits
    "request": "an exchange in JSON",
    "error": "a JSON error",
    "access_token": "a token response",
    **dict.fromkeys(("title", "detail", "status"), "a problem in JSON (RFC 9457)"),
}


def what_is(value: object) -> Pasted | None:
    """What a value is; None for one that says nothing of DPoP by its members. Never raises."""
    if isinstance(value, list):
        return api_claims(value) or of_headers(only_headers(value))
    if not isinstance(value, Mapping) or len(value) > LARGEST:
        return None
    value = _spelt(value)
    if "access_token" not in value and (found := document_in(value)):
        return found
    log = value.get("log")
    if isinstance(log, Mapping) and isinstance(entries := log.get("entries"), list):
        entries = [one for one in entries if isinstance(one, Mapping)]
        seen = [glance(one) or exchange_in(one) or NOTHING for one in entries]
        return recorded("a HAR file", seen, entries, lambda one: exchange_in(one) or NOTHING)
    exchange = exchange_in(value)
    if exchange and says_something(exchange) and not any(parts_of(value)):  # decoded, beside it
        return _told(value, exchange)
    keys = _first(_plainly(value), "keys", list) or [value]
    if jwks := tuple(one for one in keys if isinstance(one, Mapping) and "kty" in one):
        return of_keys("a JWK" if "kty" in value else "a JWK Set", jwks)
    return of_headers(only_headers(value))


def exchange_in(value: Mapping[Any, Any]) -> Exchange | None:
    """The exchange that an object tells of, by the usual names; None where it tells of none.

    Request and answer may be objects in it, as in a HAR, or all may stand side by side; an error
    or a token alone is an answer.
    """
    value = _spelt(value)
    named = _with_line(_plainly(value))
    question = _first(named, "asked", Mapping) or value
    answered = _first(named, "answered", Mapping) or value
    apart = question is not answered
    asked, came = (named if one is value else _plainly(one) for one in (question, answered))
    url, sent = _first(asked, "url", str) or "", headers_in(_first(asked, "headers"))
    sent = sent or _proven(named) or header_named(value)
    method = _first(asked, "method", str) or "GET" * signs_in(url)
    received = headers_in(_first(came, "answer headers") or (apart and _first(came, "headers")))
    if not (apart or received) and (by_name := with_headers(sent)):
        sent, received = by_name.request_headers, by_name.response_headers
    received = (*received, *_told_of_headers(named, answered, received))
    status = _status(came) or _status(named) or _status(_plainly(dict(told_in(value))))
    alone = not (method or sent or received)
    apart = apart or (status is not None and not (method or url))
    answer = _first(came, "answer body") or (apart and _first(came, "content"))
    body = body_in(answer or (apart and words_of(answered)[0] and answered))
    told = _answer_in(value, status, alone=alone) if alone or not answer else ""
    if alone and not told and not (url and status):
        return None
    return Exchange(
        method.upper(),
        url_of(url, (*sent, ("Host", _first(asked, "host", str) or ""))) if url else "",
        sent,
        body_in(_first(asked, "body")) if method else "",
        seconds_since_1970(_first(named, "time", str) or "") or math.nan,
        math.nan,
        status=status,
        reason=_first(came, "reason", str) or "",
        response_headers=received,
        response_body=body or told,
        failure=str(answered.get("_error", "")),
    )


def _with_line(named: Members) -> Members:
    """The members, and the method, the URL and the status that a line among them tells.

    Beside a status the body of an answer is known as one.
    """
    line = LINE.match(_first(named, "line", str) or "")
    told = line.groupdict() if line else {}
    named = {**{name: one for name, one in told.items() if one}, **named}
    refused = (status := _status(named)) is not None and status >= 400
    for name in BODIES & named.keys() if status else ():
        body = json_value(named[name]) if isinstance(named[name], str) else named[name]
        if isinstance(body, Mapping) and (refused or ANSWERS & body.keys()):
            named["responsebody"] = named.pop(name)
    return named


def _proven(named: Members) -> Headers:
    """The header lines of a proof, and of the access token beside it, that stand by their names."""
    proof, token = _first(named, "proof", str) or "", _first(named, "token", str)
    sent = (("DPoP", proof), *[("Authorization", f"DPoP {token}")] * bool(token))
    return sent if proof.startswith("ey") else ()


def _told_of_headers(
    named: Members, answered: Mapping[Any, Any], received: Headers
) -> Iterator[tuple[str, str]]:
    """Header lines of an answer that are told elsewhere: a nonce, where a HAR says it redirects."""
    for name in () if received or PROVING & named.keys() else ("DPoP-Nonce", "WWW-Authenticate"):
        if value := _first(named, name, str):
            yield name, value
    if node := _first(named, "node", str):
        yield "X-Served-By", node
    if (to := str(answered.get("redirectURL") or "")) and not first(received, "Location"):
        yield "Location", to


def _spelt(members: Mapping[Any, Any]) -> dict[Any, Any]:
    """The members by the names of RFC 6749; of several with one name, all but one as they were."""
    found: dict[Any, Any] = {}
    for name, value in members.items():
        known = spelt(name)
        found[name if known in found else known] = value
    return found


def _answer_in(value: Mapping[Any, Any], status: int | None, *, alone: bool) -> str:
    """The body of the answer that an object is, or whose words it has; empty for none."""
    error, words = words_of(value)
    said = words[:LONGEST_WORDS]
    refused = (status or 0) >= 400
    about = said and (refused or (ABOUT.search(said) and FAILS.search(said)))
    beside = value if alone else compared(value.items()) if refused or error or about else {}
    if error or about or (not (alone or words) and beside and refused):
        return json_text({**beside, **refusal(error, words)})
    return json_text(value) if alone and isinstance(value.get("access_token"), str) else ""


def _plainly(value: Mapping[Any, Any]) -> Members:
    """The members of an object by their names, however these are spelt."""
    return {_plain(str(name)[:80]): one for name, one in islice(value.items(), MOST)}


def _first(named: Members, what: str, kind: type = object) -> Any:
    """The first member that is this by its name, of a type; else None."""
    for found in map(named.get, NAMES[what]):
        if kind is int and isinstance(found, str) and found[:3].isdecimal():
            return int(found[:3])
        if found is not None and isinstance(found, kind) and not isinstance(found, bool):
            return found
    return None


@lru_cache(1000)
def _plain(name: str) -> str:
    return name.translate(SPELT).lower()


def _status(named: Members) -> int | None:
    status = _first(named, "status", int)
    return status if status and 100 <= status < 600 else None


def _told(value: Mapping[str, Any], exchange: Exchange) -> Pasted:
    """An exchange by what was told of it: all of it, or an answer, an error or a token."""
    found = of_exchanges(KINDS["request"], [exchange], whole=bool(exchange.request_headers))
    if exchange.method or exchange.url or exchange.request_headers or exchange.response_headers:
        return found
    [call] = found.calls
    kind = next((KINDS[name] for name in KINDS if name in value), "a message in JSON")
    if call.issued:  # its token as of when it was made: it may be pasted much later
        made = Call(token=call.issued).access_token.claims.get("iat")
        token = Call(token=call.issued, sent_at=made if is_time(made) else None)
        found = replace(found, calls=(call, token))
    return replace(document_in(value) or found, kind=kind, calls=found.calls)
