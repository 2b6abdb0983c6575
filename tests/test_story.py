"""The story of a session: what it says, what the twin saw of it, and what it never says."""

import html
import json
import os
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from client_world import SECRET, World, answer, challenge, issued, listening

from dpop_lab.checking import Report
from dpop_lab.cli import main
from dpop_lab.client.recorder import WITH_REPORTS, SessionLog, record
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import access_token_hash, make_proof, proof_header, read_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.session.story import Story
from dpop_lab.wire.har import as_curl
from dpop_lab.wire.message import Exchange, Request, Response

AGAIN = "sent again with the nonce: "
TOKEN_URL, API_URL = "https://as.example/token", "https://api.example/things"


def exchange(**parts: Any) -> Exchange:
    given = {"method": "GET", "url": API_URL, "request_headers": (), "request_body": ""}
    given |= {"sent_at": 0.0, "ended_at": 1.0, "status": 200, "reason": "OK"}
    return Exchange(**(given | parts))


def story_of(*exchanges: Exchange) -> Story:
    log = SessionLog()
    for one in exchanges:
        log.record(one)
    return Story(log)


def words(story: Story) -> list[str]:
    return [step.meaning for step in story]


def forms(story: Story) -> dict[str, str]:
    """A story in every form it has."""
    return {
        "repr": repr(story),
        "html": story._repr_html_(),
        "timeline": repr(story.timeline()),
        "timeline html": story.timeline()._repr_html_(),
        "steps": "\n".join(map(repr, story)),
        "diagram": repr(story.diagram()),
        "diagram html": story.diagram()._repr_html_(),
        "mermaid": story.diagram().mermaid,
        "curl": story.curl(),
        "har": json.dumps(story.har()),
    }


# ---- what it says -----------------------------------------------------------------------------


def test_a_nonce_round_trip_is_told_step_by_step() -> None:
    with Lab(api_nonce=True) as lab:
        auth = lab.auth("m2m.dpop.nonce")
        lab.session.get(lab.api, auth=auth), lab.session.get(lab.api, auth=auth)
        story = lab.story
    assert words(story) == [
        "nonce demanded",
        f"{AGAIN}token fetched",
        "nonce demanded",
        f"{AGAIN}accepted",
        "accepted, token reused",
    ]
    assert [step.role for step in story] == ["authorization server"] * 2 + ["resource server"] * 3
    assert [bool(step.nonce) for step in story] == [True, False, True, False, False]
    assert [step.error for step in story] == ["use_dpop_nonce", "", "use_dpop_nonce", "", ""]
    assert [step.carried for step in story] == [
        "client_secret_post as m2m.dpop.nonce, proof 1 (htm POST)",
        "client_secret_post as m2m.dpop.nonce, proof 2 (htm POST, nonce)",
        "DPoP access_token 1, proof 3 (htm GET, ath)",
        "DPoP access_token 1, proof 4 (htm GET, ath, nonce)",
        "DPoP access_token 1, proof 5 (htm GET, ath, nonce)",
    ]


def test_a_token_is_renewed_after_its_time() -> None:
    with Lab() as lab:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)
        lab.clock.advance(4000)
        lab.session.get(lab.api, auth=auth)
        assert words(lab.story) == ["token fetched", "accepted", "token renewed", "accepted"]
        assert lab.story[2].after > 3999


def test_a_token_is_renewed_after_a_refusal() -> None:
    world = World(answer(401, WWW_Authenticate="DPoP"), answer())
    log = record(world.session)
    world.get()
    again = "sent again with another token: accepted"
    told = ["token fetched", "access token refused", "token renewed", again]
    assert words(Story(log)) == told


def test_a_token_is_renewed_for_the_same_key_alone() -> None:
    world = World(answer(401, WWW_Authenticate="DPoP"), answer())
    log = record(world.session, SessionLog(show_proofs=True))
    world.get()
    assert words(Story(log))[2] == "token renewed"


