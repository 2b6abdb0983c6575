"""The story of a session: what each exchange carried, what came of it, and why; a timeline."""

import json
import os
from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, Self, overload

from dpop_lab.client.recorder import SessionLog
from dpop_lab.errors import LabError, expect
from dpop_lab.session.telling import CLIENT, Step, tell
from dpop_lab.show import Block, Shown, Table
from dpop_lab.show.pictures import Diagram
from dpop_lab.show.values import cut, one_line

MOST = 60  # steps of a diagram
LARGEST = 45_000  # characters of its source: of more than 50,000 Mermaid draws nothing


def sequence_diagram(steps: Sequence[Step], most: int = MOST) -> Diagram:
    """The diagram of these steps; of the last ones alone, `most`, where there are too many."""
    drawn, title = steps[-most:], _counted(len(steps))
    if len(drawn) < len(steps):
        title = f"the last {len(drawn)} of {title}"
    lanes = {party: party for party in (CLIENT, *(step.receiver for step in drawn))}
    if any(step.of_a_person for step in drawn):
        from dpop_lab.session.sign_in.lanes import lanes_of  # where people sign in

        lanes = lanes_of(drawn) or lanes
    heads = tuple(dict.fromkeys(lanes.values()))
    at = {party: heads.index(head) for party, head in lanes.items()}
    diagram = Diagram(title, heads, tuple(one for step in drawn for one in step.messages(at)))
    return diagram if len(diagram.mermaid) <= LARGEST else sequence_diagram(steps, most // 2)


HEAD = ("Request", "What it carried", "Answer", "What that means")
LONGEST = 48  # characters of a line in the first column, which does not wrap
PRIVATE = partial(os.open, mode=0o600)
BEGINNING = b'{"log": {'  # of every file that `save_har` writes


class Story(Shown, Sequence[Step]):
    """A session log so far, told; shown by a notebook as a table.

    The log may be of any requests session: `log = record(session)`, then `Story(log)`. That of a
    lab with the twin, `lab.story`, knows of each exchange what the servers saw, too. What is in
    the log later is told by a new story. `story[0]` is the first `Step`, `story[-5:]` the story of
    the last five. No secret is in it that is not in the log; raises `LabError` for what is no log.
    """

    def __init__(self, log: SessionLog) -> None:
        expect(log, SessionLog, "Story", "record(session) gives one.")
        self._steps, self._timed = tuple(tell(log)), False
        if any(step.of_a_person for step in self._steps):
            from dpop_lab.session.sign_in.trail import followed  # where people sign in

            self._steps = followed(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Step | Self:
        if not isinstance(index, slice):
            return self._steps[index]
        part = copy(self)
        part._steps = self._steps[index]
        return part

    @property
    def title(self) -> str:
        """How many exchanges, and with whom."""
        hosts = self._origins()
        named = ", ".join(hosts[:3]) + f" and {len(hosts) - 3} more" * (len(hosts) > 3)
        return one_line(_counted(len(self)) + f" with {named}" * bool(hosts))

    def _origins(self) -> list[str]:
        return list(dict.fromkeys(step.origin for step in self))

    def blocks(self) -> Iterator[Block]:
        """A row a step: the request, what it carried, the answer, what that means."""
        several, timed = len(self._origins()) > 1, self._timed
        rows = tuple(_row(step, several=several, timed=timed) for step in self)
        head = (HEAD[0], *("When",) * timed, *HEAD[1:])
        yield Table(self.title, rows, head, marks=tuple(step.mark for step in self))

    def timeline(self) -> Self:
        """The steps with the seconds since the first was sent and the seconds each took.

        Without them a story is the same each time the same is done.
        """
        timed = copy(self)
        timed._timed = True
        return timed

    def diagram(self) -> Diagram:
        """The steps, the last 60 at most, as a picture; `.mermaid` is source for other pages."""
        return sequence_diagram(self._steps)

    def curl(self) -> str:
        """All requests as `curl` commands, each after a comment that says what came of it."""
        from dpop_lab.wire.har import as_curl  # when used

        return "\n\n".join(
            f"# {step.number}. {one_line(step.answer)}: {one_line(step.meaning)}\n"
            f"{as_curl(step.exchange)}"
            for step in self._steps
        )

    def har(self) -> dict[str, Any]:
        """The steps in the form of a HAR 1.2 file, as the developer tools of browsers import it.

        Redacted like the log. `_dpop_lab` in each entry has what the call carried and meant and,
        where it is known, the reports of the server: row, mark, section, wanted and found as text.
        Sizes are those of what is told; a request that got no answer has the status 0 and `_error`.
        """
        from dpop_lab.wire.har import har  # when used

        words = [{"carried": one.carried, "meaning": one.meaning} for one in self._steps]
        return har([one.exchange for one in self._steps], words)

    def save_har(self, path: str | os.PathLike[str]) -> None:
        """Write that to a file, for its owner's eyes only (mode 0600) where it is a new one.

        An earlier HAR of this function is replaced, any other file is left alone. Raises `LabError`
        for such a file, and for one that can't be written.
        """
        expect(path, (str, os.PathLike), "save_har", "The path of a file.")
        text = json.dumps(self.har()["log"], indent=1)
        try:
            _refuse_another_file(path)
            with open(path, "w", encoding="utf-8", newline="\n", opener=PRIVATE) as file:
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


def _counted(exchanges: int) -> str:
    return f"{exchanges} exchange{'' if exchanges == 1 else 's'}"


def _row(step: Step, *, several: bool, timed: bool) -> tuple[str, ...]:
    """Number and request of a step, the host where there are several, when, and what it was."""
    lines = (f"{step.number:>3}  {step.request}", step.origin)[: 1 + several]
    where = "\n".join(cut(one_line(line), LONGEST) for line in lines)
    when = (f"+{step.after:.3f} s, took {step.exchange.took:.3f} s",) * timed
    return where, *when, *map(one_line, (step.carried, step.answer, step.meaning))
