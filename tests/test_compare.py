"""Two servers compared: what differs, what is sent to whom, and what a server may do to us."""

import html
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import cache

import pytest
import requests

from dpop_lab import CHANGES, DUENDE, RFC_9449, Lab, LabError, SettingsError, serve
from dpop_lab.cli import main
from dpop_lab.lab.catalogue.places import API, API_NONCE, BEARER_API, PLACES, TOKEN_ENDPOINT
from dpop_lab.lab.compare import compare
from dpop_lab.lab.comparison import DIFFERENT, KINDS, ONE_ACCEPTS, SAME, WORDED, outcome
from dpop_lab.lab.live import LONGEST_BODY, PoliteAdapter, Unreachable
from dpop_lab.proof import read_proof
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.call import read_call
from dpop_lab.wire.message import Exchange, Response
from tests.front import CLIENT, front
from tests.network import Authority, proxy
from tests.programs import SECONDS, run, started
from tests.test_changes import LENIENT, STRICTER
from tests.test_display import HOSTILE, Page

AS = "as.example"
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a terminal and signals")
SOME = ("honest", "htm_delete", "sent_twice", "scope_twice", "es384")
TELLING = [*SOME, *(name for name in CHANGES if name.startswith(("nonce", "sent", "no_", "jti")))]
TELLING += [name for name in CHANGES.at(TOKEN_ENDPOINT) if CHANGES[name].form]


def differ(found):
    """What differs: change, place, kind."""
    return [(row.change, row.to, row.kind) for row in found if row.kind != SAME]


@cache
def twin():
    """A lab for all: a comparison leaves no trace in it."""
    return Lab()


def other(server, **changed):
    """A lab with the server of a front."""
    return Lab(settings={**server.settings, **changed})


# ---- what differs -----------------------------------------------------------------------------


def test_two_policies_differ_where_the_catalogue_is_known_to(policies):
    lenient = {row.change for row in policies.of(ONE_ACCEPTS) if row.a.status == 200}
    stricter = {row.change for row in policies.of(ONE_ACCEPTS) if row.b.status == 200}
    assert set(LENIENT) <= lenient
    assert stricter >= STRICTER and stricter - STRICTER <= {"jti_empty", "jti_null"}
    assert {*CHANGES.differing} == lenient | stricter
    assert not policies.not_asked and not policies.stopped
    assert len(policies) == sum(len(change.places) for change in CHANGES.values())


def test_the_rows_are_of_four_kinds_and_in_groups(policies):
    assert sum(len(policies.of(kind)) for kind in KINDS) == len(policies) == len(list(policies))
    kinds = [row.kind for row in policies.differences]
    assert kinds == sorted(kinds) and set(kinds) == {ONE_ACCEPTS, DIFFERENT}
    worded = {row.change: row for row in policies.of(WORDED)}["htm_delete"]
    assert worded.a.error == worded.b.error and worded.a.description != worded.b.description


def test_a_twin_does_not_differ_from_itself():
    lab = Lab(policy=RFC_9449)
    found = compare(lab, lab, changes=TELLING)
    assert differ(found) == [] and not found.not_asked


def test_a_twin_on_a_port_does_not_differ_from_one_in_process():
    places = [TOKEN_ENDPOINT, BEARER_API]  # the API is in tests/test_changes.py, nonces are below
    with Lab(carrier="socket") as wired:
        found = compare(twin(), wired, places=places)
    assert differ(found) == [] and not found.not_asked and not found.stopped


def test_a_row_struck_out_is_all_that_differs():
    changes = [name for name in CHANGES if name.startswith(("ht", "iat", "ath", "url"))]
    found = compare(twin(), Lab(policy=DUENDE.without("htu")), changes=changes, places=API)
    assert found.b == "DUENDE without htu"
    assert {row.a.caught for row in found.differences} - {"accepted"} == {"htu"}


def test_a_token_that_is_not_bound_is_another_answer_than_a_bound_one():
    def meddle(handler, request):
        if request.path == "/connect/token" and not any(n == "DPoP" for n, _ in request.headers):
            return Response(200, (), b'{"access_token": "x", "token_type": "Bearer"}')
        return None

    with front(meddle) as server:
        found = compare(twin(), other(server), changes="no_proof", places=TOKEN_ENDPOINT)
    assert differ(found) == [("no_proof", TOKEN_ENDPOINT, ONE_ACCEPTS)]
    assert found.rows[-1].words()[1] == "200 bearer"


