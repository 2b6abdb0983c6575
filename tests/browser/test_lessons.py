"""Every lesson in a real JupyterLab: read before it is run, run to its end, read in both themes."""

import pytest
from lesson import LESSONS, OURS, THEMES, source, squeezed, words

each_lesson = pytest.mark.parametrize("name", LESSONS)


@each_lesson
def test_an_unrun_lesson_shows_what_it_holds(lesson, name):
    cells = [cell for cell in source(name)["cells"] if cell["cell_type"] == "code"]
    for cell, shown in zip(cells, lesson(name).at_first, strict=True):
        assert squeezed(shown) == "".join(map(words, cell["outputs"])), cell["id"]


@each_lesson
def test_a_lesson_runs_to_its_end_without_an_error(lesson, name):
    outputs = lesson(name).run().outputs()
    assert outputs
    assert not [one for one in outputs if one["output_type"] == "error"]


@each_lesson
@pytest.mark.parametrize("theme", THEMES)
def test_what_a_lesson_shows_is_accessible(lesson, name, theme):
    ran = lesson(name).run()
    ran.wear(theme)
    ran.keep_picture(f"{name}-{theme.split()[-1].lower()}")
    assert not ran.faults()


@each_lesson
def test_a_lesson_leaves_the_console_silent_and_asks_only_its_own_server(lesson, name):
    ran = lesson(name).run()
    assert ran.said == []
    assert ran.asked and ran.strangers() == []


def test_a_fault_in_an_output_would_be_found(lesson):
    page = lesson(LESSONS[0]).run().page
    page.evaluate(f"document.querySelector('{OURS}').innerHTML += '<img id=planted src=data:,>'")
    assert "image-alt" in lesson(LESSONS[0]).faults()
    page.evaluate("document.querySelector('#planted').remove()")
