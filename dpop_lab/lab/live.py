"""The way to a server that is not ours: what goes wrong on it is a sentence, and no traceback."""

import math
import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urljoin

import requests
from requests.utils import select_proxy
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from dpop_lab.client.bounded import (
    BUNDLE,
    LOGIN,
    MOST,
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
from dpop_lab.client.settings import MOST_METADATA
from dpop_lab.errors import LabError
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.wire.syntax import htu, is_loopback, origin

LOGINS = {407: ("The proxy on the way to", LOGIN), 511: ("The network on the way to", PORTAL)}
OFFLINE = "Or use the offline twin: Lab(), or call without --live."
LONGEST_BODY = 1 << 16  # octets of an answer that a polite client reads
BUSY, DAY = (429, 503), 86_400
STALE = 1  # seconds after which a connection is not used again
Trouble = tuple[str, str]  # what is wrong and what to do about it; empty: nothing


class Unreachable(LabError, requests.ConnectionError):
    """A server over the network gave no answer: no network, no way through it, or nobody there.

    `request` is what was to be sent; the error of the transport is its cause unless that may hold
    the password of a proxy. `seconds` is the pause that the server wants before it is asked again,
    infinite unless it named one.
    """

    def __init__(
        self,
        problem: str,
        request: requests.PreparedRequest,
        *,
        advice: str = "",
        seconds: float = math.inf,
    ) -> None:
        offline = OFFLINE if at_demo(str(request.url)) else ""
        super().__init__(problem, advice=" ".join(filter(None, (advice, offline))))
        self.request, self.response, self.seconds = request, None, seconds


class LiveAdapter(BoundedAdapter):
    """Sends over the network, waits a bounded time, and says in a sentence when nothing comes.

    `json_only` are URLs at which a web page is never the server's own; of an answer from there, and
    of metadata, 1 MB is read, of any other 10 MB. `timeout` is the seconds to wait where the caller
    named none.
    """

    def __init__(self, *, json_only: Collection[str] = (), timeout: float) -> None:
        super().__init__()
        self.json_only, self._patience = json_only, timeout

    def send(
        self, request: requests.PreparedRequest, *args: Any, **settings: Any
    ) -> requests.Response:
        """The server's answer. Raises `Unreachable` when there is none, or another's."""
        if settings.get("timeout") is None:
            settings["timeout"] = self._patience
        if is_loopback(str(request.url)):
            settings["proxies"] = {}  # a proxy has no business between us and ourselves
        cause: OSError | None = None
        try:  # what breaks off in the middle is told here, too
            answer = super().send(request, *args, **settings)
        except ValueError as error:  # it may hold the proxy's password: nothing may chain to it
            problem, advice = _unreadable(error, str(request.url), settings.get("proxies") or {})
        except OSError as error:
            problem, advice = failure(error, request, settings["timeout"])
            cause = error
        else:
            problem, advice = self._from_another(answer)
            if not problem:
                return answer
            answer.close()
        raise Unreachable(problem, request, advice=advice) from cause

    def most(self, request: requests.PreparedRequest) -> int:
        """How many octets are read of the answer to this request."""
        url = str(request.url)
        return MOST_METADATA if is_metadata(url) or self._is_json_only(url) else MOST

    def _is_json_only(self, url: str) -> bool:
        return htu(url) in map(htu, self.json_only)

    def _from_another(self, answer: requests.Response) -> Trouble:
        """What came in place of the server's own answer, nothing when that came.

        An error page may be that of a server which is not the demo: it is refused by who reads it.
        """
        url, status = str(answer.request.url), answer.status_code
        asked = host_named(url)
        if status in LOGINS:
            who, advice = LOGINS[status]
            return f"{who} {asked} wants a login: status {status}", advice
        if not self._is_json_only(url):
            return "", ""
        if answer.is_redirect:
            to = _led_to(url, answer.headers["Location"])
            why = f"{asked} was asked, and something in between leads to {host_named(to)}"
            return ("", "") if origin(to) == origin(url) else (why, PORTAL)
        page = answer.headers.get("Content-Type", "").lower().startswith("text/html")
        if page and (status < 400 or at_demo(url)):
            why = f"A web page (status {status}) came in place of the JSON of {asked}"
            return f"{why}, from a proxy or a login page in between", PORTAL
        return "", ""


def failure(error: OSError, request: requests.PreparedRequest, timeout: Any) -> Trouble:
    """Why a request failed, though it could be made."""
    no_way = f"No way to {host_named(str(request.url))}"
    if not isinstance(error, requests.RequestException):  # of certificates that are not there
        return f"{no_way}: {in_its_words(error)}", BUNDLE
    error.request = error.request or request
    told = unanswered(error, waited(error, timeout)) or f"{no_way}: {in_its_words(error)}"
    return told, remedy(error)


def _unreadable(error: ValueError, url: str, proxies: Mapping[str, str]) -> Trouble:
    """What is wrong with a URL: that of the proxy, if there is one."""
    asked, words = host_named(url), in_its_words(error)
    if select_proxy(url, proxies):
        return f"The proxy on the way to {asked} can't be used: {words}", PROXY
    return f"No way to {asked}: {words}", ""


def _led_to(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def at_demo(url: str) -> bool:
    """Is this a URL of the demo server?"""
    return origin(url) == origin(BASE_URL)


class PoliteAdapter(LiveAdapter):
    """Sends `limit` requests at most, each `pace` seconds after the last; `sent` counts them.

    Raises `Unreachable` for one more, and for an answer with status 429, or 503 with Retry-After.
    Of a body `LONGEST_BODY` octets are read, within the timeout; a web page is an answer like any
    other.
    """

    cuts = True

    def __init__(self, *, pace: float, timeout: float, limit: float = math.inf) -> None:
        super().__init__(timeout=timeout)
        self.pace, self.limit, self.sent = pace, limit, 0
        self._last = -math.inf

    def most(self, request: requests.PreparedRequest) -> int:
        """How many octets are read of an answer before one that shows that there are more."""
        return LONGEST_BODY - 1

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, once it is time for the request."""
        if self.sent >= self.limit:
            agreed = f"The {self.limit} requests agreed on are sent, and more are needed"
            raise Unreachable(agreed, request)
        time.sleep(max(0, self._last + self.pace - time.monotonic()))
        self.sent += 1
        before, self._last = self._last, time.monotonic()
        if self._last - before > STALE:
            self.close()  # the server may be about to do so, and to lose the request
        answer = super().send(request, *args, **kwargs)
        status, wait = answer.status_code, answer.headers.get("Retry-After", "")
        if status == BUSY[0] or (status == BUSY[1] and wait):
            pause, asked = _pause(wait), host_named(str(request.url))
            wanted = f"{asked} answers {status} and wants a pause of {pause:.0f} s"
            raise Unreachable(wanted, request, seconds=pause)
        return answer


def _pause(wait: str) -> float:
    """What Retry-After says (RFC 9110 section 10.2.3), a second where it says nothing."""
    try:
        return min(DAY, Retry().parse_retry_after(wait))
    except (InvalidHeader, ValueError, OverflowError):  # the last two are for times far away
        return 1
