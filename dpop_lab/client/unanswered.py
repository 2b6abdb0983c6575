"""Why a request got no answer, in one sentence: what the libraries say of it runs over pages."""

import re
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ContentDecodingError,
    ProxyError,
    SSLError,
    Timeout,
    TooManyRedirects,
)

from dpop_lab.client.bounded import TooLong
from dpop_lab.wire.message import visible
from dpop_lab.wire.redact import without_login

LOGIN = "Give the proxy its login in HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT."
PORTAL = "Open any web page in a browser, and log in to the network if one asks for that."
PROXY = "Look at HTTPS_PROXY and NO_PROXY."
_AUTHORITY = "Name the PEM file of the authority that is to be trusted in REQUESTS_CA_BUNDLE."
_SHORTER = "Is the URL right? Ask for less at a time, or take a long answer with stream=True."
_NETWORK = "Look at the network, the VPN and the proxy (HTTPS_PROXY)."


class _Cause(NamedTuple):
    """A kind of error with a word in what lies at its bottom: what to say, and what to do."""

    kind: type[Exception]
    mark: str
    words: str
    advice: str = ""


_CAUSES = (  # the first that fits
    _Cause(ProxyError, " 407 ", "The proxy on the way to {host} wants a login", LOGIN),
    _Cause(ProxyError, "failed: 403", "The proxy on the way to {host} lets nobody there", PROXY),
    _Cause(ProxyError, "failed: 30", "The proxy on the way to {host} leads elsewhere", PORTAL),
    _Cause(ProxyError, "", "The proxy on the way to {host} can't be used", PROXY),
    _Cause(SSLError, "issuer", "No trusted TLS connection to {host}", _AUTHORITY),
    _Cause(SSLError, "self-signed", "No trusted TLS connection to {host}", _AUTHORITY),
    _Cause(SSLError, "verify failed", "No trusted TLS connection to {host}", _NETWORK),
    _Cause(SSLError, "", "What answers in the place of {host} speaks no usable TLS", PORTAL),
    _Cause(Timeout, "", "{host} did not answer within {timeout} s", _NETWORK),
    _Cause(TooManyRedirects, "", "{host} redirects in a circle"),
    _Cause(ConnectionError, "gaierror", "{host} is a name that leads nowhere here", _NETWORK),
    _Cause(ConnectionError, "", "{host} can't be reached, or broke off", _NETWORK),
    _Cause(ChunkedEncodingError, "", "{host} broke off in the middle of its answer"),
    _Cause(ContentDecodingError, "", "{host} sent what can't be decoded"),
    _Cause(TooLong, "", "The answer of {host} is too long", _SHORTER),
)


def unanswered(error: requests.RequestException, timeout: float) -> str:
    """The sentence for the host of the request that failed, without an end mark.

    Empty when the request could not even be made: a wrong URL, a wrong header. `timeout` is what
    was waited, in seconds.
    """
    url = str(error.request.url) if error.request is not None and error.request.url else ""
    words = next((cause.words for cause in _fitting(error)), "")
    told = words.format(host=host_named(url), timeout=timeout)
    return words and f"{told}: {in_its_words(error)}"


def remedy(error: requests.RequestException) -> str:
    """What to do about it, as a sentence; empty when there is nothing to do on this side."""
    return next((cause.advice for cause in _fitting(error)), "")


def host_named(url: str) -> str:
    """The host of a URL, and its port if there is one, as it may be shown."""
    return visible(urlsplit(url).netloc.rpartition("@")[2])[:100] or "the server"


def in_its_words(error: BaseException) -> str:
    """What lies at the bottom of an error, in its own words, on one line and without a password."""
    root = _root(error)
    said = getattr(root, "strerror", None) or str(root) or type(root).__name__
    bare = re.sub(r"\[\w+: \w+\] |\(?_ssl\.c:\d+\)?:?", "", without_login(str(said)))
    return visible(" ".join(bare.split())).rstrip(".")[:160]


def _fitting(error: requests.RequestException) -> Iterator[_Cause]:
    root = _root(error)
    said = "gaierror" if isinstance(root, socket.gaierror) else str(root)
    return (one for one in _CAUSES if isinstance(error, one.kind) and one.mark in said)


def _root(error: BaseException) -> BaseException:
    while True:
        inner = [
            one
            for one in (*error.args, getattr(error, "reason", None), error.__cause__)
            if isinstance(one, BaseException) and one is not error
        ]
        if not inner:
            return error
        error = inner[0]
