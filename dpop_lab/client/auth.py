"""DPoPAuth: a token and a fresh proof on each request, a challenge obeyed once (RFC 9449)."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import requests
from requests.auth import AuthBase

from dpop_lab.client.bounded import MOST, read_within
from dpop_lab.client.credentials import choose, fitting
from dpop_lab.client.discovery import discover
from dpop_lab.client.nonces import Nonces, asks_for_nonce, offered_nonce
from dpop_lab.client.sending_again import (
    OnceOnly,
    WithoutNetrc,
    answered,
    copy_with_cookies,
    redirected,
    rewound,
)
from dpop_lab.client.settings import Settings, Source, check_text, check_url, members, read_settings
from dpop_lab.client.token import TOKEN_TYPES, AccessToken
from dpop_lab.client.token_source import Parameters, TokenSource
from dpop_lab.errors import LabError, SettingsError, expect
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.proof.proof import make_proof, read_proof
from dpop_lab.wire.challenge import read_challenges, refuses_token
from dpop_lab.wire.url import htu, origin


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
        if not isinstance(key, PrivateKey):
            found, advice = type(key).__name__, "load_key and generate_key make one."
            raise SettingsError("No key", wanted="a PrivateKey", found=found, advice=advice)
        expect(client_id, str, "client_id")
        texts = {"client_id": client_id, "client_secret": client_secret, "scope": scope}
        texts |= {"client_key_id": client_key_id, "assertion_audience": assertion_audience}
        for name, text in texts.items():
            if text is not None:
                expect(text, str, name)
                check_text(name, text)
        if odd := {"grant_type", "client_id", "client_secret", "scope"} & set(parameters or {}):
            found = ", ".join(sorted(odd))
            raise SettingsError("parameters are the other ones", wanted="no " + found, found=found)
        # before anything is sent
        fitting(client_auth, client_secret=client_secret, client_key=client_key)
        endpoint, metadata = _endpoint(token_endpoint, issuer, session, timeout)
        way = fitting(
            client_auth, client_secret=client_secret, client_key=client_key, metadata=metadata
        )
        authenticate = choose(
            way,
            client_id,
            client_secret=client_secret,
            client_key=client_key,
            client_key_id=client_key_id,
            audience=endpoint if assertion_audience is None else assertion_audience,
        )
        form = {"grant_type": "client_credentials", **(parameters or {})}
        source = TokenSource(
            key,
            endpoint,
            authenticate=authenticate,
            parameters=form if scope is None else {**form, "scope": scope},
            clock=clock,
            session=session,
            accept_bearer=accept_bearer,
            timeout=timeout,
        )
        return cls(key, source, clock=clock)

    @classmethod
    def from_json(
        cls,
        settings: Source,
        *,
        key: PrivateKey,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """The same from the commercial sample's JSON: text, the path of a file, or a mapping.

        Its members are those of `read_settings`; api is of no consequence here. The token request
        goes through `session`: with a lab, give `lab.session`. Raises `SettingsError`, which never
        repeats a value, and `KeyUnusable`.
        """
        return cls.from_settings(read_settings(settings), key=key, session=session, clock=clock)

    @classmethod
    def from_settings(cls, settings: Settings, **more: Any) -> Self:
        """The same from settings that have been read; `more` goes to `client_credentials`."""
        known = members(replace(settings, api=None))
        return cls.client_credentials(**known | more)

    def __repr__(self) -> str:
        return f"<DPoPAuth with {self._key!r} and {self._source!r}>"

    @property
    def token(self) -> AccessToken | None:
        """The access token in hand, None before the first request; looking fetches nothing."""
        return self._source.current

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize a prepared request; requests calls this while it prepares one."""
        token = self._source.token()
        self._authorize(r.headers, r, token.token_type, token.value)
        if self._after not in r.hooks["response"]:
            r.hooks["response"].append(self._after)
        return r

    def _authorize(
        self,
        headers: Any,
        request: requests.PreparedRequest,
        scheme: str,
        token: str,
        nonce: str | None = None,
    ) -> None:
        """Set token and proof for `request` in `headers`, which may be another request's."""
        for name in ("Authorization", "DPoP"):
            headers.pop(name, None)
        headers["Authorization"] = f"{scheme} {token}"
        if scheme != "DPoP":
            return
        url = str(request.url)
        proof = make_proof(
            self._key,
            jti=secrets.token_urlsafe(16),
            htm=str(request.method),
            htu=htu(url),
            iat=int(self._clock()),
            access_token=token,
            nonce=self._nonces.get(url) if nonce is None else nonce,
        )
        headers["DPoP"] = OnceOnly(proof)

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
            scheme, value = _carried(response.request)
            if asked == "token":
                self._source.forget(value)
            if not rewound(response.request):
                break
            if asked == "token":
                try:
                    fresh = self._source.token()
                except (requests.RequestException, LabError):
                    break  # the API's refusal is the answer; the next request tells this one
                scheme, value = fresh.token_type, fresh.value
            response = self._repeat(response, scheme, value, kwargs)
        return response

    def _asked(self, response: requests.Response, *, streamed: bool) -> str:
        """What the server asks for: `nonce`, `token` or nothing; its nonce is kept at once."""
        answered(response.request)
        header = response.headers.get("DPoP-Nonce")
        self._nonces.learn(response.url, header)
        scheme, _ = _carried(response.request)
        status, nonce = response.status_code, offered_nonce(header)
        if not scheme or not 400 <= status < 500:
            return ""
        in_body = nonce is not None and status in (400, 401) and not streamed
        if scheme == "DPoP" and asks_for_nonce(response, in_body=in_body):
            return "nonce" if nonce not in (None, *_tried(response)) else ""
        challenges = read_challenges(response.headers.get("WWW-Authenticate", ""))
        refused = status == requests.codes.unauthorized
        return "token" if refused and refuses_token(challenges, proved=scheme == "DPoP") else ""

    def _repeat(
        self, refused: requests.Response, scheme: str, token: str, kwargs: dict[str, Any]
    ) -> requests.Response:
        """Send the request again, with a new proof, over the same adapter."""
        read_within(refused, MOST)  # so that the connection can be used again
        again = copy_with_cookies(refused)
        nonce = offered_nonce(refused.headers.get("DPoP-Nonce"))
        self._authorize(again.headers, again, scheme, token, nonce)
        start = time.perf_counter()
        response: requests.Response = refused.connection.send(again, **kwargs)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history = [*refused.history, refused]
        return response

    def _prepare_redirect(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Mend the request that requests is about to copy for the redirect.

        On the same origin (RFC 6454) the copy gets the token and a proof for its own method and
        URL, elsewhere neither: requests would drop `Authorization` but forward `DPoP`. What a netrc
        file holds goes nowhere, now and at each further redirect.
        """
        scheme, token = _carried(response.request)
        if not scheme:
            return
        if response.request is request:
            response.request = request.copy()  # what was sent stays on record
        for name in ("Authorization", "DPoP"):
            request.headers.pop(name, None)
        request.headers = WithoutNetrc(request.headers)
        following = redirected(response, request)
        if origin(str(following.url)) == origin(response.url) is not None:
            self._authorize(request.headers, following, scheme, token)


def _endpoint(
    token_endpoint: str | None,
    issuer: str | None,
    session: requests.Session | None,
    timeout: float | None,
) -> tuple[str, dict[str, Any] | None]:
    metadata = None
    if issuer is not None and token_endpoint is None:
        metadata = discover(issuer, session=session, timeout=timeout)
        token_endpoint = str(metadata["token_endpoint"])
    elif issuer is not None or token_endpoint is None:
        found = "neither" if issuer is None else "both"
        problem = "The token endpoint is not clear"
        raise SettingsError(problem, wanted="token_endpoint or issuer", found=found)
    check_url("token_endpoint", token_endpoint)
    return token_endpoint, metadata


def _carried(request: requests.PreparedRequest) -> tuple[str, str]:
    """The scheme and token we put on this request, two empty texts if there are none of ours."""
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return (scheme, token) if scheme in TOKEN_TYPES.values() else ("", "")


def _tried(response: requests.Response) -> set[object]:
    """The nonces in the proofs of this request and of those it repeats."""
    sent = [one.request.headers.get("DPoP", "") for one in (*response.history, response)]
    return {read_proof(str(proof)).claims.get("nonce") for proof in sent}
