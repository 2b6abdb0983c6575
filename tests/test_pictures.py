"""Pictures: the windows drawn are those the servers keep, and texts in them stay texts."""

import math
import re
from dataclasses import replace

import pytest
from world import POLICIES

from dpop_lab import generate_key, make_proof, time_windows
from dpop_lab.errors import LabError
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.show import as_html, as_markdown
from dpop_lab.show.html import by_class
from dpop_lab.show.pictures import Diagram, Message
from dpop_lab.show.spans import Span, Spans

NOW, URL, KEY = 1_800_000_000, "https://server.example/x", generate_key()
HOSTILE = '<b onclick="x">`|*\x1b[2J\n\u202e&amp;'


def is_fresh(policy: Policy, place: str, iat: float) -> bool:
    """Does a place take a proof with this `iat`, in seconds from now?"""
    proof = make_proof(KEY, jti="1", htm="POST", htu=URL, iat=NOW + int(iat))
    profile = policy.profiles[place]
    report = check_proof(proof, profile=profile, method="POST", url=URL, now=NOW)
    return report["fresh"].mark == "passed"


def windows(policy: Policy, age: float | None = None) -> dict[str, Span]:
    """What is drawn of a policy, by place: `iat` with and without a nonce, and the nonce."""
    drawn = {}
    for span in time_windows(policy, age=age).spans[age is not None :]:
        place = "api" if "API" in span.group else "token"
        drawn[f"{place} {span.name.partition(':')[0]}"] = span
    for place in ("token", "api"):
        drawn.setdefault(f"{place} iat, with a nonce", drawn[f"{place} iat"])
    return drawn


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_windows_drawn_are_those_the_server_keeps_to_the_second(policy: Policy) -> None:
    drawn = windows(policy)
    for place in ("token", "api"):
        for name, profile in (("iat", place), ("iat, with a nonce", f"{place}_nonce")):
            span = drawn[f"{place} {name}"]
            for edge, outside in ((span.start, -1), (span.end, 1)):
                if math.isinf(edge):
                    assert is_fresh(policy, profile, outside * 1e8)
                    continue
                assert is_fresh(policy, profile, edge)
                assert not is_fresh(policy, profile, edge + outside)
                assert windows(policy, -edge)[f"{place} {name}"].mark == "passed"
                assert windows(policy, -edge - outside)[f"{place} {name}"].mark == "failed"
        kept, shown = (
            policy.profiles[f"{place}_nonce"].nonce_window,
            drawn[f"{place} nonce, given out"],
        )
        assert (-shown.start, shown.end) == (kept.max_age, kept.max_ahead)


def test_a_row_that_is_not_asked_has_no_window() -> None:
    drawn = windows(DUENDE.without("fresh"))
    assert (drawn["api iat"].start, drawn["api iat"].end) == (-math.inf, math.inf)
    assert all("DUENDE without fresh" in span.group for span in drawn.values())
    assert len(time_windows(DUENDE.without("nonce")).spans) == len(time_windows(DUENDE).spans) - 2
    assert len(time_windows().spans) == sum(
        len(time_windows(one).spans) for one in POLICIES.values()
    )


def test_the_figures_stand_at_the_ends_and_the_proof_is_marked() -> None:
    text = repr(time_windows(DUENDE, age=40))
    assert max(map(len, text.split("\n"))) <= 100
    rows = re.findall(r"^ +([✓✗]) .*: (\w+) +(.*?) ([◄ ━┃◆►]{36})(.*)$", text, re.MULTILINE)
    assert [(mark, word, first, last.strip()) for mark, word, first, _, last in rows] == [
        ("✓", "taken", "360 s ago", "300 s ahead"),
        ("✓", "taken", "no limit", "no limit"),
        ("✗", "stale", "30 s ago", "25 s ahead"),
        ("✓", "taken", "no limit", "no limit"),
    ]
    assert len({drawn.index("◆") for *_, drawn, _ in rows}) == 1
    assert "early" in repr(time_windows(DUENDE, age=-26))


@pytest.mark.parametrize("age", [True, "40", math.nan, math.inf, 10**400])
def test_what_is_no_age_is_refused(age: object) -> None:
    with pytest.raises(LabError):
        time_windows(DUENDE, age=age)  # type: ignore[arg-type]
    with pytest.raises(LabError):
        time_windows("DUENDE")  # type: ignore[arg-type]


def test_texts_of_a_picture_stay_texts_in_every_form() -> None:
    lanes = ((HOSTILE, HOSTILE),) * 3
    message = Message(0, 2, HOSTILE, HOSTILE, "refused", arrives=False)
    note = replace(message, end=0, more="")
    spans = (Span(HOSTILE, HOSTILE, -math.inf, 0, "failed"), Span(HOSTILE, HOSTILE, 5, 7))
    for picture in (Diagram("2", lanes, (message, note)), Spans(HOSTILE, spans, -(10**9))):
        for made in (picture._repr_html_(), as_html(picture.blocks(), by_class)):
            tags = set(re.findall(r"<(/?\w+)(?: (?:style|class)=\"[^\"<>]*\")*>", made))
            assert {tag.strip("/") for tag in tags} <= {
                "figure", "figcaption", "div", "span", "strong", "br", "wbr"
            }  # fmt: skip
            assert len(re.findall("<", made)) == len(re.findall(r"</?\w+[^<>]*>", made))
            assert "onclick=&quot;x&quot;" in made and "\x1b" not in made and "\u202e" not in made
        for made in (repr(picture), as_markdown(picture.blocks())):
            assert all(one.isprintable() or one == "\n" for one in made)
        assert "<b o" not in as_markdown(picture.blocks())
