"""Recognise a text, and take it apart into requests and answers; nothing is believed."""

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from dpop_lab.doctor.paste.code import code_and_printed, code_paste, is_code
from dpop_lab.doctor.paste.commands import commands
from dpop_lab.doctor.paste.json_paste import json_paste
from dpop_lab.doctor.paste.jwts import jwts_in
from dpop_lab.doctor.paste.log_lines import log_exchanges
from dpop_lab.doctor.paste.messages import MARK, START, curl_output, is_curl_output, session_log
from dpop_lab.doctor.paste.pasted import MOST, Pasted, not_understood, of_exchanges, together
from dpop_lab.doctor.paste.texts import (
    PEM,
    header_paste,
    log_paste,
    pem_paste,
    raw_paste,
    with_request,
    words_paste,
)
from dpop_lab.doctor.paste.wrappings import fenced, unwrapped
from dpop_lab.jose.encoding import read_json

LONGEST, LONGEST_JSON = 600_000, 16_000_000  # characters that are looked at
LONGEST_PYTHON = 50_000


def text_paste(text: str, *told: str) -> Pasted:
    """What a text is, its beginning at least; `told` is what is to be said of it. Never raises."""
    remarks = [one for one in told if one]
    if "\0" in text:
        text = text.replace("\0", "")
        remarks.append("It held NUL characters.")
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    value = _json(text)
    if len(text) > LONGEST and value is None:
        remarks.append(f"Only the first {LONGEST} of {len(text)} characters were looked at.")
        text = text[:LONGEST]
    found = _recognised(text, value)
    return replace(found, remarks=(*remarks, *found.remarks), text=text)


def _json(text: str) -> Any:
    start = text[:200].lstrip()[:1]
    if start not in ("{", "[", '"') or len(text) > LONGEST_JSON:
        return None
    value = read_json(text)
    if value is not None:
        return value
    return _python(text) or (_json_lines(text) if start == "{" else None)


def _python(text: str) -> Any:
    """A dict or list as Python prints it; None for what is none, or is long."""
    if "'" not in text or "\\" in text or len(text) > LONGEST_PYTHON:
        return None
    try:
        return read_json(json.dumps(ast.literal_eval(text.strip())))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _json_lines(text: str) -> list[Any] | None:
    """The objects of a log that has one in each line."""
    lines = [line for line in islice(text.splitlines(), MOST) if line.startswith("{")]
    found = [value for value in map(read_json, lines) if value is not None]
    return found or None


def _recognised(text: str, value: Any) -> Pasted:
    """The first reading that makes sense of it, the most telling first."""
    if not text.strip():
        return not_understood("nothing")
    found = None if value is None else _of_json(value, text)
    if found is not None:
        return found
    inside = fenced(text)
    if inside and (found := text_paste(inside)).understood:
        known = len(found.calls) != 1 or found.calls[0].url
        return found if known else with_request(found, log_exchanges(text))
    plain = unwrapped(text)
    value = _json(plain) if plain != text else None
    if value is not None and (found := _of_json(value, plain)):
        return found
    return _messages(plain) or _rest(plain) or not_understood(_size(text))


def _messages(plain: str) -> Pasted | None:
    """Requests and answers in a form of their own; None where there are none."""
    if MARK.search(plain):
        exchanges = session_log(plain)
        if exchanges:
            return of_exchanges("a session log", exchanges)
    if START.match(plain.lstrip()):
        return None
    if found := commands(plain):
        return found
    if is_code(plain):
        code, printed = code_and_printed(plain)
        value = _json(printed)
        return code_paste(code, (value and _of_json(value, printed)) or _rest(printed))
    return None


def _rest(text: str) -> Pasted | None:
    """Raw messages, logs, keys, header lines, JWTs, words: whatever else there is."""
    if is_curl_output(text):
        return of_exchanges("the output of curl -v", curl_output(text))
    plain = text.lstrip("\n \t")
    found = raw_paste(plain) if START.search(plain) else None
    if found and any(one.method for one in found.exchanges):
        return found
    lines = log_exchanges(plain)
    if (logged := log_paste(plain, lines)) and (not found or _tells_more(logged, found)):
        return logged
    if found:
        return found
    if PEM.search(plain):
        return pem_paste(plain)
    found = header_paste(plain)
    if found is None and (found := jwts_in(plain) or words_paste(plain)):
        found = with_request(found, lines)
    return found or log_paste(plain, lines, bare=True)


def _tells_more(one: Pasted, other: Pasted) -> bool:
    """Does it know a request where the other knows none?"""
    return any(it.request_headers for it in one.exchanges) > any(
        it.request_headers for it in other.exchanges
    )


def _of_json(value: Any, text: str) -> Pasted | None:
    """JSON: an object or an answer that says what it is, or text that was put in quotes."""
    if isinstance(value, str):
        return text_paste(value)
    found = json_paste(value)
    if found is None and isinstance(value, list) and value:
        return items_paste(value, _of_item)
    return found or (jwts_in(text) if text else None)


def items_paste(items: list[Any], read: Callable[[object], Pasted]) -> Pasted:
    """What the things in a list, each read alone, are together; lists in it are opened once."""
    if items and all(isinstance(one, str) and "\n" not in one.strip() for one in items):
        return text_paste("\n".join(one.strip("\r\n")[:LONGEST] for one in items))
    flat = [each for one in items for each in (one if isinstance(one, list | tuple) else [one])]
    return together([read(one) for one in flat[:MOST] if not isinstance(one, list | tuple)])


def _of_item(item: object) -> Pasted:
    found = text_paste(item) if isinstance(item, str) else json_paste(item)
    return found or not_understood("JSON without anything of DPoP")


def _size(text: str) -> str:
    return f"{len(text)} characters in which nothing of DPoP was recognised"
