"""A policy is a value, and a subclass of a few lines has the ways of another kind of server."""

import base64
import copy
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from dpop_lab.checking import Answer
from dpop_lab.errors import LabError
from dpop_lab.proof import Reading, rules
from dpop_lab.proof.rules import ANY_TIME, Window, check_proof
from dpop_lab.server.access_token import new_signing_key
from dpop_lab.server.common import UsedProofs
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.wire.message import Response
from tests import builder
from tests.world import BASE_URL, POLICIES, THIEF, TOKEN, VICTIM, World, error, header

PLACES = ("token", "token_nonce", "api", "api_nonce", "bound", "bearer")


def read_by(reading, **others):
    """The strict profiles, read in another way."""
    return {
        place: replace(one, reading=reading, **(others if "token" in place else {}))
        for place, one in RFC_9449.profiles.items()
    }


def a_policy(kind=Policy, **fields):
    """A policy like the strict one but for its class and these fields."""
    return kind(name="ANOTHER", **{"profiles": RFC_9449.profiles, **fields})


# ---- a policy is a value ----------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_profile_is_an_attribute_by_the_name_of_its_place(policy):
    assert tuple(policy.profiles) == PLACES
    assert all(getattr(policy, place) is policy.profiles[place] for place in PLACES)
    assert {*PLACES, "without", "profiles"} <= set(dir(policy))
    with pytest.raises(AttributeError):
        policy.userinfo  # noqa: B018
    assert not hasattr(policy, "__deepcopy__")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_copy_of_a_policy_is_like_it(policy):
    for other in (copy.copy(policy), copy.deepcopy(policy), replace(policy)):
        assert type(other) is type(policy)
        assert other.title == policy.title
        assert [row.name for row in other.api.rows] == [row.name for row in policy.api.rows]


def test_a_place_that_is_added_needs_no_field():
    profiles = {**RFC_9449.profiles, "par": replace(RFC_9449.token, name="PAR")}
    policy = replace(RFC_9449, profiles=profiles)
    assert policy.par.name == "PAR"
    proof = builder.proof(VICTIM, htm="POST", htu="https://as.example/par", iat=0, jti="1")
    asked = {"method": "POST", "url": "https://as.example/par", "now": 0}
    assert check_proof(proof, profile=policy.par, **asked).accepted
    without = policy.without("htm")
    assert without.par.struck_out == without.token.struck_out == ("htm",)
    assert (policy.title, without.title) == ("RFC_9449", "RFC_9449 without htm")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_striking_out_keeps_the_kind_of_policy(policy):
    other = policy.without("htm")
    assert type(other) is type(policy) and other.clients is policy.clients
    with pytest.raises(LabError):
        other.without("htm")


# ---- the order of the steps -------------------------------------------------------------------


def refusal(answer):
    """Status and error."""
    return answer.status, error(answer)[0]


PROOF_FIRST = {"token": ("proof", "client")}


def test_a_proof_may_be_looked_at_before_the_client_is():
    for policy, wanted in (
        (a_policy(), (401, "invalid_client")),
        (a_policy(order=PROOF_FIRST), (400, "invalid_dpop_proof")),
    ):
        world = World(policy)
        answer = world.token_request(world.token_proof(htm="GET"), client_secret="wrong")
        assert refusal(answer) == wanted
        assert len(answer.reports) == (policy.order == PROOF_FIRST)


def test_a_proof_that_is_used_up_before_the_client_is_known_stays_so():
    for policy, status in ((a_policy(), 200), (a_policy(order=PROOF_FIRST), 400)):
        world = World(policy)
        proof = world.token_proof()
        assert world.token_request(proof, client_secret="wrong").status == 401
        assert world.token_request(proof).status == status


@pytest.mark.parametrize("order", [{}, {"token": ()}, {"token": ("scope",)}, PROOF_FIRST])
def test_no_step_can_be_left_out(order):
    world = World(a_policy(order=order))
    assert world.token_request(world.token_proof(), client_secret="wrong").status == 401
    assert refusal(world.token_request(world.token_proof(htm="GET")))[0] == 400
    assert refusal(world.token_request(world.token_proof(), scope="no")) == (400, "invalid_scope")
    unknown = world.token_request(world.token_proof(), grant_type="no")
    assert refusal(unknown) == (400, "unsupported_grant_type")
    assert refusal(world.token_request()) == (400, "invalid_request")
    twin = World(a_policy(order={"api": ()}))
    token = twin.token()
    assert refusal(twin.call(token, twin.api_proof(token, htm="PUT")))[0] == 401
    assert refusal(twin.call("a.b.c", twin.api_proof("a.b.c")))[0] == 401


