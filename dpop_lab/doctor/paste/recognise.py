"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

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
        what = f"a {type(thing).__name__} that fails"
        if isinstance(thing, os.PathLike):
            what = "a path to no file that can be read"
        return not_understood(f"{what} ({type(error).__name__})")


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
        with open(thing, "rb") as file:
            return _of_octets(file.read(LONGEST_JSON + 1))
    if isinstance(thing, Mapping):
        value = dict(thing)
        found = None if deeper(value, MAX_DEPTH) else json_paste(value)
        return found or not_understood("a mapping without anything of DPoP")
    if callable(read := getattr(thing, "read", None)) and not isinstance(thing, type):
        if isinstance(text := read(LONGEST_JSON + 1), str | bytes | bytearray):
            return read_paste(text)
    elif isinstance(thing, Iterable):
        items = list(islice(thing, MOST))
        return json_paste(items) or items_paste(items, read_paste)
    return not_understood(f"a {type(thing).__name__} that gives no text")


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
    body = content[:LONGEST] if isinstance(content, bytes) else b""
    lines = getattr(answer.raw, "headers", answer.headers).items()
    return replace(
        asked,
        status=answer.status_code,
        reason=str(answer.reason or ""),
        response_headers=tuple((str(name), str(text)) for name, text in lines),
        response_body=body.decode("utf-8", "replace"),
    )


def _of_octets(octets: bytes) -> Pasted:
    """Octets as text in the encoding they seem to have, no more of them than are looked at."""
    cut = f"Only the first {LONGEST_JSON} octets were looked at." * (len(octets) > LONGEST_JSON)
    octets = octets[:LONGEST_JSON]
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff") or octets[:40].count(0) > 10:
        return text_paste(octets.decode(json.detect_encoding(octets), "replace"), cut)
    try:
        return text_paste(octets.decode("utf-8-sig"), cut)
    except UnicodeDecodeError:
        return text_paste(octets.decode("latin-1"), "It is not all text (UTF-8).", cut)
