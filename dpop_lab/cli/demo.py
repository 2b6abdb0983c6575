"""`dpop-lab demo`: the whole flow on the offline twin, printed step by step."""

import argparse
from typing import TYPE_CHECKING

from dpop_lab.cli.options import POLICIES, add_policy

if TYPE_CHECKING:
    from dpop_lab.cli.options import Commands


def add_demo(commands: "Commands") -> None:
    """Add the command to the parser."""
    demo = commands.add_parser("demo", help="the whole flow on the offline twin, step by step")
    add_policy(demo)
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from dpop_lab.lab.demo import demo

    for step in demo(POLICIES[options.policy]):
        print(f"{step}\n")
    return 0
