"""The authorization server: who are you, is the proof good, here is a token bound to your key."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dpop_lab.checking import Answer, Report
from dpop_lab.jose.encoding import compact_json
from dpop_lab.jose.jws import read_jws, verify
from dpop_lab.server.access_token import SigningKey, issue
from dpop_lab.server.gate import Gate, refuse_for
from dpop_lab.server.http import Routes
from dpop_lab.server.policy import Credentials, Form, Policy, Refused
from dpop_lab.server.state import Clock, Nonces, UsedProofs
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.url import DEFAULT_PORTS, normal_url

CLIENT_CREDENTIALS = "client_credentials"
REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a grant
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE_TEXT = re.compile(r"[ -!#-\[\]-~]*")  # RFC 6749 section 3.3, and the spaces between


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. No secret and no key: a public client. `lifetime` is in seconds."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    uses_key: bool = False
    grants: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    lifetime: int = 3600
    requires_dpop: bool = False
    requires_nonce: bool = False


@dataclass(frozen=True, slots=True)
class ApiResource:
    """An API with its audience and scopes. An isolated one is an audience only when asked for."""

    audience: str
    scopes: tuple[str, ...]
    isolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What is registered at the authorization server: clients, APIs, scopes, known grants.

    `client_key` gives the public JWK of the clients that authenticate with a key.
    """

    clients: Mapping[str, Client]
    apis: tuple[ApiResource, ...]
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    client_key: Callable[[], Mapping[str, Any]]


