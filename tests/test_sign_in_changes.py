"""The catalogue of attacks on signing in: what each reaches, and what each row alone stops.

What comes of an attack is what the servers answer, and the client: nothing here is taken from the
catalogue but the attacks.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, fields

import pytest

from dpop_lab import DUENDE, RFC_9449, SIGN_IN_CHANGES, Lab, LabError
from dpop_lab.lab.sign_in.attack import ACTORS, CODE, GUARDS, PAR, PLACES, REFRESH, USERINFO
from dpop_lab.lab.sign_in.playing import THE_CLIENT
from dpop_lab.proof.rules import ESSENTIAL
from dpop_lab.server.sign_in.ways import Ways, WithWays, with_sign_in
from dpop_lab.session.call import ACCEPTED

POLICIES = {policy.name: with_sign_in(policy) for policy in (DUENDE, RFC_9449)}
ROWS = {name for policy in POLICIES.values() for name in policy.row_names}
#: What is answered where no row says no, by what is there to stop it.
ERRORS = {
    "PKCE": {"invalid_grant", "invalid_request"},
    "client authentication": {"invalid_client"},
    "whose it is": {"invalid_grant", "invalid_request_uri"},
    "one use": {"invalid_grant", "invalid_request_uri", "invalid_request"},
    "redirect URI": {"invalid_request", "invalid_grant"},
    "dpop_jkt": {"invalid_request"},
    "request_uri": {"invalid_request"},
    "proof demanded": {"invalid_request"},
    "one key": {"invalid_request"},
    "revocation": {"invalid_grant", "insufficient_scope"},
}
OF_THE_CLIENT = {"state", "iss", "nonce of the ID token"}
ELSEWHERE = {"issuer": "https://as.example", "client_id": "ann", "client_auth": "none"}
STOPPED_BEFORE = {  # by another thing than what can stop it: PKCE is looked at earlier
    ("stolen_bound_code_without_pkce", "RFC_9449"): ("PKCE", "invalid_request"),
}


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def answers():
    """What both policies answer to all of it: some ten seconds, in which 800 requests are sent."""
    return SIGN_IN_CHANGES.answers


# ---- the data ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIGN_IN_CHANGES)
def test_an_attack_says_what_is_done_by_whom_where_and_what_can_stop_it(name):
    one = SIGN_IN_CHANGES[name]
    assert one.name == name
    assert 0 < len(one.title) <= 100 and not one.title.endswith(".") and one.title[0] != " "
    assert one.by in ACTORS and one.at in PLACES and one.guard in {*GUARDS, *ROWS}
    assert not one.then or (one.guard in ROWS and one.then in GUARDS)
    assert re.search(r"(RFC \d+|Core) §", one.section)
    assert not one.worth or one.worth.endswith(".")


def test_everybody_does_something_everywhere_and_each_guard_is_tried():
    attacks = SIGN_IN_CHANGES.values()
    assert {one.by for one in attacks} == set(ACTORS)
    assert {one.at for one in attacks} == set(PLACES)
    assert set(GUARDS) <= {one.guard for one in attacks}
    assert len({one.title for one in attacks}) == len(SIGN_IN_CHANGES)
    assert sum(len(SIGN_IN_CHANGES.at(place)) for place in PLACES) == len(SIGN_IN_CHANGES)
    assert "mixed_up_issuer" in SIGN_IN_CHANGES.search("BEGUN at another issuer")
    assert type(SIGN_IN_CHANGES.by("the client")) is type(SIGN_IN_CHANGES)


# ---- what comes of them -----------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", SIGN_IN_CHANGES)
def test_an_attack_is_stopped_by_what_it_says_or_taken_for_a_reason(answers, name, policy):
    attack, came = SIGN_IN_CHANGES[name], answers[name][policy]
    error = came.answered.error
    if came.caught == ACCEPTED:
        assert attack.worth
    elif (name, policy) in STOPPED_BEFORE:
        assert (came.caught, error) == STOPPED_BEFORE[name, policy]
    elif (attack.at, policy) == (USERINFO, "DUENDE"):  # which takes no token under DPoP there
        assert came.caught in ("scheme", attack.guard)
    elif attack.guard in ROWS:
        assert came.caught == attack.guard
    elif attack.guard in OF_THE_CLIENT:
        assert came.caught == THE_CLIENT and came.said
    else:
        assert came.caught == attack.guard and error in ERRORS[attack.guard]


def test_what_is_harmless_is_taken_by_the_strict_server(answers):
    harmless = [one.name for one in SIGN_IN_CHANGES.values() if one.worth.startswith("Harmless")]
    assert {answers[name]["RFC_9449"].caught for name in harmless} == {ACCEPTED}
    honest = {name for name in harmless if name.startswith("honest")}
    assert honest == {"honest_push", "honest_code", "honest_refresh", "honest_userinfo"}
    refused = {name for name in harmless if answers[name]["DUENDE"].caught != ACCEPTED}
    assert refused == {"honest_userinfo", "refresh_with_a_first_proof"}


def test_what_each_measure_is_worth_is_seen(answers):
    def caught(name):
        return answers[name]["RFC_9449"].caught

    assert caught("stolen_code") == "PKCE"
    assert caught("stolen_code_and_verifier") == ACCEPTED  # no help, the verifier is known
    assert caught("stolen_bound_code_and_verifier") == "code_key"
    assert caught("challenge_swapped") == "code_key"
    assert caught("challenge_and_key_swapped") == ACCEPTED
    assert caught("pushed_and_swapped") == "PKCE"
    assert caught("injected_code_with_challenge") == THE_CLIENT  # PKCE fits, nonce does not
    assert caught("own_request") == ACCEPTED
    assert caught("own_request_of_confidential") == "client authentication"


def test_the_policies_differ_in_these(answers):
    accepted = {
        policy: {name for name in SIGN_IN_CHANGES if answers[name][policy].caught == ACCEPTED}
        for policy in POLICIES
    }
    found = SIGN_IN_CHANGES.differing
    assert {*found} == accepted["DUENDE"] ^ accepted["RFC_9449"]
    accepted = {policy: names & {*found} for policy, names in accepted.items()}
    assert accepted == {
        "DUENDE": {
            "unregistered_redirect_uri", "redirect_uri_with_more", "dpop_jkt_in_hexadecimal",
            "stolen_code_without_pkce", "code_used_first",
            "refresh_token_used_first", "userinfo_as_bearer", "revoked_access_token",
            "padding_at_par",
        },
        "RFC_9449": {
            "refresh_token_and_secret_unproven", "refresh_with_a_first_proof", "honest_userinfo",
        },
    }  # fmt: skip
    assert len(found) == 12
    table = next(found.answers.blocks())
    assert {row[1]: row[2:] for row in table.rows}["userinfo_as_bearer"] == (ACCEPTED, "unbound")
    assert set(found) < set(answers)


# ---- one row struck out -----------------------------------------------------------------------

ASKED = {  # by the place of attacks, the profiles that are asked there
    CODE: ("code",),
    REFRESH: ("refresh",),
    PAR: ("par", "par_nonce"),
    USERINFO: ("userinfo_bound", "userinfo", "userinfo_bearer"),
}
OF_A_PROOF = {row.name for row in POLICIES["DUENDE"].userinfo.rows}  # which the demo never asks
UNREACHED = {"scheme"}  # at userinfo it says which profile is asked: see below
STRIKABLE = [
    (policy.name, place, row.name)
    for policy in POLICIES.values()
    for place, profiles in ASKED.items()
    for row in {row.name: row for one in profiles for row in policy.profiles[one].rows}.values()
    if row.name not in ESSENTIAL | UNREACHED
    if (policy.name, place) != ("DUENDE", USERINFO) or row.name not in OF_A_PROOF
]


@pytest.mark.parametrize(("policy", "place", "row"), STRIKABLE)
def test_each_row_alone_stops_an_attack_there(lab, answers, policy, place, row):
    stopped = [one for one in SIGN_IN_CHANGES.at(place) if answers[one][policy].caught == row]
    assert stopped
    outcomes = {}
    for name in stopped:
        came = lab.attack(name, policy=POLICIES[policy], without=(row,))
        outcomes[name] = came.caught
        assert all(row in one.struck_out for one in came.answered.reports if row in ROWS_OF(one))
        if came.caught == ACCEPTED:
            return
    pytest.fail(str(outcomes))


def ROWS_OF(report):
    """The rows that were struck out or asked in a report."""
    return {*report.struck_out, *(one.check.name for one in report.findings)}


def test_there_is_a_row_to_strike_at_each_place():
    tried = {(place, row) for _, place, row in STRIKABLE}
    assert {(CODE, "code_key"), (REFRESH, "refresh_key"), (PAR, "nonce"), (USERINFO, "ath")} < tried
    assert len(tried) > 25


def test_without_the_row_about_the_scheme_userinfo_takes_a_token_under_any(lab):
    assert lab.attack("honest_userinfo").caught == "scheme"
    assert lab.attack("honest_userinfo", without="scheme").caught == ACCEPTED


@pytest.mark.parametrize("name", ["stolen_bound_code_and_verifier", "bound_code_without_proof",
    "other_key_after_par", "challenge_swapped", "injected_bound_code"])  # fmt: skip
def test_more_than_one_attack_hangs_on_the_row_about_codes(lab, name):
    assert lab.attack(name, without=("code_key",)).caught in (ACCEPTED, THE_CLIENT)


@pytest.mark.parametrize("name", ["stolen_refresh_token", "stolen_refresh_token_without_proof"])
def test_more_than_one_attack_hangs_on_the_row_about_refresh_tokens(lab, name):
    assert lab.attack(name, policy=RFC_9449, without=("refresh_key",)).caught == ACCEPTED


# ---- what is no row ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Without(Ways):
    """The strict ways, but for one of the words of the catalogue."""

    word: str

    def verified(self, grant, verifier):
        return self.word == "PKCE" or Ways.verified(self, grant, verifier)

    def first_use(self, store, handle):
        return Ways.first_use(self, store, handle) or self.word == "one use"

    def is_theirs(self, grant, client):
        return self.word == "whose it is" or Ways.is_theirs(self, grant, client)


@pytest.mark.parametrize(("word", "least"), [("PKCE", 3), ("one use", 4), ("whose it is", 2)])
def test_what_is_said_to_have_stopped_an_attack_did(lab, answers, word, least):
    known = {one.name: getattr(RFC_9449, one.name) for one in fields(RFC_9449)}
    rules = with_sign_in(WithWays(**known, ways=Without(word=word)))
    stopped = [
        name
        for name in answers
        if (came := answers[name]["RFC_9449"]).caught == word
        and came.answered.error == "invalid_grant"
    ]
    assert len(stopped) >= least
    for name in stopped:
        assert lab.attack(name, policy=rules).caught in (ACCEPTED, THE_CLIENT)


@pytest.mark.parametrize(("name", "without", "word"), [
    ("stolen_bound_code", ("code_key",), "PKCE"), ("code_twice", (), "one use"),
    ("login_csrf", (), "state"), ("injected_bound_code", ("code_key",), "nonce of the ID token"),
    ("stolen_code_of_confidential", (), "client authentication"),
])  # fmt: skip
def test_the_card_says_what_stopped_an_attack_that_no_row_did(lab, name, without, word):
    came = lab.attack(name, without=without, predict=word)
    assert came.foreseen and came.stopped_by == word
    facts = dict(next(came.blocks()).facts)
    assert facts["stopped by"].startswith(f"{word} (") and GUARDS[word][1] in facts["stopped by"]
    assert "what can stop it" not in facts and (came.said or word in came.verdict)


def test_what_did_not_stop_an_attack_is_not_said_to_stop_it(answers):
    for name, one in SIGN_IN_CHANGES.items():
        for came in answers[name].values():
            facts = dict(next(came.blocks()).facts)
            assert ("what can stop it" in facts) <= (came.caught == ACCEPTED != one.guard)
    facts = dict(next(answers["stolen_code_and_verifier"]["DUENDE"].blocks()).facts)
    assert facts["what can stop it"].startswith("dpop_jkt (")


# ---- the front door ---------------------------------------------------------------------------


def test_an_attack_is_shown_with_its_rows_the_other_server_and_all_steps(lab):
    since = len(lab.log)
    came = lab.attack("stolen_bound_code", predict="code_key")
    assert came.caught == came.predicted == "code_key"
    assert came.elsewhere.caught == "code_key" and came.elsewhere.error == "invalid_grant"
    given, refused = (step.meaning for step in came.story[-2:])
    assert " given, bound to key 1" in given and refused.startswith("refused by the row code_key:")
    assert [*came.log] == [*lab.log][since:]  # and nothing of what went to the other server
    for text in (repr(came), came._repr_html_()):
        assert "by the row code_key" in text and "RFC 9449 §10" in text and "right" in text
        assert "a thief of the code" in text and "/Account/Login" in text
    assert came.details().count("<figure") == 1 and "5. POST /connect/token" in came.details()
    assert came.exchange.status == 400 and "<code " in came.exchange.request_body


def test_a_no_of_the_client_is_shown_as_one(lab):
    came = lab.attack("mixed_up_issuer", predict="the client")
    assert came.caught == "the client" and came.elsewhere is None
    assert came.verdict.startswith("Refused by the client") and came.verdict.endswith("right.")
    assert came.blocks().__next__().mark == "failed"


def test_what_is_asked_for_wrongly_is_told(lab):
    for asked in (
        {"name": "stolen_cod"}, {"name": "stolen_code", "predict": "nonsense"},
        {"name": "stolen_code", "without": ("nonsense",)}, {"name": "stolen_code", "policy": 1},
        {"name": None},
    ):  # fmt: skip
        with pytest.raises(LabError):
            lab.attack(**asked)
    with pytest.raises(LabError, match="stolen_code"):
        lab.attack("stolen_cod")
    with Lab(**ELSEWHERE) as other, pytest.raises(LabError, match="twin"):
        other.attack("stolen_code")


def test_no_secret_is_shown(lab):
    came = lab.attack("refresh_token_and_secret")
    told = repr(came) + came._repr_html_() + json.dumps(came.story.har())
    assert "secret=secret" not in told
    assert not re.search(r"eyJ[\w-]+\.eyJzdWI|eyJ[\w-]+\.eyJpc3M|[0-9A-F]{64}", told)


@pytest.mark.parametrize("name", [
    "stolen_bound_code", "refresh_token_used_first", "userinfo_as_bearer", "sent_twice_at_par",
    "login_csrf", "unregistered_redirect_uri",
])  # fmt: skip
@pytest.mark.parametrize("policy", POLICIES)
def test_over_a_socket_the_answers_are_the_same(sockets, answers, name, policy):
    came, wanted = sockets[policy].attack(name), answers[name][policy]
    assert came.exchange.url.startswith("http://127.0.0.1:")
    assert (came.caught, came.answered.said) == (wanted.caught, wanted.answered.said)
    assert came.answered.rules == wanted.answered.rules == policy


@pytest.fixture(scope="module")
def sockets():
    with Lab(carrier="socket") as demo, Lab(carrier="socket", policy=RFC_9449) as strict:
        yield {"DUENDE": demo, "RFC_9449": strict}


# ---- what it costs those who have nothing to do with it ---------------------------------------


def test_what_lessons_use_loads_nothing_of_it():
    code = (
        "import sys; import dpop_lab.panels; from dpop_lab import *\n"
        "lab = Lab(); lab.send('own_key'); repr(CHANGES); repr(lab.story); progress()\n"
        "panel = dpop_lab.panels.BenchPanel(lab); panel._send.click(); panel._blind.click()\n"
        "panel.fields['Search'].value = 'slash'; repr(dpop_lab.panels.CataloguePanel())\n"
        "compare(Lab(), Lab(policy=RFC_9449), changes='htm_delete', places='API')\n"
        "diagnose('invalid_grant: The code is bound to another key.')\n"
        "print([name for name in sys.modules if 'sign_in' in name])"
    ).replace("*", "CHANGES, RFC_9449, Lab, compare, diagnose, progress")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
