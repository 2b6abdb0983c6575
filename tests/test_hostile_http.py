"""Whatever octets come to the port are answered or hung up on, and the next client is served."""

import http.client
import io
import json
import secrets
import select
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from urllib.parse import urlencode

import pytest
import requests

from dpop_lab import DUENDE, DPoPAuth, LabError, generate_key
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.sockets import PATIENCE, serve
from tests import builder
from tests.network import free_port
from tests.programs import run
from tests.world import API, CLIENT_KEY, FORM_TYPE, PLAIN_API, TOKEN, VICTIM

HOST = b"Host: twin.example\r\n"
FORM = urlencode(
    {"grant_type": "client_credentials", "client_id": "m2m.dpop", "client_secret": "secret"}
)


@pytest.fixture(scope="module")
def running():
    """One server for all these clients."""
    with serve(client_key=CLIENT_KEY) as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_is_printed_and_the_next_client_is_served(running, capfd, caplog):
    """After each test: an honest client is served, and the server is silent."""
    caplog.set_level("WARNING")  # what would be printed where no logging is set up
    yield
    assert flow(running) == 200
    out, err = capfd.readouterr()
    assert (out, err, caplog.get_records("call")) == ("", "", [])


def flow(running, connection=None):
    """A token and an API call by an honest client; the status of the last answer."""
    one = connection or http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)

    def proof(method, path, **more):
        said = {"htm": method, "htu": running.base_url + path, "iat": int(time.time())}
        return builder.proof(VICTIM, **said, jti=secrets.token_urlsafe(16), **more)

    one.request("POST", TOKEN, FORM, dict([FORM_TYPE, ("DPoP", proof("POST", TOKEN))]))
    answer = one.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    token = json.loads(body)["access_token"]
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof("GET", API, access_token=token)}
    one.request("GET", API, headers=headers)
    answer = one.getresponse()
    answer.read()
    if connection is None:
        one.close()
    return answer.status


class Client:
    """A client that says what it likes, octet by octet."""

    def __init__(self, running):
        self.socket = socket.create_connection(("127.0.0.1", running.port), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, octets):
        """Send octets."""
        self.socket.sendall(octets)

    def hear(self, method="GET"):
        """The next answer, whole."""
        answer = http.client.HTTPResponse(self.socket, method=method)
        answer.begin()
        answer.body = answer.read()
        return answer

    def rest(self):
        """All octets until the server hangs up; TimeoutError when it does not."""
        heard = b""
        while octets := self.socket.recv(65536):
            heard += octets
        return heard


def get(target=b"/", lines=b"", method=b"GET", version=b"HTTP/1.1", host=HOST):
    """The octets of a request without a body."""
    return b"%s %s %s\r\n%s%s\r\n" % (method, target, version, host, lines)


def post(lines, body=b"", **more):
    """The octets of a token request with these header lines and octets after them."""
    return get(TOKEN.encode(), lines, b"POST", **more) + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
