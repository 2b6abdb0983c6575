"""Exercises of lesson 8, debugging."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.find_and_repair import PATH_ALONE
from dpop_lab.exercises.scene import Scene, Seen
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import der_signature, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.session.call import ACCEPTED, API, TOKEN_ENDPOINT

INSIDE = "http://10.0.0.7:8080"

# ---- 08.1


def client(lab: Lab, store: dict[str, Any], start: int) -> requests.Response:
    """Call the API once; begun anew each time, with what it left in `store` the time before."""
    from dpop_lab.jose.keys import generate_key

    key = generate_key()
    if "token" not in store:
        store["token"] = lab.ask("m2m.dpop", key=key).json()["access_token"]
    url = f"{lab.api}?start={start}"
    proof = lab.proof(key, "GET", url, access_token=store["token"])
    headers = {"Authorization": f"DPoP {store['token']}", "DPoP": proof}
    return lab.session.get(url, headers=headers)


def _nothing(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {}


def _marked(scene: Scene, mark: str) -> list[Seen]:
    """The calls of the API with this in their query."""
    return [one for one in scene.at(API) if mark in one.url]


def _three_starts(scene: Scene) -> Steps:
    yield _marked(scene, "start=1"), "The API saw no call of a first start (?start=1)."
    first = max(n for n, one in enumerate(scene.calls) if "start=1" in one.url)
    last = _marked(scene, "start=1")[-1]
    yield last.accepted, f"The call of the first start was refused: {last.reason}."
    run = [last, *(one for one in scene.calls[first + 1 :] if one.place == API)]
    other = "The call of a later start brought the token of the first with a proof by another key."
    yield not any(one.caught == "bound_key" for one in run), f"{other} Begin at start=1 again."
    again = [one for one in scene.calls[first + 1 :] if one.place == TOKEN_ENDPOINT]
    asked = f"It works, and the token endpoint was asked {len(again)} times more."
    yield not again, f"{asked} Nothing was lost that had to be asked for. Begin at start=1 again."
    starts = {n: any(f"start={n}" in one.url and one.accepted for one in run) for n in (1, 2, 3)}
    came = ", ".join(str(n) for n, done in starts.items() if done)
    wanted = "Three are wanted, one after the other, from 1 on."
    yield all(starts.values()), f"Accepted so far: the calls of start {came}. {wanted}"
    return "Token and key belong together: who keeps the one keeps the other, and as safely."


# ---- 08.2


def _inside(scene: Scene) -> Mapping[str, Any]:
    api = scene.open().twin.resource_server
    api.base_url = INSIDE
    return {"api": api}


def _public_url(scene: Scene) -> Steps:
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    last = calls[-1]
    out = "The API took the call without a look at htu. Give it its row back, and its URL."
    yield "htu" in last.findings or not last.accepted, out
    looked = f"The API refused the last call before it looked at htu: {last.reason}."
    yield "htu" in last.findings and last.findings["htu"].mark != "not asked", looked
    wanted, found = last.findings["htu"].wanted, str(last.findings["htu"].found)
    bent = f"It was accepted, since the client signed {INSIDE} as well. That client is right at no"
    yield not found.startswith(INSIDE), f"{bent} other server: it is the API that is to be mended."
    yield not str(wanted).startswith(INSIDE), f"The API compared htu with {wanted}, as before."
    other = f"The API compared htu with {wanted}, and the client called {found}."
    yield last.caught != "htu", other
    yield last.accepted, f"htu fits now. The call was refused by another row: {last.reason}."
    return "The API knows the URL by which it is called, and no client had to change."


# ---- 08.3

SLOW = 312  # seconds


def report(lab: Lab, clock: Callable[[], int]) -> requests.Response:
    """Fetch the report of today."""
    from dpop_lab.jose.keys import generate_key

    key, url = generate_key(), f"{lab.api}?report=today"
    made = lab.proof(key, "POST", lab.token_endpoint, iat=clock())
    token = lab.ask("m2m.dpop", proof=made).json()["access_token"]
    proof = lab.proof(key, "GET", url, access_token=token, iat=clock())
    return lab.session.get(url, headers={"Authorization": f"DPoP {token}", "DPoP": proof})


def _slow_clock(scene: Scene) -> Mapping[str, Any]:
    scene.open()
    return {"clock": lambda: int(time.time()) - SLOW}


def _in_time(scene: Scene) -> Steps:
    moved = round(scene.lab.clock.time() - time.time())
    server = f"The server's clock was moved by {moved} s: now it is wrong for everybody else."
    yield abs(moved) < 2, f"{server} Start again, and leave it alone."
    calls = _marked(scene, "report=today")
    yield calls, "The API saw no call for the report (?report=today)."
    last = calls[-1]
    off = last.caught == "fresh" and last.findings["fresh"].defect
    yield off != "early", "The proof is dated ahead of the server's time now: that is too much."
    yield off != "stale", "The proof is too old, by the server's clock, when it comes."
    yield last.accepted, f"The call for the report was refused: {last.reason}."
    if any(not one.accepted for one in scene.calls):
        return "The report came. Who corrects by Date is right tomorrow as well, not only today."
    return "The proof has the time that everybody has."


# ---- 08.4


def _five_clients(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    token = lab.ask(key=key).json()["access_token"]

    def proof(**changed: Any) -> str:
        said = {"htm": "GET", "htu": lab.api, "access_token": token, **changed}
        return lab.proof(said.pop("by", key), said.pop("htm"), said.pop("htu"), **said)

    def platform() -> str:
        head, _, _ = (good := proof()).rpartition(".")
        return f"{head}.{base64url_encode(der_signature(read_jws(good).signature, 32))}"

    def call(made: str, scheme: str = "DPoP") -> requests.Response:
        headers = {"Authorization": f"{scheme} {token}", "DPoP": made}
        return lab.session.get(lab.api, headers=headers)

    calls: dict[str, Callable[[], requests.Response]] = {
        "container": lambda: call(proof(iat=lab.clock.now() - SLOW)),
        "gateway": lambda: call(proof(htu=f"{INSIDE}/api/dpop/test")),
        "platform": lambda: call(platform()),
        "restart": lambda: call(proof(by=generate_key())),
        "framework": lambda: call(proof(), "Bearer"),
    }
    return {"send": each_once(scene, "client", calls)}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "fresh": "iat was looked at, by the server's clock; the token had come all the same.",
        "htu": "Its htu is the URL that its configuration has, not the one it called.",
        "signature": "The octets verify in DER, which is not how a JWS writes them.",
        "bound_key": "A new key, and the token of the old one.",
        "scheme": "The scheme is looked at first: this API takes no token under Bearer.",
        ACCEPTED: "No row had anything against it.",
    }
    return (yield from all_predicted(scene, 5, why))


EXERCISES = (
    Exercise(
        id="08.1",
        kind="mend",
        title="Refused after each restart",
        task=(
            "This client is started anew each day, with a store that outlives it. The first day"
            " goes well. Mend it, then make a store, {}, and run it three times with that:"
            " task.client(task.lab, store, 1), then 2, then 3. Three calls are to be accepted,"
            " and the token, which is still good, is to be asked for once."
        ),
        gives={"client": "the function below"},
        hints=(
            "Run it twice with one store, and ask diagnose about the second answer.",
            "What belongs together, and what of it is in the store?",
            "Keep the key beside the token: an object here, on a disk key.private_jwk() in a file"
            " that nobody else can read.",
        ),
        code=client,
        start=_nothing,
        steps=_three_starts,
    ),
    Exercise(
        id="08.2",
        kind="mend",
        title="The API that does not know where it is",
        task=(
            "The API of task.lab stands behind a gateway and refuses every proof of every client."
            " Mend the API, task.api, not the client; then call it with an honest one, such as"
            " task.lab.auth()."
        ),
        gives={"api": "the API itself: the twin's resource server, with its settings"},
        hints=(
            "Call it, and look what task.lab.log[-1].reports[-1]['htu'] wanted and found.",
            "The API puts its own base URL before the path. Which one do its clients call?",
            "task.api.base_url is its setting. No slash at the end: the path begins with one.",
        ),
        start=_inside,
        steps=_public_url,
    ),
    Exercise(
        id="08.3",
        kind="mend",
        title="A clock that nobody may set",
        task=(
            f"The clock of this machine, task.clock, is {SLOW} s slow, and you are not allowed to"
            " set it. Mend the client, so that the API gives it the report:"
            " task.report(task.lab, task.clock). The server's clock is right; leave it alone."
        ),
        gives={"report": "the function below", "clock": "tells this machine's time, in seconds"},
        hints=(
            "Run it. A token comes, and the report does not: whose window is narrower?",
            "Each answer of a server says what time it is there, in a header.",
            "email.utils.parsedate_to_datetime(answer.headers['Date']).timestamp() beside"
            " task.clock() gives the difference, which can be added to every iat.",
        ),
        code=report,
        start=_slow_clock,
        steps=_in_time,
    ),
    Exercise(
        id="08.4",
        kind="predict",
        title="Five complaints before lunch",
        task=(
            "Five people say that the API refuses them. 'container': its clock is 312 s slow;"
            " 'gateway': signs the internal URL; 'platform': signs with SHA256withECDSA, as its"
            " platform gives it; 'restart': a new key each day, the token of yesterday;"
            " 'framework': sends token and proof under Bearer. For each, predict the row that says"
            " no, or 'accepted', then send it: task.predict('typ'), task.send('gateway')."
        ),
        gives={"send": "makes the call of one of the five, by its name, once"},
        hints=(
            "Each of them met you in this lesson, or on the way to it.",
            "Four have a fault in the proof. One has it in Authorization.",
            "The rows are bound_key, fresh, htu, scheme, signature, each of them once.",
        ),
        start=_five_clients,
        steps=_each_predicted,
    ),
    PATH_ALONE,
)
