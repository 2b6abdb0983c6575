"""A page of Markdown: headings, tables, code and links, with every value escaped once."""

import posixpath
import re
from collections.abc import Iterable, Sequence

from dpop_lab.show import plain_markdown
from dpop_lab.show.values import one_line

#: Texts that are read as code where they stand in a sentence: URLs, and names with an underscore.
AS_CODE = re.compile(r"(https?://[^\s'\"]*[\w/]|[\w.]*\w_\w[\w.]*\b(?:=\w+)?)")
QUOTED = re.compile(r"'(`[^`]+`)'")  # code says enough without the quotes
#: What is other in each run: hashes, keys, tokens, nonces, identifiers, times.
DRAWN = re.compile(
    r"(?<![\w-])(?=[a-z_-]*[A-Z0-9])[\w-]{43,}(?![\w-])…?|(?<!\w)[0-9A-F]{32}(?!\w)"
    r"|(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<!\w)1[6-9]\d{8}(?!\w)"
    r"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
)

SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")  # of code, in which no bar is escaped yet


def same_each_run(text: str) -> str:
    """A text in which what is drawn or told by a clock is an ellipsis."""
    return DRAWN.sub("…", text).replace("'…' (98 characters)", "'…'")  # a nonce


def code(text: str) -> str:
    """A text as code in a line, to the letter."""
    text = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    blank = " " * (text.startswith("`") or text.endswith("`"))
    return f"{fence}{blank}{text}{blank}{fence}"


def prose(text: str) -> str:
    """Sentences in which nothing is read as Markdown; names and URLs in them as code."""
    words = " ".join(text.split())
    parts = (
        code(one) if AS_CODE.fullmatch(one) else _plain(one) for one in AS_CODE.split(words) if one
    )
    return QUOTED.sub(r"\1", "".join(parts))


def _plain(text: str) -> str:
    """As Markdown, with the blanks around it."""
    return text.replace(text.strip(), plain_markdown(text)) if text.strip() else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; columns in which all are empty are left out."""
    rows = list(rows)
    kept = [n for n, _ in enumerate(head) if any(row[n] for row in rows)]
    lines = [[_cell(cells[n]) for n in kept] for cells in (head, *rows)]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], "|" + " --- |" * len(kept), *text[1:]])


def _cell(text: str) -> str:
    return SPAN.sub(lambda span: span[0].replace("|", "\\|"), text)


def block(text: str, language: str = "text") -> str:
    """Lines of code; a fence that is longer than any in them."""
    fence = "`" * max(3, *(len(one) + 1 for one in re.findall("`+", text) or [""]))
    return f"{fence}{language}\n{text}\n{fence}"


def slug(text: str) -> str:
    """A text as the name of a file."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


class Page:
    """One page under `docs/`, by its path there; it knows how to link to the others."""

    def __init__(self, path: str, title: str) -> None:
        self.path, self.parts = path, [f"# {title}"]

    def add(self, *parts: str) -> None:
        """Add paragraphs, empty ones left out."""
        self.parts += filter(None, parts)

    def section(self, title: str, *parts: str) -> None:
        """Add a heading with paragraphs, where there are any."""
        if any(parts):
            self.add(f"## {title}", *parts)

    def link(self, words: str, path: str) -> str:
        """A link to another page, or to a file beside `docs/` (`../notebooks/…`)."""
        return f"[{words}]({posixpath.relpath(path, posixpath.dirname(self.path) or '.')})"

    @property
    def text(self) -> str:
        """The page as it is written."""
        return "\n\n".join(self.parts) + "\n"
