"""`dpop-lab ready`: each thing that a lesson takes, there and not there."""

import json
import socket
import sys
from argparse import Namespace

import pytest
from client_world import answer, listening

from dpop_lab.cli import main, ready
from dpop_lab.server.sockets import serve
from tests.programs import run


def looked(name, **options):
    """What one look finds with these options."""
    given = {"work_folder": "x", "port": 0, "live": False, "issuer": None, "json": False}
    return ready.answer(name, Namespace(**given | options))


def test_where_the_tests_run_lessons_can_be_held():
    done = run([sys.executable, "-m", "dpop_lab", "ready", "--json"])
    found = json.loads(done.stdout)
    assert [line["name"] for line in found] == [*ready.LOOKS][:-1]
    assert {line["name"] for line in found if line["ready"] is False} == set(), found
    assert {line["name"] for line in found if line["ready"]} >= {"kernel", "twin", "packages"}
    assert all(line["todo"] for line in found if line["ready"] is False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done, found, todo = looked("port", port=port)
        assert done is False
        assert str(port) in found
        assert "--port" in todo
    assert looked("port", port=port)[0]


def test_a_folder_that_can_not_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    done, found, todo = looked("folder", work_folder=str(tmp_path / "file" / "notebooks"))
    assert (done, "--folder" in todo) == (False, True)
    assert "file" in found
    assert looked("folder", work_folder=str(tmp_path / "new" / "notebooks"))[0]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_packages_that_lack_or_are_old_are_named_with_what_installs_them(monkeypatch):
    wanted = ["requests>=2.31", "tornado>=999", "no-such-package>=1", "pip<0; python_version<'3'"]
    monkeypatch.setattr(ready, "requires", lambda _: wanted)
    done, found, todo = looked("packages")
    assert done is False
    assert todo == "pip install 'tornado>=999' 'no-such-package>=1'"
    assert "no-such-package none" in found


DIES = "raise SystemExit(1)"
BLIND = "import sys; sys.modules['dpop_lab'] = None; import ipykernel.kernelapp as app; app.main()"


@pytest.mark.parametrize(("code", "word"), [(DIES, "start"), (BLIND, "ModuleNotFoundError")])
def test_a_kernel_that_can_not_teach_is_told(monkeypatch, tmp_path, code, word):
    spec = {"argv": [sys.executable, "-c", code, "-f", "{connection_file}"], "display_name": "P"}
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    (tmp_path / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setattr(ready, "environment", lambda _: {"JUPYTER_PATH": str(tmp_path)})
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("JUPYTER_PATH", "")
    done, found, todo = looked("kernel")
    assert (done, word in found) == (False, True), found
    assert todo


def test_a_browser_in_the_terminal_is_none(monkeypatch):
    monkeypatch.setattr("webbrowser.get", lambda: Namespace(name="/usr/bin/w3m"))
    assert looked("browser")[0] is None
    monkeypatch.setattr("webbrowser.get", lambda: Namespace(name="firefox"))
    assert looked("browser") == (True, "firefox", "")


def test_a_proxy_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:s3cret-word@proxy.example:3128")
    _, found, _ = looked("proxy")
    assert "proxy.example:3128" in found
    assert "s3cret-word" not in found


def test_a_file_of_certificates_is_read(monkeypatch, tmp_path):
    for name in ready.BUNDLES:
        monkeypatch.delenv(name, raising=False)
    assert looked("CA")[0] is None
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    done, found, todo = looked("CA")
    assert (done, "none.pem" in found) == (False, True)
    assert "REQUESTS_CA_BUNDLE" in todo


@pytest.mark.parametrize(("ahead", "ready_", "word"), [(0, True, "agree"), (300, False, "behind")])
def test_the_clock_is_compared_with_the_servers(ahead, ready_, word):
    with serve() as twin:
        twin.twin.clock.advance(ahead)
        done, found, todo = looked("server", issuer=twin.base_url)
    assert (done, word in found, bool(todo)) == (ready_, True, not ready_)


def test_a_server_without_metadata_and_one_that_is_not_there_are_told():
    with listening(lambda _: answer(404)) as url:
        done, found, todo = looked("server", issuer=url)
        assert (done, "404" in found, url in todo) == (False, True, True)
    done, found, todo = looked("server", issuer=url)
    assert done is False
    assert "Connection refused" in found
    assert todo


def test_options_of_its_own_are_not_those_of_the_lessons(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ready, "LOOKS", {"folder": ready.LOOKS["folder"]})
    assert main(["ready", "--folder", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["ready"] is True


def test_the_demo_and_another_server_at_once_are_one_line(capsys):
    assert main(["ready", "--live", "--issuer", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
