"""How much the lab adds to bare cryptography, as ratios measured in turn.

    python -m tests.benchmark

Each line is the median of many rounds in which the lab and its limit take turns. The limit is the
signing or verifying of the same octets with a key that is ready; the peer is the same work done by
hand (`tests/by_hand.py`). Ratios hold on a noisy machine, microseconds do not.
"""

import secrets
import statistics
import time

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
from dpop_lab.server.state import UsedProofs
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


def main():
    key = generate_key("ES256")
    bare, ecdsa = load_pem_private_key(key.to_pem().encode(), None), ec.ECDSA(hashes.SHA256())
    public, octets = bare.public_key(), b"o" * 500
    signature = bare.sign(octets, ecdsa)
    now = int(time.time())

    def proof():
        return make_proof(
            key, jti=secrets.token_urlsafe(16), htm="GET", htu=URL, iat=now, access_token=TOKEN
        )

    header, jkt = by_hand.header_of(bare), thumbprint(key.public_jwk())

    def proof_by_hand():
        return by_hand.make(
            bare,
            header,
            jti=secrets.token_urlsafe(16),
            htm="GET",
            htu=URL,
            iat=now,
            access_token=TOKEN,
        )

    def verified_by_hand():
        return by_hand.verify(
            text, method="GET", url=URL, now=now, access_token=TOKEN, jkt=jkt, used=()
        )

    text, cnf = proof(), {"jkt": jkt}
    assert verified_by_hand()
    line("make a proof / sign alone", *in_turn(proof, lambda: bare.sign(octets, ecdsa)))
    line("make a proof / by hand", *in_turn(proof, proof_by_hand))
    for policy in (DUENDE, RFC_9449):

        def checked(profile=policy.api):
            return check_proof(
                text, profile=profile, method="GET", url=URL, now=now, access_token=TOKEN, cnf=cnf
            )

        assert checked()
        measured = in_turn(checked, lambda: public.verify(signature, octets, ecdsa))
        line(f"ask every row, {policy.name} / verify alone", *measured)
        line(f"ask every row, {policy.name} / by hand", *in_turn(checked, verified_by_hand))
    small, large = (UsedProofs() for _ in range(2))
    for number in range(100_000):
        large.claim(number, now=now, remember=60)
    small_time, large_time = in_turn(
        lambda: small.claim(secrets.token_bytes(8), now=now, remember=60),
        lambda: large.claim(secrets.token_bytes(8), now=now, remember=60),
    )
    line("claim a proof with 100,000 kept / few kept", large_time, small_time)
    for name, paste in pastes(10_000_000).items():
        start = time.perf_counter()
        diagnose(paste).text()
        line(f"diagnose 10 MB of {name} / a second", time.perf_counter() - start, 1)


if __name__ == "__main__":
    main()
