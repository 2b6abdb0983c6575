"""Exchanges in the lines of logs, whoever wrote them: what looks like a message counts as one."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dpop_lab.doctor.paste.curl_command import unescaped
from dpop_lab.doctor.paste.messages import FIELD, OF_ANSWERS, url_of
from dpop_lab.session.reading import json_value
from dpop_lab.wire.message import Exchange

KINDS = (  # what gives a log away, and its name; the first that fits
    (re.compile(r"^[ \t]*:(?:method|status|path): ", re.M), "HTTP/2 header lines"),
    (re.compile(r"^[ \t]*Request (?:URL|Method)\b", re.M), "headers copied from a browser"),
    (re.compile(r"http-outgoing-\d+ (?:>>|<<)"), "an Apache HttpClient log"),
    (re.compile(r"\bsend: b['\"]|\breply: ['\"]HTTP/"), "a Python http.client log"),
    (re.compile(r"--> (?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) |<-- \d{3}"), "an OkHttp log"),
    (
        re.compile(r"Sending HTTP request|Request starting HTTP|RequestUri: '|ReasonPhrase: '"),
        "a .NET HTTP log",
    ),
    (re.compile(r"\" \d{3} (?:\d+|-)"), "an access log"),
    (
        re.compile(r"^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) +\S+ *$", re.M),
        "a request as .http files have it",
    ),
)
METHODS = r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
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
APACHE = re.compile(r"http-outgoing-\d+ (?:>>|<<) ?(\"?)([^\n]*)")
WIRE = re.compile(r"\b(?:send|reply): b?(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
NOISE = re.compile(r"(?:Start|End) processing HTTP request|(?:-->|<--) END")
SIDE = re.compile(r"\b(request|response) headers?\b\W*$", re.I)
BODY = re.compile(r"grant_type=|[{\[]")
OF_REQUESTS_ONLY = {"authorization", "dpop", "host", "cookie"}
CREDENTIAL = re.compile(
    r"(?:(?:DPoP|Bearer)[ \t]+)?ey[\w.=+/-]++(?=[\"'}\])]|[,;.]?\s+(?!ey)\S)", re.I
)
LEVELS = {"info", "warn", "warning", "error", "debug", "trace", "trce", "dbug", "fail", "crit"}
LINES = 50_000  # of a log that are read
LONGEST_LINE = 50_000
MOST = 1000  # messages


@dataclass(slots=True)
class _Made:
    method: str = ""
    target: str = ""
    scheme: str = ""
    host: str = ""
    status: int | None = None
    answered: bool = False
    sent: list[tuple[str, str]] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)
    bodies: dict[bool, str] = field(default_factory=dict)

    def exchange(self) -> Exchange:
        """It as a value."""
        headers = tuple(self.sent)
        target = self.target
        if self.host and target.startswith("/"):
            target = f"{self.scheme}://{self.host}{target}" if self.scheme else target
            headers = headers if self.scheme else (*headers, ("Host", self.host))
        return Exchange(
            self.method.upper(), url_of(target, headers), headers, self.bodies.get(False, ""),
            math.nan, math.nan, status=self.status, response_headers=tuple(self.received),
            response_body=self.bodies.get(True, ""),
        )  # fmt: skip


def log_kind(text: str) -> str:
    """What kind of log it is, in words."""
    start = text[:200_000]
    return next((words for mark, words in KINDS if mark.search(start)), "a log of HTTP messages")


def log_exchanges(text: str) -> list[Exchange]:
    """The exchanges in a log; empty where no line says what was asked or answered. Never raises."""
    made: list[_Made] = []
    for number, line in enumerate(_plain_lines(text)):
        if len(made) > MOST or number > LINES:
            break
        _take(line[:LONGEST_LINE], made)
    return [one.exchange() for one in made if one.method or one.status]


def _take(line: str, made: list[_Made]) -> None:
    """One line: a request, an answer, header lines, a body, or nothing of these."""
    if NOISE.search(line) or not line.strip():
        return
    names = list(NAMED.finditer(line))
    head = line[: names[0].start()] if names else line
    request = None if "Request finished" in head and made else REQUEST.search(head)
    if request is None and (pseudo := PSEUDO.match(line)) is not None:
        return _pseudo(pseudo[1].lower(), pseudo[2].strip("\"'`,;"), made)
    if request is not None:
        method, target = request["method"] or request["net"], request["target"] or request["uri"]
        made.append(_Made(method, target))
        head = head[request.end() :]
        if request["status"]:
            _answered(int(request["status"]), made)
    status = STATUS.search(head)
    if status is not None and status.lastindex:
        _answered(int(status[status.lastindex]), made)
    if names:
        return _named(line, names, made)
    if request is None and status is None and made:
        _other(line, made[-1])


def _pseudo(name: str, value: str, made: list[_Made]) -> None:
    """A header of HTTP/2's own, or a line of a browser's like it."""
    if name in ("status", "status code"):
        return _answered(int(value[:3]), made) if re.match(r"\d{3}\b", value) else None
    part = {"path": "target", "url": "target", "authority": "host"}.get(name, name)
    if not made or made[-1].answered or getattr(made[-1], part):
        made.append(_Made())
    setattr(made[-1], part, value)
    return None


def _answered(status: int, made: list[_Made]) -> None:
    """A status: of the last request, where it has none yet."""
    if status < 200 and status != 101:
        return
    if not made or made[-1].status is not None:
        made.append(_Made())
    made[-1].status, made[-1].answered = status, True


def _named(line: str, names: list[re.Match[str]], made: list[_Made]) -> None:
    """The header lines that stand in one line of a log."""
    if not made:
        made.append(_Made())
    ends = [one.start() for one in names[1:]] + [len(line)]
    for match, end in zip(names, ends, strict=True):
        value = line[match.end() : end].strip()
        value = value.rstrip(" ,;]}") if len(names) > 1 or "[" in match[0] else value
        value = value.rstrip("\"'") if match[0].rstrip()[-1:] in "\"'" else value
        if (credential := CREDENTIAL.match(value)) is not None:
            value = credential[0]
        _add(match[1], value, made)


def _add(name: str, value: str, made: list[_Made]) -> None:
    """A header line: of the request or the answer, by its name, else by what was last."""
    last, known = made[-1], name.lower()
    asks = known in OF_REQUESTS_ONLY
    if asks and last.answered and any(one.lower() == known for one, _ in last.sent):
        made.append(last := _Made())
    answers = last.answered or (known in OF_ANSWERS and known != "date")
    (last.received if answers and not asks else last.sent).append((name, value))


def _other(line: str, last: _Made) -> None:
    """A header line of another name, the heading of some, or a body."""
    side = SIDE.search(line)
    if side is not None:
        last.answered = side[1].lower() == "response"
        return
    match = FIELD.match(line.strip())
    if match is not None and match[1].lower() not in LEVELS:
        (last.received if last.answered else last.sent).append((match[1], match[2].strip()))
        return
    if line.lstrip()[:1] == "&" and last.answered in last.bodies:  # a form over several lines
        last.bodies[last.answered] += line.strip()
        return
    start = BODY.search(line)
    body = line[start.start() :].strip() if start else ""
    if body[:1] == "g" or json_value(body) is not None:
        last.bodies.setdefault(last.answered, body)


def _plain_lines(text: str) -> Iterator[str]:
    """The lines without what certain libraries put around them."""
    if (start := re.search(r"^Request URL:?\n", text, re.M)) is not None:
        text = "\n".join(_paired(text[start.start() :].split("\n")))
    bare = re.search(r"http-outgoing-\d+ (?:>>|<<) [^\"\n]", text) is not None
    for line in text.split("\n"):
        apache, wire = APACHE.search(line), WIRE.search(line)
        if apache is not None:
            if not (bare and apache[1]):
                yield apache[2].rstrip(' "').removesuffix("[\\n]").removesuffix("[\\r]")
        elif wire is not None:
            yield from unescaped(wire[1] or wire[2] or "").replace("\r", "").split("\n")
        else:
            yield re.sub(r"^\s*header: ", "", line)


def _paired(lines: list[str]) -> Iterator[str]:
    """A browser's names and values, each in a line of its own, put together."""
    rest = iter(lines)
    for name in rest:
        bare = name.strip().rstrip(":")
        yield name if not bare or SIDE.search(bare) else f"{bare}: {next(rest, '').strip()}"
