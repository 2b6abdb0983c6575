"""Reports: what comes first, what is told once, whose clock is wrong, and what is never told."""

import io
import json
import re
import sys
import time
from pathlib import Path

import pytest

from dpop_lab import DPoPAuth, Lab, SessionLog, diagnose, generate_key, record
from dpop_lab.cli import main
from dpop_lab.client.token import TokenRefused
from dpop_lab.doctor.explain.telling import entry
from dpop_lab.show import coloured
from dpop_lab.wire.redact import Redactor

CASES = sorted((Path(__file__).parent / "cases").glob("*/s*.*"))
FAULTS = {"htu_with_http": "htu", "own_key": "bound_key", "ath_missing": "ath"}
FOLDED = re.compile("<details.*?</details>", re.DOTALL)


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made


# ---- what comes first ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_the_one_finding_is_told_once_and_first(lab, name):
    found = diagnose(lab.send(name).exchange)
    (problem,) = found.problems
    text, page = re.sub(r"\s+", " ", found.text()), found._repr_html_()
    assert problem.row == FAULTS[name]
    for told in (problem.title, problem.action):
        assert text.count(told) == 1
        assert told in re.sub(r"\s+", " ", " ".join(found.text().splitlines()[:12]))
    assert page.count("<details") > 1
    assert page.index("<details") > page.index("what to do")


def test_of_a_long_session_the_last_refusal_comes_first_and_the_rest_has_a_line_each():
    with Lab() as own:
        own.send("htu_with_http")
        for _ in range(8):
            own.send()
        own.send("own_key")
        own.send()
        found = diagnose(own.log)
    refused = [one for one in found.examined if one.problems]
    assert [one.row for one in found.problems] == ["bound_key", "htu"]
    last = refused[-1].call.name
    assert last.split(" of ")[0] in found.text().splitlines()[1].lower()
    assert len(found.text().splitlines()) < 100 < len(found.text(everything=True).splitlines())


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    class Terminal(io.StringIO):
        """A stream that says it is a terminal."""

        def isatty(self):
            return True

    def printed(stream, **environment):
        with monkeypatch.context() as change:
            for name in ("NO_COLOR", "TERM"):
                change.delenv(name, raising=False)
            change.setenv("WT_SESSION", "1")
            for name, value in environment.items():
                change.setenv(name, value)
            change.setattr(sys, "stdout", stream)
            assert main(["diagnose", "Invalid 'htu' value."]) == 1
        return stream.getvalue()

    plain = printed(io.StringIO())
    assert printed(Terminal()) == coloured(plain) != plain
    assert printed(Terminal(), NO_COLOR="1") == printed(Terminal(), TERM="dumb") == plain
    assert re.sub("\x1b\\[[0-9]+m", "", coloured(plain)) == plain


# ---- what we print can be pasted back -----------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_a_report_can_be_pasted_back(lab, name):
    found = diagnose(lab.send(name).exchange)
    for text in (found.text(), found.text(everything=True), found.markdown()):
        again = diagnose(text)
        assert again.understood
        assert FAULTS[name] in [one.row for one in again.problems]


@pytest.mark.parametrize("name", FAULTS)
def test_what_serve_explains_can_be_pasted_back(lab, name):
    exchange = lab.send(name).exchange
    told = entry(exchange, number=1, base_url=lab.base_url, policy=lab.policy, redactor=Redactor())
    found = diagnose(repr(told))
    assert [one.row for one in found.problems] == [FAULTS[name]]


def test_what_the_demo_prints_can_be_pasted_back(capsys):
    assert main(["demo"]) == 0
    found = diagnose(capsys.readouterr().out)
    assert found.understood
    assert found.problems == ()  # its last call is a thief's, and has to fail
    assert "dpop-lab demo" in found.text()


# ---- the client's time --------------------------------------------------------------------------


def refused(lab, clock, **kept):
    """The refusal of a token request whose client has this clock, and how often it was read."""
    read = []

    def counted():
        read.append(clock())
        return read[-1]

    auth = DPoPAuth.from_settings(
        lab.client, key=generate_key("ES256"), session=lab.session, clock=counted
    )
    with pytest.raises(TokenRefused) as caught:
        lab.session.get(lab.api, auth=auth)
    return caught.value, read


@pytest.mark.parametrize(("skew", "way"), [(-843, "ahead of"), (843, "behind")])
def test_a_refusal_for_time_names_whose_clock_is_wrong_and_how_far(skew, way):
    with Lab() as lab:
        lab.clock.advance(skew)  # the server's; the client has this machine's
        refusal, read = refused(lab, time.time)
        (problem,) = diagnose(refusal).problems
    assert problem.row == "fresh"
    assert re.search(f"clock is 14 min [234] s {way} the server's Date", problem.action)
    assert all(abs(one - time.time()) < 60 for one in read)  # `DPoPAuth` does not set its clock


def test_where_the_clocks_agree_the_proof_was_made_early():
    with Lab() as lab:
        refusal, _ = refused(lab, lambda: time.time() - 843)
        (problem,) = diagnose(refusal).problems
    assert "agrees" in problem.action
    assert "behind" not in problem.action


def test_a_recorded_exchange_has_the_clock_of_its_client():
    with Lab() as lab:
        slow = lambda: lab.clock.time() - 843  # noqa: E731
        log = SessionLog(show_proofs=True)
        record(lab.session, log, clock=slow)
        refused(lab, slow)
        (problem,) = diagnose(log).problems
    assert "14 min" in problem.action
    assert "behind the server's Date" in problem.action


# ---- secrets ------------------------------------------------------------------------------------


def secrets_of(path):
    """What is secret in a case: signatures of its JWTs, and what stands behind such names."""
    text = path.read_text("utf-8", "replace")
    yield from re.findall(r"eyJ[\w-]+\.[\w-]+\.([\w-]{40,})", text)
    names = "client_secret|refresh_token|code_verifier|password"
    yield from re.findall(rf"\b(?:{names})[\"']?\s*[=:]\s*[\"']?([\w.~-]{{12,}})", text)
    yield from re.findall(r"[?&\s]code=([\w.~-]{12,})", text)


def test_no_form_of_a_report_repeats_a_secret_of_a_case():
    assert CASES
    for path in CASES:
        found = diagnose(path)
        forms = found.text(), found.text(everything=True), found.markdown(), found._repr_html_()
        told = "\n".join([*forms, json.dumps(found.as_dict()), repr(found), found.verdict])
        assert not [one for one in secrets_of(path) if one in told], path.name
