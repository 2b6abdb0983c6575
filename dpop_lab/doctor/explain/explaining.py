"""What a server saw of one request, in words: the verdict, and on refusal what to change."""

import math
from dataclasses import dataclass, replace

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.server_words import blamed, meaning
from dpop_lab.proof.rules import one_header
from dpop_lab.session.call import Call
from dpop_lab.session.reading import read_call
from dpop_lab.show.values import Words, cut, printable
from dpop_lab.wire.message import Exchange, Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One request in words: `verdict` is a line, and `action` what to change, empty when accepted.

    `finding` is the row that said no, None when every row passed or something else was refused.
    No text in it holds a secret.
    """

    verdict: str
    finding: Finding | None = None
    action: str = ""


def exchange_of(asked: Request, answered: Response, *, base_url: str, now: float) -> Exchange:
    """A request that came in and its answer, as an exchange; nothing in it is redacted."""
    return Exchange(
        method=asked.method,
        url=base_url + asked.target,
        request_headers=asked.headers,
        request_body=asked.body.decode("utf-8", "replace"),
        sent_at=now,
        ended_at=now,
        status=answered.status,
        reason=answered.reason,
        response_headers=answered.headers,
        response_body=answered.body.decode("utf-8", "replace"),
        reports=answered.reports,
    )


def explained(exchange: Exchange) -> Explained:
    """What was decided of this request and why, as told to whoever debugs the client.

    Nothing but what the server itself found is used: its reports, and its time.
    """
    call = replace(read_call(exchange), date=math.floor(exchange.ended_at))
    finding = (call.finding or _no_proof(call)) if call.refused else None
    return Explained(
        verdict=printable(f"{_asked(call)}: {_decided(call, finding)}"),
        finding=finding,
        action=printable(_action(call, finding)),
    )


def _no_proof(call: Call) -> Finding | None:
    """The row behind a refusal to look on without a proof, which is said before any is asked."""
    if call.is_proof or one_header not in [row for row, _, _ in blamed(call)]:
        return None
    return Finding(one_header, "failed", Words("one DPoP header"), None, "missing")


def _asked(call: Call) -> str:
    path = cut(call.url.partition("://")[2].partition("?")[0], 80)
    return f"{call.method} /{path.partition('/')[2]}"


def _decided(call: Call, finding: Finding | None) -> str:
    if not call.refused:
        word = "answered" if "/.well-known/" in _asked(call) else "accepted"
        return f"{word}, {call.said}" if (call.status or 0) < 300 else call.said
    if finding is not None:
        defect = finding.defect.replace("_", " ")
        return f"refused by the row {finding.check.name} ({defect}), {call.said}"
    if call.description:
        return f"refused, {call.said} “{cut(call.description, 200)}”"
    told = meaning(call)
    return f"refused, {call.said}. {told[0] if told else ''}".rstrip(". ")


def _action(call: Call, finding: Finding | None) -> str:
    if finding is not None:
        return advise(finding, call)
    for row, _, _ in blamed(call) if call.refused else ():
        return row.mend
    told = meaning(call) if call.refused else None
    return told[1] if told else ""
