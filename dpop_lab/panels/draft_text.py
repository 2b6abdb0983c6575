"""The texts of a draft as a person reads them, edits them, and means them."""

import json
import re
from collections.abc import Callable

from dpop_lab.jose.encoding import COMPACT

LONG = re.compile(r'[^"\s,:{}\[\]]{8,}')  # a value that is looked for in what was typed


def for_reading(text: str) -> str:
    """Compact JSON over several lines; any other text as it is."""
    return _respelt(text, COMPACT.encode, _indented)


def as_meant(typed: str) -> str:
    """What was typed, compact again where it still has the form it was given for reading."""
    return _respelt(typed, _indented, COMPACT.encode)


def _respelt(text: str, now: Callable[[object], str], then: Callable[[object], str]) -> str:
    """JSON that has one spelling in the other; any other text as it is."""
    try:
        value = json.loads(text)
        return then(value) if now(value) == text else text
    except (ValueError, RecursionError):
        return text


def _indented(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def renewed(typed: str, old: str, new: str) -> str:
    """What was typed, with what is new each time made new where it still stands.

    A text that nobody touched, `old` in its form for reading, becomes the `new` one; in another one
    the long values of the old (jti, iat, ath, nonce, keys) are replaced by those of the new.
    """
    if typed == for_reading(old):
        return new
    text = as_meant(typed)
    for one, other in zip(LONG.findall(old), LONG.findall(new), strict=False):
        text = text.replace(one, other)
    return text
