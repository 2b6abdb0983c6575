"""Nonces of a server: asked for oddly, outdated, another server's, or asked for in vain."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice, takewhile
from urllib.parse import parse_qsl

from dpop_lab.doctor.exchanges import (
    ANY,
    KEEP_NEWEST,
    NEAREST,
    Others,
    answered,
    named,
    same_server,
    servers,
    settled,
)
from dpop_lab.doctor.nodes import SHARE_NONCES, other_node
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import LONGEST, Call, host_of
from dpop_lab.show.values import duration, shown
from dpop_lab.wire.message import lines
from dpop_lab.wire.syntax import NONCE_WANTED

MOST_NONCES = 2  # asked for one after the other, without anything being wrong
MOST_NAMES = 100  # of what a request and its answer tell that is compared
SOON = 30  # seconds in which no nonce should be outdated
OF_NONCES = ("nonce", NONCE_WANTED)  # what such a problem explains
NODES = (
    "Look into the proofs. Where they carry the nonce of the answer before, the server is at fault,"
    " such as several nodes that don't know each other's nonces; else the client passes over"
    " DPoP-Nonce."
)
ANOTHER_NONCE = (
    "Take the new nonce of this answer, once. If that goes on, the server is at fault: several"
    " nodes that don't know each other's nonces, or nonces that count once while two requests are"
    " under way. This is a guess: its log tells."
)
OWN_NONCES = (
    "The client did as it was told, more than once: it sent the very nonce that was just given. The"
    " server does not take its own nonces: they end at once, or several nodes share no secret and"
    " no memory of them. Mend that there; a further attempt is of no use."
)
WHERE = {  # a value belongs that is no nonce of DPoP
    "c_nonce": "into the key proof of a credential request (OpenID4VCI)",
    "nonce": "into the authorization request and the ID token (OpenID Connect)",
}
OBEY = "Obey the challenge: take the answer's DPoP-Nonce into a new proof, and send it again, once."


def asked_oddly(call: Call) -> Iterator[Problem]:
    """A nonce that clients miss: two of them in one answer, or asked for under another scheme."""
    given = [*dict.fromkeys(lines(call.exchange.response_headers, "DPoP-Nonce"))]
    schemes = {one.scheme for one in call.challenges or () if one.error == NONCE_WANTED}
    title, action = "", ""
    if len(given) > 1:
        title = f"nonce: the answer has {len(given)} DPoP-Nonce headers, and may have one"
        action = (
            "The server has to send one nonce: here two add one each, such as a gateway and the API"
            " behind it. Only one of them may ask for nonces; a client can't know which to take,"
            " and joined they are none."
        )
    elif schemes and "dpop" not in schemes:
        title = f"nonce: the challenge {NONCE_WANTED} comes under the wrong scheme, Bearer"
        action = (
            "The server has to send it as WWW-Authenticate: DPoP, or clients pass over it. Till"
            f" then put the nonce of this answer{f', {shown(given[0], 60)},' if given else ''} into"
            " a new proof all the same, and send the request again, once."
        )
    if title:
        one = Problem(title, action, "RFC 9449 §9", row="nonce", at_server=True)
        yield replace(one, explains=OF_NONCES)


def nonce_outdated(call: Call, others: Others) -> Iterator[Problem]:
    """A nonce that was replaced, is another server's, or was asked for in vain."""
    sent = call.proof.claims.get("nonce")
    if sent is None and "nonce" in call.proof.header:
        return  # which the row tells
    if not call.is_proof or "nonce" not in f"{call.error} {call.description}".lower():
        return
    given = [one for one in others.before("nonce at", *servers(call)) if _came_before(one, call)]
    newest = given[0] if given else None
    sources = others.before("nonce", sent) if isinstance(sent, str) else []
    source = next((one for one in sources if _came_before(one, call)), None)
    elsewhere = source is not None and not same_server(source, call)
    start = f"The proof's nonce is {shown(sent, 60)}, and it is "
    said, action, at_server = "", "", False
    if sent is None:
        asked = next((one for one in given if one.wants_nonce), None)
        if asked and not settled(call, others):
            start = f"{named(asked)} asked for a nonce and gave {shown(asked.nonce, 60)}"
            said = ", and this proof has none"
            action = OBEY
    elif source is None and (other := _of_another_kind(sent, call, others)):
        said, action = other
    elif newest and not elsewhere and newest.nonce != sent:
        said = f"outdated: {answered(newest)} had given a newer one, {shown(newest.nonce, 60)}"
        action = f"{KEEP_NEWEST} Here that is {shown(call.nonce or newest.nonce, 60)}."
    elif source and elsewhere:
        where = f"{source.place} {host_of(source.url)}".rstrip()
        said = f"that of another server: {named(source)} gave it, at the {where}"
        action = (
            "Keep a nonce for each server apart: the token endpoint and each API have their own."
            + f" Here take {shown(call.nonce, 60)} into a new proof." * bool(call.nonce)
        )
    elif source and not settled(call, others):
        said, action, at_server = _refused_at_once(call, source)
    if said:
        one = Problem(f"nonce: {start}{said}", action, "RFC 9449 §8.2", row="nonce")
        yield replace(one, explains=OF_NONCES, at_server=at_server)


