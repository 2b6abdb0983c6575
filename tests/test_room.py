"""One server for a room: who sent what, told apart, counted and bounded; and who may reset it."""

import gzip
import html
import http.client
import json
import re
import secrets
import shutil
import socket
import sys
import threading
import time
from contextlib import closing
from urllib.parse import quote

import pytest
import requests

from dpop_lab import Lab, LabError, generate_key, progress
from dpop_lab.doctor.explain.explainer import EACH, PROGRESS, RESET, SOON, TRAINER
from dpop_lab.doctor.explain.room import KEPT, LARGEST, MOST, OTHERS, SEVERAL, Room
from dpop_lab.doctor.explain.telling import Entry
from dpop_lab.exercises.attempt import Attempt
from dpop_lab.exercises.course import find_exercise
from dpop_lab.wire.message import Response
from dpop_lab.wire.participant import LONGEST, MACHINE, NAME, name_headers, participant_in
from tests.client_world import listening
from tests.exercises.lesson_01 import TRIED as SOLUTIONS
from tests.programs import run
from tests.test_explain import DISCOVERY, HOSTILE, Tags, explaining, why
from tests.world import API, TOKEN

CLASS = 60
URL = "http://room.example:8080"


@pytest.fixture
def server():
    """A server that explains, new for each test."""
    with explaining() as one:
        yield one


def people(server, query=""):
    """The rows of the table by their names: exercise, solved, accepted, refused, last; as text."""
    rows = {}
    for row in server.feed(query)["people"]:
        name = html.unescape(re.search('data-name="([^"]*)"', row)[1])
        rows[name] = [html.unescape(cell) for cell in re.findall("<td[^>]*>([^<]*)</td>", row)]
    return rows


def counts(server):
    """How many requests of each were accepted, and refused."""
    return {name: (int(row[2]), int(row[3])) for name, row in people(server).items()}


def said(server, query):
    """The verdicts a page is given."""
    return [one["said"] for one in server.feed(query)["entries"]]


def by(name, machine=""):
    """The header lines of a client that has this name."""
    return [(NAME, name)] + [(MACHINE, machine)] * bool(machine)


def reset(server, secret=None, **headers):
    """Ask for a reset with the trainer's secret, or another."""
    secret = server.running.front.trainer if secret is None else secret
    return server.send("POST", RESET, [(TRAINER, secret), *headers.items()], b"")[0].status


# ---- the name goes along, to one server ------------------------------------------------------


def test_a_lab_with_a_name_needs_nothing_but_the_issuer(server):
    with Lab(issuer=server.running.base_url + "/", name="ann") as lab:
        assert lab.session.get(lab.api, auth=lab.auth()).status_code == 200
        assert lab.session.get(lab.plain_api).status_code == 401
        assert lab.metadata["issuer"] == server.running.base_url
        assert lab.client.client_id == "m2m.dpop" and lab.live
    server.last(4)
    assert {entry.name for entry in server.told} == {"ann"}
    assert counts(server) == {"ann": (3, 1)}


def test_a_participant_may_be_another_client(server, monkeypatch):
    monkeypatch.setenv("DPOP_LAB_CLIENT_ID", "m2m.dpop.nonce")
    monkeypatch.setenv("DPOP_LAB_ISSUER", server.running.base_url)
    with Lab(name="ann") as lab:
        assert lab.session.get(lab.api, auth=lab.auth()).status_code == 200
    assert (server.last(3).name, server.told[0].client) == ("ann", "m2m.dpop.nonce")


def test_a_room_needs_no_tls_for_all_is_published_there(monkeypatch):
    with explaining(base_url=URL) as server:  # which is its own proxy: it takes any host
        monkeypatch.setenv("HTTP_PROXY", server.running.url)
        with Lab(issuer=URL, name="ann") as lab:
            assert lab.session.get(lab.api, auth=lab.auth()).status_code == 200
            assert lab.metadata["token_endpoint"] == URL + TOKEN
            assert lab.session.get(lab.api, auth=lab.sign_in()).status_code == 200
        with pytest.raises(LabError):  # a secret of its own is not sent so
            _ = Lab(issuer=URL, name="ann", client_id="web", client_secret="mine").token_endpoint


