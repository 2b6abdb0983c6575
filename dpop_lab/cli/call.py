"""`dpop-lab call`: a token and one protected call with the key in a file."""

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from dpop_lab.cli.diagnose import say_advice
from dpop_lab.cli.files import check_files, recorded
from dpop_lab.cli.options import (
    ALG,
    EXIT_CODES,
    PASSWORD,
    Commands,
    base_url,
    command,
    method,
    password,
    seconds,
    url,
)
from dpop_lab.cli.terminal import Wrong, say, settings_named
from dpop_lab.client.read_settings import read_settings, variable, written
from dpop_lab.client.settings import CLIENT_AUTH, SERVERS, Settings
from dpop_lab.errors import LabError
from dpop_lab.jose.key_formats import load_key
from dpop_lab.lab.live import at_demo
from dpop_lab.lab.world import demo_client
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.show.values import printable
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.url import htu, is_loopback

if TYPE_CHECKING:
    from dpop_lab.lab.lab import Lab

EXAMPLES = """examples:
  dpop-lab call --key ec.pem
  dpop-lab call --key ec.p12 --password-env KEY_PASSWORD --log session.log
  dpop-lab call https://api.example.com/orders --key ec.pem --client client.json
  dpop-lab call --issuer https://as.example.com --client client.json --key ec.pem
  dpop-lab call --key ec.pem --log session.log --show-proofs; dpop-lab diagnose session.log
CLIENT.json holds client_id, client_secret, token_endpoint or issuer, scope, api, client_auth,
client_key (a file for private_key_jwt) and client_key_id. What is not in it comes from variables
of the environment: DPOP_LAB_CLIENT_ID, DPOP_LAB_CLIENT_SECRET, DPOP_LAB_CLIENT_KEY_PASSWORD and
so on. DPOP_LAB_ISSUER or DPOP_LAB_TOKEN_ENDPOINT alone names another server, but for --live."""
TIMEOUT = 30  # seconds
DEMO_API = f"{BASE_URL}/api/dpop/test"


def add_call(commands: Commands) -> None:
    """Add the command to the parser."""
    words, epilog = "fetch a token and call an API with it", f"{EXAMPLES}\n\n{EXIT_CODES}"
    add = command(commands, "call", _call, words, epilog).add_argument
    add("url", nargs="?", type=url, metavar="URL", help="default: the demo's DPoP API")
    add("--key", required=True, metavar="FILE", help="the private DPoP key")
    add("--alg", **ALG)
    add("--password-env", **PASSWORD)
    add("--client", metavar="CLIENT.json", help="default: m2m.dpop of the demo")
    add("--issuer", type=base_url, metavar="ISSUER", help="find its token endpoint")
    words = "how the client authenticates: " + ", ".join(CLIENT_AUTH)
    add("--client-auth", choices=list(CLIENT_AUTH), metavar="WAY", help=words)
    add("--log", metavar="FILE", help="append the exchanges, redacted, to this file")
    words = "leave the proofs in that file, for diagnose: they are good once and for seconds"
    add("--show-proofs", action="store_true", help=words)
    add("--har", metavar="FILE", help="write them to this file for a browser, too")
    add("--live", action="store_true", help=f"the real {urlsplit(BASE_URL).netloc}")
    add("--method", type=method, metavar="M", help="GET, or POST with --data")
    add("--data", metavar="D", help="the body")
    words = "how long to wait for an answer; default: %(default)s"
    add("--timeout", type=seconds, default=TIMEOUT, metavar="S", help=words)


