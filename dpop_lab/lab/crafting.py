"""From a change to the request that carries it out: a draft to look at and edit, then the bytes."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from urllib3 import HTTPHeaderDict

from dpop_lab.errors import LabError
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.lab.cast import Cast
from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import (
    ISSUER,
    PLACES,
    THE_API,
    THE_TOKEN_ENDPOINT,
    THIEFS_CNF,
    Change,
    Edit,
    Known,
    Place,
    edited,
)
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.lab.forging import forged, spelt, text
from dpop_lab.lab.token_request import Form, header_value, token_request
from dpop_lab.proof.proof import proof_claims, proof_header
from dpop_lab.wire.url import htu


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft:
    """A proof before it is signed, as text to edit, and what it is going to be sent with.

    `header` and `claims` are the JSON texts to sign, `proposed` the two that the change is,
    `honest` the two that an honest client would sign at this moment. `signed_by` and `sign_again`
    as in `Edit`; `jti` and `iat` are those of the honest proof, and `access_token` is the one that
    it goes with, empty at the token endpoint.
    """

    change: Change
    to: str
    header: str
    claims: str
    honest: tuple[str, str]
    proposed: tuple[str, str]
    signed_by: str
    sign_again: bool
    jti: str
    iat: int
    access_token: str = field(default="", repr=False)

    @property
    def place(self) -> Place:
        """Where it is going to."""
        return PLACES[self.to]


def drafted(
    change: Change,
    world: ClientSide,
    cast: Cast,
    *,
    to: str,
    signed_by: str = "",
    jti: str = "",
    header: Mapping[str, object] | None = None,
    claims: Mapping[str, object] | None = None,
) -> Draft:
    """What a change makes of an honest proof for a place at this moment.

    `signed_by`, when given, signs instead of whom the change names. `header` and `claims` are
    further members, with `LEFT_OUT` for one that is to go. Asks for an access token when one is
    needed and none is at hand. Raises `LabError` for what the live server does not let us do.
    """
    place, edit = PLACES[to], change.proof
    signer = signed_by or edit.signed_by
    now, jti = world.clock.now(), jti or str(uuid.uuid4())
    access_token = _access_token(change, world, cast, place)
    honest = proof_claims(
        jti=jti,
        htm=place.method,
        htu=htu(url_of(place, world)),
        iat=now,
        access_token=access_token or None,
        nonce=_nonce(change, world, cast, place, now) if place.nonce else None,
    )
    key = cast.key("owner", change.key)
    shown = edit.shows or ("owner" if signer == "nobody" else signer)
    proposed = proof_header(cast.key(shown, change.key))
    proposed["jwk"] = edited(proposed["jwk"], edit.jwk, now=now)
    known: Known = {
        THE_TOKEN_ENDPOINT: lambda: htu(world.token_endpoint),
        THE_API: lambda: htu(world.api),
    }
    members = edited(proposed, edit.header, now=now)
    said = edited(honest, edit.claims, now=now, known=known)
    own = _texts(edit, members, said)
    if header or claims:
        members = edited(members, header or {}, now=now)
        said = edited(said, claims or {}, now=now)
    asked = _texts(edit, members, said)
    return Draft(
        change=change,
        to=to,
        header=asked[0],
        claims=asked[1],
        honest=(text(proof_header(key)), text(honest)),
        proposed=own,
        signed_by=signer,
        sign_again=edit.sign_again,
        jti=jti,
        iat=now,
        access_token=access_token,
    )


def _texts(edit: Edit, header: object, claims: object) -> tuple[str, str]:
    return (
        spelt(edit, "header text", text(header)),
        spelt(edit, "claims text", text(claims)),
    )


def url_of(place: Place, world: ClientSide) -> str:
    """Where a place is in this world. Raises `LabError` when it has no such place."""
    if place.client_id:
        return world.token_endpoint
    return world.plain_api if place.scheme == "Bearer" else world.api


def _nonce(change: Change, world: ClientSide, cast: Cast, place: Place, now: int) -> str | None:
    """A nonce of the server at this place, or of the other one, given out some time ago.

    Of a server that is not ours it is the one it gave last, None before it gave any.
    """
    if world.live:
        return cast.nonce(place)
    twin = world.twin
    at_token_endpoint = bool(place.client_id) is not change.others_nonce
    server = twin.authorization_server if at_token_endpoint else twin.resource_server
    return server.nonces.issue(now - change.nonce_age)


def _access_token(change: Change, world: ClientSide, cast: Cast, place: Place) -> str:
    if not place.scheme:
        return ""
    usual = "unbound" if place.scheme == "Bearer" else "owner"
    token = cast.access_token(change.presents or usual, change.key)
    return token if change.token is None else _tampered(token, change.token, world, cast)


def _tampered(token: str, edit: Edit, world: ClientSide, cast: Cast) -> str:
    """An access token after an edit, signed by whom the edit says."""
    issued = read_jws(token)
    if issued.problem:  # of a kind that only its issuer can read
        if "whole" not in edit.spelling:
            raise LabError("The access token is no JWT", found=issued.problem)
        return str(spelt(edit, "whole", token))
    now, cnf = world.clock.now(), {"jkt": thumbprint(cast.key("thief").public_jwk())}
    members = edited(issued.header, edit.header, now=now)
    said = edited(issued.claims, edit.claims, now=now, known={THIEFS_CNF: lambda: cnf})
    header = spelt(edit, "header text", text(members))
    claims = spelt(edit, "claims text", text(said))
    if edit.signed_by == ISSUER:
        key = world.twin.signing_key.key
    else:
        key = cast.key("thief", "RS256")
    kept = issued.signature if not edit.sign_again else None
    return forged(header, claims, edit, key, signature=b"" if edit.signed_by == "nobody" else kept)


def signed_proof(draft: Draft, cast: Cast) -> str:
    """The proof: the texts of a draft, signed by whom it says or under their honest signature."""
    change, signature = draft.change, None
    key = cast.key("thief" if draft.signed_by == "thief" else "owner", change.key)
    if not draft.sign_again:
        honest = forged(*draft.honest, Edit(), cast.key("owner", change.key))
        signature = read_jws(honest).signature
    elif draft.signed_by == "nobody":
        signature = b""
    return forged(draft.header, draft.claims, change.proof, key, signature=signature)


def steps(
    draft: Draft, world: ClientSide, cast: Cast
) -> tuple[list[requests.PreparedRequest], str]:
    """The requests that carry out a draft, in order, and the proof in the last one."""
    proof, before = signed_proof(draft, cast), []
    if draft.change.first:  # a request that goes before, with the same jti
        other = drafted(CHANGES[draft.change.first], world, cast, to=draft.to, jti=draft.jti)
        before.append(prepared(other, signed_proof(other, cast), world))
    main = prepared(draft, proof, world)
    if draft.change.again:
        before.append(main)
        honest, proof = proof, draft.change.again(proof)
        main = with_other_proof(main, honest, proof)
    return [*before, main], proof


def prepared(draft: Draft, proof: str, world: ClientSide) -> requests.PreparedRequest:
    """The request with this proof, ready for a session to send, its header lines in order."""
    change, place = draft.change, draft.place
    url = url_of(place, world)
    lines = [(name, str(value)) for name, value in world.session.headers.items()]
    body, form = None, Form()
    if place.client_id:
        headers, form = token_request(change, world, place)
        body = urlencode(change.form(form) if change.form else form)
        lines += [("Content-Type", change.content_type), *headers.items()]
    else:
        authorization = change.authorization or (lambda token: (f"{place.scheme} {token}",))
        lines += [("Authorization", line) for line in authorization(draft.access_token)]
    usual = (proof,) if place.scheme != "Bearer" else ()
    proofs = change.proofs(proof) if change.proofs else usual
    lines += [("DPoP", line) for line in proofs]
    lines += [(name, header_value(value, form)) for name, value in change.fields]
    request = requests.Request(
        change.method or place.method, change.url(url) if change.url else url, data=body
    ).prepare()
    length = [("Content-Length", str(len(body)))] if body else []
    request.headers = HTTPHeaderDict([*lines, *length])  # type: ignore[assignment]
    return request


def with_other_proof(
    request: requests.PreparedRequest, old: str, new: str
) -> requests.PreparedRequest:
    """The same request, to the letter, but for the proof in it."""
    other = request.copy()
    lines = [(name, value.replace(old, new)) for name, value in request.headers.items()]
    other.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return other
