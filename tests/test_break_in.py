"""The houses that sign visitors in: each mistake has its theft, each house one repair."""

import inspect
from contextlib import suppress

import pytest

from dpop_lab import DUENDE, RFC_9449
from dpop_lab.errors import LabError
from dpop_lab.exercises import houses, mistakes
from dpop_lab.exercises.attempt import Attempt
from dpop_lab.exercises.break_in import THEFT, house_with
from dpop_lab.exercises.course import find_exercise
from dpop_lab.exercises.leaks import HONEST, OF_CODES, OF_REFRESH_TOKENS
from dpop_lab.exercises.scene import Scene
from dpop_lab.exercises.visitor_mistakes import CODE_REPAIRS, OPEN_HOUSE, REFRESH_REPAIRS
from dpop_lab.exercises.visits import Visits
from dpop_lab.lab.sign_in.stage import Over
from dpop_lab.server.sign_in import rows
from tests.exercises.lesson_20 import VISITORS, leaked, robbed, swap

HOUSES = {"20.7": "dpop_jkt_where_a_proof_comes", "20.8": "family_goes_on"}
SOLVED = [(name, tried.solve) for name, tried in VISITORS.items()]
KNOWN = (*OF_CODES, *OF_REFRESH_TOKENS)
LAXER = {  # what else lets a theft through: a server that does less is robbed in more ways
    "bound_code_without_proof": {"dpop_jkt_not_compared"},
    "other_key_after_par": {"dpop_jkt_not_compared"},
    "stolen_refresh_token_without_proof": {"refresh_key_not_compared"},
    "before_its_owner": {"used_refresh_tokens_taken"},
}


def attempt(name):
    return Attempt(find_exercise(name))


@pytest.fixture(scope="module")
def play():
    """Is what somebody does at a house with these rules answered in the end?"""
    scene = Scene()
    scene.open(OPEN_HOUSE)
    scene.begin({})

    def played(policy, *plays):
        def sent(what):
            def way(session):
                with suppress(Over, LabError):
                    what(Visits(scene.lab, session))

            return way

        scene.try_out(policy, {str(number): sent(what) for number, what in enumerate(plays)})
        return [scene.trials[str(number)][-1].accepted for number in range(len(plays))]

    return played


def test_a_house_without_a_mistake_refuses_every_theft_and_nobody_else(play):
    assert not any(play(OPEN_HOUSE, *(one.attack for one in KNOWN)))
    assert all(play(OPEN_HOUSE, *HONEST.values()))


@pytest.mark.parametrize("suspects", [OF_CODES, OF_REFRESH_TOKENS])
def test_a_theft_gets_in_where_its_own_mistake_was_made_or_a_greater_one(play, suspects):
    attacks = [one.attack for one in suspects]
    came = {one.name: play(one.made(OPEN_HOUSE), *attacks) for one in suspects}
    for number, own in enumerate(suspects):
        taken = {name for name, answers in came.items() if answers[number]}
        assert taken == {own.name} | LAXER.get(own.attack.__name__, set())


@pytest.mark.parametrize("name", HOUSES)
def test_one_repair_of_a_house_is_enough_and_not_too_much(play, name):
    house = house_with(HOUSES[name], 0, "")
    repaired = {one: make(house.mistake.made(OPEN_HOUSE)) for one, make in house.repairs.items()}
    enough = [one for one, made in repaired.items() if play(made, house.mistake.attack) == [False]]
    good = [one for one in enough if all(play(repaired[one], *HONEST.values()))]
    assert (enough, len(good)) == ([good[0], "want_a_proof"], 1)


def test_the_mistake_is_shown_when_it_was_found():
    task = attempt("20.8")
    task.name("one use")
    assert not task.mistake().code
    VISITORS["20.8"].wrong[5](task)  # gets in
    assert task.mistake().code == (("this server", "signing_in(policy, ends_family=False)"),)
    assert "one use" in task.solved().words


def test_a_row_that_was_edited_is_shown_with_the_line_that_other_servers_have():
    task = attempt("20.7")
    leaked("page")(task)
    task.name("code_key")
    (_, right), (_, wrong) = task.mistake().code
    source = inspect.getsource(rows.code_key.judge)
    assert right in source and wrong not in source and "jkt is None" in wrong


def test_a_bound_token_without_a_proof_is_not_said_to_be_another_keys():
    task = attempt("20.8")
    leaked("backup")(task)
    answer = task.lab.log[-1]
    assert (answer.status, answer.reports[-1].failure.defect) == (400, "missing")
    texts = OPEN_HOUSE.ways.refresh_answers
    assert texts["refresh_key", "missing"].description in answer.response_body
    assert texts["refresh_key"].description not in answer.response_body


