"""Sign-ins in exercises: honest ones that are not counted, and what is seen of those that are."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from dpop_lab.client.recorder import SessionLog
from dpop_lab.exercises.exercise import Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene, Seen
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sign_in.person import signed_in
from dpop_lab.lab.sign_in.stage import PUBLIC, REDIRECT_URI, Form, Stage, challenge, redemption
from dpop_lab.session.call import ACCEPTED, API, NO_ROW
from dpop_lab.session.sign_in.places import AUTHORIZE, PAR, leads, parameters

OF_PUSHED = {"client_id", "request_uri"}
MOST = 5  # requests of 09.2


class Visits(Stage):
    """People who sign in over one session, which may lead to a repaired server.

    Without one they do it over a session of which the exercise sees nothing.
    """

    def __init__(self, lab: Lab, session: requests.Session | None = None) -> None:
        log = lab.log if session else SessionLog()
        self._session = session or lab.session_over(lab.adapter, log)
        super().__init__(lab, lab.adapter, log, rules=lab.policy)

    def browser(self) -> requests.Session:
        """The session, which is the client's as well."""
        return self._session

    def answer(self, form: Form, person: str = "alice") -> dict[str, str]:
        """What a browser takes to the client, and none of its cookies."""
        try:
            return super().answer(form, person)
        finally:
            self._session.cookies.clear()


def alices(lab: Lab) -> requests.Session:
    """Alice's browser, in which she has signed in already."""
    browser, stage = lab.browser(), Visits(lab)
    url = requests.Request("GET", stage.url("authorize"), params=stage.request()).prepare().url
    signed_in(browser, str(url), REDIRECT_URI, "alice", "alice")
    return browser


def redeemed(
    session: requests.Session, lab: Lab, code: str, verifier: str, key: PrivateKey | None
) -> requests.Response:
    """Redeem a code of the public client with a proof by this key, or with none."""
    proof = {"DPoP": lab.proof(key, "POST", lab.token_endpoint)} if key else {}
    return session.post(lab.token_endpoint, data=redemption(code, verifier), headers=proof)


# ---- what was seen


def at_par(scene: Scene) -> list[Seen]:
    """The pushed requests."""
    return [one for one in scene.calls if one.personal == PAR]


def opened(scene: Scene) -> Iterator[tuple[Seen, Mapping[str, str]]]:
    """What browsers opened at the authorization endpoint, each with its parameters."""
    for one in scene.calls:
        if one.personal == AUTHORIZE:
            yield one, parameters(one.exchange)


def with_code(scene: Scene) -> list[Seen]:
    """The token requests with a code."""
    return [one for one in scene.calls if one.form.get("grant_type") == "authorization_code"]


def code_in(call: Seen) -> str:
    """The code that an answer brings to the client, empty where it brings none."""
    return leads(call.exchange)[1].get("code", "")


# ---- 09.1


def six_thieves(scene: Scene) -> Mapping[str, Any]:
    """Six codes, stolen by who knows more or less; the redeeming of each is what is sent."""
    lab = scene.open()

    def theft(code: Callable[[Stage], str], *, own: bool, by: str | None = "thief") -> Any:
        def redeem() -> requests.Response:
            stage = Visits(lab)
            verifier = stage.thiefs_verifier if own else stage.verifier
            key = stage.key(by) if by else None
            return redeemed(lab.session, lab, code(stage), verifier, key)

        return redeem

    def mallorys(stage: Stage) -> dict[str, str]:
        return {"code_challenge": challenge(stage.thiefs_verifier), "dpop_jkt": stage.jkt("thief")}

    thefts = {
        "log": theft(lambda one: one.code(dpop_jkt=None), own=True),
        "script": theft(lambda one: one.code(dpop_jkt=None), own=False),
        "bound": theft(lambda one: one.code(), own=False),
        "bare": theft(lambda one: one.code(), own=False, by=None),
        "beside": theft(lambda one: one.pushed(one.push(by=None), **mallorys(one)), own=True),
        "link": theft(lambda one: one.code(**mallorys(one)), own=True),
    }
    return {"send": each_once(scene, "thief", thefts)}


def each_foreseen(scene: Scene) -> Steps:
    """All six predicted."""
    why = {
        NO_ROW: "That was PKCE: a verifier by another hand than the challenge the server kept.",
        "code_key": "The code was bound to a key that is not the thief's.",
        ACCEPTED: "All that was asked for came from the thief, or was read in the page.",
    }
    return (yield from all_predicted(scene, 6, why, spare=1))


