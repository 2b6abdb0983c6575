"""`dpop-lab serve --explain`: every request is told, why it was refused, and never a secret."""

import base64
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from dpop_lab import RFC_9449
from dpop_lab.doctor.explain.explainer import FEED, Explainer
from dpop_lab.doctor.explain.room import KEPT
from dpop_lab.doctor.explain.telling import Entry
from dpop_lab.server.sockets import serve
from tests import builder
from tests.programs import SECONDS, started
from tests.test_launcher import wheel
from tests.world import API, CLIENT_KEY, FORM_TYPE, TOKEN, VICTIM

POSIX = os.name == "posix"
FORM = {"grant_type": "client_credentials", "client_id": "m2m.dpop", "client_secret": "secret"}
SECRET = "kept-to-myself-4711"
DISCOVERY = "/.well-known/openid-configuration"
HOSTILE = "<img src=x onerror=alert(1)></pre></li><script>alert(2)</script>\x1b[2J\u202e"
VOID = {"meta", "link", "input", "br"}


class Explained:
    """A server that explains, in this process, with the entries it told."""

    def __init__(self, running, told):
        self.running, self.told = running, told

    def send(self, method, path, headers=(), body=None):
        """One request, with its header lines as they are; the answer and its body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=20)) as one:
            named = [name.lower() for name, _ in headers]
            one.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
            for name, value in headers:
                one.putheader(name, value)
            if body is not None:
                one.putheader("Content-Length", str(len(body)))
            one.endheaders(body)
            answer = one.getresponse()
            return answer, answer.read().decode()

    def ask(self, *proofs, **form):
        """A token request with these proofs."""
        lines = [FORM_TYPE, *(("DPoP", proof) for proof in proofs)]
        return self.send("POST", TOKEN, lines, urlencode({**FORM, **form}).encode())

    def proof(self, **variations):
        """A right proof for the token endpoint, but for the variations."""
        said = {"htm": "POST", "htu": self.running.base_url + TOKEN, "iat": int(time.time())}
        return builder.proof(VICTIM, **{**said, "jti": os.urandom(9).hex(), **variations})

    def last(self, number=1):
        """The entry of the last request, once there are so many."""
        deadline = time.monotonic() + 60
        while len(self.told) < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.told[-1]

    def feed(self, query=""):
        """What the page is given."""
        return json.loads(self.send("GET", FEED + query)[1])

    def page(self):
        """The page as it is loaded."""
        return self.send("GET", "/")[1]


@contextmanager
def explaining(**options):
    """A server that explains, until the end."""
    told = []
    front = lambda twin: Explainer(twin, told.append)  # noqa: E731
    with serve(client_key=CLIENT_KEY, every_row=True, front=front, **options) as running:
        yield Explained(running, told)


@pytest.fixture
def server():
    """A server that explains, new for each test."""
    with explaining() as one:
        yield one


@contextmanager
def command(*arguments):
    """`dpop-lab serve --explain` as a process, and the URL of its first line."""
    line = [sys.executable, "-m", "dpop_lab", "serve", "--explain", *arguments]
    with started(line) as process:
        yield process, process.stdout.readline().strip()


class Tags(HTMLParser):
    """Every tag and attribute of an HTML text, and whether they are nested well."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]
        self.open += [tag] * (tag not in VOID)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def why(entry):
    """Why a request was refused, by name."""
    return dict(entry.why)


@pytest.mark.parametrize("path", [DISCOVERY, f"{DISCOVERY}/jwks"])
def test_metadata_are_answered_and_not_accepted(server, path):
    assert server.send("GET", path)[0].status == 200
    assert server.last().verdict == f"GET {path}: answered, 200"


# ---- what is told ----------------------------------------------------------------------------


