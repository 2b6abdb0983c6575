"""How values and tables are shown to a person: as one printable line, as HTML for a notebook."""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

CELL = "padding:.25em .4em;text-align:left;vertical-align:top"
WRAPPED = ";overflow-wrap:anywhere"
CODE = f"font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap{WRAPPED}"
ITEM = "float:none;width:auto"  # JupyterLab sets terms and texts side by side
TEXT = "margin:.25em 0 .5em 1em;word-break:break-all"
WHOLE = re.compile(r"(?:[^\\]|\\(?:x..|u.{4}|U.{8}|[^xuU]))*+")  # what repr wrote, no half escape


class _Plain(str):
    """Words of ours, shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def words(text: str) -> str:
    """Text of our own for `wanted` and `found`: a description, not a value."""
    return _Plain(text)


def mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """A JSON value with each text in it changed, names of members too; ours stay ours."""
    if isinstance(value, _Plain):
        return words(change(str(value)))
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {mapped(name, change): mapped(one, change) for name, one in value.items()}
    return [mapped(one, change) for one in value] if isinstance(value, list) else value


def shown(value: object, limit: int = 120) -> str:
    """A value as one short printable line; what a request says may be hostile and is quoted.

    Of a long text the beginning in quotes, and how many characters the text has without them.
    """
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python writes no int of more than 4300 digits
        text = "a number of too many digits"
    if not isinstance(value, str | bytes) or type(value) is _Plain or len(text) <= limit:
        return cut(text, limit)
    beginning = WHOLE.match(text, 0, limit)[0]  # type: ignore[index]  # it matches nothing, too
    return f"{beginning}…{text[-1]} ({len(value)} characters)"


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and its length in characters where it is longer than the limit."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def printable(text: str) -> str:
    """The text with an escape for whatever can't be seen or moves what is seen; lines are kept."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


def escaped(text: str) -> str:
    """Text as HTML that shows just that text."""
    return html.escape(printable(text)).replace("\n", "<br>")


def html_table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    code: Sequence[str] = (),
    edges: Iterable[str] = (),
) -> str:
    """Rows of plain text as an HTML table that stands alone: no ids, no script, nothing fetched.

    The first cell of a row names it, `code` names the columns that hold code, `edges` gives each
    row the name of a theme colour for its left edge, a mere ornament.
    """
    colours = iter(edges)
    heading = "".join(f'<th scope="col" style="{CELL}">{escaped(name)}</th>' for name in head)
    styles = [f"{CELL};{CODE}" if name in code else CELL + WRAPPED for name in head]
    body = "".join(f"<tr>{_cells(row, styles, next(colours, ''))}</tr>" for row in rows)
    return (
        f'<table style="margin:.5em 0;line-height:1.4"><caption style="{CELL};font-weight:bold">'
        f"{escaped(caption)}</caption><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cells(row: Sequence[str], styles: Sequence[str], colour: str) -> str:
    edge = f";border-left:4px solid var(--jp-{colour}-color1)" if colour else ""
    rest = [
        f'<td style="{style}">{escaped(text)}</td>' for style, text in zip(styles, row, strict=True)
    ]
    style = f"{CELL};white-space:nowrap{edge}"
    return f'<th scope="row" style="{style}">{escaped(row[0])}</th>{"".join(rest[1:])}'


def html_list(items: Iterable[Sequence[str]]) -> str:
    """Terms, each with its texts in code, as an HTML list that keeps their lines."""
    parts = []
    for term, *texts in items:
        parts.append(f'<dt style="{ITEM};font-weight:bold">{escaped(term)}</dt>')
        parts += [f'<dd style="{ITEM};{TEXT};{CODE}">{escaped(text)}</dd>' for text in texts]
    return f'<dl style="line-height:1.4">{"".join(parts)}</dl>'
