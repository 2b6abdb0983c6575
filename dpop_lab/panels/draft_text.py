"""The texts of a draft as a person reads them, edits them, and means them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ipywidgets import HTML, Textarea

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import COMPACT
from dpop_lab.jose.jws import decoded_parts, read_jws
from dpop_lab.lab.draft import Draft
from dpop_lab.panels.panel import control, live, note, spoken

TEXTS = HEADER, CLAIMS = "Header", "Claims"
ENCODED = "Encoded"
EDITING = (
    "jti, iat, ath and nonce are made anew each time unless you edit them. The encoded proof "
    "follows header and claims, and they follow it; once edited, it is sent as it stands."
)
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


def texts_of(draft: Draft) -> dict[str, str]:
    """Header and claims of a draft for reading, by the names of their fields."""
    return {HEADER: for_reading(draft.header), CLAIMS: for_reading(draft.claims)}


def warning(typed: str) -> str:
    """Where a text stops being JSON, in words; empty for JSON."""
    try:
        json.loads(typed)
    except json.JSONDecodeError as error:
        return f"not JSON (line {error.lineno}, column {error.colno}): sent as it stands"
    except (ValueError, RecursionError):
        return "no JSON that can be read: sent as it stands"
    return ""


def boxes(draft: Draft) -> list[list[Any]]:
    """Header and claims of a draft to be edited, and a box for the encoded proof."""
    look = {"width": "auto", "height": "11em"}, "6em"
    rows: list[list[Any]] = [[HTML(note(EDITING))]]
    for name, text in (texts_of(draft) | {ENCODED: ""}).items():
        field = control(Textarea, name, text, *look, continuous_update=False)
        rows += [[field]] if name == ENCODED else [[field], [_warned(field)]]
    return rows


def _warned(field: Any) -> Any:
    """The place beneath a field that says where its text is no JSON."""
    place = live("dpop-lab-warning")
    field.observe(lambda event: place.set_trait("value", spoken(note(warning(event.new)))), "value")
    return place


def decoded(encoded: str) -> dict[str, str]:
    """Header and claims of a proof for reading, by the names of their fields; none of no proof."""
    encoded = "".join(encoded.split())
    if read_jws(encoded).problem:
        return {}
    return dict(zip(TEXTS, map(for_reading, decoded_parts(encoded)), strict=True))


def as_typed(draft: Draft, typed: Mapping[str, str]) -> Draft:
    """A draft with header and claims as they were typed."""
    return replace(
        draft, header=as_meant(typed[HEADER]), claims=as_meant(typed[CLAIMS]), typed=None
    )


def of_now(draft: Draft, typed: Mapping[str, str], old: Draft, encoded: str) -> Draft:
    """A draft of this moment with what was typed into the fields of an old one.

    What is new each time is new, unless it was edited. `encoded` is the old proof: one that was
    typed in its place is sent as it stands. Raises `LabError` for what no header line can hold.
    """
    whole = "".join(typed[ENCODED].split())
    if whole == "".join(encoded.split()):
        header, claims = (
            renewed(typed[name], *texts)
            for name, *texts in zip(TEXTS, old.proposed, draft.proposed, strict=True)
        )
        return replace(draft, header=header, claims=claims)
    if not (whole.isascii() and whole.isprintable()):
        raise LabError("This is no value of a header line", wanted="ASCII that prints")
    return replace(draft, typed=whole)
