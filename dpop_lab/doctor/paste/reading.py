"""An exchange while it is read, piece by piece, out of a text."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Self

from dpop_lab.doctor.paste.notation import objects_in
from dpop_lab.wire.message import Exchange
from dpop_lab.wire.syntax import returns, signs_in

DECODER = json.JSONDecoder()
BROWSER = re.compile(r"unsafe header|\bCORS\b|cross.origin request", re.I)
CODED = re.compile(r'\{\s*"error"\s*:\s*"(\w*)"\s*\}')
CHUNK_SIZE = re.compile(r"[0-9a-fA-F]{1,8}[ \t]*")
ASKED, ANSWERED, FAILED = "Sending", "Received", "Failed"  # sides, as a session log names them


@dataclass(slots=True)
class Reading:
    """An exchange as far as it was read, and where in it the reading is."""

    method: str = ""
    target: str = ""
    scheme: str = ""
    status: int | None = None
    reason: str = ""
    sent_at: float = math.nan
    ended_at: float = math.nan
    side: str = ASKED
    raw: str = ""  #: where in a raw message
    sided: bool = False  #: did a line say whose header lines follow?
    marked: bool = False  #: by a session log
    noted: bool = False  #: is it one line, with the status, as of an access log or a console?
    error: str = ""  #: what a server's words in it say
    fails: bool = False
    said: list[str] = field(default_factory=list)
    jwts: list[str] = field(default_factory=list)  #: proofs and tokens in no header line
    around: list[str] = field(default_factory=list)  #: lines of anything else
    headers: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    bodies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def exchange(self) -> Exchange:
        """It as a value."""
        url = url_of(self.target, self.headers[ASKED]) or self.target * returns(self.target)
        failure = self.body(FAILED).strip()[:300] or "no answer"
        body = self.body(ANSWERED)
        if body.lstrip()[:2] == "{'":  # as Python prints what came
            body = next((json.dumps(value, default=str) for _, _, value in objects_in(body)), body)
        if self.refuses and not body:
            body = json.dumps(refusal(self.error, "\n".join(filter(None, self.said))))
        return Exchange(
            self.method,
            f"{self.scheme}:{url}" if self.scheme and url[:2] == "//" else url,
            tuple(self.headers[ASKED]),
            self.body(ASKED).replace("\n&", "&"),  # a form over several lines
            self.sent_at,
            self.ended_at,
            status=self.status,
            reason=self.reason,
            response_headers=tuple(self.headers[ANSWERED]),
            response_body=body,
            failure=failure if self.side == FAILED else "",
        )

    @property
    def tells(self) -> bool:
        """Is there a request or an answer in it?"""
        return bool(self.method or self.jwts or self.answers or self.side == FAILED)

    @property
    def answers(self) -> bool:
        """Is there anything of an answer in it?"""
        known = self.status or self.refuses or self.headers[ANSWERED] or self.bodies[ANSWERED]
        return bool(known)

    @property
    def awaits_words(self) -> bool:
        """Is it a request whose answer, or what the server said in it, is not here yet?"""
        words = self.refuses or self.bodies[ANSWERED] or self.headers[ANSWERED]
        return bool(self.method or self.jwts) and not words and not 0 < (self.status or 0) < 400

    @property
    def proves(self) -> bool:
        """Is there a proof or a token in it, in a header line or by itself?"""
        return bool(self.jwts) or any(name.lower() == "dpop" for name, _ in self.headers[ASKED])

    @property
    def announces(self) -> bool:
        """Is it a sign-in's beginning, or a document that speaks of DPoP?"""
        return signs_in(self.target) or "dpop_" in "".join(self.bodies[ANSWERED])

    @property
    def awaits_request(self) -> bool:
        """Is there a proof or a token, and nothing of the request that they are for?"""
        return self.proves and not (self.method or self.target or self.answers or self.raw)

    def take(self, other: Self) -> None:
        """Have the answer that stands before this request, or what is said of it again."""
        self.error, self.fails = self.error or other.error, self.fails or other.fails
        self.said += other.said
        self.jwts += other.jwts
        self.status = self.status or other.status
        self.bodies[ANSWERED] += other.bodies[ANSWERED]
        for side in (ASKED, ANSWERED):
            self.headers[side] += other.headers[side]
        self.around += other.around

    def explained_by(self, words: Self) -> None:
        """Have the words that a server logged before this answer, which has a code at most."""
        code = CODED.fullmatch("".join(self.bodies.pop(ANSWERED, ())).strip())
        self.error = self.error or (code[1] if code else "")
        self.take(words)

    def told_again(self, other: Self) -> bool:
        """Is the other one what a client says of this very answer, as an exception does?"""
        if other.method or other.raw or any(other.headers.values()) or not other.status:
            return False
        both = self.bodies[ANSWERED] and other.bodies[ANSWERED]
        known = f"{self.error}{self.bodies[ANSWERED]}{self.headers[ANSWERED]}"
        new = other.error not in known and known.strip("[]")
        same = self.status == other.status or (self.status is None and other.status >= 400)
        return same and not both and not new

    @property
    def rank(self) -> int:
        """How much it tells of a request: its line alone, more than that, or as a message."""
        tells = self.refuses or self.jwts or any(self.headers.values()) or any(self.bodies.values())
        return 0 if self.noted and not tells else 1 if self.noted else 2

    def is_of(self, other: Self) -> bool:
        """Is the other one of the same request, and of the same answer?"""
        mine, theirs = (one.target.partition("?")[0] for one in (self, other))
        both = self.status and other.status and self.status != other.status
        ends = mine.endswith(theirs) or theirs.endswith(mine)
        return self.method == other.method and bool(mine and theirs) and ends and not both

    @property
    def refuses(self) -> bool:
        """Do words in it say that something was refused?"""
        return bool(self.error or (self.said and (self.fails or (self.status or 0) >= 400)))

    @property
    def is_reason(self) -> bool:
        """Is it words alone, such as the lines that a server logs before it answers?"""
        rest = self.method or self.status or self.jwts or self.bodies[ANSWERED]
        return self.refuses and not (rest or any(self.headers.values()))

    @property
    def lacks_reason(self) -> bool:
        """Is it a request that was refused without a word why, but for a code?"""
        body = "".join(self.bodies[ANSWERED]).strip()
        coded = not body or CODED.fullmatch(body) is not None
        refused = (self.status or 0) >= 400 and not self.raw
        return bool(self.method) and refused and coded and not any(self.said)

    def body(self, side: str) -> str:
        """A body without the sizes of its chunks, and the marks a session log puts before lines.

        Lines of chunks that were broken to fit are joined again; a sentence behind JSON is none
        of it.
        """
        lines = "\n".join(self.bodies[side]).strip("\n").split("\n")
        if len(lines) > 1 and CHUNK_SIZE.fullmatch(lines[0]):
            chunks = takewhile(lambda line: line.strip() != "0", lines)
            return "".join(line for line in chunks if not CHUNK_SIZE.fullmatch(line))
        text = "\n".join(re.sub(r"^\\(?=---- )", "", line) for line in lines)
        return text if self.marked else text[: _end_of_json(text)]

    @property
    def remark(self) -> str:
        """What whoever pasted it wrote behind the JSON of an answer."""
        text = "\n".join(self.bodies[ANSWERED]).strip("\n")
        return "" if self.marked else text[_end_of_json(text) :].strip()


