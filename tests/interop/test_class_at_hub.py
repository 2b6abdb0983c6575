"""A class on a real JupyterHub with its proxy: all get through, and nothing is left behind."""

import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.network import free_port
from tests.programs import kill, run, started

pytestmark = pytest.mark.skipif(os.name == "nt", reason="JupyterHub does not run on Windows")

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "binder" / "hub" / "jupyterhub_config.py"
LESSONS = ("00_start", "05_protected_call")
SECONDS = 120
NOWHERE = "http://127.0.0.1:9"  # the port of RFC 863: nothing listens, nothing is sent


@pytest.fixture
def environment(hub_python: Path, hub_proxy: Path, tmp_path: Path) -> dict[str, str]:
    """What the hub is started in: nothing of the user's own, all files in the test's folder."""
    path = os.pathsep.join([str(hub_proxy), os.environ["PATH"]])
    return {"PATH": path, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Fail where a process is left that was started in the test's folder, whoever started it."""
    yield
    left = of(tmp_path)
    kill(left)
    assert not [one.info["cmdline"] for one in left]
    assert not list(tmp_path.glob("dpop-lab-class-*"))


def of(folder: Path) -> list[psutil.Process]:
    """The processes that run in a folder, or have it in their environment."""
    known = psutil.process_iter(["environ", "cwd", "cmdline"])
    return [one for one in known if str(folder) in f"{one.info['environ']} {one.info['cwd']}"]


def trying(hub_python: Path, *options: str) -> list[str]:
    return [str(hub_python), "-m", "tests.try_class", *options]


def code_cells(lesson: str) -> int:
    cells = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text("utf-8"))["cells"]
    return sum(cell["cell_type"] == "code" for cell in cells)


@pytest.mark.usefixtures("nothing_left")
def test_two_participants_get_through_two_lessons_at_once(hub_python, environment) -> None:
    lessons = (lesson[:2] for lesson in LESSONS)
    done = run(trying(hub_python, "2", "--lessons", *lessons), env=environment, cwd=ROOT)
    figures = dict(re.findall(r"(?m)^(\S.*?)  +(\S+)", done.stdout))
    assert done.returncode == 0, done.stdout + done.stderr
    assert figures["failures"] == "0"
    assert figures["cells run"] == str(2 * sum(map(code_cells, LESSONS)))
    assert 100 < int(figures["memory (PSS)"]) <= int(figures["memory (RSS)"]) < 600
    assert float(figures["first accepted call"]) > 0


@pytest.mark.usefixtures("nothing_left")
def test_a_lesson_that_fails_is_told_and_is_the_exit_code(hub_python, environment) -> None:
    live = {"DPOP_LAB_LIVE": "1", "HTTPS_PROXY": NOWHERE}  # by the way: both reach a kernel
    command = trying(hub_python, "1", "--lessons", "05")
    done = run(command, env=environment | live, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"participant-01: 05_protected_call, cell \d+: Unreachable", done.stdout)
    assert "participant-01: 00_start" not in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_ctrl_c_ends_all_that_was_started(hub_python, environment, tmp_path) -> None:
    with started(trying(hub_python, "1"), env=environment, cwd=ROOT) as process:
        until = time.monotonic() + SECONDS
        while not any("ipykernel_launcher" in str(one.info["cmdline"]) for one in of(tmp_path)):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr.read() == ""


REFUSED = {  # how the hub is started, and what of that is named: all else is as it should be
    "no password": ({"DPOP_LAB_HUB_PASSWORD": ""}, "DPOP_LAB_HUB_PASSWORD"),
    "a short password": ({"DPOP_LAB_HUB_PASSWORD": "seven77"}, "DPOP_LAB_HUB_PASSWORD"),
    "a default password": ({"DPOP_LAB_HUB_PASSWORD": "ChangeMe"}, "DPOP_LAB_HUB_PASSWORD"),
    "too many": ({"DPOP_LAB_HUB_PARTICIPANTS": "1000"}, "DPOP_LAB_HUB_PARTICIPANTS=1000"),
    "nobody": ({"DPOP_LAB_HUB_PARTICIPANTS": "0"}, "DPOP_LAB_HUB_PARTICIPANTS"),
    "a port that is taken": ({"DPOP_LAB_HUB_PORT": "TAKEN"}, "Can't listen on 127.0.0.1 port"),
    "no Node": ({"PATH": "/nowhere"}, "There is no node"),
    "no proxy": ({"PATH": "NODE"}, "There is no configurable-http-proxy"),
    "a Node too old": ({"PATH": "OLD"}, "configurable-http-proxy does not run"),
}
if hasattr(os, "geteuid") and os.geteuid() == 0:
    REFUSED["root"] = {"DPOP_LAB_HUB_AS_ROOT": "0"}, "run as root"
READ = """
import contextlib, io, json, os, runpy, sys
from traitlets.config import Config

told = {}
for name, chosen in json.loads(sys.argv[2]).items():
    os.environ |= chosen
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            runpy.run_path(sys.argv[1], {"get_config": Config})
        except SystemExit as end:
            told[name] = end.code, said.getvalue()
print(json.dumps(told))
"""


@pytest.fixture
def refusals(hub_python, hub_proxy, environment, tmp_path) -> dict[str, tuple[int, str]]:
    """The exit code and the words for each, one process for all; none where it is not refused."""
    alone, old = tmp_path / "alone", tmp_path / "old"
    for path in (alone, old):
        path.mkdir()
    (alone / "node").symlink_to(shutil.which("node"))
    (old / "node").write_text("#!/bin/sh\necho no use >&2; exit 1\n", "ascii")
    (old / "node").chmod(0o755)
    (old / "configurable-http-proxy").symlink_to(hub_proxy / "configurable-http-proxy")
    right = {"DPOP_LAB_HUB_PASSWORD": "rhubarb-crumble", "DPOP_LAB_HUB_AS_ROOT": "1"}
    right |= {"DPOP_LAB_HUB_PARTICIPANTS": "1", "PATH": environment["PATH"]}
    right |= {"DPOP_LAB_HUB_FOLDER": str(tmp_path / "class"), "DPOP_LAB_HUB_PORT": str(free_port())}
    copy = shutil.copy(CONFIG, tmp_path)  # beside it is no proxy
    with socket.create_server(("127.0.0.1", 0)) as server:
        values = {"TAKEN": str(server.getsockname()[1]), "NODE": str(alone)}
        values["OLD"] = f"{old}:/usr/bin:/bin"
        cases = {
            name: right | {variable: values.get(value, value) for variable, value in given.items()}
            for name, (given, _) in REFUSED.items()
        }
        command = [str(hub_python), "-c", READ, copy, json.dumps(cases)]
        done = run(command, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "class").exists()
    return json.loads(done.stdout)


def test_a_hub_that_would_not_work_or_be_unsafe_is_refused_in_a_line(refusals) -> None:
    for name, (_, named) in REFUSED.items():
        code, said = refusals.get(name, (0, "not refused"))
        assert code == 2 and named in said, (name, said)
        assert said.count("\n") == 1 and "rhubarb" not in said


def test_jupyterhub_ends_with_that_line_alone(hub_python, environment) -> None:
    command = [str(hub_python), "-m", "jupyterhub", "-f", str(CONFIG)]
    with started(command, env=environment, cwd=environment["HOME"]) as process:
        said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert said[0] == "" and said[1].count("\n") == 1
