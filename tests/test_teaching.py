"""The trainer's guide: its routes add up, and what it names is there."""

import ast
import json
import re
from pathlib import Path

import pytest

from dpop_lab.cli import main
from dpop_lab.exercises.course import all_exercises

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PAGES = {name: (NOTEBOOKS / name).read_text("utf-8") for name in ("teaching.md", "handout.md")}
TEXT = PAGES["teaching.md"]
ROUTES = {"90 minutes": 90, "Half a day": 210, "A day": 360, "People sign in": 90}
LESSONS = {path.stem[:2]: path for path in NOTEBOOKS.glob("*.ipynb")}


def stops(route):
    """The rows of a route's table: minutes, where, the stop."""
    section = TEXT.split(f"\n## {route}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| (\d+) \|(.*?)\| (.*?) \|$", section, re.MULTILINE)


def sources(lesson):
    """The cells of a lesson's notebook as texts."""
    cells = json.loads(LESSONS[lesson].read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells]


@pytest.mark.parametrize("route", ROUTES)
def test_the_minutes_of_a_route_add_up(route):
    assert sum(int(minutes) for minutes, _, _ in stops(route)) == ROUTES[route]


@pytest.mark.parametrize("route", ROUTES)
def test_what_a_stop_names_is_in_its_lesson(route):
    named = 0
    for _, where, stop in stops(route):
        lessons = re.findall(r"\[(\d\d)\]\(", where)
        texts = "\n".join(text for lesson in lessons for text in sources(lesson))
        for heading in re.findall(r"\*([A-Z\"][^*]+)\*", where):
            named += 1
            assert re.search(rf"^## {re.escape(heading)}", texts, re.MULTILINE), heading
        for one in re.findall(r"\b\d\d\.\d\b", where + stop):
            named += 1
            assert one in all_exercises()
    assert named


def names(source):
    """What a cell binds, and what it reads without having bound it."""
    nodes = [*ast.walk(ast.parse(source))]
    bound = {
        one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    bound |= {one.name for one in nodes if isinstance(one, ast.FunctionDef)}
    bound |= {one.asname or one.name for one in nodes if isinstance(one, ast.alias)}
    return bound, {one.id for one in nodes if isinstance(one, ast.Name)} - bound


def test_no_later_cell_needs_a_name_from_what_is_left_out():
    found = re.search(r"In (\d\d) leave out \*(.+?)\* and \*(.+?)\*: no later cell", TEXT)
    lesson, *left_out = found.groups()
    known, gone, section = set(), set(), ""
    for cell in json.loads(LESSONS[lesson].read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            section = [section, *re.findall(r"^## (.+)$", text, re.MULTILINE)][-1]
            continue
        bound, read = names(text)
        if section in left_out:
            gone |= bound - known
        else:
            assert not read & gone, cell["id"]
            known, gone = known | bound, gone - bound
    assert gone


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    text = PAGES[name]
    anchors = {
        re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
        for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif not link.startswith("https://"):
            assert (NOTEBOOKS / link).exists(), link


def test_the_commands_and_options_are_there(capsys):
    commands = set(re.findall(r"dpop-lab ([a-z]+)\b", TEXT)) - {"lessons"}
    assert commands >= {"ready", "serve", "diagnose", "compare"}
    for command in (*commands, "lessons"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
    told = set(re.findall("--[a-z-]+", capsys.readouterr().out))
    lines = "\n".join(re.findall(r"dpop-lab [^`\n]*", TEXT))
    assert set(re.findall(" (--[a-z-]+)", lines)) <= told
