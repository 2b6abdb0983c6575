"""From what a server saw to what a person is told: named, decoded, redacted, cut to size."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import parse_qsl

from dpop_lab.client.exchange import MARK, Exchange, Headers
from dpop_lab.client.redaction import JWK_PRIVATE, Redactor
from dpop_lab.doctor.entry import Entry, one_line
from dpop_lab.doctor.explaining import explained
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.jws import Jws, read_jws
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.lab.proof_view import readable
from dpop_lab.lab.story import as_curl
from dpop_lab.proof.checking import Finding
from dpop_lab.proof.rendering import cut, shown, words
from dpop_lab.server.http import Request
from dpop_lab.server.policy import Seen, basic_pair

LONGEST_BODY = 50_000  # octets that are looked at
LONGEST_VALUE, MOST_LINES = 40_000, 100  # of headers: characters, lines
LONGEST_TEXT, LONGEST_LINE = 6000, 300  # characters that are shown
TOLD_BY_STATUS = {
    404: "Nobody serves this path. Token endpoint: {0}/connect/token. API: {0}/api/dpop/test."
    " Discovery: {0}/.well-known/openid-configuration.",
    405: "Use the method that the answer names in Allow.",
    413: "Send a smaller body: a megabyte at most.",
    414: "Send a shorter request target: 8 KiB at most.",
    431: "Send shorter header lines: 32 KiB at most, all together.",
    500: "The server failed, not the client. Standard error says how.",
}


def entry(seen: Seen, *, number: int, base_url: str, time: float, redactor: Redactor) -> Entry:
    """What a person is told of one request.

    `base_url` is the server's own, `time` its time in seconds since 1970. The redactor is asked
    first for the whole exchange and then for all that is said about it.
    """
    exchange = redactor.exchange(_exchange(seen, base_url, time))
    refused = seen.response.status >= HTTPStatus.BAD_REQUEST
    told = explained(seen, base_url=base_url, now=int(time))
    failed = told.finding and _without_secrets(told.finding, redactor)
    why = _why(failed, told.action, seen, base_url) if refused else []
    _, request, answer = MARK.split(exchange.text())

    def clean(text: str) -> str:
        return cut(one_line(redactor.known(text)), LONGEST_LINE)

    return Entry(
        number=number,
        time=time,
        refused=refused,
        verdict=clean(told.verdict),
        who=clean(_who(seen.request)),
        why=tuple((name, clean(text)) for name, text in why),
        reports=tuple(
            replace(one, findings=tuple(_without_secrets(row, redactor) for row in one.findings))
            for one in seen.reports
        ),
        decoded=tuple((name, redactor.known(text)) for name, text in _decoded(seen.request)),
        request=cut(request.partition("\n")[2].rstrip(), LONGEST_TEXT),
        answer=cut(answer.partition("\n")[2].rstrip(), LONGEST_TEXT),
        curl=cut(as_curl(exchange), LONGEST_TEXT),
    )


def _why(failed: Finding | None, action: str, seen: Seen, base_url: str) -> list[tuple[str, str]]:
    """What was wanted, what was found, what to change."""
    pairs = []
    if failed and failed.verdict:
        check, verdict = failed.check, failed.verdict
        pairs.append(("row", f"{check.name}, {check.section}: {check.question}"))
        pairs.append(("wanted", shown(verdict.wanted)))
        pairs.append(("found", shown(verdict.found)))
    action = action or _told_by_status(seen).format(base_url)
    return [*pairs, ("change", action)] if action else pairs


def _told_by_status(seen: Seen) -> str:
    """What to change where the answer came from no server but from what carries its requests."""
    if seen.response.status == HTTPStatus.BAD_REQUEST and len(seen.request.lines("Host")) != 1:
        return "The request names no host or several: send exactly one Host line."
    return TOLD_BY_STATUS.get(seen.response.status, "")


def _without_secrets(finding: Finding, redactor: Redactor) -> Finding:
    """The finding as it may be shown: a client may send its token where a jti belongs."""
    verdict = finding.verdict
    if verdict is None:
        return finding
    wanted, found = (shown(value, LONGEST_BODY) for value in (verdict.wanted, verdict.found))
    wanted, found = words(redactor.known(wanted)), words(redactor.known(found))
    return replace(finding, verdict=replace(verdict, wanted=wanted, found=found))


# ---- who was it -------------------------------------------------------------------------------


def _who(request: Request) -> str:
    """What the client calls itself, believed by nobody, and the thumbprint of its key."""
    tokens, proofs = _access_tokens(request), request.lines("DPoP")
    client = _client_id(request) or next((one.claims.get("client_id") for one in tokens), None)
    key = _thumbprint(read_jws(proofs[0])) if proofs else ""
    named = [str(client)[:60]] if client else []
    return ", ".join([*named, f"key {key[:8]}…"] if key else named)


def _client_id(request: Request) -> str:
    pair = basic_pair("".join(request.lines("Authorization")[:1]))
    if pair:
        return pair[0]
    text = request.body[:LONGEST_BODY].decode("utf-8", "replace")
    form = dict(parse_qsl(text)) if "client_" in text else {}
    assertion = read_jws(form.get("client_assertion", ""))
    return form.get("client_id") or str(assertion.claims.get("sub", ""))


def _thumbprint(proof: Jws) -> str:
    jwk = proof.header.get("jwk")
    try:
        return thumbprint(jwk) if isinstance(jwk, Mapping) else ""
    except (KeyUnusable, ValueError):  # half a character has no hash
        return ""


def _access_tokens(request: Request) -> list[Jws]:
    pairs = (line.partition(" ") for line in request.lines("Authorization"))
    return [read_jws(text.strip()) for name, _, text in pairs if name.lower() in ("dpop", "bearer")]


# ---- what did it send -------------------------------------------------------------------------


def _decoded(request: Request) -> list[tuple[str, str]]:
    """The proofs and access tokens of a request, taken apart and not believed: title, JSON."""
    proofs = [("Proof", read_jws(line)) for line in request.lines("DPoP")]
    tokens = [("Access token", one) for one in _access_tokens(request)]
    parts = []
    for title, jws in [*proofs, *tokens][:4]:
        if jws.problem:
            parts.append((f"{title}, not readable", jws.problem))
            continue
        for part, value in (("header", jws.header), ("claims", jws.claims)):
            parts.append((f"{title}, {part}", readable(_public(value))))
    return [(title, cut(text, LONGEST_TEXT)) for title, text in parts]


def _public(value: object) -> object:
    """A JSON value with no private member of a key in it (RFC 7517 section 9.2)."""
    if isinstance(value, Mapping):
        hidden = dict.fromkeys(JWK_PRIVATE & {*value}, "<private, not shown>")
        return {name: _public(one) for name, one in {**value, **hidden}.items()}
    return [_public(one) for one in value] if isinstance(value, list) else value


def _exchange(seen: Seen, base_url: str, time: float) -> Exchange:
    request, response = seen.request, seen.response
    return Exchange(
        method=request.method,
        url=base_url + ("" if request.target.startswith("/") else "/") + request.target[:9000],
        request_headers=_headers(request.headers),
        request_body=_text(request.body),
        sent_at=time,
        ended_at=time,
        status=response.status,
        reason=response.reason,
        response_headers=_headers(response.headers),
        response_body=_text(response.body),
    )


def _headers(headers: Headers) -> Headers:
    """The first lines; the carrier knows no letter case and gives `Dpop`."""
    names = {"Dpop": "DPoP"}
    lines = headers[:MOST_LINES]
    return tuple((names.get(name, name), cut(value, LONGEST_VALUE)) for name, value in lines)


def _text(body: bytes) -> str:
    """A body as text, or a note in its place."""
    try:
        text = body.decode() if len(body) <= LONGEST_BODY else "\0"
    except UnicodeDecodeError:
        text = "\0"
    return f"<{len(body)} bytes, not shown>" if "\0" in text else text
