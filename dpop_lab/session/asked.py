"""Hold a call to the rows that can be asked, and say what is missing for the others."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from dpop_lab.checking import Answer, Finding, Profile, Report, ask
from dpop_lab.proof.rules import Context, ProofProfile, replay_key
from dpop_lab.server.access_token import TokenContext, TokenProfile, token_of
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call
from dpop_lab.session.missing import issuer_of, proof_lacks, token_lacks

Used = dict[Hashable, str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Looked:
    """What the rows say of a call: `reports`, and of each row not asked what would be needed.

    `stricter` are the findings that fail under RFC_9449 alone, where the call was held to what the
    demo server does.
    """

    policy: str
    profiles: tuple[Profile, ...] = ()
    reports: tuple[Report, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    stricter: tuple[Finding, ...] = ()

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that failed, in the order asked."""
        return tuple(
            one for report in self.reports for one in report.findings if one.mark == "failed"
        )

    def answered(self, finding: Finding) -> Answer:
        """What a server of this policy would say to a failed finding."""
        profile = next(
            profile
            for profile, report in zip(self.profiles, self.reports, strict=True)
            if finding in report.findings
        )
        return profile.answer(finding)

    def finding(self, row: str) -> Finding | None:
        """What a row found, None when it was not asked."""
        found = [one for report in self.reports for one in report.findings if one.check.name == row]
        return found[0] if found else None


def ask_rows(
    call: Call,
    policy: Policy,
    strict: Policy,
    *,
    now: float,
    used: Used,
    jwks: tuple[Mapping[str, Any], ...],
) -> Looked:
    """Ask every row that can be asked of the access token and of the proof.

    `now` is this machine's time, for what no better clock is known for; `used` are the proofs seen
    before in the same paste, and gets this one; `jwks` the issuer's keys.
    """
    reports, missing = [], dict[str, str]()
    profiles = _profiles(call, policy)
    stricter: list[Finding] = []
    for profile, other in zip(profiles, _profiles(call, strict), strict=True):
        report, more = _asked(call, profile, now=now, used=used, jwks=jwks)
        reports.append(report)
        missing |= more
        if other is not profile:
            there, _ = _asked(call, other, now=now, used=used, jwks=jwks)
            failed = {one.check.name for one in report.findings if one.mark != "passed"}
            stricter += [
                one
                for one in there.findings
                if one.mark == "failed" and one.check.name not in failed
            ]
    _use(call, profiles, reports, used)
    return Looked(
        policy=policy.name,
        profiles=tuple(profiles),
        reports=tuple(reports),
        missing=tuple(missing.items()),
        stricter=tuple(stricter),
    )


def _profiles(call: Call, policy: Policy) -> list[Profile]:
    """The rules for what is there, or was wanted: an access token, a proof."""
    found: list[Profile] = []
    if call.place == API and _brings_token(call):
        plain = call.scheme.lower() == "bearer" and not call.is_proof and not _wants_dpop(call)
        bearer = plain or {one.scheme for one in call.challenges or ()} == {"bearer"}
        found.append(policy.bearer if bearer else policy.bound)
    wanted = call.whole and call.place and _wants_dpop(call) and "proof" not in call.hidden
    if call.is_proof or wanted:
        nonce = call.error == "use_dpop_nonce" or bool(call.nonces)
        if call.place == TOKEN_ENDPOINT:
            found.append(policy.token_nonce if nonce else policy.token)
        else:
            found.append(policy.api_nonce if nonce else policy.api)
    return found


def _brings_token(call: Call) -> bool:
    """Is there an access token, or was one wanted?"""
    there = bool(call.token or call.scheme or call.authorization) or "access_token" in call.hidden
    wanted = call.status is None or call.status in (400, 401, 403)
    return there or (call.whole and bool(call.url) and wanted)


def _wants_dpop(call: Call) -> bool:
    """Does the server want a proof, going by the scheme, its challenge or its words?"""
    challenged = any(one.scheme == "dpop" for one in call.challenges or ())
    cnf = call.access_token.claims.get("cnf")
    bound = isinstance(cnf, dict) and "jkt" in cnf
    return call.scheme.lower() == "dpop" or challenged or bound or "DPoP" in call.description


def _asked(
    call: Call,
    profile: Profile,
    *,
    now: float,
    used: Used,
    jwks: tuple[Mapping[str, Any], ...],
) -> tuple[Report, dict[str, str]]:
    """The findings of the rows that can be asked, and what the others lack."""
    presented: object
    context: object
    if isinstance(profile, TokenProfile):
        missing = token_lacks(call, profile.rows, jwks)
        presented = token_of(call.authorization) if _as_it_came(call) else call.access_token
        context = _token_context(call, profile, now, jwks)
    else:
        assert isinstance(profile, ProofProfile)  # noqa: S101  there are two kinds
        missing = proof_lacks(call, profile.rows, now)
        presented, context = call.proof, _context(call, profile, now, used)
    names = [row.name for row in profile.rows]
    rows = tuple(row for row in profile.rows if row.name not in missing)
    findings = tuple(ask(rows, presented, context))
    asked = {name: missing[name] for name in names if name in missing}
    return Report(profile.name, findings, profile.struck_out), asked


def _time(call: Call, now: float) -> int:
    return math.floor(call.clock[0] if call.clock else now)


def _token_time(call: Call, now: float) -> int:
    """The time a token is judged at: where no clock is known, when the proof beside it was made."""
    iat = call.proof.claims.get("iat")
    if isinstance(iat, int | float) and not isinstance(iat, bool) and 1e9 < iat <= now:
        return _time(call, iat)
    return _time(call, now)


def _as_it_came(call: Call) -> bool:
    """Is the Authorization value known, or known to be absent?"""
    return bool(call.authorization) or not (call.token or call.scheme)


def _token_context(
    call: Call, profile: TokenProfile, now: float, jwks: tuple[Mapping[str, Any], ...]
) -> TokenContext:
    put_together = f"{call.scheme or 'DPoP'} {call.token}"
    return TokenContext(
        profile=profile,
        authorization=call.authorization if _as_it_came(call) else put_together,
        keys=jwks,
        issuer=issuer_of(call),
        audience="",
        now=_token_time(call, now),
    )


def _context(call: Call, profile: ProofProfile, now: float, used: Used) -> Context:
    return Context(
        profile=profile,
        headers=call.proofs,
        method=call.method,
        url=call.url.partition("?")[0].partition("#")[0],
        now=_time(call, now),
        access_token=call.token or None,
        cnf=call.access_token.claims.get("cnf"),
        nonce_time=lambda nonce: _time(call, now) if nonce in call.nonces else None,
        used=lambda key: key in used,
    )


def _use(call: Call, profiles: list[Profile], reports: list[Report], used: Used) -> None:
    """Remember the proof of a request that a server may have taken: one with a jti and a key."""
    for profile, report in zip(profiles, reports, strict=True):
        good = {one.check.name for one in report.findings if one.mark == "passed"}
        if isinstance(profile, ProofProfile) and {"jti", "jwk"} <= good and not call.refused:
            key = replay_key(call.proof, _context(call, profile, 0, used))
            used.setdefault(key, call.name or "before")
