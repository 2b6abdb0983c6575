"""Every lesson in a real JupyterLab: read before it is run, run to its end, read in both themes."""

import pytest
from lesson import LESSONS, OURS, THEMES, source, squeezed, words

PLANT = """where => { document.querySelector(where).insertAdjacentHTML('beforeend',
    '<p id=planted style="color: var(--jp-layout-color2)">pale<img src=data:,></p>');
    document.querySelector('#planted').scrollIntoView({ block: 'center' }); }"""

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
def test_what_a_lesson_shows_is_accessible(lesson, name):
    assert lesson(name).run().faults(name) == []


@each_lesson
def test_a_lesson_leaves_the_console_silent_and_asks_only_its_own_server(lesson, name):
    ran = lesson(name).run()
    assert ran.said == []
    assert ran.asked and ran.strangers() == []


def test_a_fault_in_an_output_would_be_found(lesson):
    start = lesson(LESSONS[0]).run()
    start.page.evaluate(PLANT, OURS)
    found = start.faults("planted")
    start.page.evaluate("document.querySelector('#planted').remove()")
    assert any("image-alt" in one for one in found)
    for theme in THEMES:
        assert any(one.startswith(theme) and "color-contrast" in one for one in found)
