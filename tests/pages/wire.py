"""What each policy answers: to every row that fails, at each place, as it goes over the wire."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from dpop_lab.checking import Answer, Check, Finding, Profile
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
from dpop_lab.server.common import Refused
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.server.sign_in import rows as sign_in
from dpop_lab.server.sign_in.ways import with_sign_in
from tests.pages.markdown import code

KINDS: dict[str, tuple[Check, ...]] = {
    "proof": rules.ROWS,
    "access token": (*at.ROWS, at.unbound),
    "code or refresh token": tuple(sign_in.ROWS.values()),
}
ROWS: dict[str, Check] = {row.name: row for asked in KINDS.values() for row in asked}
SERVERS = {"DUENDE": "demo.duendesoftware.com", "RFC_9449": "a strict server"}
#: Places by their profiles; those of userinfo, and what is asked in silence, are left out.
PLACES = {
    "token": "token endpoint",
    "code": "token endpoint",
    "refresh": "token endpoint",
    "par": "PAR",
    "api": "API",
    "bound": "API",
    "bearer": "Bearer API",
}
WITH_SIGN_IN = tuple(map(with_sign_in, POLICIES.values()))


class Said(NamedTuple):
    """One answer of one policy at one place, and to what."""

    server: str
    place: str
    row: Check
    defect: str  #: empty: any that has no answer of its own
    error: str
    text: str
    status: int
    wire: str  #: the header or body that says it, with the nonce where one is sent


def _said(policy: Policy, place: str, row: Check, defect: str, answer: Answer) -> Said:
    kind = place.removesuffix("_nonce")
    scheme = {"api": "DPoP", "bound": "DPoP", "bearer": "Bearer"}.get(kind, "")
    response = policy.refused(Refused(answer), scheme)
    told = dict(response.headers).get("WWW-Authenticate")
    wire = f"WWW-Authenticate: {told}" if told else response.body.decode()
    wire = code(re.sub(r'algs="[^"]*"', 'algs="…"', wire))
    if policy.sends_nonce(answer.error, None, scheme):
        wire += f" and {code('DPoP-Nonce: …')}"
    server = SERVERS.get(policy.name, policy.name)
    texts = (answer.error or "", answer.description or "")
    return Said(server, PLACES[kind], row, defect, *texts, answer.status, wire)


def _at(policy: Policy, place: str, profile: Profile) -> Iterator[Said]:
    for row in profile.rows:
        own = [key[1] for key in profile.answers if isinstance(key, tuple) and key[0] == row.name]
        for defect in ("", *own):
            answer = policy.answer(profile, Finding(row, "failed", defect=defect))
            yield _said(policy, place, row, defect, answer)
    if place == "token":
        yield _said(policy, place, rules.one_header, "missing", policy.no_proof)


@cache
def answers() -> tuple[Said, ...]:
    """All of them, each once, in the order of the rows."""
    found = (
        one
        for policy in WITH_SIGN_IN
        for place, profile in policy.profiles.items()
        if place.removesuffix("_nonce") in PLACES
        for one in _at(policy, place, profile)
    )
    names = [*ROWS]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: names.index(one.row.name)))


def together(said: Iterable[Said]) -> list[Said]:
    """Equal answers of one server at several places as one."""
    places: dict[Said, dict[str, None]] = {}
    for one in said:
        places.setdefault(one._replace(place=""), {})[one.place] = None
    return [one._replace(place=", ".join(where)) for one, where in places.items()]


def not_asked_by(row: Check) -> list[str]:
    """The servers that do not ask this row at any place."""
    return [
        SERVERS.get(policy.name, policy.name)
        for policy in WITH_SIGN_IN
        if row.name not in policy.row_names
    ]
