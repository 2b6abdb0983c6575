"""Each row of each profile stops an attack that gets through when the row is struck out."""

import ast
from dataclasses import dataclass, replace

import pytest

from dpop_lab import Lab, generate_key
from dpop_lab.checking import Answer, Profile, Report, ask, check
from dpop_lab.errors import LabError
from dpop_lab.proof import read_proof, rules
from dpop_lab.proof.rules import ESSENTIAL, ROWS, check_proof
from dpop_lab.server import access_token as at
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.show.values import Words, shown
from dpop_lab.wire.message import Response
from tests import builder, replay
from tests.world import (
    API,
    BASE_URL,
    CLIENT_KEY,
    PLAIN_API,
    POLICIES,
    SIGNER,
    STRANGER,
    THIEF,
    TOKEN,
    VICTIM,
    World,
    parts,
)

# ---- the attacks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attack:
    """A request of a thief's making: variations of the last proof sent, and how often it is."""

    signing_key: object = VICTIM
    variations: dict | None = None
    times: int = 1
    copies: int = 1


def proof_attack(world, place, attack):
    """The last answer to an attack on the place where proofs are checked."""
    server = place.partition("_")[0]
    variations = dict(attack.variations or {})
    if place.endswith("_nonce") and "nonce" not in variations:
        variations["nonce"] = world.nonce(server)
    variations = {
        name: value(world) if callable(value) else value for name, value in variations.items()
    }
    if server == "token":
        client = "m2m.dpop.nonce" if place == "token_nonce" else "m2m.dpop"
        proofs = [world.token_proof(attack.signing_key, **variations)] * attack.copies
        answers = [world.token_request(*proofs, client_id=client) for _ in range(attack.times)]
    else:
        token = world.token()
        proofs = [world.api_proof(token, attack.signing_key, **variations)] * attack.copies
        answers = [world.call(token, *proofs) for _ in range(attack.times)]
    assert all(answer.status == 200 for answer in answers[:-1])
    return answers[-1]


def stale(world):
    """An iat that no policy takes."""
    return world.clock.now() - 3600


PROOF_ATTACKS = {
    "one_header": Attack(copies=2),
    "strict_form": Attack(variations={"header": {"crit": ["exp"]}}),
    "typ": Attack(variations={"header": {"typ": "JWT"}}),
    "no_private_key": Attack(variations={"private": True}),
    "signature": Attack(THIEF, variations={"header_key": VICTIM}),
    "jti": Attack(variations={"without": ["jti"]}),
    "htm": Attack(variations={"htm": "DELETE"}),
    "htu": Attack(variations={"htu": "https://mallory.example/connect/token"}),
    "ath": Attack(variations={"access_token": "another token"}),
    "bound_key": Attack(THIEF),
    "fresh": Attack(variations={"iat": stale}),
    "nonce": Attack(variations={"nonce": "made up"}),
    "unused": Attack(times=2),
}
# where a nonce tells the age, Duende wants an iat all the same, of any age
NO_IAT = Attack(variations={"without": ["iat"]})


def token_attack(world, place, changes=None, *, signing_key=SIGNER, scheme=None, **faults):
    """A forged access token, with a right proof at the API that wants one."""
    bound = place == "bound"
    real = world.token(VICTIM if bound else None)
    token = world.forged(real, signing_key, **(changes or {}), **faults)
    path = API if bound else PLAIN_API
    scheme = scheme or ("DPoP" if bound else "Bearer")
    return world.call(token, world.api_proof(token) if bound else "", path=path, scheme=scheme)


def with_byte_order_mark(world, place):
    """A token whose claims begin with a mark that some parsers skip and others choke on."""
    claims = parts(world.token(VICTIM if place == "bound" else None))[1]
    return token_attack(world, place, payload="\ufeff" + builder.compact(claims))


