"""Whose browser sent a request: known by the place, by its cookies, and by where it was led."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin

from dpop_lab.session.sign_in.grants import NOT_SEEN, Asked
from dpop_lab.session.sign_in.places import ARRIVAL, AUTHORIZE, LOGIN, OF_CLIENTS, leads
from dpop_lab.session.telling import Step
from dpop_lab.wire.labels import LABEL
from dpop_lab.wire.message import lines

MOST = 200  # browsers, and URLs that one was sent to
OF_A_REQUEST = ("request_uri", "state", "code_challenge")
NAME = re.compile(r"[\w.@+-]{1,30}", re.ASCII)


@dataclass(slots=True, eq=False)
class Browser:
    """One person's browser, and the sign-in that it is used for."""

    number: int  #: from 1
    cookies: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)  #: what is one authorization request's alone
    led: set[str] = field(default_factory=set)  #: URLs it was sent to, and codes it was given
    at: str = ""  #: the last page, without its query
    person: str = ""
    request: Asked = NOT_SEEN  #: the authorization request that it is on the way for
    arrived: bool = False  #: is a request to the client's redirect URI known?

    @property
    def called(self) -> str:
        """By number and by who signed in, where there are several."""
        return f"browser {self.number}" + f" ({self.person})" * bool(self.person)


class Browsers(list[Browser]):
    """The browsers of one session, in order of appearance; of many, the last ones."""

    seen = 0  #: how many there were

    def of(self, step: Step, given: Mapping[str, str]) -> tuple[Browser | None, bool]:
        """The browser that sent this, None if a client did; and whether a sign-in begins here.

        `given` has the parameters of the request.
        """
        if step.token_request or step.dpop or step.authorization or step.personal in OF_CLIENTS:
            return None, False
        url, last = unquote(step.exchange.url), self[::-1]
        cookies = labels(lines(step.exchange.request_headers, "Cookie"))
        led = [one for one in last if {url, given.get("code", url)} & one.led]
        asked = {given[name] for name in OF_A_REQUEST if name in given}  # where steps are missing
        led = led or [one for one in last if asked & one.asked and not one.cookies]
        known = led or [one for one in last if cookies & one.cookies]
        if not known and step.personal in (AUTHORIZE, LOGIN, ARRIVAL):
            posted = step.method == "POST"
            known = [one for one in last if posted and one.at == url.partition("?")[0]]
            known = known or [one for one in last if not (one.cookies or cookies)]
            known = known or [self._new()]
        for one in known[:1]:
            one.cookies |= cookies
            one.asked = asked or one.asked
            self._goes_on(one, step, given)
            return one, step.personal == AUTHORIZE and not led
        return None, False

    def _new(self) -> Browser:
        self.seen += 1
        self.append(Browser(self.seen))
        del self[:-MOST]
        return self[-1]

    def _goes_on(self, one: Browser, step: Step, given: Mapping[str, str]) -> None:
        """Note where it is, who uses it, and where the answer leads it."""
        one.at = unquote(step.exchange.url).partition("?")[0]
        one.arrived |= step.personal == ARRIVAL
        one.cookies |= labels(lines(step.exchange.response_headers, "Set-Cookie"))
        name = given.get("Username", given.get("username", ""))
        if step.personal == LOGIN and NAME.fullmatch(name):
            one.person = name
        there, told = leads(step.exchange)
        if len(one.led) > MOST:
            one.led.clear()
        if there:
            with suppress(ValueError):  # no URL
                one.led.add(unquote(urljoin(step.exchange.url, there)).partition("#")[0])
        if "code" in told:
            one.led.add(told["code"])


def labels(texts: Iterable[str]) -> set[str]:
    """The labels of secrets in some texts, without their brackets: `cookie 1`."""
    return {label[1:-1] for text in texts for label in LABEL.findall(text)}
