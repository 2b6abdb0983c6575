"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import ast
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from dpop_lab.doctor.paste.code import is_code, source_code
from dpop_lab.doctor.paste.commands import commands
from dpop_lab.doctor.paste.json_paste import json_paste
from dpop_lab.doctor.paste.jwts import JWT, jwts_in
from dpop_lab.doctor.paste.objects import of_requests
from dpop_lab.doctor.paste.pasted import (
    MOST,
    Pasted,
    beside,
    not_understood,
    of_exchanges,
    together,
)
from dpop_lab.doctor.paste.scan import MARK, exchanges_in, header_lines
from dpop_lab.doctor.paste.unwrap import (
    METHODS,
    REQUEST_LINE,
    START,
    VERBOSE,
    fenced,
    unwrapped,
)
from dpop_lab.doctor.server_words import known_words
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import MAX_DEPTH, deeper, read_json
from dpop_lab.jose.jws import Jws
from dpop_lab.jose.key_formats import load_key
from dpop_lab.session.call import Call, read_call
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.syntax import read_challenges

LONGEST, LONGEST_JSON = 600_000, 16_000_000  # characters that are looked at
LONGEST_PYTHON = 50_000
PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----")
PEM_WORDS = re.compile("PRIVATE|PUBLIC|KEY|CERTIFICATE")
CHALLENGE = re.compile(r"(?:dpop|bearer)(?:\s*\Z|\s+\w+\s*=)", re.I)
KINDS = (  # what gives a log away, and its name; the first that fits
    (re.compile(r"^[ \t]*:(?:method|status|path): ", re.M), "HTTP/2 header lines"),
    (re.compile(r"^[ \t]*Request (?:URL|Method)\b", re.M), "headers copied from a browser"),
    (re.compile(r"http-outgoing-\d+ (?:>>|<<)"), "an Apache HttpClient log"),
    (re.compile(r"\bsend: b['\"]|\breply: ['\"]HTTP/"), "a Python http.client log"),
    (re.compile(rf"--> {METHODS} |<-- \d{{3}}"), "an OkHttp log"),
    (
        re.compile(r"Sending HTTP request|Request starting HTTP|RequestUri: '|ReasonPhrase: '"),
        "a .NET HTTP log",
    ),
    (re.compile(r"\" \d{3} (?:\d+|-)"), "an access log"),
    (re.compile(rf"^{METHODS} +\S+ *$", re.M), "a request as .http files have it"),
)


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
    value = _json(text)
    if len(text) > LONGEST and value is None:
        remarks.append(f"Only the first {LONGEST} of {len(text)} characters were looked at.")
        text = text[:LONGEST]
    found = _of_json(value, text) or _recognised(text)
    return replace(found, remarks=(*remarks, *found.remarks), text=text)


def _json(text: str) -> Any:
    """The JSON value a text is, or a Python value, or a log with an object in each line."""
    start = text[:200].lstrip()[:1]
    if start not in ("{", "[", '"') or len(text) > LONGEST_JSON:
        return None
    value = read_json(text)
    if value is None and "'" in text and "\\" not in text and len(text) <= LONGEST_PYTHON:
        try:
            value = read_json(json.dumps(ast.literal_eval(text.strip())))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = None
    if value is None and start == "{":
        lines = [line for line in islice(text.splitlines(), MOST) if line.startswith("{")]
        value = [one for one in map(read_json, lines) if one is not None] or None
    return value


def _of_json(value: Any, text: str) -> Pasted | None:
    """JSON: an object or an answer that says what it is, or text that was put in quotes."""
    if value is None:
        return None
    if isinstance(value, str):
        return text_paste(value)
    found = json_paste(value)
    if found is None and isinstance(value, list) and value:
        return items_paste(value, _item)
    return found or jwts_in(text)


def items_paste(items: list[Any], read: Callable[[object], Pasted]) -> Pasted:
    """What the things in a list, each read alone, are together; lists in it are opened once."""
    if items and all(isinstance(one, str) and "\n" not in one.strip() for one in items):
        return text_paste("\n".join(one.strip("\r\n")[:LONGEST] for one in items))
    flat = [each for one in items for each in (one if isinstance(one, list | tuple) else [one])]
    return together([read(one) for one in flat[:MOST] if not isinstance(one, list | tuple)])


