"""Each failed row turned into an action, made from what was found."""

from collections.abc import Mapping

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.access_token import TOKEN_ADVICE, TOKEN_GENERAL
from dpop_lab.doctor.advice.claims import CLAIM_ADVICE, NEW_PROOF
from dpop_lab.doctor.advice.form import FORM_ADVICE
from dpop_lab.doctor.advice.found import Advice
from dpop_lab.doctor.advice.keys import KEY_ADVICE
from dpop_lab.proof.proof import TYP
from dpop_lab.session.call import Call

ADVICE: Mapping[str, Advice] = {**FORM_ADVICE, **KEY_ADVICE, **CLAIM_ADVICE, **TOKEN_ADVICE}


GENERAL: Mapping[str, str] = {
    "one_header": "Send exactly one DPoP header with a proof for this request.",
    "well_formed": "Send the proof as a JWT in compact form: header.claims.signature.",
    "strict_form": "Write the proof in strict base64url and JSON, each claim of its own type.",
    "typ": f'Set typ in the header to "{TYP}".',
    "alg": "Sign with an asymmetric algorithm that the server takes, such as ES256.",
    "jwk": "Put the public key, and nothing else, into the header as jwk, with an alg that fits.",
    "no_private_key": "The private key was in the header: make a new key, send its public members.",
    "signature": "Sign header.claims as sent, with the private key of the jwk in the header.",
    "jti": "Give each proof a jti of its own, a string that is not empty.",
    "htm": "Set htm to the method of the request, in capital letters.",
    "htu": "Set htu to the URL of the request as the server knows it, without query and fragment.",
    "ath": "Set ath to base64url of the SHA-256 of the access token that is sent.",
    "bound_key": "Sign with the key that the access token was asked for with.",
    "fresh": "Set iat to the time of sending in seconds, by a clock that is right.",
    "nonce": "Put the newest nonce of this server into a new proof and send it again, once.",
    "unused": f"{NEW_PROOF}.",
    **TOKEN_GENERAL,
}


def advise(finding: Finding, case: Call) -> str:
    """What to change so that this row passes, in a sentence or two; empty for one that passed.

    Made from what was found, without repeating a secret; never raises.
    """
    if finding.mark != "failed":
        return ""
    write = ADVICE.get(finding.check.name) or TOKEN_ADVICE.get(finding.check.name)
    return write(finding, case) if write else f"Mend this: {finding.check.question}"
