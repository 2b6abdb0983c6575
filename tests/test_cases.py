"""What people paste (tests/cases) and what a right report of it says, and must never say."""

import base64
import json
import re
from pathlib import Path

import pytest

from dpop_lab import diagnose
from tests.test_changes import contradictions

CASES = Path(__file__).parent / "cases"
EXPECTED = [*sorted(CASES.glob("*/expected*.json"))]
OPEN = {*(CASES / "open.txt").read_text().split()} if (CASES / "open.txt").exists() else set()


def entries():
    """Each case: its file, and what is expected of its report."""
    for path in EXPECTED:
        expected = json.loads(path.read_text("utf-8"))
        for name, entry in expected["files"].items():
            never = [*expected.get("never", []), *entry.get("never", [])]
            yield path.parent / name, {**entry, "never": never}


def hit(expressions, report):
    return any(re.search(one, report, re.IGNORECASE) for one in expressions)


def judged(entry, report):
    """What the report does not say, and what it says though it must not."""
    report = re.sub(r"\s+", " ", report)
    missing = [one["find"] for one in entry["findings"] if not hit(one["any"], report)]
    return missing, [one for one in entry["never"] if hit([one], report)]


def cases():
    for path, entry in entries():
        marks = [pytest.mark.xfail(strict=False)] if path.name in OPEN else []
        yield pytest.param(path, entry, id=path.name, marks=marks)


@pytest.mark.parametrize(("path", "entry"), [*cases()])
def test_a_report_says_what_is_wrong_and_nothing_that_is_not(path, entry):
    found = diagnose(path)
    assert judged(entry, found.text()) == ([], [])
    assert found.exit_code in entry["exit"]
    assert [contradictions(one) for one in found.examined if contradictions(one)] == []


def decoded(text):
    """What a tool that only decodes would show."""
    parts = (part + "=" * (-len(part) % 4) for part in re.findall(r"eyJ[\w-]+", text))
    return "\n".join(base64.urlsafe_b64decode(part).decode(errors="replace") for part in parts)


def test_what_is_expected_is_in_order():
    """Ideal reports pass, an echo of the input does not, and every file has its expectations."""
    seen = set()
    for path, entry in entries():
        seen.add(path)
        assert judged(entry, entry["right"]) == ([], []), path.name
        assert all(hit(one["any"], one["find"]) for one in entry["findings"]), path.name
        text = path.read_text("utf-8")
        missing, _ = judged(entry, f"{text}\n{decoded(text)}")
        assert 2 * len(missing) > len(entry["findings"]), path.name
    files = {path for path in CASES.glob("*/*") if not path.name.startswith("expected")}
    assert files == seen
