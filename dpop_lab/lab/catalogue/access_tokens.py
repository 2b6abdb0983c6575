"""Changes of the access token: what its thief, its owner, or a faulty issuer might present."""

from datetime import timedelta
from typing import Any

from dpop_lab.lab.catalogue.change import (
    BEARER_API,
    ISSUER,
    LEFT_OUT,
    NOBODY,
    OWNER,
    WITH_TOKEN,
    Change,
    Edit,
    Members,
    by_thief,
)
from dpop_lab.lab.catalogue.spelling import after, flipped, followed_by, last_character_changed

UNSIGNED = "Another forgery: each was a hole in some library."
BY_ISSUER = "It takes the issuer's own key, or a fault there, to make one."

CERTIFICATE = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"  # a thumbprint of RFC 8705 section 3.1


def _issued(
    name: str,
    does: str,
    section: str,
    worth: str = BY_ISSUER,
    *,
    by: str = NOBODY,
    header: Members | None = None,
    **claims: object,
) -> Change:
    """A token with these members, which only the issuer can sign."""
    token = Edit(signed_by=ISSUER, header=header or {}, claims=claims)
    return Change(name, does, section, worth, by=by, token=token)


def _forged(name: str, does: str, section: str, worth: str = UNSIGNED, **edit: Any) -> Change:
    """A stolen token into which the thief writes the thumbprint of their own key."""
    token = Edit(shows="thief", **edit)
    return by_thief(name, does, section, worth, at=WITH_TOKEN, signed_by="thief", token=token)


def _respelt(name: str, does: str, section: str, worth: str = "", **spelling: Any) -> Change:
    """A token in another spelling, under the signature that it has."""
    token = Edit(spelling=spelling, sign_again=False)
    return Change(name, does, section, worth, token=token)


ACCESS_TOKENS = (
    _respelt("at_no_jwt", "Sends a word for the access token.", "RFC 9068 §2",
        whole=lambda token: "secret"),
    Change("at_more_scope", "Writes more scope into the token, and leaves its signature.",
        "RFC 9068 §4", token=Edit(claims={"scope": ["api", "everything"]}, sign_again=False)),
    _forged("at_thiefs_jkt", "Writes the thief's thumbprint into the stolen token.",
        "RFC 9449 §6.1", "The answer to the question of every class: can I not change the jkt?",
        sign_again=False),
    _forged("at_signed_by_thief", "Signs such a token with the thief's own RSA key.",
        "RFC 9068 §4", signed_by="thief"),
    _forged("at_alg_none", "Makes one with alg none.", "RFC 8725 §3.1", header={"alg": "none"},
        signed_by="nobody"),
    _forged("at_hs256", "Makes one with HS256 and the issuer's public key for the secret.",
        "RFC 8725 §3.1", header={"alg": "HS256"}, signed_by=ISSUER),
    _respelt("at_flipped", "Turns over a bit of the token's signature.", "RFC 9068 §4",
        "The plainest test of all: one bit, and it must not verify.",
        signature=flipped),
    _respelt("at_last_character", "Changes the last character of the token.", "RFC 4648 §3.5",
        "A bit that counts; compare at_spare_bits.",
        whole=last_character_changed(32)),
    _respelt("at_spare_bits",
        "Changes the last character of the token in a bit that carries nothing.", "RFC 4648 §3.5",
        "Another text for the same token: new to a list of revoked ones.",
        whole=last_character_changed(1)),
    _respelt("at_padding", "Adds padding behind the token's signature.", "RFC 7515 §2",
        "The same trick with another spelling.",
        whole=followed_by("==")),
    Change("at_byte_order_mark", "Sends a token whose claims begin with a byte order mark.",
        "RFC 8259 §8.1", BY_ISSUER, by=NOBODY,
        token=Edit(signed_by=ISSUER, spelling={"claims_text": after("\ufeff")})),
    _issued("at_kid_as_number", "Sends a token with a number for its kid.", "RFC 7515 §4.1.4",
        header={"kid": 7}),
    _issued("at_typ_jwt", "Sends another kind of JWT of the same issuer.", "RFC 9068 §4",
        "An id_token, say: honestly signed, and no access token.", by=OWNER,
        header={"typ": "JWT"}),
    _issued("at_typ_missing", "Sends a JWT of the issuer that does not say what it is.",
        "RFC 9068 §4", header={"typ": LEFT_OUT}),
    _issued("at_typ_in_full", "Sends a token that calls itself application/at+jwt.", "RFC 9068 §4",
        "Allowed by the RFC, in either form.", header={"typ": "application/at+jwt"}),
    _issued("at_other_issuer", "Sends a token that names another issuer.", "RFC 9068 §4",
        "As where several issuers share one key.", iss="https://other.example"),
    _issued("at_no_issuer", "Sends a token that names no issuer.", "RFC 9068 §4", iss=LEFT_OUT),
    Change("at_for_another_api", "Sends a token that was issued for another API.", "RFC 9068 §4",
        "Asked for in the open, by scope. Whoever runs that other API could do it, too.",
        at=(*WITH_TOKEN, BEARER_API), presents="resource1"),
    Change("at_for_no_api", "Sends a token that was issued for no API in particular.",
        "RFC 9068 §4", "No audience is not every audience.", presents="scope3"),
    _issued("at_over_for_100_s", "Sends a token that has been over for 100 seconds.",
        "RFC 9068 §4", "Five minutes of grace, on one server.", by=OWNER,
        nbf=timedelta(seconds=-3700), iat=timedelta(seconds=-3700), exp=timedelta(seconds=-100)),
    _issued("at_over_for_an_hour", "Sends a token that has been over for an hour.", "RFC 9068 §4",
        "Call by one server with a bare challenge, as if nothing had been sent.", by=OWNER,
        nbf=timedelta(hours=-2), iat=timedelta(hours=-2), exp=timedelta(hours=-1)),
    _issued("at_not_yet", "Sends a token that is good from tomorrow.", "RFC 9068 §4",
        nbf=timedelta(days=1), exp=timedelta(hours=25)),
    _issued("at_without_end", "Sends a token without exp.", "RFC 9068 §2.2", exp=LEFT_OUT),
    _issued("at_cnf_without_jkt", "Sends a token whose cnf holds no jkt.", "RFC 9449 §6.1",
        "Bound, and nobody can say to what.", cnf={}),
    _issued("at_cnf_of_a_certificate", "Sends a token bound to a TLS certificate.",
        "RFC 8705 §3.1", "Another way of binding, for another check.",
        cnf={"x5t#S256": CERTIFICATE}),
    _issued("at_cnf_of_both", "Sends a token bound to the owner's key and to a TLS certificate.",
        "RFC 7800 §3", "Half of it is proven. Is that half enough? Two servers, two answers.",
        cnf=lambda cnf: {**cnf, "x5t#S256": CERTIFICATE}),
    _issued("at_cnf_as_text", "Sends a token whose cnf is a string.", "RFC 7800 §3.1", cnf="jkt"),
)  # fmt: skip
