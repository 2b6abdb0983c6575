"""The way to a server of our own on a port of this machine."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

from dpop_lab.client.recorder import as_received, octets_of
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Request, Response

WAITING = 100  # answers at once that are not here yet, or never will be


class PortAdapter(HTTPAdapter, Front):
    """Both ends of the way to a twin on a port: what it found there is put on the answer here.

    It stands `before` the twin, and keeps the last requests and answers with their reports.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._patience, self._lock = timeout, Lock()
        self._count = 0  # of all requests that came in
        self._seen: deque[tuple[int, Request, Response]] = deque(maxlen=WAITING)
        #: is told of each request and its answer, whoever sent it, where somebody wants to know
        self.heard: Callable[[Request, Response], object] = lambda request, response: None

    def before(self, twin: Twin) -> Self:
        """Stand before this twin."""
        self._twin = twin
        return self

    def __call__(self, request: Request) -> Response:
        response = self._twin(request)
        with self._lock:
            self._count += 1
            self._seen.append((self._count, request, response))
        return response

    def told(self, request: Request, response: Response) -> None:
        self.heard(request, response)

    def _answer(
        self, request: requests.PreparedRequest, *args: Any, **settings: Any
    ) -> requests.Response:
        if settings.get("timeout") is None:
            settings["timeout"] = self._patience
        settings["proxies"] = {}  # a proxy has no business between us and ourselves
        try:
            return super().send(request, *args, **settings)
        except OSError as error:
            from dpop_lab.lab.live import Unreachable, failure  # loaded when used

            problem, advice = failure(error, request, settings["timeout"])
            raise Unreachable(problem, request, advice=advice) from error

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The answer, with the reports of the first request since that is this one and got it.

        Threads may take turns, and other clients may ask the same server. Each is told once. Raises
        `Unreachable`.
        """
        before = self._count
        answer = self._answer(request, *args, **kwargs)
        with self._lock:
            for one in self._seen:
                number, seen, response = one
                if number > before and _is(seen, answer.request) and _got(answer, response):
                    self._seen.remove(one)
                    answer.reports = response.reports  # type: ignore[attr-defined]
                    break
        return answer


def _is(seen: Request, sent: requests.PreparedRequest) -> bool:
    """Is this request, as it came in, the one that was sent? A streamed body is not looked at."""
    known = isinstance(sent.body, bytes | str | None)
    asked = as_received(sent, octets_of(sent.body) if known else seen.body)
    if (seen.method, seen.target, seen.body) != (asked.method, asked.target, asked.body):
        return False
    return all(seen.lines(name) == asked.lines(name) for name, _ in asked.headers)


def _got(answer: requests.Response, response: Response) -> bool:
    """Is this answer, as it arrived, the one that was given?"""
    lines = {(name.lower(), value) for name, value in answer.raw.headers.items()}
    given = {(name.lower(), value) for name, value in response.headers}
    return answer.status_code == response.status and given <= lines