@pytest.mark.parametrize("body", ['["access_token"]', '{"access_token": 1}', "access_token"])
def test_what_is_no_token_in_an_object_is_not_granted(body):
    exchange = Exchange("POST", "/token", (), "", 0, 1, status=200, response_body=body)
    assert not outcome(read_call(exchange), TOKEN_ENDPOINT)[0]


# ---- a lab is left as it was ------------------------------------------------------------------


def test_a_comparison_leaves_no_trace_in_a_lab():
    lab = Lab()
    sent = lab.send()
    before = len(lab.log)
    compare(lab, lab, changes=[*SOME, "rsa_1024"])
    assert len(lab.log) == before
    assert lab.send_again().caught == "unused" and sent.caught == "accepted"


def test_the_clocks_of_the_labs_are_their_own():
    ahead = Lab()
    ahead.clock.advance(10_000)
    assert differ(compare(twin(), ahead, changes=[*SOME, "iat_45_s_ago"])) == []


# ---- how it is shown --------------------------------------------------------------------------


def test_the_text_fits_a_terminal_and_tells_the_kinds_apart(policies):
    text, whole = policies.text(), policies.text(everything=True)
    assert max(map(len, whole.splitlines())) <= 100 and repr(policies) == text
    assert [kind for kind in KINDS if kind.capitalize() in text.splitlines()] == list(KINDS[:2])
    assert [kind for kind in KINDS if kind.capitalize() in whole.splitlines()] == list(KINDS)
    assert policies.summary in " ".join(text.split())


def test_the_page_has_a_table_of_each_kind_of_difference(policies):
    page = Page(policies._repr_html_())
    assert page.elements["table"] == page.elements["caption"] == 2
    assert page.names == {"style", "scope"}
    assert ["Change", "At the", "A: DUENDE", "B: RFC_9449"] in page.rows


def test_two_comparisons_of_the_same_look_the_same():
    def shown():
        found = compare(twin(), Lab(policy=RFC_9449), changes=SOME)
        return found.text(everything=True), found._repr_html_(), found.as_json()

    assert shown() == shown()


def test_places_that_answer_alike_stand_in_one_row():
    found = compare(twin(), Lab(policy=RFC_9449), changes="htm_in_array", places=[API, API_NONCE])
    (line,) = [line for line in repr(found).splitlines() if line.startswith("htm_in_array ")]
    assert line.split("  ")[0] == "htm_in_array" and "API with and without" in line


def test_few_changes_are_explained_and_of_many_it_is_said_where(policies):
    names = [name for name in CHANGES.at(API) if name != "honest"][:10]
    found = compare(twin(), Lab(policy=RFC_9449), changes=names, places=API)
    for text in (" ".join(found.text().split()), html.unescape(found._repr_html_())):
        assert all(f"{name}: {CHANGES[name].title}" in text for name in names)
        assert "--list" not in text
    for text in (policies.text(), policies._repr_html_()):
        assert "--list" in text and CHANGES["spare_bits"].title not in text
    assert {row["change"]: row["title"] for row in found.as_json()["rows"]}.items() >= {
        (name, CHANGES[name].title) for name in names
    }


@pytest.mark.parametrize(
    ("name", "alike"),
    [("sparebits", "spare_bits"), ("HTM_delete", "htm_delete"), ("\x1b" * 999, "")],
)
def test_an_unknown_change_is_told_with_those_of_a_name_like_it(name, alike):
    for ask in (lambda: compare(twin(), twin(), changes=name), lambda: Lab().send(name)):
        with pytest.raises(LabError) as caught:
            ask()
        error = caught.value
        assert alike in error.wanted and len(str(error)) < 300 and str(error).isprintable()
        assert "CHANGES" in error.advice and "--list" in error.advice


def test_the_command_lists_what_every_change_does(capsys):
    assert main(["compare", "--list"]) == 0
    out = capsys.readouterr().out
    assert out == f"{CHANGES!r}\n" and " spare_bits " in out


