"""From a change to the request that carries it out: a draft to look at and edit, then the bytes."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import requests
from urllib3 import HTTPHeaderDict

from dpop_lab.client.settings import basic
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import COMPACT, base64url_encode, compact_json, read_json
from dpop_lab.jose.jws import HASHES, decoded_parts, read_jws
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import Change, Edit, Form, edited
from dpop_lab.lab.catalogue.places import PLACES, Place
from dpop_lab.lab.sent import difference, flat
from dpop_lab.lab.world import World
from dpop_lab.proof import read_proof
from dpop_lab.session.decoded import drawn
from dpop_lab.show import Block, Note, Shown, Table
from dpop_lab.show.values import cut
from dpop_lab.wire.message import Redacted, lines

#: What a proof that was typed whole has of another moment.
NEW_IN_ANY = ("claims.jti", "claims.iat", "claims.ath", "claims.nonce")
MEDIA_TYPE = "application/x-www-form-urlencoded"


def _text(value: object) -> str:
    """A JSON value as the text that is signed. Raises `LabError` for what JSON can't write."""
    try:
        return COMPACT.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        wanted = "text, numbers, true, false, None, lists and dicts of these"
        raise LabError("No JSON can be made of it", wanted=wanted, found=str(error)) from None


def written(
    edit: Edit, header: Mapping[str, Any], claims: Mapping[str, Any], *, now: int
) -> tuple[str, str]:
    """Header and claims after an edit, as the texts that are signed, in its spelling.

    Raises `LabError` for what JSON can't write.
    """
    if edit.jwk:
        header = {**header, "jwk": edited(header["jwk"], edit.jwk, now=now)}
    header_text = _text(edited(header, edit.header, now=now))
    claims_text = _text(edited(claims, edit.claims, now=now))
    return edit.spelt("header_text", header_text), edit.spelt("claims_text", claims_text)


def forged(header: str, claims: str, edit: Edit, key: PrivateKey, *, kept: bytes = b"") -> str:
    """Two texts as a compact JWS in the spelling of an edit, signed as it says with this key.

    `kept` is the honest signature, for an edit after which nobody signs again.
    """
    parts = [
        edit.spelt(name, base64url_encode(text.encode("utf-8", "surrogatepass")))
        for name, text in (("header", header), ("claims", claims))
    ]
    signing_input = ".".join(parts)
    if not edit.sign_again:
        signature = kept
    elif edit.signed_by == "nobody":
        signature = b""
    else:
        signature = _signature(signing_input.encode("utf-8", "replace"), header, key)
    last = base64url_encode(edit.spelt("signature", signature))
    return str(edit.spelt("whole", f"{signing_input}.{last}"))


def members_of(text: str) -> dict[str, Any]:
    """The members of a JSON text, none where it is no object."""
    members = read_json(text)
    return members if isinstance(members, dict) else {}


