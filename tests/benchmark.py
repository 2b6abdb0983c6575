"""How much the lab adds to bare cryptography, as ratios measured in turn.

    python -m tests.benchmark

Each line is the median of many rounds in which the lab and its limit take turns. The limit is the
signing or verifying of the same octets with a key that is ready; the peer is the same work done by
hand (`tests/by_hand.py`). Ratios hold on a noisy machine, microseconds do not.
"""

import secrets
import statistics
import time
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dpop_lab import (
    DUENDE,
    RFC_9449,
    check_proof,
    diagnose,
    generate_key,
    make_proof,
    thumbprint,
)
from dpop_lab.server.common import UsedProofs
from tests import by_hand
from tests.test_doctor import pastes

URL = "https://demo.duendesoftware.com/api/dpop/test"
TOKEN = "t" * 900
ROUNDS, CALLS = 40, 50


def in_turn(*functions):
    """Median seconds of one call of each function, measured A B A B."""
    times = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            for _ in range(CALLS):
                function()
            taken.append((time.perf_counter() - start) / CALLS)
    return [statistics.median(taken) for taken in times]


def line(name, ours, limit):
    print(f"{name:<44}{ours / limit:6.2f} x   ({ours * 1e6:.1f} us of {limit * 1e6:.1f} us)")


KEY = generate_key("ES256")
BARE, ECDSA = load_pem_private_key(KEY.to_pem().encode(), None), ec.ECDSA(hashes.SHA256())
HEADER, JKT = by_hand.header_of(BARE), thumbprint(KEY.public_jwk())
NOW = int(time.time())


def claims():
    """The claims of an honest proof, but for the access token's hash."""
    jti = secrets.token_urlsafe(16)
    return {"jti": jti, "htm": "GET", "htu": URL, "iat": NOW, "access_token": TOKEN}


def made():
    """A proof, by the package."""
    return make_proof(KEY, **claims())


def made_by_hand():
    """A proof, by hand."""
    return by_hand.make(BARE, HEADER, **claims())


PROOF = made()


def checked(policy):
    """The proof held to every row of a policy."""
    return check_proof(
        PROOF,
        profile=policy.api,
        method="GET",
        url=URL,
        now=NOW,
        access_token=TOKEN,
        cnf={"jkt": JKT},
    )


def checked_by_hand():
    """The proof held to all of that by hand."""
    return by_hand.verify(
        PROOF, method="GET", url=URL, now=NOW, access_token=TOKEN, jkt=JKT, used=()
    )


def by_hand_ratios():
    """A proof made, and every row of the strict policy asked of it, each to the same by hand."""
    pairs = ((made, made_by_hand), (lambda: checked(RFC_9449), checked_by_hand))
    for ours, by_hand_too in pairs:
        one, other = in_turn(ours, by_hand_too)
        yield one / other


def main():
    octets, now, public = b"o" * 500, NOW, BARE.public_key()
    signature = BARE.sign(octets, ECDSA)
    assert checked_by_hand()
    line("make a proof / sign alone", *in_turn(made, lambda: BARE.sign(octets, ECDSA)))
    line("make a proof / by hand", *in_turn(made, made_by_hand))
    for policy in (DUENDE, RFC_9449):
        assert checked(policy)
        held = partial(checked, policy)
        measured = in_turn(held, lambda: public.verify(signature, octets, ECDSA))
        line(f"ask every row, {policy.name} / verify alone", *measured)
        line(f"ask every row, {policy.name} / by hand", *in_turn(held, checked_by_hand))
    small, large = (UsedProofs() for _ in range(2))
    for number in range(100_000):
        large.claim(number, now=now, remember=60)
    small_time, large_time = in_turn(
        lambda: small.claim(secrets.token_bytes(8), now=now, remember=60),
        lambda: large.claim(secrets.token_bytes(8), now=now, remember=60),
    )
    line("claim a proof with 100,000 kept / few kept", large_time, small_time)
    for name, paste in pastes(10_000_000).items():
        start = time.process_time()
        diagnose(paste).text()
        line(f"diagnose 10 MB of {name} / a second", time.process_time() - start, 1)


if __name__ == "__main__":
    main()
