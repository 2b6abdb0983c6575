"""Who stands between client and server, such as a proxy, and what was changed on the way."""

import re
from typing import NamedTuple

from dpop_lab.doctor.urls import FORWARD, METHOD
from dpop_lab.session.call import Call

PROXY = re.compile(
    r"prox(?:y|ies)\b|gateway|\bgw\b|nginx|upstream|envoy|istio|ingress|load.?balancer|haproxy"
    r"|traefik|kong\b|\bmesh\b|\bcdn\b|cloudfront|cloudflare|varnish|akamai|\bedge\b|\bapim\b"
    r"|apigee|\bbff\b|backend"
)
NAMES = re.compile(  # of header lines that somebody on the way adds
    r"x-forwarded-|forwarded$|via$|x-real-ip$|x-envoy-|x-amzn?-|cf-ray$|x-original-|x-cache"
)


class Change(NamedTuple):
    """What may become of a request on its way."""

    signs: re.Pattern[str]  #: words that tell of it, beside those for somebody on the way
    told: str  #: fits behind a semicolon
    action: str


#: By the row that then fails.
CHANGES = {
    "unused": Change(
        re.compile(
            r"\bretr(?:y|ies|ied|ying)\b|attempt\W{1,3}[2-9]|next.?upstream|upstream timed out"
            r"|\bre-?sen[dt]|sent again|fail(?:ed)?.?over|second (?:node|server|upstream)"
        ),
        "a proxy or gateway sent the request again by itself, with the same proof",
        "Turn that retry off for requests with a proof (nginx: proxy_next_upstream off; Envoy and"
        " others: their retry policy). The client has nothing to mend: it alone can send the"
        " request again, with a new proof.",
    ),
    "one_header": Change(
        re.compile(
            r"x-forwarded-|\bvia\b|\b(?:strip|drop|remov|swallow|forward|pass)|behind"
            r"|origin.?request"
        ),
        "a proxy, gateway or CDN on the way drops the header, if the client sent it",
        f"{FORWARD} If the client sent none: sign a proof for this request.",
    ),
    "htm": Change(
        re.compile(
            r"x-forwarded-|x-original-|\bhead\b[^\0]{0,400}\bget\b|forward.?auth|auth_request"
        ),
        "a proxy or cache on the way changed the method, or asks with a request of its own",
        f"{METHOD} If the proof is not for the client's own request: make one for each request.",
    ),
    "ath": Change(
        re.compile(
            r"swap|exchang|phantom|split.?token|replac|translat|opaque[^\0]{0,200}\bjwt\b|->"
        ),
        "a gateway on the way puts another token in place of the client's, if ath is its hash",
        "ath is right if it is the hash of the token that the client sends. Then the gateway has to"
        " check the proof before it swaps the token, or to hand the original token on to the API.",
    ),
    "htu": Change(
        re.compile(
            r"behind|x-forwarded-|terminat|\btls\b.{0,20}\bends|scheme\W{1,4}http\b|rewrit|strip"
        ),
        "behind a proxy or gateway the server sees another URL than the client called",
        "The server has to compare htu with its public URL, as X-Forwarded-Proto, -Host and -Prefix"
        " of the proxy tell it, where it trusts them, or as it is set there (base URL, mount path)."
        " htu is right if it is the URL that the client calls, without its query.",
    ),
}


def changed_between(call: Call, row: str) -> Change | None:
    """What somebody on the way did to the request, as the lines around a refusal tell of it."""
    change = CHANGES.get(row)
    names = [name.lower() for name, _ in (*call.headers, *call.exchange.response_headers)]
    passed_on = [*filter(NAMES.match, names)]
    words = " ".join([call.description, call.around, *passed_on]).lower()
    told = change and change.signs.search(words) and (passed_on or PROXY.search(words))
    return change if told else None
