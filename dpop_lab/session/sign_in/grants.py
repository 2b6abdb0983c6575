"""A sign-in read once: what each code and token was given for, who brought it, what ended it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from dpop_lab.session.answer import TOKEN_SCHEMES
from dpop_lab.session.call import TOKEN_ENDPOINT, UNAUTHENTICATED, Call
from dpop_lab.session.decoded import key_of
from dpop_lab.session.sign_in.places import (
    ARRIVAL,
    AUTHORIZE,
    GRANTS,
    INTROSPECTION,
    PAR,
    REVOCATION,
    in_url,
    parameters,
    returned,
)
from dpop_lab.wire.labels import known
from dpop_lab.wire.message import first

MOST = 2000  # authorization requests, codes and tokens that are remembered
MOST_USES, LONGEST_LINE = 200, 200  # requests with one of them; those that came of each other
REQUESTED = {"code_challenge", "dpop_jkt"}  # of an authorization request, pushed where it is a form


@dataclass(frozen=True, slots=True)
class Bound:
    """A key to which a request binds what comes of it: its thumbprint, or what was sent as one."""

    key: str
    how: str  #: what in the request says so, in words
    by: Call
    #: Must the server compare keys? Refresh tokens are bound for certain where the client did not
    #: authenticate (RFC 9449 section 5), access tokens of the type DPoP.
    certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An authorization request: its parameters, of a pushed one those, and the code's key."""

    call: Call
    terms: Mapping[str, str]
    bound: Bound | None = None
    number: int = 0  #: of the sign-in that it begins, 0 where none begins


NOT_SEEN = Asked(Call(), {})


@dataclass(slots=True, eq=False, repr=False)
class Grant:
    """A code, a token or a request_uri: which exchange gave it, and what its use is held against.

    `value` is a label where it was redacted.
    """

    name: str  #: of the parameter
    value: str
    given: Call | None = None  #: the exchange that brought it
    asked: Asked | None = None  #: the authorization request that it came of
    bound: Bound | None = None
    source: "Grant | None" = None  #: the code or refresh token that it was given for
    used: list[Call] = field(default_factory=list)  #: the requests that brought it, in their order
    spent: Call | None = None  #: the last that was given something for it, and not itself again
    again: Call | None = None  #: the first that was refused after that
    ended: Call | None = None  #: the request that revoked it (RFC 7009)

    @property
    def line(self) -> Iterator["Grant"]:
        """This one, what it was given for, and so on."""
        one: Grant | None = self
        for _ in range(LONGEST_LINE):
            if one is None:
                return
            yield one
            one = one.source


@dataclass(frozen=True, slots=True)
class Use:
    """A request that brings a code or a refresh token, with what came before it."""

    call: Call
    grant: Grant
    before: tuple[Call, ...] = ()  #: requests that brought the same one
    spent: Call | None = None  #: the one of them that was given something for it
    newest: Grant | None = None  #: the code that a redirect brought last
    sure: bool = True  #: does nothing leave open which authorization request it belongs to?


@dataclass(frozen=True, slots=True)
class Read:
    """What one exchange is in the sign-ins of a session."""

    asked: Asked | None = None  #: the authorization request that it makes
    use: Use | None = None
    about: Grant | None = None  #: the code or token that it brings, or asks about
    given: tuple[Grant, ...] = ()  #: what its answer gives for that
    pushed: bool = False


