"""`dpop-lab` and `dpop-lab lessons`: the learner's copies, and JupyterLab from start to stop."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import zipfile
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path

import anyio
import nbformat
import psutil
import pytest
import requests
from jupyter_client import BlockingKernelClient

from dpop_lab.cli import main
from dpop_lab.cli.jupyter import SETTINGS, arguments, end_server, end_tasks, environment, homes
from dpop_lab.errors import LabError
from dpop_lab.lab.lessons import bench, bring, notebooks, originals, put, restore
from tests.network import free_port
from tests.programs import SECONDS, in_a_thread, started
from tests.programs import run as program

ROOT = Path(__file__).parent.parent
POSIX = os.name == "posix"
NAMES = ["00_start.ipynb", "01_key.ipynb", "03_proof.ipynb"]
needs_posix = pytest.mark.skipif(not POSIX, reason="Windows has nothing of the kind")


@pytest.fixture
def source(tmp_path):
    """A folder of originals, with other things in it."""
    folder = tmp_path / "originals"
    folder.mkdir()
    for name in [*NAMES, "picture.svg"]:
        (folder / name).write_text(f"the original {name}", encoding="utf-8")
    (folder / ".ipynb_checkpoints").mkdir()
    return folder


@pytest.fixture
def folder(tmp_path, source):
    """A work folder with all copies, 03_proof changed."""
    work = tmp_path / "work"
    bring(source, work)
    (work / "03_proof.ipynb").write_text("mine", encoding="utf-8")
    return work


def texts(folder):
    return {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.is_file()}


# ---- copying -----------------------------------------------------------------------------------


def test_the_notebooks_are_copied_and_nothing_else(tmp_path, source):
    work = tmp_path / "not" / "there" / "yet"
    assert bring(source, work) == (NAMES, [])
    assert texts(work) == {name: f"the original {name}" for name in NAMES}
    assert sorted(os.listdir(work)) == NAMES


def test_a_changed_copy_is_kept_and_a_deleted_one_comes_back(source, folder):
    (folder / "01_key.ipynb").unlink()
    assert bring(source, folder) == (["01_key.ipynb"], ["03_proof.ipynb"])
    assert texts(folder)["03_proof.ipynb"] == "mine"
    assert texts(folder)["01_key.ipynb"] == "the original 01_key.ipynb"


@needs_posix
def test_a_link_that_leads_nowhere_is_kept_too(source, folder):
    (folder / "01_key.ipynb").unlink()
    (folder / "01_key.ipynb").symlink_to("nowhere")
    assert bring(source, folder) == ([], ["01_key.ipynb", "03_proof.ipynb"])
    assert os.readlink(folder / "01_key.ipynb") == "nowhere"


@needs_posix
def test_a_linked_folder_is_a_folder(tmp_path, source, folder):
    (tmp_path / "link").symlink_to(folder)
    assert bring(source, tmp_path / "link") == ([], ["03_proof.ipynb"])


def test_the_originals_are_no_work_folder(source):
    with pytest.raises(LabError):
        bring(source, source)


@needs_posix
def test_copies_of_read_only_originals_can_be_written(tmp_path, source):
    for original in notebooks(source):
        original.chmod(0o444)
    bring(source, tmp_path / "work")
    assert all(path.stat().st_mode & 0o200 for path in notebooks(tmp_path / "work"))


@needs_posix
def test_a_copy_that_breaks_off_leaves_nothing(tmp_path, source):
    code = (
        "import resource, sys; from pathlib import Path; from dpop_lab.lab.lessons import bring\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n"
        "bring(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(source), str(tmp_path / "work")]
    done = program(command)
    assert "File too large" in done.stderr
    assert os.listdir(tmp_path / "work") == []


def test_a_file_in_place_of_the_folder_is_one_line_and_stays(capsys, tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["--no-browser", "--folder", str(path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert texts(tmp_path) == {"file": "mine"}


@pytest.mark.skipif(not POSIX or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_line(capsys, tmp_path):
    tmp_path.chmod(0o555)
    assert main(["--no-browser", "--folder", str(tmp_path / "work")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# ---- restoring ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["03", "03_proof", "03_proof.ipynb"])
def test_a_restored_notebook_is_the_original_and_the_learners_own_is_kept(source, folder, name):
    aside = "before-restore/03_proof-1.ipynb"
    assert restore(source, folder, name) == {"03_proof.ipynb": aside}
    assert texts(folder)["03_proof.ipynb"] == "the original 03_proof.ipynb"
    assert (folder / aside).read_text("utf-8") == "mine"
    assert sorted(os.listdir(folder)) == [*NAMES, "before-restore"]


def test_restoring_twice_keeps_both(source, folder):
    restore(source, folder, "03")
    (folder / "03_proof.ipynb").write_text("mine again", encoding="utf-8")
    aside = "before-restore/03_proof-2.ipynb"
    assert restore(source, folder, "03") == {"03_proof.ipynb": aside}
    assert set(texts(folder / "before-restore").values()) == {"mine", "mine again"}


def test_all_restores_what_is_changed_or_missing(source, folder):
    (folder / "01_key.ipynb").unlink()
    assert restore(source, folder, "all") == {
        "00_start.ipynb": None,
        "01_key.ipynb": "",
        "03_proof.ipynb": "before-restore/03_proof-1.ipynb",
    }


def test_what_can_not_be_linked_is_kept_as_well(source, folder):
    (folder / "01_key.ipynb").unlink()
    (folder / "01_key.ipynb").mkdir()
    (aside,) = restore(source, folder, "01").values()
    assert (folder / aside).is_dir()
    assert texts(folder)["01_key.ipynb"] == "the original 01_key.ipynb"


def test_without_a_folder_to_keep_it_in_the_learners_own_stays(source, folder):
    (folder / "before-restore").write_text("a file", encoding="utf-8")
    before = texts(folder)
    with pytest.raises(LabError):
        restore(source, folder, "03")
    assert texts(folder) == before


def test_an_unknown_lesson_or_folder_changes_nothing(source, folder, tmp_path):
    before = texts(folder)
    with pytest.raises(LabError) as unknown:
        restore(source, folder, "09")
    assert unknown.value.wanted == "00_start, 01_key, 03_proof or all"
    with pytest.raises(LabError):
        restore(source, tmp_path / "no such", "03")
    assert texts(folder) == before
    assert not (tmp_path / "no such").exists()


# ---- the command -------------------------------------------------------------------------------


def test_options_count_before_and_after_the_command(capsys, tmp_path):
    for number, words in enumerate((["--folder", "{}", "lessons"], ["lessons", "--folder", "{}"])):
        work = tmp_path / str(number)
        work.mkdir()
        assert main([one.replace("{}", str(work)) for one in [*words, "--restore", "00"]]) == 0
        assert os.listdir(work) == ["00_start.ipynb"]
        assert "00_start.ipynb" in capsys.readouterr().out


def test_the_default_folder_is_in_the_current_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["lessons", "--restore", "all"]) == 2
    assert "dpop-lab-notebooks" in capsys.readouterr().err
    (tmp_path / "dpop-lab-notebooks").mkdir()
    assert main(["lessons", "--restore", "all"]) == 0
    assert len(notebooks(tmp_path / "dpop-lab-notebooks")) == len(notebooks(originals()))


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "8080", "serve"],
        ["--no-browser", "demo"],
        ["--port", "65536"],
        ["--folder", ""],
        ["--ip", ""],
        ["lessons", "--restore"],
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_told_by_the_usage(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--here", "--folder", "x"],
        ["lessons", "--here", "--restore", "00"],
        ["lessons", "--restore", "99"],
        ["lessons", "--bench", "own_kee"],
        ["lessons", "--bench", "own_key", "--here"],
        ["--ip", "192.0.2.1"],  # an address for documentation: nobody's
    ],
    ids=" ".join,
)
def test_what_can_not_be_done_is_one_line_and_makes_nothing(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert os.listdir(tmp_path) == []


def test_a_named_port_in_use_is_one_line_and_no_other_port(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["--port", port, "--folder", str(tmp_path / "work")]) == 2
    assert port in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_without_jupyterlab_it_is_one_sentence(tmp_path):
    broken = tmp_path / "path" / "jupyterlab"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('broken')", encoding="utf-8")
    done = dpop_lab("--folder", str(tmp_path / "work"), PYTHONPATH=str(broken.parent))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "JupyterLab" in done.stderr


def test_the_command_loads_no_jupyterlab_before_it_is_asked_to():
    code = "import sys, dpop_lab.cli; print(*sys.modules)"
    done = program([sys.executable, "-c", code])
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "dpop_lab" in loaded
    assert not loaded & {"jupyterlab", "jupyter_server", "zmq", "tornado", "IPython"}


def test_a_bench_has_its_change_chosen_and_yours_is_kept(folder):
    name, text = bench("own_key")
    put(folder, name, text)
    notebook = nbformat.reads((folder / name).read_text("utf-8"), as_version=4)
    nbformat.validate(notebook)
    scope = {}
    *lines, last = notebook.cells[-1].source.split("\n")
    exec("\n".join(lines), scope)
    assert eval(last, scope).fields["Change"].value == "own_key"
    (folder / name).write_text("mine", "utf-8")
    put(folder, name, text)
    assert (folder / name).read_text("utf-8") == "mine"


# ---- what JupyterLab is told -------------------------------------------------------------------


def told_to_jupyterlab(port=None, curve=False):
    options = Namespace(lab_port=port, ip="127.0.0.1", no_browser=True)
    return arguments(ROOT, options, "workspaces", "00_start.ipynb", curve=curve)


def test_jupyterlab_ends_at_once_and_asks_its_own_temporary_workspace():
    told = told_to_jupyterlab(curve=True)
    assert f"--ServerApp.root_dir={ROOT}" in told
    assert "--ServerApp.answer_yes=True" in told
    assert "--ServerApp.open_browser=False" in told
    assert "--LabApp.default_url=/lab/tree/00_start.ipynb" in told
    assert "--LabApp.workspaces_dir=workspaces" in told
    assert not [one for one in told if re.search("token|password|xsrf", one)]


def test_a_named_port_is_the_only_one_tried():
    told = told_to_jupyterlab(port=8080)
    assert {"--ServerApp.port=8080", "--ServerApp.port_retries=0"} <= set(told)
    free = told_to_jupyterlab()
    assert not [one for one in free if one.startswith("--ServerApp.port=")]
    assert "--ServerApp.port_retries=50" in free


@needs_posix
def test_root_is_allowed_when_it_is_root():
    assert f"--ServerApp.allow_root={os.geteuid() == 0}" in told_to_jupyterlab()


def test_the_labs_settings_stand_before_those_that_are_there():
    alone, beside = environment({}), environment({"JUPYTER_CONFIG_PATH": "mine"})
    assert alone["JUPYTER_CONFIG_PATH"] == str(SETTINGS)
    assert beside["JUPYTER_CONFIG_PATH"].split(os.pathsep) == [str(SETTINGS), "mine"]
    assert alone["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert Path(alone["JUPYTER_PATH"]) == Path(sys.prefix, "share", "jupyter")


def test_the_settings_are_no_news_no_look_for_updates_and_what_a_panel_hears_in_its_order():
    text = (SETTINGS / "labconfig" / "default_setting_overrides.json").read_text("utf-8")
    assert json.loads(text) == {
        "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
    }


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a browser")
@pytest.mark.parametrize(("browser", "opens"), [(None, False), ("w3m", False), ("/bin/sh", True)])
def test_only_a_browser_with_a_window_is_opened(browser, opens, tmp_path):
    code = "from dpop_lab.cli.jupyter import has_browser; print(has_browser())"
    (tmp_path / "w3m").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "w3m").chmod(0o755)
    env = headless(PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}", TERM="xterm")
    env |= {"BROWSER": browser} if browser else {}
    command = [sys.executable, "-c", code]
    done = program(command, env=env)
    assert (done.stdout.strip(), done.stderr) == (str(opens), "")


# ---- from start to stop ------------------------------------------------------------------------


def headless(**more):
    """This process's environment without a screen."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return {name: value for name, value in os.environ.items() if name not in hidden} | more


