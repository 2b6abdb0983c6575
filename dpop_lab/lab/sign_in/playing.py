"""What came of an attack on a sign-in: the answer, who stopped it, and all that went before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from dpop_lab.client.recorder import InProcessAdapter, SessionLog
from dpop_lab.lab.sent import Sent
from dpop_lab.lab.sign_in.attack import GUARDS, Attack
from dpop_lab.lab.sign_in.stage import Over, Stage
from dpop_lab.lab.sign_in.verifying import Verifying
from dpop_lab.lab.world import World
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW, read_call
from dpop_lab.session.story import Story
from dpop_lab.show import Block, Card, Table
from dpop_lab.wire.message import Exchange, Redacted

THE_CLIENT = "the client"  # said no, and not the server
HARMLESS = "Harmless"  # so begins what an honest step is worth


class Steps(SessionLog):
    """The exchanges of one attack, each of which another log keeps, too."""

    def __init__(self, whole: SessionLog) -> None:
        super().__init__()
        self._whole, self.verifying = whole, Verifying()

    def record(self, exchange: Exchange) -> Redacted:
        """Have it redacted and kept by the other log, and keep what that made of it."""
        self.verifying.see(exchange)
        redacted = self._whole.record(exchange)
        self._exchanges.append(redacted)
        return redacted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Played(Sent):
    """An attack that was carried out: its last request, shown as `Sent` is, and the way there."""

    attack: Attack
    #: All exchanges of it, those of the honest people, too.
    log: Steps
    #: Why the client itself says no, else empty.
    said: str = ""

    @property
    def caught(self) -> str:
        """The row or other of `GUARDS` that said no, `accepted`, or `the client`."""
        return THE_CLIENT if self.said else super(Played, self).caught

    @property
    def briefly(self) -> str:
        """By its name, in words: titles of attacks are long, and many begin the same."""
        return self.change.replace("_", " ")

    @property
    def foreseen(self) -> bool:
        """Did the prediction come true, which may name what stopped it in any of three ways?"""
        return self.predicted in (self.caught, self.outcome, self.stopped_by)

    @property
    def story(self) -> Story:
        """All that went on, told."""
        return Story(self.log)

    @property
    def stopped_by(self) -> str:
        """Which of `GUARDS` said no, at the server or at the client; empty where none did."""
        if self.said:
            return self.attack.other_guard
        return self.answered.stopped_by if self.answered else ""

    @property
    def guards(self) -> Iterator[tuple[str, str]]:
        """What stopped it, if it is no row, or what can stop what was accepted; with a section."""
        one, stopped = self.attack, self.stopped_by
        if stopped:
            section, meaning = GUARDS[stopped]
            section = one.section if stopped == one.guard else section
            yield "stopped by", f"{stopped} ({section}): {meaning}"
        elif self.caught == ACCEPTED and one.guard and not one.worth.startswith(HARMLESS):
            yield "what can stop it", f"{one.guard} ({one.section})"

    @property
    def verdict(self) -> str:
        """What happened, in words."""
        of_client = f"Refused by the client: {self.said}{self.of_prediction}"
        return of_client if self.said else super(Played, self).verdict

    def blocks(self) -> Iterator[Block]:
        """The verdict and who attacked; the rows, the other server, the steps, the request."""
        own = super(Played, self).blocks()
        card = next(own)
        if isinstance(card, Card):
            facts = [("by", self.attack.by), *self.guards]
            facts += [("why it is worth having", self.attack.worth)] * (self.caught == ACCEPTED)
            mark = "passed" if self.caught == ACCEPTED else "failed"
            yield replace(card, mark=mark, facts=(card.facts[0], *facts, *card.facts[1:]))
        yield from own

    def _compared(self) -> Block:
        """All that went before, in the place of a comparison of proofs."""
        table = cast(Table, next(iter(self.story.blocks())))
        title = f"How it came to that: {table.title}"
        return replace(table, title=title, folded=True)

    @property
    def _steps(self) -> Story:
        """All exchanges, to be drawn."""
        return self.story


def played(
    attack: Attack, lab: World, rules: Policy, log: SessionLog, *, own: bool = False, **told: Any
) -> Played:
    """What comes of it under these rules, which are the server's own, or not.

    `told` is what a bench knows of it: fields of `Sent`.
    """
    steps, said = Steps(log), ""
    way = lab.adapter if own else InProcessAdapter(lab.twin.under(rules, api_nonce=False))
    try:
        attack.play(Stage(lab, way, steps, rules=rules))
    except Over as over:
        said = over.said
    last = steps[-1]
    answered = read_call(last, rules=rules.title)
    if answered.caught == NO_ROW:
        answered = replace(answered, stopped_by=attack.other_guard)
    told |= {"change": attack.name, "title": attack.title}
    told["to"] = answered.personal or answered.place
    return Played(
        **told,
        at=lab.clock.time(),
        exchange=last.with_proofs(),
        answered=answered,
        attack=attack,
        log=steps,
        said=said,
    )
