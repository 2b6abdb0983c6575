"""How a client says at the token endpoint who it is (RFC 6749 section 2.3, RFC 7523)."""

import base64
import secrets
from collections.abc import Callable
from urllib.parse import quote_plus

from dpop_lab.errors import SettingsError
from dpop_lab.jose.jws import sign_compact
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

    def credentials(now: int) -> Credentials:
        claims = {"iss": client_id, "sub": client_id, "aud": audience}
        times = {"jti": secrets.token_urlsafe(16), "iat": now, "exp": now + ASSERTION_LIFE}
        assertion = sign_compact(header, claims | times, key)
        return {}, {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    return credentials


def choose(
    method: str | None,
    client_id: str,
    *,
    client_secret: str | None,
    client_key: PrivateKey | None,
    client_key_id: str | None,
    audience: str,
) -> Authentication:
    """The way named as in server metadata (RFC 8414), or the one that fits what was given.

    With a secret that is client_secret_post, with a key private_key_jwt, with neither none. Raises
    `SettingsError` when secret and key are both given, or do not fit the method.
    """
    fitting = "none" if client_secret is None else "client_secret_post"
    fitting = fitting if client_key is None else "private_key_jwt"
    match fitting if method is None else method, client_secret, client_key:
        case "private_key_jwt", None, PrivateKey():
            return private_key_jwt(client_id, client_key, audience=audience, key_id=client_key_id)
        case "client_secret_post", str(), None:
            return client_secret_post(client_id, client_secret)
        case "client_secret_basic", str(), None:
            return client_secret_basic(client_id, client_secret)
        case "none", None, None:
            return no_authentication(client_id)
    given = [n for n, v in (("a secret", client_secret), ("a key", client_key)) if v is not None]
    found = f"{str(method or fitting)[:40]!r} with {' and '.join(given) or 'neither'}"
    wanted = "client_secret_post or client_secret_basic with a secret, private_key_jwt with a key,"
    wanted += " or none with neither"
    raise SettingsError("Client authentication does not fit", wanted=wanted, found=found)
