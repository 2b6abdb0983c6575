"""A client in one of three worlds: our own twin, the live demo, or any other server."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, Self
from urllib.parse import urljoin

import requests
from requests.adapters import BaseAdapter

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.discovery import discover
from dpop_lab.client.recorder import InProcessAdapter, SessionLog, record
from dpop_lab.client.settings import Credentials, Settings, authentication, settled
from dpop_lab.client.token import Parameters
from dpop_lab.errors import LabError, SettingsError, expect
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.participant import OTHER, ROOM, TOKEN_PATH, Introduced, introduction
from dpop_lab.server.common import Clock
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import CLIENTS
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import BEARER_API
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.twin import Twin

Carrier = Literal["in process", "socket"]
TWIN, LIVE = "the offline twin", "the live server"  # kinds of world
Own = tuple[Twin, BaseAdapter, Callable[[], object]]  # both servers, the way there, their end
OF_A_SESSION = ("headers", "trust_env", "proxies", "verify", "cert")


class World:
    """A client, its session and log, and the servers that it asks; `Lab` says what is what.

    `own` are both servers, the adapter that leads to them and what ends them, where they are ours.
    `name` is a participant's, and goes along with requests to the issuer's origin alone.
    """

    def __init__(
        self,
        kind: str,
        client: Settings,
        own: Own | None,
        *,
        log: SessionLog | None,
        timeout: float,
        name: str | None = None,
    ) -> None:
        from dpop_lab import __version__  # it imports us

        twin, adapter, _ = own or (None, None, None)
        self.kind, self.client, self.timeout, self.live = kind, client, timeout, twin is None
        self.log = SessionLog() if log is None else log
        #: Does it have the demo's clients, scopes and APIs?
        self.is_demo = kind != OTHER
        endpoint = str(client.token_endpoint)
        site = endpoint.removesuffix(TOKEN_PATH) if self.is_demo else urljoin(endpoint, "/")
        self.base_url = client.issuer or site.rstrip("/")
        #: What the servers keep to; of those that keep it to themselves, what is the best guess.
        self.policy = twin.policy if twin else DUENDE if self.is_demo else RFC_9449
        self.clock = twin.clock if twin else Clock()
        self._own = own
        #: Header lines that say who this is, where there is a name.
        self.introduction = introduction(name, self.base_url)
        apis = (self.api, self.plain_api) if self.is_demo else ()
        self._json_only = {url for url in (client.token_endpoint, *apis) if url}
        self.adapter = adapter or self._network()
        self.session = requests.Session()
        agent = f"dpop-lab/{__version__}" if self.live else "dpop-lab"
        self.session.headers.update({"User-Agent": agent, "Accept-Encoding": "gzip, deflate"})
        self.session.trust_env = self.live  # a proxy has no business between us and ourselves
        self.session = self.session_over(self.adapter, self.log)

    def _network(self) -> BaseAdapter:
        from dpop_lab.lab.live import LiveAdapter  # loaded when used

        return LiveAdapter(json_only=self._json_only, timeout=self.timeout)

    def session_over(self, adapter: BaseAdapter, log: SessionLog) -> requests.Session:
        """A session like `session`, but it sends by this adapter and is kept in this log."""
        said = self.introduction
        session = Introduced(self.base_url, said) if said else requests.Session()
        for name in OF_A_SESSION:
            setattr(session, name, getattr(self.session, name))
        for prefix in ("https://", "http://") if self.live else (self.base_url,):
            session.mount(prefix, adapter)
        record(session, log, clock=self.clock.time)
        return session

    def browser(self) -> requests.Session:
        """A person's browser: a session like `session`, kept in the same log, with no cookie."""
        return self.session_over(self.adapter, self.log)

    def log_under(self, *, own: bool) -> SessionLog:
        """Where is kept what goes to the server under its own rules, or under others."""
        return self.log

    def session_under(
        self, policy: Policy, *, api_nonce: bool = False, afresh: bool = False
    ) -> requests.Session:
        """A session like `session`, but the server has other rules.

        Keys, clock, memory and log are the same, and so is the URL: what `without` has struck out,
        or the other policy, is all that differs. With `afresh` the log is a new one, and the server
        has no memory of what it was sent before. Raises `LabError` when live.
        """
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        server = self.twin.under(policy, api_nonce=api_nonce)
        if afresh:
            server.forget()
        return self.session_over(InProcessAdapter(server), SessionLog() if afresh else self.log)

    @property
    def twin(self) -> Twin:
        """Both servers of the offline twin, inside and out. Raises `LabError` when live."""
        if self._own is None:
            problem = f"{self.kind.capitalize()} keeps its keys and its rules to itself"
            raise LabError(problem, advice="Use the twin: Lab().")
        return self._own[0]

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

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the authorization server (RFC 8414), asked for when first needed.

        Raises `SettingsError` when it has none, or only the token endpoint is known; `Unreachable`.
        """
        issuer = self.base_url if self.is_demo else self.client.issuer
        if issuer is None:
            raise SettingsError("The issuer is not known", wanted="issuer, not token_endpoint")
        plain = self.kind == ROOM  # its secrets are published
        found = discover(issuer, session=self.session, timeout=self.timeout, plain=plain)
        self._json_only.add(found["token_endpoint"])
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
        if not self.is_demo:
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

        At the demo, and so by default, that is m2m.dpop with its secret; the `*.jwt` clients sign
        with the twin's key instead. `parameters` such as `resource` are added to the token request.
        Sends nothing but, given an issuer, what `metadata` does, and raises what that raises.
        """
        return DPoPAuth.from_settings(
            self.settled(client_id),
            key=key or generate_key("ES256"),
            parameters=parameters,
            session=self.session,
            clock=self.clock.time,
            timeout=self.timeout,
        )

    def credentials(self, client_id: str | None = None) -> Credentials:
        """The header lines and form parameters by which that client authenticates, made anew.

        For token requests by hand. Takes names, sends and raises as `auth` does.
        """
        return authentication(self.settled(client_id))(self.clock.now())

    def settled(self, client_id: str | None = None) -> Settings:
        """The settings of that client with what was left to the server's metadata."""
        expect(client_id, (str, type(None)), "client_id")
        client = settled(self.client, {} if self.client.token_endpoint else self.metadata)
        if client_id is None:
            return client
        registered = CLIENTS.get(client_id) if self.is_demo else None
        if registered and registered.is_public:
            return replace(client, client_id=client_id, client_secret=None, client_auth="none")
        if registered is None or not registered.uses_key:
            return replace(client, client_id=client_id)
        own: dict[str, Any] = {"client_key": self.client_key, "client_key_id": self.client_key_id}
        return replace(client, client_id=client_id, client_auth=None, client_secret=None, **own)

    def close(self) -> None:
        """End the session, and the server when it listens on a port."""
        self.session.close()
        if self._own:
            self._own[2]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        at = "" if self.live else " at"
        return f"<{type(self).__name__} with {self.kind}{at} {self.base_url}>"


def started(carrier: Carrier, *, timeout: float, **options: Any) -> Own:
    """The twin, in process or on a port, with the options of `Twin`.

    All rows are asked of a request, though the first failure decides. An answer over a port is
    waited for `timeout` seconds.
    """
    options |= {"every_row": True, "clock": Clock()}
    if carrier == "in process":
        adapter = InProcessAdapter(twin := Twin(**options))
        return twin, adapter, adapter.close
    if carrier != "socket":
        raise LabError("No such carrier", wanted="'in process' or 'socket'", found=repr(carrier))
    from dpop_lab.lab.carriers import PortAdapter  # with a web server, when used
    from dpop_lab.server.sockets import serve

    way = PortAdapter(timeout)
    running = serve(**options, front=way.before)
    return running.twin, way, running.close
