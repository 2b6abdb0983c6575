"""Exercises of lesson 7, nonce and replay."""

from collections.abc import Mapping
from typing import Any

import requests

from dpop_lab.errors import LabError, expect
from dpop_lab.exercises import nonce_clients, two_machines
from dpop_lab.exercises.exercise import Exercise, Steps
from dpop_lab.exercises.find_and_repair import AHEAD_FORGOTTEN
from dpop_lab.exercises.scene import Scene, Trial
from dpop_lab.jose.keys import generate_key
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import API

# ---- 07.3

AWAY = 60  # seconds until the owner is back
APART = 15 * 60
VISITS = 3
SLOW = 20  # seconds that an honest clock is behind


def _an_unlocked_computer(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    token = lab.ask(key=key).json()["access_token"]

    def made(iat: int, nonce: str | None = None) -> dict[str, str]:
        proof = lab.proof(key, "GET", lab.api, access_token=token, nonce=nonce, iat=iat)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def sign(iat: int) -> dict[str, str]:
        """The headers of a call of the API, its proof dated so; while the owner is away."""
        expect(iat, int, "iat", "Seconds since 1970, such as task.lab.clock.now().")
        if lab.clock.ahead > AWAY:
            raise LabError("The owner is back at the computer", advice="task.start_again()")
        return made(iat)

    def obeying(session: requests.Session, behind: int = 0) -> None:
        answer = session.get(lab.api, headers=made(lab.clock.now() - behind))
        if nonce := answer.headers.get("DPoP-Nonce"):
            session.get(lab.api, headers=made(lab.clock.now() - behind, nonce))

    def thief(session: requests.Session) -> None:
        kept = made(lab.clock.now() + APART)
        lab.clock.advance(APART)
        session.get(lab.api, headers=kept)
        lab.clock.advance(-APART)

    def guard(policy: Policy, *, api_nonce: bool = False) -> object:
        """Try rules out: the owner calls, one with a slow clock, and a thief with a kept proof."""
        trials: dict[str, Trial] = {
            "thief": thief,
            "owner": obeying,
            "slow owner": lambda session: obeying(session, SLOW),
        }
        return scene.try_out(policy, trials, api_nonce=api_nonce)

    return {"sign": sign, "token": token, "guard": guard}


def _visited_and_guarded(scene: Scene) -> Steps:
    sent, visits = scene.at(API), list[float]()
    yield sent, "The API was not called yet: be the thief first."
    last, stolen = sent[-1], scene.given["token"]
    for one in sent:
        at = one.sent_at or 0
        due = not visits or at - visits[-1] >= APART - 1
        if one.accepted and one.token == stolen and due:
            visits.append(at)
    done = len(visits) >= VISITS
    yield done or last.token == stolen, "The API saw another token than the stolen one."
    early = f"The time of that proof is not now, by the API's clock: {last.reason}."
    yield done or last.caught != "fresh", early
    yield done or last.accepted, f"The API refused it: {last.reason}."
    count = f"Visits so far, {APART // 60} minutes apart: {len(visits)} of {VISITS}"
    yield done, f"{count}. The owner comes back as soon as you move the clock by a minute."
    yield scene.trials, "You came and went while the owner had the key. Now guard it: task.guard."
    thief, owner, slow = (scene.trials[name][-1] for name in ("thief", "owner", "slow owner"))
    fresh = (
        "Under these rules the kept proof gets in: when its time has come, it is as fresh as any."
    )
    yield not thief.accepted, fresh
    yield owner.accepted, f"Now the owner is refused, whose clock is right: {owner.reason}."
    yield slow.accepted, f"Now an owner is refused whose clock is {SLOW} s slow: {slow.reason}."
    praise = "A nonce is what nobody could write down ahead: the stack of kept proofs is worthless."
    if str(owner.findings["fresh"].wanted) == "any time":
        return praise
    return f"{praise} And your guard looks at iat as well."


EXERCISES = (
    Exercise(
        id="07.1",
        kind="mend",
        title="Ten calls, twelve requests",
        task=(
            "This client calls an API that demands nonces ten times, and needs twenty requests."
            " Mend it, so that at most twelve go to the API, and run it with task.lab and task.key."
            " The calls stay a hundred seconds apart; a nonce is good for five minutes here."
        ),
        gives={"client": "the function below", "key": "the client's key"},
        hints=(
            "Run it as it is: task.lab.story shows which requests were in vain, and what came.",
            "A nonce may be used again as long as it is good. Where does the next one come from?",
            "Keep the nonce from call to call, and take a new one from any answer that has the"
            " header DPoP-Nonce, a 200 too.",
        ),
        code=nonce_clients.client,
        start=nonce_clients.a_guarded_api,
        steps=nonce_clients.ten_calls,
    ),
    Exercise(
        id="07.2",
        kind="mend",
        title="One drawer for two nonces",
        task=(
            "This client keeps the nonce of each server. It asks for a token and calls the API,"
            " three times, and sends twelve requests. Mend it, so that eight are enough, and run it"
            " with task.lab and task.key."
        ),
        gives={"rounds": "the function below", "key": "the client's key"},
        hints=(
            "Run it as it is, and look at task.lab.story: which nonce came from where, and where"
            " did it go?",
            "Print the keys of nonces. How many servers does the client know?",
            "Whoever gave a nonce out wants it back. The URL tells who that was, not the host.",
        ),
        code=nonce_clients.rounds,
        start=nonce_clients.a_guarded_api,
        steps=nonce_clients.three_rounds,
    ),
    Exercise(
        id="07.3",
        kind="attack",
        title="A minute at the computer",
        task=(
            "You have stolen task.token, and its owner has left the computer for a minute: the key"
            " signs what you like, task.sign(iat=…), until the lab's clock has moved by 60 s. Take"
            " proofs home, and call the API three times, 15 minutes apart or more. Then be the"
            " owner of the API, and stop it: task.guard(policy, api_nonce=…) tries rules out."
        ),
        gives={
            "sign": "the headers of a call, signed by the owner's key",
            "token": "the stolen access token",
            "guard": "tries a policy out: owners call, and a thief with a proof that was kept",
        },
        hints=(
            "Who says when a proof was made?",
            "In one cell: make all proofs, then task.lab.clock.advance(900) before each call. The"
            " API takes a proof half a minute around its time.",
            "A window lets in what is dated now, whenever it was made. A guard needs something in"
            " the proof that nobody could know before.",
        ),
        start=_an_unlocked_computer,
        steps=_visited_and_guarded,
    ),
    Exercise(
        id="07.4",
        kind="defend",
        title="Two machines",
        task=(
            "This API demands nonces and runs on two machines, to which requests go by turns. Each"
            " remembers the proofs that it took itself; the secret of nonces they share. Catch a"
            " call with task.catch() and send it once more; then choose one of task.repairs:"
            " task.repair('a'). It has to stop the thief, and not the owner; you have"
            f" {two_machines.MOST} choices."
        ),
        gives={
            "catch": "lets the owner call the API, and gives you the headers",
            "caught": "all that you caught",
            "repairs": "four repairs, by a letter",
            "repair": "makes one of them, and tries it out",
        },
        hints=(
            "Send the caught headers with task.lab.session.get, and again. Which machine answers?",
            "A replay is refused by who remembers the proof. Whose memory is asked?",
            "Think of the owner as well: a nonce comes from one machine, and the next request goes"
            " to the other.",
        ),
        start=two_machines.an_owner_and_a_thief,
        steps=two_machines.replayed_and_repaired,
    ),
    AHEAD_FORGOTTEN,
)
