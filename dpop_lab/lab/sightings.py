"""A twin on a port of this machine, whose reports are brought together with what was answered."""

from collections import deque
from threading import Lock
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from dpop_lab.checking import Report
from dpop_lab.client.recorder import header_lines
from dpop_lab.lab.in_process import with_reports
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Request, Response

WAITING = 100  # sightings at once whose answer is not here yet, or never will be


class Sightings(Front):
    """Stands before a twin on a port, and remembers of the last requests what it found."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: deque[tuple[int, Request, Response]] = deque(maxlen=WAITING)
        self.count = 0  #: of all requests that came in

    def before(self, twin: Twin) -> Self:
        """Stand before this twin."""
        self._twin = twin
        return self

    def __call__(self, request: Request) -> Response:
        response = self._twin(request)
        with self._lock:
            self.count += 1
            self._seen.append((self.count, request, response))
        return response

    def reports_of(self, answer: requests.Response, *, after: int) -> tuple[Report, ...]:
        """The reports of the first request `after` so many that is this one and got this answer.

        Threads may take turns, and other clients may ask the same server. Each is told once.
        """
        with self._lock:
            for one in self._seen:
                number, request, response = one
                if number > after and _is(request, answer.request) and _got(answer, response):
                    self._seen.remove(one)
                    return response.reports
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
        before = self._sightings.count
        answer = super().send(request, *args, **kwargs)
        return with_reports(answer, self._sightings.reports_of(answer, after=before))


def _is(seen: Request, sent: requests.PreparedRequest) -> bool:
    """Is this request, as it came in, the one that was sent?"""
    if (seen.method, seen.target) != (sent.method, sent.path_url):
        return False
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body
    if body != seen.body and isinstance(body, bytes | None) and (body or seen.body):
        return False
    lines = [(name.lower(), value.strip(" \t")) for name, value in header_lines(sent)]
    return all(
        list(seen.lines(name)) == [value for key, value in lines if key == name]
        for name in {name for name, _ in lines}
    )


def _got(answer: requests.Response, response: Response) -> bool:
    """Is this answer, as it arrived, the one that was given?"""
    lines = {(name.lower(), value) for name, value in answer.raw.headers.items()}
    given = {(name.lower(), value) for name, value in response.headers}
    return answer.status_code == response.status and given <= lines
