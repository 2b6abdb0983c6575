"""The authorization server: who are you, is the proof good, here is a token bound to your key."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from dpop_lab.checking import Report
from dpop_lab.jose.encoding import Members, compact_json
from dpop_lab.jose.jws import Jws
from dpop_lab.proof.rules import Context, jkt
from dpop_lab.server.access_token import SigningKey, issue
from dpop_lab.server.assertion import use_assertion
from dpop_lab.server.common import Credentials, Form, Refused, bad_request, is_uri, value
from dpop_lab.server.duende_site import CLIENT_CREDENTIALS, DEVICE_CODE, Client
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import Party, Routes
from dpop_lab.wire.message import Request, Response

JWKS = "openid-configuration/jwks"
TOKEN_PATH = "/connect/token"  # noqa: S105  no password
STEPS = ("client", "header", "grant_type", "resource", "proof", "grant", "scope")
REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a grant


@dataclass(slots=True, kw_only=True, repr=False)
class AuthorizationServer(Party):
    """The token endpoint, both metadata documents and the key set, as `Request -> Response`."""

    signing_key: SigningKey
    #: gives the public JWK of the clients that authenticate with a key
    client_key: Callable[[], Members]
    #: draws octets for `jti`
    random: Callable[[int], bytes]

    @property
    def routes(self) -> Routes:
        """Who answers, by path."""
        documents = ("openid-configuration", "oauth-authorization-server", JWKS)
        known = {f"/.well-known/{name}": self.document for name in documents}
        return {TOKEN_PATH: self.token, **known}

    def document(self, request: Request) -> Response:
        """Metadata (RFC 8414, OpenID Connect Discovery), or the JWKS (RFC 7517 section 5)."""
        policy = self.policy
        if request.method != "GET":
            return policy.method_not_allowed("GET")
        if request.route.endswith(JWKS):
            body = compact_json({"keys": [self.signing_key[1]]})
        else:
            body = policy.json(policy.metadata(self.base_url))
        return Response(200, (("Content-Type", policy.metadata_type),), body)

    def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 section 4.4, RFC 9449 section 5), with the reports."""

        def granted(reports: list[Report]) -> Response:
            form = self.policy.token_parameters(request)
            credentials = self.policy.credentials(request, form)
            return self.token_request(request, form, credentials, reports).granted()

        return self.answered(granted)

    def token_request(
        self, request: Request, form: Form, credentials: Credentials, reports: list[Report]
    ) -> "TokenRequest":
        """A token request, whose reports are put into the list."""
        return TokenRequest(self, request, form, credentials, reports)


