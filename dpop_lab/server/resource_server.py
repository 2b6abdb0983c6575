"""What every server does with a request, and two APIs: for bound tokens with a proof, for others.

A server asks the rows, uses a proof up once, refuses, and gives a nonce out where one is due.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from dpop_lab.checking import Profile, Report
from dpop_lab.jose.encoding import Members, several
from dpop_lab.jose.jws import Jws
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import Context, replay_key
from dpop_lab.server.access_token import TokenContext, TokenProfile, token_of
from dpop_lab.server.common import Clock, Nonces, Refused, UsedProofs
from dpop_lab.server.policy import Policy
from dpop_lab.show.values import Words
from dpop_lab.wire.message import Request, Response

Server = Callable[[Request], Response]
Routes = Mapping[str, Server]  # by path
DPOP_API = "/api/dpop/test"
BEARER_API = "/api/test"
AUDIENCE = "api"
STEPS = {"api": ("token", "header", "proof"), "bearer": ("token",)}


@dataclass(slots=True, kw_only=True, repr=False)
class Party:
    """A server with its base URL, policy, clock, memory of proofs, and nonces."""

    base_url: str
    policy: Policy
    clock: Clock
    used: UsedProofs = field(default_factory=UsedProofs)
    nonces: Nonces = field(default_factory=Nonces)
    #: all rows are asked, though the first failure decides
    every_row: bool = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url} under {self.policy.name}>"

    def answered(self, serve: Callable[[list[Report]], Response], scheme: str = "") -> Response:
        """What `serve` answers, or its refusal, with the reports it made and a nonce if one is due.

        `scheme` is that of an API's challenge.
        """
        reports: list[Report] = []
        error = None
        try:
            response = serve(reports)
        except Refused as refusal:
            response, error = self.policy.refused(refusal, scheme), refusal.answer.error or ""
        if self.policy.sends_nonce(error, self._nonce_age(reports), scheme):
            nonce = self.nonces.issue(self.policy.nonce_time(self.clock.now()))
            response = response.with_headers(("DPoP-Nonce", nonce))
        return replace(response, reports=tuple(reports))

    def _nonce_age(self, reports: list[Report]) -> int | None:
        """How many seconds ago the nonce was given out that was found good in a proof."""
        for finding in (one for report in reports for one in report.findings):
            if (finding.check.name, finding.mark) == ("nonce", "passed"):
                issued = self.nonces.issued_at(finding.found)
                return None if issued is None else self.clock.now() - issued
        return None

    def proof_and_context(
        self, request: Request, place: str, *, nonce: bool, **known: Any
    ) -> tuple[Jws, Context]:
        """The proof that came with a request, and what its rows may know, now.

        `nonce`: one is demanded of it. `known` is what the context says besides.
        """
        headers, now = self.policy.proofs(request, place), self.clock.now()
        proof = read_proof("".join(headers[:1]))
        context = Context(
            profile=self.policy.profile(place, proof, nonce=nonce),
            headers=headers,
            method=request.method,
            now=now,
            nonce_time=self.nonces.issued_at,
            used=lambda key: self.used.seen(key, now=now),
            **known,
        )
        return proof, context

    def look(self, presented: Jws, context: Context | TokenContext) -> Report:
        """What the rows of the context's profile find; nothing is remembered."""
        return context.profile.examine(presented, context, whole=self.every_row)

    def take(self, proof: Jws, context: Context, reports: list[Report]) -> None:
        """Use the proof up that the last report is about; if it lost the race, it is a replay.

        It is used up though a row fails that is asked after `unused`. Raises `Refused` for the
        first failure.
        """
        report = reports[-1]
        names = [one.check.name for one in report.findings]
        count = names.index("unused") + 1 if "unused" in names else len(names)
        if all(one.mark == "passed" for one in report.findings[:count]):
            key, remember = replay_key(proof, context), context.profile.remember
            if not self.used.claim(key, now=context.now, remember=remember):
                reports[-1] = _lost_race(report)
        self.refuse(context.profile, reports[-1])

    def refuse(self, profile: Profile, report: Report, *, only: str | None = None) -> None:
        """Raise `Refused` for the first failure (for that of one row alone, if it is named)."""
        failure = report.failure
        if failure and only in (None, failure.check.name):
            raise Refused(self.policy.answer(profile, failure))


def _lost_race(report: Report) -> Report:
    """The report of a proof that someone else used between the looking and the taking."""
    findings = tuple(
        replace(one, mark="failed", found=Words("used just now"), defect="replayed")
        if one.check.name == "unused"
        else one
        for one in report.findings
    )
    return replace(report, findings=findings)


@dataclass(slots=True, kw_only=True, repr=False)
class ResourceServer(Party):
    """Two protected resources, as `Request -> Response`, for every method the policy names."""

    issuer: str  #: the one it trusts
    keys: tuple[Members, ...]  #: of the issuer, public JWKs
    #: a nonce is demanded in each proof
    api_nonce: bool = False

    @property
    def routes(self) -> Routes:
        """Who answers, by path; a slash at the end makes no difference to that."""
        return {
            path + slash: partial(self.api, place)
            for path, place in ((DPOP_API, "api"), (BEARER_API, "bearer"))
            for slash in ("", "/")
        }

    def api(self, place: str, request: Request) -> Response:
        """Answer a call of the API that takes nothing but a bound token under `DPoP` with a proof.

        At the place `bearer` it is the one that takes a token under `Bearer` (RFC 9449 section 7.1,
        RFC 6750).
        """
        methods = self.policy.api_methods
        if methods is not None and request.method not in methods:
            return self.policy.method_not_allowed(", ".join(methods))
        rules = self.policy.bound if place == "api" else self.policy.bearer
        return self.answered(partial(self._checked, request, place, rules), rules.scheme)

    def _checked(
        self, request: Request, place: str, rules: TokenProfile, reports: list[Report]
    ) -> Response:
        """The answer to a call whose token, and proof where one is wanted, are in order."""
        authorization = self.policy.authorization(request, rules.scheme)
        token, steps = token_of(authorization), self.policy.steps(place, STEPS[place])
        token_context = TokenContext(
            profile=rules,
            authorization=authorization,
            keys=self.keys,
            issuer=self.issuer,
            audience=AUDIENCE,
            now=self.clock.now(),
        )
        reports.append(self.look(token, token_context))
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
            else:
                self.take(proof, context, reports)
        told = self._told(request, place, token.claims, authorization.partition(" ")[0])
        return Response(200, (("Content-Type", self.policy.api_type),), self.policy.json(told))

    def _told(self, request: Request, place: str, claims: Members, scheme: str) -> list[Members]:
        """What the APIs answer with: the claims of the token, the scheme, the proof."""
        said = [(name, one) for name, value in claims.items() for one in several(value)]
        said.append(("authorization_scheme", scheme))
        said += [("proof_token", one) for one in self.policy.proofs(request, place)[:1]]
        return [{"type": name, "value": _as_text(one)} for name, one in said]


def _as_text(value: object) -> str:
    """A claim that is no text as JSON in ASCII."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