def told_in(call: Call) -> dict[str, str]:
    """The names of what a request and its answer tell, by the values."""
    asked = parse_qsl(call.url.partition("?")[2][:LONGEST])
    told = islice(chain(asked, call.form.items(), call.members.items()), MOST_NAMES)
    return {value: name for name, value in reversed([*told]) if isinstance(value, str)}


def _of_another_kind(sent: object, call: Call, others: Others) -> tuple[str, str] | None:
    """That it is a value of another name in a request or an answer, and what to do."""
    for one in (call, *others.before("value", str(sent))):
        if name := told_in(one).get(str(sent), ""):
            name = shown(name, 40)[1:-1]
            belongs = f"{name} belongs {WHERE[name]}. " if name in WHERE else ""
            given = [*[call] * bool(call.nonce), *others.before("nonce at", (ANY, ANY))]
            value = f", {shown(given[0].nonce, 60)}," if given else ""
            return (
                f"the {name} of {named(one)}, not what a DPoP-Nonce header gave",
                f"{belongs}Put the value of the DPoP-Nonce header of the last answer{value} into a"
                " new proof in place of that, and send the request again, once.",
            )
    return None


def asked_again(call: Call, others: Others) -> Iterator[Problem]:
    """A nonce asked for although one was given, of requests whose proofs are not here."""
    if call.is_proof or not call.wants_nonce:
        return
    known = others.before("at", *servers(call))
    asked = [*takewhile(lambda one: one.wants_nonce, known), call]
    nonce = Problem("nonce: asked for again", "", "RFC 9449 §8.2", row="nonce")
    nonce = replace(nonce, explains=OF_NONCES)
    if len(asked) == 1 and any(one.wants_nonce for one in known) and known[0].nonce:
        given = f"{answered(known[0])} had given a newer one, {shown(known[0].nonce, 60)}"
        yield replace(nonce, title=f"{nonce.title}, though {given}", action=KEEP_NEWEST)
    elif len({one.nonce for one in asked}) > MOST_NONCES:
        times = f"{len(asked)} times" if len(asked) < NEAREST else "again and again"
        told = f"nonce: asked for {times} in a row, each time with another one"
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
    if told := other_node(call, source):
        return f"the newest one, of {named(source)}: {told}", SHARE_NONCES, True
    again = source.wants_nonce and source.proof.claims.get("nonce") is not None
    return (
        f"the newest one, of {named(source)}, and the server wants another all the same",
        OWN_NONCES if again else ANOTHER_NONCE,
        True,
    )
