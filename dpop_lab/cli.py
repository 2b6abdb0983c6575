"""The `dpop-lab` command: the demo, the twin on a port, one call with a key file, and keys."""

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from dpop_lab import __version__
from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.exchange import visible
from dpop_lab.client.recorder import record
from dpop_lab.client.session_log import SessionLog
from dpop_lab.client.settings import Settings, read_settings
from dpop_lab.client.token import TokenRefused
from dpop_lab.client.wire import htu, origin
from dpop_lab.errors import KeyUnusable, LabError
from dpop_lab.jose.jws import key_bits
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import ALGORITHMS, PrivateKey, generate_key
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449

POLICIES: Mapping[str, Policy] = {"duende": DUENDE, "rfc9449": RFC_9449}
EXIT_CODES = """exit codes:
  0  done; the server accepted
  1  the server refused
  2  something given to the command is wrong
  3  no answer: the host can't be reached"""
EXAMPLES = """examples:
  dpop-lab                          the whole flow, explained step by step, offline
  dpop-lab key new ec.pem           a new EC key in a file
  dpop-lab call --key ec.pem        token and protected call with it, at the offline twin
  dpop-lab call --key ec.pem --live the same at demo.duendesoftware.com
  dpop-lab serve --port 8080        the twin on a port, for clients in any language"""
CALL_EXAMPLES = """examples:
  dpop-lab call --key ec.pem
  dpop-lab call --key ec.p12 --password-env KEY_PASSWORD --log session.log
  dpop-lab call https://api.example.com/orders --key ec.pem --client client.json
CLIENT.json holds client_id, client_secret, token_endpoint and scope."""
SERVE_EXAMPLES = """examples:
  dpop-lab serve
  dpop-lab serve --port 8080 --policy rfc9449 --api-nonce
The first line printed is the base URL, the second the word ready. SIGINT or SIGTERM ends it."""
PASSWORD_REASONS = ("password_missing", "wrong_password")
KEY_EXAMPLES = """examples:
  dpop-lab key new ec.pem
  dpop-lab key new rsa.jwk --alg RS256 --jwk
  dpop-lab key show id_ecdsa --password-env KEY_PASSWORD"""
TIMEOUT = 30


class Wrong(Exception):
    """One line for the person at the terminal, and the exit code that goes with it."""

    def __init__(self, line: str, code: int = 2) -> None:
        super().__init__(line)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code. No traceback for anything a person can get wrong."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a check mark
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except Wrong as wrong:
        return _fail(str(wrong), wrong.code)
    except LabError as error:
        if isinstance(error, KeyUnusable) and error.reason in PASSWORD_REASONS:
            return _fail(f"{error} Here: --password-env NAME.", 2)
        return _fail(str(error), 1 if isinstance(error, TokenRefused) else 2)
    except requests.RequestException as error:
        return _fail(*_unanswered(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.strerror or error}: {_named(error.filename)}", 2)
    except KeyboardInterrupt:
        return 130


def _fail(line: str, code: int) -> int:
    _say(f"dpop-lab: {' '.join(line.split())}")
    return code


def _unanswered(error: requests.RequestException) -> tuple[str, int]:
    """One line for a request that got no answer; what the libraries say of it runs over pages."""
    url = str(error.request.url) if error.request is not None and error.request.url else ""
    host = urlsplit(url).netloc.rpartition("@")[2] or "the server"
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, f"The proxy on the way to {host} can't be used"),
        (requests.exceptions.SSLError, f"No trusted TLS connection to {host}"),
        (requests.Timeout, f"{host} did not answer within {TIMEOUT} s"),
        (requests.TooManyRedirects, f"{host} redirects in a circle"),
        (requests.ConnectionError, f"{host} can't be reached, or broke off"),
        (requests.exceptions.ChunkedEncodingError, f"{host} broke off in the middle of its answer"),
        (requests.exceptions.ContentDecodingError, f"{host} sent what can't be decoded"),
    )
    words = next((text for kind, text in kinds if isinstance(error, kind)), "")
    if not words:
        return f"The request can't be made: {error}", 2
    offline = " Without --live the offline twin answers." if origin(url) == origin(BASE_URL) else ""
    return f"{words}: {_root(error)}.{offline}", 3


def _root(error: BaseException) -> str:
    """What lies at the bottom of an error, in its own words."""
    while True:
        inner = [
            one
            for one in (*error.args, getattr(error, "reason", None), error.__cause__)
            if isinstance(one, BaseException) and one is not error
        ]
        if not inner:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return str(said).rstrip(".")[:160]
        error = inner[0]


