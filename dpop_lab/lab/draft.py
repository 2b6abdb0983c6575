"""What a change makes of an honest proof, as text: to look at, to edit, and then to be sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

from dpop_lab.checking import Profile
from dpop_lab.jose.encoding import read_json
from dpop_lab.jose.jws import decoded_parts, read_jws
from dpop_lab.lab.catalogue import ACTORS, CHANGES
from dpop_lab.lab.catalogue.change import Change
from dpop_lab.lab.catalogue.places import PLACES, Place
from dpop_lab.lab.sent import difference, flat
from dpop_lab.proof import read_proof
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.session.decoded import drawn
from dpop_lab.show import Block, Note, Shown, Table
from dpop_lab.show.values import cut
from dpop_lab.wire.message import Redacted, lines

#: What a proof that was typed whole has of another moment.
NEW_IN_ANY = ("claims.jti", "claims.iat", "claims.ath", "claims.nonce")


def members_of(text: str) -> dict[str, Any]:
    """The members of a JSON text, none where it is no object."""
    members = read_json(text)
    return members if isinstance(members, dict) else {}


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
    #: Is it a whole sign-in, with no proof that could be edited?
    whole: ClassVar = False
    #: What may be predicted beside the rows.
    outcomes: ClassVar[tuple[str, ...]] = (ACCEPTED, NO_ROW)

    #: And what has no button.
    words: ClassVar[tuple[str, ...]] = ()

    @property
    def place(self) -> Place:
        """Where it is going to."""
        return PLACES[self.to]

    @property
    def about(self) -> str:
        """Its name, who can do it, what they have, where it is written, why it is worth having."""
        one = self.change
        return f"{one.name}: by {one.by}, {ACTORS[one.by]} ({one.section}). {one.worth}".rstrip()

    @property
    def question(self) -> tuple[str, ...]:
        """What a prediction is about, beside the rules: change, place, signing, edits."""
        return self.change.name, self.to, "{} {}".format(*self.signing), *self.edited_members

    @property
    def signing(self) -> tuple[str, bool]:
        """Who signs, and does anybody sign again after the edits?"""
        return self.change.signed_by, self.change.sign_again

    def under(self, policy: Policy) -> Policy:
        """A policy with the places that it is about: here as it is."""
        return policy

    def profiles(self, policy: Policy) -> list[Profile]:
        """What it is held to under a policy, in order."""
        return [policy.profiles[name] for name in self.place.profiles]

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
        yield from self.drawn_proofs(self.wire)
        if self.access_token:
            now = self.wire[0].sent_at if self.wire else None
            yield drawn("The access token", read_jws(self.access_token), now=now)

    def drawn_proofs(self, wire: tuple[Redacted, ...]) -> Iterator[Block]:
        """The proofs in requests, decoded, each once."""
        labels = chain.from_iterable(lines(one.request_headers, "DPoP") for one in wire)
        proofs = chain.from_iterable(one.proofs for one in wire)
        for label, proof in dict(zip(labels, proofs, strict=True)).items():
            yield drawn(cut(label, 40), read_proof(proof), now=wire[0].sent_at, encoded=proof)
