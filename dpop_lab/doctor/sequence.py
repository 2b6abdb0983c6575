"""What only a sequence shows: what counts once, must be the newest, or is bound to a key."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, takewhile
from typing import NamedTuple

from dpop_lab.doctor.bindings import another_key, header_lost, introspected, other_alg, unbound
from dpop_lab.doctor.exchanges import (
    Earlier,
    answered,
    key_of,
    named,
    same_answer,
    same_server,
    settled,
    signs_in,
    used_up,
    value_of,
)
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call, host_of
from dpop_lab.show.values import duration, shown

MOST_NONCES = 2  # asked for one after the other, without anything being wrong
SOON = 30  # seconds in which no nonce should be outdated
Looked = Iterable[Problem]
Look = Callable[[Call, Earlier, Earlier], Looked]


def in_sequence(calls: tuple[Call, ...]) -> tuple[tuple[Problem, ...], ...]:
    """For each call of a session, in their order, the problems that the others make plain.

    Values of codes and tokens are compared and never shown.
    """
    known = [
        call if call.name else replace(call, name=f"exchange {number}")
        for number, call in enumerate(calls, 1)
    ]
    of_sign_ins, found = _of_sign_ins(known), []
    for number, call in enumerate(known):
        earlier, later = known[:number], known[number + 1 :]
        before, after = of_sign_ins(call, earlier, later)
        looks = [look(call, earlier, later) for look in LOOKS]
        found.append(tuple(_each_once([before, *looks, after])))
    return tuple(found)


def _of_sign_ins(calls: list[Call]) -> Callable[[Call, Earlier, Earlier], tuple[Looked, Looked]]:
    """What finds the faults of sign-ins, where there are any among these calls."""
    if not any(map(signs_in, calls)):
        return lambda call, earlier, later: ((), ())
    from dpop_lab.doctor.sign_in.faults import Faults  # where people sign in

    return Faults().of


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


def _same(name: str, one: Call, other: Call) -> bool:
    """Did both bring the same one?"""
    if name != "DPoP":
        value = value_of(other, name)
        return bool(value) and value_of(one, name) == value
    jti = other.proof.claims.get("jti")
    same_jti = isinstance(jti, str) and one.proof.claims.get("jti") == jti
    same_text = other.is_proof and one.proofs[:1] == other.proofs[:1]
    return same_text or (same_jti and key_of(one) == key_of(other) != "")


# ---- what has to be the newest


KEEP_NEWEST = (
    "Keep the newest nonce of every answer, also of a 200, for each server, and put it into the"
    " next proof: then a call needs one request."
)
NODES = (
    "Look into the proofs. Where they carry the nonce of the answer before, the server is at fault,"
    " such as several nodes that don't know each other's nonces; else the client passes over"
    " DPoP-Nonce."
)
OBEY = "Obey the challenge: take the answer's DPoP-Nonce into a new proof, and send it again, once."


def _nonces(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A nonce that was replaced, is another server's, or was asked for in vain."""
    sent = call.proof.claims.get("nonce", call.proof.header.get("nonce"))
    if not call.is_proof or "nonce" not in f"{call.error} {call.description}".lower():
        return
    given = [one for one in earlier if one.nonce and _came_before(one, call)]
    here = [one for one in given if same_server(one, call)]
    source = next((one for one in reversed(given) if one.nonce == sent), None)
    start = f"The proof's nonce is {shown(sent, 60)}, and it is "
    said, action, at_server = "", "", False
    if sent is None:
        asked = next((one for one in reversed(here) if one.wants_nonce), None)
        if asked and not settled(call, later):
            start = f"{named(asked)} asked for a nonce and gave {shown(asked.nonce, 60)}"
            said = ", and this proof has none"
            action = OBEY
    elif (source is None or source in here) and here and here[-1].nonce != sent:
        newer = here[here.index(source) + 1] if source else here[-1]
        said = f"outdated: {answered(newer)} had given a newer one, {shown(newer.nonce, 60)}"
        action = f"{KEEP_NEWEST} Here that is {shown(call.nonce or here[-1].nonce, 60)}."
    elif source and source not in here:
        where = f"{source.place} {host_of(source.url)}".rstrip()
        said = f"that of another server: {named(source)} gave it, at the {where}"
        action = (
            "Keep a nonce for each server apart: the token endpoint and each API have their own."
            + f" Here take {shown(call.nonce, 60)} into a new proof." * bool(call.nonce)
        )
    elif source and not settled(call, later):
        said, action, at_server = _refused_at_once(call, source)
    if said:
        one = Problem(f"nonce: {start}{said}", action, "RFC 9449 §8.2", row="nonce")
        yield replace(one, explains=ONCE[0].explains[1:], at_server=at_server)


def _asked_again(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A nonce asked for although one was given, of requests whose proofs are not here."""
    here = [one for one in earlier if same_server(one, call)]
    asked = [*takewhile(lambda one: one.wants_nonce, reversed(here)), call]
    if call.is_proof or not call.wants_nonce or not any(one.wants_nonce for one in here):
        return
    nonce = Problem("nonce: asked for again", "", "RFC 9449 §8.2", row="nonce")
    nonce = replace(nonce, explains=ONCE[0].explains[1:])
    if len(asked) == 1 and here[-1].nonce:
        given = f"{answered(here[-1])} had given a newer one, {shown(here[-1].nonce, 60)}"
        yield replace(nonce, title=f"{nonce.title}, though {given}", action=KEEP_NEWEST)
    elif len({one.nonce for one in asked}) > MOST_NONCES:
        told = f"nonce: asked for {len(asked)} times in a row, each time with another one"
        yield replace(nonce, title=told, action=NODES, guess="open")


def _came_before(one: Call, call: Call) -> bool:
    """Was the answer there when the other request was sent? Where no times are known, it was."""
    sent, ended = call.sent_at, one.exchange.ended_at
    return sent is None or not ended > sent


def _refused_at_once(call: Call, source: Call) -> tuple[str, str, bool]:
    """The newest nonce was brought, and the server wants another: is that the server's fault?"""
    age = call.clock[0] - source.date if call.clock and source.date is not None else None
    if age is not None and age > SOON:
        return (
            f"outdated by now: {named(source)} gave it {duration(age)} before",
            "Take the new nonce of this answer into a new proof and send the request again, once.",
            False,
        )
    return (
        f"the newest one, of {named(source)}, and the server wants another all the same",
        "Take the new nonce of this answer, once. If that goes on, the server is at fault: several"
        " nodes that don't know each other's nonces, or nonces that count once while two requests"
        " are under way. This is a guess: its log tells.",
        True,
    )


LOOKS: tuple[Look, ...] = (
    _spent,
    _nonces,
    _asked_again,
    header_lost,
    unbound,
    another_key,
    introspected,
    other_alg,
)
