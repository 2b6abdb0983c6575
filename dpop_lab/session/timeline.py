"""A story in the order of its steps, as text and as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dpop_lab.session.call import Call
from dpop_lab.show.blocks import Block, Table
from dpop_lab.show.shown import Shown
from dpop_lab.show.values import cut, one_line

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
