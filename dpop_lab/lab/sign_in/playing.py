"""What came of an attack on a sign-in: the answer, who stopped it, and all that went before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dpop_lab.client.recorder import InProcessAdapter, SessionLog
from dpop_lab.errors import expect, one_of
from dpop_lab.lab.sent import Sent
from dpop_lab.lab.sign_in.attack import Attack
from dpop_lab.lab.sign_in.stage import Over, Stage
from dpop_lab.lab.world import World
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.sign_in.ways import with_sign_in
from dpop_lab.session.call import ACCEPTED, NO_ROW, read_call
from dpop_lab.session.story import Story, sequence_diagram
from dpop_lab.show import Block, Card, Table
from dpop_lab.show.html import folded, inline
from dpop_lab.wire.message import Exchange, Redacted

THE_CLIENT = "the client"  # said no, and not the server


class Steps(SessionLog):
    """The exchanges of one attack, each of which another log keeps, too."""

    def __init__(self, whole: SessionLog) -> None:
        super().__init__()
        self._whole = whole

    def record(self, exchange: Exchange) -> Redacted:
        """Have it redacted and kept by the other log, and keep what that made of it."""
        redacted = self._whole.record(exchange)
        self._exchanges.append(redacted)
        return redacted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Played(Sent):
    """An attack that was carried out: its last request, shown as `Sent` is, and the way there."""

    attack: Attack
    #: All exchanges of it, those of the honest people, too.
    log: SessionLog
    #: Why the client itself says no, else empty.
    said: str = ""

    @property
    def caught(self) -> str:
        """The row that said no, `accepted`, `no row`, or `the client`."""
        return THE_CLIENT if self.said else super(Played, self).caught

    @property
    def story(self) -> Story:
        """All that went on, told."""
        return Story(self.log)

    @property
    def guard(self) -> str:
        """What is there to stop it, and where that is written; empty for nothing."""
        return f"{self.attack.guard} ({self.attack.section})" if self.attack.guard else ""

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
            facts = [("by", self.attack.by), ("what can stop it", self.guard)]
            facts += [("why it is worth having", self.attack.worth)] * (self.caught == ACCEPTED)
            mark = "passed" if self.caught == ACCEPTED else "failed"
            yield replace(card, mark=mark, facts=(card.facts[0], *facts, *card.facts[1:]))
        yield from own

    def _compared(self) -> Block:
        """All that went before, in the place of a comparison of proofs."""
        story = next(iter(self.story.blocks()))
        title = f"How it came to that: {self.story.title}"
        return replace(story, title=title, folded=True) if isinstance(story, Table) else story

    def details(self) -> str:
        """All but the verdict, as HTML, with a picture of all exchanges."""
        picture = sequence_diagram(self.story).html(inline)
        return super(Played, self).details() + folded("All of it as a picture", picture, inline)


def rules_of(own: Policy, policy: Policy | None, without: tuple[str, ...]) -> Policy:
    """A policy, the server's own unless given, with the places of signing in, without these rows.

    Raises `LabError` for what is no policy, and for an unknown row.
    """
    expect(policy, (Policy, type(None)), "policy", "DUENDE or RFC_9449.")
    expect(without, (tuple, list, str), "without", 'Such as ("code_key",).')
    rules = policy or own
    rules = rules if "code" in rules.profiles else with_sign_in(rules)
    for name in (without,) if isinstance(without, str) else without:
        rules = rules.without(name)
    return rules


def play(
    attack: Attack,
    lab: World,
    *,
    predict: str = "",
    policy: Policy | None = None,
    without: tuple[str, ...] = (),
) -> Played:
    """Carry out an attack in this lab, and at a server with the other policy; see `Lab.attack`."""
    lab.twin.sign_people_in()
    rules = rules_of(lab.policy, policy, without)
    if predict:
        known = (rules, *map(with_sign_in, POLICIES.values()))
        rows = {name for one in known for name in one.row_names}
        one_of("row", predict, dict.fromkeys([ACCEPTED, NO_ROW, THE_CLIENT, *sorted(rows)]))
    other = rules_of(DUENDE if rules.name == RFC_9449.name else RFC_9449, None, ())
    elsewhere = played(attack, lab, other, SessionLog())
    own = policy is None and not without
    found = played(attack, lab, rules, lab.log, own=own)
    there = None if elsewhere.said else elsewhere.answered
    return replace(found, predicted=predict, elsewhere=there)


def played(
    attack: Attack, lab: World, rules: Policy, log: SessionLog, *, own: bool = False
) -> Played:
    """What comes of it under these rules, which are the server's own, or not."""
    steps, said = Steps(log), ""
    way = lab.adapter if own else InProcessAdapter(lab.twin.under(rules, api_nonce=False))
    try:
        attack.play(Stage(lab, way, steps, rules=rules))
    except Over as over:
        said = over.said
    last = steps[-1]
    answered = read_call(last, rules=rules.title)
    return Played(
        change=attack.name,
        title=attack.title,
        to=answered.personal or answered.place,
        at=lab.clock.time(),
        exchange=last.with_proofs(),
        answered=answered,
        attack=attack,
        log=steps,
        said=said,
    )
