"""What a change is: one tampering with a proof, an access token or the request, as data."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

OWNER: Final = "the owner"
THIEF: Final = "a thief with the token"
CATCHER: Final = "a thief with the token and a captured proof"
MIDDLE: Final = "a man in the middle"
NOBODY: Final = "nobody"
ACTORS: Final = {
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


TOKEN_ENDPOINT: Final = "token endpoint"  # noqa: S105  a place
TOKEN_ENDPOINT_NONCE: Final = "token endpoint with nonce"  # noqa: S105  another
API: Final = "API"
API_NONCE: Final = "API with nonce"
BEARER_API: Final = "Bearer API"
PLACES: Final = {
    API: Place(profiles=("bound", "api"), scheme="DPoP"),
    TOKEN_ENDPOINT: Place(profiles=("token",), client_id="m2m.dpop"),
    API_NONCE: Place(profiles=("bound", "api_nonce"), scheme="DPoP", nonce=True),
    TOKEN_ENDPOINT_NONCE: Place(profiles=("token_nonce",), client_id="m2m.dpop.nonce", nonce=True),
    BEARER_API: Place(profiles=("bearer",), scheme="Bearer"),
}
WITH_PROOF: Final = (API, TOKEN_ENDPOINT, API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_TOKEN: Final = (API, API_NONCE)
WITH_NONCE: Final = (API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_FORM: Final = (TOKEN_ENDPOINT, TOKEN_ENDPOINT_NONCE)


class _Stand:
    """What stands for a value that is not known before a change is carried out."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


LEFT_OUT: Final = _Stand("left out")  # no such member; `None` is JSON null
THIEFS_CNF: Final = _Stand("the thief's cnf")
THE_API: Final = _Stand("the URL of the API")
THE_TOKEN_ENDPOINT: Final = _Stand("the URL of the token endpoint")
BASIC: Final = _Stand("Basic with the client's id and secret")


@dataclass(frozen=True, slots=True)
class FromNow:
    """A time so many seconds from the moment the change is carried out, back when negative."""

    seconds: int


Known = Mapping[object, Callable[[], object]]  # the values for what stands for one
Members = Mapping[str, object]  # a value, what stands for one, or a function of the honest value
KEYS: Final = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "RSA of 1024 bits")
SIGNERS: Final = ("owner", "thief", "nobody")
ISSUER: Final = "issuer"  # a fourth signer, of access tokens alone
SPELLINGS: Final = ("header text", "claims text", "header", "claims", "signature", "whole")
TOKENS: Final = {  # the access tokens at hand
    "owner": "bound to the owner's key",
    "another": "bound to the owner's key too, issued later",
    "thief": "issued to the thief, bound to the thief's key",
    "unbound": "bound to no key",
    "scope3": "bound to the owner's key, for no API in particular",
    "resource1": "bound to the owner's key, for another API",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Edit:
    """What is done to one JWS, a proof or an access token; nothing is, unless said.

    Editing and signing are two things. Whoever signs does it as `alg` says, where their key can.
    """

    #: Members: a value, `LEFT_OUT`, `FromNow`, or a function from the honest value to another one.
    header: Members = field(default_factory=dict)
    #: Members of the jwk in the header.
    jwk: Members = field(default_factory=dict)
    claims: Members = field(default_factory=dict)
    #: How it is written, by the names in `SPELLINGS`, each a function: the JSON texts, the segments
    #: that stand for them, the octets of the signature, the whole.
    spelling: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    #: The owner, the thief, nobody (an empty signature) or, for access tokens, the issuer.
    signed_by: str = "owner"
    #: Whose public key is in the header, the signer's unless said.
    shows: str = ""
    #: If not, the honest signature stays.
    sign_again: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Change(Edit):
    """One tampering: an edit of the proof, and what is done to the rest of a request.

    How it ends is not here: the rows say.
    """

    name: str
    does: str
    #: The RFC and the section that it goes against.
    section: str
    _: KW_ONLY
    #: Who could do it, one of `ACTORS`.
    by: str = OWNER
    #: The targets it makes sense at, the first one the usual.
    places: tuple[str, ...] = WITH_PROOF
    #: Why it is worth having, though another one gets the same answers.
    worth: str = ""
    #: The kind of key that the owner has.
    key: str = "ES256"
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
    form: Callable[[list[tuple[str, str]]], list[tuple[str, str]]] | None = None
    #: Further header lines, where `BASIC` stands for the client's credentials.
    fields: tuple[tuple[str, object], ...] = ()
    content_type: str = "application/x-www-form-urlencoded"
    client_id: str = ""
    #: The seconds since the nonce in the proof was given out, and whether by the other server.
    nonce_age: int = 0
    others_nonce: bool = False
    #: A change that is carried out before, with the same jti and iat.
    first: str = ""
    #: Sends the same once more, its proof respelt by this function.
    again: Callable[[str], str] | None = None

    def __repr__(self) -> str:
        """Its name, what it does, who could do it, where it is written."""
        return f"{self.name}: {self.does}\n  by {self.by} ({self.section})"


def edited(
    members: Mapping[str, Any],
    changes: Members,
    *,
    now: int,
    known: Known | None = None,
) -> dict[str, Any]:
    """Members after an edit: in their order, new ones at the end, those left out gone.

    `known` gives the values for what stands for one.
    """
    result = dict(members)
    for name, change in changes.items():
        value = change(result.get(name, LEFT_OUT)) if callable(change) else change
        if value is LEFT_OUT:
            result.pop(name, None)
        elif isinstance(value, FromNow):
            result[name] = now + value.seconds
        else:
            result[name] = (known or {})[value]() if isinstance(value, _Stand) else value
    return result