# ---- another server ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def another():
    """A server of somebody else compared with the twin in everything: what differs, its requests.

    Then once more a little, since it remembers the first time.
    """
    with front() as server:
        found = compare(twin(), other(server))
        requests = list(server.requests)
        again = compare(twin(), other(server), changes=[*SOME, "jti_null", "jti_blank"])
    return found, requests, again


def test_a_server_with_a_client_of_its_own_is_compared_with_the_twin(another):
    found, _, again = another
    assert differ(found) == [] and not found.stopped and len(found) > 250
    assert {row.to for row in found} == {API, TOKEN_ENDPOINT}
    assert differ(again) == [] and {"jti_null", "jti_blank"} & {n.change for n in again.not_asked}
    secrets = CLIENT["client_secret"], "eyJ"
    assert not [one for one in secrets if one in found.text(everything=True) + repr(found.rows)]


def test_what_only_a_twin_can_be_asked_is_not_a_difference():
    needs = {"at_typ_jwt", "unbound_token", "opportunist", "assertion", "honest_delete"}
    with front() as server:
        found = compare(
            other(server), twin(), places=[API, TOKEN_ENDPOINT], changes=[*SOME, *needs]
        )
    assert {one.change for one in found.not_asked} >= needs
    assert {one.of for one in found.not_asked} == {"A"}
    assert {row.change for row in found} == set(SOME)


def test_another_server_is_asked_to_delete_nothing(another):
    _, requests, _ = another
    methods = {(one.method, one.path) for one in requests}
    assert methods - {("GET", "/api/dpop/test/")} == {
        ("GET", "/api/dpop/test"),
        ("POST", "/connect/token"),
        ("PUT", "/connect/token"),
    }


@pytest.mark.parametrize(
    ("client_id", "policy", "api_nonce", "way"),
    [
        ("m2m.dpop", DUENDE, False, "client_secret_basic"),
        ("m2m.dpop.nonce", RFC_9449, True, "client_secret_post"),
        ("m2m.dpop.nonce", DUENDE, True, "client_secret_basic"),
        ("m2m.jwt", RFC_9449, False, "private_key_jwt"),
    ],
)
def test_nonces_and_every_way_of_authentication_are_found_out(client_id, policy, api_nonce, way):
    with serve(policy=policy, api_nonce=api_nonce) as running:
        key = running.twin.client_key if way == "private_key_jwt" else None
        lab = Lab(
            issuer=running.base_url,
            api=f"{running.base_url}/api/dpop/test",
            client_id=client_id,
            client_auth=way,
            client_secret=None if key else "secret",
            client_key=key,
            client_key_id=running.twin.client_key_id if key else None,
            scope="api",
        )
        found = compare(Lab(policy=policy), lab, changes=TELLING)
    # that client need not use DPoP, and what is sent twice is its assertion, too
    known = ["no_proof", "sent_twice", "sent_twice_respelt", "sent_twice_other_s"] if key else []
    assert sorted(name for name, _, _ in differ(found)) == sorted(known) and not found.stopped
    nonces = {to: PLACES[to].nonce for to in {row.to for row in found}}
    assert nonces == {
        API_NONCE if api_nonce else API: api_nonce,
        f"{TOKEN_ENDPOINT}{' with nonce' * ('nonce' in client_id)}": "nonce" in client_id,
    }


def test_a_token_that_only_its_issuer_can_read_is_changed_as_a_whole_alone():
    def meddle(handler, request):
        if request.path == "/connect/token":
            return Response(200, (), b'{"access_token": "opaque", "token_type": "DPoP"}')
        fine = ("Authorization", "DPoP opaque") in request.headers
        return Response(200 if fine else 401) if "api" in request.path else None

    with front(meddle) as server:
        changes = ["at_no_jwt", "at_flipped", "at_more_scope"]
        found = compare(twin(), other(server), changes=changes, places=API)
    assert [(row.change, row.b.status) for row in found] == [("honest", 200), ("at_no_jwt", 401)]
    assert {one.change for one in found.not_asked} == {"at_flipped", "at_more_scope"}


def test_a_single_change_can_be_sent_to_another_server_too():
    with front() as server, other(server) as lab:
        assert lab.send().caught == lab.send(to=TOKEN_ENDPOINT).caught == "accepted"
        refused = lab.send("htm_delete")
        assert (refused.caught, refused.answered.error) == ("htm", "invalid_dpop_proof")
        assert lab.send("sent_twice").answered.status == 401
        for wrong in ({"change": "at_typ_jwt"}, {"change": "honest_bearer"}, {"policy": DUENDE}):
            try:
                assert lab.send(**wrong).problem
            except LabError as error:
                assert str(error)


