"""What is worth saying of a case though it is no fault of it."""

from collections.abc import Iterator

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.advise import advise
from dpop_lab.doctor.other_problems import query_in_htu
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.asked import Looked
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, header_value
from dpop_lab.show.times import is_time, offset

SKEW = 5  # seconds between two clocks that are not worth a word


def solved_later(case: Call) -> str:
    """What to say of a refusal that a later request made good."""
    if case.error == "use_dpop_nonce":
        return "The server asked for its nonce, and got it in the next request: as it should be."
    return "A later request of this session got through."


def remarks_on(case: Call, looked: Looked) -> Iterator[str]:
    """What is not wrong, but good to know: clocks, leniencies, what was relied on."""
    if case.hidden:
        names = " and ".join(name.replace("_", " ") for name in case.hidden)
        verb = "is" if len(case.hidden) == 1 else "are"
        yield f"The {names} {verb} redacted, so those rows can't be asked.{_kept(case)}"
    if case.sent_at is not None and case.date is not None and abs(case.sent_at - case.date) > SKEW:
        away = offset(case.sent_at, case.date)
        yield f"By the clock of whoever recorded this it was sent {away} the server's Date."
    for finding in looked.stricter:
        if not _within_a_second_or_two(finding, case):
            row = f"{finding.check.name} ({finding.source}). {advise(finding, case)}"
            yield f"The demo server lets this pass, RFC_9449 does not: {row}"
    if (found := query_in_htu(case)) and case.status and case.status < 300:
        yield f"This server passes over it, another may not: {found.action}"
    yield from _ways_of_the_demo(case)
    challenges = case.challenges or ()
    if len(challenges) > 1:
        schemes = ", ".join(one.scheme for one in challenges)
        yield f"There are {len(challenges)} challenges: {schemes[:200]}."
    if case.method == "OPTIONS" and (case.status or 0) >= 400:
        yield "A browser asks first with OPTIONS: the server must allow the DPoP header (CORS)."
    if "use_dpop_nonce" in [one.error for one in challenges] and not case.nonce:
        yield "The challenge asks for a nonce, but no DPoP-Nonce header is here to take it from."


def _kept(case: Call) -> str:
    """How to have proofs in a session log of ours, whose labels are told from others'."""
    if not header_value(case.headers, "DPoP").startswith("<proof "):
        return ""
    return " SessionLog(show_proofs=True) and `dpop-lab call --show-proofs` keep proofs."


def _within_a_second_or_two(finding: Finding, case: Call) -> bool:
    """Is this a time that lies ahead by no more than two clocks may differ?"""
    start = case.access_token.claims.get("nbf")
    if (finding.check, finding.defect) != (not_expired, "early") or not case.clock:
        return False
    return is_time(start) and start - case.clock[0] <= SKEW


def _ways_of_the_demo(case: Call) -> Iterator[str]:
    """What was relied on of what only the demo server does."""
    if not case.is_demo:
        return
    if case.bare_challenge:
        yield "Relied on the demo's ways: a bare DPoP challenge answers a token it refuses."
    if case.error == "invalid_client" and case.status == 400:
        yield "Relied on the demo's ways: a failed client gets 400 there, where RFC 6749 has 401."
    if case.error == "invalid_dpop_proof" and case.place in (API, TOKEN_ENDPOINT):
        yield f"Relied on the demo's ways: such are its words at the {case.place}, not elsewhere."
