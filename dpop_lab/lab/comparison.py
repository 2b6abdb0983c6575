"""Two answers to each change, how far they are apart, and how that is shown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dpop_lab.lab.catalogue import CHANGES, LISTED
from dpop_lab.lab.catalogue.places import (
    API,
    API_NONCE,
    PLACES,
    TOKEN_ENDPOINT,
    TOKEN_ENDPOINT_NONCE,
)
from dpop_lab.session.answer import members_in
from dpop_lab.session.call import Call
from dpop_lab.show import Block, Note, Shown, Table, as_text
from dpop_lab.show.values import cut, printable

ONE_ACCEPTS = "accepted by one alone"
DIFFERENT = "answered differently"
WORDED = "worded differently"
SAME = "answered alike"
KINDS = (ONE_ACCEPTS, DIFFERENT, WORDED, SAME)
NOT_ASKED = "not asked"
DEMANDS_NONCE = {API: API_NONCE, TOKEN_ENDPOINT: TOKEN_ENDPOINT_NONCE}  # the same, but for that
FEW = 12  # changes that are explained: ten that were named, and the honest ones before them
LONGEST = 160  # characters of an answer in a table
NO_CALL = Call()


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """What two servers answered, `a` and `b`, to one change at one place, or why one was not asked.

    Accepted is a status below 300, at a token endpoint with an access token. Two answers differ by
    status, error or token_type, and in their words by description or challenge.
    """

    change: str
    to: str
    a: Call = NO_CALL
    b: Call = NO_CALL
    #: A or B, and why it can't be asked; empty when both were.
    of: str = ""
    why: str = ""

    @property
    def kind(self) -> str:
        """One of `KINDS`, how far the answers are apart, or `NOT_ASKED`."""
        if self.why:
            return NOT_ASKED
        (a_accepts, a), (b_accepts, b) = outcome(self.a, self.to), outcome(self.b, self.to)
        if a_accepts != b_accepts:
            return ONE_ACCEPTS
        if a != b:
            return DIFFERENT
        return SAME if _wording(self.a) == _wording(self.b) else WORDED

    @property
    def title(self) -> str:
        """The change in plain words."""
        return CHANGES[self.change].title

    def words(self, *, description: bool = True) -> list[str]:
        """Both answers, in a line each."""
        answers = (told(one, self.to, description=description) for one in (self.a, self.b))
        return [cut(words, LONGEST) for words in answers]

    def __repr__(self) -> str:
        answers = " / ".join(self.words()) if not self.why else f"of {self.of}, {self.why}"
        return printable(f"{self.change} at {self.to}: {self.kind}: {answers}")


def outcome(answered: Call, to: str) -> tuple[bool, str]:
    """Was it accepted? And its status, with an error or a token_type that is not DPoP."""
    accepts, what = 200 <= (answered.status or 0) < 300, answered.error
    if accepts and PLACES[to].client_id:
        accepts = isinstance(members_in(answered.exchange.response_body).get("access_token"), str)
        kind = (answered.token_type.lower() or "token of no type") if accepts else "no access token"
        what = "" if kind == "dpop" else kind
    return accepts, f"{answered.status} {what}".rstrip()


def told(answered: Call, to: str, *, description: bool = True) -> str:
    """An answer in a line: status, error or token_type, description."""
    accepts, said = outcome(answered, to)
    if not accepts and answered.challenge and not answered.error:
        said += " a bare challenge"
    if description and answered.description:
        said += f" “{answered.description}”"
    return said


def _wording(answered: Call) -> object:
    challenges = answered.challenges or ()
    return answered.description, [(one.scheme, dict(one.parameters)) for one in challenges]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(Shown):
    """What two servers, named `a` and `b`, answered to the same changes; iterating gives the rows.

    `tried` is in the order of the catalogue. `cause` is the error that ended it before the end.
    """

    a: str
    b: str
    tried: tuple[Compared, ...] = ()
    cause: BaseException | None = None

    @property
    def rows(self) -> tuple[Compared, ...]:
        """What both servers were asked."""
        return tuple(one for one in self.tried if not one.why)

    @property
    def not_asked(self) -> tuple[Compared, ...]:
        """What one of them can't be asked."""
        return self.of(NOT_ASKED)

    def __iter__(self) -> Iterator[Compared]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, kind: str) -> tuple[Compared, ...]:
        """The rows of one of `KINDS`."""
        return tuple(one for one in self.tried if one.kind == kind)

    @property
    def differences(self) -> tuple[Compared, ...]:
        """The rows that one alone accepts, then those that are otherwise answered differently.

        What differs in wording alone is none.
        """
        return self.of(ONE_ACCEPTS) + self.of(DIFFERENT)

    @property
    def stopped(self) -> str:
        """Why it came to an end before the end, else empty."""
        if isinstance(self.cause, Exception):
            return printable(str(self.cause))
        return f"interrupted after {len(self)} changes" if self.cause else ""

    @property
    def summary(self) -> str:
        """How many there are of each kind."""
        counts = ", ".join(f"{len(self.of(kind))} {kind}" for kind in KINDS)
        return f"{len(self)} asked: {counts}; {len(self.not_asked)} not asked."

    def as_json(self) -> dict[str, Any]:
        """All of it for `json.dumps`."""
        return {
            **_members(self, "a", "b", "stopped"),
            "counts": {kind: len(self.of(kind)) for kind in KINDS},
            "rows": [
                {
                    **_members(row, "change", "title", "to", "kind"),
                    "a": _answer_as_json(row.a, row.to),
                    "b": _answer_as_json(row.b, row.to),
                }
                for row in self.rows
            ],
            "not_asked": [_members(one, "change", "to", "of", "why") for one in self.not_asked],
        }

    def text(self, *, everything: bool = False) -> str:
        """A table for a terminal of 100 characters, without the descriptions of the answers.

        What differs in wording alone, what does not differ, and what was not asked is counted, and
        listed with `everything`.
        """
        return as_text(self.blocks(description=False, everything=everything))

    def __repr__(self) -> str:
        return self.text()

    def blocks(self, *, description: bool = True, everything: bool = False) -> Iterator[Block]:
        """How many there are of each kind, and a table for each kind of difference.

        The answers are told with or without their descriptions.
        """
        yield Note(f"A is {self.a}, B is {self.b}\n{self.summary}")
        meanings = {row.change: row.title for row in self.rows}
        few = len(meanings) <= FEW
        for name, title in meanings.items() if few else ():
            yield Note(f"{name}: {title}")
        head = ("Change", "At the", f"A: {self.a}", f"B: {self.b}")
        for kind in KINDS if everything else KINDS[:2]:
            if rows := _merged(self.of(kind), description=description or kind == WORDED):
                yield Table(kind.capitalize(), rows, head, code=head[2:])
        reasons = [(f"of {one.of}, {one.why}", one.change) for one in self.not_asked]
        for why in dict.fromkeys(why for why, _ in reasons):
            names = dict.fromkeys(name for reason, name in reasons if reason == why)
            yield Note(f"Not asked {why}: {', '.join(names) if everything else len(names)}")
        if self.stopped:
            yield Note(f"Stopped: {self.stopped}")
        if not few:
            yield Note(LISTED)


def _members(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _answer_as_json(answered: Call, to: str) -> dict[str, Any]:
    said = _members(answered, "status", "error", "description", "challenge")
    return said | {"accepted": outcome(answered, to)[0]}


def _merged(rows: Iterable[Compared], *, description: bool) -> tuple[tuple[str, ...], ...]:
    """Change, places, and both answers in words: one row where places answer alike."""
    places: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        answers = row.words(description=description)
        places.setdefault((row.change, *answers), []).append(row.to)
    return tuple((change, _together(at), *answers) for (change, *answers), at in places.items())


def _together(places: list[str]) -> str:
    """Places in a line, in which one that is there with and without nonce stands once."""
    line = ", ".join(sorted(places))
    for plain, nonce in DEMANDS_NONCE.items():
        line = line.replace(f"{plain}, {nonce}", f"{plain} with and without nonce")
    return line
