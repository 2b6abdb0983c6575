"""Mistakes that real servers made with codes and refresh tokens, each in a line, and their repairs.

The house that signs visitors in without one is `OPEN_HOUSE`. As in `mistakes`, each function makes
a worse or a better policy of one, and its docstring says what such a server does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from dpop_lab.exercises.faults import edited, with_row
from dpop_lab.exercises.mistakes import HOUSE, Revision
from dpop_lab.exercises.scene import lacking
from dpop_lab.server.duende_site import Client
from dpop_lab.server.policy import Policy
from dpop_lab.server.sign_in.grants import Grant
from dpop_lab.server.sign_in.rows import code_key, refresh_key
from dpop_lab.server.sign_in.state import Store
from dpop_lab.server.sign_in.ways import Ways, WithWays, with_sign_in
from dpop_lab.wire.message import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseWays(Ways):
    """How a house signs visitors in: strictly, some of its choices as data."""

    code_lifetime: int = 600  #: seconds, the most there may be: visitors are slow
    asks_whose: bool = True  #: is a grant good for the client alone that it was given to?
    uses_up: bool = True  #: is what is good once refused the second time?
    wants_verifier: bool = True  #: or is it looked at where one comes?

    def is_theirs(self, grant: Grant, client: Client) -> bool:
        """As `asks_whose` has it."""
        return not self.asks_whose or Ways.is_theirs(self, grant, client)

    def first_use(self, store: Store[Grant], handle: str) -> bool:
        """As `uses_up` has it."""
        return Ways.first_use(self, store, handle) or not self.uses_up

    def verified(self, grant: Grant, verifier: str) -> bool:
        """As `wants_verifier` has it."""
        return not (verifier or self.wants_verifier) or Ways.verified(self, grant, verifier)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HousePolicy(WithWays):
    """How a house takes requests: strictly, with one choice more."""

    blind_at: tuple[str, ...] = ()  #: places where no proof is looked at

    def proofs(self, request: Request, place: str) -> tuple[str, ...]:
        """None where it is blind."""
        return () if place in self.blind_at else Policy.proofs(self, request, place)


OPEN_HOUSE = with_sign_in(
    HousePolicy(**{one.name: getattr(HOUSE, one.name) for one in fields(HOUSE)}, ways=HouseWays())
)


def signing_in(policy: Any, **choices: Any) -> Policy:
    """A house's policy that signs people in in another way."""
    return otherwise(policy, ways=replace(policy.ways, **choices))


def otherwise(policy: Any, **choices: Any) -> Policy:
    """A house's policy with other choices."""
    changed: Policy = replace(policy, **choices)
    return changed


# ---- mistakes: the docstring says what the server does


def dpop_jkt_not_compared(policy: Policy) -> Policy:
    """It keeps dpop_jkt with the code, and never compares it with the key of the proof."""
    return lacking(policy, "code_key")


def dpop_jkt_where_a_proof_comes(policy: Policy) -> Policy:
    """It compares dpop_jkt with the key of the proof, when a proof comes with the code."""
    return with_row(policy, edited(code_key, "context.bound is", "jkt is None or context.bound is"))


def proof_not_seen_at_par(policy: Policy) -> Policy:
    """It binds a code by dpop_jkt, and passes over a proof at its PAR endpoint."""
    return otherwise(policy, blind_at=("par",))


def code_verifier_where_sent(policy: Policy) -> Policy:
    """It verifies code_verifier, when one comes with the code."""
    return signing_in(policy, wants_verifier=False)


def used_codes_taken(policy: Policy) -> Policy:
    """It takes a code that was used before, until its time is over."""
    return signing_in(policy, uses_up=False)


def refresh_key_not_compared(policy: Policy) -> Policy:
    """It never compares the key of a refresh token with that of the proof."""
    return lacking(policy, "refresh_key")


def refresh_key_where_a_proof_comes(policy: Policy) -> Policy:
    """It compares the keys, when a proof comes with the refresh token."""
    row = edited(refresh_key, "context.bound is not None", "context.bound and jkt is not None")
    return with_row(policy, row)


def any_client_refreshes(policy: Policy) -> Policy:
    """It wants to know which client asks, and not whether the refresh token is that client's."""
    return signing_in(policy, asks_whose=False)


def used_refresh_tokens_taken(policy: Policy) -> Policy:
    """It gives out a new refresh token each time, and the old one stays good."""
    return signing_in(policy, uses_up=False)


def family_goes_on(policy: Policy) -> Policy:
    """It refuses a refresh token that was used before, and thinks nothing of it."""
    return signing_in(policy, ends_family=False)


# ---- repairs: the docstring says what is done


def compare_dpop_jkt(policy: Policy) -> Policy:
    """Take a code that has a dpop_jkt only with a proof by that key."""
    return with_place(policy, "code")


def see_the_proof_at_par(policy: Policy) -> Policy:
    """Bind a code to the key of the proof at the PAR endpoint."""
    return otherwise(policy, blind_at=())


def want_the_verifier(policy: Policy) -> Policy:
    """Take a code that was asked for with a challenge only with its code_verifier."""
    return signing_in(policy, wants_verifier=True)


def use_up(policy: Policy) -> Policy:
    """Refuse a code, and a public client's refresh token, the second time."""
    return signing_in(policy, uses_up=True)


def shorten_the_code(policy: Policy) -> Policy:
    """Take no code that is older than five seconds."""
    return signing_in(policy, code_lifetime=5)


def want_a_proof(policy: Policy) -> Policy:
    """Answer no token request without a proof."""
    clients = {name: replace(one, requires_dpop=True) for name, one in policy.clients.items()}
    return replace(policy, clients=clients)


def compare_the_refresh_key(policy: Policy) -> Policy:
    """Take a public client's refresh token only with a proof by its key, if it has one."""
    return with_place(policy, "refresh")


def ask_whose_it_is(policy: Policy) -> Policy:
    """Take a refresh token only from the client that it was given to."""
    return signing_in(policy, asks_whose=True)


def change_no_token(policy: Policy) -> Policy:
    """Give the same refresh token back each time."""
    return signing_in(policy, one_time=frozenset())


def end_the_family(policy: Policy) -> Policy:
    """End all that came of a grant, when a refresh token of it is used a second time."""
    return signing_in(policy, ends_family=True)


def with_place(policy: Policy, place: str) -> Policy:
    """A policy that asks at one place what the house without a mistake asks there."""
    return replace(policy, profiles={**policy.profiles, place: OPEN_HOUSE.profiles[place]})


CODE_REPAIRS: Mapping[str, Revision] = {
    one.__name__: one
    for one in (
        compare_dpop_jkt, see_the_proof_at_par, shorten_the_code, use_up, want_a_proof,
        want_the_verifier,
    )
}  # fmt: skip
REFRESH_REPAIRS: Mapping[str, Revision] = {
    one.__name__: one
    for one in (
        ask_whose_it_is, change_no_token, compare_the_refresh_key, end_the_family, use_up,
        want_a_proof,
    )
}  # fmt: skip
