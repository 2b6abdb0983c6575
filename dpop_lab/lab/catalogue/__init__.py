"""The catalogue: everything that can be done to a proof, an access token or the request around."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dpop_lab.errors import expect
from dpop_lab.lab.catalogue.access_tokens import ACCESS_TOKEN
from dpop_lab.lab.catalogue.change import ACTORS, LEFT_OUT, PLACES, Change
from dpop_lab.lab.catalogue.claims import CLAIMS
from dpop_lab.lab.catalogue.form import HEADER, KEY, SPELLING
from dpop_lab.lab.catalogue.requests import HONEST, MOVED, TOKEN_REQUEST
from dpop_lab.show import Block, Note, Shown, Table

__all__ = ["ACTORS", "CHANGES", "GROUPS", "LEFT_OUT", "LISTED", "PLACES", "Catalogue", "Change"]

LISTED = "All changes by their names: CHANGES, or the command dpop-lab compare --list."
GROUPS = {  # what is changed, in order
    "nothing": "Nothing",
    "spelling": "How the proof is spelt",
    "header": "The header of the proof",
    "claims": "The claims of the proof",
    "key": "The key, and the signature",
    "moved": "Where the proof goes, and how often",
    "token request": "The token request",
    "access token": "The access token, and how it is sent",
}
FEW = 20  # changes that are shown at once
HEAD = ("What is changed", "Change", "Where it is written")


class Catalogue(Shown, Mapping[str, Change]):
    """Changes by their names, in order; shown by a notebook as a table for each of `GROUPS`."""

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

    def of(self, group: str) -> "Catalogue":
        """Those of one of `GROUPS`."""
        return Catalogue(change for change in self.values() if change.group == group)

    @property
    def differing(self) -> "Catalogue":
        """Those that one of the two servers takes at some place, and the other refuses there."""
        return Catalogue(change for change in self.values() if change.differs)

    def search(self, text: str) -> "Catalogue":
        """Those with all words of a text in name, title, section or worth; in any letter case."""
        expect(text, str, "search", 'Such as "slash htu".')
        words = text.casefold().split()
        return Catalogue(one for one in self.values() if all(word in _told(one) for word in words))

    def blocks(self) -> Iterator[Block]:
        """How many there are and who could do them, then a table for each group."""
        count = Counter(change.by for change in self.values())
        lines = [f"{count[one]} by {one}: {who}" for one, who in ACTORS.items() if one in count]
        yield Note("\n".join([f"{len(self)} changes", *lines]))
        many = len(self) > FEW
        for group, title in GROUPS.items():
            rows = tuple((one.title, one.name, one.section) for one in self.of(group).values())
            if rows:
                yield Table(f"{title}: {len(rows)}", rows, HEAD, code=HEAD[1:2], folded=many)


def _told(change: Change) -> str:
    return f"{change.name} {change.title} {change.section} {change.worth}".casefold()


CHANGES = Catalogue(
    replace(change, group=group)
    for group, changes in zip(
        GROUPS,
        ([HONEST], SPELLING, HEADER, CLAIMS, KEY, MOVED, TOKEN_REQUEST, ACCESS_TOKEN),
        strict=True,
    )
    for change in changes
)
