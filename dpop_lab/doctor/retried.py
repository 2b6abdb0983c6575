"""A request sent again with the nonce it was asked for, and without something it had before."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.exchanges import Others, named, request_of
from dpop_lab.doctor.grammar import WORDS
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call

MISSING = re.compile(rf"{WORDS['missing']}|{WORDS['differs']}|verification|incorrect", re.I)
AUTHENTICATION = "its client authentication (the Authorization header, or members of its form)"
BODY, ANYTHING = "its body, with the parameters", re.compile("")
#: By the codes of a token endpoint: what may be lost, and which words are about that.
LOST = {
    "invalid_client": (AUTHENTICATION, ANYTHING),
    "unsupported_grant_type": (BODY, ANYTHING),
    "invalid_request": (BODY, re.compile("grant_type|parameter|body|client_id", re.I)),
    "invalid_grant": ("code_verifier or redirect_uri", re.compile("verifier|pkce|redirect", re.I)),
}


def lost_on_retry(call: Call, others: Others) -> Iterator[Problem]:
    """The second try of a token request that is refused for want of what the first one had."""
    asked = next(iter(others.before("request", request_of(call))), None)
    found, said = LOST.get(call.error.lower()), call.description
    if not (found and asked and asked.wants_nonce):
        return
    lost, words = found
    if not words.search(said) or (said and not MISSING.search(said)):
        return
    yield Problem(
        f"{call.error.lower()}: the nonce was taken, and this second request of {named(asked)} came"
        f" without {lost}, if the first one had it",
        "Build the whole request anew, with its header lines and its body: only the proof is new."
        " A body that was read as a stream, or a Request object that was used, is empty the second"
        " time; an interceptor that builds the request anew drops what it does not know.",
        "RFC 9449 §8",
        explains=(call.error.lower(), "any row", "status", "one_header", "spent grant"),
        guess="likely",
    )
