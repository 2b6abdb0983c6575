"""Live without the internet: a proxy leads the demo's name to the twin, or one thing goes wrong."""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
import tracemalloc
import zlib
from contextlib import ExitStack, contextmanager
from functools import cache

import nbformat
import pytest
import requests
from urllib3.util import Timeout

from dpop_lab import Lab, LabError, SettingsError, TokenRefused, __version__, generate_key
from dpop_lab.cli import main
from dpop_lab.client.bounded import MOST
from dpop_lab.client.recorder import record
from dpop_lab.client.settings import MOST_METADATA
from dpop_lab.lab.live import Unreachable
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Response
from dpop_lab.wire.syntax import is_loopback
from tests import store
from tests.client_world import listening
from tests.network import Authority, dripping, page, proxy

HOST = "demo.duendesoftware.com"
TUNNEL = f"{HOST}:443"
OF_THE_NETWORK = re.compile(r".*_PROXY|.*CA_BUNDLE|SSL_CERT_.*|DPOP_LAB_.*", re.I)
PASSWORD = "Pa55word"


def portal(request):
    return Response(200, (("Content-Type", "text/html; charset=utf-8"),), b"<h1>Welcome</h1>")


def led_away(request):
    return Response(302, (("Location", "http://portal.example/login"),))


def sealed(request):
    return Response(511, (("Content-Type", "text/html"),), b"<h1>Welcome</h1>")


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    for name in filter(OF_THE_NETWORK.fullmatch, list(os.environ)):
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), HOST)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "ec.pem"
    path.write_text(generate_key("ES256").to_pem(), encoding="utf-8")
    return str(path)


class Demo:
    """The twin at the demo's name, and what it was asked."""

    def __init__(self):
        self.requests = []
        self._twin = Twin(BASE_URL)

    def __call__(self, request):
        self.requests.append(request)
        return self._twin(request)


def port(url):
    return int(url.rpartition(":")[2])


@contextmanager
def leading_to(server, tls):
    """A proxy that leads the demo's name to this server; the URL of the proxy, with a password."""
    with listening(server, tls) as url, proxy({TUNNEL: port(url)}) as running:
        yield running


