"""What to change in a token request, made from the parameters and headers that were sent."""

from dpop_lab.jose.jws import read_jws
from dpop_lab.server.form import JWT_BEARER
from dpop_lab.session.call import TOKEN_ENDPOINT, Call
from dpop_lab.show.values import duration, shown

WAYS = ("Basic", "client_secret", "client_assertion")
FORM = "application/x-www-form-urlencoded"


def form_advice(call: Call) -> str:
    """What to change, going by the error and the request; empty where the request tells nothing."""
    if call.place != TOKEN_ENDPOINT or not call.whole or not call.error:
        return ""
    types = [value for name, value in call.headers if name.lower() == "content-type"]
    kind = (types or [""])[0].partition(";")[0].strip().lower()
    if call.method and call.method != "POST":
        return f"Send the token request as POST, not as {shown(call.method, 20)}."
    if kind != FORM:
        found = f"not as {shown(kind, 60)}" if kind else "and say so in Content-Type"
        return f"Send the parameters as {FORM}, {found}."
    write = {
        "invalid_client": _client,
        "invalid_scope": _scope,
        "unsupported_grant_type": _grant,
        "invalid_request": _request,
    }.get(call.error.lower())
    return write(call) if write else ""


def _client(call: Call) -> str:
    form = call.form
    ways = [name for name in WAYS if form.get(name)]
    name = form.get("client_id")
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
    if sum(bool(call.form.get(name)) for name in WAYS) > 1:
        return _client(call)
    if call.doubled:
        return f"Send each parameter once: {shown(', '.join(call.doubled), 80)} came twice."
    if not call.form.get("grant_type"):
        return "Add the parameter grant_type."
    if not call.form.get("client_id") and not call.form.get("client_assertion"):
        return "Say who the client is: client_id and its secret, HTTP Basic or an assertion."
    return ""