def _named(path: object) -> str:
    """A path as it may be shown: what is no path but a key someone pasted is not repeated."""
    text = str(path)
    pasted = len(text) > 255 or any(mark in text for mark in ("\n", "{", "-----BEGIN"))
    return f"a text of {len(text)} characters" if pasted else text


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="dpop-lab",
        description="Learn and debug OAuth 2.0 DPoP (RFC 9449). Alone it runs the demo.",
        epilog=f"{EXAMPLES}\n\n{EXIT_CODES}",
        formatter_class=raw,
    )
    parser.add_argument("-V", "--version", action="version", version=f"dpop-lab {__version__}")
    parser.set_defaults(run=_demo, policy="duende")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole flow on the offline twin, step by step")
    _add_policy(demo)
    demo.set_defaults(run=_demo)

    serve = commands.add_parser(
        "serve", help="the twin on a port", epilog=SERVE_EXAMPLES, formatter_class=raw
    )
    serve.add_argument("--port", type=_port, default=0, metavar="N", help="0, the default: any")
    serve.add_argument("--host", default="127.0.0.1", metavar="H", help="default: %(default)s")
    serve.add_argument("--base-url", type=_base_url, metavar="URL", help="what clients call it")
    _add_policy(serve)
    serve.add_argument(
        "--client-jwk", metavar="FILE", help="key of the *.jwt clients: private, or a public JWK"
    )
    serve.add_argument("--api-nonce", action="store_true", help="demand a nonce at the API too")
    serve.set_defaults(run=_serve)

    call = commands.add_parser(
        "call",
        help="fetch a token and call an API with it",
        epilog=f"{CALL_EXAMPLES}\n\n{EXIT_CODES}",
        formatter_class=raw,
    )
    call.add_argument(
        "url", nargs="?", type=_url, metavar="URL", help="default: the demo's DPoP API"
    )
    call.add_argument("--key", required=True, metavar="FILE", help="the private DPoP key")
    _add_alg(call)
    _add_password(call)
    call.add_argument("--client", metavar="CLIENT.json", help="default: m2m.dpop of the demo")
    call.add_argument("--log", metavar="FILE", help="append the exchanges, redacted, to this file")
    call.add_argument("--live", action="store_true", help=f"the real {urlsplit(BASE_URL).netloc}")
    call.add_argument("--method", type=_method, metavar="M", help="GET, or POST with --data")
    call.add_argument("--data", metavar="D", help="the body")
    call.set_defaults(run=_call)

    keys = commands.add_parser(
        "key", help="make or look at a key", epilog=KEY_EXAMPLES, formatter_class=raw
    ).add_subparsers(required=True, metavar="new|show")
    new = keys.add_parser("new", help="make a private key")
    new.add_argument("file", nargs="?", metavar="FILE", help="a new file; without it: printed")
    new.add_argument("--alg", default="ES256", choices=list(ALGORITHMS), help="default: ES256")
    new.add_argument("--jwk", action="store_true", help="as a JWK, not as PEM")
    _add_password(new)
    new.set_defaults(run=_key_new)
    show = keys.add_parser("show", help="the public half and the thumbprint of a private key")
    show.add_argument("file", metavar="FILE")
    _add_alg(show)
    _add_password(show)
    show.set_defaults(run=_key_show)
    return parser


def _add_policy(parser: argparse.ArgumentParser) -> None:
    words = "what the demo server does, or what a strict reading of the RFCs asks"
    parser.add_argument("--policy", choices=list(POLICIES), default="duende", help=words)


def _add_alg(parser: argparse.ArgumentParser) -> None:
    words = "what the key signs with, when its kind leaves a choice; RSA: PS256"
    parser.add_argument("--alg", choices=list(ALGORITHMS), metavar="ALG", help=words)


def _add_password(parser: argparse.ArgumentParser) -> None:
    words = "the environment variable that holds the key's password"
    parser.add_argument("--password-env", metavar="NAME", help=words)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"wanted 0 to 65535, found {text!r}")
    return int(text)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        shown = re.sub(r"//[^/@]*@", "//…@", text.partition("?")[0])
        raise argparse.ArgumentTypeError(
            f"wanted http(s)://host[:port]/…, found {_named(repr(shown))}"
        )
    return text


def _base_url(text: str) -> str:
    if any(mark in text for mark in "?#@"):
        raise argparse.ArgumentTypeError("wanted no user, query or fragment in it")
    return _url(text)


def _method(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):
        raise argparse.ArgumentTypeError(f"wanted a method such as GET, found {text!r}")
    return text


def _password(options: argparse.Namespace) -> str | None:
    name = options.password_env
    if name is not None and name not in os.environ:
        raise Wrong(f"No password: the environment variable {name} is not set.")
    if name is not None and not os.environ[name]:
        raise Wrong(f"No password: the environment variable {name} is empty.")
    return None if name is None else os.environ[name]


def _demo(options: argparse.Namespace) -> int:
    from dpop_lab.lab.demo import demo

    for step in demo(POLICIES[options.policy]):
        print(f"{step}\n")
    return 0


# dpop-lab serve