def _item(item: object) -> Pasted:
    found = text_paste(item) if isinstance(item, str) else json_paste(item)
    return found or not_understood("JSON without anything of DPoP")


def _recognised(text: str) -> Pasted:
    """The first reading that makes sense of it, the most telling first."""
    if not text.strip():
        return not_understood("nothing")
    if JWT.fullmatch(text.strip()) and (found := jwts_in(text)):
        return found
    inside = fenced(text)
    if inside and (fence := text_paste(inside)).understood:
        around = exchanges_in(text)
        known = len(around) != 1 or any(one.url for one in fence.calls)
        return fence if known else beside(fence, read_call(around[0]))
    plain = unwrapped(text)
    if plain != text and (found := _of_json(_json(plain), plain)):
        return found
    if not MARK.search(plain) and not START.match(plain.lstrip()):
        if found := commands(plain):
            return found
        if is_code(plain):
            return source_code(plain, _printed)
    size = f"{len(text)} characters in which nothing of DPoP was recognised"
    return _scanned(plain, verbose=VERBOSE.search(text) is not None) or not_understood(size)


def _printed(text: str) -> Pasted | None:
    return _of_json(_json(text), text) or _scanned(text)


def _scanned(text: str, *, verbose: bool = False) -> Pasted | None:
    """Messages, keys, header lines, JWTs, words: whatever else there is."""
    exchanges = exchanges_in(text)
    whole = re.search(REQUEST_LINE, text, re.M) is not None or all(
        one.request_headers for one in exchanges if one.method
    )
    kind = "the output of curl -v" if verbose else _log_kind(text, exchanges)
    found = of_exchanges(kind, exchanges, whole=whole)
    telling = any(one.request_headers or one.response_headers for one in exchanges)
    if found.understood and (telling or START.search(text)):
        return found
    if PEM.search(text):
        return _pem(text)
    around = read_call(exchanges[0]) if len(exchanges) == 1 else Call()
    other = _headers(text) or _jwts_and_words(text, around)
    return other or (found if found.understood else None)


def _log_kind(text: str, exchanges: list[Exchange]) -> str:
    """What kind of log it is, or what kind of messages, in words."""
    text = text[:200_000]
    if MARK.search(text):
        return "a session log"
    if START.search(text) is None:
        return next((words for mark, words in KINDS if mark.search(text)), "a log of HTTP messages")
    asked = any(one.method for one in exchanges)
    answered = asked and any(one.status is not None for one in exchanges)
    return f"a raw HTTP {'request' if asked else 'response'}{' with its response' * answered}"


def _jwts_and_words(text: str, around: Call) -> Pasted | None:
    """JWTs within a text and what a server says in it, beside what is known `around` them."""
    found, said = jwts_in(text), known_words(text)
    if said is not None:
        challenges = read_challenges(text[:16_000]) if "=" in text and not found else None
        words = Call(error=said[0], description=said[1], challenges=challenges or None)
        found = beside(found or Pasted(kind="a server's error text", calls=(Call(),)), words)
    return found and beside(found, around)


def _headers(text: str) -> Pasted | None:
    """Header lines, or a challenge without its name."""
    stripped = text.strip()
    if CHALLENGE.match(stripped) and "\n" not in stripped:
        text = f"WWW-Authenticate: {stripped}"
    found = header_lines(text.strip("\n"))
    if found is None:
        return None
    lone = len(found.request_headers) + len(found.response_headers) == 1
    return of_exchanges("a header line" if lone else "a set of header lines", [found])


def _pem(text: str) -> Pasted:
    """A key in PEM, private or not."""
    words = PEM_WORDS.sub(lambda word: word[0].lower(), "\n".join(PEM.findall(text)))
    names = dict.fromkeys(map(str.strip, words.split("\n")))
    kinds = [f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}" for name in names]
    kind = f"a PEM file with {' and '.join(kinds)}"[:200]
    try:
        return Pasted(kind=kind, jwks=(load_key(text[text.index("-----BEGIN") :]).public_jwk(),))
    except KeyUnusable as error:
        return Pasted(kind=kind, remarks=(f"No key pair: {error.problem}.",))
