"""Blocks: what can be shown, and how it looks as text, as HTML and as Markdown."""

import html
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

from dpop_lab.show.values import printable

SYMBOLS = {"passed": "✓", "failed": "✗", "not asked": "·"}  # of a row, or of the whole
SYMBOLS |= {"accepted": "✓", "refused": "✗", "nonce demanded": "↻"}  # of a request
CLOSED = ("passed", "not asked")  # the rows of which plain text has one line


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or several; with a mark, one of `SYMBOLS`, it is a verdict."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title, the first cell of each its name; without a head names and values."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    mark: str = ""  #: of the whole
    marks: tuple[str, ...] = ()  #: of the rows, where they have any
    code: tuple[str, ...] = ()  #: the names of the columns that hold code

    @property
    def marked(self) -> list[tuple[str, tuple[str, ...]]]:
        """The rows with their marks, that of the whole where they have none."""
        return list(zip(self.marks or [self.mark] * len(self.rows), self.rows, strict=True))


Block = Note | Table


def marked(mark: str, text: str) -> str:
    """A text behind the symbol of its mark."""
    return f"{SYMBOLS[mark]} {text}" if mark else text


WIDTH = 100  # characters of a line, but for values, which stay whole
NARROW = 22  # characters of a name with its value behind it


def as_text(blocks: Iterable[Block]) -> str:
    """Plain text: nothing in it moves a cursor or ends a line that was not ended here."""
    text = printable("\n".join(line for block in blocks for line in _lines(block)))
    return re.sub("\n{3,}", "\n\n", text).strip("\n")


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Note):
        yield from [""] * bool(block.mark)
        yield from _wrapped(marked(block.mark, block.text), WIDTH, whole=True)
        return
    indent = "  " * bool(block.title)
    if block.marks:
        rows = _checks(block, indent)
    elif block.head and block.rows:
        rows = _columns([block.head, *block.rows])
    else:
        rows = _pairs(block.rows, "  ")
    yield from ("", marked(block.mark, block.title), *rows, "") if block.title else rows


def _wrapped(text: str, width: int, *, whole: bool) -> list[str]:
    """The lines of a text in lines of this width, in which a long word may stay whole."""
    lines = [
        wrap(line, width, break_long_words=not whole, break_on_hyphens=False)
        for line in text.split("\n")
    ]
    return [part for line in lines for part in line or [""]]


def _pairs(pairs: Sequence[Sequence[str]], indent: str) -> Iterator[str]:
    """A line for each name and value, more where the value has several."""
    width = min(NARROW, max((len(name) for name, _ in pairs), default=0))
    for name, value in pairs:
        if "\n" in value:
            yield indent + name
            yield from (f"{indent}  {line}" for line in value.split("\n"))
        else:
            yield f"{indent}{name:<{width}}  {value}".rstrip()


