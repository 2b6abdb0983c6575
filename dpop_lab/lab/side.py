"""One side of a comparison: a server, what it can be asked, and what it answers to a change."""

import time
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from dpop_lab.errors import LabError
from dpop_lab.lab.bench import Bench
from dpop_lab.lab.catalogue.change import (
    API,
    API_NONCE,
    ISSUER,
    LEFT_OUT,
    PLACES,
    TOKEN_ENDPOINT,
    TOKEN_ENDPOINT_NONCE,
    Change,
)
from dpop_lab.lab.catalogue.requests import HONEST, OF_THE_DEMO
from dpop_lab.lab.crafting import Draft, token_request
from dpop_lab.lab.live import PoliteAdapter, Unreachable
from dpop_lab.lab.world import World
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.call import Call
from dpop_lab.session.reading import read_call
from dpop_lab.wire.log import SessionLog
from dpop_lab.wire.message import Redacted
from dpop_lab.wire.url import is_loopback

Asked = tuple[Change, str]  # a change and the place where it is tried
PAUSES, LONGEST_PAUSE = 3, 60  # so many pauses of so many seconds a server may ask for
SPARE = 4  # requests: for metadata, tokens that run out, nonces that are changed, pauses
WITH_NONCE = {API: API_NONCE, TOKEN_ENDPOINT: TOKEN_ENDPOINT_NONCE}
NONCE_WANTED, REPLAY = "use_dpop_nonce", "sent_twice"
ABOUT = ("name", "does", "by", "section", "at", "worth")  # of a change, not done by it


class Side:
    """A lab that is asked for its server's answers, by a bench of its own.

    A twin answers each time as if just started. Another server gets a request each `way.pace`
    seconds, and no more of them than `way.limit`.
    """

    def __init__(self, label: str, lab: World, pace: float | None) -> None:
        self.label, self.lab, self._log = label, lab, SessionLog()
        client = lab.client
        #: Where requests go to, as far as it is known before the first one.
        self.urls = [url for url in (client.issuer, client.token_endpoint, client.api) if url]
        #: Is it a server of somebody else, and not on this machine?
        self.foreign = lab.live and not all(map(is_loopback, self.urls))
        pace = (0.5 if self.foreign else 0) if pace is None else pace
        self.way = PoliteAdapter(pace=pace, timeout=lab.timeout)
        self._bench = Bench(lab, lab.session_over(self.way if lab.live else lab.adapter, self._log))
        self._parties = self._bench.parties
        self._absent: dict[str, str] = {}
        self._replayed: dict[str, str] = {}  # what is said to a replay, by places
        self._pauses = 0

    @property
    def name(self) -> str:
        """What its answers are headed with: the rules of a twin, the host of another server."""
        return urlsplit(self.lab.base_url).netloc if self.lab.live else self.lab.twin.policy.title

    def why_not(self, change: Change, to: str) -> str:
        """Why a change can't be tried there, empty where it can, as far as it is known."""
        return why_not(change, to, self.lab) or self._absent.get(to, "")

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
        return not self.lab.is_demo or (self.lab.live and place in (API, API_NONCE))

    def ask(self, change: Change, to: str) -> Call:
        """The answer to a change, redacted.

        Raises `LabError` when it can't be tried after all, of which `Unreachable` means that
        nothing can be by now, as do other errors of requests.
        """
        while True:
            try:
                return self._answer(change, to)
            except Unreachable as error:
                self._pauses += 1
                if self._pauses > PAUSES or error.seconds > LONGEST_PAUSE:
                    raise
                time.sleep(error.seconds)
                self.way.pace = max(2 * self.way.pace, 0.5)

    def _answer(self, change: Change, to: str) -> Call:
        lab, place = self.lab, PLACES[to]
        if not self.foreign and lab.live and not is_loopback(lab.token_endpoint):
            raise LabError("it names a token endpoint that is not on this machine")
        draft = self._parties.drafted(change, to=to)
        if lab.live and _is_idle(draft, lab):
            raise LabError("it comes to nothing there")
        used = self._parties.nonce(place)
        answered = self._carried_out(draft)
        rotated = place.nonce and self._parties.nonce(place) != used
        if answered.error == NONCE_WANTED and rotated and "nonce" not in change.claims:
            answered = self._carried_out(self._parties.drafted(change, to=to))
        if change.name == "honest":
            self._learn_absence(to, answered)
        if change.name == REPLAY:
            self._replayed[to] = answered.answer
        elif lab.live and _has_fixed_jti(change) and self._replayed.get(to) == answered.answer:
            raise LabError("its jti may have been used there before")
        return answered

    def _learn_absence(self, to: str, answered: Call) -> None:
        """After an honest request: is the place with a nonce, or the one without, not there?"""
        if not self._same_server(to):
            return
        if to not in WITH_NONCE:
            demanded = self._parties.nonce(PLACES[to]) is not None
        else:
            demanded = answered.error == NONCE_WANTED
            self._absent |= {to: "a nonce is demanded there"} if demanded else {}
        if not demanded:
            self._absent[WITH_NONCE.get(to, to)] = "no nonce is demanded there"

    def _carried_out(self, draft: Draft) -> Call:
        lab, afresh = self.lab, None
        twin = None if lab.live else lab.twin
        if twin:
            nonces = twin.resource_server.api_nonce
            if lab.base_url != BASE_URL and draft.place.nonce is nonces:
                twin.forget()  # it is on a port, and asked there
            else:
                afresh = self._log
        steps, _ = self._parties.signed(draft)
        exchange = self._bench.exchange(draft, steps, lab.policy, afresh=afresh)
        return replace(read_call(self._without_secret(exchange)), rules=self.name)

    def _without_secret(self, exchange: Redacted) -> Redacted:
        """The exchange without a client secret that is too short to be known by itself."""
        secret = None if self.lab.is_demo else self.lab.client.client_secret
        if not secret:
            return exchange
        headers = tuple(
            (name, value.replace(secret, "<client_secret>"))
            for name, value in exchange.response_headers
        )
        body = exchange.response_body.replace(secret, "<client_secret>")
        return replace(exchange, response_headers=headers, response_body=body)