class SignIns:
    """The sign-ins of a session, read one exchange after the other; of many, the last ones."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.by_state: dict[str, Asked] = {}  #: the last of those that had it
        self.grants: dict[tuple[str, str], Grant] = {}  #: by name and value
        self._newest: Grant | None = None
        self._numbers = count(1)

    def read(self, call: Call, asked: Asked | None = None, *, kept: Call | None = None) -> Read:
        """Take an exchange in, and tell what it is.

        Where it is known which authorization request a browser is on the way for, `asked` is that;
        else state tells. `kept` is what is remembered of the call, if not all of it. A pushed
        request is a use of its code, too: it may say twice which key that is bound to.
        """
        by = kept or call
        if pushed := self._pushes(call, by):
            uri = known(str(call.members.get("request_uri") or ""))
            grant = Grant("request_uri", uri, by, pushed, pushed.bound)
            code = Grant("code", "", asked=pushed, bound=pushed.bound)
            return Read(pushed, Use(call, code), given=self._new(grant), pushed=True)
        use = self._use(call, by)
        about = use.grant if use else self.about(call)
        self._ends(call, by, use, about)
        asks = asked or self._asks(call, by)
        given = self._answers(call, by, asks) + self._issues(call, by, use)
        return Read(asks, use, about, tuple(one for one in given if one is not about))

    def asked_with(self, told: Mapping[str, str]) -> Asked | None:
        """The authorization request that an answer belongs to, by its state; else the last one."""
        return self.by_state.get(told.get("state", ""), self.asked[-1] if self.asked else None)

    def about(self, call: Call) -> Grant | None:
        """The token that a call is made with, or asks about, where it was seen before."""
        value = call.form.get("token", "") * (call.personal in (INTROSPECTION, REVOCATION))
        if call.scheme.lower() in TOKEN_SCHEMES and not value:
            value = first(call.exchange.request_headers, "Authorization").partition(" ")[2].strip()
        named = (self.grants.get((name, value)) for name in ("refresh_token", "access_token"))
        return next(filter(None, named), None)

    def _new(self, grant: Grant) -> tuple[Grant, ...]:
        """The grant as it is known, now at the latest; none where its value is not known."""
        if not grant.value:
            return ()
        kept = self.grants.setdefault((grant.name, grant.value), grant)
        if grant.given and not kept.given and kept is not grant.source:  # till now it was used
            kept.given, kept.asked, kept.bound = grant.given, grant.asked, grant.bound
            kept.source = grant.source
        if len(self.grants) > MOST:
            self.grants.pop(next(iter(self.grants))).source = None
        return (kept,)

    # ---- what is asked for

    def _pushes(self, call: Call, by: Call) -> Asked | None:
        """A pushed authorization request (RFC 9126), by its place or its form."""
        form = call.form
        pushed = call.personal == PAR or form.keys() & REQUESTED
        if not pushed or "grant_type" in form or call.personal == AUTHORIZE:
            return None
        proven = Bound(key_of(call), "The pushed request", by) if key_of(call) else None
        begins = call.status is not None and not call.refused
        bound, number = _named_key(form, by) or proven, next(self._numbers) if begins else 0
        return self._ask(Asked(by, form, bound, number))

    def _asks(self, call: Call, by: Call) -> Asked | None:
        """An authorization request that a browser makes; of a pushed one that was seen, its own."""
        said = parameters(call.exchange) if call.personal == AUTHORIZE else in_url(call.url)
        if uri := said.get("request_uri"):
            [pushed] = self._new(Grant("request_uri", uri))
            pushed.used = [*pushed.used[-MOST_USES:], by]
            one = pushed.asked or Asked(by, {}, None, next(self._numbers))
            return self._ask(replace(one, call=by))
        if "response_type" in said or "dpop_jkt" in said:
            return self._ask(Asked(by, said, _named_key(said, by), next(self._numbers)))
        return None

    def _ask(self, asked: Asked) -> Asked:
        self.asked.append(asked)
        if state := known(asked.terms.get("state", "")):
            self.by_state[state] = asked
        if len(self.asked) > MOST:
            old = self.asked.pop(0)
            if self.by_state.get(state := old.terms.get("state", "")) is old:
                del self.by_state[state]
        return asked

    # ---- what is given, used and ended

    def _answers(self, call: Call, by: Call, asked: Asked | None) -> tuple[Grant, ...]:
        told = returned(call.exchange)
        asked = asked or self.asked_with(told)
        bound = asked.bound if asked else None
        given = self._new(Grant("code", known(told.get("code", "")), by, asked, bound))
        self._newest = next((one for one in given if one.given is by), self._newest)
        return given

    def _use(self, call: Call, by: Call) -> Use | None:
        name = GRANTS.get(call.form.get("grant_type", ""), "")  # though it may be missing
        name = next((one for one in GRANTS.values() if one in call.form), name)
        elsewhere = call.form or call.place != TOKEN_ENDPOINT
        if call.personal == ARRIVAL or (elsewhere and not name):
            return None
        asked = self.asked[-1] if self.asked and name != "refresh_token" else None
        value = known(call.form.get(name, ""))
        guess = Grant(name, value, asked=asked, bound=asked.bound if asked else None)
        sure = (name, value) in self.grants or len(self.asked) == 1
        grant = next(iter(self._new(guess)), guess)
        use = Use(call, grant, tuple(grant.used), grant.spent, self._newest, sure)
        grant.used = [*grant.used[-MOST_USES:], by]
        return use

    def _ends(self, call: Call, by: Call, use: Use | None, about: Grant | None) -> None:
        """A token that is revoked (RFC 7009), or brought again: its whole login may end."""
        if about and call.accepted and call.personal == REVOCATION:
            about.ended = by
        elif use and use.spent and (call.refused or call.status is None):
            use.grant.again = use.grant.again or by

    def _issues(self, call: Call, by: Call, use: Use | None) -> tuple[Grant, ...]:
        """The tokens of a token response, bound to the key of the request."""
        succeeds = call.token_request and call.status is not None
        if call.refused or not (call.issued or succeeds):
            return ()
        members, key = call.members, key_of(call)
        given: tuple[Grant, ...] = ()
        dpop = call.token_type.lower() == "dpop"
        public = dpop and call.authentication == UNAUTHENTICATED
        source = use.grant if use else None
        asked = source.asked if source and source.given else None
        for name, certain in (("access_token", dpop), ("refresh_token", public)):
            bound = Bound(key, "The token request", by, certain) if key else None
            value = known(str(members.get(name) or ""))
            given += self._new(Grant(name, value, by, asked, bound, source))
        if source and source.name == "refresh_token" and source.bound is None and key:
            source.bound = Bound(key, "The token request", by, certain=False)
        if source and source not in given:  # or it stays good
            source.spent = by
        return given


def _named_key(said: Mapping[str, str], by: Call) -> Bound | None:
    jkt = said.get("dpop_jkt")
    return Bound(jkt, "dpop_jkt", by) if jkt else None
