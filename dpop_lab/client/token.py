"""An access token: how it is asked for, kept, renewed in time, and what an answer is taken for."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Self

import requests

from dpop_lab.client.discovery import discover, send_own
from dpop_lab.client.sending_again import (
    answered,
    asks_for_nonce,
    fresh_proof,
    json_object,
)
from dpop_lab.client.settings import Authentication, Settings, authentication, settled
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.wire.syntax import htu, offered_nonce, without_login, without_query

IN_A_HEADER = re.compile(r"[\x21-\x7e]+")
LEEWAY, LEEWAY_PART = 30, 0.2
TOKEN_TYPES = {"dpop": "DPoP", "bearer": "Bearer"}
LONGEST_LIFE = 1 << 53


class TokenRefused(LabError, requests.RequestException):
    """The token endpoint answered, but not with a token a client could use.

    `response` is its answer, `error` and `error_description` are what it said (RFC 6749 section
    5.2), None where it said nothing. The message quotes them, without the credentials of the
    request should the server repeat those; the attributes hold what was said as it was said.
    `token_type` is that of a token which the proof did not bind, else empty.
    """

    response: requests.Response

    def __init__(
        self, problem: str, response: requests.Response, *, token_type: str = "", **facts: str
    ) -> None:
        super().__init__(problem, **facts)
        self.response, self.request = response, response.request
        self.error, self.error_description = _said(response)
        self.token_type = token_type


@dataclass(frozen=True, slots=True, repr=False)
class AccessToken:
    """An access token as the token endpoint gave it; its `value` is never shown by `repr`.

    `token_type` is DPoP or Bearer, `expires_in` its life in seconds and None when the server named
    none, `renew_at` the time (seconds since 1970) from which a new one should be fetched.
    """

    value: str
    token_type: str
    expires_in: float | None = None
    renew_at: float = math.inf
    scope: str | None = None

    def __repr__(self) -> str:
        life = "no expiry told" if self.expires_in is None else f"expires in {self.expires_in} s"
        return f"<AccessToken {self.token_type}, {len(self.value)} characters, {life}>"


def read_token(response: requests.Response, *, now: float, accept_bearer: bool) -> AccessToken:
    """The token in an answer to a token request sent at `now` (RFC 6749 section 5.1).

    It is to be renewed 30 seconds before its end, or a fifth of its life if that is less. Raises
    `TokenRefused`, also for a token which the proof did not bind.
    """
    if response.status_code != requests.codes.ok:
        told = ", ".join(_quoted(word, response) for word in _said(response) if word)
        found = f"status {response.status_code}, {told or 'no JSON error'}"
        found += f" from {without_query(response.url)}"
        raise TokenRefused("The token endpoint refused to give a token", response, found=found)
    members = json_object(response)
    value, scope = members.get("access_token"), members.get("scope")
    if not isinstance(value, str) or not IN_A_HEADER.fullmatch(value):
        wanted = "a JSON object with access_token, printable ASCII without spaces"
        raise TokenRefused("The answer holds no access token", response, wanted=wanted)
    token_type = members.get("token_type")
    if not isinstance(token_type, str):
        problem = "The answer does not tell the type of its token"
        raise TokenRefused(problem, response, wanted="token_type, a string")
    kind = token_type.lower()
    if kind not in (["dpop", "bearer"] if accept_bearer else ["dpop"]):
        raise TokenRefused(
            "The token is not bound to the key",
            response,
            token_type=token_type,
            wanted="token_type DPoP",
            found=_quoted(token_type, response),
            advice="The server ignored the proof; accept_bearer=True takes a Bearer token anyway.",
        )
    life = _life(members.get("expires_in"), response)
    return AccessToken(
        value,
        TOKEN_TYPES[kind],
        expires_in=life,
        renew_at=math.inf if life is None else now + life - min(LEEWAY, LEEWAY_PART * life),
        scope=scope if isinstance(scope, str) else None,
    )


def _quoted(words: str, response: requests.Response) -> str:
    """A server's words in a message: short, printable, without what was secret in its request."""
    from dpop_lab.client.recorder import sent_exchange  # only a refusal needs a redactor
    from dpop_lab.wire.redact import Redactor

    redactor = Redactor(shortest=1)
    redactor.exchange(sent_exchange(response.request, at=0))  # now it knows them
    return repr(redactor.text(without_login(words))[:300])


def _said(response: requests.Response) -> list[str | None]:
    """The error and its description in a refusal (RFC 6749 section 5.2), None for no text."""
    told = map(json_object(response).get, ("error", "error_description"))
    return [text if isinstance(text, str) else None for text in told]


