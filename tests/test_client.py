"""DPoPAuth on a requests session: tokens, proofs, nonces, what is obeyed and what is returned."""

import io
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import requests
from client_world import (
    API,
    KEY,
    NOW,
    SECRET,
    TOKEN_ENDPOINT,
    Script,
    World,
    answer,
    challenge,
    issued,
    listening,
    token_of,
)
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.bounded import MOST, BoundedAdapter
from dpop_lab.client.recorder import InProcessAdapter, record
from dpop_lab.client.sending_again import ORIGINS, Nonces
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError, SettingsError
from dpop_lab.jose.jws import verify
from dpop_lab.jose.keys import public_jwk
from dpop_lab.proof import access_token_hash, read_proof
from dpop_lab.wire.message import Request, Response

BARE = answer(401, WWW_Authenticate="DPoP")
INVALID = answer(401, WWW_Authenticate='DPoP error="invalid_token"')


def test_the_first_request_fetches_a_token_and_later_ones_reuse_it() -> None:
    world = World()
    assert [world.get().status_code for _ in range(3)] == [200, 200, 200]
    assert len(world.tokens.requests) == 1
    assert {token_of(request) for request in world.api.requests} == {"DPoP token-1"}
    assert world.tokens.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["me"],
            "client_secret": [SECRET],
            "scope": ["api"],
        }
    ]


def test_every_request_has_a_proof_of_its_own_for_its_method_and_url() -> None:
    world = World()
    world.get(API + "?page=2#top")
    world.post(json={})
    world.session.request("purge", API, auth=world.auth)
    first, second, third = world.api.claims
    assert (first["htm"], first["htu"]) == ("GET", API)
    assert (second["htm"], third["htm"]) == ("POST", "PURGE")
    assert len({first["jti"], second["jti"], third["jti"]}) == 3
    assert first["ath"] == access_token_hash("token-1")
    assert first["iat"] == NOW
    assert "ath" not in world.tokens.claims[0]
    assert world.tokens.claims[0]["htu"] == TOKEN_ENDPOINT


def test_the_proof_verifies_with_the_key_in_its_header() -> None:
    world = World()
    world.get()
    proof = read_proof(world.api.requests[0].lines("DPoP")[0])
    assert proof.header["jwk"] == public_jwk(KEY)
    assert verify(proof.signing_input, proof.signature, alg="ES256", jwk=proof.header["jwk"])


def test_htu_carries_no_user_and_no_password() -> None:
    world = World()
    world.session.mount("https://alice:s3cret@api.example", InProcessAdapter(world.api))
    world.get("https://alice:s3cret@api.example/things?x=1")
    assert world.api.claims[0]["htu"] == API
    assert token_of(world.api.requests[0]) == "DPoP token-1"


def test_an_authorization_header_of_the_callers_is_replaced() -> None:
    world = World()
    world.get(headers={"authorization": "Basic abc", "dpop": "old"})
    (request,) = world.api.requests
    assert request.lines("Authorization") == ("DPoP token-1",)
    assert len(request.lines("DPoP")) == 1


def test_it_works_without_a_session_and_as_a_sessions_auth() -> None:
    world = World(session=None)
    with listening(world.tokens) as tokens, listening(world.api) as api:
        auth = DPoPAuth.client_credentials(
            key=KEY, client_id="me", token_endpoint=tokens + "/token"
        )
        assert requests.get(api, auth=auth, timeout=20).status_code == 200
        with requests.Session() as session:
            session.auth = auth
            assert session.get(api + "/a/b", stream=True).json() == "fine"
    assert world.api.claims[0]["htu"] == api + "/"
    assert world.api.claims[1]["htu"] == api + "/a/b"
    assert len(world.tokens.requests) == 1


def test_a_session_may_have_the_auth_object_it_carries_token_requests_for() -> None:
    world = World()
    world.session.auth = world.auth
    world.session.headers["Authorization"] = "Basic of-the-session"
    assert world.session.get(API).status_code == 200
    assert world.tokens.requests[0].lines("Authorization") == ()