def test_a_refused_request_is_told_with_its_first_failed_row(server):
    server.ask(server.proof(htm="GET"))
    entry = server.last()
    assert (entry.number, entry.refused, entry.mark) == (1, True, "refused")
    assert why(entry)["row"].startswith("htm, RFC 9449 §4.3 (8)")
    assert (why(entry)["wanted"], why(entry)["found"]) == ("'POST'", "'GET'")
    assert why(entry)["change"]
    assert "m2m.dpop" in entry.who
    assert f"key {builder.thumbprint(builder.public_jwk(VICTIM))[:8]}" in entry.who
    (report,) = entry.reports
    assert report["unused"].mark == "passed"  # all rows were asked, also those after the failure


def test_an_accepted_request_is_told_in_a_single_line(server):
    answer, _ = server.ask(server.proof())
    entry = server.last()
    assert answer.status == 200
    assert (entry.refused, entry.mark, entry.why) == (False, "accepted", ())
    assert re.fullmatch(r"\d\d:\d\d:\d\d ✓ [^\n]*\bPOST /connect/token\b[^\n]*", repr(entry))


def no_host(server):
    with socket.create_connection(("127.0.0.1", server.running.port), timeout=20) as one:
        one.sendall(b"GET /api/test HTTP/1.1\r\nConnection: close\r\n\r\n")
        one.recv(1000)


REFUSED_BEFORE = {
    404: lambda one: one.send("POST", "/oauth/token", [FORM_TYPE], b"a=b"),
    405: lambda one: one.send("POST", DISCOVERY, body=b""),
    413: lambda one: one.send("POST", TOKEN, [FORM_TYPE], b"x" * 1_100_000),
    414: lambda one: one.send("GET", "/" + "x" * 9000),
    431: lambda one: one.send("GET", API, [("X", "y" * 20_000), ("Y", "y" * 20_000)]),
    400: no_host,
}


@pytest.mark.parametrize("status", REFUSED_BEFORE)
def test_what_no_server_got_to_see_is_told_too(server, status):
    REFUSED_BEFORE[status](server)
    entry = server.last()
    assert (entry.refused, entry.reports) == (True, ())
    assert str(status) in entry.answer.partition("\n")[0]
    assert why(entry)["change"]


def test_who_sends_less_than_it_says_is_told_so():
    with explaining(patience=1) as server:
        address = ("127.0.0.1", server.running.port)
        with socket.create_connection(address, timeout=60) as one:
            one.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\n" % TOKEN.encode())
            one.sendall(b"Content-Length: 99\r\n\r\nabc")
            assert one.recv(1000).startswith(b"HTTP/1.1 408 ")
        entry = server.last()
        assert (entry.refused, entry.reports) == (True, ())
        assert "Content-Length" in why(entry)["change"]


def test_a_client_that_speaks_tls_is_told_to_speak_http(server):
    with socket.create_connection(("127.0.0.1", server.running.port), timeout=20) as one:
        one.sendall(b"\x16\x03\x01\x02\x00")
        assert one.recv(1000) == b""
    entry = server.last()
    assert (entry.number, entry.refused, entry.reports) == (1, True, ())
    assert server.running.url in why(entry)["change"]
    (shown,) = server.feed()["entries"]
    assert server.running.url in shown["html"] and "curl" not in shown["html"]
    server.send("GET", API)
    assert server.last(2).number == 2


def test_whoever_uses_a_wrong_path_is_told_the_right_ones(server):
    server.send("POST", "/oauth/token", [FORM_TYPE], b"a=b")
    told = why(server.last())["change"]
    assert all(f"{server.running.base_url}{path}" in told for path in (TOKEN, API, DISCOVERY))


def test_an_answer_is_the_same_whether_it_is_explained_or_not(server):
    for policy in ({}, {"policy": RFC_9449}):
        with explaining(**policy) as with_it, serve(client_key=CLIENT_KEY, **policy) as alone:
            for method, path in (("POST", TOKEN), ("GET", API), ("GET", "/x"), ("PUT", DISCOVERY)):
                lines = [("Origin", "https://other.example")]
                one, text = with_it.send(method, path, lines)
                two, same = Explained(alone, []).send(method, path, lines)
                assert (one.status, text) == (two.status, same)
                assert [name for name, _ in one.getheaders()] == [n for n, _ in two.getheaders()]


