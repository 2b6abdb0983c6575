"""Everything a server remembers: the time, the proofs it has accepted, the nonces it gave out."""

import heapq
import time
from base64 import urlsafe_b64encode
from collections.abc import Hashable
from threading import Lock

from cryptography.fernet import Fernet, InvalidToken

from dpop_lab.errors import EncodingError, LabError, expect
from dpop_lab.jose.encoding import base64url_decode, sha256
from dpop_lab.show.values import shown

FARTHEST = 1_500_000_000  # seconds that a clock may be from real time: some forty-seven years


class Clock:
    """Real time, plus an offset that only `advance` moves."""

    def __init__(self) -> None:
        self._offset = 0.0

    def time(self) -> float:
        """Seconds since 1970, with fractions."""
        return time.time() + self._offset

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self.time())

    def advance(self, seconds: float) -> None:
        """Move this clock ahead (or back, with a negative number) for good.

        Raises `LabError` where it would be more than `FARTHEST` seconds from real time.
        """
        expect(seconds, (int, float), "advance", "Seconds.")
        near = abs(seconds) <= 2 * FARTHEST  # an int may be too large to be added
        if not near or not abs(self._offset + seconds) <= FARTHEST:
            wanted, found = f"at most {FARTHEST} s from real time", f"{shown(seconds, 40)} s"
            raise LabError("The clock can't be moved so far", wanted=wanted, found=found)
        self._offset += seconds

    @property
    def ahead(self) -> float:
        """How many seconds it is ahead of real time."""
        return self._offset

    def __repr__(self) -> str:
        return f"<Clock, {self._offset:+g} s from real time>"


class UsedProofs:
    """The proofs that were accepted, each until its time is over; safe to use from many threads.

    Memory is bounded: of each key a hash is kept, and when `limit` of them are alive a new one
    can't be claimed, since forgetting an old one would let it be replayed.
    """

    def __init__(self, *, limit: int = 1_000_000) -> None:
        self._limit = limit
        self._expiry: dict[bytes, int] = {}
        self._ends: list[tuple[int, bytes]] = []  # that, as a heap
        self._lock = Lock()

    def seen(self, key: Hashable, *, now: int) -> bool:
        """Is this key claimed, and its time not over?"""
        return self._expiry.get(_digest(key), now) > now

    def claim(self, key: Hashable, *, now: int, remember: int) -> bool:
        """Take the key for `remember` seconds; False when it is taken already. Atomic."""
        digest, end = _digest(key), now + remember
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                del self._expiry[heapq.heappop(self._ends)[1]]
            if digest in self._expiry or len(self._expiry) >= self._limit:
                return False
            self._expiry[digest] = end
            heapq.heappush(self._ends, (end, digest))
            return True

    def __len__(self) -> int:
        return len(self._expiry)


def _digest(key: Hashable) -> bytes:
    return sha256(repr(key).encode("utf-8", "backslashreplace"))


class Nonces:
    """Nonces that are computed, not stored: the time, sealed with a key of the server's own."""

    def __init__(self) -> None:
        self._fernet = Fernet(Fernet.generate_key())

    def issue(self, now: int) -> str:
        """A new opaque nonce (RFC 9449 section 8)."""
        return self._fernet.encrypt_at_time(b"", now).decode("ascii").rstrip("=")

    def issued_at(self, nonce: str) -> int | None:
        """When this server issued the nonce, in seconds since 1970; None when it did not."""
        try:
            octets = base64url_decode(nonce)  # strictly: Fernet passes over foreign characters
            return self._fernet.extract_timestamp(urlsafe_b64encode(octets))
        except (InvalidToken, EncodingError):
            return None