def test_at_the_api_a_proof_may_come_before_the_token():
    world = World(a_policy(order={"api": ("header", "proof", "token")}))
    answer = world.call("a.b.c", world.api_proof("a.b.c", htm="PUT"))
    assert refusal(answer) == (401, "invalid_dpop_proof")
    assert [report.accepted for report in answer.reports] == [False, False]
    assert error(world.call("a.b.c"))[1] == RFC_9449.api.answers["one_header"].description


@pytest.mark.parametrize("burns", [False, True])
def test_a_proof_is_used_up_where_the_row_unused_stands(burns):
    rows = [row for row in RFC_9449.api.rows if row.name not in ("ath", "unused")]
    last = [rules.unused, rules.ath] if burns else [rules.ath, rules.unused]
    api = replace(RFC_9449.api, rows=(*rows, *last))
    world = World(a_policy(profiles={**RFC_9449.profiles, "api": api}))
    token, jti = world.token(), "once"
    assert world.call(token, world.api_proof("another", jti=jti)).reports[1].failure.check is (
        rules.ath
    )
    again = world.call(token, world.api_proof(token, jti=jti))
    assert again.status == (401 if burns else 200)


# ---- values that are read in another way ------------------------------------------------------


class Lenient(Reading):
    """Letter case does not count in typ and htm."""

    def same(self, name, wanted, found):
        return isinstance(found, str) and found.lower() == wanted.lower()


def test_letter_case_may_not_count():
    world = World(a_policy(profiles=read_by(Lenient())))
    variations = {"htm": "post", "header": {"typ": "DPOP+JWT"}}
    assert world.token_request(world.token_proof(**variations)).status == 200
    for name in variations:
        strict = World(RFC_9449)
        answer = strict.token_request(strict.token_proof(**{name: variations[name]}))
        assert answer.status == 400


class StrictScheme(Reading):
    """The scheme is taken in one letter case."""

    def same(self, name, wanted, found):
        return found == wanted


def test_the_scheme_may_be_taken_in_one_letter_case_only():
    world = World(a_policy(profiles=read_by(StrictScheme())))
    token = world.token()
    assert world.call(token, world.api_proof(token), scheme="dpop").status == 401
    assert world.call(token, world.api_proof(token)).status == 200


class ByClient(Reading):
    """A proof is remembered by client and jti."""

    def replay_key(self, claims, *, client_id, **known):
        return client_id, claims["jti"]


class BySpelling(Reading):
    """A proof is remembered by its jti and the htu as it is spelt."""

    def replay_key(self, claims, **known):
        return claims["jti"], claims["htu"]


def test_a_proof_may_be_remembered_by_client():
    world = World(a_policy(profiles=read_by(ByClient())))
    once = {"jti": "once"}
    assert world.token_request(world.token_proof(**once)).status == 200
    assert world.token_request(world.token_proof(**once)).status == 400
    assert world.token_request(world.token_proof(**once), client_id="m2m").status == 200


def test_a_proof_may_be_remembered_by_the_spelling_of_its_htu():
    for reading, status in ((Reading(), 400), (BySpelling(), 200)):
        world = World(a_policy(profiles=read_by(reading)))
        url = BASE_URL + TOKEN
        assert world.token_request(world.token_proof(jti="1", htu=url)).status == 200
        again = world.token_request(world.token_proof(jti="1", htu=f"{url}?x"))
        assert again.status == status


# ---- memory -----------------------------------------------------------------------------------


class Forgetful(Policy):
    """It has room for two proofs."""

    def memory(self):
        return UsedProofs(limit=2)


def test_the_memory_is_the_policys():
    world = World(a_policy(Forgetful))
    statuses = [world.token_request(world.token_proof()).status for _ in range(3)]
    assert statuses == [200, 200, 400]
    world.twin.forget()
    assert world.token_request(world.token_proof()).status == 200


@pytest.mark.parametrize("shared", [False, True])
def test_both_servers_may_have_one_memory(shared):
    profiles = read_by(DUENDE.token.reading)  # which remembers a jti alone
    world = World(a_policy(profiles=profiles, shared_memory=shared))
    token = world.token()
    assert world.token_request(world.token_proof(jti="once")).status == 200
    answer = world.call(token, world.api_proof(token, jti="once"))
    assert answer.status == (401 if shared else 200)


# ---- nonces -----------------------------------------------------------------------------------


