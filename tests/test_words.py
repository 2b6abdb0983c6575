"""What servers' words mean: wordings of servers, libraries and browsers, each with its topic."""

import pytest

from dpop_lab.doctor.urls import differences, oddities
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import Call
from tests.said import heard, read

WORDINGS = read()


def topic_of(found):
    """What words are about, by what was made of them."""
    return found and found.explains[0]


@pytest.mark.parametrize("topic", WORDINGS)
def test_words_mean_what_they_are_about(topic):
    found = {text: meaning(heard(text)) for text in WORDINGS[topic]}
    assert {text: topic_of(one) for text, one in found.items()} == dict.fromkeys(found, topic)
    assert all(one.title and one.action for one in found.values())


@pytest.mark.parametrize(
    ("error", "grant", "topic"),
    [
        ("invalid_dpop_proof", "client_credentials", "any row"),
        ("invalid_token", "authorization_code", "code key"),
        ("invalid_grant", "refresh_token", "refresh key"),
    ],
)
def test_a_key_binding_is_that_of_the_grant(error, grant, topic):
    call = Call(error=error, description="Invalid DPoP key binding", form={"grant_type": grant})
    assert topic_of(meaning(call)) == topic


def test_the_same_words_about_a_scheme_depend_on_the_scheme_that_was_sent():
    words = "unsupported authentication scheme"
    topics = [
        meaning(Call(description=words, scheme=one)).explains[0] for one in ("DPoP", "Bearer")
    ]
    assert topics == ["no scheme", "scheme"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Provided htu:  http://op:4000/oidc/token Computed htu:  http://op:4000/token", "/oidc"),
        ("htu mismatch: expected 'https://a.example/x', got 'http://a.example/x'", "scheme http"),
        ("DPoP htu mismatch: got http://b.internal/x, want http://a.example/x", "b.internal"),
        ("htu claim 'https://a.example/x/' does not match 'https://a.example/x'", "slash"),
    ],
)
def test_two_urls_in_the_words_are_compared(words, part):
    assert part in meaning(Call(description=words)).title


def test_two_times_in_the_words_are_compared():
    words = "DPoP proof is not active: iat=1764327600, server time=1764328422, lifetime=10s"
    found = meaning(Call(description=words))
    assert "822 s (13 min 42 s) behind" in found.title and "10 s" in found.title
    early = meaning(Call(description="iat=1764328422 is in the future, now=1764327600"))
    assert "ahead" in early.title


def test_urls_are_told_apart_by_the_part_that_differs():
    url = "https://api.example.com/v1/users/7"
    others = {
        "": url,
        "scheme": url.replace("https", "http"),
        "host": url.replace("api", "inner"),
        "port": url.replace(".com", ".com:8443"),
        "prefix": url.replace("/v1", ""),
        "slash": f"{url}/",
        "case": url.replace("users", "Users"),
        "template": url.replace("7", "{id}"),
        "encoding": url.replace("7", "%37%37"),
        "query": f"{url}?a=1",
        "fragment": f"{url}#a",
        "user": url.replace("//", "//me@"),
        "spelling": url.replace("api", "API"),
        "path": url.replace("users", "groups"),
        "form": "/v1/users/7",
    }
    wanted = {"encoding": url.replace("7", "77%2F").replace("%2F", "")}
    found = {part: differences(wanted.get(part, url), one) for part, one in others.items()}
    del found["encoding"]  # unreserved characters: the same URL
    assert {part: "".join(told) for part, told in found.items()} == {part: part for part in found}
    assert "encoding" in differences("https://a.example/u/b@c", "https://a.example/u/b%40c")
    assert not oddities(url) and len(oddities("https://A.example/{id}/?x")) == 3
