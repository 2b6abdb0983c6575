"""The catalogue of changes: what it reaches, what each row alone catches, where servers differ.

Nothing here is taken from the catalogue but the changes themselves: what comes of them is what the
servers answer.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from dpop_lab import CHANGES, DUENDE, RFC_9449, Lab, LabError, diagnose
from dpop_lab.doctor.explain.explainer import Explainer
from dpop_lab.doctor.explain.telling import entry
from dpop_lab.lab.catalogue import GROUPS
from dpop_lab.lab.catalogue.change import LEFT_OUT, edited
from dpop_lab.lab.catalogue.places import (
    ACTORS,
    API,
    API_NONCE,
    BEARER_API,
    PLACES,
    SIGNERS,
    TOKEN_ENDPOINT,
    TOKEN_ENDPOINT_NONCE,
    TOKENS,
    WITH_FORM,
    WITH_NONCE,
    WITH_PROOF,
    WITH_TOKEN,
)
from dpop_lab.lab.parties import exchange_of
from dpop_lab.proof.rules import ESSENTIAL
from dpop_lab.session.call import ACCEPTED, NO_ROW, read_call
from dpop_lab.show import Table
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.redact import Redactor
from tests.test_explain import Tags
from tests.world import RawLog

POLICIES = {policy.name: policy for policy in (DUENDE, RFC_9449)}
KEYS = {"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "RSA of 1024 bits"}
SPELLINGS = {"header_text", "claims_text", "header", "claims", "signature", "whole"}
ALIKE = ("Harmless", "Honest")  # how `worth` begins where nothing is wrong


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


def sent(lab, name, to="", **rules):
    """What comes of a change at a server that has seen nothing before."""
    lab.twin.forget()
    outcome = lab.send(name, to=to, **rules)
    assert not outcome.problem
    return outcome


@pytest.fixture(scope="session")
def grid(policies):
    """Every change at each of its places under both policies: the answer."""
    return {
        (row.change, row.to, policy): answered
        for row in policies
        for policy, answered in zip(POLICIES, (row.a, row.b), strict=True)
    }


def wire(answered):
    """What a client sees of an answer."""
    return answered.status, answered.error, answered.description, answered.challenge


# ---- the data ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_says_what_is_changed_who_could_and_where_it_is_written(name):
    change = CHANGES[name]
    assert change.name == name
    assert 0 < len(change.title) <= 60 and not change.title.endswith(".")
    assert change.by in ACTORS and "RFC" in change.section and change.group in GROUPS
    assert change.places and set(change.places) <= set(PLACES)
    assert change.key in KEYS and (not change.made_for or change.made_for in PLACES)
    assert not change.presents or change.presents in TOKENS
    assert not change.worth or change.worth.endswith((".", "?"))
    assert not change.first or change.first in CHANGES
    for edit in filter(None, (change, change.token)):
        assert edit.signed_by in (*SIGNERS, "issuer") and set(edit.spelling) <= SPELLINGS


def test_everybody_could_do_something_and_every_place_is_a_target():
    assert {change.by for change in CHANGES.values()} == set(ACTORS)
    assert {place for change in CHANGES.values() for place in change.places} == set(PLACES)
    assert sum(len(CHANGES.by(actor)) for actor in ACTORS) == len(CHANGES)
    assert set(CHANGES.at(API)) == {n for n, c in CHANGES.items() if API in c.places}


def test_the_catalogue_is_searched_and_sorted_by_what_is_changed():
    assert [*CHANGES.search("SLASH htu")] == [*CHANGES.search(" htu slash\n")]
    assert {"htu_with_slash", "htu_with_backslashes"} == {*CHANGES.at(API).search("slash htu")}
    assert {"iat_zero", "htm_in_array"} <= {
        *CHANGES.search("7519 §2"),
        *CHANGES.search("json type"),
    }
    assert [*CHANGES.search("")] == [*CHANGES] and not CHANGES.search("no such thing")
    groups = [CHANGES.of(group) for group in GROUPS]
    assert [name for group in groups for name in group] == [*CHANGES] and all(groups)
    assert len({change.title for change in CHANGES.values()}) == len(CHANGES)
    shown = [one for one in CHANGES.of("key").blocks() if isinstance(one, Table)]
    assert [row[:2] for row in shown[0].rows] == [
        (change.title, name) for name, change in CHANGES.of("key").items()
    ]
    with pytest.raises(LabError):
        CHANGES.search(None)


def test_the_catalogue_stays_as_it_is():
    with pytest.raises(TypeError):
        CHANGES["honest"] = CHANGES["honest_bearer"]
    assert not hasattr(CHANGES, "pop")


def test_a_change_is_tried_where_there_is_what_it_changes():
    places = {name: CHANGES[name].places for name in CHANGES}
    assert places["wrong_secret"] == places["form_as_json"] == WITH_FORM
    assert places["ath_missing"] == places["under_bearer"] == places["own_token"] == WITH_TOKEN
    assert places["at_typ_jwt"] == (API, BEARER_API) and places["at_cnf_as_text"] == WITH_TOKEN
    assert places["nonce_blank"] == places["nonce_of_90_s"] == places["nonce_of_the_other"]
    assert places["nonce_blank"] == WITH_NONCE and places["assertion"] == (TOKEN_ENDPOINT,)
    assert places["htm_delete"] == WITH_PROOF and places["honest_bearer"] == (BEARER_API,)


def test_an_edit_sets_takes_away_and_computes_members():
    changes = {
        "a": 1,
        "b": LEFT_OUT,
        "c": lambda old: old * 2,
        "d": timedelta(seconds=-3),
        "e": None,
    }
    assert edited({"b": 0, "c": 4}, changes, now=10) == {"c": 8, "a": 1, "d": 7, "e": None}


# ---- what it reaches --------------------------------------------------------------------------

PROOF = "invalid_dpop_proof"
LINES = {  # the numbered lines of the demo's checks: at the token endpoint …
    (TOKEN_ENDPOINT, 0): (PROOF, ""),
    (TOKEN_ENDPOINT, 1): (PROOF, "Malformed DPoP token."),
    (TOKEN_ENDPOINT, 2): (PROOF, "Invalid 'typ' value."),
    (TOKEN_ENDPOINT, 3): (PROOF, "Invalid 'alg' value."),
    (TOKEN_ENDPOINT, "4, 6"): (PROOF, "Invalid 'jwk' value."),
    (TOKEN_ENDPOINT, 5): (PROOF, "'jwk' value contains a private key."),
    (TOKEN_ENDPOINT, 7): (PROOF, "Invalid signature on DPoP token."),
    (TOKEN_ENDPOINT, 8): (PROOF, "Invalid 'jti' value."),
    (TOKEN_ENDPOINT, 9): (PROOF, "Invalid 'htm' value."),
    (TOKEN_ENDPOINT, 10): (PROOF, "Invalid 'htu' value."),
    (TOKEN_ENDPOINT, 11): (PROOF, "Missing 'iat' value."),
    (TOKEN_ENDPOINT, 12): (PROOF, "Invalid 'iat' value."),
    (TOKEN_ENDPOINT_NONCE, 13): ("use_dpop_nonce", "Missing 'nonce' value."),
    (TOKEN_ENDPOINT_NONCE, 14): ("use_dpop_nonce", "Invalid 'nonce' value."),
    (TOKEN_ENDPOINT, 15): (PROOF, "Detected replay of DPoP proof token."),
    (API, 0): ("", ""),  # … and at the API
    (API, 1): ("invalid_request", ""),
    (API, 2): ("invalid_request", "Missing DPoP proof token."),
    (API, 3): (PROOF, "Malformed DPoP proof token."),
    (API, 4): (PROOF, "Invalid 'jwk' value."),
    (API, 5): (PROOF, "'jwk' value contains a private key."),
    (API, 6): (PROOF, "Invalid DPoP proof token."),
    (API, 7): (PROOF, "Missing 'cnf' value."),
    (API, 8): (PROOF, "Invalid 'cnf' value."),
    (API, 9): (PROOF, "Invalid 'ath' value."),
    (API, 10): (PROOF, "Invalid 'jti' value."),
    (API, 11): (PROOF, "Invalid 'htm' value."),
    (API, 12): (PROOF, "Invalid 'htu' value."),
    (API, "13, 14"): (PROOF, "Invalid 'iat' value."),
    (API_NONCE, 15): ("use_dpop_nonce", "Missing 'nonce' value."),
    (API, 16): (PROOF, "Detected DPoP proof token replay."),
}


@pytest.mark.parametrize("line", LINES, ids=str)
def test_every_numbered_line_of_the_demos_checks_is_reached(grid, line):
    place, _ = line
    found = {
        (one.error, one.description)
        for (_, there, policy), one in grid.items()
        if (there, policy) == (place, "DUENDE") and one.caught != ACCEPTED
    }
    assert LINES[line] in found


LENIENT = (
    "unknown_crit b64_false htm_in_array htu_in_array ath_in_array nonce_in_array iat_as_text "
    "duplicate_first padding text_after_header es384_with_p256 es256_with_p384 rsa_1024 "
    "private_rsa_d jwk_for_another_alg jwk_for_encryption jwk_not_for_verifying jwk_in_capitals "
    "htu_path_in_capitals htu_with_user htu_with_backslashes at_cnf_of_both at_spare_bits "
    "at_over_for_100_s at_for_another_api at_for_no_api bound_as_bearer two_authorizations "
    "token_in_the_query client_twice two_ways_of_saying_who iat_18_s_ahead nonce_and_old_iat"
).split()


@pytest.mark.parametrize("name", LENIENT)
def test_what_the_demo_lets_pass_the_strict_policy_refuses(grid, name):
    place = CHANGES[name].places[0]
    assert grid[name, place, "DUENDE"].caught == ACCEPTED
    assert grid[name, place, "RFC_9449"].caught != ACCEPTED


STRICTER = {
    "jti_of_another_client", "jti_at_another_url", "kid_as_number", "exp_as_word", "too_long",
    "at_typ_in_full", "scheme_and_4000_blanks", "at_kid_as_number", "eddsa", "iat_45_s_ago",
    "caught_45_s_ago", "nonce_of_90_s",
}  # fmt: skip


def test_what_the_demo_alone_refuses_is_known(grid):
    found = {
        name
        for (name, place, policy), one in grid.items()
        if policy == "RFC_9449"
        and one.caught == ACCEPTED
        and grid[name, place, "DUENDE"].caught != ACCEPTED
    }
    assert found - {"jti_empty", "jti_null"} == STRICTER


@pytest.mark.parametrize("policy", POLICIES)
def test_every_row_of_every_profile_says_no_to_something(grid, policy):
    reached = defaultdict(set)
    for (_, place, rules), one in grid.items():
        if rules == policy:
            reached[place].add(one.caught)
    for place, target in PLACES.items():
        profiles = [POLICIES[policy].profiles[name] for name in target.profiles]
        rows = {row.name for profile in profiles for row in profile.rows}
        tried = reached[place] | (reached[API] if place == API_NONCE else set())
        assert rows <= tried, place


@pytest.mark.parametrize(
    "name", [name for name in CHANGES if CHANGES[name].worth.startswith(ALIKE)]
)
def test_what_is_called_harmless_is_taken(grid, name):
    for place in CHANGES[name].places:
        for policy in POLICIES:
            assert grid[name, place, policy].caught == ACCEPTED or (name, policy) == EDDSA


EDDSA = ("eddsa", "DUENDE")


def test_no_two_changes_get_the_same_answers_without_a_reason(grid):
    groups = defaultdict(list)
    for name, change in CHANGES.items():
        answers = tuple(
            wire(grid[name, place, policy]) if place in change.places else None
            for place in PLACES
            for policy in POLICIES
        )
        groups[answers].append(name)
    silent = [
        [name for name in names if not CHANGES[name].worth]
        for names in groups.values()
        if len(names) > 1
    ]
    assert not [names for names in silent if len(names) > 1]


# ---- one row struck out -----------------------------------------------------------------------

STRIKABLE = sorted(
    {
        (policy.name, row.name)
        for policy in POLICIES.values()
        for profile in policy.profiles.values()
        for row in profile.rows
        if row.name not in ESSENTIAL
    }
)


@pytest.mark.parametrize(("policy", "row"), STRIKABLE)
def test_each_row_is_the_only_catcher_of_at_least_two_changes(lab, grid, policy, row):
    alone = (
        name
        for (name, place, under), one in grid.items()
        if (under, one.caught) == (policy, row)
        and sent(lab, name, place, policy=POLICIES[policy], without=(row,)).caught == ACCEPTED
    )
    first = next(alone, "")
    assert first and any(name != first for name in alone)


def test_dozens_of_changes_get_a_yes_here_and_a_no_there(grid):
    lenient = {
        name
        for (name, place, policy), one in grid.items()
        if policy == "DUENDE" and one.caught == ACCEPTED != grid[name, place, "RFC_9449"].caught
    }
    assert len(lenient) >= 36


# ---- the servers say the same wherever they are asked -----------------------------------------


def test_over_a_socket_the_answers_are_the_same(grid):
    with Lab(carrier="socket") as wired:
        for name in CHANGES.at(API):
            wired.twin.forget()
            if name != "htu_with_default_port":
                answered = wired.send(name, to=API).answered
                assert wire(answered) == wire(grid[name, API, "DUENDE"]), name
        with_nonce = wired.send("nonce_missing", to=API_NONCE)
        assert wire(with_nonce.answered) == wire(grid["nonce_missing", API_NONCE, "DUENDE"])


def test_a_change_of_the_request_alone_is_caught_by_no_row(grid):
    assert grid["wrong_secret", TOKEN_ENDPOINT, "DUENDE"].caught == NO_ROW
    assert grid["wrong_secret", TOKEN_ENDPOINT, "DUENDE"].reports == ()
    assert grid["bound_as_bearer", BEARER_API, "RFC_9449"].caught == "unbound"


# ---- what is told of them ---------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=repr)
def test_the_doctor_names_the_row_that_refused_and_the_explaining_server_tells_each(policy):
    log, told = RawLog(), []
    seen = log.raw
    with Lab(policy=policy, log=log) as lab:
        jwks, explainer = {"keys": [lab.twin.published]}, Explainer(lab.twin, told.append)
        for name, change in CHANGES.items():
            for place in change.places:
                seen.clear()
                caught = carried_out(lab, name, place).caught
                seen[:] = [one for one in seen if one.status != 404]
                if not seen:
                    continue
                found = examined(seen, jwks, policy)
                assert is_named(caught, found), (name, place)
                assert all(problem.action for problem in found.problems)
                for examination in (found, examined([foreign(one) for one in seen], jwks, None)):
                    assert contradictions(examination) == [], (name, place)
                if place == change.places[0]:
                    lines = explained_in_turn(seen, explainer, told)
                else:
                    lines = [explained(seen[-1], lab.twin)]
                why = dict(lines[-1].why)
                assert bool(why.get("change")) is (caught != ACCEPTED), (name, place)
    assert len(told) > len(CHANGES)
    page = explainer(Request("GET", "/", (("Host", "127.0.0.1"),)))
    Tags(page.body.decode())


def carried_out(lab, name, place):
    """What the lab's server alone answers to a change."""
    draft, parties = lab.bench.draft(name, to=place), lab.bench.parties
    session = lab.session_under(lab.policy, api_nonce=draft.place.nonce)
    answer = parties.send(session, draft.place, parties.signed(draft)[0])
    return read_call(exchange_of(answer))


