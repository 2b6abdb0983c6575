"""How a block's parts look as HTML: each part carries its style along, or has a class for it."""

import html
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from dpop_lab.show.values import printable

Look = Callable[..., str]  # the attributes that make a part look as it should
SYMBOLS = {"passed": "✓", "failed": "✗", "not asked": "·"}  # of a row, or of the whole
SYMBOLS |= {"accepted": "✓", "refused": "✗", "nonce demanded": "↻"}  # of a request
LONG = re.compile(r"[^\s<>]{16,}")  # a word that a column or a lane may have to break
BESIDE = ("wanted", "found")  # the names of facts that stand side by side


@cache
def style_sheet() -> str:
    """The style sheet of blocks."""
    return Path(__file__).with_name("style.css").read_text("utf-8").strip()


@cache
def _rules() -> dict[str, str]:
    """The rules of the style sheet by their names."""
    sheet = re.sub("([:;,]) ", r"\1", style_sheet())
    return dict(re.findall(r"^\.([\w-]+) \{ (.*);\}$", sheet, re.MULTILINE))


def inline(*names: str, head: str = "", place: str = "") -> str:
    """The look of a part that has to stand alone: the rules of the sheet for these names.

    `place` is CSS of this part alone: where it stands, how large it is.
    """
    rules = [_rules()[name] for name in names if name]
    return f' style="{";".join([*rules, place] if place else rules)}"'


def by_class(*names: str, head: str = "", place: str = "") -> str:
    """The look of a part on a page with the style sheet; a cell has the name of its column."""
    column = f' data-head="{escaped(head)}"' if head else ""
    style = f' style="{place}"' if place else ""
    return f' class="{" ".join(filter(None, names))}"{column}{style}'


def escaped(text: str, *, breakable: bool = False) -> str:
    """Text as HTML that shows just that text; long words may break at a slash or a dot first."""
    text = html.escape(printable(text)).replace("\n", "<br>")
    if not breakable:
        return text
    return LONG.sub(lambda word: re.sub(r"(?<=\w[./])(?=\w)", "<wbr>", word[0]), text)


def facts(pairs: Iterable[tuple[str, str]], look: Look) -> str:
    """Names and values of a card; what was wanted and what was found stand side by side."""
    groups = "".join(
        f"<div{look('beside' if name.lower() in BESIDE else 'whole')}>"
        f"<dt{look('term')}>{escaped(name)}</dt>"
        f"<dd{look('value' if name.lower() in BESIDE else 'said')}>{escaped(text)}</dd></div>"
        for name, text in pairs
    )
    return f"<dl{look('facts')}>{groups}</dl>" if groups else ""


def folded(summary: str, content: str, look: Look) -> str:
    """Content that is seen when its summary is chosen; both are HTML."""
    head = f"<summary{look('summary')}>{summary}</summary>"
    return f"<details{look('fold')}>{head}{content}</details>"


def marked(mark: str, text: str) -> str:
    """A text behind the symbol of its mark."""
    return f"{SYMBOLS[mark]} {text}" if mark else text


def style_name(mark: str) -> str:
    """The name of a mark's rule in the style sheet."""
    return mark.replace(" ", "-")


def ink(mark: str) -> str:
    """The name of the rule for what has the colour of a mark."""
    return f"ink-{style_name(mark)}" if mark else "ink"


def symbol(mark: str, look: Look) -> str:
    """The symbol of a mark in its colour; nothing without a mark."""
    return f"<span{look('symbol', ink(mark))}>{marked(mark, '')}</span>" if mark else ""
