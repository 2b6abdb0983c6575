"""demo.duendesoftware.com as data, first part: its clients, scopes, APIs and discovery document."""

from collections.abc import Callable, Mapping
from typing import Any

from dpop_lab.server.authorization_server import ApiResource, Client, Registry

BASE_URL = "https://demo.duendesoftware.com"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
CODE_AND_CC = ("authorization_code", "client_credentials")
CODE = ("authorization_code",)
SECRET = "secret"  # noqa: S105  published with the demo


def _clients() -> tuple[Client, ...]:
    plain = [
        Client(client_id="m2m", secret=SECRET),
        Client(client_id="m2m.jwt", uses_key=True),
        Client(client_id="m2m.dpop", secret=SECRET, requires_dpop=True),
        Client(client_id="m2m.dpop.nonce", secret=SECRET, requires_dpop=True, requires_nonce=True),
        Client(client_id="m2m.short", secret=SECRET, lifetime=75),
        Client(client_id="m2m.short.jwt", uses_key=True, lifetime=75),
        Client(
            client_id="interactive.confidential.jwt.dpop", uses_key=True, grants=CODE_AND_CC,
            lifetime=75, requires_dpop=True, requires_nonce=True,
        ),
        Client(client_id="native.dpop", grants=CODE, requires_dpop=True, requires_nonce=True),
        Client(client_id="interactive.public", grants=CODE),
        Client(client_id="interactive.public.short", grants=CODE, lifetime=75),
        Client(client_id="device", grants=("urn:ietf:params:oauth:grant-type:device_code",)),
        Client(client_id="interactive.implicit", grants=("implicit",)),
        Client(client_id="login", grants=("implicit",)),
    ]  # fmt: skip
    for suffix in ("", ".jwt", ".jar.jwt", ".nopkce", ".hybrid"):
        key = suffix.endswith("jwt")
        name = f"interactive.confidential{suffix}"
        plain.append(_interactive(name, key=key, lifetime=3600))
    for suffix in (".short", ".short.jwt", ".short.jar.jwt"):
        name = f"interactive.confidential{suffix}"
        plain.append(_interactive(name, key=suffix.endswith("jwt"), lifetime=75))
    return tuple(plain)


def _interactive(name: str, *, key: bool, lifetime: int) -> Client:
    secret = None if key else SECRET
    return Client(
        client_id=name, secret=secret, uses_key=key, grants=CODE_AND_CC, lifetime=lifetime
    )


APIS = (
    ApiResource("api", ("api",)),
    ApiResource("urn:resource1", ("resource1.scope1", "resource1.scope2", "shared.scope")),
    ApiResource("urn:resource2", ("resource2.scope1", "resource2.scope2", "shared.scope")),
    ApiResource(
        "urn:resource3", ("resource3.scope1", "resource3.scope2", "shared.scope"), isolated=True
    ),
)
SCOPES = (
    "api",
    *(f"resource{api}.scope{scope}" for api in (1, 2, 3) for scope in (1, 2)),
    "scope3", "scope4", "shared.scope", "transaction",
)  # fmt: skip
GRANTS = (
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
)


def registry(client_key: Callable[[], Mapping[str, Any]]) -> Registry:
    """The demo's clients and APIs; `client_key` gives the public JWK of its `*.jwt` clients."""
    clients = {client.client_id: client for client in _clients()}
    return Registry(clients=clients, apis=APIS, scopes=SCOPES, grants=GRANTS, client_key=client_key)


def metadata(base: str) -> dict[str, Any]:
    """The discovery document, members in the order the demo has them."""
    auth_methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    algorithms = list(ALGORITHMS)

    def endpoint(name: str) -> dict[str, Any]:
        return {
            f"{name}_endpoint_auth_methods_supported": auth_methods,
            f"{name}_endpoint_auth_signing_alg_values_supported": algorithms,
        }

    logout = (
        f"{end}channel_logout{kind}" for end in ("front", "back") for kind in ("", "_session")
    )
    return {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        **{name: f"{base}/connect/{path}" for name, path in ENDPOINTS.items()},
        "require_pushed_authorization_requests": False,
        **{f"{name}_supported": True for name in logout},
        "scopes_supported": ["openid", "profile", "email", *SCOPES, "offline_access"],
        "claims_supported": CLAIMS.split(),
        "grant_types_supported": [
            "authorization_code", "client_credentials", "refresh_token", "implicit", "password",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
        ],
        "response_types_supported": [
            "code", "token", "id_token", "id_token token", "code id_token", "code token",
            "code id_token token",
        ],
        "response_modes_supported": ["form_post", "query", "fragment"],
        **endpoint("token"),
        **endpoint("revocation"),
        **endpoint("introspection"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "userinfo_signing_alg_values_supported": ["RS256"],
        "introspection_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": algorithms,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": True,
        "backchannel_authentication_request_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
    }  # fmt: skip


ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "userinfo_endpoint": "userinfo",
    "end_session_endpoint": "endsession",
    "check_session_iframe": "checksession",
    "revocation_endpoint": "revocation",
    "introspection_endpoint": "introspect",
    "device_authorization_endpoint": "deviceauthorization",
    "backchannel_authentication_endpoint": "ciba",
    "pushed_authorization_request_endpoint": "par",
}
CLAIMS = (
    "sub name family_name given_name middle_name nickname preferred_username profile picture "
    "website gender birthdate zoneinfo locale updated_at email email_verified"
)
