"""The strict policy as data, the whole: what a careful reader of the RFCs would build."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.checking import Answer
from dpop_lab.jose.encoding import compact_json
from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.proof.rules import ESSENTIAL, ROWS, ProofProfile, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.duende_site import SCOPES
from dpop_lab.server.policy import (
    JWT_BEARER,
    AssertionRules,
    Credentials,
    Form,
    Policy,
    Refused,
    basic_pair,
    read_form,
)
from dpop_lab.server.rfc9449_reading import READING, key_jti_url
from dpop_lab.wire.message import Request, Response

# What it asks, and what it answers

WORDS = {
    "one_header": "There must be exactly one DPoP header.",
    "well_formed": "The DPoP header is not a well-formed JWT.",
    "strict_form": "The proof is not in strict base64url and JSON, or has values of another type.",
    "typ": "The typ header must be dpop+jwt.",
    "alg": "The alg header must be one of the algorithms in algs.",
    "jwk": "The jwk header must be a public key that fits alg.",
    "no_private_key": "The jwk header holds a private key.",
    "signature": "The signature does not verify with the key in the jwk header.",
    "jti": "The jti claim must be a string that is not empty.",
    "htm": "The htm claim is not the method of this request.",
    "htu": "The htu claim is not the URL of this request.",
    "ath": "The ath claim is not the hash of the access token.",
    "bound_key": "The access token is not bound to the key of the proof.",
    "fresh": "The iat claim is missing or not close enough to the time of this server.",
    "nonce": "The nonce claim must be a nonce this server gave out lately.",
    "unused": "This proof was used before.",
    "scheme": "A bound access token must be sent under the scheme DPoP, another under Bearer.",
    "at_form": "The access token is not a well-formed JWT.",
    "at_typ": "The access token is not of type at+jwt.",
    "issuer": "The access token is from another issuer.",
    "at_signature": "The signature of the access token does not verify.",
    "audience": "The access token is for another audience.",
    "not_expired": "The access token is not valid at this time.",
    "unbound": "The access token is bound to a key.",
}


def _answers(status: int) -> dict[str | tuple[str, str], Answer]:
    answers: dict[str | tuple[str, str], Answer] = {
        row.name: Answer(status, "invalid_dpop_proof", WORDS[row.name]) for row in ROWS
    }
    answers["nonce"] = Answer(status, "use_dpop_nonce", WORDS["nonce"])
    answers["bound_key"] = Answer(status, "invalid_token", WORDS["bound_key"])
    more = "The access token is bound by more than a key, which is not checked here."
    answers["bound_key", "unchecked"] = Answer(status, "invalid_token", more)
    return answers


WITHOUT_TOKEN = ("ath", "bound_key")
TOKEN = ProofProfile(
    name="token endpoint",
    rows=tuple(row for row in ROWS if row.name not in (*WITHOUT_TOKEN, "nonce")),
    answers=_answers(400),
    otherwise=Answer(400, "invalid_dpop_proof"),
    essential=ESSENTIAL,
    reading=READING,
    window=Window(60, 10),
    nonce_window=Window(300, 0),
    nonce_renewed_at=150,
    replay_key=key_jti_url,
    remember=71,  # a proof from 10 s ahead is fresh for 70 s more, that second included
)
TOKEN_NONCE = replace(
    TOKEN,
    name="token endpoint with nonce",
    rows=tuple(row for row in ROWS if row.name not in WITHOUT_TOKEN),
)
API = replace(
    TOKEN,
    name="API",
    rows=tuple(row for row in ROWS if row.name != "nonce"),
    answers=_answers(401),
    otherwise=Answer(401, "invalid_dpop_proof"),
)
API_NONCE = replace(API, name="API with nonce", rows=ROWS)


def token_fault(jws: Jws) -> str | None:
    """An access token in any other spelling than the one it was issued in."""
    return ", ".join(map(str, jws.deviations)) or None


def expired(end: float, now: int) -> bool:
    """On or after `exp` it is over (RFC 7519 section 4.1.4)."""
    return now >= end


BOUND = at.TokenProfile(
    name="access token at the DPoP API",
    rows=at.ROWS,
    answers={
        **{row.name: Answer(401, "invalid_token", WORDS[row.name]) for row in at.ROWS},
        ("scheme", "missing"): Answer(401),
    },
    otherwise=Answer(401, "invalid_token"),
    max_length=math.inf,
    fault=token_fault,
    types=("at+jwt", "application/at+jwt"),
    expired=expired,
    leeway=0,
)
BEARER = replace(
    BOUND,
    name="access token at the Bearer API",
    rows=(*at.ROWS, at.unbound),
    answers={**BOUND.answers, "unbound": Answer(401, "invalid_token", WORDS["unbound"])},
)

# How it talks


def token_parameters(request: Request) -> Form:
    """A POST of a form in which nothing but `resource` stands twice (RFC 6749 section 3.2)."""
    if request.method != "POST":
        raise Refused(Answer(405, "invalid_request"), ("Allow", "POST"))
    form: dict[str, tuple[str, ...]] = {}
    for name, given in read_form(request):
        if name in form and name != "resource":
            raise Refused(Answer(400, "invalid_request", "A parameter is given twice."))
        form[name] = (*form.get(name, ()), given)
    return {name: given for name, given in form.items() if given != ("",)}


def credentials(request: Request, form: Form) -> Credentials:
    """Exactly one way of client authentication, or none for a public client (section 2.3)."""
    basic = [line for line in request.lines("Authorization") if line.lower().startswith("basic")]
    ways = len(basic) + ("client_secret" in form) + ("client_assertion" in form)
    if ways > 1:
        raise Refused(Answer(400, "invalid_request", "More than one way of client authentication."))
    client_id = "".join(form.get("client_id", ()))
    if basic:
        pair = basic_pair(basic[0])
        if pair is None or client_id not in ("", pair[0]):
            raise client_refused(Credentials(client_id, "basic"))
        return Credentials(pair[0], "basic", secret=pair[1])
    if "client_assertion" in form:
        return _asserted(form, client_id)
    return Credentials(client_id, "form", secret="".join(form.get("client_secret", ())) or None)


def _asserted(form: Form, client_id: str) -> Credentials:
    assertion = form["client_assertion"][0]
    jws = read_jws(assertion)
    subject = jws.claims.get("sub")
    kind = str(jws.header.get("typ", "JWT")).lower()
    good = isinstance(subject, str) and client_id in ("", subject) and not jws.deviations
    good = good and kind in ("jwt", "client-authentication+jwt")  # RFC 8725 section 3.11
    if not good or form.get("client_assertion_type") != (JWT_BEARER,):
        raise client_refused(Credentials(client_id, "assertion"))
    return Credentials(str(subject), "assertion", assertion=assertion)


def client_refused(given: Credentials) -> Refused:
    """401, with a Basic challenge for who tried Basic (RFC 6749 section 5.2)."""
    challenge = [("WWW-Authenticate", 'Basic realm="token endpoint"')] * (given.method == "basic")
    return Refused(Answer(401, "invalid_client", "Client authentication failed."), *challenge)


def audience_fits(header: Mapping[str, Any], audience: object, issuer: str) -> bool:
    """The issuer or the token endpoint (RFC 7523 section 3)."""
    several = audience if isinstance(audience, list) else [audience]
    return issuer in several or f"{issuer}/connect/token" in several


def authorization(request: Request, scheme: str) -> str:
    """One Authorization line and no other way of sending a token (RFC 6750 sections 2 and 3.1)."""
    lines = request.lines("Authorization")
    others = [name for name, _ in request.query if name == "access_token"]
    try:
        others += [name for name, _ in read_form(request) if name == "access_token"]
    except Refused:
        pass  # no form, so no token in it
    if len(lines) + len(others) > 1:
        raise Refused(Answer(400, "invalid_request", "The access token is sent more than once."))
    return lines[0] if lines else ""


def challenge(scheme: str, answer: Answer) -> str:
    """The WWW-Authenticate value; under DPoP it tells the algorithms (RFC 9449 section 7.1)."""
    pairs = {"error": answer.error, "error_description": answer.description}
    if scheme == "DPoP":
        pairs["algs"] = " ".join(READING.algorithms)
    text = ", ".join(f'{name}="{value}"' for name, value in pairs.items() if value)
    return f"{scheme} {text}".rstrip()


def metadata(base: str) -> dict[str, Any]:
    """What this server can do, and no more (RFC 8414 section 2, RFC 9449 section 5.1)."""
    return {
        "issuer": base,
        "token_endpoint": f"{base}/connect/token",
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic", "client_secret_post", "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": list(READING.algorithms),
        "dpop_signing_alg_values_supported": list(READING.algorithms),
    }  # fmt: skip


def method_not_allowed(allowed: str) -> Response:
    """405 with what would be allowed (RFC 9110 section 15.5.6)."""
    return Response(405, (("Allow", allowed),))


RFC_9449 = Policy(
    name="RFC_9449",
    token=TOKEN,
    token_nonce=TOKEN_NONCE,
    api=API,
    api_nonce=API_NONCE,
    bound=BOUND,
    bearer=BEARER,
    assertions=AssertionRules(
        algorithms=READING.algorithms,
        expired=expired,
        leeway=0,
        number=READING.number,
        audience_fits=audience_fits,
    ),
    token_parameters=token_parameters,
    credentials=credentials,
    client_refused=client_refused,
    token_claims=at.standard_claims,
    proofs=lambda request: request.lines("DPoP"),
    authorization=authorization,
    challenge=challenge,
    metadata=metadata,
    method_not_allowed=method_not_allowed,
    json=compact_json,
    token_headers=(("Content-Type", "application/json"), ("Cache-Control", "no-store")),
    metadata_type="application/json",
    api_type="application/json",
    site_headers=(("Server", "dpop_lab"),),
    cors_exposed="DPoP-Nonce, WWW-Authenticate",
    api_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    no_grant_type=Answer(400, "invalid_request", "There is no grant_type."),
    misspelt_scope=Answer(400, "invalid_scope"),
    trims_scope=False,
    no_proof=Answer(400, "invalid_request", "This client must send a DPoP proof."),
)
