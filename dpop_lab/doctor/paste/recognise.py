"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from dpop_lab.doctor.paste.bounds import CUT, bounded, uncollected
from dpop_lab.doctor.paste.browser import BURP, burp, page, without_tags
from dpop_lab.doctor.paste.code import is_code, secrets_given, source_code
from dpop_lab.doctor.paste.commands import commands
from dpop_lab.doctor.paste.decoded import encoded, known_as_decoded
from dpop_lab.doctor.paste.jwts import JWT, jwts_in
from dpop_lab.doctor.paste.keys import pem_in
from dpop_lab.doctor.paste.notation import listed_in, objects_in
from dpop_lab.doctor.paste.objects import of_requests
from dpop_lab.doctor.paste.pasted import (
    MOST,
    Pasted,
    document_in,
    not_understood,
    of_exchanges,
    together,
)
from dpop_lab.doctor.paste.raw import MARK, headers_alone, is_whole, json_text, log_kind
from dpop_lab.doctor.paste.refusals import CODES, LOGIN, TECHNICAL
from dpop_lab.doctor.paste.reports import report_in
from dpop_lab.doctor.paste.scan import AROUND, scanned
from dpop_lab.doctor.paste.unwrap import (
    FENCE,
    REQUEST_LINE,
    START,
    VERBOSE,
    unwrapped,
)
from dpop_lab.doctor.paste.values import exchange_in, what_is
from dpop_lab.doctor.words import meaning
from dpop_lab.jose.encoding import MAX_DEPTH, deeper, read_json
from dpop_lab.jose.jws import Jws
from dpop_lab.session.answer import spelt
from dpop_lab.session.call import Call
from dpop_lab.wire.message import Exchange

LONGEST, LONGEST_JSON, MOST_READ = 100_000, 16_000_000, 200_000  # characters; of things in a list
SHOWN = re.compile(r"\bhtm[\"']?[ ]?:[ ]?[\"'][A-Z]")  # a claim of a decoded proof
LOGINS = re.compile(  # has a text to do with DPoP, or with a login at all?
    rf"{TECHNICAL}|authorization|www-authenticate|access_token|grant_type|oauth|{CODES}|{LOGIN}"
    r"|too (?:big|long|large) header|header or cookie too large|blocked by CORS", re.I
)  # fmt: skip
REFUSED = re.compile(r"\b[45]\d\d (?:Bad Request|Unauthorized|Forbidden|Client Error)", re.I)
MOST_LINES, FEW = 3000, 3  # lines that are looked at; beside a status that is all there is


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
        found = None if deeper(value, MAX_DEPTH) else what_is(value) or _read(json_text(value))
        return found or not_understood("a mapping without anything of DPoP")
    if callable(read := getattr(thing, "read", None)) and not isinstance(thing, type):
        if isinstance(text := read(LONGEST_JSON + 1), str | bytes | bytearray):
            return read_paste(text)
    elif isinstance(thing, Iterable):
        return _of_items(list(islice(thing, MOST)))
    return not_understood(f"a {type(thing).__name__} that gives no text")


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


def text_paste(text: str, *told: str) -> Pasted:
    """What a text is, its beginning at least; `told` is what is to be said of it. Never raises."""
    remarks = [one for one in told if one]
    if "\0" in text:
        text = text.replace("\0", "")
        remarks.append("It held NUL characters.")
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = burp(text) if BURP in text[:4000] else _of_json(text)
    beginning = "\n".join(text[:LONGEST].split("\n", MOST_LINES)[:MOST_LINES])
    if found is None and beginning != text:
        read, lines = beginning.count("\n") + 1, text.count("\n") + 1
        fewer = ", or save a HAR of fewer requests" * text.startswith("{")
        remarks.append(
            f"Only the first {len(beginning)} of {len(text)} characters were looked at,"
            f" {read} of {lines} lines: paste the part around the last error{fewer}."
        )
        text = beginning
    found = found or _recognised(text)
    carried = not found.calls or found.calls[0].proofs or found.calls[0].token
    if not (carried or "dpop" in text[:LONGEST].lower()):
        from dpop_lab.doctor.paste.failure import if_concerned  # few texts

        found = if_concerned(found, text)
    if len(text.split(maxsplit=1)) > 1:  # a name and a value
        found = replace(found, given=(*found.given, secrets_given(text)))
    return replace(found, remarks=(*remarks, *found.remarks), text=text)


