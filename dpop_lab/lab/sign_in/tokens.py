"""Attacks with what a sign-in brought: refresh tokens, and access tokens at userinfo."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import Change
from dpop_lab.lab.catalogue.places import CATCHER, NOBODY, OWNER
from dpop_lab.lab.catalogue.places import THIEF as OF_TOKEN
from dpop_lab.lab.sign_in.attack import (
    CLIENT,
    KEY_THIEF,
    MIDDLE,
    NONE,
    OTHER_CLIENT,
    PAR,
    REFRESH,
    SECRET_THIEF,
    TOKEN_THIEF,
    USERINFO,
    Attack,
    attack,
)
from dpop_lab.lab.sign_in.carrying import carry_to_par, carry_to_userinfo
from dpop_lab.lab.sign_in.stage import CONFIDENTIAL, NATIVE, PUBLIC, Over, Stage

GRANTED = "A confidential client shows who it is with its secret, and its refresh tokens are bound"
BOUND_TO_THE_CLIENT = f"{GRANTED} to that, not to a key."


@attack("refresh_key", REFRESH, by=CLIENT, worth="Harmless: what all others are compared with.")
def honest_refresh(stage: Stage) -> None:
    """An honest refresh token of a public client, used with the key it was got with."""
    stage.refresh(stage.tokens()["refresh_token"])


@attack("refresh_key", REFRESH, by=TOKEN_THIEF)
def stolen_refresh_token(stage: Stage) -> None:
    """A stolen refresh token of a public client, used with the thief's key."""
    stage.refresh(stage.tokens()["refresh_token"], by="thief")


@attack("refresh_key", REFRESH, by=TOKEN_THIEF)
def stolen_refresh_token_without_proof(stage: Stage) -> None:
    """A stolen refresh token of a public client, used without a proof."""
    stage.refresh(stage.tokens()["refresh_token"], by=None)


@attack(
    NONE,
    REFRESH,
    by=KEY_THIEF,
    section="RFC 9449 §11.4",
    worth="Whoever can sign with the key is the client. Where the key cannot be taken away, they"
    " can as long as they are in the page.",
)
def stolen_refresh_token_and_key(stage: Stage) -> None:
    """A stolen refresh token of a public client, used with the client's own key."""
    stage.refresh(stage.tokens()["refresh_token"])


@attack(
    "proof demanded",
    REFRESH,
    by=TOKEN_THIEF,
    worth="Got without a proof, it is a bearer token: good for whoever has it.",
)
def stolen_unbound_refresh_token(stage: Stage) -> None:
    """A stolen refresh token that was got without a proof, used without one."""
    stage.refresh(stage.tokens(by=None)["refresh_token"], by=None)


@attack("client authentication", REFRESH, by=TOKEN_THIEF)
def stolen_refresh_token_of_confidential(stage: Stage) -> None:
    """A stolen refresh token of a client with a secret, without the secret."""
    token = stage.tokens(CONFIDENTIAL)["refresh_token"]
    stage.refresh(token, CONFIDENTIAL, by="thief", client_secret=None)


@attack(NONE, REFRESH, by=SECRET_THIEF, section="RFC 9449 §5", worth=BOUND_TO_THE_CLIENT)
def refresh_token_and_secret(stage: Stage) -> None:
    """A stolen refresh token of a client with a secret, the secret, and the thief's key."""
    token = stage.tokens(CONFIDENTIAL)["refresh_token"]
    stage.refresh(token, CONFIDENTIAL, by="thief")


@attack(
    "refresh_key",
    REFRESH,
    by=SECRET_THIEF,
    worth=f"{BOUND_TO_THE_CLIENT} The demo wants a proof by any key, if the first came with one.",
    differs=True,
)
def refresh_token_and_secret_unproven(stage: Stage) -> None:
    """A stolen refresh token of a client with a secret, the secret, and no proof."""
    token = stage.tokens(CONFIDENTIAL)["refresh_token"]
    stage.refresh(token, CONFIDENTIAL, by=None)


@attack(
    "refresh_key",
    REFRESH,
    by=CLIENT,
    worth="Harmless: a client that begins to use DPoP. The demo wants it to go on as it began.",
    differs=True,
)
def refresh_with_a_first_proof(stage: Stage) -> None:
    """A proof with a refresh token of a client with a secret that was got without one."""
    stage.refresh(stage.tokens(CONFIDENTIAL, by=None)["refresh_token"], CONFIDENTIAL)


@attack("one use", REFRESH, by=KEY_THIEF)
def old_refresh_token(stage: Stage) -> None:
    """A refresh token that its owner had used before, used again by a thief with the key."""
    token = stage.tokens()["refresh_token"]
    stage.refresh(token)
    stage.refresh(token)


