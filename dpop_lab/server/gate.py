"""What both servers do with a request: ask the rows, use a proof up once, refuse, give a nonce."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from dpop_lab.checking import Profile, Report
from dpop_lab.jose.jws import Jws
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import Context, replay_key
from dpop_lab.server.form import Refused
from dpop_lab.server.policy import Policy
from dpop_lab.server.state import Clock, Nonces, UsedProofs
from dpop_lab.show.values import Words
from dpop_lab.wire.message import Request, Response


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
            if finding.check.name == "nonce" and finding.verdict and finding.mark == "passed":
                issued = self.nonces.issued_at(str(finding.verdict.found))
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

    def look(self, presented: Jws, context: Any) -> Report:
        """What the rows of the context's profile find; nothing is remembered."""
        report: Report = context.profile.examine(presented, context, whole=self.every_row)
        return report

    def take(self, proof: Jws, context: Context, report: Report) -> Report:
        """Use the proof up, and give its report back; one that lost the race is a replay.

        It is used up though a row fails that is asked after `unused`.
        """
        names = [one.check.name for one in report.findings]
        count = names.index("unused") + 1 if "unused" in names else len(names)
        if any(one.mark != "passed" for one in report.findings[:count]):
            return report
        key, remember = replay_key(proof, context), context.profile.remember
        if self.used.claim(key, now=context.now, remember=remember):
            return report
        return _lost_race(report)

    def refuse(self, profile: Profile, report: Report, *, only: str | None = None) -> None:
        """Raise `Refused` for the first failure (for that of one row alone, if it is named)."""
        failure = report.failure
        if failure and only in (None, failure.check.name):
            raise Refused(self.policy.answer(profile, failure))


def _lost_race(report: Report) -> Report:
    """The report of a proof that someone else used between the looking and the taking."""
    findings = tuple(
        replace(one, verdict=replace(one.verdict, found=Words("used just now"), defect="replayed"))
        if one.check.name == "unused" and one.verdict
        else one
        for one in report.findings
    )
    return replace(report, findings=findings)
