"""What a browser keeps from a page (CORS): a request it asks for first, a nonce it hides."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.general import ALLOW, EXPOSE
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call, host_of
from dpop_lab.show.values import shown
from dpop_lab.wire.message import first

NEEDED = ("authorization", "dpop")  # header lines that no page may send unasked
NAMED = re.compile(r"header (?:field )?\W?(authorization|dpop)\W? is not allowed")
NAME = re.compile(r"[\w-]+|\*")


def preflight(call: Call) -> Iterator[Problem]:
    """What keeps the page from sending its request; nothing where all is allowed."""
    asked = NAME.findall(first(call.headers, "Access-Control-Request-Headers").lower())
    if not asked:  # which many consoles leave out, and name what was refused beside it
        asked = NAMED.findall(call.around.lower())
    answer = call.exchange.response_headers
    allowed = NAME.findall(first(answer, "Access-Control-Allow-Headers").lower())
    refused = [one for one in NEEDED if one in asked and one not in allowed]
    if "*" in allowed:  # stands for any but Authorization
        refused = [one for one in refused if one == NEEDED[0]]
    if (call.status or 0) >= 300:
        title = f"The preflight (OPTIONS), which carries no token, was refused: {call.said}"
    elif refused and call.status and answer:  # its header lines may be left out
        title = f"The answer to the preflight (OPTIONS) does not allow {' and '.join(refused)}"
        title += ": the wildcard * does not cover it, so it has to be named" * ("*" in allowed)
    else:
        return
    wanted = f"Access-Control-Allow-Headers: {', '.join(asked)}" if asked else ""
    found = first(answer, "Access-Control-Allow-Headers")
    yield Problem(
        title, " ".join(ALLOW.split()), "RFC 9449 §8", shown(wanted, 200) * bool(wanted),
        shown(found, 200) * bool(found), at_server=True,
    )  # fmt: skip


def hidden_nonce(call: Call) -> Iterator[Problem]:
    """A nonce that was asked for and given, and that the page at another origin can't read."""
    answer = call.exchange.response_headers
    origin = first(call.headers, "Origin") or first(answer, "Access-Control-Allow-Origin")
    asked = host_of(origin) or origin
    found = first(answer, "Access-Control-Expose-Headers")
    known = {"dpop-nonce", "*"} & {*NAME.findall(found.lower())} or "nonce" in call.proof.claims
    if asked in ("", host_of(call.url)) or not call.nonce or known:
        return
    title = "The page can't read the nonce it is asked for: the answer does not expose DPoP-Nonce"
    yield Problem(
        f"{title} (CORS)", " ".join(EXPOSE.split()), "RFC 9449 §8",
        "Access-Control-Expose-Headers: DPoP-Nonce, WWW-Authenticate", found or "nothing",
        explains=("nonce", "use_dpop_nonce", "cors"), at_server=True,
    )  # fmt: skip
