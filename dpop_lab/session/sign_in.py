"""What is said where people sign in: on the way of the browser, at PAR, userinfo and the rest."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import parse_qsl

from dpop_lab.jose.encoding import read_json
from dpop_lab.show.values import shown
from dpop_lab.wire.message import Exchange, first

AUTHORIZE, LOGIN, PAR = "authorization endpoint", "login page", "PAR endpoint"
USERINFO, INTROSPECTION, REVOCATION = "userinfo", "introspection endpoint", "revocation endpoint"
PLACES = {  # by how a path ends
    "authorize": AUTHORIZE, "callback": AUTHORIZE, "login": LOGIN, "par": PAR, "userinfo": USERINFO,
    "introspect": INTROSPECTION, "introspection": INTROSPECTION,
    "revoke": REVOCATION, "revocation": REVOCATION,
}  # fmt: skip
ON_A_PAGE = (
    re.compile(  # RFC 6749 section 4.1.2.1, RFC 9101 section 6.3, OpenID Connect Core 3.1.2.6
        r"\b(?:invalid_(?:request(?:_uri)?|client|scope|target)|unauthorized_client|access_denied"
        r"|unsupported_response_type|request_(?:uri_)?not_supported|server_error"
        r"|temporarily_unavailable)\b"
    )
)
TAG = re.compile(r"<[^<>]{0,1000}>")
LONGEST = 20_000  # characters of a page
WORD = re.compile(r"[\w.:-]{1,60}", re.ASCII)
TAKEN = {"authorization_code": "code", "refresh_token": "refresh_token"}  # by grant type


def place_of(path: str, *, pushed: bool) -> str:
    """The place that a path in small letters leads to; where it tells nothing, by the request.

    An authorization request goes to the authorization endpoint unless it is `pushed` as a form.
    """
    return PLACES.get(path.rpartition("/")[2], PAR if pushed else AUTHORIZE)


def parameters(exchange: Exchange) -> dict[str, str]:
    """The parameters of a browser's request, in its URL and in its form."""
    query = exchange.url.partition("#")[0].partition("?")[2]
    return dict(parse_qsl(f"{query}&{exchange.request_body}"[:LONGEST]))


def brought(exchange: Exchange) -> dict[str, str]:
    """The parameters that a redirect takes to the client, behind `?` or `#`; else none."""
    location = first(exchange.response_headers, "Location")[:LONGEST]
    _, _, told = re.sub("#", "?", location, count=1).partition("?")
    return dict(parse_qsl(told)) if 300 <= (exchange.status or 0) < 400 else {}


def refusal(exchange: Exchange) -> dict[str, str]:
    """Error and description that a redirect or an error page tells; nothing where there is none."""
    told, status = brought(exchange), exchange.status or 0
    if status < 400:
        named = {"error": "error", "description": "error_description"}
        return {
            name: told[key][:2000]
            for name, key in named.items()
            if told.get("error", "") and key in told
        }
    page = exchange.response_body[:LONGEST]
    body = page.rpartition("</style>")[2].replace("</p>", "\n") if "<html" in page else ""
    text = unescape(TAG.sub("", body))
    if found := ON_A_PAGE.search(text):
        words = text[found.end() :].lstrip(": \t").partition("\n")[0]
        return {"error": found[0], "description": words.strip()[:2000]}
    return {}


def carried(place: str, exchange: Exchange, form: Mapping[str, str]) -> Iterator[str]:
    """What a request carried for a person's sake, each in a few words."""
    if place == LOGIN:
        said = "name and password" if form.get("button") != "cancel" else "a no"
        yield said if exchange.method == "POST" else "no name yet"
        return
    given = parameters(exchange) if place == AUTHORIZE else form
    if place == AUTHORIZE:
        pushed = "pushed " * ("request_uri" in given)
        name = given.get("client_id", "")
        name = name if WORD.fullmatch(name) else shown(name, 60)
        yield f"{pushed}authorization request as {name}"
    if kind := TAKEN.get(given.get("grant_type", "")):
        yield kind
    if place in (INTROSPECTION, REVOCATION) and "token" in given:
        yield given["token"].strip("<>") if given["token"].startswith("<") else "token"
    if "code_challenge" in given:
        method = given.get("code_challenge_method", "plain")
        yield f"code_challenge {method if WORD.fullmatch(method) else 'of no method'}"
    yield from (name for name in ("code_verifier", "dpop_jkt") if name in given)
    if place == AUTHORIZE and first(exchange.request_headers, "Cookie"):
        yield "the person's cookie"


def meaning(place: str, exchange: Exchange) -> str:
    """What came of a request that was not refused; empty where nothing is to be said."""
    told, redirected = brought(exchange), 300 <= (exchange.status or 0) < 400
    if place == AUTHORIZE:
        if "code" in told:
            return "code given"
        if 'name="code"' in exchange.response_body:
            return "code given, in a form"
        return "sent to the login page" if redirected else "page shown"
    if place == LOGIN:
        return "signed in" if redirected else _page(exchange)
    if place == INTROSPECTION:
        members = read_json(exchange.response_body)
        members = members if isinstance(members, dict) else {}
        bound = ", bound to a key" * ("cnf" in members)
        return f"token active{bound}" if members.get("active") is True else "token not active"
    return {
        PAR: "authorization request pushed",
        USERINFO: "told who signed in",
        REVOCATION: "token ended, if there was one",
    }.get(place, "")


def _page(exchange: Exchange) -> str:
    return "login page shown" + " again: not signed in" * (exchange.method == "POST")
