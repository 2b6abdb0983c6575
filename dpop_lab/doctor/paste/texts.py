"""Raw messages, header lines, words of a server and PEM, each as what it is."""

import re
from dataclasses import replace

from dpop_lab.doctor.paste.log_lines import log_kind
from dpop_lab.doctor.paste.messages import header_lines, raw_messages
from dpop_lab.doctor.paste.pasted import Pasted, of_exchanges
from dpop_lab.doctor.server_words import known_words
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.key_formats import load_key
from dpop_lab.session.call import Call
from dpop_lab.session.reading import read_call
from dpop_lab.wire.challenge import read_challenges
from dpop_lab.wire.message import Exchange

PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----")


CHALLENGE = re.compile(r"(?:WWW-Authenticate\s*:\s*)?(?:dpop|bearer)(?:\s*\Z|\s+\w+\s*=)", re.I)


def raw_paste(text: str) -> Pasted:
    """Raw HTTP messages."""
    exchanges = raw_messages(text)
    asked = any(one.method for one in exchanges)
    answered = any(one.status is not None for one in exchanges)
    kind = "a raw HTTP request with its response" if asked and answered else "a raw HTTP request"
    return of_exchanges(kind if asked else "a raw HTTP response", exchanges)


def log_paste(text: str, exchanges: list[Exchange], *, bare: bool = False) -> Pasted | None:
    """A log of messages with header lines; `bare`: without any, which an access log is."""
    if not bare and not any(one.request_headers or one.response_headers for one in exchanges):
        return None
    whole = all(one.request_headers for one in exchanges if one.method)
    pasted = of_exchanges(log_kind(text), exchanges, whole=whole)
    return pasted if pasted.understood else None


def with_request(pasted: Pasted, exchanges: list[Exchange]) -> Pasted:
    """What was read with the method, the URL and the status of the one exchange around it."""
    if len(exchanges) != 1 or len(pasted.calls) != 1:
        return pasted
    call, known = pasted.calls[0], read_call(exchanges[0])
    call = replace(
        call,
        method=call.method or known.method,
        url=call.url or known.url,
        status=known.status if call.status is None else call.status,
    )
    return replace(pasted, calls=(call,))


def header_paste(text: str) -> Pasted | None:
    """Header lines, or a challenge without its name."""
    stripped = text.strip()
    if CHALLENGE.match(stripped) and "\n" not in stripped and ":" not in stripped.split(" ")[0]:
        text = f"WWW-Authenticate: {stripped}"
    found = header_lines(text.strip("\n"))
    if found is None:
        return None
    lone = len(found.request_headers) + len(found.response_headers) == 1
    return of_exchanges("a header line" if lone else "a set of header lines", [found])


def words_paste(text: str) -> Pasted | None:
    """What a server says of its refusal, as people write it down."""
    said = known_words(text)
    if said is None:
        return None
    error, description = said
    challenges = read_challenges(text[:16_000]) if "=" in text else None
    call = Call(error=error, description=description, challenges=challenges or None)
    return Pasted(kind="a server's error text", calls=(call,))


def _with_article(kind: str) -> str:
    kind = kind.strip().replace("PRIVATE", "private").replace("PUBLIC", "public")
    kind = kind.replace("KEY", "key").replace("CERTIFICATE", "certificate")
    return f"{'an' if kind[:1] in 'AEIOU' else 'a'} {kind}"


def pem_paste(text: str) -> Pasted:
    """A key in PEM, private or not."""
    kinds = dict.fromkeys(PEM.findall(text))
    kind = f"a PEM file with {' and '.join(map(_with_article, kinds))}"[:200]
    try:
        return Pasted(kind=kind, jwks=(load_key(text[text.index("-----BEGIN") :]).public_jwk(),))
    except KeyUnusable as error:
        return Pasted(kind=kind, remarks=(f"No key pair: {error.problem}.",))
