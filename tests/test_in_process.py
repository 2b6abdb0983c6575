"""The adapter that calls a server: what a requests user sees is what a socket would have shown."""

import datetime
import gzip
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from client_world import Script, listening
from urllib3 import HTTPHeaderDict

from dpop_lab.client.recorder import InProcessAdapter
from dpop_lab.errors import LabError
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.live import LiveAdapter, Unreachable
from dpop_lab.server.duende import DUENDE
from dpop_lab.wire.message import Request, Response

URL = "https://api.example/a/b?x=1&y=%20#fragment"


def mounted(*answers: Any) -> tuple[Script, requests.Session]:
    script, session = Script(*(answers or (Response(200),))), requests.Session()
    session.mount("https://api.example", InProcessAdapter(script))
    return script, session


def test_the_server_gets_method_target_headers_and_body() -> None:
    script, session = mounted()
    session.post(URL, data={"a": "1"}, headers={"X-One": "1"})
    (request,) = script.requests
    assert (request.method, request.target, request.body) == ("POST", "/a/b?x=1&y=%20", b"a=1")
    assert request.headers[0] == ("Host", "api.example")
    assert request.lines("Content-Length") == ("3",)
    assert request.lines("X-One") == ("1",)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example:443/", "api.example"),
        ("https://api.example:8443/", "api.example:8443"),
        ("https://api.example", "api.example"),
    ],
)
def test_host_names_the_port_only_when_it_is_not_the_default(url: str, expected: str) -> None:
    script, session = mounted()
    session.mount(url, InProcessAdapter(script))
    session.get(url)
    assert script.requests[0].lines("Host") == (expected,)
    session.get(url, headers={"host": "forged.example"})
    assert script.requests[1].lines("Host") == ("forged.example",)


def parts() -> Any:
    yield b"gene"
    yield "rätor"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, b""),
        (b"octets", b"octets"),
        ("tëxt", "tëxt".encode()),
        (io.BytesIO(b"file"), b"file"),
        (io.StringIO("text file"), b"text file"),
        (parts(), b"gener\xc3\xa4tor"),
        (bytearray(b"array"), b"array"),
    ],
)
def test_bodies_of_every_kind_are_read_whole(data: Any, expected: bytes) -> None:
    script, session = mounted()
    session.put(URL, data=data)
    assert script.requests[0].body == expected


def test_several_lines_of_one_name_reach_the_server() -> None:
    script, session = mounted()
    prepared = session.prepare_request(requests.Request("GET", URL))
    headers = HTTPHeaderDict(prepared.headers)
    headers.add("DPoP", "one")
    headers.add("DPoP", "two")
    prepared.headers = headers  # type: ignore[assignment]
    session.send(prepared)
    assert script.requests[0].lines("DPoP") == ("one", "two")


def test_the_response_is_a_whole_requests_response() -> None:
    lines = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("WWW-Authenticate", "DPoP"),
        ("WWW-Authenticate", "Bearer"),
    )
    _, session = mounted(Response(401, lines, "ä".encode()))
    response = session.get(URL)
    assert (response.status_code, response.reason, response.text) == (401, "Unauthorized", "ä")
    assert response.headers["www-authenticate"] == "DPoP, Bearer"
    assert response.raw.headers.getlist("WWW-Authenticate") == ["DPoP", "Bearer"]
    assert response.cookies.get_dict() == session.cookies.get_dict() == {"a": "1", "b": "2"}
    assert response.elapsed > datetime.timedelta(0)
    assert response.url == URL
    assert response.request.method == "GET"
    assert response.connection is session.get_adapter(URL)  # type: ignore[comparison-overlap]
    with pytest.raises(requests.HTTPError):
        response.raise_for_status()


def test_streams_encodings_and_chunks_work() -> None:
    lines = (("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"))
    _, session = mounted(Response(200, lines, gzip.compress(b"abcdef")))
    assert session.get(URL).content == b"abcdef"
    assert b"".join(session.get(URL, stream=True).iter_content(2)) == b"abcdef"
    _, session = mounted(Response(200, (), b"one\ntwo"))
    response = session.get(URL, stream=True)
    assert list(response.iter_lines()) == [b"one", b"two"]
    response.close()


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_responses_have_no_body(method: str, status: int) -> None:
    _, session = mounted(Response(status, (("Content-Length", "4"),), b"body"))
    response = session.request(method, URL)
    assert response.content == b""
    assert response.headers["Content-Length"] == "4"


