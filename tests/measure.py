"""The size and the speed of the package against their budgets.

    python -m tests.measure            every figure, beside its budget; exit 1 where one is over
    python -m tests.measure --rooms    lines, tokens and classes of each room
    python -m tests.measure --where    which lines the lessons execute, which files a call runs

Tokens are those of Python, comments and docstrings aside. What a call runs is counted in files of
the package of which a function is entered. Times are ratios of things measured in turn. The rooms
in `LATER` have no share: neither their tokens nor their lines count, but all that they load does.
"""

import argparse
import ast
import io
import json
import resource
import statistics
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dpop_lab
from tests import benchmark

PACKAGE = Path(dpop_lab.__file__).parent
NOTEBOOKS = PACKAGE.parent / "notebooks"
LATER = tuple(  # have no share
    "exercises server/sign_in client/sign_in session/sign_in lab/sign_in doctor/sign_in"
    " policies judge".split()
)
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip
LONGEST_FUNCTION, LONGEST_MODULE = 40, 250  # lines
BUDGETS = {
    "lines executed by lessons 00 to 05": 4000,
    "files executed by lessons 00 to 05": 60,
    "tokens": 95_000,
    "classes": 100,
    'files run by lab.send("own_key")': 25,
    "files run by diagnose(proof)": 18,
    "redactions of one exchange": 1,
    f"functions over {LONGEST_FUNCTION} lines": 1,
    f"modules over {LONGEST_MODULE} lines": 3,
    "import DPoPAuth / requests and jwcrypto.jwk": 1.2,
    "a proof made / by hand": 1.25,
    "every row asked / by hand": 1.6,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def inside(path: Path) -> str:
    """The name of a file within the package."""
    return path.relative_to(PACKAGE).as_posix()


def has_a_share(path: Path) -> bool:
    """Is this file of the package in none of the later rooms?"""
    return not inside(path).startswith(LATER)


def modules() -> list[Path]:
    """The modules of the package, without the rooms that have no share."""
    return list(filter(has_a_share, sorted(PACKAGE.rglob("*.py"))))


def tokens(text: str) -> int:
    """How many tokens a module has, comments and docstrings aside."""
    starts = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            starts.add((node.body[0].lineno, node.body[0].col_offset))
    found = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(one.type not in NO_CODE and one.start not in starts for one in found)


def classes(text: str) -> int:
    """How many classes a module has, those within others too."""
    return sum(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(text)))


def long_functions() -> list[str]:
    """The functions of the package that are too long, with their lines."""
    found = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, FUNCTIONS):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    found.append(f"{inside(path)}: {node.name}, {lines}")
    return found


def long_modules() -> list[str]:
    """The modules of the package that are too long, with their lines."""
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in modules()}
    return [f"{inside(path)}, {count}" for path, count in lines.items() if count > LONGEST_MODULE]


