"""Find and repair: a row whose source has a fault, four repairs to choose from, and what they do.

Fault and repairs are edits of the row's own source, compiled again. Each attack is sent to a server
with the row that was chosen, and each honest request: it has to refuse all of the first and none of
the others.
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
from dpop_lab.errors import LabError
from dpop_lab.exercises.exercise import Exercise, Steps
from dpop_lab.exercises.museum import ticket_for
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.catalogue.change import one_of
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import proof_claims, proof_header
from dpop_lab.proof.rules import bound_key, fresh, htu
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


class Client:
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
        """A proof for a call of the API with the token, by the client's key or another.

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


Proofs = Callable[[Client], Iterable[str]]  # to be sent one after the other, up to a refusal
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
        client = Client(scene.open(self.policy(self.wrong)))

        def send(proofs: Proofs, session: requests.Session) -> requests.Response:
            for proof in proofs(client):
                headers = {"Authorization": f"DPoP {client.token}", "DPoP": proof}
                answer = session.get(client.lab.api, headers=headers)
                if not answer.ok:
                    break
            return answer

        def attack() -> list[requests.Response]:
            """Carry out the attacks against the server as it is."""
            client.renew()
            return [send(proofs, client.lab.session) for proofs in self.attacks.values()]

        tried: list[str] = []

        def repair(letter: str) -> None:
            """Put one of the repairs in; the attacks and the honest requests are sent to it."""
            part = one_of("repair", letter, self.repairs)
            if len(tried) == MOST:
                raise LabError(f"{MOST} repairs were tried", advice="task.start_again()")
            tried.append(letter)
            client.renew()
            plays = {**self.attacks, **self.honest}
            trials = {words: partial(send, proofs) for words, proofs in plays.items()}
            scene.try_out(self.policy(part), trials)

        return {"attack": attack, "repairs": Repairs(self), "repair": repair}

    def steps(self, scene: Scene) -> Steps:
        """All attacks refused by the repair that was tried last, all honest requests let in."""
        through = any(one.accepted for one in scene.at(API))
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


# ---- the faults


def _twice(client: Client) -> Iterator[str]:
    """A proof that is dated ahead, and sent again when the server has forgotten it."""
    proof = client.proof(ahead=55)
    yield proof
    client.lab.clock.advance(80)
    yield proof


_BY_NAME = Fault(
    row=bound_key,
    right="jkt(proof, context)",
    wrong='proof.header.get("kid") or jkt(proof, context)',
    repairs={
        "a": '_jwk(proof, context).get("kid") or jkt(proof, context)',
        "b": 'None if "kid" in proof.header else jkt(proof, context)',
        "c": 'proof.header.get("kid", jkt(proof, context))',
        "d": "jkt(proof, context)",
    },
    attacks={
        "thief, kid in the header": lambda one: [one.proof(one.thief, header={"kid": one.jkt})],
        "thief, kid in the jwk": lambda one: [one.proof(one.thief, jwk={"kid": one.jkt})],
    },
    honest={
        "owner, as usual": lambda one: [one.proof()],
        "owner, kid in the header": lambda one: [one.proof(header={"kid": one.jkt})],
    },
)
_AHEAD = Fault(
    row=fresh,
    right="window.defect(time, context.now)",
    wrong="window.defect(min(time, context.now), context.now)",
    repairs={
        "a": "window.defect(context.now - abs(context.now - time), context.now)",
        "b": "window.defect(time, context.now)",
        "c": "window.defect(max(time, context.now), context.now)",
        "d": '"early" if time > context.now else window.defect(time, context.now)',
    },
    attacks={
        "thief, an hour ahead": lambda one: [one.proof(ahead=3600)],
        "thief, ten minutes late": lambda one: [one.proof(ahead=-600)],
        "thief, 55 s ahead, twice": _twice,
    },
    honest={
        "owner, clock right": lambda one: [one.proof()],
        "owner, clock 8 s fast": lambda one: [one.proof(ahead=8)],
        "owner, clock 40 s slow": lambda one: [one.proof(ahead=-40)],
    },
)
_BY_PATH = Fault(
    row=htu,
    right="context.reading.same_url(context.url, found)",
    wrong='found.split("/", 3)[3:] == context.url.split("/", 3)[3:]',
    repairs={
        "a": "found == context.url",
        "b": "found.endswith(context.url)",
        "c": "context.reading.same_url(context.url, found)",
        "d": 'found.split("/")[2:3] == context.url.split("/")[2:3]',
    },
    attacks={
        "mallory, same path": lambda one: [one.proof(htu="https://mallory.example/api/dpop/test")],
        "thief, from another API": lambda one: [one.proof(htu=one.lab.plain_api)],
        "mallory, our URL behind": lambda one: [
            one.proof(htu=f"https://mallory.example/{one.lab.api}")
        ],
    },
    honest={
        "owner, URL as called": lambda one: [one.proof()],
        "owner, port :443": lambda one: [one.proof(htu=one.lab.api.replace(".com", ".com:443"))],
        "owner, host in capitals": lambda one: [
            one.proof(htu=one.lab.api.replace("demo.", "DEMO."))
        ],
    },
)


