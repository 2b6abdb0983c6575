"""What a diagnosis says, as blocks, and the blocks as text, as Markdown and as HTML."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dpop_lab.show.values import escaped, html_table, mapped, printable

MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~!$])")
WIDTH = 22  # characters of the first column in text


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or several."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences in a list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; the last column is code, the first one names the row.

    `edges` gives each row, in HTML, the name of a theme colour for its left edge. `brief`, where it
    is not empty, is what plain text has in the place of the table.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    edges: tuple[str, ...] = ()
    brief: str = ""


Block = Heading | Paragraph | Bullets | Table


def cleaned(blocks: Sequence[Block], clean: Callable[[list[str]], list[str]]) -> list[Block]:
    """The same blocks, all their texts put through `clean` in one go."""
    texts = iter(clean([text for block in blocks for text in _texts(block)]))
    return [_with(block, lambda _: next(texts)) for block in blocks]


def _texts(block: Block) -> list[str]:
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _with(block, note)
    return found


def _with(block: Block, change: Callable[[str], str]) -> Block:
    if isinstance(block, Heading | Paragraph):
        return replace(block, text=change(block.text))
    if isinstance(block, Bullets):
        return replace(block, items=tuple(map(change, block.items)))
    caption, head = change(block.caption), tuple(map(change, block.head))
    rows = tuple(tuple(map(change, row)) for row in block.rows)
    return replace(block, caption=caption, head=head, rows=rows, brief=change(block.brief))


def cleaned_values(value: Any, clean: Callable[[list[str]], list[str]]) -> Any:
    """JSON values with all their strings, names of members too, put through `clean` in one go."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    mapped(value, note)
    done = iter(clean(texts))
    return mapped(value, lambda _: next(done))


def as_text(blocks: Sequence[Block], *, everything: bool = False) -> str:
    """Plain text: nothing in it moves a cursor or ends a line that was not ended here.

    Tables that have a brief form are told by that, unless `everything` is wanted.
    """
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            lines += ["", block.text, "-" * min(len(block.text), 100)] if lines else [block.text]
        elif isinstance(block, Paragraph):
            lines.append(block.text)
        elif isinstance(block, Bullets):
            lines += [f"  - {item}" for item in block.items]
        elif block.brief and not everything:
            lines.append(block.brief)
        else:
            lines += [block.caption, *(_row(row) for row in block.rows)]
    return printable("\n".join(lines))


def _row(row: tuple[str, ...]) -> str:
    name, *rest = (cell.replace("\n", " ") for cell in row)
    return f"  {name:<{WIDTH}} {' | '.join(filter(None, rest))}".rstrip()


def as_markdown(blocks: Sequence[Block]) -> str:
    """Markdown in which nothing that was pasted is read as Markdown or HTML."""
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"### {_md(block.text)}")
        elif isinstance(block, Paragraph):
            parts.append(_md(block.text))
        elif isinstance(block, Bullets):
            parts.append("\n".join(f"- {_md(item)}" for item in block.items))
        else:
            head = "| " + " | ".join(map(_md, block.head)) + " |"
            rule = "|" + " --- |" * len(block.head)
            rows = ["| " + " | ".join(map(_md, row)) + " |" for row in block.rows]
            parts.append("\n".join([f"**{_md(block.caption)}**", "", head, rule, *rows]))
    return "\n\n".join(parts) + "\n"


def _md(text: str) -> str:
    plain = html.escape(" ".join(printable(text).split()), quote=False)
    return MARKDOWN.sub(r"\\\1", plain)


def as_html(blocks: Sequence[Block]) -> str:
    """HTML that stands alone, everything escaped; headings are bold paragraphs."""
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"<p><strong>{escaped(block.text)}</strong></p>")
        elif isinstance(block, Paragraph):
            parts.append(f"<p>{escaped(block.text)}</p>")
        elif isinstance(block, Bullets):
            items = "".join(f"<li>{escaped(item)}</li>" for item in block.items)
            parts.append(f"<ul>{items}</ul>")
        else:
            code, edges = block.head[-1:], block.edges
            parts.append(html_table(block.caption, block.head, block.rows, code=code, edges=edges))
    return "".join(parts)
