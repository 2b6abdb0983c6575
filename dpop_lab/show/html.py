"""Blocks as HTML: the one place where it is made, each text in it escaped once."""

import html
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from dpop_lab.show.blocks import Block, Table, marked
from dpop_lab.show.values import printable

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
