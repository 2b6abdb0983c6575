"""Clients and servers nobody here wrote: installed once, started on loopback, always stopped.

Without DPOP_LAB_INTEROP=1 every test of this folder is skipped; with it, one that finds no Node, no
network or no client fails. What is installed stays in pytest's cache (`pytest --cache-clear`).
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import LOOPBACK, ask, running

from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from tests.programs import started

HERE = Path(__file__).parent
BINDER = HERE.parents[1] / "binder"
SWITCH = "DPOP_LAB_INTEROP"
SECONDS_TO_INSTALL = 170


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(SWITCH) == "1":
        return
    skip = pytest.mark.skip(reason=f"installs other people's clients; {SWITCH}=1 runs it")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(skip)


# Installing


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time; a lock of the database's kind is free again when its holder dies."""
    database = sqlite3.connect(file, timeout=SECONDS_TO_INSTALL, isolation_level=None)
    with contextlib.closing(database):
        database.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="session")
def shelf(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where to install; under `-p no:cacheprovider` a folder of this process and this run."""
    kept = getattr(pytestconfig, "cache", None)
    return Path(kept.mkdir("interop")) if kept else tmp_path_factory.getbasetemp()


def _installed(shelf: Path, what: Path, install: Callable[[Path], None], *also: object) -> Path:
    """A folder on the shelf in which what the file asks for is installed, once for all."""
    digest = hashlib.sha256(repr((what.read_bytes(), *also)).encode()).hexdigest()[:16]
    folder = shelf / f"{what.parent.name}-{digest}"
    with _alone(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            (folder / "complete").touch()
    return folder


def _tool(name: str) -> str:
    found = shutil.which(name)
    return found or pytest.fail(f"{SWITCH}=1 but there is no {name} on this machine")


def _command(*arguments: object) -> None:
    """Run an installer; a failure shows what it said."""
    try:
        subprocess.run(
            [str(one) for one in arguments],
            check=True,
            timeout=SECONDS_TO_INSTALL,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.CalledProcessError as error:
        pytest.fail(f"{' '.join(error.cmd)}\n{error.output}")


def _of_npm(shelf: Path, wanted: Path) -> Path:
    """A folder that holds the packages of a package.json."""

    def install(folder: Path) -> None:
        shutil.copy(wanted, folder)
        quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        _command(_tool("npm"), "install", "--prefix", folder, *quiet)

    return _installed(shelf, wanted, install)


def _of_python(shelf: Path, *wanted: Path) -> Path:
    """The interpreter of a virtual environment that holds what requirements files ask for."""
    python = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
    files = [option for file in wanted for option in ("-r", file)]

    def install(folder: Path) -> None:
        uv = shutil.which("uv")
        if uv:
            _command(uv, "venv", "--python", sys.executable, folder / "venv")
            _command(uv, "pip", "install", "--python", folder / "venv" / python, *files)
        else:
            _command(sys.executable, "-m", "venv", folder / "venv")
            _command(folder / "venv" / python, "-m", "pip", "install", *files)

    also = [sys.base_prefix, sys.version, *(file.read_bytes() for file in wanted[1:])]
    return _installed(shelf, wanted[0], install, *also) / "venv" / python


@pytest.fixture(scope="session")
def node(shelf: Path) -> Iterator[Path]:
    """A folder with our scripts, and with the packages of package.json above it."""
    _tool("node")

    packages = _of_npm(shelf, HERE / "node" / "package.json")
    scripts = packages / f"run-{os.getpid()}"  # Node looks for packages beside and above a script
    shutil.copytree(HERE / "node", scripts, dirs_exist_ok=True)
    yield scripts
    shutil.rmtree(scripts)


@pytest.fixture(scope="session")
def other_python(shelf: Path) -> Path:
    """The interpreter of a virtual environment that holds python/requirements.txt, and not us."""
    return _of_python(shelf, HERE / "python" / "requirements.txt")


@pytest.fixture(scope="session")
def old_python(shelf: Path) -> Path:
    """The interpreter of an environment with a pytest of some years ago, and not us."""
    return _of_python(shelf, HERE / "pytest7" / "requirements.txt")


@pytest.fixture(scope="session")
def hub_python(shelf: Path) -> Path:
    """The interpreter of an environment with JupyterHub and with all that we need, but not us."""
    return _of_python(shelf, BINDER / "hub" / "requirements.txt", BINDER / "requirements.txt")


@pytest.fixture(scope="session")
def hub_proxy(shelf: Path) -> Path:
    """The folder of JupyterHub's proxy as a command."""
    _tool("node")
    return _of_npm(shelf, BINDER / "hub" / "package.json") / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def bash() -> str:
    """The shell for curl.sh, on a machine that also has the tools it uses."""
    if os.name == "nt":
        pytest.skip("curl.sh is a script for a POSIX shell")
    for tool in ("curl", "openssl"):
        _tool(tool)
    return _tool("bash")


# Asking and serving


@pytest.fixture(scope="session")
def client_process() -> Iterator[Callable[..., dict[str, Any]]]:
    """What a client makes of a scenario. Its process is started once and asked again and again."""
    started_once: dict[tuple[str, ...], subprocess.Popen[str]] = {}
    with contextlib.ExitStack() as processes:

        def one(command: list[str], scenario: dict[str, str]) -> dict[str, Any]:
            process = started_once.get((*command,))
            if process is None or process.poll() is not None:
                new = started(command, env={**os.environ, **LOOPBACK}, stdin=subprocess.PIPE)
                process = started_once[(*command,)] = processes.enter_context(new)
            return ask(process, scenario)

        yield one


@pytest.fixture(scope="session")
def client_key() -> PrivateKey:
    """The key of the twin's `*.jwt` clients."""
    return generate_key("RS256")


@pytest.fixture(scope="session")
def client_jwk(client_key: PrivateKey) -> str:
    """The same as a private JWK, the way clients are configured with it."""
    kid = thumbprint(client_key.public_jwk())
    return json.dumps({**client_key.private_jwk(), "kid": kid, "alg": "RS256"})


@pytest.fixture(scope="session")
def serve(
    client_jwk: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """`dpop-lab serve` with a policy and options; gives its base URL. One process for each kind."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "client.jwk").write_text(client_jwk, encoding="utf-8")
    program = shutil.which("dpop-lab", path=str(Path(sys.executable).parent))
    assert program, "dpop-lab is not installed beside this Python"
    served: dict[tuple[str, ...], str] = {}

    with contextlib.ExitStack() as processes:

        def one(policy: str, *options: str) -> str:
            if (policy, *options) not in served:
                key = ("--client-jwk", str(folder / "client.jwk"))
                command = [program, "serve", "--port", "0", "--policy", policy, *key, *options]
                out = folder / f"{len(served)}.txt"
                url, ready = processes.enter_context(running(command, out, lines=2))
                assert ready == "ready"
                served[policy, *options] = url
            return served[policy, *options]

        yield one
