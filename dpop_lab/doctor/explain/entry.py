"""One request as a person is told of it: in a few lines at the terminal, in full on the page."""

import time
from dataclasses import dataclass

from dpop_lab.checking import Report
from dpop_lab.doctor.decoded import Line
from dpop_lab.show import SYMBOLS
from dpop_lab.show.values import one_line

MARKS = {True: SYMBOLS["failed"], False: SYMBOLS["passed"]}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Entry:
    """One request and what became of it, without its secrets; no text in it is long.

    `number` counts the requests from 1, `time` is in seconds since 1970. `verdict` is one line,
    `who` what the client calls itself and its key, and `why` the pairs of name and text that say
    what was wanted, what was found and what to change; empty when the request was accepted.
    `reports` are all rows that were asked; `decoded` has the members of each JWT under its title;
    `request` and `answer` are as they went over the wire, `curl` the request as a command.
    """

    number: int
    time: float
    refused: bool
    verdict: str
    who: str
    why: tuple[tuple[str, str], ...]
    reports: tuple[Report, ...]
    decoded: tuple[tuple[str, tuple[Line, ...]], ...]
    request: str
    answer: str
    curl: str

    @property
    def mark(self) -> str:
        """A tick or a cross."""
        return MARKS[self.refused]

    @property
    def clock(self) -> str:
        """When it was, as this machine's clocks show it: `09:36:47`."""
        return time.strftime("%H:%M:%S", time.localtime(self.time))

    def __repr__(self) -> str:
        """The verdict in a line, and where it was refused what was wanted, found and to change."""
        lines = [f"{self.clock} {self.mark} {self.verdict}{f' [{self.who}]' if self.who else ''}"]
        lines += [f"           {name:<7} {text}" for name, text in self.why]
        return "\n".join(one_line(line) for line in lines)
