"""Who did what in a session in which people sign in, and what became of what was handed out."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.session.sign_in.browsers import Browser, Browsers, labels
from dpop_lab.session.sign_in.evidence import Evidence, numbered, revoked
from dpop_lab.session.sign_in.grants import Grant, Read, SignIns
from dpop_lab.session.sign_in.places import (
    ARRIVAL,
    INTROSPECTION,
    LOGIN,
    PAR,
    REVOCATION,
    carried,
    leads,
    parameters,
)
from dpop_lab.session.telling import Step, label_in, plain
from dpop_lab.show.values import cut
from dpop_lab.wire.message import first, lines

Party = tuple[str, str]  # of a session: who it is, and where
CLIENT, API = ("client", ""), ("resource server", "")
OF_A_STEP = ("signer", "sends", "unrecorded", "evidence")  # as they were noted
LOGIN_PAGE = re.compile(r"log-?in|sign-?in", re.I)


@dataclass(frozen=True, kw_only=True, repr=False)
class Followed(Step):
    """A step of a session in which people sign in, with what all others tell of it."""

    #: names of the session's keys, `key 1`, by their thumbprints
    keys: Mapping[str, str] = field(default_factory=dict)
    signer: str = ""  #: the name of the key in the proof
    sender: Party = CLIENT  #: who sent the request
    principal: Party = CLIENT  #: the client that a browser goes for, else the sender
    sends: str = ""  #: where the client sends the browser before the request
    arrives: tuple[str, str] = ("", "")  #: where the answer leads the browser, and with what
    unrecorded: str = ""  #: the code in it, where nothing tells how it came
    evidence: str = ""  #: how `meaning` ends: what is known of a code or token in it

    @property
    def by_browser(self) -> bool:
        """Did a browser send it?"""
        return self.sender not in (self.principal, API)

    @property
    def role(self) -> str:
        """Who was asked; of a browser, the client may be."""
        if self.by_browser:
            return CLIENT[0] if self.personal == ARRIVAL else "authorization server"
        return super().role

    @property
    def carried(self) -> str:
        """What it carried, with who sent it where that is not plainly the client."""
        return self.held if self.sender == CLIENT else f"{self.sender[0]}: {self.held}"

    @property
    def held(self) -> str:
        """What it carried: codes and tokens by number, keys by name."""
        first = carried(self.personal, self.exchange, self.form, self.keys)
        proven = self.shows(f" by {self.signer}" * bool(self.signer))
        return ", ".join(filter(None, (*first, *proven, self.asks))) or "nothing of DPoP"


@dataclass(slots=True, kw_only=True)
class Noted:
    """What the exchanges before a step tell of it."""

    client: int  #: the number of the client that sent it, or for which a browser goes
    sign_in: int = 0  #: the number of the sign-in that it belongs to, 0 for none
    signer: str = ""
    browser: Browser | None = None
    sends: str = ""
    arrives: tuple[str, str] = ("", "")
    unrecorded: str = ""  #: the code in it, where nothing tells how it came
    outcome: str = ""  #: what came of it
    evidence: str = ""  #: what is known of a code or token in it, behind what came of it

    def of(self, step: Step, **known: Any) -> Followed:
        """The step with all this."""
        own = {one.name: getattr(step, one.name) for one in fields(Step)}
        arrives = self.arrives if self.browser and not self.browser.arrived else ("", "")
        own["meaning"] = self._meaning(step) + self.evidence
        noted = {name: getattr(self, name) for name in OF_A_STEP}
        return Followed(**own, **known, **noted, arrives=arrives)

    def _meaning(self, step: Step) -> str:
        """What came of it, behind what it repeats."""
        if step.refused or not self.outcome:
            redirected = step.error and (step.status or 0) < 400
            return f"refused: {plain(step.error)}" if redirected else step.meaning
        again, mark, _ = step.meaning.partition(": ")
        return again + mark + self.outcome if mark and "again" in again else self.outcome


def followed(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of one session, each with what all of them together tell of it.

    Who sent it, for whom a browser goes, and what became of each code, token and key.
    """
    session = Session()
    noted = [(step, session.note(step)) for step in steps]
    named = [(f"client with {key}", "") for key in session.clients]
    clients = named if len(named) > 1 else [CLIENT]
    several = session.browsers.seen > 1
    done = []
    for step, one in noted:
        sender = API if step.personal == INTROSPECTION else clients[one.client]
        told = one.of(
            step,
            keys=session.evidence.keys,
            sender=(one.browser.called if several else "browser", "") if one.browser else sender,
            principal=clients[one.client],
        )
        done.append(told)
    return tuple(done)