def test_a_server_for_others_never_calls_itself_by_an_address_of_its_own_machine():
    host = [("Host", URL.partition("//")[2])]
    with explaining(host="0.0.0.0", base_url=URL) as server:
        for path in (API, DISCOVERY, "/x"):
            server.send("GET", path, host)
        server.last(3)
        shown = server.send("GET", "/", host)[1] + server.send("GET", DISCOVERY, host)[1]
        assert "127.0.0.1" not in shown + "".join(map(repr, server.told))
        assert f"curl --include --request GET {URL}/x" in server.told[2].curl
        server.ask(server.proof(htu=server.running.url + TOKEN))
        assert f"Call this server by {URL}," in why(server.last(5))["change"]


def test_the_name_goes_to_no_other_server(server):
    with explaining() as other:
        lab = Lab(issuer=server.running.base_url, name="ann", api=other.running.base_url + API)
        lab.session.get(lab.api, auth=lab.auth())
        lab.session.get(other.running.base_url, headers={NAME: "ann"})
        lab.session.get(lab.api.replace("127.0.0.1", "localhost"))
        lab.close()
        other.last(2)
        assert server.last().name == "ann"
        for entry in other.told:
            assert entry.name == "" and "lab-name" not in entry.request.lower()


def test_a_redirect_takes_the_name_along_within_the_server_alone():
    came = []

    def elsewhere(request):
        came.append(request)
        return Response(200)

    def leads(request):
        came.append(request)
        to = "/there" if request.target == "/here" else f"{url}/out"
        return Response(302, (("Location", to),))

    with listening(elsewhere) as url, listening(leads) as here:
        with Lab(issuer=here, name="ann") as lab:
            assert lab.session.get(f"{here}/here").status_code == 200
        assert [one.target for one in came] == ["/here", "/there", "/out"]
        assert [one.lines(NAME) for one in came] == [("ann",), ("ann",), ()]
        assert [len(one.lines(MACHINE)) for one in came] == [1, 1, 0]
        assert [NAME in dict(one.request_headers) for one in lab.log] == [True, True, False]


@pytest.mark.parametrize(
    "options",
    [
        {"live": True},
        {"issuer": "https://demo.duendesoftware.com"},
        {"issuer": "https://DEMO.duendesoftware.com:443/"},
        {"token_endpoint": "https://demo.duendesoftware.com/connect/token"},
        {"carrier": "socket"},
        {},
    ],
    ids=str,
)
def test_the_live_demo_and_our_own_twin_are_told_no_name(options):
    with pytest.raises(LabError):
        Lab(name="ann", **options)


@pytest.mark.parametrize(
    "name", ["", "  ", "a\x1b[2J", "a\nb", "x" * (LONGEST + 1), "\u202eann", 7]
)
def test_what_is_no_name_is_refused_before_anything_is_sent(name):
    with pytest.raises(LabError):
        Lab(issuer=URL, name=name)


@pytest.mark.parametrize("unseen", ["\x1b", "\u200c", "\u202e"], ids=ascii)
def test_a_character_that_can_not_be_in_a_name_is_told(unseen):
    with pytest.raises(LabError) as caught:
        Lab(issuer=URL, name=f"an{unseen}n")
    assert ascii(unseen) in caught.value.found


def test_without_a_name_nothing_says_who_it_is(server):
    settings = {"client_id": "m2m.dpop", "client_secret": "secret", "scope": "api"}
    with Lab(issuer=server.running.base_url, **settings) as lab:
        lab.session.get(lab.base_url + API)
        assert type(lab.session) is requests.Session
    assert server.last().name == ""
    assert "lab-name" not in server.last().request.lower()


@pytest.mark.parametrize("name", ["ann", "Zoë", "李 小龙", "100%", "a;b=c, d", "<b>"])
def test_a_name_comes_out_as_it_went_in(name):
    lines = name_headers(name, URL)
    assert all(text.isascii() for text in lines.values())
    assert participant_in(tuple(lines.items())) == (name, lines[MACHINE])
    as_curl_sends_it = name.encode().decode("latin-1")
    assert participant_in(((NAME.lower(), as_curl_sends_it),)) == (name, "")


