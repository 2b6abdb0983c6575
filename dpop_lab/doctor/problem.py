"""One thing that is wrong, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from dpop_lab.checking import Check
from dpop_lab.show import Block, Shown, Table
from dpop_lab.show.values import shown


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem(Shown):
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

    def blocks(self) -> Iterator[Block]:
        """The title over `lines`."""
        yield Table(self.title, self.lines, mark="failed")
