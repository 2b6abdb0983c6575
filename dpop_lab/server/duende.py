"""demo.duendesoftware.com: what it asks, what it answers, its ways with a request."""

import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from dpop_lab.checking import Answer, Texts, said
from dpop_lab.jose.encoding import Members, several
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof import rules
from dpop_lab.proof.rules import ANY_TIME, ESSENTIAL, ProofProfile, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.duende_reading import DuendeReading
from dpop_lab.server.duende_site import ENDPOINTS, METADATA
from dpop_lab.server.form import (
    JWT_BEARER,
    Credentials,
    Form,
    Refused,
    bad_request,
    basic_pair,
    collected,
    read_form,
)
from dpop_lab.server.policy import Policy
from dpop_lab.wire.message import Request, Response

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
ESCAPED = str.maketrans({char: f"\\u{ord(char):04X}" for char in "'+<>&`\x7f"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Duende(Policy):
    """The demo's ways where they differ from a strict server's."""

    def proofs(self, request: Request, place: str) -> tuple[str, ...]:
        """A single blank header counts as none, but not at the API."""
        lines = request.lines("DPoP")
        return () if place == "token" and lines == ("",) else lines

    def token_parameters(self, request: Request) -> Form:
        """Names in any letter case, blank values dropped."""
        if request.method != "POST":
            raise bad_request()
        pairs = read_form(request)
        return collected((name.lower(), given) for name, given in pairs if given.strip())

    def credentials(self, request: Request, form: Form) -> Credentials:
        """Basic, then the form, then an assertion: the first with a secret or an assertion wins."""
        raw = {name.lower(): given for name, given in reversed(read_form(request))}  # the first
        pairs = {
            "basic": basic_pair("".join(request.lines("Authorization")[:1])) or ("", ""),
            "form": (raw.get("client_id", ""), raw.get("client_secret", "")),
        }
        found: list[Credentials] = [
            (client_id, way, secret if secret.strip() else None)
            for way, (client_id, secret) in pairs.items()
            if client_id.strip() and max(len(client_id), len(secret)) <= 100
        ]
        assertion = raw.get("client_assertion", "")
        jws = read_jws(assertion[:51201])
        client_id = jws.claims.get("sub")
        readable = len(assertion) <= 51200 and not self.token.reading.token_fault(jws)
        if raw.get("client_assertion_type") == JWT_BEARER and readable:
            if isinstance(client_id, str) and 0 < len(client_id) <= 100:
                found.append((client_id, "assertion", assertion))
        if not found:
            raise bad_request()
        return next((one for one in found if one[2]), found[-1])

    def audience_fits(self, header: Members, audience: object, issuer: str) -> bool:
        """The issuer or one of four endpoints; the issuer alone where the assertion has a type."""
        given = several(audience)
        names = [one.removesuffix("/") for one in given if isinstance(one, str)]
        kind = header.get("typ")
        if isinstance(kind, str) and kind.lower() == "client-authentication+jwt":
            return kind.islower() and names == [issuer] and len(given) == 1
        paths = ("", "/connect/token", "/connect/ciba", "/connect/par")
        return any(f"{issuer}{path}" in names for path in paths)

    def client_refused(self, way: str) -> Refused:
        """400, whichever way the client tried to authenticate."""
        return bad_request("invalid_client")

    def scope(self, text: str) -> str:
        """Blanks at its ends do not count; another character makes the request invalid."""
        try:
            return Policy.scope(self, text.strip())
        except Refused:
            raise bad_request() from None

    def token_claims(self, claims: Members) -> dict[str, Any]:
        """Neither a subject nor an audience of its own accord; scope is an array."""
        return dict(claims)

    def authorization(self, request: Request, scheme: str) -> str:
        """The first line counts at the DPoP API; the other one takes all lines for one value."""
        lines = request.lines("Authorization")
        return lines[0] if lines and scheme == "DPoP" else ",".join(lines)

    def json(self, value: object) -> bytes:
        """JSON as .NET escapes it: no quote, ampersand, angle bracket, plus or non-ASCII."""

        def escape(match: re.Match[str]) -> str:
            sequence = match[0]
            if sequence == '\\"':
                return "\\u0022"
            return f"\\u{sequence[2:].upper()}" if sequence.startswith("\\u") else sequence

        plain = json.dumps(value, separators=(",", ":"))
        return re.sub(r"\\(u[0-9a-f]{4}|.)", escape, plain).translate(ESCAPED).encode()

    def method_not_allowed(self, allowed: str) -> Response:
        """405 and nothing else, not even what would be allowed."""
        return Response(405)

    def metadata(self, base: str) -> dict[str, Any]:
        """What the whole of it can do, most of which is not here."""
        endpoints = {name: f"{base}/connect/{path}" for name, path in ENDPOINTS.items()}
        keys = f"{base}/.well-known/openid-configuration/jwks"
        return {"issuer": base, "jwks_uri": keys, **endpoints, **METADATA}


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
