"""Who takes part in an attack: an owner with keys and access tokens, a thief with keys."""

import uuid
from collections.abc import Iterator

import requests

from dpop_lab.client.credentials import client_secret_post
from dpop_lab.client.nonces import offered_nonce
from dpop_lab.client.token import AccessToken, read_token
from dpop_lab.errors import LabError
from dpop_lab.jose.keys import PrivateKey, generate_key, too_small_key
from dpop_lab.lab.catalogue.change import PLACES, TOKEN_ENDPOINT, TOKENS, Place
from dpop_lab.lab.client_side import ClientSide
from dpop_lab.lab.in_process import InProcessAdapter
from dpop_lab.proof.proof import make_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import SECRET
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.wire.url import htu

SMALL = "RSA of 1024 bits"
ASKED_FOR = {"unbound": ("m2m", "api"), "scope3": ("m2m.dpop", "scope3")}
ASKED_FOR["resource1"] = ("m2m.dpop", "resource1.scope1")  # all of them by the demo's clients


class Cast:
    """The keys of owner and thief, and access tokens; each is made or asked for when first needed.

    Access tokens are asked for as any client does, over `session` or that of the lab, and asked for
    again when they run out. The last nonce of either server is kept.
    """

    def __init__(self, world: ClientSide, session: requests.Session | None = None) -> None:
        self._world, self._session = world, session or world.session
        self._keys: dict[tuple[str, str], PrivateKey] = {}
        self._tokens: dict[tuple[str, str], tuple[int, AccessToken]] = {}  # since when
        self._nonces: dict[bool, str] = {}  # at a token endpoint?

    def key(self, who: str, kind: str = "ES256") -> PrivateKey:
        """The key of this kind that the owner or the thief has."""
        if (who, kind) not in self._keys:
            made = too_small_key() if kind == SMALL else generate_key(kind)
            self._keys[who, kind] = made
        return self._keys[who, kind]

    def nonce(self, place: Place) -> str | None:
        """The nonce that the server at a place gave last, None before it gave any."""
        return self._nonces.get(bool(place.client_id))

    def learn(self, place: Place, answer: requests.Response) -> None:
        """Keep the nonce in an answer, if there is one."""
        if nonce := offered_nonce(answer.headers.get("DPoP-Nonce")):
            self._nonces[bool(place.client_id)] = nonce

    def access_token(self, which: str = "owner", kind: str = "ES256") -> str:
        """One of the tokens in `TOKENS`, bound to a key of this kind.

        Raises `TokenRefused` when no policy grants it, `Unreachable` when no answer comes, and
        `LabError` for a token that only the demo's other clients and scopes can have.
        """
        now = self._world.clock.now()
        asked, token = self._tokens.get((which, kind), (now, None))
        if token is None or not asked <= now < token.renew_at:
            token = self._ask(which, kind)
            self._tokens[which, kind] = now, token
        return token.value

    def _ask(self, which: str, kind: str) -> AccessToken:
        """Ask the lab's server, and where that one refuses such a key, under the other rules."""
        now = self._world.clock.time()
        for session in (self._session, *self._others()):
            answer = self._request(session, which, kind)
            if answer.ok:
                break
        return read_token(answer, now=now, accept_bearer=which == "unbound")

    def _others(self) -> Iterator[requests.Session]:
        for policy in () if self._world.live else (DUENDE, RFC_9449):
            twin = self._world.twin.under(policy, api_nonce=False)
            session = requests.Session()
            session.trust_env = False
            session.mount(twin.base_url, InProcessAdapter(twin))
            yield session

    def _request(self, session: requests.Session, which: str, kind: str) -> requests.Response:
        """A token request; the demand for a nonce is obeyed once."""
        place = PLACES[TOKEN_ENDPOINT]
        known = self.nonce(place)
        answer = send(session, self._prepared(which, kind, known), self._world.timeout)
        self.learn(place, answer)
        if answer.ok or self.nonce(place) in (None, known):
            return answer
        again = self._prepared(which, kind, self.nonce(place))
        return send(session, again, self._world.timeout)

    def _prepared(self, which: str, kind: str, nonce: str | None) -> requests.PreparedRequest:
        world = self._world
        headers, form = world.credentials()
        form |= {"scope": world.client.scope} if world.client.scope else {}
        if which in ASKED_FOR:
            if world.kind == "another server":
                raise LabError(f"Only the demo has a token {TOKENS[which]}")
            client_id, scope = ASKED_FOR[which]
            headers, form = client_secret_post(client_id, SECRET)(0)
            form["scope"] = scope
        if which != "unbound":
            headers["DPoP"] = make_proof(
                self.key("thief" if which == "thief" else "owner", kind),
                jti=str(uuid.uuid4()),
                htm="POST",
                htu=htu(world.token_endpoint),
                iat=world.clock.now(),
                nonce=nonce,
            )
        headers = {**{k: str(v) for k, v in world.session.headers.items()}, **headers}
        form = {"grant_type": "client_credentials", **form}
        return requests.Request("POST", world.token_endpoint, data=form, headers=headers).prepare()


def send(
    session: requests.Session, request: requests.PreparedRequest, timeout: float
) -> requests.Response:
    """Send a request as it is, over proxies that are set, to nowhere but where it is meant for.

    `timeout` is the seconds to wait for an answer.
    """
    ways = session.merge_environment_settings(request.url, {}, False, None, None)
    return session.send(request, timeout=timeout, allow_redirects=False, **ways)
