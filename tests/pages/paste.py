"""What authors of other pages link to: a notebook for each panel, and a page of links to paste."""

import json
from collections.abc import Mapping
from pathlib import Path

import nbformat

from dpop_lab import panels
from tests import links, store
from tests.links import ROOT

DOCS = ROOT / "docs"
PAGE = "links.md"
WORDS: Mapping[str, str] = {  # what a panel is for, as its link says it
    "BenchPanel": "change a proof, a token or a request, send it, and see which row refuses it",
    "CataloguePanel": "look for a mistake or an attack among two hundred",
    "DoctorPanel": "paste a call that fails, and read the cause",
    "KeyPanel": "change a public key, and see its thumbprint",
    "ProofPanel": "change a DPoP proof, and see what a server says of it",
}
HEAD = """# Links to paste

For those who write documentation, a course or an answer of their own: links to each lesson and
each panel. A Binder link opens it in the browser, with nothing to install, after a minute or two;
what is done there is gone when the page was idle for a while. A codespace is a machine of the
reader's own at GitHub, which opens at the start page. A file is read as it is. On a machine that
is not theirs nobody should paste a token or a key that is in use.

An error has a page of its own: [find it by its words](README.md). On a machine with dpop_lab
`dpop-lab lessons --bench CHANGE` opens the bench with a change chosen; `dpop-lab compare --list`
names them.
"""
ELSEWHERE = (
    "On Binder or in a codespace it runs on a machine that is not yours:"
    " paste no token and no key that is in use."
)


def panel_notebook(name: str, path: Path) -> str:
    """A notebook that is one panel, as text, with what it showed when it was stored there."""
    title = f"# {name.removesuffix('Panel')}: {WORDS[name]}"
    words = f"{title}\n\nRun the cell below (Shift and Enter). {ELSEWHERE}"
    code = f"from dpop_lab.panels import {name}\n\n{name}()"
    cells = [
        nbformat.v4.new_markdown_cell(words, id="head"),
        nbformat.v4.new_code_cell(code, id="panel"),
    ]
    there = nbformat.read(path, as_version=4).cells if path.exists() else []
    cells[1].outputs = [one for cell in there if cell.source == code for one in cell.outputs]
    return store.written(nbformat.v4.new_notebook(cells=cells))


def title_of(path: Path) -> str:
    """What a lesson's first line calls it."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return str(cells[0]["source"][0]).strip().removeprefix("# ")


def _section(heading: str, targets: Mapping[str, str]) -> str:
    """A table of links by what they lead to, then the same as Markdown to copy."""
    rows = [
        f"| {words} | [Binder]({links.binder(path)}) | [codespace]({links.codespace()}) "
        f"| [file]({links.page(path)}) |"
        for words, path in targets.items()
    ]
    markdown = [f"[{words}]({links.binder(path)})" for words, path in targets.items()]
    table = ["| | in the browser | on a machine | to read |", "|---|---|---|---|", *rows]
    return "\n".join([f"\n## {heading}\n", *table, "\n```markdown", *markdown, "```\n"])


def made() -> dict[str, str]:
    """All that is made here, by its path under `docs/`."""
    lessons = {
        f"DPoP, {title_of(path)}": f"notebooks/{path.name}"
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    }
    files = {name: f"panels/{name.removesuffix('Panel').lower()}.ipynb" for name in WORDS}
    assert set(WORDS) == set(panels.__all__)
    alone = {f"DPoP: {WORDS[name]}": f"docs/{path}" for name, path in files.items()}
    page = HEAD + _section("Lessons", lessons) + _section("Panels", alone)
    return {PAGE: page, **{path: panel_notebook(name, DOCS / path) for name, path in files.items()}}


def write() -> list[str]:
    """Write what changed, a panel's notebook with what it shows; gives its paths."""
    (DOCS / "panels").mkdir(exist_ok=True)
    files = {path: DOCS / path for path in made()}
    changed = [
        path
        for path, text in made().items()
        if not files[path].exists() or files[path].read_text(encoding="utf-8") != text
    ]
    for path in changed:
        files[path].write_text(made()[path], encoding="utf-8", newline="\n")
        if files[path].suffix == ".ipynb":
            store.store(files[path])
    return changed
