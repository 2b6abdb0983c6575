"""What the rows wanted and found in a request, as short texts without its secrets."""

from collections.abc import Sequence

from dpop_lab.checking import Finding
from dpop_lab.server.policy import Seen
from dpop_lab.session.witnessed_log import WitnessedLog
from dpop_lab.show.values import cut, shown

WHOLE = 1_000_000  # characters: a secret of which a part was cut off would not be known again


def wanted_and_found(
    log: WitnessedLog, seen: Seen, findings: Sequence[Finding], *, limit: int = 120
) -> list[tuple[str, str]]:
    """A pair for each finding, each text of `limit` characters at most; of one not asked, empty."""
    verdicts = [finding.verdict for finding in findings]
    sides = [(one.wanted, one.found) if one else ("", "") for one in verdicts]
    whole = [shown(value, WHOLE) for pair in sides for value in pair]
    texts = [cut(text, limit) for text in log.without_secrets(seen, whole)]
    return list(zip(texts[::2], texts[1::2], strict=True))
