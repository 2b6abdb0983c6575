"""Attacks on sign-ins at the bench: they are chosen, predicted, drawn, played and brought back."""

import pytest

from dpop_lab import CHANGES, SIGN_IN_CHANGES, Lab, LabError
from dpop_lab.lab.catalogues import SIGN_IN
from dpop_lab.lab.lessons import bench
from dpop_lab.lab.sign_in.attack import ACTORS, AUTHORIZE, CODE, PLACES, REDIRECT, REFRESH, USERINFO
from dpop_lab.lab.sign_in.playing import THE_CLIENT
from dpop_lab.panels import BenchPanel, CataloguePanel
from dpop_lab.panels.choices import OF_PROOF, WHOLE
from dpop_lab.panels.rows import PREDICTS, STRIKES
from dpop_lab.session.call import ACCEPTED
from tests.test_bench_panel import DIFFER, chips, choose, offered, press, send
from tests.test_panels import html_of, safe, widgets

ONE_EACH = {one.at: one.name for one in SIGN_IN_CHANGES.values()}


@pytest.fixture
def panel():
    """A bench that offers attacks, and starts with an honest request."""
    with Lab() as lab:
        made = BenchPanel(lab)
        choose(made, What=SIGN_IN)
        yield made


# ---- one bench --------------------------------------------------------------------------------


def test_what_is_chosen_narrows_the_attacks_and_who_can_do_them(panel):
    assert {*offered(panel)} == {*SIGN_IN_CHANGES}
    assert panel.fields["Who"].options == ("anybody", *ACTORS)
    for place in PLACES:
        choose(panel, What=place)
        assert offered(panel) == [*SIGN_IN_CHANGES.of(place)] != []
    choose(panel, What=SIGN_IN, Who="a thief of the code")
    assert {*offered(panel)} == {*SIGN_IN_CHANGES.by("a thief of the code")} != set()
    choose(panel, Who="anybody", What=REFRESH, Search="SECRET")
    panel.fields[DIFFER].value = True
    assert offered(panel) == [*SIGN_IN_CHANGES.of(REFRESH).differing.search("secret")] != []
    panel.fields[DIFFER].value = False
    choose(panel, Search="", Who="another client", What="claims")  # who can't do any of these
    assert panel.fields["Who"].value == "anybody" and offered(panel) == [*CHANGES.of("claims")]
    assert len(panel.fields["What"].options) < len(PLACES) + len(CHANGES.groups)


def test_words_that_are_in_no_change_are_looked_for_among_the_attacks(panel):
    choose(panel, What="", Search="code_verifier")
    assert offered(panel) == [*SIGN_IN_CHANGES.search("code_verifier")] != []
    assert send(panel).change == offered(panel)[0]
    choose(panel, Search="slash")
    assert offered(panel) == [*CHANGES.search("slash")]
    catalogue = CataloguePanel()
    choose(catalogue, Search="code_verifier")
    assert [*catalogue.view] == [*SIGN_IN_CHANGES.search("code_verifier")]
    choose(catalogue, Search="", What=SIGN_IN)
    choose(catalogue, What=CODE)
    assert [*catalogue.view] == [*SIGN_IN_CHANGES.of(CODE)]
    safe(catalogue, 400_000)


@pytest.mark.parametrize("name", ONE_EACH.values(), ids=[*ONE_EACH])
def test_the_panel_plays_what_the_plain_function_plays(panel, name):
    plain = panel.lab.attack(name)
    came = send(panel, Change=name)
    assert panel.fields["Target"].options == (SIGN_IN_CHANGES[name].at,)
    assert (came.change, came.to, came.caught) == (plain.change, plain.to, plain.caught)
    assert came.answered.answer == plain.answered.answer
    safe(panel, 200_000)
    assert came.outcome in [name.removeprefix("✓ ").removeprefix("✗ ") for name in chips(panel)]


