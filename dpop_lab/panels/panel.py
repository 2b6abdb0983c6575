"""A panel: labelled fields, and beneath them what follows from their values."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ipywidgets import HTML, Layout, Text, VBox

from dpop_lab.panels.controls import WIDE, button
from dpop_lab.show import Block, Note, Shown, as_html, escaped
from dpop_lab.show.values import shown

CODE_FIELDS = (
    ".dpop-lab-panel input, .dpop-lab-panel textarea "
    "{ font-family: var(--jp-code-font-family, monospace) }"
)


@dataclass(frozen=True, slots=True, repr=False)
class Nothing(Shown):
    """What there is to see before there is anything: a sentence."""

    verdict: str

    def blocks(self) -> Iterator[Block]:
        """The sentence."""
        yield Note(self.verdict)


class Panel(ABC):
    """Fields under a heading, a button to start again, and the view that follows from the fields.

    `fields` are the widgets by their labels and `view` is what the panel shows at this moment;
    set `fields[name].value` to change it from code. Its repr says the same as text. A subclass
    says in `look` how the view follows.
    """

    def __init__(self, title: str, hint: str, values: Mapping[str, str], *controls: Any) -> None:
        self.title, self._start, self._lock = title, dict(values), threading.RLock()
        self.fields: dict[str, Any] = {name: _field(name, text) for name, text in values.items()}
        self.fields |= {control.description: control for control in controls}
        self._start |= {control.description: control.value for control in controls}
        self.start_again = button("Start again")
        self._verdict, self._details = HTML(layout=Layout(**WIDE)), HTML(layout=Layout(**WIDE))
        heading = HTML(
            f"<style>{CODE_FIELDS}</style><h3>{escaped(title)}</h3>{as_html([Note(hint)])}",
            layout=Layout(**WIDE),
        )
        self.root = VBox([heading, *self.arranged(), self._verdict, self._details])
        self.root.add_class("dpop-lab-panel")
        for control in self.fields.values():
            control.observe(self._alone(self._changed), names="value")
        self.start_again.on_click(self._alone(self._back))
        self._changed()

    def arranged(self) -> list[Any]:
        """The controls as they stand between heading and verdict."""
        return [*self.fields.values(), self.start_again]

    @abstractmethod
    def look(self) -> Shown:
        """The view that follows from the fields."""

    def values(self) -> dict[str, str]:
        """What the text fields hold, by their names."""
        return {name: one.value for name, one in self.fields.items() if isinstance(one, Text)}

    def _alone(self, react: Callable[[Any], object]) -> Callable[[Any], None]:
        """What reacts to an event as `react` does, never to two at a time.

        A kernel may hear of what is typed and of a click in two threads of its own, and what takes
        longer would be shown at last, though it is older.
        """

        def alone(event: Any) -> None:
            with self._lock:
                react(event)

        return alone

    def _changed(self, change: object = None) -> None:
        self.view = self.look()
        self._verdict.value = (
            '<div class="dpop-lab-verdict" role="status" aria-live="polite">'
            f"{as_html([self.view.verdict_block()])}</div>"
        )
        self._details.value = self.view.details()

    def _back(self, button: object = None) -> None:
        for name, value in self._start.items():
            self.fields[name].value = value

    def __repr__(self) -> str:
        """What the panel shows, as text."""
        return "\n".join([*self.told(self.fields), repr(self.view)])

    def told(self, names: Iterable[str]) -> list[str]:
        """The title, and the fields with these names, a line each."""
        return [self.title, *(f"  {name}: {_told(self.fields[name].value)}" for name in names)]

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widget for a live notebook, the whole text for any other reader."""
        return {**self.root._repr_mimebundle_(**options), "text/plain": repr(self)}


def _field(name: str, value: str) -> Any:
    return Text(value, description=name, layout=Layout(**WIDE), style={"description_width": "3em"})


def _told(value: object) -> str:
    """A field's value in words: a switch is on or off, an empty text is absent."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return shown(value) if value else "absent"
