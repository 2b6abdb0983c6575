"""A way to a server that is not hurried, counts what it sends, and reads no endless answer."""

import math
import re
import time
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter

from dpop_lab.errors import LabError
from dpop_lab.wire.url import host

LONGEST_BODY = 1 << 16  # octets of an answer that are read
LONGEST_WAIT = 30  # seconds: for the whole of a body, and for a server that wants a pause
BUSY = (429, 503)
STALE = 1  # seconds after which a connection is not used again


class Busy(LabError):
    """The server wants a pause: of so many `seconds`."""

    def __init__(self, name: str, status: int, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"{name} answers {status} and wants a pause of {seconds} s")


class TooMany(LabError):
    """More requests would have to be sent than were agreed on."""


class Pacer:
    """Waits `pace` seconds between requests, and sends `limit` of them at most; `sent` counts."""

    def __init__(self, pace: float = 0, limit: int | None = None) -> None:
        self.pace, self.limit, self.sent = pace, limit, 0
        self._last = -math.inf

    def take_turn(self) -> float:
        """Wait for the next request's turn; gives the seconds since the last one.

        Raises `TooMany` when there is none left.
        """
        if self.limit is not None and self.sent >= self.limit:
            raise TooMany(f"The {self.limit} requests agreed on are sent, and more are needed")
        self.pause(self._last + self.pace - time.monotonic())
        self.sent += 1
        before, self._last = self._last, time.monotonic()
        return self._last - before

    def pause(self, seconds: float) -> None:
        """Wait so long."""
        if seconds > 0:
            time.sleep(seconds)


class PacedAdapter(BaseAdapter):
    """Sends by another adapter when it is time for it, and reads answers of bounded size.

    Raises `TooMany`, and `Busy` for an answer with status 429, or 503 with Retry-After.
    """

    def __init__(self, inner: BaseAdapter, pacer: Pacer) -> None:
        super().__init__()
        self._inner, self._pacer = inner, pacer

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, its body cut after `LONGEST_BODY` octets."""
        if self._pacer.take_turn() > STALE:
            self._inner.close()  # the server may be about to do so, and to lose the request
        answer = self._inner.send(request, True, *args, **kwargs)
        wait = answer.headers.get("Retry-After", "")
        if answer.status_code == BUSY[0] or (answer.status_code == BUSY[1] and wait):
            answer.close()
            raise Busy(host(str(request.url)), answer.status_code, _seconds(wait))
        return _short(answer)

    def close(self) -> None:
        """Close the other adapter."""
        self._inner.close()


def _seconds(wait: str) -> int:
    """What Retry-After says (RFC 9110 section 10.2.3), a second where it says nothing."""
    if re.fullmatch("[0-9]{1,15}", wait):
        return int(wait)
    try:
        return math.ceil(parsedate_to_datetime(wait).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):  # the last two are for years far away
        return 1


def _short(answer: requests.Response) -> requests.Response:
    """The same answer with as much of its body, decoded, as comes in time."""
    body, end = bytearray(), time.monotonic() + LONGEST_WAIT
    try:
        for part in answer.iter_content(1):  # a slow server fills no more; the time is looked at
            body += part
            if len(body) >= LONGEST_BODY or time.monotonic() > end:
                answer.close()
                break
    except requests.RequestException as error:
        error.request = answer.request
        raise
    short = requests.Response()
    short.status_code, short.reason, short.headers = (
        answer.status_code,
        answer.reason,
        answer.headers,
    )
    short.url, short.request, short.encoding = answer.url, answer.request, answer.encoding
    short.raw = BytesIO(body)
    return short
