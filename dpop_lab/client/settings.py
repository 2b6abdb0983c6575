"""Who the client is, checked as it is made, and how it says so (RFC 6749 section 2.3)."""

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final
from urllib.parse import SplitResult, quote_plus, urlsplit

from dpop_lab.errors import SettingsError
from dpop_lab.jose.jws import mac_compact, sign_compact
from dpop_lab.jose.keys import PrivateKey

CLIENT_AUTH: Final[Mapping[str, str]] = {  # what each way takes; the first that fits is the usual
    "client_secret_post": "client_secret",
    "client_secret_basic": "client_secret",
    "client_secret_jwt": "client_secret",
    "private_key_jwt": "client_key",
    "none": "",
}
MOST_METADATA = 1_000_000  # octets, decoded, that are read of what a server says of itself
SERVERS, CREDENTIALS = ("issuer", "token_endpoint"), ("client_secret", "client_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who the client is, where it gets tokens, for what, and what it calls; no secret is shown.

    Raises `SettingsError`, which names members but never repeats a value, for a member of another
    type and for members that do not go together.
    """

    client_id: str
    #: The server: its issuer, or its token endpoint alone.
    issuer: str | None = None
    token_endpoint: str | None = None
    scope: str | None = None
    #: The URL of a protected resource.
    api: str | None = None
    #: A way in `CLIENT_AUTH`; None is the one that fits.
    client_auth: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    #: What private_key_jwt signs with, and its kid.
    client_key: PrivateKey | None = None
    client_key_id: str | None = None
    #: The audience of an assertion; None is the token endpoint.
    assertion_audience: str | None = None

    def __post_init__(self) -> None:
        for name, value in {"client_id": self.client_id, **members(self)}.items():
            check_member(name, value)
        if (servers := self._given(SERVERS)) not in SERVERS:
            wanted, found = "token_endpoint or issuer", servers or "neither"
            raise SettingsError("The server is not clear", wanted=wanted, found=found)
        for name in (*SERVERS, "api"):
            if (url := getattr(self, name)) is not None:
                check_url(name, url)
        self.ways()

    def _given(self, names: tuple[str, ...]) -> str:
        return " and ".join(name for name in names if getattr(self, name) is not None)

    def ways(self) -> list[str]:
        """The ways of client authentication for what is given; only `client_auth` where it is set.

        Raises `SettingsError` when secret and key are both given, or do not fit that way.
        """
        given, named = self._given(CREDENTIALS), self.client_auth
        ways = [way for way, takes in CLIENT_AUTH.items() if takes == given]
        if ways and named is None:
            return ways
        if named is not None and named in ways:
            return [named]
        # what is no way may be a secret in the wrong place: it is not repeated
        told = "" if named is None else f"{named if named in CLIENT_AUTH else 'another'} with "
        wanted = ", ".join(f"{way} with {takes}" for way, takes in CLIENT_AUTH.items() if takes)
        wanted, found = f"{wanted} alone, or none with neither", told + (given or "neither")
        raise SettingsError("client_auth does not fit what is given", wanted=wanted, found=found)


NAMES = tuple(one.name for one in fields(Settings))


def members(settings: Settings) -> dict[str, Any]:
    """The members that are set, as `read_settings` takes them; the secrets among them."""
    values = {name: getattr(settings, name) for name in NAMES}
    return {name: value for name, value in values.items() if value is not None}


def settled(settings: Settings, metadata: Mapping[str, Any]) -> Settings:
    """The settings with what they leave to the server: its token endpoint, and `client_auth`.

    Of the ways that fit it is the first that the metadata list; metadata that list none at all mean
    client_secret_basic (RFC 8414 section 2). Where they list no way that fits, or are empty, since
    the token endpoint was given, it is the first.
    """
    ways = settings.ways()
    listed = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    taken = listed if metadata and isinstance(listed, list) else ways
    way = next((way for way in ways if way in taken), ways[0])
    endpoint = settings.token_endpoint or metadata["token_endpoint"]
    return replace(settings, issuer=None, token_endpoint=endpoint, client_auth=way)


def http_parts(url: str) -> SplitResult | None:
    """The parts of an http or https URL with a host and a port that can be; None for other text."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of the port, for one, which is read only now
        return None
    return parts if good else None


def check_url(name: str, url: str) -> None:
    """Raise `SettingsError` unless the text is an absolute http or https URL.

    It may have neither fragment nor user and password, which would be shown with it.
    """
    parts = http_parts(url)
    if parts is None or parts.fragment or re.search(r"[\s\0-\x1f\x7f]", url):
        raise SettingsError(f"{name} is no URL", wanted="http(s)://…, without fragment")
    if "@" in parts.netloc:
        wanted, advice = "https://host/…", "Name and secret are given as client_id, client_secret."
        raise SettingsError(f"{name} holds a user", wanted=wanted, advice=advice)


def check_member(name: str, value: object) -> None:
    """Raise `SettingsError` unless it is text that can be sent, or a key for client_key."""
    if name == "client_key" and isinstance(value, PrivateKey):
        return
    if not isinstance(value, str):
        kind = "number" if type(value) in (int, float) else type(value).__name__
        raise SettingsError(f"{name} has the wrong type", wanted="a string", found=kind)
    if not value:
        raise SettingsError(f"{name} is empty", wanted="a string with characters")
    if re.search("[\ud800-\udfff]", value):  # it can't be sent (RFC 6749 appendix B)
        advice = "It may come from a file or a terminal in another encoding."
        raise SettingsError(f"{name} is no text", wanted="UTF-8", advice=advice)


Credentials = tuple[dict[str, str], dict[str, str]]
Authentication = Callable[[int], Credentials]
"""From the time, in seconds since 1970, to the headers and the form parameters to send."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60


def basic(client_id: str, client_secret: str) -> str:
    """Name and secret as HTTP Basic, each form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode("ascii")
    return "Basic " + base64.b64encode(pair).decode("ascii")


def private_key_jwt(
    client_id: str, key: PrivateKey, *, audience: str, key_id: str | None = None
) -> Authentication:
    """An assertion signed with the client's own key (not the proof's), new for each request.

    It lives 60 seconds and has its own `jti`; `key_id` becomes `kid` (RFC 7523 section 3).
    """
    header = {"alg": key.alg, "typ": "JWT"} | ({} if key_id is None else {"kid": key_id})
    return _assertion(client_id, audience, lambda claims: sign_compact(header, claims, key))


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
    """The credentials of a client whose way and token endpoint are `settled`.

    client_secret_jwt is an assertion under the client's secret, which itself is not sent, with
    HS256 (OpenID Connect Core section 9).
    """
    name, secret = client.client_id, client.client_secret or ""
    audience = client.assertion_audience or str(client.token_endpoint)
    if client.client_key is not None:
        return private_key_jwt(
            name, client.client_key, audience=audience, key_id=client.client_key_id
        )
    match client.client_auth:
        case "client_secret_jwt":
            header = {"alg": "HS256", "typ": "JWT"}
            return _assertion(
                name, audience, lambda claims: mac_compact(header, claims, secret.encode())
            )
        case "client_secret_post":
            return lambda now: ({}, {"client_id": name, "client_secret": secret})
        case "client_secret_basic":
            return lambda now: ({"Authorization": basic(name, secret)}, {})
    return lambda now: ({}, {"client_id": name})
