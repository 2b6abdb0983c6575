"""Lesson 5."""

from tests.exercises import Tried


def predicted(**rows):
    """Predict and send these, in this order."""

    def way(task):
        for name, row in rows.items():
            if row:
                task.predict(row)
            task.send(name)

    return way


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
}