def test_a_token_request_takes_nothing_from_the_session_that_is_meant_for_others() -> None:
    wanted = answer(400, {"error": "use_dpop_nonce"}, DPoP_Nonce="n1")
    world = World(tokens=[wanted, issued(1)])
    odd = {"Content-Type": "text/plain", "Host": "api.example", "DPoP": "x", "User-Agent": "mine"}
    world.session.headers.update(odd)
    world.session.params = {"a": "b"}
    world.session.cookies["seen"] = "1"
    world.session.hooks["response"].append(lambda response, **_: response.raise_for_status())
    assert world.get().status_code == 200
    for request in world.tokens.requests:
        assert request.target == "/token"
        assert request.lines("Content-Type") == ("application/x-www-form-urlencoded",)
        assert request.lines("Host") == ("as.example",)
        assert (request.lines("User-Agent"), request.lines("Cookie")) == (("mine",), ("seen=1",))
        assert len(request.lines("DPoP")) == 1


def test_json_form_and_file_bodies_arrive() -> None:
    world = World()
    world.post(json={"a": 1})
    world.post(data={"a": "1"})
    world.post(files={"a": b"1"})
    world.post(data=io.BytesIO(b"file"))
    world.post(data=(part for part in (b"gene", b"rator")))
    bodies = [request.body for request in world.api.requests]
    assert bodies[:2] == [b'{"a": 1}', b"a=1"]
    assert b'name="a"' in bodies[2]
    assert bodies[3:] == [b"file", b"generator"]


# renewal


@pytest.mark.parametrize(("life", "leeway"), [(3600, 30), (75, 15), (10, 2)])
def test_a_token_is_renewed_shortly_before_its_end(life: int, leeway: int) -> None:
    world = World(tokens=[issued(1, expires_in=life), issued(2)])
    world.get()
    world.now += life - leeway - 1
    world.get()
    assert len(world.tokens.requests) == 1
    world.now += 1
    world.get()
    assert len(world.tokens.requests) == 2
    assert token_of(world.api.requests[-1]) == "DPoP token-2"


def test_a_token_without_expires_in_is_used_until_it_is_refused() -> None:
    world = World(
        answer(), answer(), INVALID, answer(), tokens=[issued(1, expires_in=None), issued(2)]
    )
    world.get()
    world.now += 10**9
    assert world.get().history == []
    assert len(world.tokens.requests) == 1
    assert world.get().status_code == 200
    assert len(world.tokens.requests) == 2


def test_a_token_of_no_life_is_used_once() -> None:
    world = World(tokens=[issued(1, expires_in=0), issued(2, expires_in=0)])
    world.get(), world.get()
    assert [token_of(request) for request in world.api.requests] == ["DPoP token-1", "DPoP token-2"]


@pytest.mark.parametrize(
    "refusal", [BARE, INVALID, answer(401, WWW_Authenticate='Basic, dpop algs="ES256"')]
)
def test_a_refused_token_is_renewed_once_with_the_same_key(refusal: Response) -> None:
    world = World(answer(), refusal, answer(200, "fine"))
    world.get()
    response = world.get()
    assert response.json() == "fine"
    assert [old.status_code for old in response.history] == [401]
    assert [token_of(r) for r in world.api.requests] == ["DPoP token-1"] * 2 + ["DPoP token-2"]
    keys = {read_proof(r.lines("DPoP")[0]).header["jwk"]["x"] for r in world.tokens.requests}
    assert keys == {public_jwk(KEY)["x"]}


@pytest.mark.parametrize("refusal", [BARE, INVALID])
def test_a_refusal_of_the_fresh_token_too_is_returned(refusal: Response) -> None:
    world = World(refusal)
    assert world.get().status_code == 401
    assert len(world.api.requests) == 2
    assert len(world.tokens.requests) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        answer(401),
        answer(401, WWW_Authenticate="Bearer"),
        answer(401, WWW_Authenticate='DPoP error="invalid_dpop_proof"'),
        answer(401, WWW_Authenticate='DPoP error="use_dpop_nonce"'),
        answer(403, WWW_Authenticate='DPoP error="insufficient_scope"'),
        answer(500, WWW_Authenticate="DPoP"),
    ],
)
def test_other_refusals_are_returned_as_they_came(refusal: Response) -> None:
    world = World(refusal)
    response = world.get()
    assert (response.status_code, response.history) == (refusal.status, [])
    assert (len(world.api.requests), len(world.tokens.requests)) == (1, 1)