def answered(made: list[Reading]) -> list[Reading]:
    """The exchanges: each request with the answer, the proof and the token that stand beside it."""
    found: list[Reading] = []
    for before, one in pairwise(made):
        one.around += before.around * (not before.tells)  # lines before the first request, say
    for one in reversed(_once(made)):
        answers = not one.method and (one.refuses or one.status) and not one.jwts
        if found and ((answers and found[-1].awaits_words) or found[-1].told_again(one)):
            found[-1].take(one)
        elif found and one.is_reason and found[-1].lacks_reason:
            found[-1].explained_by(one)
        elif one.tells:
            if found and found[-1].awaits_request and not one.jwts:
                one.jwts = found.pop().jwts
            found.append(one)
        elif found:  # lines of anything before it
            found[-1].around[:0] = one.around
    if any(one.raw and one.method for one in found):  # around raw messages are few others
        found = [one for one in found if one.raw or one.proves or one.announces]
    found = found[::-1]
    for before, one in pairwise(found):
        if before.method and not (before.status or before.refuses):  # as a gateway tells of it
            one.around = [*before.around, *one.around]
    return found


def _once(made: list[Reading]) -> list[Reading]:
    """Each answer once, though whoever got it may tell of it again, or a browser of hiding it."""
    found = made[:1]
    for one in made[1:]:
        last = found[-1]
        if last.told_again(one):
            last.take(one)
        elif last.rank != one.rank and last.is_of(one):  # a line of a log beside the request
            note, found[-1] = sorted((last, one), key=lambda each: each.rank)
            found[-1].take(note)
            found[-1].target = max(last.target, one.target, key=len)
        elif (one.status or one.error) and not last.status and BROWSER.search("".join(last.said)):
            one.around += last.said
            found[-1] = one
        else:
            found.append(one)
    return found


def _end_of_json(text: str) -> int:
    """Where the JSON object ends that a text begins with; the end of any other text."""
    try:
        return DECODER.raw_decode(text)[1] if text[:1] == "{" else len(text)
    except (ValueError, RecursionError):
        return len(text)


def refusal(error: str, words: str) -> dict[str, str]:
    """The members of a JSON error with this code and these words, as far as there are any."""
    told = {"error": error, "error_description": words}
    return {name: text for name, text in told.items() if text}


def url_of(target: str, headers: Iterable[tuple[str, str]]) -> str:
    """The URL of a request line; its scheme stays open where the target is a path."""
    if re.match(r"https?://", target, re.I):
        return target
    given = {name.lower(): value for name, value in headers if value}
    host = given.get("host") or given.get("x-forwarded-host", "").partition(",")[0]
    if host and target.lower().startswith(f"//{host.lower()}/"):  # as some servers log it
        return target
    return f"//{host}{target if target.startswith('/') else '/' + target}" if host else ""
