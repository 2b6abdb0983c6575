"""What a server may know or do otherwise, where it names a row that passes here."""

import re

from dpop_lab.checking import Check
from dpop_lab.doctor.times import SKEW
from dpop_lab.doctor.url_mends import FORWARD, METHOD, PROXY
from dpop_lab.doctor.urls import ENCODED, differences
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call
from dpop_lab.show.values import is_time, shown
from dpop_lab.wire.syntax import without_query

#: Of rows that a server may see otherwise than this paste does.
REASONS = {
    rules.htu: f"Here htu is the URL that was called, so {PROXY}",
    rules.htm: f"Here htm is the method of the request. {METHOD}",
    rules.fresh: "The proof was made in time, by the clocks that are known here: compare the"
    " server's clock with the client's (NTP). The server's window may be smaller than others':"
    " make the proof right before it is sent.",
    rules.unused: "The proof was sent before, in an exchange that is not known here: make a new"
    " one for each request, also for one that a library or a proxy sends again by itself. If each"
    " request has one, the server is at fault: a gateway and the server behind it look at the same"
    " proof and share one memory, or it remembers something else than jti.",
    rules.nonce: "The nonce was outdated when it came, or is that of another server: put the newest"
    " DPoP-Nonce of this server into a new proof and send it again, once.",
    rules.alg: "RFC 9449 allows this algorithm, and this server does not take it: sign with one"
    " that its metadata name (dpop_signing_alg_values_supported) or its challenge (algs); most"
    " take ES256.",
    rules.one_header: "The header was sent, with a proof in it: something on the way takes it away,"
    f" or this endpoint of the server does not read it. Look at what arrives. {FORWARD}",
    not_expired: "The token's exp lies ahead of the server's Date: compare the clock, and the time"
    " zone, by which the server judges it. Or the token was revoked: a new one would tell.",
    rules.jwk: "The jwk is in order: further members (kid, use, alg, ext, key_ops) are allowed in a"
    " public key, and a server has to pass over those it does not know (RFC 7517 §4).",
    rules.signature: "The text may have been changed on the way: look at what arrives.",
}
NO_ATH = (
    "The server must not ask for ath in a token request: no access token goes with it, and ath is"
    " the hash of one (RFC 9449 §4.2). Tell its operator; the client is right."
)
AGREED = (
    "iat fits the Date of the server's own answer, so the client's clock is right. The server has"
    " to compare iat with that time, and to allow for the way that a request takes: it reckons with"
    " another clock, or its window is too small."
)
ZONE = " Whole hours are a time zone: one of both takes local time for UTC."
HOURS, HALF_AN_HOUR = re.compile(r"\b(\d{4,6}) ?s(?:ec|\b)"), 1800
#: Rows of which a server decides by what is not here, or by what it chooses to take.
OPEN_YET = (rules.fresh, rules.unused, rules.nonce, rules.alg)
COMPARE = "Is this the request that was refused? Then look into the server's log."
NO_CHALLENGE = (
    "A 401 has to say in WWW-Authenticate what the server wants (RFC 9110 §15.5.2), and this one"
    " says nothing of DPoP: a server, or a gateway before it, that knows Bearer alone answers so."
    " Ask its operator whether it takes DPoP."
)


def may_be_either(row: Check, call: Call) -> bool:
    """May the client be at fault, though the row passes? Not for a time all clocks agree on."""
    iat, date = call.proof.claims.get("iat"), call.date
    agreed = row == rules.fresh and is_time(iat) and date is not None and abs(iat - date) <= SKEW
    return row in OPEN_YET and not agreed


def why_refused(call: Call) -> str:
    """Where to look in a server that refuses a request of which nothing is wrong."""
    at_api, claims = call.place == API, call.access_token.claims
    silent = NO_CHALLENGE if call.status == 401 and at_api and not call.challenges else ""
    trusts = [f"{name} {shown(claims[name], 80)}" for name in ("iss", "aud") if name in claims]
    odd = call.scheme.lower() == "dpop" and call.scheme != "DPoP"
    places = (
        f"whether it takes the scheme in any letter case, here {call.scheme}" if odd else "",
        f"the URL it takes for its own, which has to be {shown(call.proof.claims['htu'], 200)}"
        " (behind a proxy: its base URL, X-Forwarded headers)",
        "its clock",
        "its memory of the jti that were used",
        f"the algorithms it takes, here {shown(call.proof.header['alg'], 20)}",
        f"the tokens it trusts, here with {' and '.join(trusts)}" if at_api and trusts else "",
    )
    return (
        f"The client has nothing to mend here. {silent}{' ' * bool(silent)}The reason is in the"
        f" server's log; look there at {'; '.join(filter(None, places))}."
    )


def why_passed(row: Check, call: Call) -> str:
    """What may be behind it, and what to do."""
    htu, url = call.proof.claims.get("htu"), without_query(call.url)
    if row == rules.fresh:
        told, hours = may_be_either(row, call) and REASONS[row], HOURS.search(call.description)
        zone = hours is not None and int(hours[1]) % HALF_AN_HOUR == 0
        return (told or AGREED) + ZONE * zone
    if row != rules.htu or not isinstance(htu, str) or not url:
        return REASONS.get(row, COMPARE)
    if odd := differences(url, htu):
        return (
            "Here htu is the URL of the request in another spelling, with"
            f" {' and '.join(odd.values())}. By RFC 9449 a server makes both alike first; this one"
            " seems to compare letter by letter. Send htu as the request has it:"
            f" {shown(url, 300)[1:-1]}."
        )
    if ENCODED.search(url):
        return (
            "The path is percent-encoded, and a server that decodes the path before it compares"
            " wants the decoded form: try that, and tell the server's operator. Or " + PROXY
        )
    query = " Or it leaves the query in its own URL: it has to cut that off before it compares."
    return REASONS[row] + query * ("?" in call.exchange.url)


def no_token_told(call: Call) -> tuple[str, str]:
    """That a token request needs no ath, where one is missed; or nothing."""
    asks = call.place == TOKEN_ENDPOINT and "grant_type" in call.form
    if asks and call.is_proof and "ath" not in call.proof.claims:
        return "this is a token request, in which there is no access token to hash", NO_ATH
    return "", ""
