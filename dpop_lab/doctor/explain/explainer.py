"""What `dpop-lab serve --explain` puts before the twin: it tells of every request, twice."""

import json
import re
import secrets
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from dpop_lab.doctor.explain.entry import Entry
from dpop_lab.doctor.explain.explaining import exchange_of
from dpop_lab.doctor.explain.page import SECURITY, entry_html, page_html
from dpop_lab.doctor.explain.telling import entry, tls_entry
from dpop_lab.server.resource_server import Routes
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Exchange, Request, Response
from dpop_lab.wire.redact import Redactor

KEPT = 200  # entries; the oldest go
FEED = "/explain/since"
COMMON = (*SECURITY, ("Cache-Control", "no-store"))


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
        self._pages: Routes = {"/": self._page, FEED: self._feed, "/favicon.ico": self._nothing}

    def __call__(self, request: Request) -> Response:
        """A page, or what the twin answers."""
        page = self._pages.get(request.route)
        return page(request) if page else self._twin(request)

    def told(self, request: Request, response: Response) -> None:
        """Tell of a request and its answer, unless a page was the answer."""
        if request.route not in self._pages:
            base_url, now = self._twin.base_url, self._twin.clock.time()
            self.tell(exchange_of(request, response, base_url=base_url, now=now))

    def tell(self, exchange: Exchange) -> None:
        """Tell of one exchange, which is not redacted yet."""
        self._count += 1
        base_url = self._twin.base_url
        told = entry(exchange, number=self._count, base_url=base_url, redactor=self._redactor)
        self._keep(told)

    def spoke_tls(self, url: str) -> None:
        """Tell of a client that spoke TLS to the port at this URL."""
        self._count += 1
        self._keep(tls_entry(url, number=self._count, time=self._twin.clock.time()))

    def _keep(self, told: Entry) -> None:
        member = {"said": told.verdict, "refused": told.refused, "html": entry_html(told)}
        self._kept.append((told.number, member))
        self._say(told)

    def _page(self, request: Request) -> Response:
        """The page with all entries there are, newest first."""
        entries = "".join(str(member["html"]) for _, member in reversed(self._kept))
        page = page_html(self._twin, entries, run=self._run, newest=self._count, kept=KEPT)
        return self._answer(request, "text/html; charset=utf-8", page.encode())

    def _feed(self, request: Request) -> Response:
        """The entries after the one with the number `n`, oldest first; all to another `run`."""
        asked = dict(request.query)
        number = asked.get("n", "") if asked.get("run") == self._run else ""
        after = int(number) if re.fullmatch("[0-9]{1,9}", number) else 0
        entries = [member for number, member in self._kept if number > after]
        answer = {"run": self._run, "newest": self._count, "entries": entries}
        return self._answer(request, "application/json", json.dumps(answer).encode())

    def _nothing(self, request: Request) -> Response:
        """No icon: browsers ask for one when a person opens an API in them."""
        return self._answer(request, "text/plain", b"")

    def _answer(self, request: Request, content_type: str, body: bytes) -> Response:
        status = 200
        if not self._known_host(request):
            status, content_type = 421, "text/plain"
            body = b"This page answers at the URL that dpop-lab serve printed, and at IP addresses."
        elif request.method not in ("GET", "HEAD"):
            return Response(405, (("Allow", "GET, HEAD"), *COMMON))
        headers = (("Content-Type", content_type), *COMMON)
        return Response(status, headers, b"" if request.method == "HEAD" else body)

    def _known_host(self, request: Request) -> bool:
        """Is the page called by a name that is no foreign site's (which could rebind its own)?"""
        try:
            name = urlsplit("//" + "".join(request.lines("Host"))).hostname or ""
            own = urlsplit(self._twin.base_url).hostname
        except ValueError:
            return False
        return name in ("localhost", own) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
