"""What kinds of pages have in common: causes, other servers' words, what the doctor says."""

from collections.abc import Iterable

from dpop_lab import diagnose
from dpop_lab.checking import Check
from dpop_lab.doctor.advice.passed import REASONS
from dpop_lab.doctor.wordings import SPECIFIC
from tests.pages.markdown import Page, block, code, prose, table
from tests.pages.trials import Tried
from tests.pages.words import Heard, quoted

END = 60  # characters of a text by which it is known


def first_lines(cause: str, mend: str, more: str = "") -> str:
    """The cause and the mend, as the first lines of a page; what `mend` says is not said again."""
    lines = [f"- **Cause:** {cause}", f"- **Mend:** {mend}"]
    new = more and more[-END:] not in mend
    return "\n".join([*lines, *[f"- **If the client is right:** {more}"] * bool(new)])


def mend(row: Check) -> str:
    """What to do when a row fails, in the doctor's words where it has more than the row's."""
    own = (one.do for one in SPECIFIC if one.topic == row.name and one.do and not one.means)
    return prose(next(own, row.mend))


def at_the_server(row: Check) -> str:
    """What may be behind it where the client does all that the row asks; empty: not known."""
    return prose(REASONS.get(row, ""))


def doctor(pasted: str) -> str:
    """What `dpop-lab diagnose` says of these words, or lines."""
    line = f'dpop-lab diagnose "{pasted}"'
    if "\n" in pasted:
        line = f"printf '{pasted.replace(chr(10), chr(92) + 'n')}' | dpop-lab diagnose"
    return block(f"$ {line}\n{diagnose(pasted).text()}", "console")


def footer(page: Page, *links: str) -> str:
    """Where else to go: these links, the index, and how the command is come by."""
    more = page.link("All errors", "README.md"), page.link("Get dpop-lab", "../README.md")
    return " · ".join([*links, *more])


def cause_table(tried: Iterable[Tried]) -> str:
    """What was sent, and what the doctor says to do; the change by name, for the bench."""
    rows = [(prose(one.title), prose(one.advice), one.change and code(one.change)) for one in tried]
    head = ("What was sent", "What to do", "Try it: `dpop-lab --bench …`")
    return table(head, rows) if rows else ""


def word_lists(found: Iterable[Heard], *, told: str = "") -> list[str]:
    """What other servers say, with what it means and what to do but for what was told before."""
    parts: list[str] = []
    for one in found:
        wording, sentences = one.wording, ""
        means, todo = prose(wording.means), prose(wording.do)
        if means and means not in told:
            sentences = f"{means[0].upper()}{means[1:]}. "
        if todo and todo not in told:
            sentences += f"**What to do:** {todo}"
        lines = [f"- {quoted(text)}" + f" ({who})" * bool(who) for text, who in one.words]
        parts += [sentences.strip(), "\n".join(lines)]
    return parts
