"""Objects in any text: as JSON has them, as programs print them, as people shorten them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from dpop_lab.jose.encoding import MAX_DEPTH, deeper, whole_number

MOST, LONGEST = 60, 20_000  # attempts at objects in one text, characters of one that is no JSON
DEEPEST = 12
DECODER = json.JSONDecoder(parse_int=whole_number)
OBJECT = re.compile(r"\{(?=\s*(?:[\"'`}<]|//|\w+[\"'`]?\s*[:=,]))")
GAP = re.compile(r"(?:[\s,;]|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|\#[^\n]*|\.\.\.|…)*+")
STRING = re.compile(r"([\"'`])((?:\\.|(?!\1)[^\\])*+)(?:\1|(?<!\n)\Z)", re.S)
KEY = re.compile(r"[\w.$@+-]+")
SIGN = re.compile(r"\s*(=>|[:=])\s*")
BARE = re.compile(  # a value without quotes: a number, a word, a placeholder, an expression
    r"""<[^<>\n]*> | «[^»\n]*» | \$?\{\{?[\w .$()-]*\}?\}(?!\s*[:=])
    | (?:[^,;{}\[\]\n"'`()] | \((?:[^()\n]|\([^()\n]*\))*+\))++""",
    re.X,
)
AS_IT_IS = re.compile(r"https?://\S*|[A-Z]{3,7}|<[^<>\n]*>")
CONSTANTS = {"true": True, "false": False, **dict.fromkeys(["null", "none", "nil", "undefined"])}
NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,9})?(?=[nLl]?$)")
Found = tuple[int, int, dict[str, Any]]  # where an object begins and ends in a text, and what it is


def objects_in(text: str) -> Iterator[Found]:
    """The objects in a text that stand in no other, in their order. Never raises."""
    at = 0
    for _ in range(MOST):
        if (start := OBJECT.search(text, at)) is None:
            return
        value, end = _object_at(text, start.start())
        if value is not None:
            yield start.start(), end, value
        at = end


def _object_at(text: str, at: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins here and where it ends; None, and the next place, for what is none."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        try:
            value, length = _value(text[at : at + LONGEST], 0, 0)
        except (ValueError, IndexError):
            return None, at + 1
        end = at + length
    return (None if deeper(value, MAX_DEPTH) else value), end


def _value(text: str, at: int, depth: int, *, plain: bool = False) -> tuple[Any, int]:
    """The value that begins here, and where it ends. Raises ValueError for what is none.

    A word without quotes is its own value where it is `plain`, else what a placeholder stands for.
    """
    bare = BARE.match(text, at)
    if text[at] in "{[" and bare is None:
        return _members(text, at, depth)
    if (string := STRING.match(text, at)) is not None:
        return re.sub(r"\\(.)", r"\1", string[2]), string.end()
    if bare is None:
        raise ValueError("no value")
    word = bare[0].strip()
    if (number := NUMBER.match(word)) is not None:
        return (float if "." in number[0] else int)(number[0]), bare.end()
    if word.lower() in CONSTANTS:
        return CONSTANTS[word.lower()], bare.end()
    return word if plain or AS_IT_IS.fullmatch(word) else f"<{word[:60]}>", bare.end()


def _members(text: str, at: int, depth: int) -> tuple[Any, int]:
    """An object or an array; one that is cut off ends with the text, or at an empty line."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    members: dict[str, Any] = {}
    items: list[Any] = []
    is_object, at = text[at] == "{", at + 1
    while True:
        gap = GAP.match(text, at)
        at = gap.end() if gap else at
        if text[at : at + 1] in ("}", "]", "") or (gap and "\n\n" in gap[0] and items):
            return (members if is_object else items), at + 1
        name, sign = "", None
        if is_object:
            key = STRING.match(text, at) or KEY.match(text, at)
            if key is None:
                raise ValueError("no name")
            name, sign = key[key.lastindex or 0], SIGN.match(text, key.end())
            if sign is None:  # in JavaScript a variable may give name and value
                members[name], at = f"<{name}>", key.end()
                continue
            at = sign.end()
        value, at = _value(text, at, depth + 1, plain=bool(sign and sign[1] == "="))
        members[name] = value
        items.append(value)
