"""Lesson 5."""

from dpop_lab import LabError, generate_key
from tests.exercises import Tried
from tests.exercises.lesson_02 import predicted


def mended(task, *, ahead=True, ask_each_time=False):
    """Three calls with the token of the moment, which is renewed ahead or after a refusal."""
    lab, key, tokens = task.lab, task.key, []

    def renew():
        tokens.append(lab.ask("m2m.dpop", key=key).json()["access_token"])

    def call():
        proof = lab.proof(key, "GET", lab.api, access_token=tokens[-1])
        headers = {"Authorization": f"DPoP {tokens[-1]}", "DPoP": proof}
        return lab.session.get(lab.api, headers=headers)

    renew()
    call()
    if ask_each_time:
        renew()
    call()
    lab.clock.advance(4000)
    if ahead or call().status_code == 401:
        renew()
    call()


def never_renewed(task):
    auth = task.lab.auth(key=task.key)
    task.lab.session.get(task.lab.api, auth=auth)
    task.lab.clock.advance(4000)
    headers = {"Authorization": f"DPoP {auth.token.value}"}
    task.lab.session.get(task.lab.api, headers=headers)


def pages(task, numbers=(1, 2, 3), *, one_proof=False, query=True, one_token=True):
    """Read these pages."""
    lab, key, proofs = task.lab, task.key, []
    for number in numbers:
        if not (one_token and proofs):
            token = lab.ask("m2m.dpop", key=key).json()["access_token"]
        if not (one_proof and proofs):
            proofs.append(lab.proof(key, "GET", lab.api, access_token=token))
        url = f"{lab.api}?page={number}" if query else lab.api
        headers = {"Authorization": f"DPoP {token}", "DPoP": proofs[-1]}
        lab.session.get(url, headers=headers)


def by_script(*methods, close=True, used=(), wait=0):
    """Let the page sign for these methods, send some at once, close it, and send the last."""

    def way(task):
        lab = task.lab
        signed = [task.sign(one, lab.api) for one in methods]
        for one in used:
            lab.session.request(one, lab.api, headers=signed[-1])
        if close:
            task.close()
        lab.clock.advance(wait)
        lab.session.delete(lab.api, headers=signed[-1])

    return way


def read_only(task):
    headers = task.sign("GET", task.lab.api)
    task.lab.session.get(task.lab.api, headers=headers)


def too_late(task):
    token = task.sign("GET", task.lab.api)["Authorization"]
    task.close()
    try:
        task.sign("DELETE", task.lab.api)
    except LabError:
        proof = task.lab.proof(generate_key(), "DELETE", task.lab.api, access_token=token[5:])
        headers = {"Authorization": token, "DPoP": proof}
        task.lab.session.delete(task.lab.api, headers=headers)


def called(task, url, *, follow=True, fresh=True, bare=False, with_token=False):
    """Call a URL and go where it has moved to, with what is said."""
    lab, key = task.lab, task.key
    token = lab.ask("m2m.dpop", key=key).json()["access_token"]

    def headers(to):
        proof = lab.proof(key, "GET", to, access_token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    answer = lab.session.get(url, headers=headers(url), allow_redirects=False)
    to = answer.headers["Location"]
    if follow and (to.startswith(lab.base_url) or with_token):
        lab.session.get(to, headers=headers(to if fresh else url), allow_redirects=False)
    elif bare:
        lab.session.get(to)


def both_urls(*, then=None, **how):
    def way(task):
        called(task, task.away, **how)
        called(task, task.moved, **(then or {}))

    return way


def by_auth(task):
    auth = task.lab.auth(key=task.key)
    for url in (task.away, task.moved):
        task.lab.session.get(url, auth=auth)


TRIED = {
    "05.1": Tried(
        solve=predicted(renewed="ath", page="accepted", again="unused", restarted="bound_key"),
        wrong=(
            predicted(renewed="ath", page="htu"),
            predicted(renewed="accepted"),
            predicted(again=""),
            predicted(again="unused", page="accepted"),
        ),
    ),
    "05.2": Tried(
        solve=mended,
        wrong=(
            lambda task: task.client(task.lab, task.key),
            lambda task: mended(task, ask_each_time=True),
            never_renewed,
        ),
        second=lambda task: mended(task, ahead=False),
    ),
    "05.3": Tried(
        solve=pages,
        wrong=(
            lambda task: task.paging(task.lab, task.key),
            lambda task: pages(task, one_proof=True),
            lambda task: pages(task, query=False),
            lambda task: pages(task, (1, 2)),
            lambda task: pages(task, one_token=False),
        ),
    ),
    "05.4": Tried(
        solve=by_script("DELETE"),
        wrong=(
            read_only,
            too_late,
            by_script("GET"),
            by_script("DELETE", close=False),
            by_script("DELETE", used=("DELETE",)),
            by_script("DELETE", wait=60),
        ),
    ),
    "05.5": Tried(
        solve=both_urls(),
        wrong=(
            lambda task: task.following(task.lab, task.key, task.away),
            lambda task: called(task, task.moved),
            lambda task: called(task, task.away),
            both_urls(with_token=True),
            both_urls(then={"fresh": False}),
            both_urls(then={"follow": False}),
        ),
        second=by_auth,
    ),
}
