"""`dpop-lab login`: what comes of it, and one clear sentence where nothing does."""

import json
import os
import re
import signal
import socket
import sys
import threading
import webbrowser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from dpop_lab import RFC_9449
from dpop_lab.cli import main
from dpop_lab.client.sign_in.loopback import Loopback
from dpop_lab.errors import LabError
from dpop_lab.lab.sign_in.person import signed_in
from dpop_lab.server.sockets import serve
from dpop_lab.wire.message import Response
from tests.front import front
from tests.programs import SECONDS, started

CLIENT = ("--client-id", "native.dpop")


@pytest.fixture(scope="module")
def issuer():
    with serve(policy=RFC_9449) as running:
        yield running.url


@pytest.fixture
def key_file(tmp_path, capsys):
    file = tmp_path / "key.pem"
    assert main(["key", "new", str(file)]) == 0
    capsys.readouterr()
    return str(file)


class Browser:
    """A browser whose person does what a function of the URL says; gives where that leads."""

    name = "a browser of the tests"

    def __init__(self, person):
        self.person, self.opened = person, []

    def open(self, url, new=0, autoraise=True):
        self.opened.append(url)
        self.acting = threading.Thread(target=self.act, args=(url,))
        self.acting.start()
        return True

    def act(self, url):
        if there := self.person(url):
            requests.get(there, timeout=10)


@pytest.fixture
def browser(monkeypatch):
    """Let a person of the tests sit at the browser; which one, says the test."""
    monkeypatch.setattr(webbrowser, "_tryorder", list(webbrowser._tryorder or ()))
    monkeypatch.setattr(webbrowser, "_browsers", dict(webbrowser._browsers))
    one = Browser(alice)
    webbrowser.register("of the tests", None, one, preferred=True)
    yield one
    if one.opened:
        one.acting.join(10)


def redirect_of(url):
    return parse_qs(urlsplit(url).query)["redirect_uri"][0]


def alice(url):
    with requests.Session() as session:
        return signed_in(session, url, redirect_of(url), "alice", "alice")


def cancels(url):
    with requests.Session() as session:
        page = session.get(url, timeout=10)
        form = {"button": "cancel"}
        answer = session.post(page.url, data=form, allow_redirects=False, timeout=10)
    return answer.headers["Location"]


def with_another_state(url):
    return f"{redirect_of(url)}?{urlencode({'code': 'x', 'state': 'wrong'})}"


def goes_away(url):
    return None


def failed(capsys, *arguments, code=2):
    """What the command says in its one sentence as it ends with this exit code."""
    assert main(["login", *arguments]) == code
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line.startswith("dpop-lab: ")]
    assert len(lines) == 1 and "Traceback" not in said
    return lines[0]


