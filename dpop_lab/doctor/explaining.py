"""What a server saw of one request, in words: the verdict, and on refusal what to change."""

from dataclasses import dataclass

from dpop_lab.proof.checking import Finding
from dpop_lab.server.policy import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One request in words: `verdict` is a line, and `action` what to change, empty when accepted.

    `finding` is the row that said no, None when every row passed or something else was refused.
    No text in it holds a secret.
    """

    verdict: str
    finding: Finding | None = None
    action: str = ""


def explained(seen: Seen, *, base_url: str, now: int) -> Explained:
    """What was decided of this request and why, as told to whoever debugs the client.

    `base_url` is the server's own, `now` its time in seconds since 1970.
    """
    failures = (report.failure for report in seen.reports)
    finding = next((failure for failure in failures if failure), None)
    word = "refused" if seen.response.status >= 400 else "accepted"
    line = f"{seen.request.method} {seen.request.path}: {word}, {seen.response.status}"
    action = finding.check.question if finding else ""
    return Explained(verdict=line, finding=finding, action=action)
