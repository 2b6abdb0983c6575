"""The catalogue of changes with a search box."""

from ipywidgets import Checkbox, Dropdown, Text

from dpop_lab.lab.catalogue import ACTORS, CHANGES, GROUPS, Catalogue
from dpop_lab.panels.panel import Panel, control

SEARCH, WHAT, WHO = "Search", "What is changed", "Who could do it"
DIFFERS, ANYTHING, ANYBODY = "only where the two servers differ", "anything", "anybody"


class CataloguePanel(Panel):
    """All changes that `Lab.send` can carry out; `view` is the `Catalogue` of those chosen."""

    purpose = "lists all changes that can be sent, with a search box."
    view: Catalogue

    def __init__(self) -> None:
        self._groups = {ANYTHING: "", **{title: group for group, title in GROUPS.items()}}
        super().__init__(
            "All changes",
            "Type words of what you look for, such as “slash” or “nonce”. The name in the second "
            "column is what lab.send takes.",
            [control(Text, SEARCH, "", {"width": "24em"})],
            [control(Dropdown, WHAT, ANYTHING, options=[*self._groups])],
            [control(Dropdown, WHO, ANYBODY, options=[ANYBODY, *ACTORS])],
            [control(Checkbox, DIFFERS, False, indent=False)],
            [self.start_again],
        )

    def look(self) -> Catalogue:
        """The changes that are asked for."""
        chosen = self.values()
        found = CHANGES.search(chosen[SEARCH])
        if group := self._groups[chosen[WHAT]]:
            found = found.of(group)
        if chosen[WHO] != ANYBODY:
            found = found.by(chosen[WHO])
        return found.differing if chosen[DIFFERS] else found
