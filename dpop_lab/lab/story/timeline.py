"""A story in the order of its steps, as text and as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dpop_lab.lab.story.step import Step, one_line
from dpop_lab.proof.rendering import html_table

HEAD = ("Request", "What it carried", "Answer", "What that means")


@dataclass(frozen=True, slots=True, repr=False)
class Timeline:
    """Steps, one after the other; with `timed`, when each was sent and how long it took."""

    steps: Sequence[Step]
    timed: bool = True

    @property
    def title(self) -> str:
        """How many exchanges, and with whom."""
        count = len(self.steps)
        origins = list(dict.fromkeys(step.origin for step in self.steps))
        hosts = ", ".join(origins[:3]) + f" and {len(origins) - 3} more" * (len(origins) > 3)
        return one_line(
            f"{count} exchange{'' if count == 1 else 's'}" + f" with {hosts}" * bool(hosts)
        )

    def _rows(self) -> Iterator[tuple[str, ...]]:
        several = len({step.origin for step in self.steps}) > 1
        for step in self.steps:
            where = f" at {step.origin}" if several else ""
            told = (step.request + where, step.carried.words, step.answer, step.words)
            yield (f"{step.number}", *self._times(step), *map(one_line, told))

    def _times(self, step: Step) -> tuple[str, ...]:
        return (f"+{step.after:.3f} s", f"took {step.took:.3f} s") if self.timed else ()

    def __repr__(self) -> str:
        """Four lines a step: the request, what it carried, the answer, what that means."""
        told = []
        for number, *texts in self._rows():
            *times, request, brought, answer, words = texts
            head = [", ".join([request, *times]), brought, answer, words]
            told.append(f"{number:>3}  " + "\n     ".join(head))
        return "\n".join([self.title, *told])

    def _repr_html_(self) -> str:
        """The same as a table, for a notebook."""
        head = ("Step", *(("Sent", "Took") if self.timed else ()), *HEAD)
        edges = ["success" if step.accepted else "error" for step in self.steps]
        return html_table(self.title, head, self._rows(), edges=edges)
