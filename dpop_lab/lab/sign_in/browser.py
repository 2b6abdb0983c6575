"""A sign-in left to a person and their own browser, at the twin on a port of this machine."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.sign_in.answer import NotSignedIn
from dpop_lab.client.sign_in.loopback import Loopback
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.carriers import PortAdapter
from dpop_lab.lab.sign_in.person import client_of, signed_in
from dpop_lab.lab.world import World
from dpop_lab.server.sign_in.ways import ways_of
from dpop_lab.server.twin import PERSONAL
from dpop_lab.session.story import Story
from dpop_lab.show import Block, Card, Note, Shown
from dpop_lab.show.link import Link
from dpop_lab.wire.message import Request, Response

CLIENT, SCOPE = "native.dpop", "openid profile api offline_access"
PATIENCE = 3600  # seconds that this machine listens for the browser
NOT_YET = "Nobody has come yet: click the link, then run this cell again."
CAME = (
    "A browser came back by the link that was here before, and that counts: visit.finish() tells"
    " what came of it."
)
AGAIN = "Run the cell with the link once more, for a new one."
HERE = (
    "The link leads to a port of the machine that this kernel runs on. Where your browser is on"
    " another one, as with Binder, a hub or a codespace, it can't get there: play('alice') has the"
    " lab sign her in over that port."
)


@dataclass(frozen=True, slots=True, repr=False)
class Told(Shown):
    """That there is no story yet, and why."""

    text: str
    mark: str = "not asked"

    def blocks(self) -> Iterator[Block]:
        """A card alone."""
        yield Card(self.text, self.mark)


class BrowserSignIn(Shown):
    """A link to the login page of the twin on a port, and what came back when somebody used it.

    `lab` is `Lab(carrier="socket")`. The authorization request is pushed at once, with a proof by
    `key`, a new one unless given; `more` is what `DPoPAuth.authorization_code` takes besides. This
    machine listens at a redirect URI of its own (RFC 8252 section 7.3), for an hour at most. What
    the browser asks of the twin is kept in the lab's log, with what the client sends. Raises
    `LabError` for a lab that no browser can reach.
    """

    def __init__(
        self,
        lab: World,
        *,
        key: PrivateKey | None = None,
        client_id: str = CLIENT,
        scope: str = SCOPE,
        **more: Any,
    ) -> None:
        expect(lab, World, "BrowserSignIn", 'Lab(carrier="socket") makes one.')
        way = lab.adapter
        if not isinstance(way, PortAdapter):
            raise LabError("No browser can reach this lab", wanted='Lab(carrier="socket")')
        self._asks = (key, client_id, scope, more)
        before = getattr(way.heard, "__self__", None)  # the last one in this lab
        same = isinstance(before, BrowserSignIn) and before._asks == self._asks
        self._earlier: BrowserSignIn | None = before if same else None
        way.heard = self._keep
        self._lab = lab
        self._outcome: Shown | None = None
        self._loopback = Loopback(back_to="notebook", then="Run the cell visit.finish(): it")
        #: What calls the API in the person's name, once `finish` says who that is.
        self.auth = DPoPAuth.authorization_code(
            key=key or generate_key(),
            issuer=lab.base_url,
            redirect_uri=self._loopback.redirect_uri,
            scope=scope,
            session=lab.session,
            clock=lab.clock.now,
            **{"push": True, **client_of(lab, client_id), **more},
        )
        #: Where the person signs in.
        self.link = self.auth.sign_in.begin()
        self._thread = Thread(target=self._listen, name="dpop_lab redirect URI", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._loopback, suppress(NotSignedIn):
            self._loopback.wait(PATIENCE)

    def _keep(self, request: Request, response: Response) -> None:
        """Keep what a browser asks of the server; the client's own requests are kept already."""
        own = str(self._lab.session.headers["User-Agent"])
        if request.route.startswith(PERSONAL[:2]) and own not in request.lines("User-Agent"):
            self._lab.log.record(self._lab.twin.exchange(request, response))

    def play(self, name: str = "alice", password: str = "") -> Shown:
        """Be that person, by the same pages over the same port; gives what `finish` gives.

        Raises `LabError` where the link was used, or nobody listens any more.
        """
        if not self._thread.is_alive():
            raise LabError("Somebody was here already, or nobody listens any more", advice=AGAIN)
        with requests.Session() as browser:
            browser.trust_env = False  # a proxy has no business between us and ourselves
            there = self._loopback.redirect_uri
            browser.get(signed_in(browser, self.link, there, name, password or name), timeout=5)
        self._thread.join(5)
        return self.finish()

    def finish(self) -> Shown:
        """Redeem the code that the browser brought, and call the API; gives the story of it all.

        Who came by the link of an earlier one in this lab, which asked for the same and was not
        finished, has come as well: `auth` is that one's then. Where nobody has come yet, or nobody
        was signed in, it gives words that say so.
        """
        if self._outcome is None and (came := self._came()):
            self.auth, self._earlier = came.auth, None
            came._outcome = self._outcome = came._finished(came._loopback.answer)
        if self._outcome is not None:
            return self._outcome
        return Told(NOT_YET if self._thread.is_alive() else f"Nobody came for an hour. {AGAIN}")

    def _came(self) -> "BrowserSignIn | None":
        """The newest of these in this lab by whose link somebody has come and was not told of."""
        one: BrowserSignIn | None = self
        while one and one._outcome is None and not one._loopback.answer:
            one = one._earlier
        return one if one and one._outcome is None else None

    def _finished(self, answer: str) -> Shown:
        try:
            self.auth.sign_in.finish(answer)
        except LabError as error:
            return Told(f"{error} {AGAIN}", "failed")
        self._lab.session.get(self._lab.api, auth=self.auth)
        return Story(self._lab.log)

    def close(self) -> None:
        """Listen no longer."""
        self._loopback.give_up()
        self._thread.join(5)

    def blocks(self) -> Iterator[Block]:
        """The link, how long it is good, and where it leads to nothing."""
        minutes = ways_of(self._lab.policy).pushed_lifetime // 60
        good = f"It is good for {minutes} minute{'s' * (minutes > 1)}; name and password are alice."
        if self._came():
            yield Card(CAME, "passed")
        yield Link("Sign in at the twin's own login page", self.link)
        yield from (Note(good), Note(HERE))
