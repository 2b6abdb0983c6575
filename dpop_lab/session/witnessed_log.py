"""The session log of a lab: beside an exchange it knows what the twin saw of it."""

from collections import deque
from collections.abc import Iterable

from dpop_lab.server.policy import Seen
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.message import Exchange

WAITING = 100  # sightings at once whose exchange is not recorded yet, or never will be
KEPT = 1000  # of so many exchanges, the last ones, it is known what the twin saw
CARRIED = ("Host", "Authorization", "DPoP")


class WitnessedLog(SessionLog):
    """A session log that is told by a server, too, what it saw: of the last 1,000 exchanges.

    Which sighting belongs to which exchange is told by what was sent and answered, so threads may
    take turns and other clients may ask the same server. Safe for threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Seen] = deque(maxlen=WAITING)
        self._seen: dict[int, Seen] = {}

    def witness(self, seen: Seen) -> None:
        """Keep what a server saw of a request until the exchange has been recorded."""
        with self._lock:
            self._waiting.append(seen)

    def record(self, exchange: Exchange) -> Exchange:
        """Redact an exchange, keep it with what was seen of it, and give it back."""
        redacted = super().record(exchange)
        with self._lock:
            seen = next((one for one in self._waiting if _is_of(one, exchange)), None)
            if seen is not None:
                self._waiting = deque((one for one in self._waiting if one is not seen), WAITING)
                self._seen[id(redacted)] = seen  # the log keeps it, so the id stays its own
                if len(self._seen) > KEPT:
                    del self._seen[next(iter(self._seen))]
        return redacted

    def seen(self, exchange: Exchange) -> Seen | None:
        """What the twin saw of this exchange of the log; None where it saw or kept nothing."""
        return self._seen.get(id(exchange))

    def without_secrets(self, seen: Seen, texts: Iterable[str]) -> list[str]:
        """Texts about a request without its secrets, which have the same labels as in the log."""
        request, response, lines = seen.request, seen.response, [("", text) for text in texts]
        raw = Exchange(
            method=request.method,
            url=request.target,
            request_headers=request.headers,
            request_body=request.body.decode("utf-8", "replace"),
            sent_at=0,
            ended_at=0,
            status=response.status,
            response_headers=(*response.headers, *lines),
            response_body=response.body.decode("utf-8", "replace"),
        )
        with self._lock:
            redacted = self._redactor.exchange(raw).response_headers
        return [text for _, text in redacted[len(response.headers) :]]


def _is_of(seen: Seen, exchange: Exchange) -> bool:
    """Is this what a server saw of the exchange, which is not redacted yet?"""
    request, sent = seen.request, exchange.request_headers
    target = "/" + exchange.url.partition("://")[2].partition("/")[2]
    if (request.method, request.target, seen.response.status) != (
        exchange.method,
        target,
        exchange.status,
    ):
        return False
    body = request.body.decode("utf-8", "replace")
    if body != exchange.request_body and not exchange.request_body.startswith("<"):  # a note
        return False
    lines = [(name.lower(), value.strip(" \t")) for name, value in sent]
    return all(
        list(request.lines(name)) == [value for key, value in lines if key == name.lower()]
        for name in CARRIED
    )