@dataclass(repr=False)  # no slots: what is looked at once is kept
class TokenRequest:
    """One token request. Its steps raise `Refused` at a fault, and are taken as a policy says."""

    server: AuthorizationServer
    request: Request
    form: Form
    credentials: Credentials
    reports: list[Report]
    place: ClassVar[str] = "token"  #: whose profiles hold for the proof
    path: ClassVar[str] = TOKEN_PATH

    def granted(self) -> Response:
        """The answer to a request without a fault (RFC 6749 section 5.1, RFC 9449 section 5)."""
        for step in self.policy.steps("token", STEPS):
            getattr(self, step)
        return Response(200, self.policy.token_headers, self.policy.json(self.body()))

    def body(self) -> dict[str, Any]:
        """The members of that answer."""
        return {
            "access_token": issue(self.server.signing_key, self.policy.token_claims(self.claims())),
            "expires_in": self.client.lifetime,
            "token_type": "DPoP" if self.proof else "Bearer",
            "scope": " ".join(self.scope[0]),
        }

    def claims(self) -> dict[str, Any]:
        """What the access token says, before the policy has put it in its own way."""
        (scope, audience), now = self.scope, self.server.clock.now()
        return {
            "iss": self.server.base_url,
            "nbf": now,
            "iat": now,
            "exp": now + self.client.lifetime,
            "aud": audience,
            "cnf": {"jkt": self.proof} if self.proof else None,
            "scope": scope,
            "client_id": self.client.client_id,
            "jti": self.server.random(16).hex().upper(),
        }

    @property
    def policy(self) -> Policy:
        """The rules that the server has at present."""
        return self.server.policy

    # who is asking

    @cached_property
    def named(self) -> Client | None:
        """The client it says it is, proven or not."""
        return self.policy.clients.get(self.credentials[0])

    @cached_property
    def client(self) -> Client:
        """The client it has shown to be."""
        if self.named is None or not self._proves(self.named):
            raise self.policy.client_refused(self.credentials[1])
        return self.named

    def _proves(self, client: Client) -> bool:
        _, way, given = self.credentials
        if client.uses_key:
            jwk = self.server.client_key
            return way == "assertion" and use_assertion(self.server, client, given or "", jwk)
        if client.secret is None:
            return True
        secret = given if given and way != "assertion" else ""
        return hmac.compare_digest(secret.encode(), client.secret.encode())

    # with which proof

    @cached_property
    def proof_and_context(self) -> tuple[Jws, Context]:
        """Its proof, and what the rows may know of it."""
        return self.server.proof_and_context(
            self.request,
            self.place,
            nonce=self.named is not None and self.named.requires_nonce,
            url=f"{self.server.base_url}{self.path}",
            client_id=self.credentials[0],
        )

    @cached_property
    def header(self) -> bool:
        """Is there a proof? More than one is a fault here."""
        proof, context = self.proof_and_context
        if context.headers:
            self.reports.append(self.server.look(proof, context))
            self.server.refuse(context.profile, self.reports[0], only="one_header")
        return bool(context.headers)

    @cached_property
    def proof(self) -> str | None:
        """The thumbprint of the key in the proof, which is used up; None without a proof."""
        proof, context = self.proof_and_context
        if self.header:
            self.server.take(proof, context, self.reports)
        if fault := self.policy.proof_fault(self.named, sent=self.header):
            raise Refused(fault)
        return jkt(proof, context) if self.header else None

    # what is asked for

    @cached_property
    def grant_type(self) -> str:
        """The name of a grant, known or not."""
        grant = value(self.form, "grant_type")
        if not grant or len(grant) > 100:
            raise Refused(self.policy.no_grant_type)
        return grant

    @cached_property
    def grant(self) -> str:
        """The grant, which leads to a token: client credentials. Others fail as they do there.

        No client of this server was ever given a code or a refresh token.
        """
        grant, form = self.grant_type, self.form
        device = grant == DEVICE_CODE
        faults = (
            (grant == REFRESH_TOKEN, "invalid_grant" if value(form, grant) else "invalid_request"),
            (grant not in self.policy.grants, "unsupported_grant_type"),
            # looked at before the client is
            (device and value(form, "resource"), "invalid_target"),
            (grant not in self.client.grants, "unauthorized_client"),
            (device and not value(form, "device_code"), "invalid_request"),
            (grant != CLIENT_CREDENTIALS, "invalid_grant"),
        )
        for found, error in faults:
            if found:
                raise bad_request(error)
        return grant

    @cached_property
    def resource(self) -> str | None:
        """The one API that the token is wanted for (RFC 8707 section 2), None without a wish."""
        resources = self.form.get("resource", ())
        longest = max(map(len, resources), default=0)
        faults = (
            (longest > 512, "Resource indicator maximum length exceeded"),
            (not all(map(is_uri, resources)), "Invalid resource indicator format"),
            (len(resources) > 1, "Multiple resource indicators not supported on token endpoint."),
        )
        for found, description in faults:
            if found:
                raise bad_request("invalid_target", description)
        return resources[0] if resources else None

    @cached_property
    def scope(self) -> tuple[list[str], list[str]]:
        """The scopes granted, sorted, and the audiences they lead to; without a wish all there are.

        What the policy does not know, or knows of another resource, is a fault.
        """
        given, resource, policy = value(self.form, "scope"), self.resource, self.policy
        asked = sorted({*policy.scope(given).split(" ")} - {""}) or sorted(policy.scopes)
        apis = {
            api: scopes
            for api, scopes in policy.apis.items()
            if api == resource or (resource is None and api not in policy.isolated)
        }
        reached = {name for scopes in apis.values() for name in scopes}
        if resource is not None and reached.isdisjoint(asked):
            raise bad_request("invalid_target")
        if len(given) > 300 or not set(asked) <= set(policy.scopes):
            raise bad_request("invalid_scope")
        if resource is not None:
            asked = [name for name in asked if name in reached]
        return asked, [api for api, scopes in apis.items() if not set(scopes).isdisjoint(asked)]