def test_without_an_api_the_token_endpoint_is_compared():
    with front() as server:
        settings = {name: value for name, value in server.settings.items() if name != "api"}
        found = compare(twin(), Lab(settings=settings), changes=SOME)
    assert {row.to for row in found} == {TOKEN_ENDPOINT} and differ(found) == []
    assert (API, "no API was named") in {(one.to, one.why) for one in found.not_asked}


# ---- settings that are wrong, a server that goes away -----------------------------------------


def test_when_even_the_honest_request_is_refused_it_says_so_and_stops():
    with front() as server:
        found = compare(twin(), other(server, client_secret="wrong horse"))
        sent = len(server.requests)
    assert isinstance(found.cause, SettingsError) and not found.rows and sent == 1
    assert "invalid_client" in found.stopped and "wrong horse" not in found.stopped


def test_a_server_that_refuses_everything_is_found_out_at_once():
    with front(lambda handler, request: Response(403)) as server:
        settings = {name: value for name, value in server.settings.items() if name != "issuer"}
        settings["token_endpoint"] = f"{server.url}/connect/token"
        found = compare(twin(), Lab(settings=settings))
        assert isinstance(found.cause, SettingsError) and len(server.asked) == 1


def test_what_was_had_before_a_server_went_away_is_kept():
    def meddle(handler, request):
        if len(server.asked) < 20:
            return None
        handler.close_connection = True
        return False  # it says nothing, and hangs up

    with front(meddle) as server:
        found = compare(twin(), other(server))
    assert 5 < len(found) < 20 and found.stopped and differ(found) == []
    assert "127.0.0.1" in found.stopped and found.stopped.split()[0] in repr(found)


def test_an_interrupt_keeps_what_was_had():
    def interrupt(done, of):
        if done == 7:
            raise KeyboardInterrupt

    found = compare(twin(), twin(), progress=interrupt)
    assert len(found) == 7 and isinstance(found.cause, KeyboardInterrupt) and found.stopped


# ---- pace and bounds --------------------------------------------------------------------------


def test_requests_keep_the_pace():
    with front() as server:
        compare(twin(), other(server), changes=SOME, pace=0.05)
        times = [when for when, one in server.asked if "well-known" not in one.target]
    assert len(times) > 9 and times[-1] - times[0] > 0.045 * (len(times) - 1)


def test_no_more_is_sent_than_was_agreed_on():
    with front() as server, requests.Session() as session:
        way = PoliteAdapter(pace=0, timeout=SECONDS, limit=2)
        session.mount(server.url, way)
        for _ in range(2):
            session.get(server.url)
        with pytest.raises(Unreachable) as caught:
            session.get(server.url)
        assert caught.value.seconds == math.inf
        assert way.sent == len(server.asked) == 2


def busy(status, *headers, times):
    """A server that wants a pause so many times, after it has answered a little."""
    answers = []

    def meddle(handler, request):
        if "well-known" in request.target or len(answers) >= times:
            return None
        answers.append(status)
        return Response(status, headers)

    return meddle


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_wants_a_pause_gets_it(status):
    with front(busy(status, ("Retry-After", "1"), times=2)) as server:
        start = time.monotonic()
        found = compare(twin(), other(server), changes="honest")
    assert time.monotonic() - start > 2 and not found.stopped and len(found) == 2


@pytest.mark.parametrize(
    "headers", [(("Retry-After", "3600"),), (("Retry-After", "Fri, 31 Dec 2099 23:59:59 GMT"),)]
)
def test_a_server_that_wants_a_long_pause_is_left_alone(headers):
    with front(busy(429, *headers, times=99)) as server:
        found = compare(twin(), other(server), changes="honest")
        assert len(server.requests) == 1
    assert isinstance(found.cause, Unreachable) and "429" in found.stopped
    assert 3600 <= found.cause.seconds < math.inf


def test_a_503_without_a_time_is_an_answer():
    def meddle(handler, request):
        return Response(503) if request.method == "PUT" else None

    with front(meddle) as server:
        found = compare(twin(), other(server), changes="token_request_by_put")
    assert found.rows[-1].b.status == 503 and found.rows[-1].kind == DIFFERENT