def _checks(table: Table, indent: str) -> Iterator[str]:
    """A line for each row; where it is open its other cells beneath, under their heads."""
    width = min(NARROW, max(len(name) for name, *_ in table.rows))
    for mark, (name, first, *others) in table.marked:
        name, (line, *more) = name.replace("\n", " at "), first.split("\n")
        yield f"{indent}{marked(mark, f'{name:<{width}}')}  {line}"
        if mark not in CLOSED:
            yield from (f"{indent}    {one}" for one in more)
            heads = (head.lower() for head in table.head[2:])
            yield from _pairs(list(zip(heads, others, strict=True)), f"{indent}    ")


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows side by side, cells wrapped so that no line is longer than `WIDTH`."""
    rows = [[printable(cell) for cell in row] for row in rows]
    needed = [max(map(len, "\n".join(column).split("\n"))) for column in zip(*rows, strict=True)]
    room = WIDTH - 2 * (len(needed) - 1)
    most = next(most for most in range(WIDTH, 0, -1) if sum(min(n, most) for n in needed) <= room)
    widths = [min(n, most) for n in needed]
    for row in rows:
        cells = [_wrapped(cell, n, whole=False) for cell, n in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            yield "  ".join(map(str.ljust, line, widths)).rstrip()


SYNTAX = re.compile(r"([\\`*_{}\[\]#|~!$])")


def as_markdown(blocks: Iterable[Block]) -> str:
    """Markdown in which nothing that is shown is read as Markdown or HTML."""
    return "\n\n".join(map(_part, blocks)) + "\n"


def _part(block: Block) -> str:
    if isinstance(block, Note):
        text = _plain(marked(block.mark, block.text))
        return f"**{text}**" if block.mark else text
    head = block.head or ("Part", "Text")
    rows = [
        (marked(mark if block.marks else "", name), *cells) for mark, (name, *cells) in block.marked
    ]
    lines = [f"**{_plain(marked(block.mark, block.title))}**", "", _row(head)]
    return "\n".join([*lines, "|" + " --- |" * len(head), *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    escaped = html.escape(" ".join(printable(text).split()), quote=False)
    return SYNTAX.sub(r"\\\1", escaped)


Look = Callable[..., str]  # the attributes that make a part look as it should


@cache
def style_sheet() -> str:
    """The style sheet of blocks."""
    return Path(__file__).with_name("style.css").read_text("utf-8").strip()


@cache
def inline(*names: str, head: str = "") -> str:
    """The look of a part that has to stand alone: the rules of the sheet for these names."""
    sheet = re.sub("([:;,]) ", r"\1", style_sheet())
    rules = dict(re.findall(r"^\.([\w-]+) \{ (.*);\}$", sheet, re.MULTILINE))
    found = ";".join(rules[name] for name in names if name)
    return f' style="{found}"'


def by_class(*names: str, head: str = "") -> str:
    """The look of a part on a page with the style sheet; a cell has the name of its column."""
    column = f' data-head="{escaped(head)}"' if head else ""
    return f' class="{" ".join(filter(None, names))}"{column}'


def escaped(text: str) -> str:
    """Text as HTML that shows just that text."""
    return html.escape(printable(text)).replace("\n", "<br>")


def as_html(blocks: Iterable[Block], look: Look = inline) -> str:
    """HTML that stands alone: no ids, no script, nothing fetched."""
    return "".join(_html(block, look) for block in blocks)


def _html(block: Block, look: Look) -> str:
    if isinstance(block, Table):
        return _table(block, look)
    text = escaped(marked(block.mark, block.text))
    if block.mark:
        return f"<p{look('verdict', _name(block.mark))}><strong>{text}</strong></p>"
    return f"<p{look('note')}>{text}</p>"


def _table(table: Table, look: Look) -> str:
    title = escaped(marked(table.mark, table.title))
    caption = f"<caption{look('title')}>{title}</caption>" if title else ""
    names = "".join(f'<th scope="col"{look("head")}>{escaped(name)}</th>' for name in table.head)
    head = f"<thead><tr>{names}</tr></thead>" if names else ""
    kinds = [("code" if name in table.code else "cell", name) for name in table.head[1:]]
    body = ""
    for mark, (name, *cells) in table.marked:
        shown = f"{marked(mark, name)}\n{mark}" if table.marks else name
        body += f'<tr><th scope="row"{look("name", _name(mark))}>{escaped(shown)}</th>'
        for (kind, column), cell in zip(kinds or [("code", "")], cells, strict=True):
            body += f"<td{look(kind, head=column)}>{escaped(cell)}</td>"
        body += "</tr>"
    return f"<table{look('table')}>{caption}{head}<tbody>{body}</tbody></table>"


def _name(mark: str) -> str:
    return mark.replace(" ", "-")


class Shown:
    """Something with `blocks`, of which the first is the verdict where it has one."""

    __slots__ = ()

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """What there is to say of it."""

    def verdict_block(self) -> Block:
        """The verdict alone."""
        return next(self.blocks())

    def details(self) -> str:
        """All but the verdict, as HTML."""
        return as_html([*self.blocks()][1:])

    def __repr__(self) -> str:
        return as_text(self.blocks())

    def _repr_html_(self) -> str:
        return as_html(self.blocks())
