"""Exercises of lesson 5, the protected call."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.errors import LabError
from dpop_lab.exercises import detours
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.server.rfc9449 import RFC_9449
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
    return {"send": each_once(scene, "call", calls)}


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


# ---- 05.4

LATER = 20  # seconds


def _a_page(scene: Scene) -> Mapping[str, Any]:
    lab, key, open_still = scene.open(RFC_9449), generate_key(), [True]
    token = lab.ask(key=key).json()["access_token"]

    def sign(method: str, url: str) -> dict[str, str]:
        """The headers of a call, as the page makes them."""
        if not open_still:
            raise LabError("The page is closed", advice="task.start_again() opens it anew.")
        proof = lab.proof(key, method, url, access_token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def close() -> None:
        """The user leaves the page, and some time passes."""
        open_still.clear()
        lab.clock.advance(LATER)

    return {"sign": sign, "close": close}


def _deleted_afterwards(scene: Scene) -> Steps:
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    last = calls[-1]
    own = "The API saw a proof by another key than the page's. You can't have that one, only use it"
    of_yours = last.token in [one.issued for one in scene.at(TOKEN_ENDPOINT)]
    yield not of_yours and last.caught != "bound_key", f"{own}."
    yield last.caught != "htm", f"The API saw a proof for another method: {last.reason}."
    yield last.caught != "unused", "The API had taken that proof before: each serves one call."
    yield last.caught != "fresh", f"You came too late, start again. {last.reason}."
    yield last.accepted, f"The API refused the last call: {last.reason}."
    get = f"The API took a {last.method} in the user's name. That reads; you want to delete."
    yield last.method == "DELETE", get
    age = (last.sent_at or 0) - last.proof.claims["iat"]
    still = "The API deleted it, while the page was open. Now do it when the user has left."
    yield age >= LATER, still
    return (
        "The key never left the page, and you deleted something when the page was gone. A nonce"
        " would have made what you had stored useless. While the page is open, nothing helps but"
        " to keep your script out of it."
    )


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
    Exercise(
        id="05.3",
        kind="mend",
        title="Three pages",
        task=(
            "This client reads three pages of the API of task.lab, and gets none. Mend it, and run"
            " it with task.lab and task.key: three pages with one token."
        ),
        gives={"paging": "the function below", "key": "the client's key"},
        hints=(
            "Run it, and compare wanted and found in task.lab.log[-1].reports[-1].failure.",
            "Which part of a URL does not belong in htu? The server needs it all the same.",
            "htu is lab.api for each page; the request goes to url, with a proof of its own.",
        ),
        code=detours.paging,
        start=detours.textual_api,
        steps=detours.three_pages,
    ),
    Exercise(
        id="05.4",
        kind="attack",
        title="A script in the page",
        task=(
            "Your script runs in somebody's page. The key is in the browser, and can't be read;"
            " task.sign(method, url) is the page's own function, which gives the headers of a call"
            f" with its token and proof. task.close() is the user who leaves, and {LATER} seconds"
            " pass. Call the API with DELETE after that."
        ),
        gives={"sign": "the page's function, while it is open", "close": "closes the page"},
        hints=(
            "The page signs whatever it is asked to. When do you have to ask?",
            "For how long is a proof good here? RFC_9449.api.window is the policy's.",
            "task.sign('DELETE', task.lab.api) first, and keep what it gives; close; then"
            " task.lab.session.delete(task.lab.api, headers=…), all in one cell.",
        ),
        start=_a_page,
        steps=_deleted_afterwards,
    ),
    Exercise(
        id="05.5",
        kind="mend",
        title="It has moved",
        task=(
            "This client goes wherever a URL has moved to. task.away leads to another host,"
            " task.moved to the API. Mend the client, and run it with task.away, then with"
            " task.moved: the other host gets neither token nor proof, and the API takes the call."
        ),
        gives={
            "following": "the function below",
            "key": "the client's key",
            "moved": "a URL of the API that has moved to another",
            "away": "a URL of the API that has moved to another host",
        },
        hints=(
            "Which of the two headers does requests take along to another host?",
            "allow_redirects=False gives you the redirect: its headers have the Location.",
            "A new proof for the Location, with the same token, where it begins with lab.base_url;"
            " nothing at all elsewhere.",
        ),
        code=detours.following,
        start=detours.two_removals,
        steps=detours.nothing_lost_and_arrived,
    ),
)
