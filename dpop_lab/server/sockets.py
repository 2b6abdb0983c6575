"""Both servers on a port of this machine, for curl and for clients in other languages."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Self
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPServerConnectionDelegate
from tornado.iostream import IOStream

from dpop_lab.errors import LabError
from dpop_lab.server.message import Message
from dpop_lab.server.twin import Front, Twin

HARD_LIMIT = 1024 * 1024  # beyond this the connection is closed without a word
PATIENCE = 60  # seconds for a head to come, and as many for a body
PAUSE = 0.5  # seconds until the next attempt to take a connection, where one failed
TLS_HANDSHAKE = 0x16  # how a TLS connection begins (RFC 8446 section 5.1), and no HTTP
log = logging.getLogger(__name__)


class Stream(IOStream):
    """A connection that ends at once when it begins as TLS does, for both sides would wait."""

    spoke_tls: Callable[[], object]
    _begun = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read as any stream does; what begins as TLS is read as an end."""
        count = super().read_from_fd(buf)
        if self._begun or not count:
            return count
        self._begun = True
        if buf[0] != TLS_HANDSHAKE:
            return count
        asyncio.get_running_loop().call_soon(self.spoke_tls)
        return 0  # as if the client had hung up


class RunningTwin(HTTPServerConnectionDelegate):
    """The twin on a port, in a thread of its own. Close it, or use it in a `with`."""

    _refusing = False  # no connection could be taken when last tried

    def __init__(
        self, listening: socket.socket, twin: Twin, front: Front, *, patience: float
    ) -> None:
        address, self.port = listening.getsockname()[:2]
        #: whether this machine alone can reach it
        self.local = ip_address(address).is_loopback
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with
        #: where it listens
        self.url = _url(here.get(address, address), self.port)
        #: both servers
        self.twin = twin
        #: what clients call it: issuer, discovery and the wanted `htu` follow
        self.base_url = twin.base_url
        #: what answers in the twin's place, the twin itself unless there is such a thing
        self.front = front
        self._socket, self._patience = listening, patience
        self._runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
        self._loop, self._stopped = self._runner.get_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="dpop_lab server", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<RunningTwin at {self.url}>"

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        self._http = HTTPServer(
            self,
            max_header_size=HARD_LIMIT,
            max_body_size=10**19,  # refused with a 413 by the message, long before
            max_buffer_size=8 * HARD_LIMIT,
            idle_connection_timeout=self._patience,
            body_timeout=1.1 * self._patience,  # where the message could not hang up
        )
        self._listen()
        await self._stopped.wait()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        await self._http.close_all_connections()

    def _listen(self) -> None:
        if not self._stopped.is_set():
            self._loop.add_reader(self._socket, self._take_connection)

    def _take_connection(self) -> None:
        """Take one connection that waits.

        When none can be taken, because this process has too many files open, wait a while: the
        connections that wait do so, too.
        """
        try:
            connection, address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return  # the client went away
        except OSError as error:
            if not self._refusing:  # not again until there was a connection
                log.warning("No connection can be taken: %s. It is tried again.", error.strerror)
            self._refusing = True
            self._loop.remove_reader(self._socket)
            self._loop.call_later(PAUSE, self._listen)
            return
        self._refusing = False
        stream = Stream(connection, max_buffer_size=self._http.max_buffer_size)
        here = self.local and not self.base_url.startswith("http:")
        stream.spoke_tls = partial(self.front.spoke_tls, self.url if here else self.base_url)
        self._http.handle_stream(stream, address)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> Message:
        """The message that the next request on this connection becomes."""
        peer = getattr(request_conn, "context", None)  # of tornado's own connections
        return Message(self.front, self._patience, request_conn, str(peer or ""))

    def close(self) -> None:
        """Stop listening and wait until the thread has ended; a second time does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that this is in any spelling, such as 127.1; None for a name."""
    try:
        return ip_address(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0])
    except (OSError, ValueError):
        return None


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _base_url(given: str | None, host: str, listening: socket.socket) -> str:
    """What clients call it: as it was given, or else the host with the port.

    Raises `LabError` when they can't, as at the address that stands for all addresses of a machine.
    """
    address, port = listening.getsockname()[:2]
    called = address if host == "" or _address(host) else host.lower()
    base_url = given or _url(called, port)
    named = urlsplit(base_url).hostname or ""
    found = _address(named)
    if found and (getattr(found, "ipv4_mapped", None) or found).is_unspecified:
        raise LabError(
            f"No client can call the address {named!r}",
            wanted="the URL that clients call, as base_url (--base-url)",
            advice=f"With this machine's name or address in it: http://192.0.2.5:{port}, say."
            " Or give that address as host (--host) alone.",
        )
    return base_url


def serve(
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    base_url: str | None = None,
    front: Callable[[Twin], Front] | None = None,
    patience: float = PATIENCE,
    **options: Any,
) -> RunningTwin:
    """Start the twin on a port of this machine (0: any free one) and give it back, running.

    `base_url` is what clients call it, when that is not `http://host:port` (behind a proxy, say);
    for a host that stands for every address of this machine, such as 0.0.0.0, it has to be there.
    `front` is given the twin and makes what answers in its place: with pages of its own, say.
    `patience` is how many seconds the head of a request may take to come, and as many its body. All
    other options are those of `Twin`: `policy`, `api_nonce`, `clock`, `every_row` and its keys.
    Raises OSError when the port can't be had, and LabError when no client could call it by its base
    URL.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    try:
        listening.setblocking(False)
        twin = Twin(_base_url(base_url, host, listening), **options)
        return RunningTwin(listening, twin, front(twin) if front else twin, patience=patience)
    except BaseException:
        listening.close()
        raise
