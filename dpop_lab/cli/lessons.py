"""`dpop-lab lessons`, and `dpop-lab` alone: the lessons in JupyterLab, on the learner's copies."""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dpop_lab.cli.options import Commands, adder, command, listening, named, on_signals, port
from dpop_lab.errors import LabError
from dpop_lab.lab.lessons import IN_CLONE, bench, bring, originals, put, restore

FOLDER, START = "dpop-lab-notebooks", "00_start.ipynb"
SECONDS = 8  # for kernels to end
OPTIONS = {  # and their defaults
    "folder": FOLDER,
    "here": False,
    "bench": None,
    "lab_port": None,
    "ip": "127.0.0.1",
    "no_browser": False,
    "restore": None,
    "exercises": False,
    "progress": False,
    "reset": False,
    "sure": False,
    "as_json": False,
}
EXAMPLES = """examples:
  dpop-lab lessons                            open the start page in JupyterLab
  dpop-lab lessons --folder ~/dpop            work on copies in this folder
  dpop-lab lessons --restore 03               bring back 03 as it was; yours is kept
  dpop-lab lessons --bench own_key            the bench, with this change chosen
  dpop-lab lessons --ip 0.0.0.0 --no-browser  in a container
  dpop-lab lessons --progress                 which exercises are solved
The notebooks are copied to the folder once, and what is there is never written over."""
SETTINGS = Path(__file__).parents[1] / "jupyter"
EVERYWHERE = ("*", "0.0.0.0", "::")  # noqa: S104  compared with, not listened on
SHELL = os.environ.get("SHELL", "/bin/sh") if os.name == "posix" else ""  # no login: it resets PATH
TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


def declare(parser: argparse.ArgumentParser, commands: Commands) -> None:
    """Add the command to the parser, and its options to the parser itself."""
    words = "the lessons in JupyterLab; the same as no command"
    lessons = command(commands, "lessons", _lessons, words, EXAMPLES)
    parser.set_defaults(run=_lessons, **OPTIONS)
    for place in (parser.add_argument_group("options of the lessons"), lessons):
        # without defaults: those of a subcommand would be put over what stands before it
        add = adder(place, default=argparse.SUPPRESS)
        add("--folder DIR", f"your work folder; default: {FOLDER}", type=_given)
        add("--here", "the originals, not copies: for authors")
        add("--bench CHANGE", "open the bench with a change chosen, such as own_key")
        add("--port N", "default: a free one", dest="lab_port", type=port)
        add("--ip ADDRESS", "default: 127.0.0.1", type=_given)
        add("--no-browser", "only print the URL")
        add("--restore NAME", "put back a notebook as it was (03, 03_proof), or all")
        add("--exercises", "list the exercises, and nothing else")
        add("--progress", "how far you are with them; kept on this machine alone")
        add("--reset", "forget that, after asking")
        add("--yes", "do not ask", dest="sure")
        add("--json", "print the list or the progress as JSON", dest="as_json")


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("wanted something, found nothing")
    return text


def misplaced(options: argparse.Namespace) -> bool:
    """Whether options of the lessons were given to another command."""
    given = vars(options)
    return options.run is not _lessons and given | OPTIONS != given


def _lessons(options: argparse.Namespace) -> int:
    """Restore or list when that is asked for, else open JupyterLab until that has ended."""
    if options.as_json and not (options.exercises or options.progress):
        raise LabError("--json is with --exercises or --progress")
    if options.exercises or options.progress or options.reset:
        from dpop_lab.cli.exercises import tell

        return tell(options)
    source, folder = originals(), Path(options.folder).expanduser()
    chosen = None if options.bench is None else bench(options.bench)
    if [options.here, options.restore is not None, chosen is not None].count(True) > 1:
        raise LabError("--here, --restore and --bench do not go together")
    if options.here:
        if options.folder != FOLDER:
            raise LabError("--here is without --folder: it opens the originals")
        if source != IN_CLONE:
            raise LabError("--here is for a clone of the repository: this is an installed wheel")
        print(f"The originals are in {source}: what you save there is saved for everybody.")
        folder = source
    elif options.restore is not None:
        return _restore(source, folder, options.restore)
    with listening(options.ip, options.lab_port):
        host = "" if options.ip == "*" else options.ip
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, options.lab_port or 0), family=family).close()
    if not options.here:
        _bring(source, folder)
    return _open_lab(folder.absolute(), options, put(folder, *chosen) if chosen else START)


def _restore(source: Path, folder: Path, name: str) -> int:
    for notebook, aside in restore(source, folder, name).items():
        what = f"{notebook} in {named(folder)}"
        done = f"{what} is restored." + (f" Yours is now {aside}." if aside else "")
        print(f"{what} is the original; nothing to restore." if aside is None else done)
    return 0


def _bring(source: Path, folder: Path) -> None:
    copied, differing = bring(source, folder)
    print(f"Your notebooks are in {named(folder)}")
    for words, files in (("copied there now", copied), ("no longer the originals", differing)):
        if files:
            names = ", ".join(name.removesuffix(".ipynb") for name in files)
            print(f"  {words}: {names}", flush=True)


# JupyterLab, in this process and quiet, until Ctrl-C or another signal ends it


def _open_lab(folder: Path, options: argparse.Namespace, start: str) -> int:
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
                server.stop(from_signal=True)
                # which leaves its loop running when a kernel can't be shut down
                later = server.io_loop.call_later
                server.io_loop.add_callback_from_signal(later, SECONDS, server.io_loop.stop)

            on_signals(stop)
            print(f"JupyterLab is at\n    {_url(server, options.ip)}\nCtrl-C ends it.", flush=True)
            server.identity_provider.token_generated = False  # told: no need to tell it again
            server.start()
            end_tasks(server.io_loop.asyncio_loop)
    return 0


def end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what a stopped loop still had to do: a request's thread would keep the process alive."""
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
