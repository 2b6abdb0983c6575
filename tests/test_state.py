"""What a server remembers: proofs claimed once and for long enough, nonces of its own, its time."""

import secrets
import string
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dpop_lab.errors import LabError
from dpop_lab.server.common import Clock, Nonces, UsedProofs
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request
from tests.world import CLIENT_KEY, SIGNING_KEY, World

NOW = 1_800_000_000
THREADS = 16


def race(work):
    """What each of sixteen threads gets that begin at once."""
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


# ---- used proofs ------------------------------------------------------------------------------


def test_a_key_is_claimed_once():
    used = UsedProofs()
    assert not used.seen("a", now=NOW)
    assert used.claim("a", now=NOW, remember=60)
    assert used.seen("a", now=NOW)
    assert not used.claim("a", now=NOW, remember=60)
    assert used.claim("b", now=NOW, remember=60)


def test_looking_claims_nothing():
    used = UsedProofs()
    assert [used.seen("a", now=NOW) for _ in range(3)] == [False] * 3
    assert len(used) == 0


def test_of_sixteen_threads_one_gets_the_key():
    for _ in range(20):
        used = UsedProofs()
        assert sum(race(lambda _, used=used: used.claim("a", now=NOW, remember=60))) == 1
        assert len(used) == 1


def test_sixteen_threads_lose_none_of_their_own_keys():
    used = UsedProofs()

    def work(number):
        return [used.claim((number, one), now=NOW + one, remember=60) for one in range(200)]

    assert all(all(claimed) for claimed in race(work))
    assert all(used.seen((number, 199), now=NOW + 199) for number in range(THREADS))


def test_a_key_is_free_again_at_the_second_its_time_is_over():
    used = UsedProofs()
    assert used.claim("a", now=NOW, remember=60)
    assert used.seen("a", now=NOW + 59)
    assert not used.claim("a", now=NOW + 59, remember=60)
    assert not used.seen("a", now=NOW + 60)
    assert used.claim("a", now=NOW + 60, remember=60)
    assert used.seen("a", now=NOW + 119)


def test_a_refused_claim_does_not_lengthen_the_first():
    used = UsedProofs()
    assert used.claim("a", now=NOW, remember=60)
    assert not used.claim("a", now=NOW + 30, remember=600)
    assert used.claim("a", now=NOW + 60, remember=60)


def test_keys_of_several_life_spans_are_each_forgotten_in_their_time():
    used = UsedProofs()
    spans = {"short": 15, "middle": 60, "long": 660}
    for name, seconds in spans.items():
        assert used.claim(name, now=NOW, remember=seconds)
    for moment in range(0, 700, 5):
        used.claim(("tick", moment), now=NOW + moment, remember=1)
        alive = [name for name in spans if used.seen(name, now=NOW + moment)]
        assert alive == [name for name, seconds in spans.items() if moment < seconds]
    assert len(used) <= 1


def test_a_key_claimed_again_with_a_shorter_span_is_not_freed_by_its_old_expiry():
    used = UsedProofs()
    assert used.claim("a", now=NOW, remember=60)
    assert used.claim("a", now=NOW + 60, remember=15)
    assert used.claim("x", now=NOW + 61, remember=60)
    assert used.seen("a", now=NOW + 74)
    assert not used.seen("a", now=NOW + 75)
    assert used.claim("a", now=NOW + 75, remember=660)
    assert used.claim("y", now=NOW + 100, remember=15)
    assert used.seen("a", now=NOW + 734)


def test_memory_is_freed_as_time_goes_on():
    used = UsedProofs()
    for moment in range(2000):
        assert used.claim(moment, now=NOW + moment, remember=60)
        assert len(used) <= 60
    assert used.claim("late", now=NOW + 10_000, remember=60)
    assert len(used) == 1


def test_memory_is_bounded_and_a_full_one_forgets_nothing():
    used = UsedProofs(limit=10)
    assert all(used.claim(one, now=NOW, remember=60) for one in range(10))
    assert not used.claim("more", now=NOW, remember=60)
    assert len(used) == 10
    assert all(used.seen(one, now=NOW + 59) for one in range(10))
    assert not used.claim(5, now=NOW + 59, remember=60)
    assert used.claim("more", now=NOW + 60, remember=60)
    assert len(used) == 1


