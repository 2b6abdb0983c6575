"""`dpop-lab call`: a token and one protected call with the key in a file."""

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

import requests

from dpop_lab.cli.diagnose import say_advice
from dpop_lab.cli.login import auth_of_login, client_of_login
from dpop_lab.cli.options import (
    EXIT_CODES,
    Commands,
    add_key_options,
    adder,
    base_url,
    command,
    fail,
    method,
    named,
    private_key,
    say,
    seconds,
    settings_from,
    url,
)
from dpop_lab.client.read_settings import read_settings, variable, written
from dpop_lab.client.recorder import SessionLog, record
from dpop_lab.client.settings import CLIENT_AUTH, SERVERS, Settings
from dpop_lab.errors import LabError
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.live import at_demo
from dpop_lab.lab.participant import demo_client
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.show.values import printable
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.syntax import htu, is_loopback

EXAMPLES = """examples:
  dpop-lab call --key ec.pem
  dpop-lab call --key ec.p12 --password-env KEY_PASSWORD --log session.log
  dpop-lab call https://api.example.com/orders --key ec.pem --client client.json
  dpop-lab call --issuer https://as.example.com --client client.json --key ec.pem
  dpop-lab call https://api.example.com/me --key ec.pem --login login.json
  dpop-lab call --key ec.pem --log session.log --show-proofs; dpop-lab diagnose session.log
CLIENT.json holds client_id, client_secret, token_endpoint or issuer, scope, api, client_auth,
client_key (a file for private_key_jwt) and client_key_id. What is not in it comes from variables
of the environment: DPOP_LAB_CLIENT_ID, DPOP_LAB_CLIENT_SECRET, DPOP_LAB_CLIENT_KEY_PASSWORD and
so on. DPOP_LAB_ISSUER or DPOP_LAB_TOKEN_ENDPOINT alone names another server, but for --live."""
TIMEOUT = 30  # seconds
DEMO_API = f"{BASE_URL}/api/dpop/test"
BEGINNING = b"---- Sending"  # of a session log
READ_FROM_VARIABLES = (variable("client_key"), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words, epilog = "fetch a token and call an API with it", f"{EXAMPLES}\n\n{EXIT_CODES}"
    add = adder(command(commands, "call", _call, words, epilog))
    add("url URL", "default: the demo's DPoP API", nargs="?", type=url)
    add("--key FILE", "the private DPoP key", required=True)
    add_key_options(add)
    add("--client CLIENT.json", "default: m2m.dpop of the demo")
    add("--issuer ISSUER", "find its token endpoint", type=base_url)
    words = f"how the client authenticates: {', '.join(CLIENT_AUTH)}"
    add("--client-auth WAY", words, choices=CLIENT_AUTH)
    add("--login FILE", "in the name of the person whom login --save FILE signed in")
    add("--log FILE", "append the exchanges, redacted, to this file")
    words = "leave the proofs in that file, for diagnose: they are good once and for seconds"
    add("--show-proofs", words)
    add("--har FILE", "write them to this file for a browser, too")
    add("--live", f"the real {urlsplit(BASE_URL).netloc}")
    add("--method M", "GET, or POST with --data", type=method)
    add("--data D", "the body")
    words = "how long to wait for an answer; default: %(default)s"
    add("--timeout S", words, type=seconds, default=TIMEOUT)


def _call(options: argparse.Namespace) -> int:
    key = private_key(options)
    if options.show_proofs and not options.log:
        raise LabError("--show-proofs is for the file of --log FILE")
    verb = (options.method or ("GET" if options.data is None else "POST")).upper()
    sent = {"timeout": options.timeout}
    if options.data is not None:
        headers = {"Content-Type": _content_type(options.data)}
        sent |= {"headers": headers, "data": os.fsencode(options.data)}
    lab, asked = _lab(options, _settings(options))
    auth = auth_of_login(options, lab, key) if options.login else lab.auth(key=key)
    with lab, _recorded(lab, options):
        try:
            answer = lab.session.request(verb, asked, auth=auth, **sent)
        except requests.RequestException:
            raise
        except ValueError as error:  # a Location that is no URL, for one
            return fail(f"The exchange can't be carried out: {error}.", 3)
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
    servers = [] if options.live else [variable(name) for name in SERVERS]
    source = {} if options.client is None else options.client
    if options.login:
        _check_files(options, {})
        return client_of_login(options)
    if options.client is options.issuer is None and not any(map(os.environ.get, servers)):
        source = demo_client(BASE_URL)
    given = {"issuer": options.issuer, "client_auth": options.client_auth}
    with settings_from("--client", options.client):
        told = written(source)
        _check_files(options, told)
        return read_settings(told, given=given, environment=os.environ)


def _content_type(data: str) -> str:
    try:
        whole = isinstance(json.loads(data, parse_int=str), dict | list)  # of any length
    except RecursionError:
        problem = "--data has too many brackets to see whether it is JSON or a form"
        raise LabError(problem, advice="Send less deep data. Nothing was sent.") from None
    except ValueError:
        whole = False
    return "application/json" if whole else "application/x-www-form-urlencoded"


def _lab(options: argparse.Namespace, settings: Settings) -> tuple[Lab, str]:
    """A lab with the server that is meant, and the URL to call."""
    where = str(settings.issuer or settings.token_endpoint)
    asked = options.url or settings.api or (DEMO_API if at_demo(where) else "")
    if not asked:
        raise LabError("No URL to call. Give it, or the member api, or DPOP_LAB_API")
    demo = (at_demo(where), at_demo(asked))
    if all(demo):
        lab = Lab(live=options.live, timeout=options.timeout)
        lab.client = settings
        return lab, asked
    if options.live or any(demo):
        wanted = f"--live is {BASE_URL}" if options.live else "Token and call are for one server"
        sites = f"the token endpoint is at {htu(where)}, the URL at {htu(asked)}"
        source = "CLIENT.json" if options.issuer is None else "--issuer"
        todo = f"The token endpoint comes from {source}."
        if options.issuer is options.client is None:
            todo = "Give the token endpoint by --issuer or --client."
        raise LabError(f"{wanted}; {sites}", advice=todo)
    if not all(one.lower().startswith("https:") or is_loopback(one) for one in (where, asked)):
        say("dpop-lab: over http anyone on the way can read the client's secret and the token.")
    return Lab(settings=settings, timeout=options.timeout), asked


# the files that are written: none that is read, and none when it is refused


def _check_files(options: argparse.Namespace, told: Mapping[str, object]) -> None:
    """Raise `LabError` when a file to be written is one that is read, or the other to be written.

    `told` is what the file of `--client` says.
    """
    files = {"--log": options.log, "--har": options.har, "--client": options.client}
    files["--login"] = options.login
    files |= {"--key": options.key, "client_key": told.get("client_key")}
    files |= {name: os.environ.get(name) for name in READ_FROM_VARIABLES}
    known = {name: _identity(path) for name, path in files.items() if path}
    for (one, its), (other, others) in combinations(known.items(), 2):
        if one in ("--log", "--har") and its and its == others:
            raise LabError(f"{one} and {other} name the same file. Give {one} a file of its own")
    if options.log and os.path.isfile(options.log):
        with suppress(OSError), open(options.log, "rb") as file:  # writing to it will tell
            if not BEGINNING.startswith(file.read(len(BEGINNING))):
                found = f"found another file, {named(options.log)}"
                raise LabError(f"--log wants a session log to append to, or a new file; {found}")


def _identity(path: object) -> object:
    """What all names of a file have in common, though it need not be there yet.

    None for what keeps nothing, such as /dev/null or a pipe.
    """
    try:
        own = os.path.expanduser(str(path))
        found = os.stat(own)
    except ValueError:  # a key itself, and no path
        return path
    except OSError:
        return os.path.normcase(os.path.realpath(own))
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _recorded(lab: Lab, options: argparse.Namespace) -> Iterator[None]:
    """Write what is exchanged to the files asked for; when one can't be written, make neither."""
    log, har = options.log, options.har
    with ExitStack() as undo:
        for path in (log, har):
            if path is not None and not os.path.lexists(path):
                undo.callback(Path(path).unlink, missing_ok=True)
        if log is not None:
            record(lab.session, SessionLog(log, show_proofs=options.show_proofs))
        if har is not None:
            lab.story.save_har(har)  # now, to see that it can be
        undo.pop_all()
    try:
        yield
    finally:
        if har is not None:
            lab.story.save_har(har)