def test_what_the_server_raises_is_not_caught() -> None:
    _, session = mounted(lambda request: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        session.get(URL)


def test_redirects_are_followed() -> None:
    script, session = mounted(Response(302, (("Location", "/new"),)), Response(200, (), b"new"))
    assert session.get(URL).text == "new"
    assert script.requests[1].target == "/new"


def test_a_socket_shows_the_same_as_the_adapter() -> None:
    def echo(request: Request) -> Response:
        shown = [(name, value) for name, value in request.headers if name != "Host"]
        body = repr((request.method, request.target, shown, request.body)).encode()
        return Response(200, (("X-A", "1"), ("X-A", "2")), body)

    _, session = mounted(echo)
    with listening(echo) as url, requests.Session() as other:
        for arguments in ({}, {"data": {"a": "ä"}}, {"json": [1]}, {"params": {"q": "a b"}}):
            here = session.post("https://api.example/x", **arguments)
            there = other.post(url + "/x", **arguments)
            assert here.text == there.text
            assert here.headers["X-A"] == there.headers["X-A"]


# ---- the live server, and what the twin saw ---------------------------------------------------


def test_no_answer_from_the_live_server_is_one_sentence_that_names_it():
    with Lab(live=True) as lab:
        lab.session.trust_env = False
        lab.session.proxies = {"https": "http://127.0.0.1:9"}  # nobody listens on discard
        with pytest.raises(requests.ConnectionError) as caught:
            lab.session.get(lab.api, auth=lab.auth())
        assert isinstance(caught.value, Unreachable)
        assert isinstance(caught.value, LabError)
        assert caught.value.request.url == lab.token_endpoint
        (shown,) = caught.value._render_traceback_()
        assert "demo.duendesoftware.com" in shown
        assert "\n" not in shown
        assert [one.status for one in lab.log] == [None]


@pytest.mark.parametrize(
    "settings",
    [
        {"proxies": {"https": "socks5://127.0.0.1:9"}},
        {"verify": "no/such/file.pem"},
        {"proxies": {"https": "http://127.0.0.1:no"}},
    ],
)
def test_settings_that_lead_nowhere_are_one_sentence_too(settings):
    with Lab(live=True) as lab:
        lab.session.trust_env = False
        for name, value in settings.items():
            setattr(lab.session, name, value)
        with pytest.raises(Unreachable):
            lab.session.post(lab.token_endpoint, data={})


class Portal(requests.adapters.HTTPAdapter):
    """Answers everything with its login page."""

    def send(self, request, *args, **kwargs):
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        response.raw = io.BytesIO(b"<h1>Welcome</h1>")
        return response


class LiveBehindPortal(LiveAdapter, Portal):
    """What the live session uses, in a hotel."""


def test_a_login_page_in_place_of_the_token_endpoint_is_one_sentence_too():
    with Lab(live=True) as lab:
        lab.session.mount(
            lab.base_url, LiveBehindPortal(json_only={lab.token_endpoint}, timeout=15)
        )
        with pytest.raises(Unreachable):
            lab.session.get(lab.api, auth=lab.auth())
        assert lab.session.get(lab.base_url).status_code == 200


@pytest.mark.parametrize("carrier", ["in process", "socket"])
def test_the_log_has_the_reports_of_the_twin_with_either_carrier(carrier):
    with Lab(carrier=carrier) as lab:
        lab.session.get(lab.api, auth=lab.auth())
        lab.session.get(lab.base_url)
        token, call, other = lab.log
    places = [[report.profile for report in one.reports] for one in (token, call, other)]
    bound = DUENDE.bound.name
    assert places == [[DUENDE.token.name], [bound, DUENDE.api.name], []]
    assert all(report.accepted for one in (token, call) for report in one.reports)


def test_with_eight_threads_each_exchange_has_its_own_reports():
    with Lab(carrier="socket") as lab, ThreadPoolExecutor(8) as pool:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)

        def call(number):
            headers = {"DPoP": f"proof-{number}"} if number % 2 else None
            return lab.session.get(f"{lab.api}?{number}", auth=None if headers else auth,
                                   headers=headers)  # fmt: skip

        list(pool.map(call, range(40)))
        for one in list(lab.log)[2:]:
            said = one.reports[-1].accepted
            assert said is (one.status == 200) and len(one.reports) == 2


def test_what_the_lab_sends_does_not_depend_on_what_else_is_installed():
    with Lab() as lab:
        lab.session.get(lab.api, auth=lab.auth())
        for exchange in lab.log:
            headers = dict(exchange.request_headers)
            assert (headers["User-Agent"], headers["Accept-Encoding"]) == (
                "dpop-lab",
                "gzip, deflate",
            )


def test_reports_on_what_another_client_sent_before_are_not_taken_for_ones_own():
    with Lab(carrier="socket") as lab:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)
        headers = dict(lab.session.get(lab.api, auth=auth).request.headers)
        lab.clock.advance(1000)
        assert requests.get(lab.api, headers=headers).status_code == 401
        lab.clock.advance(-1000)
        assert lab.session.get(lab.api, headers=headers).status_code == 401
        assert lab.log[-1].reports[-1].failure.check.name == "unused"
