"""The resource server: one API that wants a bound token and its proof, one that takes Bearer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dpop_lab.checking import Answer, Report
from dpop_lab.server.access_token import Presented, TokenContext, TokenProfile
from dpop_lab.server.gate import Gate, refuse_for
from dpop_lab.server.http import Routes
from dpop_lab.server.policy import Policy, Refused
from dpop_lab.server.state import Clock, Nonces, UsedProofs
from dpop_lab.wire.message import Request, Response

DPOP_API = "/api/dpop/test"
BEARER_API = "/api/test"
AUDIENCE = "api"


@dataclass(slots=True, kw_only=True, repr=False)
class ResourceServer:
    """Two protected resources, as `Request -> Response`, for every method the policy names.

    It trusts one `issuer` through that issuer's public `keys`, keeps its own memory and nonces,
    and demands a nonce in each proof when `api_nonce` is set. With `every_row` all rows are asked,
    though the first failure decides.
    """

    base_url: str
    policy: Policy
    clock: Clock
    issuer: str
    keys: tuple[Mapping[str, Any], ...]
    api_nonce: bool = False
    used: UsedProofs = field(default_factory=UsedProofs)
    nonces: Nonces = field(default_factory=Nonces)
    every_row: bool = False

    def __repr__(self) -> str:
        return f"<ResourceServer {self.base_url} under {self.policy.name}>"

    @property
    def routes(self) -> Routes:
        """Who answers, by path; a slash at the end makes no difference to that."""
        apis: Routes = {DPOP_API: self.dpop_api, BEARER_API: self.bearer_api}
        return {**apis, **{f"{path}/": server for path, server in apis.items()}}

    def dpop_api(self, request: Request) -> Response:
        """The API that takes nothing but a bound token under `DPoP` with a proof (section 7.1)."""
        return self._answer(request, "DPoP", self._with_proof)

    def bearer_api(self, request: Request) -> Response:
        """The API that takes an access token under `Bearer` (RFC 6750)."""
        return self._answer(request, "Bearer", self._without_proof)

    def _answer(
        self,
        request: Request,
        scheme: str,
        serve: Callable[[Request, list[Report]], Response],
    ) -> Response:
        reports: list[Report] = []
        methods = self.policy.api_methods
        try:
            if methods is None or request.method in methods:
                response = serve(request, reports)
            else:
                response = self.policy.method_not_allowed(", ".join(methods))
        except Refused as refusal:
            response = self._refuse(scheme, refusal.answer)
        return replace(response, reports=tuple(reports))

    def _with_proof(self, request: Request, reports: list[Report]) -> Response:
        presented = self._presented(request, "DPoP")
        gate = self._gate(request, presented)
        reports += [self._examine_token(presented, "DPoP", self.policy.bound), gate.look()]
        refuse_for(self.policy.bound, reports[0])
        reports[1] = gate.take(reports[1])
        refuse_for(gate.profile, reports[1])
        answer = self._claims(presented.token.claims, presented.scheme, gate.headers)
        return answer.with_headers(*gate.next_nonce())

    def _without_proof(self, request: Request, reports: list[Report]) -> Response:
        presented = self._presented(request, "Bearer")
        reports.append(self._examine_token(presented, "Bearer", self.policy.bearer))
        refuse_for(self.policy.bearer, reports[0])
        return self._claims(presented.token.claims, presented.scheme, request.lines("DPoP"))

    def _presented(self, request: Request, scheme: str) -> Presented:
        return Presented.read(self.policy.authorization(request, scheme))

    def _examine_token(self, presented: Presented, scheme: str, profile: TokenProfile) -> Report:
        context = TokenContext(
            profile=profile,
            scheme=scheme,
            keys=self.keys,
            issuer=self.issuer,
            audience=AUDIENCE,
            now=self.clock.now(),
        )
        return profile.examine(presented, context, whole=self.every_row)

    def _gate(self, request: Request, presented: Presented) -> Gate:
        return Gate(
            profile=self.policy.api_nonce if self.api_nonce else self.policy.api,
            headers=request.lines("DPoP"),
            method=request.method,
            url=self.base_url + request.path,
            now=self.clock.now(),
            used=self.used,
            nonces=self.nonces,
            access_token=presented.token.text,
            cnf=presented.token.claims.get("cnf"),
            whole=self.every_row,
        )

    def _refuse(self, scheme: str, answer: Answer) -> Response:
        headers = [("WWW-Authenticate", self.policy.challenge(scheme, answer))]
        if answer.error == "use_dpop_nonce":
            headers.append(("DPoP-Nonce", self.nonces.issue(self.clock.now())))
        return Response(answer.status, tuple(headers))

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
