"""A panel: labelled controls on the left, on the right what follows from their values."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ipywidgets import HTML, Box, Button, Text, VBox

from dpop_lab.show import Card, Note, Shown, as_html
from dpop_lab.show.html import escaped
from dpop_lab.show.values import shown

WIDE = {"width": "auto", "max_width": "60em"}
COLUMN = {"flex": "1 1 28em", "min_width": "0", "max_width": "64em", "overflow": "hidden"}
FIT = {"width": "max-content", "max_width": "100%"}
CODE_FIELDS = (
    ".dpop-lab-panel input, .dpop-lab-panel textarea "
    "{ font-family: var(--jp-code-font-family, monospace) }"
    ".dpop-lab-panel h3, .dpop-lab-panel p { margin: 2px 0 } "
    ".dpop-lab-panel .widget-vbox > * { flex-shrink: 0 } "
    ".dpop-lab-fold summary { cursor: pointer } "
    "@media (forced-colors: active) { .dpop-lab-panel button { border: 1px solid } } "
    ".dpop-lab-fold:not(:has([open])) + .dpop-lab-folded { display: none }"
)
# The widget itself is the live region, for what is in it is replaced. No widget of ipywidgets has a
# role, so whatever is shown in it gives it one: the first time, and then nothing is changed.
LIVE = "this.closest('.dpop-lab-live')?.setAttribute('role', 'status')"


def control(
    kind: Any,
    label: str,
    value: object,
    layout: dict[str, str] = FIT,
    label_width: str = "initial",
    **traits: Any,
) -> Any:
    """A widget of this kind (`Text`, `Dropdown`, …) with its label, no wider than the panel."""
    traits |= {"layout": FIT | layout, "style": {"description_width": label_width}}
    return kind(value=value, description=label, **traits)


def text_fields(values: Mapping[str, str]) -> list[list[Any]]:
    """A row with a text for each value by its name."""
    return [[control(Text, name, value, WIDE, "5em")] for name, value in values.items()]


def _side_by_side(controls: list[Any]) -> Any:
    """A row of controls, in more lines where they have no room."""
    if len(controls) == 1:
        return controls[0]
    flow = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
    return Box(controls, layout={**flow, "grid_gap": "2px 12px", **WIDE})


def folded(summary: str, *rows: list[Any]) -> Any:
    """Rows of controls that are seen when their summary is chosen, by mouse or key."""
    head = HTML(f"<details><summary>{escaped(summary)}</summary></details>", layout=WIDE)
    content = VBox([*map(_side_by_side, rows)]).add_class("dpop-lab-folded")
    return VBox([head.add_class("dpop-lab-fold"), content])


def controls_in(widget: Any) -> Iterator[Any]:
    """The controls with a label in a widget, in order."""
    if getattr(widget, "description", "") and hasattr(widget, "value"):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from controls_in(child)


def live(kind: str) -> Any:
    """A place of this class whose words are read aloud when they change; filled by `spoken`."""
    return HTML().add_class("dpop-lab-live").add_class(kind)


def spoken(content: str) -> str:
    """The HTML of a live place."""
    return f'<style onload="{LIVE}"></style>{content}'


def note(text: str) -> str:
    """Words of ours between the controls, as HTML."""
    return as_html([Note(text)])


class Panel(ABC):
    """Rows of controls under a heading, and beside them the view that follows from them.

    `fields` are the controls by their labels and `view` is what the panel shows at this moment;
    set `fields[name].value` to change it from code. Its repr says the same as text. A subclass
    says in `look` how the view follows, and in `follow` what else does. The rows `above` stand over
    the view.
    """

    nothing = ""  #: what there is to see while the view is None
    view: Shown | None = None
    purpose = ""  #: what it is for, said where it does not live: the end of "This panel …"

    def __init__(
        self, title: str, hint: str, *rows: list[Any], above: Sequence[list[Any]] = ()
    ) -> None:
        self.title, self._lock, self._reacting = title, threading.RLock(), False
        self._verdict, self._details = live("dpop-lab-verdict"), HTML()
        heading = f"<style>{CODE_FIELDS}</style><h3>{escaped(title)}</h3>{note(hint)}"
        left = VBox([*map(_side_by_side, rows)], layout=COLUMN)
        right = VBox([*map(_side_by_side, above), self._verdict, self._details], layout=COLUMN)
        columns = Box([left, right], layout={"flex_flow": "row wrap", "grid_gap": "4px 24px"})
        self.root = VBox([HTML(heading, layout=WIDE), columns]).add_class("dpop-lab-panel")
        self.fields: dict[str, Any] = {one.description: one for one in controls_in(columns)}
        self._start = self.values()
        for one in self.fields.values():
            one.observe(lambda event: self._react(self.follow, event.owner.description), "value")
        self._react(self.follow, "")

    def button(self, label: str, action: Callable[[], object]) -> Any:
        """Something to press."""
        made = Button(description=label, layout=FIT)
        made.on_click(lambda pressed: self._react(action))
        return made

    @cached_property
    def start_again(self) -> Any:
        """The button that brings the fields back."""
        return self.button("Start again", self.back)

    @abstractmethod
    def look(self) -> Shown | None:
        """The view that follows from the fields, None while there is none."""

    def follow(self, label: str) -> None:
        """Change the other controls after the one with this label; here none."""
        return

    def back(self) -> None:
        """Give the fields the values that they had at the start."""
        self.write(self._start)

    def write(self, values: Mapping[str, Any]) -> None:
        """Set fields by their labels, one after the other."""
        for label, value in values.items():
            self.fields[label].value = value

    def values(self) -> dict[str, Any]:
        """What the fields hold, by their labels."""
        return {label: one.value for label, one in self.fields.items()}

    def _react(self, action: Callable[..., object], *given: str) -> None:
        """Do what an event asks for and show what follows; what the action sets is no event.

        A kernel may hear of what is typed and of a click in two threads of its own, and what takes
        longer would be shown at last, though it is older: so there are never two at a time.
        """
        with self._lock:
            if self._reacting:
                return
            self._reacting = True
            try:
                action(*given)
                self.show()
            finally:
                self._reacting = False

    def show(self) -> None:
        """Show what follows from the fields."""
        before, view = self.view, self.look()
        self.view = view
        if view is not None and view is before:
            return  # else the browser would draw it anew
        verdict = note(self.nothing) if view is None else as_html([view.verdict_block()])
        self._verdict.value = spoken(verdict)
        self._details.value = "" if view is None else view.details()

    def __repr__(self) -> str:
        """What the panel shows, as text."""
        view = self.nothing if self.view is None else repr(self.view)
        return "\n".join([self.title, *self.told(), view])

    def told(self, *left_out: str) -> list[str]:
        """The fields but those left out, a line each."""
        told = self.values().items()
        return [f"  {label}: {_told(value)}" for label, value in told if label not in left_out]

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widget for a live notebook, what it is for where it is not run, and all as text."""
        asleep = Card(f"{self.title}: run this cell, and it comes alive.", "not asked")
        html = as_html([asleep, Note(f"This panel {self.purpose}")])
        texts = {"text/plain": repr(self), "text/html": html}
        return {**self.root._repr_mimebundle_(**options), **texts}


def _told(value: object) -> str:
    """A field's value in words: a switch is on or off, an empty text is absent."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return shown(value) if value else "absent"
