"""The museum's mistakes: each is seen by one attack alone, and mended by one repair alone."""

import pytest

from dpop_lab.errors import LabError
from dpop_lab.exercises import heist, houses, mistakes
from dpop_lab.exercises.attempt import Attempt
from dpop_lab.exercises.course import find_exercise
from dpop_lab.exercises.faults import edited
from dpop_lab.exercises.mistakes import HOUSE, REPAIRS
from dpop_lab.exercises.museum import MISTAKES, Museum, Night
from dpop_lab.exercises.scene import Scene
from dpop_lab.proof.rules import htu
from tests.exercises.find_and_repair import repaired
from tests.exercises.lesson_20 import ATTACKS, MENDED, ROWS, own_key, robbed

HOUSES = {"20.2": "binding_not_compared", "20.3": "memory_too_short", "20.4": "htu_as_a_prefix"}
HOUSES |= {"20.5": "jti_without_the_key", "20.6": "bound_token_under_bearer"}


@pytest.fixture(scope="module")
def play():
    """What an attack comes to under a policy: who got in, who was stopped by which row."""
    scene = Scene()
    night = Night(scene.open(HOUSE, apis=Museum))
    scene.begin({})

    def played(policy, attack):
        def sent(what):
            def way(session):
                night.session = session
                what(night)

            return way

        before = night.lab.clock.ahead
        trials = {"rounds": Night.begin, "attack": attack, "round": Night.round}
        scene.try_out(policy, {name: sent(what) for name, what in trials.items()})
        night.lab.clock.advance(before - night.lab.clock.ahead)
        came = [one for one in scene.trials["attack"] if one.token == night.token]
        caught = {one.caught for one in came} or {"accepted"}
        return "accepted" in caught and bool(came), scene.trials["round"][0].accepted, caught

    return played


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_lets_its_own_attack_through_which_its_row_stops_elsewhere(play, name):
    one = MISTAKES[name]
    got_in, guard, _ = play(one.made(HOUSE), one.attack)
    assert got_in is guard is (name != "jti_without_the_key")  # or else the guard stands outside
    full_in, full_guard, caught = play(HOUSE, one.attack)
    assert (full_in, full_guard) == (False, True)
    assert caught == {one.row if got_in else "accepted"}


@pytest.mark.parametrize("name", HOUSES.values())
def test_no_other_attack_gets_into_a_house(play, name):
    policy = MISTAKES[name].made(HOUSE)
    came = {one.name: play(policy, one.attack)[:2] for one in MISTAKES.values()}
    assert [one for one, (got_in, guard) in came.items() if got_in or not guard] == [name]


@pytest.mark.parametrize("name", HOUSES)
def test_one_repair_of_a_house_is_enough_and_not_too_much(name):
    assert MISTAKES[HOUSES[name]].row == ROWS[name]
    task = Attempt(find_exercise(name))
    steps = heist.Room(MISTAKES[HOUSES[name]], 0, "")._repaired
    good = []
    for repair in REPAIRS.values():
        task.repair(repair(task.lab.policy))
        good += [repair.__name__] * all(done for done, _ in steps(task._scene, ""))
    assert good == [MENDED[name]]
    assert not task.mistake().code  # nothing was found yet


@pytest.mark.parametrize(("name", "sends"), [(name, sends) for name in HOUSES for sends in (9, 12)])
def test_who_gets_in_after_the_alarm_has_to_begin_again(name, sends):
    task = Attempt(find_exercise(name))
    for _ in range(sends):
        own_key(task, jti=5)
    robbed(name)(task)
    assert (task.state == "solved") is (sends < 12)
    ATTACKS[name](task)
    assert (houses.ALARMED == task.solved().words) is (sends == 12)
    task.start_again()
    robbed(name)(task)
    assert task.state == "solved"


def test_what_was_named_or_tried_gives_what_it_comes_to():
    task = Attempt(find_exercise("20.6"))
    robbed("20.6", repair=None)(task)
    refused = task.repair("refuse_all_under_bearer")
    assert "scheme: wanted 'DPoP', found 'Bearer'" in refused.words
    assert "row typ" in task.name("typ").words
    assert not task.predict("htm")
    task.repair(MENDED["20.6"])
    assert task.name("unbound")


def test_a_mistake_is_a_line_of_code_and_a_sentence():
    assert mistakes.code(mistakes.memory_too_short) == "at_the_api(policy, remember=10)"
    for one in (*(mistake.made for mistake in MISTAKES.values()), *REPAIRS.values()):
        assert mistakes.told(one).endswith(".")
        assert "\n" not in mistakes.code(one)


def test_a_row_is_edited_where_its_source_has_the_text_once():
    assert edited(htu, "same_url", "same_url").judge is not htu.judge
    for text in ("no such text", "found"):
        with pytest.raises(LabError):
            edited(htu, text, "")


@pytest.mark.parametrize("name", ["06.6", "07.5", "08.5"])
def test_no_third_repair_is_tried(name):
    task = Attempt(find_exercise(name))
    task.repair("a")
    task.repair("a")
    with pytest.raises(LabError):
        task.repair("d")
    task.start_again()
    task.repair("a")


@pytest.mark.parametrize(("name", "solve"), [("20.2", robbed("20.2")), ("07.5", repaired("b"))])
def test_who_thinks_for_hours_is_not_refused_for_a_token_that_is_over(name, solve):
    task = Attempt(find_exercise(name))
    task.lab.clock.advance(2 * 60 * 60)
    solve(task)
    assert task.solved()