def _serve(options: argparse.Namespace) -> int:
    from dpop_lab.server.sockets import serve

    jwk = _public_client_jwk(options.client_jwk) if options.client_jwk else None
    try:
        running = serve(
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
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
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


def _public_client_jwk(path: str) -> dict[str, Any]:
    """The public half of the key in a file: of a private key in any format, or a public JWK."""
    try:
        return load_key(path).public_jwk()
    except KeyUnusable as error:
        problem = f"--client-jwk {_named(path)}: {error}"
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


# dpop-lab call


def _call(options: argparse.Namespace) -> int:
    key = load_key(options.key, _password(options), alg=options.alg)
    settings, url = _settings(options.client), options.url or f"{BASE_URL}/api/dpop/test"
    session, world = _session(options, settings)
    if options.log and os.path.exists(options.log) and os.path.samefile(options.log, options.key):
        raise Wrong("--log and --key name the same file.")
    record(session, SessionLog(options.log))
    auth = DPoPAuth.client_credentials(
        key=key,
        token_endpoint=settings.token_endpoint,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        scope=settings.scope,
        session=session,
    )
    method = options.method or ("GET" if options.data is None else "POST")
    headers = {} if options.data is None else {"Content-Type": _content_type(options.data)}
    body = None if options.data is None else os.fsencode(options.data)
    try:
        answer = session.request(
            method, url, data=body, headers=headers, auth=auth, timeout=TIMEOUT
        )
    except requests.RequestException:
        raise
    except ValueError as error:  # a Location that is no URL, for one
        raise Wrong(f"The exchange can't be carried out: {error}.", 3) from None
    _say(f"{method} {htu(url)} ({world})")
    if answer.url != url and answer.history:
        _say(f"redirected to {htu(answer.url)}")
    _say(f"{answer.status_code} {answer.reason}")
    for name in ("WWW-Authenticate", "DPoP-Nonce"):
        if not answer.ok and name in answer.headers:
            _say(f"{name}: {answer.headers[name]}")
    text = answer.content.decode("utf-8", "replace")
    text = visible(text) if sys.stdout.isatty() else text
    sys.stdout.write(text + "\n" * bool(text))
    return 0 if answer.ok else 1


def _say(line: str) -> None:
    print(visible(line), file=sys.stderr)  # a server may try to move the cursor


def _settings(path: str | None) -> Settings:
    if path is None:
        return Settings("m2m.dpop", f"{BASE_URL}/connect/token", "secret", "api")
    try:
        return read_settings(path)
    except LabError as error:
        raise Wrong(f"--client {_named(path)}: {error}") from None


def _content_type(data: str) -> str:
    try:
        whole = isinstance(json.loads(data), dict | list)
    except ValueError:
        whole = False
    return "application/json" if whole else "application/x-www-form-urlencoded"


def _session(options: argparse.Namespace, settings: Settings) -> tuple[requests.Session, str]:
    """The way to the server that is meant, and what it is called."""
    token_endpoint, url = settings.token_endpoint, options.url or BASE_URL
    demo = [origin(one) == origin(BASE_URL) for one in (token_endpoint, url)]
    if all(demo):
        if options.live:
            return requests.Session(), "the live server"
        from dpop_lab.lab.lab import Lab

        return Lab().session, "the offline twin"
    if options.live or any(demo):
        wanted = f"--live is {BASE_URL}" if options.live else "Token and call are for one server"
        named = "--client CLIENT.json" if options.client is None else "CLIENT.json"
        raise Wrong(
            f"{wanted}; the token endpoint is at {_site(token_endpoint)}, the URL at {_site(url)}. "
            f"The token endpoint comes from {named}."
        )
    if any(not _safe(one) for one in (token_endpoint, url)):
        _say("dpop-lab: over http anyone on the way can read the client's secret and the token.")
    return requests.Session(), "another server"


def _site(url: str) -> str:
    return htu(url).removesuffix(urlsplit(url).path) or url


def _safe(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return url.lower().startswith("https:") or host in ("localhost", "::1") or host[:4] == "127."


# dpop-lab key


def _key_new(options: argparse.Namespace) -> int:
    key, password = generate_key(options.alg), _password(options)
    if options.jwk and password is not None:
        raise Wrong("A JWK is not encrypted: leave out --jwk or --password-env.")
    jwk = {**key.private_jwk(), "alg": key.alg}
    text = json.dumps(jwk, indent=2) + "\n" if options.jwk else key.to_pem(password)
    if options.file is None:
        sys.stdout.write(text)
        return 0
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(options.file, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Wrong(f"{options.file} exists already; a key is never overwritten.") from None
    return _show(key)


def _key_show(options: argparse.Namespace) -> int:
    return _show(load_key(options.file, _password(options), alg=options.alg))


def _show(key: PrivateKey) -> int:
    """The public half in JSON: algorithm, JWK, thumbprint."""
    jwk = key.public_jwk()
    facts = {"alg": key.alg, "jwk": jwk, "thumbprint": thumbprint(jwk)}
    print(json.dumps(facts, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