def test_a_generator_is_not_sent_twice_but_its_refused_token_is_forgotten() -> None:
    world = World(INVALID, answer())
    assert world.post(data=(part for part in (b"x",))).status_code == 401
    assert len(world.api.requests) == 1
    assert world.get().status_code == 200
    assert token_of(world.api.requests[-1]) == "DPoP token-2"


def unreachable(_: Request) -> Response:
    raise requests.ConnectionError


@pytest.mark.parametrize("renewal", [answer(400, {"error": "invalid_client"}), unreachable])
@pytest.mark.parametrize("refusal", [BARE, INVALID])
def test_the_apis_refusal_is_returned_when_no_new_token_can_be_had(
    refusal: Response, renewal: Any
) -> None:
    world = World(answer(), refusal, tokens=[issued(1), renewal])
    world.get()
    response = world.get(stream=True)
    assert (response.status_code, response.history) == (401, [])
    assert len(world.api.requests) == 2
    with pytest.raises(requests.RequestException):
        world.get()
    assert len(world.api.requests) == 2


# nonces


def test_a_nonce_challenge_is_obeyed_once_with_a_new_jti() -> None:
    world = World(challenge("n1"), answer(200, "fine"))
    response = world.get()
    assert response.json() == "fine"
    (refused,) = response.history
    assert refused.status_code == 401
    assert refused.raw.closed
    first, second = world.api.claims
    assert ("nonce" in first, second["nonce"]) == (False, "n1")
    assert first["jti"] != second["jti"]
    assert response.request.headers["DPoP"] != refused.request.headers["DPoP"]
    assert response.elapsed.total_seconds() > 0


@pytest.mark.parametrize(
    "header",
    [
        'Bearer realm="a, b", DPoP algs="ES256 RS256", error="use_dpop_nonce"',
        'dpop ERROR=USE_DPOP_NONCE, Basic realm="x"',
        'Bearer error="use_dpop_nonce"',
        'bearer realm="x", error=use_dpop_nonce, DPoP algs="ES256"',
        'Negotiate abc==, DPOP error_description="say \\"DPoP\\"", error="use_dpop_nonce"',
    ],
)
def test_a_nonce_challenge_is_recognised_in_any_place_and_letter_case(header: str) -> None:
    refusal = answer(401, WWW_Authenticate=header, DPoP_Nonce="n1")
    assert World(refusal, answer()).get().status_code == 200


