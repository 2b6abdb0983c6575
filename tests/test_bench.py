"""The bench without its panel: `lab.send` and what it shows, for any header, claims and rules."""

import json
import re
import shlex
from dataclasses import replace
from email.utils import formatdate
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpop_lab import CHANGES, DUENDE, RFC_9449, Lab, LabError
from dpop_lab.lab.catalogue.change import LEFT_OUT
from dpop_lab.lab.catalogue.places import (
    API,
    API_NONCE,
    BEARER_API,
    SIGNERS,
    TOKEN_ENDPOINT,
    WITH_PROOF,
)
from dpop_lab.lab.sent import Score, difference
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import ESSENTIAL, htm
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.show import as_text
from tests.test_display import ATTRIBUTES, ELEMENTS, HOSTILE, Page

STRIKABLE = sorted({row.name for row in DUENDE.api.rows if row.name not in ESSENTIAL})


@cache
def shared_lab():
    """One lab for all that leave no trace in it, so that none waits for keys."""
    return Lab()


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


def proof_in(sent):
    """The proof that was sent, taken apart."""
    return read_proof(dict(sent.exchange.request_headers)["DPoP"])


# ---- what is sent -----------------------------------------------------------------------------


@pytest.mark.parametrize("place", [*WITH_PROOF, BEARER_API])
@pytest.mark.parametrize("policy", [DUENDE, RFC_9449], ids=lambda policy: policy.name)
def test_an_honest_request_is_accepted_everywhere(place, policy):
    change = "honest_bearer" if place == BEARER_API else "honest"
    sent = shared_lab().send(change, to=place, policy=policy)
    assert (sent.caught, sent.answered.status, sent.elsewhere.caught) == (ACCEPTED, 200, ACCEPTED)
    assert all(report.accepted for report in sent.answered.reports)


def test_members_can_be_set_and_taken_away(lab):
    header, claims = {"typ": "x", "more": 1}, {"htm": "DELETE", "iat": LEFT_OUT, "jti": None}
    proof = proof_in(lab.send(header=header, claims=claims))
    assert (proof.header["typ"], proof.header["more"]) == ("x", 1)
    assert proof.claims["htm"] == "DELETE" and proof.claims["jti"] is None
    assert "iat" not in proof.claims


def test_who_signs_and_whether_anybody_does_are_two_switches(lab):
    edit = {"claims": {"htm": "DELETE"}}
    assert lab.send(**edit).caught == "htm"
    assert lab.send(**edit, sign_again=False).caught == "signature"
    assert lab.send(**edit, signed_by="nobody").caught == "signature"
    by_thief = lab.send(**edit, signed_by="thief")
    assert by_thief.caught == "bound_key"
    assert by_thief.title == f"{CHANGES['honest'].title}, edited, signed by thief"
    assert lab.send(sign_again=False).caught == ACCEPTED
    assert proof_in(lab.send(signed_by="nobody")).signature == b""


def test_the_same_bytes_can_be_sent_again(lab):
    first = lab.send()
    second = lab.send_again()
    assert second.exchange.request_headers == first.exchange.request_headers
    assert (first.caught, second.caught) == (ACCEPTED, "unused")
    assert lab.send_again(without=("unused",)).caught == ACCEPTED


def test_what_was_sent_is_numbered_kept_and_sent_again_by_its_number(lab):
    first, second = lab.send(predict=ACCEPTED), lab.send("htm_delete", to=TOKEN_ENDPOINT)
    lab.clock.advance(5)
    again = lab.send_again(1, predict="unused")
    assert again.exchange.request_headers == first.exchange.request_headers
    assert (again.caught, again.title) == ("unused", f"{first.title}, sent again")
    assert first.title == CHANGES["honest"].title
    assert lab.send_again(2).to == TOKEN_ENDPOINT and lab.send_again().to == TOKEN_ENDPOINT
    assert lab.bench.history[:3] == (first, second, again) and 5 <= again.at - second.at < 60
    assert [sent.number for sent in lab.bench.history] == [1, 2, 3, 4, 5]
    for _ in range(50):
        lab.send_again()
    assert [sent.number for sent in lab.bench.history] == [*range(6, 56)]
    for wrong in (1, 56, -1, "6", [1]):
        with pytest.raises(LabError):
            lab.send_again(wrong)
    own = Score().after(again).after(replace(again, predicted="htm")).after(second)
    assert (own.right, own.asked) == (1, 1)


