"""JupyterLab, in this process and quiet, until Ctrl-C or another signal ends it."""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dpop_lab.cli.options import on_signals
from dpop_lab.errors import LabError

SETTINGS = Path(__file__).parents[1] / "jupyter"
EVERYWHERE = ("*", "0.0.0.0", "::")  # noqa: S104  compared with, not listened on
SHELL = os.environ.get("SHELL", "/bin/sh") if os.name == "posix" else ""  # no login: it resets PATH
TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


def open_lab(folder: Path, options: argparse.Namespace, start: str) -> int:
    """Run JupyterLab on a folder, with a notebook open, until it is ended; `LabError`: it can't."""
    with tempfile.TemporaryDirectory(prefix="dpop-lab-", ignore_cleanup_errors=True) as workspaces:
        os.environ.update(environment(os.environ) | homes(workspaces))
        try:
            import zmq
            from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]
        except ImportError as error:
            advice = "pip install jupyterlab"
            raise LabError(f"JupyterLab can't be used here: {error}", advice=advice) from None
        argv = arguments(folder, options, workspaces, start, curve=zmq.has("curve"))
        server = LabApp.initialize_server(argv=argv)
        with errors_until_the_end() as end:

            def stop() -> None:
                end.set()
                server.io_loop.add_callback_from_signal(end_server, server)

            on_signals(stop)
            print(f"JupyterLab is at\n    {_url(server, options.ip)}\nCtrl-C ends it.", flush=True)
            server.identity_provider.token_generated = False  # told: no need to tell it again
            server.start()
            end_tasks(server.io_loop.asyncio_loop)
    return 0


async def end_server(server: Any) -> None:
    """Clean up after a server and stop its loop: also where it fails, as while a kernel starts.

    The server's own `stop` leaves the loop running then.
    """
    try:
        await server._cleanup()
    finally:
        server.io_loop.stop()


def end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what a stopped loop still had to do: a request's thread would keep the process alive.

    It waits for what such a thread does at this moment.
    """
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


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
    given = {"PATH": os.defpath, **given}
    first = {
        "PATH": Path(sys.executable).parent,
        "JUPYTER_PATH": Path(sys.prefix, "share", "jupyter"),
        "JUPYTER_CONFIG_PATH": SETTINGS,
    }
    found = {
        name: os.pathsep.join([str(path), *filter(None, [given.get(name)])])
        for name, path in first.items()
    }
    return {"JUPYTER_PREFER_ENV_PATH": "1", **found}


def homes(folder: str) -> dict[str, str]:
    """Jupyter's own folders in this one, for somebody who has no home that can be written to."""
    if os.access(os.path.expanduser("~"), os.W_OK):
        return {}
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    return {name: folder for name in own if name not in os.environ}


def arguments(
    folder: Path, options: argparse.Namespace, workspaces: str, start: str, *, curve: bool
) -> list[str]:
    """JupyterLab's command line.

    `workspaces` is where it keeps which tabs are open, `start` the notebook it opens; `curve`:
    it can talk to kernels under encryption. Where it can, one without warns its reader.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    named_port = [f"--ServerApp.port={options.lab_port}"] if options.lab_port else []
    return [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.preferred_dir={folder}",
        f"--ServerApp.ip={options.ip}",
        f"--ServerApp.port_retries={0 if named_port else 50}",
        *named_port,
        f"--ServerApp.open_browser={not options.no_browser and has_browser()}",
        "--ServerApp.answer_yes=True",
        f"--ServerApp.allow_root={root}",
        f"--LabApp.default_url=/lab/tree/{start}",
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


def _url(server: Any, ip: str) -> str:
    """The start page, with the token; as this machine sees it when it listens everywhere.

    A token that is the user's own is not repeated.
    """
    url = str(server.local_url if ip in EVERYWHERE else server.public_url)
    return url.replace("?token=...", "   (with the token you have set)")
