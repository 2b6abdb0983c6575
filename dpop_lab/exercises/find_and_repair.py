"""Find and repair: three rows with a fault in their source, and four repairs to choose from."""

from collections.abc import Iterator

from dpop_lab.exercises.exercise import Exercise
from dpop_lab.exercises.faults import MOST, Fault, Owner
from dpop_lab.proof.rules import bound_key, fresh, htu


def _twice(owner: Owner) -> Iterator[str]:
    """A proof that is dated ahead, and sent again when the server has forgotten it."""
    proof = owner.proof(ahead=55)
    yield proof
    owner.lab.clock.advance(80)
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
    "06.6",
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
    "07.5",
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
    "08.5",
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
