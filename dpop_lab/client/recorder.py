"""A requests adapter that writes the session log: what it sees is what went over the wire."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter

from dpop_lab.errors import expect
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.message import Exchange, Headers, Redacted
from dpop_lab.wire.syntax import host

LONGEST_BODY = 1_000_000
STREAMED = "<streamed body, not recorded>"


def record(
    session: requests.Session,
    log: SessionLog | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> SessionLog:
    """Record every exchange of this session from now on; gives the log.

    Each adapter mounted by now is wrapped, so that also those responses are seen which requests or
    an auth object keeps to itself. Without `log` the one that is already there is used, or a new
    one. To record twice into the same log changes nothing; an adapter mounted later is recorded
    once `record` is called again. `clock` gives seconds since 1970.
    """
    expect(session, requests.Session, "record", "A lab has one: lab.session.")
    expect(log, (SessionLog, type(None)), "record", "SessionLog(path) makes one.")
    recorders = [one for one in session.adapters.values() if isinstance(one, RecordingAdapter)]
    if log is None:
        log = recorders[0].log if recorders else SessionLog()
    adapters = cast("dict[str, Any]", session.adapters)
    for prefix, adapter in adapters.items():
        if not (isinstance(adapter, RecordingAdapter) and adapter.writes_to(log)):
            adapters[prefix] = RecordingAdapter(adapter, log, clock)
    return log


class RecordingAdapter(BaseAdapter):
    """Sends by another adapter and records the exchange; a streamed body is not read for it."""

    def __init__(self, inner: BaseAdapter, log: SessionLog, clock: Callable[[], float]) -> None:
        super().__init__()
        self.inner, self.log, self._clock = inner, log, clock

    def writes_to(self, log: SessionLog) -> bool:
        """Is this log written, by this adapter or by one inside?"""
        inner = self.inner
        return self.log is log or (isinstance(inner, RecordingAdapter) and inner.writes_to(log))

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send, record, and give the response, or raise what the other adapter raised."""
        stream = args[0] if args else kwargs.get("stream", False)
        sent = sent_exchange(request, at=self._clock())
        try:
            response = self.inner.send(request, *args, **kwargs)
            lines = getattr(response.raw, "headers", response.headers)
            exchange = replace(
                sent,
                status=response.status_code,
                reason=as_text(response.reason or ""),
                response_headers=_lines(lines),
                response_body=_body(response.raw if stream else response.content, response.headers),
                reports=getattr(response, "reports", ()),
            )
        except Exception as error:
            self._record(replace(sent, failure=f"{type(error).__name__}: {error}"))
            raise
        response.exchange = self._record(exchange)  # type: ignore[attr-defined]
        response.connection = cast(Any, self)  # what an auth object repeats is recorded too
        return response

    def close(self) -> None:
        """Close the other adapter."""
        self.inner.close()

    def _record(self, exchange: Exchange) -> Redacted:
        return self.log.record(replace(exchange, ended_at=self._clock()))


def sent_exchange(request: requests.PreparedRequest, *, at: float) -> Exchange:
    """A request on its way, sent `at` so many seconds since 1970; the answer is still to come."""
    scheme = str(request.url).partition(":")[0]
    return Exchange(
        method=str(request.method),
        url=f"{scheme}://{host(str(request.url))}{request.path_url}",
        request_headers=header_lines(request),
        request_body=_body(request.body, request.headers),
        sent_at=at,
        ended_at=math.nan,
    )


def exchange_of(response: requests.Response) -> Redacted:
    """The exchange of which this is the answer, as it was recorded last."""
    found: Redacted = response.exchange  # type: ignore[attr-defined]
    return found


def _body(body: object, headers: Mapping[str, str | bytes]) -> str:
    """A body as text; a note of what it is where it is no text, very long or still to be read."""
    octets = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body or b""
    if not isinstance(octets, bytes):
        return STREAMED
    media_type = as_text(headers.get("Content-Type") or "unknown type").partition(";")[0]
    note = f"<{len(octets)} bytes of {media_type}>"
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return note
    return note if len(octets) > LONGEST_BODY or "\0" in text else text


def header_lines(request: requests.PreparedRequest) -> Headers:
    """The header lines in order, with the Host line that a connection would add."""
    lines = _lines(request.headers)
    return lines if "Host" in request.headers else (("Host", host(str(request.url))), *lines)


def _lines(headers: Mapping[str, str | bytes]) -> Headers:
    return tuple((as_text(name), as_text(value)) for name, value in headers.items())


def as_text(value: str | bytes) -> str:
    """A part of a header line as text; requests takes octets there too."""
    return str(value) if isinstance(value, str) else value.decode("latin-1")