def test_a_riddle_hides_its_change_until_it_was_predicted_and_sent(lab):
    some = CHANGES.of("claims")
    riddle = lab.bench.riddle(some, to=API, seed=3)
    change = riddle.change
    assert change.name in some.at(API) and len(lab.log) == 1  # the access token alone
    assert lab.bench.riddle(some, to=API, seed=3).change is change
    assert len({lab.bench.riddle(seed=seed).change.name for seed in range(9)}) > 5
    for text in (repr(riddle), re.sub(r"<[^>]+>", "", riddle._repr_html_())):
        assert change.name not in text and change.title not in text
        assert "GET /api/dpop/test" in text and riddle.access_token not in text
    with pytest.raises(LabError):
        lab.bench.send(riddle)
    lab.clock.advance(3600)
    plain = shared_lab().send(change.name, to=API)
    sent = lab.bench.send(riddle, predict=plain.caught)
    assert (sent.change, sent.caught) == (change.name, plain.caught)
    assert (lab.bench.score.right, lab.bench.score.asked) == (1, 1)
    for wrong in ({"changes": ["honest"]}, {"changes": CHANGES.of("token request"), "to": API}):
        with pytest.raises(LabError):
            lab.bench.riddle(**wrong)


def test_the_other_policy_judges_the_same_bytes_without_having_seen_them(lab):
    lab.send("iat_45_s_ago")
    under_rfc = lab.send_again(policy=RFC_9449)
    assert under_rfc.caught == ACCEPTED
    assert under_rfc.elsewhere.caught == "fresh"
    assert ("fresh", "✓ passed", "✗ failed") in under_rfc.disagreement


def test_a_lab_of_the_strict_policy_is_asked_by_its_own_rules():
    with Lab(policy=RFC_9449) as strict:
        sent = strict.send("htu_with_user")
    assert (sent.answered.rules, sent.caught) == ("RFC_9449", "htu")
    assert (sent.elsewhere.rules, sent.elsewhere.caught) == ("DUENDE", ACCEPTED)


def test_an_api_with_nonces_is_another_place_of_the_same_lab(lab):
    assert lab.send(to=API_NONCE).caught == ACCEPTED
    assert lab.send("nonce_missing", to=API_NONCE).answered.nonce
    assert lab.send(to=API).caught == ACCEPTED
    with Lab(api_nonce=True) as guarded:
        assert guarded.send(to=API).caught == ACCEPTED
        assert guarded.send("nonce_missing", to=API_NONCE).caught == "nonce"


def test_a_row_struck_out_is_named_and_nothing_else_changes(lab):
    sent = lab.send("own_key", without=("bound_key",))
    assert sent.caught == ACCEPTED and sent.answered.rules == "DUENDE without bound_key"
    assert sent.answered.reports[-1].struck_out == ("bound_key",)
    assert lab.send("own_key").caught == "bound_key"


def test_the_clock_can_be_moved_and_tokens_are_asked_for_again(lab):
    lab.send()
    for seconds in (40, 4000, -90_000):
        lab.clock.advance(seconds)
        assert lab.send_again().caught != ACCEPTED
        assert lab.send().caught == ACCEPTED


def test_everything_sent_is_in_the_log_with_its_reports():
    with Lab() as lab:
        sent = lab.send("htm_delete", policy=RFC_9449)
        assert lab.log[-1].reports == sent.answered.reports
        assert [one.status for one in lab.log] == [200, 401]
    assert "DPoP <access_token 1>" in lab.log[-1].text()


# ---- what is said of it -----------------------------------------------------------------------


def test_an_answer_is_taken_apart(lab):
    api, endpoint = (lab.send("htm_delete", to=to).answered for to in (API, TOKEN_ENDPOINT))
    assert (api.status, api.error, api.description) == (
        401, "invalid_dpop_proof", "Invalid 'htm' value.",
    )  # fmt: skip
    assert api.challenge.startswith("DPoP error=") and api.exchange.response_body == ""
    assert (endpoint.status, endpoint.error, endpoint.description) == (
        400,
        api.error,
        api.description,
    )
    said = json.loads(endpoint.exchange.response_body)
    assert endpoint.challenge == "" and said["error"] == api.error


def test_the_difference_is_told_member_by_member(lab):
    first = lab.send("htm_delete")
    assert first.compared_with == 0 and ("claims.htm", "GET", "DELETE") in first.difference
    honest = lab.send()
    lab.send("htu_with_user")
    lab.send(without="jti")  # neither is an honest one under all rows
    second = lab.send(claims={"htm": LEFT_OUT, "more": True}, header={"typ": "x"})
    assert second.compared_with == honest.number
    names = {name: (then, now) for name, then, now in second.difference}
    assert names.pop("claims.jti") and names.pop("claims.iat", True)
    assert names == {
        "header.typ": ("dpop+jwt", "x"),
        "claims.htm": ("GET", LEFT_OUT),
        "claims.more": (LEFT_OUT, True),
    }


