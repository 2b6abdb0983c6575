"""One call with all that was found, and what several calls tell once."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dpop_lab.checking import Finding, Report
from dpop_lab.doctor.paste.pasted import OF_THE_DEMO, Pasted
from dpop_lab.doctor.problem import Problem
from dpop_lab.proof import rules
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import Call

if TYPE_CHECKING:
    from dpop_lab.doctor.documents import Document

KEY_TOPICS = {"code key", "refresh key", "bound_key"}
AGAIN = "A later exchange has the same fault."
ECHO = "Another exchange tells the reason of this status."
REFUSAL = re.compile(
    r"\b(?:invalid_dpop_proof|use_dpop_nonce|invalid_token|401 unauthorized)\b"
    r"|dpop proof\b.{0,40}\b(?:invalid|fail\w*|mismatch\w*|reject\w*)"
)  # fmt: skip
#: One of these stands in whatever `REFUSAL` finds; a search for them takes no time.
WITHIN = ("invalid_dpop_proof", "use_dpop_nonce", "invalid_token", "401 unauthorized", "dpop proof")
SILENT = (("status",), ("before",))  # what a finding explains that goes by the status alone


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Examined:
    """A call with what was found: what the rows say, what is wrong, and remarks that are none."""

    call: Call
    #: whose rows were asked
    policy: Policy
    reports: tuple[Report, ...] = ()
    #: of each row that could not be asked, what to give so that it can
    missing: Mapping[str, str] = field(default_factory=dict)
    #: what fails under RFC_9449 alone
    stricter: tuple[Finding, ...] = ()
    #: the worst first
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def findings(self) -> dict[str, Finding]:
        """What was found by the rows that were asked, by their names, in the order asked."""
        return {one.check.name: one for report in self.reports for one in report.findings}

    @property
    def failures(self) -> list[Finding]:
        """The findings that failed."""
        return [one for one in self.findings.values() if one.mark == "failed"]

    @property
    def of_words_alone(self) -> bool:
        """Are there words of a refusal, and nothing of the request or its status?"""
        call = self.call
        return call.refused and not (call.method or call.status or call.is_proof or call.token)

    @property
    def outcome(self) -> str:
        """What happened, in a few words."""
        call = self.call
        if call.refused:
            word = "Refused"
        elif call.status is None:
            word = "No answer" if call.exchange.failure else "Looked at"
        else:
            word = "Accepted" if call.status < 300 and call.place else "Answered"
        return f"{word} ({call.said})" if call.said else word

    @property
    def verdict(self) -> str:
        """What happened and why, in a line."""
        asked, more = len(self.findings), len(self.problems) - 1
        if self.problems:
            return f"{self.outcome}: {self.problems[0].title}" + (f" ({more} more)" if more else "")
        if self.call.refused:
            return f"{self.outcome}. {self.remarks[0]}" if self.remarks else self.outcome
        rows = "one row" if asked == 1 else f"{asked} rows"
        told = f", as far as {rows} can tell" if asked else " with what can be seen"
        return f"{self.outcome}: nothing is wrong{told}."


def explained_beside(
    examined: Iterable[Examined], documents: "Iterable[Document]"
) -> Iterator[Examined]:
    """Each call without the problems that those of a document beside it explain."""
    known = {name for one in documents for each in one.problems for name in each.explains}
    for one in examined:
        left = (each for each in one.problems if not known & {*_topic(each)})
        yield replace(one, problems=tuple(left)) if known else one


def told_once(examined: list[Examined]) -> Iterator[Examined]:
    """Each call without what a finding of another one says, or says better."""
    by_words = {name for one in examined for each in one.problems for name in _topic(each)}
    lost = {"lost key"} if by_words & KEY_TOPICS else set[str]()
    known = [(one.call.status, problem) for one in examined for problem in one.problems]
    clear = {status for status, problem in known if problem.explains not in SILENT}
    seen = [problem for _, problem in known if not problem.guess]
    explained = {name for each in seen for name in (each.row, *each.explains)} - {""}
    told = any(each.row for one in examined if one.of_words_alone for each in one.problems)
    actions = tuple(problem.action for _, problem in known if problem.action)
    again = set[tuple[str, ...]]()  # causes that a later exchange has, too
    for one in reversed(examined):
        kept_back = [each for each in one.problems if not lost.isdisjoint(_topic(each))]
        new = [each for each in one.problems if _cause(each) not in again and each not in kept_back]
        again |= {_cause(each) for each in one.problems}
        left = [each for each in one.problems if each.explains not in SILENT]
        echo = bool(one.problems and not left and {one.call.status, None} & clear)
        if one.of_words_alone:  # which evidence elsewhere accounts for
            topics = {name for each in one.problems for name in each.explains[:1]}
            echo = echo or not topics.isdisjoint(explained)
        if told and not one.call.is_proof:  # a line beside it names the row
            echo = echo or {each.explains for each in one.problems} == {("any row",)}
        notes = [ECHO] * bool(echo) + [AGAIN] * (len(new) + len(kept_back) < len(one.problems))
        notes += [f"This may be why: {each.quoted}" for each in kept_back if each.quoted]
        remarks = [each for each in one.remarks if not each.endswith(actions)]
        yield replace(one, problems=() if echo else tuple(new), remarks=(*remarks, *notes))


def _topic(one: Problem) -> tuple[str, ...]:
    """What a finding is about that goes by words alone; empty for another one."""
    return one.explains[:1] if one.guess else ()


def _cause(one: Problem) -> tuple[str, ...]:
    """What is alike in two findings of one cause; of nonces the last that is asked for counts."""
    asked = one.guess or one.at_server or one.title.startswith("nonce: asked")
    if one.row == rules.nonce.name and asked:
        return (one.row,)
    return one.row, one.action.partition(" Here that is ")[0]


def refused_somehow(pasted: Pasted, examined: Sequence[Examined]) -> Iterator[Examined]:
    """What is to be said of words of a refusal in a paste that belong to no request in it."""
    told = [each for one in examined for each in one.problems]
    told += [each for one in pasted.documents for each in one.problems]
    if told or not pasted.understood or pasted.kind == OF_THE_DEMO:
        return
    taken = [one.call for one in examined if not (one.call.refused and one.remarks)]
    words = [one.exchange.response_body for one in taken] + [one.call.around for one in examined]
    text = (pasted.text if len(taken) == len(examined) else "\n".join(words)).lower()
    if not (any(one in text for one in WITHIN) and REFUSAL.search(text)):
        return
    rows = sum(len(one.findings) for one in examined)
    yield Examined(
        call=Call(),
        policy=RFC_9449,
        problems=(
            Problem(
                "Something was refused, and it can't be told which request that was",
                f"None of the rows that could be asked ({rows}) fails. Give the request and the"
                " whole answer, its status, header lines and body: then the others are asked.",
                guess="open",
            ),
        ),
    )