@attack(
    "one use",
    REFRESH,
    by=KEY_THIEF,
    worth="The owner's use of the same token shows that somebody has a copy. Where that does not"
    " end the family, the thief goes on.",
    differs=True,
)
def refresh_token_used_first(stage: Stage) -> None:
    """A refresh token used by a thief with the key and then by its owner; the thief goes on."""
    token = stage.tokens()["refresh_token"]
    new = stage.refresh(token)["refresh_token"]
    with suppress(Over):
        stage.refresh(token)
    stage.refresh(new)


@attack("whose it is", REFRESH, by=OTHER_CLIENT, section="RFC 6749 §6")
def refresh_token_of_another_client(stage: Stage) -> None:
    """A refresh token used by another client than it was issued to."""
    stage.refresh(stage.tokens(CONFIDENTIAL)["refresh_token"], PUBLIC)


@attack("revocation", REFRESH, by=KEY_THIEF)
def revoked_refresh_token(stage: Stage) -> None:
    """A refresh token that was revoked, used by a thief with the key."""
    token = stage.tokens()["refresh_token"]
    stage.revoke(token)
    stage.refresh(token)


@attack(
    "revocation",
    USERINFO,
    by=KEY_THIEF,
    worth="A server that revokes refresh tokens alone lets an access token be good to its end.",
    differs=True,
)
def revoked_access_token(stage: Stage) -> None:
    """An access token that was revoked, at userinfo."""
    token = stage.tokens()["access_token"]
    stage.revoke(token)
    carry_to_userinfo(stage, CHANGES["honest"], token=token, scheme=stage.scheme)


@attack(
    "unbound",
    USERINFO,
    by=TOKEN_THIEF,
    section="RFC 9449 §7.2",
    worth="The demo takes bearer tokens at userinfo, and nothing else: a stolen token tells there"
    " who signed in, whatever key it is bound to.",
    differs=True,
)
def userinfo_as_bearer(stage: Stage) -> None:
    """A stolen bound token at userinfo, as a bearer token."""
    carry_to_userinfo(stage, CHANGES["under_bearer_without_proof"])


@attack(
    NONE,
    USERINFO,
    by=CLIENT,
    section="RFC 9449 §7.1",
    worth="Harmless: as at any API. The demo knows no DPoP at userinfo.",
    differs=True,
)
def honest_userinfo(stage: Stage) -> None:
    """An honest bound token at userinfo, under DPoP with a proof."""
    carry_to_userinfo(stage, CHANGES["honest"])


KINDER = "One server reads a proof more kindly than the other, here as at its token endpoint."
BY = {OWNER: CLIENT, CATCHER: TOKEN_THIEF, OF_TOKEN: TOKEN_THIEF, NOBODY: NOBODY}
AT_PAR = {  # by row, a change of the great catalogue; what it does to a proof is the same here
    "one_header": "two_proofs", "strict_form": "padding", "typ": "typ_jwt",
    "no_private_key": "private_member", "signature": "others_key_shown", "jti": "jti_missing",
    "htm": "htm_delete", "htu": "htu_with_other_path", "fresh": "iat_an_hour_ago",
    "nonce": "nonce_made_up", "unused": "sent_twice",
}  # fmt: skip
AT_USERINFO = {
    **{row: name for row, name in AT_PAR.items() if row != "nonce"},
    "ath": "ath_missing", "bound_key": "own_key", "at_form": "at_byte_order_mark",
    "at_typ": "at_typ_jwt", "issuer": "at_other_issuer", "at_signature": "at_signed_by_thief",
    "not_expired": "at_over_for_an_hour",
}  # fmt: skip


def _carried(at: str, row: str, change: Change) -> Attack:
    """A change of the great catalogue, at a place that it does not know."""
    to_par = partial(carry_to_par, client_id=NATIVE if row == "nonce" else PUBLIC)
    carry = partial(to_par if at == PAR else carry_to_userinfo, change=change)
    return Attack(
        name=f"{change.name}_at_{'par' if at == PAR else at}",
        title=f"{change.title}, at {'PAR' if at == PAR else at}",
        guard=row,
        then="",
        section=change.section,
        by=BY.get(change.by, MIDDLE),
        at=at,
        worth=change.worth or KINDER * change.differs,
        differs=(change.name, at) == ("padding", PAR),
        play=carry,
    )


def carried(at: str, names: Mapping[str, str]) -> tuple[Attack, ...]:
    """Changes of the great catalogue, by the rows that they are against, at this place."""
    return tuple(_carried(at, row, CHANGES[name]) for row, name in names.items())


TOKENS = (
    honest_refresh, stolen_refresh_token, stolen_refresh_token_without_proof,
    stolen_refresh_token_and_key, stolen_unbound_refresh_token,
    stolen_refresh_token_of_confidential, refresh_token_and_secret,
    refresh_token_and_secret_unproven, refresh_with_a_first_proof, old_refresh_token,
    refresh_token_used_first, refresh_token_of_another_client, revoked_refresh_token,
    honest_userinfo, userinfo_as_bearer, revoked_access_token,
)  # fmt: skip
CARRIED = (*carried(PAR, AT_PAR), *carried(USERINFO, AT_USERINFO))
