"""What is shown as blocks: in a terminal as text, in a notebook as HTML that says just that."""

from abc import abstractmethod
from collections.abc import Iterator

from dpop_lab.show.blocks import Block
from dpop_lab.show.html import as_html
from dpop_lab.show.text import as_text


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
