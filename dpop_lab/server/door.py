"""How connections come in at a port: one after the other, and none that speaks TLS."""

import asyncio
import logging
import socket
from collections.abc import Callable

from tornado.iostream import IOStream

TLS_HANDSHAKE = 0x16  # how a TLS connection begins (RFC 8446 section 5.1), and no HTTP
PAUSE = 0.5  # seconds until the next attempt to take a connection, where one failed
log = logging.getLogger(__name__)


class Stream(IOStream):
    """A connection that ends at once when it begins as TLS does, for both sides would wait."""

    spoke_tls: Callable[[], object] | None = None
    _begun = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read as any stream does; what begins as TLS is read as an end."""
        count = super().read_from_fd(buf)
        if self._begun or not count:
            return count
        self._begun = True
        if buf[0] != TLS_HANDSHAKE:
            return count
        if self.spoke_tls:
            asyncio.get_running_loop().call_soon(self.spoke_tls)
        return 0  # as if the client had hung up


class Door:
    """Takes the connections that wait at a socket, and gives them to `enter`; for one loop.

    When none can be taken, because this process has too many files open, it waits a while: the
    connections that wait do so, too.
    """

    def __init__(self, listening: socket.socket, enter: Callable[..., object]) -> None:
        self._socket, self._enter = listening, enter
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._told = False
        self._open()

    def _open(self) -> None:
        self._loop.add_reader(self._socket, self._take)

    def _take(self) -> None:
        try:
            connection, address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return  # the client went away
        except OSError as error:
            self._wait(error)
            return
        self._told = False
        self._enter(connection, address)

    def _wait(self, error: OSError) -> None:
        if not self._told:  # not again until there was a connection
            log.warning("No connection can be taken now: %s. It is tried again.", error.strerror)
        self._told = True
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(PAUSE, self._open)

    def close(self) -> None:
        """Take no more connections; those that wait are refused."""
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
