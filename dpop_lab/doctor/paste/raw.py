"""Raw messages, alone or in a session log: read strictly, from the first line to the end."""

import base64
import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dpop_lab.doctor.paste.pasted import (
    ALWAYS_ASKED,
    OF_ANSWERS,
    OF_REQUESTS,
    Pasted,
    of_headers,
)
from dpop_lab.doctor.paste.reading import ANSWERED, ASKED, FAILED, Reading
from dpop_lab.doctor.paste.unwrap import FIELD, METHODS, START, kind_of_log, unescaped
from dpop_lab.jose.encoding import read_json
from dpop_lab.session.answer import json_value
from dpop_lab.show.values import http_time
from dpop_lab.wire.message import Exchange, Headers

MARK = re.compile(r"^---- (Sending|Received|Failed)[ \t]*(.*?)[ \t]*----[ \t]*$", re.M)
LONGEST = 500_000  # characters of a value, or a body
MOST = 200  # header lines, members
TELLING = (OF_REQUESTS - {"host"}) | {"content-type"}  # of one, that its header lines are here
BODY = re.compile(r"grant_type=|[{\[]")
LEVELS = {"info", "warn", "warning", "error", "debug", "trace", "trce", "dbug", "fail", "crit"}
CHALLENGE = re.compile(r"(?:dpop|bearer)(?:\s*\Z|\s+\w+\s*=)", re.I)
DUMPED = re.compile(  # by a program, with its marks, or the names of who says it
    rf"^[\w-]+: *(?:[\"\[]|{METHODS} \S)|^DPoP: +(?!ey)[a-z]+:? [a-z]", re.M | re.I
)
WAITING, HEAD, IN_BODY = "before its first line", "in its header lines", "in its body"


def headers_in(value: object) -> Headers:
    """Header lines in any of the shapes objects have for them; empty for what is none of these.

    An object, its values texts or lists of texts; pairs; objects with a name and a value; text.
    """
    if isinstance(value, str) and value[:1] == "{":  # of an object, in quotes
        value = read_json(value)
    if isinstance(value, str):
        value = [line.split(":", 1) for line in value.splitlines()[:MOST]]
    elif isinstance(value, Mapping):
        several = ((name, one if isinstance(one, list) else [one]) for name, one in value.items())
        value = [(name, each) for name, one in several for each in one]
    found = []
    for one in value[:MOST] if isinstance(value, list | tuple) else ():
        if isinstance(one, (dict, Mapping)):  # most are
            one = (one.get("name", one.get("key", "")), one.get("value", ""))
        if isinstance(one, (list, tuple)) and len(one) == 2:
            name = str(one[0]).strip()[:200]
            if name and name[0] != ":":
                found.append((name, str(one[1]).strip()[:LONGEST]))
    return tuple(found)


def only_headers(value: Mapping[Any, Any] | list[Any]) -> Headers:
    """The header lines that a value is nothing but; empty for any other."""
    texts = value.values() if isinstance(value, Mapping) else ()
    headers = headers_in(value)
    whole = len(headers) == len(value) and all(isinstance(one, str) for one in texts)
    return headers if whole else ()


def is_whole(exchange: Exchange) -> bool:
    """Are the header lines of its request here, more than a host, as far as that can be told?"""
    return not exchange.method or not TELLING.isdisjoint(
        name.lower() for name, _ in exchange.request_headers
    )


def header_lines(text: str) -> Headers:
    """The lines of a text that is nothing but header lines; empty for any other."""
    lines = re.sub(r"(?<=\S)\s*\n[ \t]+(?=\S)", " ", text).split("\n")
    lines = [line for line in lines if line.strip()]
    return headers_in("\n".join(lines)) if all(map(FIELD.match, lines)) else ()


def raw_line(line: str, made: list[Reading]) -> bool:
    """Read a line of a raw message, of a session log too; false for any other line."""
    last = made[-1]
    if (mark := MARK.match(line)) is not None:
        if mark[1] == ASKED or last.side != ASKED:
            made.append(last := Reading())
        time = http_time(mark[2])
        at = "sent_at" if mark[1] == ASKED else "ended_at"
        setattr(last, at, math.nan if time is None else time)
        last.side, last.marked = mark[1], True
        last.raw = IN_BODY if mark[1] == FAILED else WAITING
    elif (start := START.match(line)) and (
        last.raw == WAITING or not (last.marked or (start[3] and _is_loose(last)))
    ):
        _started(start, made)
    elif last.raw == IN_BODY:
        last.bodies[last.side].append(line)
    elif last.raw == HEAD:
        _head_line(line, last)
    return bool(made[-1].raw)


def _is_loose(last: Reading) -> bool:
    """Has it header lines that stand in no raw message? Then its answer is none either."""
    return not last.raw and bool(last.headers[ASKED])