def test_another_key_fetches_a_token_and_renews_none() -> None:
    with Lab() as lab:
        for auth in (lab.auth(), lab.auth()):
            lab.session.get(lab.api, auth=auth)
        assert words(lab.story) == ["token fetched", "accepted"] * 2


def fetch(number: int, *, client: str = "", basic: str = "", token: str) -> Exchange:
    """A token request whose answer has this token, one second after the one before."""
    lines = [("Authorization", f"Basic {basic}")] if basic else []
    form = "grant_type=client_credentials" + f"&client_id={client}" * bool(client)
    return exchange(
        method="POST",
        url=TOKEN_URL,
        request_headers=(*lines, ("DPoP", f"a-proof-of-some-length-{number}")),
        request_body=form,
        sent_at=2.0 * number,
        ended_at=2.0 * number + 1,
        response_body=json.dumps({"access_token": token, "token_type": "DPoP"}),
    )


def call(number: int, token: str, status: int = 200, *, key: str = "") -> Exchange:
    """A call with this token, refused with a bare challenge unless the status is 200."""
    proof = key or f"a-proof-of-some-length-{number}"
    return exchange(
        request_headers=(("Authorization", f"DPoP {token}"), ("DPoP", proof)),
        sent_at=2.0 * number,
        ended_at=2.0 * number + 1,
        status=status,
        response_headers=(("WWW-Authenticate", "DPoP"),) * (status == 401),
    )


@pytest.mark.parametrize("way", ["client", "basic"])
def test_another_client_renews_no_token_and_sends_nothing_again(way: str) -> None:
    first, second, third = (f"access-token-number-{n}" for n in (1, 2, 3))
    mine, theirs = {way: "bXk6Y3JlZGVudGlhbHM"}, {way: "dGhlaXI6Y3JlZGVudGlhbHM"}
    story = story_of(
        fetch(0, token=first, **mine),
        call(1, first, 401),
        fetch(2, token=second, **theirs),
        call(3, second),
        fetch(4, token=third, **mine),
        call(5, third),
    )
    assert words(story) == [
        "token fetched",
        "access token refused",
        "token fetched",
        "accepted",
        "token fetched again",
        "sent again with another token: accepted",
    ]


def test_a_call_with_another_key_is_nobodys_call_sent_again() -> None:
    with Lab() as lab:
        mine, theirs = lab.auth(), lab.auth()
        for auth in (mine, theirs):
            lab.session.get(lab.api, auth=auth)
        lab.clock.advance(4000)
        stale = {"Authorization": f"DPoP {mine.token.value}"}
        claims = {"jti": "1", "htm": "GET", "htu": lab.api, "iat": lab.clock.now()}
        proof = make_proof(generate_key(), **claims, access_token=mine.token.value)
        lab.session.get(lab.api, headers=stale | {"DPoP": proof})
        lab.session.get(lab.api, auth=theirs)
        assert words(lab.story)[5:] == ["token renewed", "accepted"]


def test_a_refusal_is_told_with_its_row() -> None:
    with Lab() as lab:
        lab.send("htm_delete"), lab.send("wrong_secret")
        *_, htm, secret = lab.story
    assert htm.meaning == "refused by the row htm: wanted 'GET', found 'DELETE'"
    assert (htm.error, htm.description) == ("invalid_dpop_proof", "Invalid 'htm' value.")
    assert not htm.accepted
    assert htm.exchange.reports[1]["htm"].mark == "failed"
    assert secret.meaning == "refused: invalid_client"


def test_a_session_of_any_server_has_a_story_too() -> None:
    def server(request: Request) -> Response:
        if request.path == "/moved":
            return Response(302, (("Location", "/there?a=b"),))
        return answer(503 if request.path == "/ill" else 200, {"hello": "you"})

    with listening(server) as url, requests.Session() as session:
        session.trust_env = False
        log = record(session)
        session.get(f"{url}/moved"), session.get(f"{url}/ill")
        session.get(f"{url}/.well-known/openid-configuration")
        with pytest.raises(requests.ConnectionError):
            session.get("http://127.0.0.1:1/nobody")
    story = Story(log)
    told = ["redirected to /there?a=b", "answered", "the server failed", "metadata fetched"]
    assert words(story) == [*told, "no answer"]
    assert [step.role for step in story] == [*["server"] * 3, "authorization server", "server"]
    assert story[1].request == "GET /there?…"
    assert [step.exchange.reports for step in story] == [()] * 5
    assert story[-1].answer.startswith("no answer: ConnectionError")
    assert {step.carried for step in story} == {"nothing of DPoP"}
    assert story[-1].origin == "http://127.0.0.1:1"


