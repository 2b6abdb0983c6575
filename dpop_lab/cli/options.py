"""What several commands are given on the command line, and how each value is read."""

import argparse
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dpop_lab.cli.terminal import Wrong, named
from dpop_lab.client.settings import http_parts
from dpop_lab.jose.keys import ALGORITHMS
from dpop_lab.server import policies

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
POLICIES = {name.lower().replace("_", ""): policy for name, policy in policies.POLICIES.items()}
RAW: Mapping[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter}
EXIT_CODES = """exit codes:
  0  done; the server accepted, or two answered alike
  1  the server refused, or two answered differently
  2  something given to the command is wrong
  3  no answer: the host can't be reached"""
POLICY: Mapping[str, Any] = {  # what several commands say of an option
    "choices": list(POLICIES),
    "default": "duende",
    "help": "what the demo server does, or what a strict reading of the RFCs asks",
}
ALG: Mapping[str, Any] = {
    "choices": list(ALGORITHMS),
    "metavar": "ALG",
    "help": "what the key signs with, when its kind leaves a choice; RSA: PS256",
}
PASSWORD: Mapping[str, Any] = {
    "metavar": "NAME",
    "help": "the environment variable that holds the key's password",
}


def command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    words: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """A new command's parser, for its options; `words` are its help, `run` gives the exit code."""
    parser = commands.add_parser(name, help=words, epilog=epilog, **RAW)
    parser.set_defaults(run=run)
    return parser


def password(options: argparse.Namespace) -> str | None:
    """The key's password, None when none was named. Raises `Wrong` when it is not there."""
    name = options.password_env
    if name is None:
        return None
    if not os.environ.get(name):
        state = "empty" if name in os.environ else "not set"
        raise Wrong(f"No password: the environment variable {name} is {state}.")
    return os.environ[name]


def port(text: str) -> int:
    """A port's number, 0 for any."""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"wanted 0 to 65535, found {named(repr(text))}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or not float(text):
        raise argparse.ArgumentTypeError(f"wanted seconds, more than 0, found {named(repr(text))}")
    return float(text)


def url(text: str) -> str:
    """An http(s) URL with a host, as it was given."""
    if http_parts(text) is None:
        shown = re.sub(r"//[^/@]*@", "//…@", text.partition("?")[0])
        found = named(repr(shown))
        raise argparse.ArgumentTypeError(f"wanted http(s)://host[:port]/…, found {found}")
    return text


def base_url(text: str) -> str:
    """An http(s) URL without user, query and fragment."""
    if any(mark in text for mark in "?#@"):
        raise argparse.ArgumentTypeError("wanted no user, query or fragment in it")
    return url(text)


def method(text: str) -> str:
    """An HTTP method: a token as RFC 9110 section 5.6.2 has it."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):
        raise argparse.ArgumentTypeError(f"wanted a method such as GET, found {named(repr(text))}")
    return text
