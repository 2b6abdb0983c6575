"""One side of a comparison: a server, what it can be asked, and what it answers to a change."""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from dpop_lab.client.recorder import exchange_of, record
from dpop_lab.errors import LabError
from dpop_lab.lab import crafting
from dpop_lab.lab.askable import fixed_jti, idle, why_not
from dpop_lab.lab.cast import Cast, send
from dpop_lab.lab.catalogue.change import (
    API,
    API_NONCE,
    PLACES,
    TOKEN_ENDPOINT,
    TOKEN_ENDPOINT_NONCE,
    Change,
)
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.lab.in_process import InProcessAdapter
from dpop_lab.lab.live import LiveAdapter
from dpop_lab.lab.pacing import Busy, PacedAdapter, Pacer
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.answered import Answered, read_answer
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.url import is_loopback

Asked = tuple[Change, str]  # a change and the place where it is tried
PAUSES, LONGEST_PAUSE = 3, 60  # so many pauses of so many seconds a server may ask for
SPARE = 4  # requests: for metadata, tokens that run out, nonces that are changed, pauses
WITH_NONCE = {API: API_NONCE, TOKEN_ENDPOINT: TOKEN_ENDPOINT_NONCE}
NONCE_WANTED, REPLAY = "use_dpop_nonce", "sent_twice"


