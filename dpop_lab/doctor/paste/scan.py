"""Exchanges in any text: known pieces of messages wherever they stand, put together in order.

A raw message, in a session log or by itself, is read strictly from its first line to its end;
elsewhere a line counts for what looks like a piece of a message in it.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.doctor.paste.jwts import MOST_JWTS, PROOF, TOKEN, is_refresh, kind_of, paired
from dpop_lab.doctor.paste.notation import objects_in
from dpop_lab.doctor.paste.pasted import PROVING, document_in, with_headers
from dpop_lab.doctor.paste.raw import (
    header_line,
    json_text,
    note_status,
    only_headers,
    other_line,
    part_line,
    raw_line,
)
from dpop_lab.doctor.paste.reading import ANSWERED, ASKED, Reading, answered
from dpop_lab.doctor.paste.refusals import FRAME, PROSE, RECEIVED, TESTED, words_in
from dpop_lab.doctor.paste.unwrap import METHODS, forms_sent, logged_lines, without_escapes
from dpop_lab.doctor.paste.values import exchange_in
from dpop_lab.session.answer import json_value
from dpop_lab.session.call import NOTHING, Call
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.wire.message import Exchange, first
from dpop_lab.wire.syntax import signs_in

NAMES = (
    "Authorization|DPoP-Nonce|DPoP|WWW-Authenticate|Host|Date|Content-Type|Cookie"
    r"|X[-_]Forwarded[-_]\w+"
)
HIDDEN = r"<[a-z_]{1,30}[ ]\d{1,6}>"  # what stands in a URL for a secret
PIECE = re.compile(  # of a message, wherever it stands in a line
    rf"""(?:Start|End)[ ]processing[ ]HTTP[ ]request.*|(?:-->|<--)[ ]END.*  # which is said twice
    | (?:HTTP/\d(?:\.\d)?"?\s+|<--[ ]|<-[ ]|Received[ ]HTTP[ ]response\b.{{0,60}}[ ]-[ ]
        |Request[ ]finished\b(?:(?![ ]-[ ]|Request[ ]f).)*+[ ]-[ ]|StatusCode:[ ]|\bresponse:?[ ]
        |\bstatus(?:[ _-]?code)?["']?\s*+(?:[:=]\s*+)?["']?
        |(?:->|=>|→|←|returned|answered|gave|got)\s+(?:an?\s+)?(?:HTTP\s+)?)(?P<status>\d{{3}})\b
    | \b(?P<named>2\d\d)(?=[ ](?:OK|Created|No[ ]Content)(?:$|,))
    | (?P<weak>[45]\d\d)\b(?:(?<=^...)(?=$|[ ](?:[A-Z{{"]|[a-z]+_))|(?<=[\w"'\])}}>:,|.-][ ]...))
      (?:$|(?=[ ](?:\([A-Z]|Bad[ ]R|Unauthori|Forbidden|DPoP|\{{|[a-z]+_))
        |(?<=(?:HTTP|ives|with|ails|rror|code|said|..[a-z][,:])[ ]...))
    | \b(?:Method:[ ])?(?P<method>{METHODS})(?:,[ ]RequestUri:[ ]'|["']?,?[ ]+["']?)
      (?P<target>(?:https?://|/|\{{\{{)(?:[^\s"'`<>,]|{HIDDEN})*)
    | (?:^|(?<=[\s:>|\[({{"'`,]))
      (?!DPoP:(?:(?!ey)[:a-z]|[ \t]+(?:\w+=|(?!(?:your|my|the|insert|put)\b)[a-z]{{2,20}}[,:]?
        [ \t]+\S)))
      (?P<name>{NAMES})["']?[ \t]*(?:=>|[:=])[ \t]*\[?["']?
      (?P<value>(?<=')[^']*+|(?<=")(?:[^"\\]|\\.)*+
        |(?:(?:DPoP|Bearer)[ \t]+)?(?:ey[\w.=+/…-]++|<[\w -]{{1,40}}>)
          (?=["'}}\])]|[,;.]?\s+(?!ey)\S)
        |(?<=\[)[^\]]*+|.*?(?=[ ,;](?:{NAMES})[:=]|,[ ][a-z]+-[\w-]+=|$))
    | (?<![\w"'/-])(?P<challenge>(?:DPoP|Bearer)[ \t]+(?:\.\.\.[ \t]*)?
        (?:algs|error(?:_description)?|realm|scope)=
        (?:"(?:[^"\\]|\\.)*+"|[^"\n])*+)
    | (?<![\w.-])(?P<jwt>ey[\w-]{{8,}}\.[\w-]+(?:\.[\w-]*)?)
    | ^\s*(?::|Request[ ])?(?P<part>method|path|authority|scheme|ur[il])\s*:\s*(?P<word>\S+)
    | \b(?P<side>request|response)[ ]headers?\b\W*$""",
    re.X | re.I,
)
CONTINUED = re.compile(r",[ \t]*\n[ \t]+(?=[a-z_]+=\")")  # a challenge over several lines
ORIGIN = re.compile(r'(?<!=")(?<!=\\")\b(https?)://([\w.-]+)')  # not that of a realm
THEN = re.compile(r"[ ]([2-5]\d\d)(?=[ ]*$|[ ](?:\d|[a-z-]+:))")  # what came of it, in its line
URL = re.compile(rf"\b[a-z][\w+.-]{{1,60}}+:/(?:[^\s\"'<>]|{HIDDEN})++")  # or one of an app
FORM = re.compile(r"grant_type=[^&\s=]{1,90}+&\S++")
SCHEME = re.compile(r"\b(?:DPoP|Bearer) \Z")  # before a token in a sentence
STATUSES = {"status", "named", "weak"}
MOST, AROUND = 1000, 2000  # messages; characters of the lines beside one
Told = tuple[Exchange, Call]  # with the lines and the JWTs that stand beside it


def scanned(text: str) -> list[Told]:
    """The exchanges that a text tells of, in their order, each with what stands beside it.

    Never raises. What a server says belongs to the request that it stands behind, or else before.
    """
    lines = logged_lines(forms_sent(RECEIVED.sub(r"\1, ", CONTINUED.sub(", ", text))))
    text = "\n".join(map(without_escapes, lines)) + "\n"
    made, at, objects = [Reading()], 0, deque(objects_in(text))
    while at < len(text) and len(made) <= MOST:
        end = text.index("\n", at)
        while objects and objects[0][0] < at:
            objects.popleft()
        start, after, value = objects[0] if objects else (end, end, {})
        if raw_line(text[at:end], made):
            at = end + 1
        elif start < end and (told := [*_exchanges(value)]):
            _loose_line(text[at:start].rstrip(), made)
            for exchange in told:
                _object(exchange, made)
            made[-1].around += [f"{one}={value[one]}" for one in value if one[-3:] == "jti"]
            at = after
        elif start < end and (said := [one for one in value.values() if _is_line(one)]):
            _loose_line(text[at:start], made)
            for line in "\n".join(said).split("\n"):  # a log that a collector put into objects
                _loose_line(line, made)
            at = after
        else:
            _loose_line(text[at:end], made)
            at = end + 1
    schemes = {host: scheme for scheme, host in ORIGIN.findall(text)}
    found = answered(made)
    for one in found:
        one.scheme = one.scheme or schemes.get(first(tuple(one.headers[ASKED]), "Host"), "")
    return [(one.exchange(), _beside(one)) for one in found]


def _exchanges(value: object, levels: int = 3) -> Iterator[Exchange]:
    """The exchanges that an object tells of, or else what stands in it."""
    if isinstance(value, Mapping) and (found := exchange_in(value) or _proving(value)):
        yield found
    elif document_in(value):
        yield replace(NOTHING, response_body=json_text(value))
    elif levels and isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _exchanges(one, levels - 1)


def _proving(value: Mapping[Any, Any]) -> Exchange | None:
    """Header lines of a request with a proof or a token, by their names."""
    proves = {str(name).lower() for name in value} & PROVING
    return with_headers(only_headers(value)) if proves else None


def _beside(one: Reading) -> Call:
    """What stands beside an exchange: lines, a proof and the access token that goes with it."""
    said = one.said * bool(one.bodies[ANSWERED])  # the body tells more
    known = Call(
        around="\n".join(filter(None, [*one.around, one.target, *said, one.remark]))[:AROUND]
    )
    jwts = paired({text: kind_of(text) for text in one.jwts[:MOST_JWTS]})
    return replace(jwts[0], around=known.around, name="") if jwts else known


def _is_line(value: object) -> bool:
    """Is it a line of a log, that tells of something by itself?"""
    return isinstance(value, str) and " " in value and words_in(value) is not None


def _loose_line(line: str, made: list[Reading]) -> None:
    """A line of anything: requests, answers, header lines, a body, or nothing of these."""
    if FRAME.match(line):
        made[-1].around.append(line.strip())
        return
    of_a_form, tested = "grant_type=" in line, TESTED.search(line)  # a token there is a value
    pieces = [one for one in PIECE.finditer(line) if not (tested or (of_a_form and one["jwt"]))]
    kinds = [piece.lastgroup for piece in pieces]
    if kinds.count("target") == 1:  # a status before it is its own
        pieces.sort(key=lambda piece: piece.lastgroup != "target")
    for piece in pieces:
        kind = piece.lastgroup
        if kind == "target":
            _asked(piece, None if STATUSES & {*kinds} else THEN.match(line, piece.end()), made)
            made[-1].noted = bool(made[-1].status or STATUSES & {*kinds})
            made[-1].sided = line.startswith("--> ")  # whose header lines follow
        elif kind == "jwt":
            _jwt(piece, made)
        elif kind in STATUSES:
            note_status(int(piece[kind]), made)
        elif kind == "challenge":
            header_line("WWW-Authenticate", piece["challenge"], made)
        elif kind == "value":
            header_line(piece["name"], piece["value"].strip(), made)
        elif kind == "word":
            part_line(piece["part"].lower(), piece["word"].strip("\"'`,;"), made)
        elif kind == "side":
            made[-1].side = ANSWERED if piece["side"].lower() == "response" else ASKED
            made[-1].sided = True
    form = FORM.search(line) if made[-1].method and not made[-1].bodies[ASKED] else None
    if form:
        made[-1].bodies[ASKED].append(form[0].rstrip("\"',)]"))
    asks = signs_in(line) or (WELL_KNOWN in line and URL.fullmatch(line.strip(" `<>:#*-")))
    for url in URL.findall(line) if asks and {*kinds} <= {"jwt"} else ():
        made.append(Reading("GET", url))  # an authorization request, or its answer
    if not (pieces or form) and made[-1] != Reading():
        other_line(line, made[-1])
    _words((line if tested else PIECE.sub(" ", line)).strip(), made)


def _asked(piece: re.Match[str], then: re.Match[str] | None, made: list[Reading]) -> None:
    """A method and what it was asked of, with the status that came of it."""
    if not made[-1].awaits_request:
        made.append(Reading())
    made[-1].method, made[-1].target = piece["method"].upper(), piece["target"].rstrip(":")
    if then:
        note_status(int(then[1]), made)


def _object(told: Exchange, made: list[Reading]) -> None:
    """A request, an answer or both, as an object tells of them: of the last request, or another."""
    last = made[-1]
    asked = told.method or (told.url and told.status)
    again = asked and (last.method or last.status or signs_in(last.target))
    if again or (told.request_headers and last.headers[ASKED] and (last.method or last.status)):
        made.append(last := Reading())
    last.method, last.target = told.method or last.method, told.url or last.target
    last.headers[ASKED] += told.request_headers
    last.bodies[ASKED] += [told.request_body] * bool(told.request_body)
    if not (told.status or told.response_headers or told.response_body or told.failure):
        return
    known = last.bodies[ANSWERED] or (last.error and last.said)
    if (last.status and told.status) or (known and (told.response_body or not told.method)):
        made.append(last := Reading())
    last.status = told.status or last.status
    last.headers[ANSWERED] += told.response_headers
    if isinstance(body := json_value(told.response_body), dict) and last.said:
        body = {"error_description": "\n".join(last.said), **body}  # words before belong to it
    if told.response_body:
        last.bodies[ANSWERED].append(json.dumps(body) if body else told.response_body)
    last.side = ANSWERED


def _words(line: str, made: list[Reading]) -> None:
    """What a server says in a line, beside what it said before; of other lines a note is kept."""
    words, last = words_in(line) if line else None, made[-1]
    if words is None or f'"{words.error}"' in "".join(last.bodies[ANSWERED]):
        last.around += [line] * any(map(str.isalnum, line))  # or told again, by the client
        return
    if words.error and (last.bodies[ANSWERED] or last.error not in ("", words.error)):
        made.append(last := Reading())
    last.error, last.fails = last.error or words.error, last.fails or words.fails
    last.said += [words.text] * (words.text not in last.said)
    last.around += [line] * (len(line) > max(PROSE, len(words.text) + 60))  # what was cut off


def _jwt(found: re.Match[str], made: list[Reading]) -> None:
    """A proof or a token in no header line: of the last request, or another one's proof."""
    scheme = SCHEME.search(found.string, max(0, found.start() - 8), found.start())
    if is_refresh(found):
        return
    if scheme and kind_of(found[0]) == TOKEN:
        header_line("Authorization", f"{scheme[0]}{found[0]}", made)
        return
    last, is_proof = made[-1], kind_of(found[0]) == PROOF
    others = [one for one in last.jwts if is_proof and kind_of(one) == PROOF]
    known = [*others, *(name for name, _ in last.headers[ASKED] if is_proof and name == "DPoP")]
    if found[0] not in others and (known or last.answers):
        made.append(last := Reading())
    last.jwts.append(found[0])
