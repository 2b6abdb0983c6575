"""What usually brings a row to fail, sent to the twin, with its answer and what the doctor says."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from dpop_lab import DUENDE, RFC_9449, SIGN_IN_CHANGES, Lab, generate_key
from dpop_lab.client.recorder import SessionLog
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.words import meaning
from dpop_lab.lab.catalogue import CHANGES, Change
from dpop_lab.lab.catalogue.places import API, TOKEN_ENDPOINT
from dpop_lab.server.authorization_server import TOKEN_PATH
from dpop_lab.server.sign_in.sign_in_server import PAR
from dpop_lab.session.call import NO_ROW, Call, read_call
from dpop_lab.wire.message import Exchange, Redacted
from tests.pages.markdown import same_each_run
from tests.pages.mistakes import MISTAKES

KNOWN: Mapping[str, Change] = {**CHANGES, **MISTAKES}
#: By row, the changes and mistakes that stand for its usual causes, the likeliest first.
LIKELY: Mapping[str, tuple[str, ...]] = {
    "one_header": ("no_proof", "two_proofs", "empty_proof"),
    "well_formed": ("two_proofs_in_one_line", "word_before", "in_quotes", "two_parts",
                    "not_base64url", "five_parts"),
    "strict_form": ("padding", "iat_as_text", "standard_alphabet", "jti_as_number",
                    "htu_in_array", "duplicate_last"),
    "typ": ("typ_jwt", "typ_missing", "typ_access_token", "typ_in_capitals"),
    "alg": ("alg_hs256", "alg_none", "alg_in_small_letters", "alg_missing"),
    "jwk": ("jwk_missing", "kid_for_jwk", "jwk_as_text", "alg_of_another_kind", "jwk_padded",
            "jwk_without_y", "jwk_off_the_curve", "jwk_symmetric", "rsa_1024"),
    "no_private_key": ("private_rsa", "private_member"),
    "signature": ("signature_in_der", "not_signed_again", "others_key_shown",
                  "signature_shortened"),
    "jti": ("jti_missing", "jti_empty"),
    "htm": ("method_delete", "htm_in_small_letters", "made_for_the_token_endpoint", "htm_missing"),
    "htu": ("htu_with_http", "htu_with_slash", "htu_with_port", "htu_of_the_thief",
            "htu_with_other_path", "htu_relative", "htu_missing", "htu_as_url"),
    "ath": ("ath_missing", "ath_of_another", "ath_in_hexadecimal", "ath_with_padding"),
    "bound_key": ("own_key", "unbound_token", "at_cnf_of_a_certificate",
                  "at_cnf_of_both", "jkt_in_hexadecimal"),
    "fresh": ("iat_200_s_ago", "iat_18_s_ahead", "iat_an_hour_ago", "iat_in_milliseconds",
              "iat_missing"),
    "nonce": ("nonce_missing", "nonce_of_an_hour", "nonce_in_the_header", "nonce_of_the_other",
              "nonce_made_up"),
    "unused": ("sent_twice", "jti_again"),
    "scheme": ("under_bearer", "no_authorization", "without_scheme", "dpop_at_bearer_api"),
    "at_form": ("at_no_jwt", "at_padding"),
    "at_typ": ("at_typ_jwt", "at_typ_missing"),
    "issuer": ("at_other_issuer", "at_no_issuer"),
    "at_signature": ("at_flipped", "at_signed_by_thief"),
    "audience": ("at_for_another_api", "at_for_no_api"),
    "not_expired": ("at_over_for_an_hour", "at_not_yet", "at_without_end"),
    "unbound": ("bound_as_bearer",),
    "code_key": ("other_key_after_par", "bound_code_without_proof"),
    "refresh_key": ("stolen_refresh_token", "stolen_refresh_token_without_proof"),
}  # fmt: skip
#: Titles of changes that the catalogue tells otherwise, from the seat of an honest client.
HONESTLY: Mapping[str, str] = {
    "own_key": "proof by another key than the token's, such as a new one after a restart",
    "sent_twice": "the same request, sent twice",
    "at_no_jwt": "access token that is no JWT",
    "at_typ_jwt": "another kind of JWT of the same issuer, such as an ID token",
    "at_flipped": "access token that was changed, if only in one bit",
    "iat_200_s_ago": "iat 200 seconds ago, by a slow clock, or the proof was kept for later",
    "private_rsa": "RSA jwk with all its private members",
    "private_member": "jwk with its private member d",
    "others_key_shown": "signed with another key than the one that is shown",
    "at_signed_by_thief": "access token signed by somebody else than the issuer",
    "bound_as_bearer": "bound token sent under Bearer, without a proof",
    "other_key_after_par": "another key than dpop_jkt or PAR named, such as one made after login",
    "bound_code_without_proof": "no proof with the code, though dpop_jkt or PAR had named a key",
    "stolen_refresh_token": "another key than at first, such as a new one after a restart",
    "code_twice": "code that was used before",
    "stolen_code": "code_verifier of another authorization request",
    "code_of_another_client": "code that was given to another client",
    "old_refresh_token": "refresh token that was used before, by a client whose tokens rotate",
    "revoked_refresh_token": "refresh token that was revoked",
    "refresh_token_of_another_client": "refresh token that was given to another client",
    "stolen_refresh_token_without_proof": "no proof with a refresh token that was got with one",
}
#: Changes that no row refuses, beside those of the token request.
OTHERS = (
    "no_proof", "two_authorizations", "token_in_the_query", "too_long",
    "code_twice", "stolen_code", "other_redirect_uri", "code_of_another_client",
    "old_refresh_token", "revoked_refresh_token", "refresh_token_of_another_client",
)  # fmt: skip
#: Further requests of a client that signs people in, in the words of a title: path and form.
ASKED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "resource of more than 512 characters": (TOKEN_PATH, {"resource": f"urn:{'x' * 512}"}),
    "resource that is no URI": (TOKEN_PATH, {"resource": "no URI"}),
    "refresh token that nobody issued": (
        TOKEN_PATH, {"grant_type": "refresh_token", "refresh_token": "x"}
    ),
    "grant that this client may not use": (
        TOKEN_PATH, {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    ),
    "request_uri in a pushed request": (PAR, {"request_uri": "urn:x"}),
    "dpop_jkt of another key than that of the proof": (PAR, {"dpop_jkt": "x" * 43}),
    "token_type_hint that is unknown": (
        "/connect/revocation", {"token": "x", "token_type_hint": "y"}
    ),
}  # fmt: skip


class Tried(NamedTuple):
    """One request that was sent and refused, and what the doctor says of it."""

    title: str
    name: str  #: of the change or the mistake, empty for none
    policy: str
    to: str
    call: Call
    advice: str

    @property
    def change(self) -> str:
        """Its name in either catalogue, empty where the bench does not have it."""
        return self.name if self.name in CHANGES or self.name in SIGN_IN_CHANGES else ""

    @property
    def problem(self) -> Problem:
        """What the doctor makes of the row that said no."""
        assert self.call.finding
        return Problem.of(self.call.finding, self.call)


class Kept(SessionLog):
    """A session log that keeps the last exchange as it was, tokens and all."""

    last: Exchange

    def record(self, exchange: Exchange) -> Redacted:
        """Keep it, and redact it as always."""
        self.last = exchange
        return super().record(exchange)


def _advice(call: Call) -> str:
    if call.caught != NO_ROW and call.finding:
        said = advise(call.finding, call)
    else:
        found = meaning(call)
        said = found.action if found else ""
    return same_each_run(said)


def _sent(lab: Lab, log: Kept, change: Change, to: str) -> Tried | None:
    """A change tried at a place, None where it is accepted."""
    parties, second = lab.bench.parties, None
    while second != lab.clock.now():  # else how long ago is told one second longer
        second = lab.clock.now()
        draft = parties.drafted(change, to=to)
        session = lab.session_under(lab.policy, api_nonce=draft.place.nonce)
        parties.send(session, draft.place, parties.signed(draft)[0])
    call = read_call(log.last)
    if not call.refused:
        return None
    title = HONESTLY.get(change.name, change.title)
    return Tried(title, change.name, lab.policy.name, to, call, _advice(call))


def _attacked(lab: Lab, log: Kept, name: str) -> Tried:
    """What comes of an attack on signing in."""
    came = lab.attack(name)
    call, title = read_call(log.last), HONESTLY.get(name, came.title)
    return Tried(title, name, lab.policy.name, TOKEN_ENDPOINT, call, _advice(call))


def _asked(lab: Lab, log: Kept) -> Iterator[Tried]:
    key, client = generate_key("ES256"), ("interactive.confidential", "secret")
    known = dict(zip(("client_id", "client_secret"), client, strict=True))
    for title, (path, form) in ASKED.items():
        url = f"{lab.base_url}{path}"
        said = {"grant_type": "client_credentials", **known, **form}
        lab.session.post(url, data=said, headers={"DPoP": lab.proof(key, "POST", url)})
        call = read_call(log.last)
        if call.refused:
            yield Tried(title, "", lab.policy.name, path, call, _advice(call))


@cache
def trials() -> tuple[Tried, ...]:
    """Each likely change at the places where it makes sense, at both servers, in that order."""
    names = dict.fromkeys([*(one for names in LIKELY.values() for one in names), *OTHERS])
    names |= dict.fromkeys(CHANGES.of("token request"))
    found: list[Tried] = []
    for policy in (RFC_9449, DUENDE):
        log = Kept()
        with Lab(policy=policy, log=log) as lab:
            found += (_attacked(lab, log, name) for name in names if name in SIGN_IN_CHANGES)
            for change in (KNOWN[name] for name in names if name in KNOWN):
                usual = change.places[0]
                more = (API, TOKEN_ENDPOINT) if policy is DUENDE or change.name in OTHERS else ()
                places = [usual, *(one for one in more if one in change.places[1:])]
                found += filter(None, (_sent(lab, log, change, to) for to in places))
            found += _asked(lab, log)
    return tuple(found)


def causes(row: str) -> list[Tried]:
    """The usual causes of a row's failure, the likeliest first, each at its usual place."""
    usual = {one.name: one for one in reversed(trials()) if one.policy == RFC_9449.name}
    return [usual[name] for name in LIKELY.get(row, ())]


def answered(error: str, text: str, rows: Collection[str]) -> list[Tried]:
    """What was answered by these words, each once, the likeliest first; of these rows if any."""
    names = {name for row in rows for name in LIKELY.get(row, ())}
    fits = (
        one
        for one in reversed(trials())
        if (one.call.error, one.call.description) == (error, text)
        if one.name in names or not rows
    )
    return list({one.title: one for one in fits}.values())[::-1]
