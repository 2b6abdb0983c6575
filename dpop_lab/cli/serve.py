"""`dpop-lab serve`: the twin on a port, until a signal ends it."""

import argparse
import json
import os
import queue
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpop_lab.cli.options import (
    POLICIES,
    Commands,
    add_policy,
    adder,
    base_url,
    command,
    listening,
    named,
    on_signals,
    port,
    say,
    show,
    write_secret,
)
from dpop_lab.errors import KeyUnusable, LabError
from dpop_lab.jose.encoding import read_json
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import key_bits
from dpop_lab.wire.syntax import is_loopback

if TYPE_CHECKING:
    from dpop_lab.doctor.explain.telling import Entry
    from dpop_lab.server.sockets import RunningTwin

EXAMPLES = """examples:
  dpop-lab serve
  dpop-lab serve --port 8080 --policy rfc9449 --api-nonce
  dpop-lab serve --port 8080 --explain
  dpop-lab serve --port 8080 --explain --host 192.0.2.5
  dpop-lab serve --port 8080 --explain --host 0.0.0.0 --base-url http://192.0.2.5:8080
The first line printed is the base URL, the second the word ready. SIGINT or SIGTERM ends it.
With --explain a line follows for each request, and on refusal which row said no, what it wanted,
what it found and what to change. The same is shown, without secrets, to whoever opens the URL.

One server for a room: give --host an address of this machine by which the others reach it, and tell
them the URL that is printed. A participant is Lab(issuer=URL, name="ann"), or any client with the
header line DPoP-Lab-Name: ann. The page counts what was accepted and refused of each, shows the
requests of one by a click or at URL/?name=ann, and the exercise of those who agree to it by
progress().share(lab). The URL that ends in #trainer=... is yours alone: its page has a button that
makes the server forget all requests, counts, names and used proofs."""
REACHABLE = (
    "dpop-lab: everyone who can reach this machine over the network can call this server, and its "
    "secrets are published: protect nothing with it."
)
UNREACHABLE = (
    "dpop-lab: others can't call {}, by which each machine means itself: give --base-url with this"
    " machine's address, unless something in between leads there."
)
MOST_WAITING = 1000  # entries that a slow terminal may be behind


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    add = adder(command(commands, "serve", _serve, "the twin on a port", EXAMPLES))
    add("--port N", "0, the default: any", type=port, default=0)
    words = "the address of this machine that others call; default: %(default)s, for nobody else"
    add("--host H", words, default="127.0.0.1")
    words = "what clients call it; to be given with --host 0.0.0.0, which is every address"
    add("--base-url URL", words, type=base_url)
    add_policy(add)
    add("--client-jwk FILE", "key of the *.jwt clients: private, or a public JWK")
    add("--api-nonce", "demand a nonce at the API too")
    add("--explain", "tell why each request was refused")


def _serve(options: argparse.Namespace) -> int:
    from dpop_lab.doctor.explain.explainer import Explainer
    from dpop_lab.server.sockets import serve

    told: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()

    def tell(entry: "Entry") -> None:
        if told.qsize() < MOST_WAITING:  # a slow terminal
            told.put(entry)

    jwk = _public_client_jwk(options.client_jwk) if options.client_jwk else None
    with listening(options.host, options.port):
        running = serve(
            port=options.port,
            host=options.host,
            base_url=options.base_url,
            policy=POLICIES[options.policy],
            api_nonce=options.api_nonce,
            client_jwk=jwk,
            every_row=options.explain,
            front=(lambda twin: Explainer(twin, tell)) if options.explain else None,
        )
    on_signals(lambda: told.put(None))
    with ExitStack() as stack:
        stack.enter_context(running)
        _warn_of_others(running)
        lines = [running.base_url, "ready"]
        if key := running.twin.client_key:
            kid = running.twin.client_key_id
            private = {**key.private_jwk(), "kid": kid, "use": "sig", "alg": key.alg}
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dpop-lab-"))
            made = os.path.join(folder, "client.jwk.json")
            write_secret(made, json.dumps(private))
            lines.append(f"private JWK of the *.jwt clients: {made}")
        lines += _pages(running)
        print("\n".join(lines), flush=True)
        _print_until_stopped(told)
    return 0


def _warn_of_others(running: "RunningTwin") -> None:
    """Say that others can reach it, and where they can't by the URL that they are told."""
    if not running.local:
        say(REACHABLE)
        if is_loopback(running.base_url):
            say(UNREACHABLE.format(running.base_url))


def _pages(running: "RunningTwin") -> list[str]:
    """Lines that say where requests are explained, if they are."""
    from dpop_lab.doctor.explain.explainer import Explainer

    if not isinstance(running.front, Explainer):
        return []
    page = running.url if running.local else running.base_url
    reset = f"with a reset for all: {page}/#trainer={running.front.trainer}"
    return [f"each request explained: {page}/", reset]


def _print_until_stopped(told: "queue.SimpleQueue[Entry | None]") -> None:
    """Print what is told, in this thread: no client waits for a slow terminal."""
    printed = 0
    while True:
        try:
            entry = told.get(timeout=0.5)  # in steps, so that Windows gets to see Ctrl-C
        except queue.Empty:
            continue
        if entry is None:
            return
        missed, printed = entry.number - printed - 1, entry.number
        lines = [f"({missed} requests were not printed in time)"] * bool(missed)
        show("\n".join([*lines, repr(entry)]))


def _public_client_jwk(path: str) -> Mapping[str, Any]:
    """The public half of the key in a file: of a private key in any format, or a public JWK."""
    try:
        return load_key(path).public_jwk()
    except KeyUnusable as error:
        public = error.reason == "public_key" and os.path.isfile(path)
        jwk = read_json(Path(path).read_text("utf-8", "replace")) if public else {}
        if key_bits(jwk) is None:  # a public key, but not as a JWK
            problem = f"--client-jwk {named(path)}: {str(error).rstrip('.')}"
            raise LabError(problem) from None
        return dict(jwk)
