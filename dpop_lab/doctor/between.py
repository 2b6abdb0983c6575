"""Who stands between client and server, such as a proxy, and what was changed on the way."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from dpop_lab.doctor.exchanges import Others, named, place_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.url_mends import FORWARD, METHOD
from dpop_lab.session.call import Call
from dpop_lab.show.values import cut
from dpop_lab.wire.message import first

PROXY = re.compile(
    r"prox(?:y|ies)(?:\b|_)|x-forwarded-|gateway|\bgw\b|nginx|upstream|envoy|istio|ingress"
    r"|haproxy|load.?balancer|traefik|kong\b|\bmesh\b|\bcdn\b|cloudfront|cloudflare"
    r"|varnish|akamai|\bedge\b|\bapim\b|apigee|\bbff\b|backend|caddy|auth_request"
    r"|subrequest"
)
NAMES = re.compile(  # of header lines that somebody on the way adds
    r"x-forwarded-|forwarded$|via$|x-real-ip$|x-envoy-|x-amzn?-|cf-ray$|x-original-|x-cache"
)
MOST = 10  # proofs of one request that are looked at
ANYTHING = re.compile("")


class Change(NamedTuple):
    """What may become of a request on its way, or behind it."""

    row: str  #: that then fails
    signs: re.Pattern[str]  #: words that tell of it
    told: str  #: fits behind a semicolon
    action: str
    beside: re.Pattern[str] = PROXY  #: words that have to stand beside them


CHANGES = (
    Change(
        "unused",
        re.compile(r"\bretr(?:y|ies|ied|ying)\b|attempt\W{1,3}[2-9]|\bre-?sen[dt]|sent again"),
        "a proxy or gateway sent the request again by itself, with the same proof",
        "Turn that retry off for requests with a proof (nginx: proxy_next_upstream off; Envoy and"
        " others: their retry policy). The client has nothing to mend: it alone can send the"
        " request again, with a new proof.",
    ),
    Change(
        "nonce",
        re.compile(
            r"nonce.{0,60}\b(?:unknown|not (?:known|issued|found)|differ|other)|unknown nonce"
            r"|nonce\b.{0,200}\b(?:loop|for ?ever|endless|each time|every time)"
        ),
        "the nodes of the server do not know each other's nonces",
        "All nodes of the server need one secret, or one store, for their nonces. If the client"
        " sends another server's nonce, or none: take the newest DPoP-Nonce of this server into a"
        " new proof.",
        re.compile(r"\b(?:pod|node|replica|instance|worker)s?\b|cluster|load.?balanc"),
    ),
    Change(
        "unused",
        re.compile(
            r"\b(?:each|every)\b.{0,40}\bjti of its own\b|\b(?:registered|checked|validated"
            r"|verified|run) twice\b|two filters|\bjti\b.{0,20}\b(?:differs|changes) (?:each|every"
            r"|with)"
        ),
        "the proofs are said to be new, so the server's memory of them is at fault",
        "Look at the server's memory of proofs: is its key jti, or something that several proofs"
        " share; is one proof looked at twice, as by a gateway and the service, or by two filters;"
        " how long is it kept? The client has nothing to mend.",
        ANYTHING,
    ),
    Change(
        "unused",
        re.compile(r"\b(?:ok|valid|verified|accepted|stored)\b.{0,60}\bjti\b"),
        "a gateway has taken this very proof just before, and the service behind it looks into the"
        " same memory",
        "The gateway and the service must not share one memory of jti: let one of them check the"
        " proof, or keep their memories apart. The client has nothing to mend.",
    ),
    Change(
        "fresh",
        re.compile(
            r"\b(?:server|api|container|docker|vm|wsl\d?|host|pod|node)s?\b[^\0]{0,60}\b(?:clocks?"
            r"|date|time)\b[^\0]{0,60}\b(?:behind|ahead|slow|fast|drift\w*|wrong|lag\w*|off)\b"
            r"|\b(?:clocks?|date|time)\b.{0,20}\b(?:server|api|container|docker|vm|host|pod"
            r"|node)s?\b[^\0]{0,30}\b(?:behind|ahead|slow|fast|drift\w*|wrong|lag\w*|off)\b"
        ),
        "the lines around it say that the server's clock is wrong",
        "Set the server's clock (NTP), also that of its virtual machine or container, if it is as"
        " these lines say; the client's may stay as it is.",
        ANYTHING,
    ),
    Change(
        "one_header",
        re.compile(
            r"x-forwarded-|\bvia\b|\b(?:strip|drop|remov|swallow|forward|pass|arriv)|behind"
        ),
        "a proxy, gateway or CDN on the way drops the header, if the client sent it",
        f"{FORWARD} If the client sent none: sign a proof for this request.",
    ),
    Change(
        "htm",
        re.compile(r"x-forwarded-|x-original-|forward.?auth|auth_request"),
        "a proxy or cache on the way changed the method, or asks with a request of its own",
        f"{METHOD} If the proof is not for the client's own request: make one for each request.",
    ),
    Change(
        "ath",
        re.compile(r"swap|exchang|phantom|replac|translat|->"),
        "a gateway on the way puts another token in place of the client's, if ath is its hash",
        "ath is right if it is the hash of the token that the client sends. Then the gateway has to"
        " check the proof before it swaps the token, or to hand the original token on to the API.",
    ),
    Change(
        "htu",
        re.compile(r"behind|x-forwarded-|proxy_pass|terminat|rewrit|strip"),
        "behind a proxy or gateway the server sees another URL than the client called",
        "The server has to compare htu with its public URL, as X-Forwarded-Proto, -Host and -Prefix"
        " of the proxy tell it, where it trusts them, or as it is set there (base URL, mount path)."
        " htu is right if it is the URL that the client calls, without its query.",
    ),
)


def changed_between(call: Call, row: str) -> Change | None:
    """What became of the request behind the client, as the lines around a refusal tell of it."""
    names = [name.lower() for name, _ in (*call.headers, *call.exchange.response_headers)]
    passed_on = [*filter(NAMES.match, names)]
    words = " ".join([call.description, call.around, *passed_on]).lower()
    for change in (one for one in CHANGES if one.row == row):
        known = (passed_on and change.beside is PROXY) or change.beside.search(words)
        if known and change.signs.search(words):
            return change
    return None


#: Header lines by which a cache tells that an answer is out of it.
CACHES = ("X-Cache", "CF-Cache-Status", "X-Cache-Status", "Cache-Status", "X-Proxy-Cache")
OF_HEADERS = ("one_header", "well_formed", "scheme", "status", "any row")  # explained
HIT = re.compile(r"\bhit\b", re.I)


def out_of_cache(call: Call) -> Iterator[Problem]:
    """A refusal that a cache kept, of an earlier request, perhaps somebody else's."""
    headers, age = call.exchange.response_headers, first(call.exchange.response_headers, "Age")
    hits = [(name, first(headers, name)) for name in CACHES if HIT.search(first(headers, name))]
    told = [("Age", age)] * (age.isdecimal() and int(age) > 0) + hits
    if not told:
        return
    named_so = ", ".join(f"{name} {cut(value, 60)}" for name, value in told[:2])
    yield Problem(
        f"This answer came out of a cache ({named_so}): it is one to an earlier request, and any"
        " nonce in it is old",
        "The server has to send such answers with Cache-Control: no-store, and the CDN or proxy"
        " must not cache an answer to a request with Authorization or DPoP: let it pass those. The"
        " proof may be right.",
        "RFC 9111 §3.5, RFC 9449 §8.2",
        row="nonce" * call.wants_nonce,
        explains=("nonce", "use_dpop_nonce", "any row", "status", "unused", "fresh"),
        at_server=True,
    )