# ---- what a server may do to us ---------------------------------------------------------------


def test_nothing_hostile_in_an_answer_reaches_a_terminal_or_a_page():
    def meddle(handler, request):
        if request.method != "PUT":
            return None
        words = {"error": HOSTILE[0], "error_description": HOSTILE[2] + HOSTILE[1] * 99}
        return Response(400, (("X-Trap", "\x1b[2J"),), json.dumps(words).encode())

    with front(meddle) as server:
        found = compare(twin(), other(server), changes="token_request_by_put")
    for text in (repr(found), repr(found.rows[-1]), found.text(everything=True)):
        assert text.replace("\n", "").isprintable()
        assert max(map(len, text.splitlines())) < 600
    html = found._repr_html_()
    page = Page(html)
    assert html.isprintable() and page.names == {"style", "scope"}
    assert not {"script", "img"} & set(page.elements)


def test_an_echo_of_secrets_is_not_shown():
    def meddle(handler, request):
        if request.path == "/connect/token":
            if request.method != "PUT":
                return None
            words = {"error": "x", "error_description": f"no: {CLIENT['client_secret']}"}
            return Response(400, (), json.dumps(words).encode())
        said = dict(request.headers).get("Authorization", "")
        if said.startswith("Token"):
            challenge = f'DPoP error="invalid_token", error_description="{said}"'
            return Response(401, (("WWW-Authenticate", challenge),), said.encode())
        return None

    changes = ["token_request_by_put", "under_another_scheme"]
    with front(meddle) as server:
        found = compare(twin(), other(server), changes=changes)
    answers = [row.b for row in found if row.change != "honest"]
    assert len(answers) == 2 and all(one.description for one in answers)
    shown = [repr(found), found._repr_html_(), json.dumps(found.as_json())]
    shown += [one.exchange.response_body + one.challenge + one.description for one in answers]
    assert not [one for one in shown if CLIENT["client_secret"] in one or "eyJ" in one]


def test_of_an_endless_body_only_the_beginning_is_read():
    def meddle(handler, request):
        return Response(400, (), b"x" * 10_000_000) if request.method == "PUT" else None

    with front(meddle) as server:
        found = compare(twin(), other(server), changes="token_request_by_put")
    assert len(found.rows[-1].b.exchange.response_body) <= LONGEST_BODY


def test_json_that_goes_deep_is_no_error_of_ours():
    def meddle(handler, request):
        return Response(400, (), b"[" * 60_000) if request.method == "PUT" else None

    with front(meddle) as server:
        found = compare(twin(), other(server), changes="token_request_by_put")
    assert found.rows[-1].b.status == 400 and not found.stopped


def test_a_server_that_never_answers_is_waited_for_and_left():
    over = threading.Event()

    def meddle(handler, request):
        if len(server.requests) > 3:
            over.wait(60)

    with front(meddle) as server, Lab(settings=server.settings, timeout=1.5) as slow:
        found = compare(twin(), slow)
        over.set()
    assert "1.5 s" in found.stopped and len(found) == 2


def test_no_redirect_is_followed():
    with front() as elsewhere:

        def meddle(handler, request):
            if request.method == "PUT":
                return Response(307, (("Location", f"{elsewhere.url}/connect/token"),))
            return None

        with front(meddle) as server:
            found = compare(twin(), other(server), changes="token_request_by_put")
        assert found.rows[-1].b.status == 307 and found.rows[-1].kind == DIFFERENT
        assert elsewhere.asked == []


# ---- asking -----------------------------------------------------------------------------------


def test_a_server_of_somebody_else_is_asked_only_with_leave():
    heard = []
    theirs = Lab(issuer=f"https://{AS}", api="https://api.example/x", client_id="me",
                 client_secret="a secret of mine")  # fmt: skip
    with pytest.raises(LabError):
        compare(twin(), theirs, ask=lambda words: heard.append(words))
    (words,) = heard
    assert AS in words and "api.example" in words and "client me," in words and "0.5 s" in words
    assert re.search(r"\d+ requests", words) and "secret" not in words


