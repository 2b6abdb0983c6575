"""Each exercise: untouched it is not solved, its solution solves it, and nothing else does."""

import re
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
import requests

from dpop_lab.errors import LabError
from dpop_lab.exercises.attempt import Attempt
from dpop_lab.exercises.course import all_exercises
from dpop_lab.exercises.exercise import NOTHING
from dpop_lab.jose.encoding import base64url_decode, base64url_encode
from dpop_lab.jose.keys import generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.lessons import originals
from tests.world import CLIENT_KEY

EXERCISES = all_exercises()
TRIED = {
    name: tried
    for path in sorted(Path(__file__).with_name("exercises").glob("[a-z]*.py"))
    for name, tried in import_module(f"tests.exercises.{path.stem}").TRIED.items()
}
UNFIT = (LabError, AttributeError, KeyError, IndexError, TypeError, ValueError, StopIteration)
each = pytest.mark.parametrize("name", EXERCISES)


def attempt(name):
    return Attempt(EXERCISES[name])


def told(name, way):
    """What is told after a way was tried, in an attempt of its own."""
    task = attempt(name)
    way(task)
    return task.solved()


def test_each_exercise_has_a_solution():
    assert list(EXERCISES) == sorted(TRIED)


def test_each_lesson_has_two_kinds_of_exercises():
    kinds = defaultdict(set)
    for one in EXERCISES.values():
        kinds[one.lesson].add(one.kind)
    assert [f"{number:02}" for number in range(2, 11) if len(kinds[f"{number:02}"]) < 2] == []
    assert len(EXERCISES) >= 30


def test_each_exercise_has_its_cells_in_its_lesson():
    lessons = {path.name[:2]: path.read_text("utf-8") for path in originals().glob("*.ipynb")}
    cell = 'exercise(\\"{}\\")'
    assert not [one for one in EXERCISES if cell.format(one) not in lessons[one[:2]]]


@each
def test_untouched_it_is_not_solved_and_shows_no_secret(name):
    task = attempt(name)
    feedback = task.solved()
    assert (bool(feedback), feedback.words, task.state) == (False, NOTHING, "not begun")
    shown = repr(task) + task._repr_html_()
    assert "eyJ" not in shown
    assert all(text in repr(task).replace("\n", " ") for text in (name, task.exercise.title))
    if task.source:
        assert task.source.startswith("def ")
        exec(task.source, {})  # as it is pasted into an empty cell


@each
def test_its_solution_solves_it_and_so_does_another_way(name):
    tried = TRIED[name]
    task = attempt(name)
    tried.solve(task)
    assert task.state == "solved", task.solved()  # without being asked
    praise = task.solved()
    assert praise
    if tried.second:
        other = told(name, tried.second)
        assert other
        assert other.words != praise.words
    task.start_again()
    assert not task.solved()


@each
def test_wrong_tries_get_words_of_their_own(name):
    answers = [told(name, way) for way in TRIED[name].wrong]
    assert not any(answers), answers
    words = [re.sub(r"\d+", "", one.words) for one in answers]
    assert len({*words, NOTHING}) == len(words) + 1 > 2, words
    assert not any(re.search(r"\beyJ", repr(one)) for one in answers)
    assert not [one for one in words if "can't be read" in one]


def only_once():
    """A solution that begins again is of no use to another exercise."""
    raise LabError("not here")


@each
def test_no_solution_of_another_exercise_solves_it(name):
    own = {*EXERCISES[name].gives}
    for other, tried in TRIED.items():
        if other == name or not {*EXERCISES[other].gives} <= own:
            continue
        task = attempt(name)
        task.start_again = only_once
        try:
            tried.solve(task)
        except UNFIT:
            pass
        assert not task.solved(), other


def caught_twice(lab, auth):
    headers = lab.session.get(lab.api, auth=auth).request.headers
    return [lab.session.get(lab.api, headers=headers) for _ in range(2)]


LESSONS = (  # what their cells do with a lab
    lambda lab, auth: lab.session.get(lab.api, auth=auth),
    lambda lab, auth: lab.session.get(lab.api, headers={"Authorization": f"DPoP {auth.token}"}),
    lambda lab, auth: lab.session.get(lab.plain_api, headers={"Authorization": "Bearer x"}),
    lambda lab, auth: lab.ask("m2m.dpop", proof="broken"),
    lambda lab, auth: lab.ask("m2m.dpop.nonce", key=generate_key()),
    caught_twice,
    lambda lab, auth: lab.send(),
    lambda lab, auth: lab.send("own_key"),
    lambda lab, auth: lab.send_again(without=("bound_key",)),
    lambda lab, auth: lab.send("method_delete"),
    lambda lab, auth: lab.send("own_key", to="token endpoint"),
    lambda lab, auth: lab.clock.advance(3600),
    lambda lab, auth: lab.session.get(lab.api, auth=auth),
)


@each
def test_no_cell_of_a_lesson_solves_it(name):
    task = attempt(name)
    auth = task.lab.auth()
    for move in LESSONS:
        try:
            move(task.lab, auth)
        except (LabError, requests.RequestException):
            pass
        assert not task.solved(), move


