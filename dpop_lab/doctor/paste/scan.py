"""Exchanges in any text: known pieces of messages wherever they stand, put together in order.

A raw message, in a session log or by itself, is read strictly from its first line to its end;
elsewhere a line counts for what looks like a piece of a message in it.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from dpop_lab.doctor.paste.unwrap import FIELD, METHODS, SIDE, START, logged_lines
from dpop_lab.session.call import NOTHING
from dpop_lab.session.reading import json_value
from dpop_lab.show.values import http_time
from dpop_lab.wire.message import Exchange, Headers

MARK = re.compile(r"^---- (Sending|Received|Failed)[ \t]*(.*?)[ \t]*----[ \t]*$", re.M)
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
REQUEST = re.compile(
    rf"""\b(?P<method>{METHODS})[ ]+(?P<target>(?:https?://|/|\{{\{{)[^\s"'<>,]*)
      (?:[ ]+HTTP/\d(?:\.\d)?)?(?:"[ ]+(?P<status>\d{{3}})\b)?
    | Method:[ ](?P<net>{METHODS}),[ ]RequestUri:[ ]'(?P<uri>[^'\s]*)'""",
    re.X | re.I,
)
STATUS = re.compile(
    r"HTTP/\d(?:\.\d)?\s+(\d{3})\b|<-- (\d{3})\b|Received HTTP response\b[^\n]{0,60} - (\d{3})\b"
    r"|Request finished\b[^\n]{0,500}? - (\d{3})\b|StatusCode: (\d{3})\b"
    r"|\bresponse:? (\d{3})\b|\bstatus(?:[ _-]?code)?[\"']?\s*+(?:[:=]\s*+)?[\"']?(\d{3})\b"
    r"|(?:->|=>|→|returned|answered|gave|got)\s+(?:an?\s+)?(?:HTTP\s+)?(\d{3})\b",
    re.I,
)
NAMED = re.compile(
    r"(?:^|(?<=[\s:>|\[({\"',]))(Authorization|DPoP|DPoP-Nonce|WWW-Authenticate|Host|Date"
    r"|Content-Type|Cookie)[\"']?[ \t]*[:=][ \t]*[\"'\[]*",
    re.I,
)
PSEUDO = re.compile(
    r"^\s*(?::|Request )?(method|path|authority|scheme|status|url|Status Code)\s*:\s*(\S+)", re.I
)
NOISE = re.compile(r"(?:Start|End) processing HTTP request|(?:-->|<--) END")
BODY = re.compile(r"grant_type=|[{\[]")
CREDENTIAL = re.compile(
    r"(?:(?:DPoP|Bearer)[ \t]+)?ey[\w.=+/-]++(?=[\"'}\])]|[,;.]?\s+(?!ey)\S)", re.I
)
ALWAYS_ASKED = {"authorization", "dpop", "host", "cookie"}
OF_REQUESTS = ALWAYS_ASKED | {"user-agent", "accept", "origin"}
OF_ANSWERS = {"www-authenticate", "dpop-nonce", "date", "server", "set-cookie", "x-revision"}
LEVELS = {"info", "warn", "warning", "error", "debug", "trace", "trce", "dbug", "fail", "crit"}
LINES, LONGEST_LINE = 50_000, 50_000  # of a log that are read, and characters of one
MOST = 1000  # messages
ASKED, ANSWERED, FAILED = "Sending", "Received", "Failed"  # sides, as a session log names them
WAITING, HEAD, IN_BODY = "before its first line", "in its header lines", "in its body"


@dataclass(slots=True)
class _Read:
    """An exchange as far as it was read, and where in it the reading is."""

    method: str = ""
    target: str = ""
    scheme: str = ""
    authority: str = ""
    status: int | None = None
    reason: str = ""
    side: str = ASKED
    raw: str = ""  #: where in a raw message
    marked: bool = False  #: by a session log
    times: dict[str, float] = field(default_factory=dict)
    headers: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    bodies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def exchange(self) -> Exchange:
        """It as a value."""
        sent, received = self.headers[ASKED], self.headers[ANSWERED]
        url = url_of(self.target, [*sent, ("Host", self.authority)])
        failed = self.body(FAILED).strip()[:300] or "no answer"
        return Exchange(
            self.method,
            f"{self.scheme}:{url}" if self.scheme and url[:2] == "//" else url,
            tuple(sent),
            self.body(ASKED).replace("\n&", "&"),  # a form over several lines
            self.times.get(ASKED, math.nan),
            self.times.get(ANSWERED, self.times.get(FAILED, math.nan)),
            status=self.status,
            reason=self.reason,
            response_headers=tuple(received),
            response_body=self.body(ANSWERED),
            failure=failed if FAILED in self.times else "",
        )

    def body(self, side: str) -> str:
        """A body as it was sent: a session log puts a mark before what looks like its own lines."""
        text = "\n".join(self.bodies[side]).strip("\n")
        return _unchunked(re.sub(r"^\\(?=---- )", "", text, flags=re.M))


