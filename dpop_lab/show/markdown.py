"""Blocks as Markdown, for an issue or a chat."""

import html
import re
from collections.abc import Iterable, Sequence

from dpop_lab.show.blocks import Block, Note, marked
from dpop_lab.show.values import printable

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
