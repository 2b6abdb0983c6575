"""A page a row: what fails, who answers what, why as a rule, what to do, where it is taught."""

import json
from collections.abc import Iterator, Mapping

from dpop_lab import DUENDE, RFC_9449
from dpop_lab.checking import Check
from dpop_lab.server.sign_in.ways import with_sign_in
from dpop_lab.show import as_text
from tests import links
from tests.pages import parts
from tests.pages.error import path_of
from tests.pages.markdown import Page, block, code, prose, same_each_run, table
from tests.pages.trials import Tried, causes
from tests.pages.wire import KINDS, answers, not_asked_by, together
from tests.pages.words import heard_at

#: By row, the notebook and the heading under which it is taught.
TAUGHT: Mapping[str, tuple[str, str]] = {
    "one_header": ("00_start", "The thief's chair"),
    "well_formed": ("03_proof", "With the server's eyes"),
    "strict_form": ("03_proof", "Two servers, two opinions"),
    **dict.fromkeys(("typ", "alg", "jwk"), ("03_proof", "The header")),
    "no_private_key": ("01_key", "A number that nobody may see"),
    "signature": ("03_proof", "The signature"),
    **dict.fromkeys(("jti", "htm"), ("03_proof", "The claims")),
    "htu": ("08_debugging", "Behind a gateway, the client"),
    **dict.fromkeys(("ath", "bound_key"), ("05_protected_call", "The call by hand")),
    "fresh": ("07_nonce_and_replay", "How wide is the window?"),
    "nonce": ("07_nonce_and_replay", "A value nobody knows beforehand"),
    "unused": ("07_nonce_and_replay", "What a server remembers"),
    "scheme": ("05_protected_call", "The thief's tricks"),
    **dict.fromkeys(
        ("at_form", "at_typ", "issuer", "at_signature", "audience"),
        ("04_token", "Opening the token"),
    ),
    "not_expired": ("08_debugging", "The client that waits for a nonce"),
    "unbound": ("20_heist", "What you overhear"),
}
BENCH = "docs/panels/bench.ipynb"


def path(row: Check) -> str:
    """Where its page is."""
    return f"rows/{row.name}.md"


def on_binder(notebook: str) -> str:
    """The link that opens a lesson on Binder."""
    return links.binder(f"notebooks/{notebook}.ipynb")


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
    page.section("See it, and try it", *_taught(page, row), *_bench(row, tried))
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


def _taught(page: Page, row: Check) -> Iterator[str]:
    if row.name in TAUGHT:
        notebook, heading = TAUGHT[row.name]
        cells = json.loads((links.ROOT / "notebooks" / f"{notebook}.ipynb").read_text("utf-8"))[
            "cells"
        ]
        title = "".join(cells[0]["source"]).partition("\n")[0].removeprefix("# ")
        lesson = page.link(f"lesson {prose(title)}", f"../notebooks/{notebook}.ipynb")
        binder = on_binder(notebook)
        yield f"Taught in {lesson}, *{prose(heading)}* ([on Binder]({binder}))."


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
