"""What only a sequence shows: an outdated nonce, a spent code, a proof sent twice, another key."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from dpop_lab.doctor.bindings import another_key, key_of_the_login, other_alg, unbound
from dpop_lab.doctor.exchanges import Earlier, answered, named, same_server, settled
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.spent import same_proof, spent
from dpop_lab.session.call import Call, host_of
from dpop_lab.show.values import duration, shown

SOON = 30  # seconds in which no nonce should be outdated
Look = Callable[[Call, Earlier, Earlier], Iterator[Problem]]


def in_sequence(calls: tuple[Call, ...]) -> tuple[tuple[Problem, ...], ...]:
    """For each call of a session, in their order, the problems that the others make plain.

    Values of codes and tokens are compared and never shown.
    """
    known = [
        call if call.name else replace(call, name=f"exchange {number}")
        for number, call in enumerate(calls, 1)
    ]
    return tuple(
        tuple(_of_one(call, known[:number], known[number + 1 :]))
        for number, call in enumerate(known)
    )


def _of_one(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """What is wrong with one call, each cause once."""
    explained = set[str]()
    for look in LOOKS:
        for problem in look(call, earlier, later):
            if problem.row not in explained:
                yield problem
            explained.update(problem.explains)


# ---- nonces


def _nonces(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A nonce that was replaced, is another server's, or was asked for in vain."""
    sent = call.proof.claims.get("nonce", call.proof.header.get("nonce"))
    if not call.is_proof or "nonce" not in f"{call.error} {call.description}".lower():
        return
    given = [one for one in earlier if one.nonce and _came_before(one, call)]
    here = [one for one in given if same_server(one, call)]
    source = next((one for one in reversed(given) if one.nonce == sent), None)
    if sent is None:
        yield from _in_vain(call, here, later)
    elif here and here[-1].nonce != sent and (source is None or source in here):
        newer = here[here.index(source) + 1 if source else 0]
        yield _nonce_problem(
            call,
            f"it is outdated: {answered(newer)} had given a newer one, {shown(newer.nonce, 60)}",
            "Keep the newest nonce of every answer, also of a 200, for each server, and put it into"
            f" the next proof, here {shown(here[-1].nonce, 60)}: then a call needs one request.",
        )
    elif source and source not in here:
        yield _nonce_problem(
            call,
            f"it is that of another server: {named(source)} gave it, at the {source.place}"
            f" {host_of(source.url)}".rstrip(),
            "Keep a nonce for each server apart: the token endpoint and each API have their own."
            + f" Take that of this answer, {shown(call.nonce, 60)}, into a new proof."
            * bool(call.nonce),
        )
    elif source and not settled(call, later):
        yield _refused_at_once(call, source)


def _came_before(one: Call, call: Call) -> bool:
    """Was the answer there when the other request was sent? Where no times are known, it was."""
    sent, ended = call.sent_at, one.exchange.ended_at
    return sent is None or not ended > sent


def _nonce_problem(call: Call, said: str, action: str, *, at_server: bool = False) -> Problem:
    sent = call.proof.claims.get("nonce", call.proof.header.get("nonce"))
    start = f"The proof's nonce is {shown(sent, 60)}, and " if sent is not None else ""
    return Problem(
        f"nonce: {start}{said}",
        action,
        "RFC 9449 §8.2",
        row="nonce",
        explains=("nonce", "use_dpop_nonce"),
        at_server=at_server,
    )


def _in_vain(call: Call, here: Earlier, later: Earlier) -> Iterator[Problem]:
    """A challenge that was not obeyed."""
    asked = next((one for one in reversed(here) if one.wants_nonce), None)
    if asked and not settled(call, later):
        yield _nonce_problem(
            call,
            f"{named(asked)} asked for it and gave {shown(asked.nonce, 60)}, and this proof has"
            " none",
            "Obey the challenge: take the nonce from the DPoP-Nonce header of the answer into the"
            " claims of a new proof, and send the request again, once.",
        )


def _refused_at_once(call: Call, source: Call) -> Problem:
    """The newest nonce was brought, and the server wants another."""
    age = call.clock[0] - source.date if call.clock and source.date is not None else None
    if age is not None and age > SOON:
        return _nonce_problem(
            call,
            f"it is outdated by now: {named(source)} gave it {duration(age)} before",
            "Take the new nonce of this answer into a new proof and send the request again, once.",
        )
    return _nonce_problem(
        call,
        f"it is the newest one, of {named(source)}, and the server wants another all the same",
        "Take the new nonce of this answer, once. If that goes on, the server is at fault: several"
        " nodes that don't know each other's nonces, or nonces that count once while two requests"
        " are under way. This is a guess: its log tells.",
        at_server=True,
    )


LOOKS: tuple[Look, ...] = (
    same_proof, _nonces, spent, unbound, key_of_the_login, another_key, other_alg,
)  # fmt: skip
