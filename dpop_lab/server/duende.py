"""demo.duendesoftware.com as data, the whole: its profiles, wording, ways with a request."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.checking import Answer
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof import rules
from dpop_lab.proof.rules import ANY_TIME, ESSENTIAL, ProofProfile, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.duende_reading import (
    API_READING,
    TOKEN_READING,
    jti_alone,
    malformed,
    number,
)
from dpop_lab.server.duende_site import ALGORITHMS, metadata
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
from dpop_lab.wire.message import Request, Response

# What it asks, in which order, and what it answers


def _bad(description: str, status: int = 400, error: str = "invalid_dpop_proof") -> Answer:
    return Answer(status, error, description)


TOKEN_ANSWERS: dict[str | tuple[str, str], Answer] = {
    "one_header": _bad("Too many DPoP headers provided.", error="invalid_request"),
    "well_formed": _bad("Malformed DPoP token."),
    ("well_formed", "too_long"): Answer(400, "invalid_dpop_proof"),
    "typ": _bad("Invalid 'typ' value."),
    "alg": _bad("Invalid 'alg' value."),
    "jwk": _bad("Invalid 'jwk' value."),
    "no_private_key": _bad("'jwk' value contains a private key."),
    "signature": _bad("Invalid signature on DPoP token."),
    "jti": _bad("Invalid 'jti' value."),
    "htm": _bad("Invalid 'htm' value."),
    "htu": _bad("Invalid 'htu' value."),
    "fresh": _bad("Invalid 'iat' value."),
    ("fresh", "missing"): _bad("Missing 'iat' value."),
    "nonce": _bad("Invalid 'nonce' value.", error="use_dpop_nonce"),
    ("nonce", "missing"): _bad("Missing 'nonce' value.", error="use_dpop_nonce"),
    "unused": _bad("Detected replay of DPoP proof token."),
}
_ONE_MESSAGE = _bad("Invalid DPoP proof token.", 401)
API_ANSWERS: dict[str | tuple[str, str], Answer] = {
    "one_header": Answer(401, "invalid_request"),
    ("one_header", "empty"): _bad("Missing DPoP proof token.", 401, "invalid_request"),
    "well_formed": _bad("Malformed DPoP proof token.", 401),
    "jwk": _bad("Invalid 'jwk' value.", 401),
    "no_private_key": _bad("'jwk' value contains a private key.", 401),
    "alg": _ONE_MESSAGE,
    "typ": _ONE_MESSAGE,
    "signature": _ONE_MESSAGE,
    "bound_key": _bad("Invalid 'cnf' value.", 401),
    ("bound_key", "missing"): _bad("Missing 'cnf' value.", 401),
    "ath": _bad("Invalid 'ath' value.", 401),
    "jti": _bad("Invalid 'jti' value.", 401),
    "htm": _bad("Invalid 'htm' value.", 401),
    "htu": _bad("Invalid 'htu' value.", 401),
    "fresh": _bad("Invalid 'iat' value.", 401),
    "nonce": _bad("Invalid 'nonce' value.", 401, "use_dpop_nonce"),
    ("nonce", "missing"): _bad("Missing 'nonce' value.", 401, "use_dpop_nonce"),
    "unused": _bad("Detected DPoP proof token replay.", 401),
}
TOKEN = ProofProfile(
    name="token endpoint",
    rows=(
        rules.one_header, rules.well_formed, rules.typ, rules.alg, rules.no_private_key, rules.jwk,
        rules.signature, rules.jti, rules.htm, rules.htu, rules.fresh, rules.unused,
    ),
    answers=TOKEN_ANSWERS,
    otherwise=Answer(400, "invalid_dpop_proof"),
    essential=ESSENTIAL,
    reading=TOKEN_READING,
    window=Window(360, 300),
    nonce_window=Window(60, 0),
    nonce_renewed_at=math.inf,
    replay_key=jti_alone,
    remember=660,
)  # fmt: skip
TOKEN_NONCE = replace(
    TOKEN,
    name="token endpoint with nonce",
    rows=(*TOKEN.rows[:-1], rules.nonce, rules.unused),
    window=ANY_TIME,
    remember=60,
)
API = ProofProfile(
    name="API",
    rows=(
        rules.one_header, rules.well_formed, rules.no_private_key, rules.jwk, rules.alg, rules.typ,
        rules.signature, rules.bound_key, rules.ath, rules.jti, rules.htm, rules.htu, rules.fresh,
        rules.unused,
    ),
    answers=API_ANSWERS,
    otherwise=Answer(401, "invalid_dpop_proof"),
    essential=ESSENTIAL,
    reading=API_READING,
    window=Window(30, 25),
    nonce_window=Window(9, 5),  # a nonce of 10 s was refused when recorded
    nonce_renewed_at=math.inf,
    replay_key=jti_alone,
    remember=55,
)  # fmt: skip
API_NONCE = replace(
    API,
    name="API with nonce",
    rows=(*API.rows[:-1], rules.nonce, rules.unused),
    window=ANY_TIME,
    remember=15,
)


def expired(end: float, now: int) -> bool:
    """Five minutes of grace, that second included."""
    return now - 300 > end


TOKEN_ROWS = (at.scheme, at.at_form, at.at_signature, at.issuer, at.at_typ, at.not_expired)
BOUND = at.TokenProfile(
    name="access token at the DPoP API",
    rows=TOKEN_ROWS,
    answers={},
    otherwise=Answer(401),
    max_length=4000,
    fault=malformed,
    types=("at+jwt",),
    expired=expired,
    leeway=300,
)
BEARER = replace(BOUND, name="access token at the Bearer API", max_length=51200)

# How it talks


ESCAPED = str.maketrans({char: f"\\u{ord(char):04X}" for char in "'+<>&`\x7f"})


def net_json(value: object) -> bytes:
    """Compact JSON as .NET escapes it: no quote, ampersand, angle bracket, plus or non-ASCII."""

    def escape(match: re.Match[str]) -> str:
        sequence = match[0]
        if sequence == '\\"':
            return "\\u0022"
        return f"\\u{sequence[2:].upper()}" if sequence.startswith("\\u") else sequence

    plain = json.dumps(value, separators=(",", ":"))
    return re.sub(r"\\(u[0-9a-f]{4}|.)", escape, plain).translate(ESCAPED).encode()


def token_parameters(request: Request) -> Form:
    """Names in any letter case, blank values dropped."""
    if request.method != "POST":
        raise Refused(Answer(400, "invalid_request"))
    form: dict[str, tuple[str, ...]] = {}
    for name, given in read_form(request):
        if given.strip():
            form[name.lower()] = (*form.get(name.lower(), ()), given)
    return form


def credentials(request: Request, form: Form) -> Credentials:
    """Basic, then the form, then an assertion: the first with a secret or an assertion wins."""
    found: list[Credentials] = []
    pair = basic_pair("".join(request.lines("Authorization")[:1]))
    if pair and pair[0].strip() and max(map(len, pair)) <= 100:
        found.append(Credentials(pair[0], "basic", secret=(pair[1].strip() and pair[1]) or None))
    raw: dict[str, str] = {}
    for name, given in read_form(request):
        raw.setdefault(name.lower(), given)
    pair = raw.get("client_id", ""), raw.get("client_secret", "")
    if pair[0].strip() and max(map(len, pair)) <= 100:
        found.append(Credentials(pair[0], "form", secret=(pair[1].strip() and pair[1]) or None))
    assertion = raw.get("client_assertion", "")
    client_id = assertion_client(assertion)
    if raw.get("client_assertion_type") == JWT_BEARER and client_id:
        found.append(Credentials(client_id, "assertion", assertion=assertion))
    proven = [one for one in found if one.secret or one.assertion]
    if not found:
        raise Refused(Answer(400, "invalid_request"))
    return proven[0] if proven else found[-1]


def assertion_client(assertion: str) -> str | None:
    """The client an assertion names as its subject, None where it can't be read."""
    jws = read_jws(assertion[:51201])
    subject = jws.claims.get("sub")
    fits = len(assertion) <= 51200 and isinstance(subject, str) and 0 < len(subject) <= 100
    return subject if fits and not malformed(jws) else None


