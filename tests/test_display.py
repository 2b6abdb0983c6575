"""What a notebook shows of reports and profiles: text and HTML that say the same, and safely."""

import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from dpop_lab import LabError, decode_jwt, read_proof, thumbprint
from dpop_lab.checking import Answer, Profile, Report, check
from dpop_lab.proof.rules import check_proof
from dpop_lab.show.html import SYMBOLS, escaped
from dpop_lab.show.values import Words
from tests import builder
from tests.world import BASE_URL, POLICIES, VICTIM

NOW, URL = 1_800_000_000, f"{BASE_URL}/connect/token"
ELEMENTS = {"table", "caption", "thead", "tbody", "tr", "th", "td", "br"}
ELEMENTS |= {"p", "div", "strong", "span", "dl", "dt", "dd", "details", "summary", "wbr"}
ATTRIBUTES = {"style", "scope", "title"}
HOSTILE = [
    "</td><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\u202eevil\x00\x1b",
]


class Page(HTMLParser):
    """HTML taken apart: its elements, its attributes, and the text of each cell, row by row."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.open = Counter(), [], []
        self.caption, self.summary, self.rows = "", "", []
        self.verdicts, self.terms, self.said = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        for element, texts in self.texts:
            if tag == element:
                texts.append("")
        if tag == "br":
            self.handle_data("\n")
        elif tag != "wbr":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for element, texts in self.texts:
            if element in self.open:
                texts[-1] += data
        if "caption" in self.open:
            self.caption += data
        elif "summary" in self.open and "table" not in self.open:
            self.summary += data
        elif {"td", "th"} & {*self.open} and "div" not in self.open[self.open.index("table") :]:
            self.rows[-1][-1] += data

    @property
    def texts(self):
        """The elements of a card, and the texts of each."""
        return ("strong", self.verdicts), ("dt", self.terms), ("dd", self.said)

    @property
    def facts(self):
        """The facts of all cards by their names, later ones before earlier ones."""
        return dict(zip(self.terms, self.said, strict=True))

    @property
    def names(self):
        """The names of the attributes."""
        return {name for name, _ in self.attributes}


def report(policy="RFC_9449", *, without=None, **variations):
    profile = POLICIES[policy].token
    profile = profile.without(without) if without else profile
    values = {"htm": "POST", "htu": URL, "iat": NOW, "jti": "one"} | variations
    proof = builder.proof(VICTIM, **values)
    return check_proof(proof, profile=profile, method="POST", url=URL, now=NOW)


@check("RFC 1 §2", stops="odd numbers", mend="Add one.", free=("odd",))
def even(number, context):
    """Is it even?"""
    return Words("an even number"), number, None if number % 2 == 0 else "odd"


@check("RFC 1 §3", stops="many digits", mend="Halve it.", needs=("even",), grade="should")
def small(number, context):
    """Is it small?"""
    return Words("less than 10"), number, None if number < 10 else "large"


NUMBERS = Profile(name="numbers", rows=(even, small), answers={"even": Answer(400)})


def test_the_text_of_a_report_has_the_rows_that_failed_whole():
    assert repr(NUMBERS.examine(3, None)) == (
        "✗ numbers: refused\n\n"
        "✗ even: Is it even? No: odd\n"
        "  wanted      an even number\n"
        "  found       3\n"
        "  what to do  Add one.\n"
        "  stops       odd numbers (RFC 1 §2, free)\n\n"
        "✗ even   Is it even?\n"
        "· small  Is it small? (not asked: needs even)"
    )
    assert repr(NUMBERS.examine(4, None)["even"]) == "✓ even: Is it even?"


def test_a_report_is_a_verdict_the_rows_that_failed_and_a_folded_table_of_all():
    page = Page(NUMBERS.examine(3, None)._repr_html_())
    assert page.verdicts == ["✗ numbers: refused", "✗ even: Is it even? No: odd"]
    assert page.facts == {
        "wanted": "an even number",
        "found": "3",
        "what to do": "Add one.",
        "stops": "odd numbers (RFC 1 §2, free)",
    }
    assert page.summary.split() == ["2", "rows", "✗", "even", "·", "small"]
    assert page.rows == [
        ["Row", "Question", "Wanted", "Found"],
        [
            "✗ even\nfailed",
            "Is it even?\nRFC 1 §2, free",
            "an even number",
            "3",
        ],
        ["· small\nnot asked", "Is it small? (not asked: needs even)\nRFC 1 §3, should", "", ""],
    ]
    assert Page(NUMBERS.examine(4, None)._repr_html_()).rows[1] == [
        "✓ even\npassed", "Is it even?\nRFC 1 §2, must", "an even number", "4"
    ]  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_every_row_asked_is_a_row_of_the_table(policy):
    found = report(policy, htm="GET")
    page = Page(found._repr_html_())
    assert [row[0].split() for row in page.rows[1:]] == [
        [SYMBOLS[one.mark], one.check.name, one.mark] for one in found.findings
    ]
    assert page.verdicts[0] == "✗ token endpoint: refused"
    assert Page(report(policy)._repr_html_()).verdicts == ["✓ token endpoint: accepted"]


def test_headings_say_what_they_head():
    page = Page(report()._repr_html_())
    scopes = [value for name, value in page.attributes if name == "scope"]
    assert scopes == ["col"] * 4 + ["row"] * (len(page.rows) - 1)


def test_a_struck_out_row_is_named_in_both_tables():
    found = report(without="fresh")
    for shown in (found, POLICIES["RFC_9449"].token.without("fresh")):
        assert re.search("never asked: fresh</(p|strong)>", shown._repr_html_())
        assert "never asked: fresh" in repr(shown)


@pytest.mark.parametrize("place", ["token", "token_nonce", "api", "api_nonce", "bound", "bearer"])
@pytest.mark.parametrize("policy", POLICIES)
def test_the_check_table_is_drawn_from_the_rows_of_any_profile(policy, place):
    profile = getattr(POLICIES[policy], place)
    page, text = Page(profile._repr_html_()), repr(profile)
    assert text.splitlines()[0] == f"{profile.name}: {len(profile.rows)} rows"
    assert page.summary == "".join(f"{row.name}: {row.question}" for row in profile.rows)
    assert page.elements["details"] == len(profile.rows)
    assert page.rows == [
        fact
        for row in profile.rows
        for fact in (["stops", row.stops], ["what to do", row.mend], ["written in", row.source])
    ]
    for row in profile.rows:
        assert f"{row.name}: {row.question}" in text.splitlines()
        assert all(one in text for one in (row.source, row.stops, row.mend))


def test_the_source_of_a_row_says_how_binding_each_defect_is():
    assert even.source == "RFC 1 §2, must; odd: free"
    assert small.source == "RFC 1 §3, should"


def test_a_policy_shows_its_name_and_no_table():
    assert repr(POLICIES["RFC_9449"]) == "<Policy RFC_9449>"
    assert not hasattr(POLICIES["RFC_9449"], "_repr_html_")


@pytest.mark.parametrize("thing", [report(), POLICIES["DUENDE"].token], ids=["report", "profile"])
def test_a_notebook_stores_text_and_table(thing):
    data, _ = DisplayFormatter().format(thing)
    assert data == {"text/plain": repr(thing), "text/html": thing._repr_html_()}
    assert thing._repr_html_() == thing._repr_html_()


def safe(html):
    """The page, after asking that it holds nothing but a table, and no character that hides."""
    page = Page(html)
    assert set(page.elements) <= ELEMENTS
    assert page.names <= ATTRIBUTES
    assert "url(" not in html and "//" not in "".join(value for _, value in page.attributes)
    assert not [one for one in html if unicodedata.category(one)[0] == "C"]
    return page


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@given(
    policy=st.sampled_from(sorted(POLICIES)),
    name=st.sampled_from(["jti", "htm", "htu", "iat"]),
    value=ANY_JSON,
)
@example(policy="RFC_9449", name="htm", value=HOSTILE[0])
@example(policy="RFC_9449", name="htu", value=HOSTILE[1])
@example(policy="DUENDE", name="htm", value=HOSTILE[2])
@settings(max_examples=100, deadline=None)
def test_no_claim_becomes_markup(policy, name, value):
    found = report(policy, **{name: value})
    page = safe(found._repr_html_())
    assert len(page.rows) == len(found.findings) + 1


@given(header=st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "crit"]), ANY_JSON))
@settings(max_examples=60, deadline=None)
def test_no_header_becomes_markup(header):
    safe(report("DUENDE", header=header)._repr_html_())
    safe(report("RFC_9449", header=header)._repr_html_())


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800", "x" * 10_000])
def test_words_of_a_verdict_are_escaped_like_values(text):
    row = check("RFC <1>", stops="<b>", mend="<i>")(
        lambda presented, context: (text, Words(text), "<i>")
    )
    found = Profile(name="<u>", rows=(row,), answers={}).examine(None, None)
    assert len(safe(found._repr_html_()).rows) == 2


def test_a_long_value_is_cut_and_its_length_told():
    html = report(htm="G" * 10_000)._repr_html_()
    assert "GG…&#x27; (10000 characters)" in html
    assert len(html) < len(report(htm="GET")._repr_html_()) + 500


def test_a_report_that_stopped_early_is_shown_as_far_as_it_went():
    found = NUMBERS.examine(3, None, whole=False)
    assert [row[0] for row in Page(found._repr_html_()).rows[1:]] == ["✗ even\nfailed"]
    assert Page(Report("none", ())._repr_html_()).verdicts == ["✓ none: accepted"]


@given(st.text(st.characters(exclude_categories=()), max_size=50))
@example("\n")
@settings(max_examples=100)
def test_what_is_escaped_is_printable_and_can_be_sent(text):
    html = escaped(text)
    assert html.isprintable()
    assert set(re.findall("<[^>]*>", html)) <= {"<br>"}
    html.encode()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_jwt_is_drawn_in_three_parts_with_all_its_members(hostile):
    proof = builder.proof(VICTIM, htm=hostile, htu=URL, iat=NOW, jti="one")
    shown = decode_jwt(proof, now=NOW + 30)
    page = safe(shown._repr_html_())
    named = [value for name, value in page.attributes if name == "title"][:3]
    assert named == ["header", "payload", "signature"]
    assert all(part in shown._repr_html_() for part in proof.split("."))
    told = dict(page.rows)
    assert {*told} == {"typ", "alg", "jwk", "jwk thumbprint", "jti", "htm", "htu", "iat"}
    assert "30 s before now" in told["iat"] and told["jwk"] == "EC P-256, 256 bits"
    assert thumbprint(read_proof(proof).header["jwk"]) in told["jwk thumbprint"]
    assert all(name in repr(shown) for name in told)
    assert "1 part" in repr(decode_jwt("eyJ")) and safe(decode_jwt(hostile)._repr_html_())
    with pytest.raises(LabError):
        decode_jwt(None)
