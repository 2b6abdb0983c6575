"""What a failed row has in its verdict, for whoever makes an action of it."""

from collections.abc import Callable
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.session.call import Call

Advice = Callable[[Finding, Call], str]


def defect_of(finding: Finding) -> str:
    """The defect, empty when there is none."""
    return (finding.verdict.defect if finding.verdict else None) or ""


def wanted_of(finding: Finding) -> Any:
    """What was wanted."""
    return finding.verdict.wanted if finding.verdict else None


def found_of(finding: Finding) -> Any:
    """What was found."""
    return finding.verdict.found if finding.verdict else None
