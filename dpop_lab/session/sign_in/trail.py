"""Who did what in a session in which people sign in, and what became of what was handed out."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.session.sign_in.browsers import Browser, Browsers, labels
from dpop_lab.session.sign_in.evidence import Evidence, numbered
from dpop_lab.session.sign_in.grants import Grant, Read, SignIns
from dpop_lab.session.sign_in.places import (
    ARRIVAL,
    INTROSPECTION,
    LOGIN,
    carried,
    leads,
    parameters,
)
from dpop_lab.session.telling import CLIENT, Party, Step, label_in, plain, short
from dpop_lab.show.pictures import Message
from dpop_lab.show.values import cut
from dpop_lab.wire.message import first, lines

API: Party = ("resource server", "")
UNRECORDED: Party = ("browser", "not recorded")
LOGIN_PAGE = re.compile(r"log-?in|sign-?in", re.I)


@dataclass(frozen=True, kw_only=True, repr=False)
class Followed(Step):
    """A step of a session in which people sign in, with what all others tell of it."""

    session: "Session"
    goes_for: int  #: the number of the client that sent it, or that a browser goes for
    browser: Browser | None = None
    sign_in: int = 0  #: the number of the sign-in that it belongs to, 0 for none
    signer: str = ""  #: the name of the key in the proof
    sends: str = ""  #: where the client sends the browser before the request
    brings: tuple[str, str] = ("", "")  #: where the answer leads the browser, and with what
    unrecorded: str = ""  #: the code in it, where nothing tells how it came
    outcome: str = ""  #: what came of it, where it was not refused

    @property
    def principal(self) -> Party:
        """The client that a browser goes for, else the sender."""
        keys = self.session.clients
        return (f"client with {keys[self.goes_for]}", "") if len(keys) > 1 else CLIENT

    @property
    def sender(self) -> Party:
        """Who sent the request."""
        if self.browser:
            return self.browser.called if self.session.browsers.seen > 1 else "browser", ""
        return API if self.personal == INTROSPECTION else self.principal

    @property
    def arrives(self) -> tuple[str, str]:
        """Where the answer leads the browser, unless its request there is a step of its own."""
        return self.brings if self.browser and not self.browser.arrived else ("", "")

    @property
    def role(self) -> str:
        """Who was asked; of a browser, the client may be."""
        if self.browser:
            return CLIENT[0] if self.personal == ARRIVAL else "authorization server"
        return super().role

    @property
    def receiver(self) -> Party:
        """Who was asked, and where: of a browser, that may be the client."""
        return self.principal if self.role == CLIENT[0] else super().receiver

    @property
    def carried(self) -> str:
        """What it carried, with who sent it where that is not plainly the client."""
        return self.held if self.sender == CLIENT else f"{self.sender[0]}: {self.held}"

    @property
    def held(self) -> str:
        """What it carried: codes and tokens by number, keys by name."""
        first = carried(self.personal, self.exchange, self.form, self.session.evidence.keys)
        proven = self.shows(f" by {self.signer}" * bool(self.signer))
        return ", ".join(filter(None, (*first, *proven, self.asks))) or "nothing of DPoP"

    def messages(self, at: Mapping[Party, int], longest: int = 120) -> Iterator[Message]:
        """The request and its answer, and what led a browser there, and away."""
        sender, client = at[self.sender], at.get(self.principal, 0)
        if self.sends:
            yield Message(client, sender, short(f"sends the browser to {self.sends}"), "")
        if self.unrecorded:
            yield Message(at[UNRECORDED], sender, "redirect", self.unrecorded)
        yield from super().messages(at, longest)
        if self.arrives[0]:
            where, what = map(short, self.arrives)
            yield Message(sender, client, where, what)


def followed(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of one session, each with what all of them together tell of it.

    Who sent it, for whom a browser goes, and what became of each code, token and key.
    """
    session = Session()
    return tuple(session.note(step) for step in steps)