def test_alice_signs_in_at_the_twin_which_ends_with_the_command(capsys, browser):
    assert main(["login", "--policy", "rfc9449"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["sub"] == "1"
    assert re.search("GET .*/api/dpop/test .*: 200 OK", err)


def test_a_saved_sign_in_calls_and_renews_until_it_is_ended(
    capsys, browser, issuer, key_file, tmp_path
):
    saved, api = tmp_path / "login.json", f"{issuer}/api/dpop/test"
    keep = ["--key", key_file, "--save", str(saved)]
    assert main(["login", issuer, *CLIENT, *keep, "--scope", "openid api offline_access"]) == 0
    first = json.loads(saved.read_text("utf-8"))
    assert "for your eyes only" in capsys.readouterr().err
    for _ in range(2):  # each renews the refresh token, which goes once
        assert main(["call", api, "--key", key_file, "--login", str(saved)]) == 0
        claims = {one["type"]: one["value"] for one in json.loads(capsys.readouterr().out)}
        assert (claims["sub"], claims["client_id"]) == ("1", "native.dpop")
    last = json.loads(saved.read_text("utf-8"))
    assert last["refresh_token"] != first["refresh_token"]
    form = {"client_id": "native.dpop", "token": last["refresh_token"]}
    requests.post(f"{issuer}/connect/revocation", data=form, timeout=10)
    assert main(["call", api, "--key", key_file, "--login", str(saved)]) == 1
    assert "invalid_grant" in capsys.readouterr().err
    assert not saved.exists()  # what is of no use is not kept


def test_without_a_refresh_token_nothing_is_said_to_be_saved(
    capsys, browser, issuer, key_file, tmp_path
):
    saved = tmp_path / "login.json"
    keep = ["--key", key_file, "--save", str(saved), "--scope", "openid"]
    assert main(["login", issuer, *CLIENT, *keep]) == 0
    assert "Nothing was saved" in capsys.readouterr().err
    assert not saved.exists()


def test_without_a_browser_the_url_is_said(capsys, monkeypatch, issuer):
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    assert main(["login", issuer, *CLIENT, "--timeout", "0.1"]) == 1
    said = capsys.readouterr().err
    assert "no browser can be opened" in said
    assert f"{issuer}/connect/authorize?" in said


@pytest.mark.parametrize(
    ("person", "code", "word"),
    [
        (cancels, 1, "access_denied"),
        (goes_away, 1, "Nobody signed in within 0.5 s"),
        (with_another_state, 2, "another sign-in"),
    ],
)
def test_what_a_person_may_do_instead(capsys, browser, issuer, person, code, word):
    browser.person = person
    assert word in failed(capsys, issuer, *CLIENT, "--timeout", "0.5", code=code)


@pytest.mark.parametrize("uri", [
    "http://127.0.0.1:{port}/callback", "http://localhost:{port}/", "https://client.example/",
    "http://127.0.0.1:99999/", "http://[::1", "http://[::1]:0/", "http://10.0.0.1/", "callback", "",
])  # fmt: skip
def test_where_nobody_can_listen(capsys, browser, issuer, uri):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = uri.format(port=taken.getsockname()[1])
        said = failed(capsys, issuer, *CLIENT, "--redirect-uri", uri)
    assert "listen" in said
    assert browser.opened == []


@pytest.mark.parametrize("endpoint", [
    None, 5, "", "javascript:alert(1)", "file:///etc/passwd", "//mallory.example/", "/authorize",
    "http://mallory.example/authorize", "https://u:p@mallory.example/", "https://[::1/",
    "https:// ", "--help", "https://as.example/#f", "https://as.example/\x1b[2J",
])  # fmt: skip
def test_an_issuer_where_nobody_can_sign_in(capsys, browser, endpoint):
    def told(handler, request):
        if "well-known" not in request.target:
            return Response(404)
        base = f"http://{request.lines('Host')[0]}"
        said = {"issuer": base, "token_endpoint": f"{base}/token"}
        said |= {} if endpoint is None else {"authorization_endpoint": endpoint}
        return Response(200, (("Content-Type", "application/json"),), json.dumps(said).encode())

    with front(told) as server:
        said = failed(capsys, server.url, *CLIENT, "--timeout", "0.1")
    assert "authorization" in said and "\x1b" not in said
    assert browser.opened == []


def test_an_issuer_that_is_not_there(capsys, browser):
    assert "can't be reached" in failed(capsys, "http://127.0.0.1:1", *CLIENT, code=3)


KEPT = {"issuer": "https://other.example", "client_id": "native.dpop", "jkt": "x"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (json.dumps({**KEPT, "refresh_token": "r-secret"}), "another issuer"),
        ('{"refresh_token": 1}', "keeps no sign-in"),
        ("-----BEGIN PRIVATE KEY-----", "keeps no sign-in"),
        ("[" * 100_000, "keeps no sign-in"),
        ("\0\udcff", "keeps no sign-in"),
    ],
)
def test_a_file_of_something_else_is_left_as_it_is(
    capsys, browser, issuer, key_file, tmp_path, text, word
):
    file = tmp_path / "other.json"
    file.write_text(text, "utf-8", "surrogateescape")
    before = file.read_bytes()
    said = failed(capsys, issuer, *CLIENT, "--key", key_file, "--save", str(file))
    assert word in said and "r-secret" not in said
    assert file.read_bytes() == before
    assert browser.opened == []


@pytest.mark.parametrize("where", ["no/such/login.json", "."])
def test_a_place_where_nothing_can_be_saved(capsys, browser, issuer, key_file, tmp_path, where):
    failed(capsys, issuer, *CLIENT, "--key", key_file, "--save", str(tmp_path / where))
    assert browser.opened == []


@pytest.mark.parametrize("more", [(), ("--key", "KEY"), ("ISSUER",)])
def test_a_sign_in_is_saved_with_its_key_and_issuer_alone(capsys, browser, issuer, key_file, more):
    told = {"KEY": key_file, "ISSUER": issuer}
    said = failed(capsys, *[told.get(one, one) for one in more], "--save", "login.json")
    assert "--key FILE and an ISSUER" in said


@pytest.mark.parametrize("content", [None, "{}", "[]", "text", json.dumps(KEPT)])
def test_a_call_with_a_login_that_is_none(capsys, issuer, key_file, tmp_path, content):
    file = tmp_path / "login.json"
    if content is not None:
        file.write_text(content, "utf-8")
    assert main(["call", issuer, "--key", key_file, "--login", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nobody is signed in" in said or "keeps no sign-in" in said


def test_a_call_with_the_login_of_another_key(capsys, browser, issuer, key_file, tmp_path):
    saved, other = tmp_path / "login.json", tmp_path / "other.pem"
    assert main(["key", "new", str(other)]) == 0
    keep = ["--key", key_file, "--save", str(saved)]
    assert main(["login", issuer, *CLIENT, *keep]) == 0
    capsys.readouterr()
    assert main(["call", issuer, "--key", str(other), "--login", str(saved)]) == 2
    assert "another jkt" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_ends_it_at_once_and_without_a_word(issuer):
    command = [sys.executable, "-m", "dpop_lab", "login", issuer, *CLIENT, "--no-browser"]
    with started(command) as process:
        while "Ctrl-C" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (130, "")


# ---- the port that the browser is led to


def test_what_else_comes_to_the_port_is_not_taken_for_an_answer(capfd):
    with Loopback() as loopback:
        port = urlsplit(loopback.redirect_uri).port
        silent = socket.create_connection(("127.0.0.1", port))  # as a browser opens beforehand
        for octets in (b"\x16\x03\x01", b"GET /\r\n\r\n", b"\0" * 70_000, b"GET /callback HTTP"):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(octets)

        def ask():
            base = loopback.redirect_uri
            for path in ("/favicon.ico", "/callback/x?state=s", "/<script>?state=s"):
                wrong = requests.get(urlsplit(base)._replace(path="").geturl() + path, timeout=10)
                assert wrong.status_code == 404 and "<script>" not in wrong.text
            for query in ("", "?code=x", f"?state={'s' * 20_000}"):
                assert requests.get(base + query, timeout=10).status_code == 404
            assert requests.post(f"{base}?state=s", timeout=10).status_code == 501
            requests.get(f"{base}?code=c&state=s", timeout=10)

        asking = threading.Thread(target=ask)
        asking.start()
        assert loopback.wait(30) == "/callback?code=c&state=s"
        asking.join()
        silent.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("uri", [
    "http://127.0.0.1.mallory.example/", "http://u@10.0.0.1:80/", "ftp://127.0.0.1/",
])  # fmt: skip
def test_no_answer_of_another_machine_is_waited_for(uri):
    with pytest.raises(LabError):
        Loopback(uri)