def _exercise(
    name: str, fault: Fault, *, title: str, task: str, hints: tuple[str, str, str]
) -> Exercise:
    """The exercise in which a fault is repaired."""
    return Exercise(
        id=name,
        kind="defend",
        title=title,
        task=f"{task} task.repairs shows its source, with four repairs. Watch the attack with"
        " task.attack(), choose a repair, and try it: task.repair('a'). It has to stop every attack"
        f" and no honest request; you have {MOST} choices.",
        gives={
            "repairs": "shows the row, and four repairs of it",
            "attack": "sends the attack to the server as it is",
            "repair": "puts a repair in, by its letter, and tries it out",
        },
        hints=hints,
        start=fault.start,
        steps=fault.steps,
    )


KID_BELIEVED = _exercise(
    "06.9",
    _BY_NAME,
    title="The key with a name",
    task="The author of this row trusts a name that comes with the proof: kid, which some"
    " libraries write into the header, the thumbprint of the key. A thief with the token"
    " gets in.",
    hints=(
        "Who writes kid, and where? task.lab.log[-1].reports[-1]['bound_key'] says what"
        " the row found.",
        "Whatever a thief can write into a proof, in the header or in the jwk, says"
        " nothing about the key that signed it. But an honest client may write it, too.",
        "The thumbprint is computed from the key that the signature was verified with."
        " Nothing else in the proof has a say.",
    ),
)
AHEAD_FORGOTTEN = _exercise(
    "07.9",
    _AHEAD,
    title="The future is not looked at",
    task="Proofs may be 60 s old and 10 s ahead here, and are remembered for 71 s. The"
    " author of this row forgot one half of the window: whoever had the key for a minute"
    " sends a proof made for later now, and again when it is forgotten.",
    hints=(
        "What does min(time, context.now) make of a time that is ahead?",
        "This server takes 60 s back and 10 s ahead, and remembers a proof for 71 s: work"
        " out for each repair how long a proof is good, and who has a fast clock.",
        "A window has two sides, which need not be alike: Window.defect knows both.",
    ),
)
PATH_ALONE = _exercise(
    "08.9",
    _BY_PATH,
    title="Behind the proxy, too kind",
    task="An API behind a proxy refused everybody, since it knows itself by another host."
    " So its author compares the path alone, and now a server of mallory's can pass"
    " proofs on that were made for mallory.",
    hints=(
        "Which part of htu says for whom the proof was made?",
        "Two spellings of one URL are one URL (lesson 3): a port that is the usual one, a"
        " host in capital letters. So equal texts are too much to ask.",
        "Normalise both URLs, and compare all of them but query and fragment. That the API"
        " knows its public URL is a matter of its settings.",
    ),
)
