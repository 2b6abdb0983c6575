"""How connections come in at a port: one after the other, and none that speaks TLS."""

import asyncio
import logging
import socket
from collections.abc import Callable

from tornado.iostream import IOStream

TLS_HANDSHAKE = 0x16  # how a TLS connection begins (RFC 8446 section 5.1), and no HTTP
PAUSE = 0.5  # seconds until the next attempt to take a connection, where one failed
TOLD = "No connection can be taken now: %s. It is tried again."
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


def take_connections(listening: socket.socket, enter: Callable[..., object]) -> None:
    """Give each connection that waits at a socket to `enter`, until its reader is removed.

    When none can be taken, because this process has too many files open, it waits a while: the
    connections that wait do so, too.
    """
    loop, told = asyncio.get_running_loop(), False

    def wait() -> None:
        if listening.fileno() != -1:  # it is closed by now, maybe
            loop.add_reader(listening, take)

    def take() -> None:
        nonlocal told
        try:
            connection, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return  # the client went away
        except OSError as error:
            if not told:  # not again until there was a connection
                log.warning(TOLD, error.strerror)
            told = True
            loop.remove_reader(listening)
            loop.call_later(PAUSE, wait)
            return
        told = False
        enter(connection, address)

    wait()