def test_the_mark_of_a_machine_is_another_for_each_name_and_server():
    marks = {name_headers(name, url)[MACHINE] for name in ("ann", "bob") for url in (URL, "x")}
    assert len(marks) == 4
    assert name_headers(" ann ", URL) == name_headers("ann", URL)


def test_a_name_changes_nothing_of_what_is_judged(server):
    for odd in ({}, {"htm": "GET"}, {"iat": 0}):
        answers = []
        for lines in ([], by("ann", "m"), by(HOSTILE.encode("ascii", "replace").decode()[:60])):
            proof = ("DPoP", server.proof(**odd))
            headers = [("Content-Type", "application/x-www-form-urlencoded"), proof, *lines]
            form = b"grant_type=client_credentials&client_id=m2m.dpop&client_secret=secret"
            answer, text = server.send("POST", TOKEN, [*headers[:2], *lines], form)
            shape = re.sub('"access_token":"[^"]*"', "", text)
            answers.append((answer.status, shape, [n for n, _ in answer.getheaders()]))
        assert answers[0] == answers[1] == answers[2]


# ---- sixty at once ---------------------------------------------------------------------------


def calls_of(number, url, ready, ends):
    """What one of the class sends: its own token, some calls under its own path, some wrong."""
    with Lab(issuer=url, name=f"p{number}", timeout=60) as lab:
        auth = lab.auth()
        ready.wait()
        good = lab.session.get(f"{lab.api}?of=p{number}.", auth=auth)
        bad = [lab.session.get(f"{lab.api}?of=p{number}.") for _ in range(number % 3)]
        ends[number] = [one.status_code for one in (good, *bad)]


