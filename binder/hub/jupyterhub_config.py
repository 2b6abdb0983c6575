"""A JupyterHub for a class: each participant's own copies of the lessons, under one account.

    jupyterhub -f binder/hub/jupyterhub_config.py

What can be chosen is in the environment; `README.md` beside this file lists it. No secret is here.
"""

import atexit
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import psutil
from jupyterhub.spawner import SimpleLocalProcessSpawner

from dpop_lab.cli.jupyter import environment
from dpop_lab.cli.lessons import FOLDER, START
from dpop_lab.cli.options import listening
from dpop_lab.errors import LabError
from dpop_lab.lab.lessons import bring, originals

HERE = Path(__file__).parent
MB = 1024 * 1024
A_PARTICIPANT = 600 * MB  # PSS: 407 with lessons 00 to 05 open, by python -m tests.try_class 20
A_PROCESS = 1024 * MB  # the most that a kernel may take
GUESSED = ("12345678", "changeme", "change-me", "dpop-lab", "jupyterhub", "password", "password1")
HANDED_ON = ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "DPOP_LAB_LIVE")


def number(name: str, default: int, most: int, least: int = 1) -> int:
    """A whole number that the environment may choose."""
    text = os.environ.get(f"DPOP_LAB_HUB_{name}", str(default))
    if not (re.fullmatch("[0-9]{1,6}", text) and least <= int(text) <= most):
        raise LabError(f"DPOP_LAB_HUB_{name}", wanted=f"{least} to {most}", found=repr(text[:40]))
    return int(text)


def password() -> str:
    """The password of the class. Raises `LabError` for none, and for one that anybody would try."""
    text = os.environ.pop("DPOP_LAB_HUB_PASSWORD", "")  # not for what the hub starts
    if len(text) >= 8 and text.lower() not in GUESSED:
        return text
    found = "one that everybody tries" if len(text) >= 8 else f"{len(text)} characters"
    raise LabError(
        "DPOP_LAB_HUB_PASSWORD",
        wanted="8 characters or more, made for this class",
        found=found if text else "nothing",
    )


def proxy() -> list[str]:
    """The command of the proxy. Raises `LabError` when it can't be run."""
    name = "configurable-http-proxy"
    path = shutil.which(name) or str(HERE / "node_modules" / ".bin" / name)
    advice = f"Install Node 20 or newer, and with it the proxy: npm install --prefix {HERE}"
    if not (shutil.which("node") and shutil.which(path)):
        missing = name if shutil.which("node") else "node"
        raise LabError(f"There is no {missing}", advice=advice)
    done = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LabError(f"{name} does not run", found=said, advice=advice)
    return [path]


def memory() -> int:
    """The octets of memory that this machine, or this container, has for the class."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return free
    return min(free, int(limit)) if limit.isdecimal() else free


def is_free(port: int) -> bool:
    """Whether a port of loopback can be listened on."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Participant(SimpleLocalProcessSpawner):
    """A participant's JupyterLab, of whose kernels none can take all of the machine's memory."""

    def make_preexec_fn(self, name):
        """What the new process does before it is JupyterLab: enter its folder, take its limit."""
        enter = super().make_preexec_fn(name)

        def begin():
            enter()
            resource.setrlimit(resource.RLIMIT_DATA, (A_PROCESS, A_PROCESS))

        return begin


def preparing(ports: Iterator[int]):
    """What is done before a participant's server starts, with the ports that it may have.

    They are none that the system takes by itself for a connection, which where twenty come at once
    happens between the choice and the start. (A closure: JupyterHub copies all but functions.)
    """

    def prepare(spawner):
        bring(originals(), Path(spawner.home_dir, FOLDER))  # what is there stays as it is
        spawner.port = next(one for one in ports if is_free(one))

    return prepare


def limits(c) -> None:
    """How many participants there may be, and when one is idle."""
    participants = number("PARTICIPANTS", 20, 1000)
    minutes = number("IDLE_MINUTES", 60, 10_000, least=10)  # the hub hears of a server every five
    wanted, free = participants * A_PARTICIPANT, memory()
    if wanted > free:
        raise LabError(
            f"DPOP_LAB_HUB_PARTICIPANTS={participants} are too many for this machine",
            wanted=f"{wanted // MB} MB of free memory, {A_PARTICIPANT // MB} a participant",
            found=f"{free // MB} MB, enough for {free // A_PARTICIPANT}",
        )
    c.JupyterHub.active_server_limit = participants
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={60 * minutes}"]
    c.JupyterHub.services = [{"name": "culler", "command": culler}]
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    c.JupyterHub.load_roles = [{"name": "culler", "services": ["culler"], "scopes": scopes}]


def places(c) -> None:
    """Where all come in; above that port, on loopback, the hub, the proxy's API and the servers."""
    address = os.environ.get("DPOP_LAB_HUB_ADDRESS") or "127.0.0.1"  # empty would be everywhere
    port = number("PORT", 8000, 63_000)
    for host, one in ((address, port), ("127.0.0.1", port + 1), ("127.0.0.1", port + 2)):
        with listening(host, one):
            socket.create_server((host, one)).close()
    c.JupyterHub.ip, c.JupyterHub.port, c.JupyterHub.hub_port = address, port, port + 1
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
    c.ConfigurableHTTPProxy.command = proxy()
    c.Spawner.pre_spawn_hook = preparing(cycle(range(port + 3, port + 2003)))


def participants(c, *, root: bool) -> None:
    """Who may come, and what is started for each."""
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = password()
    c.Authenticator.allow_all = True
    c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9._-]{0,27}\Z"  # it names folders
    hint = "A name that you choose (letters, digits, . _ -), and the password of the class"
    c.JupyterHub.template_vars = {"announcement_login": hint}
    folder = Path(os.environ.get("DPOP_LAB_HUB_FOLDER") or "dpop-lab-class").absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chdir(folder)  # the hub's database and cookie secret
    c.JupyterHub.spawner_class = Participant
    c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "participants" / "{username}")
    c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
    c.Spawner.args = [
        f"--ServerApp.allow_root={root}",
        "--LabApp.extension_manager=readonly",
        "--MappingKernelManager.cull_idle_timeout=600",  # those alone that no tab shows
        "--KernelManager.transport=ipc",  # of many servers, two would take one port
        "--Application.log_level=ERROR",
    ]
    c.Spawner.default_url = f"/lab/tree/{FOLDER}/{START}"
    sockets = tempfile.mkdtemp(prefix="dpop-hub-", dir="/tmp")  # a socket's path has to be short
    atexit.register(shutil.rmtree, sockets, ignore_errors=True)
    c.Spawner.environment = {
        **environment(os.environ),
        **{name: os.environ[name] for name in HANDED_ON if name in os.environ},
        "JUPYTER_RUNTIME_DIR": lambda spawner: f"{sockets}/{spawner.user.name}",
    }
    c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # all come at once


def configure(c) -> None:
    """Choose all that. Raises `LabError` for what would fail later, or be unsafe."""
    root = os.geteuid() == 0
    if root and os.environ.get("DPOP_LAB_HUB_AS_ROOT") != "1":
        advice = "Use an account made for the class, or DPOP_LAB_HUB_AS_ROOT=1 in a container."
        raise LabError("Every participant's cells would run as root", advice=advice)
    limits(c)
    places(c)
    participants(c, root=root)


try:
    configure(get_config())  # noqa: F821  JupyterHub's own, in this file
except (LabError, OSError) as error:
    print(f"dpop-lab hub: {error}", file=sys.stderr)
    sys.exit(2)
