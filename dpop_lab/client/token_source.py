"""Where the access token comes from: one token request, its answer kept, renewed in time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Self

import requests

from dpop_lab.client.credentials import Authentication, authentication
from dpop_lab.client.nonces import asks_for_nonce, offered_nonce
from dpop_lab.client.own_request import send_own
from dpop_lab.client.sending_again import answered, fresh_proof
from dpop_lab.client.settings import Settings, settled
from dpop_lab.client.token import AccessToken, read_token
from dpop_lab.errors import SettingsError
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.wire.url import htu

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
        metadata = {}
        if issuer:
            from dpop_lab.client.discovery import discover  # loaded when used

            metadata = discover(issuer, session=session, timeout=timeout)
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
        now, tried = self.clock(), self._nonce
        response = self._send(tried)
        nonce = offered_nonce(response)
        if nonce not in (None, tried) and not response.ok and asks_for_nonce(response):
            challenge, response = response, self._send(nonce)
            response.history = [challenge]
        return read_token(response, now=now, accept_bearer=self.accept_bearer)

    def _send(self, nonce: str | None) -> requests.Response:
        now = int(self.clock())
        headers, form = self.authenticate(now)
        kinds = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        data = {**self.parameters, **form}
        request = requests.Request("POST", self.token_endpoint, headers=kinds | headers, data=data)
        request.headers["DPoP"] = fresh_proof(self.key, request, now=now, nonce=nonce)
        # a secret goes to the endpoint it is meant for, or nowhere: no redirect is followed
        response = send_own(self.session, request, timeout=self.timeout)
        answered(response.request)
        self._nonce = offered_nonce(response) or self._nonce
        return response
