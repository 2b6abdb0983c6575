"""From a draft to the bytes: texts signed as a change says, and the request around them."""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import requests
from urllib3 import HTTPHeaderDict

from dpop_lab.client.settings import basic
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import COMPACT, base64url_encode, compact_json
from dpop_lab.jose.jws import HASHES
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.catalogue.change import Change, Edit, Form, edited
from dpop_lab.lab.catalogue.places import Place
from dpop_lab.lab.draft import Draft, members_of
from dpop_lab.lab.world import World

MEDIA_TYPE = "application/x-www-form-urlencoded"


def _text(value: object) -> str:
    """A JSON value as the text that is signed. Raises `LabError` for what JSON can't write."""
    try:
        return COMPACT.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        wanted = "text, numbers, true, false, None, lists and dicts of these"
        raise LabError("No JSON can be made of it", wanted=wanted, found=str(error)) from None


def written(
    edit: Edit, header: Mapping[str, Any], claims: Mapping[str, Any], *, now: int
) -> tuple[str, str]:
    """Header and claims after an edit, as the texts that are signed, in its spelling.

    Raises `LabError` for what JSON can't write.
    """
    if edit.jwk:
        header = {**header, "jwk": edited(header["jwk"], edit.jwk, now=now)}
    header_text = _text(edited(header, edit.header, now=now))
    claims_text = _text(edited(claims, edit.claims, now=now))
    return edit.spelt("header_text", header_text), edit.spelt("claims_text", claims_text)


def forged(header: str, claims: str, edit: Edit, key: PrivateKey, *, kept: bytes = b"") -> str:
    """Two texts as a compact JWS in the spelling of an edit, signed as it says with this key.

    `kept` is the honest signature, for an edit after which nobody signs again.
    """
    parts = [
        edit.spelt(name, base64url_encode(text.encode("utf-8", "surrogatepass")))
        for name, text in (("header", header), ("claims", claims))
    ]
    signing_input = ".".join(parts)
    if not edit.sign_again:
        signature = kept
    elif edit.signed_by == "nobody":
        signature = b""
    else:
        signature = _signature(signing_input.encode("utf-8", "replace"), header, key)
    last = base64url_encode(edit.spelt("signature", signature))
    return str(edit.spelt("whole", f"{signing_input}.{last}"))


def _signature(octets: bytes, header: str, key: PrivateKey) -> bytes:
    """A signature in the way the header names, where the key can, else in the key's own way.

    For `none` it is empty; HMAC takes what everybody knows for its secret: the public key.
    """
    alg = members_of(header).get("alg")
    if not isinstance(alg, str):
        return key.sign(octets)
    if alg.lower() == "none":
        return b""
    if alg in HASHES:
        return hmac.digest(compact_json(key.public_jwk()), octets, HASHES[alg])
    try:
        return key.sign_as(octets, alg)
    except ValueError:
        return key.sign(octets)


def url_of(place: Place, lab: World) -> str:
    """Where a place is in this lab. Raises `LabError` when it has no such place."""
    if place.client_id:
        return lab.token_endpoint
    return lab.plain_api if place.scheme == "Bearer" else lab.api


def prepared(draft: Draft, proof: str, lab: World) -> requests.PreparedRequest:
    """The request with this proof, ready for a session to send, its header lines in order."""
    change, place = draft.change, draft.place
    url = url_of(place, lab)
    lines = [(name, str(value)) for name, value in lab.session.headers.items()]
    body, form = None, Form()
    if place.client_id:
        headers, form = token_request(change, lab, place)
        body = urlencode(change.form(form) if change.form else form)
        lines += [("Content-Type", change.content_type or MEDIA_TYPE), *headers.items()]
    else:
        authorization = change.authorization or (lambda token: (f"{place.scheme} {token}",))
        lines += [("Authorization", line) for line in authorization(draft.access_token)]
    usual = (proof,) if place.scheme != "Bearer" else ()
    proofs = change.proofs(proof) if change.proofs else usual
    lines += [("DPoP", line) for line in proofs]
    if change.basic:
        lines.append(("Authorization", _basic(form)))
    if body:
        lines.append(("Content-Length", str(len(body))))
    url = change.url(url) if change.url else url
    return with_lines(change.method or place.method, url, lines, body)


def with_lines(
    method: str, url: str, lines: list[tuple[str, str]], body: str | None = None
) -> requests.PreparedRequest:
    """A request with these header lines as they are, in their order, several of one name apart."""
    request = requests.Request(method, url, data=body).prepare()
    request.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return request


def with_other_proof(
    request: requests.PreparedRequest, old: str, new: str
) -> requests.PreparedRequest:
    """A copy of a request, to the letter, but for the proof in it."""
    other = request.copy()
    lines = [(name, value.replace(old, new)) for name, value in request.headers.items()]
    other.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return other


def token_request(change: Change, lab: World, place: Place) -> tuple[dict[str, str], Form]:
    """The credentials in the headers, and the pairs of the form, of an honest token request."""
    client_id = change.client_id or place.client_id
    headers, said = lab.credentials(client_id if lab.is_demo else None)
    scope = {"scope": lab.client.scope} if lab.client.scope else {}
    return headers, [("grant_type", "client_credentials"), *said.items(), *scope.items()]


def _basic(form: Form) -> str:
    """The credentials of a form as HTTP Basic. Raises `LabError` when there is no secret in it."""
    said = dict(form)
    if "client_secret" not in said:
        raise LabError("This client does not send its secret")
    return basic(said["client_id"], said["client_secret"])