def test_sixty_participants_at_once_are_neither_lost_nor_mixed_up(server):
    ready, ends = threading.Barrier(CLASS), {}
    threads = [
        threading.Thread(target=calls_of, args=(n, server.running.base_url, ready, ends))
        for n in range(CLASS)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert ends == {n: [200] + [401] * (n % 3) for n in range(CLASS)}
    total = sum(2 + n % 3 for n in range(CLASS))
    server.last(total)
    assert [entry.number for entry in server.told] == [*range(1, total + 1)]
    assert counts(server) == {f"p{n}": (2, n % 3) for n in range(CLASS)}
    keys = set()
    for n in range(CLASS):
        feed = server.feed(f"?name=p{n}")
        mine = [one["html"] for one in feed["entries"]]
        assert len(mine) == 2 + n % 3
        assert {*re.findall(r"of=(p\d+)\.", "".join(mine))} == {f"p{n}"}
        (key,) = {entry.key for entry in server.told if entry.name == f"p{n}"} - {""}
        keys.add(key)
    assert len(keys) == CLASS


# ---- bounds ----------------------------------------------------------------------------------


def an_entry(number, **more):
    return Entry(
        number=number, time=0.0, refused=bool(number % 2), verdict=f"GET /{number}", **more
    )


def test_ten_thousand_requests_of_one_drive_out_nobody_elses():
    room = Room()
    ann, bob = room.participant("ann", "m", "192.0.2.1"), room.participant("bob", "n", "192.0.2.2")
    room.keep(bob, an_entry(0), "<li>bob</li>")
    for number in range(1, 10_001):
        room.keep(ann, an_entry(number, client=f"c{number}", key=f"k{number}"), "<li></li>")
    assert (ann.accepted + ann.refused, len(ann.kept), len(bob.kept)) == (10_000, KEPT, 1)
    assert max(len(ann.clients), len(ann.keys)) == SEVERAL
    assert [one.said for one in room.entries(0, {"name": "bob"})] == ["GET /0"]
    newest = [one.said for one in room.entries(0, {})]
    assert newest == [f"GET /{number}" for number in range(10_000, 10_000 - KEPT, -1)]


def test_what_is_kept_of_one_is_bounded_in_octets_too():
    room = Room()
    ann = room.participant("ann", "", "")
    for number in range(KEPT):
        room.keep(ann, an_entry(number), secrets.token_hex(20_000))
    assert ann.size == sum(len(one.packed) for one in ann.kept)
    assert ann.size <= LARGEST and ann.kept[-1].said == f"GET /{KEPT - 1}"


def test_whoever_comes_when_the_room_is_full_shares_a_place_and_drives_out_nobody():
    room = Room()
    for number in range(MOST + 50):
        one = room.participant(f"p{number}", f"m{number}", "192.0.2.1")
        room.keep(one, an_entry(number), "<li></li>")
    assert len(room.people) == MOST + 1
    assert room.people["p0"].kept and len(room.people[OTHERS].kept) == 50
    assert room.participant(OTHERS, "m", "x") is room.people[OTHERS]


def test_a_page_asks_the_less_often_the_more_pages_are_open(server):
    waits = [server.feed(f"?page={n}")["wait"] for n in range(CLASS)]
    assert (waits[0], waits[-1]) == (SOON, CLASS * EACH)
    assert server.feed("?page=0")["wait"] == CLASS * EACH


def test_a_page_is_given_what_changed_and_nothing_else(server):
    for name in ("ann", "bob"):
        server.send("GET", "/x", by(name))
    feed = server.feed()
    server.send("GET", "/y", by("bob"))
    since = f"?n={feed['newest']}&run={feed['run']}"
    assert [*people(server, since)] == ["bob"]
    assert [one.partition(":")[0] for one in said(server, since)] == ["GET /y"]
    assert said(server, since + "&name=ann") == []


def test_answers_to_pages_are_packed_where_that_is_taken(server):
    server.send("GET", API)
    server.last()
    plain = server.page()
    with closing(http.client.HTTPConnection("127.0.0.1", server.running.port)) as one:
        for accepted, packed in (("gzip, br", True), ("br", False), ("gzip;q=0", False)):
            one.request("GET", "/", headers={"Accept-Encoding": accepted})
            answer = one.getresponse()
            body = answer.read()
            assert (answer.headers["Content-Encoding"] == "gzip") is packed
            assert (gzip.decompress(body) if packed else body).decode() == plain


# ---- who is who ------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_says_its_name_in_a_header_line(server):
    url = server.running.base_url + API
    run(["curl", "--silent", "--noproxy", "*", "--header", f"{NAME}: Zoë", url], timeout=60)
    assert (server.last().name, counts(server)) == ("Zoë", {"Zoë": (0, 1)})


def test_two_of_one_name_are_told_apart_by_their_machines(server):
    for machine in ("one", "two", "one"):
        server.send("GET", API, by("ann", machine))
    server.last(3)
    assert [entry.name for entry in server.told] == ["ann", "ann (2)", "ann"]
    assert counts(server) == {"ann": (0, 2), "ann (2)": (0, 1)}
    assert len(said(server, "?name=ann%20(2)")) == 1
    assert "two" not in server.told[1].request + server.told[1].curl  # the mark is for nobody else
    assert "[ann (2)]" in repr(server.told[1])


def test_without_a_mark_they_are_told_apart_by_their_addresses():
    room = Room()
    first, second = (room.participant("ann", "", peer) for peer in ("192.0.2.1", "192.0.2.2"))
    assert (first.label, second.label) == ("ann", "ann (2)")
    assert room.participant("ann", "m", "192.0.2.2") is second  # a lab, on a machine with curl
    assert room.participant("ann", "", "192.0.2.2") is second
    assert room.participant("ann", "m", "192.0.2.3") is second  # it got another address
    assert room.participant("ann", "n", "192.0.2.2").label == "ann (3)"
    assert room.participant("ann (2)", "", "192.0.2.9").label == "ann (2) (2)"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no second loopback address")
def test_the_address_is_that_of_the_connection(server):
    for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
        address = ("127.0.0.1", server.running.port)
        with closing(http.client.HTTPConnection(*address, source_address=(source, 0))) as one:
            one.request("GET", API, headers={NAME: "ann"})
            one.getresponse().read()
    server.last(3)
    assert [entry.name for entry in server.told] == ["ann", "ann (2)", "ann"]


def test_requests_are_filtered_by_client_and_key(server):
    server.ask(server.proof())
    server.ask(server.proof(), client_id="m2m.dpop.nonce")
    server.send("GET", API, by("ann"))
    server.last(3)
    key = server.told[0].key
    assert len(said(server, "")) == 3
    assert len(said(server, f"?key={quote(key)}")) == 2
    assert len(said(server, f"?key={quote(key)}&client=m2m.dpop")) == 1
    assert len(said(server, "?client=nobody")) == 0
    used = json.loads(
        html.unescape(re.search('data-used="([^"]*)"', server.feed()["people"][1])[1])
    )
    assert used == {"client": {"m2m.dpop": 1, "m2m.dpop.nonce": 1}, "key": {key: 2}, "sign_in": {}}


@pytest.mark.parametrize(
    "name", [HOSTILE, "\x1b[2Jann", "a\x85b", "'\"><svg onload=alert(1)>", "%00%0d"]
)
def test_a_name_with_markup_or_control_characters_is_shown_as_text(server, name):
    sent = quote(name)
    server.send("GET", API, by(sent))
    entry = server.last()
    assert 0 < len(entry.name) <= LONGEST
    assert all(line.isprintable() for line in repr(entry).split("\n"))
    for page in (server.page(), server.send("GET", f"/?name={quote(entry.name)}")[1]):
        tags = Tags(page)
        assert tags.tags.count("script") == 1
        assert not {"img", "svg", "b"} & {*tags.tags}
        assert not [one for one in tags.attributes if one.startswith(("on", "src"))]
        assert entry.name in tags.text
        assert not {"\x1b", "\u202e", "\x85", "\0"} & {*page}
    assert len(said(server, f"?name={quote(entry.name)}")) == 1


def test_a_token_in_the_place_of_a_name_is_not_shown(server):
    token = json.loads(server.ask(server.proof())[1])["access_token"]
    server.send("GET", API, by(token))
    assert token[:30] not in json.dumps(server.feed()) + server.page() + repr(server.last(2))


# ---- what goes wrong for one, and for nobody else --------------------------------------------


def test_whoever_calls_by_another_url_is_told_the_right_one(server):
    base = server.running.base_url
    with Lab(issuer=base.replace("127.0.0.1", "localhost"), name="ann") as lab:
        assert lab.ask(key=generate_key("ES256")).status_code == 400
    told = why(server.last())
    assert told["row"].startswith("htu") and f"Call this server by {base}," in told["change"]


def test_whoever_leaves_in_the_middle_is_told_and_disturbs_nobody(server):
    lines = f"POST {TOKEN} HTTP/1.1\r\nHost: h\r\n{NAME}: ann\r\nContent-Length: 999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.running.port), timeout=20) as one:
        one.sendall(lines.encode() + b"client_secret=abc")
        for _ in range(3):
            assert server.ask(server.proof())[0].status == 200
    entry = server.last(4)
    assert (entry.name, entry.refused, entry.request) == ("ann", True, "")
    assert "17 octets" in entry.verdict and why(entry)["change"]
    assert server.ask(server.proof())[0].status == 200
    assert counts(server) == {"ann": (0, 1), "no name": (4, 0)}


# ---- a reset ---------------------------------------------------------------------------------


def test_the_trainer_alone_resets(server):
    server.send("GET", API, by("ann"))
    before = server.feed()
    for secret in ("", "x", "\xe9", server.running.front.trainer[:-1]):
        assert reset(server, secret) == 403
    for method in ("GET", "OPTIONS", "HEAD"):
        assert (
            server.send(method, RESET, [(TRAINER, server.running.front.trainer)])[0].status == 405
        )
    assert reset(server, Host="evil.example") == 421
    assert server.feed()["entries"] == before["entries"]
    assert reset(server) == 200
    after = server.feed()
    assert (after["entries"], after["people"]) == ([], [])
    assert after["run"] != before["run"]
    assert server.running.front.trainer not in server.page() + json.dumps(after)


def test_after_a_reset_used_proofs_are_new_and_nonces_and_tokens_still_good(server):
    proof = server.proof()
    _, body = server.ask(proof)
    token = json.loads(body)["access_token"]
    assert server.ask(proof)[0].status == 400
    nonce = server.ask(server.proof(), client_id="m2m.dpop.nonce")[0].headers["DPoP-Nonce"]
    assert reset(server) == 200
    assert server.ask(proof)[0].status == 200
    assert server.ask(server.proof(nonce=nonce), client_id="m2m.dpop.nonce")[0].status == 200
    proof = server.proof(htm="GET", htu=server.running.base_url + API, access_token=token)
    lines = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
    assert server.send("GET", API, lines)[0].status == 200
    assert counts(server) == {"no name": (3, 0)}


# ---- exercises, where they agree -------------------------------------------------------------


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    """An exercise of lesson 1, with progress kept in a folder of its own."""
    monkeypatch.setenv("DPOP_LAB_DATA", str(tmp_path))
    yield Attempt(find_exercise("01.1"))
    progress().share(None)


def until(server, name, *cells):
    """Wait until a participant's exercise is told so."""
    deadline = time.monotonic() + 60
    while people(server)[name][:2] != [*cells]:
        assert time.monotonic() < deadline, people(server)
        time.sleep(0.02)


def test_nothing_of_exercises_is_shared_unasked(server, attempt):
    with Lab(issuer=server.running.base_url, name="ann") as lab:
        lab.session.get(lab.api)
        SOLUTIONS["01.1"].solve(attempt)
        assert attempt.solved()
        time.sleep(0.2)
    assert people(server)["ann"][0] == ""
    assert len(server.told) == 1


def test_whoever_shares_is_shown_at_the_exercise_and_how_far(server, attempt):
    with Lab(issuer=server.running.base_url, name="ann") as lab:
        assert lab.base_url in repr(progress().share(lab))
        attempt.hint()
        until(server, "ann", "01.1 begun", "0")
        SOLUTIONS["01.1"].solve(attempt)
        until(server, "ann", "01.1 solved", "1")
        assert len(lab.log) == 0  # it is no part of the story
        assert server.told == []
        progress().share(None)
        Attempt(find_exercise("01.2")).hint()
        time.sleep(0.2)
        assert people(server)["ann"][:2] == ["01.1 solved", "1"]


def test_an_exercise_does_not_wait_for_a_room_that_is_gone(server, attempt):
    with Lab(issuer=server.running.base_url, name="ann") as lab:
        progress().share(lab)
        server.running.close()
        SOLUTIONS["01.1"].solve(attempt)
        assert attempt.solved()
        with pytest.raises(LabError):
            progress().share(lab)


def test_nothing_is_shared_without_a_name_or_with_a_server_that_has_no_page(server):
    with pytest.raises(LabError):
        progress().share(Lab())
    with pytest.raises(LabError):
        progress().share("ann")
    server.running.front._pages.pop(PROGRESS)
    with pytest.raises(LabError), Lab(issuer=server.running.base_url, name="ann") as lab:
        progress().share(lab)


REPORT = {"exercise": "05.2", "states": {"05.2": "begun"}}
NO_REPORTS = [
    "", "x", "[]", "null", "{}", '{"states": []}',
    json.dumps({**REPORT, "exercise": "<b>"}),
    *[json.dumps({**REPORT, "exercise": one}) for one in (5, 0, None, False, [], {})],
    json.dumps({**REPORT, "states": {"05.2": "<b>"}}),
    json.dumps({**REPORT, "states": {"05.2": ["solved"]}}),
    json.dumps({**REPORT, "states": {"x" * 500: "solved"}}),
    json.dumps({"states": {f"{n:02}.{m}": "solved" for n in range(100) for m in range(9)}}),
    json.dumps(REPORT) + " " * 30_000,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_REPORTS, ids=lambda text: text[:50])
def test_what_is_no_report_of_exercises_is_refused_and_shown_nowhere(server, text):
    assert server.send("POST", PROGRESS, by("ann"), text.encode())[0].status == 400
    assert people(server).get("ann", [""])[0] == ""


def test_a_report_has_a_name(server):
    assert server.send("POST", PROGRESS, [], json.dumps(REPORT).encode())[0].status == 400
    assert server.send("POST", PROGRESS, by("ann"), json.dumps(REPORT).encode())[0].status == 200
    assert people(server) == {"ann": ["05.2 begun", "0", "0", "0", ""]}
    assert server.feed()["entries"] == []
