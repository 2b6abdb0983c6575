"""What to change about the access token and the request for one, made from what was sent."""

from dpop_lab.checking import Finding
from dpop_lab.jose.encoding import several
from dpop_lab.jose.jws import read_jws
from dpop_lab.server.common import JWT_BEARER
from dpop_lab.session.call import TOKEN_ENDPOINT, Call, host_of
from dpop_lab.show.values import duration, is_time, shown
from dpop_lab.wire.message import lines

SENT_ID = "This is an ID token: send the access_token of the token response."
FETCH = "fetch a new access token"
WAYS = ("Basic", "client_secret", "client_assertion")
FORM = "application/x-www-form-urlencoded"


def scheme(finding: Finding, call: Call) -> str:
    """By the defect, or the scheme that came."""
    send, given = f"Send Authorization: {finding.wanted}", call.scheme.lower()
    # only a server that has looked at it knows that its tokens can be read
    unreadable = call.reports and call.token and call.access_token.problem
    advice = {
        "missing": f"{send} and the access token; there is no such header.",
        "too_long": "Use a smaller access token: ask for fewer scopes or claims.",
        "bearer": "Send Authorization: DPoP in place of Bearer: a bound token goes with a proof.",
        "dpop": "This API takes plain Bearer tokens: call the API that is meant, or ask without"
        " proof.",
        "": f"Put the scheme before the token: Authorization: {finding.wanted} and a space.",
    }.get(finding.defect if finding.defect != "wrong" else given) or (
        f"{send} in place of {shown(call.scheme, 30)}."
    )
    return advice + " And what came is no JWT that can be read." * bool(unreadable)


def at_form(finding: Finding, call: Call) -> str:
    """Whether it is encrypted."""
    if call.token.count(".") == 4:
        return "This token is encrypted (JWE): only its API can read it. Is it the access token?"
    return ""


def at_typ(finding: Finding, call: Call) -> str:
    """What kind of JWT it is instead."""
    claims = call.access_token.claims.keys()
    if {"at_hash", "c_hash", "nonce"} & claims:
        return SENT_ID
    if {"htm", "htu"} & claims:
        return "This is the proof: it belongs into the DPoP header, the access token here."
    if str(finding.found).lower().endswith("at+jwt"):
        return "The demo server wants typ to be at+jwt to the letter: is the token one of its own?"
    return ""


def at_signature(finding: Finding, call: Call) -> str:
    """Which key it names."""
    kid = call.access_token.header.get("kid")
    named = f" ({shown(kid, 60)})" if kid else ""
    return (
        f"No key of the issuer{named} verifies this token: {FETCH}. It was changed, or the issuer "
        "has other keys now."
    )


def not_expired(finding: Finding, call: Call) -> str:
    """How long ago it ended, by which clock."""
    end = call.access_token.claims.get("exp")
    if finding.defect == "early":
        return "The token is not valid yet: compare the clocks of issuer and API (NTP)."
    if not is_time(end):
        return "The token has no usable exp, a number of seconds: its issuer has to add one."
    if call.clock is None:
        return ""
    time, whose = call.clock
    return f"{FETCH.capitalize()}: this one had expired {duration(time - end)} before {whose}."


def audience(finding: Finding, call: Call) -> str:
    """For which host the token is, and which was called."""
    hosts = [host_of(one) for one in several(finding.found) if isinstance(one, str)]
    there, here = " or ".join(filter(None, hosts))[:200], host_of(call.url)
    if not there or not here or here in hosts:
        return ""
    return (
        f"aud names {shown(there, 200)}, the request goes to {shown(here, 100)}: send it to"
        f" {there}, or ask for a token for {here} (by its scope or resource). Where this API goes"
        " by another name than its host, look elsewhere."
    )


ROWS = scheme, at_form, at_typ, at_signature, audience, not_expired


# ---- the request for one


READ = ("invalid_grant", "invalid_client", "invalid_scope", "unauthorized_client")  # of a form read


def form_advice(call: Call) -> str:
    """What to change, going by the error and the request; empty where the request tells nothing."""
    if call.place != TOKEN_ENDPOINT or not call.whole or not call.error:
        return ""
    kind = "".join(lines(call.headers, "content-type")[:1]).partition(";")[0].strip().lower()
    if call.method and call.method != "POST":
        return f"Send the token request as POST, not as {shown(call.method, 20)}."
    if kind != FORM and call.error.lower() not in READ:
        found = f"not as {shown(kind, 60)}" if kind else "and say so in Content-Type"
        return f"Send the parameters as {FORM}, {found}."
    match call.error.lower():
        case "invalid_client":
            return _client(call)
        case "invalid_scope":
            return _scope(call)
        case "unsupported_grant_type":
            return _grant(call)
        case "invalid_request":
            return _request(call)
    return ""


def _ways(call: Call) -> list[str]:
    """How the client says who it is."""
    return [name for name in WAYS if call.form.get(name)]


def _client(call: Call) -> str:
    ways, name = _ways(call), call.form.get("client_id")
    who = f"client_id {shown(name, 60)}" if name else "a request without client_id"
    if len(ways) > 1:
        return "Authenticate in one way: HTTP Basic, client_secret or client_assertion."
    if not ways:
        return f"Send the client's secret or assertion: {who} came alone."
    if ways == ["client_assertion"]:
        return _assertion(call)
    sent = "as HTTP Basic" if ways == ["Basic"] else "as form parameters"
    return f"Check name and secret: {who} was sent {sent}. Is it registered at this server?"


def _assertion(call: Call) -> str:
    """What may be wrong with a client assertion (RFC 7523 section 3)."""
    claims = read_jws(call.form.get("client_assertion", "")).claims
    if call.form.get("client_assertion_type") != JWT_BEARER:
        return f"Send client_assertion_type={JWT_BEARER}."
    end, now = claims.get("exp"), call.clock
    if isinstance(end, int | float) and now and now[0] > end:
        return (
            f"The assertion had expired {duration(now[0] - end)} before {now[1]}: make a new one."
        )
    missing = [name for name in ("iss", "sub", "aud", "exp", "jti") if not claims.get(name)]
    if missing:
        return f"Put {', '.join(missing)} into the assertion (RFC 7523 §3)."
    if claims["iss"] != claims["sub"]:
        return "Let iss and sub of the assertion both be the client_id."
    return (
        "Make a new assertion for each request, also for the one with the nonce: each counts once."
        f" Its aud is {shown(claims['aud'], 100)}; is the key registered for this client?"
    )


def _scope(call: Call) -> str:
    if "scope" in call.doubled:
        return "Send scope once, its words parted by blanks."
    return f"Ask for what this client may have: it asked for {shown(call.form.get('scope'), 100)}."


def _grant(call: Call) -> str:
    if "grant_type" in call.doubled:
        return "Send grant_type once."
    found = call.form.get("grant_type")
    if not found:
        return "Add the parameter grant_type=client_credentials, or the grant that is meant."
    return f"Use a grant this server knows: {shown(found, 80)} is none, such as client_credentials."


def _request(call: Call) -> str:
    if len(_ways(call)) > 1:
        return _client(call)
    if call.doubled:
        return f"Send each parameter once: {shown(', '.join(call.doubled), 80)} came twice."
    if not {"grant_type", "response_type"} & call.form.keys():
        return "Add the parameter grant_type."
    if not call.form.get("client_id") and not call.form.get("client_assertion"):
        return "Say who the client is: client_id and its secret, HTTP Basic or an assertion."
    return ""
