"""The changes to look through: a search box, filters, a list under headings, a table."""

from collections.abc import Mapping
from typing import Any

from ipywidgets import Checkbox, Dropdown, Text

from dpop_lab.lab.catalogue import ACTORS, CHANGES, GROUPS, Catalogue
from dpop_lab.panels.panel import Panel, control

SEARCH, WHO, WHAT, DIFFER = "Search", "Who", "What", "only where the two servers differ"
ANYTHING, ANYBODY, HEADING = "anything", "anybody", "— "
FEWEST = 5  # changes to draw one from
FILTERS = {SEARCH: "", WHO: ANYBODY, WHAT: "", DIFFER: False}  # which let all through


def filters(width: dict[str, str], label_width: str) -> list[Any]:
    """The search box and what else narrows the changes, with their labels."""
    groups = [(ANYTHING, ""), *((title, group) for group, title in GROUPS.items())]
    look = width, label_width
    return [
        control(Text, SEARCH, "", *look, placeholder="such as slash or nonce"),
        control(Dropdown, WHO, ANYBODY, *look, options=[ANYBODY, *ACTORS]),
        control(Dropdown, WHAT, "", *look, options=groups),
        control(Checkbox, DIFFER, False, indent=False),
    ]


def filtered(chosen: Mapping[str, Any]) -> Catalogue:
    """The changes that these values of the filters let through."""
    found = CHANGES.search(chosen[SEARCH])
    if chosen[WHAT]:
        found = found.of(chosen[WHAT])
    if chosen[WHO] != ANYBODY:
        found = found.by(chosen[WHO])
    return found.differing if chosen[DIFFER] else found


def drawable(chosen: Mapping[str, Any]) -> Catalogue:
    """The changes of which one may be drawn: those let through, or all where these are few."""
    found = filtered(chosen)
    return found if len(found) >= FEWEST else CHANGES


def listed(found: Catalogue) -> list[tuple[str, str]]:
    """What a list offers: titles and names of the changes, each group under its heading."""
    options = list[tuple[str, str]]()
    for group, title in GROUPS.items():
        members = [(one.title, one.name) for one in found.of(group).values()]
        options += [(HEADING + title, HEADING + title), *members] if members else []
    return options


def offer(found: Catalogue, field: Any, chosen: str) -> None:
    """Offer changes in a list; the chosen one stays chosen, if it is among them."""
    with field.hold_sync():
        field.options = listed(found)
        field.value = chosen if chosen in found else next(iter(found), None)


class CataloguePanel(Panel):
    """All changes that `Lab.send` can carry out; `view` is the `Catalogue` of those chosen."""

    purpose = "lists all changes that can be sent, with a search box."
    view: Catalogue

    def __init__(self) -> None:
        super().__init__(
            "All changes",
            "Type words of what you look for, such as “slash” or “nonce”, or open a group. What "
            "stands in its column “Change” is what lab.send takes.",
            *([one] for one in filters({"width": "24em"}, "4em")),
            [self.start_again],
        )

    def look(self) -> Catalogue:
        """The changes that are asked for."""
        return filtered(self.values())
