"""The bench's panel without a browser: each control, what follows, and that nothing typed hurts."""

import json
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpop_lab import CHANGES, RFC_9449, Lab, LabError
from dpop_lab.lab.catalogue import ACTORS, GROUPS
from dpop_lab.lab.catalogue.places import API, SIGNERS, TOKEN_ENDPOINT
from dpop_lab.panels import BenchPanel
from dpop_lab.panels.catalogue import HEADING
from dpop_lab.panels.draft_text import as_meant, for_reading, warning
from dpop_lab.panels.panel import LIVE
from dpop_lab.panels.rows import PREDICTS, STRIKES, asked_of
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import ESSENTIAL
from dpop_lab.server.policies import POLICIES
from dpop_lab.session.call import ACCEPTED
from tests.test_panels import ANY_TEXT, html_of, safe, widgets

ROWS = {name for one in POLICIES.values() for name in one.row_names}
SIGN, MODE = "Sign again after editing", "A click on a row"
DIFFER = "only where the two servers differ"


@pytest.fixture
def panel():
    with Lab() as lab:
        yield BenchPanel(lab)


def choose(panel, **values):
    """Set controls by their labels, `_` for a blank, in this order."""
    for label, value in values.items():
        panel.fields[label.replace("_", " ")].value = value


def press(panel, how, *rows):
    """Press the chips of rows: `PREDICTS` or `STRIKES`."""
    panel.fields[MODE].value = how
    for row in rows:
        panel.rows.buttons[row].value = not panel.rows.buttons[row].value


def offered(panel):
    """The names of what is in the list, in order."""
    listed = [name for _, name in panel.fields["Change"].options]
    return [name for name in listed if not name.startswith(HEADING)]


def chips(panel):
    """What the chips say, in order."""
    return [chip.description for chip in panel.rows.box.children]


def send(panel, **values):
    """Set controls, send, and give what came of it."""
    choose(panel, **values)
    panel._send.click()
    return panel.view


def edit(panel, **claims):
    """Edit claims in their field, as a person does, the form kept."""
    field = panel.fields["Claims"]
    field.value = json.dumps(json.loads(field.value) | claims, indent=2)


def sent_proof(view):
    return read_proof(dict(view.exchange.request_headers)["DPoP"])


# ---- choosing and editing ---------------------------------------------------------------------


def test_it_starts_with_an_honest_proof_and_nothing_sent(panel):
    claims = json.loads(panel.fields["Claims"].value)
    assert claims["htm"] == "GET" and json.loads(panel.fields["Header"].value)["alg"] == "ES256"
    assert panel.view is None and panel._again.disabled
    assert send(panel).caught == ACCEPTED
    assert not panel._again.disabled


@pytest.mark.parametrize("name", CHANGES)
def test_the_panel_sends_what_the_plain_function_sends(name):
    panel = shared_panel()
    panel.start_again.click()
    panel.lab.twin.forget()
    plain = panel.lab.send(name)
    panel.lab.twin.forget()
    view = send(panel, Change=name, Target=CHANGES[name].places[0])
    assert (view.change, view.to, view.caught) == (plain.change, plain.to, plain.caught)
    assert view.answered.answer == plain.answered.answer
    names = {one for one, _, _ in view.difference} - {one for one, _, _ in plain.difference}
    assert names <= {"claims.jti", "claims.iat", "header.jwk.x", "header.jwk.y", "claims.nonce"}


def test_search_and_filters_narrow_the_changes_and_a_change_the_targets(panel):
    for actor in ACTORS:
        choose(panel, Who=actor)
        assert offered(panel) == [*CHANGES.by(actor)]
    choose(panel, Who="anybody")
    panel.fields[DIFFER].value = True
    choose(panel, What="claims", Search="HTU")
    assert offered(panel) == [*CHANGES.of("claims").differing.search("htu")] != []
    choose(panel, Change="htu_with_user")
    edit(panel, more=1)
    choose(panel, Search="user")  # which keeps what was chosen, and what was edited
    assert panel.fields["Change"].value == "htu_with_user"
    assert json.loads(panel.fields["Claims"].value)["more"] == 1
    choose(panel, Search="no such change")
    assert (offered(panel), panel._send.disabled) == ([], True)
    choose(panel, Search="", What="")
    panel.fields[DIFFER].value = False
    assert offered(panel) == [*CHANGES] and not panel._send.disabled
    headings = [name for _, name in panel.fields["Change"].options if name not in CHANGES]
    assert len(headings) == len(GROUPS)
    choose(panel, Change=headings[3])  # where the browser does not keep one from it
    assert panel.fields["Change"].value == next(iter(CHANGES.of("claims")))
    choose(panel, Change="bound_as_bearer")
    assert panel.fields["Target"].options == ("Bearer API",)
    choose(panel, Change="honest", Target=TOKEN_ENDPOINT)
    assert json.loads(panel.fields["Claims"].value)["htm"] == "POST"
    choose(panel, Change="typ_jwt")
    assert panel.fields["Target"].value == TOKEN_ENDPOINT


