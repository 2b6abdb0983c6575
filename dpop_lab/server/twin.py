"""Both servers under one base URL: the offline twin, made of a policy and the demo's registry."""

import secrets
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from threading import Lock
from typing import Any

from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.server.access_token import SigningKey, new_signing_key
from dpop_lab.server.authorization_server import AuthorizationServer
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL, registry
from dpop_lab.server.http import Server, site
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.server.state import Clock, UsedProofs
from dpop_lab.wire.message import Request, Response


class Twin:
    """The authorization server and the resource server of one site, as `Request -> Response`.

    `client_key` is the RSA key of the `*.jwt` clients, made when first wanted if none is given;
    `client_jwk`, a public JWK, will do instead. `signing_key` signs access tokens. With
    `every_row` all rows are asked of a request, though the first failure decides.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        policy: Policy = DUENDE,
        api_nonce: bool = False,
        clock: Clock | None = None,
        client_key: PrivateKey | None = None,
        client_jwk: Mapping[str, Any] | None = None,
        signing_key: SigningKey | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        every_row: bool = False,
    ) -> None:
        self.base_url, self.policy = base_url.rstrip("/"), policy
        self.clock = clock or Clock()
        self._client_key = _ClientKey(client_key, client_jwk)
        kid = random(16).hex().upper()
        self.signing_key = signing_key or new_signing_key(self.base_url, kid=kid)
        self.authorization_server = AuthorizationServer(
            base_url=self.base_url,
            policy=policy,
            clock=self.clock,
            registry=registry(self._client_key.public),
            signing_key=self.signing_key,
            random=random,
            every_row=every_row,
        )
        self.resource_server = ResourceServer(
            base_url=self.base_url,
            policy=policy,
            clock=self.clock,
            issuer=self.base_url,
            keys=(self.signing_key.published,),
            api_nonce=api_nonce,
            every_row=every_row,
        )
        self._site = self._as_one()

    def _as_one(self) -> Server:
        return site(
            {**self.authorization_server.routes, **self.resource_server.routes},
            time=self.clock.time,
            headers=self.policy.site_headers,
            exposed=self.policy.cors_exposed,
        )

    @property
    def client_key(self) -> PrivateKey | None:
        """The private key of the `*.jwt` clients, None where only its public half was given."""
        return self._client_key.private()

    @property
    def client_key_id(self) -> str:
        """The `kid` of that key: its thumbprint."""
        return thumbprint(self._client_key.public())

    def under(self, policy: Policy, *, api_nonce: bool) -> "Twin":
        """The same servers, with their keys, clock, nonces and memory, under other rules."""
        other = copy(self)
        other.policy = policy
        ways: dict[str, Any] = {"policy": policy}
        other.authorization_server = replace(self.authorization_server, **ways)
        other.resource_server = replace(self.resource_server, api_nonce=api_nonce, **ways)
        other._site = other._as_one()
        return other

    def forget(self) -> None:
        """From now on remember proofs and assertions apart from the servers this came from."""
        self.authorization_server.used = UsedProofs()
        self.authorization_server.assertions = UsedProofs()
        self.resource_server.used = UsedProofs()

    def __call__(self, request: Request) -> Response:
        return self._site(request)

    def told(self, request: Request, response: Response) -> None:
        """Nothing: who wants to hear of requests at a port stands before the twin."""

    def spoke_tls(self, url: str) -> None:
        """Nothing, as well."""

    def __repr__(self) -> str:
        return f"<Twin of {self.base_url} under {self.policy.name}>"


class _ClientKey:
    """The key of the `*.jwt` clients; making an RSA key takes longer than all the rest."""

    def __init__(self, key: PrivateKey | None, jwk: Mapping[str, Any] | None) -> None:
        self._key, self._jwk, self._lock = key, jwk, Lock()

    def private(self) -> PrivateKey | None:
        """The private key, if it is known or to be made here."""
        with self._lock:
            if self._key is None and self._jwk is None:
                self._key = generate_key("RS256")
            return self._key

    def public(self) -> Mapping[str, Any]:
        """The public half as a JWK."""
        key = self.private()
        return self._jwk or ({} if key is None else key.public_jwk())
