"""Who takes part: each told apart from all others, with what became of their last requests."""

import re
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, count, islice, takewhile

from dpop_lab.doctor.explain.telling import Entry
from dpop_lab.jose.encoding import read_json
from dpop_lab.wire.participant import LONGEST

KEPT, LARGEST = 100, 400_000  # requests of each participant, and octets of them as they are packed
MOST = 200  # participants: whoever comes after them shares one place
SEVERAL = 12  # of what one participant uses: so many clients, keys, addresses, the last ones
NAMELESS, OTHERS = "no name", "all others"
EXERCISE, STATES, MOST_EXERCISES = re.compile(r"[0-9]{2}\.[0-9]{1,2}"), ("begun", "solved"), 200
Filter = Mapping[str, str]  # name, client, key, sign_in: what an entry must have; empty: anything


@dataclass(frozen=True, slots=True)
class Kept:
    """One request as the page has it, packed: a page is some ten times larger than its text."""

    turn: int  #: when it came, counted in all that changed
    said: str
    refused: bool
    name: str
    client: str
    key: str
    sign_in: str
    packed: bytes = field(repr=False)

    def fits(self, asked: Filter) -> bool:
        """Is it one of those that are asked for?"""
        return all(getattr(self, name) == text for name, text in asked.items() if text)

    def member(self) -> dict[str, object]:
        """What a page is given of it."""
        html = zlib.decompress(self.packed).decode()
        return {"said": self.said, "refused": self.refused, "html": html}


@dataclass(slots=True, eq=False)
class Participant:
    """One who takes part, and what is counted and kept of theirs."""

    label: str  #: the name, with a number behind it where another has it already
    machine: str  #: the mark that came with the name, empty where none did
    turn: int = 0  #: when anything of this changed last
    accepted: int = 0
    refused: int = 0
    last: str = ""  #: the time of the last request, as a clock shows it
    mark: str = ""  #: what became of it
    exercise: str = ""  #: the id of the one that is worked at, where that is shared
    states: Mapping[str, str] = field(default_factory=dict)  #: by ids: `begun` or `solved`
    peers: dict[str, int] = field(default_factory=dict)  #: and how often each was used, as below
    clients: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    sign_ins: dict[str, int] = field(default_factory=dict)
    kept: deque[Kept] = field(default_factory=deque, repr=False)
    size: int = 0  #: octets in `kept`

    @property
    def called(self) -> str:
        """What their requests are headed with; empty for the only one without a name."""
        return "" if self.label == NAMELESS else self.label

    @property
    def sorted_by(self) -> str:
        """By which text participants are sorted: p9 comes before p10."""
        return re.sub("[0-9]+", lambda digits: digits[0].zfill(LONGEST), self.label.casefold())

    def keep(self, one: Kept, told: Entry) -> None:
        """Count this request and keep it, for the oldest that is now too much."""
        self.refused += told.refused
        self.accepted += not told.refused
        self.turn, self.last, self.mark = one.turn, told.clock, told.mark
        note(self.clients, told.client)
        note(self.keys, told.key)
        note(self.sign_ins, told.sign_in)
        self.kept.append(one)
        self.size += len(one.packed)
        while len(self.kept) > KEPT or (self.size > LARGEST and len(self.kept) > 1):
            self.size -= len(self.kept.popleft().packed)

    def newest_first(self, after: int, asked: Filter) -> Iterator[Kept]:
        """What is kept since a turn and fits."""
        new = takewhile(lambda one: one.turn > after, reversed(self.kept))
        return (one for one in new if one.fits(asked))


def note(seen: dict[str, int], text: str) -> None:
    """Count a text, if there is one, as the last, and forget what is too long ago."""
    if text:
        seen[text] = seen.pop(text, 0) + 1
        if len(seen) > SEVERAL:
            del seen[next(iter(seen))]


class Room:
    """All participants. A request of another's never drives out what is kept of one.

    Who sends one name from two machines is two participants, `ann` and `ann (2)`: machines are told
    apart by the mark that labs send along, and without one by the address they call from.
    """

    def __init__(self) -> None:
        self.people: dict[str, Participant] = {}  #: by their labels
        self.turn = 0  #: of the last change
        self._named: dict[str, list[Participant]] = {}

    def participant(self, name: str, machine: str, peer: str) -> Participant:
        """Who sent a request with this name and mark from this address."""
        found = self._known(name, machine, peer) or self._new(name, machine)
        found.machine = found.machine or machine
        note(found.peers, peer)
        return found

    def _known(self, name: str, machine: str, peer: str) -> Participant | None:
        known = self._named.get(name, [])
        same = (one for one in known if machine and one.machine == machine)
        near = (one for one in known if not (machine and one.machine) and peer in (*one.peers, ""))
        return next(chain(same, near), None)

    def _new(self, name: str, machine: str) -> Participant:
        """A newcomer, under a label that nobody has; when there are too many, all the others."""
        if len(self.people) >= MOST:
            return self.people.setdefault(OTHERS, Participant(OTHERS, machine))
        stem = name or NAMELESS
        numbered = (f"{stem} ({n})" for n in count(2))
        label = next(one for one in chain([stem], numbered) if one not in (*self.people, OTHERS))
        made = self.people[label] = Participant(label, machine)
        self._named.setdefault(name, []).append(made)
        return made

    def keep(self, of: Participant, told: Entry, html: str) -> None:
        """Keep a request of this participant."""
        self.turn += 1
        texts = (told.verdict, told.refused, of.label, told.client, told.key, told.sign_in)
        of.keep(Kept(self.turn, *texts, zlib.compress(html.encode(), 1)), told)

    def share(self, of: Participant, text: str) -> bool:
        """Take what a participant shares of the exercises; False for what is no such report.

        It is JSON: `{"exercise": "05.2", "states": {"05.1": "solved", "05.2": "begun"}}`.
        """
        told = read_json(text)
        told = told if isinstance(told, dict) else {}
        states, at = told.get("states"), told.get("exercise", "")
        if not isinstance(states, dict) or len(states) > MOST_EXERCISES:
            return False
        names = [*states] if at == "" else [*states, at]
        good = all(isinstance(one, str) and EXERCISE.fullmatch(one) for one in names)
        if not good or not all(state in STATES for state in states.values()):
            return False
        self.turn += 1
        of.turn, of.exercise, of.states = self.turn, at, states
        return True

    def entries(self, after: int, asked: Filter) -> list[Kept]:
        """What is kept since a turn and fits, the newest first, `KEPT` at most."""
        name = asked.get("name", "")
        people = self.people.values() if not name else filter(None, [self.people.get(name)])
        new = (one.newest_first(after, asked) for one in people)
        return [*islice(merge(*new, key=lambda one: -one.turn), KEPT)]

    def changed(self, after: int) -> list[Participant]:
        """The participants of whom anything changed since a turn, in the order of their labels."""
        new = (one for one in self.people.values() if one.turn > after)
        return sorted(new, key=lambda one: one.sorted_by)
