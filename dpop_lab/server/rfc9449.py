"""The strict policy: what a careful reader of the RFCs would build."""

from dataclasses import replace

from dpop_lab.checking import Answer, Texts
from dpop_lab.proof.rules import ESSENTIAL, ROWS, ProofProfile, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.common import said
from dpop_lab.server.policy import Policy

PROOF_TEXTS: Texts = {
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
    ("bound_key", "unchecked"): (
        "The access token is bound by more than a key, which is not checked here."
    ),
    "fresh": "The iat claim is missing or not close enough to the time of this server.",
    "nonce": "The nonce claim must be a nonce this server gave out lately.",
    "unused": "This proof was used before.",
}
TOKEN_TEXTS: Texts = {
    "scheme": "A bound access token must be sent under the scheme DPoP, another under Bearer.",
    "at_form": "The access token is not a well-formed JWT.",
    "at_typ": "The access token is not of type at+jwt.",
    "issuer": "The access token is from another issuer.",
    "at_signature": "The signature of the access token does not verify.",
    "audience": "The access token is for another audience.",
    "not_expired": "The access token is not valid at this time.",
    "unbound": "The access token is bound to a key.",
}
CODES = {"nonce": "use_dpop_nonce", "bound_key": "invalid_token"}
TOKEN = ProofProfile(
    name="token endpoint",
    rows=tuple(row for row in ROWS if row.name not in ("ath", "bound_key", "nonce")),
    **said(400, "invalid_dpop_proof", PROOF_TEXTS, **CODES),
    essential=ESSENTIAL,
    window=Window(60, 10),
    nonce_window=Window(300, 0),
    remember=71,  # a proof from 10 s ahead is fresh for 70 s more, that second included
)
API = replace(
    TOKEN,
    name="API",
    rows=tuple(row for row in ROWS if row.name != "nonce"),
    **said(401, "invalid_dpop_proof", PROOF_TEXTS, **CODES),
)
BOUND = at.TokenProfile(
    name="access token at the DPoP API",
    rows=at.ROWS,
    **said(401, "invalid_token", TOKEN_TEXTS),
    scheme="DPoP",
)
BOUND = replace(BOUND, answers={**BOUND.answers, ("scheme", "missing"): Answer(401)})
RFC_9449 = Policy(
    name="RFC_9449",
    profiles={
        "token": TOKEN,
        "token_nonce": TOKEN.with_nonce(),
        "api": API,
        "api_nonce": API.with_nonce(),
        "bound": BOUND,
        "bearer": replace(
            BOUND,
            name="access token at the Bearer API",
            rows=(*at.ROWS, at.unbound),
            scheme="Bearer",
        ),
    },
)
