"""The changes to look through: a search box, filters, a list under headings, a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipywidgets import Checkbox, Dropdown, Text

from dpop_lab.lab.catalogue import GROUPS
from dpop_lab.lab.catalogue.change import Listing
from dpop_lab.lab.catalogues import SIGN_IN, catalogue_of
from dpop_lab.panels.panel import Panel, control

SEARCH, WHO, WHAT, DIFFER = "Search", "Who", "What", "only where the two servers differ"
ANYTHING, ANYBODY, HEADING = "anything", "anybody", "— "
FEWEST = 5  # changes to draw one from
FILTERS = {SEARCH: "", WHO: ANYBODY, WHAT: "", DIFFER: False}  # which let all changes through


def filters(width: dict[str, str], label_width: str, what: str = "") -> list[Any]:
    """The search box and what else narrows the changes, with their labels."""
    look = width, label_width
    return [
        control(Text, SEARCH, "", *look, placeholder="such as slash or nonce"),
        control(Dropdown, WHO, ANYBODY, *look, options=_actors(what)),
        control(Dropdown, WHAT, what, *look, options=_groups(what)),
        control(Checkbox, DIFFER, False, indent=False),
    ]


def _actors(what: str) -> list[str]:
    return [ANYBODY, *catalogue_of(what).actors]


def _groups(what: str) -> list[tuple[str, str]]:
    """The groups to choose from; those of attacks on sign-ins when one or all are chosen."""
    groups = {"": ANYTHING, **GROUPS, SIGN_IN: "Signing in"}
    more = catalogue_of(what).groups
    groups |= {group: title for group, title in more.items() if group not in GROUPS}
    return [(title, group) for group, title in groups.items()]


def filtered(chosen: Mapping[str, Any]) -> Listing[Any]:
    """What these values of the filters let through.

    Where the words of a search are in no change, it is attacks on sign-ins.
    """
    found = _let_through(catalogue_of(chosen[WHAT]), chosen)
    if found or chosen[WHAT] or not chosen[SEARCH]:
        return found
    return _let_through(catalogue_of(SIGN_IN), chosen) or found


def _let_through(found: Listing[Any], chosen: Mapping[str, Any]) -> Listing[Any]:
    found = found.search(chosen[SEARCH])
    if chosen[WHAT] in found.groups:
        found = found.of(chosen[WHAT])
    if chosen[WHO] != ANYBODY:
        found = found.by(chosen[WHO])
    return found.differing if chosen[DIFFER] else found


def drawable(chosen: Mapping[str, Any]) -> Listing[Any]:
    """The changes of which one may be drawn: those let through, or all where these are few."""
    found = filtered(chosen)
    return found if len(found) >= FEWEST else catalogue_of(chosen[WHAT])


def narrowed(fields: Mapping[str, Any]) -> Listing[Any]:
    """What the filters let through, after who and what can be chosen follows from what is."""
    what, who = fields[WHAT].value, fields[WHO].value
    put(fields[WHAT], _groups(what), what)
    put(fields[WHO], actors := _actors(what), who if who in actors else ANYBODY)
    return filtered({label: fields[label].value for label in FILTERS})


def listed(found: Listing[Any]) -> list[tuple[str, str]]:
    """What a list offers: titles and names of the changes, each group under its heading.

    The titles of attacks are long, and many begin the same; before them stand their names, in
    words, for a list cuts what has no room.
    """
    options = list[tuple[str, str]]()
    for group, title in found.groups.items():
        members = [
            (
                one.title if group in GROUPS else f"{one.name.replace('_', ' ')}: {one.title}",
                one.name,
            )
            for one in found.of(group).values()
        ]
        options += [(HEADING + title, HEADING + title), *members] if members else []
    return options


def offer(found: Listing[Any], field: Any, chosen: str) -> None:
    """Offer changes in a list; the chosen one stays chosen, if it is among them."""
    put(field, listed(found), chosen if chosen in found else next(iter(found), None))


def put(field: Any, options: Sequence[Any], value: object) -> None:
    """Give a list other options and a value, in one message."""
    with field.hold_sync():
        if field.options != tuple(options):
            field.options = options
        field.value = value


class CataloguePanel(Panel):
    """All changes that `Lab.send` can carry out, all attacks on sign-ins of `Lab.attack`.

    `view` is the catalogue of those chosen.
    """

    purpose = "lists all changes that can be sent, with a search box."
    view: Listing[Any]

    def __init__(self) -> None:
        super().__init__(
            "All changes",
            "Type words of what you look for, such as “slash” or “nonce”, or open a group. What "
            "stands in its column “Change” is what lab.send takes, and in “Attack” lab.attack.",
            *([one] for one in filters({"width": "24em"}, "4em")),
            [self.start_again],
        )

    def look(self) -> Listing[Any]:
        """The changes that are asked for."""
        return narrowed(self.fields)