def test_a_demanded_nonce_at_the_api_is_demanded_with_a_front_too():
    with explaining(api_nonce=True) as server:
        token = json.loads(server.ask(server.proof())[1])["access_token"]
        htu = server.running.base_url + API
        proof = server.proof(htm="GET", htu=htu, access_token=token)
        answer, _ = server.send("GET", API, [("Authorization", f"DPoP {token}"), ("DPoP", proof)])
        assert "use_dpop_nonce" in answer.headers["WWW-Authenticate"]
        assert why(server.last(2))["row"].startswith("nonce")


def test_many_clients_at_once_are_told_one_by_one(server):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.ask(server.proof())[0].status, range(80)))
    server.last(80)
    assert answers == [200] * 80
    assert [entry.number for entry in server.told] == [*range(1, 81)]
    assert not [entry for entry in server.told if entry.refused]


def test_a_client_gets_its_answer_even_where_telling_fails(caplog):
    def fails(entry):
        raise RuntimeError(entry.number)

    with serve(client_key=CLIENT_KEY, front=lambda twin: Explainer(twin, fails)) as running:
        for _ in range(2):
            assert Explained(running, []).send("GET", API)[0].status == 401
    assert "RuntimeError" in caplog.text


# ---- no secret, nothing hostile --------------------------------------------------------------


def everything(server):
    """All that is told anywhere, as one text."""
    parts = [json.dumps(server.feed()), server.page()]
    for one in server.told:
        parts += [repr(one), one.request, one.answer, one.curl, repr(one.decoded)]
    return "\n".join(parts)


def test_no_secret_is_told(server):
    key = builder.private_jwk(VICTIM)
    _, body = server.ask(server.proof())
    token = json.loads(body)["access_token"]
    proof = server.proof(htm="GET", htu=server.running.base_url + API, access_token=token)
    server.send("GET", API, [("Authorization", f"DPoP {token}"), ("DPoP", proof)])
    server.send("GET", f"{API}/{token}?access_token={token}")
    server.ask(server.proof(), client_secret=SECRET)
    basic = base64.b64encode(f"m2m.dpop:{SECRET}".encode()).decode()
    server.send("POST", TOKEN, [FORM_TYPE, ("Authorization", f"Basic {basic}")], b"a=b")
    private = server.proof(jwk=key)
    server.ask(private)
    server.ask(server.proof(jti=token))
    server.last(7)
    text = everything(server)
    secrets = [token[:60], token[-60:], proof, private, SECRET, basic, key["d"]]
    assert [one for one in secrets if one in text] == []
    assert "&lt;access_token 1&gt;" in text


def test_what_a_client_wrote_is_shown_as_text_and_nothing_else(server):
    server.ask(server.proof(jti=HOSTILE, htu=HOSTILE), client_id=HOSTILE)
    server.ask(HOSTILE.encode("ascii", "ignore").decode().replace("\x1b", "\xe9"))
    server.send("GET", "/%3Cscript%3E'\"<b>", [("X", "<b>")])
    server.last(3)
    for entry in server.told:
        assert repr(entry).replace("\n", "").isprintable()
    for html in [server.page(), *(one["html"] for one in server.feed()["entries"])]:
        tags = Tags(html)
        assert tags.tags.count("script") == ("<!doctype" in html)
        assert not {"img", "b", "iframe"} & {*tags.tags}
        assert tags.tags.count("a") == 2 * ("<!doctype" in html)  # everyone, and the one client
        assert not [name for name in tags.attributes if name.startswith(("on", "style", "src"))]
        assert "\x1b" not in html
        assert "\u202e" not in html
    assert any("onerror=alert(1)" in text for text in Tags(server.page()).text)


def test_everything_is_cut_and_the_oldest_entries_go(server):
    long = "<&'" * 2000
    server.ask(server.proof(jti=long, htu=long), scope=long)
    assert max(map(len, map(repr, server.last().why))) < 400
    assert max(len(one["html"]) for one in server.feed()["entries"]) < 150_000
    with closing(http.client.HTTPConnection("127.0.0.1", server.running.port)) as one:
        for _ in range(KEPT + 20):
            one.request("GET", API)
            one.getresponse().read()
    server.last(KEPT + 21)
    feed = server.feed()
    assert (len(feed["entries"]), feed["newest"]) == (KEPT, KEPT + 21)
    assert Tags(server.page()).tags.count("article") == KEPT


