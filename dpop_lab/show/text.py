"""Blocks as plain text: a table in columns, checks a line each; and as Markdown."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from dpop_lab.show.blocks import CLOSED, Block, Note, Table, marked
from dpop_lab.show.values import printable

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
    elif block.title:
        yield from ("", marked(block.mark, block.title), *_rows(block, "  "), "")
    else:
        yield from _rows(block, "")


def _wrapped(text: str, width: int, *, whole: bool) -> list[str]:
    """The lines of a text in lines of this width, in which a long word may stay whole."""
    lines = [
        wrap(line, width, break_long_words=not whole, break_on_hyphens=False)
        for line in text.split("\n")
    ]
    return [part for line in lines for part in line or [""]]


def _rows(table: Table, indent: str) -> Iterator[str]:
    if table.marks:
        yield from _checks(table, indent)
    elif table.head and table.rows:
        yield from _columns([table.head, *table.rows])
    else:
        yield from _pairs([(name, value) for name, value in table.rows], "  ")


def _pairs(pairs: Sequence[tuple[str, str]], indent: str) -> Iterator[str]:
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
    marks = block.marks or [""] * len(block.rows)
    rows = [
        (marked(mark, name), *cells) for mark, (name, *cells) in zip(marks, block.rows, strict=True)
    ]
    lines = [f"**{_plain(marked(block.mark, block.title))}**", "", _row(head)]
    return "\n".join([*lines, "|" + " --- |" * len(head), *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    escaped = html.escape(" ".join(printable(text).split()), quote=False)
    return SYNTAX.sub(r"\\\1", escaped)