def test_a_bound_holds_in_a_race_too():
    used = UsedProofs(limit=100)
    claimed = race(
        lambda number: [used.claim((number, one), now=NOW, remember=60) for one in range(50)]
    )
    assert sum(map(sum, claimed)) == len(used) == 100


def test_keys_of_any_kind_and_size_take_the_same_room():
    used = UsedProofs()
    for key in ("x" * 1_000_000, ("a", None, 1), "\ud800", b"x", "", ("",), None, "'", ("'", '"')):
        assert used.claim(key, now=NOW, remember=60)
        assert used.seen(key, now=NOW)
    assert len(used) == 9


def test_keys_that_only_look_alike_are_different():
    used = UsedProofs()
    for key in ("1", 1, ("1",), "('1',)", ("1", ""), ("", "1"), ("1, 2",), ("1", "2")):
        assert used.claim(key, now=NOW, remember=60), key


def seconds_for_claims(used, turn):
    """What a thousand claims take, in seconds of this process."""
    start = time.process_time()
    for one in range(1000):
        used.claim((turn, one), now=NOW + one // 100, remember=60)
    return time.process_time() - start


def test_a_claim_stays_quick_while_a_hundred_thousand_are_alive():
    few, many = UsedProofs(), UsedProofs()
    for one in range(100_000):
        many.claim(one, now=NOW, remember=60)
    assert any(
        seconds_for_claims(many, turn) < 10 * seconds_for_claims(few, turn) for turn in range(5)
    )


def test_a_clock_set_back_frees_nothing_early():
    used = UsedProofs()
    assert used.claim("a", now=NOW, remember=60)
    assert not used.claim("a", now=NOW - 3600, remember=60)
    assert used.claim("b", now=NOW - 3600, remember=60)
    assert used.seen("a", now=NOW + 59)


@pytest.mark.parametrize("policy", [DUENDE, RFC_9449], ids=lambda policy: policy.name)
def test_of_sixteen_requests_with_one_proof_one_is_served(policy):
    world = World(policy, every_row=False)
    token = world.token()
    for _ in range(3):
        proof = world.api_proof(token)
        statuses = race(lambda _, proof=proof: world.call(token, proof).status)
        assert sorted(statuses) == [200] + [401] * (THREADS - 1)
        proof = world.token_proof()
        statuses = race(lambda _, proof=proof: world.token_request(proof).status)
        assert sorted(statuses) == [200] + [400] * (THREADS - 1)


@pytest.mark.parametrize("policy", [DUENDE, RFC_9449], ids=lambda policy: policy.name)
def test_the_report_has_a_lost_race_as_a_replay(policy):
    world = World(policy)
    token = world.token()
    proof = world.api_proof(token)
    race(lambda _: world.call(token, proof))
    reports = [seen.reports[-1] for seen in world.seen if len(seen.reports) == 2]
    assert sum(report.accepted for report in reports) == 1
    losers = [report.failure for report in reports if not report.accepted]
    assert {(one.check.name, one.defect) for one in losers} == {("unused", "replayed")}


# ---- nonces -----------------------------------------------------------------------------------


def test_a_nonce_tells_its_own_server_when_it_was_issued():
    nonces = Nonces()
    for now in (0, 1, NOW, NOW + 1, 2**33):
        assert nonces.issued_at(nonces.issue(now)) == now


def test_nonces_differ_each_time_and_are_in_the_alphabet_of_rfc_9449_8_1():
    nonces = Nonces()
    several = [nonces.issue(NOW) for _ in range(50)]
    assert len(set(several)) == 50
    allowed = set(string.ascii_letters + string.digits + "-_")
    assert all(set(nonce) <= allowed and len(nonce) >= 16 for nonce in several)


def test_a_nonce_shows_nobody_else_its_time():
    nonce = Nonces().issue(NOW)
    assert str(NOW) not in nonce


def test_a_nonce_of_another_server_is_none():
    assert Nonces().issued_at(Nonces().issue(NOW)) is None


def test_the_two_servers_of_a_twin_have_nonces_apart():
    twin = Twin(client_key=CLIENT_KEY, signing_key=SIGNING_KEY)
    token, api = twin.authorization_server.nonces, twin.resource_server.nonces
    assert token.issued_at(token.issue(NOW)) == api.issued_at(api.issue(NOW)) == NOW
    assert api.issued_at(token.issue(NOW)) is None
    assert token.issued_at(api.issue(NOW)) is None


def test_a_nonce_changed_in_any_place_is_none():
    nonces = Nonces()
    nonce = nonces.issue(NOW)
    for place in range(len(nonce) - 1):
        other = "A" if nonce[place] != "A" else "B"
        assert nonces.issued_at(nonce[:place] + other + nonce[place + 1 :]) is None
    for text in (nonce[:-1], nonce[1:], nonce * 2, nonce + nonce[-4:]):
        assert nonces.issued_at(text) is None


def test_a_nonce_has_one_spelling():
    nonces = Nonces()
    nonce = nonces.issue(NOW)
    last = nonce[:-1] + chr(ord(nonce[-1]) + 1)  # other spare bits, where there are any
    for text in (f"{nonce}=", f"{nonce}====", f"{nonce}!!!!", f" {nonce}", f"{nonce}\n", last):
        assert nonces.issued_at(text) is None
    loose = nonce[:9] + "\n\n\n\n" + nonce[9:]
    assert nonces.issued_at(loose) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "=", "====", "x", "\0", "é", "\ud800", "gAAAAA", "A" * 100_000, str(NOW), "a b"],
)
def test_garbage_is_no_nonce(text):
    assert Nonces().issued_at(text) is None