def test_a_nonce_challenge_on_its_own_header_line_is_recognised() -> None:
    lines = (("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'))
    refusal = Response(401, (*lines, ("DPoP-Nonce", "n1")))
    assert World(refusal, answer()).get().status_code == 200


def in_json(status: int = 401, nonce: str = "n1", **headers: str) -> Response:
    return answer(status, {"error": "use_dpop_nonce"}, **{"DPoP_Nonce": nonce} | headers)


def in_octets(body: bytes, charset: str = "; charset=utf-8") -> Response:
    kind = ("Content-Type", f"application/json{charset}")
    return Response(401, (kind, ("DPoP-Nonce", "n1")), body)


@pytest.mark.parametrize(
    "refusal",
    [
        in_json(),
        in_json(400),
        in_json(401, WWW_Authenticate="Bearer"),
        in_json(401, WWW_Authenticate="DPoP"),
        answer(400, {"error": "Use_DPoP_Nonce", "more": [1]}, DPoP_Nonce="n1"),
        in_octets(b'\xef\xbb\xbf{"error":"use_dpop_nonce"}'),
        in_octets('{"error":"use_dpop_nonce"}'.encode("utf-16")),
        in_octets(b'{"error":"use_dpop_nonce","said":"\xfc"}', "; charset=iso-8859-1"),
        in_octets(b'{"error":"use_dpop_nonce","more":%s}' % (b"9" * 5000)),
        in_octets(b'{"error":"use_dpop_nonce","more":%s}' % (b"[" * 99 + b"]" * 99)),
    ],
)
def test_a_nonce_that_is_asked_for_in_json_alone_is_sent(refusal: Response) -> None:
    world = World(refusal, answer(200, "fine"))
    assert world.get().json() == "fine"
    assert [one.get("nonce") for one in world.api.claims] == [None, "n1"]
    assert len(world.tokens.requests) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        *(in_octets(b"\xff", f"; charset={name}") for name in ("idna", "undefined", "x\0y")),
        in_json(403),
        in_json(409),
        in_json(500),
        in_json(200),
        in_json(nonce="no nonce"),
        answer(401, {"error": "use_dpop_nonce"}),
        answer(401, {"error": ["use_dpop_nonce"]}, DPoP_Nonce="n1"),
        answer(401, {"error_description": "use_dpop_nonce"}, DPoP_Nonce="n1"),
        answer(401, ["use_dpop_nonce"], DPoP_Nonce="n1"),
        Response(401, (("DPoP-Nonce", "n1"),), b"use_dpop_nonce"),
        Response(401, (("DPoP-Nonce", "n1"),), b"[" * 100_000),
    ],
)
def test_what_asks_for_no_nonce_in_its_json_is_returned_as_it_came(refusal: Response) -> None:
    world = World(refusal, answer())
    assert world.get().status_code == refusal.status
    assert len(world.api.requests) == 1


def test_a_stream_is_not_read_for_a_nonce_in_its_json() -> None:
    response = World(in_json(), answer()).get(stream=True)
    assert b"".join(response.iter_content(2)) == b'{"error": "use_dpop_nonce"}'


def test_a_bearer_token_is_not_sent_again_for_a_nonce() -> None:
    bearer = 'Bearer error="use_dpop_nonce"'
    for refusal in (in_json(), answer(401, WWW_Authenticate=bearer, DPoP_Nonce="n1")):
        world = World(refusal, tokens=[issued(1, token_type="Bearer")], accept_bearer=True)
        assert world.get().status_code == 401
        assert len(world.api.requests) == 1


@pytest.mark.parametrize("scheme", ["", "Bearer error=use_dpop_nonce"])
def test_an_api_that_asks_for_ever_in_other_ways_is_asked_twice(scheme: str) -> None:
    nonces = iter("abcdefgh")
    world = World(lambda _: in_json(401, next(nonces), WWW_Authenticate=scheme))
    assert world.get().status_code == 401
    assert [one.get("nonce") for one in world.api.claims] == [None, "a"]


def test_nonces_are_learned_from_a_200_and_sent_from_then_on() -> None:
    world = World(answer(DPoP_Nonce="n1"), answer(500, DPoP_Nonce="n2"), answer())
    for _ in range(4):
        world.get()
    assert [one.get("nonce") for one in world.api.claims] == [None, "n1", "n2", "n2"]


def test_a_server_that_asks_for_ever_is_asked_twice() -> None:
    nonces = iter("abcdefgh")
    world = World(lambda request: challenge(next(nonces)))
    response = world.get()
    assert response.status_code == 401
    assert [one.get("nonce") for one in world.api.claims] == [None, "a"]


def test_a_nonce_already_tried_is_not_tried_again() -> None:
    world = World(answer(DPoP_Nonce="n1"), challenge("n1"))
    world.get()
    assert world.get().status_code == 401
    assert len(world.api.requests) == 2


def test_a_nonce_tried_before_the_renewal_is_not_tried_again() -> None:
    refusal = answer(401, WWW_Authenticate='DPoP error="invalid_token"', DPoP_Nonce="n2")
    world = World(answer(DPoP_Nonce="n1"), refusal, challenge("n1"))
    world.get()
    assert world.get().status_code == 401
    assert [one.get("nonce") for one in world.api.claims] == [None, "n1", "n2"]


