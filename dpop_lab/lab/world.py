"""One clock, two servers (or others over the network), a session, a log: wired and ready."""

import os
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

import requests

from dpop_lab.client.read_settings import Source, read_settings
from dpop_lab.client.recorder import record
from dpop_lab.client.settings import Settings
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.client_side import ClientSide, Kind, demo_client
from dpop_lab.lab.in_process import InProcessAdapter
from dpop_lab.lab.live import TIMEOUT, LiveAdapter
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import BEARER_API, DPOP_API
from dpop_lab.server.state import Clock
from dpop_lab.server.twin import Twin
from dpop_lab.wire.log import SessionLog

Carrier = Literal["in process", "socket"]


def _session(agent: str = "dpop-lab") -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": agent, "Accept-Encoding": "gzip, deflate"})
    return session


def _agent() -> str:
    """What a server that is not ours is told of who we are."""
    from dpop_lab import __version__  # it imports us

    return f"dpop-lab/{__version__}"


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class World(ClientSide):
    """Both servers, a session and a log, wired; `Lab`, which adds the bench, says how."""

    def __init__(
        self,
        *,
        live: bool = False,
        policy: Policy = DUENDE,
        carrier: Carrier = "in process",
        api_nonce: bool = False,
        client_key: PrivateKey | None = None,
        settings: Source | None = None,
        log: SessionLog | None = None,
        timeout: float = TIMEOUT,
        **client: str | None,
    ) -> None:
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        other = settings is not None or any(value is not None for value in client.values())
        kind: Kind = "another server" if other else "the offline twin"
        self.kind = "the live server" if live else kind
        self.live, self.timeout = live or other, timeout
        if self.live and (policy is not DUENDE or carrier != "in process" or api_nonce):
            wanted = "no policy, carrier or api_nonce: they are for the twin"
            raise LabError(f"{self.kind.capitalize()} has its own ways", wanted=wanted)
        if live and (other or client_key):
            advice = "Lab(issuer=…) is for any other server, or any other client."
            raise LabError("The live server is the demo", wanted="live=True alone", advice=advice)
        self.clock, self.session = Clock(), _session(_agent() if self.live else "dpop-lab")
        self.server: Twin | None = None
        self.log, self._running = SessionLog() if log is None else log, cast("Any", None)
        self.json_only: set[str] = set()
        if other:
            given = {**client, "client_key": client_key}
            self._reach(read_settings(settings or {}, given=given, environment=os.environ))
        elif live:
            self._reach(demo_client(BASE_URL))
        else:
            self.session.trust_env = False  # a proxy has no business between us and ourselves
            options = {"policy": policy, "api_nonce": api_nonce, "client_key": client_key}
            self._start(carrier, {**options, "every_row": True, "clock": self.clock})
        record(self.session, self.log, clock=self.clock.time)

    def _reach(self, client: Settings) -> None:
        """Take the way over the network to this client's servers; nothing is sent yet."""
        self.client = client
        if client.token_endpoint is not None:
            self.json_only.add(client.token_endpoint)
        if self.kind == "the live server":
            self.json_only |= {BASE_URL + DPOP_API, BASE_URL + BEARER_API}
        adapter = LiveAdapter(json_only=self.json_only, timeout=self.timeout)
        for prefix in ("https://", "http://"):
            self.session.mount(prefix, adapter)
        self.base_url = client.issuer or _site(str(client.token_endpoint))

    def _start(self, carrier: Carrier, options: dict[str, Any]) -> None:
        if carrier == "socket":
            from dpop_lab.lab.sightings import SightingAdapter, Sightings
            from dpop_lab.server.sockets import serve

            seen: list[Sightings] = []

            def noted(twin: Twin) -> Sightings:
                seen.append(Sightings(twin))
                return seen[-1]

            self._running = serve(**options, front=noted)
            self.server = self._running.twin
            self.session.mount(self._running.base_url, SightingAdapter(seen[-1]))
        elif carrier == "in process":
            self.server = Twin(**options)
            self.session.mount(BASE_URL, InProcessAdapter(self.server))
        else:
            raise LabError(
                "No such carrier", wanted="'in process' or 'socket'", found=repr(carrier)
            )
        self.base_url = self.server.base_url
        self.client = demo_client(self.base_url)

    @property
    def client_key(self) -> PrivateKey:
        """The private key of the twin's `*.jwt` clients. Raises `LabError` when live."""
        key = self.twin.client_key
        if key is None:
            raise LabError("This twin knows the public half of its clients' key alone")
        return key

    @property
    def client_key_id(self) -> str:
        """The `kid` of that key. Raises `LabError` when live."""
        return self.twin.client_key_id

    @property
    def twin(self) -> Twin:
        """Both servers of the offline twin, inside and out. Raises `LabError` when live."""
        if self.server is None:
            raise LabError(
                f"{self.kind.capitalize()} keeps its keys and its rules to itself",
                advice="Use the twin: Lab().",
            )
        return self.server

    def session_under(self, policy: Policy, *, api_nonce: bool = False) -> requests.Session:
        """A session like `session`, but the server has other rules.

        Keys, clock, memory and log are the same, and so is the URL: what `without` has struck out,
        or the other policy, is all that differs. Raises `LabError` when live.
        """
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        server = self.twin.under(policy, api_nonce=api_nonce)
        session = _session()
        session.mount(self.base_url, InProcessAdapter(server))
        session.trust_env = False
        record(session, self.log, clock=self.clock.time)
        return session

    def close(self) -> None:
        """End the session, and the server when it listens on a port."""
        self.session.close()
        if self._running is not None:
            self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        at = "" if self.live else " at"
        return f"<{type(self).__name__} with {self.kind}{at} {self.base_url}>"
