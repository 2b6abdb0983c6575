"""How a client says at the token endpoint who it is (RFC 6749 section 2.3, RFC 7523)."""

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from dpop_lab.client.settings import Settings
from dpop_lab.jose.jws import mac_compact, sign_compact
from dpop_lab.jose.keys import PrivateKey

Credentials = tuple[dict[str, str], dict[str, str]]
Authentication = Callable[[int], Credentials]
"""From the time, in seconds since 1970, to the headers and the form parameters to send."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60


def no_authentication(client_id: str) -> Authentication:
    """A public client: its name alone (`none`)."""
    return lambda now: ({}, {"client_id": client_id})


def client_secret_post(client_id: str, client_secret: str) -> Authentication:
    """Name and secret as form parameters."""
    return lambda now: ({}, {"client_id": client_id, "client_secret": client_secret})


def client_secret_basic(client_id: str, client_secret: str) -> Authentication:
    """Name and secret as HTTP Basic, each form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode("ascii")
    header = {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    return lambda now: (dict(header), {})


def private_key_jwt(
    client_id: str, key: PrivateKey, *, audience: str, key_id: str | None = None
) -> Authentication:
    """An assertion signed with the client's own key (not the proof's), new for each request.

    It lives 60 seconds and has its own `jti`; `key_id` becomes `kid` (RFC 7523 section 3).
    """
    header = {"alg": key.alg, "typ": "JWT"} | ({} if key_id is None else {"kid": key_id})
    return _assertion(client_id, audience, lambda claims: sign_compact(header, claims, key))


def client_secret_jwt(client_id: str, client_secret: str, *, audience: str) -> Authentication:
    """An assertion under the client's secret, with HS256 (OpenID Connect Core section 9).

    It says what that of `private_key_jwt` says; the secret itself is not sent.
    """
    header, secret = {"alg": "HS256", "typ": "JWT"}, client_secret.encode()
    return _assertion(client_id, audience, lambda claims: mac_compact(header, claims, secret))


def _assertion(
    client_id: str, audience: str, signed: Callable[[Mapping[str, Any]], str]
) -> Authentication:
    def credentials(now: int) -> Credentials:
        claims = {"iss": client_id, "sub": client_id, "aud": audience}
        times = {"jti": secrets.token_urlsafe(16), "iat": now, "exp": now + ASSERTION_LIFE}
        return {}, {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed(claims | times),
        }

    return credentials


def authentication(client: Settings) -> Authentication:
    """The credentials of a client whose way and token endpoint are `settled`."""
    name, endpoint = client.client_id, str(client.token_endpoint)
    audience = client.assertion_audience or endpoint
    match client.client_auth, client.client_secret, client.client_key:
        case "private_key_jwt", _, PrivateKey() as key:
            return private_key_jwt(name, key, audience=audience, key_id=client.client_key_id)
        case "client_secret_jwt", str(secret), _:
            return client_secret_jwt(name, secret, audience=audience)
        case "client_secret_post", str(secret), _:
            return client_secret_post(name, secret)
        case "client_secret_basic", str(secret), _:
            return client_secret_basic(name, secret)
    return no_authentication(name)
