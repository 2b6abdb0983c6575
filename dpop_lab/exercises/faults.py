"""A fault in a row and its repairs, and what comes of each.

All are edits of the row's own source, compiled again. Each attack is sent to a server with the row
that was chosen, and each honest request: it has to refuse all of the first and none of the others.
"""

import inspect
import linecache
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import requests

from dpop_lab.checking import Check
from dpop_lab.errors import LabError, one_of
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.museum import ticket_for
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import proof_claims, proof_header
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import API
from dpop_lab.show import Block, Shown, Table

MOST = 2  # repairs that may be tried


def edited(row: Check, old: str, new: str) -> Check:
    """A row after one edit of its source, compiled beside the names of its own module.

    Raises `LabError` where the source does not have the old text just once.
    """
    source = inspect.getsource(row.judge)
    if source.count(old) != 1:
        raise LabError(f"The source of {row.name} is another one", wanted=old, found=source)
    source, file = source.replace(old, new), f"<{row.name} with {new}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = dict(vars(sys.modules[row.judge.__module__]))
    exec(compile(source, file, "exec"), names)  # noqa: S102  our own source, with our own edit
    made: Check = names[row.name]
    return made


def with_row(policy: Policy, row: Check) -> Policy:
    """A policy that asks this row in place of the one with the same name."""
    profiles = {
        place: replace(one, rows=tuple(row if old.name == row.name else old for old in one.rows))
        for place, one in policy.profiles.items()
    }
    return replace(policy, profiles=profiles)


class Owner:
    """An honest client with a key and a token bound to it; `thief` is a key of somebody else."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.key, self.thief = lab, generate_key(), generate_key()
        self.jkt, self.token = thumbprint(self.key.public_jwk()), ""

    def renew(self) -> None:
        """Get another token: a learner may have thought for longer than one is good for."""
        self.token = ticket_for(self.lab, "m2m.dpop", self.key)

    def proof(
        self,
        by: PrivateKey | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        jwk: Mapping[str, Any] | None = None,
        ahead: int = 0,
        htu: str = "",
    ) -> str:
        """A proof for a call of the API with the token, by the owner's key or another.

        `header` and `jwk` are further members, `ahead` seconds from now, `htu` another URL.
        """
        key = by or self.key
        claims = proof_claims(
            jti=str(uuid.uuid4()),
            htm="GET",
            htu=self.lab.api,
            iat=self.lab.clock.now() + ahead,
            access_token=self.token,
        )
        made = {**proof_header(key), **(header or {})}
        made["jwk"] |= jwk or {}
        return sign_compact(made, claims | ({"htu": htu} if htu else {}), key)


Proofs = Callable[[Owner], Iterable[str]]  # to be sent one after the other, up to a refusal
Plays = Mapping[str, Proofs]  # by what they are, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault in a row, what can be done about it, and what shows whether that is enough."""

    row: Check
    right: str  #: the part of the row's source that is at stake
    wrong: str  #: what stands in its place
    repairs: Mapping[str, str]  #: what may be put there instead, by a letter
    attacks: Plays
    honest: Plays

    def policy(self, part: str) -> Policy:
        """The strict policy with this in place of the part."""
        return with_row(RFC_9449, edited(self.row, self.right, part))

    def start(self, scene: Scene) -> Mapping[str, Any]:
        """A server with the fault, a client of it, and what tries a repair out."""
        owner = Owner(scene.open(self.policy(self.wrong)))

        def send(proofs: Proofs, session: requests.Session) -> requests.Response:
            for proof in proofs(owner):
                headers = {"Authorization": f"DPoP {owner.token}", "DPoP": proof}
                answer = session.get(owner.lab.api, headers=headers)
                if not answer.ok:
                    break
            return answer

        def attack() -> list[requests.Response]:
            """Carry out the attacks against the server as it is."""
            owner.renew()
            session = owner.lab.session
            return scene.hand_on(lambda: [send(one, session) for one in self.attacks.values()])

        tried: list[str] = []

        def repair(letter: str) -> object:
            """Put one of the repairs in; the attacks and the honest requests are sent to it."""
            part = one_of("repair", letter, self.repairs)
            if len(tried) == MOST:
                raise LabError(f"{MOST} repairs were tried", advice="task.start_again()")
            tried.append(letter)
            owner.renew()
            plays = {**self.attacks, **self.honest}
            trials = {words: partial(send, proofs) for words, proofs in plays.items()}
            return scene.try_out(self.policy(part), trials)

        return {"attack": attack, "repairs": Repairs(self), "repair": repair}

    def steps(self, scene: Scene) -> Steps:
        """All attacks refused by the repair that was tried last, all honest requests let in."""
        through = any(one.accepted and one.handed for one in scene.at(API))
        told = "The attack got through, as the row is now. " * through
        yield scene.trials, f"{told}No repair was tried yet: task.repairs has four."
        for words in self.attacks:
            yield not scene.trials[words][-1].accepted, f"An attack still gets in: {words}."
        for words in self.honest:
            (seen,) = scene.trials[words]
            refused = (
                f"This repair refuses an honest request: {words}. In the report: {seen.reason}."
            )
            yield seen.accepted, refused
        return "No attack gets in any more, and every honest request does."


@dataclass(frozen=True, slots=True, repr=False)
class Repairs(Shown):
    """The row as the server has it, and what may be put in place of its fault."""

    fault: Fault

    def blocks(self) -> Iterator[Block]:
        """Its source, then a letter and the code that is put in."""
        one = self.fault
        source = inspect.getsource(edited(one.row, one.right, one.wrong).judge)
        yield Table("", ((one.row.name, source[source.index("def ") :].rstrip()),))
        rows = tuple(one.repairs.items())
        yield Table(f"In place of {one.wrong}", rows, ("Repair", "Code"), code=("Code",))