def _started(start: re.Match[str], made: list[Reading]) -> None:
    """The first line of a raw message; after a 100 the answer itself is still to come."""
    if start[3]:
        awaited = not note_status(int(start[3]), made)
        made[-1].reason, made[-1].raw = (start[4] or "").strip(), WAITING if awaited else HEAD
        return
    if not made[-1].marked:
        made.append(Reading())
    made[-1].method, made[-1].target, made[-1].raw = start[1], start[2], HEAD


def _head_line(line: str, last: Reading) -> None:
    """A header line of a raw message, the rest of one, or the empty line after them."""
    headers, match = last.headers[last.side], FIELD.match(line)
    if not line.strip():
        last.raw = IN_BODY
    elif line[0] in " \t" and headers:
        headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
    elif match is not None:
        headers.append((match[1], match[2].strip()))
    elif line[0] == "{":  # the body, where the empty line before it was lost
        last.raw = IN_BODY
        last.bodies[last.side].append(line)
    else:
        other_line(line, last)


def note_status(status: int, made: list[Reading]) -> bool:
    """Note a status: of the last request, where it has none yet. False for one in between."""
    if status < 200 and status != 101:
        return False
    if made[-1].status is not None:
        made.append(Reading())
    made[-1].status, made[-1].side = status, ANSWERED
    return True


def other_line(line: str, last: Reading) -> None:
    """A header line of another name, or a body."""
    body, match = last.bodies[last.side], FIELD.match(line.strip())
    named = match is not None and match[1][0].isalpha() and match[1].lower() not in LEVELS
    named = named and "." not in line.partition(":")[0]  # that is an exception's or a logger's
    if match is not None and named and match[2].strip() not in ("", "{", "["):
        last.headers[last.side].append((match[1], match[2].strip()))
    elif body and line.lstrip()[:1] == "&":
        body.append(line.strip())
    elif not body and (start := BODY.search(line)) is not None:
        text = line[start.start() :].strip()
        body += [text] * (text[0] == "g" or json_value(text) is not None)


def part_line(name: str, value: str, made: list[Reading]) -> None:
    """A header of HTTP/2's own, or a line of a browser's like it."""
    if name == "authority":
        if any(name.lower() == "host" for name, _ in made[-1].headers[ASKED]):
            made.append(Reading())
        return header_line("Host", value, made)
    part = "target" if name in ("path", "url", "uri") else name
    known, value = getattr(made[-1], part), value.upper() if part == "method" else value
    if known.endswith(value) and known:  # by a browser, twice
        return None
    if made[-1].side != ASKED or known:
        made.append(Reading())
    setattr(made[-1], part, value)
    return None


def header_line(name: str, value: str, made: list[Reading]) -> None:
    """A header line: of the request or the answer, by its name, else by what was last."""
    if "\\" in value and '="' not in value:  # else its quotes are there, and what they escape
        value = unescaped(value)
    closing = "]}" * (value.count("}") > value.count("{")) + ")" * ("(" not in value)
    value = value.rstrip(f" ,;`{closing}")
    name, last = name.replace("_", "-"), made[-1]
    known = name.lower()
    asks, answers = (
        known in ALWAYS_ASKED,
        last.side == ANSWERED or (known in OF_ANSWERS and not last.sided),
    )
    elsewhere = known == "host" and last.target[:4] == "http" and value not in last.target
    if elsewhere or (asks and answers and known in (one.lower() for one, _ in last.headers[ASKED])):
        made.append(last := Reading())
    last.headers[ANSWERED if answers and not asks else ASKED].append((name, value))


def body_in(found: Any) -> str:
    """A body as text, as the JSON that it was read into, or as a HAR has it."""
    if isinstance(found, Mapping) and {"mimeType", "text", "params"} & set(found):
        text = found.get("text") or urlencode(headers_in(found.get("params")), errors="replace")
        try:
            octets = base64.b64decode(text if found.get("encoding") == "base64" else "")
        except (ValueError, TypeError):
            return ""
        found = octets.decode("utf-8", "replace") or text
    return found[:LONGEST] if isinstance(found, str) else json_text(found) if found else ""


def headers_alone(text: str) -> Pasted | None:
    """Header lines, or a challenge without its name."""
    stripped = text.strip()
    if CHALLENGE.match(stripped) and "\n" not in stripped:
        text = f"WWW-Authenticate: {stripped}"
    headers = header_lines(text)
    return None if DUMPED.search(text) else of_headers(headers)


def json_text(value: object) -> str:
    """A value as JSON text; what is no JSON in it as Python writes it."""
    return json.dumps(value, default=str, skipkeys=True)[:LONGEST]


def log_kind(text: str, exchanges: list[Exchange]) -> str:
    """What kind of log it is, or what kind of messages, in words."""
    asked = any(one.method for one in exchanges)
    if START.search(text) and not MARK.search(text):
        answered = asked and any(one.status is not None for one in exchanges)
        return f"a raw HTTP {'request' if asked else 'response'}{' with its response' * answered}"
    headers = any(one.request_headers for one in exchanges)
    return kind_of_log(text) if asked or headers or MARK.search(text) else "a server's error text"
