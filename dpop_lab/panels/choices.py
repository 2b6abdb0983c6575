"""What the bench lets one choose: controls by their labels, and words for the choice."""

from collections.abc import Iterable
from typing import Any

from ipywidgets import Checkbox, Dropdown, Select, Text

from dpop_lab.lab.catalogue import CHANGES, Change
from dpop_lab.lab.catalogue.change import SIGNERS
from dpop_lab.lab.crafting import Draft
from dpop_lab.panels.catalogue import filters, listed
from dpop_lab.panels.panel import control

CHANGE, TARGET, SIGNED_BY, SERVER = "Change", "Target", "Signed by", "Server"
SIGN, SECONDS, SENT = "Sign again after editing", "Seconds", "Sent so far"
HALF = {"flex": "1 1 14em", "width": "auto", "min_width": "0"}, "6em"  # and room for the label
WHOLE = {"width": "auto"}, "6em"


def choices(draft: Draft, server: str, servers: Iterable[str]) -> dict[str, Any]:
    """The controls to find a change with, and those that say where and how it is sent."""
    change, so_far = draft.change, control(Select, SENT, None, *WHOLE, options=[], rows=4)
    made = (
        *filters(*HALF),
        control(Select, CHANGE, change.name, *WHOLE, options=listed(CHANGES), rows=8),
        control(Dropdown, TARGET, draft.to, *HALF, options=change.places),
        control(Dropdown, SERVER, server, *HALF, options=[*servers]),
        control(Dropdown, SIGNED_BY, change.signed_by, *HALF, options=SIGNERS),
        control(Checkbox, SIGN, change.sign_again, HALF[0], indent=False),
        # not at once, else a click overtakes what was typed last
        control(Text, SECONDS, "30", *HALF, continuous_update=False),
        so_far.add_class("dpop-lab-sent"),
    )
    return {one.description: one for one in made}


def about(change: Change) -> str:
    """A change in a line: its name, who could do it, where it is written, why it is there."""
    return f"{change.name}: by {change.by} ({change.section}). {change.worth}".rstrip()


def chosen_words(change: Change, chosen: str | None, drawn_from: int) -> str:
    """What is said beneath the list; `drawn_from` counts the changes that a riddle is drawn from."""
    if drawn_from:
        return f"Drawn from {drawn_from} changes; choosing one ends it."
    return about(change) if chosen else "No change has all of this: search for less."