def test_a_nonce_round_trip_is_known_without_the_twin_as_well() -> None:
    world = World(challenge("n1"), answer())
    log = record(world.session)
    world.get()
    assert words(Story(log)) == ["token fetched", "nonce demanded", f"{AGAIN}accepted"]
    assert Story(log)[1].carried == "DPoP access_token 1, proof 2 (htm GET, ath)"


def test_proofs_that_are_kept_are_read() -> None:
    world = World(challenge("n1"), answer())
    log = record(world.session, SessionLog(show_proofs=True))
    world.get()
    assert Story(log)[2].carried == "DPoP access_token 1, proof (htm GET, ath, nonce)"
    assert words(Story(log))[2] == f"{AGAIN}accepted"


def test_a_new_request_without_the_nonce_is_not_the_one_demanded() -> None:
    world = World(challenge("n1"), challenge("n2"))
    log = record(world.session, SessionLog(show_proofs=True))
    proof = make_proof(generate_key(), jti="1", htm="GET", htu=API_URL, iat=0, access_token="t")
    for _ in range(2):
        world.session.get(API_URL, headers={"Authorization": "DPoP token", "DPoP": proof})
    assert words(Story(log)) == ["nonce demanded"] * 2


def test_what_was_sent_before_the_demand_is_not_sent_again() -> None:
    carried = (("Authorization", "DPoP some-access-token"), ("DPoP", "a-proof-of-some-length"))
    demand = (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", "n1"))
    sent = {"request_headers": carried}
    story = story_of(
        exchange(**sent, sent_at=0.0, ended_at=2.0, status=401, response_headers=demand),
        exchange(**sent, sent_at=1.0, ended_at=3.0),
        exchange(**sent, sent_at=4.0, ended_at=5.0),
    )
    assert words(story) == ["nonce demanded", "accepted", f"{AGAIN}accepted, token reused"]


def test_a_bearer_token_in_answer_to_a_proof_is_said_not_to_be_bound() -> None:
    world = World(tokens=[issued(1, token_type="Bearer")])
    log = record(world.session)
    with pytest.raises(TokenRefused):
        world.get()
    assert words(Story(log)) == ["token fetched, but it is not bound to the key"]


@pytest.mark.parametrize(
    ("settings", "authentication"),
    [
        ({}, "client_secret_post as me"),
        ({"client_auth": "client_secret_basic"}, "client_secret_basic"),
        ({"client_secret": None}, "no client authentication as me"),
        ({"client_secret": None, "client_key": generate_key()}, "client assertion as me"),
        ({"client_auth": "client_secret_jwt"}, "client assertion as me"),
    ],
)
def test_the_way_a_client_says_who_it_is_is_told(
    settings: dict[str, Any], authentication: str
) -> None:
    world = World(**settings)
    log = record(world.session)
    world.get()
    assert Story(log)[0].carried == f"{authentication}, proof 1 (htm POST)"


def test_a_story_is_a_sequence_and_a_slice_of_it_a_story() -> None:
    with Lab() as lab:
        auth = lab.auth()
        for _ in range(3):
            lab.session.get(lab.api, auth=auth)
        story, log = lab.story, lab.log
        lab.session.get(lab.api, auth=auth)
    assert len(story) == 4 and len(lab.story) == 5
    assert [step.exchange for step in story] == list(log)[:4]
    part = story[-2:]
    assert isinstance(part, Story)
    assert [step.number for step in part] == [3, 4]
    assert [entry["_dpop_lab"]["meaning"] for entry in part.har()["log"]["entries"]] == words(part)
    assert part.curl().count("curl --include") == 2
    assert as_curl(part[0].exchange) in part.curl()


def test_an_empty_log_has_a_story() -> None:
    story = Story(SessionLog())
    assert len(story) == 0
    assert repr(story) == "0 exchanges"
    assert repr(story.diagram()) == "0 exchanges"
    assert story.curl() == "" and story.har()["log"]["entries"] == []


def test_what_is_no_log_has_no_story() -> None:
    with pytest.raises(LabError):
        Story([])  # type: ignore[arg-type]


def test_the_plain_text_is_the_same_each_time_and_the_timeline_has_the_times() -> None:
    def told() -> Lab:
        with Lab(api_nonce=True) as lab:
            lab.session.get(lab.api, auth=lab.auth("m2m.dpop.nonce"))
        return lab

    one, other = told(), told()
    one.clock.advance(77)
    assert repr(one.story) == repr(other.story)
    assert one.story._repr_html_() == other.story._repr_html_()
    assert forms(one.story)["diagram html"] == forms(other.story)["diagram html"]
    assert repr(one.story.diagram()) == repr(other.story.diagram())
    assert not re.search(r"\d s\b", repr(one.story))
    assert len(re.findall(r"\+\d+\.\d{3} s, took \d+\.\d{3} s", repr(one.story.timeline()))) == 4


def test_two_hosts_are_told_apart() -> None:
    world = World()
    log = record(world.session)
    world.get()
    text = repr(Story(log))
    assert "POST /token at https://as.example  " in text
    assert text.startswith("2 exchanges with https://as.example, https://api.example\n")
    diagram = Story(log).diagram()
    servers = (("authorization server", "as.example"), ("resource server", "api.example"))
    assert diagram.lanes == (("client", ""), *servers)
    assert [(one.start, one.end) for one in diagram.messages] == [(0, 1), (1, 0), (0, 2), (2, 0)]
    assert "participant L1 as authorization server<br/>as.example\n" in diagram.mermaid
    assert "    L2-->>L0: #10003; 200 OK<br/>accepted" in diagram.mermaid


# ---- what the twin saw ------------------------------------------------------------------------


@pytest.mark.parametrize("carrier", ["in process", "socket"])
def test_each_exchange_has_what_the_twin_saw_of_it_in_threads_as_well(carrier: Any) -> None:
    with Lab(carrier=carrier) as lab:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)

        def call(number: int) -> None:
            good = {"auth": auth} if number % 2 else {"headers": {"Authorization": "DPoP x"}}
            lab.session.get(f"{lab.api}?n={number}", **good)  # type: ignore[arg-type]

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(call, range(64)))
        story = lab.story
    assert len(story) == 66
    for step in story:
        assert step.exchange.reports
        assert step.accepted is all(step.exchange.reports)


