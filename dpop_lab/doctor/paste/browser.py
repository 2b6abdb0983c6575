"""What a browser or Burp Suite recorded: what counts of it, where people are sent to sign in."""

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import unescape
from typing import Any

from dpop_lab.doctor.paste.bounds import CUT, bounded
from dpop_lab.doctor.paste.pasted import (
    MOST,
    Pasted,
    left,
    not_understood,
    numbered,
    of_exchanges,
)
from dpop_lab.doctor.paste.raw import body_in, headers_in, raw_line
from dpop_lab.doctor.paste.reading import Reading, answered
from dpop_lab.session.call import NOTHING
from dpop_lab.wire.message import Exchange, first
from dpop_lab.wire.syntax import CODE, returns, signs_in

CONCERNED = {"dpop", "dpop-nonce", "authorization", "www-authenticate"}  # header lines
FORM = re.compile(r"grant_type=|(?:^|&)token=", re.M | re.I)
PAGE = re.compile(r"\s*<(?:!doctype html|html|form)\b", re.I)
POSTED = re.compile(r"""<input[^<>]*\sname=["'](?:code|error)["']""", re.I)
UNSEEN = re.compile(r"<(style|script)\b(?:[^<]++|<(?!/?\1\b))*+</\1>|<[^<>]{0,1000}>", re.I)
HTTP = ("http://", "https://")
NO_ANSWER = "no answer was recorded"
NO_AUTHORIZATION = (
    "No Authorization header is in it: browsers leave it out of a HAR file unless asked for"
    " sensitive data."
)
MOST_READ = 400_000  # characters of the exchanges that are told
MOST_BESIDE = 100  # forms that have nothing of DPoP, and secrets: those of a login page
HALF_A_LOGIN = (
    "No token request is in it: where a backend sends that, its log has the rest of the login."
)
BURP, MOST_ITEMS = "<items burpVersion", 2000  # how such a file begins; items that are read
PART_OF_ITEM = re.compile(
    r"<(url|request|response)\b([^<>]{0,60})>(?:<!\[CDATA\[)?((?:(?!\]\]>|</(?:url|re)).)*+)", re.S
)


def recorded(
    what: str, seen: list[Exchange], values: list[Any], read: Callable[[Any], Exchange]
) -> Pasted:
    """The exchanges of a file that have to do with DPoP, or sign somebody in.

    What was `seen` of each tells so; of those that do, the `values` are `read` of as many as are
    told.
    """
    of_each = dict(zip(map(id, seen), values, strict=True))
    kept, others = list[Exchange](), list[Exchange]()
    for one in seen:
        (kept if concerns(one) else others).append(one)
    kept, passed = told_by_redirects(kept), len(others)
    kind = f"{what} of {len(seen)} exchange{'s' * (len(seen) != 1)}"
    posted = [of_each[id(one)] for one in others if one.request_body][:MOST_BESIDE]
    beside = tuple(map(read, bounded(posted, MOST_READ)))
    if not kept:
        none = not_understood(f"{kind}, none with a DPoP header, a token or a token request")
        return replace(none, given=beside)
    names = {name.lower() for one in kept for name, _ in one.request_headers}
    bare = "authorization" not in names and any(map(_proves_a_token, kept))
    counted = [of_each[id(one)] for one in kept[:MOST]]
    few = bounded(counted, MOST_READ)
    told = [*map(read, few)]
    told = [one if one.status else replace(one, failure=one.failure or NO_ANSWER) for one in told]
    pasted = of_exchanges(kind, told, whole=not bare)
    over = f"{passed} exchange{'s' * (passed != 1)} without anything of DPoP passed over."
    codes = [first(one.response_headers, "Location") for one in kept] + [one.url for one in kept]
    alone = any(map(CODE.search, codes)) and not any(
        "grant_type=" in one.request_body for one in kept
    )
    cut = [CUT] * (few is not counted)
    more = (*cut, *[NO_AUTHORIZATION] * bare, *[HALF_A_LOGIN] * alone, *[over] * bool(passed))
    return replace(
        pasted,
        calls=numbered(list(pasted.calls), len(kept)),
        remarks=(*left(len(kept)), *more),
        given=(*pasted.given, *beside),
    )