@pytest.mark.parametrize("name", HOUSES)
def test_a_theft_after_the_alarm_is_too_late_until_one_starts_again(name):
    task = attempt(name)
    leaked("page" if name == "20.7" else "backup", key=True, times=12)(task)
    VISITORS[name].solve(task)
    assert task.solved().words == houses.ALARMED
    task.start_again()
    VISITORS[name].solve(task)
    assert task.state == "solved"


@pytest.mark.parametrize("name", HOUSES)
def test_a_lab_elsewhere_and_other_rules_do_not_rob_a_house(name):
    task = attempt(name)
    with suppress(LabError):
        task.lab.attack("stolen_bound_code_and_verifier", without=("code_key",))
        task.lab.attack("refresh_token_used_first")
    task.name(find_exercise(name).names[0])
    assert not task.solved()


@pytest.mark.parametrize(("name", "solve"), [("20.6", robbed("20.6")), *SOLVED])
def test_who_tries_name_after_name_starts_again(name, solve):
    task = attempt(name)
    for one in dict.fromkeys([*find_exercise(name).names, "htm", "htu"]):
        task.name(one)
    solve(task)
    assert houses.GUESSED in task.solved().words
    task.start_again()
    solve(task)
    assert task.solved()


def test_who_tries_repair_after_repair_starts_again():
    task = attempt("20.6")
    tried = [one for one, _ in task.repairs.rows][:3]
    for one in (*tried, tried[0]):
        task.repair(one)
    with pytest.raises(LabError, match="3 repairs"):
        task.repair("verify_signatures")
    task.start_again()
    task.repair("verify_signatures")


@pytest.mark.parametrize("name", ["20.2", *HOUSES])
def test_another_servers_policy_is_no_repair(name):
    for other in (DUENDE, RFC_9449, "locks", 5):
        with pytest.raises(LabError):
            attempt(name).repair(other)


def test_a_stolen_code_at_another_place_than_the_token_endpoint_gets_nothing():
    task = attempt("20.7")
    form = task.listen("page").form
    ticket = task.lab.ask("m2m").json()["access_token"]
    headers = {"Authorization": f"Bearer {ticket}"}
    assert task.lab.session.post(task.lab.plain_api, data=form, headers=headers).ok
    task.lab.session.post(f"{task.lab.base_url}/connect/par", data=form)
    task.name("code_key")
    task.repair("compare_dpop_jkt")
    assert not task.solved()


def test_what_leaked_may_be_changed_in_place():
    task = attempt("20.8")
    loot = task.listen("log")
    loot.form["refresh_token"] = swap(task, loot.form).json()["refresh_token"]
    task.owner()
    swap(task, loot.form)
    task.name("one use")
    task.repair("end_the_family")
    assert task.solved()


def test_the_owner_comes_back_when_somebody_was_heard_and_is_told_what_the_app_is_told():
    task = attempt("20.8")
    with pytest.raises(LabError):
        task.owner()
    form = task.listen("log").form
    assert task.owner() == task.owner() != ""
    assert swap(task, form).status_code == 400
    form = task.listen("log").form
    swap(task, form)
    assert "refused" in task.owner()


def test_a_leak_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(LabError, match="page, pushed, redirect, har"):
        attempt("20.7").listen("cellar")
    assert "page, pushed, redirect, har; heard so far: 0" in repr(attempt("20.7").listen)


def test_what_leaked_is_shown_without_its_secrets():
    loot = attempt("20.7").listen("page")
    shown = repr(loot) + loot._repr_html_()
    assert not [name for name in ("code", "code_verifier") if loot.form[name] in shown]
    assert loot.request["dpop_jkt"] in shown


def test_a_repaired_house_is_robbed_by_no_theft_at_all(play):
    for name, repair in (("20.7", "compare_dpop_jkt"), ("20.8", "end_the_family")):
        made = house_with(HOUSES[name], 0, "").mistake.made(OPEN_HOUSE)
        mended = (CODE_REPAIRS | REFRESH_REPAIRS)[repair](made)
        assert not any(play(mended, *(one.attack for one in KNOWN)))


def test_a_mistake_and_a_repair_are_a_line_of_code_and_a_sentence():
    made = [one.made for one in KNOWN]
    for one in (*made, *CODE_REPAIRS.values(), *REFRESH_REPAIRS.values()):
        assert mistakes.told(one).endswith(".")
        assert "\n" not in mistakes.code(one)
    assert THEFT not in HONEST
