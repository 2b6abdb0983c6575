"""The lab's client: at which server it gets its tokens, how it says who it is, what it calls."""

from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.credentials import Credentials, authentication
from dpop_lab.client.discovery import discover
from dpop_lab.client.settings import Settings, settled
from dpop_lab.client.token_source import Parameters
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.live import TOKEN_PATH
from dpop_lab.server.resource_server import BEARER_API, DPOP_API
from dpop_lab.server.state import Clock

Kind = Literal["the offline twin", "the live server", "another server"]


def demo_client(base_url: str) -> Settings:
    """The demo's client m2m.dpop, with the secret that is published with it."""
    return Settings(
        client_id="m2m.dpop",
        client_secret="secret",  # noqa: S106  published with the demo
        token_endpoint=base_url + TOKEN_PATH,
        scope="api",
        api=base_url + DPOP_API,
    )


class ClientSide:
    """The client half of a `World`: settings, endpoints and auth objects for its session."""

    kind: Kind
    client: Settings
    base_url: str
    session: requests.Session
    clock: Clock
    timeout: float
    json_only: set[str]

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the authorization server (RFC 8414), asked for when first needed.

        Raises `SettingsError` when it has none, or only the token endpoint is known; `Unreachable`.
        """
        issuer = self.client.issuer if self.kind == "another server" else self.base_url
        if issuer is None:
            raise SettingsError("The issuer is not known", wanted="issuer, not token_endpoint")
        found = discover(issuer, session=self.session, timeout=self.timeout)
        self.json_only.add(found["token_endpoint"])
        return found

    @property
    def token_endpoint(self) -> str:
        """Where an access token is asked for. Given the issuer, it is looked up in `metadata`."""
        endpoint: str = self.client.token_endpoint or self.metadata["token_endpoint"]
        return endpoint

    @property
    def api(self) -> str:
        """The API that wants a bound token and its proof. Raises `LabError` when none was given."""
        if self.client.api is None:
            advice = "Lab(issuer=…, api=URL), the member api, or DPOP_LAB_API."
            raise LabError("No API was given", wanted="its URL as api", advice=advice)
        return self.client.api

    @property
    def plain_api(self) -> str:
        """The demo's API that takes an access token under Bearer. Others raise `LabError`."""
        if self.kind == "another server":
            raise LabError("Only the demo is known to have an API under Bearer", wanted="api")
        return self.base_url + BEARER_API

    def auth(
        self,
        client_id: str | None = None,
        key: PrivateKey | None = None,
        *,
        parameters: Parameters | None = None,
    ) -> DPoPAuth:
        """A `DPoPAuth` for this lab's client, on its session; with another name if that is given.

        At the demo, and so by default, that is m2m.dpop with its secret. `parameters` such as
        `resource` are added to the token request. Sends nothing but, given
        an issuer, what `metadata` does, and raises what that raises.
        """
        client = self._settled()
        return DPoPAuth.from_settings(
            client if client_id is None else replace(client, client_id=client_id),
            key=key or generate_key("ES256"),
            parameters=parameters,
            session=self.session,
            clock=self.clock.time,
            timeout=self.timeout,
        )

    def credentials(self) -> Credentials:
        """The header lines and form parameters by which this lab's client authenticates, made anew.

        For token requests by hand. Sends and raises what `auth` does.
        """
        return authentication(self._settled())(self.clock.now())

    def _settled(self) -> Settings:
        """The client's settings with what was left to the server's metadata."""
        return settled(self.client, {} if self.client.token_endpoint else self.metadata)
