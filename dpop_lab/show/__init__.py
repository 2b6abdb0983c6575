"""Blocks: what can be shown, and how it looks as text, as HTML and as Markdown."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from dpop_lab.show.html import Look, escaped, facts, folded, inline, marked, style_name, symbol
from dpop_lab.show.values import NARROW, WIDTH, columns, pairs, printable, wrapped

NAME = re.compile(r"(?=.{6,40}$)\w+(?:_\w+)+", re.ASCII)  # no column breaks one where there is room
SYNTAX = re.compile(r"([\\`*_{}\[\]#|~!$])")


class Shown:
    """Something with `blocks`, of which the first is the verdict where it has one."""

    __slots__ = ()

    @abstractmethod
    def blocks(self) -> "Iterator[Block]":
        """What there is to say of it."""

    def verdict_block(self) -> "Block":
        """The verdict alone."""
        return next(self.blocks())

    def details(self) -> str:
        """All but the verdict, as HTML."""
        return as_html([*self.blocks()][1:])

    def __repr__(self) -> str:
        return as_text(self.blocks())

    def _repr_html_(self) -> str:
        return as_html(self.blocks())


class Block(Shown, ABC):
    """A part of what is shown; what is in it is plain text, escaped here and nowhere else."""

    __slots__ = ()

    def blocks(self) -> "Iterator[Block]":
        """This one alone."""
        yield self

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """The lines of it in plain text."""

    @abstractmethod
    def html(self, look: Look) -> str:
        """HTML that stands alone, its parts with the attributes that `look` gives by name."""

    def markdown(self) -> str:
        """Markdown in which nothing is read as Markdown or HTML; its words alone, unless said."""
        return plain_markdown(" ".join(self.lines()))


@dataclass(frozen=True, slots=True)
class Note(Block):
    """A sentence or several."""

    text: str

    def lines(self) -> Iterator[str]:
        yield from wrapped(self.text, WIDTH, whole=True)

    def html(self, look: Look) -> str:
        return f"<p{look('note')}>{escaped(self.text)}</p>"


@dataclass(frozen=True, slots=True)
class Card(Block):
    """A verdict: its mark, one of `SYMBOLS`, and a sentence, above the facts that are known."""

    text: str
    mark: str
    facts: tuple[tuple[str, str], ...] = ()  #: names and values; empty values are left out
    stamp: str = ""  #: which of several it is, and when it was; plain text goes without
    parts: tuple["Card", ...] = ()  #: what belongs to it; in HTML inside of it

    @property
    def known(self) -> tuple[tuple[str, str], ...]:
        """The facts that have a value."""
        return tuple(fact for fact in self.facts if fact[1])

    def lines(self) -> Iterator[str]:
        yield ""
        yield from wrapped(marked(self.mark, self.text), WIDTH, whole=True)
        yield from [*pairs(self.known, "  "), ""] * bool(self.known)
        for part in self.parts:
            yield from part.lines()

    def html(self, look: Look) -> str:
        return f"<div{look('card', style_name(self.mark))}>{self._content(look)}</div>"

    def _content(self, look: Look) -> str:
        stamp = f"<span{look('stamp')}>{escaped(self.stamp)}</span>" if self.stamp else ""
        text = f"<strong>{escaped(marked(self.mark, self.text))}</strong>"
        parts = "".join(f"<div{look('inside')}>{part._content(look)}</div>" for part in self.parts)
        return f"{stamp}{text}{facts(self.known, look)}{parts}"

    def markdown(self) -> str:
        title = f"**{plain_markdown(marked(self.mark, self.text))}**"
        rows = [("Part", "Text"), *self.known]
        lines = [title, *("", *_markdown_rows(rows)) * bool(self.known)]
        return "\n\n".join(["\n".join(lines), *(part.markdown() for part in self.parts)])


@dataclass(frozen=True, slots=True)
class Table(Block):
    """Rows under a title, the first cell of each its name; without a head names and values."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()  #: of the rows, where they have any
    code: tuple[str, ...] = ()  #: the names of the columns that hold code
    #: In HTML it is seen when its title is chosen; in text a row with a mark has one line.
    folded: bool = False

    @property
    def marked(self) -> list[tuple[str, tuple[str, ...]]]:
        """The rows with their marks."""
        return list(zip(self.marks or [""] * len(self.rows), self.rows, strict=True))

    def lines(self) -> Iterator[str]:
        indent = "  " * bool(self.title)
        if self.marks:
            rows = self._marked_lines(indent)
        elif self.head and self.rows:
            rows = columns([self.head, *self.rows])
        else:
            rows = pairs(self.rows, "  ")
        yield from ("", self.title, *rows, "") if self.title else rows

    def _marked_lines(self, indent: str) -> Iterator[str]:
        """A line for each row, and unless it is folded its other cells beneath."""
        width = min(NARROW, max((len(name) for name, *_ in self.rows), default=0))
        for mark, (name, first, *others) in self.marked:
            name, (line, *more) = name.replace("\n", " at "), first.split("\n")
            yield f"{indent}{marked(mark, f'{name:<{width}}')}  {line}"
            if not self.folded:
                yield from (f"{indent}    {one}" for one in more)
                heads = (head.lower() for head in self.head[2:])
                yield from pairs(list(zip(heads, others, strict=True)), f"{indent}    ")

    def html(self, look: Look) -> str:
        title = escaped(self.title)
        if self.folded:
            title = title or f"{len(self.rows)} rows"
            ticks = "".join(
                f" <span{look('tick')}>{symbol(mark, look)}{escaped(name)}</span>"
                for mark, (name, *_) in (self.marked if self.marks else ())
            )
            return folded(f"{title}{ticks}", self._table("", look), look)
        return self._table(f"<caption{look('title')}>{title}</caption>" if title else "", look)

    def _table(self, caption: str, look: Look) -> str:
        names = "".join(f'<th scope="col"{look("head")}>{escaped(name)}</th>' for name in self.head)
        head = f"<thead><tr>{names}</tr></thead>" if names else ""
        kinds = [("code" if name in self.code else "cell", name) for name in self.head[1:]]
        body = ""
        for mark, (name, *cells) in self.marked:
            word = f"<br><span{look('meaning')}>{mark}</span>" if mark else ""
            named = f"{symbol(mark, look)}{escaped(name, breakable=True)}{word}"
            body += f'<tr{look("row")}><th scope="row"{look("name")}>{named}</th>'
            for (kind, column), cell in zip(kinds or [("code", "")], cells, strict=True):
                room = f"min-width:min({len(cell)}ch,30vw)" if NAME.fullmatch(cell) else ""
                body += f"<td{look(kind, head=column, place=room)}>{escaped(cell)}</td>"
            body += "</tr>"
        return f"<table{look('table')}>{caption}{head}<tbody>{body}</tbody></table>"

    def markdown(self) -> str:
        rows = [(marked(mark, name), *cells) for mark, (name, *cells) in self.marked]
        title = [f"**{plain_markdown(self.title)}**", ""] * bool(self.title)
        return "\n".join([*title, *_markdown_rows([self.head or ("Part", "Text"), *rows])])


