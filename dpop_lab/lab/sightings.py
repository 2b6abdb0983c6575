"""A twin on a port of this machine, whose reports are brought together with what was answered."""

from collections import deque
from threading import Lock
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from dpop_lab.client.recorder import header_lines
from dpop_lab.lab.in_process import with_reports
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request, Response

WAITING = 100  # sightings at once whose answer is not here yet, or never will be
CARRIED = ("Host", "Authorization", "DPoP")


class Sightings:
    """Stands before a twin on a port, and remembers of the last requests what it found."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: deque[tuple[Request, Response]] = deque(maxlen=WAITING)

    def before(self, twin: Twin) -> Self:
        """Stand before this twin."""
        self._twin, self.told, self.spoke_tls = twin, twin.told, twin.spoke_tls
        return self

    def __call__(self, request: Request) -> Response:
        response = self._twin(request)
        with self._lock:
            self._seen.append((request, response))
        return response

    def reports_of(self, sent: requests.PreparedRequest, status: int) -> Any:
        """The reports of the first request that looks like this one and got this status.

        Threads may take turns, and other clients may ask the same server. Each is told once.
        """
        with self._lock:
            for one in self._seen:
                if one[1].status == status and _is(one[0], sent):
                    self._seen.remove(one)
                    return one[1].reports
        return ()


class SightingAdapter(HTTPAdapter):
    """Sends to a twin on a port, and puts on the answer the reports that the twin made of it."""

    def __init__(self, sightings: Sightings) -> None:
        super().__init__()
        self._sightings = sightings

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, with its reports. Raises what any adapter raises."""
        answer = super().send(request, *args, **kwargs)
        return with_reports(answer, self._sightings.reports_of(request, answer.status_code))


def _is(seen: Request, sent: requests.PreparedRequest) -> bool:
    """Is this request, as it came in, the one that was sent?"""
    if (seen.method, seen.target) != (sent.method, sent.path_url):
        return False
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    if body != seen.body and isinstance(body, bytes | None) and (body or seen.body):
        return False
    lines = [(name.lower(), value.strip(" \t")) for name, value in header_lines(sent)]
    return all(
        list(seen.lines(name)) == [value for key, value in lines if key == name.lower()]
        for name in CARRIED
    )