def test_the_same_bytes_sent_twice_are_seen_in_their_order() -> None:
    with Lab() as lab:
        lab.send("honest"), lab.send_again()
        *_, first, second = lab.story
    assert first.meaning == "accepted"
    assert second.meaning.startswith("refused by the row unused: ")


def test_sessions_under_other_rules_are_seen_and_other_hosts_are_not() -> None:
    with Lab() as lab, listening(lambda request: answer(401)) as url:
        auth = lab.auth()
        session = lab.session_under(DUENDE.without("htm"))
        session.get(lab.api, auth=auth)
        lab.twin(Request("GET", "/api/dpop/test", (("Host", "demo.duendesoftware.com"),)))
        lab.session.get(f"{url}/api/dpop/test")
        *_, under, other = lab.story
    assert under.exchange.reports[1].struck_out == ("htm",)
    assert not other.exchange.reports


def test_a_live_lab_has_a_story_that_nobody_saw() -> None:
    with Lab(live=True) as lab:
        assert len(lab.story) == 0
        lab.log.record(exchange())
        assert not lab.story[0].exchange.reports


def test_what_is_kept_of_the_servers_view_is_bounded() -> None:
    log, report = SessionLog(), Report("API", ())
    for _ in range(WITH_REPORTS + 5):
        log.record(replace(exchange(), reports=(report,)))
    story = Story(log)
    assert len(story) == WITH_REPORTS + 5
    assert [step.exchange.reports for step in story] == [()] * 5 + [(report,)] * WITH_REPORTS


