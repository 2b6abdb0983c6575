"""The catalogue of what can be done to a sign-in, and what both policies answer to all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from dpop_lab.client.recorder import SessionLog
from dpop_lab.lab.catalogue.change import Listing
from dpop_lab.lab.participant import demo_client
from dpop_lab.lab.sign_in.attack import ACTORS, PLACES, Attack
from dpop_lab.lab.sign_in.codes import CODES
from dpop_lab.lab.sign_in.playing import Played, played
from dpop_lab.lab.sign_in.requests import REQUESTS
from dpop_lab.lab.sign_in.tokens import CARRIED, TOKENS
from dpop_lab.lab.world import TWIN, World, started
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.sign_in.ways import with_sign_in
from dpop_lab.show import Block, Shown, Table

HEAD = ("What is done", "Attack", "Where it is written")


@dataclass(frozen=True, slots=True, repr=False)
class Answers(Shown):
    """What each policy answered to the same attacks; iterating gives their names."""

    #: By attack and by policy, what came of it.
    rows: Mapping[str, Mapping[str, Played]]

    def __getitem__(self, name: str) -> Mapping[str, Played]:
        return self.rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self) -> Iterator[Block]:
        """A row an attack: what it is, its name, what said no under each policy, or accepted."""
        rows = tuple(
            (*[one.title for one in by.values()][:1], name, *(one.caught for one in by.values()))
            for name, by in self.rows.items()
        )
        title = f"{len(rows)} attacks, each at both servers: accepted, or what says no"
        yield Table(title, rows, (*HEAD[:2], *POLICIES), code=HEAD[1:2])


class Attacks(Listing[Attack]):
    """Attacks on signing in by their names, in order; shown as a table for each place."""

    counted: ClassVar = "attacks"
    others: ClassVar = "changes of one request are in CHANGES"
    head: ClassVar = HEAD
    groups: ClassVar[Mapping[str, str]] = PLACES
    actors: ClassVar[Mapping[str, str]] = ACTORS

    @cached_property
    def answers(self) -> Answers:
        """What each policy answers to each of them: all are carried out, in seconds, once."""
        own = started("in process", timeout=15)
        with World(TWIN, demo_client(own[0].base_url), own, log=None, timeout=15) as world:
            world.twin.sign_people_in()
            rules = {name: with_sign_in(policy) for name, policy in POLICIES.items()}
            return Answers({
                one.name: {name: played(one, world, rules[name], SessionLog()) for name in rules}
                for one in self.values()
            })  # fmt: skip


SIGN_IN_CHANGES = Attacks((*REQUESTS, *CODES, *TOKENS, *CARRIED))
