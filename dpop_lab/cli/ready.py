"""`dpop-lab ready`: whether this machine can hold a lesson, a line for each thing it takes."""

import argparse
import json
import os
import platform
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, TypeAlias
from urllib.request import getproxies

import requests
from packaging.requirements import Requirement

from dpop_lab.cli.jupyter import environment, has_browser, homes
from dpop_lab.cli.lessons import FOLDER
from dpop_lab.cli.options import Commands, adder, command, named, port, show, url
from dpop_lab.client.bounded import host_named
from dpop_lab.client.discovery import metadata_urls, send_own
from dpop_lab.errors import LabError
from dpop_lab.lab.lab import TIMEOUT, Lab
from dpop_lab.lab.live import LiveAdapter
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.show.html import marked
from dpop_lab.show.values import duration, http_time, one_line
from dpop_lab.wire.syntax import without_login

EXAMPLES = """examples:
  dpop-lab ready                               for lessons with the offline twin: no network
  dpop-lab ready --live                        and for the demo server
  dpop-lab ready --issuer http://192.0.2.5:8080  and for the server of a class
exit codes:
  0  ready
  1  something is to be done
  2  something given to the command is wrong"""
PATIENCE = 60  # seconds that a kernel may take to start and to answer
CLOSE = 5  # seconds between two clocks that no server minds
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # where requests looks
MEND = "Mend what it names"
MARKS = {True: "passed", False: "failed", None: "not asked"}
Answer: TypeAlias = tuple[bool | None, str, str]  # is it ready, what was found, what to do


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words = "whether this machine is ready for the lessons"
    add = adder(command(commands, "ready", _ready, words, EXAMPLES))
    words = f"where the notebooks will be; default: {FOLDER}"
    add("--folder DIR", words, dest="work_folder", default=FOLDER)
    add("--port N", "the port that you mean to use; default: any", type=port, default=0)
    add("--live", "ask the demo server, too")
    add("--issuer URL", "ask this server, too", type=url)
    add("--json", "a JSON array: name, ready (null where it does not matter), found, todo")


def _ready(options: argparse.Namespace) -> int:
    """Look at everything, say each as it is found; 1 where something is to be done."""
    if options.live and options.issuer:
        raise LabError("--live is for the demo server, --issuer for another: one of them")
    lines = []
    for name in LOOKS:
        if name == "server" and not (options.live or options.issuer):
            continue
        ready, found, todo = answer(name, options)
        lines.append({"name": name, "ready": ready, "found": found, "todo": todo})
        if not options.json:
            line = f"{name:<9} {found}" + f". To do: {todo}" * bool(todo)
            show(one_line(marked(MARKS[ready], line)))
    if options.json:
        print(json.dumps(lines, indent=2))
    return int(any(line["ready"] is False for line in lines))


def answer(name: str, options: argparse.Namespace) -> Answer:
    """Whether one thing is ready (None where it does not matter), what was found, what to do.

    An error is what was found.
    """
    try:
        return LOOKS[name](options)
    except LabError as error:
        found = f"{error.problem}: {error.found}" if error.found else error.problem
        wanted = f"What is wanted: {error.wanted}" if error.wanted else MEND
        return False, found, error.advice or wanted
    except (OSError, requests.RequestException) as error:
        return False, str(error) or type(error).__name__, MEND


def _python(_: argparse.Namespace) -> Answer:
    new = sys.version_info >= (3, 11)
    return new, f"{platform.python_version()}, {sys.executable}", "" if new else "3.11 or newer"


def _packages(_: argparse.Namespace) -> Answer:
    """Are the packages that the lab stands on there, and new enough?"""
    found, lacking = [], []
    for requirement in map(Requirement, requires("dpop_lab") or ()):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            own = version(requirement.name)
        except PackageNotFoundError:
            own = "none"
        found.append(f"{requirement.name} {own}")
        if own == "none" or not requirement.specifier.contains(own, prereleases=True):
            lacking.append(f"'{requirement.name}{requirement.specifier}'")
    return not lacking, ", ".join(found), f"pip install {' '.join(lacking)}" if lacking else ""