def test_what_is_typed_is_sent_and_what_is_new_each_time_is_made_anew(panel):
    edit(panel, htm="DELETE", more=1)
    first, second = send(panel), send(panel)
    proofs = [sent_proof(view) for view in (first, second)]
    assert [view.caught for view in (first, second)] == ["htm", "htm"]
    assert [proof.claims["more"] for proof in proofs] == [1, 1]
    assert proofs[0].claims["jti"] != proofs[1].claims["jti"]
    edit(panel, jti="mine", htm="GET")
    assert [send(panel).caught, send(panel).caught] == [ACCEPTED, "unused"]


def test_an_edited_proof_does_not_grow_old_in_its_field(panel):
    edit(panel, more=1)
    panel.lab.clock.advance(3600)
    assert send(panel).caught == ACCEPTED
    choose(panel, Change="iat_18_s_ahead", Server="RFC_9449")
    edit(panel, more=1)
    panel.lab.clock.advance(3600)
    assert send(panel).caught == "fresh"
    assert sent_proof(panel.view).claims["iat"] - panel.lab.clock.now() in (17, 18)


def test_what_is_no_json_is_sent_to_the_letter(panel):
    assert send(panel, Claims="{broken").caught == "well_formed"
    assert send(panel, Claims='{"a":  1}').caught != ""
    assert sent_proof(panel.view).claims == {"a": 1}


def test_it_is_said_where_a_text_is_no_json_and_that_an_answer_is_older_than_the_choice(panel):
    assert warning('{\n "a": ]') == "not JSON (line 2, column 7): sent as it stands"
    assert warning("[" * 100_000) and not warning('{"a": 1}')
    told = [one for one in widgets(panel.root) if "dpop-lab-warning" in one._dom_classes]
    choose(panel, Header="{", Claims="{}")
    assert ["line 1, column 2" in one.value for one in told] == [True, False]
    send(panel)
    said = panel._told.value
    assert "✗ well_formed" in chips(panel)
    choose(panel, Change="own_key")
    assert "✗ well_formed" not in chips(panel) and panel._told.value != said


def test_signing_again_and_the_signer_are_switches(panel):
    edit(panel, htm="DELETE")
    panel.fields[SIGN].value = False
    assert send(panel).caught == "signature"
    panel.fields[SIGN].value = True
    assert send(panel).caught == "htm"
    owners = json.loads(panel.fields["Header"].value)["jwk"]
    assert send(panel, Signed_by="thief").caught == "bound_key"
    assert json.loads(panel.fields["Header"].value)["jwk"] != owners
    assert send(panel, Signed_by="nobody").caught == "signature"


def test_the_encoded_proof_follows_its_members_and_they_follow_it(panel):
    encoded = panel.fields["Encoded"]
    assert read_proof(encoded.value).claims == json.loads(panel.fields["Claims"].value)
    edit(panel, htm="DELETE")
    whole = encoded.value
    assert read_proof(whole).claims["htm"] == "DELETE"
    choose(panel, Change="honest", Target=TOKEN_ENDPOINT)
    choose(panel, Target=API)
    assert read_proof(encoded.value).claims["htm"] == "GET"
    encoded.value = whole
    assert json.loads(panel.fields["Claims"].value)["htm"] == "DELETE"
    assert [send(panel).caught, sent_proof(panel.view).text] == ["htm", whole]
    encoded.value = f" {whole[:40]}\n{whole[40:-9]}AAAAAAAAA"
    assert send(panel).caught == "signature"
    for text in ("no dots", "a.b", whole[:-30]):
        encoded.value = text
        assert send(panel).caught in ("well_formed", "signature")
    encoded.value = "ä"
    panel._send.click()
    assert panel.view.problem
    edit(panel, htm="GET")
    assert send(panel).caught == ACCEPTED


# ---- rules, predictions, clock ----------------------------------------------------------------


def test_a_row_is_struck_out_and_the_same_sent_again(panel):
    view = send(panel, Change="own_key")
    assert view.caught == "bound_key"
    press(panel, STRIKES, "bound_key")
    assert {"⊘ bound_key", "✓ htm"} < set(chips(panel))
    panel._again.click()
    assert panel.view.caught == ACCEPTED
    assert {"✓ accepted", "⊘ bound_key", "✓ htm"} < set(chips(panel))
    assert panel.view.exchange.request_headers == view.exchange.request_headers
    assert panel.view.answered.reports[-1].struck_out == ("bound_key",)


