"""The three worlds: our own twin, the live demo, any other server; how each is reached, as whom."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urljoin

from requests.adapters import BaseAdapter

from dpop_lab.client.settings import Settings
from dpop_lab.errors import LabError
from dpop_lab.lab.in_process import InProcessAdapter
from dpop_lab.lab.live import TOKEN_PATH
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import BEARER_API, DPOP_API
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.state import Clock
from dpop_lab.server.twin import Twin

Carrier = Literal["in process", "socket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Servers, the way to them, and the client that they know."""

    kind: Literal["the offline twin", "the live server", "another server"]
    base_url: str
    client: Settings
    #: What the servers keep to; of those that keep it to themselves, what is the best guess.
    policy: Policy
    #: URLs at which a web page is never the servers' own.
    json_only: tuple[str, ...] = ()
    #: Both servers where they are ours, and the adapter that leads to them.
    twin: Twin | None = None
    adapter: BaseAdapter | None = None
    clock: Clock = field(default_factory=Clock)
    #: Ends the servers that are ours.
    close: Callable[[], object] = lambda: None

    @property
    def is_demo(self) -> bool:
        """Does it have the demo's clients, scopes and APIs?"""
        return self.kind != "another server"


def twin_world(carrier: Carrier, **options: Any) -> World:
    """The twin, in process or on a port of this machine, with the options of `Twin`.

    All rows are asked of a request, though the first failure decides.
    """
    options |= {"every_row": True, "clock": Clock()}
    if carrier == "in process":
        twin = Twin(**options)
        adapter = InProcessAdapter(twin)
        return _world_of(twin, adapter, adapter.close)
    if carrier != "socket":
        raise LabError("No such carrier", wanted="'in process' or 'socket'", found=repr(carrier))
    from dpop_lab.lab.sightings import SightingAdapter, Sightings
    from dpop_lab.server.sockets import serve

    sightings = Sightings()
    running = serve(**options, front=sightings.before)
    return _world_of(running.twin, SightingAdapter(sightings), running.close)


def _world_of(twin: Twin, adapter: BaseAdapter, close: Callable[[], object]) -> World:
    return World(
        kind="the offline twin",
        base_url=twin.base_url,
        client=demo_client(twin.base_url),
        policy=twin.policy,
        twin=twin,
        adapter=adapter,
        clock=twin.clock,
        close=close,
    )


def live_world() -> World:
    """The demo server, over the network."""
    return World(
        kind="the live server",
        base_url=BASE_URL,
        client=demo_client(BASE_URL),
        policy=DUENDE,
        json_only=tuple(BASE_URL + path for path in (TOKEN_PATH, DPOP_API, BEARER_API)),
    )


def other_world(client: Settings) -> World:
    """The server, over the network, that the settings of a client name."""
    endpoint = client.token_endpoint or ""
    return World(
        kind="another server",
        base_url=client.issuer or urljoin(endpoint, "/").rstrip("/"),
        client=client,
        policy=RFC_9449,
        json_only=(endpoint,) if endpoint else (),
    )


def demo_client(base_url: str) -> Settings:
    """The demo's client m2m.dpop, with the secret that is published with it."""
    return Settings(
        client_id="m2m.dpop",
        client_secret="secret",  # noqa: S106  published with the demo
        token_endpoint=base_url + TOKEN_PATH,
        scope="api",
        api=base_url + DPOP_API,
    )
