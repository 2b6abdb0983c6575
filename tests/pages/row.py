"""A page a row: what fails, who answers what, why as a rule, what to do, where it is taught."""

from collections.abc import Iterator

from dpop_lab import DUENDE, RFC_9449
from dpop_lab.checking import Check
from dpop_lab.server.sign_in.ways import with_sign_in
from dpop_lab.show import as_text
from tests import links
from tests.pages import parts
from tests.pages.error import path_of
from tests.pages.markdown import Page, block, code, prose, same_each_run, table
from tests.pages.taught import taught
from tests.pages.trials import Tried, causes
from tests.pages.wire import KINDS, answers, not_asked_by, together
from tests.pages.words import heard_at

BENCH = "docs/panels/bench.ipynb"


def path(row: Check) -> str:
    """Where its page is."""
    return f"rows/{row.name}.md"


def row_page(row: Check) -> Page:
    """The page of one row."""
    kind = next(kind for kind, asked in KINDS.items() if row in asked)
    page = Page(path(row), f"DPoP {kind}, row {code(row.name)}: {prose(row.question)}")
    tried = causes(row.name)
    likely = f" Most often: {prose(tried[0].title)}." if tried else ""
    mend = parts.mend(row)
    page.add(parts.first_lines(f"the answer was no.{likely}", mend, parts.at_the_server(row)))
    page.add(f"It stops {prose(row.stops)} ({prose(row.source)}).")
    if tried:
        page.section(
            "Usual causes, the likeliest first",
            parts.cause_table(tried),
            "What the doctor says when it is given the first of them, request and answer:",
            block(same_each_run(as_text([tried[0].problem.card]))),
        )
    page.section("What servers answer", _answers(page, row))
    words = parts.word_lists(heard_at(page.path), told=mend)
    page.section("What other servers say", *words)
    page.section("See it, and try it", taught(page, row.name), *_bench(row, tried))
    page.add(parts.footer(page))
    return page


def _answers(page: Page, row: Check) -> str:
    said = together(one for one in answers() if one.row == row)
    rows = [
        (
            one.server,
            one.place,
            prose(one.defect.replace("_", " ")),
            f"{one.status} {page.link(code(one.error) if one.error else 'no error', path_of(one))}",
            one.wire,
        )
        for one in said
    ]
    not_asked = "".join(f"\n\nNot asked by {one}." for one in not_asked_by(row))
    return table(("Server", "Place", "When", "Answer", "Header or body"), rows) + not_asked


def _bench(row: Check, tried: list[Tried]) -> Iterator[str]:
    names = [one.change for one in tried if one.change]
    if not names:
        return
    line = f'BenchPanel(change="{names[0]}")'
    strict = row.name not in with_sign_in(DUENDE).row_names
    yield (
        "The bench with the first of the causes chosen:"
        f" {code(f'dpop-lab lessons --bench {names[0]}')} on your machine, or"
        f" {code(line)} in the cell of [its notebook on Binder]({links.binder(BENCH)})."
        + f" Choose the server {code(RFC_9449.name)} there."
        * strict
    )
