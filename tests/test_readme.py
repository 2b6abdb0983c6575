"""The README is what a newcomer has: what it shows is run, and it stays short."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dpop_lab.cli import main
from dpop_lab.client.read_settings import read_settings

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def python(sample):
    command = [sys.executable, "-X", "utf8", "-W", "error", "-c", sample]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_python_samples_print_what_their_comments_say():
    first, second = (python(sample) for sample in blocks("python"))
    assert first.startswith("200 <AccessToken DPoP, 813 characters")
    assert "client_secret=<client_secret 1>" in first
    assert first.splitlines()[-1] == "True"
    assert "by the row bound_key" in second and "You predicted htm" in second
    assert second.splitlines()[-2].startswith("Accepted at the API: DUENDE without bound_key")
    assert second.splitlines()[-1] == "signature"


def test_the_console_lines_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "dpop-lab"
        assert main(arguments) == 0, line
    assert "<access_token 1>" in (tmp_path / "session.log").read_text(encoding="utf-8")


def test_the_settings_shown_are_settings():
    (sample,) = blocks("json")
    assert read_settings(json.loads(sample)).client_id == "m2m.dpop"


def test_the_two_commands_are_single_lines_and_the_readme_is_short():
    assert "\n    pip install uv && uv run dpop-lab\n" in TEXT
    assert "\n    pip install uv && uv run pytest\n" in TEXT
    assert len(TEXT.splitlines()) < 120


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", TEXT))))
def test_every_option_the_readme_names_exists(option, capsys):
    commands = [(name,) for name in ("lessons", "call", "serve", "demo", "diagnose", "compare")]
    for words in [(), *commands, ("key", "new")]:
        with pytest.raises(SystemExit):
            main([*words, "--help"])
    assert option in capsys.readouterr().out
