"""What can be shown: verdicts, notes and tables, as blocks that know nothing of a form."""

from dataclasses import dataclass

SYMBOLS = {"passed": "✓", "failed": "✗", "not asked": "·"}  # of a row, or of the whole
SYMBOLS |= {"accepted": "✓", "refused": "✗", "nonce demanded": "↻"}  # of a request
CLOSED = ("passed", "not asked")  # the rows of which plain text has one line


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or several; with a mark, one of `SYMBOLS`, it is a verdict."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title, the first cell of each its name; without a head names and values."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    mark: str = ""  #: of the whole
    marks: tuple[str, ...] = ()  #: of the rows, where they have any
    code: tuple[str, ...] = ()  #: the names of the columns that hold code

    @property
    def marked(self) -> list[tuple[str, tuple[str, ...]]]:
        """The rows with their marks, that of the whole where they have none."""
        return list(zip(self.marks or [self.mark] * len(self.rows), self.rows, strict=True))


Block = Note | Table


def marked(mark: str, text: str) -> str:
    """A text behind the symbol of its mark."""
    return f"{SYMBOLS[mark]} {text}" if mark else text
