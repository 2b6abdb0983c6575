"""What a change is: one tampering with a proof, an access token or the request, as data."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from typing import Any

from dpop_lab.errors import LabError, expect
from dpop_lab.show.values import Words, shown

MOST, LONGEST = 40, 60  # names that are all said, characters of a name that are compared and shown
OWNER = "the owner"
THIEF = "a thief with the token"
CATCHER = "a thief with the token and a captured proof"
MIDDLE = "a man in the middle"
NOBODY = "nobody"
ACTORS = {
    OWNER: "a client with its own key, by mistake or on purpose",
    THIEF: "who has a stolen access token and a key of their own",
    CATCHER: "who has the token and an honest request that went over the wire, with its public key",
    MIDDLE: "who can change a request or an answer on its way, and signs nothing",
    NOBODY: "who would need the authorization server's own key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target of requests: a token endpoint, which has a client, or an API, which has a scheme."""

    #: The names of the profiles it is held to, in order.
    profiles: tuple[str, ...]
    #: Who asks there.
    client_id: str = ""
    #: Of the Authorization header.
    scheme: str = ""
    nonce: bool = False

    @property
    def method(self) -> str:
        """The usual method of a request there."""
        return "POST" if self.client_id else "GET"


TOKEN_ENDPOINT = "token endpoint"  # noqa: S105  a place
TOKEN_ENDPOINT_NONCE = "token endpoint with nonce"  # noqa: S105  another
API = "API"
API_NONCE = "API with nonce"
BEARER_API = "Bearer API"
PLACES = {
    API: Place(profiles=("bound", "api"), scheme="DPoP"),
    TOKEN_ENDPOINT: Place(profiles=("token",), client_id="m2m.dpop"),
    API_NONCE: Place(profiles=("bound", "api_nonce"), scheme="DPoP", nonce=True),
    TOKEN_ENDPOINT_NONCE: Place(profiles=("token_nonce",), client_id="m2m.dpop.nonce", nonce=True),
    BEARER_API: Place(profiles=("bearer",), scheme="Bearer"),
}
WITH_PROOF = (API, TOKEN_ENDPOINT, API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_TOKEN = (API, API_NONCE)
WITH_NONCE = (API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_FORM = (TOKEN_ENDPOINT, TOKEN_ENDPOINT_NONCE)
SIGNERS = ("owner", "thief", "nobody")
ISSUER = "issuer"  # a fourth signer, of access tokens alone
TOKENS = {  # the access tokens at hand
    "owner": "bound to the owner's key",
    "another": "bound to the owner's key too, issued later",
    "thief": "issued to the thief, bound to the thief's key",
    "unbound": "bound to no key",
    "scope3": "bound to the owner's key, for no API in particular",
    "resource1": "bound to the owner's key, for another API",
}
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


def one_of(kind: str, name: str, known: Mapping[str, Any], *, listed: str = "") -> Any:
    """What has this name. Raises `LabError` with all names, or with those alike and where all are.

    `kind` says what is named, `listed` where to read the names when they are too many to be said.
    """
    expect(name, str, f"the name of a {kind}")
    if name in known:
        return known[name]
    advice, wanted = "", f"one of {', '.join(known)}"
    if len(known) > MOST:
        alike = get_close_matches(name[:LONGEST].lower(), known) or list(known)[:1]
        advice, wanted = listed, f"a {kind} such as {' or '.join(alike)}"
    raise LabError(f"No such {kind}", wanted=wanted, found=shown(name, LONGEST), advice=advice)
