"""`dpop-lab lessons`, and `dpop-lab` alone: the lessons in JupyterLab, on the learner's copies."""

import argparse
import socket
from pathlib import Path

from dpop_lab.cli.jupyter import open_lab
from dpop_lab.cli.options import Commands, adder, command, listening, named, port
from dpop_lab.errors import LabError
from dpop_lab.lab.lessons import IN_CLONE, bench, bring, originals, put, restore

FOLDER, START = "dpop-lab-notebooks", "00_start.ipynb"
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
        add("--bench CHANGE", "open the bench with a change or an attack chosen, such as own_key")
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
    return open_lab(folder.absolute(), options, put(folder, *chosen) if chosen else START)


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
