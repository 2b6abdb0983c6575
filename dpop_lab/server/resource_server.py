"""The resource server: one API that wants a bound token and its proof, one that takes Bearer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dpop_lab.checking import Report
from dpop_lab.jose.jws import Jws
from dpop_lab.proof.proof import read_proof
from dpop_lab.server.access_token import TokenContext, TokenProfile, brought
from dpop_lab.server.gate import Party
from dpop_lab.server.http import Routes
from dpop_lab.wire.message import Request, Response

DPOP_API = "/api/dpop/test"
BEARER_API = "/api/test"
AUDIENCE = "api"
STEPS = ("token", "proof")  # whatever a policy says, none is left out


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
        return self._served(request, self.policy.bound, self._with_proof)

    def bearer_api(self, request: Request) -> Response:
        """The API that takes an access token under `Bearer` (RFC 6750)."""
        return self._served(request, self.policy.bearer, self._without_proof)

    def _served(
        self,
        request: Request,
        rules: TokenProfile,
        serve: Callable[[Request, TokenContext, list[Report]], Response],
    ) -> Response:
        def answer(reports: list[Report]) -> Response:
            context = TokenContext(
                profile=rules,
                authorization=self.policy.authorization(request, rules.scheme),
                keys=self.keys,
                issuer=self.issuer,
                audience=AUDIENCE,
                now=self.clock.now(),
            )
            return serve(request, context, reports)

        methods = self.policy.api_methods
        if methods is not None and request.method not in methods:
            return self.policy.method_not_allowed(", ".join(methods))
        return self.answered(answer, rules.scheme)

    def _with_proof(self, request: Request, known: TokenContext, reports: list[Report]) -> Response:
        token, headers = brought(known.authorization), self.policy.proofs(request, "api")
        proof = read_proof("".join(headers[:1]))
        context = self.context(
            self.policy.profile("api", proof, nonce=self.api_nonce),
            headers=headers,
            method=request.method,
            url=self.base_url + request.path,
            access_token=token.text,
            cnf=token.claims.get("cnf"),
            client_id=str(token.claims.get("client_id", "")),
        )
        reports += [self.look(token, known), self.look(proof, context)]
        for step in dict.fromkeys((*self.policy.order["api"], *STEPS)):
            if step == "token":
                self.refuse(known.profile, reports[0])
            elif step == "header":
                self.refuse(context.profile, reports[1], only="one_header")
            else:
                reports[1] = self.take(proof, context, reports[1])
                self.refuse(context.profile, reports[1])
        return self._claims(token, known, headers)

    def _without_proof(
        self, request: Request, known: TokenContext, reports: list[Report]
    ) -> Response:
        token = brought(known.authorization)
        reports.append(self.look(token, known))
        self.refuse(known.profile, reports[0])
        return self._claims(token, known, request.lines("DPoP"))

    def _claims(self, token: Jws, known: TokenContext, proofs: tuple[str, ...]) -> Response:
        """What the caller is known by: each claim of the access token, then how it was sent."""
        pairs = [
            {"type": name, "value": _text(value)}
            for name, values in token.claims.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        scheme = known.authorization.partition(" ")[0]
        pairs.append({"type": "authorization_scheme", "value": scheme})
        if proofs:
            pairs.append({"type": "proof_token", "value": proofs[0]})
        return Response(200, (("Content-Type", self.policy.api_type),), self.policy.json(pairs))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
