"""What each policy answers: to every row that fails, at each place, as it goes over the wire."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from dpop_lab.checking import Answer, Check, Finding, Profile
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
from dpop_lab.server.access_token import TokenProfile
from dpop_lab.server.common import Refused
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from tests.pages.markdown import code

ROWS: dict[str, Check] = {row.name: row for row in (*rules.ROWS, *at.ROWS, at.unbound)}
SERVERS = {"DUENDE": "demo.duendesoftware.com", "RFC_9449": "a strict server"}
PLACES = {"token": "token endpoint", "api": "API", "bound": "API", "bearer": "Bearer API"}


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
    profile = getattr(policy, place)
    scheme = "" if kind == "token" else "DPoP"
    if isinstance(profile, TokenProfile):
        scheme = profile.scheme
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
        for policy in POLICIES.values()
        for place, profile in policy.profiles.items()
        for one in _at(policy, place, profile)
    )
    names = [*ROWS]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: names.index(one.row.name)))


def not_asked_by(row: Check) -> list[str]:
    """The servers that do not ask this row at any place."""
    return [
        SERVERS.get(policy.name, policy.name)
        for policy in POLICIES.values()
        if row.name not in policy.row_names
    ]
