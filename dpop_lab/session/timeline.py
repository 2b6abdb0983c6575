"""A story in the order of its steps, as text and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from dpop_lab.session.call import Call, one_line
from dpop_lab.show.values import cut, html_table

HEAD = ("Request", "What it carried", "Answer", "What that means")
LONGEST = 48  # characters of a line in the first column, which does not wrap


@dataclass(frozen=True, slots=True, repr=False)
class Timeline:
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

    def _where(self) -> list[tuple[str, ...]]:
        """Number and request of each step, and the host where there are several."""
        parts = 1 + (len(self._origins()) > 1)
        told = ((f"{step.number:>3}  {step.request}", step.origin) for step in self.steps)
        return [tuple(map(one_line, pair[:parts])) for pair in told]

    def _times(self, step: Call) -> tuple[str, ...]:
        return (f"+{step.after:.3f} s", f"took {step.exchange.took:.3f} s") if self.timed else ()

    def __repr__(self) -> str:
        """Four lines a step: the request, what it carried, the answer, what that means."""
        told = [self.title]
        for where, step in zip(self._where(), self.steps, strict=True):
            head = [" at ".join(where), *self._times(step)]
            told += [", ".join(head), *(f"     {text}" for text in _told(step))]
        return "\n".join(told)

    def _repr_html_(self) -> str:
        """The same as a table, for a notebook."""
        head = (HEAD[0], *(("Sent", "Took") if self.timed else ()), *HEAD[1:])
        names = ["\n".join(cut(line, LONGEST) for line in lines) for lines in self._where()]
        rows = [
            (name, *self._times(step), *_told(step))
            for name, step in zip(names, self.steps, strict=True)
        ]
        return html_table(self.title, head, rows, edges=map(_edge, self.steps))


def _told(step: Call) -> list[str]:
    return [one_line(text) for text in (step.carried, step.answer, step.meaning)]


def _edge(step: Call) -> str:
    if step.wants_nonce:
        return "warn"
    return "success" if step.accepted else "error"
