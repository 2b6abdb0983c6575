"""The resource server: one API that wants a bound token and its proof, one that takes Bearer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpop_lab.checking import Report
from dpop_lab.errors import LabError
from dpop_lab.server.access_token import TokenContext, TokenProfile, token_of
from dpop_lab.server.gate import Party
from dpop_lab.server.http import Routes
from dpop_lab.wire.message import Request, Response

DPOP_API = "/api/dpop/test"
BEARER_API = "/api/test"
AUDIENCE = "api"
STEPS = {"api": ("token", "proof"), "bearer": ("token",)}


@dataclass(slots=True, kw_only=True, repr=False)
class ResourceServer(Party):
    """Two protected resources, as `Request -> Response`, for every method the policy names."""

    issuer: str  #: the one it trusts
    keys: tuple[Mapping[str, Any], ...]  #: of the issuer, public JWKs
    #: a nonce is demanded in each proof
    api_nonce: bool = False

    @property
    def routes(self) -> Routes:
        """Who answers, by path; a slash at the end makes no difference to that."""
        apis: Routes = {DPOP_API: self.dpop_api, BEARER_API: self.bearer_api}
        return {**apis, **{f"{path}/": server for path, server in apis.items()}}

    def dpop_api(self, request: Request) -> Response:
        """The API that takes nothing but a bound token under `DPoP` with a proof (section 7.1)."""
        return self._served(request, "api", self.policy.bound)

    def bearer_api(self, request: Request) -> Response:
        """The API that takes an access token under `Bearer` (RFC 6750)."""
        return self._served(request, "bearer", self.policy.bearer)

    def _served(self, request: Request, place: str, rules: TokenProfile) -> Response:
        methods = self.policy.api_methods
        if methods is not None and request.method not in methods:
            return self.policy.method_not_allowed(", ".join(methods))
        return self.answered(
            lambda reports: self._checked(request, place, rules, reports), rules.scheme
        )

    def _checked(
        self, request: Request, place: str, rules: TokenProfile, reports: list[Report]
    ) -> Response:
        """The answer to a call whose token, and proof where one is wanted, are in order."""
        authorization = self.policy.authorization(request, rules.scheme)
        token, steps = token_of(authorization), self.policy.steps(place, STEPS[place])
        reports.append(self.look(token, self._token_context(rules, authorization)))
        if "proof" in steps:
            proof, context = self.proof_and_context(
                request,
                place,
                nonce=self.api_nonce,
                url=self.base_url + request.path,
                access_token=token.text,
                cnf=token.claims.get("cnf"),
                client_id=str(token.claims.get("client_id", "")),
            )
            reports.append(self.look(proof, context))
        for step in steps:
            if step == "token":
                self.refuse(rules, reports[0])
            elif step == "header":
                self.refuse(context.profile, reports[1], only="one_header")
            elif step == "proof":
                reports[1] = self.take(proof, context, reports[1])
                self.refuse(context.profile, reports[1])
            else:
                raise LabError("An API has no such step", wanted="token, header, proof", found=step)
        scheme = authorization.partition(" ")[0]
        return self._claims(token.claims, scheme, self.policy.proofs(request, place))

    def _token_context(self, rules: TokenProfile, authorization: str) -> TokenContext:
        return TokenContext(
            profile=rules,
            authorization=authorization,
            keys=self.keys,
            issuer=self.issuer,
            audience=AUDIENCE,
            now=self.clock.now(),
        )

    def _claims(self, claims: Mapping[str, Any], scheme: str, proofs: tuple[str, ...]) -> Response:
        """What the caller is known by: each claim of the access token, then how it was sent."""
        pairs = [
            {"type": name, "value": _text(value)}
            for name, values in claims.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        pairs.append({"type": "authorization_scheme", "value": scheme})
        if proofs:
            pairs.append({"type": "proof_token", "value": proofs[0]})
        return Response(200, (("Content-Type", self.policy.api_type),), self.policy.json(pairs))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
