"""Exercises of lesson 5, the protected call."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.session.call import ACCEPTED, API, TOKEN_ENDPOINT

# ---- 05.1


def _four_calls(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    old, token = (lab.ask(key=key).json()["access_token"] for _ in range(2))

    def proof(by: PrivateKey = key, of: str = token) -> str:
        return lab.proof(by, "GET", lab.api, access_token=of)

    def call(made: str, query: str = "") -> requests.Response:
        headers = {"Authorization": f"DPoP {token}", "DPoP": made}
        return lab.session.get(lab.api + query, headers=headers)

    used = proof()
    call(used)
    calls: dict[str, Callable[[], requests.Response]] = {
        "renewed": lambda: call(proof(of=old)),
        "page": lambda: call(proof(), "?page=2"),
        "again": lambda: call(used),
        "restarted": lambda: call(proof(by=generate_key())),
    }
    return {"send": each_once("call", calls)}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "ath": "A proof is for one token, and this one still named the token before.",
        "unused": "The server remembers each proof that it took.",
        "bound_key": "A token is bound to the key that asked for it, whoever has the new one.",
        ACCEPTED: "Query and fragment are no part of htu.",
    }
    return (yield from all_predicted(scene, 4, why))


# ---- 05.2


def client(lab: Lab, key: PrivateKey) -> list[requests.Response]:
    """Call the API three times; before the last call the token has run out."""
    from dpop_lab.proof import access_token_hash

    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    ath = access_token_hash(token)
    answers = []
    for number in range(3):
        if number == 2:
            lab.clock.advance(4000)
            token = lab.ask("m2m.dpop", key=key).json()["access_token"]
        proof = lab.proof(key, "GET", lab.api, ath=ath)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        answers.append(lab.session.get(lab.api, headers=headers))
    return answers


def _a_key(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {"key": generate_key()}


def _three_calls_two_tokens(scene: Scene) -> Steps:
    asked = scene.at(TOKEN_ENDPOINT)
    expired = any(one.caught == "not_expired" for one in scene.at(API))
    yield len(asked) > 1 or not expired, "The token had run out, and no other was asked for."
    yield len(asked) > 1, "A token was asked for once. The last call needs a new one."
    run = scene.calls[scene.calls.index(asked[-2]) :]
    calls = [one for one in run if one.place == API]
    stale = "The API saw a new token with a proof whose ath is the hash of the token before it."
    yield not any(one.caught == "ath" for one in calls), stale
    accepted = [one for one in calls if one.accepted]
    tokens = len({one.token for one in accepted})
    missing = (
        f"With the last two tokens {len(accepted)} calls were accepted, by {tokens} of the tokens."
        " Three are wanted, and both tokens: a token is kept as long as it is good."
    )
    yield len(accepted) >= 3 and tokens == 2, missing
    if len(accepted) < len(calls):
        return "Renewed after a refusal: that works as well, and costs one request more."
    return "Each proof named the token that it went with, and none was asked for in vain."


EXERCISES = (
    Exercise(
        id="05.1",
        kind="predict",
        title="Four calls of the API",
        task=(
            "A client calls the API four times: 'renewed', with a new token and a proof for the"
            " one before; 'page', with ?page=2 behind the URL, but not in htu; 'again', the bytes"
            " of a call that was accepted a moment ago; 'restarted', with the token of before and"
            " a proof by a new key. For each, predict the row that says no, or 'accepted', and"
            " then send it: task.predict('htm'), task.send('renewed')."
        ),
        gives={"send": "sends one of the four calls, by its name, once"},
        hints=(
            "A claim of the proof names the token, another the request, a third the proof itself.",
            "DPoP leaves the query alone. Everything else that changed here is seen by some row.",
            "ath is of the token, jti of the proof, cnf.jkt of the key. The rows that look at them"
            " are in RFC_9449.api.",
        ),
        start=_four_calls,
        steps=_each_predicted,
    ),
    Exercise(
        id="05.2",
        kind="mend",
        title="The token was renewed",
        task=(
            "This client calls the API three times, and its last call is refused. Mend it, and run"
            " it with task.lab and task.key: three calls are to be accepted, with no more than two"
            " tokens."
        ),
        gives={"client": "the function below", "key": "the client's key"},
        hints=(
            "Run it as it is, and read task.lab.log[-1].reports[-1].failure.",
            "ath is the hash of a token. Of which one, after the renewal?",
            "Compute ath beside each proof, or leave that to lab.proof(…, access_token=token).",
        ),
        code=client,
        start=_a_key,
        steps=_three_calls_two_tokens,
    ),
)