ODD = [
    {"jwk": {"kty": "EC", "crv": "P-256", "x": "\ud800", "y": "a"}},
    {"header": {"jwk": [1], "typ": {"a": 1}, "alg": [10**400]}},
    {"jwk": {"kty": ["EC"], "crv": {}, "x": 1, "y": None, "d": {"d": "d"}}},
    {"iat": 1e308},
    {"iat": 10**400},
    {"iat": -(10**11)},
    {"iat": "soon"},
    {"htu": "http://[::1"},
    {"htu": ["http://a"]},
    {"htu": "http://a:99999999/"},
    {"htm": {"a": ["b"] * 50}},
    {"jti": "\ud800"},
    {"claims": {str(number): number for number in range(200)}},
]


@pytest.mark.parametrize("variations", ODD, ids=lambda one: repr(one)[:40])
def test_odd_proofs_are_told_like_any_other(server, caplog, variations):
    assert server.ask(server.proof(**variations))[0].status in (200, 400)
    assert server.last().number == 1
    Tags(server.page())
    assert caplog.records == []


# ---- the page --------------------------------------------------------------------------------


def test_the_page_runs_its_own_script_alone_and_no_other_origin_reads_it(server):
    answer, page = server.send("GET", "/", [("Origin", "https://other.example")])
    rules = dict(
        rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";")
    )
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{hashed}'"
    assert (rules["default-src"], rules["connect-src"]) == ("'none'", "'self'")
    assert not re.search(r"(?:src|href|action)=\"(?!data:,|\\?)", page)
    feed, _ = server.send("GET", FEED, [("Origin", "https://other.example")])
    for one in (answer, feed):
        assert not [name for name in one.headers if name.lower().startswith("access-control")]
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in one.headers
    assert feed.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/", FEED])
def test_the_page_is_not_given_under_a_foreign_name(server, path):
    port = server.running.port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "[::1",
        "127.0.0.1.evil.example",
        "",
        "localhost@e",
    ):
        answer, text = server.send("GET", path, [("Host", host)])
        assert (answer.status, "<" in text) == (421, False), host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", "[::1]:1", "192.0.2.7"):
        assert server.send("GET", path, [("Host", host)])[0].status == 200, host


def test_the_page_is_given_under_the_name_in_its_base_url():
    with explaining(base_url="https://lab.example/twin") as server:
        assert server.send("GET", "/", [("Host", "Lab.Example")])[0].status == 200


@pytest.mark.parametrize("options", [{}, {"base_url": "https://lab.example"}])
def test_the_page_is_given_at_the_url_that_is_printed_for_a_host_with_a_name(options):
    with explaining(host="localhost", **options) as server:
        for url in (server.running.url, server.running.base_url):
            host = ("Host", url.partition("//")[2])
            assert server.send("GET", "/", [host])[0].status == 200


@pytest.mark.parametrize(
    ("host", "base_url", "used"),
    [
        ("localhost", None, "http://localhost:{}"),
        ("localhost", "https://lab.example", "http://127.0.0.1:{}"),
        ("0.0.0.0", "https://lab.example", "https://lab.example"),  # to others 127.0.0.1 is no help
    ],
)
def test_who_spoke_tls_is_told_the_url_to_use(host, base_url, used):
    with explaining(host=host, base_url=base_url) as server:
        address = ("127.0.0.1", server.running.port)
        with socket.create_connection(address, timeout=60) as one:
            one.sendall(b"\x16\x03\x01\x02\x00")
            assert one.recv(1000) == b""
        assert used.format(server.running.port) in why(server.last())["change"]