def test_the_rows_of_a_place_are_chips_in_the_order_asked(panel):
    bound, api = panel.lab.policy.bound, panel.lab.policy.api
    asked = [row.name for row in (*bound.rows, *api.rows)]
    assert chips(panel) == ["accepted", *asked, "no row"]
    choose(panel, Server="RFC_9449", Change="bound_as_bearer")
    asked = [row.name for row in RFC_9449.bearer.rows]
    assert chips(panel) == ["accepted", *asked, "no row"]
    panel.fields[MODE].value = STRIKES
    able = {name for name in asked if not panel.rows.buttons[name].disabled}
    assert able == {*asked} - RFC_9449.bearer.essential and not able & ESSENTIAL
    press(panel, STRIKES, "unbound")
    assert send(panel).caught == ACCEPTED
    choose(panel, Server="DUENDE")
    assert panel.rows.struck_of(panel._draft, panel._rules) == () and send(panel).caught == ACCEPTED


def test_the_other_server_judges_the_same_bytes(panel):
    view = send(panel, Change="htu_with_user")
    choose(panel, Server="RFC_9449")
    panel._again.click()
    assert (view.caught, panel.view.caught) == (ACCEPTED, "htu")
    assert panel.view.exchange.request_headers == view.exchange.request_headers
    assert panel.view.elsewhere.rules == "DUENDE"


def test_a_prediction_counts_once_and_is_taken_back_after_sending(panel):
    panel.lab.send("own_key", predict="htm")  # of somebody else
    panel = BenchPanel(panel.lab)
    choose(panel, Change="own_key")
    press(panel, PREDICTS, "htm", "bound_key")
    assert panel.rows.predicted == "bound_key" and "? bound_key" in chips(panel)
    assert not panel.rows.buttons["htm"].value
    assert send(panel).predicted == "bound_key"
    assert panel.rows.predicted == "" and not panel.rows.buttons["bound_key"].value
    assert "✗ bound_key" in chips(panel)
    assert send(panel).predicted == ""
    assert (panel.score.right, panel.score.asked) == (1, 1)


def test_each_answer_has_a_number_and_one_is_brought_back(panel):
    first = send(panel, Change="own_key")
    edit(panel, more=1)
    edited = send(panel)
    last = send(panel, Change="typ_jwt", Target=TOKEN_ENDPOINT)
    assert [one.number for one in panel.sent] == [3, 2, 1]
    assert panel.fields["Sent so far"].value == 3
    assert {f"#{one.number}" in html_of(panel)[-2] for one in (first, edited)} == {False}
    assert last.stamp in "".join(html_of(panel))
    choose(panel, Search="typ", Sent_so_far=2)
    assert panel.view is edited and edited.stamp in "".join(html_of(panel))
    assert (panel.fields["Change"].value, panel.fields["Target"].value) == ("own_key", API)
    assert json.loads(panel.fields["Claims"].value)["more"] == 1
    panel._again.click()
    assert panel.view.exchange.request_headers == edited.exchange.request_headers
    assert send(panel).number == 5 and sent_proof(panel.view).claims["more"] == 1
    assert "#1 ✗ bound_key: " in repr(panel)


def test_a_riddle_hides_its_name_until_it_is_sent(panel):
    choose(panel, What="claims", Search="htm_delete")  # too few to draw from
    press(panel, STRIKES, "htm")
    panel._blind.click()
    assert panel.rows.mode.value == PREDICTS and panel.rows.struck_out == set()
    assert f" {len(CHANGES)} changes" in panel._about.value
    choose(panel, Search="")
    panel._blind.click()
    assert f" {len(CHANGES.of('claims'))} changes" in panel._about.value
    assert panel._send.disabled and panel._again.disabled
    riddle = panel.view
    shown = repr(panel) + "".join(html_of(panel))
    hidden = riddle.change.name, riddle.change.title
    assert panel.fields["Change"].value is None
    assert not [one for one in hidden if one in shown]
    assert chips(panel) == [*asked_of(riddle, panel.lab.policy)]
    panel._send.click()
    assert panel.view.problem and not panel.sent
    panel._blind.click()
    riddle = panel.view
    press(panel, PREDICTS, "accepted")
    assert not panel._send.disabled
    view = send(panel)
    assert (view.change, view.to, view.predicted) == (riddle.change.name, riddle.to, "accepted")
    assert panel.fields["Change"].value == view.change and view.title in repr(panel)
    panel._blind.click()
    choose(panel, Change=headed(panel))
    assert panel.view is None


def headed(panel):
    """A change in the list that is not the chosen one."""
    return next(name for name in offered(panel) if name != panel.fields["Change"].value)


