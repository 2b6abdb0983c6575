"""An API behind a gateway that asks what a token is good for, and remembers only a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import requests

from dpop_lab.errors import LabError, one_of
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Seen, lacking
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.server.access_token import token_of
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import API
from dpop_lab.wire.message import Request, Response

MOST = 1  # repairs that may be tried
MINUTE = 60
OWNER, THIEF = "the owner, twice", "the thief, with repair"
REPAIRS = {
    "a": "the gateway remembers an answer for five seconds, and not for a minute",
    "b": "the gateway remembers an answer if the API took the call, and not otherwise",
    "c": "the gateway remembers all members of an answer, and hands all of them on",
    "d": "the API refuses every call for which it is told no cnf",
}
STILL = {  # why a thief gets in
    "a": "five seconds are enough for whoever knocks twice",
    "b": "the thief has to come behind the owner, and does",
}


@dataclass(slots=True, kw_only=True, repr=False)
class Gateway(ResourceServer):
    """An API with a gateway before it, whose memory has the member `cnf` of no answer.

    While it remembers a token, the row `bound_key` has nothing to compare with, and is not asked.
    """

    lasts: int = MINUTE  #: seconds for which it remembers what it was told of a token
    if_taken: bool = False  #: does it remember only what the API took?
    keeps_all: bool = False  #: does it remember `cnf`, too?
    wants_cnf: bool = False  #: does the API refuse where it is told none?
    known: dict[str, int] = field(default_factory=dict)  #: until when, by the token

    def api(self, place: str, request: Request) -> Response:
        """The API's answer, with what the gateway knows of the token or is told of it now."""
        now, judge = self.clock.now(), self
        token = token_of(self.policy.authorization(request, "DPoP")).text
        remembered = self.known.get(token, now) > now
        if remembered and self.wants_cnf:
            return Response(401, (("WWW-Authenticate", 'DPoP error="invalid_token"'),))
        if remembered and not self.keeps_all:
            judge = replace(self, policy=lacking(self.policy, "bound_key"))
        response = ResourceServer.api(judge, place, request)
        good = any(not one.failure for one in response.reports[:1])
        if not remembered and good and (response.status < 400 or not self.if_taken):
            self.known[token] = now + self.lasts
        return response


def a_stolen_token(scene: Scene) -> Mapping[str, Any]:
    """Open the API behind its gateway; hand out a token that was stolen, and the repairs."""
    lab, key, tried = scene.open(RFC_9449, apis=Gateway), generate_key(), list[str]()
    token = lab.ask(key=key).json()["access_token"]

    def call(session: requests.Session, by: PrivateKey) -> None:
        proof = lab.proof(by, "GET", lab.api, access_token=token)
        session.get(lab.api, headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    def owner(session: requests.Session) -> None:
        for _ in range(2):
            call(session, key)

    def thief(session: requests.Session) -> None:
        other = generate_key()
        for one in (other, key, other, other):
            call(session, one)

    def repair(letter: str) -> object:
        """Make one of the four changes, and try it out: the owner calls twice, then the thief."""
        one_of("repair", letter, REPAIRS)
        if len(tried) == MOST:
            raise LabError("A repair was tried", advice="task.start_again() for another go.")
        tried.append(letter)
        server = cast(Gateway, lab.twin.resource_server)
        changed: dict[str, dict[str, Any]] = {
            "a": {"lasts": 5}, "b": {"if_taken": True},
            "c": {"keeps_all": True}, "d": {"wants_cnf": True},
        }  # fmt: skip
        lab.twin.resource_server = replace(server, known={}, **changed[letter])
        told = scene.try_out(RFC_9449, {OWNER: owner, f"{THIEF} {letter}": thief})
        lab.twin.resource_server = server
        return told

    return {"token": token, "repairs": REPAIRS, "repair": repair}


def _by_another_key(one: Seen) -> bool:
    """Was the proof signed by another key than the token is bound to?"""
    jkt = thumbprint(one.proof.header["jwk"])
    return bool(jkt != one.access_token.claims["cnf"]["jkt"])


def in_and_repaired(scene: Scene) -> Steps:
    """A call by another key that was accepted; then a repair that stops it, and not the owner."""
    sent, stolen = scene.at(API), scene.given["token"]
    yield sent, "The API was not called yet. Be the thief first."
    own = "The API saw another token than the stolen one: that is no theft."
    mine = [one for one in sent if one.token == stolen]
    yield mine, own
    last, got_in = mine[-1], any(one.accepted and _by_another_key(one) for one in mine)
    told = [one for one in mine[:-1] if one.reports and not one.reports[0].failure]
    late = f" You came too late: it remembers for {MINUTE} s." * bool(told)
    compared = (
        "The row bound_key compared your key with cnf, for the gateway had just asked what that"
        " token is good for. It does not ask each time."
        f"{late}"
    )
    yield got_in or last.caught != "bound_key", compared
    yield got_in, f"The API refused the last call: {last.reason}."
    name = "You are in, with a key of your own: cnf was not in what the gateway remembered"
    yield scene.trials, f"{name}. Now repair it: task.repairs, task.repair('…')."
    refused = f"{name}. With this repair the owner is refused: the second time nobody tells of cnf."
    yield all(one.accepted for one in scene.trials[OWNER]), refused
    (theft,) = (told for told in scene.trials if told.startswith(THIEF))
    thefts = [one for one in scene.trials[theft] if _by_another_key(one)]
    why = STILL.get(theft[-1], "")
    yield not any(one.accepted for one in thefts), f"{name}. The thief still gets in: {why}."
    return (
        "What is handed on is as bound as what came. A shorter memory is a smaller hole, and a"
        " refusal of all that lacks cnf would have shown the fault on the first day."
    )
