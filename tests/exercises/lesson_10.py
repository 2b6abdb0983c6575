"""Lesson 10."""

from dpop_lab import generate_key
from tests.exercises import Tried, predicted

APP, WEB = "interactive.public", "interactive.confidential"


def refreshed(task, client_id, token, **more):
    grant = {"grant_type": "refresh_token", "refresh_token": token, "scope": None}
    return task.lab.ask(client_id, **grant, **more).json()


def call(task, key, token):
    proof = task.lab.proof(key, "GET", task.lab.api, access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    return task.lab.session.get(task.lab.api, headers=headers)


def retired(*keys, then=None, **more):
    """Refresh with each of these keys, None for a new one, and call the API with the last."""

    def way(task):
        for one in keys:
            key = generate_key() if one is None else one(task)
            told = refreshed(task, WEB, task.refresh_token, key=key, **more)
        if "access_token" in told:
            call(task, then or key, told["access_token"])

    return way


def own_token(task):
    key = generate_key()
    call(task, key, task.lab.ask("m2m.dpop", key=key).json()["access_token"])


def signed_in_again(task):
    auth = task.lab.sign_in("alice", client_id=WEB)
    task.lab.session.get(task.lab.api, auth=auth)


def tabs(*, hours=2, shared=True, once=False, renews=True, key=None):
    """Two tabs that look at one place, or each at a copy, and renew each or once an hour."""

    def way(task):
        copies = [task.kept, task.kept if shared else dict(task.kept)]
        for _ in range(hours):
            task.lab.clock.advance(3600)
            for number, tab in enumerate(copies):
                if renews and not (once and number):
                    tab.update(refreshed(task, APP, tab["refresh_token"], key=key or task.key))
                call(task, task.key, tab["access_token"])

    return way


def three_and_one(task):
    """Three calls with the first token, and one an hour later."""
    for _ in range(3):
        call(task, task.key, task.kept["access_token"])
    task.lab.clock.advance(3600)
    told = refreshed(task, APP, task.kept["refresh_token"], key=task.key)
    call(task, task.key, told["access_token"])


def as_it_is(task):
    task.two_tabs(task.lab, task.key, task.kept)


def knocks(times, *repairs, wait=0):
    """Call the API so often with the stolen token and one key of the thief's, then repair it."""

    def way(task):
        key = generate_key()
        for _ in range(times):
            call(task, key, task.token)
            task.lab.clock.advance(wait)
        for letter in repairs:
            task.repair(letter)

    return way


def under_bearer(task):
    task.lab.session.get(task.lab.api, headers={"Authorization": f"Bearer {task.token}"})


TRIED = {
    "10.1": Tried(
        solve=predicted(
            stolen="refresh_key", moved="accepted", bare="refresh_key", again="accepted",
            old="no row",
        ),
        wrong=(
            predicted(stolen="accepted"),
            predicted(moved="refresh_key"),
            predicted(old="refresh_key"),
            predicted(old=""),
            predicted(stolen="refresh_key", moved="accepted"),
        ),
    ),
    "10.2": Tried(
        solve=retired(None),
        wrong=(
            retired(lambda task: task.key),
            retired(None, None, None),
            retired(lambda task: None),
            retired(None, client_secret="wrong"),
            retired(None, then=generate_key()),
            own_token,
            signed_in_again,
            lambda task: refreshed(task, WEB, task.refresh_token, key=generate_key()),
        ),
    ),
    "10.3": Tried(
        solve=tabs(),
        wrong=(
            as_it_is,
            tabs(shared=False, once=True),
            tabs(hours=1),
            three_and_one,
            tabs(key=generate_key()),
            signed_in_again,
        ),
        second=tabs(once=True),
    ),
    "10.4": Tried(
        solve=knocks(2, "c"),
        wrong=(
            knocks(1),
            knocks(2, wait=100),
            knocks(2),
            knocks(2, "a"),
            knocks(2, "b"),
            knocks(2, "d"),
            under_bearer,
            own_token,
        ),
    ),
}  # fmt: skip
