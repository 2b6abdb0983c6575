"""What a dev container is told to do, done in a copy of the tree, a new home and a new Python."""

import json
import os
import re
import shutil
import signal
import sys

import pytest
import requests

from tests.links import ROOT
from tests.network import free_port
from tests.programs import run, started

CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
PORT = "8888"
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]
CODESPACE = f"https://fuzzy-guide-5x4-{PORT}.app.github.dev"


@pytest.fixture
def tree(tmp_path):
    return shutil.copytree(
        ROOT, tmp_path / "tree", ignore=shutil.ignore_patterns(".git", "cases", *IGNORED)
    )


@pytest.fixture
def env(tree, tmp_path):
    """As the container has it, but for what is kept of packages that were fetched before."""
    python = ["--python", sys.executable, str(tmp_path / "python")]
    assert run(["uv", "venv", "--quiet", "--seed", *python]).returncode == 0  # with pip
    (tmp_path / "home").mkdir()
    kept = os.environ.get("UV_CACHE_DIR") or os.path.expanduser("~/.cache/uv")
    path = f"{tmp_path / 'python' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    given = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    own = {"HOME": str(tmp_path / "home"), "UV_CACHE_DIR": kept, "PATH": path}
    remote = {
        name: value.replace("${containerWorkspaceFolder}", str(tree))
        for name, value in CONTAINER["remoteEnv"].items()
    }
    return given | own | remote


def test_its_commands_open_the_lessons_to_its_own_codespace_and_to_no_other_site(tree, env):
    done = run(["sh", "-c", CONTAINER["updateContentCommand"]], cwd=tree, env=env)
    assert done.returncode == 0, done.stderr
    command = CONTAINER["postAttachCommand"].replace(PORT, str(free_port()))
    with started(["sh", "-c", f"exec {command}"], cwd=tree, env=env) as process:
        url = next(line.strip() for line in process.stdout if line.strip().startswith("http"))
        with requests.Session() as browser:
            browser.trust_env = False
            until_it_listens = requests.adapters.Retry(connect=8, backoff_factor=0.1)
            browser.mount("http://", requests.adapters.HTTPAdapter(max_retries=until_it_listens))
            page = browser.get(url, timeout=60)  # and a cookie comes with it
            assert page.status_code == 200 and "/lab/tree/00_start.ipynb" in page.url
            api = re.sub(r"/lab/.*", "/api/contents/00_start.ipynb", url)
            asked = {
                origin: browser.get(api, headers={"Origin": origin}, timeout=60).status_code
                for origin in (CODESPACE, f"{CODESPACE}.evil.example", "https://evil.example")
            }
        assert list(asked.values()) == [200, 404, 404]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_its_port_is_one_number_wherever_it_is_said():
    assert CONTAINER["forwardPorts"] == [int(PORT)] and set(CONTAINER["portsAttributes"]) == {PORT}
    assert f"--port {PORT}" in CONTAINER["postAttachCommand"]
    settings = json.loads(
        (ROOT / ".devcontainer" / "jupyter_server_config.json").read_text("utf-8")
    )
    assert re.match(settings["ServerApp"]["allow_origin_pat"], CODESPACE)
