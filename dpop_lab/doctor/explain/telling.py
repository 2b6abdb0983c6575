"""From what a server saw to what a person is told: named, decoded, redacted, cut to size."""

from dataclasses import replace
from http import HTTPStatus

from dpop_lab.doctor.decoded import Line, proof_lines, thumbprint_or_none, token_lines
from dpop_lab.doctor.explain.entry import Entry
from dpop_lab.doctor.explain.explaining import Explained, explained
from dpop_lab.doctor.secrets import JWT
from dpop_lab.jose.jws import read_jws
from dpop_lab.session.call import Call
from dpop_lab.session.reading import read_call
from dpop_lab.show.values import cut, one_line, shown
from dpop_lab.wire.log import as_curl
from dpop_lab.wire.message import Exchange, Headers
from dpop_lab.wire.redact import Redactor

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


def entry(exchange: Exchange, *, number: int, base_url: str, redactor: Redactor) -> Entry:
    """What a person is told of one request.

    The times of the exchange are the server's, and so is `base_url`. The redactor is asked first
    for the whole exchange and then for all that is said about it.
    """

    def clean(text: str, longest: int = LONGEST_LINE) -> str:
        return _short(redactor.labels.replace([text])[0], longest)

    whole, time = _bounded(exchange), exchange.ended_at
    redacted = redactor.exchange(whole)
    call = replace(read_call(whole), date=None)  # its time is `time`, and is not told twice
    told = explained(exchange)
    return Entry(
        number=number,
        time=time,
        refused=call.refused,
        verdict=clean(one_line(told.verdict)),
        who=clean(one_line(_who(call))),
        why=tuple((name, clean(one_line(text))) for name, text in _why(told, exchange, base_url)),
        reports=tuple(report.with_texts(_short) for report in redacted.reports),
        decoded=tuple(
            (title, tuple((name, clean(text)) for name, text in lines))
            for title, lines in _decoded(call, int(time))
        ),
        request=clean(redacted.sent().rstrip(), LONGEST_TEXT),
        answer=clean(redacted.received().rstrip(), LONGEST_TEXT),
        curl=clean(as_curl(redacted), LONGEST_TEXT),
    )


def _short(text: str, longest: int = LONGEST_LINE) -> str:
    return JWT.sub("<a JWT>", cut(text, longest))


def tls_entry(url: str, *, number: int, time: float) -> Entry:
    """What a person is told of a client that spoke TLS to the port at this URL, and was cut off."""
    return Entry(
        number=number,
        time=time,
        refused=True,
        verdict="TLS: hung up on, no request was read",
        who="",
        why=(("change", f"A client spoke TLS to this port: use {url}"),),
        reports=(),
        decoded=(),
        request="",
        answer="",
        curl="",
    )


def _bounded(exchange: Exchange) -> Exchange:
    """The exchange with a note in the place of what is too long, or no text, to be looked at."""
    return replace(
        exchange,
        url=cut(exchange.url, LONGEST_VALUE),
        request_headers=_headers(exchange.request_headers),
        request_body=_text(exchange.request_body),
        response_body=_text(exchange.response_body),
    )


def _headers(headers: Headers) -> Headers:
    names = {"Dpop": "DPoP"}  # the carrier forgets how it was written
    lines = headers[:MOST_LINES]
    return tuple((names.get(name, name), cut(value, LONGEST_VALUE)) for name, value in lines)


def _text(body: str) -> str:
    unseen = len(body) > LONGEST_BODY or "\0" in body or "\ufffd" in body
    return f"<{len(body)} characters, not shown>" if unseen else body


def _who(call: Call) -> str:
    """What the client calls itself, believed by nobody, and the thumbprint of its key."""
    assertion = read_jws(call.form.get("client_assertion", ""))
    token = call.access_token.claims
    client = call.form.get("client_id") or assertion.claims.get("sub") or token.get("client_id")
    jkt = thumbprint_or_none(call.proof.header.get("jwk"))
    named = [str(client)[:60]] if client else []
    return ", ".join([*named, f"key {jkt[:8]}…"] if jkt else named)


def _why(told: Explained, exchange: Exchange, base_url: str) -> list[tuple[str, str]]:
    """What was wanted, what was found, what to change."""
    pairs = []
    if finding := told.finding:
        row = finding.check
        pairs = [
            ("row", f"{row.name}, {finding.source}: {row.question}"),
            ("wanted", shown(finding.wanted, LONGEST_BODY)),
            ("found", shown(finding.found, LONGEST_BODY)),
        ]
    action = told.action
    if not exchange.reports:
        action = _of_the_carrier(exchange).format(base_url) or action
    return [*pairs, ("change", action)] if action else pairs


def _of_the_carrier(exchange: Exchange) -> str:
    hosts = [name for name, _ in exchange.request_headers if name.lower() == "host"]
    if exchange.status == HTTPStatus.BAD_REQUEST and len(hosts) == 1:
        return ""
    return OF_THE_CARRIER.get(exchange.status or 0, "")


def _decoded(call: Call, now: float) -> list[tuple[str, list[Line]]]:
    """The first proof and the access token, taken apart and not believed."""
    parts = [("Proof", proof_lines(call, now))] if call.proofs else []
    token = [("Access token", token_lines(call.access_token, call, now))] if call.token else []
    return parts + token
