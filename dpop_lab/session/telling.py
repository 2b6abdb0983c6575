"""How a session log becomes a story: what each exchange means after those before it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dpop_lab.server.policy import Seen
from dpop_lab.session.call import Answered, json_members, oauth_error
from dpop_lab.session.carried import Carried, carried, label_in, lines, plain
from dpop_lab.session.sides import wanted_and_found
from dpop_lab.session.step import Step
from dpop_lab.session.witnessed_log import WitnessedLog
from dpop_lab.show.values import cut
from dpop_lab.wire.challenge import read_challenges, refuses_token
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.message import Exchange

NONCE, TOKEN = "nonce", "token"  # what a server may ask a client to send

WELL_KNOWN = "/.well-known/"
ISSUER_METADATA = (f"{WELL_KNOWN}openid-configuration", f"{WELL_KNOWN}oauth-authorization-server")


@dataclass(slots=True)
class _Before:
    """What has happened so far: tokens fetched and used, and what was demanded of whom, where."""

    fetched: set[tuple[str, str, str]] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)  # of tokens: who fetched them
    used: set[str] = field(default_factory=set)
    demanded: dict[tuple[str, str, str], tuple[str, str, float]] = field(default_factory=dict)

    def owns(self, client: str, token: str) -> None:
        """Remember whose a token is, where both can be told from others."""
        if client and token:
            self.owners[token] = client

    def place(self, exchange: Exchange, brought: Carried) -> tuple[str, str, str]:
        """Method, URL and who asks there: a key where that is known, else a client, or a token."""
        asks = self.owners.get(brought.token, brought.token) or brought.asks
        return exchange.method, exchange.url, brought.key or asks


def tell(log: SessionLog) -> Iterator[Step]:
    """The steps of a log's story, in its order."""
    exchanges, before = tuple(log), _Before()
    first = min((one.sent_at for one in exchanges), default=0.0)
    for number, exchange in enumerate(exchanges, 1):
        seen = log.seen(exchange) if isinstance(log, WitnessedLog) else None
        brought, challenge = carried(exchange, seen), _challenge(exchange)
        error, description = oauth_error(exchange.status or 0, challenge, exchange.response_body)
        again = _sent_again(exchange, brought, before)
        outcome = _outcome(exchange, brought, error, before)
        if 400 <= (exchange.status or 0) < 500 and not _demands_nonce(error):
            outcome = _reason(log, exchange, seen) or outcome
        yield Step(
            number=number,
            after=exchange.sent_at - first,
            exchange=exchange,
            seen=seen,
            role=_role(exchange, brought),
            carried=brought,
            error=error,
            description=description,
            nonce_given=bool(lines(exchange.response_headers, "dpop-nonce")),
            words=": ".join(filter(None, (again, outcome))),
        )


def _challenge(exchange: Exchange) -> str:
    return ", ".join(lines(exchange.response_headers, "www-authenticate"))


def _role(exchange: Exchange, brought: Carried) -> str:
    if brought.token_request or any(path in exchange.url for path in ISSUER_METADATA):
        return "authorization server"
    return "resource server" if brought.protected else "server"


def _demands_nonce(error: str) -> bool:
    return error.lower() == "use_dpop_nonce"


def _sent_again(exchange: Exchange, brought: Carried, before: _Before) -> str:
    """Is this what the server had asked for at this place, and what was that?"""
    place = before.place(exchange, brought)
    kind, value, at = before.demanded.get(place, ("", "", 0.0))
    if not kind or exchange.sent_at < at:
        return ""
    del before.demanded[place]
    if kind == TOKEN:
        return "sent again with another token" if brought.token != value else ""
    claims = {"nonce": value} if brought.claims is None else brought.claims
    return "sent again with the nonce" if brought.proofs and claims.get("nonce") == value else ""


def _outcome(exchange: Exchange, brought: Carried, error: str, before: _Before) -> str:
    """What came of it, as far as the wire tells."""
    status, place = exchange.status, before.place(exchange, brought)
    if status is None:
        return "no answer"
    if status >= 500:
        return "the server failed"
    if status >= 400 and _demands_nonce(error):
        nonce = "".join(lines(exchange.response_headers, "dpop-nonce")[:1])
        before.demanded[place] = (NONCE, nonce, exchange.ended_at)
        return "nonce demanded"
    if status >= 400:
        challenges = read_challenges(_challenge(exchange))
        if brought.token and refuses_token(challenges, proved=bool(brought.proofs)):
            before.demanded[place] = (TOKEN, brought.token, exchange.ended_at)
            return "access token refused"
        return f"refused: {plain(error)}" if error else "refused"
    if status >= 300:
        where = "".join(lines(exchange.response_headers, "location")[:1])
        return f"redirected to {cut(where, 100)}" if where else "redirected"
    return _accepted(exchange, brought, before)


def _accepted(exchange: Exchange, brought: Carried, before: _Before) -> str:
    if brought.token_request:
        answer = json_members(exchange.response_body)
        word = _fetched(exchange, brought, before)
        before.owns(brought.asks, label_in(str(answer.get("access_token"))))
        unbound = brought.proofs and str(answer.get("token_type")).lower() == "bearer"
        return f"token {word}" + ", but it is not bound to the key" * bool(unbound)
    if not brought.token:
        return "metadata fetched" if WELL_KNOWN in exchange.url else "answered"
    word = "accepted, token reused" if brought.token in before.used else "accepted"
    before.used.add(brought.token)
    return word


def _fetched(exchange: Exchange, brought: Carried, before: _Before) -> str:
    """Is this the first token for this client and key? Renewed is one for the same key."""
    source = (exchange.url, brought.asks, brought.key)
    again = source in before.fetched and any(source[1:])
    before.fetched.add(source)
    if brought.proofs and not brought.key:
        return "fetched" + " again" * again
    return "renewed" if again else "fetched"


def _reason(log: SessionLog, exchange: Exchange, seen: Seen | None) -> str:
    """The row that said no, where it is known what the server saw; else empty."""
    if seen is None or not isinstance(log, WitnessedLog):
        return ""
    finding = Answered(rules="", status=exchange.status or 0, reports=seen.reports).finding
    if finding is None:
        return ""
    ((wanted, found),) = wanted_and_found(log, seen, [finding], limit=80)
    return f"refused by the row {finding.check.name}: wanted {wanted}, found {found}"
