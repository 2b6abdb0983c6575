"""How a session log becomes a story: what each exchange carried, and what it means after others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dpop_lab.client.recorder import SessionLog
from dpop_lab.session.answer import TOKEN_SCHEMES, members_in
from dpop_lab.session.call import Call, read_as
from dpop_lab.show.pictures import Message
from dpop_lab.show.values import cut, one_line, printable, shown
from dpop_lab.wire.labels import LABEL
from dpop_lab.wire.message import Redacted, first, lines
from dpop_lab.wire.syntax import refuses_token

WORD = re.compile(r"[\w.:/@+*-]{1,60}", re.ASCII)
METHOD = re.compile("[A-Za-z]{1,20}")
WELL_KNOWN = "/.well-known/"
OF_CLIENTS = ("PAR endpoint", "introspection endpoint", "revocation endpoint")  # they say who asks
ISSUER_METADATA = (f"{WELL_KNOWN}openid-configuration", f"{WELL_KNOWN}oauth-authorization-server")
LONGEST, LINE = 60, 90  # characters of a path, and of a line in a picture
Party = tuple[str, str]  # of a session: who it is, and where
CLIENT: Party = ("client", "")


@dataclass(frozen=True, kw_only=True, repr=False)
class Step(Call):
    """A call in the story of a session, redacted so that it may be shown, and what it means."""

    exchange: Redacted
    number: int = 0  #: in the session, from 1
    after: float = 0.0  #: seconds since the first request of the session was sent
    meaning: str = ""  #: what came of it, with the reason where that is known
    evidence: str = ""  #: how `meaning` ends: what is known of a code or token in it

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
        if self.token_request or self.personal or metadata:
            return "authorization server"
        return "resource server" if self.token_label or self.token or self.dpop else "server"

    @property
    def sender(self) -> Party:
        """Who sent the request."""
        return CLIENT

    @property
    def receiver(self) -> Party:
        """Who was asked, and where."""
        return self.role, short(self.origin.partition("://")[2])

    @property
    def held(self) -> str:
        """What it carried, whoever sent it."""
        return self.carried

    def messages(self, at: Mapping[Party, int], longest: int = LINE) -> Iterator[Message]:
        """The request, and the answer or a note that none came, between the lanes of a picture."""
        sender, receiver, answered = at[self.sender], at[self.receiver], self.status is not None
        lines = (f"{self.number}. {self.request}", self.held, self.answer)
        request, held, answer = (short(text, longest) for text in lines)
        reason = self.meaning.removesuffix(self.evidence)  # is cut sooner than what is known
        reason = short(reason, max(longest - len(self.evidence), 40)) + self.evidence
        yield Message(sender, receiver, request, held, arrives=answered)
        yield Message(receiver if answered else sender, sender, answer, reason, self.mark)

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
        return ", ".join(filter(None, (self.asks, *self.shows()))) or "nothing of DPoP"

    @property
    def asks(self) -> str:
        """How the client says who it is (RFC 8414's names), and who; empty where it need not."""
        if not (self.token_request or (self.personal in OF_CLIENTS and self.method == "POST")):
            return ""
        name = self.form.get("client_id")
        return self.authentication + (f" as {plain(name)}" if name else "")

    def shows(self, signer: str = "") -> Iterator[str]:
        """The token and the proof, with the name of the key that signed it if it has one."""
        if self.scheme and not self.asks:
            yield f"{plain(self.scheme)} {self.token_label}".rstrip()
        if len(self.dpop) > 1:
            yield f"{len(self.dpop)} proofs"
        elif self.dpop:
            yield (label_in(self.dpop[0]) or "proof") + signer + self._claims()
        elif self.token_request or self.token_label:
            yield "no proof"

    @property
    def mark(self) -> str:
        """What became of it, one of `SYMBOLS`."""
        if self.wants_nonce:
            return "nonce demanded"
        return "accepted" if self.accepted else "refused"

    def _claims(self) -> str:
        claims = self.proof.claims
        method = str(claims.get("htm"))  # which may be anything, a secret too
        said = [f"htm {method if METHOD.fullmatch(method) else 'of no method'}"] * ("htm" in claims)
        said += [name for name in ("ath", "nonce") if name in claims]
        return f" ({', '.join(said)})" if said else ""

    def __repr__(self) -> str:
        """What was asked, what it carried, what was answered, what that means, a line each."""
        head = f"{self.number}. {self.request} to {self.origin}"
        return "\n     ".join(map(one_line, (head, self.carried, self.answer, self.meaning)))


def tell(log: SessionLog) -> Iterator[Step]:
    """The steps of a session, in the order of its log, each with what it means."""
    exchanges, before = tuple(log), _Before()
    first = min((one.sent_at for one in exchanges), default=0.0)
    for number, exchange in enumerate(exchanges, 1):
        step = read_as(Step, exchange, number=number, after=exchange.sent_at - first)
        again, outcome = before.sent_again(step), before.outcome(step)
        if 400 <= (step.status or 0) < 500 and not step.wants_nonce and step.finding:
            outcome = f"refused by the row {step.reason}"
        yield replace(step, meaning=": ".join(filter(None, (again, outcome))))


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
        issued = label_in(str(members_in(step.exchange.response_body).get("access_token", "")))
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
    return found[0][1:-1] if found else ""


def plain(value: object) -> str:
    """A value from a request: as it is when it is a word, else short, printable and quoted."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else shown(value, 60)


def short(text: str, most: int = LINE) -> str:
    """A line of a picture: of a reason the row alone, of all else the first words."""
    line = one_line(text)
    if len(line) > most:
        line = line.partition(": wanted ")[0]
    if len(line) > most:
        line = (line[:most].rpartition(" ")[0] or line[:most]).rstrip(".,:;”") + "…"
    return line