def test_what_is_new_in_every_proof_is_no_news_but_a_changed_time_is(lab):
    assert set(lab.send().fresh) == {"claims.jti", "claims.iat"}
    assert lab.send("iat_missing").fresh == ("claims.jti",)
    assert lab.send("iat_an_hour_ago").fresh == ("claims.jti",)


def test_a_true_is_not_the_same_as_a_one():
    row = ("claims.more", 1, True)
    assert difference({row[0]: row[1]}, {row[0]: row[2]}) == (row,)


def test_predictions_are_counted_once_for_each_question(lab):
    lab.send("htm_delete", predict="htm")
    lab.send("htm_delete", predict="typ")
    lab.send("own_key", predict="htm")
    lab.send("honest", predict=ACCEPTED)
    lab.send("wrong_secret", predict=NO_ROW)
    lab.send("iat_45_s_ago", predict="fresh")
    assert (lab.bench.score.right, lab.bench.score.asked) == (4, 5)
    lab.send("htm_delete", predict=ACCEPTED, without=("htm",))
    lab.send(claims={"htm": "x"}, predict="htm")
    lab.send(claims={"htm": "x"}, predict="htm")
    assert (lab.bench.score.right, lab.bench.score.asked) == (6, 7)
    lab.send_again(predict="htm")  # as refused before
    lab.send("htm_delete", predict="htm", without=("typ",))  # which played no part
    assert (lab.bench.score.right, lab.bench.score.asked) == (6, 7)
    lab.send("own_key", to=API_NONCE)
    lab.send("own_key", to=API_NONCE, predict="bound_key")  # as seen before
    lab.send(claims={"x" * 100_000: 1})
    lab.send(claims={"y": 1}, predict=ACCEPTED)
    assert (lab.bench.score.right, lab.bench.score.asked) == (6, 7)
    assert len(repr(lab.bench.score.guesses)) < 5000
    lab.send()
    for without in ((), ("unused",), ("unused",)):
        lab.send_again(predict=ACCEPTED if without else "unused", without=without)
    assert (lab.bench.score.right, lab.bench.score.asked) == (8, 9)


def test_the_curl_command_is_one_command_that_says_the_same(lab):
    sent = lab.send(to=TOKEN_ENDPOINT)
    words = shlex.split(sent.curl.replace("\\\n", " "))
    assert words[0] == "curl" and words.count("--header") == len(sent.exchange.request_headers) - 3
    assert f"DPoP: {dict(sent.exchange.request_headers)['DPoP']}" in words
    assert words[words.index("--data-raw") + 1] == sent.exchange.request_body
    assert sent.request.startswith("POST /connect/token HTTP/1.1\n")
    assert sent.request.endswith(sent.exchange.request_body)


def test_an_outcome_is_a_card_over_all_that_is_folded(lab):
    card, *rest = lab.send("htm_delete").blocks()
    facts = dict(card.facts)
    assert (card.mark, facts["wanted"], facts["found"]) == ("failed", "'GET'", "'DELETE'")
    assert facts["what to do"] == htm.mend and CHANGES["htm_delete"].title in facts["sent"]
    assert len(rest) == 6 and all(block.folded for block in rest)
    again = lab.send_again()
    (second, *_), time = again.blocks(), formatdate(again.at, usegmt=True)[-12:]
    assert (card.stamp[:4], second.stamp) == ("#1, ", f"#2, {time}")
    assert second.text == card.text and time not in as_text([second])
    assert lab.send("wrong_secret").verdict_block().known[1:] == ()


def test_no_secret_is_shown(lab):
    for name in ("honest", "at_more_scope", "own_key", "private_member", "two_authorizations"):
        sent = lab.send(name)
        for text in (
            repr(sent),
            sent._repr_html_(),
            sent.curl,
            sent.request,
            repr(lab.bench._kept),
        ):
            assert lab.bench.parties.access_token() not in text
            for key in lab.bench.parties._keys.values():
                assert key.private_jwk()["d"] not in text
    endpoint = lab.send(to=TOKEN_ENDPOINT)
    for answered in (endpoint.answered, endpoint.elsewhere):
        assert json.loads(answered.exchange.response_body)["access_token"].startswith(
            "<access_token"
        )
    assert "secret=secret" not in repr(endpoint) + endpoint.curl
    assert re.search(
        r'"access_token":"<access_token \d+>"', endpoint.answered.exchange.response_body
    )


