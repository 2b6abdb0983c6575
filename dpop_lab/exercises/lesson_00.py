"""Exercise of the start page."""

from collections.abc import Mapping
from typing import Any

from dpop_lab.exercises.exercise import Exercise, Steps
from dpop_lab.exercises.scene import Scene
from dpop_lab.session.call import API, TOKEN_ENDPOINT


def _twin(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {}


def _rsa_at_the_api(scene: Scene) -> Steps:
    asked, calls = scene.at(TOKEN_ENDPOINT), scene.at(API)
    refused = [one for one in asked if not one.accepted]
    last = f"No token was given: {refused[-1].reason}" if refused else "No token was given yet"
    yield len(asked) > len(refused), f"{last}."
    yield calls, "A token was given. The API was not called yet."
    call = calls[-1]
    yield call.accepted, f"The API refused the last call: {call.reason}."
    header = call.proof.header if call.proof else {}
    found = f"kty {header['jwk']['kty']}, alg {header['alg']}"
    yield (
        header["jwk"]["kty"] == "RSA",
        f"The API accepted a call, and not by an RSA key: {found}.",
    )
    if str(header["alg"]).startswith("PS"):
        return f"The API took an RSA key, in the newer way of signing ({header['alg']})."
    return f"The API took an RSA key ({header['alg']}), whatever you may have read elsewhere."


EXERCISES = (
    Exercise(
        id="00.1",
        kind="do",
        title="A key of another kind",
        task=(
            "Make a call that the API of task.lab accepts, with an RSA key in place of a key on an"
            " elliptic curve. Some say that DPoP can't do that."
        ),
        hints=(
            "Which of the three cells above says what kind of key it is?",
            "generate_key takes the name of an algorithm. Those of RSA begin with RS or PS.",
            "The three cells again, with generate_key('RS256'), task.lab.auth(key=…) and"
            " task.lab.session.get(task.lab.api, auth=…).",
        ),
        start=_twin,
        steps=_rsa_at_the_api,
    ),
)
