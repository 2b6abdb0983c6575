"""Token requests in a person's name: a code is redeemed, a refresh token is used."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.jose.jws import sign_compact
from dpop_lab.server.authorization_server import REFRESH_TOKEN, TokenRequest
from dpop_lab.server.common import bad_request, value
from dpop_lab.server.duende_site import CODE
from dpop_lab.server.sign_in.grants import Grant
from dpop_lab.server.sign_in.people import OFFLINE
from dpop_lab.server.sign_in.rows import KeyContext
from dpop_lab.server.sign_in.state import State, Store, end_family
from dpop_lab.server.sign_in.ways import Ways, ways_of

ID_TOKEN_LIFETIME = 300  # seconds
NOT_ASKED = (
    "Resource indicator does not match any resource indicator in the original authorize request."
)


@dataclass(repr=False)
class PersonalRequest(TokenRequest):
    """A token request that may have a person's grant behind it: a code or a refresh token."""

    state: State

    @property
    def ways(self) -> Ways:
        """How people are signed in at present."""
        return ways_of(self.policy)

    @cached_property
    def grant(self) -> str:
        """The name of the grant; what stands behind it was found good, and is used up."""
        name = self.grant_type
        if name == REFRESH_TOKEN and value(self.form, name):
            self._use_refresh_token()
        elif name in CODE and name in self.client.grants:
            self._redeem()
        else:
            return super().grant
        return name

    @cached_property
    def handle(self) -> str:
        """The code or the refresh token, as it came."""
        return value(self.form, "code" if self.grant_type in CODE else REFRESH_TOKEN)

    @cached_property
    def allowed(self) -> Grant | None:
        """What a person allowed this client; None where no person has to do with it."""
        if self.grant_type not in (*CODE, REFRESH_TOKEN):
            return None
        state, now = self.state, self.server.clock.now()
        code = self.grant_type in CODE
        grant = (state.codes if code else state.refresh_tokens).get(self.handle, now=now)
        if grant is None or not self.ways.is_theirs(grant, self.client):
            raise bad_request("invalid_grant")
        old = code and now - grant.made_at >= self.ways.code_lifetime
        if old or self.server.used.seen(("ended", grant.family), now=now):
            raise bad_request("invalid_grant")
        return grant

    def _asked(self, name: str, context: KeyContext) -> None:
        """Ask the row about the key; its report goes beside that of the proof."""
        report = context.profile.examine(self.proof, context, whole=self.server.every_row)
        self.reports.append(report)
        self.server.refuse(context.profile, report)

    def _use_up(self, grant: Grant, store: Store[Grant]) -> None:
        """Make sure that this is the first use, for all threads. Raises `Refused` for another.

        A second one may be a thief's, or the thief's was the first: where the policy says so, all
        that came of the grant ends (RFC 9700 section 4.14.2, RFC 6749 section 4.1.2).
        """
        if self.ways.first_use(store, self.handle):
            return
        if self.ways.ends_family:
            end_family(self.server, self.state, grant.family)
        raise bad_request("invalid_grant")

    def _redeem(self) -> None:
        """Redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6, RFC 9449 section 10)."""
        grant, form, profile = self.allowed, self.form, self.policy.profiles["code"]
        if grant is None:  # for the types: a code has a grant
            raise bad_request("invalid_grant")
        self._asked("code", KeyContext(profile=profile, bound=grant.jkt))
        self._use_up(grant, self.state.codes)
        given = value(form, "redirect_uri")
        if not given:
            raise bad_request(self.ways.no_redirect_uri)
        verifier = value(form, "code_verifier")
        if given != grant.redirect_uri or not self.ways.verified(grant, verifier):
            raise bad_request("invalid_grant")
        self._check_resource(grant)

    def _use_refresh_token(self) -> None:
        """Use a refresh token (RFC 6749 section 6, RFC 9449 section 5)."""
        grant, profile = self.allowed, self.policy.profiles["refresh"]
        if grant is None:
            raise bad_request("invalid_grant")
        self._asked("refresh", self.ways.key_context(profile, grant, self.client))
        self._check_resource(grant)
        _ = self.scope  # a wrong wish costs no refresh token
        if self.ways.rotates(self.client):
            self._use_up(grant, self.state.refresh_tokens)

    def _check_resource(self, grant: Grant) -> None:
        """Raise `Refused` for an API that was not asked for, or is none (RFC 8707 section 2.2)."""
        if self.resource is not None and grant.resources and self.resource not in grant.resources:
            raise bad_request("invalid_target", NOT_ASKED)
        if self.resource not in (None, *self.policy.apis):
            raise bad_request("invalid_target")

    @cached_property
    def scope(self) -> tuple[list[str], list[str]]:
        """The scopes that the person allowed, in their order, and the audiences.

        A refresh may ask for fewer, but not for others (RFC 6749 section 6).
        """
        if self.allowed is None:
            return super().scope
        scope, policy, resource = self.allowed.scope, self.policy, self.resource
        if self.grant_type == REFRESH_TOKEN and self.ways.narrows:
            asked = policy.scope(value(self.form, "scope")).split() or scope
            if not set(asked) <= set(scope):
                raise bad_request("invalid_scope")
            scope = tuple(one for one in scope if one in asked)
        wished = self.allowed.resources if resource is None else (resource,)
        reached = [
            api
            for api, scopes in policy.apis.items()
            if (api in wished if wished else api not in policy.isolated)
            and not set(scopes).isdisjoint(scope)
        ]
        return list(scope), reached

    def claims(self) -> dict[str, Any]:
        """The claims of the access token: with a person, they say who it is and since when."""
        claims, grant = super().claims(), self.allowed
        if grant is None:
            return claims
        last = {name: claims.pop(name) for name in ("client_id", "jti")}
        person = {
            "sub": grant.session.person.subject,
            "auth_time": grant.session.since,
            "idp": "local",
            "sid": grant.session.session_id,
        }
        return {
            **claims,
            "amr": ["pwd"],
            "client_id": last["client_id"],
            **person,
            "jti": last["jti"],
        }

    def body(self) -> dict[str, Any]:
        """The members of the answer, with an ID token and a refresh token where they are due."""
        body, grant = super().body(), self.allowed
        if grant is None:
            return body
        scope = body.pop("scope")
        if "openid" in self.scope[0]:
            body = {"id_token": self._id_token(grant, body["access_token"]), **body}
        if OFFLINE in grant.scope:
            body[REFRESH_TOKEN] = self._refresh_token(grant)
        return {**body, "scope": scope}

    def _refresh_token(self, grant: Grant) -> str:
        """The refresh token from now on."""
        if self.grant_type == REFRESH_TOKEN and not self.ways.rotates(self.client):
            return self.handle
        if grant.proven is None:
            grant = replace(grant, proven=self.proof or "")
        now = self.server.clock.now()
        return self.state.refresh_tokens.put(self.state.handle(), grant, now=now)

    def _id_token(self, grant: Grant, access_token: str) -> str:
        """An ID token (OpenID Connect Core section 2)."""
        key, published = self.server.signing_key
        now, session = self.server.clock.now(), grant.session
        header = {"alg": "RS256", "kid": published["kid"], "x5t": published["x5t"], "typ": "JWT"}
        claims = {
            "iss": self.server.base_url,
            "nbf": now,
            "iat": now,
            "exp": now + ID_TOKEN_LIFETIME,
            "aud": grant.client_id,
            "amr": ["pwd"],
            "nonce": grant.nonce if self.grant_type in CODE else None,
            "at_hash": base64url_encode(sha256(access_token.encode())[:16]),
            "sid": session.session_id,
            "sub": session.person.subject,
            "auth_time": session.since,
            "idp": "local",
        }
        return sign_compact(header, {k: v for k, v in claims.items() if v is not None}, key)
