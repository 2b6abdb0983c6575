"""Exercises of lesson 10, refresh: no module of the rooms called sign_in is loaded before one."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.exercises import gateway
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key, public_jwk
from dpop_lab.lab.lab import Lab
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import ACCEPTED, API, NO_ROW, TOKEN_ENDPOINT

APP, WEB = "interactive.public", "interactive.confidential"
HOUR = 3600  # seconds


def _refresh(lab: Lab, client_id: str, token: str, **more: Any) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": None, **more}
    return lab.ask(client_id, **form)


def _signed_in(scene: Scene) -> bool:
    """Did somebody sign in since the exercise began?"""
    return any(one.personal in ("authorization endpoint", "login page") for one in scene.calls)


# ---- 10.1


def _five_tokens(scene: Scene) -> Mapping[str, Any]:
    lab, key, other = scene.open(), generate_key(), generate_key()

    def token(client_id: str) -> str:
        return lab.sign_in("alice", client_id=client_id, key=key).sign_in.refresh_token

    stolen, old, web, again = token(APP), token(APP), token(WEB), token(WEB)
    _refresh(lab, APP, old, key=key)
    _refresh(lab, WEB, again, key=key)
    calls: dict[str, Callable[[], requests.Response]] = {
        "stolen": lambda: _refresh(lab, APP, stolen, key=other),
        "moved": lambda: _refresh(lab, WEB, web, key=other),
        "bare": lambda: _refresh(lab, WEB, web),
        "again": lambda: _refresh(lab, WEB, again, key=key),
        "old": lambda: _refresh(lab, APP, old, key=key),
    }
    return {"send": each_once(scene, "request", calls)}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "refresh_key": "From a public client the demo wants a proof by the first key; from any"
        " client that began with a proof, one by some key.",
        ACCEPTED: "The secret says who asks: the key may be another, and nothing is used up.",
        NO_ROW: "A public client's refresh token is good once here, whoever has the key.",
    }
    return (yield from all_predicted(scene, 5, why))


# ---- 10.2


def _a_key_to_retire(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    signing = lab.sign_in("alice", client_id=WEB, key=key).sign_in
    return {"refresh_token": signing.refresh_token, "key": key}


def _by_a_new_key(scene: Scene) -> Steps:
    yield not _signed_in(scene), "Somebody signed in. Nobody is there at this hour: start again."
    asked, calls, old = scene.at(TOKEN_ENDPOINT), scene.at(API), scene.given["key"]
    yield asked, "The token endpoint was not asked yet."
    many = f"The token endpoint was asked {len(asked)} times. Two are enough: start again."
    yield len(asked) <= 2, many
    own = "The token endpoint was asked for a token of the client's own, in which Alice is not."
    yield asked[-1].form.get("grant_type") == "refresh_token", own
    bare = "The refresh token came without a proof, and at first there had been one."
    yield asked[-1].accepted or asked[-1].is_proof, bare
    yield asked[-1].accepted, f"The token endpoint said no: {asked[-1].answer}."
    yield calls, "A token is there. The API was not called with it yet."
    last = calls[-1]
    yield last.accepted, f"The API refused the last call: {last.reason}."
    retired = "The API took a call by the key that is to be retired. A refresh may bring a new one."
    yield thumbprint(last.proof.header["jwk"]) != thumbprint(public_jwk(old)), retired
    yield last.access_token.claims.get("sub"), "The API took a call, and Alice is not in its token."
    return (
        "The client said who it is with its secret, and so its refresh token went over to a new"
        " key. From a public client that would have been a theft."
    )


# ---- 10.3


def two_tabs(lab: Lab, key: PrivateKey, kept: dict[str, Any]) -> list[requests.Response]:
    """Two tabs of a page, which begin with what is kept, call the API in each of two hours."""
    tabs = [dict(kept), dict(kept)]
    answers = []
    for _ in range(2):
        lab.clock.advance(3600)
        for tab in tabs:
            grant = {"grant_type": "refresh_token", "scope": None}
            grant["refresh_token"] = tab["refresh_token"]
            tab.update(lab.ask("interactive.public", key=key, **grant).json())
            proof = lab.proof(key, "GET", lab.api, access_token=tab["access_token"])
            headers = {"Authorization": f"DPoP {tab['access_token']}", "DPoP": proof}
            answers.append(lab.session.get(lab.api, headers=headers))
    return answers


def _a_page(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(RFC_9449), generate_key()
    auth = lab.sign_in("alice", client_id=APP, key=key)
    kept = {"refresh_token": auth.sign_in.refresh_token}
    kept["access_token"] = auth.token.value if auth.token else ""
    return {"key": key, "kept": kept}


def _four_calls(scene: Scene) -> Steps:
    yield not _signed_in(scene), "Alice had to sign in once more. She is to hear nothing of it."
    asked = [one for one in scene.at(TOKEN_ENDPOINT) if "refresh_token" in one.form]
    yield not asked or asked[-1].caught != "refresh_key", "That key is not the page's."
    used = [one.form["refresh_token"] for one in asked if one.caught != "refresh_key"]
    twice = (
        "The token endpoint saw one refresh token a second time, took one of the two for a thief's,"
        " and ended the family. Start again: what is kept is worth nothing now."
    )
    yield len({*used}) == len(used), twice
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    over = "The token of the last call had run out. Its tab did not know of a new one."
    yield calls[-1].caught != "not_expired", over
    yield calls[-1].accepted, f"The API refused the last call: {calls[-1].reason}."
    good = [one for one in calls if one.accepted and one.access_token.claims["client_id"] == APP]
    yield good, "The API took a call, and Alice is not in its token."
    yield len(good) >= 4, f"Accepted so far: {len(good)} of 4 calls."
    first, second = good[-3].sent_at or 0, good[-2].sent_at or 0
    pairs = "Two calls are wanted, an hour of no call, and two more: the last four were others."
    yield second - first >= HOUR, pairs
    if len(used) <= 2:
        return "One renewal an hour, for both tabs: whoever comes second finds the token there."
    return (
        "Both tabs look at one place, so no refresh token goes twice. Where they run at the same"
        " time that takes a lock as well; and every second renewal could be saved."
    )


EXERCISES = (
    Exercise(
        id="10.1",
        kind="predict",
        title="Five refresh tokens",
        task=(
            "Five refresh tokens, all got with a proof, go to the demo's token endpoint. For each,"
            " predict 'refresh_key', another row, 'accepted', or 'no row' where no row sees"
            " what is wrong, and then send it: task.predict('refresh_key'), task.send('stolen')."
        ),
        cases={
            "stolen": f"that of {APP}, with a proof by another key",
            "moved": f"that of {WEB}, with its secret and a proof by another key",
            "bare": f"that of {WEB}, with its secret and no proof",
            "again": f"that of {WEB}, with its secret and its key, a second time",
            "old": f"that of {APP}, with its key, a second time",
        },
        gives={"send": "sends one of the five, by its name, once"},
        names=("refresh_key",),
        hints=(
            "Two questions: what is it bound to, and how often is it good?",
            "A public client's is bound to the key, a confidential one's to the client. Which of"
            " them does the demo rotate?",
            "refresh_key says no to two of them, one for another key, one for none. One is used"
            " up, which is no row's business. The others are accepted.",
        ),
        start=_five_tokens,
        steps=_each_predicted,
    ),
    Exercise(
        id="10.2",
        kind="do",
        title="A key is retired",
        task=(
            f"You are {WEB}, whose secret is the demo's usual one. task.refresh_token was got with"
            " task.key, which is to be retired tonight. Get the API to take a call in Alice's name"
            " by a new key. Nobody signs in, and the token endpoint is asked twice at most."
        ),
        gives={
            "refresh_token": "Alice's refresh token of this client",
            "key": "the key with which it was got",
        },
        hints=(
            "What is this client's refresh token bound to?",
            "task.lab.ask sends the secret, and with key=… a proof by that key.",
            f"task.lab.ask('{WEB}', key=new, grant_type='refresh_token', refresh_token=…,"
            " scope=None), and a call of task.lab.api with that access token and a proof by new.",
        ),
        start=_a_key_to_retire,
        steps=_by_a_new_key,
    ),
    Exercise(
        id="10.3",
        kind="mend",
        title="Two tabs",
        task=(
            "Two tabs of one page renew their tokens, and Alice is thrown out of both. The server"
            " rotates, and ends the family of a refresh token that comes twice. Mend the client,"
            " and run it with task.lab, task.key and task.kept: both tabs call the API in each of"
            " two hours, four calls are accepted, and Alice does not sign in again. After a run"
            " that failed task.start_again() signs her in anew."
        ),
        gives={
            "two_tabs": "the function below",
            "key": "the page's key, which both tabs have",
            "kept": "what the page keeps: refresh_token and access_token",
        },
        hints=(
            "Run it, and read task.lab.story: which refresh token did the second tab send?",
            "Rotation makes every copy of a refresh token out of date. How many are there?",
            "Both tabs read and write one dict, kept itself. One renewal an hour is enough then.",
        ),
        code=two_tabs,
        start=_a_page,
        steps=_four_calls,
    ),
    Exercise(
        id="10.4",
        kind="attack",
        title="The gateway remembers",
        task=(
            "This API stands behind a gateway, which asks the introspection endpoint about each"
            f" token, and remembers what it was told for {gateway.MINUTE} s. Somebody says that"
            " the API is not always strict. You have stolen task.token, and have no key but your"
            " own: get in, by task.lab.api. Then choose one of task.repairs: task.repair('a'). It"
            " has to stop the thief, and not the owner; you have one choice."
        ),
        gives={
            "token": "the stolen access token",
            "repairs": "four repairs, by a letter",
            "repair": "makes one of them, and tries it out",
        },
        hints=(
            "Try it, and try it again. Read task.lab.log[-1].reports[-1] each time.",
            "What the gateway was told and what it remembers of that are two things. Which row is"
            " missing from the second report?",
            "A proof by your own key for each call, two calls within a minute. For the repair ask:"
            " who needs cnf, and how often?",
        ),
        start=gateway.a_stolen_token,
        steps=gateway.in_and_repaired,
    ),
)
