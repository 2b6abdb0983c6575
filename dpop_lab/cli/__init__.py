"""The `dpop-lab` command: all its commands, and the edge where an error is a line and a code."""

import argparse
import os
import sys
from collections.abc import Sequence

import requests

from dpop_lab import __version__
from dpop_lab.cli import call, compare, demo, diagnose, key, lessons, login, ready, serve
from dpop_lab.cli.options import EXIT_CODES, RAW, fail, named
from dpop_lab.client.bounded import in_its_words, remedy, unanswered
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError
from dpop_lab.lab.live import Unreachable

EXAMPLES = """examples:
  dpop-lab                          the lessons, in JupyterLab
  dpop-lab lessons --restore 03     a lesson as it was; yours is kept
  dpop-lab ready                    whether this machine is ready for them
  dpop-lab demo                     the whole flow, explained step by step, offline
  dpop-lab key new ec.pem           a new EC key in a file
  dpop-lab call --key ec.pem        token and protected call with it, at the offline twin
  dpop-lab call --key ec.pem --live the same at demo.duendesoftware.com
  dpop-lab login                    sign in with a browser, at the offline twin
  dpop-lab compare duende rfc9449   where the two policies answer differently
  dpop-lab diagnose session.log     what is wrong, and what to do; sends nothing
  dpop-lab serve --port 8080        the twin on a port, for clients in any language"""
PASSWORD_REASONS = ("password_missing", "wrong_password")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code. No traceback for anything a person can get wrong."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a check mark
    try:
        return _run(arguments)
    except TokenRefused as refused:
        fail(str(refused), 1)
        diagnose.say_advice(refused)
        return 1
    except Unreachable as error:
        return fail(str(error), 3)
    except LabError as error:
        locked = getattr(error, "reason", "") in PASSWORD_REASONS
        return fail(f"{error} Here: --password-env NAME." if locked else str(error), 2)
    except requests.RequestException as error:
        if words := unanswered(error, call.TIMEOUT):
            return fail(f"{words}. {remedy(error)}", 3)
        return fail(f"The request can't be made: {in_its_words(error)}.", 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        at = f": {named(error.filename)}" if error.filename is not None else ""
        return fail(f"{error.strerror or error}{at}", 2)
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="dpop-lab",
        description="Learn and debug OAuth 2.0 DPoP (RFC 9449). Alone it opens the lessons.",
        epilog=f"{EXAMPLES}\n\n{EXIT_CODES}",
        formatter_class=RAW,
    )
    parser.add_argument("-V", "--version", action="version", version=f"dpop-lab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    lessons.declare(parser, commands)
    for one in (demo, serve, call, compare, diagnose, key, ready, login):
        one.declare(commands)
    options = parser.parse_args(arguments)
    if lessons.misplaced(options):
        parser.error("options before the command are those of the lessons; put them after it")
    return int(options.run(options))
