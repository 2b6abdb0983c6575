"""Changes of the access token and how it is sent, by its thief, its owner, a faulty issuer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dpop_lab.lab.catalogue.change import (
    LEFT_OUT,
    Change,
    Edit,
    Members,
    by_middle,
    by_thief,
    two_answers,
)
from dpop_lab.lab.catalogue.places import BEARER_API, ISSUER, NOBODY, OWNER, WITH_TOKEN
from dpop_lab.lab.catalogue.requests import TWICE
from dpop_lab.lab.catalogue.spelling import after, flipped, followed_by, last_character_changed

SCHEME = "An API that wants a bound token under DPoP takes it under no other scheme."
SAME_SCHEME = "Harmless: schemes know no letter case, and one blank or more is one."
UNSIGNED = "A forgery of the access token that was a hole in some library."
BY_ISSUER = "It takes the issuer's own key, or a fault there, to make one."

CERTIFICATE = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"  # a thumbprint of RFC 8705 section 3.1


def under(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    """An access token as Authorization lines, one with each of these schemes."""
    return lambda token: tuple(f"{scheme} {token}" for scheme in schemes)


def _issued(
    name: str,
    title: str,
    section: str,
    worth: str = BY_ISSUER,
    *,
    by: str = NOBODY,
    header: Members | None = None,
    **claims: object,
) -> Change:
    """A token with these members, which only the issuer can sign."""
    token = Edit(signed_by=ISSUER, header=header or {}, claims=claims)
    return Change(name, title, section, worth, by=by, token=token)


def _forged(name: str, title: str, section: str, worth: str = UNSIGNED, **edit: Any) -> Change:
    """A stolen token into which the thief writes the thumbprint of their own key."""
    token = Edit(shows="thief", **edit)
    return by_thief(name, title, section, worth, at=WITH_TOKEN, signed_by="thief", token=token)


def _respelt(name: str, title: str, section: str, worth: str = "", **spelling: Any) -> Change:
    """A token in another spelling, under the signature that it has."""
    token = Edit(spelling=spelling, sign_again=False)
    return Change(name, title, section, worth, token=token)


ACCESS_TOKEN = (
    by_thief("own_key", "stolen token, flawless proof by the thief's key", "RFC 9449 §6",
        at=WITH_TOKEN, signed_by="thief"),
    Change("own_token", "the thief as an honest client: own token, own key", "RFC 9449 §6",
        "Harmless: a binding is to a key, not to a person.", presents="thief", signed_by="thief"),
    by_middle("slipped_in_token", "the thief's token slipped to the owner, who proves it",
        "RFC 9449 §6", "The other way round: the owner would work in the thief's account.",
        presents="thief"),
    Change("unbound_token", "access token that is bound to no key", "RFC 9449 §7.1",
        presents="unbound"),
    Change("under_bearer", "token and proof under the scheme Bearer", "RFC 9449 §7.1",
        authorization=under("Bearer")),
    Change("under_another_scheme", "token and proof under a made-up scheme", "RFC 9110 §11.1",
        SCHEME, authorization=under("Token")),
    by_thief("under_bearer_without_proof", "stolen token sent as a bearer token", "RFC 9449 §7.2",
        SCHEME, authorization=under("Bearer"), proofs=lambda proof: ()),
    Change("without_scheme", "access token without a scheme", "RFC 9110 §11.6.2", SCHEME,
        authorization=lambda token: (token,)),
    Change("no_authorization", "no Authorization header", "RFC 9449 §7.1",
        "The bare challenge is an invitation: it tells which scheme is wanted.",
        at=(*WITH_TOKEN, BEARER_API), authorization=under()),
    Change("scheme_in_capitals", "scheme in capitals", "RFC 9110 §11.1", SAME_SCHEME,
        authorization=under("DPOP")),
    Change("scheme_and_blanks", "three blanks between scheme and token", "RFC 9110 §11.4",
        SAME_SCHEME, authorization=under("DPoP  ")),
    two_answers(Change("scheme_and_4000_blanks", "four thousand blanks between scheme and token",
        "RFC 9110 §11.4",
        "One server takes no Authorization value of 4000 characters, whatever is in it.",
        authorization=under(f"DPoP{' ' * 3999}"))),
    two_answers(by_middle("two_authorizations", "Authorization header twice: DPoP, then Bearer",
        "RFC 9449 §7.2", TWICE, authorization=under("DPoP", "Bearer"))),
    by_middle("bearer_and_dpop", "Authorization header twice: Bearer, then DPoP", "RFC 9449 §7.2",
        authorization=under("Bearer", "DPoP")),
    two_answers(Change("token_in_the_query", "access token in the URL as well", "RFC 6750 §2.3",
        TWICE, at=WITH_TOKEN, url=followed_by("?access_token=another"))),
    two_answers(by_thief("bound_as_bearer", "stolen token at the API that wants bearer tokens",
        "RFC 9449 §7.2", at=(BEARER_API,), presents="owner")),
    two_answers(Change("bound_as_bearer_with_proof", "stolen token and a proof at the bearer API",
        "RFC 9449 §7.2", "Nobody there looks at the proof, good or bad.", at=(BEARER_API,),
        presents="owner", proofs=lambda proof: (proof,))),
    Change("honest_bearer", "unbound token at the API that wants bearer tokens", "RFC 6750 §2.1",
        "Harmless, for anybody who has it: that is what a bearer token is.", at=(BEARER_API,)),
    Change("dpop_at_bearer_api", "bound token under DPoP at the bearer API", "RFC 9449 §7.1",
        at=(BEARER_API,), presents="owner", authorization=under("DPoP"),
        proofs=lambda proof: (proof,)),
    _respelt("at_no_jwt", "access token that is a word", "RFC 9068 §2",
        whole=lambda token: "secret"),
    Change("at_more_scope", "more scope in the access token, its signature kept", "RFC 9068 §4",
        token=Edit(claims={"scope": ["api", "everything"]}, sign_again=False)),
    _forged("at_thiefs_jkt", "the thief's thumbprint written into the stolen token",
        "RFC 9449 §6.1", "The answer to the question of every class: can I not change the jkt?",
        sign_again=False),
    _forged("at_signed_by_thief", "the thief's thumbprint, signed with the thief's RSA key",
        "RFC 9068 §4", signed_by="thief"),
    _forged("at_alg_none", "the thief's thumbprint, alg none", "RFC 8725 §3.1",
        header={"alg": "none"}, signed_by="nobody"),
    _forged("at_hs256", "the thief's thumbprint, HS256 with the issuer's public key",
        "RFC 8725 §3.1", header={"alg": "HS256"}, signed_by=ISSUER),
    _respelt("at_flipped", "access token with a bit of its signature turned over", "RFC 9068 §4",
        "The plainest test of all: one bit, and it must not verify.", signature=flipped),
    _respelt("at_last_character", "last character of the access token, in a bit that counts",
        "RFC 4648 §3.5", "A bit that counts; compare at_spare_bits.",
        whole=last_character_changed(32)),
    two_answers(_respelt("at_spare_bits",
        "last character of the access token, in a bit that doesn't", "RFC 4648 §3.5",
        "It is a new text for an old token: a list of revoked ones does not know it.",
        whole=last_character_changed(1))),
    two_answers(_respelt("at_padding", "access token with padding behind its signature",
        "RFC 7515 §2", "Padding makes a new text of an old token.", whole=followed_by("=="))),
    Change("at_byte_order_mark", "access token with a byte order mark before its claims",
        "RFC 8259 §8.1", BY_ISSUER, by=NOBODY,
        token=Edit(signed_by=ISSUER, spelling={"claims_text": after("\ufeff")})),
    two_answers(_issued("at_kid_as_number", "access token with a number for its kid",
        "RFC 7515 §4.1.4", header={"kid": 7})),
    _issued("at_typ_jwt", "another kind of JWT of the same issuer", "RFC 9068 §4",
        "An id_token, say: honestly signed, and no access token.", by=OWNER, header={"typ": "JWT"}),
    _issued("at_typ_missing", "access token without typ", "RFC 9068 §4", header={"typ": LEFT_OUT}),
    two_answers(_issued("at_typ_in_full", "access token with typ application/at+jwt", "RFC 9068 §4",
        "Allowed by the RFC, in either form.", header={"typ": "application/at+jwt"})),
    _issued("at_other_issuer", "access token that names another issuer", "RFC 9068 §4",
        "It happens where several issuers share one key.", iss="https://other.example"),
    _issued("at_no_issuer", "access token that names no issuer", "RFC 9068 §4", iss=LEFT_OUT),
    two_answers(Change("at_for_another_api", "access token for another API", "RFC 9068 §4",
        "Asked for in the open, by scope. Whoever runs that other API could do it, too.",
        at=(*WITH_TOKEN, BEARER_API), presents="resource1")),
    two_answers(Change("at_for_no_api", "access token for no API in particular", "RFC 9068 §4",
        "No audience is not every audience.", presents="scope3")),
    two_answers(_issued("at_over_for_100_s", "access token that ran out 100 seconds ago",
        "RFC 9068 §4", "Five minutes of grace, on one server.", by=OWNER,
        nbf=timedelta(seconds=-3700), iat=timedelta(seconds=-3700), exp=timedelta(seconds=-100))),
    _issued("at_over_for_an_hour", "access token that ran out an hour ago", "RFC 9068 §4",
        "Answered by one server with a bare challenge, as if nothing had been sent.", by=OWNER,
        nbf=timedelta(hours=-2), iat=timedelta(hours=-2), exp=timedelta(hours=-1)),
    _issued("at_not_yet", "access token that is good from tomorrow", "RFC 9068 §4",
        nbf=timedelta(days=1), exp=timedelta(hours=25)),
    _issued("at_without_end", "access token without exp", "RFC 9068 §2.2", exp=LEFT_OUT),
    _issued("at_cnf_without_jkt", "access token whose cnf holds no jkt", "RFC 9449 §6.1",
        "Bound, and nobody can say to what.", cnf={}),
    _issued("at_cnf_of_a_certificate", "access token bound to a TLS certificate", "RFC 8705 §3.1",
        "Bound to a certificate, which no proof can show.", cnf={"x5t#S256": CERTIFICATE}),
    two_answers(_issued("at_cnf_of_both", "access token bound to the owner's key and a certificate",
        "RFC 7800 §3", "Half of it is proven. Is that half enough? Two servers, two answers.",
        cnf=lambda cnf: {**cnf, "x5t#S256": CERTIFICATE})),
    _issued("at_cnf_as_text", "access token whose cnf is a string", "RFC 7800 §3.1", cnf="jkt"),
)  # fmt: skip
