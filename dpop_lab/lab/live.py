"""The way to a server that is not ours, on which no answer is a sentence and not a traceback."""

import os
import ssl
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urljoin

import requests
from requests.exceptions import SSLError
from requests.utils import select_proxy

from dpop_lab.client.bounded import (
    LOGIN,
    MOST,
    MOST_METADATA,
    PORTAL,
    PROXY,
    BoundedAdapter,
    host_named,
    in_its_words,
    is_metadata,
    remedy,
    unanswered,
    waited,
)
from dpop_lab.errors import LabError
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.wire.url import htu, is_loopback, origin

TOKEN_PATH = "/connect/token"  # noqa: S105  a path
TIMEOUT = 15  # seconds to wait where the caller named none
LOGINS = {407: ("The proxy on the way to", LOGIN), 511: ("The network on the way to", PORTAL)}
Instead = tuple[str, requests.PreparedRequest, str]
BUNDLE = "Look at REQUESTS_CA_BUNDLE."
OFFLINE = "Or use the offline twin: Lab(), or call without --live."


class Unreachable(LabError, requests.ConnectionError):
    """A server over the network gave no answer: no network, no way through it, or nobody there.

    `request` is what was to be sent; the error of the transport is its cause
    unless that may hold the password of a proxy.
    """

    def __init__(self, problem: str, request: requests.PreparedRequest, *, advice: str) -> None:
        super().__init__(problem, advice=advice)
        self.request, self.response = request, None


def in_words(error: Exception, timeout: float) -> str:
    """Why a request got no answer within so many seconds, in a sentence without an end mark."""
    if isinstance(error, LabError) or not isinstance(error, requests.RequestException):
        return str(error)
    return unanswered(error, timeout) or in_its_words(error)


class LiveAdapter(BoundedAdapter):
    """Sends over the network, waits a bounded time, and says in a sentence when nothing comes.

    `json_only` are URLs at which a web page is never the server's own; of an answer from there, and
    of metadata, 1 MB is read, of any other 10 MB. `timeout` is the seconds to wait where the caller
    named none.
    """

    def __init__(self, *, json_only: Collection[str] = (), timeout: float = TIMEOUT) -> None:
        super().__init__()
        self.json_only, self._patience = json_only, timeout

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The server's answer. Raises `Unreachable` when there is none, or another's."""
        timeout = self._patience if timeout is None else timeout
        if is_loopback(str(request.url)):
            proxies = {}  # a proxy has no business between us and ourselves
        unread = None
        try:  # what breaks off in the middle is told here, too
            answer = super().send(request, stream, timeout, verify, cert, proxies)
        except ValueError as error:  # it may hold the proxy's password: nothing may chain to it
            unread = in_its_words(error)
        except requests.RequestException as error:
            error.request = error.request or request
            if isinstance(error, SSLError) and not _holds_certificates(verify):
                why = f"No way to {host_named(str(request.url))}: no certificate can be read"
                raise _unreachable(f"{why} from the bundle", request, BUNDLE) from error
            why = unanswered(error, waited(error, timeout)) or _unusable(request, error)
            raise _unreachable(why, request, remedy(error)) from error
        except OSError as error:  # of certificates that are not there
            raise _unreachable(_unusable(request, error), request, BUNDLE) from error
        if unread is not None:
            raise _unreadable(unread, request, proxies or {})
        if (instead := self._from_another(answer)) is not None:
            answer.close()
            raise _unreachable(*instead)
        return answer

    def most(self, request: requests.PreparedRequest) -> int:
        """How many octets are read of the answer to this request."""
        url = str(request.url)
        return MOST_METADATA if is_metadata(url) or self._is_json_only(url) else MOST

    def _is_json_only(self, url: str) -> bool:
        return htu(url) in map(htu, self.json_only)

    def _from_another(self, answer: requests.Response) -> Instead | None:
        """What came in place of the server's own answer, None when that came.

        An error page may be that of a server which is not the demo: it is refused by who reads it.
        """
        request, status = answer.request, answer.status_code
        url = str(request.url)
        asked = host_named(url)
        if status in LOGINS:
            who, advice = LOGINS[status]
            return f"{who} {asked} wants a login: status {status}", request, advice
        if not self._is_json_only(url):
            return None
        if answer.is_redirect:
            to = _led_to(url, answer.headers["Location"])
            why = f"{asked} was asked, and something in between leads to {host_named(to)}"
            return None if origin(to) == origin(url) else (why, request, PORTAL)
        page = answer.headers.get("Content-Type", "").lower().startswith("text/html")
        if page and (status < 400 or at_demo(url)):
            why = f"A web page (status {status}) came in place of the JSON of {asked}"
            return f"{why}, from a proxy or a login page in between", request, PORTAL
        return None


def _holds_certificates(verify: bool | str) -> bool:
    """Can the certificates of a bundle be read, if it is a file that was named?"""
    if not isinstance(verify, str) or not os.path.isfile(verify):
        return True
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(verify)
    except OSError:  # an SSLError is one
        return False
    return True


def _led_to(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def at_demo(url: str) -> bool:
    """Is this a URL of the demo server?"""
    return origin(url) == origin(BASE_URL)


def _unusable(request: requests.PreparedRequest, error: Exception) -> str:
    return f"No way to {host_named(str(request.url))}: {in_its_words(error)}"


def _unreadable(
    words: str, request: requests.PreparedRequest, proxies: Mapping[str, str]
) -> Unreachable:
    """For an error about a URL: that of the proxy, if there is one."""
    asked = host_named(str(request.url))
    if select_proxy(str(request.url), proxies):
        return _unreachable(
            f"The proxy on the way to {asked} can't be used: {words}", request, PROXY
        )
    return _unreachable(f"No way to {asked}: {words}", request, "")


def _unreachable(why: str, request: requests.PreparedRequest, advice: str) -> Unreachable:
    offline = OFFLINE if at_demo(str(request.url)) else ""
    advice = " ".join(filter(None, [advice, offline]))
    return Unreachable(why, request, advice=advice)
