"""The gate both servers have: look at a proof with the rows, then use it up, once."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from dpop_lab.checking import Profile, Report
from dpop_lab.jose.jws import Jws
from dpop_lab.proof.proof import read_proof
from dpop_lab.proof.rules import Context, ProofProfile, jkt
from dpop_lab.server.policy import Refused
from dpop_lab.server.state import Nonces, UsedProofs
from dpop_lab.show.values import Words
from dpop_lab.wire.message import Headers


@dataclass(frozen=True, kw_only=True)  # no slots: what is read once is kept
class Gate:
    """One look at one request's proof. `whole`: ask every row, though the first fault decides."""

    profile: ProofProfile
    headers: tuple[str, ...] = field(repr=False)
    method: str
    url: str
    now: int
    used: UsedProofs
    nonces: Nonces
    access_token: str | None = field(default=None, repr=False)
    cnf: object = None
    whole: bool = False

    @cached_property
    def proof(self) -> Jws:
        """The first DPoP header, taken apart."""
        return read_proof(self.headers[0] if self.headers else "")

    @cached_property
    def context(self) -> Context:
        """What the rows may know."""
        return Context(
            profile=self.profile,
            headers=self.headers,
            method=self.method,
            url=self.url,
            now=self.now,
            access_token=self.access_token,
            cnf=self.cnf,
            nonce_time=self.nonces.issued_at,
            used=lambda key: self.used.seen(key, now=self.now),
        )

    def look(self) -> Report:
        """What the rows find; nothing is remembered."""
        return self.profile.examine(self.proof, self.context, whole=self.whole)

    def take(self, report: Report) -> Report:
        """Use the proof up, and give the report back; one that lost the race is a replay."""
        if not report.accepted:
            return report
        key = self.profile.replay_key(self.proof, self.context)
        if self.used.claim(key, now=self.now, remember=self.profile.remember):
            return report
        return _lost_race(report)

    def key_thumbprint(self) -> str | None:
        """The thumbprint of the key in the proof."""
        return jkt(self.proof, self.context)

    def next_nonce(self) -> Headers:
        """A new nonce to send with a success, once the one in the proof is past its best."""
        if "nonce" not in [row.name for row in self.profile.rows]:
            return ()
        given = self.profile.reading.text(self.proof.claims.get("nonce"))
        issued = self.nonces.issued_at(given) if given else None
        if issued is not None and self.now - issued < self.profile.nonce_renewed_at:
            return ()
        return (("DPoP-Nonce", self.nonces.issue(self.now)),)


def refuse_for(profile: Profile, report: Report, *, only: str | None = None) -> None:
    """Raise `Refused` with the answer to the first failure (to that row alone, if one is named)."""
    failure = report.failure
    if failure and only in (None, failure.check.name):
        raise Refused(profile.answer(failure))


def _lost_race(report: Report) -> Report:
    """The report of a proof that someone else used between the looking and the taking."""
    findings = tuple(
        replace(one, verdict=replace(one.verdict, found=Words("used just now"), defect="replayed"))
        if one.check.name == "unused" and one.verdict
        else one
        for one in report.findings
    )
    return replace(report, findings=findings)