def on_the_way(call: Call, others: Others) -> Iterator[Problem]:
    """A request that went out with a proof, and arrived with another method, or proofs, or none."""
    yield from _doubled(call, others)
    sent = others.before("unanswered", True) if call.refused else []
    out = next((one for one in sent if _is_of(call, one)), None)
    if out is None:
        return
    if call.method != out.method and call.method and out.method:
        yield Problem(
            f"htm: {named(out)} is a {cut(out.method, 20)}, and {named(call)} a"
            f" {cut(call.method, 20)}: something on the way changes {cut(out.method, 20)} into"
            f" {cut(call.method, 20)}, so htm no longer fits",
            METHOD,
            "RFC 9449 §4.3 (8)",
            row="htm",
            explains=("htm", *OF_HEADERS),
            at_server=True,
        )
    elif not call.is_proof and call.token and call.token == out.token:
        yield Problem(
            f"one_header: {named(out)} sent a proof, and here, behind a gateway or proxy, it is"
            " gone",
            "Let the gateway pass the header DPoP on, or check the proof itself: the client is"
            " right.",
            "RFC 9449 §4.3 (1)",
            row="one_header",
            explains=("one_header", "not_expired"),
            at_server=True,
        )


def proofs_of(call: Call) -> list[str]:
    """The proofs in a request, also where several stand in one header."""
    return [*filter(None, ",".join(call.proofs).replace(" ", "").split(",", MOST)[:MOST])]


def _doubled(call: Call, others: Others) -> Iterator[Problem]:
    """One proof sent, two arrived: of either view of the request."""
    mine = proofs_of(call)
    views = [call, *others.around("proof", *mine)]
    sent = next((one for one in views if len(proofs_of(one)) == 1), None)
    arrived = next((one for one in views if len(proofs_of(one)) > 1), None)
    if sent and arrived:
        yield Problem(
            f"one_header: {named(sent)} sent one proof, and in {named(arrived)} there are two: a"
            " gateway, proxy or sidecar on the way added one of its own",
            "That gateway or sidecar must not add a proof beside the client's: it has to pass the"
            " DPoP header on as it came, or to replace both token and proof by its own. The client"
            " is right.",
            "RFC 9449 §4.3 (1)",
            row="one_header",
            explains=OF_HEADERS,
            at_server=True,
        )


def _is_of(call: Call, sent: Call) -> bool:
    """Is it the request that was sent, as it was seen further on?"""
    if call.is_proof:
        return sent.proofs[0] in ", ".join(call.proofs)
    path = "/" + place_of(sent).partition("/")[2]
    mine = place_of(call).partition("/")[2]
    here = path.endswith(mine) if mine else path in call.around.split("\n")  # without a host
    return call.token == sent.token != "" or (path != "/" and here)
