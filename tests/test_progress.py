"""Progress with the exercises: kept whatever happens, shown as card, panel, map and command."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

import dpop_lab
from dpop_lab import LabError
from dpop_lab.cli import main
from dpop_lab.exercises import progress as kept
from dpop_lab.exercises.attempt import Attempt
from dpop_lab.exercises.course import all_exercises, exercise, find_exercise, progress
from dpop_lab.exercises.exercise import HINTS, Exercise
from dpop_lab.exercises.progress import Entry, note_progress, read_progress, tried
from tests.exercises.lesson_05 import TRIED
from tests.test_panels import safe

ID = "05.2"
WRONG, SOLVE = TRIED[ID].wrong[0], TRIED[ID].solve


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where progress is kept; it is not there yet."""
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def task():
    return Attempt(find_exercise(ID))


def test_state_tries_hints_and_the_time_are_kept(folder, task):
    task.solved()
    assert read_progress() == {}  # nothing was tried
    task.hint()
    WRONG(task)
    assert not task.solved()
    assert not task.solved()  # asked twice, tried once
    assert read_progress() == {ID: Entry("begun", None, tries=1, hints=1)}
    task.start_again()
    SOLVE(task)
    (entry,) = read_progress().values()
    assert (entry.state, entry.tries, entry.hints) == ("solved", 2, 1)
    later = Attempt(find_exercise(ID))
    assert (later.state, bool(later.solved())) == ("solved", False)
    WRONG(later)
    later.solved()
    assert replace(entry, tries=3) == read_progress()[ID]  # what is solved stays so
    assert sorted(os.listdir(folder)) == ["progress.json", "progress.lock"]


def test_nothing_is_kept_where_the_variable_is_empty(monkeypatch, task):
    monkeypatch.setenv(kept.VARIABLE, "")
    monkeypatch.setenv("HOME", "/nonexistent")
    SOLVE(task)
    task.start_again()
    WRONG(task)
    task.solved()
    assert (task.state, read_progress()) == ("solved", {})
    monkeypatch.setenv(kept.VARIABLE, "~nosuchuser/data")
    assert read_progress() == {}


def test_without_the_variable_it_is_the_data_folder_of_the_user(monkeypatch):
    monkeypatch.delenv(kept.VARIABLE)
    assert kept.data_folder().name == "dpop-lab"


def test_two_processes_at_once_lose_nothing(folder):
    code = (
        "from dpop_lab.exercises.progress import note_progress, tried\n"
        "for _ in range(25): note_progress('05.2', tried)"
    )
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [one.wait(timeout=60) for one in started] == [0, 0]
    assert read_progress() == {ID: Entry("begun", None, tries=50)}


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "exercises": {"05.2": {"sta',
        "",
        "null",
        "\0" * 100,
        "[" * 100_000,
        '{"version": 2, "exercises": {}}',
        '{"version": 1, "exercises": {"05.2": {"state": "won", "tries": 1}}}',
        '{"version": 1, "exercises": {"05.2": 5}}',
        '{"version": 1, "exercises": {}, "more": "' + "x" * kept.LARGEST + '"}',
    ],
    ids=lambda text: text[:50],
)
def test_a_damaged_file_is_kept_aside_and_told(folder, text):
    folder.mkdir()
    (folder / kept.FILE).write_text(text, "utf-8")
    assert read_progress() == {}
    note_progress(ID, tried)
    assert read_progress() == {ID: Entry("begun", None, tries=1)}
    (aside,) = folder.glob("progress-damaged-*.json")
    assert aside.read_text("utf-8") == text
    assert aside.name in repr(progress())


def test_where_nothing_can_be_written_an_exercise_works_all_the_same(monkeypatch, tmp_path, task):
    (tmp_path / "file").write_text("mine", "utf-8")
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "file"))
    task.hint()
    SOLVE(task)
    assert (task.state, read_progress()) == ("solved", {})
    assert (tmp_path / "file").read_text("utf-8") == "mine"


# ---- the card and its panel


def test_an_exercise_is_one_and_the_same_until_it_starts_again():
    task = exercise(ID)
    assert exercise(ID) is task
    key, lab = task.key, task.lab
    task.start_again()
    assert task.key != key
    assert task.lab is not lab
    with pytest.raises(LabError):
        exercise("05.99")
    with pytest.raises(AttributeError, match="client"):
        task.no_such_thing  # noqa: B018


