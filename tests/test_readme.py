"""The README is what a newcomer has: what it shows is run, and it stays short."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dpop_lab.client.settings import read_settings

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def run(*arguments, cwd):
    command = [sys.executable, "-m", "dpop_lab.cli", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=60
    )


@pytest.mark.parametrize("sample", blocks("python"), ids=lambda sample: sample.split("\n")[0])
def test_each_python_sample_runs(sample):
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", sample],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_python_samples_print_what_their_comments_say():
    first, second = (
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", sample],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
        ).stdout
        for sample in blocks("python")
    )
    assert first.startswith("200 <AccessToken DPoP, 813 characters")
    assert "client_secret=<client_secret 1>" in first
    verdicts = re.findall(r"token endpoint: (\w+)", second)
    assert verdicts == ["accepted", "refused", "accepted"]
    assert "struck out, so never asked: fresh" in second


def test_the_console_lines_run_one_after_the_other(tmp_path):
    lines = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "dpop-lab"
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stderr)
    assert "<access_token 1>" in (tmp_path / "session.log").read_text(encoding="utf-8")


def test_the_settings_shown_are_settings():
    (sample,) = blocks("json")
    assert read_settings(json.loads(sample)).client_id == "m2m.dpop"


def test_the_two_commands_are_single_lines_and_the_readme_is_short():
    assert "\n    pip install uv && uv run dpop-lab\n" in TEXT
    assert "\n    pip install uv && uv run pytest\n" in TEXT
    assert len(TEXT.splitlines()) < 120


def test_every_option_the_readme_names_exists(tmp_path):
    helps = "".join(run(*words, "--help", cwd=tmp_path).stdout for words in HELPS)
    for option in re.findall(r"--[a-z][a-z-]+", TEXT):
        assert option in helps


HELPS = [(), ("call",), ("serve",), ("demo",), ("key", "new")]
