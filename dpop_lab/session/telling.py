"""How a session log becomes a story: what each exchange means after those before it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dpop_lab.session.call import WELL_KNOWN, Call, label_in, plain
from dpop_lab.session.reading import json_value, read_call
from dpop_lab.show.values import cut
from dpop_lab.wire.challenge import refuses_token
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.message import lines

NONCE, TOKEN = "nonce", "token"  # what a server may ask a client to send


@dataclass(slots=True)
class _Before:
    """What has happened so far: tokens fetched and used, and what was demanded of whom, where."""

    fetched: set[tuple[str, str, str]] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)  #: of tokens: who fetched them
    used: set[str] = field(default_factory=set)
    demanded: dict[tuple[str, str, str], tuple[str, str, float]] = field(default_factory=dict)

    def place(self, call: Call) -> tuple[str, str, str]:
        """Method, URL and who asks there: a key where that is known, else a client, or a token."""
        asks = self.owners.get(call.token_label, call.token_label) or call.client
        return call.exchange.method, call.exchange.url, _key(call) or asks


def tell(log: SessionLog) -> Iterator[Call]:
    """The calls of a session, in the order of its log, each with what it means."""
    exchanges, before = tuple(log), _Before()
    first = min((one.sent_at for one in exchanges), default=0.0)
    for number, exchange in enumerate(exchanges, 1):
        call = read_call(exchange)
        again, outcome = _sent_again(call, before), _outcome(call, before)
        if 400 <= (call.status or 0) < 500 and not call.wants_nonce and call.finding:
            outcome = f"refused by the row {call.reason}"
        meaning = ": ".join(filter(None, (again, outcome)))
        yield replace(call, number=number, after=exchange.sent_at - first, meaning=meaning)


def _key(call: Call) -> str:
    """The public key in the proof as text, empty where no proof can be read."""
    return str(call.proof.header.get("jwk", "")) if not call.proof.problem else ""


def _sent_again(call: Call, before: _Before) -> str:
    """Is this what the server had asked for at this place, and what was that?"""
    place = before.place(call)
    kind, value, at = before.demanded.get(place, ("", "", 0.0))
    if not kind or call.exchange.sent_at < at:
        return ""
    del before.demanded[place]
    if kind == TOKEN:
        return "sent again with another token" if call.token_label != value else ""
    proofs = lines(call.exchange.request_headers, "DPoP")
    brought = bool(call.proof.problem) or call.proof.claims.get("nonce") == value
    return "sent again with the nonce" if proofs and brought else ""


def _outcome(call: Call, before: _Before) -> str:
    """What came of it, as far as the wire tells."""
    status, place, ended = call.status, before.place(call), call.exchange.ended_at
    if status is None:
        return "no answer"
    if status >= 500:
        return "the server failed"
    if status >= 400 and call.wants_nonce:
        before.demanded[place] = (NONCE, call.nonce, ended)
        return "nonce demanded"
    if status >= 400:
        proved = bool(lines(call.exchange.request_headers, "DPoP"))
        if call.token_label and refuses_token(call.challenges or (), proved=proved):
            before.demanded[place] = (TOKEN, call.token_label, ended)
            return "access token refused"
        return f"refused: {plain(call.error)}" if call.error else "refused"
    if status >= 300:
        where = "".join(lines(call.exchange.response_headers, "Location")[:1])
        return f"redirected to {cut(where, 100)}" if where else "redirected"
    return _accepted(call, before)


def _accepted(call: Call, before: _Before) -> str:
    if call.token_request:
        word, issued = _fetched(call, before), _issued_label(call)
        if call.client and issued:
            before.owners[issued] = call.client
        proved = lines(call.exchange.request_headers, "DPoP")
        unbound = bool(proved) and call.token_type.lower() == "bearer"
        return f"token {word}" + ", but it is not bound to the key" * unbound
    if not call.token_label:
        return "metadata fetched" if WELL_KNOWN in call.exchange.url else "answered"
    word = "accepted, token reused" if call.token_label in before.used else "accepted"
    before.used.add(call.token_label)
    return word


def _issued_label(call: Call) -> str:
    members = json_value(call.exchange.response_body)
    return label_in(str(members.get("access_token"))) if isinstance(members, dict) else ""


def _fetched(call: Call, before: _Before) -> str:
    """Is this the first token for this client and key? Renewed is one for the same key."""
    key = _key(call)
    source = (call.exchange.url, call.client, key)
    again = source in before.fetched and any(source[1:])
    before.fetched.add(source)
    if lines(call.exchange.request_headers, "DPoP") and not key:
        return "fetched" + " again" * again
    return "renewed" if again else "fetched"
