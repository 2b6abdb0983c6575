"""`dpop-lab call`: a token and one protected call with the key in a file."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from dpop_lab.cli.diagnose import advice
from dpop_lab.cli.options import EXIT_CODES, RAW, add_alg, add_password, method, password, url
from dpop_lab.cli.terminal import Wrong, named, say
from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.exchange import visible
from dpop_lab.client.recorder import record
from dpop_lab.client.session_log import SessionLog
from dpop_lab.client.settings import Settings, read_settings
from dpop_lab.client.wire import htu, origin
from dpop_lab.doctor.diagnosis import diagnose
from dpop_lab.errors import LabError
from dpop_lab.jose.key_formats import load_key
from dpop_lab.lab.story import Story
from dpop_lab.server.duende_site import BASE_URL

if TYPE_CHECKING:
    from dpop_lab.cli.options import Commands

EXAMPLES = """examples:
  dpop-lab call --key ec.pem
  dpop-lab call --key ec.p12 --password-env KEY_PASSWORD --log session.log
  dpop-lab call https://api.example.com/orders --key ec.pem --client client.json
CLIENT.json holds client_id, client_secret, token_endpoint and scope."""
TIMEOUT = 30  # seconds


def add_call(commands: "Commands") -> None:
    """Add the command to the parser."""
    words, epilog = "fetch a token and call an API with it", f"{EXAMPLES}\n\n{EXIT_CODES}"
    call = commands.add_parser("call", help=words, epilog=epilog, **RAW)
    call.add_argument(
        "url", nargs="?", type=url, metavar="URL", help="default: the demo's DPoP API"
    )
    call.add_argument("--key", required=True, metavar="FILE", help="the private DPoP key")
    add_alg(call)
    add_password(call)
    call.add_argument("--client", metavar="CLIENT.json", help="default: m2m.dpop of the demo")
    call.add_argument("--log", metavar="FILE", help="append the exchanges, redacted, to this file")
    call.add_argument("--har", metavar="FILE", help="write them to this file for a browser, too")
    call.add_argument("--live", action="store_true", help=f"the real {urlsplit(BASE_URL).netloc}")
    call.add_argument("--method", type=method, metavar="M", help="GET, or POST with --data")
    call.add_argument("--data", metavar="D", help="the body")
    call.set_defaults(run=_call)


def _call(options: argparse.Namespace) -> int:
    key = load_key(options.key, password(options), alg=options.alg)
    settings = _settings(options.client)
    session, world = _session(options, settings)
    if options.log and os.path.exists(options.log) and os.path.samefile(options.log, options.key):
        raise Wrong("--log and --key name the same file.")
    if options.har and os.path.abspath(options.har) == os.path.abspath(options.log or ""):
        raise Wrong("--log and --har name the same file.")
    log = record(session)  # a lab's own knows what the twin saw
    record(session, SessionLog(options.log))
    auth = DPoPAuth.client_credentials(
        key=key,
        token_endpoint=settings.token_endpoint,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        scope=settings.scope,
        session=session,
    )
    asked = options.url or f"{BASE_URL}/api/dpop/test"
    verb = options.method or ("GET" if options.data is None else "POST")
    with _told(log, options.har):
        answer = _answer(session, verb, asked, auth, options.data)
    say(f"{verb} {htu(asked)} ({world})")
    _show(answer, asked)
    if not answer.ok:
        for line in advice(diagnose(answer)):
            say(line)
    return 0 if answer.ok else 1


@contextmanager
def _told(log: SessionLog, har: str | None) -> Iterator[None]:
    """Write the story to the HAR file at the end, whatever that is; now, to see that it can be."""
    if har is None:
        yield
        return
    Story(log).save_har(har)
    try:
        yield
    finally:
        Story(log).save_har(har)


def _answer(
    session: requests.Session, verb: str, asked: str, auth: DPoPAuth, data: str | None
) -> requests.Response:
    headers = {} if data is None else {"Content-Type": _content_type(data)}
    body = None if data is None else os.fsencode(data)
    try:
        return session.request(verb, asked, data=body, headers=headers, auth=auth, timeout=TIMEOUT)
    except requests.RequestException:
        raise
    except ValueError as error:  # a Location that is no URL, for one
        raise Wrong(f"The exchange can't be carried out: {error}.", 3) from None


def _show(answer: requests.Response, asked: str) -> None:
    """The status and what explains it to standard error, the body to standard output."""
    if answer.url != asked and answer.history:
        say(f"redirected to {htu(answer.url)}")
    say(f"{answer.status_code} {answer.reason}")
    for name in ("WWW-Authenticate", "DPoP-Nonce"):
        if not answer.ok and name in answer.headers:
            say(f"{name}: {answer.headers[name]}")
    text = answer.content.decode("utf-8", "replace")
    text = visible(text) if sys.stdout.isatty() else text
    sys.stdout.write(text + "\n" * bool(text))


def _settings(path: str | None) -> Settings:
    if path is None:
        return Settings("m2m.dpop", f"{BASE_URL}/connect/token", "secret", "api")
    try:
        return read_settings(path)
    except LabError as error:
        raise Wrong(f"--client {named(path)}: {error}") from None


def _content_type(data: str) -> str:
    try:
        whole = isinstance(json.loads(data), dict | list)
    except ValueError:
        whole = False
    return "application/json" if whole else "application/x-www-form-urlencoded"


def _session(options: argparse.Namespace, settings: Settings) -> tuple[requests.Session, str]:
    """The way to the server that is meant, and what it is called."""
    token_endpoint, asked = settings.token_endpoint, options.url or BASE_URL
    demo = [origin(one) == origin(BASE_URL) for one in (token_endpoint, asked)]
    if all(demo):
        if options.live:
            return requests.Session(), "the live server"
        from dpop_lab.lab.lab import Lab

        return Lab().session, "the offline twin"
    if options.live or any(demo):
        wanted = f"--live is {BASE_URL}" if options.live else "Token and call are for one server"
        file = "--client CLIENT.json" if options.client is None else "CLIENT.json"
        where = f"the token endpoint is at {_site(token_endpoint)}, the URL at {_site(asked)}"
        raise Wrong(f"{wanted}; {where}. The token endpoint comes from {file}.")
    if any(not _safe(one) for one in (token_endpoint, asked)):
        say("dpop-lab: over http anyone on the way can read the client's secret and the token.")
    return requests.Session(), "another server"


def _site(asked: str) -> str:
    return htu(asked).removesuffix(urlsplit(asked).path) or asked


def _safe(asked: str) -> bool:
    host = urlsplit(asked).hostname or ""
    return asked.lower().startswith("https:") or host in ("localhost", "::1") or host[:4] == "127."
