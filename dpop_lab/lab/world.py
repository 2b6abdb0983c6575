"""One clock, two servers (or the live one), a session, a log: wired and ready."""

from types import TracebackType
from typing import Any, Literal, Self, cast

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.recorder import record
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.in_process import InProcessAdapter
from dpop_lab.lab.live import LiveAdapter
from dpop_lab.lab.witnessed_log import WitnessedLog
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy, Seen, Watch
from dpop_lab.server.resource_server import BEARER_API, DPOP_API
from dpop_lab.server.state import Clock
from dpop_lab.server.twin import Twin

Carrier = Literal["in process", "socket"]


def _session() -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": "dpop-lab", "Accept-Encoding": "gzip, deflate"})
    return session


class World:
    """Both servers, a session and a log, wired; `Lab`, which adds the bench, says how."""

    def __init__(
        self,
        *,
        live: bool = False,
        policy: Policy = DUENDE,
        carrier: Carrier = "in process",
        api_nonce: bool = False,
        watch: Watch | None = None,
        client_key: PrivateKey | None = None,
    ) -> None:
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        if live and (policy is not DUENDE or carrier != "in process" or api_nonce or watch):
            raise LabError(
                "The live server has its own ways",
                wanted="live=True alone",
                advice="policy, carrier, api_nonce and watch are for the twin.",
            )
        self.live = live
        self.clock, self.session = Clock(), _session()
        self.server: Twin | None = None
        self.last_seen: Seen | None = None
        self.log = WitnessedLog()
        self._watch, self._running = watch, cast("Any", None)
        self.base_url = BASE_URL
        options = {"policy": policy, "api_nonce": api_nonce, "client_key": client_key}
        if live:
            self.session.mount(BASE_URL, LiveAdapter())
        else:
            self.session.trust_env = False  # a proxy has no business between us and ourselves
            self._start(carrier, {**options, "watch": self._saw, "clock": self.clock})
        record(self.session, self.log, clock=self.clock.time)

    def _saw(self, seen: Seen) -> None:
        self.last_seen = seen
        self.log.witness(seen)
        if self._watch is not None:
            self._watch(seen)

    def _start(self, carrier: Carrier, options: dict[str, Any]) -> None:
        if carrier == "socket":
            from dpop_lab.server.sockets import serve

            self._running = serve(**options)
            self.server = self._running.twin
        elif carrier == "in process":
            self.server = Twin(**options)
            self.session.mount(BASE_URL, InProcessAdapter(self.server))
        else:
            raise LabError(
                "No such carrier", wanted="'in process' or 'socket'", found=repr(carrier)
            )
        self.base_url = self.server.base_url

    @property
    def token_endpoint(self) -> str:
        """Where an access token is asked for."""
        return f"{self.base_url}/connect/token"

    @property
    def api(self) -> str:
        """The API that wants a bound token and its proof."""
        return self.base_url + DPOP_API

    @property
    def plain_api(self) -> str:
        """The API that takes an access token under Bearer."""
        return self.base_url + BEARER_API

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
                "The live server keeps its keys and its rules to itself",
                advice="Use the twin: Lab().",
            )
        return self.server

    def auth(self, client_id: str = "m2m.dpop", key: PrivateKey | None = None) -> DPoPAuth:
        """A `DPoPAuth` for one of the demo's clients with a secret, on this lab's session."""
        return DPoPAuth.client_credentials(
            key=key or generate_key("ES256"),
            token_endpoint=self.token_endpoint,
            client_id=client_id,
            client_secret="secret",  # noqa: S106  published with the demo
            scope="api",
            session=self.session,
            clock=self.clock.time,
        )

    def session_under(self, policy: Policy, *, api_nonce: bool = False) -> requests.Session:
        """A session like `session`, but the server has other rules.

        Keys, clock, memory and log are the same, and so is the URL: what `without` has struck out,
        or the other policy, is all that differs. Raises `LabError` when live.
        """
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        server = self.twin.under(policy, api_nonce=api_nonce, watch=self._saw)
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
        world = (
            f"the live server {BASE_URL}" if self.live else f"the offline twin at {self.base_url}"
        )
        return f"<{type(self).__name__} with {world}>"
