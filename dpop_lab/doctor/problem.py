"""One thing that is wrong, and what to do about it: at a row, or what no row asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from dpop_lab.checking import Check, Finding
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.faults import fault_of
from dpop_lab.doctor.url_mends import INNER
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.call import Call
from dpop_lab.show import Block, Card, Shown
from dpop_lab.show.values import cut, date, is_time, offset, shown

CAPITAL = re.compile(r"^[A-Z](?=[a-z]* )")  # of a sentence; names have more of them
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
OPEN = (
    "connection",
    "before",
    "own code",
    "invalid_request",
    "access_denied",
    "no binding",
    "too large",
    "web_page",
)  # topics of either side
#: Algorithms in words, behind a word that says what the server takes.
ALG = re.compile(r"\b(?:[EPR]S(?:256|384|512)|ES256K|EdDSA|Ed25519)\b")
TAKEN = re.compile(r"\b(?:support|allow|accept|expect|permit|one of|must be|only|wants?\b)", re.I)
#: What servers may say of words that stand in place of a token, or of a wrong scheme.
OF_A_TOKEN = (
    "scheme", "at_form", "ath", "any row", "invalid_token", "invalid_dpop_proof", "token form",
    "one_header", "bound_key", "no scheme", "invalid_request", "no binding",
)  # fmt: skip
#: Rows that fail where a proxy changes what it passes on.
KEPT_BACK = (rules.one_header.name, "scheme")
PROXY = (
    "This request came through a proxy or gateway: if the client sent it right, it changed the"
    " scheme or kept the DPoP header back, and has to pass both on as they came."
)


@dataclass(frozen=True, slots=True, repr=False)
class Problem(Shown):
    """One thing that is wrong, and what to do about it; what is not known of it is empty."""

    title: str
    action: str
    #: Where the rule is written.
    section: str = ""
    wanted: str = ""
    found: str = ""
    #: The name of the row that says so.
    row: str = ""
    #: How binding it is: `must`, `should` or `free`.
    grade: str = ""
    #: The rows, topics and error codes it accounts for: the server's words about them tell no more.
    explains: tuple[str, ...] = ()
    at_server: bool = False  #: Is it the server's fault?
    quoted: str = ""  #: the server's words, where it goes by them
    question: str = ""  #: that of the row
    guess: str = ""  #: `likely` where it goes by the words alone, `open` where these do not say

    @classmethod
    def at(
        cls, row: Check, said: str, action: str, wanted: str = "", found: str = "", defect: str = ""
    ) -> Self:
        """What fails at a row, in words, behind its name."""
        title = said if said.startswith(f"{row.name} ") else f"{row.name}: {said}"
        grade = row.graded(defect)
        return cls(title, action, row.section, wanted, found, row.name, grade)

    @classmethod
    def of(cls, finding: Finding, call: Call) -> Self:
        """What a row says that failed; a time has its date and the clock that decides beside it."""
        row, value, defect = finding.check, finding.found, finding.defect
        found = shown(value, 200)
        if row in (rules.fresh, not_expired) and is_time(value) and call.clock and date(value):
            time, whose = call.clock
            found += f" ({date(value)}, {offset(value, time)} {whose})"
        wanted = shown(finding.wanted, 200) if finding.wanted != "" else ""  # it is not known
        action = advise(finding, call)
        at_server = action.startswith(("The server", "The issuer"))  # such advice says who has to
        said = fault_of(finding, call, at_server=at_server)
        problem = cls.at(row, said, action, wanted, found, defect)
        guess = "likely" * (action == INNER.format(finding.wanted))
        problem = replace(problem, question=row.question, at_server=at_server, guess=guess)
        names = [name.lower() for name, _ in call.headers]
        if row.name in KEPT_BACK and any(one.startswith("x-forwarded-") for one in names):
            return replace(problem, action=f"{action} {PROXY}", guess="open")
        return problem

    @property
    def fault(self) -> str:
        """Whose fault it is: client, server, nobody (a person said no), as far as that is told."""
        if "access_denied" in self.explains:
            return "nobody's fault"
        if self.guess == "open":
            return "the fault of client or server"
        if self.row == rules.nonce.name and not self.at_server:
            return "the client's turn"
        whose = "the server's fault" if self.at_server else "the client's fault"
        return f"most likely {whose}" if self.guess else whose

    @property
    def said(self) -> str:
        """The title as it goes on behind a colon, in small letters where it is no name."""
        return CAPITAL.sub(lambda first: first[0].lower(), self.title)

    @property
    def card(self) -> Card:
        """The title over what to do, and what the row wanted and found."""
        facts = (
            ("what to do", self.action),
            ("the server said", self.quoted),
            ("wanted", self.wanted),
            ("found", self.found),
            ("question", self.question),
            ("section", ", ".join(filter(None, (self.section, self.grade)))),
        )
        return Card(f"{self.fault[0].upper()}{self.fault[1:]}: {self.said}", "failed", facts)

    def blocks(self) -> Iterator[Block]:
        """The card alone."""
        yield self.card


def unsupported_alg(call: Call, taken: Sequence[object], where: str) -> Iterator[Problem]:
    """The proof's algorithm, where a server's text names others that it takes."""
    mine = call.proof.header.get("alg")
    if isinstance(mine, str) and taken and mine not in taken:
        named = " ".join(map(str, taken))
        yield Problem.at(
            rules.alg,
            f"{shown(mine, 40)[1:-1]} is not among the algorithms that {where} names",
            f"Sign with one of {cut(repr(named)[1:-1], 100)}, with a fitting key.",
            shown(named, 200),
            shown(mine, 200),
            "unsupported",
        )


def algs_told(call: Call) -> tuple[str, str]:
    """The algorithms that a challenge, or words, say the server takes; and what to do."""
    algs = " ".join(one.parameters.get("algs", "") for one in call.challenges or ())
    words = TAKEN.search(call.description)
    algs = algs or (call.description[words.start() :] if words else "")
    if not (taken := [*dict.fromkeys(ALG.findall(algs))]):
        return "", ""
    one = "" if len(taken) == 1 else "one of "
    return f"it takes {', '.join(taken)}", (
        f"Sign with {one}{', '.join(taken)}, with a key of that kind; tokens that are bound to the"
        " other key must be fetched anew."
    )
