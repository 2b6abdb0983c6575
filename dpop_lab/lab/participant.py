"""A participant at one server for a room: the client they are, and how their name goes along."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import requests

from dpop_lab.client.read_settings import Source, read_settings
from dpop_lab.client.settings import Settings
from dpop_lab.errors import LabError
from dpop_lab.server.duende_site import BASE_URL, CLIENTS
from dpop_lab.server.resource_server import DPOP_API
from dpop_lab.wire.syntax import origin

OTHER, ROOM = "another server", "the server of the room"  # kinds of world; a room's is a twin
TOKEN_PATH = "/connect/token"  # noqa: S105  a path
#: Who asks where nothing else is said; the secret is published.
USUAL = {"client_id": "m2m.dpop", "client_secret": "secret", "scope": "api"}


def demo_client(base_url: str) -> Settings:
    """The demo's client m2m.dpop, with the secret that is published with it."""
    return Settings(
        client_id="m2m.dpop",
        client_secret="secret",  # noqa: S106  published with the demo
        token_endpoint=base_url + TOKEN_PATH,
        scope="api",
        api=base_url + DPOP_API,
    )


def another(source: Source, given: Mapping[str, object], *, in_room: bool) -> tuple[str, Settings]:
    """Which kind of world settings lead to, `OTHER` or `ROOM`, and the settings.

    They are read as `read_settings` does, and raise what that raises. In a room it is the demo's
    client m2m.dpop unless told otherwise. Where it is a client of the demo, endpoint and API are
    known: nothing is looked up, and no TLS is needed, for all is published. Raises `LabError` for
    the live demo, which is told nobody's name.
    """
    usual = USUAL if in_room else {}
    known = read_settings(source, given=given, environment=os.environ, usual=usual)
    if in_room:
        known = _in_a_room(known)
    return (ROOM if in_room and known.client_id in CLIENTS else OTHER), known


def _in_a_room(client: Settings) -> Settings:
    """The settings of a participant."""
    server = str(client.issuer or client.token_endpoint)
    if origin(server) == origin(BASE_URL):
        advice = "Give as issuer what dpop-lab serve printed, or leave the name out."
        raise LabError("The live demo is told no name", wanted="a room's server", advice=advice)
    if client.client_id not in CLIENTS:
        return client
    base = server.removesuffix(TOKEN_PATH).rstrip("/")
    endpoint, api = client.token_endpoint or base + TOKEN_PATH, client.api or base + DPOP_API
    return replace(client, issuer=None, token_endpoint=endpoint, api=api)


def introduction(name: str | None, issuer: str) -> Mapping[str, str]:
    """The header lines that say who asks this issuer; none where there is no name."""
    if name is None:
        return {}
    from dpop_lab.wire.participant import name_headers  # in a room alone

    return name_headers(name, issuer)


class Introduced(requests.Session):
    """A session that adds header lines to what it sends to the origin of one URL, and to no other.

    It is asked once more for each step of a redirect, which would take them along elsewhere.
    """

    def __init__(self, url: str, introduction: Mapping[str, str]) -> None:
        super().__init__()
        self._origin, self._introduction = origin(url), introduction

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """The answer to a request, with the lines added or taken off."""
        there = origin(str(request.url)) == self._origin
        for name, text in self._introduction.items():
            request.headers.pop(name, None)
            if there:
                request.headers[name] = text
        return super().send(request, **settings)
