"""The controls of panels: how each kind looks, with its label."""

from typing import Any

from ipywidgets import Box, Button, Checkbox, Dropdown, Layout, Text, Textarea

from dpop_lab.show import Note, as_html

WIDE = {"width": "auto", "max_width": "60em"}
LABEL = {"description_width": "initial"}
FIT = {"width": "max-content", "max_width": "100%"}


def choice(label: str, options: list[str], value: str) -> Any:
    """A list to choose from."""
    style, layout = LABEL, Layout(**FIT)
    return Dropdown(options=options, value=value, description=label, layout=layout, style=style)


def switch(label: str, *, on: bool, width: str = "max-content") -> Any:
    """Something that is on or off."""
    return Checkbox(on, description=label, indent=False, layout=Layout(width=width))


def button(label: str) -> Any:
    """Something to press."""
    return Button(description=label, layout=Layout(**FIT))


def area(label: str, value: str, *, at_once: Any = True, **layout: str) -> Any:
    """A text of several lines; with `at_once` each stroke of a key is heard."""
    given = {"layout": Layout(**layout), "style": LABEL, "continuous_update": at_once}
    return Textarea(value, description=label, **given)


def line(label: str, width: str, value: str = "", *, kind: Any = Text, **more: Any) -> Any:
    """A text of one line."""
    layout = Layout(width=width, max_width="100%")
    return kind(value, description=label, layout=layout, style=LABEL, **more)


def row(controls: list[Any]) -> Any:
    """Controls side by side, in more lines where they have no room."""
    flow = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
    return Box(controls, layout=Layout(**flow, grid_gap="2px 12px", **WIDE))


def note(text: str) -> str:
    """Words of ours between the controls, as HTML."""
    return as_html([Note(text)])