HUNG_UP = {  # answered 400, or nothing, and hung up on
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "only line ends": b"\r\n\r\n\r\n",
    "one word": b"GET\r\n\r\n",
    "two words": b"GET /\r\n\r\n",
    "four words": get(b"/ /"),
    "two spaces": get(b" / "),
    "no version": get(version=b""),
    "a version to come": get(version=b"HTTP/9.9"),
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space in the method": get(method=b"GE T"),
    "a bracket in the method": get(method=b"GE(T"),
    "a method not in ASCII": get(method="GÉT".encode()),
    "a NUL in the target": get(b"/\0"),
    "a header without colon": get(lines=b"nonsense\r\n"),
    "a header without name": get(lines=b": value\r\n"),
    "a space before the colon": get(lines=b"A : b\r\n"),
    "a header over two lines": get(lines=b"A: b\r\n c\r\n"),
    "a continuation of nothing": get(lines=b" a: b\r\n", host=b""),
    "a NUL in a header": get(lines=b"A: b\0c\r\n"),
    "a bare CR in a header": get(lines=b"A: b\rDPoP: c\r\n"),
    "a header name not in ASCII": get(lines="É: b\r\n".encode()),
    "no Host": get(host=b""),
    "two Hosts": get(host=HOST + HOST),
    "two Hosts and a body": post(b"Content-Length: 1\r\nContent-Length: x\r\n", host=HOST + HOST),
    "two Content-Lengths": post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
    "a list of Content-Lengths": post(b"Content-Length: 3, 4\r\n", b"abcd"),
    "a Content-Length of text": post(b"Content-Length: three\r\n", b"abc"),
    "a negative Content-Length": post(b"Content-Length: -3\r\n", b"abc"),
    "a Content-Length with a plus": post(b"Content-Length: +3\r\n", b"abc"),
    "a Content-Length in hex": post(b"Content-Length: 0x3\r\n", b"abc"),
    "a Content-Length that is a digit elsewhere": post(b"Content-Length: \xb2\r\n", b"ab"),
    "a Content-Length of 30 digits": post(b"Content-Length: %s\r\n" % (b"9" * 30), b"abc"),
    "a Content-Length of 5000 digits": post(b"Content-Length: %s\r\n" % (b"9" * 5000), b"abc"),
    "both framings": post(b"Content-Length: 3\r\n" + CHUNKED, b"0\r\n\r\n"),
    "both framings, too large": post(b"Content-Length: 2000000\r\n" + CHUNKED, b"0\r\n\r\n"),
    "chunked twice": post(CHUNKED + CHUNKED, b"0\r\n\r\n"),
    "another coding": post(b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n"),
    "chunked among others": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "a chunk of garbage": post(CHUNKED, b"garbage\r\nabc\r\n0\r\n\r\n"),
    "a chunk of negative size": post(CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n"),
    "a chunk size with a plus": post(CHUNKED, b"+3\r\nabc\r\n0\r\n\r\n"),
    "a chunk size with an underscore": post(CHUNKED, b"1_0\r\nabc\r\n0\r\n\r\n"),
    "a chunk of no size": post(CHUNKED, b"\r\nabc\r\n0\r\n\r\n"),
    "a chunk of 16 exabytes": post(CHUNKED, b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "a chunk size of 5000 digits": post(CHUNKED, b"0" * 5000 + b"3\r\nabc\r\n0\r\n\r\n"),
    "a chunk longer than it says": post(CHUNKED, b"3\r\nabcXX0\r\n\r\n"),
}


@pytest.mark.parametrize("octets", HUNG_UP.values(), ids=HUNG_UP)
def test_what_is_no_http_is_refused_and_hung_up_on(running, octets):
    with Client(running) as client:
        client.say(octets)
        heard = client.rest()
    assert heard.count(b"HTTP/1.1 ") <= 1
    assert not heard or heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))


def test_a_client_that_speaks_tls_is_hung_up_on_at_once(running):
    start = time.monotonic()
    with Client(running) as client, pytest.raises(OSError):
        ssl._create_unverified_context().wrap_socket(client.socket)
    assert time.monotonic() - start < PATIENCE / 2


@pytest.mark.parametrize("octets", [b"\x16", b"\x16\x03\x01" + b"x" * 100_000])
def test_the_first_octet_of_tls_is_enough(running, octets):
    with Client(running) as client:
        with suppress(ConnectionError):
            client.say(octets)
            assert client.rest() == b""


def test_the_octet_of_tls_means_nothing_after_the_first(running):
    with Client(running) as client:
        client.say(b"POST %s HTTP/1.1\r\n%sContent-Length: 2\r\n\r\n" % (TOKEN.encode(), HOST))
        client.say(b"\x16\x03")
        assert client.hear().status == 400
        client.say(get(PLAIN_API.encode()))
        assert client.hear().status == 401


ANSWERED = {
    "a header value not in ASCII": (
        get(API.encode(), b"Authorization: DPoP \xc3\xa9\xff\r\n"),
        401,
    ),
    "a proof not in ASCII": (get(API.encode(), b"DPoP: \xff\xfe\r\n"), 401),
    "a target not in ASCII": (get("/é".encode()), 404),
    "bare line feeds": (get(PLAIN_API.encode()).replace(b"\r\n", b"\n"), 401),
    "an empty Host": (get(PLAIN_API.encode(), host=b"Host:\r\n"), 401),
    "an absolute target": (get(b"http://else.example/api/test?x=1"), 401),
    "an absolute target with https": (get(b"HTTPS://else.example/api/test"), 401),
    "an absolute target without a path": (get(b"http://else.example"), 404),
    "an absolute target that is no URL": (get(b"http://[else/api/test"), 401),
    "an absolute target of another scheme": (get(b"ftp://else.example/"), 404),
    "an authority for a target": (get(b"else.example:443", method=b"CONNECT"), 404),
    "an asterisk for a target": (get(b"*", method=b"OPTIONS"), 404),
    "dots in the target": (get(b"/../../../etc/passwd"), 404),
    "escapes that are none": (get(b"/%zz%ff%"), 404),
    "an invented method": (get(API.encode(), method=b"FROBNICATE"), 401),
    "a method in small letters": (get(API.encode(), method=b"get"), 401),
    "OPTIONS that is no preflight": (get(API.encode(), method=b"OPTIONS"), 401),
    "an upgrade": (get(PLAIN_API.encode(), b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), 401),
    "a GET with a body": (get(PLAIN_API.encode(), b"Content-Length: 3\r\n") + b"abc", 401),
    "the same Content-Length twice": (post(b"Content-Length: 3\r\n" * 2, b"abc"), 400),
    "a body in chunks": (post(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n"), 400),
    "a body of no known type": (post(b"Content-Length: 3\r\nContent-Type: \xff\r\n", b"abc"), 400),
    "a form of 5000 parameters": (
        post(b"Content-Type: %s\r\nContent-Length: 5000\r\n" % FORM_TYPE[1].encode(), b"&" * 5000),
        400,
    ),
    "an expectation of something else": (
        post(b"Expect: a miracle\r\nContent-Length: 3\r\n", b"abc"),
        400,
    ),
}


@pytest.mark.parametrize(("octets", "status"), ANSWERED.values(), ids=ANSWERED)
def test_unusual_requests_are_answered_and_the_connection_goes_on(running, octets, status):
    with Client(running) as client:
        for _ in range(2):
            client.say(octets)
            assert client.hear().status == status


TOO_LARGE = {
    "40 kB in one header": (get(lines=b"A: %s\r\n" % (b"a" * 40_000)), 431),
    "40 kB in a thousand headers": (get(lines=b"A: %s\r\n" % (b"a" * 36) * 1000), 431),
    "a target of 10 kB": (get(b"/" + b"a" * 10_000), 414),
    "a query of 10 kB": (get(API.encode() + b"?" + b"a" * 10_000), 414),
}


@pytest.mark.parametrize(("octets", "status"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_heads_that_are_too_large_are_told_so_and_hung_up_on(running, octets, status):
    with Client(running) as client:
        client.say(octets)
        heard = client.rest()
    assert heard.startswith(b"HTTP/1.1 %d " % status)
    assert heard.count(b"HTTP/1.1") == 1
    assert b"Connection: close\r\n" in heard


def test_heads_just_within_the_limits_are_served(running):
    with Client(running) as client:
        client.say(get(PLAIN_API.encode() + b"?" + b"a" * 8000, b"A: %s\r\n" % (b"a" * 30_000)))
        assert client.hear().status == 401


def chunks(size, count):
    """The octets of a body in so many chunks."""
    return b"%x\r\n%s\r\n" % (size, b"a" * size) * count + b"0\r\n\r\n"


BODIES = {
    "by its length": post(b"Content-Length: 2000000\r\n", b"a" * 2_000_000),
    "in chunks": post(CHUNKED, chunks(65536, 31)),
    "in very many chunks": post(CHUNKED, chunks(1000, 1100)),
}


@pytest.mark.parametrize("octets", BODIES.values(), ids=BODIES)
def test_a_body_that_is_too_large_gets_413_and_the_connection_goes_on(running, octets):
    with Client(running) as client:
        client.say(octets)
        assert client.hear().status == 413
        client.say(get(PLAIN_API.encode()))
        assert client.hear().status == 401


def test_a_too_large_head_before_a_body_is_answered_before_the_body_is_through(running):
    with Client(running) as client:
        client.say(post(b"Content-Length: 10\r\nA: %s\r\n" % (b"a" * 40_000)))
        assert client.hear().status == 431
        client.say(b"0123456789" + get(PLAIN_API.encode()))
        assert client.hear().status == 401


def test_who_asks_before_sending_too_much_is_told_not_to(running):
    with Client(running) as client:
        client.say(post(b"Expect: 100-continue\r\nContent-Length: 2000000\r\n"))
        heard = client.rest()
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert heard.count(b"HTTP/1.1") == 1


def test_who_asks_before_sending_little_is_told_to_go_on(running):
    with Client(running) as client:
        client.say(post(b"Expect: 100-continue\r\nContent-Length: 3\r\n"))
        assert client.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        client.say(b"abc")
        assert client.hear().status == 400


def test_a_body_of_one_megabyte_is_read(running):
    body = FORM.encode() + b"&x=" + b"a" * (1024 * 1024 - len(FORM) - 3)
    head = b"Content-Type: %s\r\nContent-Length: %d\r\n" % (FORM_TYPE[1].encode(), len(body))
    with Client(running) as client:
        client.say(post(head, body))
        answer = client.hear()
    assert answer.status == 400
    assert "DPoP header value" in json.loads(answer.body)["error_description"]


def test_a_flood_without_end_is_hung_up_on(running):
    with Client(running) as client, suppress(ConnectionError):  # and never a TimeoutError
        client.say(b"GET / HTTP/1.1\r\nA: ")
        for _ in range(32):
            client.say(b"a" * 1024 * 1024)
        assert client.rest() == b""


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHo",
        post(b"Content-Length: 10\r\n", b"abc"),
        post(CHUNKED, b"5\r\na"),
    ],
    ids=["nothing", "a letter", "half a head", "half a body", "half a chunk"],
)
def test_half_a_request_holds_nobody_up(running, octets):
    with Client(running) as slow, Client(running) as gone:
        gone.say(octets)
        gone.socket.close()
        slow.say(octets)
        assert flow(running) == 200
        slow.socket.shutdown(socket.SHUT_WR)
        assert slow.rest() == b""


@pytest.fixture(scope="module")
def impatient():
    """A server that waits a fifth of a second for a head, and as long for a body."""
    with serve(client_key=CLIENT_KEY, patience=0.2) as one:
        yield one


def dripped(client, drip):
    """What the server says to a client that goes on so for ever, until it hangs up."""
    heard = b""
    with suppress(ConnectionError):  # there are octets that it no longer reads
        while True:
            if not drip or select.select([client.socket], [], [], 0.005)[0]:
                octets = client.socket.recv(65536)  # and never a TimeoutError
                if not octets:
                    break
                heard += octets
            client.say(drip)
    return heard


ENDLESS = {  # what comes first, what then comes again and again, and the answer
    "nothing": (b"", b"a", None),
    "a head": (b"GET / HTTP/1.1\r\nA: ", b"a", None),
    "a body": (post(b"Content-Length: 1000000\r\n"), b"a", 408),
    "chunks": (post(CHUNKED), b"1\r\na\r\n", 408),
    "a chunk": (post(CHUNKED, b"fffff\r\na"), b"a", 408),
    "a body of a GET": (get(PLAIN_API.encode(), b"Content-Length: 1000000\r\n"), b"a", 408),
    "a body after too large a head": (
        post(b"Content-Length: 1000000\r\nA: %s\r\n" % (b"a" * 40_000)),
        b"a",
        431,
    ),
    "too large a body": (post(b"Content-Length: 90000000\r\n"), b"a", 413),
}


@pytest.mark.parametrize("drips", [False, True], ids=["nothing more", "octet by octet"])
@pytest.mark.parametrize(("octets", "drip", "status"), ENDLESS.values(), ids=ENDLESS)
def test_who_comes_to_no_end_is_hung_up_on(impatient, octets, drip, status, drips):
    for _ in range(5 if status else 1):  # a busy machine may be too late with a head
        with Client(impatient) as client:
            client.say(octets)
            heard = dripped(client, drip if drips else b"")
        if heard:
            break
    assert heard.count(b"HTTP/1.1 ") == (status is not None)
    assert status is None or heard.startswith(b"HTTP/1.1 %d " % status)
    assert status != 408 or b"\r\nConnection: close\r\n" in heard


OUT_OF_FILES = """
import logging, resource, socket, threading
from dpop_lab import generate_key, serve

attempts, complained = [], threading.Event()
logging.getLogger().addHandler(handler := logging.StreamHandler())
handler.addFilter(lambda record: complained.set() or True)
threading.setprofile(  # of the server's thread: how often it asks the system for a connection
    lambda frame, event, called: attempts.append(called)
    if event == "c_call" and called.__name__ == "_accept" else None
)
clients = [socket.socket() for _ in range(30)]
with serve(client_key=generate_key("ES256")) as running:
    with socket.socket() as next_one:
        limit = next_one.fileno() + 5
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    for one in clients:
        one.settimeout(60)
        one.connect(("127.0.0.1", running.port))
        one.sendall(b"GET /api/test HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    complained.wait(60)
    before = len(attempts)
    threading.Event().wait(0.7)
    print(len(attempts) - before)
    for one in clients[:20]:
        one.close()
    print({one.recv(12) for one in clients[20:]})
    for one in clients[20:]:
        one.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files are limited otherwise")
def test_without_a_file_to_spare_it_waits_and_goes_on():
    done = run([sys.executable, "-c", OUT_OF_FILES])
    tried, served = done.stdout.splitlines()
    assert served == "{b'HTTP/1.1 401'}"
    assert int(tried) < 5  # without a pause it would be hundreds
    assert done.stderr.count("\n") == 1 and "Too many open files" in done.stderr


def test_fifty_idle_connections_hold_nobody_up(running):
    clients = [Client(running) for _ in range(50)]
    try:
        assert flow(running) == 200
    finally:
        for client in clients:
            client.socket.close()


def test_a_client_that_leaves_before_its_answer_holds_nobody_up(running):
    for _ in range(20):
        with Client(running) as client:
            client.say(get(b"/.well-known/openid-configuration"))
    assert flow(running) == 200


def test_a_client_that_hangs_up_hard_holds_nobody_up(running):
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    for octets in (
        get(b"/.well-known/openid-configuration"),
        post(b"Content-Length: 99\r\n", b"a"),
    ):
        with Client(running) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.say(octets)


def test_a_request_may_come_octet_by_octet(running):
    with Client(running) as client:
        for octet in get(PLAIN_API.encode()):
            client.say(bytes([octet]))
        assert client.hear().status == 401


def test_pipelined_requests_are_answered_in_order(running):
    paths = [PLAIN_API, API, "/nothing", "/.well-known/openid-configuration", PLAIN_API]
    with Client(running) as client:
        client.say(b"".join(get(path.encode()) for path in paths[:-1]))
        client.say(get(paths[-1].encode(), b"Connection: close\r\n"))
        heard = io.BytesIO(client.rest())
    assert [status for status, _ in answers(heard)] == [401, 401, 404, 200, 401]


def answers(heard):
    """Each answer in the octets: status and body, by their Content-Length alone."""
    while line := heard.readline():
        headers = http.client.parse_headers(heard)
        yield int(line.split()[1]), heard.read(int(headers["Content-Length"]))


def test_one_connection_serves_many_requests(running):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.connect()
    before = connection.sock
    assert [flow(running, connection) for _ in range(3)] == [200, 200, 200]
    assert connection.sock is before
    connection.close()


def test_a_closing_client_is_hung_up_on(running):
    with Client(running) as client:
        client.say(get(PLAIN_API.encode(), b"Connection: close\r\n"))
        heard = client.rest()
    assert heard.startswith(b"HTTP/1.1 401 ") and b"\r\nConnection: close\r\n" in heard


def test_http_1_0_needs_no_host_and_is_hung_up_on(running):
    with Client(running) as client:
        client.say(get(PLAIN_API.encode(), version=b"HTTP/1.0", host=b""))
        assert client.rest().startswith(b"HTTP/1.1 401 ")


def test_http_1_0_may_keep_the_connection(running):
    octets = get(PLAIN_API.encode(), b"Connection: keep-alive\r\n", version=b"HTTP/1.0")
    with Client(running) as client:
        for _ in range(2):
            client.say(octets)
            assert client.hear().status == 401


@pytest.mark.parametrize(
    "path", [PLAIN_API, API, TOKEN, "/nothing", "/.well-known/openid-configuration"]
)
def test_head_is_answered_without_a_body(running, path):
    with Client(running) as client:
        client.say(get(path.encode(), method=b"HEAD"))
        assert client.hear("HEAD").status in (400, 401, 404, 405)
        client.say(get(PLAIN_API.encode()))
        assert client.hear().status == 401


def test_a_preflight_is_answered_with_204_and_no_body(running):
    asked = b"Origin: https://spa.example\r\nAccess-Control-Request-Method: GET\r\n"
    with Client(running) as client:
        client.say(get(API.encode(), asked, method=b"OPTIONS"))
        answer = client.hear("OPTIONS")
        assert (answer.status, answer.body) == (204, b"")
        assert answer.getheader("Content-Length") is None
        client.say(get(PLAIN_API.encode()))
        assert client.hear().status == 401


def test_header_lines_keep_the_case_they_were_written_in(running):
    with Client(running) as client:
        client.say(get(API.encode(), b"Connection: close\r\n"))
        heard = client.rest()
    assert b"\r\nWWW-Authenticate: DPoP\r\n" in heard
    assert b"\r\nX-REVISION: " in heard


def test_two_lines_of_a_header_stay_two(running):
    with Client(running) as client:
        client.say(
            post(
                b"Content-Type: %s\r\nContent-Length: %d\r\nDPoP: a\r\ndpop: b\r\n"
                % (FORM_TYPE[1].encode(), len(FORM)),
                FORM.encode(),
            )
        )
        assert "Too many" in json.loads(client.hear().body)["error_description"]


def test_a_proof_is_for_the_server_not_for_the_host_the_request_names(running):
    with Client(running) as client:
        client.say(get(b"/.well-known/openid-configuration", b"X-Forwarded-Host: else.example\r\n"))
        assert json.loads(client.hear().body)["issuer"] == running.base_url


# ---- beginning and ending ---------------------------------------------------------------------


def test_a_closed_server_leaves_no_thread_and_frees_its_port(running):
    before = set(threading.enumerate())
    for policy in (RFC_9449, RFC_9449):
        with serve(client_key=CLIENT_KEY, policy=policy) as other:
            assert flow(other) == 200
            assert flow(running) == 200
            port = other.port
            idle = Client(other)
        assert set(threading.enumerate()) == before
        assert idle.rest() == b""
        idle.socket.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        with serve(client_key=CLIENT_KEY, port=port) as again:
            assert again.port == port
            assert flow(again) == 200
        again.close()


def test_a_server_with_half_a_request_open_closes_all_the_same():
    with serve(client_key=CLIENT_KEY) as other:
        clients = [Client(other) for _ in range(3)]
        clients[0].say(b"GET / HT")
        clients[1].say(post(b"Content-Length: 10\r\n", b"abc"))
        assert flow(other) == 200
    assert not other._thread.is_alive()
    for client in clients:
        client.socket.close()


def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(running):
    before = set(threading.enumerate())
    with pytest.raises(OSError):
        serve(client_key=CLIENT_KEY, port=running.port)
    assert set(threading.enumerate()) == before


def served_at(host, **options):
    """A server at that host, where this machine has such an address."""
    try:
        return serve(client_key=CLIENT_KEY, host=host, **options)
    except OSError as error:
        pytest.skip(f"no {host} here: {error}")


@pytest.mark.parametrize("host", ["0.0.0.0", "", "0", "::", "0:0::0:0"])
def test_every_address_at_once_is_no_base_url(host):
    before = set(threading.enumerate())
    port = free_port()
    with pytest.raises(LabError) as caught:
        served_at(host, port=port)
    assert "base_url" in caught.value.wanted and caught.value.problem.endswith(
        ("'0.0.0.0'", "'::'")
    )
    assert f":{port}," in caught.value.advice
    assert set(threading.enumerate()) == before
    with serve(client_key=CLIENT_KEY, port=port) as other:  # the port was given back
        assert flow(other) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    "called", ["0.0.0.0", "0", "0x0", "0.0", "[::]", "[0:0::0]", "[::ffff:0:0]"]
)
def test_every_address_is_no_base_url_in_any_spelling(host, called):
    with pytest.raises(LabError) as caught:
        served_at(host, base_url=f"http://{called}:8080")
    assert "base_url" in caught.value.wanted


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("127.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("LocalHost", "localhost"),
        ("::1", "[::1]"),
        ("0:0::0:1", "[::1]"),
    ],
)
def test_the_base_url_is_the_host_as_clients_write_it(host, named):
    with served_at(host) as other:
        assert other.base_url == f"http://{named}:{other.port}"
        assert other.local
        issuer = requests.get(f"{other.base_url}/.well-known/openid-configuration", timeout=60)
        assert issuer.json()["issuer"] == other.base_url
        assert requests.get(f"{other.url}{API}", timeout=60).status_code == 401


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no second loopback address")
@pytest.mark.parametrize("policy", [DUENDE, RFC_9449], ids=["duende", "rfc9449"])
def test_at_every_address_a_client_follows_the_base_url_to_an_accepted_call(policy):
    port = free_port()
    base_url = f"http://127.0.0.2:{port}"
    with serve(
        client_key=CLIENT_KEY, host="0.0.0.0", port=port, base_url=base_url, policy=policy
    ) as other:
        assert (other.local, other.url) == (False, f"http://127.0.0.1:{port}")
        settings = {"client_id": "m2m.dpop", "client_secret": "secret", "issuer": base_url}
        auth = DPoPAuth.from_json({**settings, "scope": "api"}, key=generate_key("ES256"))
        assert requests.get(f"{base_url}{API}", auth=auth, timeout=60).status_code == 200
        assert requests.get(f"{other.url}{API}", auth=auth, timeout=60).status_code == 401


def test_a_base_url_of_its_own_says_what_htu_is_wanted():
    with serve(client_key=CLIENT_KEY, base_url="https://proxy.example/") as other:
        assert other.base_url == "https://proxy.example"
        assert other.url == f"http://127.0.0.1:{other.port}"
        assert flow(other) == 200