class Session:
    """What is known so far; what a key is called may be said by `named`, as for `Evidence`."""

    def __init__(self, named: Callable[[str, int], str] = numbered) -> None:
        self.sign_ins, self.browsers, self.evidence = SignIns(), Browsers(), Evidence(named)
        self.clients: list[str] = []  #: the names of their keys

    def note(self, step: Step) -> Noted:
        """What this step is, after those before it."""
        kept = Call(name=step.name or str(step.number))
        given, proven = parameters(step.exchange), self.evidence.key(key_of(step))
        self.evidence.key(given.get("dpop_jkt"))  # has its name from here on
        browser, begins = self.browsers.of(step, given)
        if browser:
            read = self.sign_ins.read(step, None if begins else browser.request, kept=kept)
            return self._browsed(step, browser, read, begins=begins)
        read = self.sign_ins.read(step, kept=kept)
        about, pushed = read.about, read.asked if step.personal == PAR else None
        client = self._client_of(about) if about and not proven else self._client(proven)
        bound = self.evidence.bound(read.asked.bound if read.asked else None)
        noted = Noted(client=client, signer=proven, sign_in=_number(about))
        if read.use and read.use.grant.given is None and not read.use.before:
            noted.unrecorded = label_in(read.use.grant.value) * (read.use.grant.name == "code")
        if step.status is None or step.refused:
            noted.evidence = self.evidence.refused(read, proven)
        elif step.token_request:
            noted.evidence = self.evidence.granted(read)
        elif pushed:
            noted.sign_in = pushed.number
            uri = "".join(f": {label_in(one.value)}" for one in read.given)
            noted.outcome = f"authorization request pushed{uri}{bound}"
        elif step.personal == INTROSPECTION:
            noted.outcome = self.evidence.introspected(step, read)
        elif step.personal:
            revokes = step.personal == REVOCATION
            noted.outcome = revoked(read) if revokes else "told who signed in"
        return noted

    def _client(self, key: str) -> int:
        """The number of the client with this key; where none shows, the first."""
        if key and key not in self.clients:
            self.clients.append(key)
        return self.clients.index(key) if key else 0

    def _client_of(self, grant: Grant) -> int:
        """The number of the client that a code or a token was given to."""
        bound = next((one.bound for one in grant.line if one.bound and one.given), None)
        return self._client(self.evidence.key(bound.key)) if bound else 0

    def _browsed(self, step: Step, browser: Browser, read: Read, *, begins: bool) -> Noted:
        """What a browser's request is, and where the answer leads it."""
        browser.request = read.asked or browser.request
        key = self.evidence.key(browser.request.bound.key) if browser.request.bound else ""
        noted = Noted(client=self._client(key), browser=browser, sign_in=browser.request.number)
        noted.sends = step.request.partition(" ")[2] if begins else ""
        if step.personal == ARRIVAL:
            noted.outcome = "brought to the client"
            return noted
        there, told = leads(step.exchange)
        code, error = label_in(told.get("code", "")), told.get("error", "")
        if "code" in told or error:
            names = (one for one in ("state", "iss") if one in told)
            brought = f"error {error}" if error else code or "code"
            way = "redirect" if 300 <= (step.status or 0) < 400 else "form posted"
            noted.arrives = (f"{way} to {_host(there)}", ", ".join((cut(brought, 60), *names)))
        bound = self.evidence.bound(browser.request.bound)
        noted.outcome = f"{code or 'code'} given{bound}" if "code" in told else _went_on(step)
        return noted


def _number(grant: Grant | None) -> int:
    """The number of the sign-in that a code or a token came of, 0 for none that was seen."""
    return grant.asked.number if grant and grant.given and grant.asked else 0


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
