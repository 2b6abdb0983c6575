"""Who a participant is, as it goes along with a request to one server for a room."""

import os
import socket
import uuid
from collections.abc import Mapping
from urllib.parse import quote, unquote

from dpop_lab.errors import LabError, expect
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.show.values import one_line
from dpop_lab.wire.message import Headers, first

NAME, MACHINE = "DPoP-Lab-Name", "DPoP-Lab-Machine"
LONGEST = 40  # characters of a name


def name_headers(name: str, issuer: str) -> Mapping[str, str]:
    """The two header lines that a participant of this name adds to requests to this issuer.

    The name is percent-encoded, since a header line is ASCII. The other line tells two machines
    apart whose people chose one name: some characters of a hash of the name, the issuer and this
    machine's and account's own names, so that all kernels of one person send the same. Neither is
    looked at by anybody who judges a request. Raises `LabError` for a name that is no line of 1 to
    40 printable characters.
    """
    expect(name, str, "name", 'A name for the page of the room: "ann".')
    if not (shown := name.strip()) or len(shown) > LONGEST or not shown.isprintable():
        unseen = [one for one in shown if not one.isprintable()]
        found = f"{unseen[0]!a}, which is none" if unseen else f"{len(shown)} of them"
        wanted = f"1 to {LONGEST} printable characters"
        raise LabError("This is no name", wanted=wanted, found=found)
    here = (shown, issuer, socket.gethostname(), os.path.expanduser("~"), str(_hardware()))
    mark = base64url_encode(sha256("\n".join(here).encode("utf-8", "backslashreplace")))[:8]
    return {NAME: quote(shown, safe=" !#$&'()*+,/:;=?@[]"), MACHINE: mark}


def _hardware() -> int:
    """The address of this machine's network hardware, 0 where a random one stands in for it."""
    node = uuid.getnode()
    return 0 if node >> 40 & 1 else node


def participant_in(headers: Headers) -> tuple[str, str]:
    """The name and the machine's mark in the header lines of a request, as text; empty: none.

    Any client may send the name: percent-encoded, in UTF-8 or in Latin-1. It is believed by nobody,
    may be of any length, and what can't be seen in it is escaped.
    """
    written = unquote(first(headers, NAME), "latin-1")
    try:
        name = written.encode("latin-1").decode("utf-8")
    except ValueError:
        name = written
    return one_line(" ".join(name.split())), one_line(first(headers, MACHINE)[:16])