def test_random_text_is_no_nonce():
    nonces = Nonces()
    assert not [1 for _ in range(200) if nonces.issued_at(secrets.token_urlsafe(64)) is not None]


def test_sixteen_threads_may_issue_and_read_nonces():
    nonces = Nonces()
    issued = race(lambda number: [nonces.issue(NOW + number) for _ in range(20)])
    for number, several in enumerate(issued):
        assert {nonces.issued_at(one) for one in several} == {NOW + number}


# ---- the clock --------------------------------------------------------------------------------


def test_a_clock_is_real_time_until_it_is_moved():
    clock = Clock()
    before = time.time()
    assert before <= clock.time() <= time.time()
    assert clock.now() in (int(before), int(before) + 1)
    assert type(clock.now()) is int


def test_moving_a_clock_moves_it_for_good_and_no_other():
    clock, other = Clock(), Clock()
    clock.advance(3600)
    clock.advance(0.5)
    assert 3600 <= clock.time() - time.time() <= 3600.6
    clock.advance(-7200)
    assert -3600 <= clock.time() - time.time() <= -3599
    assert time.time() <= other.time() <= time.time()


def test_a_clock_goes_on():
    clock = Clock()
    clock.advance(-1_000_000)
    first = clock.time()
    time.sleep(0.02)
    assert clock.time() > first


def test_a_clock_says_how_far_it_is_off():
    clock = Clock()
    assert "+0 s" in repr(clock)
    clock.advance(90)
    assert "+90 s" in repr(clock)
    clock.advance(-180)
    assert "-90 s" in repr(clock)


def test_both_servers_and_the_date_header_go_by_the_clock_they_are_given():
    clock = Clock()
    twin = Twin(clock=clock, client_key=CLIENT_KEY, signing_key=SIGNING_KEY)
    assert twin.authorization_server.clock is twin.resource_server.clock is clock
    clock.advance(-clock.time() + 784_111_777.5)
    date = dict(twin(Request("GET", "/")).headers)["Date"]
    assert date == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_many_life_spans_cost_no_more_than_one_and_leave_nothing():
    used = UsedProofs()
    for number in range(20_000):
        assert used.claim(number, now=0, remember=1000 + number % 7000)
    assert used.claim("last", now=10_000, remember=1)
    assert len(used) == 1
    assert used.claim("later", now=10_001, remember=1)
    assert (len(used), len(used._ends)) == (1, 1)


@pytest.mark.parametrize(
    "seconds",
    [1e12, -1.9e9, float("nan"), float("inf"), "60", None, 10**400, -(10**5000)],
    ids=range(8),
)
def test_a_clock_is_not_moved_out_of_sight(seconds):
    clock = Clock()
    with pytest.raises(LabError):
        clock.advance(seconds)
    assert clock.ahead == 0
