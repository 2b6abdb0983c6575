"""What the bench lets one choose: controls by their labels, and words for the choice."""

from collections.abc import Collection, Mapping
from typing import Any

from ipywidgets import HTML, Checkbox, Dropdown, Select, Text

from dpop_lab.errors import LabError
from dpop_lab.lab.catalogue.places import SIGNERS
from dpop_lab.lab.catalogues import SIGN_IN, catalogue_of
from dpop_lab.lab.draft import Draft
from dpop_lab.lab.sent import Score, Sent
from dpop_lab.panels.catalogue import DIFFER, SEARCH, WHAT, WHO, filters, listed, put
from dpop_lab.panels.draft_text import boxes
from dpop_lab.panels.panel import control, folded
from dpop_lab.panels.rows import LOOKS
from dpop_lab.server.common import FARTHEST, Clock

CHANGE, TARGET, SIGNED_BY, SERVER = "Change", "Target", "Signed by", "Server"
SIGN, SECONDS, SENT = "Sign again after editing", "Seconds", "Sent so far"
FAR = f"Seconds wants a number that leaves it within {FARTHEST} s of real time."
SIGNING = SIGNED_BY, SIGN
HALF = {"flex": "1 1 14em", "width": "auto", "min_width": "0"}, "6em"  # and room for the label
WIDTH = {"width": "auto"}, "6em"
OF_PROOF, WHOLE = "dpop-lab-of-proof", "dpop-lab-whole"  # a whole sign-in has no proof to edit


def controls(draft: Draft, server: str, servers: Collection[str], *, fixed: bool) -> dict[str, Any]:
    """The controls to find a change with, and those that say where and how it is sent.

    The server is the demo where there is none of that name; one that is fixed can't be chosen.
    """
    change, so_far = draft.change, control(Select, SENT, None, *WIDTH, options=[], rows=4)
    what = what_of(draft)
    made = (
        *filters(*HALF, what),
        control(Select, CHANGE, change.name, *WIDTH, options=listed(catalogue_of(what)), rows=8),
        control(Dropdown, TARGET, draft.to, *HALF, options=change.places),
        control(
            Dropdown,
            SERVER,
            server if server in servers else "DUENDE",
            *HALF,
            options=[*servers],
            disabled=fixed,
        ),
        control(Dropdown, SIGNED_BY, draft.signing[0], *HALF, options=SIGNERS),
        control(Checkbox, SIGN, draft.signing[1], HALF[0], indent=False),
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
    for name in (TARGET, *SIGNING):
        made[name].add_class(OF_PROOF)
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
        [folded("Edit the proof", *boxes(draft)).add_class(OF_PROOF)],
        [folded("Move the clock", [made[SECONDS], *clock])],
    ]


def untold(draft: Draft) -> tuple[str, ...]:
    """The controls that are not told in words, for they say nothing of what is sent."""
    return SENT, SEARCH, SECONDS, *SIGNING * draft.whole


def moved(clock: Clock, seconds: str) -> str:
    """Move a clock by what was typed; why that can't be, in words, else empty."""
    try:
        clock.advance(float(seconds))
    except (LabError, ValueError):
        return FAR
    return ""


def list_sent(field: Any, sent: list[Sent]) -> None:
    """List what was sent so far, the last on top, which is chosen when it comes in."""
    lines = [(one.line, one.number) for one in sent]
    if field.options != tuple(lines):
        put(field, lines, lines[0][1])


def what_of(draft: Draft) -> str:
    """The filter that lets all of its catalogue through."""
    return SIGN_IN if draft.whole else ""


def words(draft: Draft, chosen: str | None, pool: int, drawn: Draft | None) -> str:
    """What is said beneath the list: of the change, or of one drawn from so many for a place."""
    if drawn:
        return (
            f"One is drawn from {pool} changes, for the {drawn.to}. The fields are not its own: "
            "changing them ends it."
        )
    if not chosen:
        return "No change has all of this: search for less."
    return draft.about


def score_words(score: Score, shown: object, *, earlier: bool) -> str:
    """The score, and whether what is shown came before the last choice."""
    came = isinstance(shown, Sent) and bool(shown.number)
    return f"{score}." + " What came, on the right, is older." * (earlier and came)
