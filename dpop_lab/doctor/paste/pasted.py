"""What a paste turned out to be: its kind, its calls, and what else is to be told."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from dpop_lab.session.answer import ABOUT_DPOP
from dpop_lab.session.call import NOTHING, Call, read_call
from dpop_lab.wire.message import Exchange, Headers
from dpop_lab.wire.syntax import signs_in

if TYPE_CHECKING:
    from dpop_lab.doctor.documents import Document

MOST = 100  # exchanges, 20 JWTs: the rest is counted
#: the kind of what `dpop-lab demo` prints, in which a refusal is no fault
OF_THE_DEMO = "what dpop-lab demo tells: its last call, a thief's, has to fail"
SECRET_FIELDS = ("authorization", "dpop")
SCHEME = re.compile(r"(?:dpop|bearer|basic) ", re.I)
PLACEHOLDER = re.compile(
    r"""[$#]?\{{1,2}(?P<braces>[^{}\n]*)\}{1,2}   # {{proof}}, ${PROOF}, {make_proof()}
    | \$\((?P<command>.*)\) | `(?P<ticks>.*)`   # $(make-proof)
    | \$(?:env:)?(?P<shell>\w+)                 # $PROOF, $env:PROOF
    | %(?P<windows>\w+)%
    | <(?P<angle>[^<>\n]*)> | \[(?P<square>[A-Za-z _-]*)\]
    | (?P<plea>(?i:your|my|the|insert|put)(?:[ _-][A-Za-z]+)+)
    | (?P<capitals>(?:[A-Z]+[_-])*(?:TOKEN|PROOF|JWT|DPOP))
    | «(?P<quoted>[^«»\n]*)»
    | (?P<masked>\*{3,}|[xX]{3,}|(?i:\W?(?:redacted|removed|omitted|hidden|masked|snip(?:ped)?)\W?))
    | [\w.-]{0,60}(?P<dots>\.\.\.|…)[\w.-]{0,60}""",
    re.X,
)
ELIDED = re.compile(r'("(?:[^"\\]|\\.)*+"?+)|(?:\.\.\.|…),?')  # in a challenge, but not in quotes
PROVING = {"authorization", "dpop"}  # beside these a DPoP-Nonce is of the request
ALWAYS_ASKED = {"authorization", "dpop", "host", "cookie"}
OF_REQUESTS = ALWAYS_ASKED | {"user-agent", "accept", "origin"}
OF_ANSWERS = {"www-authenticate", "dpop-nonce", "date", "server", "set-cookie", "x-revision"}
NAMELESS = ("dots", "masked", "command", "ticks", "square")  # placeholders that give no name


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pasted:
    """What something turned out to be: `kind` in words, its calls, and what else is to be told.

    `kind` fits after "This is ". Secrets are looked for in `text`, all it is made of, too, and in
    `given`, which nobody may have sent.
    """

    kind: str
    calls: tuple[Call, ...] = ()
    jwks: tuple[Mapping[str, Any], ...] = ()  #: the keys that were in it
    remarks: tuple[str, ...] = ()
    text: str = ""
    given: tuple[Exchange, ...] = ()
    documents: "tuple[Document, ...]" = ()  #: what is no request or answer of a call
    understood: bool = True  #: was anything of DPoP recognised?


def not_understood(found: str) -> Pasted:
    """What nothing of DPoP was recognised in; `found` says in words what it is."""
    return Pasted(kind=found, understood=False)


def of_exchanges(
    kind: str, exchanges: list[Exchange], known: Sequence[Call] = (), *, whole: bool = True
) -> Pasted:
    """Exchanges as the calls of one session, no more than `MOST` of them.

    `known` is what else is known of each; `whole` says that all header lines of the requests are
    here. What a placeholder stands for is not known; if none says anything, nothing is understood.
    """
    both = [*zip(exchanges, known or [Call()] * len(exchanges), strict=True)]
    beside = [also.proofs or also.token or "jti" in also.around for _, also in both]
    telling = [
        bool(says_something(one) or more) for one, more in zip(exchanges, beside, strict=True)
    ]
    if any(telling):  # that a request got through tells of those before it
        telling = [each or _got_through(one) for each, one in zip(telling, exchanges, strict=True)]
    told = [pair for pair, tells in zip(both, telling, strict=True) if tells]
    calls = [merged(read_call(without_placeholders(one)), also) for one, also in told[:MOST]]
    calls = calls if whole else [replace(one, whole=False) for one in calls]
    total = len(told)
    if total > 1 and "exchanges" not in kind:
        kind = f"{kind}, {total} exchanges"
    return Pasted(
        kind=kind,
        calls=numbered(calls, total),
        remarks=left(total),
        documents=_told_once((each for one in calls for each in _documents(one)), calls),
        understood=bool(calls),
    )


def _told_once(documents: "Iterable[Document]", calls: Sequence[Call]) -> "tuple[Document, ...]":
    """Documents, each once; those of a login that was redeemed only where something is wrong."""
    redeemed = any({"grant_type", "code"} <= one.form.keys() for one in calls)
    found = {(each.kind, each.told): each for each in documents}.values()
    past = "authorization request" if redeemed else "-"  # also the answer to one
    return tuple(one for one in found if one.problems or past not in one.kind)


def _got_through(exchange: Exchange) -> bool:
    """Is it a request that was answered with what was asked for?"""
    return bool(exchange.method) and 200 <= (exchange.status or 0) < 300


def _documents(call: Call) -> "tuple[Document, ...]":
    """The documents in a call that was answered, or that has nothing of DPoP to judge."""
    from dpop_lab.doctor.documents import in_call  # most calls have

    return in_call(call) if call.exchange.response_body or not call.proofs else ()


def of_headers(headers: Headers) -> Pasted | None:
    """Header lines alone; None where no name among them tells whose they are."""
    kind = "a header line" if len(headers) == 1 else "a set of header lines"
    found = with_headers(headers)
    return of_exchanges(kind, [found]) if found else None


def of_keys(kind: str, jwks: tuple[Mapping[str, Any], ...]) -> Pasted:
    """Keys alone, no more than `MOST` of them."""
    return Pasted(kind=kind, jwks=jwks[:MOST], remarks=left(len(jwks), "keys"))


def api_claims(value: list[Any]) -> Pasted | None:
    """The list that the demo's API answers with."""
    if not value or not all(isinstance(one, dict) and {"type", "value"} <= {*one} for one in value):
        return None
    answer = replace(NOTHING, status=200, response_body=json.dumps(value, default=str))
    return Pasted(kind="an answer of the demo's API", calls=(read_call(answer),))


def together(read: list[Pasted]) -> Pasted:
    """Several things as one session: what was understood of them."""
    read = [one for one in read if one.understood]
    if len(read) < 2:
        return read[0] if read else not_understood("a list without anything of DPoP")
    calls = [call for one in read for call in one.calls]
    calls = [*filter(_tells, calls)] if any(map(_tells, calls)) else calls
    recorded = all(one.calls for one in read) and all(one.exchange is not NOTHING for one in calls)
    remarks = [*left(len(calls)), *(remark for one in read for remark in one.remarks)]
    return Pasted(
        kind=f"a list of {len(read)} {'recorded exchanges' if recorded else 'things'}",
        calls=numbered(calls[:MOST], len(calls)) if recorded else tuple(calls[:MOST]),
        jwks=tuple(jwk for one in read for jwk in one.jwks)[:MOST],
        remarks=tuple(dict.fromkeys(remarks)),
        text="\n".join(one.text for one in read),
        given=tuple(exchange for one in read for exchange in one.given),
        documents=_told_once((each for one in read for each in one.documents), calls),
    )


def _tells(call: Call) -> bool:
    """Is it about DPoP or a token, or the code of a refusal? Other lines of a log are not."""
    carries = (
        call.proofs or call.token or call.issued or call.hidden or call.form or call.challenges
    )
    told = call.error or call.nonce or ABOUT_DPOP.search(call.description)
    return bool(carries or told or signs_in(call.url))


def numbered(calls: list[Call], total: int) -> tuple[Call, ...]:
    """The calls, each with its number among so many exchanges; JWTs alone are none."""
    if total < 2:
        return tuple(calls)
    names = ["exchange" if says_something(one.exchange) else "JWTs" for one in calls]
    return tuple(
        replace(one, name=f"{names[at]} {at + 1} of {total}") for at, one in enumerate(calls)
    )


def left(total: int, what: str = "exchanges") -> tuple[str, ...]:
    """That there are more than are told, where there are."""
    return (f"Only the first {MOST} of {total} {what} are told.",) * (total > MOST)


def merged(first: Call, second: Call) -> Call:
    """What is known of one call from two sides; where both tell, the second counts."""
    changed = {
        one.name: getattr(second, one.name)
        for one in fields(Call)
        if getattr(second, one.name) != one.default and getattr(second, one.name)
    }
    if second.token and not first.token:
        changed["authorization"] = second.authorization  # the first one's was a scheme alone
    call = replace(first, **changed)
    there = {"proof": call.proofs, "access_token": call.token}
    return replace(call, hidden=tuple(one for one in call.hidden if not there[one]))


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


def document_in(thing: object, asked: str = "") -> Pasted | None:
    """The document that a JSON value is or a text has as a URL, or None; `asked` stands around."""
    from dpop_lab.doctor.documents import read, read_url  # most pastes are none

    found = read_url(thing) if isinstance(thing, str) else read(thing, asked)
    return Pasted(kind=found.kind, documents=(found,)) if found else None


def placeholder(value: str) -> str:
    """The name of what a placeholder stands for, as `<name>`; empty for a value that is none."""
    match = PLACEHOLDER.fullmatch(value[:1000].strip()) if value else None
    if match is None or re.match(r"[\[<](?:[\w.]+ )?object ", value):  # a program's own words
        return ""
    kind = match.lastgroup or ""
    words = " ".join(re.findall(r"\w+", "" if kind in NAMELESS else match[kind])[:6])[:60]
    return f"<{words or 'value'}>"


def without_placeholders(exchange: Exchange) -> Exchange:
    """The exchange with `<name>` for each placeholder, and challenges without what is left out."""
    sent, received = (
        tuple((name, _without_placeholder(name.lower(), value)) for name, value in headers)
        for headers in (exchange.request_headers, exchange.response_headers)
    )
    return replace(exchange, request_headers=sent, response_headers=received)


def _without_placeholder(name: str, value: str) -> str:
    if name in SECRET_FIELDS:
        head = scheme[0] if (scheme := SCHEME.match(value)) else ""
        return head + (placeholder(value[len(head) :]) or value[len(head) :])
    return ELIDED.sub(r"\1", value) if name == "www-authenticate" else value


def with_headers(headers: Headers) -> Exchange | None:
    """Header lines as an exchange, of either side by their names; None where no name tells."""
    names = {name.lower() for name, _ in headers}
    if not names & (OF_REQUESTS | OF_ANSWERS):
        return None
    answers = names & (OF_ANSWERS - {"dpop-nonce"} if names & PROVING else OF_ANSWERS)
    of_requests = OF_REQUESTS if answers else names
    sent = tuple(one for one in headers if one[0].lower() in of_requests)
    received = tuple(one for one in headers if one[0].lower() not in of_requests)
    return replace(NOTHING, request_headers=sent, response_headers=received)
