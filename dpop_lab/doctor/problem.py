"""One thing that is wrong, and what to do about it."""

from dataclasses import dataclass
from typing import Self

from dpop_lab.checking import SYMBOLS, Check
from dpop_lab.show.values import printable, shown


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem:
    """One thing that is wrong, and what to do about it; what is not known of it is empty."""

    title: str
    action: str
    #: The name of the row that says so.
    row: str = ""
    wanted: str = ""
    found: str = ""
    #: Where the rule is written.
    section: str = ""
    #: How binding it is: `must`, `should` or `free`.
    grade: str = ""

    @classmethod
    def of(cls, row: Check, said: str, action: str, *, defect: str = "", **seen: object) -> Self:
        """What fails at a row, in words; `seen` are the values `wanted` and `found`."""
        return cls(
            title=f"{row.name}: {said}",
            action=action,
            row=row.name,
            section=row.section,
            grade=row.graded(defect),
            **{name: shown(value, 200) for name, value in seen.items()},
        )

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What to do, and what the row wanted and found, as terms and texts."""
        pairs = (
            ("what to do", self.action),
            ("wanted", self.wanted),
            ("found", self.found),
            ("section", ", ".join(filter(None, (self.section, self.grade)))),
        )
        return tuple((term, text) for term, text in pairs if text)

    def __repr__(self) -> str:
        """The title, and a line for each of `lines`."""
        told = [f"  {term:<10}  {text}" for term, text in self.lines]
        return printable("\n".join([f"{SYMBOLS['failed']} {self.title}", *told]))
