"""Whose clock is wrong where a proof was refused for its time, going by the server's Date."""

from dataclasses import replace

from dpop_lab.doctor.advice.claims import half_hours
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.remarks import SKEW
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.show.values import duration, is_time


def timed(problem: Problem, call: Call, now: float) -> Problem:
    """The problem with what the clocks tell in the place of a guess; any other as it is.

    `now` is this machine's time, seconds since 1970: an answer can't come from its future.
    """
    iat = call.proof.claims.get("iat")
    if problem.row != rules.fresh.name or call.date is None or not is_time(iat) or iat > 1e11:
        return problem
    skew, zone = _skew(call, call.date, iat, now), half_hours(abs(iat - call.date))
    return (
        problem if skew is None or zone else replace(problem, action=_advice(skew, call.date - iat))
    )


def _skew(call: Call, server: float, iat: float, now: float) -> float | None:
    """How many seconds the client's clock is ahead of the server's, None where nothing tells."""
    if call.sent_at is not None:
        return call.sent_at - server
    if abs(now - server) <= SKEW:  # the answer has just come
        return iat - server if iat > server + SKEW else now - server
    return iat - server if now < server or iat > server + SKEW else None


def _advice(skew: float, age: float) -> str:
    if abs(skew) > SKEW:
        way = "behind" if skew < 0 else "ahead of"
        return (
            f"The client's clock is {duration(skew)} {way} the server's Date: set it, best by NTP."
            " If it keeps to NTP already, it is the server's clock that has to be set."
        )
    agreed = "The client's clock agrees with the server's Date"
    if abs(age) <= SKEW:
        return (
            f"{agreed}, and iat with both: leave the clock alone. The server's window is shorter"
            " than that, or it decides by another clock than its Date: ask its operator."
        )
    if age > 0:
        return (
            f"{agreed}, so leave it alone: the proof was made {duration(age)} before it was sent."
            " Make a new proof for each request, right before it is sent."
        )
    return (
        f"{agreed}, but iat is {duration(age)} ahead of it: take iat from that clock, in seconds"
        " since 1970 (UTC), and add nothing."
    )
