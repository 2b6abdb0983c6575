"""Where the answers of two servers differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dpop_lab.lab.catalogue import LISTED
from dpop_lab.lab.compared import (
    DIFFERENT,
    KINDS,
    ONE_ACCEPTS,
    WORDED,
    Compared,
    NotAsked,
    outcome,
    short,
    told,
)
from dpop_lab.session.call import Call
from dpop_lab.show import Block, Note, Shown, Table, as_text
from dpop_lab.show.values import cut

WITH_NONCE = " with nonce"
FEW = 12  # changes that are explained: ten that were named, and the honest ones before them
LONGEST = 160  # characters of an answer in a table


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(Shown):
    """What two servers, named `a` and `b`, answered to the same changes.

    `rows` are all that were asked, in the order of the catalogue; `not_asked` are those that one of
    them can't be asked. `stopped` says why it came to an end before the end, else it is empty, and
    `cause` is then the error. Iterating gives the rows.
    """

    a: str
    b: str
    rows: tuple[Compared, ...] = ()
    not_asked: tuple[NotAsked, ...] = ()
    stopped: str = ""
    cause: BaseException | None = None

    def __iter__(self) -> Iterator[Compared]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, kind: str) -> tuple[Compared, ...]:
        """The rows of one of `KINDS`."""
        return tuple(row for row in self.rows if row.kind == kind)

    @property
    def differences(self) -> tuple[Compared, ...]:
        """The rows that one alone accepts, then those that are otherwise answered differently.

        What differs in wording alone is none.
        """
        return self.of(ONE_ACCEPTS) + self.of(DIFFERENT)

    @property
    def summary(self) -> str:
        """How many there are of each kind."""
        counts = ", ".join(f"{len(self.of(kind))} {kind}" for kind in KINDS)
        return f"{len(self)} asked: {counts}; {len(self.not_asked)} not asked."

    def as_json(self) -> dict[str, Any]:
        """All of it for `json.dumps`."""
        return {
            "a": self.a,
            "b": self.b,
            "stopped": self.stopped,
            "counts": {kind: len(self.of(kind)) for kind in KINDS},
            "rows": [_as_json(row) for row in self.rows],
            "not_asked": [asdict(one) for one in self.not_asked],
        }

    def text(self, *, everything: bool = False) -> str:
        """A table for a terminal of 100 characters, without the descriptions of the answers.

        What differs in wording alone, what does not differ, and what was not asked is counted, and
        listed with `everything`.
        """
        return as_text(self._blocks(short, everything=everything))

    def __repr__(self) -> str:
        return self.text()

    def blocks(self) -> Iterator[Block]:
        """How many there are of each kind, and a table for each kind of difference."""
        return self._blocks(told, everything=False)

    def _blocks(self, words: Callable[[Call, str], str], *, everything: bool) -> Iterator[Block]:
        """What is shown, with the answers in `words` where they differ by more than wording."""
        yield Note(f"A is {self.a}, B is {self.b}\n{self.summary}")
        for name, does in self._meanings.items():
            yield Note(f"{name}: {does}")
        head = ("Change", "At the", f"A: {self.a}", f"B: {self.b}")
        for kind in KINDS if everything else KINDS[:2]:
            if rows := _merged(self.of(kind), told if kind == WORDED else words):
                yield Table(kind.capitalize(), rows, head, code=head[2:])
        for why, names in self._reasons().items():
            yield Note(f"Not asked {why}: {', '.join(names) if everything else len(names)}")
        if self.stopped:
            yield Note(f"Stopped: {self.stopped}")
        if self.rows and not self._meanings:
            yield Note(LISTED)

    @property
    def _meanings(self) -> dict[str, str]:
        """What each change does, where there are few."""
        meanings = {row.change: row.does for row in self.rows}
        return meanings if len(meanings) <= FEW else {}

    def _reasons(self) -> dict[str, list[str]]:
        """The changes that were not asked, by the reason."""
        reasons: dict[str, dict[str, None]] = {}
        for one in self.not_asked:
            reasons.setdefault(f"of {one.of}, {one.why}", {})[one.change] = None
        return {why: list(names) for why, names in reasons.items()}


def _as_json(row: Compared) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("change", "does", "to", "kind")}
    return {**told, "a": _answer_as_json(row.a, row.to), "b": _answer_as_json(row.b, row.to)}


def _answer_as_json(answered: Call, to: str) -> dict[str, Any]:
    names = ("status", "error", "description", "challenge")
    return {name: getattr(answered, name) for name in names} | {
        "accepted": outcome(answered, to)[0]
    }


def _merged(
    rows: Sequence[Compared], words: Callable[[Call, str], str]
) -> tuple[tuple[str, ...], ...]:
    """Change, places, and both answers in `words`: one row where places answer alike."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        a, b = (cut(words(answered, row.to), LONGEST) for answered in (row.a, row.b))
        places.setdefault((row.change, a, b), []).append(row.to)
    return tuple((change, _together(at), a, b) for (change, a, b), at in places.items())


def _together(places: list[str]) -> str:
    """Places in a line, in which one that is there with and without nonce stands once."""
    said = []
    for place in places:
        plain = place.removesuffix(WITH_NONCE)
        if plain == place or plain not in places:
            both = place + WITH_NONCE in places
            said.append(f"{place} with and without nonce" if both else place)
    return ", ".join(said)
