"""What leaks of visitors who sign in, and what a thief does who listens."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from dpop_lab.errors import LabError, one_of
from dpop_lab.exercises import visitor_mistakes as mistakes
from dpop_lab.exercises.mistakes import Revision
from dpop_lab.exercises.museum import Mistake
from dpop_lab.exercises.scene import Scene
from dpop_lab.exercises.visits import Visits
from dpop_lab.lab.sign_in import codes, tokens
from dpop_lab.lab.sign_in.attack import Attack
from dpop_lab.lab.sign_in.stage import (
    CONFIDENTIAL,
    PUBLIC,
    Over,
    Stage,
    redemption,
    renewal,
)
from dpop_lab.server.duende_site import SECRET
from dpop_lab.show import Block, Shown, Table

OLD_APP = "bob"  # uses it, and no DPoP; alice has the new one
OWN_CLIENT = {"client_id": CONFIDENTIAL, "client_secret": SECRET}  # the thief is a customer, too
HIDDEN = ("code", "code_verifier", "refresh_token", "request_uri")


@dataclass(frozen=True, slots=True, repr=False)
class Loot(Shown):
    """What leaked: the parameters in the browser, and what is known of the token request."""

    request: Mapping[str, str]
    form: Mapping[str, str]
    heard_at: int  #: in seconds since 1970
    free: bool = False  #: is it bound to nothing, and good for whoever comes first?

    def blocks(self) -> Iterator[Block]:
        """Both, secrets by their lengths alone."""
        for title, known in (("In the browser", self.request), ("Token request", self.form)):
            rows = tuple(
                (name, f"{len(text)} characters" if name in HIDDEN else text)
                for name, text in known.items()
            )
            if rows:
                yield Table(title, rows, ("Parameter", "Value"))


def asked(visits: Visits, *, new: bool) -> dict[str, str]:
    """Another authorization request, by the new app or by the old one."""
    visits.verifier = secrets.token_urlsafe(32)
    return visits.request() if new else visits.request(dpop_jkt=None)


def of_code(
    visits: Visits, request: Mapping[str, str], code: str, *, verifier: bool = True
) -> Loot:
    """What leaks of a code, with its code_verifier or without."""
    form = redemption(code, visits.verifier if verifier else None)
    return Loot(request, form, visits.lab.clock.now())


def of_refresh_token(visits: Visits, token: str, *, free: bool = False) -> Loot:
    """What leaks of a refresh token."""
    return Loot({}, renewal(token), visits.lab.clock.now(), free)


# ---- leaks: the docstring says what a thief gets


def page(visits: Visits) -> Loot:
    """A script in the page of Alice's new app: code and code_verifier. The app sends dpop_jkt."""
    request = asked(visits, new=True)
    return of_code(visits, request, visits.answer(request)["code"])


def pushed(visits: Visits) -> Loot:
    """The same, in a new app that pushes its request with a proof, and sends no dpop_jkt."""
    asked(visits, new=True)
    uri = visits.push()
    return of_code(visits, {"client_id": PUBLIC, "request_uri": uri}, visits.pushed(uri))


def redirect(visits: Visits) -> Loot:
    """Another app on Bob's telephone, which gets the redirect first: the code, and no more."""
    request = asked(visits, new=False)
    return of_code(visits, request, visits.answer(request, OLD_APP)["code"], verifier=False)


def har(visits: Visits) -> Loot:
    """A HAR file of Bob's for the help desk: code and code_verifier, after his app used them."""
    request = asked(visits, new=False)
    loot = of_code(visits, request, visits.answer(request, OLD_APP)["code"])
    visits.redeem(loot.form["code"], by=None)
    return loot


def backup(visits: Visits) -> Loot:
    """A backup of Alice's new app: its refresh token. The key is in a chip, and in no backup."""
    code = visits.answer(asked(visits, new=True))["code"]
    return of_refresh_token(visits, visits.redeem(code)["refresh_token"])


def log(visits: Visits) -> Loot:
    """A log of Bob's old app, which knows no DPoP: its refresh token, before it is used."""
    code = visits.answer(asked(visits, new=False), OLD_APP)["code"]
    return of_refresh_token(visits, visits.redeem(code, by=None)["refresh_token"], free=True)


Leaks = Mapping[str, Callable[[Visits], Loot]]
CODE_LEAKS: Leaks = {one.__name__: one for one in (page, pushed, redirect, har)}
REFRESH_LEAKS: Leaks = {one.__name__: one for one in (backup, log)}