def rooms() -> Iterator[str]:
    """Lines, tokens and classes of each room, of all that have a share, and then of the later."""
    figures: dict[str, Counter[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        text, first = path.read_text("utf-8"), inside(path).partition("/")[0]
        later = next(filter(inside(path).startswith, LATER), "")
        own = Counter(lines=len(text.splitlines()), tokens=tokens(text), classes=classes(text))
        for room in (later,) if later else (first, "all"):
            figures.setdefault(room, Counter()).update(own + Counter(files=1))
    yield f"{'room':<16}{'files':>8}{'lines':>8}{'tokens':>8}{'classes':>8}"
    for room in sorted(figures, key=lambda room: (room in LATER, room == "all", room)):
        one = figures[room]
        named = ("files", "lines", "tokens", "classes")
        yield f"{room:<16}" + "".join(f"{one[name]:>8}" for name in named)


def executed_by_lessons() -> dict[str, int]:
    """How many lines of each file of the package lessons 00 to 05 execute, imports too.

    Lesson 00 shows the map of all exercises, so that room is loaded: what it has loaded counts, its
    own lines do not. In a process of its own, for what is imported already is not executed again.
    """
    code = "from tests.measure import run_lessons; run_lessons()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    lines: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return lines


def run_lessons() -> None:
    """Run the code cells of lessons 00 to 05, and print the lines of each file as JSON."""
    import coverage
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell

    measured = coverage.Coverage(source=[str(PACKAGE)], data_file=None, config_file=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "dpop_lab"]:
        del sys.modules[name]
    measured.start()
    for path in sorted(NOTEBOOKS.glob("0[0-5]_*.ipynb")):
        shell = InteractiveShell()
        for cell in nbformat.read(path, as_version=4).cells:
            tags = cell.metadata.get("tags", ())
            if cell.cell_type == "code" and "exercise" not in tags:  # of a later room
                expected = "raises-exception" in tags
                assert shell.run_cell(cell.source).success or expected, (path.name, cell.source)
    measured.stop()
    data = measured.get_data()
    paths = filter(has_a_share, map(Path, data.measured_files()))
    lines = {inside(path): len(data.lines(str(path)) or []) for path in paths}
    print("\n", json.dumps({file: count for file, count in lines.items() if count}))


def files_run(action: Callable[[], object]) -> list[str]:
    """The files of the package of which a function is entered by an action."""
    files: set[str] = set()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return sorted(inside(path) for path in map(Path, files) if path.is_relative_to(PACKAGE))


def redactions(action: Callable[[], object]) -> int:
    """How often an action has one exchange redacted, of the one where that is most often."""
    counts: Counter[object] = Counter()

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_qualname == "Redactor.exchange":
            raw = frame.f_locals["raw"]
            counts[raw.request_headers, raw.response_headers, *map(id, raw.reports)] += 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return max(counts.values())


def import_ratio(rounds: int = 9) -> float:
    """CPU seconds of a process that imports a client, to one that imports what it stands on."""
    statements = ("from dpop_lab import DPoPAuth, load_key", "import requests, jwcrypto.jwk")
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement, taken in times.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", statement], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    ours, theirs = map(statistics.median, times.values())
    return ours / theirs


def calls() -> tuple[Callable[[], object], Callable[[], object]]:
    """A send and a diagnosis, each done once before: what is made or imported once is there."""
    lab, proof = dpop_lab.Lab(), benchmark.made()
    both = (lambda: lab.send("own_key")), (lambda: dpop_lab.diagnose(proof))
    for one in both:
        one()
    return both


def where() -> Iterator[str]:
    """The lines that lessons execute of each file, the most first; the files that calls run."""
    for file, count in sorted(executed_by_lessons().items(), key=lambda pair: -pair[1]):
        yield f"{count:>8}  {file}"
    for name, call in zip(('lab.send("own_key")', "diagnose(proof)"), calls(), strict=True):
        yield f"{name}: {', '.join(files_run(call))}"


def figures() -> Iterator[tuple[str, float]]:
    """Every figure that has a budget, by its name in `BUDGETS`."""
    names = iter(BUDGETS)
    texts = [path.read_text("utf-8") for path in modules()]
    send, diagnose = calls()
    executed = executed_by_lessons()
    values = (
        sum(executed.values()),
        len(executed),
        sum(map(tokens, texts)),
        sum(map(classes, texts)),
        len(files_run(send)),
        len(files_run(diagnose)),
        redactions(send),
        len(long_functions()),
        len(long_modules()),
        import_ratio(),
        *benchmark.by_hand_ratios(),
    )
    return zip(names, values, strict=True)


def main() -> int:
    """Print the figures; gives 1 where one is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rooms", action="store_true", help="lines, tokens, classes of each room")
    parser.add_argument("--where", action="store_true", help="lines and files, by their names")
    options = parser.parse_args()
    if options.rooms or options.where:
        print("\n".join([*(rooms() if options.rooms else ()), *(where() if options.where else ())]))
        return 0
    over = 0
    for name, value in figures():
        fits = value <= BUDGETS[name]
        over += not fits
        shown = f"{value:.2f}" if isinstance(value, float) else f"{value:,}"
        print(f"{'  ' if fits else '! '}{name:<46}{shown:>10} of {BUDGETS[name]:,}")
    for line in (*long_functions(), *long_modules()):
        print(f"    long: {line}")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
