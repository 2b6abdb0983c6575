"""One API on two machines, to which requests go by turns, and what they may share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import requests

from dpop_lab.client.recorder import SessionLog
from dpop_lab.errors import LabError, one_of
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.mistakes import at_the_api
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import generate_key
from dpop_lab.proof.rules import Window
from dpop_lab.server.common import Nonces, UsedProofs
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import API
from dpop_lab.wire.message import Request, Response

MOST = 2  # repairs that may be tried
Machine = tuple[UsedProofs, Nonces]
REPAIRS = {
    "a": "each machine has a secret of its own for nonces, and refuses those of the other",
    "b": "each machine remembers a proof for an hour",
    "c": "both machines look into one memory of used proofs",
    "d": "both machines take no proof that is older than five seconds",
}


def two(*, one_memory: bool = False, one_secret: bool = True) -> list[Machine]:
    """Two machines, with what they share."""
    memory, secret = UsedProofs(), Nonces()
    return [
        (memory if one_memory else UsedProofs(), secret if one_secret else Nonces())
        for _ in range(2)
    ]


@dataclass(slots=True, kw_only=True, repr=False)
class TwoMachines(ResourceServer):
    """An API whose requests go to the machines by turns."""

    machines: list[Machine] = field(default_factory=two)

    def api(self, place: str, request: Request) -> Response:
        """The answer of the machine whose turn it is."""
        machine = self.machines.pop(0)
        self.machines.append(machine)
        self.used, self.nonces = machine
        return ResourceServer.api(self, place, request)


def an_owner_and_a_thief(scene: Scene) -> Mapping[str, Any]:
    """Make both machines, an owner who calls them, and what a thief can do."""
    lab, key = scene.open(RFC_9449, api_nonce=True, apis=TwoMachines), generate_key()
    token = lab.ask(key=key).json()["access_token"]
    owners, caught, tried = lab.session_over(lab.adapter, SessionLog()), [], list[str]()

    def owner(session: requests.Session) -> dict[str, str]:
        nonce = None
        for _ in range(2):  # a challenge is obeyed once
            proof = lab.proof(key, "GET", lab.api, access_token=token, nonce=nonce)
            headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
            answer = session.get(lab.api, headers=headers)
            nonce = answer.headers.get("DPoP-Nonce")
            if answer.ok:
                break
        return headers

    def catch() -> dict[str, str]:
        """Let the owner call the API; gives the headers of the call that was accepted."""
        caught.append(owner(owners))
        return caught[-1]

    def replay(session: requests.Session) -> None:
        session.get(lab.api, headers=owner(session))

    def repair(letter: str) -> object:
        """Make one of the four changes, and try it out: the owner calls, and the thief replays."""
        one_of("repair", letter, REPAIRS)
        if len(tried) == MOST:
            raise LabError(f"{MOST} repairs were tried", advice="task.start_again()")
        tried.append(letter)
        server = lab.twin.resource_server
        machines = two(one_memory=letter == "c", one_secret=letter != "a")
        lab.twin.resource_server = replace(cast(TwoMachines, server), machines=machines)
        changed: dict[str, Policy] = {
            "b": at_the_api(RFC_9449, remember=3600),
            "d": at_the_api(RFC_9449, window=Window(5, 5)),
        }
        told = scene.try_out(changed.get(letter, RFC_9449), {"owner": owner, "replay": replay})
        lab.twin.resource_server = server
        return told

    return {"catch": catch, "caught": caught, "repairs": REPAIRS, "repair": repair}


def replayed_and_repaired(scene: Scene) -> Steps:
    """A caught call accepted once more; then refused, and the owner's is not."""
    sent, caught = scene.at(API), {one["DPoP"] for one in scene.given["caught"]}
    yield sent, "Nothing was sent to the API yet. First send what you caught once more."
    again = [one for one in sent if one.proofs and one.proofs[0] in caught]
    yield again, "The API saw a request, and it was none that you caught."
    last, twice = again[-1], any(one.accepted for one in again)
    slow = "That call was caught too long ago. Catch another, and be quick."
    yield twice or last.caught != "fresh", slow
    known = f"The machine whose turn it was refused it: {last.reason}. Catch another."
    yield twice, known
    through = "Accepted twice: each machine saw it for the first time. Now repair: task.repairs."
    yield scene.trials, through
    owner, replay = (scene.trials[name][-1] for name in ("owner", "replay"))
    turned = (
        "Now the owner is refused. One machine gave a nonce out, the next request went to the"
        " other, and so did the one after: the owner, who obeys once, gives up."
    )
    yield owner.accepted, turned
    still = "The owner gets in, and so does the thief, at the machine that never saw the proof."
    yield not replay.accepted, still
    return (
        "Machines that are one server need one memory and one secret. Nonces of two secrets refuse"
        " some replays, by luck, and honest clients twice in a row."
    )
