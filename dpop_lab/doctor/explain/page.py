"""The page that shows what became of each request: one HTML document, nothing fetched for it."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from shlex import quote
from string import Template

from dpop_lab.checking import Report
from dpop_lab.doctor.decoded import Line
from dpop_lab.doctor.explain.entry import Entry, row_cells
from dpop_lab.jose.encoding import sha256
from dpop_lab.server.twin import Twin
from dpop_lab.show.values import escaped

NAMES = {"row": "Row", "wanted": "Wanted", "found": "Found", "change": "What to change"}
HEAD = ("Mark", "Row", "Question", "Wanted", "Found", "What mends it", "Section")


@cache
def _part(name: str) -> str:
    """A file beside this module."""
    return resources.files("dpop_lab.doctor.explain").joinpath(name).read_text("utf-8").strip()


def _hash(name: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(_part(name).encode())).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash('page.js')}; style-src {_hash('page.css')}; "
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
        style=_part("page.css"),
        script=_part("page.js"),
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
        f"{_details(_rows_title(entry.reports), ''.join(map(_table, entry.reports)))}"
        f"{_details(_decoded_title(entry), ''.join(map(_members, entry.decoded)))}"
        f"{_details('Request and answer', _texts(_wire(entry)))}"
        f"{_curl(entry.curl)}"
        "</div></article></li>"
    )


def escaped_lines(text: str) -> str:
    """Text for a `pre`: escaped, its lines kept as lines."""
    return escaped(text).replace("<br>", "\n")


def _wire(entry: Entry) -> list[tuple[str, str]]:
    parts = [("Request, without its secrets", entry.request), ("Answer", entry.answer)]
    return [(title, text) for title, text in parts if text]


def _curl(command: str) -> str:
    shown = f"<pre class=curl>{escaped_lines(command)}</pre>" if command else ""
    button = "<button type=button class=copy hidden>Copy as curl</button>" if command else ""
    return _details("As curl", shown) + button


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary>{content}</details>" if content else ""


def _texts(texts: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<h3>{escaped(a)}</h3><pre>{escaped_lines(b)}</pre>" for a, b in texts)


def _rows_title(reports: Sequence[Report]) -> str:
    marks = [finding.mark for report in reports for finding in report.findings]
    told = [f"{marks.count(mark)} {mark}" for mark in ("failed", "not asked") if mark in marks]
    return f"All {len(marks)} rows: {', '.join(told) or 'all passed'}"


def _decoded_title(entry: Entry) -> str:
    titles = " and ".join(title for title, _ in entry.decoded)
    return f"{titles.capitalize()}, decoded"


def _members(part: tuple[str, Sequence[Line]]) -> str:
    title, lines = part
    items = (f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in lines)
    return f"<h3>{escaped(title)}</h3><dl class=members>{''.join(items)}</dl>"


def _table(report: Report) -> str:
    struck = f" (struck out: {', '.join(report.struck_out)})" if report.struck_out else ""
    head = "".join(f"<th scope=col>{name}</th>" for name in HEAD)
    rows = "".join(
        f"<tr class={finding.mark.replace(' ', '-')}>{_cells(row_cells(finding))}</tr>"
        for finding in report.findings
    )
    return (
        f"<table><caption>{escaped(report.profile + struck)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cells(cells: Sequence[str]) -> str:
    """The cells of a row, each under the name of its column, for screens too narrow for a table."""
    mark, row, *rest = (escaped(text) for text in cells)
    named = "".join(
        f'<td data-head="{name}">{text}</td>' for name, text in zip(HEAD[2:], rest, strict=True)
    )
    return f"<td>{mark}</td><th scope=row>{row}</th>{named}"
