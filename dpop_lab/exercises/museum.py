"""A night at the museum: its doors, its guard, and what a thief does who listens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from dpop_lab.exercises import mistakes
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import read_proof
from dpop_lab.server.resource_server import DPOP_API, ResourceServer, Routes

VAULT = f"{DPOP_API}/vault"
FIRST_ROUND = 41
SLOW = 100  # seconds that the slowest watch is behind


class Museum(ResourceServer):
    """The two APIs, which are the hall and the staff entrance, and behind the hall a vault."""

    @property
    def routes(self) -> Routes:
        """Who answers, by path."""
        return {**super().routes, VAULT: partial(self.api, "api")}


class Night:
    """One night: the guard, who makes rounds, and the visitors, all with tokens of their own.

    A thief has the guard's `token`, and listens: `captured` is the proof of the last round. The
    `rounds` are counted, and numbered in their proofs. `session` leads to the museum.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab, self.session, self.captured, self.rounds = lab, lab.session, "", 0
        self._key, self.visitor = generate_key(), generate_key()
        self.token: str = lab.ask(key=self._key).json()["access_token"]
        self.ticket, self.unbound = (
            ticket_for(lab, "m2m.dpop", self.visitor),
            ticket_for(lab, "m2m"),
        )
        self.hall, self.vault, self.staff_entrance = lab.api, lab.base_url + VAULT, lab.plain_api

    def begin(self) -> None:
        """The guard comes on duty, and makes two rounds."""
        self.rounds = 0
        self.round()
        self.round()

    @property
    def next_jti(self) -> str:
        """What the guard's next proof will be known by."""
        return f"round-{FIRST_ROUND + self.rounds:04}"

    def round(self, door: str = "", *, slow: int = 0) -> str:
        """The guard goes through a door, the hall unless said; gives the proof that was captured.

        `slow` is how many seconds the guard's watch is behind.
        """
        said = {"access_token": self.token, "jti": self.next_jti}
        door, iat = door or self.hall, self.lab.clock.now() - slow
        self.captured = self.lab.proof(self._key, "GET", door, **said, iat=iat)
        self.rounds += 1
        self.enter(door, self.captured)
        return self.captured

    def enter(
        self, door: str, proof: str = "", *, token: str = "", scheme: str = "DPoP"
    ) -> requests.Response:
        """Try a door, with the guard's token or another, and with a proof if there is one."""
        headers = {"Authorization": f"{scheme} {token or self.token}"}
        return self.session.get(door, headers=headers | ({"DPoP": proof} if proof else {}))


def ticket_for(lab: Lab, client_id: str, key: PrivateKey | None = None) -> str:
    """An access token for a client of the demo, asked for where nobody listens."""
    headers, said = lab.credentials(client_id)
    if key:
        headers = {**headers, "DPoP": lab.proof(key, "POST", lab.token_endpoint)}
    form = {"grant_type": "client_credentials", "scope": lab.client.scope, **said}
    apart = lab.session_under(lab.policy, afresh=True)
    token: str = apart.post(lab.token_endpoint, form, headers=headers).json()["access_token"]
    return token


# ---- attacks: the docstring says what is sent


def with_a_key_of_ones_own(night: Night) -> None:
    """The stolen token, with a proof by the thief's own key."""
    proof = night.lab.proof(generate_key(), "GET", night.hall, access_token=night.token)
    night.enter(night.hall, proof)


def under_bearer(night: Night) -> None:
    """The stolen token at the staff entrance, under Bearer, without any proof."""
    night.enter(night.staff_entrance, scheme="Bearer")


def later(night: Night) -> None:
    """The captured proof, again after half a minute, and twice more while it is fresh."""
    for wait in (30, 40, 40):
        night.lab.clock.advance(wait)
        night.enter(night.hall, night.captured)


def with_the_guards_next_jti(night: Night) -> None:
    """A ticket of the thief's own, and a proof with the jti that the guard's next one will have."""
    said = {"access_token": night.ticket, "jti": night.next_jti}
    proof = night.lab.proof(night.visitor, "GET", night.hall, **said)
    night.enter(night.hall, proof, token=night.ticket)


def behind_the_hall(night: Night) -> None:
    """The captured proof, which is for the hall, at the vault."""
    night.enter(night.vault, night.captured)


def signed_by_another(night: Night) -> None:
    """A new proof that shows the guard's public key, signed by the thief's."""
    read = read_proof(night.captured)
    claims = {**read.claims, "jti": "mine", "iat": night.lab.clock.now()}
    night.enter(night.hall, sign_compact(read.header, claims, generate_key()))


def much_later(night: Night) -> None:
    """The captured proof, when it is two hundred seconds old."""
    night.lab.clock.advance(200)
    night.enter(night.hall, night.captured)


def at_once(night: Night) -> None:
    """The captured proof, again at once."""
    night.enter(night.hall, night.captured)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One that real servers made, and how a thief makes use of it."""

    made: mistakes.Revision = field(repr=False)
    row: str  #: that is not asked, or passes where it should not
    attack: Callable[[Any], object]  #: carried out on a `Night`

    @property
    def name(self) -> str:
        """What it is called."""
        return self.made.__name__


MISTAKES: Mapping[str, Mistake] = {
    one.name: one
    for one in (
        Mistake(mistakes.binding_not_compared, "bound_key", with_a_key_of_ones_own),
        Mistake(mistakes.age_not_looked_at, "fresh", much_later),
        Mistake(mistakes.htu_as_a_prefix, "htu", behind_the_hall),
        Mistake(mistakes.signature_not_verified, "signature", signed_by_another),
        Mistake(mistakes.bound_token_under_bearer, "unbound", under_bearer),
        Mistake(mistakes.jti_without_the_key, "unused", with_the_guards_next_jti),
        Mistake(mistakes.memory_too_short, "unused", later),
        Mistake(mistakes.two_machines, "unused", at_once),
    )
}


# ---- honest people


def _by_a_slow_watch(night: Night) -> None:
    night.round(slow=SLOW)


def _to_the_vault(night: Night) -> None:
    night.round(night.vault)


def _under_bearer(night: Night) -> None:
    night.enter(night.staff_entrance, token=night.unbound, scheme="Bearer")


def _with_a_jti_of_the_guard(night: Night) -> None:
    said = {"access_token": night.ticket, "jti": read_proof(night.captured).claims["jti"]}
    proof = night.lab.proof(night.visitor, "GET", night.vault, **said)
    night.enter(night.vault, proof, token=night.ticket)


HONEST: Mapping[str, Callable[[Night], None]] = {
    "guard, watch 100 s slow": _by_a_slow_watch,
    "guard, at the vault": _to_the_vault,
    "visitor, bearer token": _under_bearer,
    "visitor, a guard's jti": _with_a_jti_of_the_guard,
}
