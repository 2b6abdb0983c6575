"""Lesson 6."""

from dataclasses import replace

from dpop_lab import RFC_9449, generate_key
from dpop_lab.lab.catalogue.spelling import with_the_other_s
from dpop_lab.proof.rules import Window
from tests.exercises import Tried

ATTACKS = {
    "htm": "method_delete", "bound_key": "own_key", "ath": "ath_of_another",
    "htu": "url_with_slash", "fresh": "iat_an_hour_ago",
}  # fmt: skip


def attack(task, name=True):
    """Get in with one of five attacks and name its row, or another; begin again where none does."""
    for row, change in ATTACKS.items():
        if task.lab.send(change).caught == "accepted":
            return name and task.name(row if name is True else name)
    task.start_again()  # it was the sixth row
    return attack(task, name)


def repaired(**changes):
    """Try the policy out with these changes at the API."""

    def way(task):
        api = replace(task.policy.api, **changes)
        task.repair(replace(task.policy, profiles={**task.policy.profiles, "api": api}))

    return way


def predicted(**pairs):
    """Send these with two predictions each."""

    def way(task):
        for name, (demo, strict) in pairs.items():
            task.send(name, demo=demo, strict=strict)

    return way


BOTH = {
    "door": ("ath", "htm"), "slow": ("fresh", "accepted"), "fast": ("accepted", "fresh"),
    "counter": ("unused", "accepted"), "capitals": ("accepted", "htu"),
}  # fmt: skip
ALONE = (
    "two_proofs", "private_member", "typ_missing", "signature_of_zeros", "own_key",
    "ath_of_another", "jti_missing", "htm_delete", "url_with_slash", "iat_zero", "sent_twice",
)  # fmt: skip


def sent(*changes):
    def way(task):
        for change in changes:
            task.lab.send(change)

    return way


def replayed(respell):
    """Send the captured call, its proof with another text."""

    def way(task):
        headers = {**task.captured, "DPoP": respell(task.captured["DPoP"])}
        task.lab.session.get(task.lab.api, headers=headers)

    return way


def by_own_key(task):
    lab, token = task.lab, task.captured["Authorization"][5:]
    headers = {"DPoP": lab.proof(generate_key(), "GET", lab.api, access_token=token)}
    lab.session.get(lab.api, headers={**task.captured, **headers})


TRIED = {
    "06.1": Tried(
        solve=attack,
        wrong=(
            lambda task: task.lab.send(),
            lambda task: task.lab.send("alg_none"),
            lambda task: attack(task, ""),
            lambda task: attack(task, "typ"),
            lambda task: [task.lab.send("alg_none") for _ in range(7)],
            lambda task: task.lab.send("own_key", policy=RFC_9449.without("bound_key")),
        ),
    ),
    "06.2": Tried(
        solve=repaired(remember=55),
        wrong=(
            repaired(remember=30),
            repaired(window=Window(5, 25)),
            repaired(window=Window(30, 0)),
            lambda task: task.lab.send(),
        ),
    ),
    "06.3": Tried(
        solve=predicted(**BOTH),
        wrong=(
            predicted(slow=("fresh", "fresh")),
            predicted(fast=("fresh", "fresh")),
            predicted(door=("htm", "htm")),
            predicted(counter=("unused", "")),
            predicted(counter=BOTH["counter"]),
        ),
    ),
    "06.4": Tried(
        solve=sent(*ALONE),
        wrong=(
            sent("honest"),
            sent("made_for_the_token_endpoint"),
            sent("under_bearer"),
            sent("htm_delete", "method_delete"),
            sent("htm_delete"),
            sent(*["typ_jwt"] * 13),
        ),
        second=sent("typ_jwt", *ALONE),
    ),
    "06.5": Tried(
        solve=replayed(lambda proof: proof + "=="),
        wrong=(
            replayed(lambda proof: proof),
            replayed(lambda proof: proof[:-4] + "AAAA"),
            lambda task: task.lab.send("sent_twice_other_s"),
            lambda task: task.lab.session.get(
                task.lab.api, headers={"Authorization": task.captured["Authorization"]}
            ),
            by_own_key,
        ),
        second=replayed(with_the_other_s),
    ),
}