# ---- 09.2


def one_browser(scene: Scene) -> Mapping[str, Any]:
    """A browser, and nothing else."""
    return {"browser": alices(scene.open())}


def one_key(scene: Scene) -> Steps:
    """A proof at the PAR endpoint, at the token endpoint and at the API, by one key."""
    pars = at_par(scene)
    yield pars, "The PAR endpoint was not asked: nothing was pushed."
    pushed = [one for one in pars if one.accepted]
    yield pushed, f"The PAR endpoint refused the last request: {pars[-1].answer}."
    last = pushed[-1]
    yield last.form.get("client_id") == "native.dpop", "Another client pushed than native.dpop."
    yield "dpop_jkt" not in last.form, "The key was named by dpop_jkt. Let the proof alone say it."
    unbound = "The request was pushed without a proof, and taken: its code is bound to no key."
    yield last.proofs, unbound
    visits = [(one, told) for one, told in opened(scene) if "request_uri" in told]
    yield visits, "No browser opened a pushed request yet."
    more = ", ".join(sorted({*visits[-1][1]} - OF_PUSHED))
    yield not more, f"It was opened with more beside it than it takes: {more}."
    yield code_in(visits[-1][0]), f"That brought no code: {visits[-1][0].answer}."
    codes = with_code(scene)
    yield codes, "The code was not redeemed yet."
    own = codes[-1].form.get("code") == code_in(visits[-1][0])
    yield own, "The code that was redeemed last is not that of the pushed request."
    yield codes[-1].accepted, f"The token endpoint refused the code: {codes[-1].answer}."
    bound = codes[-1].findings["code_key"]
    yield bound.wanted == bound.found, "The code that was redeemed was bound to no key."
    calls = [one for one in scene.at(API) if one.token == codes[-1].issued]
    yield calls, "The API was not called with the token that came for the code."
    yield calls[-1].accepted, f"The API refused the call: {calls[-1].reason}."
    count = len(pars) + sum(one.token_request for one in scene.calls) + len(scene.at(API))
    few = f"It works, with {count} requests to the three places. {MOST} are enough. Start again."
    yield count <= MOST, few
    told = "One key, shown three times: before Alice saw a page, with her code, and at the API."
    return told + " The nonce of the PAR endpoint was good at the token endpoint." * (count < MOST)


# ---- 09.3


def a_client(scene: Scene) -> Mapping[str, Any]:
    """The browser and the key of a client that is to be mended."""
    return {"browser": alices(scene.open()), "key": generate_key()}


def bound_and_redeemed(scene: Scene) -> Steps:
    """A code that is bound to the client's key, and redeemed with it."""
    codes, asked = with_code(scene), [*opened(scene)]
    yield asked, "No authorization request came to the server yet."
    told = asked[-1][1]
    yield codes, f"The browser came, and no code was redeemed: {asked[-1][0].answer}."
    last, named = codes[-1], told.get("dpop_jkt", "")
    looked = f"The token endpoint refused it before it looked at the code's key: {last.answer}."
    yield "code_key" in last.findings, looked
    found = last.findings["code_key"]
    if not last.accepted and named and found.defect:
        form = f"dpop_jkt has {len(named)} characters, and a thumbprint 43: it is base64url."
        yield len(named) == 43, f"The code is bound to what no key has. {form}"
        other = "dpop_jkt has the form of a thumbprint, and is not that of the key in the proof."
        yield last.proofs, "The code is bound to a key, and came without a proof."
        yield False, f"{other} RFC 7638 says what is hashed, octet by octet (lesson 2)."
    yield last.accepted, f"The code was refused: {last.answer}. Each is good once."
    client = last.form.get("client_id")
    yield client == PUBLIC, f"Another client redeemed a code than {PUBLIC}, which is to be mended."
    loose = "A token came, and its code was bound to no key: who stole it first would have had it."
    yield found.wanted == found.found, loose
    own = thumbprint(scene.given["key"].public_jwk())
    yield found.found == own, "A token came, bound to another key than task.key."
    if named:
        return "The thumbprint in the request is that of the key in the proof."
    return "The proof of the pushed request binds the code: there is no thumbprint to get wrong."
