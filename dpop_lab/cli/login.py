"""`dpop-lab login`: sign in with a browser, for tokens in a person's name."""

import argparse
import json
import os
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dpop_lab.cli.jupyter import has_browser
from dpop_lab.cli.options import (
    EXIT_CODES,
    POLICIES,
    Commands,
    add_key_options,
    add_policy,
    adder,
    base_url,
    command,
    fail,
    listening,
    named,
    private_key,
    say,
    seconds,
    settings_from,
)
from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.read_settings import read_settings, variable, written
from dpop_lab.client.settings import CREDENTIALS, Settings, members
from dpop_lab.client.sign_in.answer import NotSignedIn
from dpop_lab.client.sign_in.loopback import Loopback
from dpop_lab.client.sign_in.store import FileStore
from dpop_lab.errors import LabError
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.show.values import printable

EXAMPLES = """examples:
  dpop-lab login                       at the twin, on a port of this machine: alice, or bob
  dpop-lab login https://as.example.com --client-id app --key ec.pem --save login.json
  dpop-lab call https://api.example.com/me --key ec.pem --login login.json
Whoever has the file of --save and the key can act in your name. Either alone is of no use to a
thief where the server binds refresh tokens, as it does for clients without a secret."""
REDIRECT_URI = "http://127.0.0.1:0/callback"
PATIENCE = 300  # seconds that a person has to sign in
TWINS_CLIENT, TWINS_SCOPE = "native.dpop", "openid profile api offline_access"
ELSEWHERE = ("issuer", "token_endpoint", "scope", "api")  # not of the client itself


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words, epilog = "sign in with a browser", f"{EXAMPLES}\n\n{EXIT_CODES}"
    add = adder(command(commands, "login", _login, words, epilog))
    words = "default: the twin, for as long as the command runs"
    add("issuer ISSUER", words, nargs="?", type=base_url)
    add("--client-id ID", f"default: that of CLIENT.json; at the twin {TWINS_CLIENT}")
    add("--client CLIENT.json", "a client with a secret or a key")
    add("--key FILE", "the private DPoP key; default: a new one, which is not kept")
    add_key_options(add)
    add("--scope SCOPE", "default: openid offline_access")
    words = "where the browser is led: http, on this machine; default: %(default)s"
    add("--redirect-uri URI", words, default=REDIRECT_URI)
    add("--push", "push the authorization request (PAR), though it is not required")
    add("--no-browser", "only print the URL", dest="only_url")
    add("--save FILE", "keep the refresh token in this file, for call --login")
    words = "how long to wait for the person; default: %(default)s"
    add("--timeout S", words, type=seconds, default=PATIENCE)
    add_policy(add)


def _login(options: argparse.Namespace) -> int:
    _check_save(options)
    with ExitStack() as stack:
        twin = None
        if not options.issuer:
            twin = stack.enter_context(Lab(carrier="socket", policy=POLICIES[options.policy]))
        with listening(options.redirect_uri, None):
            loopback = stack.enter_context(Loopback(options.redirect_uri))
        auth = DPoPAuth.authorization_code(
            key=private_key(options) if options.key else generate_key(),
            redirect_uri=loopback.redirect_uri,
            push=True if options.push else None,
            store=FileStore(options.save) if options.save else None,
            **_who(options, twin),
        )
        _open(auth.sign_in.begin(), options)
        try:
            token = auth.sign_in.finish(loopback.wait(options.timeout))
        except NotSignedIn as error:
            return fail(str(error), 1)
        say(f"Signed in: {token!r}")
        print(printable(json.dumps(dict(auth.sign_in.person), indent=2), "\n"))
        if twin:
            answer = twin.session.get(twin.api, auth=auth)
            say(f"GET {twin.api} (the offline twin): {answer.status_code} {answer.reason}")
    if options.save and FileStore(options.save).read():
        say(f"The refresh token is in {named(options.save)}, for your eyes only.")
    elif options.save:
        say("Nothing was saved: the server gave no refresh token. Does --scope ask for one?")
    return 0


def _check_save(options: argparse.Namespace) -> None:
    """Raise `LabError` where --save can't come to anything, before somebody signs in for it."""
    if not options.save:
        return
    if not (options.key and options.issuer):
        advice = "A token is of use with its key alone, and the twin ends with this command."
        raise LabError("--save wants --key FILE and an ISSUER", advice=advice)
    folder = Path(options.save).parent
    if not os.access(folder, os.W_OK):
        found = "no such folder" if not folder.is_dir() else "one that can't be written to"
        raise LabError(f"--save {named(options.save)}", wanted="a folder for it", found=found)


def _who(options: argparse.Namespace, twin: Lab | None) -> dict[str, Any]:
    """The server, the client and what it asks for, as keywords."""
    if twin:
        client_id = options.client_id or TWINS_CLIENT
        known = personal_client({"client_id": client_id, "issuer": twin.base_url})
        scope = options.scope or TWINS_SCOPE
        return {**known, "scope": scope, "session": twin.session, "clock": twin.clock.time}
    with settings_from("--client", options.client):
        told = dict(written(options.client)) if options.client else {}
    own = {"client_id": options.client_id} if options.client_id else {}
    known = personal_client({**told, **own, "issuer": options.issuer})
    return {**known, "scope": options.scope or str(told.get("scope", "openid offline_access"))}


def personal_client(told: dict[str, object]) -> dict[str, Any]:
    """Client and issuer as keywords of `DPoPAuth.authorization_code`; without credentials public.

    What is missing is taken from the environment. Raises `SettingsError`.
    """
    told = {name: value for name, value in told.items() if name != "token_endpoint"}
    there = any(name in told or os.environ.get(variable(name)) for name in CREDENTIALS)
    usual = {} if there else {"client_auth": "none"}
    settings = read_settings({**usual, **told}, environment=os.environ)
    own = {name: one for name, one in members(settings).items() if name not in ELSEWHERE}
    return {**own, "issuer": str(settings.issuer)}


def client_of_login(options: argparse.Namespace) -> Settings:
    """The client that somebody signed in with by `--save`, with what `--client` says of it."""
    kept: dict[str, object] = {**FileStore(options.login).read()}
    if not {"issuer", "client_id", "refresh_token"} <= kept.keys():
        advice = "dpop-lab login ISSUER --key FILE --save FILE signs somebody in."
        raise LabError(f"--login {named(options.login)}: nobody is signed in", advice=advice)
    with settings_from("--client", options.client):
        told = dict(written(options.client)) if options.client else {}
    known = {name: kept[name] for name in ("issuer", "client_id")}
    api = {"api": told["api"]} if "api" in told else {}
    return read_settings({**personal_client({**told, **known}), **api})


def auth_of_login(options: argparse.Namespace, lab: Lab, key: PrivateKey) -> DPoPAuth:
    """What calls in the name of whoever signed in, with the key of then."""
    client = {name: one for name, one in members(lab.client).items() if name not in ELSEWHERE}
    return DPoPAuth.authorization_code(
        key=key,
        issuer=str(lab.client.issuer),
        store=FileStore(options.login),
        session=lab.session,
        timeout=options.timeout,
        **client,
    )


def _open(url: str, options: argparse.Namespace) -> None:
    """Show a person's browser where to sign in, or say the URL."""
    there = not options.only_url and has_browser() and webbrowser.open(url)
    why = "" if there or options.only_url else " (no browser can be opened from here)"
    say(f"Sign in at{why}\n    {url}\nCtrl-C ends it.")
