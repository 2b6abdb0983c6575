"""What `dpop-lab serve --explain` puts before the twin: it tells of every request, twice."""

import base64
import json
import re
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from ipaddress import ip_address
from shlex import quote
from string import Template
from urllib.parse import urlsplit

from dpop_lab.doctor.explain.telling import Entry, entry, tls_entry
from dpop_lab.jose.encoding import sha256
from dpop_lab.server.twin import Front, Twin
from dpop_lab.show import Table, as_html
from dpop_lab.show.html import by_class, escaped, facts, folded, marked, style_sheet
from dpop_lab.wire.message import Exchange, Request, Response
from dpop_lab.wire.redact import Redactor

KEPT = 200  # entries; the oldest go
FEED = "/explain/since"
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
COMMON = (
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)


class Explainer(Front):
    """Stands before a twin: says each request to `say`, and shows the last ones on a page at `/`.

    All other requests are for the twin, which is to ask every row of them. `say` is called with an
    `Entry` in the server's thread, after the answer is on its way. Nothing is kept but the page's
    text of the last 200 requests, without their secrets.
    """

    def __init__(self, twin: Twin, say: Callable[[Entry], object]) -> None:
        self._twin, self._say = twin, say
        self._redactor, self._run = Redactor(), secrets.token_urlsafe(8)
        self._count, self._kept = 0, deque[tuple[int, dict[str, object]]](maxlen=KEPT)
        self._pages = {"/": self._page, FEED: self._feed, "/favicon.ico": self._no_icon}

    def __call__(self, request: Request) -> Response:
        """A page, or what the twin answers."""
        page = self._pages.get(request.route)
        return _answer(request, self._twin.base_url, page) if page else self._twin(request)

    def told(self, request: Request, response: Response) -> None:
        """Tell of a request and its answer, unless a page was the answer."""
        if request.route in self._pages:
            return
        self.tell(self._twin.exchange(request, response))

    def tell(self, exchange: Exchange) -> None:
        """Tell of one exchange, which is not redacted yet."""
        self._count += 1
        self._keep(
            entry(
                exchange,
                number=self._count,
                base_url=self._twin.base_url,
                policy=self._twin.policy,
                redactor=self._redactor,
            )
        )

    def spoke_tls(self, url: str) -> None:
        """Tell of a client that spoke TLS to the port at this URL, and was cut off."""
        self._count += 1
        self._keep(tls_entry(url, time=self._twin.clock.time(), number=self._count))

    def _keep(self, told: Entry) -> None:
        member = {"said": told.verdict, "refused": told.refused, "html": _item(told)}
        self._kept.append((told.number, member))
        self._say(told)

    def _page(self, request: Request) -> tuple[str, str]:
        """The page with all entries there are, newest first: one document, nothing fetched."""
        base = self._twin.base_url
        entries = "".join(str(member["html"]) for _, member in reversed(self._kept))
        return "text/html; charset=utf-8", Template(_part("page.html")).substitute(
            style=STYLE,
            script=SCRIPT,
            base=escaped(base),
            policy=escaped(self._twin.policy.title),
            curl=escaped(f"curl --include {quote(f'{base}/api/dpop/test')}"),
            open="" if entries else " open",
            entries=entries,
            run=escaped(self._run),
            newest=self._count,
            kept=KEPT,
        )

    def _feed(self, request: Request) -> tuple[str, str]:
        """The entries after the one with the number `n`, oldest first; all to another `run`."""
        asked = dict(request.query)
        number = asked.get("n", "") if asked.get("run") == self._run else ""
        after = int(number) if re.fullmatch("[0-9]{1,9}", number) else 0
        entries = [member for number, member in self._kept if number > after]
        answer = {"run": self._run, "newest": self._count, "entries": entries}
        return "application/json", json.dumps(answer)

    def _no_icon(self, request: Request) -> tuple[str, str]:
        """Browsers ask for one when a person opens an API in them."""
        return "text/plain", ""


def _answer(
    request: Request, base_url: str, page: Callable[[Request], tuple[str, str]]
) -> Response:
    """What a page says, to whoever calls it by a name that is no foreign site's."""
    if not _known_host(request, base_url):
        status, kind = 421, "text/plain"
        text = "This page answers at the URL that dpop-lab serve printed, and at IP addresses."
    elif request.method not in ("GET", "HEAD"):
        return Response(405, (("Allow", "GET, HEAD"), *COMMON))
    else:
        status, (kind, text) = 200, page(request)
    body = b"" if request.method == "HEAD" else text.encode()
    return Response(status, (("Content-Type", kind), *COMMON), body)


def _known_host(request: Request, base_url: str) -> bool:
    """Is it called by its own name, or by an address? A foreign site could rebind its name."""
    try:
        name = urlsplit("//" + "".join(request.lines("Host"))).hostname or ""
        return name in ("localhost", urlsplit(base_url).hostname) or bool(ip_address(name))
    except ValueError:
        return False


def _item(entry: Entry) -> str:
    """One entry as an item of the page's list: a card; everything in it is escaped."""
    stamp = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds")
    who = f" · {escaped(entry.who)}" if entry.who else ""
    wire = (("Request, without its secrets", entry.request), ("Answer", entry.answer))
    said = tuple((title, text) for title, text in wire if text)
    exchange = [Table("Request and answer", said, folded=True)] * bool(said)
    titles = " and ".join(one.title for one in entry.decoded).capitalize()
    decoded = folded(f"{escaped(titles)}, decoded", as_html(entry.decoded, by_class), by_class)
    rows = (replace(report.table, title=report.title) for report in entry.reports)
    return (
        f"<li data-mark={entry.mark}><article{by_class('card', entry.mark)}"
        f" aria-labelledby=r{entry.number}>"
        f"<h2 id=r{entry.number}>{escaped(marked(entry.mark, entry.verdict))}</h2>"
        f'<p class=when><time datetime="{stamp}">{entry.clock}</time>{who}</p>'
        f"{facts(((NAMES[name], text) for name, text in entry.why), by_class)}"
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
