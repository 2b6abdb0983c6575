"""Where an exercise takes place: a lab of its own, and what its server saw there."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

import requests

from dpop_lab.checking import Report
from dpop_lab.client.recorder import InProcessAdapter, SessionLog
from dpop_lab.errors import LabError, expect
from dpop_lab.lab.lab import TIMEOUT, Lab
from dpop_lab.lab.participant import demo_client
from dpop_lab.lab.world import TWIN, Carrier, World, started
from dpop_lab.server.access_token import new_signing_key
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.server.twin import Twin
from dpop_lab.session.call import ACCEPTED, API, NO_ROW, TOKEN_ENDPOINT, Call, read_as
from dpop_lab.wire.message import Exchange, Redacted, Request

PLAIN_API = "API for bearer tokens"
PLACES = (TOKEN_ENDPOINT, API, PLAIN_API)
Trial = Callable[[requests.Session], object]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, repr=False)
class Seen(Call):
    """A request as the exercise's server saw it, with its answer; tokens in it are readable."""

    predicted: str = ""  #: what was predicted for it, before it was sent
    handed: str = ""  #: sent by what was handed out: which of it that was; else empty
    complete: tuple[Report, ...] = ()  #: what a server that lacks no row found in these bytes

    @cached_property
    def place(self) -> str:
        """One of `PLACES`, or another of a sign-in; empty for a document or no answer."""
        place, refused = super().place, (self.status or 0) >= 400
        if place != API and self.personal:
            return self.personal
        if not (self.reports or self.issued or refused):
            return ""
        return PLAIN_API if place == API and len(self.reports) == 1 else place

    @property
    def fault(self) -> str:
        """The row by which a server that lacks none says no; `accepted` where it says yes."""
        failed = (one.failure.check.name for one in self.complete if one.failure)
        return next(failed, ACCEPTED)


