"""What a policy is: every choice a server makes, as data and small pure functions."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self
from urllib.parse import parse_qsl, unquote_plus

from dpop_lab.checking import Answer, Profile
from dpop_lab.errors import LabError
from dpop_lab.proof.rules import ProofProfile
from dpop_lab.server.access_token import TokenProfile
from dpop_lab.wire.message import Headers, Request, Response

Form = Mapping[str, tuple[str, ...]]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """Control flow inside a server: this request ends here, with this answer."""

    def __init__(self, answer: Answer, *headers: tuple[str, str]) -> None:
        super().__init__(answer.error)
        self.answer, self.headers = answer, headers


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a client says who it is at the token endpoint (RFC 6749 section 2.3, RFC 7523)."""

    client_id: str
    method: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def basic_pair(credentials: str) -> tuple[str, str] | None:
    """Client id and secret out of a Basic Authorization value; None when there are none in it.

    Both were form-encoded before they were joined (RFC 6749 section 2.3.1). What is no UTF-8 in
    them is replaced, as percent-encoding that is none: they are there, and no client's.
    """
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def read_form(request: Request) -> list[tuple[str, str]]:
    """The parameters in a form body, in order, blank ones too.

    Raises `Refused` with `invalid_request` for a body of another type, or of too many parameters.
    """
    media_type = "".join(request.lines("Content-Type")[:1]).partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise Refused(Answer(400, "invalid_request"))
    try:
        text = request.body.decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1024)
    except ValueError:
        raise Refused(Answer(400, "invalid_request")) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionRules:
    """What a client assertion is held to besides its key (RFC 7523); `leeway` is for `nbf`."""

    algorithms: tuple[str, ...]
    expired: Callable[[float, int], bool]
    leeway: int
    number: Callable[[object], float | None]
    audience_fits: Callable[[Mapping[str, Any], object, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Policy:
    """One server's ways. `token` and `api` are the proof profiles where `iat` tells the age,
    `token_nonce` and `api_nonce` those where a nonce is demanded too; `bound` and `bearer` the
    access-token profiles of the two APIs. The functions read a request or word an answer.
    `api_methods` are those the APIs serve (None: whatever comes); `misspelt_scope` answers a scope
    with characters that RFC 6749 section 3.3 does not have; `trims_scope`: not at its ends.
    """

    name: str
    token: ProofProfile
    token_nonce: ProofProfile
    api: ProofProfile
    api_nonce: ProofProfile
    bound: TokenProfile
    bearer: TokenProfile
    assertions: AssertionRules
    token_parameters: Callable[[Request], Form]
    credentials: Callable[[Request, Form], Credentials]
    client_refused: Callable[[Credentials], Refused]
    token_claims: Callable[..., dict[str, Any]]
    proofs: Callable[[Request], tuple[str, ...]]
    authorization: Callable[[Request, str], str]
    challenge: Callable[[str, Answer], str]
    metadata: Callable[[str], dict[str, Any]]
    method_not_allowed: Callable[[str], Response]
    json: Callable[[Any], bytes]
    token_headers: Headers
    metadata_type: str
    api_type: str
    site_headers: Headers
    cors_exposed: str
    api_methods: tuple[str, ...] | None
    no_proof: Answer
    no_grant_type: Answer
    misspelt_scope: Answer
    trims_scope: bool

    def __repr__(self) -> str:
        return f"<Policy {self.title}>"

    @property
    def title(self) -> str:
        """Its name, and the rows that were struck out: `DUENDE without htm`."""
        return self.name + "".join(f" without {row}" for row in sorted(self.struck_out))

    @property
    def struck_out(self) -> frozenset[str]:
        """The rows that were struck out, at whatever place."""
        return frozenset(row for one in self.profiles.values() for row in one.struck_out)

    @property
    def profiles(self) -> dict[str, Profile]:
        """The profiles by the name of their place."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in values if isinstance(value, Profile)}

    def without(self, name: str) -> Self:
        """The same policy with one row struck out wherever it stands.

        Every report made under it says so. Raises `LabError` for a row that no profile has, or
        without which nothing can be checked.
        """
        having = {
            place: profile.without(name)
            for place, profile in self.profiles.items()
            if name in [row.name for row in profile.rows]
        }
        if not having:
            rows = {row.name for profile in self.profiles.values() for row in profile.rows}
            wanted = "one of " + ", ".join(sorted(rows))
            raise LabError(f"{self.name} has no such row", wanted=wanted, found=repr(name))
        changed: dict[str, Any] = dict(having)
        return replace(self, **changed)
