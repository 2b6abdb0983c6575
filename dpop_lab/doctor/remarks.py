"""What is worth saying of a call though it is no fault of it."""

from collections.abc import Iterator

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.advise import advise
from dpop_lab.doctor.other_problems import query_in_htu
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.asked import Looked
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, header_value
from dpop_lab.show.values import is_time, offset

SKEW = 5  # seconds between two clocks that are not worth a word


def solved_later(call: Call) -> str:
    """What to say of a refusal that a later request made good."""
    if call.error == "use_dpop_nonce":
        return "The server asked for its nonce, and got it in the next request: as it should be."
    return "A later request of this session got through."


def remarks_on(call: Call, looked: Looked) -> Iterator[str]:
    """What is not wrong, but good to know: clocks, leniencies, what was relied on."""
    if call.hidden:
        names = " and ".join(name.replace("_", " ") for name in call.hidden)
        verb = "is" if len(call.hidden) == 1 else "are"
        yield f"The {names} {verb} redacted, so those rows can't be asked.{_kept(call)}"
    if call.sent_at is not None and call.date is not None and abs(call.sent_at - call.date) > SKEW:
        away = offset(call.sent_at, call.date)
        yield f"By the clock of whoever recorded this it was sent {away} the server's Date."
    for finding in looked.stricter:
        if not _within_a_second_or_two(finding, call):
            row = f"{finding.check.name} ({finding.source}). {advise(finding, call)}"
            yield f"The demo server lets this pass, RFC_9449 does not: {row}"
    if (found := query_in_htu(call)) and call.status and call.status < 300:
        yield f"This server passes over it, another may not: {found.action}"
    yield from _ways_of_the_demo(call)
    challenges = call.challenges or ()
    if len(challenges) > 1:
        schemes = ", ".join(one.scheme for one in challenges)
        yield f"There are {len(challenges)} challenges: {schemes[:200]}."
    if call.method == "OPTIONS" and (call.status or 0) >= 400:
        yield "A browser asks first with OPTIONS: the server must allow the DPoP header (CORS)."
    if "use_dpop_nonce" in [one.error for one in challenges] and not call.nonce:
        yield "The challenge asks for a nonce, but no DPoP-Nonce header is here to take it from."


def _kept(call: Call) -> str:
    """How to have proofs in a session log of ours, whose labels are told from others'."""
    if not header_value(call.headers, "DPoP").startswith("<proof "):
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
    if not call.is_demo:
        return
    if call.bare_challenge:
        yield "Relied on the demo's ways: a bare DPoP challenge answers a token it refuses."
    if call.error == "invalid_client" and call.status == 400:
        yield "Relied on the demo's ways: a failed client gets 400 there, where RFC 6749 has 401."
    if call.error == "invalid_dpop_proof" and call.place in (API, TOKEN_ENDPOINT):
        yield f"Relied on the demo's ways: such are its words at the {call.place}, not elsewhere."
