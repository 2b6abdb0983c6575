"""`dpop-lab key`: make a private key, or look at the public half of one."""

import argparse
import json
import sys

from dpop_lab.cli.options import (
    RAW,
    Commands,
    add_key_options,
    adder,
    command,
    named,
    password,
    private_key,
    say,
    write_secret,
)
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import ALGORITHMS, PrivateKey, generate_key

EXAMPLES = """examples:
  dpop-lab key new ec.pem
  dpop-lab key new rsa.jwk --alg RS256 --jwk
  dpop-lab key show id_ecdsa --password-env KEY_PASSWORD"""


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words = "make or look at a key"
    key = commands.add_parser("key", help=words, epilog=EXAMPLES, formatter_class=RAW)
    kinds = key.add_subparsers(required=True, metavar="new|show")
    add = adder(command(kinds, "new", _new, "make a private key"))
    add("file FILE", "a new file; without it: printed", nargs="?")
    add("--jwk", "as a JWK, not as PEM")
    add_key_options(add, f"{', '.join(ALGORITHMS)}; default: ES256", "ES256")
    words = "the public half and the thumbprint of a private key"
    add = adder(command(kinds, "show", lambda options: _show(private_key(options)), words))
    add("key FILE", "of any format")
    add_key_options(add)


def _new(options: argparse.Namespace) -> int:
    key, secret = generate_key(options.alg), password(options)
    if options.jwk and secret is not None:
        raise LabError("A JWK is not encrypted: leave out --jwk or --password-env")
    jwk = {**key.private_jwk(), "alg": key.alg}
    text = json.dumps(jwk, indent=2) + "\n" if options.jwk else key.to_pem(secret)
    if options.file is None:
        sys.stdout.write(text)
        return 0
    try:
        write_secret(options.file, text)
    except FileExistsError:
        raise LabError(f"{options.file} exists already; a key is never overwritten") from None
    safe = "encrypted" if secret else "not encrypted, so for your eyes only"
    say(f"The private key is in {named(options.file)}, {safe}. Its public half:")
    return _show(key)


def _show(key: PrivateKey) -> int:
    """The public half in JSON: algorithm, JWK, thumbprint."""
    jwk = key.public_jwk()
    print(json.dumps({"alg": key.alg, "jwk": jwk, "thumbprint": thumbprint(jwk)}, indent=2))
    return 0
