"""`dpop-lab diagnose`: what is wrong with whatever was pasted, and what to do."""

import argparse
import json
import os
import sys
from typing import Any

from dpop_lab.cli.options import POLICIES, Commands, adder, command, method, named, say, show, url
from dpop_lab.doctor.diagnosis import diagnose
from dpop_lab.doctor.paste.recognise import LONGEST_JSON
from dpop_lab.errors import LabError
from dpop_lab.show.values import seconds_since_1970

EXAMPLES = """examples:
  dpop-lab diagnose session.log
  dpop-lab diagnose --url https://api.example.com/orders --method GET proof.txt
  pbpaste | dpop-lab diagnose
  dpop-lab diagnose "Invalid 'htu' value."
FILE holds a proof, an access token, header lines, an error, raw HTTP, a curl command, a HAR file or
a session log. Nothing is sent anywhere.

exit codes:
  0  healthy
  1  findings
  2  not understood, or something given to the command is wrong"""


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words = "what is wrong with a proof, a token, a request, an answer"
    parser = command(commands, "diagnose", _diagnose, words, EXAMPLES)
    add, form = adder(parser), adder(parser.add_mutually_exclusive_group())
    add("file FILE", "a file, - or nothing: stdin, or the text itself", nargs="*")
    add("--url URL", "of the request", type=url)
    add("--method M", "of the request", type=method)
    add("--token T", "the access token; @FILE reads it", type=_token, default="")
    add("--nonce N", "the nonce the server gave", default="")
    words = "when it was sent: seconds since 1970, an HTTP or an ISO 8601 date"
    add("--now TIME", words, type=_time)
    add("--jwks FILE", "the JWK Set of the token's issuer", type=_jwks)
    words = "the rules; default: the demo's for the demo, rfc9449 for any other server"
    add(f"--policy {'|'.join(POLICIES)}", words, choices=POLICIES)
    form("--json", "for machines")
    form("--markdown", "for an issue or a chat")
    add("--all", "all details: every member, every exchange, a line for each row")


def _diagnose(options: argparse.Namespace) -> int:
    if len(options.file) > 1:
        raise LabError("One FILE at a time: the access token goes into --token @FILE")
    found = diagnose(
        _pasted(*options.file),
        url=options.url or "",
        method=options.method or "",
        token=options.token,
        nonce=options.nonce,
        now=options.now,
        jwks=options.jwks,
        policy=POLICIES.get(options.policy),
    )
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    elif options.markdown:
        print(found.markdown())
    else:
        show(found.text(everything=options.all))
    return found.exit_code


def _pasted(path: str = "-") -> bytes | str:
    """What is in the file, or what was given in the place of its name."""
    if not path.strip():
        wanted = "a file, - for standard input, or the text itself"
        raise LabError("No text", wanted=wanted, found="nothing")
    if path == "-":
        if sys.stdin.isatty():
            say("dpop-lab: paste it here, then press Ctrl-D (Windows: Ctrl-Z, Enter).")
        return sys.stdin.buffer.read(LONGEST_JSON + 1)  # one more: then the rest is told of
    if not os.path.exists(path) and diagnose(path).understood:
        return path
    return _octets(path)


def _octets(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST_JSON + 1)
    except ValueError:
        raise LabError(f"No name of a file: {named(path)}") from None


def _token(text: str) -> str:
    if not text.startswith("@"):
        return text
    return _octets(text[1:]).decode("utf-8", "replace").strip()


def _jwks(path: str) -> dict[str, Any]:
    keys = diagnose(_octets(path)).jwks
    if not keys:
        raise LabError(f"--jwks {named(path)}: wanted a JWK Set, a JSON object with keys")
    return {"keys": [*keys]}


def _time(text: str) -> float:
    seconds = seconds_since_1970(text)
    if seconds is None:
        wanted = "seconds since 1970, an HTTP date or an ISO 8601 date"
        raise argparse.ArgumentTypeError(f"wanted {wanted}, found {named(repr(text))}")
    return seconds


def say_advice(refusal: object) -> None:
    """Say what a diagnosis finds in an answer, or in an error, that refused a call."""
    for last in diagnose(refusal).examined[-1:]:
        for problem in last.problems:
            say(f"  {problem.title}\n    do: {problem.action}")
