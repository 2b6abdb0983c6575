"""What a browser asks first, by OPTIONS, before it lets a page send a proof (CORS)."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.general import ALLOW
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown
from dpop_lab.wire.message import first

NEEDED = ("authorization", "dpop")  # header lines that no page may send unasked
NAME = re.compile(r"[\w-]+|\*")


def preflight(call: Call) -> Iterator[Problem]:
    """What keeps the page from sending its request; nothing where all is allowed."""
    asked = NAME.findall(first(call.headers, "Access-Control-Request-Headers").lower())
    answer = call.exchange.response_headers
    allowed = NAME.findall(first(answer, "Access-Control-Allow-Headers").lower())
    refused = [one for one in NEEDED if one in asked and one not in allowed]
    if "*" in allowed:  # stands for any but Authorization
        refused = [one for one in refused if one == NEEDED[0]]
    if (call.status or 0) >= 300:
        title = f"The preflight (OPTIONS), which carries no token, was refused: {call.said}"
    elif refused and call.status and answer:  # its header lines may be left out
        title = f"The answer to the preflight (OPTIONS) does not allow {' and '.join(refused)}"
    else:
        return
    wanted = f"Access-Control-Allow-Headers: {', '.join(asked)}" if asked else ""
    found = first(answer, "Access-Control-Allow-Headers")
    yield Problem(
        title, " ".join(ALLOW.split()), "RFC 9449 §8", shown(wanted, 200) * bool(wanted),
        shown(found, 200) * bool(found), at_server=True,
    )  # fmt: skip
