"""What one exchange carries: place, client, token, proof, nonces, error, challenge."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from dpop_lab.checking import Finding, Report
from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.proof import read_proof
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.message import Exchange, Headers, lines
from dpop_lab.wire.syntax import NONCE_WANTED, Challenge

TOKEN_ENDPOINT, API = "token endpoint", "API"
TOKEN_SCHEMES = ("dpop", "bearer")
PROVEN_THERE = ("/token", "/par")  # endpoints of authorization servers that take proofs
REVISION = re.compile("[0-9a-f]{8}|twin")
ACCEPTED, NO_ROW = "accepted", "no row"
LINES = 100  # header lines that are looked at
NOTHING = Exchange("", "", (), "", math.nan, math.nan)


@dataclass(frozen=True, kw_only=True, repr=False)  # no slots: what is read once is kept
class Call:
    """One request and its answer as far as they are known; empty, None or `()`: not known.

    `read_call` makes it of an exchange; what was pasted may be less than one. Nothing in it is
    believed, and none of its texts is redacted but those of a `Redacted`.
    """

    exchange: Exchange = NOTHING
    name: str = ""  #: of the exchange among others: `exchange 3 of 7`
    rules: str = ""  #: whose rules the server kept to, in words
    method: str = ""
    url: str = ""
    url_guessed: bool = False  #: a raw request names no scheme, so that of the proof was taken
    whole: bool = False  #: are all header lines of the request known?
    proofs: tuple[str, ...] = ()  #: the DPoP header values
    authorization: str = ""
    scheme: str = ""
    token: str = ""
    hidden: tuple[str, ...] = ()  #: `proof`, `access_token`: what was redacted
    form: Mapping[str, str] = field(default_factory=dict)
    doubled: tuple[str, ...] = ()  #: parameters that stand in the form more than once
    sent_at: float | None = None  #: by the clock of the client, or of whoever recorded it
    date: float | None = None  #: the server's time, in seconds since 1970
    status: int | None = None
    challenges: tuple[Challenge, ...] | None = None
    error: str = ""  #: OAuth's code (RFC 6749 section 5.2, RFC 6750 section 3)
    description: str = ""
    nonce: str = ""  #: what this answer gave as DPoP-Nonce
    nonces: tuple[str, ...] = ()  #: known to be the server's before this request
    issued: str = ""  #: the access token in the answer
    token_type: str = ""

    @property
    def reports(self) -> tuple[Report, ...]:
        """Those of the server, or else of whoever asked the rows in its place."""
        return self.exchange.reports

    @property
    def headers(self) -> Headers:
        """The header lines of the request, as many as are looked at."""
        return self.exchange.request_headers[:LINES]

    @cached_property
    def proof(self) -> Jws:
        """The first proof, taken apart."""
        return read_proof(self.proofs[0] if self.proofs else "")

    @cached_property
    def access_token(self) -> Jws:
        """The access token, taken apart."""
        return read_jws(self.token)

    # ---- where it went to

    @cached_property
    def place(self) -> str:
        """`token endpoint`, `API`, or empty where nothing tells."""
        asked, named = _path(self.url), _path(str(self.proof.claims.get("htu", "")))
        if self.form.get("grant_type") or self.issued or asked.endswith("/token"):
            return TOKEN_ENDPOINT
        if self.token or "access_token" in self.hidden or self.scheme.lower() in TOKEN_SCHEMES:
            return API
        if self.challenges or "ath" in self.proof.claims:
            return API
        if self.is_proof:
            proven = asked.endswith(PROVEN_THERE) or named.endswith(PROVEN_THERE)
            return TOKEN_ENDPOINT if proven else API
        return API if self.status == 401 and not self.form else ""

    @property
    def token_request(self) -> bool:
        """Does it ask for an access token?"""
        return self.method == "POST" and "grant_type" in self.form

    @property
    def is_demo(self) -> bool:
        """Is it about demo.duendesoftware.com, or a server that says it is of its kind?"""
        host, claims, told = host_of(BASE_URL), self.proof.claims, self.access_token.claims
        if host in map(host_of, (self.url, str(claims.get("htu", "")), str(told.get("iss", "")))):
            return True
        server = header_value(self.exchange.response_headers, "Server").lower()
        revision = header_value(self.exchange.response_headers, "X-REVISION")
        known = server in ("", "kestrel") and REVISION.fullmatch(revision)
        return server == "dpop_lab twin" or bool(known)

    # ---- what it carried

    @property
    def is_proof(self) -> bool:
        """Is there a proof to look at?"""
        return bool(self.proofs)

    # ---- what was answered

    @property
    def accepted(self) -> bool:
        """Was there an answer that is no refusal?"""
        return self.status is not None and self.status < 400

    @property
    def refused(self) -> bool:
        """Did the server say no?"""
        said = bool(self.error or self.description)
        return said or (self.status or 0) >= 400 or self.bare_challenge

    @property
    def bare_challenge(self) -> bool:
        """Is there a DPoP challenge without an error code, and no other?"""
        found = [one for one in self.challenges or () if one.scheme == "dpop"]
        return bool(found) and all(one.error is None for one in found)

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate value as it came; several lines are joined."""
        return ", ".join(lines(self.exchange.response_headers, "WWW-Authenticate"))

    @property
    def wants_nonce(self) -> bool:
        """Does the server ask for a nonce of its own?"""
        return self.error.lower() == NONCE_WANTED

    @property
    def said(self) -> str:
        """Status and error, as far as there are any: `400 invalid_dpop_proof`."""
        return " ".join(filter(None, (str(self.status or ""), self.error)))

    @property
    def answer(self) -> str:
        """Status, error and description in a line, or why there is no answer."""
        if self.status is None:
            return cut(f"no answer: {self.exchange.failure}", 120)
        said = f"{self.status} {cut(self.error or self.exchange.reason, 40)}".rstrip()
        said += f" “{cut(self.description, 120)}”" if self.description else ""
        return said + ", DPoP-Nonce given" * bool(self.nonce)

    @property
    def clock(self) -> tuple[float, str] | None:
        """The time that decides and whose it is: the server's where known, else the client's."""
        if self.date is not None:
            return self.date, "the server's Date"
        return None if self.sent_at is None else (self.sent_at, "the time it was sent")

    # ---- what the rows know of it

    @property
    def findings(self) -> dict[str, Finding]:
        """All findings of all reports, by the names of their rows."""
        return {one.check.name: one for report in self.reports for one in report.findings}

    @property
    def finding(self) -> Finding | None:
        """The finding that decided, None when no row said no."""
        return next((report.failure for report in self.reports if report.failure), None)

    @property
    def caught(self) -> str:
        """The row that said no, `accepted`, or `no row` when something else was refused."""
        if self.accepted:
            return ACCEPTED
        return self.finding.check.name if self.finding else NO_ROW

    @property
    def reason(self) -> str:
        """What the rows know of it: the one that said no, with what it wanted and found."""
        if self.accepted:
            return "every row passed" if self.reports else "no row was asked"
        if self.finding is None:
            return "no row: something else in the request is refused"
        wanted, found = shown(self.finding.wanted, 80), shown(self.finding.found, 80)
        return f"{self.finding.check.name}: wanted {wanted}, found {found}"


def _parts(url: str) -> SplitResult:
    """A URL taken apart; of what is none, empty parts. Never raises."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _path(url: str) -> str:
    """The path in a URL, in small letters and without a slash at its end."""
    return _parts(url).path.rstrip("/").lower()


def host_of(url: str) -> str:
    """The host and port in a URL, in small letters; empty for what is none. Never raises."""
    return _parts(url).netloc.rpartition("@")[2].lower()


def header_value(headers: Headers, name: str) -> str:
    """The value of the first header line with this name, in any letter case; else empty."""
    return next(iter(lines(headers, name)), "")
