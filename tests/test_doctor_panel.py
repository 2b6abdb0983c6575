"""The doctor's panel without a browser: what follows from each field, and what it never tells."""

import time
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ipywidgets import Button

from dpop_lab import LabError, access_token_hash, diagnose, generate_key, make_proof
from dpop_lab.doctor.diagnosis import Diagnosis
from dpop_lab.panels.doctor import A_FILE, EXAMPLES, MOST, DoctorPanel
from dpop_lab.panels.panel import spoken
from dpop_lab.show.values import seconds_since_1970
from tests.test_display import ATTRIBUTES, ELEMENTS, Page
from tests.test_panels import ANY_TEXT, html_of, widgets

PASTE, HELD_TO, TOKEN = "Paste it here", "Held to", "Access token"
FIELDS = ["URL", "Method", TOKEN, "Nonce", "Time"]
KEY, URL = generate_key(), "https://api.example/orders"
ACCESS_TOKEN = "a-secret-access-token-of-some-length"
REFUSAL = "Invalid 'htu' value."
PASTES = [
    "",
    "Invalid 'htu' value.",
    "GET /orders HTTP/1.1\nHost: api.example\nAuthorization: DPoP a.b.c\n\n",
    "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: DPoP error=invalid_token\n\n",
    "curl -H 'Authorization: DPoP <b>' https://api.example/<script>",
]


def a_proof(**changed):
    claims = {"htm": "GET", "htu": URL, "jti": "one", "iat": int(time.time())}
    return make_proof(KEY, **(claims | {"access_token": ACCESS_TOKEN} | changed))


def filled(text="", **values):
    """A panel with a text in its box, and values in its fields: `_` for a blank."""
    panel = DoctorPanel(text)
    for label, value in values.items():
        panel.fields[label.replace("_", " ")].value = value
    return panel


def rows(panel):
    """The rows that found something."""
    return [problem.row for problem in panel.view.problems]


def told(panel):
    """What is said of the fields themselves."""
    return panel._told.value


def safe(panel):
    """Ask that nothing but its own elements is shown, that nothing hides."""
    for html in html_of(panel):
        page = Page(html.replace(A_FILE, ""))
        assert set(page.elements) <= ELEMENTS | {"h3", "ul", "li"}
        assert page.names <= ATTRIBUTES | {"class", "role", "aria-live"}
        assert html.replace(A_FILE, "").isprintable()
    repr(panel).encode()


# ---- what follows from the fields -------------------------------------------------------------


def test_an_empty_box_says_what_can_be_pasted():
    for text in ("", " \n\t"):
        panel = DoctorPanel(text)
        assert panel.view is None
        assert panel.nothing in html_of(panel)[-2].replace("&#x27;", "'")
        assert html_of(panel)[-1] == ""


@pytest.mark.parametrize("text", PASTES[1:])
def test_the_panel_finds_what_the_plain_function_finds(text):
    panel = DoctorPanel(text)
    assert isinstance(panel.view, Diagnosis)
    plain = diagnose(text)
    assert (panel.view.verdict, panel.view.problems) == (plain.verdict, plain.problems)


def test_what_is_known_besides_asks_more_rows():
    panel = filled(a_proof())
    assert panel.view.healthy
    panel.fields["Method"].value = "delete"
    assert rows(panel) == ["htm"]
    panel.fields["Method"].value = "GET"
    assert panel.view.healthy
    panel.fields["URL"].value = "https://api.example/other"
    assert rows(panel) == ["htu"]
    panel.fields["URL"].value = URL
    panel.fields[TOKEN].value = "another"
    assert rows(panel) == ["ath"]
    panel.fields[TOKEN].value = ACCESS_TOKEN
    assert panel.view.healthy
    panel.fields["Time"].value = str(int(time.time()) + 3600)
    assert rows(panel) == ["fresh"]