def test_an_attack_is_predicted_played_and_let_in_without_its_row(panel):
    assert send(panel, What="").caught == ACCEPTED
    choose(panel, What=SIGN_IN)
    choose(panel, What=REFRESH, Change="stolen_refresh_token")
    assert "who has a stolen token and a key of their own" in panel._about.value
    press(panel, PREDICTS, "refresh_key")
    came = send(panel)
    assert (came.caught, came.number, came.predicted) == ("refresh_key", 2, "refresh_key")
    assert {"✗ refresh_key", "✓ htm"} < set(chips(panel))
    assert (panel.score.right, panel.score.asked) == (1, 1)
    press(panel, STRIKES, "refresh_key")
    panel._again.click()
    assert panel.view.caught == ACCEPTED and "⊘ refresh_key" in chips(panel)
    assert panel.view.elsewhere.caught == "refresh_key" and panel.view.number == 3
    choose(panel, Sent_so_far=1)
    assert (panel.fields["Change"].value, panel.fields["What"].value) == ("honest", "")
    assert panel.rows.struck_of(panel._draft, panel._rules) == () and send(panel).caught == ACCEPTED
    choose(panel, Sent_so_far=2)
    assert panel.view is came and panel.fields["Target"].value == REFRESH
    assert panel.fields["What"].value == SIGN_IN
    assert came.stamp in "".join(html_of(panel)) and came.line in repr(panel)


def test_each_server_answers_in_its_own_way(panel):
    choose(panel, What=USERINFO, Change="userinfo_as_bearer")
    assert "bound_key" not in chips(panel) and send(panel).caught == ACCEPTED
    choose(panel, Server="RFC_9449")
    assert {"unbound", "bound_key"} < set(chips(panel))
    panel._again.click()
    assert panel.view.caught == "unbound" and panel.view.elsewhere.caught == ACCEPTED


def test_a_no_of_the_client_can_be_predicted(panel):
    choose(panel, What=REDIRECT, Change="login_csrf")
    press(panel, PREDICTS, THE_CLIENT)
    came = send(panel)
    assert came.caught == THE_CLIENT and "✗ the client" in chips(panel)
    assert (panel.score.right, panel.score.asked) == (1, 1)


def test_what_an_attack_does_not_have_is_hidden(panel):
    hidden = [one for one in widgets(panel.root) if OF_PROOF in one._dom_classes]
    assert len(hidden) == 4
    assert WHOLE in panel.root._dom_classes and "Signed by" not in repr(panel)
    assert (panel.fields["Claims"].value, panel.fields["Encoded"].value) == ("", "")
    choose(panel, What="")
    assert WHOLE not in panel.root._dom_classes and "Signed by" in repr(panel)
    assert send(panel).caught == ACCEPTED


def test_what_an_attack_is_worth_is_told_after_it_was_played(panel):
    choose(panel, What=CODE, Change="own_request")
    worth = SIGN_IN_CHANGES["own_request"].worth
    assert worth not in repr(panel) + "".join(html_of(panel))
    send(panel)
    assert " ".join(worth.split()) in " ".join(repr(panel).split())


# ---- blind ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_riddle_hides_the_attack_and_its_end(panel, place):
    choose(panel, What=place)
    panel._blind.click()
    riddle, known = panel.view, len(panel.lab.log)
    assert riddle.to in PLACES and panel._send.disabled and panel.fields["Change"].value is None
    shown = repr(panel) + "".join(html_of(panel))
    assert not [one for one in (riddle.change.name, riddle.change.title) if one in shown]
    assert riddle.wire[-1].status is None or riddle.to == REDIRECT
    assert riddle.wire[-1].method in shown and chips(panel)[-1] == THE_CLIENT
    press(panel, PREDICTS, ACCEPTED)
    came = send(panel)
    assert (came.change, came.predicted) == (riddle.change.name, ACCEPTED)
    assert panel.fields["Change"].value == came.change and known < len(panel.lab.log)


def test_a_riddle_is_of_all_attacks_where_few_are_listed(panel):
    choose(panel, What=SIGN_IN, Search="stolen_bound_code")
    panel._blind.click()
    assert f" {len(SIGN_IN_CHANGES)} changes" in panel._about.value
    choose(panel, What=AUTHORIZE, Search="")
    panel._blind.click()
    assert f" {len(SIGN_IN_CHANGES.of(AUTHORIZE))} changes" in panel._about.value