def test_text_and_html_say_the_same_in_the_same_order(lab):
    sent = lab.send("iat_18_s_ahead", policy=RFC_9449, predict="fresh")
    page = " ".join(re.sub(r"<[^>]+>", " ", sent._repr_html_()).split())
    for said in (repr(sent), page):
        marks = [
            sent.verdict[:40],
            "✗ fresh",
            "Compared with",
            "WWW-Authenticate",
            "curl --include",
        ]
        places = [said.replace("&#x27;", "'").find(mark) for mark in marks]
        assert -1 not in places and places == sorted(places)


# ---- wrong calls ------------------------------------------------------------------------------

WRONG = {
    "a change": {"change": "nothing"},
    "a place": {"to": "the moon"},
    "a place it is not for": {"change": "bound_as_bearer", "to": API},
    "a signer": {"signed_by": "mallory"},
    "a row predicted": {"predict": "htn"},
    "a row struck out": {"without": ("htn",)},
    "an essential row": {"without": ("alg",)},
    "a policy": {"policy": "DUENDE"},
    "a header": {"header": "typ"},
    "claims": {"claims": ["htm"]},
    "a list of places": {"to": [API]},
    "nothing struck out": {"without": None},
    "a list of rows struck out": {"without": ([],)},
    "a value": {"claims": {"iat": object()}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_name_is_told_with_the_right_ones(wrong):
    with pytest.raises(LabError):
        shared_lab().send(**WRONG[wrong])
    assert shared_lab().send().caught == ACCEPTED


def test_before_anything_was_sent_nothing_can_be_sent_again(lab):
    with pytest.raises(LabError):
        lab.send_again()


def test_the_live_server_keeps_its_rules_and_its_key(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with Lab(live=True) as live:
        for wrong in ({}, {"to": TOKEN_ENDPOINT, "policy": RFC_9449}, {"to": API_NONCE}):
            try:
                assert live.send(**wrong).problem
            except LabError as error:
                assert str(error)


def test_a_broken_connection_is_a_sentence():
    with Lab(carrier="socket") as wired:
        assert wired.send().caught == ACCEPTED
        wired.close()
        sent = wired.send_again()
    assert sent.problem and sent.answered is None and sent.caught == ""
    assert (
        sent.problem in sent.verdict
        and sent.problem in " ".join(repr(sent).split())
        and sent.details() == ""
    )


# ---- anything at all --------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["typ", "alg", "jwk", "jti", "htm", "htu", "ath", "iat", "nonce"])
MEMBERS = st.dictionaries(NAMES | st.text(), JSON | st.just(LEFT_OUT), max_size=4)


def sensible(sent):
    """Ask that an outcome is told, safely, in text and HTML, and of no endless length."""
    html = sent._repr_html_()
    page = Page(html)
    assert set(page.elements) <= ELEMENTS and html.isprintable()
    assert page.names <= ATTRIBUTES
    assert sent.verdict and len(html) < 60_000
    assert repr(sent).replace("\n", "").isprintable()
    assert sent.caught or sent.problem


@given(
    header=MEMBERS,
    claims=MEMBERS,
    signed_by=st.sampled_from(SIGNERS),
    sign_again=st.booleans(),
    place=st.sampled_from(WITH_PROOF),
    row=st.sampled_from(["", *STRIKABLE]),
)
@example({"jwk": {"</dd><script>": 1}}, {"htm": HOSTILE[0]}, "owner", True, API, "htm")
@example({"alg": "\ud800"}, {"\ud800": "\ud800"}, "owner", True, TOKEN_ENDPOINT, "")
@settings(max_examples=50, deadline=None)
def test_any_header_and_claims_get_an_outcome(header, claims, signed_by, sign_again, place, row):
    rows = {one.name for one in (DUENDE.token if "token" in place else DUENDE.api).rows}
    sent = shared_lab().send(
        to=place,
        header=header,
        claims=claims,
        signed_by=signed_by,
        sign_again=sign_again,
        without=(row,) if row in rows else (),
    )
    sensible(sent)


@given(text=st.binary(max_size=200).map(lambda octets: octets.decode("latin-1")))
@example("\r\nX: y")
@example("")
@settings(max_examples=25, deadline=None)
def test_any_octets_for_a_proof_get_an_outcome(text):
    bench = shared_lab().bench
    draft = bench.draft("honest")
    change = replace(CHANGES["honest"], proofs=lambda proof: (text,))
    sensible(bench.send(replace(draft, change=change)))
    for header, claims in ((text, "{}"), ("{}", text), (text, text)):
        sensible(bench.send(replace(draft, header=header, claims=claims)))
