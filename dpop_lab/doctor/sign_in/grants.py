"""A sign-in read once: what each code and refresh token was given for, and who has brought it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from dpop_lab.doctor.exchanges import key_of, known, members_of, value_of
from dpop_lab.session.call import TOKEN_ENDPOINT, Call
from dpop_lab.wire.message import first

LONGEST = 16_000  # characters of a URL
REVOCATION = "revocation endpoint"
GRANTS = {"code": "authorization code", "refresh_token": "refresh token"}
CODES = {"authorization_code": "code"}  # by grant_type


@dataclass(frozen=True, slots=True)
class Bound:
    """A key to which a request binds what comes of it: its thumbprint, or what was sent as one."""

    key: str
    how: str  #: what in the request says so, in words
    by: Call


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request: its parameters, of a pushed one those, and the code's key."""

    call: Call
    terms: Mapping[str, str]
    bound: Bound | None = None


@dataclass(slots=True)
class Grant:
    """A code or a refresh token: which exchange gave it, and what its use is held against."""

    name: str  #: of the parameter
    given: Call | None = None  #: the redirect, or the token response, that brought it
    asked: Asked | None = None  #: the authorization request that a code answers
    bound: Bound | None = None
    used: list[Call] = field(default_factory=list)  #: the requests that brought it, in their order
    login: list[Call] = field(default_factory=list)  #: what ended it and all others of its login


@dataclass(frozen=True, slots=True)
class Use:
    """A request that brings a code or a refresh token, with what came before it."""

    call: Call
    grant: Grant
    before: tuple[Call, ...] = ()  #: requests that brought the same one
    brought: Mapping[str, Grant] = field(default_factory=dict)  #: codes that redirects have brought
    sure: bool = True  #: does nothing leave open which authorization request it belongs to?


class SignIns:
    """The sign-ins of a session, read one exchange after the other."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._pushed: dict[str, Asked] = {}  # by request_uri
        self._grants: dict[tuple[str, str], Grant] = {}  # by kind and value

    def read(self, call: Call) -> Use | None:
        """Take an exchange in; where it brings a code or a refresh token, tell of that use.

        A pushed request that says twice which key its code is bound to is such a use, too.
        """
        if pushed := _pushed(call):
            self.asked.append(pushed)
            self._pushed[str(members_of(call).get("request_uri"))] = pushed
            return Use(call, Grant("code", asked=pushed, bound=pushed.bound))
        use = self._use(call)
        self._ends(call, use)
        self._asks(call)
        self._answers(call)
        self._issues(call, use)
        return use

    def asked_with(self, told: Mapping[str, str]) -> Asked | None:
        """The authorization request that an answer belongs to, by its state; else the last one."""
        state = told.get("state", "")
        same = (one for one in reversed(self.asked) if state and one.terms.get("state") == state)
        return next(same, self.asked[-1] if self.asked else None)

    def _asks(self, call: Call) -> None:
        said = of_browser(call)
        if uri := said.get("request_uri"):
            known_one = self._pushed.get(uri, Asked(call, {}))
            self.asked.append(Asked(call, known_one.terms, known_one.bound))
        elif "response_type" in said or "dpop_jkt" in said:
            self.asked.append(Asked(call, said, _named_key(call, said)))

    def _answers(self, call: Call) -> None:
        told = returned(call)
        if code := known(told.get("code", "")):
            asked = self.asked_with(told)
            grant = Grant("code", call, asked, asked.bound if asked else None)
            self._grants.setdefault(("code", code), grant)

    def _use(self, call: Call) -> Use | None:
        named = CODES.get(call.form.get("grant_type", ""), "")  # though it may be missing
        name = next((one for one in GRANTS if one in call.form), named)
        if not name and (call.form or call.place != TOKEN_ENDPOINT):
            return None
        value = value_of(call, name)
        grant, sure = self._grants.get((name, value)), len(self.asked) == 1
        if grant is None:
            asked = self.asked[-1] if self.asked and name != "refresh_token" else None
            grant = Grant(name, asked=asked, bound=asked.bound if asked else None)
        else:
            sure = True
        if value:
            self._grants[name, value] = grant
        codes = {code: one for (kind, code), one in self._grants.items() if kind == "code"}
        given = {code: one for code, one in codes.items() if one.given}
        use = Use(call, grant, tuple(grant.used), given, sure)
        grant.used.append(call)
        return use

    def _ends(self, call: Call, use: Use | None) -> None:
        """A token that is given back (RFC 7009), or brought again: its whole login may end."""
        grant = self._grants.get(("refresh_token", value_of(call, "token")))
        if grant and call.accepted and call.personal == REVOCATION:
            grant.login.append(call)
        elif use and call.refused and any(one.issued for one in use.before):
            use.grant.login.append(call)

    def _issues(self, call: Call, use: Use | None) -> None:
        """The refresh token of a token response is bound to the key of the request."""
        if not call.issued:
            return
        bound = Bound(key_of(call), "The token request", call) if key_of(call) else None
        if given := known(str(members_of(call).get("refresh_token") or "")):
            grant = Grant("refresh_token", call, None, bound)
            if use:
                grant.login = use.grant.login
            self._grants.setdefault(("refresh_token", given), grant)
        if use and use.grant.name == "refresh_token" and use.grant.bound is None:
            use.grant.bound = bound


def _pushed(call: Call) -> Asked | None:
    """A pushed authorization request (RFC 9126), by its form."""
    form = call.form
    if "grant_type" in form or not form.keys() & {"code_challenge", "dpop_jkt"}:
        return None
    proven = Bound(key_of(call), "The pushed request", call) if key_of(call) else None
    return Asked(call, form, _named_key(call, form) or proven)


def _named_key(call: Call, said: Mapping[str, str]) -> Bound | None:
    jkt = said.get("dpop_jkt")
    return Bound(jkt, "dpop_jkt", call) if jkt else None


def of_browser(call: Call) -> dict[str, str]:
    """The parameters in a URL, of an authorization request say; empty for a URL without any."""
    return _in(call.url.partition("#")[0].partition("?")[2])


def returned(call: Call) -> dict[str, str]:
    """The authorization response that a call has: in its Location, or as what came to the client.

    Empty where there is none (RFC 6749 section 4.1.2, RFC 9207).
    """
    sent_to = first(call.exchange.response_headers, "Location")
    for url in (sent_to if 300 <= (call.status or 0) < 400 else "", call.url):
        query, _, fragment = url.partition("#")
        told = _in(f"{query.partition('?')[2]}&{fragment}")
        if told.keys() & {"code", "error"} and not told.keys() & {"response_type", "grant_type"}:
            return told
    posted = call.form if "grant_type" not in call.form else {}
    return dict(posted) if {"code", "state"} <= posted.keys() else {}


def _in(query: str) -> dict[str, str]:
    return dict(parse_qsl(query[:LONGEST])) if "=" in query else {}
