"""JSON out of text that may be anything, no deeper than what is told of it can follow."""

from typing import Any

from dpop_lab.jose.encoding import from_json
from dpop_lab.jose.jws import MAX_DEPTH, deeper


def read_json(text: str) -> Any:
    """The JSON value a text is; None when it is none, or a value in too many brackets."""
    try:
        value = from_json(text)
    except (ValueError, RecursionError):
        return None
    return None if deeper(value, MAX_DEPTH) else value
