"""What to change about the access token, made from what it is and how it was sent."""

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.written import advice
from dpop_lab.session.call import Call
from dpop_lab.show.values import duration, is_time, shown

FETCH = "fetch a new access token"


@advice
def scheme(finding: Finding, call: Call) -> str:
    """By the defect, or the scheme that came."""
    send, given = f"Send Authorization: {finding.wanted}", call.scheme.lower()
    return {
        "missing": f"{send} and the access token; there is no such header.",
        "too_long": "Use a smaller access token: ask for fewer scopes or claims.",
        "bearer": "Send Authorization: DPoP in place of Bearer: a bound token goes with a proof.",
        "dpop": "This API takes plain Bearer tokens: call the API that is meant, or ask without"
        " proof.",
        "": f"Put the scheme before the token: Authorization: {finding.wanted} and a space.",
    }.get(finding.defect if finding.defect != "wrong" else given) or (
        f"{send} in place of {shown(call.scheme, 30)}."
    )


@advice
def at_form(finding: Finding, call: Call) -> str:
    """Whether it is encrypted."""
    if call.token.count(".") == 4:
        return "This token is encrypted (JWE): only its API can read it. Is it the access token?"
    return ""


@advice
def at_typ(finding: Finding, call: Call) -> str:
    """What kind of JWT it is instead."""
    claims = call.access_token.claims.keys()
    if {"at_hash", "c_hash", "nonce"} & claims:
        return "This is an ID token: send the access_token of the token response."
    if {"htm", "htu"} & claims:
        return "This is the proof: it belongs into the DPoP header, the access token here."
    if str(finding.found).lower().endswith("at+jwt"):
        return "The demo server wants typ to be at+jwt to the letter: is the token one of its own?"
    return ""


@advice
def at_signature(finding: Finding, call: Call) -> str:
    """Which key it names."""
    kid = call.access_token.header.get("kid")
    named = f" ({shown(kid, 60)})" if kid else ""
    return (
        f"No key of the issuer{named} verifies this token: {FETCH}. It was changed, or the issuer "
        "has other keys now."
    )


@advice
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
