"""The rows of a place as buttons, in the order asked: press one to predict it or strike it out."""

import html
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ipywidgets import Box, ToggleButton, ToggleButtons

from dpop_lab.lab.draft import Draft
from dpop_lab.lab.sent import Sent
from dpop_lab.panels.panel import control
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.show.html import SYMBOLS, style_name

SCRIPT, STYLE = (Path(__file__).with_suffix(kind).read_text("utf-8") for kind in (".js", ".css"))
LOOKS = f'<style onload="{html.escape(SCRIPT)}">{STYLE}</style>'
MODE, PREDICTS, STRIKES = "A click on a row", "predicts it", "strikes it out"
OUTCOMES = {
    ACCEPTED: "Nobody says no.",
    NO_ROW: "The server says no, but no row does: PKCE, one use, a wrong secret and the like.",
    "the client": "The server takes it, and the person's own client says no: by state, iss, nonce.",
}
ESSENTIAL = "It can't be struck out: without it nothing could be checked."


def asked_of(draft: Draft, policy: Policy) -> dict[str, tuple[str, bool]]:
    """What can be predicted of a draft, in order: what is said of it, and can it be struck out?

    The rows that are asked stand after `accepted`, and `no row` and the like after them.
    """
    asked = {ACCEPTED: (OUTCOMES[ACCEPTED], False)}
    for profile in draft.profiles(policy):
        for row in profile.rows:
            fixed = row.name in profile.essential
            asked[row.name] = row.question + f" {ESSENTIAL}" * fixed, not fixed
    return asked | {name: (OUTCOMES[name], False) for name in draft.outcomes[1:]}


def marks_of(shown: Sent | Draft | None) -> dict[str, str]:
    """The marks of the rows, and of what was predicted or not, where something was sent."""
    if not isinstance(shown, Sent) or not shown.answered:
        return {}
    marks = {name: one.mark for name, one in shown.answered.findings.items()}
    return marks | {shown.outcome: "passed" if shown.caught == ACCEPTED else "failed"}


class Rows:
    """The buttons of the rows, of which those asked are shown in `box`, and what was pressed.

    A button is made when first shown. `mode` says what pressing does, `parts` are both;
    `predicted` is empty or the one row, `accepted`, `no row` or `the client`. After a button was
    pressed `react` is called, with `press` and the button.
    """

    def __init__(self, struck_out: Iterable[str], react: Callable[..., object]) -> None:
        self.struck_out, self.predicted, self._react = {*struck_out}, "", react
        self._start = frozenset(struck_out)
        self._look: dict[str, Any] = {}  # shared by all, else each has one of its own
        self.buttons: dict[str, Any] = {}
        self.box = Box().add_class("dpop-lab-rows")
        options = [PREDICTS, STRIKES]
        self.mode = control(ToggleButtons, MODE, PREDICTS, {"width": "auto"}, options=options)
        self.parts = [[self.mode], [self.box]]

    def _button(self, name: str) -> Any:
        if name not in self.buttons:
            self.buttons[name] = button = ToggleButton(description=name, **self._look)
            button.observe(lambda event: self._react(self.press, event.owner), "value")
            self._look = {"layout": button.layout, "style": button.style}
        return self.buttons[name]

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

    def struck_of(self, draft: Draft, policy: Policy) -> tuple[str, ...]:
        """The rows that are struck out, of those that are asked of a draft under a policy."""
        return tuple(sorted(self.struck_out.intersection(asked_of(draft, policy))))

    def taken(self) -> str:
        """The prediction, which is taken back: it counts for one request."""
        predicted, self.predicted = self.predicted, ""
        return predicted

    def show(self, asked: Mapping[str, tuple[str, bool]], marks: Mapping[str, str]) -> None:
        """Show what `asked_of` gives, each with its mark."""
        if self.predicted not in asked:
            self.predicted = ""
        buttons = tuple(map(self._button, asked))
        if self.box.children != buttons:
            self.box.children = buttons
        predicts = self.mode.value == PREDICTS
        for name, (said, strikable) in asked.items():
            button, struck = self.buttons[name], name in self.struck_out
            mark = "struck" if struck else marks.get(name, "")
            symbol = "?" if name == self.predicted else (SYMBOLS | {"struck": "⊘"}).get(mark, "")
            with button.hold_sync():  # what has changed is one message
                button.description = f"{symbol} {name}".lstrip()
                button.value = name == self.predicted if predicts else struck
                button.disabled = not (predicts or strikable)
                button.tooltip = said
                button._dom_classes = (f"dpop-lab-{style_name(mark)}",) if mark else ()
