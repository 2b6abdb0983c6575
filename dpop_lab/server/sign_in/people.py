"""The people of the demo, and how its clients sign them in; all of it is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dpop_lab.server.duende_site import IDENTITY_SCOPES, SCOPES


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in, and what an ID token may say of them by scope."""

    name: str
    password: str = field(repr=False)
    subject: str
    claims: Mapping[str, Mapping[str, object]]


def _person(name: str, subject: str, given: str) -> Person:
    profile = {"name": f"{given} Smith", "given_name": given, "family_name": "Smith"}
    email = {"email": f"{given}Smith@example.com", "email_verified": True}
    site = {"website": f"http://{name}.example.com"}
    return Person(name, name, subject, {"profile": profile | site, "email": email})


PEOPLE = {one.name: one for one in (_person("alice", "1", "Alice"), _person("bob", "2", "Bob"))}
OFFLINE = "offline_access"
ALL_SCOPES = frozenset((*SCOPES, *IDENTITY_SCOPES))
CLIENTS = frozenset({  # that sign people in here; others of the demo's need what is not here
    "interactive.confidential", "interactive.confidential.jwt",
    "interactive.confidential.jwt.dpop", "interactive.confidential.short",
    "interactive.confidential.short.jwt", "interactive.confidential.nopkce",
    "interactive.public", "interactive.public.short", "native.dpop",
})  # fmt: skip
ONE_TIME = frozenset({"interactive.public", "interactive.public.short"})  # their refresh tokens
WITHOUT_PKCE = frozenset({"interactive.confidential.nopkce"})
API_SECRETS = {"api": "secret", **{f"urn:resource{number}": "secret" for number in (1, 2, 3)}}
