"""Who did what in a session in which people sign in, and what became of what was handed out."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from dpop_lab.session.browsers import Browser, Browsers, labels
from dpop_lab.session.decoded import thumbprint_or_none
from dpop_lab.session.ledger import Handed, Ledger, numbered, when
from dpop_lab.session.sign_in import (
    ARRIVAL,
    INTROSPECTION,
    LOGIN,
    PAR,
    REVOCATION,
    leads,
    parameters,
)
from dpop_lab.session.telling import API, CLIENT, Party, Step, label_in
from dpop_lab.show.values import cut
from dpop_lab.wire.message import first, lines

LOGIN_PAGE = re.compile(r"log-?in|sign-?in", re.I)
MOST = 3  # clients or browsers with a lane of their own


@dataclass(slots=True, kw_only=True)
class Noted:
    """What the exchanges before a step tell of it."""

    client: int  #: the number of the client that sent it, or for which a browser goes
    sign_in: int = 0  #: the number of the sign-in that it belongs to, 0 for none
    signer: str = ""
    browser: Browser | None = None
    sends: str = ""
    arrives: tuple[str, str] = ("", "")
    outcome: str = ""
    evidence: str = ""


def followed(steps: Iterable[Step]) -> list[Step]:
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
        told = replace(
            step,
            keys=session.ledger.keys,
            signer=one.signer,
            sender=(one.browser.called if several else "browser", "") if one.browser else sender,
            principal=clients[one.client],
            sends=one.sends,
            arrives=one.arrives if one.browser and not one.browser.arrived else ("", ""),
            outcome=one.outcome,
            evidence=one.evidence,
        )
        done.append(told)
    return done


def heads(steps: Iterable[Step]) -> dict[Party, Party]:
    """What stands over the lanes of the clients and browsers that take part in some steps.

    The first client, then browsers, then other clients. One of a kind needs no name of its own;
    of many, the last ones share a lane.
    """
    found: dict[str, dict[Party, None]] = {"client": {}, "browser": {}}
    for step in steps:
        if step.by_browser:
            found["browser"][step.sender] = None
        if step.sender != API:
            found["client"][step.principal] = None
    named: dict[Party, Party] = {}
    for kind, parties in found.items():
        for party in [*parties][:MOST]:
            named[party] = party if len(parties) > 1 else (kind, "")
        named |= dict.fromkeys([*parties][MOST:], (f"other {kind}s", ""))
    first = [*found["client"]][:1]
    return {party: named[party] for party in (*first, *found["browser"], *found["client"])}


class Session:
    """What is known so far; what a key is called may be said by `named`, as for a `Ledger`."""

    def __init__(self, named: Callable[[str, int], str] = numbered) -> None:
        self.ledger, self.browsers, self._begun = Ledger(named), Browsers(), 0
        self.clients: list[str] = []  #: the names of their keys

    def note(self, step: Step) -> Noted:
        """What this step is, after those before it."""
        given = parameters(step.exchange)
        jwk = step.proof.header.get("jwk") if step.is_proof else None
        proven = self.ledger.key(thumbprint_or_none(jwk))
        asked = self.ledger.key(given.get("dpop_jkt"))
        browser, begins = self.browsers.of(step, given)
        if browser:
            return self._browsed(step, browser, asked, given, begins=begins)
        label = self.ledger.taken(step, given)
        old = self.ledger.handed.get(label)
        client = old.client if old and not proven else self._client(proven)
        noted = Noted(client=client, signer=proven, sign_in=old.sign_in if old else 0)
        if step.status is None or step.refused:
            noted.evidence = self.ledger.refused(step, label, proven)
        elif step.token_request:
            noted.evidence = self.ledger.granted(step, label, client, proven)
        elif step.personal == PAR:
            self._begun = noted.sign_in = self._begun + 1
            noted.outcome = self._pushed(step, noted, asked or proven)
        elif step.personal:
            noted.outcome = self._told(step, label)
        return noted

    def _client(self, key: str) -> int:
        """The number of the client with this key; where none shows, the first."""
        if key and key not in self.clients:
            self.clients.append(key)
        return self.clients.index(key) if key else 0

    def _pushed(self, step: Step, noted: Noted, key: str) -> str:
        """What came of a pushed authorization request (RFC 9126 section 2.2)."""
        uri = next(iter(labels([step.exchange.response_body])), "")
        handed = Handed(at=when(step), client=noted.client, key=key, sign_in=noted.sign_in)
        handed.bound = bool(key)
        return (
            f"authorization request pushed{f': {uri}' * bool(uri)}{self.ledger.hand(uri, handed)}"
        )

    def _told(self, step: Step, label: str) -> str:
        """What came of a client's request at another place for people."""
        if step.personal == INTROSPECTION:
            return self.ledger.introspected(step, label)
        if step.personal == REVOCATION:
            return self.ledger.revoked(step, label)
        return "told who signed in"

    def _browsed(
        self, step: Step, browser: Browser, asked: str, given: Mapping[str, str], *, begins: bool
    ) -> Noted:
        """What a browser's request is, and where the answer leads it."""
        if begins:
            pushed = self.ledger.handed.get(label_in(given.get("request_uri", "")))
            browser.key = pushed.key if pushed else asked
            browser.client = pushed.client if pushed else self._client(asked)
            self._begun += pushed is None
            browser.sign_in = pushed.sign_in if pushed else self._begun
        noted = Noted(client=browser.client, browser=browser, sign_in=browser.sign_in)
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
        handed = Handed(
            at=when(step), client=browser.client, key=browser.key, sign_in=browser.sign_in
        )
        handed.bound = bool(browser.key)
        bound = self.ledger.hand(code, handed) if "code" in told else ""
        noted.outcome = f"{code or 'code'} given{bound}" if "code" in told else _went_on(step)
        return noted


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