@pytest.mark.parametrize(("name", "said"), [
    ("stolen_code", "does not fit"), ("stolen_code_and_verifier", "fits the"),
    ("pushed_and_swapped", "does not fit"),
    ("other_key_after_par", "fits the"), ("challenge_taken_away", "No code_challenge"),
    ("stolen_bound_code_without_pkce", "No code_challenge"), ("honest_refresh", ""),
])  # fmt: skip
def test_a_riddle_says_whether_the_hidden_code_verifier_fits(panel, name, said):
    only = type(SIGN_IN_CHANGES)([SIGN_IN_CHANGES[name]])
    riddle = panel.lab.bench.riddle(only)
    note = next(riddle.blocks()).text
    assert (
        said in riddle.verifier and riddle.verifier in note and bool(said) == bool(riddle.verifier)
    )


def test_nothing_older_is_told_of_where_a_riddle_is_shown(panel):
    panel._blind.click()
    assert "older" not in panel._told.value
    press(panel, PREDICTS, ACCEPTED)
    send(panel)
    assert "older" not in panel._told.value
    choose(panel, What=CODE, Change="honest_code")
    assert "older" in panel._told.value


def test_a_row_that_is_struck_out_and_not_asked_is_neither_named_nor_counted(panel):
    choose(panel, What=CODE, Change="stolen_bound_code_and_verifier")
    press(panel, STRIKES, "code_key")
    assert send(panel).answered.rules == "DUENDE without code_key"
    assert send(panel, What=REFRESH, Change="stolen_refresh_token").answered.rules == "DUENDE"
    assert "struck out: nothing" in repr(panel)
    choose(panel, What=CODE, Change="stolen_bound_code_and_verifier")
    panel._again.click()  # what was sent last is the refresh token
    assert panel.view.answered.rules == "DUENDE" and "⊘ code_key" in chips(panel)
    assert send(panel).caught == ACCEPTED


def test_each_outcome_that_is_no_row_says_what_it_means(panel):
    outcomes = [one for one in panel.rows.box.children if one.description in ("no row", THE_CLIENT)]
    assert ["secret" in one.tooltip or "state" in one.tooltip for one in outcomes] == [True] * 2


# ---- opened with one, and without any ---------------------------------------------------------


def test_a_bench_opened_with_an_attack_starts_and_starts_again_with_it():
    with Lab() as lab:
        panel = BenchPanel(lab, "stolen_bound_code")
        assert {*offered(panel)} == {*SIGN_IN_CHANGES} and WHOLE in panel.root._dom_classes
        assert send(panel).caught == "code_key"
        assert send(panel, What="claims", Change="htm_delete").caught == "htm"
        panel.start_again.click()
        assert panel.fields["Change"].value == "stolen_bound_code"
        assert {*offered(panel)} == {*SIGN_IN_CHANGES} and panel.view is None
        assert send(panel).caught == "code_key"


def test_attacks_have_numbers_and_a_score_in_the_lab_too():
    with Lab() as lab:
        lab.send("own_key", predict="bound_key")
        came = lab.attack("stolen_code", predict="no row")
        assert came.number == 2 and (lab.bench.score.right, lab.bench.score.asked) == (2, 2)
        assert lab.attack("stolen_code", predict="PKCE").foreseen
        assert not lab.attack("stolen_code", predict="one use").foreseen
        again = lab.send_again(2, without="code_key")
        assert (again.change, again.number) == ("stolen_code", 5)
        assert again.answered.reports[-1].struck_out == ("code_key",)
        with pytest.raises(LabError):
            lab.send("stolen_code", claims={"htm": "GET"})
        with pytest.raises(LabError):
            lab.attack("own_key")


def test_a_notebook_of_the_bench_can_have_an_attack_chosen():
    name, text = bench("stolen_bound_code")
    assert name == "bench_stolen_bound_code.ipynb" and "'stolen_bound_code'" in text
    with pytest.raises(LabError, match="stolen_code"):
        bench("stolen_cod")


def test_another_servers_bench_says_that_attacks_are_for_the_twin():
    settings = {"issuer": "https://as.example", "client_id": "ann", "client_auth": "none"}
    with Lab(**settings) as lab, pytest.raises(LabError, match="twin"):
        lab.bench.send(lab.bench.draft("stolen_code"))