@pytest.mark.parametrize("order", [(challenge("n1"), BARE), (BARE, challenge("n1"))])
def test_a_nonce_and_a_new_token_may_be_needed_for_one_request(order: Any) -> None:
    world = World(*order, answer())
    response = world.get()
    assert response.status_code == 200
    assert len(response.history) == 2
    assert world.api.claims[-1]["nonce"] == "n1"
    assert token_of(world.api.requests[-1]) == "DPoP token-2"


@pytest.mark.parametrize("nonce", ["", "two words", "a, b", 'q"uote', "ünï"])
def test_what_is_no_nonce_is_not_obeyed(nonce: str) -> None:
    assert World(challenge(nonce), answer()).get().status_code == 401


def test_nonces_are_kept_apart_for_each_origin_and_for_the_token_endpoint() -> None:
    world = World(
        answer(DPoP_Nonce="api"), tokens=[issued(1, expires_in=0), issued(2, expires_in=0)]
    )
    world.session.mount("https://api.example:8443", InProcessAdapter(world.api))
    world.get()
    world.get("https://api.example:443/other")
    world.get("https://api.example:8443/things")
    assert [one.get("nonce") for one in world.api.claims] == [None, "api", None]
    assert all("nonce" not in one for one in world.tokens.claims)


def test_nonces_are_kept_for_the_last_hundred_origins() -> None:
    nonces, response = Nonces(), requests.Response()

    def learn(host: str, nonce: str) -> None:
        response.url, response.headers["DPoP-Nonce"] = f"https://{host}.example/", nonce
        nonces.learn(response)

    for number in range(ORIGINS):
        learn(f"h{number}", f"n{number}")
    learn("h0", "again")  # the latest now
    learn("new", "new")
    kept = [nonces.get(f"https://{host}.example/") for host in ("h0", "h1", "h2", "new")]
    assert kept == ["again", None, "n2", "new"]


def test_nonces_of_a_token_endpoint_beside_the_api_are_kept_apart() -> None:
    def site(request: Request) -> Response:
        return token(request) if request.path == "/token" else world.api(request)

    world = World(answer(DPoP_Nonce="api"), token_endpoint="https://api.example/token")
    token = world.tokens
    token.answers = (issued(1, expires_in=0),)
    world.session.mount("https://api.example", InProcessAdapter(site))
    world.get(), world.get()
    assert [one.get("nonce") for one in world.tokens.claims] == [None, None]
    assert [one.get("nonce") for one in world.api.claims] == [None, "api"]


def test_a_file_is_wound_back_and_a_generator_is_not_sent_twice() -> None:
    world = World(challenge("n1"), answer())
    file = io.BytesIO(b"....data")
    file.seek(4)
    assert world.post(data=file).status_code == 200
    assert [request.body for request in world.api.requests] == [b"data", b"data"]
    world = World(challenge("n1"), answer())
    assert world.post(data=(part for part in (b"x",))).status_code == 401
    assert len(world.api.requests) == 1
    assert world.get().status_code == 200
    assert world.api.claims[-1]["nonce"] == "n1"


def test_a_file_that_cannot_seek_is_not_sent_twice() -> None:
    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError

    world = World(challenge("n1"), answer())
    assert world.post(data=Pipe(b"x")).status_code == 401
    assert len(world.api.requests) == 1


def test_a_cookie_of_the_challenge_comes_back_with_the_repeated_request() -> None:
    refusal = answer(
        401, WWW_Authenticate="DPoP error=use_dpop_nonce", DPoP_Nonce="n1", Set_Cookie="seen=1"
    )
    world = World(refusal, answer())
    world.session.cookies["mine"] = "2"
    world.get()
    assert sorted(world.api.requests[1].lines("Cookie")[0].split("; ")) == ["mine=2", "seen=1"]
    assert world.session.cookies["seen"] == "1"


