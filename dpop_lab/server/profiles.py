"""Helps to write down a policy's profiles: what is said to failed rows, what a nonce changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.checking import Answer
from dpop_lab.proof import rules
from dpop_lab.proof.rules import ProofProfile

Failure = str | tuple[str, str]  # a row, or a row and its defect


def answers(
    status: int, error: str, texts: Mapping[Failure, str | None], **errors: str
) -> dict[Failure, Answer]:
    """What is said to failures, by their texts, with one error code; `errors` has others by row."""
    return {
        failure: Answer(
            status, errors.get(failure if isinstance(failure, str) else failure[0], error), text
        )
        for failure, text in texts.items()
    }


def with_nonce(profile: ProofProfile, **others: Any) -> ProofProfile:
    """The rules of a place where a nonce is demanded, too; the last row is asked after it."""
    rows = (*profile.rows[:-1], rules.nonce, profile.rows[-1])
    return replace(profile, name=f"{profile.name} with nonce", rows=rows, **others)
