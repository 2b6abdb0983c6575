"""Whether the code_verifier that redeems a code fits the code_challenge it was asked for with."""

import hmac
from collections.abc import Mapping

from dpop_lab.lab.sign_in.stage import challenge
from dpop_lab.session.call import Call, read_call
from dpop_lab.session.sign_in.grants import SignIns
from dpop_lab.wire.message import Exchange

NOT_KEPT = Call()


class Verifying:
    """Sees the exchanges of a sign-in, before they are redacted, and keeps no code_verifier."""

    def __init__(self) -> None:
        self._sign_ins = SignIns()
        self.said = ""  #: of the last request, in a sentence; empty where it redeems no code

    def see(self, exchange: Exchange) -> None:
        """Learn what one exchange tells."""
        call = read_call(exchange)
        use = self._sign_ins.read(call, kept=NOT_KEPT).use
        asked = use.grant.asked if use and use.grant.given else None
        redeems = call.form.get("grant_type") == "authorization_code"
        self.said = _said(asked.terms if asked else {}, call.form) if redeems else ""


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
