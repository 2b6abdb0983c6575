"""How much of very many things is looked at: the longest texts among them are cut to one length."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from dpop_lab.jose.encoding import MAX_DEPTH

LONGEST, SHORT = 500_000, 8_000  # characters of a text
MEMBERS = 100  # of an object or a list
CUT = "It is long: of the longest texts in it only the beginnings were looked at."


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's collector of cycles waits: it would look through millions of new values many times.

    They make no cycles.
    """
    runs = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if runs:
            gc.enable()


def bounded(values: list[Any], most: int) -> list[Any]:
    """Values of JSON, their longest texts cut where all together have more characters than `most`.

    In values that are cut no object and no list has more than `MEMBERS`.
    """
    if sum(map(len, _texts(values))) <= most:
        return values
    few = _cut(values, LONGEST)
    lengths, left = sorted(map(len, _texts(few))), most
    for number, length in enumerate(lengths):
        share = left // (len(lengths) - number)
        if length > share:
            return list(_cut(few, share))
        left -= length
    return list(few)


def _texts(values: list[Any]) -> list[str]:
    """The texts in values, short ones once: many requests have one token, and the same headers."""
    texts, nested = list[str](), list[Any]([values])
    for _ in range(MAX_DEPTH):
        inside = (one.values() if isinstance(one, dict) else one for one in nested)
        found = [each for one in inside for each in one if isinstance(each, (str, list, dict))]
        texts += [one for one in found if isinstance(one, str)]
        nested = [*{id(one): one for one in found if not isinstance(one, str)}.values()]
    short = {text for text in texts if len(text) < SHORT}
    return [*short, *(text for text in texts if len(text) >= SHORT)]


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, dict):
        pairs = islice(value.items(), MEMBERS)
        return {name: _cut(one, longest) for name, one in pairs}
    return [_cut(one, longest) for one in value[:MEMBERS]] if isinstance(value, list) else value