def _life(life: object, response: requests.Response) -> float | None:
    """The seconds that a token lives, of its expires_in; None where there is none."""
    if isinstance(life, str) and re.fullmatch(r"\d{1,15}", life, re.ASCII):
        life = int(life)  # against the RFC, but widespread
    if life is None:
        return None
    if not isinstance(life, int | float) or isinstance(life, bool):
        found = type(life).__name__
    elif 0 <= life <= LONGEST_LIFE:
        return life
    else:
        found = "a larger one" if life > LONGEST_LIFE else "less than 0" if life < 0 else "NaN"
    problem, wanted = "The answer's expires_in is no number of seconds", "a JSON number"
    raise TokenRefused(problem, response, wanted=f"{wanted} up to {LONGEST_LIFE}", found=found)


Parameters = Mapping[str, str | Sequence[str]]


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class TokenSource:
    """Fetches a token when first asked, then gives the same one until it is time for another.

    Each token request carries a fresh proof with the same `key` and fresh client credentials; a
    nonce challenge is obeyed once (RFC 9449 section 8). A lock is held around fetching: threads
    that ask together make one token request.
    """

    key: PrivateKey
    token_endpoint: str
    authenticate: Authentication
    #: The form parameters besides the credentials.
    parameters: Parameters
    clock: Callable[[], float]
    session: requests.Session | None = None
    accept_bearer: bool = False
    #: Seconds, None to wait for ever.
    timeout: float | None = 30
    #: The token in hand, None before the first request.
    current: AccessToken | None = field(default=None, init=False)
    _nonce: str | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @classmethod
    def client_credentials(
        cls,
        settings: Settings,
        *,
        key: PrivateKey,
        parameters: Parameters | None = None,
        session: requests.Session | None = None,
        timeout: float | None = 30,
        **more: Any,
    ) -> Self:
        """The source for the client these settings describe (RFC 6749 section 4.4).

        The server's metadata are asked for at once when its issuer is given, and not its token
        endpoint. Raises `SettingsError` for a key or parameters that do not fit.
        """
        if not isinstance(key, PrivateKey):
            found, advice = type(key).__name__, "load_key and generate_key make one."
            raise SettingsError("No key", wanted="a PrivateKey", found=found, advice=advice)
        given, issuer = parameters or {}, settings.issuer
        if odd := {"grant_type", "client_id", "client_secret", "scope"} & {*given}:
            found = ", ".join(sorted(odd))
            raise SettingsError("parameters are the other ones", wanted="no " + found, found=found)
        metadata = discover(issuer, session=session, timeout=timeout) if issuer else {}
        client = settled(settings, metadata)
        scope = {} if client.scope is None else {"scope": client.scope}
        return cls(
            key=key,
            token_endpoint=str(client.token_endpoint),
            authenticate=authentication(client),
            parameters={"grant_type": "client_credentials", **given, **scope},
            session=session,
            timeout=timeout,
            **more,
        )

    def __repr__(self) -> str:
        return f"<TokenSource {htu(self.token_endpoint)}, {self.current or 'no token yet'}>"

    def token(self) -> AccessToken:
        """The token in hand, or a new one when there is none or it soon expires.

        Raises `TokenRefused`; for a token endpoint that cannot be reached, what requests raises;
        `LabError` where the session's adapter sends the request again by itself.
        """
        with self._lock:
            if self.current is None or self.clock() >= self.current.renew_at:
                self.current = self._fetch()
            return self.current

    def forget(self, value: str) -> None:
        """Drop this token, which was refused; another that is in hand by now stays."""
        with self._lock:
            if self.current is not None and self.current.value == value:
                self.current = None

    def _fetch(self) -> AccessToken:
        now = self.clock()
        response = self.post(self.token_endpoint, self.parameters)
        return read_token(response, now=now, accept_bearer=self.accept_bearer)

    def post(self, url: str, parameters: Parameters) -> requests.Response:
        """The answer to a form with credentials and a fresh proof; a nonce challenge is obeyed."""
        tried = self._nonce
        response = self._send(url, parameters, tried)
        nonce = offered_nonce(response.headers)
        if nonce not in (None, tried) and not response.ok and asks_for_nonce(response):
            challenge, response = response, self._send(url, parameters, nonce)
            response.history = [challenge]
        return response

    def _send(self, url: str, parameters: Parameters, nonce: str | None) -> requests.Response:
        now = int(self.clock())
        headers, form = self.authenticate(now)
        kinds = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        data = {**parameters, **form}
        request = requests.Request("POST", url, headers=kinds | headers, data=data)
        request.headers["DPoP"] = fresh_proof(self.key, request, now=now, nonce=nonce)
        # a secret goes to the endpoint it is meant for, or nowhere: no redirect is followed
        response = send_own(self.session, request, timeout=self.timeout)
        answered(response.request)
        self._nonce = offered_nonce(response.headers) or self._nonce
        return response
