"""What only a sequence shows: what counts once, must be the newest, or is bound to a key."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import chain, product

from dpop_lab.doctor.announced import binding_lost, not_as_announced, unbound_for, unlike
from dpop_lab.doctor.between import on_the_way, proofs_of
from dpop_lab.doctor.bindings import (
    another_key,
    bearer_taken,
    introspected,
    other_alg,
    spelt_otherwise,
    unbound,
)
from dpop_lab.doctor.exchanges import (
    ANY,
    SPENDS,
    Mark,
    Others,
    agrees,
    answer_to,
    of_sign_in,
    request_of,
    value_of,
)
from dpop_lab.doctor.metadata import ALGS, BOUND
from dpop_lab.doctor.nodes import taken_twice
from dpop_lab.doctor.nonces import asked_again, nonce_outdated, told_in
from dpop_lab.doctor.once import ONCE, brought, old_hash, sent_on, sent_twice, taken_for_used
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.retried import lost_on_retry
from dpop_lab.proof import access_token_hash
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.wire.message import first

Look = Callable[[Call, Others], Iterator[Problem]]

LOOKS: tuple[Look, ...] = (
    sent_on,
    taken_twice,
    sent_twice,
    taken_for_used,
    nonce_outdated,
    asked_again,
    lost_on_retry,
    on_the_way,
    unbound,
    another_key,
    introspected,
    bearer_taken,
    spelt_otherwise,
    other_alg,
    unbound_for,
    unlike,
    binding_lost,
    not_as_announced,
    old_hash,
)


class Sequence(Others):
    """The calls of a session, looked at one after the other.

    Values of codes and tokens are compared and never shown.
    """

    def __init__(self, calls: tuple[Call, ...]) -> None:
        known = [
            call if call.name else replace(call, name=f"exchange {number}")
            for number, call in enumerate(calls, 1)
        ]
        super().__init__(tuple(known), map(marks, known))
        self._looks = LOOKS
        if any(map(of_sign_in, self.calls)):
            from dpop_lab.doctor.sign_in.faults import Faults  # where people sign in

            self._looks = (*LOOKS, Faults().of)

    def problems(self) -> tuple[Problem, ...]:
        """What the others make plain of the call that is looked at, each cause once."""
        found, explained, call = list[Problem](), set[str](), self.calls[self.at]
        for problem in chain.from_iterable(look(call, self) for look in self._looks):
            if not explained & {problem.row, *problem.explains[:1]}:
                found.append(problem)
            explained.update(problem.explains)
        return tuple(found)


def marks(call: Call) -> Iterator[Mark]:
    """What other calls may have in common with this one."""
    host, request, told = host_of(call.url), request_of(call), call.members
    jti, through = call.proof.claims.get("jti"), (call.status or 300) < 300
    found: dict[str, object] = {
        "url": call.url,
        "sent to": first(call.exchange.response_headers, "Location"),
        "request": request,
        "got through": request if through else "",
        "taken as": (call.scheme, request) if call.succeeded else "",
        "taken": jti if call.succeeded else "",
        "refused": answer_to(call) if call.is_proof and call.refused else "",
        "unanswered": call.is_proof and call.status is None,
        "nonce": call.nonce,
        "token": call.token,
        "token's hash": access_token_hash(call.token) if call.token else "",
        "issued": call.issued,
        "asked about": call.form.get("token"),
        "algs": (host,) if isinstance(told.get(ALGS), list) else "",
        "bound": told.get(BOUND) is True and told.get("client_id"),
        "issuer": told.get("issuer"),
        "metadata": call.succeeded and WELL_KNOWN in call.url and host,
        "clock agrees": agrees(call),
    }
    found |= {name: call.issued and value_of(call, name) for name in ("code", "refresh_token")}
    yield from ((what, one) for what, one in found.items() if one and isinstance(one, Hashable))
    yield from (("proof", one) for one in proofs_of(call))
    yield from ((once.name, one) for once in ONCE for one in brought(once.name, call))
    yield from (("value", one) for one in told_in(call))
    spends = call.issued or call.error.lower() in SPENDS
    names = ["at", *["nonce at"] * bool(call.nonce), *["spent at"] * bool(spends)]
    yield from product(names, product((call.place, ANY), (host, ANY)))
