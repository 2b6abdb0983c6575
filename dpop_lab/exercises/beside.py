"""A server that lets the browser add to a pushed request, a thief who does, and four repairs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Trial
from dpop_lab.exercises.visits import (
    OF_PUSHED,
    Visits,
    alices,
    code_in,
    opened,
    redeemed,
    with_code,
)
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.sign_in.stage import PUBLIC, SCOPE, Stage, challenge
from dpop_lab.server.common import Form
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.sign_in.authorization import Fault
from dpop_lab.server.sign_in.ways import DEMO, Ways, WithWays

MOST = 2  # repairs that may be tried
REPAIRS = {
    "a": "a pushed request is good for ten seconds",
    "b": "a dpop_jkt that has not the form of a thumbprint is refused",
    "c": "what stands beside client_id and request_uri does not count",
    "d": "a request with anything beside client_id and request_uri is refused",
}


#: What OpenID Connect wants in the URL as well (Core section 6.2), and many clients send.
TWICE = {"response_type": "code", "scope": SCOPE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedWays(Ways):
    """The demo's ways, but for what is made of parameters beside a request_uri."""

    beside: str = "does not count"  #: or `counts`, or `is refused`

    def counted(self, pushed: Form, beside: Form) -> Form:
        """As `beside` has it. Raises `Fault`."""
        more = {name: given for name, given in beside.items() if name not in OF_PUSHED}
        if more and self.beside == "is refused":
            raise Fault("invalid_request", "The request_uri does not stand alone.")
        return {**pushed, **more} if self.beside == "counts" else pushed


def rules(beside: str, **choices: Any) -> Policy:
    """The demo's, with these ways."""
    demo = {one.name: getattr(DEMO, one.name) for one in fields(DEMO)}
    ways = PushedWays(**demo | choices, beside=beside)
    return WithWays(**{one.name: getattr(DUENDE, one.name) for one in fields(DUENDE)}, ways=ways)


class Links:
    """A client that pushes a request when called, and gives what Alice is about to open."""

    def __init__(self, owner: Stage) -> None:
        self._owner = owner
        self.pushed: tuple[str, ...] = ()  #: the request_uri of each so far

    def __call__(self) -> dict[str, str]:
        """The parameters of the link."""
        uri = self._owner.push(by=None, dpop_jkt=self._owner.jkt())
        self.pushed += (uri,)
        return {"client_id": PUBLIC, "request_uri": uri}


def a_link_and_a_log(scene: Scene) -> Mapping[str, Any]:
    """A client that pushes, Alice who opens, and a thief who can change what she opens."""
    lab = scene.open(rules("counts"))
    browser, owner = alices(lab), Visits(lab)
    endpoint, link, tried = owner.url("authorize"), Links(owner), list[str]()

    def led_to(session: requests.Session, request: Mapping[str, str]) -> str:
        answer = session.get(endpoint, params=dict(request), allow_redirects=False)
        return dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query)).get("code", "")

    def opened_by_alice(request: Mapping[str, str]) -> str:
        """Have Alice's browser open this; gives the code, which you read in a log."""
        expect(request, Mapping, "task.opened", "task.link() gives the parameters of a link.")
        if code := led_to(browser, request):
            return code
        raise LabError("No code came back", advice="task.lab.story[-1] tells why.")

    def redeem(code: str, key: PrivateKey, verifier: str) -> requests.Response:
        """Redeem a code with a proof by this key."""
        return redeemed(lab.session, lab, code, verifier, key)

    def play(session: requests.Session, key: PrivateKey, verifier: str, **more: str) -> None:
        session.cookies.update(browser.cookies)
        if code := led_to(session, link() | more):
            redeemed(session, lab, code, verifier, key)

    def thief(session: requests.Session) -> None:
        key, verifier = owner.key("thief"), owner.thiefs_verifier
        own = {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        play(session, key, verifier, **own, dpop_jkt=owner.jkt("thief"))

    def client(session: requests.Session, **more: str) -> None:
        play(session, owner.key(), owner.verifier, **more)

    def repair(letter: str) -> object:
        """Make one of the four changes, and try it out."""
        one_of("repair", letter, REPAIRS)
        if len(tried) == MOST:
            raise LabError(f"{MOST} repairs were tried", advice="task.start_again()")
        tried.append(letter)
        changed = {
            "a": rules("counts", pushed_lifetime=10),
            "b": rules("counts", exact_jkt=True),
            "d": rules("is refused"),
        }
        trials: dict[str, Trial] = {
            "thief": thief,
            "client": client,
            "client that says it twice": lambda session: client(session, **TWICE),
        }
        return scene.try_out(changed.get(letter, rules("does not count")), trials)

    return {
        "link": link,
        "opened": opened_by_alice,
        "redeem": redeem,
        "repairs": REPAIRS,
        "repair": repair,
    }


def swapped_and_repaired(scene: Scene) -> Steps:
    """The client's own request redeemed by the thief; then no more, and honest clients still."""
    links, seen = scene.given["link"].pushed, [*opened(scene)]
    yield seen, "Alice opened nothing yet: task.opened(task.link()) has her open the client's link."
    own = [(one, told) for one, told in seen if told.get("request_uri") in links]
    other = "Alice opened a request that is not the client's. That needs no mistake of the server."
    yield own, f"{other} Change what task.link() gives."
    codes = {code_in(one) for one, _ in own} - {""}
    yield codes, f"The server refused what Alice opened last: {own[-1][0].answer}."
    more = {*own[-1][1]} - OF_PUSHED
    yield more, "Alice opened the link as the client made it. You can change it on its way."
    stolen = [one for one in with_code(scene) if one.form.get("code") in codes]
    yield stolen, "There is a code, and it was not redeemed yet: task.redeem."
    last, done = stolen[-1], any(one.accepted for one in stolen)
    bound = "The verifier was not asked yet: the code is bound to a key that is not yours."
    yield done or last.caught != "code_key", bound
    known = "code_challenge" in own[-1][1] or "The challenge is still the client's."
    guessed = "The key fits, and the verifier does not fit the challenge. That used the code up."
    yield done, f"{guessed} {'Take another link.' if known is True else known}"
    yield scene.trials, "The client's own request, and your token. Now be the server: task.repairs."
    thief, client, twice = (calls[-1] for calls in scene.trials.values())
    yield not thief.accepted, "Under these rules the thief is as quick as before, and as exact."
    yield client.accepted, f"Now the client itself is refused: {client.answer}."
    honest = "Now a client is refused that says twice what OpenID Connect wants to be said twice"
    yield twice.accepted, f"{honest}: {twice.answer}."
    return "What was pushed is the request. What the browser brings beside it is anybody's word."