class Scene:
    """A lab of an exercise, what was handed out, and what came since: `start` makes it ready.

    Nothing that was sent before `begin` counts, nor what went to a server with other rules, such
    as that of `lab.send(without=…)`.
    """

    def __init__(self, heard: Callable[[], object] = lambda: None) -> None:
        self.given: Mapping[str, Any] = {}  #: what was handed out, by name, as it was
        self.handed_out: Mapping[str, Any] = {}  #: what the learner has of it, to be changed
        self.calls: tuple[Seen, ...] = ()  #: what the server saw since the exercise began
        self.trials: Mapping[str, tuple[Seen, ...]] = {}  #: of the last repair, by their names
        self.count = 0  #: of all that the server saw since then
        self.named: tuple[str, ...] = ()  #: the rows that the learner named, in order
        self._heard = heard
        self._lab: Lab | None = None
        self._complete: Twin | None = None
        self._begun, self._handed, self._predicted, self._lock = False, "", "", Lock()

    # ---- for the set-up

    def open(
        self,
        policy: Policy = DUENDE,
        *,
        complete: Policy | None = None,
        api_nonce: bool = False,
        carrier: Carrier = "in process",
        apis: type[ResourceServer] = ResourceServer,
    ) -> Lab:
        """The lab of this exercise, under these rules; asked for once.

        With `complete`, the rules of which `policy` lacks some, each request is shown to a server
        that has them all as well, and `Seen.fault` says by which row that one refuses it. `apis`
        is what both servers' APIs are made of, where they are others than the demo's.
        """
        if self._lab is not None:
            raise LabError("The lab of this exercise is open already")
        options: dict[str, Any] = {"policy": policy, "api_nonce": api_nonce, "client_key": None}
        options["apis"] = apis
        lab = ExerciseLab(_Watched(self._record), carrier, options)
        if complete is not None:
            self._complete = lab.twin.under(complete, api_nonce=api_nonce)
            self._complete.forget()
        self._lab = lab
        return lab

    def begin(self, given: Mapping[str, Any]) -> None:
        """Hand these out; from now on what the server sees counts."""
        self.given, self._begun = given, True
        self.handed_out = {n: {**one} if isinstance(one, dict) else one for n, one in given.items()}

    def try_out(
        self, policy: Policy, trials: Mapping[str, Trial], *, api_nonce: bool | None = None
    ) -> object:
        """Carry out each trial, by its name, at the same server under a repaired policy.

        It has no memory of what came before, and demands nonces at the API as before unless said.
        A trial is given a session, and what it sends is in `trials` alone. Gives what the learner
        is told when all of them are done; the clock is put back. Where one raises there are none.
        """
        expect(policy, Policy, "try_out", "replace(policy, profiles=…) makes one.")
        twin, done = self.lab.twin, dict[str, tuple[Seen, ...]]()
        demands = twin.resource_server.api_nonce if api_nonce is None else api_nonce
        server = twin.under(policy, api_nonce=demands)
        server.forget()
        self.trials, clock, ahead = {}, self.lab.clock, self.lab.clock.ahead
        try:
            for name, trial in trials.items():
                seen: list[Exchange] = []
                trial(self.lab.session_over(InProcessAdapter(server), _Watched(seen.append)))
                done[name] = tuple(read_as(Seen, exchange) for exchange in seen)
        finally:
            clock.advance(ahead - clock.ahead)
        self.trials, self.count = done, self.count + sum(map(len, done.values()))
        return self._heard()

    # ---- for the steps

    @property
    def lab(self) -> Lab:
        """The lab, the demo's twin unless the set-up opened another."""
        return self._lab or self.open()

    def at(self, *places: str) -> list[Seen]:
        """What the server saw of the learner at these of the `PLACES`."""
        return [one for one in self.calls if one.place in places]

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What was seen, in words: how much, and the last of it."""
        if not self.calls:
            return ()
        last, counts = self.calls[-1], Counter(one.place for one in self.calls if one.place)
        where = ", ".join(f"{count} at the {place}" for place, count in counts.items())
        several = f"{len(self.calls)} requests" if len(self.calls) > 1 else "1 request"
        return (
            ("seen", f"{several}: {where}" if where else several),
            ("the last", f"{last.method} at the {last.place or 'server'}: {last.answer}"),
            ("its report", last.reason if last.caught not in (ACCEPTED, NO_ROW) else ""),
        )

    @property
    def tried(self) -> tuple[tuple[str, str], ...]:
        """How the trials of a repair ended, by their names."""
        return tuple((name, calls[-1].answer) for name, calls in self.trials.items() if calls)

    # ---- for the card

    def predict(self, row: str) -> None:
        """Keep a prediction for the next request."""
        self._predicted = row

    def hand_on(self, send: Callable[[], T], name: str = "handed out") -> T:
        """Send what is handed out; `Seen.handed`, this name, tells it from what others send."""
        self._handed = name
        try:
            return send()
        finally:
            self._handed = ""

    def name(self, row: str) -> None:
        """Keep that the learner named a row."""
        self.named = (*self.named, row)

    def _record(self, exchange: Exchange) -> None:
        complete = self._complete(_received(exchange)).reports if self._complete else ()
        if not self._begun:
            return
        with self._lock:  # a client may have threads
            known = {"predicted": self._predicted, "complete": complete, "handed": self._handed}
            self._predicted, self.count = "", self.count + 1
            self.calls = (*self.calls, read_as(Seen, exchange, **known))
        self._heard()


class ExerciseLab(Lab):
    """The lab of an exercise: its log keeps what its own server saw, nothing under other rules."""

    def __init__(
        self,
        log: SessionLog,
        carrier: Carrier,
        options: Mapping[str, Any],
    ) -> None:
        key = new_signing_key(BASE_URL, kid="exercises", whose="exercises")  # no other lab's token
        own = started(carrier, timeout=TIMEOUT, signing_key=key, **options)
        World.__init__(self, TWIN, demo_client(own[0].base_url), own, log=log, timeout=TIMEOUT)

    def log_under(self, *, own: bool) -> SessionLog:
        """Under other rules nothing is kept."""
        return self.log if own else SessionLog()

    def session_over(self, adapter: Any, log: SessionLog) -> requests.Session:
        """A session by this adapter, kept in this log unless another server is at its end."""
        elsewhere = adapter is not self.adapter and log is self.log
        return super().session_over(adapter, SessionLog() if elsewhere else log)


class _Watched(SessionLog):
    """A session log that hands on each exchange, as it went over the wire."""

    def __init__(self, heard: Callable[[Exchange], None]) -> None:
        super().__init__()
        self._hand_on = heard

    def record(self, exchange: Exchange) -> Redacted:
        redacted = super().record(exchange)
        self._hand_on(exchange)
        return redacted


def _received(exchange: Exchange) -> Request:
    """The request of an exchange, as a server had it."""
    target = "/" + exchange.url.partition("://")[2].partition("/")[2]
    body = exchange.request_body.encode("utf-8", "surrogatepass")
    return Request(exchange.method, target, exchange.request_headers, body)


def lacking(policy: Policy, *rows: str) -> Policy:
    """A policy that never had these rows: no report says that they are missing."""
    profiles = {
        place: replace(one, rows=tuple(row for row in one.rows if row.name not in rows))
        for place, one in policy.profiles.items()
    }
    return replace(policy, profiles=profiles)
