"""One request as a person is told of it: decided how and why, decoded, redacted, cut to size."""

import math
import time
from dataclasses import dataclass, replace
from functools import partial

from dpop_lab.checking import Finding, Report
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.secrets import JWT
from dpop_lab.doctor.sign_in.part import Part, Parts
from dpop_lab.doctor.words import meaning
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof.rules import htu, one_header
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import Call, read_call
from dpop_lab.session.decoded import drawn_proof, drawn_token, thumbprint_or_none
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.html import marked
from dpop_lab.show.jwt import Jwt
from dpop_lab.show.values import Words, at_once, cut, mapped, one_line
from dpop_lab.wire.har import as_curl
from dpop_lab.wire.message import Exchange, lines
from dpop_lab.wire.participant import MACHINE, NAME
from dpop_lab.wire.redact import Redactor
from dpop_lab.wire.syntax import origin

LONGEST_BODY = 50_000  # characters that are looked at
LONGEST_VALUE, MOST_LINES = 40_000, 100  # of headers: characters, lines
LONGEST_TEXT, LONGEST_LINE = 6000, 400  # characters that are shown
OF_THE_CARRIER = {  # where no server got to see the request
    400: "The request names no host, or several: send exactly one Host line.",
    404: "Token endpoint: {0}/connect/token. API: {0}/api/dpop/test."
    " Discovery: {0}/.well-known/openid-configuration.",
    408: "Send the whole body at once: as many octets as Content-Length says, or a last chunk.",
    413: "Send a smaller body: a megabyte at most.",
    414: "Send a shorter path and query: 8 KiB at most.",
    431: "Send shorter header lines: 32 KiB at most, all together.",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Entry:
    """One request and what became of it, without its secrets; no text in it is long."""

    number: int  #: from 1
    time: float  #: in seconds since 1970
    refused: bool
    verdict: str  #: in a line
    name: str = ""  #: of the participant, as it is told apart from others
    client: str = ""  #: what the client calls itself, believed by nobody
    key: str = ""  #: the beginning of the thumbprint of the proof's key
    sign_in: str = ""  #: which one it belongs to: `sign-in 1`
    browser: str = ""  #: of a person, if one sent it
    carried: str = ""  #: of what matters where people sign in, in a few words
    #: pairs of name and text: what was wanted, what was found, what to change; none when accepted
    why: tuple[tuple[str, str], ...] = ()
    reports: tuple[Report, ...] = ()  #: all rows that were asked
    decoded: tuple[Jwt, ...] = ()
    #: as they went over the wire, and the request as a command
    request: str = ""
    answer: str = ""
    curl: str = ""

    @property
    def mark(self) -> str:
        """What became of it, one of `SYMBOLS`."""
        return "refused" if self.refused else "accepted"

    @property
    def clock(self) -> str:
        """When it was, as this machine's clocks show it: `09:36:47`."""
        return clock(self.time)

    @property
    def who(self) -> str:
        """Participant, client and key, as far as they are known."""
        key = f"key {self.key}" if self.key else ""
        return ", ".join(filter(None, (self.name, self.sign_in, self.browser, self.client, key)))

    def __repr__(self) -> str:
        """The verdict in a line, and where it was refused what was wanted, found and to change."""
        who = f" [{self.who}]" if self.who else ""
        lines = [f"{self.clock} {marked(self.mark, self.verdict)}{who}"]
        lines += [f"           {name:<7} {text}" for name, text in self.why]
        return "\n".join(map(one_line, lines))


def entry(
    exchange: Exchange,
    *,
    number: int,
    base_url: str,
    policy: Policy,
    redactor: Redactor,
    sign_ins: Parts | None = None,
) -> Entry:
    """What a person is told of one request; nothing is used but what the server itself found.

    The times of the exchange, `base_url` and `policy` are the server's. The redactor is asked first
    for the whole exchange and then, once, for all that is said about it. `sign_ins` knows what
    went before.
    """
    whole, now = _bounded(exchange), exchange.ended_at
    redacted, call = redactor.exchange(whole), read_call(whole)
    part = (sign_ins or Parts()).of(redacted, call, clock(now))
    verdict, why = _decided(replace(call, date=math.floor(now)), policy, base_url, part)
    told = (verdict, _client(call) or part.client, part.browser, part.carried, why)
    said = (*mapped(told, one_line), _decoded(replace(call, date=None), int(now)))
    wire = (redacted.sent().rstrip(), redacted.received().rstrip(), as_curl(redacted))
    said, wire = at_once(partial(mapped, (said, wire)), redactor.labels.replace)
    verdict, client, browser, carried, why, decoded = mapped(said, short)
    texts = (short(text, LONGEST_TEXT) for text in wire)
    return Entry(
        number=number,
        time=now,
        refused=call.refused,
        verdict=verdict,
        client=client,
        sign_in=part.sign_in,
        browser=browser,
        carried=carried,
        key=_key(call),
        why=why,
        reports=tuple(report.with_texts(short) for report in redacted.reports),
        decoded=decoded,
        **dict(zip(("request", "answer", "curl"), texts, strict=True)),
    )


def clock(moment: float) -> str:
    """A time in seconds since 1970, as this machine's clocks show it."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def short(text: str, longest: int = LONGEST_LINE) -> str:
    """The text cut to so many characters, with no JWT in it that nobody knew."""
    return JWT.sub("<a JWT>", cut(text, longest))


def _bounded(exchange: Exchange) -> Exchange:
    """The exchange with a note in the place of what is too long, or no text, to be looked at."""
    names = {written.title(): written for written in ("DPoP", NAME)}  # as it was sent
    first = exchange.request_headers[:MOST_LINES]
    headers = [line for line in first if line[0].lower() != MACHINE.lower()]  # nobody's business
    return replace(
        exchange,
        url=cut(exchange.url, LONGEST_VALUE),
        request_headers=tuple((names.get(n, n), cut(v, LONGEST_VALUE)) for n, v in headers),
        request_body=_text(exchange.request_body),
        response_body=_text(exchange.response_body),
    )


def _text(body: str) -> str:
    unseen = len(body) > LONGEST_BODY or "\0" in body or "\ufffd" in body
    return f"<{len(body)} characters, not shown>" if unseen else body


def _decided(
    call: Call, policy: Policy, base_url: str, part: Part
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What was decided, in a line; where it was refused what was wanted, found and to change."""
    path = cut(call.url.partition("://")[2].partition("?")[0], 80).partition("/")[2]
    asked = f"{call.method} /{path}"
    if not call.refused:
        word = "answered" if WELL_KNOWN in asked else "accepted" * (not part.browser)
        word *= (call.status or 0) < 300
        return f"{asked}: {', '.join(filter(None, (word, call.said, part.came)))}", ()
    known = (("known", part.known),) * bool(part.known)
    finding = call.finding or _no_proof(call, policy)
    carrier = _of_the_carrier(call.exchange).format(base_url)
    if finding is None:
        problem = meaning(call, policy)
        said = f"refused, {problem.title if problem else call.said}"
        change = ("change", carrier or (problem.action if problem else ""))
        return f"{asked}: {said}", (*known, change)
    problem, row = Problem.of(finding, call), finding.check
    there = _called_by_another_name(finding, base_url)
    said = f"refused, {call.said}, by the row {row.name} ({finding.defect.replace('_', ' ')})"
    return f"{asked}: {said}", (
        ("row", f"{row.name}, {finding.source}: {row.question}"),
        ("wanted", problem.wanted),
        ("found", problem.found),
        *known,
        ("change", " ".join(filter(None, (there, carrier or problem.action)))),
    )


def _called_by_another_name(finding: Finding, base_url: str) -> str:
    """What URL to use, where the client took another for the server's; empty where it did not."""
    called = origin(finding.found) if isinstance(finding.found, str) else None
    if finding.check.name != htu.name or called in (None, origin(base_url)):
        return ""
    return f"Call this server by {base_url}, and by no other name or address."


def _no_proof(call: Call, policy: Policy) -> Finding | None:
    """The row behind a refusal to look on without a proof, which is said before any is asked."""
    said = meaning(call, policy)
    if call.is_proof or said is None or said.row != one_header.name:
        return None
    return Finding(one_header, "failed", Words("one DPoP header"), None, "missing")


def _of_the_carrier(exchange: Exchange) -> str:
    """What to change where no server got to see the request; empty where one did."""
    named = exchange.status == 400 and len(lines(exchange.request_headers, "host")) == 1
    return "" if exchange.reports or named else OF_THE_CARRIER.get(exchange.status or 0, "")


def _client(call: Call) -> str:
    """What the client calls itself, believed by nobody."""
    assertion = read_jws(call.form.get("client_assertion", "")).claims
    told = call.form.get("client_id") or assertion.get("sub")
    return str(told or call.access_token.claims.get("client_id") or "")[:60]


def _key(call: Call) -> str:
    jkt = thumbprint_or_none(call.proof.header.get("jwk"))
    return f"{jkt[:8]}…" if jkt else ""


def _decoded(call: Call, now: float) -> tuple[Jwt, ...]:
    """The first proof and the access token, taken apart and not believed."""
    token = drawn_token(call, now) if call.token else None
    return tuple(filter(None, (drawn_proof(call, now), token)))
