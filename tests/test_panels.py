"""The panels and their plain twins: what follows from a change, and that nothing typed can hurt."""

import re
import threading
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ipywidgets import Text

from dpop_lab.checking import Answer
from dpop_lab.errors import KeyUnusable, LabError
from dpop_lab.jose.encoding import hash_input, thumbprint
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import generate_key, public_jwk
from dpop_lab.lab.catalogue import ACTORS, CHANGES
from dpop_lab.panels import CataloguePanel, KeyPanel, ProofPanel
from dpop_lab.panels.key import look_at_key
from dpop_lab.panels.panel import CODE_FIELDS, LIVE, Panel, control
from dpop_lab.panels.proof import ENCODED, URL, edited, look_at_proof, typed_members
from dpop_lab.panels.rows import LOOKS
from dpop_lab.proof import make_proof, read_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.show import Note, as_html
from tests.test_display import ATTRIBUTES, ELEMENTS, Page

KEYS = {alg: generate_key(alg) for alg in ("ES256", "ES512", "EdDSA", "PS256")}
KEY = KEYS["ES256"]
JWK = public_jwk(KEY)
NOW = 1_800_000_000
SIGN, HELD_TO = "Sign again after each change", "Held to"
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["</dd><script>", "\ud800", "\u202e", "\x00", "x" * 20_000, "9" * 5_000, "²", "1_0", "-1"]
)


def widgets(root):
    """A widget and all that is in it, in order."""
    yield root
    for child in getattr(root, "children", ()):
        yield from widgets(child)


def html_of(panel):
    """Everything of a panel that is shown as HTML."""
    shown = [one.value for one in widgets(panel.root) if type(one).__name__ == "HTML"]
    for ours in (f"<style>{CODE_FIELDS}</style>", f'<style onload="{LIVE}"></style>', LOOKS):
        shown = [html.removeprefix(ours) for html in shown]
    return shown


def safe(panel, limit=40_000):
    """Ask that a panel shows nothing but its own elements, nothing that hides, nothing endless."""
    for html in html_of(panel):
        page = Page(html)
        assert set(page.elements) <= ELEMENTS | {"h3", "figure", "figcaption"}
        assert page.names <= ATTRIBUTES | {"class", "role", "aria-live"}
        assert html.isprintable()
    text = repr(panel)
    assert not [one for one in text if one != "\n" and unicodedata.category(one)[0] == "C"]
    assert len(text) + sum(map(len, html_of(panel))) < limit
    text.encode()


# ---- the key ----------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", KEYS)
def test_a_key_panel_starts_with_a_usable_key_and_its_thumbprint(alg):
    jwk = public_jwk(KEYS[alg])
    panel = KeyPanel(jwk)
    assert [*panel.fields] == [*jwk, "kid", "use", "alg"]
    assert panel.values() == jwk | {"kid": "", "use": "", "alg": ""}
    assert panel.view.problem == ""
    assert panel.view.hash_input == hash_input(jwk).decode()
    assert (panel.view.thumbprint, panel.view.compared) == (thumbprint(jwk), "same")


@pytest.mark.parametrize(("name", "value"), [("kid", "me"), ("use", "sig"), ("alg", "ES256")])
def test_an_optional_member_changes_nothing(name, value):
    panel = KeyPanel(JWK)
    before = panel.view
    panel.fields[name].value = value
    assert panel.view == before


def test_another_key_has_another_thumbprint():
    other = public_jwk(generate_key())
    panel = KeyPanel(JWK)
    for name in ("x", "y"):
        panel.fields[name].value = other[name]
    assert panel.view.problem == ""
    assert (panel.view.thumbprint, panel.view.compared) == (thumbprint(other), "changed")
    panel.start_again.click()
    assert panel.view == KeyPanel(JWK).view


