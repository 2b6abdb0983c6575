"""Whether the code_verifier that redeems a code fits the code_challenge it was asked for with."""

import hmac
from collections.abc import Mapping

from dpop_lab.lab.sign_in.stage import challenge
from dpop_lab.session.sign_in.places import brought, parameters
from dpop_lab.wire.message import Exchange


class Verifying:
    """Sees the exchanges of a sign-in, before they are redacted, and keeps no code_verifier."""

    def __init__(self) -> None:
        self._asked: dict[str, Mapping[str, str]] = {}  # by code, its authorization request
        self._pushed: Mapping[str, str] = {}
        self.said = ""  #: of the last request, in a sentence; empty where it redeems no code

    def see(self, exchange: Exchange) -> None:
        """Learn what one exchange tells."""
        given = parameters(exchange)
        if exchange.url.endswith("/par"):
            self._pushed = given
        if code := brought(exchange).get("code"):
            self._asked[code] = self._pushed if "request_uri" in given else given
        redeems = given.get("grant_type") == "authorization_code"
        self.said = _said(self._asked.get(given.get("code", ""), {}), given) if redeems else ""


def _said(asked: Mapping[str, str], given: Mapping[str, str]) -> str:
    """What is to be said of these parameters of an authorization and of a token request."""
    verifier, wanted = given.get("code_verifier"), asked.get("code_challenge")
    if wanted is None:
        return (
            f"No code_challenge was sent for this code, and {'a' if verifier else 'no'} verifier."
        )
    if verifier is None:
        return "No code_verifier is sent with this code."
    plain = asked.get("code_challenge_method", "plain") == "plain"
    fits = hmac.compare_digest(verifier if plain else challenge(verifier), wanted)
    return (
        f"The code_verifier {'fits' if fits else 'does not fit'} the code_challenge of this code."
    )
