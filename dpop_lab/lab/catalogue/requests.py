"""Changes around an honest proof: where it goes and how often, and the token request."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from dpop_lab.lab.catalogue.change import (
    LEFT_OUT,
    Change,
    Form,
    by_catcher,
    by_middle,
    by_thief,
    two_answers,
)
from dpop_lab.lab.catalogue.places import API, TOKEN_ENDPOINT, WITH_FORM, WITH_PROOF, WITH_TOKEN
from dpop_lab.lab.catalogue.spelling import as_it_is, followed_by, url_with, with_the_other_s

REPLAYED = "A replay in other clothes: it must be the jti that is remembered, not the text."
TWICE = "Which of the two is it? To choose is to leave a gap."


def with_value(name: str, value: str) -> Callable[[Form], Form]:
    """A form in which a parameter that is there has this value."""
    return lambda form: [(key, value if key == name else old) for key, old in form]


def _again(name: str) -> Callable[[Form], Form]:
    return lambda form: [*form, *(pair for pair in form if pair[0] == name)]


def _without(*names: str) -> Callable[[Form], Form]:
    return lambda form: [pair for pair in form if pair[0] not in names]


HONEST = Change(
    "honest",
    "an honest request",
    "RFC 9449 §4.3",
    "Harmless: an honest request, with which all others are compared.",
)
USUAL = replace(HONEST, client_id="m2m.dpop")
OF_THE_DEMO = {  # the requests for tokens that only its other clients and scopes can have
    "unbound": replace(USUAL, client_id="m2m", proofs=lambda proof: ()),
    "scope3": replace(USUAL, form=with_value("scope", "scope3")),
    "resource1": replace(USUAL, form=with_value("scope", "resource1.scope1")),
}

MOVED = (
    by_catcher("method_delete", "proof for GET, sent with DELETE", "RFC 9449 §4.3 (8)",
        "htm_delete from the other side: the proof is right, the request is not.", at=WITH_TOKEN,
        method="DELETE"),
    Change("honest_delete", "proof for DELETE, sent with DELETE", "RFC 9449 §4.3 (8)",
        "Harmless: this API serves DELETE, too.", at=WITH_TOKEN, method="DELETE",
        claims={"htm": "DELETE"}),
    by_catcher("url_with_slash", "honest proof, sent to the URL with a slash at the end",
        "RFC 9449 §4.3 (9)", "Served all the same, but another URL.", at=WITH_TOKEN,
        url=followed_by("/")),
    by_catcher("url_with_query", "honest proof, sent to the URL with another query",
        "RFC 9449 §11.7", "A gap by design: a proof does not cover the query.", at=WITH_TOKEN,
        url=followed_by("?account=2")),
    by_catcher("made_for_the_token_endpoint", "proof for the token endpoint, sent to the API",
        "RFC 9449 §7", made_for=TOKEN_ENDPOINT, claims={"ath": LEFT_OUT}),
    by_catcher("made_for_another_host", "proof for the thief's own API, sent to this one",
        "RFC 9449 §4.3 (9)", "Whoever runs an API is sent good proofs all day long.",
        claims={"htu": url_with(netloc="mallory.example")}),
    by_catcher("made_for_the_api", "proof for the API, sent to the token endpoint", "RFC 9449 §5",
        "htm and htu say no, ath is not asked for.", at=WITH_FORM, made_for=API,
        claims={"ath": "x"}),
    by_catcher("sent_twice", "honest request, sent twice", "RFC 9449 §11.1", again=as_it_is),
    by_catcher("sent_twice_respelt", "sent twice, the second time with == behind the signature",
        "RFC 7515 §2", "Where the spelling passes, the jti is known.", again=followed_by("==")),
    by_catcher("sent_twice_other_s", "sent twice, the second time with the signature's other s",
        "RFC 7518 §3.4", REPLAYED, again=with_the_other_s),
    Change("jti_again", "another proof with a jti that was used", "RFC 9449 §4.2", REPLAYED,
        first="honest", claims={"iat": timedelta(seconds=-1)}),
    two_answers(Change("jti_of_another_client", "jti that another client has used, by accident",
        "RFC 9449 §11.1",
        "One server remembers a jti for everybody, the other one for each key and URL.",
        at=WITH_PROOF, first="honest", presents="thief", signed_by="thief")),
    two_answers(Change("jti_at_another_url", "jti used again for another URL of the same API",
        "RFC 9449 §11.1", "One memory of jti for all URLs, or one for each.", at=WITH_TOKEN,
        first="honest", url=followed_by("/"), claims={"htu": followed_by("/")})),
    Change("sent_after_a_refusal", "a refused proof mended, its jti kept", "RFC 9449 §11.1",
        "Harmless: a proof that was refused is not used up.", first="htm_delete"),
    two_answers(by_catcher("caught_45_s_ago", "proof caught 45 seconds ago, which never arrived",
        "RFC 9449 §11.1", "iat_45_s_ago from the thief's seat: nothing but the time is against it.",
        claims={"iat": timedelta(seconds=-45)})),
    by_thief("no_proof", "no proof at all", "RFC 9449 §5, §7.1", proofs=lambda proof: ()),
    Change("empty_proof", "empty DPoP header", "RFC 9449 §5, §7.1", proofs=lambda proof: ("",)),
    by_middle("two_proofs", "DPoP header twice", "RFC 9449 §4.3 (1)",
        proofs=lambda proof: (proof, proof)),
    by_middle("second_proof_of_another", "second DPoP header with something else in it",
        "RFC 9449 §4.3 (1)", TWICE, proofs=lambda proof: (proof, "eyJ.e30.x")),
    by_middle("two_proofs_in_one_line", "two proofs in one header line, with a comma",
        "RFC 9110 §5.3", "What a proxy makes of two lines: one, and unreadable.",
        proofs=lambda proof: (f"{proof},{proof}",)),
)  # fmt: skip

TOKEN_REQUEST = (
    Change("wrong_secret", "wrong client secret", "RFC 6749 §5.2",
        form=with_value("client_secret", "wrong")),
    Change("no_secret", "no client secret", "RFC 6749 §2.3",
        "A failed client hides every fault of the proof.", form=_without("client_secret")),
    Change("no_client", "no client named", "RFC 6749 §2.3",
        form=_without("client_id", "client_secret", "client_assertion", "client_assertion_type")),
    two_answers(Change("client_twice", "client_id twice", "RFC 6749 §3.2",
        "No parameter may stand twice; one server lets this one.", form=_again("client_id"))),
    Change("scope_twice", "scope twice", "RFC 6749 §3.2", form=_again("scope")),
    Change("grant_twice", "grant_type twice", "RFC 6749 §3.2",
        "One server joins the two with a comma, and knows no such grant.",
        form=_again("grant_type")),
    Change("scope_blank", "blank scope", "RFC 6749 §3.3",
        "Harmless: it counts as none, and none as all there are.", form=with_value("scope", " ")),
    two_answers(Change("two_ways_of_saying_who", "secret in the form and with Basic",
        "RFC 6749 §2.3", "One method a request, says the RFC.", at=(TOKEN_ENDPOINT,), basic=True)),
    Change("basic", "secret with Basic alone", "RFC 6749 §2.3.1",
        "Honest: the way every server must know.", at=(TOKEN_ENDPOINT,), basic=True,
        form=_without("client_id", "client_secret")),
    Change("grant_missing", "no grant_type", "RFC 6749 §4.4.2", form=_without("grant_type")),
    Change("grant_unknown", "grant that does not exist", "RFC 6749 §4.5",
        form=with_value("grant_type", "wishful_thinking")),
    Change("scope_unknown", "scope that does not exist", "RFC 6749 §5.2",
        "A proof is used up all the same: it had passed before the scope was looked at.",
        form=with_value("scope", "everything")),
    Change("resource_unknown", "API that does not exist", "RFC 8707 §2",
        form=lambda form: [*form, ("resource", "urn:nowhere")]),
    Change("form_as_json", "form sent as application/json", "RFC 6749 §4.4.2",
        content_type="application/json"),
    Change("token_request_by_put", "token request with PUT", "RFC 6749 §3.2", at=WITH_FORM,
        method="PUT"),
    Change("opportunist", "client that need not use DPoP, and does", "RFC 9449 §5",
        "Honest: its token is bound, too.", client_id="m2m"),
    by_middle("proof_taken_away", "client that need not use DPoP, its proof taken away",
        "RFC 9449 §5", "Granted, unbound. The client must look at token_type, or never know.",
        client_id="m2m", proofs=lambda proof: ()),
    Change("assertion", "client that says who it is with a key", "RFC 7523 §2.2",
        "Honest: two signatures by two keys in one request.", client_id="m2m.jwt"),
    Change("assertion_twice", "client with a key, the same assertion twice", "RFC 7523 §3",
        "Not the proof is what is refused: the client is looked at first.", client_id="m2m.jwt",
        again=as_it_is),
)  # fmt: skip
