"""What was found of a request as JSON values, for machines."""

import math
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.doctor.asked import Examined
from dpop_lab.doctor.decoded import (
    Line,
    harmless,
    proof_lines,
    thumbprint_or_none,
    token_lines_of,
)
from dpop_lab.doctor.paste.jwts import salvaged
from dpop_lab.doctor.problem import Problem
from dpop_lab.show.values import Words, shown
from dpop_lab.wire.url import without_query


def as_values(one: Examined, now: float) -> dict[str, Any]:
    """One request with what was found, as JSON values; nothing in it is taken out yet."""
    call = one.call
    token = call.token or call.other or call.issued
    return {
        "name": call.name,
        "method": call.method or None,
        "url": without_query(call.url) or None,
        "place": call.place or None,
        "status": call.status,
        "error": call.error or None,
        "error_description": call.description or None,
        "challenges": [
            {"scheme": each.scheme, **each.parameters} for each in call.challenges or ()
        ],
        "verdict": one.verdict,
        "policy": one.policy.name,
        "jkt": thumbprint_or_none(call.proof.header.get("jwk")),
        "proof": _jwt(call.proofs[0], proof_lines(call, now)) if call.is_proof else None,
        "access_token": _jwt(token, token_lines_of(call, now)) if token else None,
        "problems": [
            {name: getattr(each, name) for name in Problem.__slots__} for each in one.problems
        ],
        "rows": [_row(finding) for report in one.reports for finding in report.findings],
        "not_asked": [{"row": row, "give": give} for row, give in one.missing.items()],
        "remarks": list(one.remarks),
    }


def _jwt(text: str, lines: list[Line]) -> dict[str, Any]:
    """Header and claims as they are but for secrets, and in `notes` what follows from them."""
    jws = salvaged(text)
    parts = {"header": jws.header, "claims": jws.claims}
    told: dict[str, Any] = {name: _plain(harmless(dict(part))) for name, part in parts.items()}
    return told | {"problem": jws.problem or None, "notes": dict(lines)}


def _plain(value: Any) -> Any:
    """A value that any JSON reader takes: no infinite numbers, no half characters, no depth."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, str | Words) else value


def _row(finding: Finding) -> dict[str, Any]:
    asked = finding.mark != "not asked"
    return {
        "row": finding.check.name,
        "mark": finding.mark,
        "defect": finding.defect or None,
        "question": finding.check.question,
        "grade": finding.grade,
        "mend": finding.check.mend,
        "wanted": shown(finding.wanted, 200) if asked else None,
        "found": shown(finding.found, 200) if asked else None,
        "section": finding.check.section,
    }
