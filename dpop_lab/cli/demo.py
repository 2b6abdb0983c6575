"""`dpop-lab demo`: the whole flow on the offline twin, printed step by step."""

import argparse

from dpop_lab.cli.options import POLICIES, Commands, add_policy, adder, command


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words = "the whole flow on the offline twin, step by step"
    add_policy(adder(command(commands, "demo", _demo, words)))


def _demo(options: argparse.Namespace) -> int:
    from dpop_lab.lab.demo import demo

    for step in demo(POLICIES[options.policy]):
        print(f"{step}\n")
    return 0
