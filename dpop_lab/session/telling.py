"""How a session log becomes a story: what each exchange carried, and what it means after others."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.client.recorder import SessionLog
from dpop_lab.session.call import TOKEN_SCHEMES, Call, json_value, read_as
from dpop_lab.show.values import cut, one_line, printable, shown
from dpop_lab.wire.message import Redacted, first, lines
from dpop_lab.wire.syntax import refuses_token

Party = tuple[str, str]  # of a session: who it is, and where
CLIENT, API = ("client", ""), ("resource server", "")
UNAUTHENTICATED = "no client authentication"
LABEL = re.compile(r"<(\w+ \d+)>")
WORD = re.compile(r"[\w.:/@+*-]{1,60}", re.ASCII)
METHOD = re.compile("[A-Za-z]{1,20}")
WELL_KNOWN = "/.well-known/"
OF_PERSONS = ("authorization_code", "refresh_token")  # grants
OF_CLIENTS = ("PAR endpoint", "introspection endpoint", "revocation endpoint")  # they say who asks
ISSUER_METADATA = (f"{WELL_KNOWN}openid-configuration", f"{WELL_KNOWN}oauth-authorization-server")
LONGEST = 60  # characters of a path


@dataclass(frozen=True, kw_only=True, repr=False)
class Step(Call):
    """A call in the story of a session, redacted so that it may be shown, and what it means."""

    exchange: Redacted
    number: int = 0  #: in the session, from 1
    after: float = 0.0  #: seconds since the first request of the session was sent
    meaning: str = ""  #: what came of it, with the reason where that is known
    #: names of the session's keys, `key 1`, by their thumbprints; None where nobody signs in
    keys: Mapping[str, str] | None = None
    signer: str = ""  #: the name of the key in the proof
    sender: Party = CLIENT  #: who sent the request
    principal: Party = CLIENT  #: the client that a browser goes for, else the sender
    sends: str = ""  #: where the client sends the browser before the request
    arrives: tuple[str, str] = ("", "")  #: where the answer leads the browser, and with what
    outcome: str = ""  #: what came of it where people are concerned
    evidence: str = ""  #: what is known of a code or token in it, behind what came of it

    @property
    def by_browser(self) -> bool:
        """Did a browser send it?"""
        return self.sender not in (self.principal, API)

    @property
    def origin(self) -> str:
        """Scheme and host that were asked: `https://as.example`."""
        scheme, _, rest = self.exchange.url.partition("://")
        return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"

    @property
    def request(self) -> str:
        """Method and path, without the values of a query: `GET /orders?…`."""
        path, mark, _ = self.exchange.url[len(self.origin) :].partition("#")[0].partition("?")
        method = cut(self.exchange.method, 20)
        return printable(f"{method} {cut(path or '/', LONGEST)}{'?…' if mark else ''}")

    @property
    def role(self) -> str:
        """Who was asked: an authorization server, a resource server, or just a server."""
        metadata = any(path in self.url for path in ISSUER_METADATA)
        if self.by_browser:
            return "client" if self.personal == "redirect URI" else "authorization server"
        if self.token_request or self.personal or metadata:
            return "authorization server"
        return "resource server" if self.token_label or self.token or self.dpop else "server"

    @property
    def dpop(self) -> list[str]:
        """The values of its DPoP lines: proofs, or their labels."""
        return lines(self.exchange.request_headers, "DPoP")

    @property
    def key(self) -> str:
        """The public key in the proof as text, empty where no proof can be read."""
        return str(self.proof.header.get("jwk", ""))

    @property
    def token_label(self) -> str:
        """The label of an access token that was redacted: `access_token 1`; else empty."""
        line = first(self.exchange.request_headers, "Authorization")
        return label_in(line.partition(" ")[2]) if self.scheme.lower() in TOKEN_SCHEMES else ""

    @property
    def client(self) -> str:
        """Who asks for a token: the client's name, or the label of its credentials."""
        if not self.token_request:
            return ""
        line = first(self.exchange.request_headers, "Authorization")
        return self.form.get("client_id", "") or label_in(line) or label_in(line.partition(" ")[2])

    @property
    def carried(self) -> str:
        """What it carried in a few words; what a request says is quoted where it is no word."""
        asks, parts = "", list[str]()
        if self.token_request or (self.personal in OF_CLIENTS and self.method == "POST"):
            name = f" as {plain(self.form['client_id'])}" if self.form.get("client_id") else ""
            asks = self.authentication + name
        elif self.scheme:
            parts.append(f"{plain(self.scheme)} {self.token_label}".rstrip())
        if len(self.dpop) > 1:
            parts.append(f"{len(self.dpop)} proofs")
        elif self.dpop:
            signer = f" by {self.signer}" * bool(self.signer)
            parts.append((label_in(self.dpop[0]) or "proof") + signer + self._claims())
        elif self.token_request or self.token_label:
            parts.append("no proof")
        parts = [asks, *parts]
        if self.personal or self.form.get("grant_type") in OF_PERSONS:
            from dpop_lab.session.sign_in import carried  # loaded when used

            first = carried(self.personal, self.exchange, self.form, self.keys or {})
            parts = [*first, *parts[1:], asks]
        return ", ".join(filter(None, parts)) or "nothing of DPoP"

    @property
    def sent(self) -> str:
        """What it carried, with who sent it where that is not plainly the client."""
        return self.carried if self.sender == CLIENT else f"{self.sender[0]}: {self.carried}"

    @property
    def authentication(self) -> str:
        """How the client of a token request says who it is (RFC 8414's names)."""
        if self.scheme.lower() == "basic":
            return "client_secret_basic"
        if "client_assertion" in self.form:
            return "client assertion"  # by key or by secret: redacted, both look alike
        return "client_secret_post" if "client_secret" in self.form else UNAUTHENTICATED

    def _claims(self) -> str:
        claims = self.proof.claims
        method = str(claims.get("htm"))  # which may be anything, a secret too
        said = [f"htm {method if METHOD.fullmatch(method) else 'of no method'}"] * ("htm" in claims)
        said += [name for name in ("ath", "nonce") if name in claims]
        return f" ({', '.join(said)})" if said else ""

    def __repr__(self) -> str:
        """What was asked, what it carried, what was answered, what that means, a line each."""
        head = f"{self.number}. {self.request} to {self.origin}"
        return "\n     ".join(map(one_line, (head, self.sent, self.answer, self.meaning)))


