"""The pages under `docs/`: for each row and each error, made of what the package knows."""

from tests.links import ROOT
from tests.pages.error import code_page, codes, no_error_page, text_page, texts
from tests.pages.index import index_page
from tests.pages.markdown import Page
from tests.pages.other import no_words_page, other_page, paths
from tests.pages.row import row_page
from tests.pages.wire import ROWS

DOCS = ROOT / "docs"
MADE = ("README.md", "rows/*.md", "errors/*.md", "other/*.md")  # what is beside them is kept
COMMAND = "uv run python -m tests.pages"


def pages() -> dict[str, str]:
    """All pages by their paths under `docs/`, made afresh."""
    made: list[Page] = [
        index_page(),
        *map(row_page, ROWS.values()),
        *map(text_page, texts()),
        *map(code_page, codes()),
        no_error_page(),
        *map(other_page, paths()),
        no_words_page(),
    ]
    found = {page.path: page.text for page in made}
    assert len(found) == len(made), "two pages have one path"
    return found


def stored() -> dict[str, str]:
    """The pages that are there now, by their paths."""
    return {
        path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
        for pattern in MADE
        for path in DOCS.glob(pattern)
    }


def write() -> list[str]:
    """Write the pages that changed, take away those that are none; gives their paths."""
    made, old = pages(), stored()
    for path in old.keys() - made.keys():
        (DOCS / path).unlink()
    changed = [path for path, text in made.items() if old.get(path) != text]
    for path in changed:
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / path).write_text(made[path], encoding="utf-8", newline="\n")
    return sorted([*changed, *(old.keys() - made.keys())])