def page(text: str) -> Pasted | None:
    """A page with a form that brings a code or an error to a client; None for any other text."""
    if not (PAGE.match(text) and POSTED.search(text)):
        return None
    answer = replace(NOTHING, status=200, response_body=text)
    return of_exchanges("a page that posts the answer to an authorization request", [answer])


def without_tags(text: str) -> str:
    """What can be read of a page; any other text as it is."""
    return unescape(UNSEEN.sub("\n", text)) if PAGE.match(text) else text


def _proves_a_token(exchange: Exchange) -> bool:
    """Does a proof go with it, and is it no form, with which no token has to go?"""
    return bool(first(exchange.request_headers, "DPoP")) and "=" not in exchange.request_body


def concerns(exchange: Exchange) -> bool:
    """Has it to do with DPoP, signs somebody in, or asks a browser in it whether it may?"""
    headers = (*exchange.request_headers, *exchange.response_headers)
    told = {name.lower(): value for name, value in headers}
    if not told.keys().isdisjoint(CONCERNED) or signs_in(exchange.url):
        return True
    asked, to = told.get("access-control-request-headers", ""), told.get("location", "")
    return "dpop" in asked.lower() or returns(to) or FORM.search(exchange.request_body) is not None


def glance(entry: Mapping[str, Any]) -> Exchange | None:
    """What tells of an entry of a HAR whether it counts; None where that has to be looked for."""
    asked, answered = entry.get("request"), entry.get("response")
    if not (isinstance(asked, dict) and isinstance(answered, dict)):
        return None
    url, headers = asked.get("url"), asked.get("headers")
    if not (isinstance(url, str) and url.startswith(HTTP) and isinstance(headers, list)):
        return None
    sent, body = headers_in(headers), body_in(asked.get("postData"))
    to = ("Location", str(answered.get("redirectURL") or ""))
    received = (*headers_in(answered.get("headers")), to)
    return Exchange("", url, sent, body, math.nan, math.nan, response_headers=received)


def told_by_redirects(exchanges: list[Exchange]) -> list[Exchange]:
    """Exchanges without those in which a browser only follows to where a code or an error goes."""
    sent_to = {first(one.response_headers, "Location") for one in exchanges}
    return [
        one
        for one in exchanges
        if one.url not in sent_to or one.request_body or not returns(one.url)
    ]


def burp(text: str) -> Pasted:
    """What Burp Suite saved, raw messages in base64 in items of XML."""
    items = text.split("<item>")[1 : MOST_ITEMS + 1]
    read = [each for one in items for each in _of_item(one)]
    parts = [[one, one.request_body, one.response_body] for one in read]
    return recorded("a file of Burp Suite", read, parts, _whole)


def _whole(parts: list[Any]) -> Exchange:
    exchange: Exchange = parts[0]
    return replace(exchange, request_body=parts[1], response_body=parts[2])


def _of_item(item: str) -> list[Exchange]:
    """The exchange of an item, with the URL that it names: its scheme stands there alone."""
    parts = {name: _plain(text, "true" in how) for name, how, text in PART_OF_ITEM.findall(item)}
    made = [Reading()]
    for line in f"{parts.get('request', '').rstrip()}\n\n{parts.get('response', '')}".split("\n"):
        raw_line(line, made)
    told = [one.exchange() for one in answered(made)[:1]]
    return [replace(one, url=parts.get("url") or one.url) for one in told]


def _plain(text: str, encoded: bool) -> str:
    try:
        octets = base64.b64decode(text) if encoded else text.encode()
    except ValueError:
        return ""
    return octets.decode("utf-8", "replace").replace("\r\n", "\n")
