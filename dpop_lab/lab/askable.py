"""What a server that is not ours can't be asked, since it takes what only a twin has."""

from dpop_lab.lab.cast import ASKED_FOR
from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import ISSUER, LEFT_OUT, PLACES, Change
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.token_request import token_request

BESIDES = (  # what a change may do besides editing members
    "key presents token method url proofs authorization fields content_type client_id nonce_age"
    " others_nonce first again".split()
)


def why_not(change: Change, to: str, world: ClientSide) -> str:
    """Why a change can't be tried at a place of this world, empty where it can.

    What might do harm is not tried with a server of somebody else either.
    """
    place = PLACES[to]
    if not world.live:
        return ""
    other, token = world.kind == "another server", change.token
    reasons = {
        "it takes the issuer's own key": token is not None and token.signed_by == ISSUER,
        "it takes the private key of another client": change.client_id.endswith(".jwt"),
        "it takes the demo's other API": other and place.scheme == "Bearer",
        "no API was named": other and not place.client_id and world.client.api is None,
        "it takes another client": other and change.client_id != "",
        "it takes a token of another client or scope": other and change.presents in ASKED_FOR,
        "it takes a nonce made for it": bool(change.nonce_age) or change.others_nonce,
        "it might delete something": other and change.method == "DELETE",
    }
    return next((why for why, so in reasons.items() if so), "")


def fixed_jti(change: Change) -> bool:
    """Is it the same jti whenever the change is made, and so a replay the second time?"""
    jti = change.proof.claims.get("jti", LEFT_OUT)
    return jti is not LEFT_OUT and not callable(jti) and not change.first


def idle(draft: Draft, world: ClientSide) -> bool:
    """Does a change that is made to members come to nothing here?"""
    change, edit = draft.change, draft.change.proof
    honest, form = CHANGES["honest"], list[tuple[str, str]]()
    if change.form:
        _, form = token_request(change, world, draft.place)
        if change.form(form) != form:
            return False
    elsewhere = any(getattr(change, name) != getattr(honest, name) for name in BESIDES)
    written = edit.spelling or edit.shows or edit.signed_by != "owner" or not edit.sign_again
    made = bool(change.form or edit.header or edit.jwk or edit.claims)
    return made and not elsewhere and not written and draft.proposed == draft.honest
