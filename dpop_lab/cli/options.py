"""What several commands are given on the command line, and how each value is read."""

import argparse
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dpop_lab.cli.terminal import Wrong, named
from dpop_lab.jose.keys import ALGORITHMS
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

POLICIES: Mapping[str, Policy] = {"duende": DUENDE, "rfc9449": RFC_9449}
RAW: Mapping[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter}
EXIT_CODES = """exit codes:
  0  done; the server accepted, or two answered alike
  1  the server refused, or two answered differently
  2  something given to the command is wrong
  3  no answer: the host can't be reached"""


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add `--policy`, a name in POLICIES."""
    words = "what the demo server does, or what a strict reading of the RFCs asks"
    parser.add_argument("--policy", choices=list(POLICIES), default="duende", help=words)


def add_alg(parser: argparse.ArgumentParser) -> None:
    """Add `--alg`, None when it is not given."""
    words = "what the key signs with, when its kind leaves a choice; RSA: PS256"
    parser.add_argument("--alg", choices=list(ALGORITHMS), metavar="ALG", help=words)


def add_password(parser: argparse.ArgumentParser) -> None:
    """Add `--password-env`; `password` reads what it names."""
    words = "the environment variable that holds the key's password"
    parser.add_argument("--password-env", metavar="NAME", help=words)


def password(options: argparse.Namespace) -> str | None:
    """The key's password, None when none was named. Raises `Wrong` when it is not there."""
    name = options.password_env
    if name is not None and name not in os.environ:
        raise Wrong(f"No password: the environment variable {name} is not set.")
    if name is not None and not os.environ[name]:
        raise Wrong(f"No password: the environment variable {name} is empty.")
    return None if name is None else os.environ[name]


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
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
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
