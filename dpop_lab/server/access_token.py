"""The access token: a JWT bound to a key, issued by one party and checked by another (RFC 9068)."""

import base64
import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

    good = context.audience in several(found)
    return Verdict(context.audience, found, None if good else "wrong")


@check(
    "RFC 9068 §4",
    stops="a token that was stolen long ago",
    mend="Fetch a new access token, and renew it before its end.",
)
def not_expired(token: Jws, context: TokenContext) -> Verdict:
    """Is it still, and already, valid?"""
    now, reading = context.now, context.reading
    end, start = (token.claims.get(name) for name in ("exp", "nbf"))
    if type(end) is not int and not (type(end) is float and math.isfinite(end)):
        return verdict(Words("exp, a number"), end, good=False)
    if reading.expired(end, now):
        return Words(f"exp well after {now - reading.leeway}"), end, "expired"
    early = isinstance(start, int | float) and now + reading.leeway < start
    return Words("exp ahead"), end, "early" if early else None


@check(
    "RFC 9449 §7.2",
    stops="a stolen bound token sent as a plain Bearer token, with no proof",
    mend="Send a bound token under the scheme DPoP with a proof: it is no Bearer token.",
)
def unbound(token: Jws, context: TokenContext) -> Verdict:
    """Is it free of a key it would have to be proven with?"""
    found = token.claims.get("cnf")
    return Words("no cnf"), found, None if found is None else "bound"


ROWS: tuple[Check, ...] = (
    scheme, at_form, at_typ, issuer, at_signature, audience, not_expired
)  # fmt: skip