SIGN_INS = (  # and what those about people do with it
    lambda lab: lab.sign_in("alice").revoke(),
    lambda lab: lab.session.get(lab.api, auth=lab.sign_in(client_id="interactive.public")),
    lambda lab: lab.session.get(lab.api, auth=lab.sign_in(client_id="native.dpop", push=True)),
    lambda lab: lab.attack("own_request"),
    lambda lab: lab.attack("pushed_and_swapped"),
    lambda lab: lab.attack("stolen_refresh_token"),
)


@pytest.mark.parametrize("name", [one for one in EXERCISES if one >= "09"])
def test_no_sign_in_of_a_lesson_solves_it(name):
    task = attempt(name)
    for move in SIGN_INS:
        move(task.lab)
        assert not task.solved(), move


def test_what_is_done_to_a_sign_in_under_other_rules_is_not_seen():
    task = attempt("09.1")
    task.lab.attack("stolen_bound_code_and_verifier", without=("code_key",))
    assert task._scene.calls == ()
    task.lab.attack("stolen_bound_code_and_verifier")
    assert task._scene.calls[-1].caught == "code_key"


@pytest.mark.parametrize(
    "name", ["00.1", "01.3", "02.1", "04.4", "05.2", "05.3", "06.5", "08.1", "08.3"]
)
def test_documents_preflights_and_the_other_api_do_not_count_as_the_api(name):
    task, key = attempt(name), CLIENT_KEY
    lab, given = task.lab, task._scene.given
    caught = given.get(
        "captured", {"Authorization": "DPoP " + lab.ask(key=key).json()["access_token"]}
    )
    token = given.get("stolen") or given.get("token") or caught["Authorization"][5:]
    made = [lab.proof(key, "GET", lab.api, access_token=token), caught.get("DPoP", "") + "A"]
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "DELETE"}
    for query in ("", *(f"?start={n}&page={n}&report=today" for n in (1, 2, 3))):
        for proof in made:
            for scheme, url, method, more in (
                ("DPoP", f"{lab.base_url}/.well-known/openid-configuration", "GET", {}),
                ("Bearer", lab.plain_api, "GET", {}),
                ("DPoP", lab.api, "OPTIONS", asked),
            ):
                headers = {"Authorization": f"{scheme} {token}", "DPoP": proof, **more}
                lab.session.request(method, url + query, headers=headers)
    assert not task.solved()


@pytest.mark.parametrize("name", [one.id for one in EXERCISES.values() if one.kind == "predict"])
def test_a_prediction_counts_for_what_the_task_sends_alone(name):
    task = attempt(name)
    for _ in range(5):
        task.predict("accepted")
        task.lab.send()
    assert not task.solved()


def test_what_was_handed_out_may_be_changed_in_place():
    task = attempt("01.1")
    task.jwk["x"] = base64url_encode(b"\0" + base64url_decode(task.jwk["x"]))
    task.ask(task.jwk)
    assert task.solved()


def test_however_much_was_sent_the_words_are_few():
    way = lambda task: task.lab.ask(client_id="x" * 10_000)  # noqa: E731
    assert len(told("04.1", way).words) < 1100


def test_an_honest_call_is_not_told_to_be_the_attack():
    ways = [lambda task: task.lab.send(), lambda task: task.lab.send("own_key")]
    honest, refused, attack = (told("06.6", way).words for way in (*ways, lambda one: one.attack()))
    assert honest == refused != attack


def test_a_token_of_the_learners_own_lab_is_none_of_an_exercise():
    lab, key, task = Lab(), generate_key(), attempt("05.1")
    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    proof = lab.proof(key, "GET", task.lab.api, access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    task.lab.session.get(task.lab.api, headers=headers)
    assert task.lab.log[-1].reports[0].failure.check.name == "at_signature"


def test_a_link_that_is_no_mapping_is_refused_in_words():
    with pytest.raises(LabError, match="wanted Mapping, found a str"):
        attempt("09.4").opened("https://client.example/")


def test_what_was_seen_is_counted_by_place_and_a_pushed_request_is_no_token_request():
    task = attempt("09.2")
    import_module("tests.exercises.lesson_09").pushed(until="token")(task)
    assert dict(task.solved().facts)["seen"].partition(": ")[2].split(", ") == [
        "2 at the PAR endpoint",
        "1 at the authorization endpoint",
        "1 at the token endpoint",
    ]


def test_who_comes_to_the_gateway_first_under_bearer_has_not_come_too_late():
    lesson = import_module("tests.exercises.lesson_10")

    def under_bearer_first(task):
        lesson.under_bearer(task)
        lesson.knocks(1)(task)

    once, after_bearer, late = (
        told("10.4", way).words
        for way in (lesson.knocks(1), under_bearer_first, lesson.knocks(2, wait=100))
    )
    assert once == after_bearer != late


def test_a_wrong_guess_is_told_by_its_name_and_where_one_is_free_the_second_is_not():
    lesson = import_module("tests.exercises.lesson_09")
    first, both = (
        told("09.1", lesson.predicted(**wrong)).words
        for wrong in ({"link": "code_key"}, {"link": "code_key", "bare": "accepted"})
    )
    assert "'link'" in first and not re.search("start again", first, re.I)
    assert "'link'" in both and "'bare'" in both and re.search("start again", both, re.I)
