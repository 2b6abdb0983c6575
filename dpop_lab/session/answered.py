"""One server's answer to one request, and the reason its rows know for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpop_lab.checking import Finding, Report
from dpop_lab.jose.encoding import from_json
from dpop_lab.show.values import shown
from dpop_lab.wire.challenge import read_challenges
from dpop_lab.wire.message import Redacted, lines

ACCEPTED, NO_ROW = "accepted", "no row"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answered:
    """One server's answer: under which `rules`, its status, OAuth error and words, and its reports.

    `challenge` is the WWW-Authenticate value, `nonce` the DPoP-Nonce one, `body` the text; each
    empty when there is none.
    """

    rules: str
    status: int
    error: str = ""
    description: str = ""
    challenge: str = ""
    nonce: str = ""
    body: str = ""
    reports: tuple[Report, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """The finding that decided, None when no row said no."""
        failures = (report.failure for report in self.reports)
        return next((failure for failure in failures if failure), None)

    @property
    def caught(self) -> str:
        """The row that said no, `accepted`, or `no row` when something else was refused."""
        if self.status < 400:
            return ACCEPTED
        return self.finding.check.name if self.finding else NO_ROW

    @property
    def words(self) -> str:
        """Status, error and description in a line."""
        said = [str(self.status), self.error, f"“{self.description}”" if self.description else ""]
        return " ".join(filter(None, said))

    @property
    def findings(self) -> dict[str, Finding]:
        """All findings of all reports, by the names of their rows."""
        return {one.check.name: one for report in self.reports for one in report.findings}

    @property
    def reason(self) -> str:
        """What the rows know of it: the one that said no, with what it wanted and found."""
        finding = self.finding
        if self.status < 400:
            return "every row passed" if self.reports else "no row was asked"
        if finding is None or finding.verdict is None:
            return "no row: something else in the request is refused"
        wanted, found = shown(finding.verdict.wanted, 80), shown(finding.verdict.found, 80)
        return f"{finding.check.name}: wanted {wanted}, found {found}"


def read_answer(exchange: Redacted, rules: str, reports: tuple[Report, ...] = ()) -> Answered:
    """The answer in an exchange; error and description from its body or its challenge.

    `reports` are those of the exchange unless given.
    """
    status, headers, body = exchange.status or 0, exchange.response_headers, exchange.response_body
    challenge = ", ".join(lines(headers, "WWW-Authenticate"))
    error, description = oauth_error(status, challenge, body)
    return Answered(
        rules=rules,
        status=status,
        error=error,
        description=description,
        challenge=challenge,
        nonce=", ".join(lines(headers, "DPoP-Nonce")),
        body=body,
        reports=exchange.reports or reports,
    )


def oauth_error(status: int, challenge: str, body: str) -> tuple[str, str]:
    """Error and description out of a WWW-Authenticate value or a refusal's JSON, else empty."""
    members: Mapping[str, Any] = {}
    for one in read_challenges(challenge):
        members = members or one.parameters
    if not challenge and status >= 400:
        members = json_members(body)
    return str(members.get("error") or ""), str(members.get("error_description") or "")


def json_members(text: str) -> Mapping[str, Any]:
    """The JSON object in a text, an empty one if there is none."""
    try:
        members = from_json(text)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
