"""What a paste turned out to be: its kind, its calls, and what else is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dpop_lab.doctor.paste.placeholders import without_placeholders
from dpop_lab.session.call import Call
from dpop_lab.session.reading import linked, read_call
from dpop_lab.wire.message import Exchange

MOST = 100  # exchanges, 20 JWTs: the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pasted:
    """What something turned out to be: `kind` in words, its calls, and what else is to be told.

    `kind` fits after "This is ". `jwks` are the keys that were in it. Secrets are looked for in
    `text`, all it is made of, and in `given`, which nobody may have sent. `understood` is false
    when nothing of DPoP was recognised, `partial` is true where header lines of the requests may
    be elsewhere.
    """

    kind: str
    calls: tuple[Call, ...] = ()
    jwks: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    text: str = ""
    given: tuple[Exchange, ...] = ()
    understood: bool = True
    partial: bool = False


def of_exchanges(kind: str, exchanges: list[Exchange], *, whole: bool = True) -> Pasted:
    """Exchanges as the calls of one session, no more than `MOST` of them.

    `whole` says that all header lines of the requests are here. What a placeholder stands for is
    not known; where no exchange says anything, nothing is understood.
    """
    exchanges = [one for one in exchanges if says_something(one)]
    kept, total = [without_placeholders(one) for one in exchanges[:MOST]], len(exchanges)
    several = total > 1
    calls = [
        read_call(one, name=f"exchange {number} of {total}" if several else "")
        for number, one in enumerate(kept, 1)
    ]
    calls = calls if whole else [replace(one, whole=False) for one in calls]
    remarks = (f"Only the first {MOST} of {total} exchanges are told.",) if total > MOST else ()
    if several and "exchanges" not in kind:
        kind = f"{kind}, {total} exchanges"
    return Pasted(
        kind=kind, calls=tuple(linked(calls)), remarks=remarks, exchanges=tuple(kept),
        understood=bool(calls), partial=not whole,
    )  # fmt: skip


def together(read: list[Pasted]) -> Pasted:
    """Several things as one: what was understood of them, exchanges alone as one session."""
    read = [one for one in read if one.understood]
    if len(read) < 2:
        return read[0] if read else not_understood("a list without anything of DPoP")
    remarks = tuple(dict.fromkeys(remark for one in read for remark in one.remarks))
    exchanges = tuple(exchange for one in read for exchange in one.exchanges)
    if all(len(one.exchanges) == len(one.calls) > 0 for one in read):
        whole = not any(one.partial for one in read)
        session = of_exchanges("a list of recorded exchanges", list(exchanges), whole=whole)
        return replace(session, remarks=(*session.remarks, *remarks))
    return Pasted(
        kind=f"a list of {len(read)} things",
        calls=tuple(linked([call for one in read for call in one.calls])),
        jwks=tuple(jwk for one in read for jwk in one.jwks),
        remarks=remarks,
        exchanges=exchanges,
        text="\n".join(one.text for one in read),
        given=tuple(exchange for one in read for exchange in one.given),
    )


def says_something(exchange: Exchange) -> bool:
    """Is there more in it than a method, a path, or that all went well?"""
    return bool(
        exchange.url
        or exchange.request_headers
        or exchange.request_body
        or exchange.response_headers
        or exchange.response_body.strip()
        or exchange.failure
        or (exchange.status or 0) >= 300
    )


def not_understood(found: str) -> Pasted:
    """What nothing of DPoP was recognised in; `found` says in words what it is."""
    return Pasted(kind=found, understood=False)
