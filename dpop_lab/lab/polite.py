"""A way to a server that is not hurried, counts what it sends, and reads no endless answer."""

import math
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from dpop_lab.errors import LabError
from dpop_lab.lab.live import LiveAdapter
from dpop_lab.wire.url import host

LONGEST_BODY = 1 << 16  # octets of an answer that are read
BUSY = (429, 503)
STALE = 1  # seconds after which a connection is not used again


class Busy(LabError):
    """The server wants a pause: of so many `seconds`."""

    def __init__(self, name: str, status: int, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"{name} answers {status} and wants a pause of {seconds} s")


class TooMany(LabError):
    """More requests would have to be sent than were agreed on."""


class PoliteAdapter(LiveAdapter):
    """Sends `limit` requests at most, each `pace` seconds after the last; `sent` counts them.

    Raises `TooMany`, and `Busy` for an answer with status 429, or 503 with Retry-After. Of a body
    `LONGEST_BODY` octets are read, within the timeout; a web page is an answer like any other.
    """

    cuts = True

    def __init__(self, *, pace: float, timeout: float, limit: int | None = None) -> None:
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
        if self.limit is not None and self.sent >= self.limit:
            raise TooMany(f"The {self.limit} requests agreed on are sent, and more are needed")
        time.sleep(max(0, self._last + self.pace - time.monotonic()))
        self.sent += 1
        before, self._last = self._last, time.monotonic()
        if self._last - before > STALE:
            self.close()  # the server may be about to do so, and to lose the request
        answer = super().send(request, *args, **kwargs)
        wait = answer.headers.get("Retry-After", "")
        if answer.status_code == BUSY[0] or (answer.status_code == BUSY[1] and wait):
            raise Busy(host(str(request.url)), answer.status_code, _seconds(wait))
        return answer


def _seconds(wait: str) -> int:
    """What Retry-After says (RFC 9110 section 10.2.3), a second where it says nothing."""
    if re.fullmatch("[0-9]{1,15}", wait):
        return int(wait)
    try:
        return math.ceil(parsedate_to_datetime(wait).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):  # the last two are for years far away
        return 1
