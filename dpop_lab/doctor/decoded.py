"""Proofs and access tokens decoded for people, without the secrets that stand in them."""

import re
from collections.abc import Mapping
from typing import Any

from dpop_lab.jose.jws import salvaged
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import drawn
from dpop_lab.show.jwt import Jwt
from dpop_lab.show.values import Words
from dpop_lab.wire.secrets import inside, is_secret, leaked

LOGIN = re.compile(r"^[^/\s:]*+:\S*@")  # in a URL without a scheme


def drawn_proof(call: Call, now: float) -> Jwt | None:
    """What the first proof of a call says, None where it has none."""
    if not call.proofs:
        return None
    return drawn("The proof", salvaged(call.proofs[0]), now=now, date=call.date, clean=harmless)


def drawn_token(call: Call, now: float) -> Jwt | None:
    """What the access token of a call says: the one sent, else the one it was given."""
    if not (text := call.token or call.issued):
        return None
    jws, title = salvaged(text), "The access token"
    if jws.problem and not jws.header:
        opaque = f"opaque: only its server can read it; {len(text)} characters"
        return Jwt(title, "", (), (), opaque)
    return drawn(title, jws, now=now, date=call.date, clean=harmless)


def harmless(value: object, name: str = "") -> Any:
    """A value without the secrets in it: private members of keys, what a name calls a secret."""
    if isinstance(value, Mapping):
        return {key: harmless(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [harmless(one, name) for one in value]
    if is_secret(name, value):
        return Words("(private)")
    if leaked(inside(value)):
        return Words("(JSON in a string, with private members)")
    return LOGIN.sub("…@", value) if name == "htu" and isinstance(value, str) else value