@dataclass(frozen=True, slots=True)
class Fold(Block):
    """What is seen in HTML when its title is chosen; in text it stands below a line."""

    title: str
    parts: tuple[Block, ...]
    mark: str = ""  #: one of `SYMBOLS`: in text the title alone is then the line

    def lines(self) -> Iterator[str]:
        if self.mark:
            yield from wrapped(marked(self.mark, self.title), WIDTH, whole=True)
        else:
            yield from ("", f"──── {self.title} ".ljust(WIDTH, "─"))
        for part in self.parts:
            yield from part.lines()

    def html(self, look: Look) -> str:
        title = f"{symbol(self.mark, look)}{escaped(self.title)}"
        return folded(title, as_html(self.parts, look), look)

    def markdown(self) -> str:
        title = plain_markdown(marked(self.mark, self.title))
        return "\n\n".join([f"**{title}**", *(part.markdown() for part in self.parts)])


COLOURS = {"✓": 32, "✗": 31, "·": 2, "↻": 33}  # of terminals, for the symbols of marks
MARKED = re.compile(rf"^(?:\d\d:\d\d:\d\d)? *([{''.join(COLOURS)}]) .*", re.MULTILINE)


def coloured(text: str) -> str:
    """Text for a terminal, each line with the symbol of a mark in that mark's colour."""
    return MARKED.sub(lambda line: f"\x1b[{COLOURS[line[1]]}m{line[0]}\x1b[0m", text)


def as_text(blocks: Iterable[Block]) -> str:
    """Plain text: nothing in it moves a cursor or ends a line that was not ended here."""
    text = printable("\n".join(line for block in blocks for line in block.lines()))
    return re.sub("\n{3,}", "\n\n", text).strip("\n")


def as_html(blocks: Iterable[Block], look: Look = inline) -> str:
    """HTML that stands alone: no ids, no script, nothing fetched."""
    return "".join(block.html(look) for block in blocks)


def as_markdown(blocks: Iterable[Block]) -> str:
    """Markdown in which nothing that is shown is read as Markdown or HTML."""
    return "\n\n".join(block.markdown() for block in blocks) + "\n"


# ---- parts of blocks


def _markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table of which the first row is the head."""
    lines = [f"| {' | '.join(map(plain_markdown, row))} |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def plain_markdown(text: str) -> str:
    """Text as Markdown that shows just that text, in a line."""
    return SYNTAX.sub(r"\\\1", escape(" ".join(printable(text).split()), quote=False))