@pytest.fixture
def demo(authority, monkeypatch):
    """The twin behind TLS at the demo's name, for all that is sent in this test."""
    served = Demo()
    with leading_to(served, authority.tls) as running:
        monkeypatch.setenv("HTTPS_PROXY", running.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
        served.proxy = running
        yield served


# ---- what works -------------------------------------------------------------------------------


def test_call_live_as_a_process_gets_the_answer_through_a_proxy(demo, key_file, tmp_path):
    log = tmp_path / "session.log"
    command = [sys.executable, "-m", "dpop_lab", "call", "--live", "--key", key_file]
    done = subprocess.run([*command, "--log", str(log)], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    claims = {pair["type"]: pair["value"] for pair in json.loads(done.stdout)}
    assert (claims["client_id"], claims["iss"]) == ("m2m.dpop", BASE_URL)
    assert {head[0].split()[1] for head in demo.proxy.asked} == {TUNNEL}
    assert [one.path for one in demo.requests] == ["/connect/token", "/api/dpop/test"]
    assert log.read_text(encoding="utf-8").count("---- Sending ") == 2


def test_a_live_lab_sends_what_is_asked_for_and_nothing_else(demo):
    with Lab(live=True) as lab:
        auth = lab.auth()
        assert (demo.requests, demo.proxy.asked) == ([], [])
        assert lab.session.get(lab.api, auth=auth).status_code == 200
        assert len(demo.requests) == 2
        assert lab.session.get(lab.api, auth=auth).status_code == 200
        assert len(demo.requests) == len(lab.log) == 3


def test_each_live_request_says_who_sends_it(demo, key_file):
    with Lab(live=True) as lab:
        lab.session.get(lab.api, auth=lab.auth())
    assert main(["call", "--live", "--key", key_file]) == 0
    agents = [one.lines("User-Agent") for one in demo.requests]
    assert agents == [(f"dpop-lab/{__version__}",)] * 4


def test_lesson_5_runs_live(demo):
    path = store.NOTEBOOKS / "05_protected_call.ipynb"
    notebook = nbformat.read(path, as_version=4)
    names = ("HTTPS_PROXY", "REQUESTS_CA_BUNDLE")
    environment = {name: os.environ[name] for name in names}
    environment |= {"DPOP_LAB_LIVE": "1", "CURL_CA_BUNDLE": environment["REQUESTS_CA_BUNDLE"]}
    ran = store.executed(notebook, path.parent, **environment)
    other = [
        cell.id
        for cell, stored in zip(ran.cells, notebook.cells, strict=True)
        if store.masked(shown(cell)) != store.masked(shown(stored))
    ]
    # which server it is, what the twin alone tells, the User-Agent, the URL for curl
    assert set(other) <= {"switch", "seen", "diagram", "log", "socket", "curl"}
    outputs = {cell.id: shown(cell) for cell in ran.cells}
    assert HOST in outputs["switch"] and outputs["seen"] == ""
    assert f"dpop-lab/{__version__}" in outputs["log"]
    curls = [one for one in demo.requests if "curl/" in "".join(one.lines("User-Agent"))]
    assert ("200" in outputs["curl"]) is bool(curls)
    assert len(demo.requests) >= 12


def shown(cell):
    """What a code cell printed and showed, as text."""
    outputs = cell.get("outputs", [])
    return "\n".join(one.get("text") or one["data"]["text/plain"] for one in outputs)


# ---- what goes wrong --------------------------------------------------------------------------

PLACES = ("/connect/token", "/api/dpop/test")


@cache
def one_twin():
    """A twin for all, made when it is first asked."""
    return Twin(BASE_URL)


def twin(request):
    """What the twin answers."""
    return one_twin()(request)


def instead_at(place, answer):
    """The demo, with another's answer at one place."""
    return lambda request: answer(request) if request.path == place else twin(request)


FAULTS = {  # what stands where the demo should, behind TLS or not; or what the proxy says
    "untrusted certificate": ({"server": twin, "trusted": False}, "REQUESTS_CA_BUNDLE="),
    "no such bundle": ({"server": twin, "bundle": "no/such.pem"}, "REQUESTS_CA_BUNDLE"),
    "proxy login": (
        {"says": page("407 Proxy Authentication Required", "Proxy-Authenticate: Basic")},
        "NAME:PASSWORD",
    ),
    "forbidden": ({"says": page("403 Forbidden")}, "NO_PROXY"),
    "portal at the proxy": ({"says": page("302 Found", "Location: http://p.example/")}, "browser"),
    "page at the proxy": ({"says": page("200 OK")}, "browser"),
    "no TLS": ({"server": portal, "tls": False}, "browser"),
    **{
        f"{name} at {place}": ({"server": instead_at(place, answer)}, "browser")
        for place in PLACES
        for name, answer in (("page", portal), ("redirect", led_away), ("511", sealed))
    },
    "silent proxy": ({}, "VPN"),
    "nobody": ({"closed": True}, "HTTPS_PROXY"),
}


@contextmanager
def gone_wrong(monkeypatch, authority, *, server=None, says=None, tls=True, **more):
    """The environment of a person to whom this happens."""
    with ExitStack() as stack:
        if server is not None:
            made = leading_to(server, authority.tls if tls else None)
        else:
            made = proxy(says=says)
        url = stack.enter_context(made).url
        if more.get("closed"):
            stack.close()
        if more.get("trusted", True):
            bundle = more.get("bundle", str(authority.bundle))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        monkeypatch.setenv("HTTPS_PROXY", url.replace("//", f"//me:{PASSWORD}@"))
        yield


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_live_is_the_same_one_sentence_in_command_and_lab(
    capsys, monkeypatch, authority, key_file, fault
):
    wrong, remedy = FAULTS[fault]
    timeout = 0.4 if fault == "silent proxy" else 60
    with gone_wrong(monkeypatch, authority, **wrong):
        arguments = ["call", "--live", "--timeout", str(timeout), "--key", key_file]
        assert main(arguments) == 3
        out, err = capsys.readouterr()
        with Lab(live=True, timeout=timeout) as lab, pytest.raises(Unreachable) as caught:
            lab.session.get(lab.api, auth=lab.auth())
    assert (out, err) == ("", f"dpop-lab: {caught.value}\n")
    assert isinstance(caught.value, LabError) and isinstance(caught.value, requests.ConnectionError)
    (sentence,) = caught.value._render_traceback_()
    for wanted in (HOST, remedy.rstrip("="), "Lab()", "--live"):
        assert wanted in sentence
    assert PASSWORD not in sentence + lab.log.text() + repr(caught.value)


@pytest.mark.parametrize(
    "content",
    ["", "none", generate_key("ES256").to_pem(), "cut off"],
    ids=["empty", "text", "a key", "cut off"],
)
def test_a_bundle_without_certificates_is_told_by_its_variable(
    monkeypatch, authority, tmp_path, content
):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(authority.bundle.read_text()[:99] if content == "cut off" else content)
    more = {"server": Twin(BASE_URL), "bundle": str(bundle)}
    with gone_wrong(monkeypatch, authority, **more), Lab(live=True) as lab:
        with pytest.raises(Unreachable) as caught:
            lab.session.get(lab.api)
    assert HOST in caught.value.problem
    assert caught.value.advice.startswith("Look at REQUESTS_CA_BUNDLE.")


def test_what_goes_wrong_in_a_process_is_one_line_too(monkeypatch, authority, key_file):
    with gone_wrong(monkeypatch, authority, server=Twin(BASE_URL), trusted=False):
        command = [sys.executable, "-m", "dpop_lab", "call", "--live", "--key", key_file]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert HOST in done.stderr and "REQUESTS_CA_BUNDLE" in done.stderr


def at_another(**more):
    """A lab with a client at a server that is not the demo."""
    given = {"client_id": "me", "client_secret": PASSWORD, "api": "https://api.invalid/"}
    return Lab(**({"timeout": 0.4} | given | more))


@pytest.mark.parametrize("url", ["https://as.invalid", "http://127.0.0.1:1", "https://[::1]:1"])
@pytest.mark.parametrize("member", ["issuer", "token_endpoint"])
def test_without_a_network_another_server_is_one_sentence_that_names_its_host(member, url):
    with at_another(**{member: url}) as lab, pytest.raises(Unreachable) as caught:
        lab.session.get(lab.api, auth=lab.auth())
    assert url.partition("//")[2] in str(caught.value)
    assert "Lab()" not in str(caught.value)


@pytest.mark.parametrize("status", ["200 OK", "407 Proxy Authentication Required"])
def test_over_plain_http_another_answer_is_told_from_the_servers_own(monkeypatch, status):
    with proxy(says=page(status)) as running:
        monkeypatch.setenv("HTTP_PROXY", running.url.replace("//", f"//me:{PASSWORD}@"))
        with at_another(token_endpoint="http://as.example/token") as lab:
            with pytest.raises(Unreachable) as caught:
                lab.session.get(lab.api, auth=lab.auth())
    assert "as.example" in str(caught.value) and PASSWORD not in str(caught.value)
    assert len(running.asked) == 1


def test_an_error_page_of_another_server_is_a_refusal_by_that_server():
    def missing(request):
        return Response(404, (("Content-Type", "text/html"),), b"<h1>Not here</h1>")

    with listening(missing) as url, at_another(token_endpoint=f"{url}/tokne") as lab:
        with pytest.raises(TokenRefused) as caught:
            lab.session.get(lab.api, auth=lab.auth())
    assert caught.value.response.status_code == 404


@pytest.mark.parametrize("ends", [True, False], ids=["breaks off", "stalls"])
def test_an_answer_that_does_not_come_whole_is_one_sentence(ends):
    half = page("200 OK").replace(b"text/html", b"text/plain")[:-3]
    with proxy(says=half, hangs=not ends) as running:
        with at_another(token_endpoint=f"{running.url}/token") as lab:
            with pytest.raises(Unreachable) as caught:
                lab.session.get(lab.api, auth=lab.auth())
    assert running.url.removeprefix("http://") in str(caught.value)


def test_of_metadata_no_more_is_read_than_a_document_may_have():
    long = Response(
        200, (("Content-Type", "application/json"),), b" " * (MOST_METADATA + 1) + b"{}"
    )
    answers = [long, Response(404)]
    with listening(lambda _: answers.pop(0)) as url, at_another(issuer=url, timeout=30) as lab:
        with pytest.raises(SettingsError) as caught:
            lab.auth()
        assert str(MOST_METADATA) in caught.value.found
        assert str(MOST_METADATA + 1) in lab.log[0].response_body


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DRIPS = {  # what is sent at once, what is sent for ever
    "status line": (b"", b"H"),
    "header": (OK + b"X: ", b"x"),
    "headers": (OK, b"X: x\r\n"),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"\r\n", b" "),
    "body of a refusal": (b"HTTP/1.1 401 Unauthorized\r\n\r\n", b" "),
    "body of a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b" "),
    "line of a chunk": (CHUNKED + b"1", b"0"),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X: x\r\n"),
    "gzip": (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0\0\0\xff\xff"),
}
BODIES = ["body", "line of a chunk", "chunks", "trailers", "gzip"]


def ask(place, url, timeout=0.2, **more):
    """An answer from this URL to a lab that takes it for its metadata, token endpoint or API."""
    endpoint = {"issuer": url} if place == "metadata" else {"token_endpoint": f"{url}/token"}
    with at_another(timeout=timeout, **endpoint) as lab:
        if place == "API":
            return lab.session.get(url, **more)
        return lab.session.get(lab.api, auth=lab.auth(), **more)


@pytest.mark.parametrize(
    ("place", "drips"),
    [
        *(("API", name) for name in DRIPS),
        *((place, name) for place in ("metadata", "token endpoint") for name in ("header", "body")),
    ],
)
def test_an_answer_that_drips_is_waited_for_no_longer_than_the_timeout(place, drips):
    with dripping(*DRIPS[drips]) as server, pytest.raises(Unreachable) as caught:
        ask(place, server.url)
    assert server.sent < 100  # as many take two seconds
    assert server.url.removeprefix("http://") in caught.value.problem
    assert " 0.2 s" in caught.value.problem


@pytest.mark.parametrize("drips", [name for name in DRIPS if name not in BODIES])
def test_of_a_stream_the_head_a_refusal_and_a_redirect_are_waited_for_no_longer(drips):
    with dripping(*DRIPS[drips]) as server, pytest.raises(Unreachable):
        ask("API", server.url, stream=True)
    assert server.sent < 100


@pytest.mark.parametrize(
    "timeout",
    [(20, 0.2), Timeout(None, 20, 0.2), Timeout(30, 20, 0.2)],
    ids=["pair", "read", "all"],
)
def test_of_several_seconds_those_that_were_waited_are_told(timeout):
    with dripping(*DRIPS["body"]) as server, at_another(token_endpoint=server.url) as lab:
        with pytest.raises(Unreachable) as caught:
            lab.session.get(server.url, timeout=timeout)
    assert " 0.2 s" in caught.value.problem


def test_of_seconds_in_all_those_are_told():
    with dripping(*DRIPS["body"]) as server, at_another(token_endpoint=server.url) as lab:
        with pytest.raises(Unreachable) as caught:
            lab.session.get(server.url, timeout=Timeout(total=0.2))
    assert " 0.2 s" in caught.value.problem


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_a_proxy_drips_is_waited_for_no_longer(monkeypatch, scheme):
    with dripping(*DRIPS["headers"]) as server, pytest.raises(Unreachable):
        monkeypatch.setenv(f"{scheme}_proxy".upper(), server.url)
        ask("token endpoint", f"{scheme}://as.example")
    assert server.sent < 100


ENDLESS = {"body": OK + b"\r\n", "refusal": b"HTTP/1.1 400 Bad Request\r\n\r\n"}


@pytest.mark.parametrize("head", ENDLESS)
@pytest.mark.parametrize("place", ["token endpoint", "API"])
def test_of_an_endless_answer_no_more_is_read_than_is_told(place, head):
    with dripping(ENDLESS[head], b" " * 65536, pause=0) as server:
        with pytest.raises(Unreachable) as caught:
            ask(place, server.url, timeout=20)
    most = MOST if place == "API" else MOST_METADATA
    assert f" {most} " in caught.value.problem
    assert server.sent * 65536 < most + 2 * MOST  # what the sockets hold is sent, but not read


def bomb(coding):
    """Four times as much of nothing as is read, encoded in few octets."""
    nothing = bytes(MOST // 10)
    if coding == "deflate":
        packer = zlib.compressobj(1)
        return b"".join(packer.compress(nothing) for _ in range(40)) + packer.flush()
    members = gzip.compress(nothing, 1) * 40
    return gzip.compress(members) if coding == "gzip, gzip" else members


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip", "br", "zstd"])
def test_a_bomb_takes_little_memory(coding):
    answer = Response(200, (("Content-Encoding", coding),), bomb(coding))
    with listening(lambda _: answer) as url:
        tracemalloc.start()
        try:
            with pytest.raises(Unreachable):
                ask("API", url, timeout=20)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3 * MOST


def test_an_answer_of_the_greatest_length_is_read():
    answer = Response(200, (("Content-Encoding", "gzip"),), gzip.compress(bytes(MOST), 1))
    with listening(lambda _: answer) as url:
        assert len(ask("API", url, timeout=20).content) == MOST


def test_a_stream_has_neither_bound():
    body = b"x" * (MOST + 1)
    head = OK + f"Content-Length: {len(body)}\r\n\r\n".encode()
    with proxy(says=head + body) as server, at_another(token_endpoint=server.url) as lab:
        answer = lab.session.get(server.url, stream=True, timeout=0.3)
        threading.Event().wait(0.35)
        assert sum(map(len, answer.iter_content(65536))) == len(body)


def test_a_connection_is_used_again_after_an_answer_that_was_read():
    def site(request):
        asked.append(request)
        return Response(404, (), b"x" * 100_000)

    asked = []
    with listening(site) as url, at_another(token_endpoint=f"{url}/token") as lab:
        for _ in range(3):
            assert len(lab.session.get(url).content) == 100_000
        pools = lab.session.get_adapter(url).inner.poolmanager.pools
        (pool,) = (pools.get(key) for key in pools.keys())
        assert (len(asked), pool.num_requests, pool.num_connections) == (3, 3, 1)


def test_only_this_machine_is_this_machine():
    here = ["http://localhost/", "http://127.0.0.1:8080/", "https://127.9.9.9", "http://[::1]/"]
    away = ["http://127.evil.example/", "http://localhost.example/", "http://10.0.0.1/", "http:///"]
    assert [*map(is_loopback, here + away)] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("location", ["http://[", "//x\x1b[2J", "/\ud800", ""])
def test_a_hostile_redirect_is_a_sentence_of_printable_text(location):
    def led(request):
        octets = location.encode("utf-8", "surrogatepass").decode("latin-1")
        return Response(302, (("Location", octets),))

    with listening(led) as url, at_another(token_endpoint=f"{url}/token") as lab:
        with pytest.raises(LabError) as caught:
            lab.session.get(lab.api, auth=lab.auth())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("mark", ["#", "/", "?", "\\", "@", " ", "\udcff", "é"])
@pytest.mark.parametrize("port", ["1", "99999", "x"])
def test_a_proxy_that_cannot_be_read_does_not_show_its_password(monkeypatch, mark, port):
    monkeypatch.setenv("HTTPS_PROXY", f"http://joe:{PASSWORD}{mark}x@127.0.0.1:{port}")
    with at_another(token_endpoint="https://as.example/token") as lab:
        with pytest.raises(Unreachable) as caught:
            lab.session.get(lab.api, auth=lab.auth())
    with requests.Session() as session, pytest.raises((requests.RequestException, ValueError)):
        log = record(session)
        session.get("https://as.example/")
    error = caught.value
    assert "HTTPS_PROXY" in str(error)
    assert PASSWORD not in lab.log.text() + log.text()
    while error is not None:
        assert PASSWORD not in str(error) + repr(error)
        error = error.__cause__ or error.__context__


def test_no_proxy_is_asked_for_this_machine(monkeypatch):
    with proxy() as running, listening(Twin(BASE_URL)) as url:
        monkeypatch.setenv("HTTP_PROXY", running.url)
        with at_another(token_endpoint=f"{url}/connect/token") as lab:
            assert lab.session.get(f"{url}/api/dpop/test").status_code == 401
    assert running.asked == []