UNUSABLE = {
    "not base64url": ("ES256", {"x": "<b>"}),
    "a padded x": ("ES256", {"x": JWK["x"] + "="}),
    "an octet short": ("ES256", {"x": JWK["x"][:-2]}),
    "not on the curve": ("ES256", {"x": JWK["y"], "y": JWK["y"]}),
    "another curve": ("ES256", {"crv": "P-384"}),
    "no such curve": ("ES256", {"crv": "P-1"}),
    "for encryption": ("ES256", {"use": "enc"}),
    "for another alg": ("ES256", {"alg": "ES384"}),
    "for no known alg": ("ES256", {"alg": "HS256"}),
    "an OKP point too short": ("EdDSA", {"x": "AA"}),
    "a small modulus": ("PS256", {"n": public_jwk(KEYS["PS256"])["n"][:100]}),
    "an even exponent": ("PS256", {"e": "Ag"}),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_key_has_a_problem_and_a_thumbprint_all_the_same(case):
    alg, changes = UNUSABLE[case]
    before = public_jwk(KEYS[alg])
    view = look_at_key(before | changes, before)
    assert view.problem.endswith(".")
    assert view.thumbprint == thumbprint(before | changes)
    assert view.compared == ("changed" if {*changes} & {"x", "n", "e", "crv"} else "same")


@pytest.mark.parametrize("changes", [{"kty": "foo"}, {"kty": ""}, {"y": ""}, {"kty": "RSA"}])
def test_without_a_required_member_there_is_no_thumbprint(changes):
    view = look_at_key(JWK | changes, JWK)
    assert view.problem
    assert (view.hash_input, view.thumbprint, view.compared) == ("", "", "none")


def test_private_members_are_never_shown():
    private = KEY.private_jwk()
    panel, view = KeyPanel(private), look_at_key(private, private)
    shared = look_at_key({"kty": "oct", "k": private["d"]}, JWK)
    for text in (repr(panel), *html_of(panel), repr(view), view._repr_html_(), repr(shared)):
        assert private["d"] not in text
    assert "d" not in panel.fields and shared.compared == "none"


@pytest.mark.parametrize("wrong", [KEY, 7, {}, {"kty": "oct", "k": "AA"}, {"kty": ["EC"]}])
def test_a_key_panel_wants_a_public_jwk(wrong):
    with pytest.raises(LabError):
        KeyPanel(wrong)


def test_a_key_panel_wants_all_members():
    with pytest.raises(KeyUnusable):
        KeyPanel({"kty": "EC", "crv": "P-256", "x": JWK["x"]})
    with pytest.raises(LabError):
        KeyPanel(JWK | {"kid": 7})


@given(name=st.sampled_from([*JWK, "kid", "use", "alg"]), text=ANY_TEXT)
@settings(max_examples=60, deadline=None)
def test_whatever_is_typed_into_a_key_is_shown_as_text(name, text):
    panel = KeyPanel(JWK)
    panel.fields[name].value = text
    safe(panel)


@given(jwk=st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg"]), ANY_TEXT))
@settings(max_examples=100, deadline=None)
def test_any_members_get_a_view(jwk):
    assert look_at_key(jwk, JWK).compared in ("same", "changed", "none")


# ---- the proof --------------------------------------------------------------------------------


GOOD = make_proof(KEY, jti="one", htm="POST", htu=URL, iat=NOW)
START = typed_members(GOOD)


def look(changes=None, policy=RFC_9449, key=KEY):
    proof = edited(GOOD, START | (changes or {}), good=GOOD, key=key)
    return look_at_proof(proof, policy=policy, now=NOW, good=GOOD)


@pytest.mark.parametrize("policy", [DUENDE, RFC_9449])
@pytest.mark.parametrize("alg", KEYS)
def test_the_proof_a_panel_starts_from_is_accepted(alg, policy):
    panel = ProofPanel(KEYS[alg])
    panel.fields[HELD_TO].value = policy.name
    expected = not (alg == "EdDSA" and policy is DUENDE)  # the demo takes no EdDSA
    assert panel.view.report.accepted is expected
    assert (panel.view.answer is None) is expected
    assert panel.view.changed == ()


REFUSED = {
    "typ": ({"typ": "JWT"}, "typ"),
    "no typ": ({"typ": ""}, "typ"),
    "none": ({"alg": "none"}, "alg"),
    "another alg": ({"alg": "ES384"}, "jwk"),
    "no jti": ({"jti": ""}, "jti"),
    "htm": ({"htm": "GET"}, "htm"),
    "htu": ({"htu": "https://mallory.example/"}, "htu"),
    "stale": ({"iat": str(NOW - 61)}, "fresh"),
    "no iat": ({"iat": ""}, "fresh"),
    "iat as text": ({"iat": "now"}, "strict_form"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_is_refused_by_its_row_in_the_servers_words(case):
    changes, row = REFUSED[case]
    view = look(changes)
    failure = view.report.failure
    assert failure.check.name == row
    assert view.answer == RFC_9449.token.answer(failure)
    assert str(view.answer.status) in view.verdict
    assert view.answer.error in view.verdict and view.answer.description in view.verdict
    page = Page(as_html([view.verdict_block()]))
    assert page.facts["what to do"] == failure.check.mend and {"wanted", "found"} <= {*page.facts}
    assert f"✗ {row}" in Page(view._repr_html_()).summary and f"✗ {row}" in repr(view)


def test_both_servers_have_their_own_words():
    assert look({"htm": "GET"}, DUENDE).answer == Answer(
        400, "invalid_dpop_proof", "Invalid 'htm' value."
    )
    assert look({"htm": "GET"}).answer != look({"htm": "GET"}, DUENDE).answer
    assert look({"jti": "x" * 4000}, DUENDE).answer == Answer(400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("17", 17), ("017", 17), ("-17", "-17"), ("1.5", "1.5"), ("\u0661", "\u0661")],
)
def test_an_iat_in_digits_is_a_number(typed, meant):
    assert read_proof(look({"iat": typed}).proof).claims["iat"] == meant
    assert read_proof(look({"jti": typed}).proof).claims["jti"] == typed


def test_the_proof_shown_is_the_proof_that_was_checked():
    proof = read_proof(look({"htm": "GET"}).proof)
    assert proof.claims == {"jti": "one", "htm": "GET", "htu": START["htu"], "iat": NOW}
    assert proof.header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": JWK}


def test_the_segments_that_differ_from_the_start_are_named():
    assert look().changed == ()
    assert look({"typ": "JWT"}).changed == ("header", "signature")
    assert look({"htm": "GET"}).changed == ("payload", "signature")
    assert look({"htm": "GET"}, key=None).changed == ("payload",)


def test_without_signing_again_the_old_signature_stays_and_fails():
    panel = ProofPanel(KEY)
    before = panel.view
    panel.fields[SIGN].value = False
    assert panel.view.report.accepted
    panel.fields["htm"].value = "GET"
    assert panel.view.changed == ("payload",)
    assert panel.view.report.failure.check.name == "signature"
    panel.fields[SIGN].value = True
    assert panel.view.report.failure.check.name == "htm"
    panel.fields[SIGN].value = False
    assert panel.view.report.failure.check.name == "htm"
    panel.fields["htm"].value = "POST"
    assert panel.view.report.failure.check.name == "signature"
    panel.start_again.click()
    assert panel.view == before


def test_members_follow_from_the_encoded_text_and_it_from_them():
    panel = ProofPanel(KEY)
    other = make_proof(KEY, jti="other", htm="GET", htu=URL, iat=NOW, nonce="n")
    panel.fields[ENCODED].value = f"  {other}\n"
    shown = [panel.fields[name].value for name in ("jti", "htm", "iat")]
    assert shown == ["other", "GET", str(NOW)]
    assert panel.view.proof == panel.proof == other
    assert panel.fields[ENCODED].value == f"  {other}\n"  # not written back while it is typed in
    panel.fields["htm"].value = "POST"
    read = read_proof(panel.fields[ENCODED].value)
    assert read.claims == read_proof(other).claims | {"htm": "POST"}  # the nonce stays
    header, claims, _ = other.split(".")
    panel.fields[ENCODED].value = f"{header}.{claims}."
    assert panel.view.report.failure.check.name == "signature"
    panel.fields[ENCODED].value = "cut off"
    assert panel.view.report.failure.check.name == "well_formed"
    panel.fields["htm"].value = "DELETE"  # the other fields have stayed as they were
    kept = {name: read_proof(other).claims[name] for name in ("jti", "htu", "iat")}
    assert read_proof(panel.proof).claims == kept | {"htm": "DELETE"}
    panel.fields[ENCODED].value = f"{header}.{claims[:-20]}!.{other.rpartition('.')[2]}"
    assert panel.fields["typ"].value == "dpop+jwt" and panel.fields["jti"].value == "other"
    panel.start_again.click()
    assert panel.view.report.accepted and panel.view.changed == ()


def test_a_member_that_is_no_text_stays_as_it_is_until_it_is_typed():
    panel = ProofPanel(KEY)
    claims = read_proof(GOOD).claims | {"iat": NOW + 0.5}
    panel.fields[ENCODED].value = sign_compact(read_proof(GOOD).header, claims, KEY)
    assert panel.fields["iat"].value == f"{NOW}.5"
    panel.fields["htm"].value = "GET"
    assert read_proof(panel.proof).claims["iat"] == NOW + 0.5


def test_half_a_character_is_a_question_mark():
    panel = ProofPanel(KEY)
    panel.fields["jti"].value = "a\ud800"
    assert read_proof(panel.proof).claims["jti"] == "a?"
    panel.fields[ENCODED].value = "\ud800"
    assert panel.view.report.failure.check.name == "well_formed"


@pytest.mark.parametrize("wrong", [7, JWK, "key.pem"])
def test_a_proof_panel_wants_a_private_key(wrong):
    with pytest.raises(LabError):
        ProofPanel(wrong)


def test_without_arguments_both_panels_make_a_key():
    assert KeyPanel().view.problem == "" and ProofPanel().view.report.accepted
    assert KeyPanel().values() != KeyPanel().values()


@given(
    name=st.sampled_from([*START, ENCODED]),
    text=ANY_TEXT,
    again=st.booleans(),
    policy=st.sampled_from(["DUENDE", "RFC_9449"]),
)
@example(name="htu", text="</dd><img src=x onerror=alert(1)>", again=True, policy="RFC_9449")
@example(name=ENCODED, text="<img src=x onerror=alert(1)>.." * 2, again=True, policy="DUENDE")
@settings(max_examples=60, deadline=None)
def test_whatever_is_typed_into_a_proof_is_shown_as_text(name, text, again, policy):
    panel = ProofPanel(KEY)
    panel.fields[SIGN].value, panel.fields[HELD_TO].value = again, policy
    panel.fields[name].value = text
    safe(panel)
    assert KEY.private_jwk()["d"] not in repr(panel) + "".join(html_of(panel))


def test_the_catalogue_is_searched_and_filtered():
    panel = CataloguePanel()
    assert [*panel.view] == [*CHANGES]
    panel.fields["Search"].value = "HTU slash"
    assert "htu_with_slash" in panel.view and "htm_delete" not in panel.view
    assert "htu_with_slash" in repr(panel) + "".join(html_of(panel))
    panel.fields["Search"].value = "<b>"
    assert not panel.view and panel.view.verdict_block().text.startswith("0 changes; ")
    panel.start_again.click()
    panel.fields["What"].value = "key"
    panel.fields["only where the two servers differ"].value = True
    assert panel.view and {*panel.view} == {*CHANGES.of("key").differing}
    panel.fields["Who"].value = actor = next(iter(ACTORS))
    assert {*panel.view} == {*CHANGES.of("key").differing.by(actor)}
    safe(panel, 400_000)


# ---- both -------------------------------------------------------------------------------------

PANELS = {"key": lambda: KeyPanel(JWK), "proof": lambda: ProofPanel(KEY)}


@pytest.mark.parametrize("kind", PANELS)
def test_the_verdict_is_announced(kind):
    panel = PANELS[kind]()
    assert panel._verdict.value.startswith(f'<style onload="{LIVE}">')
    assert "dpop-lab-verdict" in panel._verdict._dom_classes
    assert "dpop-lab-panel" in panel.root._dom_classes


@pytest.mark.parametrize("kind", PANELS)
def test_every_control_has_a_label(kind):
    panel = PANELS[kind]()
    assert all(one.description == name for name, one in panel.fields.items())
    assert panel.start_again.description == "Start again"


@pytest.mark.parametrize("kind", PANELS)
def test_the_text_of_a_panel_is_kept_whole(kind):
    panel = PANELS[kind]()
    bundle = panel._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(panel)
    assert repr(panel).endswith(repr(panel.view)) and panel.view.verdict in repr(panel)
    assert all(name in repr(panel) for name in panel.fields if name != ENCODED)
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize("alg", KEYS)
def test_the_text_of_a_panel_is_the_same_in_every_run_but_for_what_is_masked(alg):
    def masked(panel):
        text = re.sub(r"[\w-]{43,}", "<base64url>", repr(panel))
        text = re.sub(r"\w{3}, \d\d .{8} [\d:]{8} GMT", "<date>", text)
        uuid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        return re.sub(r"\b\d{10}\b", "<time>", re.sub(uuid, "<uuid>", text))

    for panel in (lambda key: KeyPanel(public_jwk(key)), ProofPanel):
        assert masked(panel(generate_key(alg))) == masked(panel(generate_key(alg)))


@pytest.mark.parametrize("kind", PANELS)
def test_two_panels_do_not_share_their_state(kind):
    one, other = PANELS[kind](), PANELS[kind]()
    next(iter(one.fields.values())).value = "changed"
    assert one.view.verdict != other.view.verdict


class Waiting(Panel):
    """Shows what is in its field; with "slow" not before it may."""

    def __init__(self):
        self.looks, self.may = threading.Event(), threading.Event()
        super().__init__("Waiting", "", [control(Text, "text", "")])

    def look(self):
        text = self.fields["text"].value
        if text == "slow":
            self.looks.set()
            assert self.may.wait(60)
        return Typed(text)


class Typed(str):
    def verdict_block(self):
        return Note(self)

    def details(self):
        return ""


def test_a_click_while_what_was_typed_is_looked_at_is_what_a_panel_shows_at_last():
    panel = Waiting()
    typed = threading.Thread(target=panel.fields["text"].set_trait, args=("value", "slow"))
    typed.start()
    assert panel.looks.wait(60)
    click = threading.Thread(target=panel.start_again.click)
    click.start()
    click.join(0.1)  # time to overtake, for one that does not wait
    panel.may.set()
    typed.join()
    click.join()
    assert panel.fields["text"].value == panel.view == ""