def late(world, place):
    """A token that has run out, its grace too."""
    bound = place == "bound"
    token = world.token(VICTIM if bound else None)
    world.clock.advance(3600 + 301)
    if bound:
        return world.call(token, world.api_proof(token))
    return world.call(token, path=PLAIN_API, scheme="Bearer")


def bound_as_bearer(world, place):
    """A bound token under Bearer, with no proof."""
    return world.call(world.token(), path=PLAIN_API, scheme="Bearer")


TOKEN_ATTACKS = {
    "scheme": lambda world, place: token_attack(
        world, place, scheme="Bearer" if place == "bound" else "DPoP"
    ),
    "at_form": with_byte_order_mark,
    "at_typ": lambda world, place: token_attack(world, place, {"header": {"typ": "JWT"}}),
    "issuer": lambda world, place: token_attack(world, place, {"claims": {"iss": "https://else"}}),
    "at_signature": lambda world, place: token_attack(world, place, signing_key=STRANGER),
    "audience": lambda world, place: token_attack(world, place, {"claims": {"aud": "urn:else"}}),
    "not_expired": late,
    "unbound": bound_as_bearer,
}

PLACES = [
    (policy.name, place, row.name)
    for policy in POLICIES.values()
    for place, profile in policy.profiles.items()
    for row in profile.rows
    if row.name not in profile.essential
]


def attacked(policy, place, row):
    """The answer of a twin under a policy to the attack that a row is there for, and its world."""
    world = World(policy, api_nonce=place == "api_nonce")
    if place in ("bound", "bearer"):
        return TOKEN_ATTACKS[row](world, place), world
    any_age = getattr(POLICIES[policy.name], place).window is rules.ANY_TIME
    attack = NO_IAT if row == "fresh" and any_age else PROOF_ATTACKS[row]
    return proof_attack(world, place, attack), world