def _signature(octets: bytes, header: str, key: PrivateKey) -> bytes:
    """A signature in the way the header names, where the key can, else in the key's own way.

    For `none` it is empty; HMAC takes what everybody knows for its secret: the public key.
    """
    alg = members_of(header).get("alg")
    if not isinstance(alg, str):
        return key.sign(octets)
    if alg.lower() == "none":
        return b""
    if alg in HASHES:
        return hmac.digest(compact_json(key.public_jwk()), octets, HASHES[alg])
    try:
        return key.sign_as(octets, alg)
    except ValueError:
        return key.sign(octets)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft(Shown):
    """A proof before it is signed, as text to edit, and what it is going to be sent with."""

    change: Change
    #: The name of the place it is going to.
    to: str
    #: The JSON texts to sign.
    header: str
    claims: str
    #: The two texts that an honest client would sign at this moment.
    honest: tuple[str, str]
    #: The two texts that the change makes of them.
    proposed: tuple[str, str]
    #: The one that the proof goes with, empty at the token endpoint.
    access_token: str = field(default="", repr=False)
    #: The proof as a person typed it, which is sent as it stands; None for one made of the texts.
    typed: str | None = None
    #: Of a riddle alone, what would go over the wire, redacted.
    wire: tuple[Redacted, ...] = ()

    @property
    def place(self) -> Place:
        """Where it is going to."""
        return PLACES[self.to]

    @property
    def edited_members(self) -> tuple[str, ...]:
        """The members that were edited beyond the change, by what they mean, not how it is spelt.

        Those that neither the change nor an honest proof has are all called `another`.
        """
        of_texts = self.typed is None
        texts = (self.header, self.claims) if of_texts else decoded_parts(self.typed or "")
        proposed, now = (flat(*map(members_of, pair)) for pair in (self.proposed, texts))
        fresh = () if of_texts else NEW_IN_ANY
        names = {name for name, *_ in difference(proposed, now) if name not in fresh}
        return tuple(sorted({name if name in proposed else "another" for name in names}))

    @property
    def honestly(self) -> bool:
        """Is nothing changed and nothing edited?"""
        return self.change == CHANGES["honest"] and not self.edited_members

    @property
    def title(self) -> str:
        """The change in plain words, and what was chosen beyond it: edits, who signs."""
        change, known = self.change, CHANGES.get(self.change.name, self.change)
        told = {
            change.title: True,
            "edited": self.typed is not None or (self.header, self.claims) != self.proposed,
            f"signed by {change.signed_by}": change.signed_by != known.signed_by,
            f"{'' if change.sign_again else 'not '}signed again": (
                change.sign_again != known.sign_again
            ),
        }
        return ", ".join(text for text, so in told.items() if so)

    def blocks(self) -> Iterator[Block]:
        """The change, and the proof before it is signed; of a riddle what goes over the wire."""
        if self.wire:
            yield Note(f"Which row says no at the {self.to}, if any? Predict one, and send it.")
        else:
            yield Note(f"To the {self.to}: {self.title}")
            yield Table("The proof", (("header", self.header), ("claims", self.claims)))
        yield from (Table("", (("request", one.sent().rstrip()),)) for one in self.wire)
        now = self.wire[0].sent_at if self.wire else None
        labels = chain.from_iterable(lines(one.request_headers, "DPoP") for one in self.wire)
        proofs = chain.from_iterable(one.proofs for one in self.wire)
        for label, proof in dict(zip(labels, proofs, strict=True)).items():
            yield drawn(cut(label, 40), read_proof(proof), now=now, encoded=proof)
        if self.access_token:
            yield drawn("The access token", read_jws(self.access_token), now=now)


def url_of(place: Place, lab: World) -> str:
    """Where a place is in this lab. Raises `LabError` when it has no such place."""
    if place.client_id:
        return lab.token_endpoint
    return lab.plain_api if place.scheme == "Bearer" else lab.api


def prepared(draft: Draft, proof: str, lab: World) -> requests.PreparedRequest:
    """The request with this proof, ready for a session to send, its header lines in order."""
    change, place = draft.change, draft.place
    url = url_of(place, lab)
    lines = [(name, str(value)) for name, value in lab.session.headers.items()]
    body, form = None, Form()
    if place.client_id:
        headers, form = token_request(change, lab, place)
        body = urlencode(change.form(form) if change.form else form)
        lines += [("Content-Type", change.content_type or MEDIA_TYPE), *headers.items()]
    else:
        authorization = change.authorization or (lambda token: (f"{place.scheme} {token}",))
        lines += [("Authorization", line) for line in authorization(draft.access_token)]
    usual = (proof,) if place.scheme != "Bearer" else ()
    proofs = change.proofs(proof) if change.proofs else usual
    lines += [("DPoP", line) for line in proofs]
    if change.basic:
        lines.append(("Authorization", _basic(form)))
    if body:
        lines.append(("Content-Length", str(len(body))))
    url = change.url(url) if change.url else url
    return with_lines(change.method or place.method, url, lines, body)


def with_lines(
    method: str, url: str, lines: list[tuple[str, str]], body: str | None = None
) -> requests.PreparedRequest:
    """A request with these header lines as they are, in their order, several of one name apart."""
    request = requests.Request(method, url, data=body).prepare()
    request.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return request


def with_other_proof(
    request: requests.PreparedRequest, old: str, new: str
) -> requests.PreparedRequest:
    """A copy of a request, to the letter, but for the proof in it."""
    other = request.copy()
    lines = [(name, value.replace(old, new)) for name, value in request.headers.items()]
    other.headers = HTTPHeaderDict(lines)  # type: ignore[assignment]
    return other


def token_request(change: Change, lab: World, place: Place) -> tuple[dict[str, str], Form]:
    """The credentials in the headers, and the pairs of the form, of an honest token request."""
    client_id = change.client_id or place.client_id
    headers, said = lab.credentials(client_id if lab.is_demo else None)
    scope = {"scope": lab.client.scope} if lab.client.scope else {}
    return headers, [("grant_type", "client_credentials"), *said.items(), *scope.items()]


def _basic(form: Form) -> str:
    """The credentials of a form as HTTP Basic. Raises `LabError` when there is no secret in it."""
    said = dict(form)
    if "client_secret" not in said:
        raise LabError("This client does not send its secret")
    return basic(said["client_id"], said["client_secret"])
