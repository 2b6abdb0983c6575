"""What a diagnosis says, and its forms: text, Markdown, HTML for a notebook, JSON for machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.doctor.as_json import as_values
from dpop_lab.doctor.asked import Examined
from dpop_lab.doctor.decoded import key_lines, proof_lines, thumbprint_or_none, token_lines_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.secrets import Secrets
from dpop_lab.session.call import Call
from dpop_lab.show import SYMBOLS, Block, Note, Shown, Table, as_markdown, as_text, marked
from dpop_lab.show.values import at_once, cut, mapped, shown
from dpop_lab.wire.url import without_query

HEALTHY, FINDINGS, NOT_UNDERSTOOD = 0, 1, 2


WHAT = (
    "Paste a proof, an access token, header lines, a server's error, a raw request or response, a "
    "curl command, a HAR file or a session log."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Diagnosis(Shown):
    """What something is, what is wrong with it and what to do: shown by a notebook as a report.

    `kind` says what it was taken for and `examined` has each request in it. `secrets` names the
    kinds of secrets that were in it; none of them is repeated, in no form of the report. `text()`,
    `markdown()` and `as_dict()` are the other forms.
    """

    kind: str
    understood: bool
    examined: tuple[Examined, ...] = ()
    jwks: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    now: float = 0
    _secrets: Secrets

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems of all requests, in their order."""
        return tuple(problem for one in self.examined for problem in one.problems)

    @property
    def healthy(self) -> bool:
        """Was it understood, and is nothing wrong?"""
        return self.understood and not self.problems

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 findings, 2 not understood."""
        if not self.understood:
            return NOT_UNDERSTOOD
        return FINDINGS if self.problems else HEALTHY

    @property
    def verdict(self) -> str:
        """The whole in a line or two: what it is, what is wrong first, what to do about that."""
        line = self._summary()
        for first in self.problems[:1]:
            line = f"{line[:-1]}, {'first' if self.problems[1:] else 'namely'} {first.title}. "
            line += first.action
        return self._secrets.clean([line])[0]

    def _summary(self) -> str:
        if not self.understood:
            return f"Not understood: {self.kind}. {WHAT}"
        count = len(self.problems)
        if not count:
            return f"This is {self.kind}. {self._nothing_wrong()}"
        return f"This is {self.kind} with {'one finding' if count == 1 else f'{count} findings'}."

    def _nothing_wrong(self) -> str:
        missing = {row for one in self.examined for row in one.missing}
        asked = sum(len(one.findings) for one in self.examined)
        if not asked:
            return "No row can be asked of it, and nothing else is wrong."
        if not missing:
            return "Nothing is wrong with it."
        rows = "one row" if len(missing) == 1 else f"{len(missing)} rows"
        return f"Nothing is wrong with it as far as can be seen, but {rows} can't be asked."

    @property
    def mark(self) -> str:
        """`passed`, `failed`, or `not asked` of what was not understood."""
        return ("passed", "failed", "not asked")[self.exit_code]

    def text(self, *, everything: bool = False) -> str:
        """The report as plain text; with `everything` each row that passed has its own line."""
        return as_text(self._blocks(folded=not everything))

    def __repr__(self) -> str:
        return self.text()

    def markdown(self) -> str:
        """The report as Markdown, for an issue or a chat: nothing pasted acts in it."""
        return as_markdown(self.blocks())

    def verdict_block(self) -> Block:
        """The verdict with what to do first, as a panel has it above all else."""
        return Note(self.verdict, self.mark)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values, for machines."""
        told = {
            "kind": str(self.kind),
            "understood": self.understood,
            "healthy": self.healthy,
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "secrets": list(self.secrets),
            "remarks": list(self.remarks),
            "keys": [{"jkt": thumbprint_or_none(one), **dict(key_lines(one))} for one in self.jwks],
            "requests": [as_values(one, self.now) for one in self.examined],
        }
        values: dict[str, Any] = at_once(partial(mapped, told), self._secrets.clean)
        return values

    def blocks(self) -> Iterator[Block]:
        """What it is and what is in it, then each request in turn."""
        return self._blocks(folded=False)

    def _blocks(self, *, folded: bool) -> Iterator[Block]:
        """Without secrets; `folded`, the rows that were asked are together for each mark."""
        blocks: list[Block] = at_once(partial(mapped, [*self._told(folded)]), self._secrets.clean)
        return iter(blocks)

    def _told(self, folded: bool) -> Iterator[Block]:
        yield Note(self._summary(), self.mark)
        if self.secrets:
            held = f"What was pasted holds {_listed(self.secrets)}, which others could use."
            yield Note(f"{held} {_what_now(self.secrets)}")
        yield from _remarks(self.remarks)
        if guessed := [one.call.url for one in self.examined if one.call.url_guessed]:
            scheme = guessed[0].partition("://")[0]
            said = f"Raw requests do not say whether http or https; taken for {scheme}."
            yield from _remarks((said,))
        for jwk in self.jwks:
            yield Table("A key", tuple(key_lines(jwk)))
        for one in self.examined:
            yield from _told(one, self.now, folded)


