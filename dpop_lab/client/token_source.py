"""Where the access token comes from: one token request, its answer kept, renewed in time."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

import requests

from dpop_lab.client.credentials import Authentication
from dpop_lab.client.nonces import asks_for_nonce, offered_nonce
from dpop_lab.client.own_request import send_own
from dpop_lab.client.sending_again import OnceOnly, answered
from dpop_lab.client.token import AccessToken, read_token
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.proof.proof import make_proof
from dpop_lab.wire.url import htu

Parameters = Mapping[str, str | Sequence[str]]


class TokenSource:
    """Fetches a token when first asked, then gives the same one until it is time for another.

    Each token request carries a fresh proof with the same `key` and fresh client credentials; a
    nonce challenge is obeyed once (RFC 9449 section 8). A lock is held around fetching: threads
    that ask together make one token request. `parameters` are the form parameters besides the
    credentials; `timeout` is seconds, None to wait for ever.
    """

    def __init__(
        self,
        key: PrivateKey,
        token_endpoint: str,
        *,
        authenticate: Authentication,
        parameters: Parameters,
        clock: Callable[[], float],
        session: requests.Session | None = None,
        accept_bearer: bool = False,
        timeout: float | None = 30,
    ) -> None:
        self._key, self._endpoint, self._parameters = key, token_endpoint, parameters
        self._authenticate, self._session, self._clock = authenticate, session, clock
        self._accept_bearer, self._timeout = accept_bearer, timeout
        self._lock = Lock()
        self._nonce: str | None = None
        self._current: AccessToken | None = None

    def __repr__(self) -> str:
        return f"<TokenSource {htu(self._endpoint)}, {self._current or 'no token yet'}>"

    @property
    def current(self) -> AccessToken | None:
        """The token in hand, None before the first request; asking fetches nothing."""
        return self._current

    def token(self) -> AccessToken:
        """The token in hand, or a new one when there is none or it soon expires.

        Raises `TokenRefused`; for a token endpoint that cannot be reached, what requests raises;
        `LabError` where the session's adapter sends the request again by itself.
        """
        with self._lock:
            if self._current is None or self._clock() >= self._current.renew_at:
                self._current = self._fetch()
            return self._current

    def forget(self, value: str) -> None:
        """Drop this token, which was refused; another that is in hand by now stays."""
        with self._lock:
            if self._current is not None and self._current.value == value:
                self._current = None

    def _fetch(self) -> AccessToken:
        now, tried = self._clock(), self._nonce
        response = self._send(tried)
        nonce = offered_nonce(response.headers.get("DPoP-Nonce"))
        if nonce not in (None, tried) and not response.ok and asks_for_nonce(response):
            challenge, response = response, self._send(nonce)
            response.history = [challenge]
        return read_token(response, now=now, accept_bearer=self._accept_bearer)

    def _send(self, nonce: str | None) -> requests.Response:
        now = int(self._clock())
        headers, form = self._authenticate(now)
        proof = make_proof(
            self._key,
            jti=secrets.token_urlsafe(16),
            htm="POST",
            htu=htu(self._endpoint),
            iat=now,
            nonce=nonce,
        )
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        headers = {"Accept": "application/json", **form_type, **headers, "DPoP": OnceOnly(proof)}
        data = {**self._parameters, **form}
        request = requests.Request("POST", self._endpoint, headers=headers, data=data)
        # a secret goes to the endpoint it is meant for, or nowhere: no redirect is followed
        response = send_own(self._session, request, timeout=self._timeout)
        answered(response.request)
        self._nonce = offered_nonce(response.headers.get("DPoP-Nonce")) or self._nonce
        return response
