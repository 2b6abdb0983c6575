"""The bench: drafts a change, sends it, and sets what the rows know next to the answer."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import requests

from dpop_lab.client.recorder import SessionLog, sent_exchange
from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.lab.catalogue import CHANGES, LISTED
from dpop_lab.lab.catalogue.change import Listing
from dpop_lab.lab.catalogue.places import SIGNERS
from dpop_lab.lab.catalogues import SIGN_IN, any_change, catalogue_of
from dpop_lab.lab.draft import Draft, members_of
from dpop_lab.lab.live import Unreachable
from dpop_lab.lab.parties import Parties
from dpop_lab.lab.sending import sent_to
from dpop_lab.lab.sent import Members, Score, Sent, by_all_rows, difference, flat
from dpop_lab.lab.world import World
from dpop_lab.proof import read_proof
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED
from dpop_lab.show.values import at_once, mapped, shown
from dpop_lab.wire.message import Redacted

if TYPE_CHECKING:
    from dpop_lab.lab.sign_in.plan import Plan
    from dpop_lab.lab.sign_in.playing import Played

#: With the last request, and the proof in it; none of a whole sign-in.
Kept = tuple[Sent, Draft, requests.PreparedRequest | None, str]
NEW = ("claims.jti", "claims.iat")  # in any proof
REPLAYED = "accepted before"  # in a question
LAST = 50  # of what was sent is kept


def _is_plan(draft: Draft) -> TypeGuard["Plan"]:
    """Is it a whole sign-in, of which the room is loaded when it is used?"""
    return draft.whole


class Bench:
    """Owner, thief and what was sent so far, in one world; `Lab.send` is its front door.

    `parties` have the keys and tokens, `score` the predictions. The honest proof accepted last
    at each place is kept to compare with. All goes over the session of the lab, or one like it.
    """

    def __init__(self, lab: World) -> None:
        self.lab, self.parties, self.score = lab, Parties(lab, lab.session), Score()
        self._accepted: dict[str, tuple[int, Members]] = {}
        self._kept: deque[Kept] = deque(maxlen=LAST)
        self._lock = threading.RLock()  # two panels may send in two threads

    @property
    def history(self) -> tuple[Sent, ...]:
        """The last 50 that were sent, oldest first."""
        return tuple(sent for sent, *_ in self._kept.copy())

    def draft(
        self,
        change: str,
        *,
        to: str = "",
        signed_by: str = "",
        sign_again: bool | None = None,
        header: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> Draft:
        """What a change makes of an honest proof now, as text. See `Lab.send` for the arguments.

        An attack on a sign-in has a name and nothing to edit. Raises `LabError` for an unknown name
        and for what the live server does not let us do.
        """
        for name, members in (("header", header), ("claims", claims)):
            expect(members, (Mapping, type(None)), name, 'Such as {"htm": "DELETE"}.')
        found = any_change(change)
        place = to or found.places[0]
        one_of(f"place for {change}", place, dict.fromkeys(found.places))
        if change not in CHANGES:
            from dpop_lab.lab.sign_in.plan import Plan  # when used

            if header or claims or signed_by or sign_again is not None:
                raise LabError("An attack on a sign-in has no proof to edit", wanted="its name")
            return Plan(change=found, to=place)
        if signed_by:
            one_of("signer", signed_by, dict.fromkeys(SIGNERS))
            found = replace(found, signed_by=signed_by)
        if sign_again is not None:
            found = replace(found, sign_again=sign_again)
        return self.parties.drafted(found, to=place, header=header, claims=claims)

    def riddle(
        self, changes: Listing[Any] = CHANGES, *, to: str = "", seed: int | None = None
    ) -> Draft:
        """A draft of one of these changes, for a place if it is named, that does not say which.

        It shows what would go over the wire; `send` wants a prediction for it, and makes the proof
        anew. A seed draws the same change each time. Raises `LabError` when none can be drafted.
        """
        expect(changes, Listing, "riddle", 'Such as CHANGES.of("claims").')
        expect(seed, (int, type(None)), "seed")
        fitting = [*(changes.at(to) if to else changes)]
        for name in Random(seed).sample(fitting, len(fitting)):  # noqa: S311  no secret
            try:
                draft = self.draft(name, to=to)
                if _is_plan(draft):
                    return draft.rehearsed(self.lab)
                return replace(draft, wire=self._wire(draft))
            except Unreachable:
                raise
            except LabError:  # not with this server
                continue
        raise LabError("No change has all of this", advice="Search for less.")

    def _wire(self, draft: Draft) -> tuple[Redacted, ...]:
        """The requests that would carry out a draft at this moment, redacted."""
        log, now = SessionLog(), self.lab.clock.time()
        sent = (sent_exchange(step, at=now) for step in self.parties.signed(draft)[0])
        return tuple(log.record(replace(one, ended_at=now)) for one in sent)

    def send(self, draft: Draft, **asked: Any) -> Sent:
        """Sign a draft and send it; `predict`, `policy` and `without` are those of `Lab.send`.

        What goes wrong on the way is told in `Sent.problem`. Raises `LabError` for a riddle without
        a prediction.
        """
        if draft.wire:
            if not asked.get("predict"):
                raise LabError("A riddle wants a prediction", wanted='such as predict="htu"')
            draft = self.draft(draft.change.name, to=draft.to)
        if draft.whole:
            self.lab.twin.sign_people_in()
            return self._sent(draft, [], "", **asked)
        return self._sent(draft, *self.parties.signed(draft), **asked)

    def attack(self, name: str, **asked: Any) -> "Played":
        """Carry out an attack on a sign-in; `asked` is as for `send`. See `Lab.attack`."""
        one_of("sign-in attack", name, catalogue_of(SIGN_IN), listed=LISTED)
        return cast("Played", self.send(self.draft(name), **asked))

    def send_again(self, number: int = 0, **asked: Any) -> Sent:
        """Send a request again, the same bytes, perhaps under other rules: as `send`.

        A sign-in is played again, for its codes are used up. `number` is that of one in `history`,
        without it the last. Raises `LabError` for another.
        """
        before, draft, step, proof = self._kept_as(number)
        if step is None:
            return self.send(draft, **asked)
        return self._sent(draft, [step], proof, before=before, **asked)

    def draft_of(self, number: int = 0) -> Draft:
        """What was sent as the one with this number in `history`, as it was drafted."""
        return self._kept_as(number)[1]

    def _kept_as(self, number: int) -> Kept:
        """What is kept of a request, without a number of the last. Raises `LabError` for none."""
        expect(number, int, "number", "That of one in history.")
        kept = {one[0].number: one for one in self._kept.copy()}
        if not kept:
            raise LabError("Nothing was sent yet", advice="Send something first.")
        if number and number not in kept:
            wanted = f"a number from {min(kept)} to {max(kept)}"
            raise LabError("No such request is kept", wanted=wanted, found=shown(number, 40))
        return kept[number or max(kept)]

    def _sent(self, *given: Any, **asked: Any) -> Sent:
        """Send one, and keep it, before another thread does."""
        with self._lock:
            kept = self._sent_now(*given, **asked)
            self.score = self.score.after(kept[0])
            self._kept.append(kept)
        return kept[0]

    def _sent_now(
        self,
        draft: Draft,
        steps: list[requests.PreparedRequest],
        proof: str,
        *,
        before: Sent | None = None,
        predict: str = "",
        policy: Policy | None = None,
        without: tuple[str, ...] = (),
    ) -> Kept:
        """What is to be kept of a draft that was sent; `before` is the one that is sent again."""
        rules = self._rules(draft, predict, policy, without)
        replayed = before is not None and (before.caught == ACCEPTED or REPLAYED in before.question)
        server = self.lab.kind if self.lab.live else rules.name
        told: dict[str, Any] = {
            "number": self._kept[-1][0].number + 1 if self._kept else 1,
            "predicted": predict,
            "question": (server, *draft.question, *[REPLAYED] * replayed),
        }
        title = draft.title + ", sent again" * (before is not None)
        sent = Sent(change=draft.change.name, title=title, to=draft.to, **told)
        try:
            if _is_plan(draft):
                own = policy in (None, self.lab.policy) and not without
                sent = draft.played(self.lab, rules, own=own, **told)
            else:
                came = sent_to(self.parties, draft, steps, proof, rules)
                sent = self._compared(replace(sent, **came), draft, proof)
        except (requests.RequestException, LabError, ValueError) as error:
            sent = replace(sent, problem=str(error))
        sent = replace(sent, at=self.lab.clock.time())
        return sent, draft, steps[-1] if steps else None, proof

    def _compared(self, sent: Sent, draft: Draft, proof: str) -> Sent:
        """What was sent, and what is other than in the last honest proof."""
        read = read_proof(proof)
        now, honest = flat(read.header, read.claims), flat(*map(members_of, draft.honest))
        number, compared = self._accepted.get(draft.to, (0, honest))
        if sent.answered and by_all_rows(sent.answered) and draft.honestly:
            self._accepted[draft.to] = sent.number, now
        differing = difference(compared, now)
        return replace(
            sent,
            compared_with=number,
            fresh=tuple(name for name in NEW if now.get(name) == honest[name]),
            difference=at_once(partial(mapped, differing), self.lab.log.known),
        )

    def _rules(
        self, draft: Draft, predict: str, policy: Policy | None, without: tuple[str, ...]
    ) -> Policy:
        """A policy, the server's own unless given, with rows struck out; all names are checked."""
        expect(policy, (Policy, type(None)), "policy", "DUENDE or RFC_9449.")
        rules = draft.under(policy or self.lab.policy)
        expect(without, (tuple, list, str), "without", 'Such as ("htm",).')
        for name in (without,) if isinstance(without, str) else without:
            rules = rules.without(name)
        if predict:
            known = (rules, *map(draft.under, POLICIES.values()))
            rows = {name for one in known for name in one.row_names}
            one_of("row", predict, dict.fromkeys([*draft.outcomes, *draft.words, *sorted(rows)]))
        return rules
