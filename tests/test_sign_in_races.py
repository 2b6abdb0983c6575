"""What is good once is good once for 64 clients that come over sockets at the same time."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from urllib.parse import urlencode

import pytest

from dpop_lab import DUENDE, RFC_9449
from dpop_lab.server.sockets import serve
from tests.hostile_sign_in import ASKED, CLIENT, REDIRECT, Site
from tests.world import FORM_TYPE, SIGNING_KEY

MANY = 64
PUBLIC = "interactive.public"  # its refresh tokens go once under both policies
POLICIES = {"DUENDE": DUENDE, "RFC_9449": RFC_9449}


@pytest.fixture(params=POLICIES)
def running(request):
    with serve(policy=POLICIES[request.param], signing_key=SIGNING_KEY) as one:
        yield one


def raced(running, requests):
    """How often each status, or each way, was answered to requests sent at once."""
    start = Barrier(len(requests))

    def send(request):
        method, path, headers, body = request
        connection = HTTPConnection("127.0.0.1", running.port, timeout=60)
        connection.connect()
        start.wait()
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        told = answer.read().decode()
        connection.close()
        to = answer.getheader("location", "")
        return "code" if to.startswith(f"{REDIRECT}?code=") else answer.status, told

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def of_token(site, form):
    path = "/connect/token"
    proofs = [site.proof("POST", path) for _ in range(MANY)]
    return [("POST", path, [FORM_TYPE, proof], urlencode(form)) for proof in proofs]


@pytest.mark.parametrize("kind", ["code", "refresh token"])
def test_one_of_64_gets_tokens(running, kind):
    site = Site.of(running.twin)
    form = {**site.redemption(client_id=PUBLIC), "client_id": PUBLIC}
    if kind == "refresh token":
        path = "/connect/token"
        first_tokens = json.loads(site.send("POST", path, urlencode(form)).body)
        form = {"grant_type": "refresh_token", "client_id": PUBLIC}
        form["refresh_token"] = first_tokens["refresh_token"]
    answers = raced(running, of_token(site, form))
    assert Counter(status for status, _ in answers) == {200: 1, 400: MANY - 1}
    assert {json.loads(told).get("error") for _, told in answers} == {None, "invalid_grant"}


def test_one_of_64_browsers_gets_a_code_for_a_pushed_request(running):
    site = Site.of(running.twin)
    pushed = json.loads(site.send("POST", "/connect/par", urlencode(ASKED)).body)
    query = urlencode({"client_id": CLIENT, "request_uri": pushed["request_uri"]})
    request = ("GET", f"/connect/authorize?{query}", [site.cookie()], None)
    answers = raced(running, [request] * MANY)
    assert Counter(status for status, _ in answers) == {"code": 1, 400: MANY - 1}


def test_of_proofs_sent_twice_at_once_one_is_taken_at_the_par_endpoint(running):
    site = Site.of(running.twin)
    headers = [FORM_TYPE, site.proof("POST", "/connect/par")]
    request = ("POST", "/connect/par", headers, urlencode(ASKED))
    answers = raced(running, [request] * MANY)
    assert Counter(status for status, _ in answers) == {201: 1, 400: MANY - 1}
