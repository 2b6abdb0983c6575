"""What is no fault in a call: a challenge that was obeyed, clocks, leniencies."""

from collections.abc import Iterator

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.exchanges import same_request, settled
from dpop_lab.doctor.times import SKEW
from dpop_lab.doctor.unasked import query_in_htu
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import is_time, offset
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import NONCE_WANTED


def solved(call: Call, later: tuple[Call, ...]) -> str:
    """What to say where a later request got what this one was refused for want of; else empty."""
    told = "A later request of this session got through."
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        found = [one for one in later if one.succeeded and WELL_KNOWN in one.url]
        return told * any(host_of(one.url) == host_of(call.url) for one in found)
    if call.status is None:
        return ""
    if call.wants_nonce:
        told = "The server asked for its nonce, and got it in the next request: as it should be."
        return told * any(same_request(one, call) and not one.wants_nonce for one in later)
    refused = call.error == "invalid_token" or call.bare_challenge
    return told * (refused and settled(call, [*later]))


def remarks(call: Call, stricter: tuple[Finding, ...]) -> Iterator[str]:
    """What is good to know of a call: clocks, leniencies, what was relied on.

    `stricter` is what fails under RFC_9449 alone.
    """
    if call.hidden:
        names = " and ".join(name.replace("_", " ") for name in call.hidden)
        verb = "is" if len(call.hidden) == 1 else "are"
        yield f"The {names} {verb} redacted, so those rows can't be asked.{_kept(call)}"
    if call.sent_at is not None and call.date is not None and abs(call.sent_at - call.date) > SKEW:
        away = offset(call.sent_at, call.date)
        yield f"By the clock of whoever recorded this it was sent {away} the server's Date."
    for finding in stricter:
        if not _within_a_second_or_two(finding, call):
            row = f"{finding.check.name} ({finding.source}). {advise(finding, call)}"
            yield f"The demo server lets this pass, RFC_9449 does not: {row}"
    if (found := query_in_htu(call)) and call.status and call.status < 300:
        yield f"This server passes over it, another may not: {found.action}"
    if call.is_demo:
        yield from _ways_of_the_demo(call)
    challenges = call.challenges or ()
    if len(challenges) > 1:
        schemes = ", ".join(one.scheme for one in challenges)
        yield f"There are {len(challenges)} challenges: {schemes[:200]}."
    wanted = call.wants_nonce or NONCE_WANTED in [one.error for one in challenges]
    if wanted and not call.nonce and call.exchange.response_headers:
        yield (
            "The server asks for a nonce and has to send it in a DPoP-Nonce header: there is none"
            " here to take it from."
        )


def _kept(call: Call) -> str:
    """How to have proofs in a session log of ours, whose labels are told from others'."""
    if not first(call.headers, "DPoP").startswith("<proof "):
        return ""
    return " SessionLog(show_proofs=True) and `dpop-lab call --show-proofs` keep proofs."


def _within_a_second_or_two(finding: Finding, call: Call) -> bool:
    """Is this a time that lies ahead by no more than two clocks may differ?"""
    start = call.access_token.claims.get("nbf")
    if (finding.check, finding.defect) != (not_expired, "early") or not call.clock:
        return False
    return is_time(start) and start - call.clock[0] <= SKEW


def _ways_of_the_demo(call: Call) -> Iterator[str]:
    """What was relied on of what only the demo server does."""
    relied = "Relied on the demo's ways:"
    if call.bare_challenge:
        yield f"{relied} a bare DPoP challenge answers a token it refuses."
    if call.error == "invalid_client" and call.status == 400:
        yield f"{relied} a failed client gets 400 there, where RFC 6749 has 401."
    if call.error == "invalid_dpop_proof" and call.place in (API, TOKEN_ENDPOINT):
        yield f"{relied} such are its words at the {call.place}, not elsewhere."