def test_a_nonce_is_compared_with_the_one_that_is_known():
    panel = filled(a_proof(nonce="one"), Nonce="two")
    assert "nonce" in rows(panel)
    panel.fields["Nonce"].value = "one"
    assert "nonce" not in rows(panel)


def test_the_rules_are_chosen_or_automatic():
    url = "https://as.example/token"
    proof = a_proof(iat=int(time.time()) - 200, htm="POST", htu=url, access_token=None)
    panel = filled(proof, Method="POST", URL=url, Time="now")
    assert panel.fields[HELD_TO].value == "automatic"
    found = {}
    for name in panel.fields[HELD_TO].options:
        panel.fields[HELD_TO].value = name
        found[name] = "fresh" in rows(panel)
    assert found == {"automatic": True, "DUENDE": False, "RFC_9449": True}


UNUSABLE = {
    "URL": ["api.example", "http://[", "ftp://a.example/", "https://a b/", "/orders"],
    "Method": ["G ET", "<b>", "GET,POST", "GÉT"],
    "Time": ["soon", "-", "1e400", "9" * 400, "yesterday 12:00", "99999-01-01"],
}


@pytest.mark.parametrize(
    ("label", "text"), [(label, text) for label, texts in UNUSABLE.items() for text in texts]
)
def test_a_field_that_cant_be_meant_is_told_and_left_out(label, text):
    panel, plain = filled(a_proof()), filled(a_proof())
    assert "wants" not in told(panel)
    panel.fields[label].value = text
    assert f">{label} wants" in told(panel)
    assert rows(panel) == rows(plain)
    assert panel._told.value.startswith(spoken("")) and "dpop-lab-live" in panel._told._dom_classes
    panel.start_again.click()
    assert "wants" not in told(panel)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        ("1700000000.5", 1_700_000_000.5),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
    ],
)
def test_a_time_is_read_as_people_write_it(text, seconds):
    assert seconds_since_1970(text) == seconds
    panel = filled(a_proof(iat=1_700_000_000), Time=text)
    assert "wants" not in told(panel)
    assert rows(panel) == []
    panel.fields["Time"].value = "now"
    assert rows(panel) == ["fresh"]
    panel.fields["Time"].value = ""
    assert rows(panel) == []  # when it was sent is not known


def test_start_again_empties_everything_that_was_empty():
    panel = filled(a_proof(), URL=URL, Method="PUT", Nonce="n", Time="0", Held_to="DUENDE")
    panel.fields[TOKEN].value = ACCESS_TOKEN
    panel.fields[PASTE].value = "more"
    panel.start_again.click()
    assert panel.fields[PASTE].value != "more"
    assert [panel.fields[name].value for name in FIELDS] == ["", "", "", "", ""]
    assert panel.fields[HELD_TO].value == "automatic"
    assert panel.view.healthy


def test_a_full_box_says_that_it_is_full():
    panel = DoctorPanel("x" * (MOST - 1))
    assert str(MOST) not in told(panel)
    panel.fields[PASTE].value += "x"
    assert str(MOST) in told(panel)


FINDS = dict(zip(EXAMPLES, ("htu", "typ", "fresh", ""), strict=True))


def test_each_example_is_made_now_and_shows_its_fault():
    panel = DoctorPanel(REFUSAL)
    buttons = {one.description: one for one in widgets(panel.root) if type(one) is Button}
    assert {*buttons} == {*EXAMPLES, "Start again"}
    for name, row in FINDS.items():
        panel.fields["Method"].value = "PUT"
        buttons[name].click()
        assert panel.fields["Method"].value == ""
        assert [one.row for one in panel.view.problems] == [row]
        assert panel.view.secrets == ()
        made = panel.fields[PASTE].value
        panel._lab.clock.advance(2)
        buttons[name].click()
        assert panel.fields[PASTE].value != made
        assert panel.view.problems[0].action[:20] in unescape(panel._verdict.value)
    buttons["Start again"].click()
    assert panel.fields[PASTE].value == REFUSAL