# ---- what it never says -----------------------------------------------------------------------


def test_no_secret_is_in_any_form_of_a_story() -> None:
    secrets: set[str] = set()

    def noted(response: requests.Response, **_: object) -> None:
        headers = response.request.headers
        secrets.update([headers.get("DPoP", ""), headers.get("Authorization", " ").split()[-1:][0]])

    key = generate_key()
    with Lab() as lab:
        lab.session.hooks["response"].append(noted)
        auth = lab.auth("m2m.dpop.nonce", key)
        lab.session.get(lab.api, auth=auth)
        token = auth.token.value if auth.token else ""
        proof = make_proof(key, jti="j", htm="GET", htu=lab.api, iat=lab.clock.now())
        leaks = {"htm": token, "htu": f"{lab.api}?access_token={token}", "jti": token, "ath": token}
        for name, leak in leaks.items():
            claims = {**read_proof(proof).claims, "ath": access_token_hash(token), name: leak}
            said = sign_compact(proof_header(key), claims, key)
            headers = {"Authorization": f"DPoP {token}", "DPoP": said}
            lab.session.get(f"{lab.api}?access_token={token}", headers=headers)
            row = lab.log[-1].reports[1][name]
            assert "<access_token 1>" in str((row.wanted, row.found))
        lab.session.get(lab.plain_api, headers={"Authorization": f"Bearer {token}"})
        story = lab.story
    rows = {step.meaning.partition(":")[0] for step in story}
    assert rows >= {f"refused by the row {name}" for name in ("htm", "ath")}
    pieces = {one[at : at + 24] for one in secrets for at in range(0, len(one) - 24, 12)}
    for name, text in forms(story).items():
        assert not [one for one in pieces if one in text], name
        assert "client_secret=secret" not in text, name


HOSTILE = [
    "end",
    "a;b",
    "#35;",
    "two\nlines",
    "\r\nC->>S1: x",
    "<script>alert(1)</script>",
    "%%{init: {}}%%",
    "```",
    "\x1b[2J",
    "\u202e",
    "<img src=x onerror=x>",
    "C->>S1: hi",
    "' \"; rm -rf /",
    "\ud800",
]
PARTICIPANT = r"    participant (L0 as client|L[1-9]\d* as [a-z ]+(?:<br/>T)?)"
MESSAGE = r"    (L0->>L\d+|L\d+-->>L0|L0-xL\d+|Note over L0): (\d+\. )?T<br/>T"
TEXT = r"(?:[A-Za-z0-9 .,:/()_+*=?'-]|#\d+;)+"


def everywhere(text: str) -> Iterator[Exchange]:
    """Exchanges with a text at every place where one may be."""
    bare = text.replace("\n", "").replace("\r", "")
    for place in ("method", "url", "request_body", "reason", "response_body"):
        yield exchange(**{place: text})
    yield exchange(url=f"https://{bare}/{bare}?{bare}#{bare}")
    yield exchange(status=None, failure=text)
    for name in ("Authorization", "DPoP", "Cookie", "Content-Type", text):
        yield exchange(request_headers=((name, text),))
    for name in ("Location", "DPoP-Nonce", "Set-Cookie", "Content-Type", text):
        yield exchange(status=302, response_headers=((name, text),))
    said = {"error": text, "error_description": text, "token_type": text}
    yield exchange(status=400, response_body=json.dumps(said))
    form = f"grant_type={text}&client_id={text}&client_assertion={text}"
    yield exchange(method="POST", request_body=form, response_body=json.dumps(said))
    yield exchange(status=401, response_headers=(("WWW-Authenticate", f'DPoP error="{text}"'),))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_breaks_no_form_of_a_story(text: str) -> None:
    story = story_of(*everywhere(text))
    told = forms(story)
    tags = set(re.findall(r"<(\w+)", told["html"] + told["timeline html"]))
    assert tags - {"wbr"} == {"table", "caption", "thead", "tbody", "tr", "th", "td", "br", "span"}
    drawn = set(re.findall(r"<(\w+)(?: style=\"[\w .,:;()/#%-]*\")?>", told["diagram html"]))
    assert drawn - {"wbr"} == {"figure", "figcaption", "div", "span", "strong", "br"}
    assert told["diagram html"].count("<") == len(re.findall(r"<[/\w]", told["diagram html"]))
    for name in ("repr", "timeline", "steps", "curl", "diagram", "mermaid"):
        assert all(one.isprintable() or one == "\n" for one in told[name]), name
    assert told["repr"].count("\n") == 3 * len(story)
    lines = [line for line in told["curl"].split("\n") if line.startswith("# ")]
    assert len(lines) >= len(story)
    head, access, *rest = told["mermaid"].split("\n")
    assert head == "sequenceDiagram" and access.startswith("    accTitle: ")
    for line in rest:
        assert re.fullmatch(f"{PARTICIPANT}|{MESSAGE}".replace("T", TEXT), line), line
        assert not re.search(r"\bend\b", line), line
    check_har(story.har())


