"""An honest token request of whoever the client is in a world, before anything is changed in it."""

from dpop_lab.client.credentials import (
    Credentials,
    client_secret_basic,
    client_secret_post,
    private_key_jwt,
)
from dpop_lab.errors import LabError
from dpop_lab.lab.catalogue.change import BASIC, Change, Place
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.server.duende_site import SECRET

Form = list[tuple[str, str]]


def token_request(change: Change, world: ClientSide, place: Place) -> tuple[dict[str, str], Form]:
    """The credentials in the headers, and the pairs of the form, of an honest token request."""
    headers, said = _credentials(change.client_id or place.client_id, world)
    scope = {"scope": world.client.scope} if world.client.scope else {}
    return headers, [("grant_type", "client_credentials"), *said.items(), *scope.items()]


def _credentials(client_id: str, world: ClientSide) -> Credentials:
    """How one of the demo's clients says who it is, or the one client we are elsewhere."""
    now = world.clock.now()
    if world.kind == "another server":
        return world.credentials()
    if not client_id.endswith(".jwt"):
        return client_secret_post(client_id, SECRET)(now)
    key, kid = world.client_key, world.client_key_id
    return private_key_jwt(client_id, key, audience=world.token_endpoint, key_id=kid)(now)


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
