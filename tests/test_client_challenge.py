"""The reader of WWW-Authenticate."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpop_lab.wire.syntax import (
    Challenge,
    host,
    htu,
    origin,
    read_challenges,
    refuses_token,
    wants_nonce,
)

WORDS = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8)
TOKENS68 = st.from_regex(r"[A-Za-z0-9\-._~+/]{1,12}={0,2}", fullmatch=True)
VALUES = st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=12)
PARAMETERS = st.lists(st.tuples(WORDS, VALUES, st.booleans()), max_size=4)
GAPS = st.sampled_from([", ", ",", " ,\t", ",, "])


def written(scheme: str, token68: str, parameters: list[tuple[str, str, bool]], gap: str) -> str:
    if token68:
        return f"{scheme} {token68}"
    texts = [f"{name}={spelled(value, quoted)}" for name, value, quoted in parameters]
    return f"{scheme} {gap.join(texts)}" if texts else scheme


def spelled(value: str, quoted: bool) -> str:
    if not quoted and re.fullmatch(r"[A-Za-z0-9]+", value):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, st.just("") | TOKENS68, PARAMETERS), max_size=4), GAPS)
def test_what_is_written_is_read_again(
    challenges: list[tuple[str, str, list[tuple[str, str, bool]]]], gap: str
) -> None:
    text = gap.join(written(*one, gap) for one in challenges)
    expected = []
    for scheme, token68, parameters in challenges:
        values: dict[str, str] = {}
        for name, value, _ in [] if token68 else parameters:
            values.setdefault(name.lower(), value)
        expected.append(Challenge(scheme.lower(), values, token68))
    assert read_challenges(text) == tuple(expected)


@settings(deadline=None)
@given(st.text(st.sampled_from('aD=", \t\\/+~-é;:'), max_size=40) | st.text(max_size=40))
def test_nothing_makes_the_reader_raise(text: str) -> None:
    challenges = read_challenges(text)
    wants_nonce(challenges), refuses_token(challenges, proved=True)


@pytest.mark.parametrize("text", ['a="' * 20_000, "a, " * 20_000, '"\\' * 30_000, "a=" * 30_000])
def test_a_hostile_value_is_read_in_no_time(text: str) -> None:
    read_challenges(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DPoP", True),
        ('DPoP algs="ES256", Bearer', True),
        ('Bearer error="invalid_token"', True),
        ('DPoP error="Invalid_Token"', True),
        ('DPoP, DPoP error="invalid_dpop_proof"', False),
        ('Bearer realm="DPoP"', False),
        ("", False),
        ('DPoP error="use_dpop_nonce', True),  # an open quote names no error
    ],
)
def test_when_a_token_counts_as_refused(text: str, expected: bool) -> None:
    assert refuses_token(read_challenges(text), proved=True) is expected


def test_a_bare_dpop_challenge_to_a_request_without_proof_refuses_no_token() -> None:
    assert not refuses_token(read_challenges("DPoP"), proved=False)


def test_parameters_parted_by_blanks_alone_are_read_too() -> None:
    assert wants_nonce(read_challenges('DPoP realm="x" error="use_dpop_nonce"'))


@pytest.mark.parametrize("scheme", ["DPoP", "Bearer", "bearer", "Basic", "X"])
def test_a_nonce_may_be_asked_for_under_any_scheme(scheme: str) -> None:
    assert wants_nonce(read_challenges(f'{scheme} error="use_dpop_nonce"'))
    assert wants_nonce(read_challenges(f'DPoP, {scheme} realm="x", error="USE_DPOP_NONCE"'))
    assert not wants_nonce(read_challenges(f'{scheme} error_description="use_dpop_nonce"'))


def test_origins_are_those_of_rfc_6454() -> None:
    assert origin("HTTPS://A.example:443/x") == origin("https://a.example?y") is not None
    assert origin("https://a.example") != origin("http://a.example")
    assert origin("https://a.example") != origin("https://a.example:444")
    for none in ("", "mailto:a@b", "https://", "https://a:b", "https://[", "/x"):
        assert origin(none) is None


def test_htu_and_host_leave_out_what_does_not_belong() -> None:
    assert htu("https://u:p@A.example:443?q#f") == "https://A.example:443/"
    assert host("https://u:p@a.example:443/x") == "a.example"
    assert host("http://[::1]:443/x") == "[::1]:443"
