"""demo.duendesoftware.com as data: who is registered there, for what, and the JSON it can read."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from dpop_lab.show.values import mapped

BASE_URL = "https://demo.duendesoftware.com"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SECRET = "secret"  # noqa: S105  published with the demo
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CODE = ("authorization_code",)
CODE_AND_CC = (*CODE, CLIENT_CREDENTIALS)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client; without a secret and a key it is a public one."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    grants: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    lifetime: int = 3600  #: of its access tokens, in seconds
    uses_key: bool = False
    requires_dpop: bool = False
    requires_nonce: bool = False

    @property
    def is_public(self) -> bool:
        """Has it nothing to authenticate with (RFC 6749 section 2.1)?"""
        return self.secret is None and not self.uses_key


def _interactive(name: str) -> Client:
    """A confidential client that may ask for tokens of its own, too."""
    uses_key, lifetime = name.endswith("jwt"), 75 if name.startswith("short") else 3600
    client_id = f"interactive.confidential.{name}".rstrip(".")
    return Client(client_id, None if uses_key else SECRET, CODE_AND_CC, lifetime, uses_key)


_CLIENTS = (
    Client("m2m", SECRET),
    Client("m2m.jwt", uses_key=True),
    Client("m2m.dpop", SECRET, requires_dpop=True),
    Client("m2m.dpop.nonce", SECRET, requires_dpop=True, requires_nonce=True),
    Client("m2m.short", SECRET, lifetime=75),
    Client("m2m.short.jwt", uses_key=True, lifetime=75),
    Client(
        "interactive.confidential.jwt.dpop", None, CODE_AND_CC, 75, True,
        requires_dpop=True, requires_nonce=True,
    ),
    Client("native.dpop", None, CODE, requires_dpop=True, requires_nonce=True),
    Client("interactive.public", None, CODE),
    Client("interactive.public.short", None, CODE, 75),
    Client("device", None, (DEVICE_CODE,)),
    Client("interactive.implicit", None, ("implicit",)),
    Client("login", None, ("implicit",)),
    *map(_interactive, ("", "jwt", "jar.jwt", "nopkce", "hybrid")),
    *map(_interactive, ("short", "short.jwt", "short.jar.jwt")),
)  # fmt: skip
CLIENTS = {client.client_id: client for client in _CLIENTS}
APIS = {  # by audience, with their scopes
    "api": ("api",),
    "urn:resource1": ("resource1.scope1", "resource1.scope2", "shared.scope"),
    "urn:resource2": ("resource2.scope1", "resource2.scope2", "shared.scope"),
    "urn:resource3": ("resource3.scope1", "resource3.scope2", "shared.scope"),
}
ISOLATED = frozenset({"urn:resource3"})  # an audience only when asked for
SCOPES = (
    "api",
    *(f"resource{api}.scope{scope}" for api in (1, 2, 3) for scope in (1, 2)),
    "scope3", "scope4", "shared.scope", "transaction",
)  # fmt: skip
IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")
ENDPOINTS = {  # in metadata, and their paths under /connect
    "authorization": "authorize",
    "token": "token",
    "userinfo": "userinfo",
    "introspection": "introspect",
    "revocation": "revocation",
    "pushed_authorization_request": "par",
}
GRANTS = (
    *CODE_AND_CC, "refresh_token", "password", DEVICE_CODE, "urn:openid:params:grant-type:ciba",
)  # fmt: skip
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
LONGEST_PROOF = 4000  # characters, at the token endpoint
# what its reader of JWTs does not read: these deviations, and members of other JSON types than
# these, where arrays are of texts
REFUSED_FORMS = (
    "white_space", "foreign_alphabet", "impossible_length", "byte_order_mark", "not_a_number"
)  # fmt: skip
TEXT = (str, NoneType)
HEADER_TYPES = dict.fromkeys(("typ", "alg", "kid", "x5t", "cty", "zip"), TEXT)
CLAIM_TYPES = {**dict.fromkeys(("jti", "iss", "azp"), TEXT), "sub": (*TEXT, int, float)}
JWK_TYPES = {
    **dict.fromkeys((
        "kty", "crv", "x", "y", "e", "n", "d", "dp", "dq", "p", "q", "qi", "k",
        "kid", "alg", "use", "x5t", "x5t#S256", "x5u",
    ), TEXT),
    "key_ops": (list,), "x5c": (list, NoneType), "oth": (list, *TEXT),
}  # fmt: skip
JWK_NAMES = {name.lower(): name for name in JWK_TYPES}
PRIVATE = {"EC": ("d",), "RSA": ("d", "dp", "dq", "p", "q", "qi")}
HASHED = {"EC": ("crv", "x", "y"), "RSA": ("e", "n"), "oct": ("k",)}


def metadata(base: str) -> dict[str, Any]:
    """Its discovery document, as it would be at another base URL."""
    text = Path(__file__).with_name("duende_metadata.json").read_text("utf-8")
    told: dict[str, Any] = mapped(json.loads(text), lambda one: one.replace(BASE_URL, base))
    return told


def strict_metadata(
    base: str, scopes: tuple[str, ...], algorithms: tuple[str, ...]
) -> dict[str, Any]:
    """What a strict server at that URL says of itself (RFC 8414 section 2)."""
    return {
        "issuer": base,
        **{f"{name}_endpoint": f"{base}/connect/{path}" for name, path in ENDPOINTS.items()},
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        "scopes_supported": (*IDENTITY_SCOPES, *scopes),
        "response_types_supported": ("code",),
        "response_modes_supported": ("query", "fragment", "form_post"),
        "grant_types_supported": (*CODE_AND_CC, "refresh_token"),
        "token_endpoint_auth_methods_supported": (*AUTH_METHODS, "none"),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "subject_types_supported": ("public",),
        "id_token_signing_alg_values_supported": ("RS256",),
        "code_challenge_methods_supported": ("S256",),
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": algorithms,
    }
