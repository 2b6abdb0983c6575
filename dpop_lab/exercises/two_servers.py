"""Five calls of an API, and what the demo's and a strict server say to the same bytes."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.errors import one_of
from dpop_lab.exercises.exercise import Steps, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import ACCEPTED


def five_calls(scene: Scene) -> Mapping[str, Any]:
    """Make both servers, and what sends one of five calls, with two predictions."""
    lab = scene.open(complete=RFC_9449)
    keys = [generate_key() for _ in range(2)]
    token, others = (lab.ask(key=key).json()["access_token"] for key in keys)

    def call(claims: Mapping[str, object], key: PrivateKey, token: str) -> requests.Response:
        said: dict[str, Any] = {"htm": "GET", "htu": lab.api, **claims}
        htm, htu = (said.pop(name) for name in ("htm", "htu"))
        proof = lab.proof(key, htm, htu, access_token=token, **said)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return lab.session.get(lab.api, headers=headers)

    call({"jti": "1"}, keys[1], others)
    now = lab.clock.now
    made: dict[str, Callable[[], Mapping[str, object]]] = {
        "door": lambda: {"htm": "POST", "htu": lab.token_endpoint, "ath": None},
        "slow": lambda: {"iat": now() - 45},
        "fast": lambda: {"iat": now() + 18},
        "counter": lambda: {"jti": "1"},
        "capitals": lambda: {"htu": lab.api.replace("/api/", "/API/")},
    }
    once = each_once(scene, "call", made)
    rows = dict.fromkeys([ACCEPTED, *sorted(DUENDE.row_names | RFC_9449.row_names)])

    def send(name: str, *, demo: str = "", strict: str = "") -> requests.Response:
        """Send one of the five, with what you expect of the two servers."""
        for row in filter(None, (demo, strict)):
            one_of("row", row, rows)
        claims = once(name)
        scene.predict(f"{demo} {strict}")
        return scene.hand_on(lambda: call(claims, keys[0], token))

    return {"send": send}


def both_predicted(scene: Scene) -> Steps:
    """Each call sent with two predictions, and both of them right."""
    why = {
        ("ath", "htm"): "Three rows are against it, and each server has an order of its own.",
        ("fresh", ACCEPTED): "Half a minute is the demo's window, a minute the strict server's.",
        (ACCEPTED, "fresh"): "The demo's clients may be further ahead than ten seconds.",
        ("unused", ACCEPTED): "A jti is known alone, or together with key and URL.",
        (ACCEPTED, "htu"): "A path has its letter case, which the demo's API passes over.",
    }
    sent = [one for one in scene.calls if one.handed]
    for count, call in enumerate(sent, 1):
        demo, _, strict = call.predicted.partition(" ")
        both = f"Call {count} was sent without two predictions: demo=…, strict=…. Start again."
        yield demo and strict, both
        for server, said, came in (("demo", demo, call.caught), ("strict", strict, call.fault)):
            told = f"Of the {server} server you predicted {said}, and it was {came}."
            yield said == came, f"{told} {why[call.caught, call.fault]} Start again."
    count = len(sent)
    yield count == len(why), f"Predicted rightly so far: {count} of {len(why)}. Go on."
    return "You know both servers. Where they differ, the RFC leaves it to them, or one is kind."