def _remarks(remarks: tuple[str, ...]) -> Iterator[Block]:
    return (Note(f"- {remark}") for remark in remarks)


def _what_now(kinds: tuple[str, ...]) -> str:
    if "a private key" in kinds:
        return "If others have seen it, make a new key. It is not repeated here."
    return "None of it is repeated here; replace what was shown to others."


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _told(one: Examined, now: float, folded: bool) -> Iterator[Block]:
    """One request: its line, what is wrong, what it says, the rows, the remarks."""
    call = one.call
    line = " ".join(filter(None, (call.method, cut(without_query(call.url), 200))))
    if call.name or call.url:
        title = ": ".join(filter(None, (call.name, line)))
        text = f"{title}. {one.verdict}" if call.name else title
        yield Note(text, "failed" if one.problems else "passed")
    for problem in one.problems:
        yield from problem.blocks()
    if call.is_proof:
        yield Table("The proof", tuple(proof_lines(call, now)))
    if lines := token_lines_of(call, now):
        yield Table("The access token", tuple(lines))
    if call.challenges:
        yield Table("WWW-Authenticate", tuple(_challenges(call)))
    for report in one.reports:
        if report.findings:
            yield _rows(f"{one.policy.name}, {report.profile}", report.findings, folded)
    if one.missing:
        yield Table("Rows that can't be asked", _missing(one), ("Rows", "Give"))
    yield from _remarks(one.remarks)


def _rows(title: str, findings: tuple[Finding, ...], folded: bool) -> Table:
    """The rows that were asked, each with its mark, or only their names for each mark."""
    if not folded:
        rows = tuple((one.check.name, _seen(one)) for one in findings)
        marks = tuple(one.mark for one in findings)
        return Table(title, rows, ("Row", "Found"), marks=marks, code=("Found",))
    names = {mark: [one.check.name for one in findings if one.mark == mark] for mark in SYMBOLS}
    pairs = ((marked(mark, mark), ", ".join(rows)) for mark, rows in names.items() if rows)
    return Table(title, tuple(pairs))


def _missing(one: Examined) -> tuple[tuple[str, str], ...]:
    """The rows that could be asked, and what would have to be given for that."""
    rows: dict[str, list[str]] = {}
    for row, give in one.missing.items():
        rows.setdefault(give, []).append(row)
    return tuple((", ".join(names), give) for give, names in rows.items())


def _challenges(call: Call) -> Iterator[tuple[str, str]]:
    for each in call.challenges or ():
        told = ", ".join(f"{name}={shown(value, 200)}" for name, value in each.parameters.items())
        yield each.scheme, told or each.token68 or "no parameters"


def _seen(finding: Finding) -> str:
    if finding.mark == "not asked":
        return f"needs {', '.join(finding.check.needs)}"
    if finding.mark == "passed":
        return shown(finding.found, 80)
    return f"wanted {shown(finding.wanted, 80)}, found {shown(finding.found, 80)}"
