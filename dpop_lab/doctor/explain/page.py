"""The page that shows what became of each request: one HTML document, nothing fetched for it."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from shlex import quote
from string import Template

from dpop_lab.checking import Report
from dpop_lab.doctor.explain.entry import Entry
from dpop_lab.jose.encoding import sha256
from dpop_lab.server.twin import Twin
from dpop_lab.show import Block, Table, as_html, by_class, escaped, style_sheet

NAMES = {"row": "Row", "wanted": "Wanted", "found": "Found", "change": "What to change"}


@cache
def _part(name: str) -> str:
    """A file beside this module."""
    return resources.files("dpop_lab.doctor.explain").joinpath(name).read_text("utf-8").strip()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode())).decode()}'"


STYLE, SCRIPT = f"{style_sheet()}\n{_part('page.css')}", _part("page.js")
POLICY = (
    f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = (
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def page_html(twin: Twin, entries: str, *, run: str, newest: int, kept: int) -> str:
    """The whole page; `entries` is the HTML of those that are there, newest first.

    `run` names this run of the server, `newest` is the number of the last request, and `kept` says
    how many entries are shown at most.
    """
    base = twin.base_url
    return Template(_part("page.html")).substitute(
        style=STYLE,
        script=SCRIPT,
        base=escaped(base),
        policy=escaped(twin.policy.title),
        curl=escaped(f"curl --include {quote(f'{base}/api/dpop/test')}"),
        open="" if entries else " open",
        entries=entries,
        run=escaped(run),
        newest=newest,
        kept=kept,
    )


def entry_html(entry: Entry) -> str:
    """One entry as an item of the page's list; everything in it is escaped."""
    kind = "refused" if entry.refused else "accepted"
    stamp = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds")
    why = "".join(
        f"<dt>{NAMES[name]}</dt><dd class={name}>{escaped(text)}</dd>" for name, text in entry.why
    )
    return (
        f'<li class="{kind}"><article aria-labelledby=r{entry.number}>'
        f"<h2 id=r{entry.number}><span class=mark>{entry.mark}</span> "
        f"<span class=verdict>{escaped(entry.verdict)}</span></h2>"
        f'<p class=when><time datetime="{stamp}">{entry.clock}</time>'
        f"{' · ' if entry.who else ''}<span class=who>{escaped(entry.who)}</span></p>"
        f"{f'<dl class=why>{why}</dl>' if why else ''}"
        '<div class="more">'
        f"{_details(_rows_title(entry.reports), _reports(entry.reports))}"
        f"{_details(_decoded_title(entry), [Table(*part) for part in entry.decoded])}"
        f"{_details('Request and answer', _wire(entry))}"
        f"{_curl(entry.curl)}"
        "</div></article></li>"
    )


def _details(summary: str, blocks: Sequence[Block]) -> str:
    return _folded(summary, as_html(blocks, by_class))


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary>{content}</details>" if content else ""


def _reports(reports: Sequence[Report]) -> list[Block]:
    return [block for report in reports for block in report.blocks()]


def _wire(entry: Entry) -> list[Block]:
    parts = (("Request, without its secrets", entry.request), ("Answer", entry.answer))
    pairs = tuple((title, text) for title, text in parts if text)
    return [Table("", pairs)] * bool(pairs)


def _curl(command: str) -> str:
    """The command with its lines, so that what is copied can be run."""
    text = escaped(command).replace("<br>", "\n")
    shown = f"<pre class=curl>{text}</pre>" if command else ""
    button = "<button type=button class=copy hidden>Copy as curl</button>" if command else ""
    return _folded("As curl", shown) + button


def _rows_title(reports: Sequence[Report]) -> str:
    marks = [finding.mark for report in reports for finding in report.findings]
    told = [f"{marks.count(mark)} {mark}" for mark in ("failed", "not asked") if mark in marks]
    return f"All {len(marks)} rows: {', '.join(told) or 'all passed'}"


def _decoded_title(entry: Entry) -> str:
    titles = " and ".join(title for title, _ in entry.decoded)
    return f"{titles.capitalize()}, decoded"