class Stepping(Policy):
    """A nonce a minute, the next one given out ahead of time, with every answer."""

    def nonce_time(self, now):
        return (now // 60 + 1) * 60

    def sends_nonce(self, error, age, scheme):
        return True


def test_a_nonce_may_come_with_every_answer_and_live_by_the_step():
    profiles = {
        place: replace(one, nonce_window=Window(119, 60)) if "_nonce" in place else one
        for place, one in RFC_9449.profiles.items()
    }
    world = World(a_policy(Stepping, profiles=profiles))
    client = {"client_id": "m2m.dpop.nonce"}
    answers = [world.token_request(), world.token_request(world.token_proof(), **client)]
    answers.append(world.token_request(world.token_proof(), client_secret="wrong"))
    nonce = header(answers[-1], "DPoP-Nonce")
    answers.append(world.token_request(world.token_proof(nonce=nonce), **client))
    assert [answer.status for answer in answers] == [400, 400, 401, 200]
    assert all(header(answer, "DPoP-Nonce") for answer in answers)
    world.clock.advance(115)  # one to two steps on, whatever second of a minute it is
    assert world.token_request(world.token_proof(nonce=nonce), **client).status == 200
    world.clock.advance(70)
    answer = world.token_request(world.token_proof(nonce=nonce), **client)
    assert refusal(answer) == (400, "use_dpop_nonce")


class NonceOrTime(Policy):
    """A nonce is not demanded, but with one the age of a proof does not count."""

    def profile(self, place, proof, *, nonce):
        given = proof.claims.get("nonce") is not None
        return Policy.profile(self, place, proof, nonce=nonce or given)


def test_a_nonce_may_stand_in_for_the_time():
    token_nonce = replace(RFC_9449.token_nonce, window=ANY_TIME)
    world = World(a_policy(NonceOrTime, profiles={**RFC_9449.profiles, "token_nonce": token_nonce}))
    old = {"iat": world.now() - 3600}
    assert world.token_request(world.token_proof(**old)).status == 400
    assert world.token_request(world.token_proof(**old, nonce=world.nonce())).status == 200
    assert world.token_request(world.token_proof()).status == 200
    assert world.token_request(world.token_proof(nonce="made up")).status == 400


# ---- answers ----------------------------------------------------------------------------------


class Telling(Policy):
    """It tells what it found, and answers 401 with a challenge at the token endpoint, too."""

    def answer(self, profile, finding):
        answer = profile.answer(finding)
        if finding.check is rules.alg:
            return replace(answer, description=f"Unsupported: {finding.found}")
        return answer

    def refused(self, refusal, scheme=""):
        response = Policy.refused(self, refusal, scheme)
        if refusal.answer.error != "invalid_dpop_proof" or scheme:
            return response
        challenge = ("WWW-Authenticate", self.challenge("DPoP", refusal.answer))
        return Response(401, (*response.headers, challenge), response.body)

    def proof_fault(self, client, *, sent):
        if client and sent is not client.requires_dpop:
            return Answer(401, "invalid_dpop_proof", "required" if not sent else "not allowed")
        return None

    @property
    def algorithms(self):
        """One alone."""
        return ("ES256",)


def test_words_status_and_headers_are_the_policys():
    world = World(a_policy(Telling))
    token = world.token()
    answer = world.token_request(world.token_proof(header={"alg": "none"}))
    assert (answer.status, error(answer)[1]) == (401, "Unsupported: none")
    assert header(answer, "WWW-Authenticate").endswith('algs="ES256"')
    answer = world.call(token, world.api_proof(token, THIEF))
    assert refusal(answer) == (401, "invalid_token")
    assert header(answer, "WWW-Authenticate").endswith('algs="ES256"')


def test_a_policy_says_who_must_send_a_proof_and_who_must_not():
    world = World(a_policy(Telling))
    assert error(world.token_request())[1] == "required"
    assert error(world.token_request(world.token_proof(), client_id="m2m"))[1] == "not allowed"
    assert world.token_request(client_id="m2m").status == 200
    assert world.token_request(world.token_proof()).status == 200


@pytest.mark.parametrize("place", RFC_9449.profiles)
def test_a_policy_without_one_of_the_places_is_not_made(place):
    others = {name: one for name, one in RFC_9449.profiles.items() if name != place}
    with pytest.raises(LabError, match=place):
        replace(RFC_9449, profiles=others)


def test_the_signing_key_is_published_in_a_certificate_of_a_server():
    _, published = new_signing_key(BASE_URL, kid="1")
    certificate = x509.load_der_x509_certificate(base64.b64decode(published["x5c"][0]))
    (usage,) = certificate.extensions
    assert list(usage.value) == [ExtendedKeyUsageOID.SERVER_AUTH]
