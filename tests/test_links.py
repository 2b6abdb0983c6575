"""Links into this repository have one name in them, a fork's command changes them all, and each
names something that exists."""

import ast
import re
import shutil

import nbformat
import pytest

from dpop_lab.panels.panel import Panel
from tests import links
from tests.links import ROOT, binder, codespace, main, page, picture, repository, rewritten
from tests.pages import paste

IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]
MINE = "https://github.com/me-2/my.dpop"


@pytest.fixture
def copy(tmp_path):
    """The tree as a fork has it, its setting changed."""
    skip = shutil.ignore_patterns(".git", "cases", "recordings", *IGNORED)
    fork = shutil.copytree(ROOT, tmp_path / "fork", ignore=skip)
    setting = (fork / "pyproject.toml").read_text("utf-8")
    setting = setting.replace(f'repository = "{page()}"', f'repository = "{MINE}"')
    (fork / "pyproject.toml").write_text(setting, "utf-8")
    return fork


def naming(folder, name):
    """The files of a tree with a name in them."""
    texts = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    return {
        path.relative_to(folder).as_posix()
        for path in texts
        if name in path.read_text("utf-8", errors="replace")
    }


def test_no_old_name_is_left_in_a_fork(copy):
    old = naming(copy, repository())
    assert old >= {"README.md", "notebooks/00_start.ipynb"}
    assert main(["--check"], copy) == 1 and naming(copy, repository()) == old
    assert main([], copy) == 0
    assert naming(copy, repository()) == set()
    assert naming(copy, "me-2/my.dpop") >= old
    assert main(["--check"], copy) == 0


def test_each_link_here_has_the_name_of_the_setting(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("made", [page(), page("a/b.md"), picture("a.png"), binder("x.ipynb")])
def test_a_link_that_is_made_is_one_that_is_rewritten(made):
    other = rewritten(f"see {made}, or ({codespace()}).", "me/mine")
    assert repository() not in other and other.count("me/mine") == 2
    assert rewritten(other, repository()) == f"see {made}, or ({codespace()})."


def test_a_clone_is_entered_by_its_name():
    line = "git clone https://github.com/a/b && cd b"
    assert rewritten(line, "me/mine") == "git clone https://github.com/me/mine && cd mine"


@pytest.mark.parametrize("url", ["gh/a/b/HEAD", f"{MINE}/", "http://github.com/a/b", ""])
def test_another_form_of_the_setting_is_told(tmp_path, url):
    (tmp_path / "pyproject.toml").write_text(f'[tool.dpop_lab]\nrepository = "{url}"', "utf-8")
    with pytest.raises(ValueError, match="wanted https://github"):
        repository(tmp_path)


def test_the_links_to_paste_and_the_notebooks_of_the_panels_are_those_that_would_be_made_now():
    made = paste.made()
    stored = {path: (paste.DOCS / path).read_text("utf-8") for path in made}
    assert stored == made, "mended by: uv run python -m tests.pages"
    assert {f"panels/{path.name}" for path in (paste.DOCS / "panels").iterdir()} < made.keys()


@pytest.mark.parametrize("path", sorted(path for path in paste.made() if path != paste.PAGE))
def test_a_panel_s_notebook_shows_its_panel(path):
    (cell,) = (
        one for one in nbformat.reads(paste.made()[path], 4).cells if one.cell_type == "code"
    )
    *statements, shown = ast.parse(cell.source).body
    names = {}
    exec(compile(ast.Module(statements, []), path, "exec"), names)
    assert isinstance(eval(compile(ast.Expression(shown.value), path, "eval"), names), Panel)


def test_every_link_into_the_repository_names_a_file_that_exists():
    text = "\n".join(path.read_text("utf-8") for path in links.pages())
    name = re.escape(repository())
    paths = re.findall(
        rf"{name}/(?:(?:blob|tree|raw)/)?HEAD(?:\?urlpath=lab/tree)?/([\w./-]+)", text
    )
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path.rstrip(".")).exists()] == []
