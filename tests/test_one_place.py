"""A row is written in one place: made here and put into a policy, it is known wherever rows are."""

from dataclasses import replace

import pytest

from dpop_lab import DUENDE, RFC_9449, Lab, diagnose
from dpop_lab.checking import Answer, check
from dpop_lab.doctor.explain.explainer import Explainer
from dpop_lab.lab.catalogue.places import API, API_NONCE, TOKEN_ENDPOINT
from dpop_lab.panels import BenchPanel
from dpop_lab.panels.rows import asked_of
from dpop_lab.proof.rules import ProofProfile
from dpop_lab.session.call import ACCEPTED
from dpop_lab.show.values import Words
from dpop_lab.wire.message import Request
from tests.test_display import Page
from tests.world import BASE_URL, TOKEN, World, error


@check(
    "RFC 0 §1",
    stops="a proof that button with the server",
    mend="Leave the toy at home.",
    needs=("well_formed",),
    grade="should",
    free=("loud",),
)
def toy(proof, context):
    """Does the proof come without a toy?"""
    found = proof.claims.get("toy")
    return Words("no toy"), found, {None: None, "drum": "loud"}.get(found, "carried")


def with_toy(policy):
    """The policy with the row at every place where proofs are looked at."""
    places = {
        name: replace(profile, rows=(*profile.rows, toy))
        for name, profile in policy.profiles.items()
        if isinstance(profile, ProofProfile)
    }
    return replace(policy, profiles={**policy.profiles, **places})


def tells(text, *more):
    """Whether all that is known of the row stands in a text."""
    return all(one in text for one in (toy.name, toy.question, toy.mend, *more))


@pytest.mark.parametrize("policy", [with_toy(DUENDE), with_toy(RFC_9449)], ids=repr)
@pytest.mark.parametrize(("claim", "grade"), [("doll", "should"), ("drum", "free")])
def test_a_row_written_once_is_known_wherever_rows_are(policy, claim, grade):
    source = f"RFC 0 §1, {grade}"

    # on the wire, though the policy has no words for it
    world = World(policy)
    proof = world.token_proof(claims={"toy": claim})
    answer = world.token_request(proof)
    assert (answer.status, error(answer)) == (400, ("invalid_dpop_proof", None))
    token = world.token()
    answer = world.call(token, world.api_proof(token, claims={"toy": claim}))
    assert (answer.status, error(answer)) == (401, ("invalid_dpop_proof", None))

    # in a report
    report = world.seen[-1].reports[-1]
    assert (report.failure.check, report["toy"].grade) == (toy, grade)
    assert tells(repr(report), source)
    assert tells(report._repr_html_(), source)

    # in the check table
    both = "RFC 0 §1, should; loud: free"
    assert tells(repr(policy.api), both)
    page = Page(policy.api._repr_html_())
    assert tells(page.summary + str(page.rows[-3:]), both)

    # on the explain page
    told = []
    explainer = Explainer(world.twin, told.append)
    explainer.told(world.asked, world.seen[-1])
    why = dict(told[0].why)
    assert (why["row"], why["change"]) == (f"toy, {source}: {toy.question}", toy.mend)
    page = explainer(Request("GET", "/", (("Host", "127.0.0.1"),)))
    assert tells(page.body.decode(), source)

    # in the doctor's advice
    found = diagnose(
        proof, method="POST", url=BASE_URL + TOKEN, now=world.clock.now(), policy=policy
    )
    [problem] = found.problems
    assert (problem.row, problem.action, problem.grade) == ("toy", toy.mend, grade)
    assert tells(found.text(), source)
    *_, row = found.as_dict()["requests"][0]["rows"]
    assert [row[name] for name in ("row", "question", "mend", "grade")] == [
        "toy", toy.question, toy.mend, grade
    ]  # fmt: skip

    # among the bench's rows
    with Lab(policy=policy) as lab:
        for place in (TOKEN_ENDPOINT, API, API_NONCE):
            assert asked_of(lab.bench.draft("honest", to=place), policy)["toy"] == (
                toy.question,
                True,
            )
            asked = {"to": place, "claims": {"toy": claim}}
            assert lab.send("honest", **asked, predict="toy").caught == "toy"
            assert lab.send("honest", **asked, without=("toy",)).caught == ACCEPTED
        assert (lab.bench.score.right, lab.bench.score.asked) == (3, 3)
        panel = BenchPanel(lab)
        assert (
            panel.rows.buttons["toy"] in panel.rows.box.children
            and not panel.rows.buttons["toy"].disabled
        )
    with Lab() as lab:
        asked = {"claims": {"toy": claim}, "predict": "toy", "policy": policy}
        assert lab.send("honest", **asked).caught == "toy"


def test_the_words_of_a_policy_lead_back_to_its_row():
    said = Answer(400, "invalid_dpop_proof", "Toys stay outside.")
    profile = replace(RFC_9449.token, rows=(*RFC_9449.token.rows, toy), answers={"toy": said})
    told = {"error": said.error, "error_description": said.description}
    [problem] = diagnose(
        told, policy=replace(RFC_9449, profiles={**RFC_9449.profiles, "token": profile})
    ).problems
    assert (problem.row, problem.section) == ("toy", toy.section)
    assert toy.mend in problem.action