def test_the_clock_is_moved(panel):
    assert send(panel).caught == ACCEPTED
    panel.fields["Seconds"].value = "45.5"
    panel._move.click()
    assert panel.lab.clock.ahead == 45.5
    panel._again.click()
    assert panel.view.caught == "fresh"


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "1e300", "-1e12", "<b>", "\ud800"])
def test_a_clock_is_not_moved_by_what_is_no_number(panel, text):
    before = panel._clock.value
    panel.fields["Seconds"].value = text
    panel._move.click()
    assert panel.lab.clock.ahead == 0
    assert panel._clock.value != before
    safe(panel, 100_000)


def test_start_again_brings_the_fields_back(panel):
    start = {name: one.value for name, one in panel.fields.items()}
    choose(panel, Who="a man in the middle", Change="spare_bits", Server="RFC_9449", Header="x")
    press(panel, STRIKES, "typ")
    panel.fields[SIGN].value = False
    send(panel)
    panel.start_again.click()
    now = {name: one.value for name, one in panel.fields.items()}
    changed = {name for name in now if now[name] != start[name]}
    assert changed <= {"Claims", "Encoded", "Sent so far"}
    assert panel.rows.struck_out == set()
    assert panel.view is None and html_of(panel)[-1] == ""
    assert send(panel).caught == ACCEPTED


def test_a_panel_of_a_strict_lab_starts_strict():
    with Lab(policy=RFC_9449) as lab:
        panel = BenchPanel(lab, "htu_with_user", API)
        assert panel.fields["Server"].value == "RFC_9449"
        assert send(panel).caught == "htu"


def test_a_panel_of_a_lab_without_a_row_starts_without_it():
    with Lab(policy=RFC_9449.without("htm")) as lab:
        panel = BenchPanel(lab, "htm_delete")
        assert (
            panel.rows.struck_of(panel._draft, panel._rules) == ("htm",)
            and send(panel).caught == ACCEPTED
        )


@pytest.mark.parametrize("wrong", [{"lab": "twin"}, {"change": "no"}, {"to": "no"}])
def test_a_bench_panel_wants_names_that_exist(wrong):
    with pytest.raises(LabError):
        BenchPanel(**wrong)


def test_what_goes_wrong_on_the_way_is_a_sentence():
    with Lab(carrier="socket") as lab:
        panel = BenchPanel(lab)
        lab.close()
        for press in (panel._send, panel._again):
            press.click()
            assert panel.view.problem or panel.view.verdict
        choose(panel, Change="rs256")
        assert panel.view.problem
        safe(panel, 100_000)


# ---- anything at all --------------------------------------------------------------------------


def test_what_is_shown_for_reading_is_meant_as_it_was():
    for text in ('{"a":1,"b":["x"]}', '{"a": 1}', "no json", "{}", '{"a":"ä\\u0000"}'):
        assert as_meant(for_reading(text)) == text


@cache
def shared_panel():
    """One panel for all examples, so that no example waits for keys."""
    return BenchPanel(Lab())


@given(
    change=st.sampled_from([*CHANGES]),
    header=st.none() | ANY_TEXT,
    claims=st.none() | ANY_TEXT,
    signer=st.sampled_from(SIGNERS),
    server=st.sampled_from(["DUENDE", "RFC_9449"]),
    struck=st.sets(st.sampled_from([*ROWS]), max_size=4),
    again=st.booleans(),
)
@example("honest", "<img src=x onerror=alert(1)>", "\ud800", "owner", "DUENDE", set(), True)
@settings(max_examples=50, deadline=None)
def test_whatever_is_chosen_and_typed_something_sensible_is_shown(
    change, header, claims, signer, server, struck, again
):
    panel = shared_panel()
    panel.start_again.click()
    choose(panel, Change=change, Signed_by=signer, Server=server)
    for name, text in (("Header", header), ("Claims", claims)):
        if text is not None:
            panel.fields[name].value = text
    press(panel, STRIKES, *(row for row in struck if row in panel.rows.buttons))
    (panel._send if not again or panel._again.disabled else panel._again).click()
    assert panel.view.caught or panel.view.problem
    assert "".join(panel.view.verdict.split()) in "".join(repr(panel).split())
    safe(panel, 100_000)
    token = panel.lab.bench.parties.access_token()
    assert token not in repr(panel) + "".join(html_of(panel))


def test_verdict_and_controls_are_announced(panel):
    assert panel._verdict.value.startswith(f'<style onload="{LIVE}">')
    assert "dpop-lab-verdict" in panel._verdict._dom_classes
    assert "dpop-lab-panel" in panel.root._dom_classes
    controls = [one for one in widgets(panel.root) if hasattr(one, "description")]
    named = [one for one in controls if type(one).__name__ not in ("HTML", "VBox")]
    buttons = 5 + len(panel.rows.box.children)
    assert all(one.description for one in named) and len(named) == len(panel.fields) + buttons
    assert panel._repr_mimebundle_(include=None, exclude=None)["text/plain"] == repr(panel)
