"""The story of a session: what each exchange carried, what came of it, and why; a timeline."""

import json
import os
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self, overload

from dpop_lab.errors import LabError, expect
from dpop_lab.session.call import Call
from dpop_lab.session.diagram import Diagram, sequence_diagram
from dpop_lab.session.telling import tell
from dpop_lab.show.blocks import Block, Table
from dpop_lab.show.shown import Shown
from dpop_lab.show.values import cut, one_line
from dpop_lab.wire.log import SessionLog, as_curl, har

HEAD = ("Request", "What it carried", "Answer", "What that means")
LONGEST = 48  # characters of a line in the first column, which does not wrap


@dataclass(frozen=True, slots=True, repr=False)
class Timeline(Shown):
    """Steps, one after the other; with `timed`, when each was sent and how long it took."""

    steps: Sequence[Call]
    timed: bool = True

    @property
    def title(self) -> str:
        """How many exchanges, and with whom."""
        count, origins = len(self.steps), self._origins()
        hosts = ", ".join(origins[:3]) + f" and {len(origins) - 3} more" * (len(origins) > 3)
        words = f"{count} exchange{'' if count == 1 else 's'}"
        return one_line(words + f" with {hosts}" * bool(hosts))

    def _origins(self) -> list[str]:
        return list(dict.fromkeys(step.origin for step in self.steps))

    def _where(self, step: Call, *, several: bool) -> str:
        """Number and request of a step, and the host where there are several."""
        lines = (f"{step.number:>3}  {step.request}", step.origin)[: 1 + several]
        return "\n".join(cut(one_line(line), LONGEST) for line in lines)

    def _times(self, step: Call) -> tuple[str, ...]:
        return (f"+{step.after:.3f} s, took {step.exchange.took:.3f} s",) if self.timed else ()

    def blocks(self) -> Iterator[Block]:
        """A row a step: the request, what it carried, the answer, what that means."""
        head = (HEAD[0], *(("When",) if self.timed else ()), *HEAD[1:])
        several = len(self._origins()) > 1
        rows = tuple(
            (self._where(one, several=several), *self._times(one), *_told(one))
            for one in self.steps
        )
        yield Table(self.title, rows, head, marks=tuple(map(_mark, self.steps)))


def _told(step: Call) -> list[str]:
    return [one_line(text) for text in (step.carried, step.answer, step.meaning)]


def _mark(step: Call) -> str:
    if step.wants_nonce:
        return "nonce demanded"
    return "accepted" if step.accepted else "refused"


BEGINNING = b'{"log": {'  # of every file that `save_har` writes


class Story(Shown, Sequence[Call]):
    """A session log so far, told; shown by a notebook as a table.

    The log may be of any requests session: `log = record(session)`, then `Story(log)`. That of a
    lab with the twin, `lab.story`, knows of each exchange what the servers saw, too. What is in
    the log later is told by a new story. `story[0]` is the first `Call`, `story[-5:]` the story of
    the last five. No secret is in it that is not in the log; raises `LabError` for what is no log.
    """

    def __init__(self, log: SessionLog) -> None:
        expect(log, SessionLog, "Story", "record(session) gives one.")
        self._steps = tuple(tell(log))

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._steps)

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Call | Self:
        if not isinstance(index, slice):
            return self._steps[index]
        part = copy(self)
        part._steps = self._steps[index]
        return part

    def blocks(self) -> Iterator[Block]:
        """The steps without times: the same each time the same is done."""
        return Timeline(self._steps, timed=False).blocks()

    def timeline(self) -> Timeline:
        """The steps with the seconds since the first was sent and the seconds each took."""
        return Timeline(self._steps)

    def diagram(self) -> Diagram:
        """The steps, the last 60 at most, as a Mermaid sequence diagram, drawn by a notebook."""
        return sequence_diagram(self._steps)

    def curl(self) -> str:
        """All requests as `curl` commands, each after a comment that says what came of it."""
        return "\n\n".join(
            f"# {step.number}. {one_line(step.answer)}: {one_line(step.meaning)}\n"
            f"{as_curl(step.redacted)}"
            for step in self._steps
        )

    def har(self) -> dict[str, Any]:
        """The steps in the form of a HAR 1.2 file, as the developer tools of browsers import it.

        Redacted like the log. `_dpop_lab` in each entry has what the call carried and meant and,
        where it is known, the reports of the server: row, mark, section, wanted and found as text.
        Sizes are those of what is told; a request that got no answer has the status 0 and `_error`.
        """
        words = [{"carried": one.carried, "meaning": one.meaning} for one in self._steps]
        return har([one.redacted for one in self._steps], words)

    def save_har(self, path: str | os.PathLike[str]) -> None:
        """Write that to a file, for its owner's eyes only (mode 0600) where it is a new one.

        An earlier HAR of this function is replaced, any other file is left alone. Raises `LabError`
        for such a file, and for one that can't be written.
        """
        expect(path, (str, os.PathLike), "save_har", "The path of a file.")
        text = json.dumps(self.har()["log"], indent=1)
        try:
            _refuse_another_file(path)
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(opened, "w", encoding="utf-8", newline="\n") as file:
                file.write(f'{{"log": {text}}}\n')
        except OSError as error:
            raise LabError("The HAR can't be written", found=error.strerror or "") from error


def _refuse_another_file(path: str | os.PathLike[str]) -> None:
    """Raise `LabError` unless there is no such file, an empty one, or one of ours."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(len(BEGINNING))
    except FileNotFoundError:
        return
    if beginning not in (b"", BEGINNING):
        raise LabError("The HAR would replace another file", advice="Name a new one.")
