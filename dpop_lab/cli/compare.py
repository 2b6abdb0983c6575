"""`dpop-lab compare`: the catalogue of changes against two servers, and where they differ."""

import argparse
import json
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dpop_lab.cli.options import (
    EXIT_CODES,
    POLICIES,
    Commands,
    adder,
    base_url,
    command,
    say,
    seconds,
    settings_from,
    show,
)
from dpop_lab.client.read_settings import variable
from dpop_lab.errors import LabError
from dpop_lab.lab.participant import demo_client
from dpop_lab.wire.syntax import is_loopback

if TYPE_CHECKING:
    from dpop_lab.lab.lab import Lab

ABOUT = """A and B are, in any combination:
  twin, {policies}    the offline twin, under a policy
  "duende without htm"     the same with a row, or several, struck out
  live                     demo.duendesoftware.com
  https://as.example       any issuer, as the client in --client-a or --client-b, a JSON file with
                           client_id, client_secret, scope, api (the URL to call) and the like;
                           without it the client is in DPOP_LAB_CLIENT_ID and the other variables,
                           or, for a twin on this machine, m2m.dpop of the demo
A server that is not a twin and not on this machine is asked slowly, and only after you said yes."""
EXAMPLES = """examples:
  dpop-lab compare duende rfc9449
  dpop-lab compare duende "duende without htm htu" --place API
  dpop-lab compare twin http://127.0.0.1:8080 --json
  dpop-lab compare rfc9449 https://as.example --client-b client.json --pace 2"""


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    about = ABOUT.format(policies=", ".join(POLICIES))
    words, epilog = "where two servers answer differently", f"{about}\n\n{EXAMPLES}\n\n{EXIT_CODES}"
    add = adder(command(commands, "compare", _compare, words, epilog))
    add("a A", "a server; see below", nargs="?")
    add("b B", "a server; see below", nargs="?")
    add("--client-a FILE", "the client at A")
    add("--client-b FILE", "the client at B")
    add("--list", "list all changes and what they do, and nothing else")
    add("--change NAME", "these changes; default: all in CHANGES", nargs="+")
    add("--place NAME", 'these places, such as API or "token endpoint"', nargs="+")
    add("--pace S", "seconds between requests; elsewhere 0.5", type=seconds)
    add("--yes", "do not ask before it starts")
    add("--all", "list also what is worded differently")
    add("--json", "print everything as JSON")


def _compare(options: argparse.Namespace) -> int:
    from dpop_lab.lab.catalogue import CHANGES
    from dpop_lab.lab.compare import compare

    if options.list:
        print(CHANGES)
        return 0
    with ExitStack() as stack:
        a, b = (stack.enter_context(_lab(options, side)) for side in "ab")
        found = compare(
            a,
            b,
            changes=options.change,
            places=options.place,
            pace=options.pace,
            progress=_progress,
            ask=_tell if options.yes else _by_terminal,
        )
    if options.json:
        print(json.dumps(found.as_json(), indent=2))
    elif found.rows or not found.stopped:
        show(found.text(everything=options.all))
    if found.cause:
        raise found.cause
    return 1 if found.differences else 0


def _lab(options: argparse.Namespace, side: str) -> "Lab":
    """The world that the name or the issuer on a side stands for."""
    from dpop_lab.lab.lab import Lab

    text, client = getattr(options, side), getattr(options, f"client_{side}")
    if text is None:
        raise LabError("Two servers are compared", wanted="A and B", advice="Or --list.")
    name, _, rows = text.partition(" without ")
    policy = POLICIES.get("duende" if name == "twin" else name)
    if client is not None and (policy or text == "live"):
        raise LabError(f"--client-{side} is for an issuer, and {text} has the demo's client")
    if policy:
        for row in rows.replace(",", " ").split():
            policy = policy.without(row)
        return Lab(policy=policy)
    if text == "live":
        return Lab(live=True)
    try:
        issuer = base_url(text)
    except argparse.ArgumentTypeError as error:
        known = ", ".join(POLICIES)
        raise LabError(f"Neither twin, {known} nor live, and no issuer: {error}") from None
    if client is None and is_loopback(issuer) and variable("client_id") not in os.environ:
        return Lab(settings=demo_client(issuer.rstrip("/")))
    with settings_from(f"--client-{side}", client or "FILE.json"):
        return Lab(issuer=issuer, settings=client)


def _tell(words: str) -> bool:
    """Say what is going to be sent to a person who said yes to it before."""
    say(words)
    return True


def _by_terminal(words: str) -> bool:
    """Ask the person at the terminal; what is piped in is nobody's consent."""
    from dpop_lab.lab.compare import by_keyboard

    return by_keyboard(words) if sys.stdin.isatty() else not _tell(words)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\r" if done < of else "\r\x1b[K"
        print(f"{done} of {of}", end=end, file=sys.stderr, flush=True)
