"""Exchanges in text: raw HTTP messages, session logs, what `curl -v` prints, header lines."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.show.values import http_time
from dpop_lab.wire.message import Exchange, Headers

WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rf"^({WORD}) +(\S+) +HTTP/\d(?:\.\d)?[ \t]*$", re.M)
STATUS_LINE = re.compile(r"^HTTP/\d(?:\.\d)? +(\d{3})(?: +([^\n]*))?$", re.M)
START = re.compile(f"{REQUEST_LINE.pattern}|{STATUS_LINE.pattern}", re.M)
FIELD = re.compile(rf"({WORD})[ \t]*:[ \t]*(.*)")
MARK = re.compile(r"^---- (Sending|Received|Failed)[ \t]*(.*?)[ \t]*----[ \t]*$", re.M)
CURL_VERBOSE = re.compile(r"^([<>*{}]) ?(.*)$")
OF_REQUESTS = {"authorization", "dpop", "host", "user-agent", "accept", "cookie", "origin"}
OF_ANSWERS = {"www-authenticate", "dpop-nonce", "date", "server", "set-cookie", "x-revision"}
MOST = 1000  # messages in a text
EMPTY = Exchange("", "", (), "", math.nan, math.nan)


def session_log(text: str) -> list[Exchange]:
    """The exchanges of a session log in the form of the commercial sample; empty for none."""
    found: list[Exchange] = []
    for mark, part in _parts(MARK, text):
        time = http_time(mark[2])
        part = re.sub(r"^\\(?=---- )", "", part, flags=re.M)
        at = math.nan if time is None else time
        if mark[1] == "Sending":
            read = next(iter(raw_messages(part)), EMPTY)
            found.append(replace(read, sent_at=at))
            continue
        last = found.pop() if found and found[-1].status is None else EMPTY
        if mark[1] == "Failed":
            found.append(replace(last, failure=part.strip()[:300] or "no answer", ended_at=at))
        else:
            read = next(iter(raw_messages(part)), EMPTY)
            found.append(replace(answered(last, read), ended_at=at))
    return [one for one in found if one != EMPTY]


def raw_messages(text: str) -> list[Exchange]:
    """The exchanges in a text of raw requests and responses, each request with what follows it."""
    found: list[Exchange] = []
    for start, part in _parts(START, text):
        headers, body = _fields_and_body(part)
        if start[1]:
            found.append(
                replace(
                    EMPTY,
                    method=start[1],
                    url=url_of(start[2], headers),
                    request_headers=headers,
                    request_body=body,
                )
            )
            continue
        status, reason = int(start[3]), (start[4] or "").strip()
        if 100 <= status < 200 and status != 101:  # the answer itself is still to come
            continue
        last = found.pop() if found and found[-1].status is None else EMPTY
        found.append(
            replace(
                last, status=status, reason=reason, response_headers=headers, response_body=body
            )
        )
    return found


def _parts(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each line that the pattern matches, with what follows it up to the next one."""
    marks = [mark for _, mark in zip(range(MOST), pattern.finditer(text), strict=False)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    for mark, end in zip(marks, ends, strict=True):
        yield mark, text[mark.end() + 1 : end]


def curl_output(text: str) -> list[Exchange]:
    """The exchanges in what `curl -v` prints: `>` before what it sent, `<` before what came."""
    made: list[str] = []
    for line in text.split("\n"):
        match = CURL_VERBOSE.match(line)
        if match is None or (match[1] in "{}" and match[2][:7] != "[" and '"' in line):
            made.append(line)
        elif match[1] in "<>":
            made.append(match[2].rstrip())
    return raw_messages("\n".join(made))


def is_curl_output(text: str) -> bool:
    """Does a line beginning with `>` hold a request line, or one with `<` a status line?"""
    return bool(
        re.search(rf"^> {WORD} \S+ HTTP/\d", text, re.M) or re.search(r"^< HTTP/\d", text, re.M)
    )


def header_lines(text: str) -> Exchange | None:
    """Header lines alone, put to the request or the answer by their names; None for other text."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or FIELD.match(lines[0]) is None:
        return None
    headers = tuple(_fields(lines))
    plain = sum(1 for line in lines if FIELD.match(line) or line[0] in " \t")
    return with_headers(headers) if plain == len(lines) else None


def with_headers(headers: Headers) -> Exchange | None:
    """Header lines as an exchange: of the request, of the answer, or of both, by their names.

    None where no name among them tells.
    """
    names = {name.lower() for name, _ in headers}
    if not names & (OF_REQUESTS | OF_ANSWERS):
        return None
    if not names & OF_ANSWERS:
        return replace(EMPTY, request_headers=headers)
    sent = tuple(one for one in headers if one[0].lower() in OF_REQUESTS)
    received = tuple(one for one in headers if one[0].lower() not in OF_REQUESTS)
    return replace(EMPTY, request_headers=sent, response_headers=received)


def answered(asked: Exchange, read: Exchange) -> Exchange:
    """A request with the answer that was read."""
    return replace(
        asked,
        status=read.status,
        reason=read.reason,
        response_headers=read.response_headers,
        response_body=read.response_body,
    )


def url_of(target: str, headers: Headers) -> str:
    """The URL of a request line; its scheme stays open where the target is a path."""
    if re.match(r"https?://", target, re.I):
        return target
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return f"//{host}{target if target.startswith('/') else '/' + target}" if host else ""


def _fields_and_body(text: str) -> tuple[Headers, str]:
    head, gap, body = text.partition("\n\n")
    lines = [line for line in head.split("\n") if line]
    if text.startswith("\n"):
        lines, body = [], text[1:]
    return tuple(_fields(lines)), _unchunked(body.strip("\n") if gap or not lines else "")


def _fields(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The header lines, a folded one put together; what has no colon is passed over."""
    name, value = "", ""
    for line in lines:
        match = FIELD.match(line)
        if line[:1] in (" ", "\t") and name:
            value = f"{value} {line.strip()}"
            continue
        if name:
            yield name, value
        name, value = (match[1], match[2].strip()) if match else ("", "")
    if name:
        yield name, value


def _unchunked(body: str) -> str:
    """A body without the sizes of its chunks; lines that were broken to fit are joined again."""
    first = body.split("\n", 1)[0].strip()
    if not re.fullmatch(r"[0-9a-fA-F]{1,8}", first) or "\n" not in body:
        return body
    lines, done, position = body.split("\n"), [], 0
    while position < len(lines) and re.fullmatch(r"[0-9a-fA-F]{1,8}", lines[position].strip()):
        size, taken, start = int(lines[position], 16), 0, position + 1
        position = start
        while position < len(lines) and taken < size:
            taken += len(lines[position].encode("utf-8", "surrogatepass"))
            position += 1
        joint = "" if taken >= size else "\n"
        done.append(joint.join(lines[start:position]))
    return "".join(done)
