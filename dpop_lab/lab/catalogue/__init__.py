"""The catalogue: everything that can be done to a proof, an access token or the request around."""

from collections.abc import Iterable, Iterator, Mapping

from dpop_lab.lab.catalogue.access_tokens import ACCESS_TOKENS
from dpop_lab.lab.catalogue.change import ACTORS, LEFT_OUT, PLACES, Change
from dpop_lab.lab.catalogue.claims import CLAIMS
from dpop_lab.lab.catalogue.form import FORM
from dpop_lab.lab.catalogue.requests import HONEST, MOVES, TOKEN_REQUESTS
from dpop_lab.show import Block, Note, Shown, Table

__all__ = ["ACTORS", "CHANGES", "LEFT_OUT", "LISTED", "PLACES", "Catalogue", "Change"]

LISTED = "All changes, and what they do: CHANGES, or the command dpop-lab compare --list."


class Catalogue(Shown, Mapping[str, Change]):
    """Changes by their names, in order; shown as a table by a notebook."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._changes = {change.name: change for change in changes}

    def __getitem__(self, name: str) -> Change:
        return self._changes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._changes)

    def __len__(self) -> int:
        return len(self._changes)

    def by(self, actor: str) -> "Catalogue":
        """Those that this one of `ACTORS` could carry out, which is whom `Change.by` names."""
        return Catalogue(change for change in self.values() if change.by == actor)

    def at(self, place: str) -> "Catalogue":
        """Those that make sense at one of `PLACES`."""
        return Catalogue(change for change in self.values() if place in change.places)

    def blocks(self) -> Iterator[Block]:
        """Name and deed of each, under who could do it."""
        yield Note(f"{len(self)} changes")
        head = ("Change", "What it does", "Where it is written")
        for actor, who in ACTORS.items():
            rows = tuple((one.name, one.does, one.section) for one in self.by(actor).values())
            if rows:
                yield Table(f"{actor}, {who}", rows, head)


CHANGES = Catalogue([HONEST, *FORM, *CLAIMS, *MOVES, *ACCESS_TOKENS, *TOKEN_REQUESTS])
