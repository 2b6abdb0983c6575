"""The rows of a place as buttons, in the order asked: press one to predict it or strike it out."""

import html
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ipywidgets import Box, ToggleButton, ToggleButtons

from dpop_lab.checking import Check
from dpop_lab.lab.catalogue.places import PLACES
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.sent import Sent
from dpop_lab.panels.panel import control
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.show.html import SYMBOLS, style_name

SCRIPT, STYLE = (Path(__file__).with_suffix(kind).read_text("utf-8") for kind in (".js", ".css"))
LOOKS = f'<style onload="{html.escape(SCRIPT)}">{STYLE}</style>'
MODE, PREDICTS, STRIKES = "A click on a row", "predicts it", "strikes it out"
ESSENTIAL = "It can't be struck out: without it nothing could be checked."


def rows_at(place: str, policy: Policy) -> dict[str, bool]:
    """The rows asked at a place, in their order, each with whether it can be struck out."""
    profiles = [policy.profiles[name] for name in PLACES[place].profiles]
    return {row.name: row.name not in one.essential for one in profiles for row in one.rows}


def all_rows(policies: Iterable[Policy]) -> dict[str, Check]:
    """Every row that any of these policies asks anywhere, by its name."""
    profiles = (one for policy in policies for one in policy.profiles.values())
    return {row.name: row for one in profiles for row in one.rows}


def marks_at(place: str, shown: Sent | Draft | None) -> dict[str, str]:
    """The marks of the rows, and of what was predicted or not, if that was sent to this place."""
    if not isinstance(shown, Sent) or not shown.answered or shown.to != place:
        return {}
    marks = {name: one.mark for name, one in shown.answered.findings.items()}
    return marks | {shown.caught: "passed" if shown.caught == ACCEPTED else "failed"}


class Rows:
    """The buttons of all rows, of which those asked are shown in `box`, and what was pressed.

    `mode` says what pressing does; `predicted` is empty or the one row, `accepted` or `no row`.
    After a button was pressed `react` is called, with `press` and the button.
    """

    def __init__(
        self, rows: Mapping[str, Check], struck_out: Iterable[str], react: Callable[..., object]
    ) -> None:
        self.struck_out, self.predicted = {*struck_out}, ""
        self._start = frozenset(struck_out)
        self._questions = {name: one.question for name, one in rows.items()}
        look: dict[str, Any] = {}  # shared by all, else each has one of its own
        self.buttons: dict[str, Any] = {}
        for name in (ACCEPTED, *rows, NO_ROW):
            self.buttons[name] = button = ToggleButton(description=name, **look)
            button.observe(lambda event: react(self.press, event.owner), "value")
            look = {"layout": button.layout, "style": button.style}
        self.box = Box().add_class("dpop-lab-rows")
        options = [PREDICTS, STRIKES]
        self.mode = control(ToggleButtons, MODE, PREDICTS, {"width": "auto"}, options=options)

    def press(self, button: Any) -> None:
        """Predict the row of a button, or strike it out; pressed again, take that back."""
        name = next(name for name, one in self.buttons.items() if one is button)
        if self.mode.value == PREDICTS:
            self.predicted = name if button.value else ""
        else:
            self.struck_out ^= {name}

    def start(self) -> None:
        """Ask for a prediction, with all rows that were there at the start."""
        self.mode.value, self.predicted, self.struck_out = PREDICTS, "", {*self._start}

    def _tooltip(self, name: str, *, strikable: bool) -> str:
        """What a row asks, and why it can't be struck out."""
        if name not in self._questions:
            return "What you may predict, too."
        return self._questions[name] + f" {ESSENTIAL}" * (not strikable)

    def struck_of(self, policy: Policy) -> tuple[str, ...]:
        """The rows that are struck out, of those a policy has anywhere."""
        struck = self.struck_out.intersection(policy.row_names)
        return tuple(name for name in self.buttons if name in struck)

    def taken(self) -> str:
        """The prediction, which is taken back: it counts for one request."""
        predicted, self.predicted = self.predicted, ""
        return predicted

    def show(self, asked: Mapping[str, bool], marks: Mapping[str, str]) -> None:
        """Show the rows that are asked, each with its mark; True is one that can be struck out."""
        asked = {ACCEPTED: False, **asked, NO_ROW: False}
        if self.predicted not in asked:
            self.predicted = ""
        buttons = tuple(self.buttons[name] for name in asked)
        if self.box.children != buttons:
            self.box.children = buttons
        predicts = self.mode.value == PREDICTS
        for name, strikable in asked.items():
            button, struck = self.buttons[name], name in self.struck_out
            mark = "struck" if struck else marks.get(name, "")
            symbol = "?" if name == self.predicted else (SYMBOLS | {"struck": "⊘"}).get(mark, "")
            with button.hold_sync():  # what has changed is one message
                button.description = f"{symbol} {name}".lstrip()
                button.value = name == self.predicted if predicts else struck
                button.disabled = not (predicts or strikable)
                button.tooltip = self._tooltip(name, strikable=strikable)
                button._dom_classes = (f"dpop-lab-{style_name(mark)}",) if mark else ()
