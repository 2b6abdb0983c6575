"""What a token request brings in its form and its Authorization header, and how it is refused."""

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote_plus

from dpop_lab.checking import Answer
from dpop_lab.jose.jws import read_jws
from dpop_lab.wire.message import Request
from dpop_lab.wire.url import DEFAULT_PORTS, normal_url

Form = Mapping[str, tuple[str, ...]]
# client, way (basic, form, assertion), and a secret or assertion: a public client has neither
Credentials = tuple[str, str, str | None]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """Control flow inside a server: this request ends here, with this answer."""

    def __init__(self, answer: Answer, *headers: tuple[str, str]) -> None:
        super().__init__(answer.error)
        self.answer, self.headers = answer, headers


def bad_request(error: str = "invalid_request", description: str | None = None) -> Refused:
    """The refusal of a request with 400 and this error (RFC 6749 section 5.2)."""
    return Refused(Answer(400, error, description))


def basic_pair(credentials: str) -> tuple[str, str] | None:
    """Client id and secret out of a Basic Authorization value; None when there are none in it.

    Both were form-encoded before they were joined (RFC 6749 section 2.3.1). What is no UTF-8 in
    them is replaced, as percent-encoding that is none: they are there, and no client's.
    """
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def asserted(form: Form) -> tuple[str, str] | None:
    """The client that an assertion is about, and the assertion, None without one in strict form.

    RFC 7523 section 3 says what is in it.
    """
    assertion = form["client_assertion"][0]
    jws = read_jws(assertion)
    subject = jws.claims.get("sub")
    kind = str(jws.header.get("typ", "JWT")).lower()
    good = kind in ("jwt", "client-authentication+jwt")  # RFC 8725 section 3.11
    good = good and form.get("client_assertion_type") == (JWT_BEARER,) and not jws.deviations
    return (subject, assertion) if good and isinstance(subject, str) else None


def read_form(request: Request) -> list[tuple[str, str]]:
    """The parameters in a form body, in order, blank ones too.

    Raises `Refused` with `invalid_request` for a body of another type, or of too many parameters.
    """
    media_type = "".join(request.lines("Content-Type")[:1]).partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise bad_request()
    try:
        text = request.body.decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1024)
    except ValueError:
        raise bad_request() from None


def collected(pairs: Iterable[tuple[str, str]]) -> Form:
    """Parameters with all their values, in order."""
    form: dict[str, tuple[str, ...]] = {}
    for name, given in pairs:
        form[name] = (*form.get(name, ()), given)
    return form


def parameters(request: Request) -> list[tuple[str, str]]:
    """The parameters in the URL, then those in a form body, if there is one."""
    try:
        return [*request.query, *read_form(request)]
    except Refused:
        return [*request.query]


def value(form: Form, name: str) -> str:
    """A parameter's text, empty when it is absent; several are joined by a comma."""
    return ",".join(form.get(name, ()))


def is_uri(text: str) -> bool:
    """Is it an absolute URI without a fragment (RFC 8707 section 2)?"""
    scheme = text.partition(":")[0].lower()
    if not re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme) or ":" not in text or "#" in text:
        return False
    return scheme not in DEFAULT_PORTS or normal_url(text) is not None
