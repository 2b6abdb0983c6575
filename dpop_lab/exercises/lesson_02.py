"""Exercises of lesson 2, a key's thumbprint."""

import secrets
from collections.abc import Mapping
from typing import Any

from dpop_lab.exercises.exercise import Exercise, Steps
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import generate_key
from dpop_lab.session.call import API, TOKEN_ENDPOINT


def _twelve_keys(scene: Scene) -> Mapping[str, Any]:
    keys = [generate_key() for _ in range(12)]
    answer = scene.open().ask(key=secrets.choice(keys))
    return {"keys": keys, "token": answer.json()["access_token"]}


def _first_call_fits(scene: Scene) -> Steps:
    yield not scene.at(TOKEN_ENDPOINT), "You asked for a token. The one you have is to be used."
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    first = calls[0]
    yield first.token == scene.given["token"], "The first call did not carry the token you have."
    other = "The API saw a proof, and the token is bound to another key than the one that made it."
    yield first.caught != "bound_key", f"{other} That was your one call: start again."
    yield first.accepted, f"The API refused the first call, and not for its key: {first.reason}."
    return "The thumbprint told which key it is, before anything was sent."


EXERCISES = (
    Exercise(
        id="02.1",
        kind="do",
        title="Whose token is it?",
        task=(
            "Twelve keys were found in a backup, and an access token. The token is bound to one of"
            " the keys. Call the API with it, and get in with your first call. Ask for no other"
            " token."
        ),
        gives={"keys": "a list of twelve private keys", "token": "an access token"},
        hints=(
            "A bound token says which key it belongs to. Where does it say so?",
            "decode_jwt(task.token) shows cnf.jkt: a thumbprint. Each key has one, too.",
            "Compare thumbprint(public_jwk(key)) of each key with it; task.lab.proof(key, 'GET',"
            " task.lab.api, access_token=task.token) is the proof by the one that fits.",
        ),
        start=_twelve_keys,
        steps=_first_call_fits,
    ),
)
