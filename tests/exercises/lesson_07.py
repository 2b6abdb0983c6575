"""Lesson 7."""

from dpop_lab import RFC_9449, generate_key
from dpop_lab.exercises.mistakes import at_the_api
from dpop_lab.proof.rules import Window
from tests.exercises import Tried


def call(task, token, nonce=None, key=None):
    lab = task.lab
    proof = lab.proof(key or task.key, "GET", lab.api, access_token=token, nonce=nonce)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    return lab.session.get(lab.api, headers=headers)


def pasted(old="", new=""):
    """Run the source as it is pasted into an empty cell, after an edit."""

    def way(task):
        names = {}
        exec(task.source.replace(old, new) if old else task.source, names)
        names[task.exercise.code.__name__](task.lab, task.key)

    return way


def ten(from_successes=True, apart=100, calls=10):
    """Calls with a nonce that is kept, and taken from any answer or from refusals alone."""

    def way(task):
        token = task.lab.ask(key=task.key).json()["access_token"]
        nonce = None
        for _ in range(calls):
            answer = call(task, token, nonce)
            if not answer.ok:
                nonce = answer.headers["DPoP-Nonce"]
                answer = call(task, token, nonce)
            if from_successes:
                nonce = answer.headers.get("DPoP-Nonce", nonce)
            task.lab.clock.advance(apart)

    return way


def three(*, kept):
    """Three rounds; the nonces of these servers are kept, and those of others forgotten."""

    def way(task):
        nonces = {}

        def sent(server, send):
            answer = send(nonces.get(server))
            if not answer.ok:
                nonces[server] = answer.headers["DPoP-Nonce"]
                answer = send(nonces[server])
            if server not in kept:
                del nonces[server]
            return answer

        for _ in range(3):
            token = sent(
                "token", lambda nonce: task.lab.ask("m2m.dpop.nonce", key=task.key, nonce=nonce)
            ).json()["access_token"]
            sent("api", lambda nonce, token=token: call(task, token, nonce))

    return way


def visits(*seconds, then=lambda task: None):
    """Proofs made ahead, each used when its time has come."""

    def way(task):
        now = task.lab.clock.now()
        kept = [task.sign(now + one) for one in seconds]
        for one, before in zip(kept, (0, *seconds), strict=False):
            at = seconds[kept.index(one)]
            task.lab.clock.advance(at - before)
            task.lab.session.get(task.lab.api, headers=one)
        then(task)

    return way


def guarded(policy=None, api_nonce=False):
    return visits(
        900,
        1800,
        2700,
        then=lambda task: task.guard(policy or task.lab.policy, api_nonce=api_nonce),
    )


def too_early(task):
    task.lab.session.get(task.lab.api, headers=task.sign(task.lab.clock.now() + 900))


def own_token(task):
    task.lab.session.get(task.lab.api, auth=task.lab.auth())


def own_key(task):
    call(task, task.token, key=generate_key())


def replayed(*letters, late=0):
    """Catch a call, send it once more, and try these repairs."""

    def way(task):
        headers = task.catch()
        task.lab.clock.advance(late)
        task.lab.session.get(task.lab.api, headers=headers)
        for letter in letters:
            task.repair(letter)

    return way


TRIED = {
    "07.1": Tried(
        solve=ten(),
        wrong=(
            pasted(),
            ten(from_successes=False),
            ten(apart=0),
            ten(calls=3),
        ),
    ),
    "07.2": Tried(
        solve=pasted("urlsplit(url).netloc", "url"),
        wrong=(
            pasted(),
            three(kept=()),
            three(kept=("token",)),
        ),
    ),
    "07.3": Tried(
        solve=guarded(api_nonce=True),
        wrong=(
            visits(900),
            visits(900, 1800, 2700),
            too_early,
            own_token,
            own_key,
            guarded(),
            guarded(at_the_api(RFC_9449, window=Window(-1, -1))),
            guarded(at_the_api(RFC_9449, window=Window(5, 5)), api_nonce=True),
        ),
        second=guarded(RFC_9449, api_nonce=True),
    ),
    "07.4": Tried(
        solve=replayed("c"),
        wrong=(
            own_token,
            replayed(),
            replayed(late=100),
            replayed("a"),
            replayed("b"),
        ),
    ),
}
