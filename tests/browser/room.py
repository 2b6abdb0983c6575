"""What a full room costs beside an empty one: the server's memory, its answers, the page.

    uv run python tests/browser/room.py [NUMBER]

Sixty participants send NUMBER requests each, 100 unless given, in process; then a headless Chromium
opens the page. Printed are ratios of things measured in turn on one machine, and octets beside
their limits; nothing is asserted.
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))

from playwright.sync_api import Page, sync_playwright

from conftest import browser_found
from dpop_lab.doctor.explain.explainer import EACH, FEED, SOON, Explainer
from dpop_lab.doctor.explain.room import KEPT, LARGEST, MOST
from dpop_lab.server.sockets import RunningTwin, serve
from dpop_lab.wire.message import Request
from dpop_lab.wire.participant import MACHINE, NAME
from tests import builder
from tests.world import TOKEN, VICTIM

CLASS, TIMES = 60, 40
FORM = b"grant_type=client_credentials&client_id=m2m.dpop&client_secret=secret"
TOOK = """() => {
    window.took = [];
    const fetched = window.fetch;
    window.fetch = async (...asked) => {
        const answer = await fetched(...asked), read = answer.json.bind(answer);
        answer.json = async () => {
            const feed = await read(), began = performance.now();
            if (feed.entries.length) requestAnimationFrame(() => setTimeout(
                () => window.took.push(performance.now() - began)));
            return feed;
        };
        return answer;
    };
}"""


def asked(base_url: str, number: int) -> Request:
    """A token request of a participant, which is right."""
    claims = {"htm": "POST", "htu": base_url + TOKEN, "iat": int(time.time()), "jti": f"{number}-x"}
    headers = (
        ("Host", "127.0.0.1"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("DPoP", builder.proof(VICTIM, **claims)),
        (NAME, f"participant {number % CLASS}"),
        (MACHINE, f"m{number % CLASS}"),
    )
    return Request("POST", TOKEN, headers, FORM)


def send(front: Any, request: Request) -> None:
    """A request as a port hands it on."""
    front.told(request, front(request))


def median(*actions: Callable[[], object]) -> list[float]:
    """Seconds that each action takes, in turn, the median of many."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(TIMES):
        for action, taken in zip(actions, times, strict=True):
            began = time.perf_counter()
            action()
            taken.append(time.perf_counter() - began)
    return [statistics.median(one) for one in times]


def page_took(page: Page, running: RunningTwin, start: int) -> float:
    """Milliseconds from an answer of the feed with one new request to its paint, the median."""
    page.evaluate(TOOK)
    for number in range(20):
        send(running.front, asked(running.base_url, start + CLASS * number))
        page.wait_for_function(f"() => window.took.length > {number}")
    return statistics.median(page.evaluate("() => window.took"))


def filled(front: Any, base_url: str, each: int) -> None:
    """Fill a room, and print what it keeps."""
    requests = [asked(base_url, number) for number in range(CLASS * each)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for request in requests:
        send(front, request)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    packed = sum(one.size for one in front._room.people.values())
    print(f"{CLASS} participants, {CLASS * each} requests, {KEPT} of each are kept")
    print(f"memory in all                         {used / 1e6:8.1f} MB")
    print(f"  requests as they are kept           {packed / 1e6:8.1f} MB")
    print(f"  their limit, {MOST} participants      {MOST * LARGEST / 1e6:8.1f} MB")


def answered(empty: RunningTwin, full: RunningTwin) -> None:
    """Print what a request costs, and what a page asks for."""
    new = map(partial(asked, full.base_url), count(CLASS * 10**6, CLASS))  # all of one participant
    same = map(partial(asked, empty.base_url), count(CLASS * 10**6, CLASS))
    one, few, many = median(
        lambda: full.twin(next(new)),
        lambda: send(empty.front, next(same)),
        lambda: send(full.front, next(new)),
    )
    print(f"a request answered and told / answered{many / one:8.2f} x")
    print(f"  in the full room / with one alone   {many / few:8.2f} x")
    turn, run, host = full.front._room.turn, full.front._run, ("Host", "127.0.0.1")
    nothing = Request("GET", f"{FEED}?n={turn}&run={run}&page=1", (host,))
    all_of_it = Request("GET", FEED, (host, ("Accept-Encoding", "gzip")))
    poll, whole = median(lambda: full.front(nothing), lambda: full.front(all_of_it))
    a_second = CLASS * 1000 / max(SOON, EACH * CLASS) * poll
    print(f"a page asks, nothing is new / a request{poll / many:7.2f} x")
    print(f"  {CLASS} pages, of each second            {a_second:8.3f} s")
    print(f"a page begins / a request             {whole / many:8.2f} x")
    print(f"  octets                              {len(full.front(all_of_it).body):8}")


def painted(empty: RunningTwin, full: RunningTwin) -> None:
    """Print how long a page takes to show one more request."""
    empty.front._begin()
    with sync_playwright() as playwright:
        browser, took = playwright.chromium.launch(executable_path=browser_found()), []
        for one in (empty, full):
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.goto(one.url)
            took.append(page_took(page, one, CLASS * 10**8))
            cards, rows = (page.locator(where).count() for where in ("#entries > li", "#rows > tr"))
            print(f"one more on {rows:2} names and {cards:3} requests   {took[-1]:8.0f} ms")
            page.close()
        print(f"  full / empty                        {took[1] / took[0]:8.2f} x")
        browser.close()


def main(each: int) -> None:
    """Print all of it."""
    options = {"every_row": True, "front": lambda twin: Explainer(twin, lambda entry: None)}
    with serve(**options) as empty, serve(**options) as full:
        filled(full.front, full.base_url, each)
        answered(empty, full)
        painted(empty, full)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["100"]))
