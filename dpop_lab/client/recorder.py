"""What a session of requests sends: over which way, and kept in a log without its secrets."""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from dpop_lab.errors import expect
from dpop_lab.wire.message import Exchange, Headers, Redacted, Request, Response
from dpop_lab.wire.redact import Redactor
from dpop_lab.wire.syntax import host

LONGEST_BODY = 1_000_000
STREAMED = "<streamed body, not recorded>"
WITH_REPORTS = 1000  # of so many exchanges, the last ones, the reports are kept
WITHOUT_BODY = (204, 304)


class SessionLog:
    """Keeps every exchange recorded, redacted, in the order in which they ended.

    Secrets in URLs, headers and bodies are replaced by their kind and order of appearance, such as
    `<access_token 1>`; so are proofs, unless `show_proofs`. With a `path` each exchange is appended
    to that file as it ends; where the file does not exist it is made, for its owner's eyes only
    (mode 0600, where the system has modes). Of the last 1,000 exchanges the server's reports are
    kept. `record` fills it. Raises `OSError` when the file cannot be written. Safe for threads.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, show_proofs: bool = False
    ) -> None:
        self._path, self._show_proofs, self._redactor = path, show_proofs, Redactor()
        self._exchanges: list[Redacted] = []
        self._lock = Lock()
        self._append()

    def __repr__(self) -> str:
        return f"<SessionLog, {len(self)} exchange{'' if len(self) == 1 else 's'}>"

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Redacted]:
        return iter(tuple(self._exchanges))

    def __getitem__(self, index: int) -> Redacted:
        return self._exchanges[index]

    def text(self) -> str:
        """The whole log in the form of the commercial sample."""
        return "".join(exchange.text() for exchange in self)

    def record(self, exchange: Exchange) -> Redacted:
        """Redact an exchange, keep it, and give it back."""
        with self._lock:
            redacted = self._redactor.exchange(exchange)
            if self._show_proofs:
                redacted = redacted.with_proofs()
            self._exchanges.append(redacted)
            if len(self._exchanges) > WITH_REPORTS:
                old = self._exchanges[-WITH_REPORTS - 1]
                self._exchanges[-WITH_REPORTS - 1] = replace(old, reports=())
            self._append(redacted)
        return redacted

    def known(self, texts: list[str]) -> list[str]:
        """Texts about what was recorded, without the long secrets in it."""
        with self._lock:
            return self._redactor.labels.replace(texts)

    def _append(self, *exchanges: Redacted) -> None:
        if self._path is None:
            return
        opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(opened, "a", encoding="utf-8", newline="\n") as file:
            file.writelines(one.text() for one in exchanges)


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


class InProcessAdapter(HTTPAdapter):
    """Carries each request of a session to `server`, a `Request -> Response`, and its answer back.

    `session.mount("https://demo.duendesoftware.com", InProcessAdapter(server))`; the URLs are the
    real ones, no port and no thread is needed. Bodies are read whole before the server is called.
    Timeouts, certificates and proxies have no meaning here; what the server raises is not caught.
    The reports of the server are on the answer, from which a recorder takes them.
    """

    def __init__(self, server: Callable[[Request], Response]) -> None:
        super().__init__()
        self.server = server

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """The server's answer to this request, as a requests.Response."""
        asked = as_received(request, octets_of(request.body))
        answered = self.server(asked)
        answer = self.build_response(request, _raw(answered, asked.method))
        answer.reports = answered.reports  # type: ignore[attr-defined]
        return answer


def as_received(request: requests.PreparedRequest, body: bytes) -> Request:
    """This request, with this body, as a server has it."""
    return Request(str(request.method), request.path_url, header_lines(request), body)


def octets_of(body: Any) -> bytes:
    """A body of any kind that requests takes: none, octets, text, a file, an iterable of parts."""
    if body is None or isinstance(body, bytes | bytearray):
        return bytes(body or b"")
    if isinstance(body, str):
        return body.encode()
    return b"".join(map(octets_of, [body.read()] if hasattr(body, "read") else body))


def _raw(response: Response, method: str) -> HTTPResponse:
    headers = HTTPHeaderDict(response.headers)
    # all that is asked of an http.client response: Set-Cookie lines, and closing
    original: Any = SimpleNamespace(msg=headers, close=lambda: None, isclosed=lambda: True)
    silent = method == "HEAD" or response.status in WITHOUT_BODY
    return HTTPResponse(
        body=BytesIO(b"" if silent else response.body),
        headers=headers,
        status=response.status,
        reason=response.reason,
        version=11,
        preload_content=False,
        request_method=method,
        original_response=original,
    )
