"""What to do about a proof's time: how far it is from the clocks that are known, which is wrong."""

import re

from dpop_lab.session.call import Call
from dpop_lab.show.values import date, duration, is_time, seconds_since_1970

SKEW = 5  # seconds between two clocks that are not worth a word
TIME = re.compile(
    r"(?<![\w.-])(?:[12]\d{9}(?:\d{3})?|20\d\d-\d\d-\d\d[t ]\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"(?:z|[+-]\d\d:?\d\d)?)(?!\w)"
)
#: What stands before the time of a proof, and before the server's.
AHEAD = re.compile(r"future|too (?:new|early)|not yet|ahead|immature")
MADE, NOW = re.compile(r"\biat\b|issued|made|created"), re.compile(r"now|server|current|clock")
WINDOW = re.compile(
    r"(?:more|older|less) than (\d{1,6}) ?s|within (\d{1,6}) ?s|\b(\d{1,6})[- ]s(?:ec(?:ond)?s?)?"
    r" window|(?:lifetime|skew|slack\w{0,9}|leeway|tolerance|age|window)\W{1,3}(\d{1,6})(?!\d)"
)


#: A server that refuses what any two clocks may differ by.
TOO_STRICT = (
    "The server has to allow some seconds of leeway, for no two clocks agree to the second, or its"
    " own clock is to be set: RFC 9449 lets it take an iat in the reasonably near future (§11.1)."
    " The client's clock may stay as it is; setting iat a second or two back helps meanwhile."
)


def time_advice(call: Call) -> str:
    """What to do about an iat that a server does not take."""
    iat = call.proof.claims.get("iat")
    if iat is None:
        return "Add iat, the time of making in whole seconds since 1970."
    if type(iat) not in (int, float):
        return "Give iat as a JSON number of seconds since 1970, without quotes."
    if not abs(iat) < 1e15:
        return "Give iat as whole seconds since 1970."
    if iat > 1e11:
        return f"iat is in milliseconds: divide it by 1000, {int(iat) // 1000}."
    if call.clock is None:
        was = "lies ahead of this machine's clock" if iat > 1e9 else f"is {date(iat) or 'no time'}"
        return f"iat {was}: set the client's clock (NTP), in UTC."
    time, _ = call.clock
    if not _of_zones(iat - time):
        return set_right(iat, time)
    return (
        "Give iat in seconds since 1970, which know no time zone, and leave the clock as it is:"
        " whole or half hours mean that local time was taken for UTC, or UTC for local time."
    )


def _of_zones(seconds: float) -> bool:
    """Are these whole or half hours, but for half a minute, as between two time zones?"""
    return 1700 < abs(seconds) < 54000 and abs(abs(seconds) % 1800 - 900) > 870


def set_right(iat: float, time: float) -> str:
    """What to do about an iat that is ahead of a server's time, or behind."""
    if iat > time:
        return "Set the client's clock (NTP)."
    return "Make the proof right before it is sent, and set the client's clock (NTP)."


def clocks_compared(call: Call, now: float) -> str:
    """What the clocks of client and server tell of a refused proof; empty where they do not.

    `now` is this machine's time: an answer can't come from its future.
    """
    iat, server = call.proof.claims.get("iat"), call.date
    if server is None or not is_time(iat) or iat > 1e11 or _of_zones(iat - server):
        return ""
    skew, age = now - server, server - iat
    if call.sent_at is not None:
        skew = call.sent_at - server
    elif -age > SKEW or now < server - SKEW:
        skew = -age
    elif abs(skew) > SKEW:  # nor has the answer just come
        return ""
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


def _seconds(text: str) -> float | None:
    """A time of a server's words in seconds since 1970, in UTC where it has no offset."""
    if text.isdecimal():
        return float(text[:10])
    zoned = text[19:].lstrip(".0123456789")
    return seconds_since_1970(text.upper() if zoned else f"{text}Z")


def times_told(call: Call) -> tuple[str, str]:
    """How far iat is from the server's time, with its window, and what to do; or nothing."""
    words = call.description[:4000].lower()
    iat, now = call.proof.claims.get("iat"), call.clock and call.clock[0]
    times, start = [*TIME.finditer(words)], 0
    for match in times:
        label = words[max(start, match.start() - 40) : match.start()]
        time, start = _seconds(match[0]), match.end()
        first_of_two = match is times[0] and len(times) == 2
        if MADE.search(label) or (first_of_two and not NOW.search(label)):
            iat = time
        elif iat is not None or NOW.search(label):
            now = time
    sizes = ["".join(one) for one in WINDOW.findall(words)]
    window = f"it allows {' + '.join(dict.fromkeys(sizes))} s" if sizes else ""
    if not is_time(iat) or now is None or iat == now:
        none = "0" in ["".join(one) for one in WINDOW.findall(f"{words} {call.around.lower()}")]
        return window, TOO_STRICT * (none and AHEAD.search(words) is not None)
    away = abs(now - iat)
    told = f"iat is {away:.0f} s" + f" ({duration(away)})" * (away > 600)
    told += f" {'ahead of' if iat > now else 'behind'} the server's time"
    action = set_right(iat, now) + " If that is right, the server's is wrong."
    if away <= SKEW and iat > now:
        action = TOO_STRICT
    return "; ".join(filter(None, (told, window))), action