def dpop_lab(*words, **env):
    """The command as it ended; -P, so that the package comes from PYTHONPATH before this folder."""
    command = [sys.executable, "-P", "-m", "dpop_lab", *words]
    return program(command, env=headless(**env))


@contextmanager
def opened(home, *words, **env):
    """The command as a process with Jupyter folders of its own; what it printed, and its URL."""
    kinds = ("CONFIG", "DATA", "RUNTIME")
    folders = {f"JUPYTER_{kind}_DIR": str(home / "jupyter" / kind) for kind in kinds}
    env = headless(**folders, IPYTHONDIR=str(home / "ipython"), PYTHONUTF8="1", **env)
    with started([sys.executable, "-m", "dpop_lab", *words], env=env) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if "Ctrl-C" in line:
                break
        assert lines and "Ctrl-C" in lines[-1], process.stderr.read()
        yield process, lines, next(line for line in lines if line.startswith("http"))


@contextmanager
def visitor(url):
    """A browser that knows the token and no proxy; requests wait until the server takes them."""
    base, token = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/lab/.*[?]token=(\w+)", url).groups()
    with requests.Session() as session:
        session.trust_env = False
        retries = requests.adapters.Retry(connect=8, backoff_factor=0.05)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
        assert session.get(f"{base}/api/contents", timeout=SECONDS).status_code == 403
        session.headers["Authorization"] = f"token {token}"
        yield session, base