def test_a_diagram_ends_no_label_in_the_middle_of_a_word() -> None:
    long = " ".join(f"word{number}" for number in range(100))
    refusal = json.dumps({"error": "invalid_request", "error_description": long})
    with Lab() as lab:
        lab.send("htu_with_other_path"), lab.send("htm_delete", claims={"htm": "D" * 200})
        drawn = {one.more for one in lab.story.diagram().messages}
        log = lab.story
    assert "refused by the row htm" in drawn
    assert all(len(step.meaning) < 90 or step.meaning not in drawn for step in log)
    _, answer = story_of(exchange(status=400, response_body=refusal)).diagram().messages
    answered = answer.text
    assert re.fullmatch(r"400 invalid_request “(word[0-9]+ )+word[0-9]+…", answered)
    whole = {f"word{number}" for number in range(100)}
    assert set(re.findall(r"word[0-9]+", answered)) <= whole


def test_a_diagram_is_no_larger_than_what_is_drawn() -> None:
    many = story_of(*(exchange(url=f"https://h/{number}") for number in range(1000)))
    assert many.diagram().title == "the last 60 of 1000 exchanges"
    assert len(many.diagram().messages) == 120 and len(many.diagram().mermaid) < 50_000
    snow = {"reason": "☃" * 99, "response_body": json.dumps({"error": "☃" * 99})}
    large = story_of(*(exchange(method="☃" * 9, url=f"https://h/{snow}", status=400, **snow)
                       for _ in range(99)))  # fmt: skip
    assert large.diagram().title == "the last 30 of 99 exchanges"
    assert len(large.diagram().mermaid) < 50_000


def test_hundreds_of_exchanges_are_told() -> None:
    with Lab() as lab:
        auth = lab.auth()
        for _ in range(250):
            lab.session.get(lab.api, auth=auth)
        assert words(lab.story)[2:] == ["accepted, token reused"] * 249


# ---- HAR --------------------------------------------------------------------------------------

NUMBER = (int, float)
HAR_RULES: dict[str, dict[str, Any]] = {  # HAR 1.2, what is not optional
    "log": {"version": str, "creator": dict, "entries": list},
    "creator": {"name": str, "version": str},
    "entry": {
        "startedDateTime": str,
        "time": NUMBER,
        "request": dict,
        "response": dict,
        "cache": dict,
        "timings": dict,
    },
    "request": {
        "method": str,
        "url": str,
        "httpVersion": str,
        "cookies": list,
        "headers": list,
        "queryString": list,
        "headersSize": int,
        "bodySize": int,
    },
    "response": {
        "status": int,
        "statusText": str,
        "httpVersion": str,
        "cookies": list,
        "headers": list,
        "content": dict,
        "redirectURL": str,
        "headersSize": int,
        "bodySize": int,
    },
    "postData": {"mimeType": str, "params": list, "text": str},
    "content": {"size": int, "mimeType": str},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
    "named": {"name": str, "value": str},
}
OPTIONAL = {
    "log": {"pages", "browser", "comment"},
    "content": {"text", "comment", "encoding", "compression"},
    "request": {"postData", "comment"},
    "entry": {"_dpop_lab"},
    "response": {"_error"},
}


