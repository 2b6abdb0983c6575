"""Each failed row of an access token turned into an action, made from what was found."""

from collections.abc import Callable, Mapping

from dpop_lab.checking import Finding
from dpop_lab.session.call import Call
from dpop_lab.show.times import duration
from dpop_lab.show.values import shown

FAR = 10**15  # no time in seconds is so far away
FETCH = "fetch a new access token"


def _scheme(finding: Finding, case: Call) -> str:
    verdict = finding.verdict
    wanted = "" if verdict is None else str(verdict.wanted)
    defect = "" if verdict is None else verdict.defect
    if defect == "missing":
        return f"Send Authorization: {wanted} and the access token; there is no such header."
    if defect == "too_long":
        return "Use a smaller access token: ask for fewer scopes or claims."
    if case.scheme.lower() == "bearer":
        return "Send Authorization: DPoP in place of Bearer: a bound token goes with a proof."
    if case.scheme.lower() == "dpop":
        return (
            "This API takes plain Bearer tokens: call the API that is meant, or ask without proof."
        )
    if not case.scheme:
        return f"Put the scheme before the token: Authorization: {wanted} and a space."
    return f"Send Authorization: {wanted} in place of {shown(case.scheme, 30)}."


def _at_form(finding: Finding, case: Call) -> str:
    if case.token.count(".") == 4:
        return "This token is encrypted (JWE): only its API can read it. Is it the access token?"
    return f"Send the access token to the letter, as the token endpoint gave it, or {FETCH}."


def _at_typ(finding: Finding, case: Call) -> str:
    claims = case.access_token.claims
    if {"at_hash", "c_hash", "nonce"} & set(claims):
        return "This is an ID token: send the access_token of the token response."
    if {"htm", "htu"} & set(claims):
        return "This is the proof: it belongs into the DPoP header, the access token here."
    if str(case.access_token.header.get("typ", "")).lower().endswith("at+jwt"):
        return "The demo server wants typ to be at+jwt to the letter: is the token one of its own?"
    return "Send the access_token of the token response, whose header says at+jwt."


def _issuer(finding: Finding, case: Call) -> str:
    wanted = finding.verdict.wanted if finding.verdict else ""
    found = finding.verdict.found if finding.verdict else ""
    return f"This token is from {shown(found, 80)}: {FETCH} from {shown(wanted, 80)}."


def _at_signature(finding: Finding, case: Call) -> str:
    kid = case.access_token.header.get("kid")
    named = f" ({shown(kid, 60)})" if kid else ""
    return (
        f"No key of the issuer{named} verifies this token: {FETCH}. It was changed, or the issuer "
        "has other keys now."
    )


def _audience(finding: Finding, case: Call) -> str:
    return f"Ask for a token for this API, by its scope or resource: aud is {_told(finding)}."


def _told(finding: Finding) -> str:
    return shown(finding.verdict.found if finding.verdict else None, 80)


def _not_expired(finding: Finding, case: Call) -> str:
    claims, defect = case.access_token.claims, finding.verdict and finding.verdict.defect
    if defect == "early":
        return "The token is not valid yet: compare the clocks of issuer and API (NTP)."
    end = claims.get("exp")
    if not isinstance(end, int | float) or isinstance(end, bool) or not abs(end) < FAR:
        return "The token has no usable exp, a number of seconds: its issuer has to add one."
    time, whose = case.clock or (None, "")
    if time is not None:
        return f"The token had expired {duration(time - end)} before {whose}: {FETCH}."
    return f"The token has expired: {FETCH}, and renew it before its end."


def _unbound(finding: Finding, case: Call) -> str:
    return "Send it under the scheme DPoP with a proof: a bound token is no Bearer token."


TOKEN_ADVICE: Mapping[str, Callable[[Finding, Call], str]] = {
    "scheme": _scheme,
    "at_form": _at_form,
    "at_typ": _at_typ,
    "issuer": _issuer,
    "at_signature": _at_signature,
    "audience": _audience,
    "not_expired": _not_expired,
    "unbound": _unbound,
}
TOKEN_GENERAL: Mapping[str, str] = {
    "scheme": "Send Authorization: DPoP and the access token.",
    "at_form": "Send the access token to the letter, as the token endpoint gave it.",
    "at_typ": "Send the access_token of the token response, no other kind of JWT.",
    "issuer": "Use a token of the issuer that this API trusts.",
    "at_signature": "Fetch a new access token: no key of the issuer verifies this one.",
    "audience": "Ask for a token for this API, by its scope or resource.",
    "not_expired": "Fetch a new access token, and renew it before its end.",
    "unbound": "Send a bound token under the scheme DPoP with a proof.",
}