class Target:
    """A world that is asked for its answers, by an owner and a thief of its own.

    A twin answers each time as if just started. Another server gets a request each `pace` seconds,
    and no more of them than `pacer.limit`.
    """

    def __init__(self, world: ClientSide, pace: float | None = None) -> None:
        self.world = world
        self.pacer = Pacer((0.5 if self.foreign else 0) if pace is None else pace)
        self._log = SessionLog()
        self._session = self._over(_transport(world))
        self._cast = Cast(world, self._session)
        self._absent: dict[str, str] = {}
        self._replayed: dict[str, str] = {}  # what is said to a replay, by places
        self._pauses = 0

    @property
    def name(self) -> str:
        """What its answers are headed with: the rules of a twin, the host of another server."""
        if not self.world.live:
            return self.world.twin.policy.title
        return urlsplit(self.world.base_url).netloc

    @property
    def hosts(self) -> list[str]:
        """Where requests go to, as far as it is known before the first one."""
        return list(dict.fromkeys(urlsplit(url).netloc for url in self._urls))

    @property
    def _urls(self) -> list[str]:
        client = self.world.client
        return [url for url in (client.issuer, client.token_endpoint, client.api) if url]

    @property
    def foreign(self) -> bool:
        """Is it a server of somebody else, and not on this machine?"""
        return self.world.live and not all(map(is_loopback, self._urls))

    def why_not(self, change: Change, to: str) -> str:
        """Why a change can't be tried there, empty where it can, as far as it is known."""
        return why_not(change, to, self.world) or self._absent.get(to, "")

    def needs(self, asked: Iterable[Asked]) -> int:
        """How many requests it takes at most to ask all that."""
        count = dict.fromkeys(PLACES, 0)
        tokens = set()
        for change, to in asked:
            if not self.why_not(change, to):
                count[to] += 1 + bool(change.first) + bool(change.again)
                if PLACES[to].scheme:
                    tokens.add((change.presents or PLACES[to].scheme, change.key))
        for plain, nonce in WITH_NONCE.items():  # only one of them is there
            if self._same_server(plain):
                count[plain] = max(count[plain], count[nonce])
                count[nonce] = 0
        needed = sum(count.values()) + len(tokens)
        return needed + SPARE + needed // 10

    def _same_server(self, place: str) -> bool:
        """Is the place the same as that with nonce, so that the server decides which it is?"""
        api = place in (API, API_NONCE)
        return self.world.kind == "another server" or (self.world.live and api)

    def ask(self, change: Change, to: str) -> Answered:
        """The answer to a change, redacted.

        Raises `LabError` when it can't be tried after all, of which `Unreachable`, `Busy` and
        `TooMany` mean that nothing can be by now, as do other errors of requests.
        """
        while True:
            try:
                return self._answer(change, to)
            except Busy as busy:
                self._pauses += 1
                if self._pauses > PAUSES or busy.seconds > LONGEST_PAUSE:
                    raise
                self.pacer.pause(busy.seconds)
                self.pacer.pace = max(2 * self.pacer.pace, 0.5)

    def _answer(self, change: Change, to: str) -> Answered:
        if not self.foreign and self.world.live and not is_loopback(self.world.token_endpoint):
            raise LabError("it names a token endpoint that is not on this machine")
        draft = crafting.drafted(change, self.world, self._cast, to=to)
        if self.world.live and idle(draft, self.world):
            raise LabError("it comes to nothing there")
        used = self._cast.nonce(draft.place)
        answered = self._carried_out(draft)
        rotated = draft.place.nonce and self._cast.nonce(draft.place) != used
        if answered.error == NONCE_WANTED and rotated and "nonce" not in change.proof.claims:
            draft = crafting.drafted(change, self.world, self._cast, to=to)
            answered = self._carried_out(draft)
        if change.name == "honest":
            self._learn_absence(to, answered)
        if change.name == REPLAY:
            self._replayed[to] = answered.words
        elif self.world.live and fixed_jti(change) and self._replayed.get(to) == answered.words:
            raise LabError("its jti may have been used there before")
        return answered

    def _learn_absence(self, to: str, answered: Answered) -> None:
        """After an honest request: is the place with a nonce, or the one without, not there?"""
        if not self._same_server(to):
            return
        if to not in WITH_NONCE:
            demanded = self._cast.nonce(PLACES[to]) is not None
        else:
            demanded = answered.error == NONCE_WANTED
            self._absent |= {to: "a nonce is demanded there"} if demanded else {}
        if not demanded:
            self._absent[WITH_NONCE.get(to, to)] = "no nonce is demanded there"

    def _carried_out(self, draft: crafting.Draft) -> Answered:
        steps, _ = crafting.steps(draft, self.world, self._cast)
        session = self._session if self.world.live else self._afresh(draft.place.nonce)
        answer = [send(session, step, self.world.timeout) for step in steps][-1]
        self._cast.learn(draft.place, answer)
        return self._hidden(read_answer(exchange_of(answer), self.name))

    def _hidden(self, answered: Answered) -> Answered:
        """The same without a client secret that is too short to be known by itself."""
        secret = self.world.client.client_secret if self.world.kind == "another server" else None
        if not secret:
            return answered
        texts = {name: getattr(answered, name) for name in ("error", "description", "body")}
        texts["challenge"] = answered.challenge
        clean = {name: text.replace(secret, "<client_secret>") for name, text in texts.items()}
        return replace(answered, **clean)

    def _afresh(self, api_nonce: bool) -> requests.Session:
        """A session to the twin as if it was just started."""
        twin = self.world.twin
        if self.world.base_url != BASE_URL and api_nonce is twin.resource_server.api_nonce:
            twin.forget()  # it is on a port, and asked there
            return self._session
        afresh = twin.under(twin.policy, api_nonce=api_nonce)
        afresh.forget()
        return self._over(InProcessAdapter(afresh))

    def _over(self, adapter: BaseAdapter) -> requests.Session:
        world, session = self.world, requests.Session()
        session.trust_env, session.headers = world.session.trust_env, world.session.headers
        session.verify, session.cert = world.session.verify, world.session.cert
        session.proxies = world.session.proxies
        own = isinstance(adapter, InProcessAdapter)
        for prefix in ("https://", "http://"):
            session.mount(prefix, adapter if own else PacedAdapter(adapter, self.pacer))
        record(session, self._log, clock=world.clock.time)
        return session


def _transport(world: ClientSide) -> BaseAdapter:
    """The way to a world's servers, on which a web page is an answer like any other."""
    if world.live:
        return LiveAdapter(timeout=world.timeout)
    if world.base_url != BASE_URL:
        return HTTPAdapter()  # the twin on a port
    return InProcessAdapter(world.twin.under(world.twin.policy, api_nonce=False))
