"""What one exchange carries, read into one value: place, client, token, proof, nonces, error."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from dpop_lab.checking import Finding, Report
from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.proof import access_token_hash, read_proof
from dpop_lab.server.common import basic_pair
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.answer import TOKEN_SCHEMES, answer_of, json_value, members_in
from dpop_lab.show.values import cut, http_time, shown
from dpop_lab.wire.message import Exchange, Headers, Redacted, first, lines
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import NONCE_WANTED, Challenge, read_challenges, signs_in

TOKEN_ENDPOINT, API = "token endpoint", "API"
UNAUTHENTICATED = "no client authentication"
OF_TOKENS = re.compile(r"/(?:access_?)?token(?:\.\w{1,9})?/?$", re.I)  # ends of token endpoints
PROVEN_THERE = re.compile(rf"{OF_TOKENS.pattern}|/par(?:\.\w{{1,9}})?$", re.I)  # take proofs, too
OF_PERSONS = ("authorization_code", "refresh_token")  # grants
FOR_PERSONS = re.compile(  # the ends of paths of endpoints that have to do with people
    r"/(?:authorize(?:/callback)?|login|par|userinfo|introspect(?:ion)?|revo(?:ke|cation))/*"
    r"(?:[?#]|$)",
    re.I,
)
ERROR_SENT = re.compile(r"""(?:^|[?&#])error=[a-z]+_|<input[^<>]*\sname=["']error["']""", re.M)
REVISION = re.compile("[0-9a-f]{8}|twin")
ACCEPTED, NO_ROW = "accepted", "no row"
LONGEST = 16_000  # characters of a URL or a challenge
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
    #: members of a decoded JWT that nobody pasted, as `proof.iat`, `token.cnf`, `proof.signature`
    unseen: tuple[str, ...] = ()
    sent_at: float | None = None  #: by the clock of the client, or of whoever recorded it
    date: float | None = None  #: the server's time, in seconds since 1970
    status: int | None = None
    challenges: tuple[Challenge, ...] | None = None
    error: str = ""  #: OAuth's code (RFC 6749 section 5.2, RFC 6750 section 3)
    description: str = ""
    around: str = ""  #: the prose or log lines that the server's words stood in
    nonce: str = ""  #: what this answer gave as DPoP-Nonce
    nonces: tuple[str, ...] = ()  #: known to be the server's before this request
    issued: str = ""  #: the access token in the answer
    token_type: str = ""
    stopped_by: str = ""  #: what said no where no row did, such as `PKCE`, if anybody knows

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

    @cached_property
    def members(self) -> Mapping[str, Any]:
        """Those of the JSON object in the answer."""
        return members_in(self.exchange.response_body)

    # ---- where it went to

    @cached_property
    def place(self) -> str:
        """`token endpoint`, `API`, or empty where nothing tells."""
        asked, named = _path(self.url), _path(str(self.proof.claims.get("htu", "")))
        if self.form.get("grant_type") or self.issued or OF_TOKENS.search(asked):
            return TOKEN_ENDPOINT
        if self.form.keys() & {"client_id", "refresh_token"} and not self.token:
            return TOKEN_ENDPOINT  # or one beside it: of a logout, a revocation
        if self.token or "access_token" in self.hidden or self.scheme.lower() in TOKEN_SCHEMES:
            return API
        if self.challenges or "ath" in self.proof.claims:
            return API
        if self.is_proof:
            proven = PROVEN_THERE.search(asked) or PROVEN_THERE.search(named)
            return TOKEN_ENDPOINT if proven else API
        return API if self.status == 401 and not self.form else ""

    @cached_property
    def personal(self) -> str:
        """Where people are concerned, which place it is, such as `PAR endpoint`; else empty."""
        named = self.form.keys() & {"response_type", "code", "error"}
        if not (named or for_persons(self.url)):
            return ""
        from dpop_lab.session.sign_in.places import place_of  # loaded when used

        return place_of(_path(self.url), self.url, self.form)

    @property
    def of_a_person(self) -> bool:
        """Has it to do with a sign-in, by its place, or by what is redeemed?"""
        return bool(self.personal) or self.form.get("grant_type") in OF_PERSONS

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
        server = first(self.exchange.response_headers, "Server").lower()
        revision = first(self.exchange.response_headers, "X-REVISION")
        known = server in ("", "kestrel") and REVISION.fullmatch(revision)
        return server == "dpop_lab twin" or bool(known)

    @property
    def preflight(self) -> bool:
        """Is it a browser's question before a request, which carries no credentials (CORS)?"""
        return self.method == "OPTIONS" and not (self.proofs or self.authorization)

    # ---- what it carried

    @property
    def is_proof(self) -> bool:
        """Is there a proof to look at?"""
        return bool(self.proofs)

    @property
    def authentication(self) -> str:
        """How the client of a token request says who it is, by RFC 8414's names."""
        if self.scheme.lower() == "basic":
            return "client_secret_basic"
        if "client_assertion" in self.form:
            return "client assertion"  # by key or by secret: redacted, both look alike
        return "client_secret_post" if "client_secret" in self.form else UNAUTHENTICATED

    # ---- what was answered

    @property
    def accepted(self) -> bool:
        """Was there an answer that is no refusal? A redirect may take one to the client."""
        return self.status is not None and self.status < (300 if self.error else 400)

    @property
    def succeeded(self) -> bool:
        """Did the server do what was asked?"""
        return not self.refused and 200 <= (self.status or 0) < 300

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
        """Does the server ask for a nonce of its own, be it under another code?"""
        other = self.nonce and self.error == "invalid_dpop_proof"
        words = self.description.lower() if other else ""
        return self.error.lower() == NONCE_WANTED or "nonce" in words

    @property
    def gives_no_nonce(self) -> bool:
        """Is a nonce asked for in an answer whose header lines are known, and have none?"""
        return self.wants_nonce and bool(self.exchange.response_headers) and not self.nonce

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
        """The row that said no, `accepted`, or what else said no, `no row` where nobody knows."""
        if self.accepted:
            return ACCEPTED
        return self.finding.check.name if self.finding else self.stopped_by or NO_ROW

    @property
    def reason(self) -> str:
        """What the rows know of it: the one that said no, with what it wanted and found."""
        if self.accepted:
            return "every row passed" if self.reports else "no row was asked"
        if self.finding is None:
            return f"no row: {self.stopped_by or 'something else in the request is refused'}"
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


C = TypeVar("C", bound=Call)


def read_call(exchange: Exchange, **known: Any) -> Call:
    """What an exchange carries. An empty method means that the request is not known."""
    return read_as(Call, exchange, **known)


def read_as(kind: type[C], exchange: Exchange, **known: Any) -> C:
    """What an exchange carries, in a call of this kind, with what is known of it besides."""
    sent, received = exchange.request_headers[:LINES], exchange.response_headers[:LINES]
    proofs = exchange.proofs if isinstance(exchange, Redacted) else lines(sent, "DPoP")
    proofs = tuple(value.strip() for value in proofs)
    authorization = first(sent, "Authorization").strip()
    scheme, token = ("", authorization) if is_hidden(authorization) else _split(authorization)
    hidden = {"proof": any(map(is_hidden, proofs)), "access_token": is_hidden(token)}
    echoed = _echoed(exchange.response_body)
    if hidden["proof"] and echoed and not is_hidden(echoed):
        proofs, hidden["proof"] = (echoed,), False
    proofs = tuple(one for one in proofs if not is_hidden(one))
    challenged = lines(received, "WWW-Authenticate")
    challenges = read_challenges(", ".join(challenged)[:LONGEST]) if challenged else None
    url, guessed = _url(exchange, proofs)
    form = _form(exchange, authorization)
    return kind(
        exchange=exchange,
        method=exchange.method[:40],
        url=without_user(url)[:LONGEST],
        url_guessed=guessed,
        whole=bool(exchange.method),
        proofs=proofs,
        authorization="" if hidden["access_token"] else authorization,
        scheme=scheme,
        token="" if hidden["access_token"] else token,
        hidden=tuple(name for name, is_so in hidden.items() if is_so),
        form=dict(reversed(form)),
        doubled=_doubled(form),
        sent_at=None if math.isnan(exchange.sent_at) else exchange.sent_at,
        date=_date(received),
        status=exchange.status,
        challenges=challenges,
        nonce=first(received, "DPoP-Nonce"),
        **_told(exchange, challenges or ()),
        **known,
    )


def _told(exchange: Exchange, challenges: tuple[Challenge, ...]) -> dict[str, Any]:
    """The fields that an answer tells; where people sign in, a redirect or a page may tell them."""
    status = exchange.status or 0
    told: dict[str, Any] = {}
    if exchange.response_body or challenges:
        told = answer_of(json_value(exchange.response_body), challenges, exchange.status)
    in_browser = status >= 300 and not told.get("error") and for_persons(exchange.url)
    if in_browser or brings_error(exchange):
        from dpop_lab.session.sign_in.places import refusal  # loaded when used

        told |= refusal(exchange)
    return told


def for_persons(url: str) -> bool:
    """Is it one of the places where people are concerned, or used for signing in?"""
    return FOR_PERSONS.search(url) is not None or ("=" in url and signs_in(url))


def brings_error(exchange: Exchange) -> bool:
    """Does it take an authorization server's error to the client, in a URL or a form?"""
    sent_to = first(exchange.response_headers, "Location")
    texts = (
        exchange.url,
        sent_to,
        exchange.request_body[:LONGEST],
        exchange.response_body[:LONGEST],
    )
    return ERROR_SENT.search("\n".join(texts)) is not None


def _doubled(form: list[tuple[str, str]]) -> tuple[str, ...]:
    counts = Counter(name for name, _ in form)
    several = ("resource", "audience")  # RFC 8707, RFC 8693
    return tuple(name for name, count in counts.items() if count > 1 and name not in several)


def _date(headers: Headers) -> float | None:
    """The server's time when it answered; what a cache has kept for a while says how long."""
    made, age = http_time(first(headers, "Date")), first(headers, "Age").strip()
    return made + int(age) if made is not None and re.fullmatch(r"\d{1,9}", age) else made


def without_user(url: str) -> str:
    """A URL without the user and password before its host."""
    return re.sub(r"(?<=//)[^/?#@]*@", "", url, count=1)


def _echoed(body: str) -> str:
    """The proof that the demo's API repeats in its answer."""
    pairs = json_value(body) if "proof_token" in body else None
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, dict) and pair.get("type") == "proof_token":
            return str(pair.get("value", ""))
    return ""


def _split(authorization: str) -> tuple[str, str]:
    """The scheme, and the token behind one that takes tokens; what stands alone may be one, too."""
    scheme, gap, token = authorization.partition(" ")
    known = scheme.lower() in TOKEN_SCHEMES
    return (scheme, token.strip() if known else "") if gap or known else ("", authorization)


def _url(exchange: Exchange, proofs: tuple[str, ...]) -> tuple[str, bool]:
    """The URL; where a raw request left its scheme open, that of the proof or the likely one."""
    url = exchange.url
    if not url.startswith("//"):
        return url, False
    host = host_of("http:" + url)
    local = host.partition(":")[0] in ("localhost", "127.0.0.1") or host.startswith("[")
    scheme = "http" if local or host.endswith(":80") else "https"
    named = str(read_proof("".join(proofs[:1])).claims.get("htu", ""))
    told = named.partition("://")[0].lower()
    if host_of(named) == host != host_of(BASE_URL) and told in ("http", "https"):
        scheme = told
    seen = first(exchange.request_headers, "X-Forwarded-Proto").lower()
    scheme = seen if seen in ("http", "https") else scheme
    return f"{scheme}:{url}", True


def _form(exchange: Exchange, authorization: str) -> list[tuple[str, str]]:
    """The parameters of a token request; with a client's name and secret sent as HTTP Basic."""
    body, form = exchange.request_body, list[tuple[str, str]]()
    if "=" in body[:4000] and not body.lstrip().startswith(("{", "[", "<", "--")):
        form = parse_qsl(body[:100_000], keep_blank_values=True)
    if pair := basic_pair(authorization):
        named = "client_id" in dict(form)
        form += [("client_id", pair[0])] * (not named) + [("Basic", "yes")]
    return form


def linked(calls: list[Call]) -> list[Call]:
    """The calls of one session, each with what the others know of it.

    A hidden token is the one issued before that its proof names in `ath`; nonces are those given
    out before, at the same place.
    """
    tokens: list[str] = []
    nonces: dict[str, list[str]] = {}
    done = []
    for call in calls:
        at = f"{call.place} {host_of(call.url)}"
        known = nonces.setdefault(at, [])
        proven = call.is_proof or "access_token" in call.hidden
        if call.token:
            tokens.append(call.token)
        elif call.place == API and proven and (token := _named_token(call, tokens)):
            hidden = tuple(name for name in call.hidden if name != "access_token")
            call = replace(call, token=token, scheme=call.scheme or "DPoP", hidden=hidden)
        done.append(replace(call, nonces=(*call.nonces, *known)))
        if call.nonce and not is_hidden(call.nonce):
            known.append(call.nonce)
        if call.issued:
            tokens.append(call.issued)
    return done


def _named_token(call: Call, tokens: list[str]) -> str:
    """The token that the proof's ath is the hash of; without such a claim the only one known."""
    ath = call.proof.claims.get("ath")
    if ath is None:
        return tokens[-1] if len(set(tokens)) == 1 else ""
    return next((one for one in reversed(tokens) if access_token_hash(one) == ath), "")
