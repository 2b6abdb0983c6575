"""Times and lengths of time in words, for people beside the numbers in claims."""

import math
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import TypeGuard

FAR = 1e12  # seconds, some 30,000 years
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def is_time(value: object) -> TypeGuard[float]:
    """Is this a JSON number of seconds, not beyond all times that people speak of?"""
    return type(value) in (int, float) and abs(value) < FAR  # type: ignore[arg-type]


def duration(seconds: float) -> str:
    """A length of time in its two largest units: `312 s`, `1 h 15 min`, `3 d 2 h`.

    Up to ten minutes it stays in seconds, as windows are given in seconds.
    """
    if not math.isfinite(seconds):
        return "for ever"
    left = round(abs(seconds))
    if left <= 600:
        return f"{left} s"
    parts: list[str] = []
    for size, unit in UNITS:
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts)


def date(seconds: float) -> str:
    """A time as HTTP dates write it, in UTC; empty beyond the years 1 to 9999."""
    try:
        datetime.fromtimestamp(seconds, UTC)
        return formatdate(seconds, usegmt=True)
    except (ValueError, OverflowError, OSError):
        return ""


def offset(time: float, now: float) -> str:
    """How far a time is from another: `312 s before`, `5 s after`, `0 s before`."""
    return f"{duration(time - now)} {'after' if time > now else 'before'}"


def http_time(text: str) -> float | None:
    """The time in an HTTP date, seconds since 1970; None where there is none. Never raises."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def seconds_since_1970(text: str) -> float | None:
    """The time that a number of seconds since 1970, an HTTP date or an ISO 8601 date names.

    An ISO date without an offset is local time. None for anything else; never raises.
    """
    try:
        if text.replace(".", "", 1).isdecimal():
            return float(text) if float(text) < FAR else None
        seconds = http_time(text)
        return datetime.fromisoformat(text).timestamp() if seconds is None else seconds
    except (ValueError, OverflowError, OSError):
        return None
