"""Lesson 8."""

import time
from email.utils import parsedate_to_datetime

from dpop_lab import generate_key
from tests.exercises import Tried, predicted


def call(lab, key, token, url, scheme="DPoP", **claims):
    proof = lab.proof(key, "GET", claims.pop("htu", url), access_token=token, **claims)
    headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
    return lab.session.get(url, headers=headers)


def starts(*numbers, keep_token=True):
    """A client that is started so often, and keeps its key, and perhaps the token."""

    def way(task):
        lab, key, token = task.lab, generate_key(), None
        for number in numbers:
            if not (token and keep_token):
                token = lab.ask("m2m.dpop", key=key).json()["access_token"]
            call(lab, key, token, f"{lab.api}?start={number}")

    return way


def as_it_is(task):
    store = {}
    for number in (1, 2, 3):
        task.client(task.lab, store, number)


def located(url):
    def way(task):
        task.api.base_url = url
        task.lab.session.get(task.lab.api, auth=task.lab.auth())

    return way


def bent_client(task):
    lab, key = task.lab, generate_key()
    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    call(lab, key, token, lab.api, htu="http://10.0.0.7:8080/api/dpop/test")


def with_clock(correction, tell=lambda task: task.clock()):
    return lambda task: task.report(task.lab, lambda: int(tell(task) + correction))


def by_date(task):
    """Learn the time from the answer to the first call, which is refused."""
    refused = task.report(task.lab, task.clock)
    date = parsedate_to_datetime(refused.headers["Date"]).timestamp()
    with_clock(date - task.clock())(task)


def servers_clock_moved(task):
    task.lab.clock.advance(-312)
    task.report(task.lab, task.clock)


def row_struck_out(task):
    task.api.policy = task.api.policy.without("htu")
    task.lab.session.get(task.lab.api, auth=task.lab.auth())


TRIED = {
    "08.1": Tried(
        solve=starts(1, 2, 3),
        wrong=(
            as_it_is,
            starts(1, 2, 3, keep_token=False),
            starts(1, 2),
            lambda task: task.lab.session.get(task.lab.api, auth=task.lab.auth()),
        ),
    ),
    "08.2": Tried(
        solve=located("https://demo.duendesoftware.com"),
        wrong=(
            lambda task: task.lab.session.get(task.lab.api, auth=task.lab.auth()),
            located("https://demo.duendesoftware.com/"),
            bent_client,
            row_struck_out,
            lambda task: task.lab.ask("m2m.dpop", key=generate_key()),
            lambda task: task.lab.session.get(task.lab.api),
        ),
    ),
    "08.3": Tried(
        solve=with_clock(0, lambda task: time.time()),
        wrong=(
            with_clock(0),
            with_clock(600),
            servers_clock_moved,
            lambda task: task.lab.session.get(task.lab.api, auth=task.lab.auth()),
        ),
        second=by_date,
    ),
    "08.4": Tried(
        solve=predicted(
            container="fresh", gateway="htu", platform="signature", restart="bound_key",
            framework="scheme",
        ),
        wrong=(
            predicted(container="accepted"),
            predicted(gateway="accepted"),
            predicted(platform="bound_key"),
            predicted(restart="ath"),
            predicted(framework=""),
            predicted(framework="scheme"),
        ),
    ),
}  # fmt: skip
