"""JupyterLab on a folder, in this process and quiet, until Ctrl-C or another signal ends it."""

import os
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpop_lab.cli.terminal import Wrong, on_signals

START = "00_start.ipynb"
SETTINGS = Path(__file__).parents[1] / "jupyter"
EVERYWHERE = ("*", "0.0.0.0", "::")  # noqa: S104  compared with, not listened on
SHELL = os.environ.get("SHELL", "/bin/sh") if os.name == "posix" else ""  # no login: it resets PATH
TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


@dataclass(frozen=True, slots=True)
class Launch:
    """Where JupyterLab works and listens: an absolute folder, a port (None: any free), an IP."""

    folder: Path
    port: int | None
    ip: str
    browser: bool


def open_lab(launch: Launch) -> int:
    """Run JupyterLab until it is ended; gives the exit code. Raises `Wrong` when it can't be."""
    os.environ.update(environment(os.environ))
    try:
        import zmq
        from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]
    except ImportError as error:
        raise Wrong(f"JupyterLab can't be used here: {error}. pip install jupyterlab") from None
    with tempfile.TemporaryDirectory(prefix="dpop-lab-", ignore_cleanup_errors=True) as workspaces:
        os.environ.update(homes(workspaces))
        server = LabApp.initialize_server(argv=arguments(launch, workspaces, zmq.has("curve")))
        with errors_until_the_end() as end:
            on_signals(lambda: _stop(server, end))
            print(f"JupyterLab is at\n    {_url(server, launch)}\nCtrl-C ends it.", flush=True)
            server.identity_provider.token_generated = False  # told: no need to tell it again
            server.start()
    return 0


def _stop(server: Any, end: threading.Event) -> None:
    end.set()
    server.stop(from_signal=True)


@contextmanager
def errors_until_the_end() -> Iterator[threading.Event]:
    """Hand on what the server and its kernels say on stderr, until the event that is given is set.

    A kernel is interrupted before it is ended, and would complain of that.
    """
    end, real = threading.Event(), os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)

    def hand_on() -> None:
        while said := os.read(reading, 1 << 16):
            if not end.is_set():
                os.write(real, said)

    threading.Thread(target=hand_on, daemon=True).start()
    try:
        yield end
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables by which JupyterLab finds this environment's kernel and the lab's settings.

    A cell or a terminal finds `dpop-lab` and what else is installed here.
    """
    own = {"JUPYTER_PATH": Path(sys.prefix, "share", "jupyter"), "JUPYTER_CONFIG_PATH": SETTINGS}
    found = {
        name: os.pathsep.join([str(path), *filter(None, [given.get(name)])])
        for name, path in own.items()
    }
    programs = [str(Path(sys.executable).parent), given.get("PATH", os.defpath)]
    return {"JUPYTER_PREFER_ENV_PATH": "1", "PATH": os.pathsep.join(programs), **found}


def homes(folder: str) -> dict[str, str]:
    """Jupyter's own folders in this one, for somebody who has no home that can be written to."""
    if os.access(os.path.expanduser("~"), os.W_OK):
        return {}
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    return {name: folder for name in own if name not in os.environ}


def arguments(launch: Launch, workspaces: str, curve: bool) -> list[str]:
    """JupyterLab's command line.

    `workspaces` is where it keeps which tabs are open; `curve` is whether it can talk to kernels
    under encryption: where it can, a kernel that is to do without warns its reader.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    named = [f"--ServerApp.port={launch.port}"] if launch.port else []
    return [
        f"--ServerApp.root_dir={launch.folder}",
        f"--ServerApp.preferred_dir={launch.folder}",
        f"--ServerApp.ip={launch.ip}",
        f"--ServerApp.port_retries={0 if named else 50}",
        *named,
        f"--ServerApp.open_browser={launch.browser and has_browser()}",
        "--ServerApp.answer_yes=True",
        f"--ServerApp.allow_root={root}",
        f"--LabApp.default_url=/lab/tree/{START}",
        f"--LabApp.workspaces_dir={workspaces}",
        "--LabApp.extension_manager=readonly",
        *[f"--ServerApp.terminado_settings=shell_command=['{SHELL}']"] * bool(SHELL),
        *["--KernelManager.transport_encryption=auto"] * curve,
        "--Application.log_level=ERROR",
    ]


def has_browser() -> bool:
    """Whether a browser can be opened, one that JupyterLab runs in and not in the terminal."""
    try:
        name = getattr(webbrowser.get(), "name", "")
    except webbrowser.Error:
        return False
    return os.path.basename(name) not in TEXT_BROWSERS


def check_free(launch: Launch) -> None:
    """Raise `Wrong` when nothing can listen on that port at that address."""
    host = "" if launch.ip == "*" else launch.ip
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if os.name == "posix":  # elsewhere it would allow a port that is in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, launch.port or 0))
    except (OSError, UnicodeError) as error:
        where = f"{launch.ip} port {launch.port}" if launch.port else launch.ip
        reason = getattr(error, "strerror", None) or error
        raise Wrong(f"Can't listen on {where}: {reason}.") from None


def _url(server: Any, launch: Launch) -> str:
    """The start page, with the token; as this machine sees it when it listens everywhere.

    A token that is the user's own is not repeated.
    """
    url = str(server.local_url if launch.ip in EVERYWHERE else server.public_url)
    return url.replace("?token=...", "   (with the token you have set)")
