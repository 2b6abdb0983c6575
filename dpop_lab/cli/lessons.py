"""`dpop-lab lessons`, and `dpop-lab` alone: the lessons in JupyterLab, on the learner's copies."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dpop_lab.cli.jupyter import Launch, check_free, open_lab
from dpop_lab.cli.options import Commands, command, port
from dpop_lab.cli.terminal import Wrong, named
from dpop_lab.lab.lessons import IN_CLONE, Restored, bring, originals, restore

FOLDER = "dpop-lab-notebooks"
OPTIONS = {  # and their defaults
    "folder": None,
    "here": False,
    "lab_port": None,
    "ip": "127.0.0.1",
    "no_browser": False,
    "restore": None,
}
EXAMPLES = """examples:
  dpop-lab lessons                            open the start page in JupyterLab
  dpop-lab lessons --folder ~/dpop            work on copies in this folder
  dpop-lab lessons --restore 03               bring back 03 as it was; yours is kept beside it
  dpop-lab lessons --ip 0.0.0.0 --no-browser  in a container
The notebooks are copied to the folder once, and what is there is never written over."""


def add_lessons(parser: argparse.ArgumentParser, commands: Commands) -> None:
    """Add the command to the parser, and its options to the parser itself."""
    words = "the lessons in JupyterLab; the same as no command"
    lessons = command(commands, "lessons", run, words, EXAMPLES)
    parser.set_defaults(run=run, **OPTIONS)
    for place in (parser.add_argument_group("options of the lessons"), lessons):
        # without defaults: those of a subcommand would be put over what stands before it
        add = partial(place.add_argument, default=argparse.SUPPRESS)
        words = f"your work folder; default: {FOLDER}"
        add("--folder", type=_folder, metavar="DIR", help=words)
        add("--here", action="store_true", help="the originals, not copies: for authors")
        add("--port", dest="lab_port", type=port, metavar="N", help="default: a free one")
        add("--ip", type=_given, metavar="ADDRESS", help="default: 127.0.0.1")
        add("--no-browser", action="store_true", help="only print the URL")
        words = "put back a notebook as it was (03, 03_proof), or all"
        add("--restore", metavar="NAME", help=words)


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("wanted something, found nothing")
    return text


def _folder(text: str) -> Path:
    return Path(_given(text)).expanduser()


def misplaced(options: argparse.Namespace) -> bool:
    """Whether options of the lessons were given to another command."""
    return options.run is not run and any(getattr(options, one) != OPTIONS[one] for one in OPTIONS)


def run(options: argparse.Namespace) -> int:
    """Restore when that is asked for, else open JupyterLab; it returns when that has ended."""
    if options.here and (options.folder or options.restore is not None):
        raise Wrong("--here is without --folder and --restore: it opens the originals.")
    source, folder = originals(), options.folder or Path(FOLDER)
    if options.restore is not None:
        for restored in restore(source, folder, options.restore):
            print(_told(restored, folder))
        return 0
    folder = (_here(source) if options.here else folder).absolute()
    place = Launch(folder, options.lab_port, options.ip, not options.no_browser)
    check_free(place)
    if not options.here:
        print(_brought(*bring(source, folder), folder), flush=True)
    return open_lab(place)


def _here(source: Path) -> Path:
    if source != IN_CLONE:
        raise Wrong("--here is for a clone of the repository: this is an installed wheel.")
    print(f"The originals are in {source}: what you save there is saved for everybody.")
    return source


def _brought(copied: Sequence[str], differing: Sequence[str], folder: Path) -> str:
    lines = [f"Your notebooks are in {named(folder)}"]
    for words, files in (("copied there now", copied), ("no longer the originals", differing)):
        names = ", ".join(name.removesuffix(".ipynb") for name in files)
        lines += [f"  {words}: {names}"] * bool(names)
    return "\n".join(lines)


def _told(restored: Restored, folder: Path) -> str:
    name = f"{restored.name} in {named(folder)}"
    if not restored.changed:
        return f"{name} is the original; nothing to restore."
    kept = f" Yours is now {restored.aside}." if restored.aside else ""
    return f"{name} is restored.{kept}"
