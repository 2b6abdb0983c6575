"""An attack on a sign-in before it is carried out: what the bench offers, and what it draws."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from dpop_lab.checking import Profile
from dpop_lab.client.recorder import SessionLog
from dpop_lab.lab.catalogue.places import SIGNERS
from dpop_lab.lab.draft import Draft
from dpop_lab.lab.sign_in.attack import ACTORS, GUARDS, PROFILES, USERINFO
from dpop_lab.lab.sign_in.playing import THE_CLIENT, Played, played
from dpop_lab.lab.world import World
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.sign_in.ways import ways_of, with_sign_in
from dpop_lab.session.story import Story
from dpop_lab.show import Block, Note, Table

OTHERS = (
    "It may be no row: PKCE, one use, a secret; or the client, which looks at state, iss, nonce."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan(Draft):
    """An attack before it is carried out; the proofs are made on the way, and none can be edited.

    The `wire` of a riddle is all that goes over it but the last answer.
    """

    change: Any  #: an `Attack`
    header: str = ""
    claims: str = ""
    honest: tuple[str, str] = ("", "")
    proposed: tuple[str, str] = ("", "")
    verifier: str = ""  #: of a riddle, whether the code_verifier fits, which is hidden
    whole: ClassVar = True
    outcomes: ClassVar = (*Draft.outcomes, THE_CLIENT)
    words: ClassVar = tuple(filter(None, GUARDS))

    @property
    def title(self) -> str:
        """What is done, in plain words."""
        return str(self.change.title)

    @property
    def about(self) -> str:
        """What is done, by whom, what they have, and where it is written; not how it ends."""
        one = self.change
        return f"{one.name}: {one.title}. By {one.by}, {ACTORS[one.by]} ({one.section})."

    @property
    def signing(self) -> tuple[str, bool]:
        """As each honest proof is signed."""
        return SIGNERS[0], True

    @property
    def question(self) -> tuple[str, ...]:
        """What a prediction is about, beside the rules."""
        return self.change.name, self.to

    def under(self, policy: Policy) -> Policy:
        """A policy with the places of signing in."""
        return with_sign_in(policy)

    def profiles(self, policy: Policy) -> list[Profile]:
        """What the last answer depends on under a policy, in order."""
        names = PROFILES.get(self.to, ())
        if self.to == USERINFO and not ways_of(policy).bound_userinfo:
            names = names[:1]
        return [self.under(policy).profiles[name] for name in names]

    def rehearsed(self, lab: World) -> "Plan":
        """As a riddle, without the last answer, unless the client is to judge it.

        The lab's log keeps nothing of it. Raises `LabError` when the server is not the twin.
        """
        lab.twin.sign_people_in()
        came = played(self.change, lab, self.under(lab.policy), SessionLog())
        *before, last = came.log
        if not came.said:
            last = replace(last, status=None, response_headers=(), response_body="", reports=())
        return replace(self, wire=(*before, last), verifier=came.log.verifying.said)

    def played(self, lab: World, rules: Policy, *, own: bool, **told: Any) -> Played:
        """What came of it under these rules, and at a server with the other policy."""
        other = self.under(DUENDE if rules.name == RFC_9449.name else RFC_9449)
        elsewhere = played(self.change, lab, other, SessionLog())
        there = None if elsewhere.said else elsewhere.answered
        log = lab.log_under(own=own)
        return played(self.change, lab, rules, log, own=own, elsewhere=there, **told)

    def blocks(self) -> Iterator[Block]:
        """The attack; of a riddle what goes over the wire, told, and each request."""
        if not self.wire:
            yield Note(self.about)
            return
        words = f"Which row says no in the end ({self.to}), if any? Predict one, and send it."
        yield Note(f"{words} {OTHERS} {self.verifier}".rstrip())
        log, texts = SessionLog(), [one.sent().rstrip() for one in self.wire]
        log._exchanges.extend(one for one in self.wire if one.status is not None)
        if len(log):
            yield from Story(log).blocks()
            sent = tuple((str(number), text) for number, text in enumerate(texts, 1))
            yield Table("Each request", sent, folded=True)
        yield Table("The last request", (("request", texts[-1]),))
        yield from self.drawn_proofs(self.wire[-1:])