def _call(options: argparse.Namespace) -> int:
    key = load_key(options.key, password(options), alg=options.alg)
    if options.show_proofs and not options.log:
        raise Wrong("--show-proofs is for the file of --log FILE.")
    body: dict[str, Any] = {}
    if options.data is not None:
        body["headers"] = {"Content-Type": _content_type(options.data)}
        body["data"] = os.fsencode(options.data)
    lab, asked = _lab(options, _settings(options))
    verb = (options.method or ("POST" if body else "GET")).upper()  # as requests
    with lab, recorded(lab, options):
        auth = lab.auth(key=key)
        try:
            answer = lab.session.request(verb, asked, auth=auth, timeout=options.timeout, **body)
        except requests.RequestException:
            raise
        except ValueError as error:  # a Location that is no URL, for one
            raise Wrong(f"The exchange can't be carried out: {error}.", 3) from None
    say(f"{verb} {htu(asked)} ({lab.kind})")
    _show(answer, lab.log[-1])
    if not answer.ok:
        say_advice(answer)
    return 0 if answer.ok else 1


def _show(answer: requests.Response, told: Exchange) -> None:
    """The status and what explains it to standard error, the body to standard output.

    `told` is the exchange without its secrets, which a server may repeat anywhere.
    """
    if any(one.is_redirect for one in answer.history):
        say(f"redirected to {htu(told.url)}")
    say(f"{told.status} {told.reason}")
    for name, value in () if answer.ok else told.response_headers:
        if name.lower() in ("www-authenticate", "dpop-nonce"):
            say(f"{name}: {value}")
    text = answer.content.decode("utf-8", "replace")
    text = printable(text, "\n\t") if sys.stdout.isatty() else text
    sys.stdout.write(text + "\n" * bool(text))


def _settings(options: argparse.Namespace) -> Settings:
    """The demo's client, unless options or the environment name a server."""
    given = {"issuer": options.issuer, "client_auth": options.client_auth}
    servers = [] if options.live else [variable(name) for name in SERVERS]
    try:
        told = {} if options.client is None else written(options.client)
        check_files(options, told)
        if options.client is options.issuer is None and not any(map(os.environ.get, servers)):
            return replace(demo_client(BASE_URL), client_auth=options.client_auth)
        return read_settings(told, given=given, environment=os.environ)
    except LabError as error:
        named_in = f"--client {settings_named(options.client)}: " if options.client else ""
        raise Wrong(f"{named_in}{error}") from None


def _content_type(data: str) -> str:
    try:
        whole = isinstance(json.loads(data, parse_int=str), dict | list)  # of any length
    except RecursionError:
        problem = "--data has too many brackets to see whether it is JSON or a form"
        raise Wrong(f"{problem}. Send less deep data. Nothing was sent.") from None
    except ValueError:
        whole = False
    return "application/json" if whole else "application/x-www-form-urlencoded"


def _lab(options: argparse.Namespace, settings: Settings) -> tuple["Lab", str]:
    """A lab with the server that is meant, and the URL to call."""
    from dpop_lab.lab.lab import Lab

    where = str(settings.issuer or settings.token_endpoint)
    asked = options.url or settings.api or (DEMO_API if at_demo(where) else "")
    if not asked:
        raise Wrong("No URL to call. Give it, or the member api, or DPOP_LAB_API.")
    if at_demo(where) and at_demo(asked):
        lab = Lab(live=options.live, timeout=options.timeout)
        lab.client = settings
        return lab, asked
    if options.live or at_demo(where) or at_demo(asked):
        wanted = f"--live is {BASE_URL}" if options.live else "Token and call are for one server"
        sites = f"the token endpoint is at {_site(where)}, the URL at {_site(asked)}"
        source = "CLIENT.json" if options.issuer is None else "--issuer"
        todo = f"The token endpoint comes from {source}."
        if options.issuer is options.client is None:
            todo = "Give the token endpoint by --issuer or --client."
        raise Wrong(f"{wanted}; {sites}. {todo}")
    if not all(one.lower().startswith("https:") or is_loopback(one) for one in (where, asked)):
        say("dpop-lab: over http anyone on the way can read the client's secret and the token.")
    return Lab(settings=settings, timeout=options.timeout), asked


def _site(asked: str) -> str:
    return htu(asked).removesuffix(urlsplit(asked).path) or asked
