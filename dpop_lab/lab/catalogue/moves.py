"""Moves of a proof that is honest in itself: to another request, or through other hands."""

from dpop_lab.lab.catalogue.change import (
    BEARER_API,
    CATCHER,
    LEFT_OUT,
    MIDDLE,
    THE_API,
    THE_TOKEN_ENDPOINT,
    THIEF,
    WITH_FORM,
    WITH_TOKEN,
    Change,
    FromNow,
)
from dpop_lab.lab.catalogue.spelling import (
    as_it_is,
    followed_by,
    url_with,
    with_the_other_s,
)

REPLAYED = "The same replay in other clothes: it must be the jti that is remembered, not the text."
SCHEME = "Another way of sending no bound token to an API that wants one."
SAME_SCHEME = "Harmless: schemes know no letter case, and one blank or more is one."
TWICE = "Which of the two is it? To choose is to leave a gap."

HONEST = Change("honest", "Changes nothing.", "RFC 9449 §4.3")
MOVES = (
    Change(
        "method_delete", "Takes an honest proof for another method: DELETE.",
        "RFC 9449 §4.3 (8)", by=CATCHER, places=WITH_TOKEN, method="DELETE",
        worth="htm_delete from the other side: the proof is right, the request is not.",
    ),
    Change(
        "honest_delete", "Sends DELETE with a proof for DELETE.", "RFC 9449 §4.3 (8)",
        places=WITH_TOKEN, method="DELETE", claims={"htm": "DELETE"},
        worth="Harmless: this API serves DELETE, too.",
    ),
    Change(
        "url_with_slash", "Takes an honest proof to the same URL with a slash at its end.",
        "RFC 9449 §4.3 (9)", by=CATCHER, places=WITH_TOKEN, url=followed_by("/"),
        worth="Served all the same, but another URL.",
    ),
    Change(
        "url_with_query", "Takes an honest proof to the same URL with another query.",
        "RFC 9449 §11.7", by=CATCHER, places=WITH_TOKEN, url=followed_by("?account=2"),
        worth="A gap by design: a proof does not cover the query.",
    ),
    Change(
        "made_for_the_token_endpoint", "Takes a proof from the token endpoint to the API.",
        "RFC 9449 §7", by=CATCHER, places=WITH_TOKEN,
        claims={"htm": "POST", "htu": THE_TOKEN_ENDPOINT, "ath": LEFT_OUT},
    ),
    Change(
        "made_for_another_host",
        "Takes a proof that was made for the thief's own API to this one.",
        "RFC 9449 §4.3 (9)", by=CATCHER,
        claims={"htu": url_with(netloc="mallory.example")},
        worth="Whoever runs an API is sent good proofs all day long.",
    ),
    Change(
        "made_for_the_api", "Takes a proof from the API to the token endpoint.",
        "RFC 9449 §5", by=CATCHER, places=WITH_FORM,
        worth="htm and htu say no, ath is not asked for.",
        claims={"htm": "GET", "htu": THE_API, "ath": "x"},
    ),
    Change(
        "sent_twice", "Sends an honest request twice.", "RFC 9449 §11.1", by=CATCHER, again=as_it_is
    ),
    Change(
        "sent_twice_respelt", "Sends it again with the padding == behind the signature.",
        "RFC 7515 §2", by=CATCHER, again=followed_by("=="),
        worth="Where the spelling passes, the jti is known.",
    ),
    Change(
        "sent_twice_other_s", "Sends it again with the signature's other s.",
        "RFC 7518 §3.4", by=CATCHER, again=with_the_other_s, worth=REPLAYED,
    ),
    Change(
        "jti_again", "Signs another proof with a jti that was used.", "RFC 9449 §4.2",
        first="honest", worth=REPLAYED, claims={"iat": FromNow(-1)},
    ),
    Change(
        "jti_of_another_client", "Uses, by accident, a jti that another client has used.",
        "RFC 9449 §11.1", first="honest", presents="thief",
        signed_by="thief",
        worth="One server remembers a jti for everybody, the other one for each key and URL.",
    ),
    Change(
        "jti_at_another_url", "Uses a jti again for another URL of the same API.",
        "RFC 9449 §11.1", places=WITH_TOKEN, first="honest", url=followed_by("/"),
        claims={"htu": followed_by("/")},
        worth="The same with the URL: two places, one memory, or two.",
    ),
    Change(
        "sent_after_a_refusal", "Mends a refused proof, and keeps its jti.",
        "RFC 9449 §11.1", first="htm_delete",
        worth="Harmless: a proof that was refused is not used up.",
    ),
    Change(
        "caught_45_s_ago", "Sends a proof caught 45 seconds ago that never arrived.",
        "RFC 9449 §11.1", by=CATCHER, claims={"iat": FromNow(-45)},
        worth="iat_45_s_ago from the thief's seat: nothing but the time is against it.",
    ),
    Change(
        "no_proof", "Leaves the DPoP header out.", "RFC 9449 §5, §7.1", by=THIEF,
        proofs=lambda proof: (),
    ),
    Change(
        "empty_proof", "Sends an empty DPoP header.", "RFC 9449 §5, §7.1",
        proofs=lambda proof: ("",),
    ),
    Change(
        "two_proofs", "Sends the DPoP header twice.", "RFC 9449 §4.3 (1)", by=MIDDLE,
        proofs=lambda proof: (proof, proof),
    ),
    Change(
        "second_proof_of_another", "Sends a second DPoP header with something else in it.",
        "RFC 9449 §4.3 (1)", by=MIDDLE, worth=TWICE, proofs=lambda proof: (proof, "eyJ.e30.x"),
    ),
    Change(
        "two_proofs_in_one_line", "Sends two proofs in one header line, with a comma.",
        "RFC 9110 §5.3", by=MIDDLE, proofs=lambda proof: (f"{proof},{proof}",),
        worth="What a proxy makes of two lines: one, and unreadable.",
    ),
    Change(
        "own_key", "Uses the stolen token with a flawless proof by the thief's key.",
        "RFC 9449 §6", by=THIEF, places=WITH_TOKEN, signed_by="thief",
    ),
    Change(
        "own_token", "Is the thief as an honest client: own token, own key.",
        "RFC 9449 §6", places=WITH_TOKEN, presents="thief", signed_by="thief",
        worth="Harmless: a binding is to a key, not to a person.",
    ),
    Change(
        "slipped_in_token", "Slips the thief's own token to the owner's client, which proves it.",
        "RFC 9449 §6", by=MIDDLE, places=WITH_TOKEN, presents="thief",
        worth="The other way round: the owner would work in the thief's account.",
    ),
    Change(
        "unbound_token", "Sends a token that is bound to no key.", "RFC 9449 §7.1",
        places=WITH_TOKEN, presents="unbound",
    ),
    Change(
        "under_bearer", "Sends token and proof, with the scheme Bearer.", "RFC 9449 §7.1",
        places=WITH_TOKEN, authorization=lambda token: (f"Bearer {token}",),
    ),
    Change(
        "under_another_scheme", "Sends them with a scheme of its own making.",
        "RFC 9110 §11.1", places=WITH_TOKEN, authorization=lambda token: (f"Token {token}",),
        worth=SCHEME,
    ),
    Change(
        "under_bearer_without_proof", "Sends the stolen token as a bearer token.",
        "RFC 9449 §7.2", by=THIEF, places=WITH_TOKEN,
        authorization=lambda token: (f"Bearer {token}",),
        proofs=lambda proof: (), worth=SCHEME,
    ),
    Change(
        "without_scheme", "Sends the token without a scheme.", "RFC 9110 §11.6.2",
        places=WITH_TOKEN, authorization=lambda token: (token,), worth=SCHEME,
    ),
    Change(
        "no_authorization", "Leaves the Authorization header out.", "RFC 9449 §7.1",
        places=(*WITH_TOKEN, BEARER_API), authorization=lambda token: (),
        worth="The bare challenge is an invitation: it tells which scheme is wanted.",
    ),
    Change(
        "scheme_in_capitals", "Writes the scheme in capitals.", "RFC 9110 §11.1",
        places=WITH_TOKEN, authorization=lambda token: (f"DPOP {token}",), worth=SAME_SCHEME,
    ),
    Change(
        "scheme_and_blanks", "Sends three blanks between scheme and token.",
        "RFC 9110 §11.4", places=WITH_TOKEN, authorization=lambda token: (f"DPoP   {token}",),
        worth=SAME_SCHEME,
    ),
    Change(
        "scheme_and_4000_blanks", "Sends four thousand blanks there.", "RFC 9110 §11.4",
        places=WITH_TOKEN, authorization=lambda token: (f"DPoP {' ' * 4000}{token}",),
        worth="One server takes no Authorization value of 4000 characters, whatever is in it.",
    ),
    Change(
        "two_authorizations", "Sends a second Authorization header, with Bearer.",
        "RFC 9449 §7.2", by=MIDDLE, places=WITH_TOKEN,
        authorization=lambda token: (f"DPoP {token}", f"Bearer {token}"), worth=TWICE,
    ),
    Change(
        "bearer_and_dpop", "Sends Bearer first and DPoP as the second.", "RFC 9449 §7.2", by=MIDDLE,
        places=WITH_TOKEN, authorization=lambda token: (f"Bearer {token}", f"DPoP {token}"),
    ),
    Change(
        "token_in_the_query", "Sends a token in the URL as well.", "RFC 6750 §2.3",
        places=WITH_TOKEN, url=followed_by("?access_token=another"), worth=TWICE,
    ),
    Change(
        "bound_as_bearer", "Takes the stolen token to the API that wants bearer tokens.",
        "RFC 9449 §7.2", by=THIEF, places=(BEARER_API,), presents="owner",
    ),
    Change(
        "bound_as_bearer_with_proof", "Does so with a proof beside it.", "RFC 9449 §7.2",
        places=(BEARER_API,), presents="owner", proofs=lambda proof: (proof,),
        worth="Nobody there looks at the proof, good or bad.",
    ),
    Change(
        "honest_bearer", "Takes an unbound token to the API that wants bearer tokens.",
        "RFC 6750 §2.1", places=(BEARER_API,),
        worth="Harmless, for anybody who has it: that is what a bearer token is.",
    ),
    Change(
        "dpop_at_bearer_api", "Takes a bound token under DPoP there.", "RFC 9449 §7.1",
        places=(BEARER_API,), presents="owner",
        authorization=lambda token: (f"DPoP {token}",), proofs=lambda proof: (proof,),
    ),
)  # fmt: skip
