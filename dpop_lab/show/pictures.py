"""Pictures, made of text and lines: a sequence diagram, and what others are made of as well."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dpop_lab.show import Block
from dpop_lab.show.html import Look, escaped, ink, marked, symbol
from dpop_lab.show.values import WIDTH, one_line, wrapped

PLAIN = re.compile(r"[^A-Za-z0-9 .,:/()_+*=?'-]")
KEYWORD = re.compile(r"\b(e)(?=nd\b)", re.IGNORECASE)  # `end`, even inside a text, ends a block


FEW = 3  # lanes that leave much room between them


@dataclass(frozen=True, slots=True)
class Message:
    """An arrow of a diagram from lane to lane; where both are the same, a note there."""

    start: int  #: a lane, counted from 0
    end: int
    text: str
    more: str  #: a second line
    mark: str = ""  #: what an answer says, one of `SYMBOLS`
    arrives: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Diagram(Block):
    """A sequence diagram: the messages between those who stand at the top of its lanes."""

    title: str
    lanes: tuple[tuple[str, str], ...]  #: who it is, and where
    messages: tuple[Message, ...]

    @property
    def mermaid(self) -> str:
        """Its source in Mermaid, for documentation in which that is drawn."""
        lines = ["sequenceDiagram", f"    accTitle: {_in_mermaid(self.title)}"]
        for number, lane in enumerate(self.lanes):
            lines.append(f"    participant L{number} as {_in_mermaid(*lane)}")
        for one in self.messages:
            arrow = "-->>" if one.mark else "->>" if one.arrives else "-x"
            drawn = f"L{one.start}{arrow}L{one.end}"
            place = f"Note over L{one.end}" if one.start == one.end else drawn
            lines.append(f"    {place}: {_in_mermaid(marked(one.mark, one.text), one.more)}")
        return "\n".join(lines)

    def markdown(self) -> str:
        return f"```mermaid\n{self.mermaid}\n```"

    @property
    def _names(self) -> list[str]:
        """The names of the lanes: who it is, with the place where two are called the same."""
        names = [name for name, _ in self.lanes]
        alone = len(set(names)) == len(names)
        return names if alone else [" at ".join(filter(None, lane)) for lane in self.lanes]

    def lines(self) -> Iterator[str]:
        ends = []
        for one in self.messages:
            arrow = " → " if one.start < one.end else " ← "
            names = (self._names[n] for n in sorted({one.start, one.end}))
            ends.append(one_line(arrow.join(names)))
        width = max(map(len, ends), default=0)
        yield self.title
        for end, one in zip(ends, self.messages, strict=True):
            text = one_line(": ".join(filter(None, (marked(one.mark, one.text), one.more))))
            first, *others = wrapped(text, max(WIDTH - width - 4, WIDTH // 2), whole=True)
            yield f"  {end:<{width}}  {first}"
            yield from (f"  {'':<{width}}  {line}" for line in others)

    def html(self, look: Look) -> str:
        of_lane, between = ("7fr 7fr", "4fr") if len(self.lanes) > FEW else ("5fr 5fr", "8fr")
        columns = " ".join([of_lane, *[f"{between} {of_lane}"] * (len(self.lanes) - 1)])
        columns = re.sub(r"\dfr", r"minmax(0, \g<0>)", columns)
        parts = [self._lane(number, look) for number in range(len(self.lanes))]
        parts += [self._message(row, one, look) for row, one in enumerate(self.messages, 2)]
        lanes = look("lanes", place=f"grid-template-columns:{columns}")
        return framed(self.title, f"<div{lanes}>{''.join(parts)}</div>", look)

    def _lane(self, number: int, look: Look) -> str:
        """Its head over two columns, and the line that goes down between them."""
        name, where = self.lanes[number]
        head = look("lane", place=f"grid-column:{3 * number + 1} / {3 * number + 3}")
        down = f"grid-column:{3 * number + 2};grid-row:2 / {len(self.messages) + 3}"
        where = f"<br><span{look('where')}>{escaped(where, breakable=True)}</span>" if where else ""
        line = f"<div{look('lifeline', place=down)}></div>"
        return f"<div{head}><strong>{escaped(name)}</strong>{where}</div>{line}"

    def _message(self, row: int, one: Message, look: Look) -> str:
        first, last = sorted((one.start, one.end))
        noted = one.start == one.end
        columns = f"{3 * first + 2} / {3 * last + (4 if noted else 2)}"
        ends = " to ".join(self._names[n] for n in (one.start, one.end)[noted:])
        heard = f"<span{look('unseen')}>{escaped(ends)}: </span>{symbol(one.mark, look)}"
        text, more = (escaped(words, breakable=True) for words in (one.text, one.more))
        words = f"<strong>{text}</strong><br>{more}"
        cell = look("message", place=f"grid-row:{row};grid-column:{columns}")
        arrow = "" if noted else _arrow(one, look)
        return f"<div{cell}><div{look('label')}>{heard}{words}</div>{arrow}</div>"


def _arrow(one: Message, look: Look) -> str:
    line = f"<div{look('reply' if one.mark else 'request')}></div>"
    side = "right" if one.start < one.end else "left"
    head = point(side, one.mark, look) if one.arrives else symbol("refused", look)
    parts = (line, head) if one.start < one.end else (head, line)
    return f"<div{look('arrow', ink(one.mark))}>{''.join(parts)}</div>"


def framed(title: str, content: str, look: Look) -> str:
    """HTML under a title."""
    caption = f"<figcaption{look('caption')}>{escaped(title)}</figcaption>"
    return f"<figure{look('picture')}>{caption}{content}</figure>"


def point(side: str, mark: str, look: Look) -> str:
    """The point of an arrow to the left or right, in the colour of a mark."""
    return f"<div{look(f'point-{side}', ink(mark))}></div>"


def _in_mermaid(*lines: str) -> str:
    """Text that Mermaid shows as it is: whatever could be its syntax goes by number."""
    texts = [PLAIN.sub(lambda found: f"#{ord(found[0])};", one_line(line)) for line in lines]
    text = "<br/>".join(filter(None, texts))
    return KEYWORD.sub(lambda found: f"#{ord(found[1])};", text)
