"""Both servers under one base URL: the offline twin, made of a policy and the demo's registry."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import fields, replace
from email.utils import formatdate
from functools import cache
from threading import Lock
from typing import Any

from dpop_lab.jose.encoding import Members, thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.server.access_token import SigningKey, new_signing_key
from dpop_lab.server.authorization_server import AuthorizationServer
from dpop_lab.server.common import Clock
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.wire.message import Exchange, Request, Response

PERSONAL = (  # the beginnings of paths that are about people
    "/connect/authorize", "/account/", "/connect/par", "/connect/userinfo",
    "/connect/introspect", "/connect/revocation",
)  # fmt: skip


class Front(ABC):
    """Answers what comes in at a port, and is told of all that went over it."""

    @abstractmethod
    def __call__(self, request: Request) -> Response:
        """The answer to a request."""

    def told(self, request: Request, response: Response) -> None:
        """Hear of a request once its answer has been written.

        Whatever the answer was: its own, or the carrier's to a request too large to be read.
        """
        return

    def hung_up(self, request: Request) -> None:
        """Hear of a client that left before the body of its request had come; there is no answer.

        Of the body it has what came.
        """
        return

    def spoke_tls(self, url: str) -> None:
        """Hear of a client that was hung up on because it spoke TLS; it is to use `url`."""
        return


class Twin(Front):
    """The authorization server and the resource server of one site, as `Request -> Response`.

    `client_key` is the RSA key of the `*.jwt` clients, made when first wanted if none is given;
    `client_jwk`, a public JWK, will do instead. `signing_key` signs access tokens. With
    `every_row` all rows are asked of a request, though the first failure decides. `apis` is what
    the resource server is made of, where it has more to it.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        policy: Policy = DUENDE,
        api_nonce: bool = False,
        clock: Clock | None = None,
        client_key: PrivateKey | None = None,
        client_jwk: Members | None = None,
        signing_key: SigningKey | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        every_row: bool = False,
        apis: type[ResourceServer] = ResourceServer,
    ) -> None:
        self.base_url, self.clock = base_url.rstrip("/"), clock or Clock()
        self._client_key = _once(lambda: client_key or generate_key("RS256"))
        self._client_jwk = client_jwk
        kid = random(16).hex().upper()
        self.signing_key, self.published = signing_key or new_signing_key(self.base_url, kid=kid)
        common: dict[str, Any] = {
            "base_url": self.base_url,
            "policy": policy,
            "clock": self.clock,
            "every_row": every_row,
        }
        self.authorization_server = AuthorizationServer(
            **common,
            signing_key=(self.signing_key, self.published),
            client_key=self._public_client_key,
            random=random,
        )
        self.resource_server = apis(
            **common, issuer=self.base_url, keys=(self.published,), api_nonce=api_nonce
        )
        self._opening = Lock()
        self.forget()

    @property
    def policy(self) -> Policy:
        """The rules of both servers."""
        return self.authorization_server.policy

    @property
    def client_key(self) -> PrivateKey | None:
        """The private key of the `*.jwt` clients, None where only its public half was given."""
        return self._client_key() if self._client_jwk is None else None

    def _public_client_key(self) -> Members:
        return self._client_jwk or self._client_key().public_jwk()

    @property
    def client_key_id(self) -> str:
        """The `kid` of that key: its thumbprint."""
        return thumbprint(self._public_client_key())

    def sign_people_in(self) -> None:
        """Let the authorization server sign people in from now on; it does so when first asked.

        Its keys, nonces and memory stay.
        """
        from dpop_lab.server.sign_in.sign_in_server import SignInServer
        from dpop_lab.server.sign_in.state import State

        with self._opening:
            old = self.authorization_server
            if not isinstance(old, SignInServer):
                known = {one.name: getattr(old, one.name) for one in fields(old)}
                self.authorization_server = SignInServer(**known, state=State(old.random))

    def under(self, policy: Policy, *, api_nonce: bool) -> "Twin":
        """These servers, with their keys, clock, nonces and memory, under other rules."""
        other = copy(self)
        other.authorization_server = replace(self.authorization_server, policy=policy)
        other.resource_server = replace(self.resource_server, policy=policy, api_nonce=api_nonce)
        return other

    def forget(self) -> None:
        """From now on remember proofs and assertions apart from the servers this came from."""
        memory = self.policy.memory()
        self.authorization_server.used = memory
        self.resource_server.used = memory if self.policy.shared_memory else self.policy.memory()

    def __call__(self, request: Request) -> Response:
        """The answer of the server that the path chooses, or to a preflight.

        Paths are compared percent-decoded and in any letter case.
        """
        origin, exposed = request.lines("Origin"), self.policy.cors_exposed
        response = _preflight(request) if origin else None
        if response is None:
            if request.route.startswith(PERSONAL):
                self.sign_people_in()
            parties = (self.resource_server, self.authorization_server)
            answers = (one.routes.get(request.route) for one in parties)
            server = next(filter(None, answers), None)
            response = server(request) if server else Response(404)
        lines = [("Access-Control-Allow-Origin", "*")] * bool(origin)
        if origin and exposed and response.status != 204:
            lines.append(("Access-Control-Expose-Headers", exposed))
        lines += [("Date", formatdate(self.clock.time(), usegmt=True)), *self.policy.site_headers]
        response = response.with_headers(*lines)
        return response if request.method != "HEAD" else replace(response, body=b"")

    def exchange(self, request: Request, response: Response) -> Exchange:
        """A request to these servers and its answer, which was given now; nothing is redacted."""
        now = self.clock.time()
        return Exchange(
            method=request.method,
            url=self.base_url + request.target,
            request_headers=request.headers,
            request_body=request.body.decode("utf-8", "replace"),
            sent_at=now,
            ended_at=now,
            status=response.status,
            reason=response.reason,
            response_headers=response.headers,
            response_body=response.body.decode("utf-8", "replace"),
            reports=response.reports,
        )

    def __repr__(self) -> str:
        return f"<Twin of {self.base_url} under {self.policy.name}>"


def _preflight(request: Request) -> Response | None:
    """The answer to a preflight, None to another request.

    Every origin may send every method and header (the Fetch standard, section 3.2.2).
    """
    asked = {
        "Access-Control-Allow-Headers": request.lines("Access-Control-Request-Headers"),
        "Access-Control-Allow-Methods": request.lines("Access-Control-Request-Method"),
    }
    if request.method != "OPTIONS" or not asked["Access-Control-Allow-Methods"]:
        return None
    echoed = ((name, ",".join(lines).replace(" ", "")) for name, lines in asked.items() if lines)
    return Response(204, tuple(echoed))


def _once(make: Callable[[], PrivateKey]) -> Callable[[], PrivateKey]:
    """The key that `make` makes, when first wanted, and for ever after and in all threads.

    Making an RSA key takes longer than all the rest.
    """
    kept, lock = cache(make), Lock()

    def made() -> PrivateKey:
        with lock:
            return kept()

    return made
