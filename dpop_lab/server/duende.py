"""demo.duendesoftware.com: what it asks and what it answers."""

import math
from dataclasses import replace

from dpop_lab.checking import Answer, Texts
from dpop_lab.proof import rules
from dpop_lab.proof.rules import ANY_TIME, ESSENTIAL, ProofProfile, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.common import said
from dpop_lab.server.duende_ways import Duende, DuendeReading

CODES = {"one_header": "invalid_request", "nonce": "use_dpop_nonce"}
TEXTS: Texts = {  # of both places
    **{
        name: f"Invalid '{name}' value."
        for name in ("typ", "alg", "jwk", "ath", "jti", "htm", "htu", "nonce")
    },
    "no_private_key": "'jwk' value contains a private key.",
    "bound_key": "Invalid 'cnf' value.",
    ("bound_key", "missing"): "Missing 'cnf' value.",
    "fresh": "Invalid 'iat' value.",
    ("nonce", "missing"): "Missing 'nonce' value.",
}
TOKEN_TEXTS: Texts = {
    **TEXTS,
    "one_header": "Too many DPoP headers provided.",
    "well_formed": "Malformed DPoP token.",
    ("well_formed", "too_long"): None,
    "signature": "Invalid signature on DPoP token.",
    ("fresh", "missing"): "Missing 'iat' value.",
    "unused": "Detected replay of DPoP proof token.",
}
API_TEXTS: Texts = {
    **TEXTS,
    "one_header": None,
    ("one_header", "empty"): "Missing DPoP proof token.",
    "well_formed": "Malformed DPoP proof token.",
    **dict.fromkeys(("alg", "typ", "signature"), "Invalid DPoP proof token."),
    "unused": "Detected DPoP proof token replay.",
}
TOKEN = ProofProfile(
    name="token endpoint",
    rows=(
        rules.one_header, rules.well_formed, rules.typ, rules.alg, rules.no_private_key, rules.jwk,
        rules.signature, rules.jti, rules.htm, rules.htu, rules.fresh, rules.unused,
    ),
    **said(400, "invalid_dpop_proof", TOKEN_TEXTS, **CODES),
    essential=ESSENTIAL,
    reading=DuendeReading(),
    window=Window(360, 300),
    nonce_window=Window(60, 0),
    remember=660,
)  # fmt: skip
API = ProofProfile(
    name="API",
    rows=(
        rules.one_header, rules.well_formed, rules.no_private_key, rules.jwk, rules.alg, rules.typ,
        rules.signature, rules.bound_key, rules.ath, rules.jti, rules.htm, rules.htu, rules.fresh,
        rules.unused,
    ),
    **said(401, "invalid_dpop_proof", API_TEXTS, **CODES),
    essential=ESSENTIAL,
    reading=DuendeReading(api=True),
    window=Window(30, 25),
    nonce_window=Window(9, 5),  # a nonce of 10 s was refused when recorded
    remember=55,
)  # fmt: skip
TOKEN_ROWS = (at.scheme, at.at_form, at.at_signature, at.issuer, at.at_typ, at.not_expired)
BOUND = at.TokenProfile(
    name="access token at the DPoP API",
    rows=TOKEN_ROWS,
    otherwise=Answer(401),
    answers={},
    scheme="DPoP",
    reading=DuendeReading(api=True),
    types=("at+jwt",),
    max_length=4000,
)
BEARER = replace(BOUND, name="access token at the Bearer API", scheme="Bearer", max_length=51200)
DUENDE = Duende(
    name="DUENDE",
    profiles={
        "token": TOKEN,
        "token_nonce": TOKEN.with_nonce(window=ANY_TIME, remember=60),
        "api": API,
        "api_nonce": API.with_nonce(window=ANY_TIME, remember=15),
        "bound": BOUND,
        "bearer": BEARER,
    },
    token_headers=(
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Cache-Control", "no-store, no-cache, max-age=0"),
        ("Pragma", "no-cache"),
    ),
    metadata_type="application/json; charset=UTF-8",
    api_type="application/json; charset=utf-8",
    site_headers=(("Server", "dpop_lab twin"), ("X-REVISION", "twin")),
    tells_algorithms=False,
    cors_exposed="",
    api_methods=None,
    nonce_renewed_at=math.inf,
    no_proof=Answer(
        400, "invalid_request", "Client requires DPoP and a DPoP header value was not provided."
    ),
    no_grant_type=Answer(400, "unsupported_grant_type"),
)
