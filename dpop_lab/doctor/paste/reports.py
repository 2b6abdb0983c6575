"""Reports of dpop-lab, pasted back: read as the requests that they are about."""

import ast
import re
from contextlib import suppress
from itertools import islice

from dpop_lab.doctor.paste.decoded import CLAIMS, HEADER, Jwt, of_jwts
from dpop_lab.doctor.paste.jwts import PROOF, TOKEN
from dpop_lab.doctor.paste.pasted import MOST, OF_THE_DEMO, Pasted, merged
from dpop_lab.doctor.paste.unwrap import METHODS
from dpop_lab.session.call import Call

DEMO = "From a key to an accepted call: "
BEGINS = re.compile(r"\s*(?:\S )?(?:This is |Exchange \d)")
DETAILS = re.compile(r"^\W*Details\W*$", re.M)
ASKED = re.compile(
    rf"^(?:\S )?(?:exchange \d+ of \d+: )?(?P<method>{METHODS}) (?P<url>https?://\S+?)\.?"
    r"(?: \w+ \((?P<status>\d{3})(?: (?P<error>\w+))?\).*)?$",
    re.M,
)
FAILED_ROW = re.compile(r"^[ \t]*✗ (\w+): [^\n]+\? No: [\w ]+$", re.M)
KIND = "a shortened report of dpop-lab"
VERDICT = re.compile(r"\((?P<status>\d{3})(?: (?P<error>[a-z_]+))?\)")
SAID = re.compile(r"error_description=('[^'\n]*+'|\"[^\"\n]*+\")|“([^“”\n]*+)”")
TITLES = {"The proof": PROOF, "The access token": TOKEN}
MEMBER = re.compile(r"^  (header|claims)\.(\w+) +('[^'\n]*'|\{[^\n]*\}|-?\d+|[^\n]*)", re.M)
COLOUR, BOLD = re.compile(r"\x1b\[\d*m"), re.compile(r"^\*\*(.*)\*\*\n*", re.M)
CELLS, ESCAPED = re.compile(r"^\| ([^|\n]*) \| (.*) \|$", re.M), re.compile(r"\\([^A-Za-z0-9\s])")
ENTRY = re.compile(
    r"^\d\d:\d\d:\d\d ([✓✗]) ([A-Z]{1,20} /[^\n]*)((?:\n +(?:row|wanted|found|change) +\S[^\n]*)*)",
    re.M,
)
FACT = re.compile(r"^ +(row|wanted|found|change) +(\S[^\n]*)", re.M)


def report_in(text: str) -> Pasted | None:
    """The calls of a report, or what `serve --explain` told; None for any other text."""
    text = COLOUR.sub("", text)
    if text.lstrip().startswith(DEMO):
        return Pasted(kind=OF_THE_DEMO)
    if entries := ENTRY.findall(text):
        return _explained(entries)
    if text.startswith("**"):  # in Markdown
        text = ESCAPED.sub(r"\1", CELLS.sub(r"  \1  \2", BOLD.sub(r"\1\n", text)))
    details, rows = DETAILS.search(text), FAILED_ROW.findall(text)
    if details is None and rows:  # of a server, as the demo and the bench print it
        return Pasted(kind=KIND, calls=(Call(description=f"refused by the row {rows[-1]}"),))
    if details is None or not BEGINS.match(text):
        return None
    head, body = text[: details.start()], text[details.end() :]
    marks = [*islice(ASKED.finditer(body), MOST)]
    ends = [*(mark.start() for mark in marks[1:]), len(body)]
    calls = []
    for mark, end in zip(marks, ends, strict=True):
        told = body[mark.start() : end]
        verdict = mark if mark["status"] else VERDICT.search(head) if len(marks) == 1 else None
        said = SAID.search(told) or (SAID.search(head) if len(marks) == 1 else None)
        call = Call(
            method=mark["method"],
            url=mark["url"],
            status=int(verdict["status"]) if verdict else None,
            error=(verdict["error"] or "") if verdict else "",
            description=(said[1] or said[2]).strip("'\"") if said else "",
        )
        decoded = [one for one in map(_jwt, re.split(r"\n\n+", told)) if one]
        calls.append(merged(call, of_jwts(decoded)))
    return Pasted(kind=KIND, calls=tuple(calls)) if calls else None


def _explained(entries: list[tuple[str, str, str]]) -> Pasted:
    """What was told of several requests, the last refusal first."""
    from dpop_lab.doctor.documents import Document  # such a paste is rare
    from dpop_lab.doctor.problem import Problem

    problems = []
    for mark, said, facts in reversed(entries[-MOST:]):
        told = dict(FACT.findall(facts))
        row, _, section = told.get("row", "").partition(": ")[0].partition(", ")
        wanted, found = (told.get(name, "")[:400] for name in ("wanted", "found"))
        if mark == "✗":
            action = told.get("change", "")[:2000]
            problems.append(Problem(said[:400], action, section[:100], wanted, found, row[:40]))
    kind = f"what dpop-lab serve --explain told of {len(entries)} request{'s' * (len(entries) > 1)}"
    return Pasted(kind=kind, documents=(Document(kind, "", (), tuple(problems)),))


def _jwt(table: str) -> Jwt | None:
    """A proof or a token as its table in a report shows it."""
    kind = TITLES.get(table.lstrip("\n").partition("\n")[0])
    if kind is None:
        return None
    jwt = Jwt(kind, {CLAIMS: {}}, listed=True)
    for part, name, text in MEMBER.findall(table):
        value: object = text
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(text)
        if name != "jwk":
            jwt.parts[part] = {**jwt.parts.get(part, {}), name: value}
    if header := jwt.parts.pop(HEADER, None):
        jwt.parts[HEADER] = {"jwk": "<jwk>", **header}
    return jwt
