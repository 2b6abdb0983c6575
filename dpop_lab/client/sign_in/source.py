"""Tokens in a person's name: asked for in a browser, redeemed with the key, renewed with it."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

import requests

from dpop_lab.client.discovery import discover, endpoint_in, send_own
from dpop_lab.client.sending_again import json_object
from dpop_lab.client.settings import Settings, authentication, settled
from dpop_lab.client.sign_in.answer import AGAIN, NotSignedIn, read_answer, read_id_token
from dpop_lab.client.sign_in.store import TokenStore
from dpop_lab.client.token import AccessToken, TokenRefused, TokenSource, read_token
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.jose.encoding import base64url_encode, sha256, thumbprint
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.show.values import shown


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorization request is known by; all of it is secret but for `state`."""

    state: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class PersonalSource(TokenSource):
    """Fetches a token with a code once, later ones with the refresh token and the same key."""

    client_id: str
    metadata: Mapping[str, Any]
    redirect_uri: str
    push: bool
    plain: bool = False
    store: TokenStore | None = None
    asked: Asked | None = None  #: the sign-in that is on its way
    refresh_token: str = ""  #: the one in hand, a secret; empty where there is none
    _code: str = ""
    _person: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_issuer(
        cls,
        *,
        key: PrivateKey,
        client_id: str,
        issuer: str,
        redirect_uri: str = "",
        scope: str | None = None,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float | None = 30,
        push: bool | None = None,
        store: TokenStore | None = None,
        accept_bearer: bool = False,
        plain: bool = False,
        **client: Any,
    ) -> Self:
        """The source for this client of the issuer, whose metadata are asked for at once.

        Without `redirect_uri` and `scope` it goes on with a sign-in from `store`. `client` are
        further members of `Settings`; `plain` is that of `discover`. Raises `SettingsError`.
        """
        if not isinstance(key, PrivateKey):
            found, advice = type(key).__name__, "load_key and generate_key make one."
            raise SettingsError("No key", wanted="a PrivateKey", found=found, advice=advice)
        settings = Settings(client_id=client_id, issuer=issuer, scope=scope, **client)
        metadata = discover(issuer, session=session, timeout=timeout, plain=plain)
        endpoint_in(metadata, "authorization_endpoint", plain=plain)
        known = settled(settings, metadata)
        pushed = metadata.get("require_pushed_authorization_requests") is True
        made = cls(
            key=key,
            token_endpoint=str(known.token_endpoint),
            authenticate=authentication(known),
            parameters={"scope": scope or ""},
            clock=clock,
            session=session,
            accept_bearer=accept_bearer,
            timeout=timeout,
            client_id=client_id,
            metadata=metadata,
            redirect_uri=redirect_uri,
            push=pushed if push is None else push,
            plain=plain,
            store=store,
        )
        made._recall()
        return made

    @property
    def jkt(self) -> str:
        """The thumbprint of the key that all tokens are bound to."""
        return thumbprint(self.key.public_jwk())

    @property
    def person(self) -> Mapping[str, Any]:
        """The claims of the ID token that came with the code."""
        return dict(self._person)

    # the browser's part

    def begin(self, **parameters: str) -> str:
        """The URL for the person's browser (RFC 6749 section 4.1.1, RFC 7636, RFC 9449 10)."""
        self.asked = Asked(*(secrets.token_urlsafe(32) for _ in range(3)))
        asked, scope = self.asked, str(self.parameters["scope"])
        request = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": asked.state,
            "code_challenge": base64url_encode(sha256(asked.verifier.encode())),
            "code_challenge_method": "S256",
            "dpop_jkt": self.jkt,
            **({"nonce": asked.nonce} if "openid" in scope.split() else {}),
            **parameters,
        }
        if self.push:
            request = {"client_id": self.client_id, "request_uri": self._pushed(request)}
        endpoint = self._endpoint("authorization")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(request)}"

    def _pushed(self, request: Mapping[str, str]) -> str:
        """The request_uri of a request that is pushed, with a proof (RFC 9449 section 10.1)."""
        answer = self.post(self._endpoint("pushed_authorization_request"), request)
        uri = json_object(answer).get("request_uri")
        if not answer.ok or not isinstance(uri, str):
            told = json_object(answer)
            found = f"status {answer.status_code}, {shown(told.get('error'), 100)}"
            raise TokenRefused("The authorization request was refused", answer, found=found)
        return uri

    def _endpoint(self, name: str) -> str:
        return endpoint_in(self.metadata, f"{name}_endpoint", plain=self.plain)

    def finish(self, answer: str) -> AccessToken:
        """Take the answer at the redirect URI, and redeem the code (RFC 6749 section 4.1.2)."""
        asked = self.asked
        if asked is None:
            raise LabError("No sign-in has begun, or it is finished", advice=AGAIN)
        told = read_answer(answer, asked.state, self.metadata)
        self.asked = None
        if error := told.get("error"):
            words = ": ".join(filter(None, (error, told.get("error_description"))))
            raise NotSignedIn("Nobody was signed in", found=shown(words, 300), advice=AGAIN)
        if not told.get("code"):
            raise LabError("The answer holds no code", wanted="code=… in it", advice=AGAIN)
        with self._lock:
            self._code, self.current = told["code"], None
            try:
                self.current = self._redeemed(asked)
            finally:
                self._code = ""
        return self.current

    # tokens

    def _redeemed(self, asked: Asked) -> AccessToken:
        form = {
            "grant_type": "authorization_code",
            "code": self._code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": asked.verifier,
        }
        now = self.clock()
        answer = self.post(self.token_endpoint, form)
        token = read_token(answer, now=now, accept_bearer=self.accept_bearer)
        told = json_object(answer)
        if "openid" in str(self.parameters["scope"]).split():
            self._person = read_id_token(
                told.get("id_token"),
                issuer=self.metadata["issuer"],
                client_id=self.client_id,
                nonce=asked.nonce,
                now=self.clock(),
            )
        self._keep(told.get("refresh_token"))
        return token

    def _fetch(self) -> AccessToken:
        """A token by the refresh token (RFC 6749 section 6, RFC 9449 section 5)."""
        if not self.refresh_token:
            raise LabError("Nobody is signed in", advice=AGAIN)
        now = self.clock()
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        answer = self.post(self.token_endpoint, form)
        try:
            token = read_token(answer, now=now, accept_bearer=self.accept_bearer)
        except TokenRefused as refused:
            if refused.error == "invalid_grant":
                self._keep("")
            raise
        self._keep(json_object(answer).get("refresh_token"))
        return token

    def _keep(self, refresh_token: object) -> None:
        """From now on use this refresh token; None: the one that is there."""
        if not isinstance(refresh_token, str):
            return
        self.refresh_token = refresh_token
        if self.store is not None:
            kept = {"issuer": str(self.metadata["issuer"]), "client_id": self.client_id}
            kept |= {"jkt": self.jkt, "refresh_token": refresh_token}
            self.store.write(kept if refresh_token else {})

    def _recall(self) -> None:
        """Go on with what was stored. Raises `LabError` for that of another client or key."""
        kept = self.store.read() if self.store else {}
        wanted = {"issuer": self.metadata["issuer"], "client_id": self.client_id, "jkt": self.jkt}
        for name, value in wanted.items():
            if kept and kept.get(name) != value:
                advice = "Use the key and the client that signed in, or another store."
                found = shown(kept.get(name), 100)
                raise LabError(
                    f"The store has a sign-in with another {name}",
                    wanted=str(value), found=found, advice=advice,
                )  # fmt: skip
        self.refresh_token = kept.get("refresh_token", "")

    def revoke(self) -> None:
        """End both tokens at the server (RFC 7009 section 2.1), and forget them.

        An access token may go on to its end at a server that revokes none (section 2.2.1).
        """
        url = self._endpoint("revocation")
        with self._lock:
            access = self.current.value if self.current else ""
            for hint, token in (("refresh_token", self.refresh_token), ("access_token", access)):
                if token:
                    self._revoked(url, {"token": token, "token_type_hint": hint})
            self.current = None
            self._keep("")

    def _revoked(self, url: str, form: Mapping[str, str]) -> None:
        headers, credentials = self.authenticate(int(self.clock()))
        request = requests.Request("POST", url, headers=headers, data={**form, **credentials})
        answer = send_own(self.session, request, timeout=self.timeout)
        error = json_object(answer).get("error")
        if not answer.ok and error != "unsupported_token_type":
            found = f"status {answer.status_code}, {shown(error, 100)}"
            raise TokenRefused("The token was not revoked", answer, found=found)


def personal(source: TokenSource) -> PersonalSource:
    """This source, of which a person is part. Raises `LabError` for one of the client's own."""
    if not isinstance(source, PersonalSource):
        problem = "Nobody signs in for these tokens: they are the client's own"
        raise LabError(problem, advice="DPoPAuth.authorization_code(…) makes one for a person.")
    return source