def explained_in_turn(exchanges, explainer, told):
    """What one explaining server tells of each of these."""
    before = len(told)
    for one in exchanges:
        target = "/" + one.url.split("/", 3)[3]
        request = Request(one.method, target, one.request_headers, one.request_body.encode())
        body = one.response_body.encode()
        answer = Response(one.status, one.response_headers, body, one.reports)
        explainer.told(request, answer)
    for one, line in zip(exchanges, told[before:], strict=True):
        assert line.refused == (one.status >= 400)
        assert bool(dict(line.why).get("change")) == line.refused, line
        assert all(part.isprintable() for part in repr(line).split("\n"))
    return told[before:]


def foreign(exchange):
    """The exchange as another server would have had it, which nobody knows the rules of."""
    known = ("server", "x-revision")
    headers = [one for one in exchange.response_headers if one[0].lower() not in known]
    return replace(exchange, response_headers=tuple(headers), reports=())


def contradictions(found):
    """The findings of one call that say two things of one, or blame both sides for a success."""
    problems = found.problems
    rows = [problem.row for problem in problems if problem.row]
    twice = [row for row in dict.fromkeys(rows) if rows.count(row) > 1]
    twice += [
        name
        for one in problems
        for other in problems
        for name in one.explains
        if other is not one and name in (other.row, *other.explains)
    ]
    schemes = {"scheme", "unbound"} <= {*rows}
    accepted = (found.call.status or 0) // 100 == 2 and not found.call.refused
    blamed = {problem.at_server for problem in problems if problem.grade == "must"}
    both_sides = accepted and blamed == {True, False} and "no_private_key" not in rows
    return twice + ["scheme"] * schemes + ["both sides"] * both_sides


def explained(exchange, twin):
    """What the explaining server tells of one request."""
    known = {"base_url": twin.base_url, "policy": twin.policy, "redactor": Redactor()}
    return entry(exchange, number=1, **known)


def examined(seen, jwks, policy):
    """What the doctor finds in the last of the requests to one endpoint."""
    exchanges = [one for one in seen if one.url == seen[-1].url]
    return diagnose(exchanges, policy=policy, jwks=jwks).examined[-1]


def is_named(caught, found):
    """Is the row that said no the first that the doctor finds, and nothing where none did?"""
    rows = [problem.row for problem in found.problems]
    if caught == NO_ROW:
        return bool(rows)
    return not any(rows[:1]) if caught == ACCEPTED else rows[:1] == [caught]
