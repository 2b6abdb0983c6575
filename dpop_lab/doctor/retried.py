"""A request sent again with the nonce it was asked for, and without something it had before."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.exchanges import Others, named, request_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call

#: By the codes of a token endpoint: what may be lost, and words that say so where a code does not.
LOST = {
    "invalid_client": ("its client authentication (the Authorization header, or its form)", ""),
    "unsupported_grant_type": ("its body, with the parameters", ""),
    "invalid_request": ("its body, with the parameters", "grant_type|parameter|body|client_id"),
}
MISSING = re.compile(r"\b(?:missing|required|no|without|empty|not (?:present|found|given))\b", re.I)


def lost_on_retry(call: Call, others: Others) -> Iterator[Problem]:
    """The second try of a token request that is refused for want of what the first one had."""
    asked = next(iter(others.before(("request", request_of(call)))), None)
    lost, words = LOST.get(call.error.lower(), ("", ""))
    said = call.description
    if not (lost and asked and asked.wants_nonce):
        return
    if said and not (MISSING.search(said) and re.search(words, said, re.I)):
        return
    yield Problem(
        f"{call.error.lower()}: the nonce was taken, and this second request of {named(asked)} came"
        f" without {lost}, if the first one had it",
        "Repeat the whole request: the same method, header lines and body, with a new proof alone."
        " A body that was read as a stream, or a Request object that was used, is empty the second"
        " time; an interceptor that builds the request anew drops what it does not know.",
        "RFC 9449 §8",
        explains=(call.error.lower(), "any row", "status", "one_header"),
        guess="likely",
    )