@pytest.mark.parametrize("wrong", [None, b"octets", 7, {"error": "invalid_token"}])
def test_a_doctors_panel_wants_text(wrong):
    with pytest.raises(LabError):
        DoctorPanel(wrong)


# ---- what it never does -----------------------------------------------------------------------


@given(
    label=st.sampled_from([PASTE, *FIELDS]),
    text=ANY_TEXT,
    paste=st.sampled_from(PASTES),
    held_to=st.sampled_from(["automatic", "DUENDE", "RFC_9449"]),
)
@example(label=PASTE, text="HTTP/1.1 401 <img src=x>\n\n", paste="", held_to="automatic")
@example(label="URL", text="http://[::1]:99999/", paste=PASTES[2], held_to="DUENDE")
@example(label="Time", text="9" * 300, paste=PASTES[2], held_to="RFC_9449")
@settings(max_examples=80, deadline=None)
def test_whatever_is_typed_is_shown_as_text_and_never_raises(label, text, paste, held_to):
    panel = filled(paste)
    panel.fields[HELD_TO].value = held_to
    panel.fields[label].value = text
    safe(panel)


@pytest.mark.parametrize(
    "proof",
    [a_proof(), a_proof(htm="DELETE"), "Authorization: DPoP "],
    ids=["good", "for another method", "a token alone"],
)
def test_secrets_are_in_their_fields_and_nowhere_else(proof):
    private = generate_key().private_jwk()["d"]
    panel = filled(f"{proof}{ACCESS_TOKEN if ' ' in proof else ''}", Method="GET")
    panel.fields[TOKEN].value = ACCESS_TOKEN
    panel.fields["Nonce"].value = private
    shown = [repr(panel), repr(panel.view), *html_of(panel)]
    assert not [text for text in shown if ACCESS_TOKEN in text or proof in text]
    assert private not in repr(panel)


def test_a_private_key_in_the_box_is_told_and_not_repeated():
    private = generate_key()
    for text in (private.to_pem(), str(private.private_jwk()).replace("'", '"')):
        panel = DoctorPanel(text)
        assert "a private key" in panel.view.secrets
        shown = repr(panel) + "".join(html_of(panel))
        assert private.private_jwk()["d"] not in shown and text[40:80] not in shown


@pytest.mark.parametrize("age", [100, 5000])
def test_the_text_of_a_panel_is_short_and_the_same_at_any_time(age):
    proof = a_proof(iat=int(time.time()) - age, htm="PUT")
    panel = filled(proof, Method="GET", URL=URL, Time="now")
    size = len(panel.fields[PASTE].value)
    assert repr(panel).splitlines() == [
        "The doctor",
        f"  Paste it here: {size} characters",
        "  given: URL, Method",
        "  Held to: automatic",
        "  Findings: 2, rows htm, fresh.",
    ]
    bundle = panel._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(panel)


def test_the_verdict_is_announced_and_every_control_has_a_label():
    panel = DoctorPanel()
    assert panel._verdict.value.startswith(spoken(""))
    assert "dpop-lab-verdict" in panel._verdict._dom_classes
    assert all(one.description == name for name, one in panel.fields.items())
    assert "dpop-lab-panel" in panel.root._dom_classes


def test_a_verdict_that_stays_is_not_announced_again():
    panel = DoctorPanel("Invalid 'htu' value.")
    changes = []
    panel._verdict.observe(changes.append, names="value")
    panel.fields[PASTE].value += " "
    panel.fields["Nonce"].value = "n"
    assert changes == []


def test_a_token_is_typed_unseen():
    kinds = {type(one).__name__ for one in widgets(DoctorPanel().root)}
    assert "Password" in kinds
    assert type(DoctorPanel().fields[TOKEN]).__name__ == "Password"


def test_the_hash_in_a_report_is_no_secret():
    panel = filled(a_proof(), Method="GET", URL=URL)
    panel.fields[TOKEN].value = "another"
    assert access_token_hash("another") in repr(panel.view)