class Listening:
    """A thief at a house: what was `heard` so far, and from whom.

    Called with the name of a leak it waits for the next visitor, and gives what leaked of them.
    """

    def __init__(self, scene: Scene, leaks: Leaks) -> None:
        self._scene, self._leaks = scene, leaks
        lab = scene.lab
        self._visits = Visits(lab, lab.session_over(lab.adapter, lab.log))
        self._owners = ""  # the refresh token that the owner has
        self.heard: list[Loot] = []

    def __call__(self, leak: str) -> Loot:
        """Wait for a visitor. Raises `LabError` for a leak that there is not."""
        chosen: Callable[[Visits], Loot] = one_of("leak", leak, self._leaks)
        loot = self._scene.hand_on(lambda: chosen(self._visits))
        self.heard.append(loot)
        self._owners = loot.form.get("refresh_token", "")
        return replace(loot, request={**loot.request}, form={**loot.form})  # may be changed

    def __repr__(self) -> str:
        return f"<listen to one of {', '.join(self._leaks)}; heard so far: {len(self.heard)}>"

    def owner(self) -> str:
        """Let the owner of what was heard last come back, whose app renews the token.

        Gives what the app is told. Raises `LabError` where nobody was heard.
        """
        if not self._owners:
            raise LabError("Nobody was heard yet", advice="task.listen('log') waits for a visitor.")
        by = None if self.heard[-1].free else "owner"
        try:
            told = self._scene.hand_on(lambda: self._visits.refresh(self._owners, by=by))
        except Over:
            return "The owner's app was refused, and asks its visitor to sign in again."
        self._owners = str(told["refresh_token"])
        return "The owner's app was given new tokens."


# ---- attacks that the catalogue has not; the others are its own


def without_code_verifier(visits: Stage) -> None:
    """A stolen code, and no code_verifier."""
    code = visits.code(dpop_jkt=None)
    visits.redeem(code, by="thief", code_verifier=None)


def by_a_client_of_ones_own(visits: Stage) -> None:
    """A stolen refresh token, used by a client of the thief's, with its secret."""
    visits.refresh(visits.tokens()["refresh_token"], CONFIDENTIAL, by="thief")


def after_its_owner(visits: Stage) -> None:
    """A stolen refresh token that is bound to nothing, used after its owner."""
    token = visits.tokens(by=None)["refresh_token"]
    visits.refresh(token, by=None)
    visits.refresh(token, by=None)


def before_its_owner(visits: Stage) -> None:
    """The same, used before its owner, and what it brought used after the owner came."""
    token = visits.tokens(by=None)["refresh_token"]
    new = visits.refresh(token, by=None)["refresh_token"]
    with suppress(Over):
        visits.refresh(token, by=None)
    visits.refresh(new, by=None)


def _by(attack: Attack, made: Revision) -> Mistake:
    """A mistake that lets an attack of the catalogue through."""
    return Mistake(made, attack.guard, attack.play)


OF_CODES = (
    _by(codes.stolen_bound_code_and_verifier, mistakes.dpop_jkt_not_compared),
    _by(codes.bound_code_without_proof, mistakes.dpop_jkt_where_a_proof_comes),
    _by(codes.other_key_after_par, mistakes.proof_not_seen_at_par),
    Mistake(mistakes.code_verifier_where_sent, "PKCE", without_code_verifier),
    _by(codes.code_twice, mistakes.used_codes_taken),
)
OF_REFRESH_TOKENS = (
    _by(tokens.stolen_refresh_token, mistakes.refresh_key_not_compared),
    _by(tokens.stolen_refresh_token_without_proof, mistakes.refresh_key_where_a_proof_comes),
    Mistake(mistakes.any_client_refreshes, "whose it is", by_a_client_of_ones_own),
    Mistake(mistakes.used_refresh_tokens_taken, "one use", after_its_owner),
    Mistake(mistakes.family_goes_on, "one use", before_its_owner),
)


# ---- honest visitors


def by_the_new_app(visits: Visits) -> None:
    """A visitor signs in, and the app renews its token."""
    token = visits.redeem(visits.answer(asked(visits, new=True))["code"])["refresh_token"]
    visits.refresh(token)


def _old_app(visits: Visits, *, wait: int = 0) -> None:
    code = visits.answer(asked(visits, new=False), OLD_APP)["code"]
    visits.lab.clock.advance(wait)
    token = visits.redeem(code, by=None)["refresh_token"]
    visits.refresh(visits.refresh(token, by=None)["refresh_token"], by=None)


def _with_a_new_key(visits: Visits) -> None:
    token = visits.tokens(CONFIDENTIAL)["refresh_token"]
    visits.refresh(token, CONFIDENTIAL, by="its next key")


HONEST: Mapping[str, Callable[[Visits], object]] = {
    "visitor, new app": by_the_new_app,
    "visitor, app that pushes": lambda visits: visits.redeem(visits.pushed(visits.push())),
    "visitor, old app": _old_app,
    "visitor, old app, 90 s late": partial(_old_app, wait=90),
    "customer, another key": _with_a_new_key,
}
