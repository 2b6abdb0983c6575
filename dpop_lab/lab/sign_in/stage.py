"""The stage of an attack: an honest person, client and key, a thief with another, one server."""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter

from dpop_lab.client.recorder import SessionLog
from dpop_lab.client.sending_again import json_object
from dpop_lab.client.sign_in.source import PersonalSource
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import base64url_encode, sha256, thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.sign_in.person import client_of, signed_in
from dpop_lab.lab.world import World
from dpop_lab.proof import make_proof
from dpop_lab.server.duende_site import CLIENTS
from dpop_lab.server.sign_in.ways import ways_of
from dpop_lab.session.call import read_call

PUBLIC, CONFIDENTIAL = "interactive.public", "interactive.confidential"
NO_PKCE, NATIVE = "interactive.confidential.nopkce", "native.dpop"
SCOPE = "openid profile api offline_access"
REDIRECT_URI = "https://notused"
Form = Mapping[str, str | None]  # None leaves one out


def redemption(code: str, verifier: str | None, client_id: str = PUBLIC) -> dict[str, str]:
    """The form that redeems a code (RFC 6749 section 4.1.3), with the code_verifier if any."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    form["client_id"] = client_id
    return form if verifier is None else form | {"code_verifier": verifier}


def renewal(token: str, client_id: str = PUBLIC) -> dict[str, str]:
    """The form that uses a refresh token (RFC 6749 section 6)."""
    return {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id}


class Over(Exception):
    """Here the attack is at its end: the server, or the client itself with these words, said no."""

    def __init__(self, said: str = "") -> None:
        super().__init__(said)
        self.said = said


class Stage:
    """Who takes part in one attack, and what each of them can do; each key is made when wanted.

    `way` leads to the server, whose rules `demo` tells apart as far as honest people must know.
    All requests go into `log`. What is refused raises `Over`.
    """

    def __init__(self, lab: World, way: BaseAdapter, log: SessionLog, *, rules: Any) -> None:
        self.lab, self.way, self.log = lab, way, log
        self.scheme = "DPoP" if ways_of(rules).bound_userinfo else "Bearer"  #: at userinfo
        self.session = self.browser()
        self.verifier, self.thiefs_verifier = (secrets.token_urlsafe(32) for _ in range(2))
        self._keys: dict[tuple[str, str], PrivateKey] = {}

    def browser(self) -> requests.Session:
        """A browser, or a client's session, with no cookie yet."""
        return self.lab.session_over(self.way, self.log)

    def url(self, path: str) -> str:
        """The URL of one of the server's endpoints."""
        return f"{self.lab.base_url}/connect/{path}"

    def key(self, who: str = "owner", kind: str = "ES256") -> PrivateKey:
        """The key of this kind that the owner or the thief has."""
        if (who, kind) not in self._keys:
            self._keys[who, kind] = generate_key(kind)
        return self._keys[who, kind]

    def jkt(self, who: str = "owner") -> str:
        """The thumbprint of that key."""
        return thumbprint(self.key(who).public_jwk())

    # the browser's way

    def request(self, client_id: str = PUBLIC, **changed: str | None) -> dict[str, str]:
        """The parameters of the owner's authorization request, but for these."""
        form = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "of-the-owner",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
            "dpop_jkt": self.jkt(),
        }
        return given(form | changed)

    def answer(self, form: Form, person: str = "alice") -> dict[str, str]:
        """What the browser takes to the client after this person has signed in."""
        asked = given(form)
        url = f"{self.url('authorize')}?{urlencode(asked)}"
        there = asked.get("redirect_uri", REDIRECT_URI)
        try:
            led_to = signed_in(self.browser(), url, there, person, person)
        except LabError as error:
            raise error if read_call(self.log[-1]).accepted else Over() from None
        told = dict(parse_qsl(urlsplit(led_to).query))
        if "code" not in told:
            raise Over
        return told

    def code(self, client_id: str = PUBLIC, **changed: str | None) -> str:
        """The code of the owner's authorization request with these changes."""
        return self.answer(self.request(client_id, **changed))["code"]

    def push(
        self, client_id: str = PUBLIC, *, by: str | None = "owner", **changed: str | None
    ) -> str:
        """The request_uri of a pushed request, with a proof by this key."""
        form = self.request(client_id, dpop_jkt=None) | changed
        return str(self._post("par", form, by=by)["request_uri"])

    def pushed(self, request_uri: str, client_id: str = PUBLIC, **more: str) -> str:
        """The code of a request that was pushed before; `more` stands beside its URI."""
        return self.answer({"client_id": client_id, "request_uri": request_uri, **more})["code"]

    # the client's way

    def redeem(
        self, code: str, client_id: str = PUBLIC, *, by: str | None = "owner", **changed: str | None
    ) -> dict[str, Any]:
        """The tokens for a code, with a proof by this key, or with none."""
        return self._post("token", redemption(code, self.verifier, client_id) | changed, by=by)

    def refresh(
        self,
        token: str,
        client_id: str = PUBLIC,
        *,
        by: str | None = "owner",
        **changed: str | None,
    ) -> dict[str, Any]:
        """The tokens for a refresh token, with a proof by this key, or with none."""
        return self._post("token", renewal(token, client_id) | changed, by=by)

    def tokens(self, client_id: str = PUBLIC, *, by: str | None = "owner") -> dict[str, Any]:
        """What an honest sign-in brings, with a proof by this key, or with none."""
        return self.redeem(self.code(client_id, dpop_jkt=None), client_id, by=by)

    def revoke(self, token: str) -> None:
        """The owner has a token of the public client ended."""
        self._post("revocation", {"client_id": PUBLIC, "token": token}, by=None)

    def _post(self, path: str, form: Form, *, by: str | None) -> dict[str, Any]:
        """Post a form, with the client's secret where it has one and the form says no other."""
        client = CLIENTS[form["client_id"] or PUBLIC]
        form = given({"client_secret": client.secret, **form})
        url, headers = self.url(path), {}
        if by:
            now, jti = self.lab.clock.now(), str(uuid.uuid4())
            headers["DPoP"] = make_proof(self.key(by), jti=jti, htm="POST", htu=url, iat=now)
        answer = self.session.post(url, data=form, headers=headers)
        if not answer.ok:
            raise Over
        return json_object(answer)

    def client(self, **more: Any) -> PersonalSource:
        """The owner's client itself, which looks at what a browser brings."""
        known: dict[str, Any] = {
            "key": self.key(),
            "issuer": self.lab.base_url,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "session": self.session,
            "clock": self.lab.clock.now,
        }
        return PersonalSource.of_issuer(**known | client_of(self.lab, PUBLIC) | more)

    def brought(self, client: PersonalSource, answer: Form) -> None:
        """The browser brings an answer to the client, which redeems the code, or says no."""
        try:
            client.finish(f"{REDIRECT_URI}?{urlencode(given(answer))}")
        except TokenRefused:
            raise Over from None
        except LabError as error:
            raise Over(str(error)) from error


def challenge(verifier: str) -> str:
    """The code challenge of a verifier by S256 (RFC 7636 section 4.2)."""
    return base64url_encode(sha256(verifier.encode()))


def given(form: Form) -> dict[str, str]:
    """The parameters that are there."""
    return {name: value for name, value in form.items() if value is not None}
