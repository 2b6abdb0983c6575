"""An answer over the network within bounds: so many seconds, so many octets, whatever is sent."""

import io
import socket
import time
from contextlib import closing
from functools import cache
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ConnectionError,
    ConnectTimeout,
    ContentDecodingError,
    ReadTimeout,
)
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Timeout

MOST_METADATA = 1_000_000  # octets, decoded, of what the client asks for itself
MOST = 10_000_000  # of any other answer
PIECE = 8192  # what is decoded of it at once has at most 1032 times as many octets


class TooLong(requests.RequestException):
    """An answer has more octets than are read of it."""


class BoundedAdapter(HTTPAdapter):
    """Reads an answer for no longer than its read timeout, head and body together.

    It keeps `most(request)` octets, counted after decoding, which is for gzip and deflate alone;
    what is longer raises `TooLong`, but metadata are cut after one octet more. With `stream=True` a
    success stays a stream without bounds. It connects before it writes the request, so that
    `max_retries` may repeat a connection that was refused, and no proof with it.
    """

    cuts = False  # is what is longer cut, and not refused?

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections, of a kind that keeps the time."""
        super().init_poolmanager(*args, **kwargs)
        _keep_time(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The pools of connections through a proxy, of a kind that keeps the time."""
        return _keep_time(super().proxy_manager_for(*args, **kwargs))

    def most(self, request: requests.PreparedRequest) -> int:
        """How many octets are read of the answer to this request."""
        return MOST_METADATA

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, read unless it is a stream. Raises what requests raises, and `TooLong`."""
        answer = super().send(request, stream, *args, **kwargs)
        if stream and answer.ok and not answer.is_redirect:
            original = getattr(answer.raw, "_original_response", None)
            if isinstance(original, _Timed):
                original.hourglass.stop()
            return answer
        coding = answer.headers.get("Content-Encoding", "").strip().lower()
        if "," in coding or coding in ("br", "zstd"):  # who knows how much comes of a piece?
            answer.close()
            found = f"Content-Encoding {coding}, wanted gzip or deflate"
            raise ContentDecodingError(found, request=request)
        most = self.most(request)
        cuts = self.cuts or is_metadata(str(request.url))
        if not read_within(answer, most) and not cuts:
            raise TooLong(f"it has more than {most} octets", request=request)
        return answer


def is_metadata(url: str) -> bool:
    """Is this a place for a document that describes its server (RFC 8615)?"""
    return "/.well-known/" in urlsplit(url).path


def waited(error: requests.RequestException, timeout: Any) -> Any:
    """The seconds that were waited, of a timeout in whatever form requests takes one."""
    first = isinstance(error, ConnectTimeout)
    if isinstance(timeout, Timeout):
        parts = (timeout.total, timeout.connect_timeout if first else timeout._read)
        return min((one for one in parts if isinstance(one, int | float)), default=None)
    return timeout[0 if first else 1] if isinstance(timeout, tuple) else timeout


def read_within(answer: requests.Response, most: int) -> bool:
    """Read the body and keep it; false if there is more, of which one octet is kept."""
    if answer._content_consumed:  # type: ignore[attr-defined]
        return True
    read = bytearray()
    with closing(answer):
        try:
            for part in answer.iter_content(PIECE):
                read += part
                if len(read) > most:
                    break
        except ConnectionError as error:
            if not isinstance(next(iter(error.args), None), ReadTimeoutError):
                raise
            # it is the body that is late, and of that requests says that the connection failed
            raise ReadTimeout(*error.args, request=answer.request) from error
    whole = len(read) <= most
    del read[most + 1 :]
    answer._content = bytes(read)
    answer._content_consumed = True  # type: ignore[attr-defined]
    return whole


class _Hourglass(io.RawIOBase):
    """Reads from a socket until the timeout that it had at the beginning has passed in all."""

    def __init__(self, source: io.RawIOBase, sock: socket.socket) -> None:
        self._source, self._sock, self._seconds = source, sock, sock.gettimeout()
        self._end = None if self._seconds is None else time.monotonic() + self._seconds

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._source.fileno()

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer does not end")
            self._sock.settimeout(left)
        return self._source.readinto(buffer)

    def stop(self) -> None:
        """From now on each read has the timeout anew."""
        if not self.closed:
            self._end = None
            self._sock.settimeout(self._seconds)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Timed(HTTPResponse):
    """An answer that is read, from its first octet, through an hourglass."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.hourglass = _Hourglass(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self.hourglass)


class _ConnectsFirst:
    """A connection that is made before the head of a request is written, and not after."""

    response_class = _Timed

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        """Send a request, as any other connection does."""
        if self.sock is None:
            self.connect()
        super().request(*args, **kwargs)  # type: ignore[misc]


def _keep_time(manager: Any) -> Any:
    pools = manager.pool_classes_by_scheme.items()
    manager.pool_classes_by_scheme = {scheme: _timed(pool) for scheme, pool in pools}
    return manager


@cache
def _timed(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """This kind of pool, but its connections connect first and give `_Timed` answers."""
    connection = pool.ConnectionCls
    if issubclass(connection, _ConnectsFirst):
        return pool
    timed = type(connection.__name__, (_ConnectsFirst, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": timed})
