"""One side of a comparison: a server, what it can be asked, and what it answers to a change."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from urllib.parse import urlsplit

from dpop_lab.client.recorder import SessionLog
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.lab.catalogue.change import LEFT_OUT, Change
from dpop_lab.lab.catalogue.places import BEARER_API, ISSUER, PLACES
from dpop_lab.lab.catalogue.requests import HONEST, OF_THE_DEMO
from dpop_lab.lab.comparison import DEMANDS_NONCE, outcome, told
from dpop_lab.lab.crafting import token_request
from dpop_lab.lab.draft import Draft
from dpop_lab.lab.live import PoliteAdapter, Unreachable
from dpop_lab.lab.parties import Parties, exchange_of
from dpop_lab.lab.world import World
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.call import Call, read_call
from dpop_lab.show.values import cut, mapped
from dpop_lab.wire.message import Redacted
from dpop_lab.wire.syntax import is_loopback

Asked = tuple[Change, str]  # a change and the place where it is tried
PAUSES, LONGEST_PAUSE = 3, 60  # so many pauses of so many seconds a server may ask for
SPARE = 4  # requests: for metadata, tokens that run out, nonces that are changed, pauses
REPLAY = "sent_twice"
HONEST_AT = {place: "honest_bearer" if place == BEARER_API else "honest" for place in PLACES}
ABOUT = {"name", "title", "group", "differs", "by", "section", "at", "worth"}  # not done by it
TO_MEMBERS = {"header", "jwk", "claims", "form"}  # what is done to what a draft has in it


class Side:
    """A lab that is asked for its server's answers, by an owner and a thief of its own.

    A twin answers each time as if just started. Another server gets a request each `way.pace`
    seconds, and no more of them than `way.limit`.
    """

    def __init__(self, lab: World, pace: float | None) -> None:
        self.lab, client = lab, lab.client
        #: Where requests go to, as far as it is known before the first one.
        self.urls = [url for url in (client.issuer, client.token_endpoint, client.api) if url]
        #: Is it a server of somebody else, and not on this machine?
        self.foreign = lab.live and not all(map(is_loopback, self.urls))
        pace = (0.5 if self.foreign else 0) if pace is None else pace
        self.way = PoliteAdapter(pace=pace, timeout=lab.timeout)
        self._session = lab.session_over(self.way if lab.live else lab.adapter, SessionLog())
        self._parties = Parties(lab, self._session)
        self._absent: dict[str, str] = {}  # places that are not there, and why
        self._replayed: dict[str, str] = {}  # what is said to a replay, by places
        self._pauses = 0

    @property
    def name(self) -> str:
        """What its answers are headed with: the rules of a twin, the host of another server."""
        return urlsplit(self.lab.base_url).netloc if self.lab.live else self.lab.policy.title

    def why_not(self, change: Change, to: str) -> str:
        """Why a change can't be tried there, empty where it can, as far as it is known.

        A server that is not ours can't be asked what takes what only a twin has. What might do harm
        is not tried with a server of somebody else either.
        """
        lab, place, token = self.lab, PLACES[to], change.token
        other = not lab.is_demo
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
        whys = [why for why, so in reasons.items() if so and lab.live]
        return next(iter(whys), self._absent.get(to, ""))

    def needs(self, asked: Iterable[Asked]) -> int:
        """How many requests it takes at most to ask all that."""
        count, tokens = Counter[str](), set()
        for change, to in asked:
            if not self.why_not(change, to):
                count[to] += 1 + bool(change.first) + bool(change.again)
                if PLACES[to].scheme:
                    tokens.add((change.presents or PLACES[to].scheme, change.key))
        for plain, nonce in DEMANDS_NONCE.items():
            if self._is_one_kind(plain):
                count[plain] = max(count[plain], count.pop(nonce, 0))
        needed = count.total() + len(tokens)
        return needed + SPARE + needed // 10

    def _is_one_kind(self, place: str) -> bool:
        """Does the server decide whether a place demands nonces, so that only one kind is there?"""
        return self.lab.live and (not self.lab.is_demo or PLACES[place].scheme == "DPoP")

    def ask(self, change: Change, to: str) -> Call | str:
        """The answer to a change, redacted, or why it can't be tried after all.

        Raises `SettingsError` where the server refuses, or can't be asked, what is right: nothing
        can be learned of it so. Raises `Unreachable` when it can be asked nothing by now.
        """
        honest = change.name == HONEST_AT[to]
        try:
            answered = self._in_time(change, to)
        except Unreachable:
            raise
        except (LabError, ValueError) as error:
            why = str(error).rstrip(".")
            if honest:
                raise SettingsError(f"{self.name} can't be asked: {why}") from error
            return why
        why = self._says_nothing(change, to, answered) if self.lab.live else ""
        if honest and not why and not outcome(answered, to)[0]:
            raise SettingsError(
                f"{self.name} refuses even the honest request",
                wanted=f"a yes at the {to}",
                found=cut(told(answered, to), 300),
                advice="Look at client, secret, scope and API in its settings, or leave it out.",
            )
        return why or answered

    def _says_nothing(self, change: Change, to: str, answered: Call) -> str:
        """Why an answer says nothing about a change; empty where it does."""
        if change.name == "honest" and self._is_one_kind(to):
            self._learn_absence(to, answered)
        if change.name == REPLAY:
            self._replayed[to] = answered.answer
        elif _has_fixed_jti(change) and self._replayed.get(to) == answered.answer:
            return "its jti may have been used there before"
        if change.url and answered.status == 404:
            return "nothing is at the URL that it takes the proof to (404)"
        if (change.first or change.again) and answered.wants_nonce:
            return "the server's nonces are good for one request, and it takes two"
        return self._absent.get(to, "")

    def _learn_absence(self, to: str, answered: Call) -> None:
        """After an honest request: is the place with a nonce, or the one without, not there?"""
        plain = to in DEMANDS_NONCE
        if plain and answered.wants_nonce:
            self._absent[to] = "a nonce is demanded there"
        elif plain or self._parties.nonce(PLACES[to]) is None:
            self._absent[DEMANDS_NONCE.get(to, to)] = "no nonce is demanded there"

    def _in_time(self, change: Change, to: str) -> Call:
        """The answer, after the pauses that the server wants; the proof is made anew after each."""
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
        """The answer; a nonce that was changed in between is taken once."""
        lab, place = self.lab, PLACES[to]
        if not self.foreign and lab.live and not is_loopback(lab.token_endpoint):
            raise LabError("it names a token endpoint that is not on this machine")
        draft = self._parties.drafted(change, to=to)
        if lab.live and _is_idle(draft, lab):
            raise LabError("it comes to nothing there")
        used = self._parties.nonce(place)
        answered = self._carried_out(draft)
        rotated = place.nonce and self._parties.nonce(place) != used
        if answered.wants_nonce and rotated and "nonce" not in change.claims:
            return self._carried_out(self._parties.drafted(change, to=to))
        return answered

    def _carried_out(self, draft: Draft) -> Call:
        lab, session, nonce = self.lab, self._session, draft.place.nonce
        if not lab.live:
            on_port = lab.base_url != BASE_URL
            if on_port and nonce is lab.twin.resource_server.api_nonce:
                lab.twin.forget()
            else:
                session = lab.session_under(lab.policy, api_nonce=nonce, afresh=True)
        steps, _ = self._parties.signed(draft)
        exchange = exchange_of(self._parties.send(session, draft.place, steps))
        return read_call(self._without_secret(exchange), rules=self.name)

    def _without_secret(self, exchange: Redacted) -> Redacted:
        """The exchange without a client secret that is too short to be known by itself."""
        secret = None if self.lab.is_demo else self.lab.client.client_secret
        if not secret:
            return exchange
        headers, body = mapped(
            (exchange.response_headers, exchange.response_body),
            lambda text: text.replace(secret, "<client_secret>"),
        )
        return replace(exchange, response_headers=headers, response_body=body)


def _has_fixed_jti(change: Change) -> bool:
    """Is it the same jti whenever the change is made, and so a replay the second time?"""
    jti = change.claims.get("jti", LEFT_OUT)
    return jti is not LEFT_OUT and not callable(jti) and not change.first


def _is_idle(draft: Draft, lab: World) -> bool:
    """Does a change that is made to members come to nothing here?"""
    change = draft.change
    names = {one.name for one in fields(change)} - ABOUT
    done = {name for name in names if getattr(change, name) != getattr(HONEST, name)}
    if not done or done - TO_MEMBERS or draft.proposed != draft.honest:
        return False
    form = token_request(change, lab, draft.place)[1] if change.form else []
    return change.form is None or change.form(form) == form