class Session:
    """What is known so far; what a key is called may be said by `named`, as for `Evidence`."""

    def __init__(self, named: Callable[[str, int], str] = numbered) -> None:
        self.sign_ins, self.browsers, self.evidence = SignIns(), Browsers(), Evidence(named)
        self.clients: list[str] = []  #: the names of their keys

    def note(self, step: Step) -> Followed:
        """What this step is, after those before it."""
        kept = Call(name=step.name or str(step.number))
        given, proven = parameters(step.exchange), self.evidence.key(key_of(step))
        self.evidence.key(given.get("dpop_jkt"))  # has its name from here on
        browser, begins = self.browsers.of(step, given)
        if browser:
            read = self.sign_ins.read(step, None if begins else browser.request, kept=kept)
            return self._browsed(step, browser, read, begins=begins)
        read = self.sign_ins.read(step, kept=kept)
        about, use, number = read.about, read.use, _number(read)
        client = self._client_of(about) if about and not proven else self._client(proven)
        known: dict[str, Any] = {"goes_for": client, "signer": proven, "sign_in": number}
        if use and use.grant.given is None and not use.before and use.grant.name == "code":
            known["unrecorded"] = label_in(use.grant.value)
        if step.status is None or step.refused:
            return self._followed(step, evidence=self.evidence.refused(read, proven), **known)
        if step.token_request:
            return self._followed(step, evidence=self.evidence.granted(read), **known)
        return self._followed(step, self.evidence.told(step, read), **known)

    def _followed(self, step: Step, outcome: str = "", evidence: str = "", **told: Any) -> Followed:
        own = {one.name: getattr(step, one.name) for one in fields(Step)}
        own |= {"meaning": _meaning(step, outcome) + evidence, "evidence": evidence}
        return Followed(**own, **told, session=self, outcome=outcome)

    def _client(self, key: str) -> int:
        """The number of the client with this key; where none shows, the first."""
        if key and key not in self.clients:
            self.clients.append(key)
        return self.clients.index(key) if key else 0

    def _client_of(self, grant: Grant) -> int:
        """The number of the client that a code or a token was given to."""
        bound = next((one.bound for one in grant.line if one.bound and one.given), None)
        return self._client(self.evidence.key(bound.key)) if bound else 0

    def _browsed(self, step: Step, browser: Browser, read: Read, *, begins: bool) -> Followed:
        """What a browser's request is, and where the answer leads it."""
        asked = browser.request = read.asked or browser.request
        there, told = leads(step.exchange)
        code, error = label_in(told.get("code", "")), told.get("error", "")
        outcome, brings = _went_on(step), ("", "")
        if step.personal == ARRIVAL:
            outcome = "brought to the client"
        elif "code" in told or error:
            names = (one for one in ("state", "iss") if one in told)
            brought = f"error {error}" if error else code or "code"
            way = "redirect" if 300 <= (step.status or 0) < 400 else "form posted"
            brings = (f"{way} to {_host(there)}", ", ".join((cut(brought, 60), *names)))
        if "code" in told and step.personal != ARRIVAL:
            outcome = f"{code or 'code'} given{self.evidence.bound(asked.bound)}"
        return self._followed(
            step,
            outcome,
            goes_for=self._client(self.evidence.key(asked.bound.key)) if asked.bound else 0,
            browser=browser,
            sign_in=asked.number,
            sends=step.request.partition(" ")[2] if begins else "",
            brings=brings,
        )


def _meaning(step: Step, outcome: str) -> str:
    """What came of it, behind what it repeats."""
    if step.refused or not outcome:
        redirected = step.error and (step.status or 0) < 400
        return f"refused: {plain(step.error)}" if redirected else step.meaning
    again, mark, _ = step.meaning.partition(": ")
    return again + mark + outcome if mark and "again" in again else outcome


def _number(read: Read) -> int:
    """The number of the sign-in that a request belongs to, 0 for none that was seen."""
    about = read.about
    asked = read.asked if read.pushed else about.asked if about and about.given else None
    return asked.number if asked else 0


def _went_on(step: Step) -> str:
    """What came of a browser's request that brought the client nothing yet."""
    sent = step.exchange.response_headers
    redirected, cookies = 300 <= (step.status or 0) < 400, sorted(labels(lines(sent, "Set-Cookie")))
    if step.personal == LOGIN and redirected:
        return ": ".join(filter(None, ("signed in", ", ".join(cookies))))
    if step.personal == LOGIN:
        return "login page shown" + " again: not signed in" * (step.method == "POST")
    if redirected:
        to_login = LOGIN_PAGE.search(first(sent, "Location"))
        return "sent to the login page" if to_login else "sent on"
    return "page shown" if step.personal else ""


def _host(url: str) -> str:
    """The URL without its query, as far as it can be read."""
    return cut(re.split("[?#]", url, maxsplit=1)[0], 60)
