"""DPoPAuth: a token and a fresh proof on each request, a challenge obeyed once (RFC 9449)."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import requests
from requests.auth import AuthBase

from dpop_lab.client.sending_again import (
    Nonces,
    answered,
    asks_for_nonce,
    copy_with_cookies,
    fresh_proof,
    rewound,
    tried_nonces,
    without_credentials,
)
from dpop_lab.client.settings import Settings
from dpop_lab.client.token import TOKEN_TYPES, AccessToken, Parameters, TokenSource
from dpop_lab.errors import LabError
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.wire.syntax import offered_nonce, read_challenges, refuses_token

if TYPE_CHECKING:
    from dpop_lab.client.read_settings import Source
    from dpop_lab.client.sign_in.source import PersonalSource


class DPoPAuth(AuthBase):
    """Puts an access token and a fresh proof on each request of a `requests` session.

    `requests.get(url, auth=auth)` or `session.auth = auth`; one object may serve many threads. The
    token goes to whatever URL the caller names. Obeyed, once each and for bodies that can be sent
    again: a demand for a nonce, and a refusal of the token (with a new token). The refused
    responses stand in `history`, until requests rewrites that when it follows a redirect. A
    redirect keeps the token, with a new proof, on the same origin only. All other answers are
    returned as they came, also when no new token can be had for one that was refused. Without any
    token in hand, a refused token request raises `TokenRefused`. An adapter that repeats a request
    by itself, with the proof it had, is stopped by `LabError`.
    """

    def __init__(
        self, key: PrivateKey, source: TokenSource, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._key, self._source, self._clock, self._nonces = key, source, clock, Nonces()

    @classmethod
    def client_credentials(
        cls,
        *,
        key: PrivateKey,
        client_id: str,
        token_endpoint: str | None = None,
        issuer: str | None = None,
        client_secret: str | None = None,
        client_key: PrivateKey | None = None,
        client_key_id: str | None = None,
        assertion_audience: str | None = None,
        client_auth: str | None = None,
        scope: str | None = None,
        parameters: Parameters | None = None,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        accept_bearer: bool = False,
        timeout: float | None = 30,
    ) -> Self:
        """Tokens by the client credentials grant (RFC 6749 section 4.4), bound to `key`.

        The token endpoint is given, or found from `issuer` at once. The client authenticates as
        `client_auth` says, one of the ways in `CLIENT_AUTH`; unless it says, with `client_secret`
        as the issuer's metadata list it (else client_secret_post), or with an assertion signed with
        `client_key` (private_key_jwt; `client_key_id` is its kid), or not at all. The audience of
        an assertion is the token endpoint unless given. `parameters` such as `resource` are added
        to the token request. That goes through `session`, or through one of its own, and waits
        `timeout` seconds; of the session's settings it takes proxies, certificates, cookies and
        User-Agent alone. `clock` gives seconds since 1970. `accept_bearer` takes a token that is
        not bound, and sends it without proof. Raises `SettingsError` for what does not fit.
        """
        settings = Settings(
            client_id=client_id,
            issuer=issuer,
            token_endpoint=token_endpoint,
            scope=scope,
            client_auth=client_auth,
            client_secret=client_secret,
            client_key=client_key,
            client_key_id=client_key_id,
            assertion_audience=assertion_audience,
        )
        return cls.from_settings(
            settings,
            key=key,
            parameters=parameters,
            session=session,
            clock=clock,
            accept_bearer=accept_bearer,
            timeout=timeout,
        )

    @classmethod
    def authorization_code(cls, *, key: PrivateKey, **client: Any) -> Self:
        """Tokens in a person's name, by the authorization code grant (RFC 6749 section 4.1).

        `sign_in` is their way through a browser. Takes and raises as `PersonalSource.of_issuer`.
        """
        from dpop_lab.client.sign_in.source import PersonalSource  # loaded when used

        source = PersonalSource.of_issuer(key=key, **client)
        return cls(key, source, clock=source.clock)

    @property
    def sign_in(self) -> "PersonalSource":
        """How a person signs in for these tokens. Raises `LabError` where nobody does."""
        from dpop_lab.client.sign_in.source import personal  # loaded when used

        return personal(self._source)

    def revoke(self) -> None:
        """Have the server end a person's tokens, and forget them (RFC 7009)."""
        self.sign_in.revoke()

    @classmethod
    def from_json(cls, settings: "Source", *, key: PrivateKey, **more: Any) -> Self:
        """Tokens for the client in the commercial sample's JSON: text, a file's path, or a mapping.

        Its members are those of `read_settings`; api is of no consequence here. `more` is what
        `client_credentials` takes besides: with a lab, give `session=lab.session`. Raises
        `SettingsError`, which never repeats a value, and `KeyUnusable`.
        """
        from dpop_lab.client.read_settings import read_settings  # loaded when used

        return cls.from_settings(read_settings(settings), key=key, **more)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        key: PrivateKey,
        clock: Callable[[], float] = time.time,
        **more: Any,
    ) -> Self:
        """Tokens for the client these settings describe; `more` as `client_credentials` has it."""
        source = TokenSource.client_credentials(settings, key=key, clock=clock, **more)
        return cls(key, source, clock=clock)

    def __repr__(self) -> str:
        return f"<DPoPAuth with {self._key!r} and {self._source!r}>"

    @property
    def token(self) -> AccessToken | None:
        """The access token in hand, None before the first request; looking fetches nothing."""
        return self._source.current

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize a prepared request; requests calls this while it prepares one."""
        self._authorize(r.headers, r, self._source.token())
        if self._after not in r.hooks["response"]:
            r.hooks["response"].append(self._after)
        return r

    def _authorize(
        self,
        headers: Any,
        request: requests.PreparedRequest,
        token: AccessToken,
        nonce: str | None = None,
    ) -> None:
        """Set token and proof for `request` in `headers`, which may be another request's."""
        for name in ("Authorization", "DPoP"):
            headers.pop(name, None)
        scheme = token.token_type
        headers["Authorization"] = f"{scheme} {token.value}"
        if scheme == "DPoP":
            nonce = nonce or self._nonces.get(str(request.url))
            headers["DPoP"] = fresh_proof(
                self._key, request, now=self._clock(), access_token=token.value, nonce=nonce
            )

    def _after(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """The response hook: requests calls it for each response, redirects included."""
        request = response.request
        final = self._obey(response, kwargs)
        if final.is_redirect:
            self._prepare_redirect(request, final)
        return final

    def _obey(self, response: requests.Response, kwargs: dict[str, Any]) -> requests.Response:
        remedies, streamed = {"nonce", "token"}, bool(kwargs.get("stream"))
        while (asked := self._asked(response, streamed=streamed)) in remedies:
            remedies.remove(asked)
            token = _carried(response.request)
            if asked == "token":
                self._source.forget(token.value)
            if not rewound(response.request):
                break
            if asked == "token":
                try:
                    token = self._source.token()
                except (requests.RequestException, LabError):
                    break  # the API's refusal is the answer; the next request tells this one
            response = self._repeat(response, token, kwargs)
        return response

    def _asked(self, response: requests.Response, *, streamed: bool) -> str:
        """What the server asks for: `nonce`, `token` or nothing; its nonce is kept at once."""
        answered(response.request)
        nonce, status = self._nonces.learn(response), response.status_code
        scheme = _carried(response.request).token_type
        if not scheme or not 400 <= status < 500:
            return ""
        in_body = nonce is not None and status in (400, 401) and not streamed
        proved = scheme == "DPoP"
        if proved and asks_for_nonce(response, in_body=in_body):
            return "nonce" if nonce not in (None, *tried_nonces(response)) else ""
        challenges = read_challenges(response.headers.get("WWW-Authenticate", ""))
        refused = status == requests.codes.unauthorized and refuses_token(challenges, proved=proved)
        return "token" if refused else ""

    def _repeat(
        self, refused: requests.Response, token: AccessToken, kwargs: dict[str, Any]
    ) -> requests.Response:
        """Send the request again, with a new proof, over the same adapter."""
        from dpop_lab.client.bounded import MOST, read_within  # loaded when used

        read_within(refused, MOST)  # so that the connection can be used again
        again = copy_with_cookies(refused)
        self._authorize(again.headers, again, token, offered_nonce(refused.headers))
        start = time.perf_counter()
        response: requests.Response = refused.connection.send(again, **kwargs)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history = [*refused.history, refused]
        return response

    def _prepare_redirect(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Mend the request that is about to be copied: at another origin it has no credentials."""
        token = _carried(response.request)
        if token.token_type and (following := without_credentials(request, response)):
            self._authorize(request.headers, following, token)


def _carried(request: requests.PreparedRequest) -> AccessToken:
    """The token we put on this request; one of no type if there is none of ours."""
    scheme, _, value = str(request.headers.get("Authorization", "")).partition(" ")
    return AccessToken(value, scheme if scheme in TOKEN_TYPES.values() else "")
