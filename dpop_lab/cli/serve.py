"""`dpop-lab serve`: the twin on a port, until a signal ends it."""

import argparse
import json
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpop_lab.cli.options import POLICIES, RAW, add_policy, base_url, port
from dpop_lab.cli.terminal import Wrong, named, on_signals
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.jws import key_bits
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import PrivateKey

if TYPE_CHECKING:
    from dpop_lab.cli.options import Commands
    from dpop_lab.server.sockets import RunningTwin

EXAMPLES = """examples:
  dpop-lab serve
  dpop-lab serve --port 8080 --policy rfc9449 --api-nonce
The first line printed is the base URL, the second the word ready. SIGINT or SIGTERM ends it."""


def add_serve(commands: "Commands") -> None:
    """Add the command to the parser."""
    serve = commands.add_parser("serve", help="the twin on a port", epilog=EXAMPLES, **RAW)
    serve.add_argument("--port", type=port, default=0, metavar="N", help="0, the default: any")
    serve.add_argument("--host", default="127.0.0.1", metavar="H", help="default: %(default)s")
    serve.add_argument("--base-url", type=base_url, metavar="URL", help="what clients call it")
    add_policy(serve)
    serve.add_argument(
        "--client-jwk", metavar="FILE", help="key of the *.jwt clients: private, or a public JWK"
    )
    serve.add_argument("--api-nonce", action="store_true", help="demand a nonce at the API too")
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    running, stop = _started(options), threading.Event()
    on_signals(stop.set)
    key = running.twin.client_key
    made = _written_jwk(key, running.twin.client_key_id) if key else None
    try:
        lines = [running.base_url, "ready"]
        lines += [f"private JWK of the *.jwt clients: {made}"] if made else []
        print("\n".join(lines), flush=True)
        while not stop.wait(0.5):  # in steps, so that Windows gets to see Ctrl-C
            pass
    finally:
        running.close()
        if made:
            made.unlink(missing_ok=True)
    return 0


def _started(options: argparse.Namespace) -> "RunningTwin":
    from dpop_lab.server.sockets import serve

    jwk = _public_client_jwk(options.client_jwk) if options.client_jwk else None
    try:
        return serve(
            port=options.port,
            host=options.host,
            base_url=options.base_url,
            policy=POLICIES[options.policy],
            api_nonce=options.api_nonce,
            client_jwk=jwk,
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Wrong(f"Can't listen on {options.host} port {options.port}: {reason}.") from None


def _public_client_jwk(path: str) -> dict[str, Any]:
    """The public half of the key in a file: of a private key in any format, or a public JWK."""
    try:
        return load_key(path).public_jwk()
    except KeyUnusable as error:
        problem = f"--client-jwk {named(path)}: {error}"
        if error.reason != "public_key":
            raise Wrong(problem) from None
    try:
        jwk = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        raise Wrong(problem) from None  # a public key, but not as a JWK
    if key_bits(jwk) is None:
        raise Wrong(problem)
    return dict(jwk)


def _written_jwk(key: PrivateKey, kid: str) -> Path:
    """The key in a file that only its owner can read; mkstemp makes it with mode 0600."""
    jwk = {**key.private_jwk(), "kid": kid, "use": "sig", "alg": "RS256"}
    descriptor, name = tempfile.mkstemp(prefix="dpop-lab-client-", suffix=".jwk.json")
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(jwk, file)
    return Path(name)
