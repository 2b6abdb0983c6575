"""What is said where people sign in: on the way of the browser, at PAR, userinfo and the rest."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import parse_qsl

from dpop_lab.show.values import shown
from dpop_lab.wire.message import Exchange, first, lines

AUTHORIZE, LOGIN, PAR = "authorization endpoint", "login page", "PAR endpoint"
USERINFO, INTROSPECTION, REVOCATION = "userinfo", "introspection endpoint", "revocation endpoint"
ARRIVAL = "redirect URI"
OF_CLIENTS = (PAR, USERINFO, INTROSPECTION, REVOCATION)  # no browser goes there
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
FORM = re.compile(r"""<form\b[^<>]*?\baction=["']([^"'<>]{1,2000})["']""")
FIELD = re.compile(
    r"""\bname=["'](code|error|error_description|state|iss)["'] value=["']([^"']{0,2000})["']"""
)
TAG = re.compile(r"<[^<>]{0,1000}>")
COOKIE = re.compile(r"<(cookie \d+)>")
LONGEST = 20_000  # characters of a page
WORD = re.compile(r"[\w.:-]{1,60}", re.ASCII)
GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}  # by grant_type


def place_of(path: str, url: str, form: Mapping[str, str]) -> str:
    """The place that a path in small letters leads to; where it tells nothing, by the request.

    An authorization request goes to the authorization endpoint unless it is pushed as a form; an
    answer, to the client's redirect URI. Empty for what is neither.
    """
    given = form.keys() | _parsed(url.partition("?")[2]).keys()
    if "grant_type" in given:
        return ""
    if given & {"code", "error"} and given & {"state", "iss"}:
        return ARRIVAL
    named = PLACES.get(path.rpartition("/")[2], "")
    return named or (
        PAR if "response_type" in form else AUTHORIZE if "response_type" in given else ""
    )


def in_url(url: str) -> dict[str, str]:
    """The parameters in the query of a URL; empty for a URL without any."""
    return _parsed(url[:LONGEST].partition("#")[0].partition("?")[2])


def parameters(exchange: Exchange) -> dict[str, str]:
    """The parameters of a browser's request, in its URL and in its form."""
    return in_url(exchange.url) | _parsed(exchange.request_body)


def _behind(url: str) -> dict[str, str]:
    query, _, fragment = url[:LONGEST].partition("#")
    return _parsed(f"{query.partition('?')[2]}&{fragment}")


def _parsed(text: str) -> dict[str, str]:
    return dict(parse_qsl(text[:LONGEST])) if "=" in text else {}


def leads(exchange: Exchange) -> tuple[str, dict[str, str]]:
    """Where an answer leads the browser, and what it takes to the client; empty for nowhere.

    By a redirect, or by a form that the page posts (OAuth 2.0 Form Post Response Mode).
    """
    sent_to = first(exchange.response_headers, "Location")[:LONGEST]
    if 300 <= (exchange.status or 0) < 400 and (told := _behind(sent_to)):
        return sent_to, told
    page = exchange.response_body[:LONGEST]
    form = FORM.search(page) if 'name="code"' in page or 'name="error"' in page else None
    return (unescape(form[1]), dict(FIELD.findall(page))) if form else ("", {})


def returned(exchange: Exchange) -> dict[str, str]:
    """The authorization response in an exchange: in where it leads, or as it came to the client.

    Empty where there is none (RFC 6749 section 4.1.2, RFC 9207).
    """
    for told in (leads(exchange)[1], _behind(exchange.url)):
        if told.keys() & {"code", "error"} and not told.keys() & {"response_type", "grant_type"}:
            return told
    posted = _parsed(exchange.request_body)
    answers = "grant_type" not in posted and "state" in posted and posted.keys() & {"code", "error"}
    return posted if answers else {}


def refusal(exchange: Exchange) -> dict[str, str]:
    """Error and description that a redirect or a page tells; nothing where there is none.

    A URL or a form with an error was brought to the client, whatever the client answered.
    """
    told = returned(exchange)
    if told.get("error"):
        named = {"error": "error", "description": "error_description"}
        return {name: told[key][:2000] for name, key in named.items() if key in told}
    if (exchange.status or 0) < 400:
        return {}
    page = exchange.response_body[:LONGEST]
    body = page.rpartition("</style>")[2].replace("</p>", "\n") if "<html" in page else ""
    text = unescape(TAG.sub(" ", body))
    if found := ON_A_PAGE.search(text):
        words = text[found.end() :].lstrip(": \t").partition("\n")[0]
        return {"error": found[0], "description": words.strip()[:2000]}
    return {}


def carried(
    place: str, exchange: Exchange, form: Mapping[str, str], keys: Mapping[str, str]
) -> Iterator[str]:
    """What a request carried for a person's sake, each in a few words; `keys` are those named."""
    given = parameters(exchange) if place in (AUTHORIZE, ARRIVAL) else form
    if place == LOGIN:
        said = "name and password" if form.get("button") != "cancel" else "a no"
        yield said if exchange.method == "POST" else "no name yet"
    if place == AUTHORIZE:
        yield f"authorization request as {_word(given.get('client_id', ''))}"
    if place == ARRIVAL and "error" in given:
        yield f"error {_word(given['error'])}"
    held = {ARRIVAL: "code", AUTHORIZE: "request_uri", INTROSPECTION: "token", REVOCATION: "token"}
    name = GRANTS.get(given.get("grant_type", "")) or held.get(place, "")
    if value := given.get(name, ""):
        yield value[1:-1] if value.startswith("<") else name
    if "code_challenge" in given:
        method = given.get("code_challenge_method", "plain")
        yield f"code_challenge {method if WORD.fullmatch(method) else 'of no method'}"
    if "code_verifier" in given:
        yield "code_verifier"
    if "dpop_jkt" in given:
        key = keys.get(given["dpop_jkt"])
        yield f"dpop_jkt of {key}" if key else "dpop_jkt"
    for line in lines(exchange.request_headers, "Cookie"):
        yield from COOKIE.findall(line) or ["a cookie"]


def _word(text: str) -> str:
    return text if WORD.fullmatch(text) else shown(text, 60)
