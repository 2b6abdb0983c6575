"""The same servers on a port of this machine, for curl and for clients in other languages."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer

from dpop_lab.errors import LabError
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.server.door import Door, Stream
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.message import Front, Messages
from dpop_lab.server.policy import Policy
from dpop_lab.server.state import Clock
from dpop_lab.server.twin import Twin

HARD_LIMIT = 1024 * 1024  # beyond this the connection is closed without a word
PATIENCE = 60  # seconds for a head to come, and as many for a body


class RunningTwin:
    """The twin on a port, in a thread of its own. Close it, or use it in a `with`.

    `url` is where it listens, `base_url` what clients call it: issuer, discovery and the wanted
    `htu` follow that one. `local` says whether this machine alone can reach it. `twin` is what
    answers. Raises OSError when the port can't be had, and LabError when clients can't call
    the address.
    """

    port: int
    url: str
    base_url: str
    local: bool

    def __init__(
        self,
        *,
        host: str,
        port: int,
        base_url: str | None,
        front: Callable[[Twin], Front] | None = None,
        patience: float = PATIENCE,
        **options: Any,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        try:
            self._socket.setblocking(False)
            self._place(host, base_url)
            self.twin = Twin(self.base_url, **options)
            self.base_url = self.twin.base_url
            self._front = front(self.twin) if front else self.twin
            self._messages = Messages(self._front, patience)
            self._loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        except BaseException:
            self._socket.close()
            raise
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dpop_lab server", daemon=True)
        self._thread.start()
        self._started.wait()

    def __repr__(self) -> str:
        return f"<RunningTwin at {self.url}>"

    def _place(self, host: str, base_url: str | None) -> None:
        """Where it listens and what it is called. Raises LabError when nobody can call it so."""
        address, self.port = self._socket.getsockname()[:2]
        self.local = ip_address(address).is_loopback
        called = address if host == "" or _address(host) else host.lower()
        self.base_url = base_url or _url(called, self.port)
        example = _url("192.0.2.5", self.port)
        if _is_every_address(named := urlsplit(self.base_url).hostname or ""):
            raise LabError(
                f"No client can call the address {named!r}",
                wanted="the URL that clients call, as base_url (--base-url)",
                advice=f"With this machine's name or address in it: {example}, say.",
            )
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with
        self.url = _url(here.get(address, address), self.port)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _listen(self) -> None:
        self._http = HTTPServer(
            self._messages,
            max_header_size=HARD_LIMIT,
            max_body_size=10**19,  # refused with a 413 by the message, long before
            max_buffer_size=8 * HARD_LIMIT,
            idle_connection_timeout=self._messages.patience,
            body_timeout=1.1 * self._messages.patience,  # where the message could not hang up
        )
        self._door = Door(self._socket, self._enter)
        self._started.set()

    def _enter(self, connection: socket.socket, address: tuple[Any, ...]) -> None:
        stream = Stream(connection, max_buffer_size=self._http.max_buffer_size)
        plain = self.base_url if self.base_url.startswith("http:") else self.url
        stream.spoke_tls = partial(self._front.spoke_tls, plain)
        self._http.handle_stream(stream, address)

    async def _end(self) -> None:
        self._door.close()
        await self._http.close_all_connections()

    def close(self) -> None:
        """Stop listening and wait until the thread has ended; a second time does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _address(host: str) -> str:
    """The address that this is in any spelling, such as 127.1; empty for a name."""
    try:
        return str(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0])
    except (OSError, UnicodeError):
        return ""


def _is_every_address(host: str) -> bool:
    """Is this the address that stands for all addresses of a machine, in any spelling?"""
    try:
        address = ip_address(_address(host))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_unspecified or (mapped is not None and mapped.is_unspecified)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    base_url: str | None = None,
    policy: Policy = DUENDE,
    api_nonce: bool = False,
    clock: Clock | None = None,
    client_key: PrivateKey | None = None,
    client_jwk: Mapping[str, Any] | None = None,
    every_row: bool = False,
    front: Callable[[Twin], Front] | None = None,
    patience: float = PATIENCE,
) -> RunningTwin:
    """Start the twin on a port of this machine (0: any free one) and give it back, running.

    `base_url` is what clients call it, when that is not `http://host:port` (behind a proxy, say);
    for a host that stands for every address of this machine, such as 0.0.0.0, it has to be there.
    `front` is given the twin and makes what answers in its place: with pages of its own, say.
    `patience` is how many seconds the head of a request may take to come, and as many its body. The
    rest is as for `Twin`. Raises OSError when the port can't be had, and LabError when no client
    could call it by its base URL.
    """
    return RunningTwin(
        host=host,
        port=port,
        base_url=base_url,
        policy=policy,
        api_nonce=api_nonce,
        clock=clock,
        client_key=client_key,
        client_jwk=client_jwk,
        every_row=every_row,
        front=front,
        patience=patience,
    )
