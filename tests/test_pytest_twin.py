"""The fixture for other people's tests, asked for as they would, here and in a suite of theirs."""

import asyncio
import json
import os
import re
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest
import requests

from dpop_lab import RFC_9449, DPoPAuth, LabError, generate_key
from dpop_lab.pytest_twin.watched import MOST_TOLD
from tests.programs import in_a_thread, run

PAGE = (Path(__file__).parent.parent / "docs" / "testing.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
KEY = generate_key("ES256")
pytestmark = pytest.mark.dpop_twin(policy=RFC_9449)


def client(twin, clock=time.time):
    """What lets a session of requests call the API of this twin."""
    return DPoPAuth.client_credentials(
        key=KEY,
        token_endpoint=twin.token_endpoint,
        client_id=twin.client_id,
        client_secret=twin.client_secret,
        scope=twin.scope,
        session=requests.Session(),
        clock=clock,
    )


def statuses(twin):
    """What it answered, in order."""
    return [one.status for one in twin.exchanges]


def told(twin, text):
    """What a report of now would tell, once this text is in it: that of a carrier comes late."""
    deadline, said = time.monotonic() + 30, twin.told_now()
    while text not in said:
        assert time.monotonic() < deadline, said
        time.sleep(0.01)
        said += twin.told_now()
    return said


# ---- a twin ------------------------------------------------------------------------------------


def test_a_client_is_served_at_the_urls_of_its_twin(dpop_twin):
    metadata = requests.get(f"{dpop_twin.issuer}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == dpop_twin.issuer
    assert metadata["token_endpoint"] == dpop_twin.token_endpoint
    assert requests.get(dpop_twin.api, auth=client(dpop_twin)).status_code == 200
    token, proof = dpop_twin.exchanges[-1].reports
    assert token.accepted and proof.accepted


@pytest.mark.dpop_twin(api_nonce=True, client_id="m2m.dpop.nonce")
def test_the_nearest_mark_adds_to_those_around_it(dpop_twin):
    assert requests.get(dpop_twin.api, auth=client(dpop_twin)).status_code == 200
    assert statuses(dpop_twin) == [400, 200, 401, 200]
    assert dpop_twin.twin.policy is RFC_9449


@pytest.mark.parametrize("dpop_twin", [{"api_nonce": True}], indirect=True)
def test_a_parameter_chooses_as_a_mark_does(dpop_twin):
    assert requests.get(dpop_twin.api, auth=client(dpop_twin)).status_code == 200
    assert statuses(dpop_twin) == [200, 401, 200]


def test_an_exchange_is_there_as_soon_as_the_client_has_its_answer(dpop_twin):
    with httpx.Client() as session:
        for number in range(30):
            session.get(dpop_twin.api, params={"n": number})
            assert dpop_twin.exchanges[-1].url == f"{dpop_twin.api}?n={number}"


def test_the_clock_of_a_twin_decides_which_proof_is_too_old(dpop_twin):
    auth = client(dpop_twin)
    assert requests.get(dpop_twin.api, auth=auth).status_code == 200
    dpop_twin.clock.advance(600)
    assert requests.get(dpop_twin.api, auth=auth).status_code == 401
    assert dpop_twin.exchanges[-1].reports[-1].failure.check.name == "fresh"


def test_a_client_with_a_loop_of_its_own_calls_a_twin(dpop_twin):
    async def called():
        async with httpx.AsyncClient() as session:
            return (await session.get(dpop_twin.api)).status_code

    assert in_a_thread(lambda: asyncio.run(called())) == 401
    assert statuses(dpop_twin) == [401]


# ---- its end -----------------------------------------------------------------------------------


def test_a_closed_twin_frees_its_port_though_a_connection_is_open(dpop_twin_factory):
    with httpx.Client() as session:
        with dpop_twin_factory() as twin:
            port = twin.twin.base_url.rpartition(":")[2]
            assert session.get(twin.api).status_code == 401
        with dpop_twin_factory(port=int(port)) as other:
            assert session.get(other.api).status_code == 401
    assert statuses(twin) == statuses(other) == [401]


def test_a_twin_used_after_its_end_says_so_but_keeps_what_it_saw(dpop_twin_factory):
    twin = dpop_twin_factory()
    requests.get(twin.api)
    twin.close()
    twin.close()
    for name in ("twin", "issuer", "token_endpoint", "api", "clock"):
        with pytest.raises(LabError, match="ended"):
            getattr(twin, name)
    assert statuses(twin) == [401]
    assert "1 exchange>" in repr(twin)


def test_a_port_that_is_taken_is_named(dpop_twin_factory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError) as caught:
            dpop_twin_factory(port=port)
    assert str(port) in caught.value.problem
    assert caught.value.wanted and caught.value.found and caught.value.advice


WRONG = (
    {"policy": "RFC_9449"},
    {"polic": RFC_9449},
    {"api_nonce": "yes"},
    {"port": 70000},
    {"port": "8080"},
    {"client_id": "mine"},
    {"client_id": ["m2m.dpop"]},
)


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_an_argument_that_is_none_is_told_with_what_was_wanted(dpop_twin_factory, given):
    with pytest.raises(LabError) as caught:
        dpop_twin_factory(**given)
    ((name, value),) = given.items()
    assert caught.value.wanted
    assert any(one in caught.value.found for one in (name, str(value), type(value).__name__))


# ---- what is told where a test fails -------------------------------------------------------------


def test_a_refused_request_is_told_without_secrets_and_once(dpop_twin):
    auth = client(dpop_twin)
    requests.get(dpop_twin.api, auth=auth)
    requests.post(dpop_twin.api, headers=dict(dpop_twin.exchanges[-1].request_headers))
    said = dpop_twin.told_now()
    assert "by the row htm" in said and "change" in said
    token = json.loads(dpop_twin.exchanges[0].response_body)["access_token"]
    assert token not in said and "client_secret" not in said
    assert dpop_twin.told_now() == ""


def test_a_twin_that_nobody_called_says_where_it_waits(dpop_twin):
    assert dpop_twin.token_endpoint in dpop_twin.told_now()
    dpop_twin.forget()
    assert dpop_twin.told_now() == ""


def test_of_many_requests_the_last_are_told_and_the_others_counted(dpop_twin):
    with httpx.Client() as session:
        for _ in range(MOST_TOLD + 2):
            session.get(dpop_twin.api)
    said = dpop_twin.told_now()
    assert said.startswith("(2 requests")
    assert said.count("GET /api/dpop/test") == MOST_TOLD


def test_what_no_server_got_to_see_is_told_too(dpop_twin):
    assert requests.get(dpop_twin.api, headers={"X-Long": "x" * 40_000}).status_code == 431
    assert "change" in told(dpop_twin, "431")
    assert statuses(dpop_twin) == [431]
    with pytest.raises(requests.ConnectionError):
        requests.get(dpop_twin.api.replace("http:", "https:"))
    assert dpop_twin.issuer in told(dpop_twin, "TLS")
    with socket.create_connection(("127.0.0.1", dpop_twin.twin.base_url.split(":")[2])) as left:
        left.sendall(b"POST /connect/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab")
    assert "POST /connect/token" in told(dpop_twin, "2 octets")


# ---- in a suite of somebody else -----------------------------------------------------------------

MARKS = """
import pytest

@pytest.mark.dpop_twin(polic=1)
def test_misspelled(dpop_twin): ...

@pytest.mark.dpop_twin(1)
def test_nameless(dpop_twin): ...

@pytest.mark.parametrize("dpop_twin", [1], indirect=True)
def test_no_dict(dpop_twin): ...
"""
UNUSED = """
import sys

def test_what_is_loaded():
    ours = "dpop_lab", "jwcrypto", "cryptography", "tornado"
    print("loaded", *sorted(name for name in sys.modules if name.startswith(ours)))
"""
VARIES = (r"\d\d:\d\d:\d\d", r"127\.0\.0\.1:\d+", r"key \S+…", r"'gAAAA[^']+'", r"-{5,}")


def suite(folder, files, *options):
    """A run of pytest over these files, as in an environment of somebody else; what it printed."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {name: one for name, one in os.environ.items() if not name.startswith("PYTEST")}
    line = [sys.executable, "-m", "pytest", "--strict-markers", "-W", "error", "-p", "no:nbval"]
    line += ["-p", "no:cacheprovider", "--color=no", "-rA", *options]
    done = run(line, cwd=folder, env={**environment, "PYTHONUTF8": "1"})
    return done.stdout + done.stderr


def without_what_varies(text):
    for pattern in VARIES:
        text = re.sub(pattern, "…", text)
    return text


def test_a_suite_that_asks_for_no_twin_loads_the_plugin_alone(tmp_path):
    said = suite(tmp_path, {"test_unused.py": UNUSED})
    assert "\nloaded dpop_lab dpop_lab.pytest_twin\n" in said


def test_the_page_about_it_holds_and_wrong_marks_are_told_without_a_traceback(tmp_path):
    said = suite(tmp_path, {**BLOCKS, "test_marks.py": MARKS}, "-n", "1")
    results = re.findall(r"^(PASSED|FAILED|ERROR) (\S+?)::", said, re.MULTILINE)
    assert {name for result, name in results if result == "ERROR"} == {"test_marks.py"}
    assert [name for result, name in results if result == "FAILED"] == ["test_nonce.py"]
    passed = {name for result, name in results if result == "PASSED"}
    assert passed == set(BLOCKS) - {"clients.py", "test_nonce.py"}
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert without_what_varies(shown) in without_what_varies(said)
    assert len(re.findall("^-+ dpop_twin, ", said, re.MULTILINE)) == 1  # nothing of what passed
    assert said.count("Not what") >= 3
    assert "Traceback" not in said and "watched.py" not in said