def test_hints_open_one_by_one(task):
    shown = [repr(task.hint()) for _ in range(HINTS + 1)]
    assert [len(re.findall(r"^\d of", text, re.M)) for text in shown] == [1, 2, 3, 3]
    assert [text in repr(task).replace("\n", " ") for text in ("1 of 3", "3 of 3")] == [True] * 2


def test_a_prediction_is_the_name_of_a_row_and_for_one_request():
    task = Attempt(find_exercise("05.1"))
    with pytest.raises(LabError):
        task.predict("no such row")
    task.predict("ath")
    task.send("renewed")
    task.send("page")
    assert [one.predicted for one in task._scene.calls] == ["ath", ""]


def test_an_id_is_known_without_its_zero():
    assert find_exercise("1.1") is find_exercise("01.1")
    for name in ("1", "1.", ".1", "1.01", 1.1, ""):
        with pytest.raises(LabError):
            find_exercise(name)


def test_an_exercise_that_does_not_fit_is_told_to_its_author():
    known = find_exercise(ID)
    for changed in ({"id": "5"}, {"kind": "win"}, {"hints": ("one",)}, {"gives": {"lab": "x"}}):
        with pytest.raises(LabError):
            replace(known, **changed)
    with pytest.raises(LabError):
        Attempt(replace(known, gives={"other": "thing"}))
    assert "steps" not in repr(known)


def test_the_panel_changes_by_itself_when_the_server_saw_something(task):
    bundle = task._repr_mimebundle_()
    assert {"text/plain", "text/html"} < {*bundle}
    panel = task._panel
    safe(panel)
    before = panel._verdict.value
    WRONG(task)
    wrong = panel._verdict.value
    assert "hash of the token" in wrong
    SOLVE(task)
    assert len({before, wrong, panel._verdict.value}) == 3
    assert "✓" in panel._verdict.value
    for _ in range(HINTS):
        panel._hint.click()
    assert panel._hint.disabled
    assert task.exercise.hints[-1] in panel._details.value.replace("&#x27;", "'")
    panel.start_again.click()
    assert (task.state, len(task._scene.calls)) == ("solved", 0)
    safe(panel)


def test_what_is_no_row_of_a_policy_is_never_asked_nor_told():
    task = Attempt(find_exercise("06.1"))
    profile = task.lab.policy.api
    assert profile.struck_out == ()
    with pytest.raises(LabError) as caught:
        task.name("x" * 10)
    assert "htm" in str(caught.value)  # whichever is missing, all names are said


def test_importing_and_asking_loads_no_widgets():
    code = f"import sys; from dpop_lab import exercise; exercise('{ID}'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ipywidgets" not in done.stdout.split()
    assert "dpop_lab.exercises.lesson_06" not in done.stdout.split()


# ---- the map and the command


def test_the_map_marks_what_is_solved(folder, task):
    assert repr(progress()).startswith(f"· 0 of {len(all_exercises())} ")
    SOLVE(task)
    text = repr(dpop_lab.progress())
    assert text.startswith(f"· 1 of {len(all_exercises())} ")
    assert [line.split()[1] for line in text.splitlines() if "✓" in line] == [ID]


def test_the_command_lists_tells_and_forgets(folder, task, capsys):
    assert main(["lessons", "--exercises", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed] == list(all_exercises())
    assert {*listed[0]} == {"id", "lesson", "kind", "title"}
    SOLVE(task)
    assert main(["lessons", "--progress", "--json"]) == 0
    told = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    assert (told[ID]["state"], told["05.1"]["state"]) == ("solved", "not begun")
    for words in (["--exercises"], ["--progress"]):
        assert main(["lessons", *words]) == 0
        assert find_exercise(ID).title in capsys.readouterr().out
    assert main(["lessons", "--reset"]) == 1  # nobody there to say yes
    assert ID in read_progress()
    assert main(["lessons", "--reset", "--yes"]) == 0
    assert read_progress() == {}
    for words in (["--reset", "--progress"], ["--json"], ["--reset", "--json"]):
        assert main(["lessons", *words]) == 2


def test_an_exercise_has_all_of_its_parts():
    for one in all_exercises().values():
        assert isinstance(one, Exercise)
        assert all(text.endswith((".", "?")) for text in (one.task, *one.hints))
        assert not re.search(r"[.!]$", one.title)
