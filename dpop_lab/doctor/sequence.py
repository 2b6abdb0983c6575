"""What only a sequence shows: what counts once, must be the newest, or is bound to a key."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import chain, product

from dpop_lab.doctor import announced, between, bindings, nodes, nonces, once, retried
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
from dpop_lab.doctor.problem import Problem
from dpop_lab.proof import access_token_hash
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.wire.message import first

Look = Callable[[Call, Others], Iterator[Problem]]

LOOKS: tuple[Look, ...] = (
    once.sent_on,
    nodes.taken_twice,
    once.sent_twice,
    once.taken_for_used,
    nonces.nonce_outdated,
    nonces.asked_again,
    retried.lost_on_retry,
    between.on_the_way,
    bindings.unbound,
    bindings.misbound,
    bindings.another_key,
    bindings.bearer_taken,
    bindings.spelt_otherwise,
    bindings.other_alg,
    announced.unbound_for,
    announced.unlike,
    announced.binding_lost,
    announced.not_as_announced,
    once.old_hash,
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
    found: dict[str, object] = {
        "url": call.url,
        "sent to": first(call.exchange.response_headers, "Location"),
        "request": request,
        "got through": (call.status or 300) < 300 and request,
        "taken as": call.succeeded and (call.scheme, request),
        "taken": call.succeeded and call.proof.claims.get("jti"),
        "refused": call.is_proof and call.refused and answer_to(call),
        "unanswered": call.is_proof and call.status is None,
        "nonce": call.nonce,
        "token": call.token,
        "token's hash": call.token and access_token_hash(call.token),
        "issued": call.issued,
        "asked": call.form.get("token"),
        "algs": isinstance(told.get(ALGS), list) and (host,),
        "bound": told.get(BOUND) is True and told.get("client_id"),
        "issuer": told.get("issuer"),
        "metadata": call.succeeded and WELL_KNOWN in call.url and host,
        "clock agrees": agrees(call),
        "code": call.issued and value_of(call, "code"),
        "refresh_token": call.issued and value_of(call, "refresh_token"),
    }
    yield from ((what, one) for what, one in found.items() if one and isinstance(one, Hashable))
    yield from product(["proof"], between.proofs_of(call))
    yield from product(["value"], nonces.told_in(call))
    for thing in once.ONCE:
        yield from product([thing.name], once.brought(thing.name, call))
    spends = call.issued or call.error.lower() in SPENDS
    at = {"at": True, "nonce at": call.nonce, "spent at": spends}
    yield from product(filter(at.get, at), product((call.place, ANY), (host, ANY)))