@pytest.mark.parametrize(("policy", "place", "row"), PLACES)
def test_each_row_stops_an_attack_that_gets_through_without_it(policy, place, row):
    answer, world = attacked(POLICIES[policy], place, row)
    assert answer.status in (400, 401)
    failures = [report.failure.check.name for report in world.seen[-1].reports if report.failure]
    assert failures == [row]
    answer, world = attacked(POLICIES[policy].without(row), place, row)
    assert answer.status == 200
    assert all(report.accepted for report in world.seen[-1].reports)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_row_of_every_profile_has_its_attack(policy):
    for place, profile in policy.profiles.items():
        attacks = TOKEN_ATTACKS if place in ("bound", "bearer") else PROOF_ATTACKS
        assert {row.name for row in profile.rows} - profile.essential <= set(attacks)
    used = {row for _, _, row in PLACES}
    assert used == set(TOKEN_ATTACKS) | set(PROOF_ATTACKS)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_places_of_a_policy_are_these_six(policy):
    assert list(policy.profiles) == [
        "token", "token_nonce", "api", "api_nonce", "bound", "bearer"
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["token", "token_nonce", "api", "api_nonce", "bound", "bearer"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_an_honest_request_passes_every_row_of_every_place(policy, place):
    world = World(policy, api_nonce=place == "api_nonce")
    if place in ("bound", "bearer"):
        answer = token_attack(world, place)
    else:
        answer = proof_attack(world, place, Attack())
    assert answer.status == 200
    *_, report = world.seen[-1].reports
    assert report.accepted
    assert [finding.mark for finding in report.findings] == ["passed"] * len(report.findings)


# ---- striking out -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_two_rows_struck_out_let_an_attack_on_both_through(policy):
    world = World(policy.without("htm").without("htu"))
    answer = world.token_request(world.proof("DELETE", "/elsewhere"))
    assert answer.status == 200
    assert world.seen[-1].reports[0].struck_out == ("htm", "htu")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_striking_out_leaves_the_policy_it_began_with_alone(policy):
    rows = policy.token.rows
    other = policy.without("htm")
    assert policy.token.rows is rows
    assert policy.token.struck_out == ()
    assert [row.name for row in rows if row not in other.token.rows] == ["htm"]


@pytest.mark.parametrize("row", ["well_formed", "alg", "jwk", "no such row", "", "HTM"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_rows_that_are_essential_or_not_there_cannot_be_struck_out(policy, row):
    with pytest.raises(LabError) as raised:
        policy.without(row)
    assert repr(row) in raised.value.found
    with pytest.raises(LabError):
        policy.token.without(row)


def test_a_row_cannot_be_struck_out_twice():
    with pytest.raises(LabError):
        RFC_9449.without("htm").without("htm")
    with pytest.raises(LabError):
        DUENDE.without("strict_form")


@pytest.mark.parametrize(("policy", "place", "row"), PLACES)
def test_every_report_of_a_struck_out_profile_names_the_row(policy, place, row):
    profile = getattr(POLICIES[policy].without(row), place)
    assert profile.struck_out == (row,)
    for presented in ("", "a.b.c"):
        report = examined(profile, presented)
        assert report.struck_out == (row,)
        assert f"struck out, so never asked: {row}" in str(report).splitlines()[1]
        assert row not in [finding.check.name for finding in report.findings]


def examined(profile, text, whole=True):
    """What a profile finds in a text without any request around it."""
    if isinstance(profile, rules.ProofProfile):
        proof = rules.read_proof(text)
        asked = {"method": "POST", "url": BASE_URL + TOKEN, "now": 1_700_000_000}
        context = rules.Context(profile=profile, headers=(text,), **asked)
        return profile.examine(proof, context, whole=whole)
    asked = {"authorization": text, "keys": (), "issuer": BASE_URL, "audience": "api"}
    context = at.TokenContext(profile=profile, now=1_700_000_000, **asked)
    return profile.examine(at.token_of(text), context, whole=whole)


def test_a_struck_out_row_blocks_no_other():
    profile = RFC_9449.api.without("jti")
    report = examined(profile, builder.proof(VICTIM, htm="POST", htu="x", iat=1, jti=1))
    assert report["unused"].mark == "passed"
    profile = RFC_9449.bound.without("at_form")
    assert examined(profile, "DPoP a.b.c")["at_signature"].mark == "failed"


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_what_stands_on_a_failed_row_is_not_asked(policy):
    report = examined(policy.api, "no JWT at all")
    marks = {finding.check.name: finding.mark for finding in report.findings}
    assert marks.pop("one_header") == "passed"
    assert marks.pop("well_formed") == "failed"
    assert set(marks.values()) == {"not asked"}
    assert not report.accepted
    assert report.failure.check.name == "well_formed"


def test_a_row_that_was_not_asked_blocks_what_needs_it_in_turn():
    report = examined(
        RFC_9449.token, builder.proof(VICTIM, htm="POST", htu="x", iat=1, jti="", alg="none")
    )
    assert report["alg"].mark == "failed"
    assert report["signature"].mark == "not asked"
    assert report["jti"].mark == "failed"
    assert report["unused"].mark == "not asked"
    assert report["typ"].mark == "passed"


def test_a_gatekeeper_stops_at_the_first_failure_and_a_lab_does_not():
    text = builder.proof(VICTIM, htm="GET", htu="x", iat=1, jti="1", header={"typ": "JWT"})
    whole, first = (examined(RFC_9449.token, text, whole) for whole in (True, False))
    assert [finding.check.name for finding in first.findings][-1] == "typ"
    assert whole.findings[: len(first.findings)] == first.findings
    assert len(whole.findings) == len(RFC_9449.token.rows)
    assert first.failure == whole.failure
    assert not first.accepted


# ---- the table itself -------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_rows_need_only_rows_that_exist(policy):
    known = {row.name for row in (*ROWS, *at.ROWS, at.unbound)}
    for profile in policy.profiles.values():
        names = [row.name for row in profile.rows]
        assert len(set(names)) == len(names)
        assert profile.essential <= set(names)
        for row in profile.rows:
            assert set(row.needs) <= known
            for needed in set(row.needs) & set(names):
                assert names.index(needed) < names.index(row.name)


def test_every_row_says_what_it_asks_what_it_stops_and_where_it_is_written():
    every = (*ROWS, *at.ROWS, at.unbound)
    assert len({row.name for row in every}) == len(every)
    assert len({row.stops for row in every}) == len(every)
    for row in every:
        assert row.question.endswith("?") and "\n" not in row.question
        assert row.section.startswith("RFC ")
        assert row.stops and not row.stops.endswith(".")


def test_where_nobody_tells_of_cnf_the_key_that_signs_is_not_blamed():
    lab = Lab(policy=RFC_9449)
    proof = lab.proof(generate_key(), "GET", API, access_token="t")
    asked = {"method": "GET", "url": API, "now": lab.clock.now(), "access_token": "t"}
    found = check_proof(proof, profile=RFC_9449.api, **asked)["bound_key"]
    assert (found.defect, found.mend) == ("missing", rules.bound_key.mends["missing"])
    assert ("what to do", found.mend) in found.facts and rules.bound_key.mend != found.mend


def test_every_row_says_what_mends_it_and_how_binding_each_of_its_defects_is():
    every = (*ROWS, *at.ROWS, at.unbound)
    mends = [text for row in every for text in (row.mend, *row.mends.values())]
    assert len({*mends}) == len(mends)
    assert all(text.endswith(".") and "\n" not in text for text in mends)
    for row in every:
        assert {*row.mends} <= DEFECTS[row.name]
        assert set(row.free) <= DEFECTS[row.name]
        assert {row.graded(defect) for defect in DEFECTS[row.name]} <= {"must", "should", "free"}


FREE = {
    "well_formed": {"too_long"},
    "strict_form": {"tolerable"},
    "typ": {"spelling"},
    "alg": {"unsupported"},
    "bound_key": {"unchecked"},
    "fresh": {"stale", "early"},
    "nonce": {"stale", "early"},
    "scheme": {"too_long"},
}
SHOULD = {"unused": {"replayed"}, "at_typ": {"wrong"}}


def test_what_the_rfcs_leave_to_the_server_is_free():
    rows = {row.name: row for row in (*ROWS, *at.ROWS, at.unbound)}
    for grade, wanted in (("free", FREE), ("should", SHOULD)):
        found = {
            name: {one for one in defects if rows[name].graded(one) == grade}
            for name, defects in DEFECTS.items()
        }
        assert {name: defects for name, defects in found.items() if defects} == wanted


SOFTER = {  # a proof, and what a row finds in it
    "typ": [
        ({"typ": "DPoP+JWT"}, "spelling"),
        ({"typ": "application/dpop+jwt"}, "spelling"),
        ({"typ": "JWT"}, "wrong"),
        ({"typ": 1}, "wrong"),
    ],
    "alg": [
        ({"alg": "ES256K"}, "unsupported"),
        ({"alg": "none"}, "wrong"),
        ({"alg": "HS256"}, "wrong"),
        ({"alg": "es256"}, "wrong"),
        ({"alg": ["ES256"]}, "wrong"),
    ],
}


@pytest.mark.parametrize(
    ("row", "header", "defect"),
    [(row, header, defect) for row, cases in SOFTER.items() for header, defect in cases],
)
def test_a_row_tells_what_the_rfc_demands_from_what_it_leaves_open(row, header, defect):
    proof = builder.proof(VICTIM, htm="POST", htu="x", iat=1, jti="1", header=header)
    found = examined(RFC_9449.token, proof)[row]
    assert found.defect == defect
    assert found.grade == ("must" if defect == "wrong" else "free")


@pytest.mark.parametrize(
    ("payload", "defect"),
    [('{"jti":"1","jti":"1"}', "tolerable"), ('\ufeff{"jti":"1"}', "tolerable"),
     ('{"jti":1,"jti":"1"} ', "tolerable"), ('{"jti":"1"}x', "loose"),
     ('{"jti":"1","jti":"1"}x', "loose")],
)  # fmt: skip
def test_what_a_json_reader_may_pass_over_is_free(payload, defect):
    proof = builder.proof(VICTIM, htm="POST", htu="x", iat=1, jti="1", payload=payload)
    assert examined(RFC_9449.token, proof)["strict_form"].defect == defect


def test_only_the_three_rows_that_signatures_stand_on_are_essential():
    assert ESSENTIAL == {"well_formed", "alg", "jwk"}


DEFECTS = {
    "one_header": {"missing", "several", "empty"},
    "well_formed": {"malformed", "too_long"},
    "strict_form": {"loose", "tolerable"},
    "typ": {"missing", "wrong", "spelling"},
    "alg": {"missing", "wrong", "unsupported"},
    "jwk": {"missing", "wrong", "unusable"},
    "no_private_key": {"private"},
    "signature": {"wrong"},
    "jti": {"missing", "wrong"},
    "htm": {"missing", "wrong"},
    "htu": {"missing", "wrong"},
    "ath": {"missing", "wrong"},
    "bound_key": {"missing", "wrong", "unchecked"},
    "fresh": {"missing", "wrong", "stale", "early"},
    "nonce": {"missing", "wrong", "stale", "early"},
    "unused": {"replayed"},
    "scheme": {"missing", "wrong", "too_long"},
    "at_form": {"malformed"},
    "at_typ": {"wrong"},
    "issuer": {"missing", "wrong"},
    "at_signature": {"wrong"},
    "audience": {"wrong"},
    "not_expired": {"missing", "wrong", "expired", "early"},
    "unbound": {"bound"},
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_defect_of_every_row_has_an_answer(policy):
    for place, profile in policy.profiles.items():
        for row in profile.rows:
            for defect in DEFECTS[row.name]:
                finding = next(iter(ask((replace(row, judge=failing(defect)),), None, None)))
                answer = profile.answer(finding)
                assert answer.status == (400 if place.startswith("token") else 401)
        for key in profile.answers:
            name, defect = key if isinstance(key, tuple) else (key, None)
            assert defect is None or defect in DEFECTS[name]


def failing(defect):
    """A judge that finds this defect in everything."""
    return lambda presented, context: (None, None, defect)


# ---- recorded attacks -------------------------------------------------------------------------

EXCHANGES = {exchange["name"]: exchange for exchange in replay.read()}
RECORDED = {
    "token alg none": "alg",
    "token typ DPOP+JWT": "typ",
    "token jwk private": "no_private_key",
    "token jwk of another key": "signature",
    "token signature in DER": "signature",
    "token two parts": "well_formed",
    "token no jti": "jti",
    "token htm wrong": "htm",
    "token htu on another host": "htu",
    "token iat -400 s": "fresh",
    "token iat +310 s": "fresh",
    "token iat a date": "well_formed",
    "two proofs": "one_header",
    "proof sent twice": "unused",
    "nonce wanted": "nonce",
    "proof of 4001 characters": "well_formed",
    "api, another key": "bound_key",
    "api, plain token": "bound_key",
    "api, ath wrong": "ath",
    "api, Bearer with a bound token": "scheme",
    "api no jwk": "jwk",
    "api, proof for the token endpoint": "htm",
    "api, path in capitals": None,
    "api header crit": None,
}


@pytest.mark.parametrize(("name", "row"), RECORDED.items())
def test_recorded_attacks_fail_first_at_the_row_made_for_them(name, row):
    world = World()
    for _ in replay.Replay(recorded_site(world), EXCHANGES[name]).turns():
        pass
    failures = [report.failure.check.name for report in world.seen[-1].reports if report.failure]
    assert failures[:1] == ([row] if row else [])


def recorded_site(world):
    """A world as the replayer of the recordings asks it."""

    def send(asked):
        answer = world.send(asked.method, asked.target, asked.headers, asked.body or b"")
        return replay.Answer(answer.status, answer.headers, answer.body.decode())

    return replay.Site(send, BASE_URL, world.clock.now, CLIENT_KEY)


# ---- the machinery, on rows of its own --------------------------------------------------------


@check("here", stops="odd numbers", mend="Add one.")
def even(number, context):
    """Is it even?"""
    return Words("an even number"), number, None if number % 2 == 0 else "odd"


@check("here", stops="numbers that can't be halved", mend="Add two.", needs=("even",))
def half_even(number, context):
    """Is its half even?"""
    return even.judge(number // 2, context)


TOY = Profile(name="toy", rows=(even, half_even), answers={"even": Answer(400, "odd")})


def test_a_profile_of_other_rows_works_alike():
    assert [str(TOY.examine(number, None)).splitlines()[0] for number in (4, 2, 1)] == [
        "✓ toy: accepted", "✗ toy: refused", "✗ toy: refused"
    ]  # fmt: skip
    report = TOY.examine(1, None)
    assert [finding.mark for finding in report.findings] == ["failed", "not asked"]
    assert TOY.answer(report.failure) == Answer(400, "odd")
    assert TOY.without("even").examine(4, None).struck_out == ("even",)


def test_a_finding_is_found_in_a_report_by_its_name():
    report = TOY.examine(4, None)
    assert report["half_even"].check is half_even
    with pytest.raises(KeyError):
        report["odd"]


def test_an_empty_report_is_no_failure():
    assert Report("nothing", ()).failure is None


def test_what_a_request_says_is_quoted_and_cut():
    assert shown("a\nb") == repr("a\nb")
    assert shown(Words("plain")) == "plain"
    assert shown(None) == "nothing"
    assert shown("x" * 500, 9) == "'xxxxxxxx…' (500 characters)"
    assert shown(b"x" * 500, 9) == "b'xxxxxxx…' (500 characters)"
    assert shown("it's" * 9, 5) == '"it\'s…" (36 characters)'
    assert shown(["x" * 500], 9) == "['xxxxxxx… (504 characters)"
    assert shown(Words("x" * 500), 9) == "xxxxxxxxx… (500 characters)"
    assert shown("x" * 118) == repr("x" * 118)


@pytest.mark.parametrize("text", ["\\", "\n", "\x00", "\x9f", "\u2028", "\U000e0001", "ü'\""])
@pytest.mark.parametrize("limit", range(1, 30))
def test_no_escape_is_cut_in_half(text, limit):
    quoted, _, count = shown(text * 50, limit).rpartition(" (")
    assert ast.literal_eval(quoted.replace("…", "")) in (text * 50)[:limit]
    assert count == f"{len(text) * 50} characters)"


@pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
@pytest.mark.parametrize(("text", "count"), [("abc", "1 part "), ("a.b", "2 parts ")])
def test_the_parts_of_a_proof_are_counted_in_singular_and_plural(policy, text, count):
    report = check_proof(text, profile=policy.token, method="POST", url="https://a.example/", now=0)
    assert count in str(report["well_formed"].found)
    assert read_proof(text).problem.startswith(count)


def test_equal_never_takes_true_for_one():
    from dpop_lab.checking import equal

    assert equal(wanted=1, found=True) == (1, True, "wrong")
    assert equal(wanted="1", found=None) == ("1", None, "missing")
    assert equal(wanted=1, found=1) == (1, 1, None)


def test_rows_and_reports_never_change():
    with pytest.raises(AttributeError):
        ROWS[0].name = "other"
    with pytest.raises((AttributeError, TypeError)):
        DUENDE.token.rows = ()
    assert isinstance(TOY.examine(4, None).findings, tuple)
    assert isinstance(Response(200).with_headers(("a", "b")), Response)
