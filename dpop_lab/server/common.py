"""What every server stands on: a clock, memory and nonces; parameters, and how it refuses."""

import base64
import heapq
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Hashable, Iterable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from cryptography.fernet import Fernet, InvalidToken

from dpop_lab.checking import Answer, Texts
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.encoding import base64url_decode, sha256
from dpop_lab.jose.jws import read_jws
from dpop_lab.show.values import shown
from dpop_lab.wire.message import Request
from dpop_lab.wire.syntax import DEFAULT_PORTS, normal_url

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
        except (InvalidToken, LabError):
            return None


Form = Mapping[str, tuple[str, ...]]
# client, way (basic, form, assertion), and a secret or assertion: a public client has neither
Credentials = tuple[str, str, str | None]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """Control flow inside a server: this request ends here, with this answer."""

    def __init__(self, answer: Answer, *headers: tuple[str, str]) -> None:
        super().__init__(answer.error)
        self.answer, self.headers = answer, headers


def bad_request(error: str = "invalid_request", description: str | None = None) -> Refused:
    """The refusal of a request with 400 and this error (RFC 6749 section 5.2)."""
    return Refused(Answer(400, error, description))


def said(status: int, error: str, texts: Texts, **errors: str) -> dict[str, Any]:
    """The answers of a profile: to failures by their texts, and to any other, with one error code.

    `errors` has other codes by row.
    """
    codes = {one: errors.get(one if isinstance(one, str) else one[0], error) for one in texts}
    answers = {one: Answer(status, codes[one], text) for one, text in texts.items()}
    return {"answers": answers, "otherwise": Answer(status, error)}


def basic_pair(credentials: str) -> tuple[str, str] | None:
    """Client id and secret out of a Basic Authorization value; None when there are none in it.

    Both were form-encoded before they were joined (RFC 6749 section 2.3.1). What is no UTF-8 in
    them is replaced, as percent-encoding that is none: they are there, and no client's.
    """
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def asserted(form: Form) -> tuple[str, str] | None:
    """The client that an assertion is about, and the assertion, None without one in strict form.

    RFC 7523 section 3 says what is in it.
    """
    assertion = form["client_assertion"][0]
    jws = read_jws(assertion)
    subject = jws.claims.get("sub")
    kind = str(jws.header.get("typ", "JWT")).lower()
    good = kind in ("jwt", "client-authentication+jwt")  # RFC 8725 section 3.11
    good = good and form.get("client_assertion_type") == (JWT_BEARER,) and not jws.deviations
    return (subject, assertion) if good and isinstance(subject, str) else None


def read_form(request: Request) -> list[tuple[str, str]]:
    """The parameters in a form body, in order, blank ones too.

    Raises `Refused` with `invalid_request` for a body of another type, or of too many parameters.
    """
    media_type = "".join(request.lines("Content-Type")[:1]).partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise bad_request()
    try:
        text = request.body.decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1024)
    except ValueError:
        raise bad_request() from None


def collected(pairs: Iterable[tuple[str, str]]) -> Form:
    """Parameters with all their values, in order."""
    form: dict[str, tuple[str, ...]] = {}
    for name, given in pairs:
        form[name] = (*form.get(name, ()), given)
    return form


def parameters(request: Request) -> list[tuple[str, str]]:
    """The parameters in the URL, then those in a form body, if there is one."""
    try:
        return [*request.query, *read_form(request)]
    except Refused:
        return [*request.query]


def value(form: Form, name: str) -> str:
    """A parameter's text, empty when it is absent; several are joined by a comma."""
    return ",".join(form.get(name, ()))


def is_uri(text: str) -> bool:
    """Is it an absolute URI without a fragment (RFC 8707 section 2)?"""
    scheme = text.partition(":")[0].lower()
    if not re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme) or ":" not in text or "#" in text:
        return False
    return scheme not in DEFAULT_PORTS or normal_url(text) is not None