def test_a_name_that_begins_like_an_address_of_this_machine_is_somebody_else():
    heard = []
    for host in ("127.0.0.1.example", "localhost.example", "127.example"):
        theirs = Lab(token_endpoint=f"https://{host}/token", client_id="me", client_secret="mine!")
        with pytest.raises(LabError):
            compare(twin(), theirs, changes="honest", ask=lambda words: heard.append(words))
    assert len(heard) == 3


def test_a_server_on_this_machine_leads_nobody_elsewhere():
    def meddle(handler, request):
        named = {"issuer": server.url, "token_endpoint": f"https://{AS}/token"}
        return Response(200, (), json.dumps(named).encode())

    with front(meddle) as server:
        found = compare(twin(), other(server), ask=lambda words: True)
        assert isinstance(found.cause, SettingsError) and len(server.asked) == 1


def test_without_a_keyboard_nobody_says_yes():
    code = (
        "from dpop_lab import Lab, LabError; from dpop_lab.lab.compare import compare\n"
        "try: compare(Lab(), Lab(live=True))\n"
        "except LabError as error: print(type(error).__name__)"
    )
    done = run([sys.executable, "-c", code])
    assert done.stdout.splitlines()[-1].endswith("LabError") and done.returncode == 0


@pytest.mark.parametrize(
    "wrong", [{"changes": "nope"}, {"places": ["moon"]}, {"changes": ()}, {"changes": [["honest"]]}]
)
def test_a_wrong_name_is_told(wrong):
    with pytest.raises(LabError):
        compare(twin(), twin(), **wrong)


def test_only_labs_are_compared():
    with pytest.raises(LabError):
        compare(twin(), "https://as.example")


# ---- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, "twin duende --change honest htm_delete"),
        (1, "duende rfc9449 --change htm_in_array"),
        (2, "twin"),
        (2, "twin nope"),
        (2, "twin http://user@127.0.0.1"),
        (2, "twin twin --change nope"),
        (2, "twin twin --place moon"),
        (2, "twin twin --client-a none.json"),
        (2, "twin http://127.0.0.1:9 --client-b none.json"),
        (3, "twin http://127.0.0.1:9"),
    ],
)
def test_the_exit_code_says_how_it_ended(capsys, monkeypatch, code, arguments):
    monkeypatch.setenv("NO_PROXY", "*")
    assert main(["compare", *arguments.split()]) == code
    out, err = capsys.readouterr()
    assert bool(out) is (code < 2) and err.count("\n") == (code >= 2)


def test_rows_struck_out_are_named_on_the_command_line(capsys):
    arguments = ["twin", "twin without htm, jti", "--place", API, "--json"]
    assert main(["compare", *arguments, "--change", *SOME, "jti_missing"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["b"] == "DUENDE without htm jti" or "without jti" in found["b"]
    assert {row["to"] for row in found["rows"]} == {API}
    assert {"change", "title", "to", "kind", "a", "b"} == set(found["rows"][0])
    assert main(["compare", "twin", "twin without htn"]) == 2


def test_a_twin_on_a_port_is_asked_without_ado(capsys):
    with serve(policy=RFC_9449) as running:
        assert main(["compare", "rfc9449", running.base_url, "--change", *SOME]) == 0
        assert main(["compare", "rfc9449", running.base_url + "/", "--change", *SOME, "--all"]) == 0
    assert capsys.readouterr().err == ""


def command(*arguments, **given):
    """`dpop-lab compare` as a process, which is ended in any case."""
    return started([sys.executable, "-m", "dpop_lab", "compare", *arguments], **given)


@pytest.fixture
def theirs(tmp_path):
    """A server of somebody else, with TLS, that is reached through a proxy; its environment."""
    authority = Authority(tmp_path, AS)
    with (
        front(base_url=f"https://{AS}", tls=authority.tls) as server,
        proxy({f"{AS}:443": server.port}) as way,
    ):
        file = tmp_path / "client.json"
        file.write_text(json.dumps({**CLIENT, "api": f"{server.url}/api/dpop/test"}))
        environment = {
            "PATH": os.environ["PATH"],
            "HTTPS_PROXY": way.url,
            "REQUESTS_CA_BUNDLE": str(authority.bundle),
        }
        arguments = ("twin", server.url, "--client-b", str(file), "--pace", "0.01")
        yield server, arguments, environment


def test_without_a_terminal_and_without_yes_nothing_is_sent(theirs):
    server, arguments, environment = theirs
    with command(*arguments, env=environment, stdin=subprocess.PIPE) as process:
        out, err = process.communicate("y\n", timeout=SECONDS)
    assert (process.returncode, out, server.asked) == (2, "", [])
    assert AS in err and "--yes" in err


def test_with_yes_it_sends_no_more_than_it_said(theirs):
    server, arguments, environment = theirs
    wanted = [*arguments, "--place", API, "--yes", "--json", "--change"]
    wanted += [*CHANGES.at(API)][::4]
    with command(*wanted, env=environment) as process:
        out, err = process.communicate(timeout=SECONDS)
    said = int(re.search(r"(\d+) requests", err)[1])
    found = json.loads(out)
    assert process.returncode == 0 and len(found["rows"]) > 30
    assert said * 0.8 < len(server.asked) <= said
    agents = {dict(one.headers)["User-Agent"] for one in server.requests}
    assert len(agents) == 1 and agents.pop().startswith("dpop-lab/")


@contextmanager
def asked_at_a_terminal(arguments, environment, answer):
    """The command with a terminal on standard input, where an answer is typed."""
    import pty  # where there is one

    ours, its = pty.openpty()
    try:
        with command(*arguments, env=environment, stdin=its) as process:
            os.write(ours, answer)
            yield process
    finally:
        os.close(ours)
        os.close(its)


@POSIX
@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 2), (b"\n", 2), (b"\x04", 2)])
def test_the_person_at_the_terminal_decides(theirs, answer, code):
    server, arguments, environment = theirs
    with asked_at_a_terminal([*arguments, "--change", *SOME], environment, answer) as process:
        process.communicate(timeout=SECONDS)
    assert process.returncode == code and bool(server.asked) is (code == 0)


