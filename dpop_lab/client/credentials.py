"""How a client says at the token endpoint who it is (RFC 6749 section 2.3, RFC 7523)."""

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from dpop_lab.errors import SettingsError
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.jose.shared_secret import mac_compact

Credentials = tuple[dict[str, str], dict[str, str]]
Authentication = Callable[[int], Credentials]
"""From the time, in seconds since 1970, to the headers and the form parameters to send."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60
CLIENT_AUTH: Final[Mapping[str, str]] = {  # what each way takes; the first that fits is the usual
    "client_secret_post": "client_secret",
    "client_secret_basic": "client_secret",
    "client_secret_jwt": "client_secret",
    "private_key_jwt": "client_key",
    "none": "",
}


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
    """The same assertion under the client's secret, with HS256 (OpenID Connect Core section 9).

    The secret itself is not sent.
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


def fitting(
    client_auth: str | None,
    *,
    client_secret: str | None,
    client_key: PrivateKey | None,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """The way of authentication that was named, or the one that fits what was given.

    Of the ways in `CLIENT_AUTH` that take what was given it is the first that the server's metadata
    lists; metadata that lists none at all mean client_secret_basic (RFC 8414 section 2). Where
    there are no metadata, or they list no way that fits, it is the first. Raises `SettingsError`
    when secret and key are both given, or do not fit the way that was named.
    """
    members = {"client_secret": client_secret, "client_key": client_key}
    given = " and ".join(name for name, value in members.items() if value is not None)
    ways = [way for way, takes in CLIENT_AUTH.items() if takes == given]
    if not ways or client_auth not in (None, *ways):
        # what is no way may be a secret in the wrong place: it is not repeated
        known = client_auth in tuple(CLIENT_AUTH)
        named = f"{client_auth if known else 'another'} with " if client_auth is not None else ""
        wanted = ", ".join(f"{way} with {takes}" for way, takes in CLIENT_AUTH.items() if takes)
        found = named + (given or "neither")
        wanted += " alone, or none with neither"
        raise SettingsError("client_auth does not fit what is given", wanted=wanted, found=found)
    if client_auth is not None:
        return client_auth
    listed = (metadata or {}).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    taken = listed if metadata and isinstance(listed, list) else []
    return next((way for way in ways if way in taken), ways[0])


def choose(
    way: str,
    client_id: str,
    *,
    client_secret: str | None,
    client_key: PrivateKey | None,
    client_key_id: str | None,
    audience: str,
) -> Authentication:
    """The credentials for a way that `fitting` has found to fit."""
    match way, client_secret, client_key:
        case "private_key_jwt", _, PrivateKey():
            return private_key_jwt(client_id, client_key, audience=audience, key_id=client_key_id)
        case "client_secret_jwt", str(), _:
            return client_secret_jwt(client_id, client_secret, audience=audience)
        case "client_secret_post", str(), _:
            return client_secret_post(client_id, client_secret)
        case "client_secret_basic", str(), _:
            return client_secret_basic(client_id, client_secret)
    return no_authentication(client_id)
