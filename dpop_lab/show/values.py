"""How values and times are shown to a person as text: printable, short, in lines of a width."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import reduce
from itertools import zip_longest
from textwrap import wrap
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
MARKS = ("mark", "marks")  # fields that hold no text

WHOLE = re.compile(r"(?:[^\\]|\\(?:x..|u.{4}|U.{8}|[^xuU]))*+")  # what repr wrote, no half escape


@dataclass(frozen=True, slots=True, repr=False)
class Words:
    """Words of ours where a value may stand: shown without the quotes that a value gets."""

    text: str

    def __repr__(self) -> str:
        return self.text


def mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """A JSON value, words or blocks with each text changed, names of members too, but no marks."""
    if isinstance(value, str):
        return change(value)
    if type(value) in (int, float):
        digits = shown(value, 400)
        text = change(digits)
        return value if text == digits else text
    if isinstance(value, dict):
        return {mapped(name, change): mapped(one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([mapped(one, change) for one in value])
    if is_dataclass(value) and not isinstance(value, type):
        parts = [(one.name, getattr(value, one.name)) for one in fields(value)]
        return type(value)(
            *(part if name in MARKS else mapped(part, change) for name, part in parts)
        )
    return value


def at_once(
    walk: Callable[[Callable[[str], str]], T], clean: Callable[[list[str]], list[str]]
) -> T:
    """What `walk` makes when it is given a change of texts, all of which are cleaned in one go."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    walk(note)
    done = iter(clean(texts))
    return walk(lambda _: next(done))


def shown(value: object, limit: int = 120) -> str:
    """A value as one short printable line; what a request says may be hostile and is quoted.

    Of a long text the beginning in quotes, and how many characters the text has without them.
    """
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python writes no int of more than 4300 digits
        text = "a number of too many digits"
    if not isinstance(value, str | bytes) or len(text) <= limit:
        return cut(text, limit)
    beginning = WHOLE.match(text, 0, limit)[0]  # type: ignore[index]  # it matches nothing, too
    return f"{beginning}…{text[-1]} ({len(value)} characters)"


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and its length in characters where it is longer than the limit."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def printable(text: str, kept: str = "\n") -> str:
    """The text with an escape for whatever can't be seen or moves what is seen, but for `kept`."""
    if reduce(lambda rest, one: rest.replace(one, ""), kept, text).isprintable():
        return text
    escapes = {ord(one): repr(one)[1:-1] for one in {*text} - {*kept} if not one.isprintable()}
    return text.translate(escapes)


def one_line(text: str) -> str:
    """Text from anywhere as one printable line."""
    return printable(text, "")


# ---- lines

WIDTH = 100  # characters of a line, but for values, which stay whole
NARROW = 22  # characters of a name with its value behind it


def wrapped(text: str, width: int, *, whole: bool) -> list[str]:
    """The lines of a text in lines of this width, in which a long word may stay whole."""
    lines = [
        wrap(line, width, break_long_words=not whole, break_on_hyphens=False)
        for line in text.split("\n")
    ]
    return [part for line in lines for part in line or [""]]


def pairs(rows: Sequence[Sequence[str]], indent: str) -> Iterator[str]:
    """A line for each name and value, more where the value has several."""
    width = min(NARROW, max((len(name) for name, _ in rows), default=0))
    for name, value in rows:
        if "\n" in value:
            yield indent + name
            yield from (f"{indent}  {line}" for line in value.split("\n"))
        else:
            yield f"{indent}{name:<{width}}  {value}".rstrip()


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows side by side, cells wrapped so that no line is longer than `WIDTH`."""
    rows = [[printable(cell) for cell in row] for row in rows]
    needed = [max(map(len, "\n".join(column).split("\n"))) for column in zip(*rows, strict=True)]
    room = WIDTH - 2 * (len(needed) - 1)
    most = next(most for most in range(WIDTH, 0, -1) if sum(min(n, most) for n in needed) <= room)
    widths = [min(n, most) for n in needed]
    for row in rows:
        cells = [wrapped(cell, n, whole=False) for cell, n in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            yield "  ".join(map(str.ljust, line, widths)).rstrip()


# ---- times

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
        count, left = divmod(left, size)
        parts += [f"{count} {unit}"] * bool(count)
    return " ".join(parts[:2])


def date(seconds: float) -> str:
    """A time as HTTP dates write it, in UTC; empty beyond the years 1 to 9999."""
    try:
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
