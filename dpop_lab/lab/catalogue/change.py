"""What a change is, one tampering with a proof, a token or the request, and a catalogue of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Generic, Self, TypeVar

from dpop_lab.errors import expect
from dpop_lab.lab.catalogue.places import (
    ACTORS,
    API,
    BEARER_API,
    CATCHER,
    MIDDLE,
    OWNER,
    THIEF,
    TOKEN_ENDPOINT,
    WITH_FORM,
    WITH_NONCE,
    WITH_PROOF,
    WITH_TOKEN,
)
from dpop_lab.show import Block, Note, Shown, Table
from dpop_lab.show.values import Words

GROUPS = {  # what is changed, in order
    "nothing": "Nothing",
    "spelling": "How the proof is spelt",
    "header": "The header of the proof",
    "claims": "The claims of the proof",
    "key": "The key, and the signature",
    "moved": "Where the proof goes, and how often",
    "token request": "The token request",
    "access token": "The access token, and how it is sent",
}
FEW = 20  # changes that are shown at once
HEAD = ("What is changed", "Change", "Where it is written")
LEFT_OUT = Words("left out")  # stands for no such member; `None` is JSON null
#: By names, what is put there: a value, `LEFT_OUT`, a `timedelta` (the time so long from the moment
#: the change is carried out) or a function from the honest value to any of these.
Members = Mapping[str, object]
Form = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Edit:
    """What is done to one JWS, a proof or an access token; nothing is, unless said.

    Editing and signing are two things. Whoever signs does it as `alg` says, where their key can.
    """

    header: Members = field(default_factory=dict)
    #: Members of the jwk in the header.
    jwk: Members = field(default_factory=dict)
    claims: Members = field(default_factory=dict)
    #: How it is written, each a function: of the JSON texts `header_text` and `claims_text`, of the
    #: segments that stand for them, `header` and `claims`, of the octets of the `signature`, and of
    #: the `whole`.
    spelling: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    #: The owner, the thief, nobody (an empty signature) or, for access tokens, the issuer.
    signed_by: str = "owner"
    #: Whose public key it names: in the header of a proof, the signer's unless said; in the cnf of
    #: an access token, the one it has unless said.
    shows: str = ""
    #: If not, the honest signature stays.
    sign_again: bool = True

    def spelt(self, name: str, value: Any) -> Any:
        """A part in the spelling that there is for it."""
        return self.spelling[name](value) if name in self.spelling else value


@dataclass(frozen=True, slots=True, repr=False)
class Change(Edit):
    """One tampering: an edit of the proof, and what is done to the rest of a request.

    How it ends is not here: the rows say.
    """

    name: str
    #: What is other than in an honest request, in a few words.
    title: str
    #: The RFC and the section that it goes against.
    section: str
    #: Why it is worth having, though another one gets the same answers.
    worth: str = ""
    _: KW_ONLY
    #: What is changed, one of `GROUPS`; the catalogue says it.
    group: str = ""
    #: Does one of the two servers take it at some place, and the other refuse it there?
    differs: bool = False
    #: Who could do it, one of `ACTORS`.
    by: str = OWNER
    #: The targets it makes sense at, the first one the usual, where what it changes does not say.
    at: tuple[str, ...] = ()
    #: The kind of key that the owner has.
    key: str = "ES256"
    #: The place that the proof is made for, where it is not the one that it is sent to.
    made_for: str = ""
    #: Which of `TOKENS` is sent, and what is done to it; None: it stays as issued.
    presents: str = ""
    token: Edit | None = None
    #: Of the request; each function is one of the honest value.
    method: str = ""
    url: Callable[[str], str] | None = None
    #: The DPoP and the Authorization lines, of the proof and of the access token.
    proofs: Callable[[str], tuple[str, ...]] | None = None
    authorization: Callable[[str], tuple[str, ...]] | None = None
    #: The form of a token request, in pairs.
    form: Callable[[Form], Form] | None = None
    content_type: str = ""
    #: Does the client give name and secret with HTTP Basic, too?
    basic: bool = False
    client_id: str = ""
    #: The seconds since the nonce in the proof was given out, and whether by the other server.
    nonce_age: int = 0
    others_nonce: bool = False
    #: A change that is carried out before, with the same jti and iat.
    first: str = ""
    #: Sends the same once more, its proof respelt by this function.
    again: Callable[[str], str] | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """The targets it makes sense at, the usual one first: those that have what it changes."""
        if self.at:
            return self.at
        if self.client_id:
            return (TOKEN_ENDPOINT,)
        if self.form or self.content_type:
            return WITH_FORM
        if self.token and "cnf" not in self.token.claims:
            return API, BEARER_API
        if self.token or self.presents or self.authorization or "ath" in self.claims:
            return WITH_TOKEN
        nonce = self.nonce_age or self.others_nonce or "nonce" in self.claims
        return WITH_NONCE if nonce else WITH_PROOF

    def __repr__(self) -> str:
        """Its name and title, who could do it, where it is written."""
        return f"{self.name}: {self.title}\n  by {self.by} ({self.section})"


E = TypeVar("E", bound=Any)  # has name, title, section, worth, differs, by, group and places


class Listing(Shown, Mapping[str, E], Generic[E]):
    """What could be carried out, by names, in order; shown as a table for each group."""

    counted: ClassVar = "changes"
    others: ClassVar = "attacks on sign-ins are in SIGN_IN_CHANGES"  #: said where there is nothing
    head: ClassVar = HEAD
    groups: ClassVar[Mapping[str, str]] = GROUPS
    actors: ClassVar[Mapping[str, str]] = ACTORS

    def __init__(self, entries: Iterable[E]) -> None:
        self._entries = {one.name: one for one in entries}

    def __getitem__(self, name: str) -> E:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def by(self, actor: str) -> Self:
        """Those that this one of the actors could carry out, which is whom `by` names."""
        return type(self)(one for one in self.values() if one.by == actor)

    def at(self, place: str) -> Self:
        """Those that make sense at one of the places."""
        return type(self)(one for one in self.values() if place in one.places)

    def of(self, group: str) -> Self:
        """Those of one of the groups."""
        return type(self)(one for one in self.values() if one.group == group)

    @property
    def differing(self) -> Self:
        """Those that one of the two servers takes at some place, and the other refuses there."""
        return type(self)(one for one in self.values() if one.differs)

    def search(self, text: str) -> Self:
        """Those with all words of a text in name, title, section or worth; in any letter case."""
        expect(text, str, "search", 'Such as "slash htu".')
        words = text.casefold().split()
        return type(self)(one for one in self.values() if all(word in _told(one) for word in words))

    def blocks(self) -> Iterator[Block]:
        """How many there are and who could do them, then a table for each group."""
        count = Counter(one.by for one in self.values())
        lines = [
            f"{count[one]} by {one}: {who}" for one, who in self.actors.items() if one in count
        ]
        others = f"; {self.others}" * (not lines)
        yield Note("\n".join([f"{len(self)} {self.counted}{others}", *lines]))
        many = len(self) > FEW
        for group, title in self.groups.items():
            rows = tuple((one.title, one.name, one.section) for one in self.of(group).values())
            if rows:
                yield Table(
                    f"{title}: {len(rows)}", rows, self.head, code=self.head[1:2], folded=many
                )


class Catalogue(Listing[Change]):
    """Changes by their names, in order; shown by a notebook as a table for each of `GROUPS`."""


def _told(one: Any) -> str:
    return f"{one.name} {one.title} {one.section} {one.worth}".casefold()


by_thief = partial(Change, by=THIEF)
by_catcher = partial(Change, by=CATCHER)
by_middle = partial(Change, by=MIDDLE)


def two_answers(change: Change) -> Change:
    """A change that one of the two servers takes at some place, and the other refuses there."""
    return replace(change, differs=True)


def _of(part: str) -> Callable[..., Change]:
    """What makes a change that edits members of this part of the proof, and nothing else."""

    def made(name: str, title: str, section: str, worth: str = "", /, **members: object) -> Change:
        edit: dict[str, Any] = {part: members}
        return Change(name, title, section, worth, **edit)

    return made


of_header, of_jwk, of_claims = _of("header"), _of("jwk"), _of("claims")
of_spelling = _of("spelling")


def edited(members: Mapping[str, Any], changes: Members, *, now: int) -> dict[str, Any]:
    """Members after an edit: in their order, new ones at the end, those left out gone."""
    result = dict(members)
    for name, change in changes.items():
        value = change(result.get(name, LEFT_OUT)) if callable(change) else change
        if isinstance(value, timedelta):
            value = now + int(value.total_seconds())
        result[name] = value
    return {name: value for name, value in result.items() if value is not LEFT_OUT}