def _of_json(text: str) -> Pasted | None:
    """JSON: an object or an answer that says what it is, or text that was put in quotes."""
    bare = text.strip()
    if bare[:1] + bare[-1:] not in ("{}", "[]", '""') or len(text) > LONGEST_JSON:
        return None
    with uncollected():
        value = read_json(text)
        if isinstance(value, str):
            return text_paste(value)
        if isinstance(value, list):
            return _of_items(value)
        return None if value is None else what_is(value)


def _of_items(items: list[Any]) -> Pasted:
    """What the things in a list are together, each read alone; lists in it are opened once."""
    if found := what_is(items):
        return found
    if items and all(isinstance(one, str) and "\n" not in one.strip() for one in items):
        return text_paste("\n".join(one.strip("\r\n") for one in items))
    flat = (each for one in items for each in (one if isinstance(one, list | tuple) else [one]))
    some = [one for one in islice(flat, MOST) if not isinstance(one, list | tuple)]
    few = bounded(some, MOST_READ)
    found = together([read_paste(one) for one in few])
    return found if few is some else replace(found, remarks=(*found.remarks, CUT))


def _recognised(text: str) -> Pasted:
    """The first reading that makes sense of it, the most telling first."""
    if not text.strip():
        return not_understood("nothing")
    if JWT.fullmatch(text.strip()) and (found := jwts_in(text)):
        return found
    if found := report_in(text) or page(text):
        return found
    text = FENCE.sub("\n", text)
    plain = unwrapped(without_tags(text))
    if plain != text and (found := _of_json(plain)):
        return found
    if told := _read(plain, verbose=VERBOSE.search(text) is not None):
        return told
    from dpop_lab.doctor.paste.failure import failed_somehow  # most pastes have a form

    return failed_somehow(plain)


def _read(text: str, *, verbose: bool = False) -> Pasted | None:
    """What several readers make of a text: of raw messages, decoded JWTs, commands, anything."""
    if (MARK.search(text) or START.match(text.lstrip())) and not SHOWN.search(text):
        return document_in(text) or _scanned(text, verbose=verbose)
    if is_code(text):
        return commands(text) or source_code(text, lambda said: _of_json(said) or _told(said))
    return _told(text, verbose=verbose)


def _told(text: str, *, verbose: bool = False) -> Pasted | None:
    """What the objects, the JWTs and the lines of a text that is no source code tell."""
    if lone := _lone(text):
        return lone
    text, jwts = encoded(text, exchange_in)
    told = commands(text) or document_in(text) or _scanned(text, verbose=verbose, concerned=jwts)
    return known_as_decoded(told, jwts) if jwts and told else told


def _lone(text: str) -> Pasted | None:
    """What the one object of a text is, in whatever notation, where nothing else in it tells."""
    found = [*islice(objects_in(text), 2)]
    if not found and {*map(spelt, listed := listed_in(text))} >= {"access_token", "token_type"}:
        return what_is(listed)
    if len(found) != 1 or (told := what_is(found[0][2])) is None:
        return None
    start, end, _ = found[0]
    around = f"{text[:start]} {text[end:]}".strip()
    if told.documents and not told.calls:
        told = document_in(found[0][2], around) or told
    calls = tuple(replace(one, around=around[:AROUND]) for one in told.calls)
    return None if _scanned(around, concerned=True) else replace(told, calls=calls)


def _scanned(text: str, *, verbose: bool = False, concerned: object = False) -> Pasted | None:
    """Messages, keys, header lines, JWTs, words: whatever else there is."""
    if key := pem_in(text):
        return key
    if headers := headers_alone(text):
        return headers
    concerned = concerned or START.search(text) or LOGINS.search(text) or REFUSED.search(text)
    told = scanned(text) if concerned else []
    exchanges = [exchange for exchange, _ in told]
    whole = re.search(REQUEST_LINE, text, re.M) is not None or all(map(is_whole, exchanges))
    kind = "the output of curl -v" if verbose else log_kind(text, exchanges)
    found = of_exchanges(kind, exchanges, [beside for _, beside in told], whole=whole)
    if found.documents or any(_tells(one, text) for one in found.calls):
        return found
    return jwts_in(text)


def _tells(call: Call, text: str) -> bool:
    """Is there a request or an answer in it, or words that mean something?"""
    carried = (call.method, call.headers, call.challenges, call.nonce, call.issued)
    alone = call.around.count("\n") > FEW and not (call.error or call.description)
    told = LOGINS.search(text) if alone else call.status or meaning(call)
    return any(carried) or bool(told)  # a status alone may stand in any log
