"""Spans of time as a picture: how long before now, and how long after, on one axis."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from dpop_lab.show import Block
from dpop_lab.show.html import Look, escaped, ink, marked, symbol
from dpop_lab.show.pictures import framed, point
from dpop_lab.show.values import duration, one_line

TRACK = 36  # characters of the axis in plain text
MARGIN = "6.5em"  # beside it in HTML, for figures


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when: in seconds from now, what is past negative; `math.inf` is no end."""

    group: str
    name: str
    start: float
    end: float
    mark: str = ""  #: of the time that is marked, one of `SYMBOLS`

    @property
    def figures(self) -> tuple[str, str]:
        """Both ends in words; of a single time one, on the side away from now."""
        start, end = _from_now(self.start), _from_now(self.end)
        if self.start == self.end:
            return ("", end) if self.end > 0 else (start, "")
        return start, end


def _from_now(seconds: float) -> str:
    if math.isinf(seconds):
        return "no limit"
    return f"{duration(seconds)} {'ahead' if seconds > 0 else 'ago'}" if seconds else "now"


@dataclass(frozen=True, slots=True, repr=False)
class Spans(Block):
    """Spans of time on one axis: what is past left of now, what is ahead right of it."""

    title: str
    spans: tuple[Span, ...]
    at: float | None = None  #: a time to be marked, in seconds from now

    def _axis(self) -> tuple[float, float]:
        """Its ends: a little beyond all spans that end, and no further for the marked time."""
        times = [time for one in self.spans for time in (one.start, one.end)]
        times = [time for time in times if math.isfinite(time) and time != self.at]
        first, last, at = min([-1.0, *times]), max([1.0, *times]), self.at or 0.0
        return max(min(1.1 * first, at), 1.5 * first), min(max(1.1 * last, at), 1.5 * last)

    def _mark_at(self, span: Span) -> float | None:
        """Where the marked time stands on the line of a span, None where it does not."""
        if self.at is None or not (span.mark or span.start == span.end):
            return None
        first, last = self._axis()
        return min(max(self.at, first), last)

    def lines(self) -> Iterator[str]:
        yield self.title
        width = max((len(self._name(span)) for span in self.spans), default=0)
        for group, spans in groupby(self.spans, attrgetter("group")):
            yield from [f"  {one_line(group)}"] * bool(group)
            for span in spans:
                first, last = span.figures
                name = f"    {self._name(span):<{width}}"
                yield f"{name}  {first:>9} {self._drawn(span)} {last}".rstrip()

    def _name(self, span: Span) -> str:
        """Its name behind its mark, or behind the room for one where others have a mark."""
        name = one_line(span.name)
        return marked(span.mark, name) if span.mark or self.at is None else f"  {name}"

    def _drawn(self, span: Span) -> str:
        """The axis in characters: the span, now, and the marked time."""
        first, last = self._axis()

        def place(time: float) -> int:
            return round((min(max(time, first), last) - first) / (last - first) * (TRACK - 1))

        drawn = [" "] * TRACK
        for n in range(place(span.start), place(span.end) + 1):
            drawn[n] = "━"
        drawn[place(0)] = "┃"
        if (at := self._mark_at(span)) is not None:
            drawn[place(at)] = "◆"
        return "".join(drawn)

    def html(self, look: Look) -> str:
        axis = f"<div{look('centred')}>← past&ensp;<strong>now</strong>&ensp;ahead →</div>"
        now = self._layer(0, 0, f"<div{look('now')}></div>", look)
        lines = [("", self._layer(0, 0, axis, look))]
        for group, spans in groupby(self.spans, attrgetter("group")):
            lines += [(f"<strong>{escaped(group)}</strong>", now)] * bool(group)
            for span in spans:
                layers = f"{self._bar(span, look)}{now}{self._mark(span, look)}"
                lines.append((f"{symbol(span.mark, look)}{escaped(span.name)}", layers))
        content = "".join(
            f"<div{look('span')}>{name}</div><div{look('track')}>{layers}</div>"
            for name, layers in lines
        )
        return framed(self.title, f"<div{look('spans')}>{content}</div>", look)

    def _bar(self, span: Span, look: Look) -> str:
        """The layer of a span: its figures at both ends, with a point where there is no end."""
        first, last = self._axis()
        start, end = (min(max(time, first), last) for time in (span.start, span.end))
        parts = (("bar-past", min(end, 0) - start), ("bar-ahead", end - max(start, 0)))
        bar = "".join(
            f"<div{look(name, ink(span.mark), place=f'flex:{length:.6g} 0 0px')}></div>"
            for name, length in parts
            if length > 0
        )
        left, right = (f"<span{look('figure')}>{escaped(one)}</span>" for one in span.figures)
        left += point("left", span.mark, look) * math.isinf(span.start)
        right = point("right", span.mark, look) * math.isinf(span.end) + right
        return self._layer(start, end, bar, look, left, right)

    def _mark(self, span: Span, look: Look) -> str:
        at = self._mark_at(span)
        return "" if at is None else self._layer(at, at, f"<div{look('marked')}></div>", look)

    def _layer(
        self, start: float, end: float, middle: str, look: Look, left: str = "", right: str = ""
    ) -> str:
        """HTML from one time of the axis to another, with more on both sides."""
        first, last = self._axis()
        before, after = (f"flex:{n:.6g} 0 {MARGIN}" for n in (start - first, last - end))
        return (
            f"<div{look('layer')}><div{look('before', place=before)}>{left}</div>{middle}"
            f"<div{look('after', place=after)}>{right}</div></div>"
        )