def why_not(change: Change, to: str, lab: World) -> str:
    """Why a change can't be tried at a place of this lab, empty where it can.

    A server that is not ours can't be asked what takes what only a twin has. What might do harm is
    not tried with a server of somebody else either.
    """
    if not lab.live:
        return ""
    place, token, other = PLACES[to], change.token, not lab.is_demo
    reasons = {
        "it takes the issuer's own key": token is not None and token.signed_by == ISSUER,
        "it takes the private key of another client": change.client_id.endswith(".jwt"),
        "it takes the demo's other API": other and place.scheme == "Bearer",
        "no API was named": other and not place.client_id and lab.client.api is None,
        "it takes another client": other and change.client_id != "",
        "it takes a token of another client or scope": other and change.presents in OF_THE_DEMO,
        "it takes a nonce made for it": bool(change.nonce_age) or change.others_nonce,
        "it might delete something": other and change.method == "DELETE",
    }
    return next((why for why, so in reasons.items() if so), "")


def _has_fixed_jti(change: Change) -> bool:
    """Is it the same jti whenever the change is made, and so a replay the second time?"""
    jti = change.claims.get("jti", LEFT_OUT)
    return jti is not LEFT_OUT and not callable(jti) and not change.first


def _is_idle(draft: Draft, lab: World) -> bool:
    """Does a change that is made to members come to nothing here?"""
    change = draft.change
    if change.form:
        _, form = token_request(change, lab, draft.place)
        if change.form(form) != form:
            return False
    made = bool(change.form or change.header or change.jwk or change.claims)
    unmade = replace(change, form=None, header={}, jwk={}, claims={})
    about = {name: getattr(change, name) for name in ABOUT}
    return made and unmade == replace(HONEST, **about) and draft.proposed == draft.honest
