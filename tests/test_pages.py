"""The pages of `docs/`: fresh, whole, with links that lead somewhere, and short."""

import ast
import re
from collections import Counter
from functools import cache
from html import unescape
from pathlib import Path

import nbformat
import pytest
from readme_renderer import markdown

from dpop_lab import diagnose
from dpop_lab.checking import Finding
from dpop_lab.doctor.general import IN_GENERAL
from dpop_lab.doctor.wordings import SPECIFIC
from dpop_lab.doctor.words import fitting
from dpop_lab.panels import BenchPanel
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.sign_in.ways import with_sign_in
from dpop_lab.show.values import one_line
from tests import pages
from tests.links import ROOT
from tests.pages.error import rows_of, texts
from tests.pages.markdown import Page, code, prose, same_each_run, table
from tests.pages.taught import OF_A_SIGN_IN, TAUGHT
from tests.pages.trials import LIKELY, causes
from tests.pages.wire import ROWS
from tests.pages.words import OF_CODES, TOLD_AT, page_of, quoted
from tests.said import heard, read

LONGEST, OF_THE_INDEX = 120, 150  # lines; the index is searched, not read
LESSONS = {*TAUGHT.values(), *OF_A_SIGN_IN.values()}
LINK = re.compile(r"\]\(([^)\s]+)\)")
SERVER = ROOT / "dpop_lab" / "server"


@cache
def made():
    """All pages made afresh, once: some two seconds, in which two hundred requests are sent."""
    return pages.pages()


def titles():
    return {text.partition("\n")[0].removeprefix("# ") for text in made().values()}


def test_the_pages_are_those_that_would_be_made_now():
    now, then = made(), pages.stored()
    other = sorted(path for path in now.keys() | then.keys() if now.get(path) != then.get(path))
    assert other == [], f"mended by: {pages.COMMAND}"


def test_every_link_between_pages_and_lessons_leads_to_a_file():
    found = {
        (path, target)
        for path, text in made().items()
        for target in LINK.findall(text)
        if "://" not in target
    }
    assert len(found) > 300
    gone = [
        (path, to) for path, to in found if not (pages.DOCS / path).parent.joinpath(to).exists()
    ]
    assert gone == []


def test_every_page_is_found_from_the_index():
    linked = {"README.md", *LINK.findall(made()["README.md"])}
    assert made().keys() - linked == set()


def test_no_page_is_long_and_each_begins_with_cause_and_mend():
    for path, text in made().items():
        lines = text.splitlines()
        assert len(lines) <= (OF_THE_INDEX if path == "README.md" else LONGEST), path
        assert lines[0].startswith("# ") and text.count("\n# ") == 0, path
        if path not in ("README.md", "other/no-words.md"):
            assert [one[:9] for one in lines[2:4]] == ["- **Cause", "- **Mend:"], path


def test_every_row_has_a_page_with_its_causes_and_its_lesson():
    asked = {row for policy in map(with_sign_in, POLICIES.values()) for row in policy.row_names}
    assert {f"rows/{row}.md" for row in asked} == {path for path in made() if path[:5] == "rows/"}
    assert asked <= LIKELY.keys() & TAUGHT.keys()
    for name, row in ROWS.items():
        text = made()[f"rows/{name}.md"]
        assert prose(row.question) in text and prose(row.stops) in text
        assert [one.call.caught for one in causes(name)] == [name] * len(causes(name))
        assert all(prose(one.title) in text and prose(one.advice) in text for one in causes(name))


@pytest.mark.parametrize(
    ("row", "server"),
    [("htu", "DUENDE"), ("unbound", "RFC_9449"), ("code_key", "DUENDE"), ("refresh_key", "DUENDE")],
)
def test_the_line_for_the_bench_brings_the_row_to_fail(row, server):
    [line] = re.findall(r"`(BenchPanel.*?)`", made()[f"rows/{row}.md"])
    panel = eval(line, {"BenchPanel": BenchPanel})
    panel.fields["Server"].value = server
    panel._send.click()
    assert panel.view.caught == row


