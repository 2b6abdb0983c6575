"""What to change about the access token and the request for one, made from what was sent."""

from dpop_lab.checking import Finding
from dpop_lab.jose.encoding import several
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


def at_typ(finding: Finding, call: Call) -> str:
    """What kind of JWT it is instead."""
    claims = call.access_token.claims.keys()
    if {"at_hash", "c_hash", "nonce"} & claims:
        return SENT_ID
    if {"htm", "htu"} & claims:
        return "This is the proof: it belongs into the DPoP header, the access token here."
    return ""


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
    return f"The token had expired {duration(time - end)} before {whose}: {FETCH}."


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


ROWS = scheme, at_typ, audience, not_expired


# ---- the request for one


READ = ("invalid_grant", "invalid_client", "invalid_scope", "unauthorized_client")  # of a form read


def form_advice(call: Call) -> str:
    """What to change, going by the error and the request; empty where the request tells nothing."""
    if call.place != TOKEN_ENDPOINT or not call.whole or not call.error:
        return ""
    kind = "".join(lines(call.headers, "content-type")[:1]).partition(";")[0].strip().lower()
    error, name = call.error.lower(), call.form.get("client_id")
    odd = call.method not in ("", "POST")
    if odd or (kind != FORM and error not in READ):
        wrong = call.method if odd else kind
        found = f"not as {shown(wrong, 60)}" if wrong else "and say so in Content-Type"
        return f"Send the parameters by POST, as {FORM}, {found}."
    if call.doubled:
        return f"Send each parameter once: {shown(', '.join(call.doubled), 80)} came twice."
    ways = [way for way in WAYS if call.form.get(way)]
    if len(ways) > 1:
        return "Authenticate in one way: HTTP Basic, client_secret or client_assertion."
    if error == "invalid_scope":
        asked = shown(call.form.get("scope"), 100)
        return f"Ask for what this client may have: it asked for {asked}."
    if error != "invalid_client" or ways == ["client_assertion"]:
        return ""
    who = f"client_id {shown(name, 60)}" if name else "a request without client_id"
    if not ways:
        return f"Send the client's secret or assertion: {who} came alone."
    sent = "as HTTP Basic" if ways == ["Basic"] else "as form parameters"
    return f"Check name and secret: {who} was sent {sent}. Is it registered at this server?"
