"""Who takes part in an attack: an owner with keys and access tokens, a thief with keys."""

import uuid

import requests

from dpop_lab.errors import LabError
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key, too_small_key
from dpop_lab.lab.world import World
from dpop_lab.proof.proof import make_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.rfc9449 import RFC_9449

SMALL = "RSA of 1024 bits"
ASKED_FOR = {"unbound": ("m2m", "api"), "scope3": ("m2m.dpop", "scope3")}
ASKED_FOR["resource1"] = ("m2m.dpop", "resource1.scope1")
SPARE = 60  # seconds an access token is to be good for at least


class Cast:
    """The keys of owner and thief, and access tokens; each is made or asked for when first needed.

    Access tokens are asked for as any client does, over a session of the lab, and asked for again
    when they run out.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[tuple[str, str], PrivateKey] = {}
        self._tokens: dict[tuple[str, str], str] = {}

    def key(self, who: str, kind: str = "ES256") -> PrivateKey:
        """The key of this kind that the owner or the thief has."""
        if (who, kind) not in self._keys:
            made = too_small_key() if kind == SMALL else generate_key(kind)
            self._keys[who, kind] = made
        return self._keys[who, kind]

    def access_token(self, which: str = "owner", kind: str = "ES256") -> str:
        """One of the tokens in `TOKENS`, bound to a key of this kind.

        Raises `LabError` when no policy grants it, `Unreachable` when no answer comes.
        """
        token = self._tokens.get((which, kind))
        if token is None or not self._good(token):
            token = self._tokens[which, kind] = self._ask(which, kind)
        return token

    def _good(self, token: str) -> bool:
        claims, now = read_jws(token).claims, self._world.clock.now()
        lasts: bool = claims.get("nbf", now) <= now < claims.get("exp", now + 2 * SPARE) - SPARE
        return lasts

    def _ask(self, which: str, kind: str) -> str:
        """Ask the lab's server, and where that one refuses such a key, under the other rules."""
        for session in (self._world.session, *self._others()):
            answer = self._request(session, which, kind)
            if answer.ok:
                token: str = answer.json()["access_token"]
                return token
        raise LabError(
            "No access token for this change",
            wanted=f"one {which}, for a key of kind {kind}",
            found=f"{answer.status_code} {answer.text:.200}",
        )

    def _others(self) -> list[requests.Session]:
        return (
            []
            if self._world.live
            else [self._world.session_under(one) for one in (DUENDE, RFC_9449)]
        )

    def _request(self, session: requests.Session, which: str, kind: str) -> requests.Response:
        client_id, scope = ASKED_FOR.get(which, ("m2m.dpop", "api"))
        form = {"grant_type": "client_credentials", "client_id": client_id, "scope": scope}
        headers = {}
        if which != "unbound":
            headers["DPoP"] = make_proof(
                self.key("thief" if which == "thief" else "owner", kind),
                jti=str(uuid.uuid4()),
                htm="POST",
                htu=self._world.token_endpoint,
                iat=self._world.clock.now(),
            )
        secret = {"client_secret": "secret"}  # published with the demo
        return session.post(self._world.token_endpoint, data=form | secret, headers=headers)
