"""Lesson 6."""

from dataclasses import replace

from dpop_lab import RFC_9449
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
}
