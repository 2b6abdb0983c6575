"""From a draft, whose texts can be looked at and edited, to the request that carries it out."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from urllib3 import HTTPHeaderDict

from dpop_lab.client.credentials import (
    Credentials,
    client_secret_basic,
    client_secret_post,
    private_key_jwt,
)
from dpop_lab.errors import LabError
from dpop_lab.lab.catalogue.change import BASIC, PLACES, Change, Place
from dpop_lab.lab.catalogue.token_requests import Form
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.server.duende_site import SECRET


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft:
    """A proof before it is signed, as text to edit, and what it is going to be sent with."""

    change: Change
    #: The name of the place it is going to.
    to: str
    #: The JSON texts to sign.
    header: str
    claims: str
    #: The two texts that an honest client would sign at this moment.
    honest: tuple[str, str]
    #: The two texts that the change makes of them.
    proposed: tuple[str, str]
    #: As in `Edit`.
    signed_by: str
    sign_again: bool
    #: Those of the honest proof.
    jti: str
    iat: int
    #: The one that the proof goes with, empty at the token endpoint.
    access_token: str = field(default="", repr=False)

    @property
    def place(self) -> Place:
        """Where it is going to."""
        return PLACES[self.to]


def url_of(place: Place, lab: ClientSide) -> str:
    """Where a place is in this lab. Raises `LabError` when it has no such place."""
    if place.client_id:
        return lab.token_endpoint
    return lab.plain_api if place.scheme == "Bearer" else lab.api


def prepared(draft: Draft, proof: str, lab: ClientSide) -> requests.PreparedRequest:
    """The request with this proof, ready for a session to send, its header lines in order."""
    change, place = draft.change, draft.place
    url = url_of(place, lab)
    lines = [(name, str(value)) for name, value in lab.session.headers.items()]
    body, form = None, Form()
    if place.client_id:
        headers, form = token_request(change, lab, place)
        body = urlencode(change.form(form) if change.form else form)
        lines += [("Content-Type", change.content_type), *headers.items()]
    else:
        authorization = change.authorization or (lambda token: (f"{place.scheme} {token}",))
        lines += [("Authorization", line) for line in authorization(draft.access_token)]
    usual = (proof,) if place.scheme != "Bearer" else ()
    proofs = change.proofs(proof) if change.proofs else usual
    lines += [("DPoP", line) for line in proofs]
    lines += [(name, header_value(value, form)) for name, value in change.fields]
    request = requests.Request(
        change.method or place.method, change.url(url) if change.url else url, data=body
    ).prepare()
    length = [("Content-Length", str(len(body)))] if body else []
    request.headers = HTTPHeaderDict([*lines, *length])  # type: ignore[assignment]
    return request


def with_other_proof(
    request: requests.PreparedRequest, old: str, new: str
) -> requests.PreparedRequest:
    """A copy of a request, to the letter, but for the proof in it."""
    other = request.copy()
    lines = [(name, value.replace(old, new)) for name, value in request.headers.items()]
    other.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return other


def token_request(change: Change, lab: ClientSide, place: Place) -> tuple[dict[str, str], Form]:
    """The credentials in the headers, and the pairs of the form, of an honest token request."""
    headers, said = _credentials(change.client_id or place.client_id, lab)
    scope = {"scope": lab.client.scope} if lab.client.scope else {}
    return headers, [("grant_type", "client_credentials"), *said.items(), *scope.items()]


def _credentials(client_id: str, lab: ClientSide) -> Credentials:
    """How one of the demo's clients says who it is, or the one client we are elsewhere."""
    now = lab.clock.now()
    if not lab.world.is_demo:
        return lab.credentials()
    if not client_id.endswith(".jwt"):
        return client_secret_post(client_id, SECRET)(now)
    key, kid = lab.client_key, lab.client_key_id
    return private_key_jwt(client_id, key, audience=lab.token_endpoint, key_id=kid)(now)


def header_value(value: object, form: Form) -> str:
    """The value of a header line, with the credentials of the form where they are to stand.

    Raises `LabError` when there is no secret in the form.
    """
    if value is not BASIC:
        return str(value)
    said = dict(form)
    if "client_secret" not in said:
        raise LabError("This client does not send its secret")
    return client_secret_basic(said["client_id"], said["client_secret"])(0)[0]["Authorization"]
