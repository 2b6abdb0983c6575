"""What a policy is: a server's choices, those of data as fields and all others as methods."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from dpop_lab.checking import Answer, Finding, Profile
from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.jose.encoding import Members, compact_json, several
from dpop_lab.jose.jws import Jws
from dpop_lab.proof.rules import ProofProfile
from dpop_lab.server import duende_site as demo
from dpop_lab.server.common import (
    Credentials,
    Form,
    Refused,
    UsedProofs,
    asserted,
    bad_request,
    basic_pair,
    collected,
    parameters,
    read_form,
    value,
)
from dpop_lab.server.duende_site import Client
from dpop_lab.wire.message import Headers, Request, Response

PLACES = ("token", "token_nonce", "api", "api_nonce", "bound", "bearer")  # in each policy
NO_PROOF = Answer(400, "invalid_request", "This client must send a DPoP proof.")
NO_GRANT_TYPE = Answer(400, "invalid_request", "There is no grant_type.")
SCOPE_TEXT = re.compile(r"[ -!#-\[\]-~]*")  # RFC 6749 section 3.3, and the spaces between


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Policy:
    """One server's ways: here those of a strict reader of the RFCs, which others override."""

    name: str
    #: by place: `token`, `api`, `…_nonce` where one is demanded; `bound`, `bearer` of access tokens
    profiles: Mapping[str, Profile]
    #: steps by place, where they come before all others; the first fault decides
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=lambda: demo.CLIENTS)
    apis: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: demo.APIS)  #: by audience
    isolated: frozenset[str] = demo.ISOLATED  #: audiences that a token has only when asked for
    scopes: tuple[str, ...] = demo.SCOPES
    grants: tuple[str, ...] = demo.GRANTS  #: that are known, whether or not they lead to a token
    token_headers: Headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    metadata_type: str = "application/json"
    api_type: str = "application/json"
    site_headers: Headers = (("Server", "dpop_lab"),)  #: of every answer
    tells_algorithms: bool = True  #: in a challenge under DPoP
    cors_exposed: str = "DPoP-Nonce, WWW-Authenticate"  #: to scripts of other origins
    api_methods: tuple[str, ...] | None = (  #: that the APIs serve; None: whatever comes
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
    )  # fmt: skip
    nonce_renewed_at: float = 150  #: age in seconds from which a success brings a new one
    shared_memory: bool = False  #: whether a proof used at one server is known to the other
    no_proof: Answer = NO_PROOF
    no_grant_type: Answer = NO_GRANT_TYPE

    def __post_init__(self) -> None:
        """Raise `LabError` where a place has no profile."""
        expect(self.profiles, Mapping, "profiles", "RFC_9449.profiles has them all.")
        for place in PLACES:
            expect(self.profiles.get(place), Profile, f"the profile of {place!r}")

    def __getattr__(self, place: str) -> Any:
        """The profile of a place: `policy.token`, `policy.api_nonce`. Raises AttributeError."""
        if place == "profiles" or place not in self.profiles:  # a copy has no profiles at first
            raise AttributeError(f"a policy has no {place!r}", name=place, obj=self)
        return self.profiles[place]

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self.profiles]  # for completion in a notebook

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
    def row_names(self) -> frozenset[str]:
        """The rows that it asks at whatever place, by their names."""
        return frozenset(row.name for profile in self.profiles.values() for row in profile.rows)

    def without(self, name: str) -> Self:
        """This policy with one row struck out wherever it stands; every report then says so.

        Raises `LabError` for a row that no profile has, or without which nothing can be checked.
        """
        one_of(f"row in {self.name}", name, dict.fromkeys(sorted(self.row_names)))
        profiles = {
            place: one.without(name) if name in [row.name for row in one.rows] else one
            for place, one in self.profiles.items()
        }
        return replace(self, profiles=profiles)

    def steps(self, place: str, usual: tuple[str, ...]) -> list[str]:
        """The usual steps of a request, in this policy's order; `LabError` for others in that."""
        order = list(dict.fromkeys((*self.order.get(place, ()), *usual)))
        if len(order) > len(usual):
            problem, wanted = f"No such step at the place {place!r}", ", ".join(usual)
            raise LabError(problem, wanted=wanted, found=", ".join(order))
        return order

    # proofs

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What it tells clients that a proof may be signed with."""
        return tuple(self.api.reading.algorithms)

    def proofs(self, request: Request, place: str) -> tuple[str, ...]:
        """The DPoP header lines that count there."""
        return request.lines("DPoP")

    def profile(self, place: str, proof: Jws, *, nonce: bool) -> ProofProfile:
        """The rules for this proof at a place; `nonce`: client or API is to use one."""
        profile: ProofProfile = getattr(self, f"{place}_nonce" if nonce else place)
        return profile

    def proof_fault(self, client: Client | None, *, sent: bool) -> Answer | None:
        """What a client hears that sent no proof where it must, or one where it must not."""
        return self.no_proof if client and client.requires_dpop and not sent else None

    def answer(self, profile: Profile, finding: Finding) -> Answer:
        """What it says to a row that failed."""
        return profile.answer(finding)

    def nonce_time(self, now: int) -> int:
        """The time in a nonce that is given out now; its age is counted from there."""
        return now

    def sends_nonce(self, error: str | None, age: int | None, scheme: str) -> bool:
        """Is a nonce sent with an answer that took a proof with a nonce of this age, if any?

        `scheme` is that of the API, empty for the token endpoint.
        """
        renewed = error is None and age is not None and age >= self.nonce_renewed_at
        return error == "use_dpop_nonce" or renewed

    def memory(self) -> UsedProofs:
        """Where it remembers proofs, empty."""
        return UsedProofs()

    # the token endpoint

    def token_parameters(self, request: Request) -> Form:
        """A POST of a form in which nothing but `resource` stands twice (RFC 6749 section 3.2)."""
        if request.method != "POST":
            raise Refused(Answer(405, "invalid_request"), ("Allow", "POST"))
        form = collected(read_form(request))
        if any(len(given) > 1 for name, given in form.items() if name != "resource"):
            raise bad_request(description="A parameter is given twice.")
        return {name: given for name, given in form.items() if given != ("",)}

    def credentials(self, request: Request, form: Form) -> Credentials:
        """How a client says who it is: in exactly one way (RFC 6749 section 2.3, RFC 7523)."""
        basic = [one for one in request.lines("Authorization") if one.lower().startswith("basic")]
        if len(basic) + ("client_secret" in form) + ("client_assertion" in form) > 1:
            raise bad_request(description="More than one way of client authentication.")
        client_id = value(form, "client_id")
        if not basic and "client_assertion" not in form:
            return client_id, "form", value(form, "client_secret") or None
        way, pair = ("basic", basic_pair(basic[0])) if basic else ("assertion", asserted(form))
        if pair is None or client_id not in ("", pair[0]):
            raise self.client_refused(way)
        return pair[0], way, pair[1]

    def audience_fits(self, header: Members, audience: object, issuer: str) -> bool:
        """Is it for the issuer or an endpoint that RFC 7523 (section 3) and 9126 (2) name?"""
        names = (issuer, f"{issuer}/connect/token", f"{issuer}/connect/par")
        return any(one in names for one in several(audience))

    def client_refused(self, way: str) -> Refused:
        """401, with a Basic challenge for who tried Basic (RFC 6749 section 5.2)."""
        challenge = [("WWW-Authenticate", 'Basic realm="token endpoint"')] * (way == "basic")
        return Refused(Answer(401, "invalid_client", "Client authentication failed."), *challenge)

    def scope(self, text: str) -> str:
        """The scopes asked for. Raises `Refused` for characters no scope has (RFC 6749 3.3)."""
        if not SCOPE_TEXT.fullmatch(text):
            raise bad_request("invalid_scope")
        return text

    def token_claims(self, claims: Members) -> dict[str, Any]:
        """The claims of an access token: with a subject, and scope a string (RFC 9068 2.2)."""
        audience, scope = claims["aud"] or [claims["iss"]], " ".join(claims["scope"])
        return {"sub": claims["client_id"], **claims, "aud": audience, "scope": scope}

    # the APIs, and all answers

    def authorization(self, request: Request, scheme: str) -> str:
        """One Authorization line and no other way of sending a token (RFC 6750 sections 2, 3.1)."""
        lines = request.lines("Authorization")
        others = [name for name, _ in parameters(request) if name == "access_token"]
        if len(lines) + len(others) > 1:
            raise bad_request(description="The access token is sent more than once.")
        return lines[0] if lines else ""

    def challenge(self, scheme: str, answer: Answer) -> str:
        """The WWW-Authenticate value; under DPoP it tells the algorithms (RFC 9449 section 7.1)."""
        pairs = answer.members
        if scheme == "DPoP" and self.tells_algorithms:
            pairs["algs"] = " ".join(self.algorithms)
        text = ", ".join(f'{name}="{value}"' for name, value in pairs.items())
        return f"{scheme} {text}".rstrip()

    def refused(self, refusal: Refused, scheme: str = "") -> Response:
        """The answer to a refused request: a challenge with this scheme, or (without one) JSON."""
        answer = refusal.answer
        if scheme:
            challenge = ("WWW-Authenticate", self.challenge(scheme, answer))
            return Response(answer.status, (challenge, *refusal.headers))
        headers = (*self.token_headers, *refusal.headers)
        return Response(answer.status, headers, self.json(answer.members))

    def json(self, value: object) -> bytes:
        """JSON as it writes it: compact."""
        return compact_json(value)

    def method_not_allowed(self, allowed: str) -> Response:
        """405 with what would be allowed (RFC 9110 section 15.5.6)."""
        return Response(405, (("Allow", allowed),))

    def metadata(self, base: str) -> dict[str, Any]:
        """What this server can do, and no more (RFC 8414 section 2, RFC 9449 section 5.1)."""
        return demo.strict_metadata(base, self.scopes, self.algorithms)
