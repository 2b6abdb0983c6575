"""What only a sequence shows: what counts once, must be the newest, or is bound to a key."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from dpop_lab.doctor.announced import binding_lost, not_as_announced, unbound_for, unlike
from dpop_lab.doctor.between import on_the_way
from dpop_lab.doctor.bindings import (
    another_key,
    bearer_taken,
    introspected,
    other_alg,
    spelt_otherwise,
    unbound,
)
from dpop_lab.doctor.exchanges import (
    Earlier,
    of_sign_in,
)
from dpop_lab.doctor.nodes import taken_twice
from dpop_lab.doctor.nonces import asked_again, nonce_outdated
from dpop_lab.doctor.once import old_hash, sent_on, sent_twice, taken_for_used
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call

Look = Callable[[Call, Earlier, Earlier], Iterator[Problem]]


def in_sequence(calls: tuple[Call, ...]) -> tuple[tuple[Problem, ...], ...]:
    """For each call of a session, in their order, the problems that the others make plain.

    Values of codes and tokens are compared and never shown.
    """
    known = [
        call if call.name else replace(call, name=f"exchange {number}")
        for number, call in enumerate(calls, 1)
    ]
    looks, found = LOOKS, []
    if any(map(of_sign_in, known)):
        from dpop_lab.doctor.sign_in.faults import Faults  # where people sign in

        looks = (*LOOKS, Faults().of)
    for number, call in enumerate(known):
        told = (look(call, known[:number], known[number + 1 :]) for look in looks)
        found.append(tuple(_each_once(told)))
    return tuple(found)


def _each_once(looks: Iterable[Iterable[Problem]]) -> Iterator[Problem]:
    """What is wrong with one call, each cause once."""
    explained = set[str]()
    for problem in chain.from_iterable(looks):
        if not explained & {problem.row, *problem.explains[:1]}:
            yield problem
        explained.update(problem.explains)


LOOKS: tuple[Look, ...] = (
    sent_on,
    taken_twice,
    sent_twice,
    taken_for_used,
    nonce_outdated,
    asked_again,
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
