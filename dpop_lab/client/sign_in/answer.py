"""What a browser brings back: the answer at the redirect URI, and later the ID token."""

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from dpop_lab.errors import LabError, expect
from dpop_lab.jose.encoding import several
from dpop_lab.jose.jws import read_jws
from dpop_lab.show.values import shown

AGAIN = "Sign in again, from the beginning."
SLACK = 300  # seconds that the clocks of client and server may differ


class NotSignedIn(LabError):
    """Nobody was signed in, though all was well asked: a no, an error of the server, no answer."""


def read_answer(answer: str, state: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of an answer: of a URL with a query or a fragment, or these alone.

    Raises `LabError` for one with another `state` (RFC 6749 section 10.12), or of another server
    than these metadata are of, by its `iss` (RFC 9207 section 2.4).
    """
    expect(answer, str, "finish", "The URL that the browser was led to.")
    place, *given = re.split("[?#]", answer.strip())
    told = {name: values[0] for name, values in parse_qs(next(filter(None, given), place)).items()}
    returned = told.get("state", "").encode("utf-8", "replace")
    if not secrets.compare_digest(returned, state.encode()):
        problem = "This answer belongs to another sign-in: its state is another"
        raise LabError(problem, advice="Take the answer to the one that began last.")
    issuer, named = metadata["issuer"], told.get("iss")
    always = metadata.get("authorization_response_iss_parameter_supported") is True
    if named != issuer and (named is not None or always):
        problem = "The answer is from another server than the one that was asked"
        advice = "A mix-up may be an attack: do not send the code anywhere."
        found = "no iss" if named is None else shown(named, 100)
        raise LabError(problem, wanted=f"iss={issuer}", found=found, advice=advice)
    return told


def read_id_token(
    token: object, *, issuer: str, client_id: str, nonce: str, now: float
) -> Mapping[str, Any]:
    """The claims of an ID token that is for this sign-in (OpenID Connect Core section 3.1.3.7).

    It came straight from the token endpoint: its signature is not verified (same section, 6).
    Raises `LabError` for one that is not.
    """
    claims = read_jws(token if isinstance(token, str) else "").claims
    ends = claims.get("exp")
    faults = {
        "iss": claims.get("iss") != issuer,
        "aud": client_id not in several(claims.get("aud")),
        "nonce": claims.get("nonce") != nonce,
        "azp": claims.get("azp", client_id) != client_id,
        "sub": not isinstance(claims.get("sub"), str),
        "exp": not isinstance(ends, int | float) or ends is True or not ends + SLACK >= now,
    }
    for name, wrong in faults.items():
        if wrong:
            raise LabError(f"The ID token is not for this sign-in, by its {name}", advice=AGAIN)
    return claims