def test_the_page_takes_no_other_method_and_is_not_listed_itself(server):
    for method in ("POST", "OPTIONS", "DELETE"):
        answer, _ = server.send(method, "/", [("Origin", "https://x.example")], b"")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    answer, text = server.send("HEAD", "/")
    assert (answer.status, text) == (200, "")
    server.send("GET", "/favicon.ico")
    server.page()
    assert (server.feed()["entries"], server.told) == ([], [])


def test_the_feed_gives_what_is_new_and_after_another_run_everything(server):
    for path in ("/one", "/two", "/three"):
        server.send("GET", path)
    server.last(3)
    feed = server.feed()
    same = f"&run={feed['run']}"
    paths = [re.search(r"/\w+", one["said"])[0] for one in feed["entries"]]
    assert (feed["newest"], paths) == (3, ["/one", "/two", "/three"])
    assert len(server.feed(f"?n=2{same}")["entries"]) == 1
    assert len(server.feed(f"?n=3{same}")["entries"]) == 0
    assert len(server.feed("?n=3&run=other")["entries"]) == 3
    for odd in ("-1", "1e3", "9" * 5000, "%D9%A3", "", "%00", "<b>"):
        assert len(server.feed(f"?n={odd}{same}")["entries"]) == 3


def test_without_javascript_the_page_has_all_entries_the_newest_first(server):
    server.send("GET", "/one")
    server.send("GET", "/two")
    server.last(2)
    page = server.page()
    assert 0 < page.index("GET /two") < page.index("GET /one")
    assert "reload it" in page


def test_an_empty_page_says_where_to_point_a_client(server):
    page = server.page()
    assert re.search(r'<details id="start" open>', page)
    assert f"curl --include {server.running.base_url}{API}" in page


def test_without_a_front_there_is_nothing_at_the_root():
    with serve(client_key=CLIENT_KEY) as running:
        for path in ("/", FEED):
            assert Explained(running, []).send("GET", path)[0].status == 404


def test_a_wheel_has_the_page(tmp_path):
    with wheel("standard", tmp_path) as file:
        names = set(file.namelist())
    assert {f"dpop_lab/doctor/explain/page.{kind}" for kind in ("html", "css", "js")} <= names


# ---- the command -----------------------------------------------------------------------------


def test_the_command_prints_its_first_lines_then_each_request_at_once():
    with command() as (process, base_url):
        assert process.stdout.readline() == "ready\n"
        named = process.stdout.readline().partition(": ")[2].strip()
        assert Path(named).exists()
        assert process.stdout.readline().endswith(f"{base_url}/\n")
        assert f"{base_url}/#trainer=" in process.stdout.readline()
        port = int(base_url.rpartition(":")[2])
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as one:
            for path in ("/one", "/two"):
                one.request("GET", path)
                one.getresponse().read()
                told = process.stdout.readline()
                assert re.match(rf"\d\d:\d\d:\d\d ✗ .*GET {path}\b", told)
                assert process.stdout.readline().startswith("           change  ")
            if POSIX:  # with the connection still open
                process.send_signal(signal.SIGINT)
                assert process.wait(timeout=SECONDS) == 0
                assert process.stderr.read() == ""
                assert not Path(named).exists()


def test_no_client_waits_for_a_terminal_that_does_not_print():
    with command() as (process, base_url):
        port = int(base_url.rpartition(":")[2])
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as one:
            for _ in range(1500):  # more than a pipe and the queue hold
                one.request("GET", "/x")
                assert one.getresponse().read() == b""
            for _ in range(3):
                process.stdout.readline()
            numbers = 0
            while numbers < 700:
                numbers += process.stdout.readline().startswith(" ")


def test_an_entry_shows_nothing_in_its_repr_that_moves_a_cursor():
    texts = {
        name: "a\x1b[2J\r\nb\t\u202e"
        for name in ("verdict", "name", "client", "key", "request", "answer", "curl")
    }
    entry = Entry(
        number=1, time=0.0, refused=True, why=(("found", "\x07\nc"),), reports=(), decoded=(),
        **texts,
    )  # fmt: skip
    assert all(line.isprintable() for line in repr(entry).split("\n"))
    assert repr(entry).count("\n") == 1