def test_streamed_responses_are_repeated_too() -> None:
    response = World(challenge("n1"), answer(200, "fine")).get(stream=True)
    assert b"".join(response.iter_content(2)) == b'"fine"'


# an adapter that repeats requests by itself

REPEATS = Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)


@contextmanager
def failing(*answers: Response | None) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers, None to hang up instead, and 200 then; proofs it saw."""

    def serve(request: Request) -> Response:
        proofs.extend(request.lines("DPoP"))
        answer = left.pop(0) if left else issued(1)
        if answer is None:
            raise ConnectionResetError
        return answer

    left, proofs = [*answers], list[str]()
    with listening(serve) as url:
        yield url, proofs


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("failure", [answer(503), None])
def test_an_adapter_that_repeats_requests_sends_no_proof_twice(
    failure: Response | None, recorded: bool
) -> None:
    with failing(issued(1), failure) as (url, proofs), requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=REPEATS))
        log = record(session) if recorded else []
        auth = World(token_endpoint=f"{url}/token", session=session).auth
        with pytest.raises(LabError) as caught:
            session.post(url, data="x", auth=auth)
        assert "max_retries" in caught.value.advice
        assert len(proofs) == 2  # that of the token request, and one
        assert session.post(url, data="x", auth=auth).ok
    assert len(set(proofs)) == len(proofs) == 3
    assert len(log) == (3 if recorded else 0)


@pytest.mark.parametrize("failure", [answer(503), None])
def test_an_adapter_that_repeats_token_requests_sends_no_proof_twice(
    failure: Response | None,
) -> None:
    with failing(failure) as (url, proofs), requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=REPEATS))
        auth = World(token_endpoint=f"{url}/token", session=session).auth
        for _ in range(2):
            with pytest.raises(LabError) if not proofs else nullcontext():
                session.get(url, auth=auth)
    assert len(set(proofs)) == len(proofs) == 3


def test_the_apis_refusal_is_returned_when_the_renewal_was_stopped() -> None:
    with failing(issued(1), INVALID, answer(503)) as (url, _), requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=REPEATS))
        auth = World(token_endpoint=f"{url}/token", session=session).auth
        assert session.get(url, auth=auth).status_code == 401


def test_an_adapter_that_would_repeat_but_need_not_is_as_good_as_any() -> None:
    with failing(issued(1), challenge("n1"), answer(302, Location="/new")) as (url, proofs):
        with requests.Session() as session:
            session.mount(url, HTTPAdapter(max_retries=REPEATS))
            auth = World(token_endpoint=f"{url}/token", session=session).auth
            assert session.get(url, auth=auth).ok
    assert len(set(proofs)) == len(proofs) == 4


def test_a_request_that_was_answered_may_be_sent_again_by_hand() -> None:
    with failing(issued(1), challenge("n1")) as (url, proofs), requests.Session() as session:
        auth = World(token_endpoint=f"{url}/token", session=session).auth
        response = session.get(url, auth=auth)
        for request in (response.request, response.history[0].request):
            assert session.send(request).ok
    assert proofs[3:] == [proofs[2], proofs[1]]


@pytest.mark.parametrize("comes", [True, False])
def test_a_refused_connection_may_be_tried_again_where_it_comes_before_the_headers(
    comes: bool,
) -> None:
    with ExitStack() as stack, socket.socket() as place:
        place.bind(("127.0.0.1", 0))  # which refuses connections, as nothing listens there
        port, world, refused = place.getsockname()[1], World(), list[int]()
        late = Script(answer(200, "fine"))

        class Patient(Retry):
            def sleep(self, response: object = None) -> None:
                refused.append(port)
                if comes and len(refused) == 2:
                    place.close()
                    stack.enter_context(listening(late, port=port))

        world.session.mount("http://", BoundedAdapter(max_retries=Patient(connect=3, read=0)))
        with nullcontext() if comes else pytest.raises(requests.ConnectionError):
            assert world.get(f"http://127.0.0.1:{port}/").json() == "fine"
    assert len(refused) == (2 if comes else 3)
    assert len(late.requests) == comes


@pytest.mark.parametrize("failure", [answer(503), None])
def test_an_adapter_that_connects_first_sends_no_proof_twice_either(
    failure: Response | None,
) -> None:
    with failing(failure) as (url, proofs):
        world = World()
        world.session.mount("http://", BoundedAdapter(max_retries=REPEATS))
        with pytest.raises(LabError):
            world.get(url)
    assert len(proofs) == 1


def test_a_request_without_an_answer_is_not_sent_again_by_hand() -> None:
    with failing(None) as (url, proofs):
        world = World()
        request = world.session.prepare_request(requests.Request("GET", url, auth=world.auth))
        with pytest.raises(requests.ConnectionError):
            world.session.send(request)
        with pytest.raises(LabError) as caught:
            world.session.send(request)
    assert "prepared" in caught.value.advice
    assert len(proofs) == 1


def test_of_a_streamed_refusal_that_is_repeated_no_more_is_read_than_of_any_answer() -> None:
    long = Response(401, challenge("n1").headers, b"x" * (MOST + 2))
    with failing(issued(1), long) as (url, _), requests.Session() as session:
        auth = World(token_endpoint=f"{url}/token", session=session).auth
        response = session.get(url, auth=auth, stream=True)
        assert response.ok
        assert len(response.history[0].content) == MOST + 1


# threads


def test_eight_threads_make_one_token_request() -> None:
    started = threading.Barrier(8)
    world = World(tokens=[lambda request: (threading.Event().wait(0.05), issued(1))[1]])

    def call(_: int) -> int:
        started.wait()
        return world.get().status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(8))) == {200}
    assert len(world.tokens.requests) == 1
    assert len({one["jti"] for one in world.api.claims}) == 8


def test_eight_threads_with_a_refused_token_renew_it_once() -> None:
    started = threading.Barrier(8)

    def api(request: Request) -> Response:
        if token_of(request) == "DPoP token-1":
            started.wait()
            return INVALID
        return answer()

    world = World(api)
    with ThreadPoolExecutor(8) as pool:
        assert {one.status_code for one in pool.map(lambda _: world.get(), range(8))} == {200}
    assert len(world.tokens.requests) == 2


# what is shown


def test_no_repr_shows_token_or_secret() -> None:
    world = World()
    assert world.auth.token is None
    before = repr(world.auth)
    world.get()
    token = world.auth.token
    assert token is not None
    assert token.value == "token-1"
    assert repr(token) == "<AccessToken DPoP, 7 characters, expires in 3600 s>"
    for shown in (before, repr(world.auth), repr(token), str(token), f"{world.auth}"):
        assert SECRET not in shown
        assert "token-1" not in shown


def test_a_bearer_token_is_refused_unless_asked_for() -> None:
    tokens = [issued(1, token_type="bearer"), issued(2, token_type="Bearer")]
    with pytest.raises(TokenRefused) as caught:
        World(tokens=tokens).get()
    assert caught.value.token_type == "bearer"
    assert "token-1" not in str(caught.value)
    world = World(answer(), INVALID, answer(), tokens=tokens, accept_bearer=True)
    world.get()
    assert world.get().status_code == 200
    assert [token_of(r) for r in world.api.requests] == ["Bearer token-1"] * 2 + ["Bearer token-2"]
    assert all(request.lines("DPoP") == () for request in world.api.requests)


def test_a_key_that_is_none_is_told_at_once() -> None:
    with pytest.raises(SettingsError):
        World(key="ec.pem")


def test_the_samples_json_is_enough(tmp_path: Path) -> None:
    text = (
        f'{{"client_id": "me", "client_secret": "{SECRET}",'
        f' "token_endpoint": "{TOKEN_ENDPOINT}", "scope": "api"}}'
    )
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    for settings in (text, file, str(file)):
        world = World()
        auth = DPoPAuth.from_json(settings, key=KEY, session=world.session)
        assert world.session.get(API, auth=auth).status_code == 200
        assert world.tokens.forms[0]["client_secret"] == [SECRET]
        assert SECRET not in repr(auth)
