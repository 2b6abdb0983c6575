"""Redirects: a new proof on the same origin, neither token nor proof on another."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from client_world import (
    API,
    KEY,
    World,
    answer,
    challenge,
    claims,
    issued,
    listening,
    token_of,
)

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.recorder import InProcessAdapter, record
from dpop_lab.wire.message import Request, Response

KINDS = [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]


def moved(status: int, location: str, **headers: str) -> Response:
    return answer(status, Location=location, **headers)


@pytest.mark.parametrize(("status", "method"), KINDS)
@pytest.mark.parametrize("location", ["/new?x=1", "https://API.example:443/new?x=1"])
def test_the_same_origin_gets_the_token_and_a_new_proof(
    status: int, method: str, location: str
) -> None:
    world = World(moved(status, location, DPoP_Nonce="n1"), answer(200, "fine"))
    world.session.mount("https://API.example:443", InProcessAdapter(world.api))
    response = world.post(data={"a": "1"})
    assert response.json() == "fine"
    first, second = world.api.claims
    assert (first["htm"], second["htm"]) == ("POST", method)
    assert second["htu"].lower().replace(":443", "") == "https://api.example/new"
    assert second["nonce"] == "n1"
    assert first["jti"] != second["jti"]
    assert token_of(world.api.requests[1]) == "DPoP token-1"
    assert world.api.requests[1].body == (b"a=1" if method == "POST" else b"")
    (redirect,) = response.history
    assert redirect.request.headers["DPoP"] == world.api.requests[0].lines("DPoP")[0]


def test_a_netrc_entry_of_the_host_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login me password hidden\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    world = World(moved(302, "/a"), challenge("n1"), moved(307, "/b"), answer())
    assert world.get().status_code == 200
    assert {token_of(request) for request in world.api.requests} == {"DPoP token-1"}
    other = World(moved(302, API), token_endpoint="https://other.example/token")
    world.session.mount("https://other.example", InProcessAdapter(other.api))
    world.get("https://other.example/")
    assert world.api.requests[-1].lines("DPoP") == ()


ENTRIES = ["default login me password hidden", "machine 127.0.0.1 login me password hidden"]
ROUTES = ["aa", "ab", "aba", "abc", "aab", "abb", "abab"]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("token_type", ["DPoP", "Bearer"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_a_netrc_file_holds_goes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str, token_type: str, entry: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(entry + "\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[tuple[str, Request]] = []

    def site(name: str) -> Any:
        def serve(request: Request) -> Response:
            seen.append((name, request))
            if request.path == "/token":
                return issued(1, token_type=token_type)
            hop = int(request.path[1:]) + 1
            return moved(307, f"{urls[route[hop]]}/{hop}") if hop < len(route) else answer()

        return serve

    with ExitStack() as stack:
        urls = {name: stack.enter_context(listening(site(name))) for name in sorted(set(route))}
        auth = DPoPAuth.client_credentials(
            key=KEY, client_id="me", token_endpoint=urls["a"] + "/token", accept_bearer=True
        )
        session = stack.enter_context(requests.Session())
        assert session.post(urls["a"] + "/0", data="x", auth=auth).status_code == 200
    (_, tokens), *hops = seen
    assert tokens.lines("Authorization") == ()
    assert "".join(name for name, _ in hops) == route
    ours = len(route) - len(route.lstrip("a"))  # as far as it stays on the origin
    for number, (_, request) in enumerate(hops):
        assert token_of(request) == (f"{token_type} token-1" if number < ours else None)
        assert len(request.lines("DPoP")) == (number < ours and token_type == "DPoP")


OTHERS = ["https://other.example/new", "http://api.example/new", "https://api.example:8443/new"]


@pytest.mark.parametrize(("status", "method"), KINDS)
@pytest.mark.parametrize("location", OTHERS)
def test_another_origin_gets_neither_token_nor_proof(
    status: int, method: str, location: str
) -> None:
    world = World(moved(status, location))
    other = World(answer(200, "elsewhere")).api
    world.session.mount(location, InProcessAdapter(other))
    assert world.post(data={"a": "1"}).json() == "elsewhere"
    (request,) = other.requests
    assert request.method == method
    assert request.lines("Authorization") == request.lines("DPoP") == ()
    assert world.auth.token is not None
    assert world.auth.token.value == "token-1"


def test_an_upgrade_to_https_gets_neither_token_nor_proof() -> None:
    world = World(answer(200, "secure"))
    plain = World(moved(301, "https://api.example/things")).api
    world.session.mount("http://api.example", InProcessAdapter(plain))
    assert world.get("http://api.example/things").json() == "secure"
    assert world.api.requests[0].lines("Authorization") == ()
    assert world.api.requests[0].lines("DPoP") == ()


def test_the_token_does_not_come_back_by_way_of_another_origin() -> None:
    world = World(moved(302, "https://other.example/"), answer())
    world.session.mount("https://other.example", InProcessAdapter(lambda _: moved(302, API)))
    world.get()
    assert world.api.requests[1].lines("Authorization") == ()
    assert world.api.requests[1].lines("DPoP") == ()


def test_a_redirect_that_is_not_followed_is_returned_and_its_next_request_is_ready() -> None:
    world = World(moved(307, "/new"), answer(200, "fine"))
    response = world.post(data="x", allow_redirects=False)
    assert response.status_code == 307
    assert len(world.api.requests) == 1
    assert response.request.headers["DPoP"] == world.api.requests[0].lines("DPoP")[0]
    assert response.next is not None
    assert world.session.send(response.next).json() == "fine"
    assert world.api.claims[1]["htu"] == "https://api.example/new"


def test_a_challenge_at_the_target_is_obeyed() -> None:
    world = World(moved(303, "/new"), challenge("n1"), answer(200, "fine"))
    assert world.post(data="x").json() == "fine"
    assert [one["htm"] for one in world.api.claims] == ["POST", "GET", "GET"]
    assert world.api.claims[2]["nonce"] == "n1"
    assert len({one["jti"] for one in world.api.claims}) == 3


def test_a_redirect_after_a_challenge_gets_a_new_proof() -> None:
    world = World(challenge("n1"), moved(302, "/new"), answer(200, "fine"))
    assert world.get().json() == "fine"
    assert [one.get("nonce") for one in world.api.claims] == [None, "n1", "n1"]
    assert world.api.claims[2]["htu"] == "https://api.example/new"


def test_a_redirect_after_a_renewal_carries_the_new_token() -> None:
    world = World(answer(401, WWW_Authenticate="DPoP"), moved(302, "/new"), answer())
    assert world.get().status_code == 200
    assert token_of(world.api.requests[2]) == "DPoP token-2"


def test_several_redirects_have_a_proof_each() -> None:
    world = World(moved(302, "a"), moved(307, "b/"), moved(308, "c"), answer())
    response = world.get("https://api.example/x/y")
    assert [one["htu"][19:] for one in world.api.claims] == ["/x/y", "/x/a", "/x/b/", "/x/b/c"]
    assert len(response.history) == 3


def test_a_loop_ends_as_requests_ends_it() -> None:
    world = World(moved(302, "/things"))
    with pytest.raises(requests.TooManyRedirects):
        world.get()
    assert len({one["jti"] for one in world.api.claims}) == 31


def test_an_empty_or_a_broken_location_harms_nobody() -> None:
    assert World(moved(302, "")).get().status_code == 302
    with pytest.raises((ValueError, requests.RequestException)):
        World(moved(302, "https://[broken")).get()


def test_a_redirect_of_the_token_endpoint_is_not_followed() -> None:
    world = World(tokens=[moved(307, "https://other.example/token", DPoP_Nonce="n1"), issued(1)])
    with pytest.raises(requests.RequestException):
        world.get()
    assert len(world.tokens.requests) == 1
    assert world.get().status_code == 200
    assert world.tokens.claims[1]["nonce"] == "n1"


def test_every_hop_is_in_the_session_log() -> None:
    world = World(challenge("n1"), moved(302, "/new"), answer())
    log = record(world.session)
    world.get()
    assert [one.status for one in log] == [200, 401, 302, 200]


@pytest.mark.parametrize(("status", "method"), KINDS)
def test_over_sockets_the_same_holds(status: int, method: str) -> None:
    seen: list[Request] = []

    def other(request: Request) -> Response:
        seen.append(request)
        return answer(200, "elsewhere")

    def site(request: Request) -> Response:
        seen.append(request)
        if request.path == "/token":
            return issued(1)
        targets: dict[str, Any] = {"/here": "/fine", "/there": there + "/fine"}
        return moved(status, targets[request.path]) if request.path in targets else answer()

    with listening(other) as there, listening(site) as here, requests.Session() as session:
        auth = DPoPAuth.client_credentials(
            key=KEY, client_id="me", token_endpoint=here + "/token", session=session
        )
        assert session.post(here + "/here", data="x", auth=auth).status_code == 200
        assert session.post(here + "/there", data="x", auth=auth).json() == "elsewhere"
    _, first, second, _, away = seen
    assert (claims(first)["htm"], claims(second)["htm"]) == ("POST", method)
    assert claims(second)["htu"] == here + "/fine"
    assert (away.lines("Authorization"), away.lines("DPoP")) == ((), ())