def check_part(kind: str, part: dict[str, Any]) -> None:
    rules = HAR_RULES[kind]
    assert set(rules) <= set(part) <= set(rules) | OPTIONAL.get(kind, set()), kind
    for name, wanted in rules.items():
        assert isinstance(part[name], wanted) and not isinstance(part[name], bool), (kind, name)


def check_har(har: dict[str, Any]) -> None:
    """Hold a HAR to the rules of HAR 1.2."""
    assert json.loads(json.dumps(har, allow_nan=False)) == har
    assert list(har) == ["log"]
    check_part("log", har["log"])
    assert har["log"]["version"] == "1.2"
    check_part("creator", har["log"]["creator"])
    for entry in har["log"]["entries"]:
        request, response = entry["request"], entry["response"]
        check_part("entry", entry), check_part("timings", entry["timings"])
        check_part("request", request), check_part("response", response)
        check_part("content", response["content"])
        started = entry["startedDateTime"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", started)
        assert datetime.fromisoformat(started).tzinfo
        assert entry["time"] == sum(entry["timings"].values()) >= 0
        assert re.fullmatch(r"[!-~]*", request["url"])
        lists = [request["cookies"], request["headers"], request["queryString"]]
        lists += [response["cookies"], response["headers"]]
        if "postData" in request:
            check_part("postData", request["postData"])
            lists.append(request["postData"]["params"])
        for pair in (pair for one in lists for pair in one):
            check_part("named", pair)
        assert (response["status"] == 0) == ("_error" in response)
        assert min(request["bodySize"], response["bodySize"], response["headersSize"]) >= -1


def test_the_har_of_a_session_follows_the_rules_and_says_what_the_server_saw() -> None:
    with Lab(api_nonce=True) as lab:
        lab.session.get(f"{lab.api}?a=b&c=%20d", auth=lab.auth("m2m.dpop.nonce"))
        lab.send("htm_delete")
        with pytest.raises(requests.ConnectionError):
            lab.session.get("http://127.0.0.1:1/")
        har = lab.story.har()
    check_har(har)
    *_, token, demanded, _, _, refused, failed = har["log"]["entries"]
    assert token["request"]["postData"]["params"][-1] == {
        "name": "client_secret",
        "value": "<client_secret 1>",
    }
    assert len(token["request"]["postData"]["text"]) == token["request"]["bodySize"]
    assert token["response"]["content"]["text"].startswith('{"access_token":"<access_token 1>"')
    assert demanded["request"]["queryString"] == [
        {"name": "a", "value": "b"},
        {"name": "c", "value": " d"},
    ]
    assert (failed["response"]["status"], failed["response"]["content"]["size"]) == (0, 0)
    assert failed["response"]["_error"].startswith("ConnectionError")
    access_token, proof = refused["_dpop_lab"]["reports"]
    assert (access_token["accepted"], proof["accepted"]) == (True, False)
    assert [row for row in proof["rows"] if row["mark"] == "failed"] == [
        {
            "row": "htm",
            "mark": "failed",
            "section": "RFC 9449 §4.3 (8)",
            "wanted": "'GET'",
            "found": "'DELETE'",
        }
    ]
    assert "reports" not in failed["_dpop_lab"]


def test_urls_cookies_and_redirects_are_taken_apart_in_the_har() -> None:
    story = story_of(
        exchange(
            url="https://h/a b?access_token=very-secret-token&x=ü",
            request_headers=(("Cookie", "a=cookie-number-one; b=2"),),
            status=302,
            response_headers=(
                ("Set-Cookie", "s=cookie-number-two; Path=/; HttpOnly"),
                ("Location", "/there"),
            ),
            response_body="<7 bytes of image/png>",
            ended_at=0.25,
        )
    )
    check_har(story.har())
    (entry,) = story.har()["log"]["entries"]
    assert entry["request"]["url"] == "https://h/a%20b?access_token=%3Caccess_token%201%3E&x=%C3%BC"
    assert entry["request"]["cookies"] == [
        {"name": "a", "value": "<cookie 1>"},
        {"name": "b", "value": "<cookie 2>"},
    ]
    assert entry["response"]["cookies"] == [{"name": "s", "value": "<cookie 3>"}]
    assert entry["response"]["redirectURL"] == "/there"
    assert entry["response"]["content"]["size"] == 7
    assert "text" not in entry["response"]["content"]
    assert entry["time"] == 250


@pytest.mark.parametrize("at", [-1.0, 0.0, 253402300799.0])
def test_a_clock_that_was_set_is_no_fault_in_a_har(at: float) -> None:
    check_har(story_of(exchange(sent_at=at, ended_at=0.0)).har())


def test_a_har_is_saved_for_its_owner_and_replaced(tmp_path: Path) -> None:
    path, story = tmp_path / "call.har", story_of(exchange())
    story.save_har(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    story_of(exchange(), exchange()).save_har(str(path))
    story.save_har(path)
    assert json.loads(path.read_text("utf-8")) == story.har()


def test_a_har_replaces_no_other_file(tmp_path: Path) -> None:
    key = tmp_path / "ec.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n", encoding="utf-8")
    for path in (key, tmp_path, tmp_path / "no" / "such.har"):
        with pytest.raises(LabError):
            story_of(exchange()).save_har(path)
    with pytest.raises(LabError):
        story_of(exchange()).save_har(None)  # type: ignore[arg-type]
    assert key.read_text("utf-8") == "-----BEGIN PRIVATE KEY-----\n"


# ---- dpop-lab call --har ----------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(generate_key().private_jwk()), encoding="utf-8")
    return str(path)


def test_call_writes_a_har_beside_the_log(
    key_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    har, log = tmp_path / "call.har", tmp_path / "call.log"
    assert main(["call", "--key", key_file, "--har", str(har), "--log", str(log)]) == 0
    written = json.loads(har.read_text("utf-8"))
    check_har(written)
    entries = written["log"]["entries"]
    assert [entry["_dpop_lab"]["meaning"] for entry in entries] == ["token fetched", "accepted"]
    assert entries[1]["_dpop_lab"]["reports"][1]["accepted"] is True
    assert "HTTP/1.1 200 OK" in log.read_text("utf-8")


def test_call_writes_the_har_of_a_call_that_failed(
    key_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client, har = tmp_path / "client.json", tmp_path / "call.har"
    settings = {"client_id": "a", "client_secret": SECRET, "scope": "api"}
    settings["token_endpoint"] = "http://127.0.0.1:1/token"
    client.write_text(json.dumps(settings), encoding="utf-8")
    call = ["call", "http://127.0.0.1:1/api", "--key", key_file, "--client", str(client)]
    assert main([*call, "--har", str(har)]) == 3
    (entry,) = json.loads(har.read_text("utf-8"))["log"]["entries"]
    assert entry["response"]["status"] == 0
    assert urlsplit(entry["request"]["url"]).path == "/token"
    assert SECRET not in har.read_text("utf-8")


@pytest.mark.parametrize("other", ["key", "log", "folder"])
def test_call_is_not_made_when_the_har_can_not_be_written(
    key_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    before = Path(key_file).read_text("utf-8")
    har = {"key": key_file, "log": str(tmp_path / "a.log"), "folder": str(tmp_path / "no" / "x")}
    call = ["call", "--key", key_file, "--log", str(tmp_path / "a.log"), "--har", har[other]]
    assert main(call) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert Path(key_file).read_text("utf-8") == before


def test_the_table_of_a_story_shows_text_and_nothing_else() -> None:
    story = story_of(exchange(status=400, reason="<b>no</b>"))
    assert html.escape("<b>no</b>") in story._repr_html_()
