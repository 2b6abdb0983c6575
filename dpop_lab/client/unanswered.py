"""Why a request got no answer, in one sentence: what the libraries say of it runs over pages."""

import re
import socket
from collections.abc import Iterator
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
from dpop_lab.show.values import one_line
from dpop_lab.wire.url import without_login

LOGIN = "Give the proxy its login in HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT."
PORTAL = "Open any web page in a browser, and log in to the network if one asks for that."
PROXY = "Look at HTTPS_PROXY and NO_PROXY."
_AUTHORITY = "Name the PEM file of the authority that is to be trusted in REQUESTS_CA_BUNDLE."
_SHORTER = "Is the URL right? Ask for less at a time, or take a long answer with stream=True."
_NETWORK = "Look at the network, the VPN and the proxy (HTTPS_PROXY)."
_UNTRUSTED = "No trusted TLS connection to {host}"
_CAUSES = (  # a kind of error, what its bottom says, what to say, what to do; the first that fits
    (ProxyError, " 407 ", "The proxy on the way to {host} wants a login", LOGIN),
    (ProxyError, "failed: 403", "The proxy on the way to {host} lets nobody there", PROXY),
    (ProxyError, "failed: 30", "The proxy on the way to {host} leads elsewhere", PORTAL),
    (ProxyError, "", "The proxy on the way to {host} can't be used", PROXY),
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
    (TooLong, "", "The answer of {host} is too long", _SHORTER),
)


def unanswered(error: requests.RequestException, timeout: float) -> str:
    """The sentence for the host of the request that failed, without an end mark.

    Empty when the request could not even be made: a wrong URL, a wrong header. `timeout` is what
    was waited, in seconds.
    """
    url = str(error.request.url) if error.request is not None and error.request.url else ""
    words, _ = _cause(error)
    told = words.format(host=host_named(url), timeout=timeout)
    return words and f"{told}: {in_its_words(error)}"


def remedy(error: requests.RequestException) -> str:
    """What to do about it, as a sentence; empty when there is nothing to do on this side."""
    return _cause(error)[1]


def host_named(url: str) -> str:
    """The host of a URL, and its port if there is one, as it may be shown."""
    return one_line(urlsplit(url).netloc.rpartition("@")[2])[:100] or "the server"


def in_its_words(error: BaseException) -> str:
    """What lies at the bottom of an error, in its own words, on one line and without a password."""
    *_, root = _inwards(error)
    said = getattr(root, "strerror", None) or str(root) or type(root).__name__
    bare = re.sub(r"\[\w+: \w+\] |\(?_ssl\.c:\d+\)?:?", "", without_login(str(said)))
    return one_line(" ".join(bare.split())).rstrip(".")[:160]


def _cause(error: requests.RequestException) -> tuple[str, str]:
    """What to say and what to do, both empty when none of the causes fits."""
    *_, root = _inwards(error)
    said = "gaierror" if isinstance(root, socket.gaierror) else str(root)
    for kind, mark, words, advice in _CAUSES:
        if isinstance(error, kind) and mark in said:
            return words, advice
    return "", ""


def _inwards(error: BaseException | None) -> Iterator[BaseException]:
    """This error, the one it holds or was caused by, and so on to the bottom."""
    while error is not None:
        yield error
        inner = (*error.args, getattr(error, "reason", None), error.__cause__)
        others = (one for one in inner if isinstance(one, BaseException) and one is not error)
        error = next(others, None)
