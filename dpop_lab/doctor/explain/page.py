"""The page of `serve --explain`: a request as a card, a participant as a row, and all around."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib import resources
from shlex import quote
from string import Template
from urllib.parse import urlencode

from dpop_lab.doctor.explain.room import KEPT, Filter, Kept, Participant
from dpop_lab.doctor.explain.telling import Entry
from dpop_lab.jose.encoding import sha256
from dpop_lab.show import Table, as_html
from dpop_lab.show.html import by_class, escaped, facts, folded, ink, marked, style_sheet

NAMES = {
    "carried": "What it carried",
    "row": "Row",
    "wanted": "Wanted",
    "found": "Found",
    "known": "What went before",
    "change": "What to change",
}


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


def whole(
    people: Iterable[Participant],
    entries: Iterable[Kept],
    asked: Filter,
    *,
    base_url: str,
    policy: str,
    **state: object,
) -> str:
    """The page with these participants and entries: one document, nothing fetched.

    `state` is where the script goes on from: `run` and `newest`.
    """
    told = "".join(str(one.member()["html"]) for one in entries)
    people = [*people]
    return Template(_part("page.html")).substitute(
        {name: escaped(str(value)) for name, value in state.items()},
        style=STYLE,
        script=SCRIPT,
        base=escaped(base_url),
        policy=escaped(policy),
        curl=escaped(f"curl --include {quote(f'{base_url}/api/dpop/test')}"),
        open="" if told else " open",
        room=" class=room" * (bool(asked.get("name")) or any(one.called for one in people)),
        people="".join(row(one, asked) for one in people),
        entries=told,
        asked=escape(json.dumps({name: text for name, text in asked.items() if text})),
        kept=KEPT,
    )


def row(one: Participant, asked: Filter) -> str:
    """A participant as a row of the table, whose name leads to their requests alone."""
    current = ' aria-current="true"' * (asked.get("name") == one.label)
    there, label = escape(urlencode({"name": one.label})), escaped(one.label)
    link = f'<a href="?{there}" title="{label}"{current}>{label}</a>'
    solved = sum(state == "solved" for state in one.states.values())
    at = f"{one.exercise} {one.states.get(one.exercise, '')}".strip()
    cells = (at, str(solved) if one.states else "", str(one.accepted), str(one.refused))
    used = {"client": one.clients, "key": one.keys, "sign_in": one.sign_ins}
    return (
        f'<tr data-name="{escape(one.label)}" data-sort="{escape(one.sorted_by)}"'
        f' data-used="{escape(json.dumps(used))}"><th scope=row>{link}</th>'
        + "".join(f"<td>{escaped(text)}</td>" for text in cells)
        + f"<td{by_class(ink(one.mark))}>{escaped(marked(one.mark, one.last))}</td></tr>"
    )


def card(entry: Entry) -> str:
    """One entry as an item of the page's list: a card; everything in it is escaped."""
    stamp = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds")
    who = f" · {escaped(entry.who)}" if entry.who else ""
    wire = (("Request, without its secrets", entry.request), ("Answer", entry.answer))
    said = tuple((title, text) for title, text in wire if text)
    exchange = [Table("Request and answer", said, folded=True)] * bool(said)
    titles = " and ".join(one.title for one in entry.decoded).capitalize()
    decoded = folded(f"{escaped(titles)}, decoded", as_html(entry.decoded, by_class), by_class)
    carried = (("carried", entry.carried),) * bool(entry.carried)
    rows = (replace(report.table, title=report.title) for report in entry.reports)
    return (
        f"<li data-mark={entry.mark}><article{by_class('card', entry.mark)}"
        f" aria-labelledby=r{entry.number}>"
        f"<h2 id=r{entry.number}>{escaped(marked(entry.mark, entry.verdict))}</h2>"
        f'<p class=when><time datetime="{stamp}">{entry.clock}</time>{who}</p>'
        f"{facts(((NAMES[name], text) for name, text in (*carried, *entry.why)), by_class)}"
        f"{as_html(rows, by_class)}"
        "<div class=more>"
        f"{decoded if titles else ''}{as_html(exchange, by_class)}{_curl(entry.curl)}"
        "</div></article></li>"
    )


def _curl(command: str) -> str:
    """The command with its lines, so that what is copied can be run."""
    if not command:
        return ""
    text = escaped(command).replace("<br>", "\n")
    button = "<button type=button class=copy hidden>Copy as curl</button>"
    return folded("As curl", f"<pre class=curl>{text}</pre>", by_class) + button
