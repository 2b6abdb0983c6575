"""What people paste (tests/cases) and what a right report of it says, and must never say."""

import base64
import json
import random
import re
from itertools import islice
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


REFUSED = [
    "401 Unauthorized",
    "HTTP/1.1 401 Unauthorized",
    "error: invalid_dpop_proof",
    'WWW-Authenticate: DPoP error="invalid_token"',
    '{"error":"use_dpop_nonce"}',
    "DPoP proof verification failed",
]


def healthy():
    """The texts of which nothing is wrong."""
    return [path for path, entry in entries() if entry["exit"] == [0]]


@pytest.mark.parametrize("words", REFUSED)
def test_what_was_refused_is_never_called_healthy(words):
    texts = {path.name: path.read_text("utf-8") for path in healthy()}
    assert len(texts) > 40
    taken = {name: diagnose(f"{text.rstrip()}\n\n{words}\n") for name, text in texts.items()}
    assert [name for name, found in taken.items() if found.exit_code == 0] == []


def mixtures(seed=15):
    """Cases as people mix them: two in one paste, half of one, behind a prefix, in a fence."""
    draw = random.Random(seed)
    texts = [(path.name, path.read_text("utf-8")) for path, _ in entries()]
    good = [path.read_text("utf-8") for path in healthy()]
    ways = {
        "after": lambda text: f"{draw.choice(texts)[1]}\n\n{text}",
        "before": lambda text: f"{text}\n\n{draw.choice(texts)[1]}",
        "half": lambda text: text[: len(text) // 2],
        "other half": lambda text: text[len(text) // 2 :],
        "and a good one": lambda text: f"{text}\n\n{draw.choice(good)}",
        "prefixed": lambda text: re.sub("^", "app-1  | ", text, flags=re.MULTILINE),
        "in a fence": lambda text: f"See:\n\n```\n{text}\n```\nWhy?",
    }
    while True:
        (name, text), way = draw.choice(texts), draw.choice([*ways])
        yield f"{name} {way}", ways[way](text)


def contradicted(found):
    """What a report says of one thing in two ways."""
    told = [one for one in found.examined if contradictions(one)]
    for one in found.examined:
        certain = {each.row for each in one.problems if not each.guess} - {""}
        told += [name for name in certain if one.findings and name in passed(one)]
        sides = {each.row: {other.at_server for other in one.problems if other.row == each.row}
                 for each in one.problems if each.row}  # fmt: skip
        told += [row for row, both in sides.items() if len(both) > 1]
        actions = {}
        for each in one.problems:
            actions.setdefault(each.title, set()).add(each.action)
        told += [title for title, several in actions.items() if len(several) > 1]
    return told + ["healthy, with findings"] * (found.healthy and bool(found.problems))


def passed(one):
    """The rows that passed."""
    return [name for name, finding in one.findings.items() if finding.mark == "passed"]


def test_no_mixture_is_told_two_things():
    found = {name: contradicted(diagnose(text)) for name, text in islice(mixtures(), 40)}
    assert {name: told for name, told in found.items() if told} == {}


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
