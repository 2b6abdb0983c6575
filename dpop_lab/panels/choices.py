"""What the bench lets one choose: controls by their labels, and words for the choice."""

from collections.abc import Collection, Mapping
from typing import Any

from ipywidgets import HTML, Checkbox, Dropdown, Select, Text

from dpop_lab.lab.catalogue import CHANGES, Change
from dpop_lab.lab.catalogue.places import SIGNERS
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.sent import Score, Sent
from dpop_lab.panels.catalogue import DIFFER, SEARCH, WHAT, WHO, filters, listed
from dpop_lab.panels.draft_text import boxes
from dpop_lab.panels.panel import control, folded
from dpop_lab.panels.rows import LOOKS

CHANGE, TARGET, SIGNED_BY, SERVER = "Change", "Target", "Signed by", "Server"
SIGN, SECONDS, SENT = "Sign again after editing", "Seconds", "Sent so far"
HALF = {"flex": "1 1 14em", "width": "auto", "min_width": "0"}, "6em"  # and room for the label
WHOLE = {"width": "auto"}, "6em"


def controls(draft: Draft, server: str, servers: Collection[str], *, fixed: bool) -> dict[str, Any]:
    """The controls to find a change with, and those that say where and how it is sent.

    The server is the demo where there is none of that name; one that is fixed can't be chosen.
    """
    change, so_far = draft.change, control(Select, SENT, None, *WHOLE, options=[], rows=4)
    made = (
        *filters(*HALF),
        control(Select, CHANGE, change.name, *WHOLE, options=listed(CHANGES), rows=8),
        control(Dropdown, TARGET, draft.to, *HALF, options=change.places),
        control(
            Dropdown,
            SERVER,
            server if server in servers else "DUENDE",
            *HALF,
            options=[*servers],
            disabled=fixed,
        ),
        control(Dropdown, SIGNED_BY, change.signed_by, *HALF, options=SIGNERS),
        control(Checkbox, SIGN, change.sign_again, HALF[0], indent=False),
        # not at once, else a click overtakes what was typed last
        control(Text, SECONDS, "30", *HALF, continuous_update=False),
        so_far.add_class("dpop-lab-sent"),
    )
    return {one.description: one for one in made}


def parts(
    made: Mapping[str, Any],
    blind: list[Any],
    about: list[Any],
    buttons: list[Any],
    clock: list[Any],
    draft: Draft,
) -> list[list[Any]]:
    """The rows of the bench: these controls and buttons; folded, the proof and the clock."""
    about[0].add_class("dpop-lab-about")
    return [
        [HTML(LOOKS, layout={"display": "none"}), made[SEARCH]],
        [made[WHO], made[WHAT]],
        [made[DIFFER], *blind],
        [made[CHANGE]],
        about,
        [made[TARGET], made[SERVER]],
        [made[SIGNED_BY], made[SIGN]],
        buttons,
        [made[SENT]],
        [folded("Edit the proof", *boxes(draft))],
        [folded("Move the clock", [made[SECONDS], *clock])],
    ]


def list_sent(field: Any, sent: list[Sent]) -> None:
    """List what was sent so far, the last on top, which is chosen when it comes in."""
    lines = [(one.line, one.number) for one in sent]
    if field.options != tuple(lines):
        with field.hold_sync():
            field.options = lines
            field.value = lines[0][1]


def words(change: Change, chosen: str | None, pool: int, drawn: Draft | None) -> str:
    """What is said beneath the list: of the change, or of one drawn from so many for a place."""
    if drawn:
        return (
            f"One is drawn from {pool} changes, for the {drawn.to}. The fields are not its own: "
            "changing them ends it."
        )
    if not chosen:
        return "No change has all of this: search for less."
    return f"{change.name}: by {change.by} ({change.section}). {change.worth}".rstrip()


def score_words(score: Score, shown: object, *, earlier: bool) -> str:
    """The score, and whether what is shown came before the last choice."""
    words = f"{score}."
    return f"{words} What came, on the right, is older." if earlier and shown else words
