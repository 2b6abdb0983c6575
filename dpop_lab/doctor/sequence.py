"""What only a sequence shows: what counts once, must be the newest, or is bound to a key."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

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
    named,
    of_sign_in,
    same_answer,
    same_server,
    used_up,
    value_of,
)
from dpop_lab.doctor.nodes import taken_twice
from dpop_lab.doctor.nonces import asked_again, nonce_outdated
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of

REPLAYED = re.compile(r"replay|already|re-?us|\bused\b|duplicate")
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


# ---- what counts once


class Once(NamedTuple):
    """Something that may go out once, and what to do where it went out twice."""

    name: str  #: of the parameter; `DPoP` for the proof
    words: str
    refused: re.Pattern[str]  #: the code and the words of a refusal that it may account for
    action: str
    section: str
    explains: tuple[str, ...]
    row: str = ""


ONCE = (
    Once(
        "DPoP",
        "proof",
        re.compile(
            r"^(?:invalid_dpop_proof|use_dpop_nonce|invalid_request)? "
            r"|replay|already|re-?us|\bused\b|\bjti\b|unique|duplicate"
        ),
        "Make a new proof with a new jti for each attempt. A retry by the HTTP library or an"
        " interceptor repeats the headers as they were: make the proof inside what is retried.",
        "RFC 9449 §11.1",
        ("unused", "nonce", "use_dpop_nonce"),
        "unused",
    ),
    Once(
        "client_assertion",
        "client assertion",
        re.compile("^invalid_client "),
        "Make a new assertion, with a jti of its own, for each request, also for the one that"
        " brings the nonce.",
        "RFC 7523 §3",
        ("invalid_client",),
    ),
)


def _spent(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof or a client assertion that an earlier request has used up."""
    words = f"{call.error} {call.description}".lower()
    meant = [one for one in ONCE if call.refused and one.refused.search(words)]
    other = [
        one
        for one in (reversed(earlier) if meant else ())
        if same_server(one, call) and (call.wants_nonce or not same_answer(one, call))
    ]
    for thing in meant:
        if first := next((one for one in other if _same(thing.name, one, call)), None):
            what = thing.words
            if thing.row and first.proofs != call.proofs:
                what = "jti, under the same key,"
            yield Problem(
                f"The same {what} went out in {named(first)} and here: {used_up(first)}",
                thing.action,
                thing.section,
                row=thing.row,
                explains=thing.explains,
            )
            return


def _taken_for_used(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof said to be used before, though each of several has a jti of its own."""
    said, jti = call.description.lower(), call.proof.claims.get("jti")
    others = [one for one in (*earlier, *later) if one.is_proof and same_answer(one, call)]
    seen = {str(one.proof.claims.get("jti")) for one in (*others, call)}
    if others and isinstance(jti, str) and len(seen) > len(others) and REPLAYED.search(said):
        yield Problem(
            "unused: the server says that the proof was used before, and each of these requests has"
            " a jti of its own",
            "The server has to know a proof by its jti: look at its memory. Is its key something"
            " that several proofs share, or is one proof looked at twice, as by a gateway and the"
            " service behind it, or by two filters? The client has nothing to mend.",
            "RFC 9449 §11.1",
            row="unused",
            explains=ONCE[0].explains,
            at_server=True,
            guess="likely",
        )


def _same(name: str, one: Call, other: Call) -> bool:
    """Did both bring the same one?"""
    if name != "DPoP":
        value = value_of(other, name)
        return bool(value) and value_of(one, name) == value
    jti = other.proof.claims.get("jti")
    same_jti = isinstance(jti, str) and one.proof.claims.get("jti") == jti
    same_text = other.is_proof and one.proofs[:1] == other.proofs[:1]
    same_text = same_text and "proof.jti" not in other.unseen
    return same_text or (same_jti and key_of(one) == key_of(other) != "")


LOOKS: tuple[Look, ...] = (
    taken_twice,
    _spent,
    _taken_for_used,
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
)
