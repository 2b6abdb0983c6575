"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from dpop_lab.client.exchange import Exchange
from dpop_lab.doctor.code import code_paste
from dpop_lab.doctor.commands import commands
from dpop_lab.doctor.json_paste import json_paste
from dpop_lab.doctor.jwts import jwts_in
from dpop_lab.doctor.messages import MARK, START, curl_output, is_curl_output, session_log
from dpop_lab.doctor.pasted import MOST, Pasted, not_understood, of_exchanges
from dpop_lab.doctor.reading import linked
from dpop_lab.doctor.recorded import of_requests
from dpop_lab.doctor.texts import (
    PEM,
    header_paste,
    log_paste,
    pem_paste,
    raw_paste,
    with_request,
    words_paste,
)
from dpop_lab.doctor.wrappings import fenced, unwrapped
from dpop_lab.jose.jws import Jws

LONGEST, LONGEST_JSON = 1_000_000, 16_000_000  # characters that are looked at


def read_paste(thing: object) -> Pasted:
    """Recognise anything; never raises, sends nothing, opens nothing but a `pathlib.Path`.

    Text, octets and JSON values are looked into; so are the objects of `requests`, exchanges,
    session logs and whatever else holds exchanges.
    """
    if isinstance(thing, Pasted):
        return thing
    if isinstance(thing, Jws):
        return _of_text(thing.text)
    if isinstance(thing, str):
        return _of_text(thing)
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
        return json_paste(dict(thing)) or not_understood("a mapping without anything of DPoP")
    if callable(read := getattr(thing, "read", None)) and not isinstance(thing, type):
        return _of_read(read(LONGEST_JSON + 1), thing)
    if isinstance(thing, Iterable):
        return _of_items(thing)
    return not_understood(f"a {type(thing).__name__}")


def _of_read(found: object, thing: object) -> Pasted:
    """What a file object gave."""
    if isinstance(found, str):
        return _of_text(found)
    if isinstance(found, bytes | bytearray):
        return _of_octets(bytes(found))
    return not_understood(f"a {type(thing).__name__} that gives no text")


def _of_octets(octets: bytes) -> Pasted:
    """Octets as text, no more of them than are looked at."""
    text, remark = _decoded(octets[:LONGEST_JSON])
    cut = f"Only the first {LONGEST_JSON} octets were looked at." * (len(octets) > LONGEST_JSON)
    return _of_text(text, remark, cut)


def _of_items(things: Iterable[object]) -> Pasted:
    """A session log, or several things in a row."""
    items = list(islice(things, MOST))
    if items and all(isinstance(one, str) and "\n" not in one.strip() for one in items):
        return _of_text("\n".join(one.strip("\r\n")[:LONGEST] for one in items))
    if (pairs := json_paste(items)) is not None:
        return pairs
    flat = [each for one in items for each in (one if isinstance(one, list | tuple) else [one])]
    read = [read_paste(one) for one in flat[:MOST] if not isinstance(one, list | tuple)]
    read = [one for one in read if one.understood]
    if not read:
        return not_understood("a list without anything of DPoP")
    if all(len(one.exchanges) == len(one.cases) for one in read):
        exchanges = [each for one in read for each in one.exchanges]
        whole = not any(one.partial for one in read)
        return of_exchanges("a list of recorded exchanges", exchanges, whole=whole)
    return (
        read[0]
        if len(read) == 1
        else Pasted(
            kind=f"a list of {len(read)} things",
            cases=tuple(linked([case for one in read for case in one.cases])),
            jwks=tuple(jwk for one in read for jwk in one.jwks),
            remarks=tuple(remark for one in read for remark in one.remarks),
            exchanges=tuple(exchange for one in read for exchange in one.exchanges),
            text="\n".join(one.text for one in read),
        )
    )


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


def _of_text(text: str, *told: str) -> Pasted:
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
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _json_lines(text) if start == "{" else None


def _json_lines(text: str) -> list[Any] | None:
    """The objects of a log that has one in each line."""
    found = []
    for line in islice(text.splitlines(), MOST):
        try:
            found.append(json.loads(line) if line.startswith("{") else None)
        except (ValueError, RecursionError):
            found.append(None)
    found = [one for one in found if one is not None]
    return found or None


def _recognised(text: str, value: Any) -> Pasted:
    """The first reading that makes sense of it, the most telling first."""
    if not text.strip():
        return not_understood("nothing")
    found = None if value is None else _of_json(value, text)
    if found is not None:
        return found
    inside = fenced(text)
    if inside and (found := _of_text(inside)).understood:
        return found
    plain = unwrapped(text)
    value = _json(plain) if plain != text else None
    if value is not None and (found := _of_json(value, plain)):
        return found
    if MARK.search(plain):
        exchanges = session_log(plain)
        if exchanges:
            return of_exchanges("a session log", exchanges)
    raw = START.match(plain.lstrip())
    if raw is None and (found := commands(plain) or code_paste(plain)):
        return found
    if is_curl_output(plain):
        return of_exchanges("the output of curl -v", curl_output(plain))
    plain = plain.lstrip("\n \t")
    found = raw_paste(plain) if START.search(plain) else None
    if found and any(one.method for one in found.exchanges):
        return found
    if (logged := log_paste(plain)) and (not found or _tells_more(logged, found)):
        return logged
    if found:
        return found
    if PEM.search(plain):
        return pem_paste(plain)
    found = header_paste(plain)
    if found is None and (found := jwts_in(plain) or words_paste(plain)):
        found = with_request(found, plain)
    return found or log_paste(plain, bare=True) or not_understood(_size(text))


def _tells_more(one: Pasted, other: Pasted) -> bool:
    """Does it know a request where the other knows none?"""
    return any(it.request_headers for it in one.exchanges) > any(
        it.request_headers for it in other.exchanges
    )


def _of_json(value: Any, text: str) -> Pasted | None:
    """JSON: an object or an answer that says what it is, or text that was put in quotes."""
    if isinstance(value, str):
        return _of_text(value)
    found = json_paste(value)
    if found is None and isinstance(value, list) and value:
        return _of_items(value)
    return found or (jwts_in(text) if text else None)


def _size(text: str) -> str:
    return f"{len(text)} characters in which nothing of DPoP was recognised"
