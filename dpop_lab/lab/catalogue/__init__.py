"""The catalogue: everything that can be done to a proof, an access token or the request around."""

from collections.abc import Iterable, Iterator, Mapping
from textwrap import fill

from dpop_lab.lab.catalogue.access_tokens import ACCESS_TOKENS
from dpop_lab.lab.catalogue.change import ACTORS, LEFT_OUT, PLACES, Change
from dpop_lab.lab.catalogue.claims import CLAIMS
from dpop_lab.lab.catalogue.form import FORM
from dpop_lab.lab.catalogue.header import HEADER
from dpop_lab.lab.catalogue.moves import HONEST, MOVES
from dpop_lab.lab.catalogue.token_requests import TOKEN_REQUESTS
from dpop_lab.show.values import html_table

__all__ = ["ACTORS", "CHANGES", "LEFT_OUT", "LISTED", "PLACES", "Catalogue", "Change"]

LISTED = "All changes, and what they do: CHANGES, or the command dpop-lab compare --list."


class Catalogue(Mapping[str, Change]):
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

    def __repr__(self) -> str:
        """Name and deed of each, under who could do it."""
        lines = [f"{len(self)} changes"]
        for actor, who in ACTORS.items():
            theirs = [change for change in self.values() if change.by == actor]
            lines += [f"{actor}, {who}:"] * bool(theirs)
            lines += [
                fill(
                    f"{change.does} ({change.section})",
                    100,
                    initial_indent=f"  {change.name}: ",
                    subsequent_indent="      ",
                )
                for change in theirs
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same as a table, for a notebook."""
        return html_table(
            f"{len(self)} changes",
            ("Change", "What it does", "Who could do it", "Where it is written"),
            [(one.name, one.does, one.by, one.section) for one in self.values()],
        )


CHANGES = Catalogue([HONEST, *FORM, *HEADER, *CLAIMS, *MOVES, *ACCESS_TOKENS, *TOKEN_REQUESTS])