def read_steps(log: SessionLog) -> list[Step]:
    """The steps of a session, in the order of its log, each alone."""
    exchanges = tuple(log)
    first = min((one.sent_at for one in exchanges), default=0.0)
    return [
        read_as(Step, exchange, number=number, after=exchange.sent_at - first)
        for number, exchange in enumerate(exchanges, 1)
    ]


def tell(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a session, each with what it means after those before it."""
    before = _Before()
    for step in steps:
        again, outcome = before.sent_again(step), before.outcome(step)
        if 400 <= (step.status or 0) < 500 and not step.wants_nonce and step.finding:
            outcome = f"refused by the row {step.reason}"
        yield replace(step, meaning=": ".join(filter(None, (again, outcome))) + step.evidence)


@dataclass(slots=True)
class _Before:
    """What has happened so far: tokens fetched and used, and what was demanded of whom, where."""

    fetched: set[tuple[str, str, str]] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)  #: of tokens: who fetched them
    used: set[str] = field(default_factory=set)
    #: a nonce or another token, the one that would not do, and when that was said
    demanded: dict[tuple[str, str, str], tuple[str, str, float]] = field(default_factory=dict)

    def place(self, step: Step) -> tuple[str, str, str]:
        """Method, URL and who asks there: a key where that is known, else a client, or a token."""
        asks = self.owners.get(step.token_label, step.token_label) or step.client
        return step.exchange.method, step.exchange.url, step.key or asks

    def sent_again(self, step: Step) -> str:
        """Is this what the server had asked for at this place, and what was that?"""
        place = self.place(step)
        kind, value, at = self.demanded.get(place, ("", "", 0.0))
        if not kind or step.exchange.sent_at < at:
            return ""
        del self.demanded[place]
        if kind == "token":
            return "sent again with another token" if step.token_label != value else ""
        brought = bool(step.proof.problem) or step.proof.claims.get("nonce") == value
        return "sent again with the nonce" if step.dpop and brought else ""

    def outcome(self, step: Step) -> str:
        """What came of it, as far as the wire tells."""
        status, place, ended = step.status, self.place(step), step.exchange.ended_at
        if status is None:
            return "no answer"
        if status >= 500:
            return "the server failed"
        if status >= 400 and step.wants_nonce:
            self.demanded[place] = ("nonce", step.nonce, ended)
            return "nonce demanded"
        if status >= 400:
            proved = bool(step.dpop)
            if step.token_label and refuses_token(step.challenges or (), proved=proved):
                self.demanded[place] = ("token", step.token_label, ended)
                return "access token refused"
            return f"refused: {plain(step.error)}" if step.error else "refused"
        if step.outcome:
            return f"refused: {plain(step.error)}" if step.error else step.outcome
        if status >= 300:
            where = first(step.exchange.response_headers, "Location")
            return f"redirected to {cut(where, 100)}" if where else "redirected"
        return self._fetched(step) if step.token_request else self._accepted(step)

    def _accepted(self, step: Step) -> str:
        if not step.token_label:
            return "metadata fetched" if WELL_KNOWN in step.exchange.url else "answered"
        reused = step.token_label in self.used
        self.used.add(step.token_label)
        return "accepted, token reused" if reused else "accepted"

    def _fetched(self, step: Step) -> str:
        """Is this the first token for this client and key? Renewed is one for the same key."""
        members = json_value(step.exchange.response_body)
        issued = label_in(str(members.get("access_token"))) if isinstance(members, dict) else ""
        if step.client and issued:
            self.owners[issued] = step.client
        source = (step.exchange.url, step.client, step.key)
        again = source in self.fetched and any(source[1:])
        self.fetched.add(source)
        repeated = "fetched again" if step.dpop and not step.key else "renewed"
        word = repeated if again else "fetched"
        unbound = bool(step.dpop) and step.token_type.lower() == "bearer"
        return f"token {word}" + ", but it is not bound to the key" * unbound


def label_in(value: str) -> str:
    """The label that a value is, without its brackets; empty when it is anything else."""
    found = LABEL.fullmatch(value.strip())
    return found[1] if found else ""


def plain(value: object) -> str:
    """A value from a request: as it is when it is a word, else short, printable and quoted."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else shown(value, 60)
