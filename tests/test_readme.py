"""What the README and the commands page show is run; the README stays short."""

import io
import json
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dpop_lab.cli import main
from dpop_lab.client.read_settings import read_settings

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BOTH = TEXT + (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", BOTH, re.DOTALL)


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
    assert len(lines) >= 6
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


def test_what_is_to_be_pasted_is_told_which_row_failed(capsys, monkeypatch):
    (arguments, pasted) = re.search(
        r"dpop-lab (\w+) <<'END'\n(.*?)\n    END\n", TEXT, re.S
    ).groups()
    stdin = io.TextIOWrapper(io.BytesIO(textwrap.dedent(pasted).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main([arguments]) == 1
    assert "(row htu)" in capsys.readouterr().out


COMMANDS = (
    "lessons", "ready", "demo", "serve", "call", "login", "compare", "diagnose", "key",
)  # fmt: skip


def test_every_command_is_on_the_page_of_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert set(re.findall(r"^    (\w+) {3,}", capsys.readouterr().out, re.M)) == set(COMMANDS)
    assert [one for one in COMMANDS if f"dpop-lab {one}" not in BOTH] == []


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", BOTH))))
def test_every_option_the_pages_name_exists(option, capsys):
    for words in [(), *((name,) for name in COMMANDS if name != "key"), ("key", "new")]:
        with pytest.raises(SystemExit):
            main([*words, "--help"])
    assert option in capsys.readouterr().out or option in OTHERS


OTHERS = ("--from",)  # options of uvx