def told_by_kernel(connection, expression):
    """The value of an expression in a kernel, as text, once it has imported what the lessons do."""
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels(hb=False)  # it would take a kernel that still starts for dead
    try:
        client.wait_for_ready(timeout=SECONDS)
        code, asked = "import sys, dpop_lab.lab.lab", {"value": expression}
        reply = client.execute(code, user_expressions=asked, reply=True, timeout=SECONDS)["content"]
        return reply["user_expressions"]["value"]["data"]["text/plain"]
    finally:
        client.stop_channels()


def ended(process, number):
    """Send a signal; the exit code, and the children and words that are left."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    code = process.wait(timeout=SECONDS)
    _, left = psutil.wait_procs(children, timeout=60)
    return code, left, process.stdout.read() + process.stderr.read()


@needs_posix
def test_the_start_page_opens_on_copies_and_one_interrupt_ends_it_all(tmp_path):
    work = tmp_path / "Übung #1 50%"
    with opened(tmp_path, "--no-browser", "--folder", str(work)) as (process, lines, url):
        assert 3 < len(lines) < 8
        assert str(work) in lines[0]
        with visitor(url) as (session, base):
            page = session.get(f"{base}/", timeout=SECONDS)
            assert page.url == f"{base}/lab/tree/00_start.ipynb"
            assert page.status_code == 200
            there = session.get(f"{base}/api/contents", timeout=SECONDS).json()["content"]
            assert {one["name"] for one in there} == {one.name for one in notebooks(originals())}
            setting = "@jupyterlab/apputils-extension:notification"
            news = session.get(f"{base}/lab/api/settings/{setting}", timeout=SECONDS).json()
            assert news["schema"]["properties"]["fetchNews"]["default"] == "false"
            kernel = {"path": "00_start.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
            made = session.post(f"{base}/api/sessions", json=kernel | {"name": ""}, timeout=SECONDS)
            assert made.status_code == 201
            connection = (
                tmp_path / "jupyter" / "RUNTIME" / f"kernel-{made.json()['kernel']['id']}.json"
            )
            assert told_by_kernel(connection, "sys.executable") == repr(sys.executable)
        assert ended(process, signal.SIGINT) == (0, [], "")
    assert len(notebooks(work)) == len(notebooks(originals()))


@needs_posix
def test_a_browser_is_sent_to_the_start_page_and_a_termination_ends_it_as_well(tmp_path):
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    script = f'#!/bin/sh\necho "$1" > "{seen}.part"\nmv "{seen}.part" "{seen}"\n'
    browser.write_text(script, encoding="utf-8")
    browser.chmod(0o755)
    port = free_port()
    words = ["lessons", "--port", str(port), "--folder", str(tmp_path / "work")]
    with opened(tmp_path, *words, BROWSER=str(browser)) as (process, _, url):
        with visitor(url) as (session, base):
            assert base.endswith(f":{port}")
            assert session.get(f"{base}/api/status", timeout=SECONDS).status_code == 200
        while not seen.exists():
            assert process.poll() is None
            time.sleep(0.05)
        opened_file = Path(seen.read_text("utf-8").strip().removeprefix("file://"))
        assert "/lab/tree/00_start.ipynb?token=" in opened_file.read_text("utf-8")
        assert ended(process, signal.SIGTERM) == (0, [], "")


def test_a_server_that_can_not_clean_up_ends_all_the_same():
    class Server:
        async def _cleanup(self):
            raise RuntimeError("Kernel does not exist")

    async def until_it_ends():
        server = Server()
        server.io_loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="Kernel"):
            await end_server(server)
        await asyncio.sleep(600)

    with pytest.raises(RuntimeError, match="stopped before"):
        in_a_thread(lambda: asyncio.run(until_it_ends()))


def test_a_request_that_still_runs_does_not_keep_the_process_from_ending():
    in_a_thread(a_request_is_ended)


def a_request_is_ended():
    before, loop = threading.active_count(), asyncio.new_event_loop()

    async def request():
        await anyio.to_thread.run_sync(loop.call_soon_threadsafe, loop.stop)
        await asyncio.sleep(600)

    task = loop.create_task(request())
    loop.run_forever()
    (thread,) = [one for one in threading.enumerate() if "AnyIO" in one.name]
    end_tasks(loop)
    thread.join(timeout=SECONDS)
    assert task.cancelled() and threading.active_count() == before
    loop.close()


# ---- what is shipped ---------------------------------------------------------------------------


def wheel(version, folder):
    """The wheel as the build backend makes it: its file."""
    builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not here")
    (path,) = builders.WheelBuilder(str(ROOT)).build(directory=str(folder), versions=[version])
    return zipfile.ZipFile(path)


def test_a_wheel_has_the_notebooks_and_works_on_copies_alone(tmp_path):
    with wheel("standard", tmp_path) as file:
        names = set(file.namelist())
        file.extractall(tmp_path / "site")
    assert {f"dpop_lab/notebooks/{path.name}" for path in notebooks(originals())} <= names
    assert "dpop_lab/jupyter/labconfig/default_setting_overrides.json" in names
    assert not [name for name in names if not name.startswith("dpop_lab")]
    site = {"PYTHONPATH": str(tmp_path / "site")}
    done = dpop_lab("--here", **site)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    (tmp_path / "work").mkdir()
    done = dpop_lab("lessons", "--restore", "all", "--folder", str(tmp_path / "work"), **site)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(notebooks(tmp_path / "work")) == len(notebooks(originals()))


def test_an_editable_install_leaves_no_copy_of_the_notebooks(tmp_path):
    pytest.importorskip("editables", reason="editables is not here")
    with wheel("editable", tmp_path) as file:
        assert not [name for name in file.namelist() if name.endswith((".ipynb", ".json"))]


def test_the_source_distribution_has_the_notebooks_and_the_settings():
    builders = pytest.importorskip("hatchling.builders.sdist", reason="hatchling is not here")
    files = builders.SdistBuilder(str(ROOT)).recurse_included_files()
    names = {Path(file.distribution_path).as_posix() for file in files}
    assert {f"notebooks/{path.name}" for path in notebooks(originals())} <= names
    assert "dpop_lab/jupyter/labconfig/default_setting_overrides.json" in names
    assert not [name for name in names if name.startswith(("dpop-lab-notebooks", ".ci"))]


# ---- somebody without a home ------------------------------------------------------------------


@needs_posix
def test_without_a_home_to_write_to_jupyter_keeps_its_things_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("IPYTHONDIR", "mine")
    assert homes(str(tmp_path)) == {
        f"JUPYTER_{kind}_DIR": str(tmp_path) for kind in ("CONFIG", "DATA", "RUNTIME")
    }


def test_with_a_home_nothing_is_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert homes("elsewhere") == {}