@dataclass(slots=True, kw_only=True, repr=False)
class AuthorizationServer:
    """The token endpoint, both metadata documents and the key set, as `Request -> Response`.

    Base URL, keys, clock, memory and policy are given to it; `random` draws octets for `jti`.
    `assertions` remembers client assertions, `used` proofs, both shared by all clients. With
    `every_row` all rows are asked, though the first failure decides.
    """

    base_url: str
    policy: Policy
    clock: Clock
    registry: Registry
    signing_key: SigningKey
    random: Callable[[int], bytes]
    used: UsedProofs = field(default_factory=UsedProofs)
    assertions: UsedProofs = field(default_factory=UsedProofs)
    nonces: Nonces = field(default_factory=Nonces)
    every_row: bool = False

    def __repr__(self) -> str:
        return f"<AuthorizationServer {self.base_url} under {self.policy.name}>"

    @property
    def token_endpoint(self) -> str:
        """The URL a token is asked for at, and the `htu` of the proof that goes with it."""
        return f"{self.base_url}/connect/token"

    @property
    def routes(self) -> Routes:
        """Who answers, by path."""
        return {
            "/connect/token": self.token,
            "/.well-known/openid-configuration": self.metadata,
            "/.well-known/oauth-authorization-server": self.metadata,
            "/.well-known/openid-configuration/jwks": self.jwks,
        }

    def metadata(self, request: Request) -> Response:
        """The discovery document (RFC 8414, OpenID Connect Discovery)."""
        return self._document(request, self.policy.metadata(self.base_url))

    def jwks(self, request: Request) -> Response:
        """The public keys that access tokens are signed with (RFC 7517 section 5)."""
        return self._document(request, {"keys": [dict(self.signing_key.published)]}, plain=True)

    def _document(self, request: Request, value: object, *, plain: bool = False) -> Response:
        if request.method != "GET":
            return self.policy.method_not_allowed("GET")
        body = compact_json(value) if plain else self.policy.json(value)
        return Response(200, (("Content-Type", self.policy.metadata_type),), body)

    def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 section 4.4, RFC 9449 section 5), with the reports."""
        reports: list[Report] = []
        try:
            response = self._grant(request, reports)
        except Refused as refusal:
            response = self._refuse(refusal)
        return replace(response, reports=tuple(reports))

    def _grant(self, request: Request, reports: list[Report]) -> Response:
        """The order in which a request is looked at; the first fault wins."""
        form = self.policy.token_parameters(request)
        client = self._authenticated(request, form)
        gate = self._gate(client, self.policy.proofs(request))
        if gate.headers:
            reports.append(gate.look())
            refuse_for(gate.profile, reports[0], only="one_header")
        grant = self._grant_type(form)
        resource = self._resource(form)
        if gate.headers:
            reports[0] = gate.take(reports[0])
            refuse_for(gate.profile, reports[0])
        elif client.requires_dpop:
            raise Refused(self.policy.no_proof)
        self._may_use(client, grant, form)
        scope, audience = self._scope(form, resource)
        jkt = gate.key_thumbprint() if gate.headers else None
        body = self._token(client, jkt=jkt, scope=scope, audience=audience)
        nonce = gate.next_nonce() if gate.headers else ()
        return Response(200, (*self.policy.token_headers, *nonce), self.policy.json(body))

    def _token(
        self, client: Client, *, jkt: str | None, scope: tuple[str, ...], audience: tuple[str, ...]
    ) -> dict[str, Any]:
        """The members of a successful answer (RFC 6749 section 5.1, RFC 9449 section 5)."""
        claims = self.policy.token_claims(
            issuer=self.base_url,
            now=self.clock.now(),
            lifetime=client.lifetime,
            audience=audience,
            jkt=jkt,
            scope=scope,
            client_id=client.client_id,
            jti=self.random(16).hex().upper(),
        )
        return {
            "access_token": issue(self.signing_key, claims),
            "expires_in": client.lifetime,
            "token_type": "DPoP" if jkt else "Bearer",
            "scope": " ".join(scope),
        }

    def _gate(self, client: Client, headers: tuple[str, ...]) -> Gate:
        return Gate(
            profile=self.policy.token_nonce if client.requires_nonce else self.policy.token,
            headers=headers,
            method="POST",
            url=self.token_endpoint,
            now=self.clock.now(),
            used=self.used,
            nonces=self.nonces,
            whole=self.every_row,
        )

    # who is asking

    def _authenticated(self, request: Request, form: Form) -> Client:
        credentials = self.policy.credentials(request, form)
        client = self.registry.clients.get(credentials.client_id)
        if client is None or not self._proves(client, credentials):
            raise self.policy.client_refused(credentials)
        return client

    def _proves(self, client: Client, credentials: Credentials) -> bool:
        if client.uses_key:
            return credentials.assertion is not None and self._assertion_good(credentials)
        if client.secret is None:
            return True
        given = credentials.secret or ""
        return hmac.compare_digest(given.encode(), client.secret.encode())

    def _assertion_good(self, credentials: Credentials) -> bool:
        """Is the client assertion signed, current, meant for us, and new? It is then used up."""
        rules, now = self.policy.assertions, self.clock.now()
        jws = read_jws(credentials.assertion or "")
        claims, alg = jws.claims, jws.header.get("alg")
        ends = rules.number(claims.get("exp"))
        starts = rules.number(claims["nbf"]) if "nbf" in claims else ends and min(ends, now)
        if ends is None or starts is None or starts > ends:
            return False
        jti = claims.get("jti")
        good = (
            alg in rules.algorithms
            and claims.get("iss") == claims.get("sub") == credentials.client_id
            and starts - rules.leeway <= now
            and not rules.expired(ends, now)
            and isinstance(jti, str)
            and bool(jti.strip())
            and rules.audience_fits(jws.header, claims.get("aud"), self.base_url)
            and verify(jws.signing_input, jws.signature, alg=alg, jwk=self.registry.client_key())
        )
        remember = int(ends) + rules.leeway + 1 - now
        return good and self.assertions.claim(jti, now=now, remember=remember)

    # what is asked for

    def _grant_type(self, form: Form) -> str:
        grant = value(form, "grant_type")
        if not grant or len(grant) > 100:
            raise Refused(self.policy.no_grant_type)
        return grant

    def _may_use(self, client: Client, grant: str, form: Form) -> None:
        """Only client credentials lead to a token here; other grants fail as they would there."""
        if grant == REFRESH_TOKEN:  # no client of this server was ever given one
            raise Refused(Answer(400, "invalid_grant" if value(form, grant) else "invalid_request"))
        if grant not in self.registry.grants:
            raise Refused(Answer(400, "unsupported_grant_type"))
        if grant == DEVICE_CODE and value(form, "resource"):  # looked at before the client is
            raise Refused(Answer(400, "invalid_target"))
        if grant not in client.grants:
            raise Refused(Answer(400, "unauthorized_client"))
        if grant == DEVICE_CODE and not value(form, "device_code"):
            raise Refused(Answer(400, "invalid_request"))
        if grant != CLIENT_CREDENTIALS:
            raise Refused(Answer(400, "invalid_grant"))

    def _resource(self, form: Form) -> str | None:
        """The one API that the token is wanted for (RFC 8707 section 2), None without a wish."""
        resources = form.get("resource", ())
        faults = (
            (
                any(len(text) > 512 for text in resources),
                "Resource indicator maximum length exceeded",
            ),
            (not all(map(_is_uri, resources)), "Invalid resource indicator format"),
            (len(resources) > 1, "Multiple resource indicators not supported on token endpoint."),
        )
        for found, description in faults:
            if found:
                raise Refused(Answer(400, "invalid_target", description))
        return resources[0] if resources else None

    def _scope(self, form: Form, resource: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The scopes granted, sorted, and the audiences they lead to (RFC 8707)."""
        text, every = value(form, "scope"), self.registry.scopes
        text = text.strip() if self.policy.trims_scope else text
        asked = sorted(set(filter(None, text.split(" ")))) or sorted(every)
        if not SCOPE_TEXT.fullmatch(text):
            raise Refused(self.policy.misspelt_scope)
        apis = [api for api in self.registry.apis if not api.isolated]
        if resource is not None:
            apis = [api for api in self.registry.apis if api.audience == resource]
            if not any(name in api.scopes for api in apis for name in asked):
                raise Refused(Answer(400, "invalid_target"))
        if len(value(form, "scope")) > 300 or not set(asked) <= set(every):
            raise Refused(Answer(400, "invalid_scope"))
        if resource is not None:
            asked = [name for name in asked if name in apis[0].scopes]
        audience = [api.audience for api in apis if not set(asked).isdisjoint(api.scopes)]
        return tuple(asked), tuple(audience)

    def _refuse(self, refusal: Refused) -> Response:
        answer = refusal.answer
        members = {"error": answer.error, "error_description": answer.description}
        body = self.policy.json({name: text for name, text in members.items() if text is not None})
        headers = [*self.policy.token_headers, *refusal.headers]
        if answer.error == "use_dpop_nonce":
            headers.append(("DPoP-Nonce", self.nonces.issue(self.clock.now())))
        return Response(answer.status, tuple(headers), body)


def value(form: Form, name: str) -> str:
    """A parameter's text, empty when it is absent; several are joined by a comma."""
    return ",".join(form.get(name, ()))


def _is_uri(text: str) -> bool:
    """Is it an absolute URI without a fragment (RFC 8707 section 2)?"""
    scheme = text.partition(":")[0].lower()
    if not re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme) or ":" not in text or "#" in text:
        return False
    return scheme not in DEFAULT_PORTS or normal_url(text) is not None