def client_refused(given: Credentials) -> Refused:
    """400, whichever way the client tried to authenticate."""
    return Refused(Answer(400, "invalid_client"))


def audience_fits(header: Mapping[str, Any], audience: object, issuer: str) -> bool:
    """The issuer or one of four endpoints; the issuer alone for an assertion that says its type."""
    several = audience if isinstance(audience, list) else [audience]
    names = [one.removesuffix("/") for one in several if isinstance(one, str)]
    kind = header.get("typ")
    if isinstance(kind, str) and kind.lower() == "client-authentication+jwt":
        return kind.islower() and names == [issuer] and len(several) == 1
    paths = ("", "/connect/token", "/connect/ciba", "/connect/par")
    return any(f"{issuer}{path}" in names for path in paths)


def proofs(request: Request) -> tuple[str, ...]:
    """A single blank header counts as none."""
    lines = request.lines("DPoP")
    return () if len(lines) == 1 and not lines[0] else lines


def authorization(request: Request, scheme: str) -> str:
    """The first line counts at the DPoP API; the other one takes all lines for one value."""
    lines = request.lines("Authorization")
    return lines[0] if lines and scheme == "DPoP" else ",".join(lines)


def challenge(scheme: str, answer: Answer) -> str:
    """The WWW-Authenticate value: parameters only where there is something to say."""
    text = f'{scheme} error="{answer.error}"' if answer.error else scheme
    return f'{text}, error_description="{answer.description}"' if answer.description else text


def method_not_allowed(allowed: str) -> Response:
    """405 and nothing else, not even what would be allowed."""
    return Response(405)


DUENDE = Policy(
    name="DUENDE",
    token=TOKEN,
    token_nonce=TOKEN_NONCE,
    api=API,
    api_nonce=API_NONCE,
    bound=BOUND,
    bearer=BEARER,
    assertions=AssertionRules(
        algorithms=ALGORITHMS,
        expired=expired,
        leeway=300,
        number=number,
        audience_fits=audience_fits,
    ),
    token_parameters=token_parameters,
    credentials=credentials,
    client_refused=client_refused,
    token_claims=at.demo_claims,
    proofs=proofs,
    authorization=authorization,
    challenge=challenge,
    metadata=metadata,
    method_not_allowed=method_not_allowed,
    json=net_json,
    token_headers=(
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Cache-Control", "no-store, no-cache, max-age=0"),
        ("Pragma", "no-cache"),
    ),
    metadata_type="application/json; charset=UTF-8",
    api_type="application/json; charset=utf-8",
    site_headers=(("Server", "dpop_lab twin"), ("X-REVISION", "twin")),
    cors_exposed="",
    api_methods=None,
    no_grant_type=Answer(400, "unsupported_grant_type"),
    misspelt_scope=Answer(400, "invalid_request"),
    trims_scope=True,
    no_proof=Answer(
        400, "invalid_request", "Client requires DPoP and a DPoP header value was not provided."
    ),
)
