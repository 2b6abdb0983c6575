"""How a value is shown to a person: as one short printable line."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")
MARKS = ("mark", "marks")  # fields that hold no text

WHOLE = re.compile(r"(?:[^\\]|\\(?:x..|u.{4}|U.{8}|[^xuU]))*+")  # what repr wrote, no half escape


@dataclass(frozen=True, slots=True, repr=False)
class Words:
    """Words of ours where a value may stand: shown without the quotes that a value gets."""

    text: str

    def __repr__(self) -> str:
        return self.text


def mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """A JSON value, words or blocks with each text changed, names of members too, but no marks."""
    if isinstance(value, str):
        return change(value)
    if type(value) in (int, float):
        digits = shown(value, 400)
        text = change(digits)
        return value if text == digits else text
    if isinstance(value, dict):
        return {mapped(name, change): mapped(one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([mapped(one, change) for one in value])
    if is_dataclass(value) and not isinstance(value, type):
        parts = [(one.name, getattr(value, one.name)) for one in fields(value)]
        return type(value)(
            *(part if name in MARKS else mapped(part, change) for name, part in parts)
        )
    return value


def at_once(
    walk: Callable[[Callable[[str], str]], T], clean: Callable[[list[str]], list[str]]
) -> T:
    """What `walk` makes when it is given a change of texts, all of which are cleaned in one go."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    walk(note)
    done = iter(clean(texts))
    return walk(lambda _: next(done))


def shown(value: object, limit: int = 120) -> str:
    """A value as one short printable line; what a request says may be hostile and is quoted.

    Of a long text the beginning in quotes, and how many characters the text has without them.
    """
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python writes no int of more than 4300 digits
        text = "a number of too many digits"
    if not isinstance(value, str | bytes) or len(text) <= limit:
        return cut(text, limit)
    beginning = WHOLE.match(text, 0, limit)[0]  # type: ignore[index]  # it matches nothing, too
    return f"{beginning}…{text[-1]} ({len(value)} characters)"


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and its length in characters where it is longer than the limit."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def printable(text: str, kept: str = "\n") -> str:
    """The text with an escape for whatever can't be seen or moves what is seen, but for `kept`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


def one_line(text: str) -> str:
    """Text from anywhere as one printable line."""
    return printable(text, "")
