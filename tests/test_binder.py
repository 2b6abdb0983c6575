"""Binder builds what pyproject.toml asks for, quickly after the first time, with no news on top."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SETTINGS = """
import json
from jupyter_server.services.config.manager import ConfigManager
print(json.dumps(ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")))
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Binder's scripts are for a POSIX shell")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The Dockerfile that repo2docker would build from a clone, line by line, and what it says."""
    if not (os.environ.get("CI") or importlib.util.find_spec("repo2docker")):
        pytest.skip("repo2docker is not installed: it comes with the dependency group test")
    clone = tmp_path_factory.mktemp("binder") / "clone"
    untracked = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", *untracked))
    done = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(clone))
    return done.stdout.splitlines(), done.stderr


def line_of(lines, pattern):
    (found,) = [number for number, line in enumerate(lines) if re.search(pattern, line)]
    return found


def test_the_python_is_one_the_package_runs_on(plan):
    (version,) = re.findall(r"environment for python=([0-9.]+)", plan[1])
    assert version in SpecifierSet(PROJECT["requires-python"])
    assert (BINDER / "runtime.txt").read_text("utf-8") == f"python-{version}\n"


def test_a_new_commit_builds_only_the_last_and_light_layers(plan):
    lines, _ = plan
    dependencies = line_of(lines, r"pip install .*-r \"?binder/requirements\.txt")
    repository = line_of(lines, r"^COPY .* src/ ")
    package = line_of(lines, r"^RUN \./binder/postBuild")
    assert dependencies < repository < package
    assert not [line for line in lines[repository:] if "pip install" in line]
    assert line_of(lines, r"^ENV R2D_ENTRYPOINT=.*/binder/start") > package


def test_the_dependencies_are_the_package_s_own():
    wanted = (BINDER / "requirements.txt").read_text("utf-8").splitlines()
    assert wanted == PROJECT["dependencies"]


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_a_script_can_be_run(name):
    script = BINDER / name
    assert os.access(script, os.X_OK)
    assert script.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    run("bash", "-n", str(script))


def test_the_start_script_hands_on_to_a_server_that_shows_no_news(tmp_path):
    elsewhere = {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_CONFIG_PATH": str(tmp_path / "own")}
    command = [str(BINDER / "start"), sys.executable, "-c", SETTINGS]
    done = run(*command, cwd=tmp_path, env=os.environ | elsewhere)
    settings = json.loads(done.stdout)["@jupyterlab/apputils-extension:notification"]
    assert settings["fetchNews"] == "false"
