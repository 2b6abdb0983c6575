"""What is known of one request and its answer, from whatever it was pasted in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlsplit

from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.proof.proof import read_proof
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.wire.challenge import Challenge
from dpop_lab.wire.message import Headers

HIDDEN = re.compile(
    r"\*+|█+|x{3,}|<[^<>]*>|\[?(?:redacted|removed|hidden|masked)\]?|.*(?:…|\.\.\.).*"
    r"|\$\{?\w+\}?|\$\(.*\)|\{\{.*\}\}|%\w+%|your[_ -][\w -]+",
    re.I | re.S,
)
TOKEN_ENDPOINT, API = "token endpoint", "API"
PROVEN_THERE = ("/token", "/par")  # endpoints of authorization servers that take proofs
REVISION = re.compile("[0-9a-f]{8}|twin")


@dataclass(frozen=True, kw_only=True, repr=False)  # no slots: what is read once is kept
class Call:
    """One request and its answer as far as they are known; empty, None or `()`: not known.

    `whole` says that all header lines of the request are known, so that what is not among them was
    not sent. `proofs` are the DPoP header values, `scheme` and `token` what stood in
    `authorization`, `other` a JWT for something else, `hidden` the names of those that were
    redacted. `url_guessed`: a raw request names no scheme, so that of the proof was taken. Times
    are seconds since 1970: `sent_at` by the clock of the client or of whoever recorded, `date` the
    server's. `nonces` are known to be the server's.
    """

    name: str = ""
    method: str = ""
    url: str = ""
    url_guessed: bool = False
    whole: bool = False
    headers: Headers = field(default=(), repr=False)
    proofs: tuple[str, ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)
    scheme: str = ""
    token: str = field(default="", repr=False)
    other: str = field(default="", repr=False)
    hidden: tuple[str, ...] = ()
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    doubled: tuple[str, ...] = ()
    sent_at: float | None = None
    date: float | None = None
    status: int | None = None
    answer_headers: Headers = ()
    challenges: tuple[Challenge, ...] | None = None
    error: str = ""
    description: str = ""
    nonce: str = ""
    nonces: tuple[str, ...] = ()
    issued: str = field(default="", repr=False)
    token_type: str = ""
    body: str = field(default="", repr=False)
    failure: str = ""

    @cached_property
    def proof(self) -> Jws:
        """The first proof, taken apart."""
        return read_proof(self.proofs[0] if self.proofs else "")

    @cached_property
    def access_token(self) -> Jws:
        """The access token, taken apart."""
        return read_jws(self.token)

    @cached_property
    def place(self) -> str:
        """`token endpoint`, `API`, or empty where nothing tells."""
        if self.form.get("grant_type") or self.issued or _path(self.url).endswith("/token"):
            return TOKEN_ENDPOINT
        if self.token or "access_token" in self.hidden or self.scheme.lower() in ("dpop", "bearer"):
            return API
        if self.challenges or "ath" in self.proof.claims:
            return API
        if self.is_proof:
            named = _path(str(self.proof.claims.get("htu", "")))
            proven = named.endswith(PROVEN_THERE) or _path(self.url).endswith(PROVEN_THERE)
            return TOKEN_ENDPOINT if proven else API
        return API if self.status == 401 and not self.form else ""

    @property
    def is_proof(self) -> bool:
        """Is there a proof to look at?"""
        return bool(self.proofs)

    @property
    def refused(self) -> bool:
        """Did the server say no?"""
        return (
            bool(self.error or self.description) or (self.status or 0) >= 400 or self.bare_challenge
        )

    @property
    def bare_challenge(self) -> bool:
        """Is there a DPoP challenge without an error code, and no other?"""
        found = [one for one in self.challenges or () if one.scheme == "dpop"]
        return bool(found) and all(one.error is None for one in found)

    @property
    def clock(self) -> tuple[float, str] | None:
        """The time that decides and whose it is: the server's where known, else the client's."""
        if self.date is not None:
            return self.date, "the server's Date"
        return None if self.sent_at is None else (self.sent_at, "the time it was sent")

    @property
    def is_demo(self) -> bool:
        """Is it about demo.duendesoftware.com, or a server that says it is of its kind?"""
        host = urlsplit(BASE_URL).netloc
        named = [self.url, *(str(one) for one in self._named())]
        if any(host_of(one) == host for one in named):
            return True
        server = header_value(self.answer_headers, "Server").lower()
        revision = header_value(self.answer_headers, "X-REVISION")
        known = server in ("", "kestrel", "dpop_lab twin") and REVISION.fullmatch(revision)
        return server == "dpop_lab twin" or bool(known)

    def _named(self) -> tuple[object, ...]:
        claims, told = self.proof.claims, self.access_token.claims
        return claims.get("htu", ""), told.get("iss", "")

    def with_token(self, token: str) -> "Call":
        """The same with the access token that was hidden, or not told."""
        hidden = tuple(name for name in self.hidden if name != "access_token")
        return replace(self, token=token, scheme=self.scheme or "DPoP", hidden=hidden)


def _path(url: str) -> str:
    """The path in a URL, in small letters and without a slash at its end; empty for none."""
    try:
        return urlsplit(url).path.rstrip("/").lower()
    except ValueError:
        return ""


def host_of(url: str) -> str:
    """The host and port in a URL, in small letters; empty for what is none. Never raises."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def header_value(headers: Headers, name: str) -> str:
    """The value of the first header line with this name, in any letter case; else empty."""
    return next((value for key, value in headers if key.lower() == name.lower()), "")


def is_hidden(value: str) -> bool:
    """Is this what a redactor leaves in the place of a value?"""
    return bool(HIDDEN.fullmatch(value.strip()))
