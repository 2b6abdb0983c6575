"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import requests

from dpop_lab.client.recorder import sent_exchange
from dpop_lab.doctor.paste.json_paste import json_paste
from dpop_lab.doctor.paste.pasted import MOST, Pasted, not_understood, of_exchanges
from dpop_lab.doctor.paste.text_paste import LONGEST, LONGEST_JSON, items_paste, text_paste
from dpop_lab.jose.encoding import MAX_DEPTH, deeper
from dpop_lab.jose.jws import Jws
from dpop_lab.session.call import NOTHING
from dpop_lab.wire.message import Exchange


def read_paste(thing: object) -> Pasted:
    """Recognise anything; never raises, sends nothing, opens nothing but a `pathlib.Path`.

    Text, octets and JSON values are looked into; so are the objects of `requests`, exchanges,
    session logs and whatever else holds exchanges.
    """
    if isinstance(thing, str | Jws):
        return text_paste(thing if isinstance(thing, str) else thing.text)
    try:
        return _of_object(thing)
    except Exception as error:  # an object of anyone's may raise anything when it is looked into
        return not_understood(f"a {type(thing).__name__} that fails with {type(error).__name__}")


def _of_object(thing: object) -> Pasted:
    """What is no text: its own members and methods are looked into, and may raise."""
    objects = of_requests(thing)
    if objects is not None:
        return of_exchanges(f"a requests.{type(thing).__name__}", objects)
    inner = thing if isinstance(thing, Exchange) else getattr(thing, "exchange", None)
    if isinstance(inner, Exchange):
        return of_exchanges("a recorded exchange", [inner])
    if isinstance(thing, bytes | bytearray | memoryview):
        return _of_octets(bytes(thing))
    if isinstance(thing, os.PathLike):
        return _of_path(thing)
    if isinstance(thing, Mapping):
        value = dict(thing)
        found = None if deeper(value, MAX_DEPTH) else json_paste(value)
        return found or not_understood("a mapping without anything of DPoP")
    if callable(read := getattr(thing, "read", None)) and not isinstance(thing, type):
        found = read(LONGEST_JSON + 1)
        readable = isinstance(found, str | bytes | bytearray)
        said = f"a {type(thing).__name__} that gives no text"
        return read_paste(found) if readable else not_understood(said)
    if isinstance(thing, Iterable):
        return _of_items(thing)
    return not_understood(f"a {type(thing).__name__}")


def of_requests(value: object) -> list[Exchange] | None:
    """The exchanges of an object of `requests`: an answer with its history, a request, an error.

    None for any other object. A body that was not read yet is left unread.
    """
    if isinstance(value, requests.Request):
        value = value.prepare()
    if isinstance(value, requests.RequestException):
        if value.response is None and value.request is not None:
            asked = of_requests(value.request) or []
            return [replace(one, failure=str(value)[:500]) for one in asked]
        value = value.response
    if isinstance(value, requests.PreparedRequest):
        return [sent_exchange(value, at=math.nan)]
    if isinstance(value, requests.Response):
        return [_answer(one) for one in (*value.history, value)]
    return None


def _answer(answer: requests.Response) -> Exchange:
    asked = replace(NOTHING, url=answer.url or "")
    if answer.request is not None:
        asked = sent_exchange(answer.request, at=math.nan)
    content = getattr(answer, "_content", b"")  # `content` itself would read, and wait
    body = content if isinstance(content, bytes) else b""
    lines = getattr(answer.raw, "headers", answer.headers).items()
    return replace(
        asked,
        status=answer.status_code,
        reason=str(answer.reason or ""),
        response_headers=tuple((str(name), str(text)) for name, text in lines),
        response_body=body[:LONGEST].decode("utf-8", "replace"),
    )


def _of_octets(octets: bytes) -> Pasted:
    """Octets as text, no more of them than are looked at."""
    text, remark = _decoded(octets[:LONGEST_JSON])
    cut = f"Only the first {LONGEST_JSON} octets were looked at." * (len(octets) > LONGEST_JSON)
    return text_paste(text, remark, cut)


def _of_items(things: Iterable[object]) -> Pasted:
    """A session log, or several things in a row; lists among them are looked into once."""
    items = list(islice(things, MOST))
    return json_paste(items) or items_paste(items, read_paste)


def _of_path(path: os.PathLike[Any]) -> Pasted:
    """What is in a file, as far as it can be looked at."""
    try:
        with open(path, "rb") as file:
            return _of_octets(file.read(LONGEST_JSON + 1))
    except (OSError, ValueError) as error:
        return not_understood(f"a path to no file that can be read ({type(error).__name__})")


def _decoded(octets: bytes) -> tuple[str, str]:
    """Octets as text, and a remark when they were none."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff") or octets[1:40:2].count(0) > 10:
        codec = "utf-16" if octets[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le"
        return octets.decode(codec, "replace"), ""
    try:
        return octets.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return octets.decode("latin-1"), "It is not all text (UTF-8)."
