"""The authorization server with people: authorization endpoint, login, PAR, and what follows."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from dpop_lab.checking import Report
from dpop_lab.server.authorization_server import AuthorizationServer, TokenRequest
from dpop_lab.server.common import Credentials, Form, collected, parameters, value
from dpop_lab.server.resource_server import Routes
from dpop_lab.server.sign_in.authorization import (
    PUSHED,
    AuthorizationRequest,
    Fault,
    read_request,
)
from dpop_lab.server.sign_in.grants import Grant, Session
from dpop_lab.server.sign_in.pages import error_page, login_page, posted_page
from dpop_lab.server.sign_in.people import PEOPLE, Person
from dpop_lab.server.sign_in.pushing import PAR, PushedRequest
from dpop_lab.server.sign_in.state import State
from dpop_lab.server.sign_in.token_requests import PersonalRequest
from dpop_lab.server.sign_in.tokens import introspect, revoke, userinfo
from dpop_lab.server.sign_in.ways import ways_of, with_sign_in
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.syntax import origin

AUTHORIZE, LOGIN = "/connect/authorize", "/Account/Login"
CALLBACK = f"{AUTHORIZE}/callback"
COOKIE = "dpop_lab.session"


@dataclass(slots=True, kw_only=True, repr=False)
class SignInServer(AuthorizationServer):
    """The authorization server, with all that it takes to sign people in."""

    state: State

    def __post_init__(self) -> None:
        """Give the policy the places of signing in, where it lacks them."""
        if "code" not in self.policy.profiles:
            self.policy = with_sign_in(self.policy)

    @property
    def routes(self) -> Routes:
        """Who answers, by path."""
        return {
            **super(SignInServer, self).routes,  # a class with slots was made anew: no bare super
            AUTHORIZE: self.authorize,
            CALLBACK: self.authorize,
            LOGIN.lower(): self.login,
            PAR: self.push,
            "/connect/userinfo": partial(userinfo, self),
            "/connect/introspect": partial(introspect, self),
            "/connect/revocation": partial(revoke, self, self.state),
        }

    def token_request(
        self, request: Request, form: Form, credentials: Credentials, reports: list[Report]
    ) -> TokenRequest:
        """A token request, a person's or a client's own."""
        return PersonalRequest(self, request, form, credentials, reports, self.state)

    def push(self, request: Request) -> Response:
        """Keep an authorization request that a client sends by itself (RFC 9126)."""

        def kept(reports: list[Report]) -> Response:
            form = self.policy.token_parameters(request)
            credentials = self.policy.credentials(request, form)
            return PushedRequest(self, request, form, credentials, reports, self.state).granted()

        return self.answered(kept)

    # the browser's way

    def authorize(self, request: Request) -> Response:
        """Answer an authorization request (RFC 6749 section 4.1.1): login, code, or an error."""
        if request.method not in ("GET", "POST"):
            return self.policy.method_not_allowed("GET, POST")
        form = collected((name, given) for name, given in parameters(request) if given)
        try:
            asked = self._read(form)
            session, prompts = self._session(request), asked["prompt"].split()
            if session is None or "login" in prompts or self._too_old(session, asked["max_age"]):
                if "none" in prompts:
                    raise Fault("login_required", "Nobody is signed in.", asked)
                return _redirect(f"{self.base_url}{_login_url(form)}")
            return self._with_code(asked, session)
        except Fault as fault:
            return self._told(fault)

    def _read(self, form: Form) -> AuthorizationRequest:
        """The request in these parameters, which may name a pushed one. Raises `Fault`."""
        uri, now, ways = value(form, "request_uri"), self.clock.now(), ways_of(self.policy)
        if not uri:
            return read_request(self.policy, form)
        handle = uri.removeprefix(PUSHED)
        pushed = self.state.pushed.get(handle, now=now)
        if (
            pushed is None
            or value(pushed.form, "client_id") != value(form, "client_id")
            or now - pushed.made_at >= ways.pushed_lifetime
            or self.state.pushed.spent(handle)
        ):
            description = "It is unknown, used, outdated or another client's."
            raise Fault("invalid_request_uri", description)
        counted = ways.counted(pushed.form, form)
        return read_request(self.policy, counted, handle=handle, pushed_jkt=pushed.jkt)

    def _session(self, request: Request) -> Session | None:
        """Who has signed in, in the browser that sent this."""
        for line in request.lines("Cookie"):
            try:
                found = SimpleCookie(line).get(COOKIE)
            except CookieError:
                continue
            if found:
                return self.state.sessions.get(found.value, now=self.clock.now())
        return None

    def _too_old(self, session: Session, max_age: str) -> bool:
        return bool(max_age) and self.clock.now() - session.since > int(max_age)

    def _with_code(self, asked: AuthorizationRequest, session: Session) -> Response:
        """The way back to the client, with a code (RFC 6749 section 4.1.2)."""
        now, state = self.clock.now(), self.state
        if asked.pushed and not state.pushed.spend(asked.pushed):
            raise Fault("invalid_request_uri", "It was used just now.")
        grant = Grant(
            client_id=asked.client.client_id,
            session=session,
            scope=asked.scope,
            resources=asked.resources,
            redirect_uri=asked.redirect_uri,
            nonce=asked["nonce"] or None,
            challenge=asked["code_challenge"] or None,
            challenge_method=asked["code_challenge_method"] or "plain",
            jkt=asked.jkt,
            made_at=now,
            family=state.handle(),
        )
        code = state.codes.put(f"{state.handle()}-1", grant, now=now)
        return self._sent_back(asked, {"code": code, "scope": " ".join(asked.scope)})

    def _sent_back(self, asked: AuthorizationRequest, said: Mapping[str, str]) -> Response:
        """The answer at the client's redirect URI, with `state` and `iss` (RFC 9207)."""
        state = {"state": asked["state"]} if asked["state"] else {}
        members = {**said, **state, "iss": self.base_url}
        if asked.mode == "form_post":
            return posted_page(asked.redirect_uri, members)
        first = "#" if asked.mode == "fragment" else "&" if "?" in asked.redirect_uri else "?"
        return _redirect(f"{asked.redirect_uri}{first}{urlencode(members, quote_via=quote)}")

    def _told(self, fault: Fault) -> Response:
        """The error at the client's redirect URI, or on a page (RFC 6749 section 4.1.2.1)."""
        redirected = ways_of(self.policy).redirected
        if fault.request is None or (redirected is not None and fault.error not in redirected):
            return error_page(fault.error, fault.description)
        said = {"error": fault.error, "error_description": fault.description}
        return self._sent_back(fault.request, said)

    def login(self, request: Request) -> Response:
        """The login page, and what comes of it: back to the authorization request, signed in."""
        if request.method not in ("GET", "POST"):
            return self.policy.method_not_allowed("GET, POST")
        form = {name.lower(): text for name, text in parameters(request)}
        try:
            back = _local(form.get("returnurl", ""))
            asked = self._read(back)
            if request.method == "GET":
                return login_page(LOGIN, _callback_url(back), client_id=asked.client.client_id)
            self._from_our_page(request)
            if form.get("button") == "cancel":
                raise Fault("access_denied", "The person said no.", asked)
        except Fault as fault:
            return self._told(fault)
        person = _person(form.get("username", ""), form.get("password", ""))
        if person is None:
            client_id, url = asked.client.client_id, _callback_url(back)
            return login_page(LOGIN, url, client_id=client_id, wrong=True)
        return _redirect(f"{self.base_url}{_callback_url(back)}", self._cookie(person))

    def _from_our_page(self, request: Request) -> None:
        """Raise `Fault` for a form that another site's page posts, in the person's name."""
        own = {origin(self.base_url)}
        there = {origin(line) for line in request.lines("Origin")}
        site = set(request.lines("Sec-Fetch-Site"))
        if not there <= own or not site <= {"same-origin", "none"}:
            raise Fault("invalid_request", "The form was posted from another site's page.")

    def _cookie(self, person: Person) -> tuple[str, str]:
        """The line that tells the browser who has signed in."""
        now, state = self.clock.now(), self.state
        session = Session(person=person, session_id=state.draw(16).hex().upper(), since=now)
        handle = state.sessions.put(state.handle(), session, now=now)
        secure = "; Secure" if self.base_url.startswith("https:") else ""
        return "Set-Cookie", f"{COOKIE}={handle}; Path=/; HttpOnly; SameSite=Lax{secure}"


def _redirect(url: str, *headers: tuple[str, str]) -> Response:
    return Response(302, (("Location", url), ("Cache-Control", "no-store"), *headers))


def _callback_url(form: Form) -> str:
    """Where the authorization request goes on, once somebody has signed in."""
    pairs = [(name, text) for name, given in form.items() for text in given if name != "prompt"]
    return f"{CALLBACK}?{urlencode(pairs)}"


def _login_url(form: Form) -> str:
    return f"{LOGIN}?ReturnUrl={quote(_callback_url(form), safe='')}"


def _local(url: str) -> Form:
    """The authorization request that a login leads back to. Raises `Fault` for any other URL."""
    path, _, query = url.partition("?")
    if path.lower() != CALLBACK:
        raise Fault("invalid_request", "A login leads back to an authorization request alone.")
    return collected(parse_qsl(query))


def _person(name: str, password: str) -> Person | None:
    """Whoever has this name and password."""
    person = PEOPLE.get(name)
    good = hmac.compare_digest((person.password if person else "").encode(), password.encode())
    return person if good else None
