"""What a class on Kubernetes is given: the lessons where it opens, its memory, no password."""

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tests import try_class

HUB = Path(__file__).parents[1] / "binder" / "hub"
VALUES = yaml.safe_load((HUB / "values.yaml").read_text("utf-8"))
SINGLE = VALUES["singleuser"]
KNOWN = {  # some of what the chart's schema, which allows no other names, has at these places
    "": {"singleuser", "hub", "cull", "proxy", "ingress", "prePuller", "scheduling", "debug"},
    "singleuser": {"image", "defaultUrl", "memory", "cpu", "startTimeout", "storage", "extraEnv"}
    | {"lifecycleHooks", "cmd", "networkPolicy", "profileList", "initContainers", "uid", "fsGid"},
    "singleuser.image": {"name", "tag", "pullPolicy", "pullSecrets"},
    "singleuser.memory": {"limit", "guarantee"},
    "singleuser.cpu": {"limit", "guarantee"},
    "singleuser.storage": {"type", "capacity", "homeMountPath", "dynamic", "static"},
    "singleuser.lifecycleHooks": {"postStart", "preStop"},
    "hub": {"activeServerLimit", "concurrentSpawnLimit", "config", "extraConfig", "existingSecret"},
    "cull": {"enabled", "users", "adminUsers", "timeout", "every", "concurrency", "maxAge"},
}
HOME = PurePosixPath("/home/jovyan")  # of the images that repo2docker builds


def test_the_values_have_no_name_that_the_chart_does_not_know():
    for place, known in KNOWN.items():
        value = VALUES
        for name in filter(None, place.split(".")):
            value = value[name]
        assert value.keys() <= known, place


@pytest.mark.parametrize("file", ["values.yaml", "jupyterhub_config.py"])
def test_all_of_a_participants_name_is_as_folders_and_sockets_can_take_it(file):
    (written,) = re.findall(r'username_pattern\W+?r?("[^"]+")', (HUB / file).read_text("utf-8"))
    pattern = re.compile(yaml.safe_load(written) if file == "values.yaml" else written.strip('"'))
    assert all(map(pattern.match, ("ann", "ann.b-2", "a" * 28)))  # match: as JupyterHub does
    assert not any(map(pattern.match, ("a" * 29, "ann b", "ann<b>", "ann\0", "..", "a/..")))


def copy_lessons(home):
    """What Kubernetes runs in a participant's container once that has started."""
    program, *arguments = SINGLE["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert program == "python"
    environment = os.environ | {"HOME": str(home), "USERPROFILE": str(home)}
    subprocess.run([sys.executable, *arguments], env=environment, check=True, timeout=60)


def test_the_lessons_are_copied_to_the_storage_and_not_written_over(tmp_path):
    storage = tmp_path / PurePosixPath(SINGLE["storage"]["homeMountPath"]).relative_to(HOME)
    storage.mkdir()  # Kubernetes mounts it
    start = tmp_path / SINGLE["defaultUrl"].removeprefix("/lab/tree/")
    copy_lessons(tmp_path)
    assert start.parent == storage
    assert start.read_bytes() == (HUB.parents[1] / "notebooks" / start.name).read_bytes()
    start.write_text("mine", "utf-8")
    copy_lessons(tmp_path)
    assert start.read_text("utf-8") == "mine"


def test_progress_is_kept_with_the_notebooks():
    assert SINGLE["extraEnv"]["DPOP_LAB_DATA"].startswith(SINGLE["storage"]["homeMountPath"] + "/")


def test_a_participant_has_the_memory_that_the_hub_of_one_machine_reckons_with():
    (mebibytes,) = re.findall(
        r"A_PARTICIPANT = (\d+) \* MB", (HUB / "jupyterhub_config.py").read_text()
    )
    assert SINGLE["memory"]["guarantee"] == f"{mebibytes}M"
    assert VALUES["hub"]["config"].keys() == {"JupyterHub", "Authenticator"}  # no password


def test_what_the_hub_takes_of_the_package_is_there():
    tree = ast.parse((HUB / "jupyterhub_config.py").read_text("utf-8"))
    taken = [
        (importlib.import_module(node.module), one.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("dpop_lab")
        for one in node.names
    ]
    assert taken
    assert not [(module, name) for module, name in taken if not hasattr(module, name)]


def test_a_class_is_not_tried_without_a_jupyterhub(capsys):
    if importlib.util.find_spec("jupyterhub"):
        pytest.skip("a JupyterHub is installed here")
    assert try_class.main(["2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
