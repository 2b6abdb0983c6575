"""Changes around an honest proof: where it is taken, through whose hands, and the token request."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from dpop_lab.lab.catalogue.change import (
    API,
    BEARER_API,
    LEFT_OUT,
    TOKEN_ENDPOINT,
    WITH_FORM,
    WITH_PROOF,
    WITH_TOKEN,
    Change,
    Form,
    by_catcher,
    by_middle,
    by_thief,
)
from dpop_lab.lab.catalogue.spelling import as_it_is, followed_by, url_with, with_the_other_s

REPLAYED = "The same replay in other clothes: it must be the jti that is remembered, not the text."
SCHEME = "Another way of sending no bound token to an API that wants one."
SAME_SCHEME = "Harmless: schemes know no letter case, and one blank or more is one."
TWICE = "Which of the two is it? To choose is to leave a gap."


def under(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    """An access token as Authorization lines, one with each of these schemes."""
    return lambda token: tuple(f"{scheme} {token}" for scheme in schemes)


def with_value(name: str, value: str) -> Callable[[Form], Form]:
    """A form in which a parameter that is there has this value."""
    return lambda form: [(key, value if key == name else old) for key, old in form]


def _again(name: str) -> Callable[[Form], Form]:
    return lambda form: [*form, *(pair for pair in form if pair[0] == name)]


def _without(*names: str) -> Callable[[Form], Form]:
    return lambda form: [pair for pair in form if pair[0] not in names]


HONEST = Change("honest", "Changes nothing.", "RFC 9449 §4.3")
USUAL = replace(HONEST, client_id="m2m.dpop")
OF_THE_DEMO = {  # the requests for tokens that only its other clients and scopes can have
    "unbound": replace(USUAL, client_id="m2m", proofs=lambda proof: ()),
    "scope3": replace(USUAL, form=with_value("scope", "scope3")),
    "resource1": replace(USUAL, form=with_value("scope", "resource1.scope1")),
}

MOVES = (
    by_catcher("method_delete", "Takes an honest proof for another method: DELETE.",
        "RFC 9449 §4.3 (8)",
        "htm_delete from the other side: the proof is right, the request is not.", at=WITH_TOKEN,
        method="DELETE"),
    Change("honest_delete", "Sends DELETE with a proof for DELETE.", "RFC 9449 §4.3 (8)",
        "Harmless: this API serves DELETE, too.", at=WITH_TOKEN, method="DELETE",
        claims={"htm": "DELETE"}),
    by_catcher("url_with_slash", "Takes an honest proof to the same URL with a slash at its end.",
        "RFC 9449 §4.3 (9)", "Served all the same, but another URL.", at=WITH_TOKEN,
        url=followed_by("/")),
    by_catcher("url_with_query", "Takes an honest proof to the same URL with another query.",
        "RFC 9449 §11.7", "A gap by design: a proof does not cover the query.", at=WITH_TOKEN,
        url=followed_by("?account=2")),
    by_catcher("made_for_the_token_endpoint", "Takes a proof from the token endpoint to the API.",
        "RFC 9449 §7", made_for=TOKEN_ENDPOINT, claims={"ath": LEFT_OUT}),
    by_catcher("made_for_another_host",
        "Takes a proof that was made for the thief's own API to this one.", "RFC 9449 §4.3 (9)",
        "Whoever runs an API is sent good proofs all day long.",
        claims={"htu": url_with(netloc="mallory.example")}),
    by_catcher("made_for_the_api", "Takes a proof from the API to the token endpoint.",
        "RFC 9449 §5", "htm and htu say no, ath is not asked for.", at=WITH_FORM,
        made_for=API, claims={"ath": "x"}),
    by_catcher("sent_twice", "Sends an honest request twice.", "RFC 9449 §11.1", again=as_it_is),
    by_catcher("sent_twice_respelt", "Sends it again with the padding == behind the signature.",
        "RFC 7515 §2", "Where the spelling passes, the jti is known.", again=followed_by("==")),
    by_catcher("sent_twice_other_s", "Sends it again with the signature's other s.",
        "RFC 7518 §3.4", REPLAYED, again=with_the_other_s),
    Change("jti_again", "Signs another proof with a jti that was used.", "RFC 9449 §4.2", REPLAYED,
        first="honest", claims={"iat": timedelta(seconds=-1)}),
    Change("jti_of_another_client", "Uses, by accident, a jti that another client has used.",
        "RFC 9449 §11.1",
        "One server remembers a jti for everybody, the other one for each key and URL.",
        at=WITH_PROOF, first="honest", presents="thief", signed_by="thief"),
    Change("jti_at_another_url", "Uses a jti again for another URL of the same API.",
        "RFC 9449 §11.1", "The same with the URL: two places, one memory, or two.", at=WITH_TOKEN,
        first="honest", url=followed_by("/"), claims={"htu": followed_by("/")}),
    Change("sent_after_a_refusal", "Mends a refused proof, and keeps its jti.", "RFC 9449 §11.1",
        "Harmless: a proof that was refused is not used up.", first="htm_delete"),
    by_catcher("caught_45_s_ago", "Sends a proof caught 45 seconds ago that never arrived.",
        "RFC 9449 §11.1",
        "iat_45_s_ago from the thief's seat: nothing but the time is against it.",
        claims={"iat": timedelta(seconds=-45)}),
    by_thief("no_proof", "Leaves the DPoP header out.", "RFC 9449 §5, §7.1",
        proofs=lambda proof: ()),
    Change("empty_proof", "Sends an empty DPoP header.", "RFC 9449 §5, §7.1",
        proofs=lambda proof: ("",)),
    by_middle("two_proofs", "Sends the DPoP header twice.", "RFC 9449 §4.3 (1)",
        proofs=lambda proof: (proof, proof)),
    by_middle("second_proof_of_another", "Sends a second DPoP header with something else in it.",
        "RFC 9449 §4.3 (1)", TWICE, proofs=lambda proof: (proof, "eyJ.e30.x")),
    by_middle("two_proofs_in_one_line", "Sends two proofs in one header line, with a comma.",
        "RFC 9110 §5.3", "What a proxy makes of two lines: one, and unreadable.",
        proofs=lambda proof: (f"{proof},{proof}",)),
    by_thief("own_key", "Uses the stolen token with a flawless proof by the thief's key.",
        "RFC 9449 §6", at=WITH_TOKEN, signed_by="thief"),
    Change("own_token", "Is the thief as an honest client: own token, own key.", "RFC 9449 §6",
        "Harmless: a binding is to a key, not to a person.", presents="thief", signed_by="thief"),
    by_middle("slipped_in_token",
        "Slips the thief's own token to the owner's client, which proves it.", "RFC 9449 §6",
        "The other way round: the owner would work in the thief's account.", presents="thief"),
    Change("unbound_token", "Sends a token that is bound to no key.", "RFC 9449 §7.1",
        presents="unbound"),
    Change("under_bearer", "Sends token and proof, with the scheme Bearer.", "RFC 9449 §7.1",
        authorization=under("Bearer")),
    Change("under_another_scheme", "Sends them with a scheme of its own making.", "RFC 9110 §11.1",
        SCHEME, authorization=under("Token")),
    by_thief("under_bearer_without_proof", "Sends the stolen token as a bearer token.",
        "RFC 9449 §7.2", SCHEME, authorization=under("Bearer"), proofs=lambda proof: ()),
    Change("without_scheme", "Sends the token without a scheme.", "RFC 9110 §11.6.2", SCHEME,
        authorization=lambda token: (token,)),
    Change("no_authorization", "Leaves the Authorization header out.", "RFC 9449 §7.1",
        "The bare challenge is an invitation: it tells which scheme is wanted.",
        at=(*WITH_TOKEN, BEARER_API), authorization=under()),
    Change("scheme_in_capitals", "Writes the scheme in capitals.", "RFC 9110 §11.1", SAME_SCHEME,
        authorization=under("DPOP")),
    Change("scheme_and_blanks", "Sends three blanks between scheme and token.", "RFC 9110 §11.4",
        SAME_SCHEME, authorization=under("DPoP  ")),
    Change("scheme_and_4000_blanks", "Sends four thousand blanks there.", "RFC 9110 §11.4",
        "One server takes no Authorization value of 4000 characters, whatever is in it.",
        authorization=under(f"DPoP{' ' * 4000}")),
    by_middle("two_authorizations", "Sends a second Authorization header, with Bearer.",
        "RFC 9449 §7.2", TWICE, authorization=under("DPoP", "Bearer")),
    by_middle("bearer_and_dpop", "Sends Bearer first and DPoP as the second.", "RFC 9449 §7.2",
        authorization=under("Bearer", "DPoP")),
    Change("token_in_the_query", "Sends a token in the URL as well.", "RFC 6750 §2.3", TWICE,
        at=WITH_TOKEN, url=followed_by("?access_token=another")),
    by_thief("bound_as_bearer", "Takes the stolen token to the API that wants bearer tokens.",
        "RFC 9449 §7.2", at=(BEARER_API,), presents="owner"),
    Change("bound_as_bearer_with_proof", "Does so with a proof beside it.", "RFC 9449 §7.2",
        "Nobody there looks at the proof, good or bad.", at=(BEARER_API,), presents="owner",
        proofs=lambda proof: (proof,)),
    Change("honest_bearer", "Takes an unbound token to the API that wants bearer tokens.",
        "RFC 6750 §2.1", "Harmless, for anybody who has it: that is what a bearer token is.",
        at=(BEARER_API,)),
    Change("dpop_at_bearer_api", "Takes a bound token under DPoP there.", "RFC 9449 §7.1",
        at=(BEARER_API,), presents="owner", authorization=under("DPoP"),
        proofs=lambda proof: (proof,)),
)  # fmt: skip

TOKEN_REQUESTS = (
    Change("wrong_secret", "Gives a wrong client secret.", "RFC 6749 §5.2",
        form=with_value("client_secret", "wrong")),
    Change("no_secret", "Gives no client secret.", "RFC 6749 §2.3",
        "A failed client hides every fault of the proof.", form=_without("client_secret")),
    Change("no_client", "Does not say who it is.", "RFC 6749 §2.3",
        form=_without("client_id", "client_secret", "client_assertion", "client_assertion_type")),
    Change("client_twice", "Gives client_id twice.", "RFC 6749 §3.2",
        "No parameter may stand twice; one server lets this one.", form=_again("client_id")),
    Change("scope_twice", "Gives scope twice.", "RFC 6749 §3.2", form=_again("scope")),
    Change("grant_twice", "Gives grant_type twice.", "RFC 6749 §3.2",
        "One server joins the two with a comma, and knows no such grant.",
        form=_again("grant_type")),
    Change("scope_blank", "Asks for a blank scope.", "RFC 6749 §3.3",
        "Harmless: it counts as none, and none as all there are.", form=with_value("scope", " ")),
    Change("two_ways_of_saying_who", "Gives the secret in the form and with Basic.",
        "RFC 6749 §2.3", "One method a request, says the RFC.", at=(TOKEN_ENDPOINT,),
        basic=True),
    Change("basic", "Gives the secret with Basic alone.", "RFC 6749 §2.3.1",
        "Honest: the way every server must know.", at=(TOKEN_ENDPOINT,), basic=True,
        form=_without("client_id", "client_secret")),
    Change("grant_missing", "Leaves grant_type out.", "RFC 6749 §4.4.2",
        form=_without("grant_type")),
    Change("grant_unknown", "Asks for a grant that does not exist.", "RFC 6749 §4.5",
        form=with_value("grant_type", "wishful_thinking")),
    Change("scope_unknown", "Asks for a scope that does not exist.", "RFC 6749 §5.2",
        "A proof is used up all the same: it had passed before the scope was looked at.",
        form=with_value("scope", "everything")),
    Change("resource_unknown", "Asks for an API that does not exist.", "RFC 8707 §2",
        form=lambda form: [*form, ("resource", "urn:nowhere")]),
    Change("form_as_json", "Sends the parameters as another media type.", "RFC 6749 §4.4.2",
        content_type="application/json"),
    Change("token_request_by_put", "Asks with PUT.", "RFC 6749 §3.2", at=WITH_FORM, method="PUT"),
    Change("opportunist", "Is a client that need not use DPoP, and does.", "RFC 9449 §5",
        "Honest: its token is bound, too.", client_id="m2m"),
    by_middle("proof_taken_away", "Takes the proof of such a client away on its way.",
        "RFC 9449 §5", "Granted, unbound. The client must look at token_type, or never know.",
        client_id="m2m", proofs=lambda proof: ()),
    Change("assertion", "Is a client that says who it is with a key.", "RFC 7523 §2.2",
        "Honest: two signatures by two keys in one request.", client_id="m2m.jwt"),
    Change("assertion_twice", "Sends that request twice, with the same assertion.", "RFC 7523 §3",
        "Not the proof is what is refused: the client is looked at first.", client_id="m2m.jwt",
        again=as_it_is),
)  # fmt: skip
