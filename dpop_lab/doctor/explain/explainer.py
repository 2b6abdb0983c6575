"""What `dpop-lab serve --explain` puts before the twin: it tells of every request, twice."""

import gzip
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from dpop_lab.doctor.explain.page import POLICY, card, row, whole
from dpop_lab.doctor.explain.room import Filter, Participant, Room
from dpop_lab.doctor.explain.telling import Entry, entry, short
from dpop_lab.doctor.explain.unread import left_entry, tls_entry
from dpop_lab.doctor.sign_in.part import Parts
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.participant import LONGEST, participant_in
from dpop_lab.wire.redact import Redactor

FEED, RESET, PROGRESS = "/explain/since", "/explain/reset", "/explain/progress"
TRAINER = "DPoP-Lab-Trainer"
SOON, EACH = 250, 25  # milliseconds until a page asks again, and for each page that is open
MOST_PAGES, OPEN = 500, 30  # pages that are counted; seconds since they asked last
LONGEST_REPORT = 20_000  # octets of what a participant shares
JSON, TEXT = "application/json", "text/plain"
COMMON = (
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Vary", "Accept-Encoding"),
)


class Explainer(Front):
    """Stands before a twin: says each request to `say`, and shows the last ones on a page at `/`.

    All other requests are for the twin, which is to ask every row of them. `say` is called with an
    `Entry` in the server's thread, after the answer is on its way. Nothing is kept but the page's
    text of the last 100 requests of each of 200 participants, without their secrets.

    Everybody who reaches the server may look at the page; to reset it takes `trainer`, a secret
    that is made anew for each server.
    """

    def __init__(self, twin: Twin, say: Callable[[Entry], object]) -> None:
        self._twin, self._say = twin, say
        self.trainer = secrets.token_urlsafe(9)
        self._count, self._open = 0, dict[str, float]()  # requests; pages, and when they asked
        self._begin()
        self._pages: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/": {"GET": self._page},
            FEED: {"GET": self._feed},
            "/favicon.ico": {"GET": lambda request: _said(TEXT, "")},
            RESET: {"POST": self._reset},
            PROGRESS: {"POST": self._shared},
        }

    def _begin(self) -> None:
        self._redactor, self._room, self._sign_ins = Redactor(), Room(), Parts()
        self._run = secrets.token_urlsafe(8)

    def __call__(self, request: Request) -> Response:
        """A page, or what the twin answers."""
        page = self._pages.get(request.route)
        return self._answer(request, page) if page else self._twin(request)

    # ---- what is told

    def told(self, request: Request, response: Response) -> None:
        """Tell of a request and its answer, unless a page was the answer."""
        if request.route in self._pages:
            return
        who = self._participant(request)
        told = entry(
            self._twin.exchange(request, response),
            number=self._next(),
            base_url=self._twin.base_url,
            policy=self._twin.policy,
            redactor=self._redactor,
            sign_ins=self._sign_ins,
        )
        self._keep(replace(told, name=who.called), who)

    def hung_up(self, request: Request) -> None:
        """Tell of a client that left before the body of its request had come."""
        if request.route in self._pages:
            return
        who, now = self._participant(request), self._twin.clock.time()
        asked = self._redactor.text(f"{request.method} {request.path}")
        came = len(request.body)
        self._keep(left_entry(asked, came, name=who.called, time=now, number=self._next()), who)

    def spoke_tls(self, url: str) -> None:
        """Tell of a client that spoke TLS to the port at this URL, and was cut off."""
        told = tls_entry(url, time=self._twin.clock.time(), number=self._next())
        self._keep(told, self._room.participant("", "", ""))

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _participant(self, request: Request) -> Participant:
        name, machine = participant_in(request.headers)
        name = short(self._redactor.text(name), len(name))
        name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        return self._room.participant(name, machine, request.peer)

    def _keep(self, told: Entry, who: Participant) -> None:
        self._room.keep(who, told, card(told))
        self._say(told)

    # ---- the page

    def _answer(self, request: Request, page: dict[str, Callable[[Request], Response]]) -> Response:
        """What a page says, to whoever calls it by a name that is no foreign site's."""
        make = page.get("GET" if request.method == "HEAD" else request.method)
        if not _known_host(request, self._twin.base_url):
            words = "This page answers at the URL that dpop-lab serve printed, and at IP addresses."
            response = _said(TEXT, words, status=421)
        elif make is None:
            allowed = "GET, HEAD" if "GET" in page else "POST"
            response = Response(405, (("Allow", allowed), *COMMON))
        else:
            response = _packed(make(request), request)
        return Response(response.status, response.headers) if request.method == "HEAD" else response

    def _page(self, request: Request) -> Response:
        """The page with all entries that are asked for, newest first."""
        asked = _asked(request)
        html = whole(
            self._room.changed(0),
            self._room.entries(0, asked),
            asked,
            base_url=self._twin.base_url,
            policy=self._twin.policy.title,
            run=self._run,
            newest=self._room.turn,
        )
        return _said("text/html; charset=utf-8", html)

    def _feed(self, request: Request) -> Response:
        """What came after the turn `n` and is asked for, oldest first; all to another `run`."""
        query = dict(request.query)
        number = query.get("n", "") if query.get("run") == self._run else ""
        after = int(number) if re.fullmatch("[0-9]{1,9}", number) else 0
        asked = _asked(request)
        entries = reversed(self._room.entries(after, asked))
        answer = {
            "run": self._run,
            "newest": self._room.turn,
            "wait": self._wait(query.get("page", "")),
            "people": [row(one, asked) for one in self._room.changed(after)],
            "entries": [one.member() for one in entries],
        }
        return _said(JSON, json.dumps(answer))

    def _wait(self, page: str) -> int:
        """Milliseconds until this page is to ask again: the more pages are open, the more."""
        now = self._twin.clock.time()
        self._open = {one: at for one, at in self._open.items() if abs(now - at) < OPEN}
        if page and len(self._open) < MOST_PAGES:
            self._open[page[:20]] = now
        return max(SOON, EACH * len(self._open))

    def _reset(self, request: Request) -> Response:
        """Forget all that is shown and all proofs that were used, if it is the trainer who asks.

        Nonces, access tokens and keys stay good: whoever is in the middle of a flow goes on.
        """
        given = "".join(request.lines(TRAINER)).encode("utf-8", "replace")
        if not secrets.compare_digest(given, self.trainer.encode()):
            return _said(TEXT, "Open the page by the trainer's URL of dpop-lab serve.", status=403)
        self._twin.forget()
        self._begin()
        return _said(TEXT, "")

    def _shared(self, request: Request) -> Response:
        """Take what a participant who gives a name shares of the exercises."""
        if not participant_in(request.headers)[0] or len(request.body) > LONGEST_REPORT:
            return _said(TEXT, "A name goes with it, and it is short.", status=400)
        good = self._room.share(self._participant(request), request.body.decode("utf-8", "replace"))
        return _said(TEXT, "" if good else "This is no report of exercises.", 200 if good else 400)


def _asked(request: Request) -> Filter:
    """Whose requests a page wants: by name, client, key and sign-in, where the query has them."""
    query = dict(request.query)
    return {name: query.get(name, "") for name in ("name", "client", "key", "sign_in")}


def _said(kind: str, text: str, status: int = 200) -> Response:
    return Response(status, (("Content-Type", kind), *COMMON), text.encode())


def _packed(response: Response, request: Request) -> Response:
    """The answer with its body in gzip, where that is taken and worth it."""
    taken = ",".join(request.lines("Accept-Encoding")).lower()
    if not re.search(r"\bgzip\b(?!\s*;\s*q=0)", taken) or len(response.body) < 1000:
        return response
    headers = (*response.headers, ("Content-Encoding", "gzip"))
    return Response(response.status, headers, gzip.compress(response.body, 1))


def _known_host(request: Request, base_url: str) -> bool:
    """Is it called by its own name, or by an address? A foreign site could rebind its name."""
    try:
        name = urlsplit("//" + "".join(request.lines("Host"))).hostname or ""
        return name in ("localhost", urlsplit(base_url).hostname) or bool(ip_address(name))
    except ValueError:
        return False