@pytest.mark.parametrize("notebook", sorted({one for one, _ in LESSONS}))
def test_what_is_taught_has_a_heading_in_its_lesson(notebook):
    cells = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for name, heading in LESSONS:
        assert name != notebook or re.search(rf"^##+ {re.escape(heading)}$", text, re.M), heading


def written_in(path: Path):
    """Error codes and descriptions in the calls of a module that make refusals."""
    makers = ("Answer", "bad_request")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in makers:
                values = [*node.args, *(one.value for one in node.keywords)]
                texts = (one.value for one in values if isinstance(one, ast.Constant))
                yield from (one for one in texts if isinstance(one, str))


def test_every_error_and_every_text_that_a_policy_can_send_has_a_page():
    answers = {
        policy.answer(profile, Finding(row, "failed", defect=defect))
        for policy in map(with_sign_in, POLICIES.values())
        for profile in policy.profiles.values()
        for row in profile.rows
        for defect in ("missing", "wrong", *(key[1] for key in profile.answers if key[1:2]))
    }
    said = {text for one in answers for text in one.members.values()}
    said |= {text for path in SERVER.rglob("*.py") for text in written_in(path)}
    assert {"invalid_target", "Client authentication failed.", "Invalid 'htu' value."} <= said
    ends = [one.partition("`: ")[2] or one.strip("`") for one in titles()]
    assert {one for one in said if one and one not in ends and prose(one) not in ends} == set()


def test_every_wording_of_the_doctor_stands_in_the_index_once():
    index, found = made()["README.md"], []
    cells = [line.split(" | ")[0][2:] for line in index.splitlines() if line.startswith("| ")]
    said = Counter(one for cell in cells for one in cell.split("<br>") if not one.startswith("["))
    for words in read().values():
        for text, who in words.items():
            call = heard(text)
            found.append(fitting(call, call.description, SPECIFIC))
            assert said[f"{quoted(text)}{f' ({who})' * bool(who)}"] == 1, text
    unheard = [one.topic for one in SPECIFIC if one not in found]
    assert unheard == [], "their words are missing in tests/said.tsv"
    for wording in SPECIFIC:
        assert not wording.means or index.count(f": {prose(wording.means)} |") == 1, wording.topic
    alone = [error for error in OF_CODES if error not in TOLD_AT]
    assert all(index.count(f"[{code(error)}](errors/{error}.md)") >= 1 for error in alone)
    for wording in IN_GENERAL:
        assert f"({page_of(wording.topic)})" in index, wording.topic
        assert all(number in index for number in re.findall(r"\d{3}", wording.says))


def test_the_doctor_takes_the_words_of_a_page_for_its_rows():
    for error, text in texts():
        if rows := [row.name for row in rows_of((error, text))]:
            [problem] = diagnose(f"{error}: {text}").problems
            assert {*map(page_of, problem.explains)} == {f"rows/{row}.md" for row in rows}, text


def test_a_page_reads_the_same_in_another_renderer():
    for path, text in made().items():
        html = markdown.render(text)
        assert html.count("<table") == text.count("| --- |\n"), path
        assert html.count("<h1") == 1, path
        assert "**" not in re.sub(r"<(code|pre).*?</\1>", "", html, flags=re.S), path


HOSTILE = ["a|b", "`tick`", "``", "<script>x</script>", "*a* _b_ [c](d) ![e](f)", "a\nb", "$x$"]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_said_is_shown_and_nothing_else(text):
    page = Page("x.md", prose(text))
    page.add(prose(text), table(("Code", "Words"), [(code(text), prose(text))]))
    html = markdown.render(page.text)
    assert not re.search(r'<(script|em|strong|img|a href="(?!#))', html)
    assert html.count("<td") == 2
    shown = unescape(re.search("<code>(.*)</code>", html)[1])
    assert shown.strip() == one_line(text)


def test_what_differs_in_each_run_is_left_out():
    drawn = ["eyJ" + "A1b2" * 12, "A" * 43, "0431947B461C418EB99B90E487A9AA32", "1795960794"]
    assert [same_each_run(f"'{one}' here") for one in drawn] == ["'…' here"] * len(drawn)
    kept = "send https://demo.duendesoftware.com/api/dpop/test, 64 octets, invalid_dpop_proof"
    assert same_each_run(kept) == kept
