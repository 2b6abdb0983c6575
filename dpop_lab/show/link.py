"""A block that is a link: a few words that lead to a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from dpop_lab.show import Block
from dpop_lab.show.html import Look, escaped

BESIDE = 'target="_blank" rel="noopener noreferrer"'


@dataclass(frozen=True, slots=True)
class Link(Block):
    """A few words that lead to a page, by its http or https URL; it opens beside this one."""

    text: str
    url: str

    def lines(self) -> Iterator[str]:
        """The words, and the URL below them."""
        yield from (f"{self.text}:", f"  {self.url}")

    def html(self, look: Look) -> str:
        """A link, of which the URL stands in its title as well."""
        there = escaped(self.url if self.url.startswith(("http://", "https://")) else "")
        words = f'<a href="{there}" title="{there}" {BESIDE}>{escaped(self.text)}</a>'
        return f"<p{look('note')}>{words}</p>"