def exchanges_in(text: str) -> list[Exchange]:
    """The exchanges that a text tells of, in their order. Never raises.

    What stands around raw messages is no exchange of its own.
    """
    made: list[_Read] = []
    for line in islice(logged_lines(text), LINES):
        if len(made) > MOST:
            break
        if not _raw_line(line, made):
            _loose_line(line[:LONGEST_LINE], made)
    raw = [one for one in made if one.raw]
    found = raw if any(one.method for one in raw) else made
    return [one.exchange() for one in found if one.method or one.status or FAILED in one.times]


def log_kind(text: str, exchanges: list[Exchange]) -> str:
    """What kind of log it is, or what kind of messages, in words."""
    text = text[:200_000]
    if MARK.search(text):
        return "a session log"
    if START.search(text) is None:
        return next((words for mark, words in KINDS if mark.search(text)), "a log of HTTP messages")
    asked = any(one.method for one in exchanges)
    answered = asked and any(one.status is not None for one in exchanges)
    return f"a raw HTTP {'request' if asked else 'response'}{' with its response' * answered}"


def header_lines(text: str) -> Exchange | None:
    """Header lines alone, put to the request or the answer by their names; None for other text."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or not FIELD.match(lines[0]):
        return None
    read = [_Read(raw=HEAD)]
    plain = [_raw_line(line, read) for line in lines if FIELD.match(line) or line[0] in " \t"]
    return with_headers(tuple(read[0].headers[ASKED])) if len(plain) == len(lines) else None


def with_headers(headers: Headers) -> Exchange | None:
    """Header lines as an exchange: of the request, of the answer, or of both, by their names.

    None where no name among them tells.
    """
    names = {name.lower() for name, _ in headers}
    if not names & (OF_REQUESTS | OF_ANSWERS):
        return None
    if not names & OF_ANSWERS:
        return replace(NOTHING, request_headers=headers)
    sent = tuple(one for one in headers if one[0].lower() in OF_REQUESTS)
    received = tuple(one for one in headers if one[0].lower() not in OF_REQUESTS)
    return replace(NOTHING, request_headers=sent, response_headers=received)


def url_of(target: str, headers: Iterable[tuple[str, str]]) -> str:
    """The URL of a request line; its scheme stays open where the target is a path."""
    if re.match(r"https?://", target, re.I):
        return target
    host = next((value for name, value in headers if name.lower() == "host" and value), "")
    return f"//{host}{target if target.startswith('/') else '/' + target}" if host else ""


def _raw_line(line: str, made: list[_Read]) -> bool:
    """Read a line of a raw message, of a session log too; false for any other line."""
    if (mark := MARK.match(line)) is not None:
        if mark[1] == ASKED or not made or made[-1].side != ASKED:
            made.append(_Read())
        last, time = made[-1], http_time(mark[2])
        last.times[mark[1]] = math.nan if time is None else time
        last.side, last.marked = mark[1], True
        last.raw = IN_BODY if mark[1] == FAILED else WAITING
        return True
    waits = bool(made) and made[-1].marked and made[-1].raw == WAITING
    start = START.match(line) if waits or not made or not made[-1].marked else None
    if start is not None:
        _started(start, made, waits=waits)
    elif not made or not made[-1].raw:
        return False
    elif made[-1].raw == IN_BODY:
        made[-1].bodies[made[-1].side].append(line)
    elif made[-1].raw == HEAD:
        _head_line(line, made[-1])
    return True


def _started(start: re.Match[str], made: list[_Read], *, waits: bool) -> None:
    """The first line of a raw message; the answer itself is still to come after a 100."""
    if start[1]:
        if not waits:
            made.append(_Read())
        made[-1].method, made[-1].target, made[-1].raw = start[1], start[2], HEAD
    elif _answered(int(start[3]), made):
        made[-1].reason, made[-1].raw = (start[4] or "").strip(), HEAD
    elif made:
        made[-1].raw = WAITING


def _head_line(line: str, last: _Read) -> None:
    """A header line of a raw message, the rest of one, or the empty line after them."""
    headers, match = last.headers[last.side], FIELD.match(line)
    if not line.strip():
        last.raw = IN_BODY
    elif line[0] in " \t" and headers:
        headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
    elif match is not None:
        headers.append((match[1], match[2].strip()))


def _loose_line(line: str, made: list[_Read]) -> None:
    """A line of anything: a request, an answer, header lines, a body, or nothing of these."""
    if NOISE.search(line) or not line.strip():
        return
    names = list(NAMED.finditer(line))
    head = line[: names[0].start()] if names else line
    request = None if "Request finished" in head and made else REQUEST.search(head)
    if request is None and (pseudo := PSEUDO.match(line)) is not None:
        return _pseudo(pseudo[1].lower(), pseudo[2].strip("\"'`,;"), made)
    if request is not None:
        method, target = request["method"] or request["net"], request["target"] or request["uri"]
        made.append(_Read(method.upper(), target))
        head = head[request.end() :]
        if request["status"]:
            _answered(int(request["status"]), made)
    if (status := STATUS.search(head)) is not None:
        _answered(int(status[status.lastindex or 0]), made)
    if names:
        _named(line, names, made)
    elif request is None and status is None and made:
        _other(line, made[-1])


def _pseudo(name: str, value: str, made: list[_Read]) -> None:
    """A header of HTTP/2's own, or a line of a browser's like it."""
    if name in ("status", "status code"):
        if re.match(r"\d{3}\b", value):
            _answered(int(value[:3]), made)
        return
    part = {"path": "target", "url": "target"}.get(name, name)
    if not made or made[-1].side != ASKED or getattr(made[-1], part):
        made.append(_Read())
    setattr(made[-1], part, value.upper() if part == "method" else value)


def _answered(status: int, made: list[_Read]) -> bool:
    """Note a status: of the last request, where it has none yet. False for one in between."""
    if status < 200 and status != 101:
        return False
    if not made or made[-1].status is not None:
        made.append(_Read())
    made[-1].status, made[-1].side = status, ANSWERED
    return True


def _named(line: str, names: list[re.Match[str]], made: list[_Read]) -> None:
    """The header lines that stand in one line: of the request or the answer, by their names."""
    if not made:
        made.append(_Read())
    ends = [*(one.start() for one in names[1:]), len(line)]
    for match, end in zip(names, ends, strict=True):
        value = line[match.end() : end].strip()
        value = value.rstrip(" ,;]}") if len(names) > 1 or "[" in match[0] else value
        value = value.rstrip("\"'") if match[0].rstrip()[-1:] in "\"'" else value
        if (credential := CREDENTIAL.match(value)) is not None:
            value = credential[0]
        known, last = match[1].lower(), made[-1]
        asks, answered = known in ALWAYS_ASKED, last.side == ANSWERED
        if asks and answered and known in (name.lower() for name, _ in last.headers[ASKED]):
            made.append(last := _Read())
        answers = not asks and (answered or (known in OF_ANSWERS and known != "date"))
        last.headers[ANSWERED if answers else ASKED].append((match[1], value))


def _other(line: str, last: _Read) -> None:
    """A header line of another name, the heading of some, or a body."""
    body, match = last.bodies[last.side], FIELD.match(line.strip())
    if (side := SIDE.search(line)) is not None:
        last.side = ANSWERED if side[1].lower() == "response" else ASKED
    elif match is not None and match[1].lower() not in LEVELS:
        last.headers[last.side].append((match[1], match[2].strip()))
    elif body and line.lstrip()[:1] == "&":
        body.append(line.strip())
    elif not body and (start := BODY.search(line)) is not None:
        text = line[start.start() :].strip()
        body += [text] * (text[0] == "g" or json_value(text) is not None)


def _unchunked(body: str) -> str:
    """A body without the sizes of its chunks; lines that were broken to fit are joined again."""
    size = re.compile(r"[0-9a-fA-F]{1,8}")
    lines, done, position = body.split("\n"), [], 0
    if len(lines) < 2 or not size.fullmatch(lines[0].strip()):
        return body
    while position < len(lines) and size.fullmatch(lines[position].strip()):
        wanted, taken, start = int(lines[position], 16), 0, position + 1
        position = start
        while position < len(lines) and taken < wanted:
            taken += len(lines[position].encode("utf-8", "surrogatepass"))
            position += 1
        joint = "" if taken >= wanted else "\n"
        done.append(joint.join(lines[start:position]))
    return "".join(done)
