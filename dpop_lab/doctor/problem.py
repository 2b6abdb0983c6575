"""One thing that is wrong, and what to do about it."""

from dataclasses import dataclass

from dpop_lab.checking import SYMBOLS
from dpop_lab.show.values import printable


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem:
    """One thing that is wrong: the row that says so, if one does, and what to do about it.

    `wanted`, `found` and `section`, where it is written, are empty where no row was asked.
    """

    title: str
    action: str
    row: str = ""
    wanted: str = ""
    found: str = ""
    section: str = ""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What to do, and what the row wanted and found, as terms and texts."""
        names = ("action", "wanted", "found", "section")
        terms = ("what to do", *names[1:])
        pairs = zip(terms, (getattr(self, name) for name in names), strict=True)
        return tuple((term, text) for term, text in pairs if text)

    def __repr__(self) -> str:
        """The title, and a line for each of `lines`."""
        told = [f"  {term:<10}  {text}" for term, text in self.lines]
        return printable("\n".join([f"{SYMBOLS['failed']} {self.title}", *told]))
