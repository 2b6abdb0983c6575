"""An answer within bounds of time and size, or in a sentence why none came."""

import io
import re
import socket
import time
from contextlib import closing
from functools import cache
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ConnectTimeout,
    ContentDecodingError,
    ProxyError,
    ReadTimeout,
    SSLError,
    Timeout,
    TooManyRedirects,
)

from dpop_lab.client.settings import MOST_METADATA
from dpop_lab.show.values import one_line
from dpop_lab.wire.syntax import without_login

TOO_LONG = "it has more than"  # so many octets: how the error begins that says so
MOST = 10_000_000  # octets, decoded, of an answer to what the client did not ask for itself
PIECE = 8192  # what is decoded of it at once has at most 1032 times as many octets


class BoundedAdapter(HTTPAdapter):
    """Reads an answer for no longer than its read timeout, head and body together.

    It keeps `most(request)` octets, counted after decoding, which is for gzip and deflate alone;
    what is longer is an error, but metadata are cut after one octet more. With `stream=True` a
    success stays a stream without bounds. It connects before it writes the request, so that
    `max_retries` may repeat a connection that was refused, and no proof with it.
    """

    cuts = False  # is what is longer cut, and not refused?

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
        """Make a pool of connections ready: one that keeps the time, with its certificates."""
        conn.ConnectionCls = _timed(conn.ConnectionCls)
        super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]

    def most(self, request: requests.PreparedRequest) -> int:
        """How many octets are read of the answer to this request."""
        return MOST_METADATA

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, read unless it is a stream. Raises what requests raises."""
        answer = super().send(request, stream, *args, **kwargs)
        if stream and answer.ok and not answer.is_redirect:
            original = getattr(answer.raw, "_original_response", None)
            reader = getattr(getattr(original, "fp", None), "raw", None)
            if isinstance(reader, _Hourglass):
                reader.stop()
            return answer
        coding = answer.headers.get("Content-Encoding", "").strip().lower()
        if "," in coding or coding in ("br", "zstd"):  # who knows how much comes of a piece?
            answer.close()
            found = f"Content-Encoding {coding}, wanted gzip or deflate"
            raise ContentDecodingError(found, request=request)
        most = self.most(request)
        if not (read_within(answer, most) or self.cuts or is_metadata(str(request.url))):
            raise requests.RequestException(f"{TOO_LONG} {most} octets", request=request)
        return answer


def is_metadata(url: str) -> bool:
    """Is this a place for a document that describes its server (RFC 8615)?"""
    return "/.well-known/" in urlsplit(url).path


def waited(error: requests.RequestException, timeout: Any) -> Any:
    """The seconds that were waited, of a timeout in whatever form requests takes one."""
    first = isinstance(error, ConnectTimeout)
    if isinstance(timeout, urllib3.Timeout):
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
            if not isinstance(next(iter(error.args), None), urllib3.exceptions.ReadTimeoutError):
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


def _timed_answer(sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
    """An answer that is read, from its first octet, through an hourglass."""
    answer = HTTPResponse(sock, *args, **kwargs)
    answer.fp = io.BufferedReader(_Hourglass(answer.fp.detach(), sock))
    return answer


@cache
def _timed(connection: Any) -> Any:
    """This kind of connection, but it connects first and bounds the time of its answers."""
    if connection.response_class is _timed_answer:
        return connection

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:  # else the head of the request would be written before
            self.connect()
        connection.request(self, *args, **kwargs)

    changed = {"request": request, "response_class": staticmethod(_timed_answer)}
    return type(connection.__name__, (connection,), changed)


LOGIN = "Give the proxy its login in HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT."
PORTAL = "Open any web page in a browser, and log in to the network if one asks for that."
PROXY = "Look at HTTPS_PROXY and NO_PROXY."
BUNDLE = "Look at REQUESTS_CA_BUNDLE."
_AUTHORITY = "Name the PEM file of the authority that is to be trusted in REQUESTS_CA_BUNDLE."
_SHORTER = "Is the URL right? Ask for less at a time, or take a long answer with stream=True."
_NETWORK = "Look at the network, the VPN and the proxy (HTTPS_PROXY)."
_UNTRUSTED = "No trusted TLS connection to {host}"
_CAUSES = (  # a kind of error, what its bottom says, what to say, what to do; the first that fits
    (ProxyError, " 407 ", "The proxy on the way to {host} wants a login", LOGIN),
    (ProxyError, "failed: 403", "The proxy on the way to {host} lets nobody there", PROXY),
    (ProxyError, "failed: 30", "The proxy on the way to {host} leads elsewhere", PORTAL),
    (ProxyError, "", "The proxy on the way to {host} can't be used", PROXY),
    (SSLError, "[X509", "No way to {host}: no certificate can be read from the bundle", BUNDLE),
    (SSLError, "issuer", _UNTRUSTED, _AUTHORITY),
    (SSLError, "self-signed", _UNTRUSTED, _AUTHORITY),
    (SSLError, "verify failed", _UNTRUSTED, _NETWORK),
    (SSLError, "", "What answers in the place of {host} speaks no usable TLS", PORTAL),
    (Timeout, "", "{host} did not answer within {timeout} s", _NETWORK),
    (TooManyRedirects, "", "{host} redirects in a circle", ""),
    (ConnectionError, "gaierror", "{host} is a name that leads nowhere here", _NETWORK),
    (ConnectionError, "", "{host} can't be reached, or broke off", _NETWORK),
    (ChunkedEncodingError, "", "{host} broke off in the middle of its answer", ""),
    (ContentDecodingError, "", "{host} sent what can't be decoded", ""),
    (requests.RequestException, TOO_LONG, "The answer of {host} is too long", _SHORTER),
)


def unanswered(error: requests.RequestException, timeout: float) -> str:
    """The sentence for the host of the request that failed, without an end mark.

    Empty when the request could not even be made: a wrong URL, a wrong header. `timeout` is what
    was waited, in seconds.
    """
    host = host_named(str(getattr(error.request, "url", None) or ""))
    words, _ = _cause(error)
    return words and f"{words.format(host=host, timeout=timeout)}: {in_its_words(error)}"


def remedy(error: requests.RequestException) -> str:
    """What to do about it, as a sentence; empty when there is nothing to do on this side."""
    return _cause(error)[1]


def host_named(url: str) -> str:
    """The host of a URL, and its port if there is one, as it may be shown."""
    return one_line(urlsplit(url).netloc.rpartition("@")[2])[:100] or "the server"


def in_its_words(error: BaseException) -> str:
    """What lies at the bottom of an error, in its own words, on one line and without a password."""
    root = _root(error)
    said = getattr(root, "strerror", None) or str(root) or type(root).__name__
    bare = re.sub(r"\[\w+: \w+\] |\(?_ssl\.c:\d+\)?:?", "", without_login(str(said)))
    return one_line(" ".join(bare.split())).rstrip(".")[:160]


def _cause(error: requests.RequestException) -> tuple[str, str]:
    """What to say and what to do, both empty when none of the causes fits."""
    root = _root(error)
    said = "gaierror" if isinstance(root, socket.gaierror) else str(root)
    fitting = (row[2:] for row in _CAUSES if isinstance(error, row[0]) and row[1] in said)
    return next(fitting, ("", ""))


def _root(error: BaseException) -> BaseException:
    """The error at the bottom: the one that this one holds or was caused by, and so on."""
    for one in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(one, BaseException) and one is not error:
            return _root(one)
    return error