def _kernel(_: argparse.Namespace) -> Answer:
    """Does a notebook's kernel start, and does it find this package?"""
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import start_new_kernel

    quiet: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="dpop-lab-", ignore_cleanup_errors=True) as folder:
        os.environ.update(environment(os.environ) | homes(folder))
        try:
            manager, client = start_new_kernel(startup_timeout=PATIENCE, **quiet)
        except NoSuchKernel:
            return False, "no kernel named python3", "pip install ipykernel"
        except RuntimeError as error:
            return False, f"it does not start: {error}", "python -m ipykernel_launcher says why"
        try:
            reply = client.execute_interactive(
                "import dpop_lab.panels", timeout=PATIENCE, output_hook=lambda _: None
            )["content"]
        except TimeoutError:
            return (
                False,
                f"no answer within {PATIENCE} s",
                "Is a virus scanner or a proxy in the way?",
            )
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    if reply["status"] == "ok":
        return True, "python3 starts, and finds the lab", ""
    found = f"it can't import the lab: {reply.get('ename')}: {reply.get('evalue')}"
    return False, found, f"jupyter kernelspec list: python3 is to be {sys.executable}"


def _folder(options: argparse.Namespace) -> Answer:
    """Can notebooks be written there?"""
    folder = Path(options.work_folder).expanduser().absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return True, f"{named(folder)} can be written to", ""
    except OSError as error:
        return False, f"{named(there)}: {error.strerror}", "Another folder: --folder DIR"


def _port(options: argparse.Namespace) -> Answer:
    """Can a server listen on this machine?"""
    try:
        socket.create_server(("127.0.0.1", options.port)).close()
    except OSError as error:
        found = f"127.0.0.1 port {options.port}: {error.strerror}"
        return False, found, "Another port, or none for any that is free: --port N"
    return True, f"127.0.0.1 port {options.port} is free" if options.port else "any is free", ""


def _twin(_: argparse.Namespace) -> Answer:
    """Does the twin answer on a port, to a token request and a call?"""
    with Lab(carrier="socket") as lab:
        answer = lab.session.get(lab.api, auth=lab.auth())
    return answer.ok, f"the API answers {answer.status_code}", "" if answer.ok else "dpop-lab demo"


def _browser(options: argparse.Namespace) -> Answer:
    if has_browser():
        return True, getattr(webbrowser.get(), "name", "") or "there is one", ""
    return None, "none that can be opened from here", "open the URL that dpop-lab prints, elsewhere"


def _proxy(_: argparse.Namespace) -> Answer:
    """Which proxies do requests over the network take?"""
    proxies = getproxies()
    listed = ", ".join(f"{name} by {without_login(proxies[name])}" for name in sorted(proxies))
    return None, listed or "none is set", ""


def _certificates(_: argparse.Namespace) -> Answer:
    """Can the file of certificates be read that the environment names?"""
    name = next((name for name in BUNDLES if os.environ.get(name)), "")
    if not name:
        return None, "that of the package certifi", ""
    path = os.environ[name]
    try:
        kind: dict[str, Any] = {"capath" if os.path.isdir(path) else "cafile": path}
        ssl.create_default_context(**kind)
    except (OSError, ssl.SSLError) as error:
        found = f"{name} is {named(path)}: {error.strerror or error}"
        return False, found, f"Set {name} to a PEM file with your company's CA, or unset it"
    return True, f"{name} is {named(path)}", ""


def _server(options: argparse.Namespace) -> Answer:
    """Does the server answer, and does its clock agree with ours (its Date, RFC 9110 6.6.1)?"""
    session, issuer = requests.Session(), options.issuer or BASE_URL
    for prefix in ("https://", "http://"):
        session.mount(prefix, LiveAdapter(timeout=TIMEOUT))
    request = requests.Request("GET", metadata_urls(issuer)[1])
    answer = send_own(session, request, timeout=TIMEOUT)
    date, host = http_time(answer.headers.get("Date", "")), host_named(str(request.url))
    if not answer.ok:
        return False, f"{host} answers {answer.status_code}", f"Is there metadata at {request.url}?"
    if date is None:
        return None, f"{host} answers, but without a Date to set a clock by", ""
    skew = time.time() - date
    if abs(skew) <= CLOSE:
        return True, f"{host} answers, and our clocks agree", ""
    found = f"this clock is {duration(skew)} {'ahead of' if skew > 0 else 'behind'} that of {host}"
    return False, found, "Set it, best by NTP: a proof is good for a minute or so"


LOOKS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "Python": _python,
    "packages": _packages,
    "kernel": _kernel,
    "folder": _folder,
    "port": _port,
    "twin": _twin,
    "browser": _browser,
    "proxy": _proxy,
    "CA": _certificates,
    "server": _server,
}
