"""Nodes of one server that do not know what the others saw: nonces they gave, jti they took."""

import re
from collections.abc import Iterator
from itertools import combinations

from dpop_lab.doctor.exchanges import Others, named, same_server
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.message import first

#: Header lines by which an answer tells which of several servers it came from.
NAMES = ("x-served-by", "x-instance", "x-instance-id", "x-pod", "x-pod-name", "x-node", "x-backend",
         "x-backend-server", "x-server", "x-server-id", "x-hostname", "x-upstream")  # fmt: skip
WORD = re.compile(r"\w+(?:[.:-]+\w+)*")  # of a server, which may be a jti
COOKIE = re.compile(r"\b(?:AWSALB|ARRAffinity|SERVERID|route)=([\w.-]{1,80})")
SHARE_NONCES = (
    "The nodes of the server have to share what they know nonces by: one secret of which all make"
    " them, or one store of those given. Till then a client's requests have to stick to one node"
    " (affinity). The client has nothing to mend."
)
SHARE_JTIS = (
    "The server has to remember each jti as long as its proof is fresh, and all nodes have to share"
    " one memory of them (Redis, a database): here each looks into its own, so a stolen proof is"
    " good once at each."
)


def node_of(call: Call) -> str:
    """Which node of a server answered, as far as the answer tells; else empty."""
    headers = call.exchange.response_headers
    told = [value for name, value in headers if value and name.lower() in NAMES]
    stuck = COOKIE.search(first(headers, "Set-Cookie"))
    return told[0] if told else stuck[1] if stuck else ""


def other_node(call: Call, source: Call) -> str:
    """That a nonce was given by another node than refused it, in words; else empty."""
    mine, theirs = node_of(call), node_of(source)
    if not (mine and theirs) or mine == theirs:
        return ""
    return f"{cut(theirs, 60)} gave it and {cut(mine, 60)} does not know it"


def taken_twice(call: Call, others: Others) -> Iterator[Problem]:
    """A proof that was taken, and taken again: of the second, or of a later one that is refused."""
    mine = call.proof.claims.get("jti")
    named_here = WORD.findall(call.description) if mine is None else [mine]
    this = [call] * (call.succeeded and mine is not None)
    for jti in (one for one in named_here if isinstance(one, str)):
        taken = [*reversed(others.before("taken", jti)), *this]
        pairs = combinations([*taken[:2], *taken[2:][-1:]], 2)
        for one, other in ((one, other) for one, other in pairs if _alike(one, other)):
            nodes = [node_of(each) or named(each) for each in (one, other)]
            where = f"{cut(nodes[0], 60)} and by {cut(nodes[1], 60)}"
            yield Problem(
                f"unused: the server accepted a replay: the proof with the jti"
                f" {shown(jti, 60)} was taken by {where}",
                SHARE_JTIS,
                "RFC 9449 §11.1",
                row="unused",
                grade="must",
                explains=("unused", "jti", "any row", "own store", "status"),
                at_server=True,
            )
            return


def _alike(one: Call, other: Call) -> bool:
    """By one key as far as that is known, at one server whose nodes differ, or a note."""
    keys, nodes = {key_of(one), key_of(other)} - {""}, {node_of(one), node_of(other)} - {""}
    noted = "proof.signature" in other.unseen  # what a server wrote of it: no row tells
    return len(keys) < 2 and same_server(one, other) and (len(nodes) == 2 or noted)
