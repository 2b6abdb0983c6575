"""An API that compares thumbprints by a function of somebody's own, and calls of it."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.checking import Verdict
from dpop_lab.errors import LabError, expect
from dpop_lab.exercises.scene import Seen
from dpop_lab.jose.encoding import compact_json
from dpop_lab.jose.jws import Jws, sign_compact
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import proof_claims, proof_header
from dpop_lab.proof.rules import Context, bound_key
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy

Hash = Callable[[Mapping[str, Any]], str]


def call_headers(lab: Lab, key: PrivateKey, jwk: Mapping[str, Any], token: str) -> dict[str, str]:
    """Those of a call of the API, with this in place of the key's own jwk in the proof."""
    claims = proof_claims(
        jti=secrets.token_urlsafe(12),
        htm="GET",
        htu=lab.api,
        iat=lab.clock.now(),
        access_token=token,
    )
    proof = sign_compact({**proof_header(key), "jwk": dict(jwk)}, claims, key)
    return {"Authorization": f"DPoP {token}", "DPoP": proof}


def comparing(made: Mapping[bytes, str]) -> Policy:
    """A policy whose API compares cnf.jkt with what was made of a jwk, by its JSON."""

    def judge(proof: Jws, context: Context) -> Verdict:
        cnf = context.cnf if isinstance(context.cnf, dict) else {}
        wanted, found = cnf.get("jkt"), made.get(compact_json(proof.header["jwk"]))
        return wanted, found, None if found == wanted else "wrong"

    row = replace(bound_key, judge=judge)
    rows = tuple(row if one.name == row.name else one for one in DUENDE.api.rows)
    return replace(DUENDE, profiles={**DUENDE.profiles, "api": replace(DUENDE.api, rows=rows)})


def thumbprints_by(function: Hash, jwks: list[dict[str, str]]) -> dict[bytes, str]:
    """What the function makes of each JWK. Raises `LabError` for what is no text."""
    if not callable(function):
        raise LabError("That is no function", wanted="a function of a JWK, which gives text")
    made = {compact_json(one): function(dict(one)) for one in jwks}
    for value in made.values():
        expect(value, str, "the API", "The function gives a thumbprint, as text.")
    return made


def compared(call: Seen) -> tuple[str, str]:
    """What the token says and what the API computed, in a call."""
    finding = call.findings["bound_key"]
    return str(finding.wanted), str(finding.found)