def test_the_live_server_and_the_twin_do_not_differ(tmp_path):
    host = BASE_URL.removeprefix("https://")
    authority = Authority(tmp_path, host)
    with (
        front(base_url=BASE_URL, tls=authority.tls, demo=True) as server,
        proxy({f"{host}:443": server.port}) as way,
    ):
        environment = {"HTTPS_PROXY": way.url, "REQUESTS_CA_BUNDLE": str(authority.bundle)}
        names = [*SOME, "honest_bearer", "unbound_token", "nonce_made_up", "basic", "method_delete"]
        arguments = ["live", "twin", "--yes", "--pace", "0.01", "--json", "--change", *names]
        environment["PATH"] = os.environ["PATH"]
        with command(*arguments, "assertion", env=environment) as process:
            found = json.loads(process.communicate(timeout=SECONDS)[0])
    assert process.returncode == 0 and {row["change"] for row in found["rows"]} == set(names)
    assert {row["to"] for row in found["rows"]} == set(PLACES) - {API_NONCE}


@POSIX
def test_ctrl_c_shows_what_was_had(theirs):
    server, arguments, environment = theirs
    before = len(server.requests)
    with command(*arguments[:-1], "0.1", "--yes", env=environment) as process:
        while len(server.requests) < before + 12:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130 and "Traceback" not in err
    assert re.search(r"[3-9] answered alike|\d\d answered alike", out) and "Stopped" in out


def test_a_change_to_a_url_where_nothing_is_says_nothing():
    def meddle(handler, request):
        return Response(404) if request.path.endswith("/") else None

    with front(meddle) as server:
        found = compare(
            Lab(), other(server), changes=["url_with_slash", "htm_delete"], places="API"
        )
    assert [(one.change, one.of) for one in found.not_asked] == [("url_with_slash", "B")]
    assert found.differences == ()


def test_a_nonce_for_one_request_is_no_difference_where_two_are_needed():
    used = []

    def meddle(handler, request):
        proofs = request.lines("DPoP") if request.path.startswith("/api") else ()
        jti = read_proof("".join(proofs)).claims.get("jti")
        if not proofs or jti not in used:
            used.append(jti)
            return None
        challenge = ("WWW-Authenticate", 'DPoP error="use_dpop_nonce"')
        return Response(401, (challenge, ("DPoP-Nonce", "next")))

    with front(meddle) as server:
        found = compare(twin(), other(server), changes=["sent_after_a_refusal"], places="API")
    assert [one.change for one in found.not_asked] == ["sent_after_a_refusal"]
