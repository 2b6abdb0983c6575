"""A twin on a port for the tests of a client: where it is, who may call it, and all that it saw."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from dpop_lab.errors import LabError, expect
from dpop_lab.server.authorization_server import TOKEN_PATH
from dpop_lab.server.common import Clock
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.resource_server import DPOP_API
from dpop_lab.server.sockets import serve
from dpop_lab.server.twin import Front, Twin
from dpop_lab.wire.message import Exchange, Request, Response

if TYPE_CHECKING:
    from dpop_lab.doctor.explain.telling import Entry

#: an exchange, a request that its client left in the middle, or where one spoke TLS
Seen: TypeAlias = Exchange | Request | str
MOST_TOLD = 20  # requests in a report, the last ones


class WatchedTwin(Front):
    """The offline twin on a port of this machine, for one test or for several, until it is closed.

    It keeps to `policy`, a server's rules as data; with `api_nonce` its API demands nonces.
    `client_id` is one of its clients ("m2m.dpop.nonce" has to use nonces at the token endpoint,
    too). `exchanges` has each request and its answer with the reports of all rows, in the order in
    which they were answered, not redacted; `exchanges.clear()` forgets them. Raises `LabError` for
    arguments of another type, an unknown client, or a port that can't be had.
    """

    def __init__(
        self,
        *,
        policy: Policy = DUENDE,
        api_nonce: bool = False,
        client_id: str = "m2m.dpop",
        port: int = 0,
    ) -> None:
        expect(policy, Policy, "policy", "DUENDE or RFC_9449, from dpop_lab.")
        expect(api_nonce, bool, "api_nonce")
        expect(port, int, "port")
        expect(client_id, str, "client_id")
        if not 0 <= port < 2**16:
            raise LabError("There is no such port", wanted="0 to 65535", found=str(port))
        if client_id not in policy.clients:
            known = ", ".join(name for name in policy.clients if name.startswith("m2m"))
            wanted, found = f"one such as {known}", repr(client_id)
            advice = "Others are registered with replace(policy, clients={…})."
            raise LabError("The twin has no such client", wanted=wanted, found=found, advice=advice)
        self.client_id, self.client_secret = client_id, policy.clients[client_id].secret
        self.scope = "api"  #: of the access token that the API takes
        self.exchanges: list[Exchange] = []
        self._answered: Response | None = None
        self.forget()
        try:
            self._server = serve(
                port=port,
                front=self._before,
                policy=policy,
                api_nonce=api_nonce,
                every_row=True,
            )
        except OSError as error:
            advice, found = "Without a port any free one is taken.", error.strerror or str(error)
            problem = f"The twin can't have port {port}"
            raise LabError(problem, wanted="a free port", found=found, advice=advice) from None
        self.running = self._new = True

    def _before(self, twin: Twin) -> Self:
        self._twin = twin
        return self

    # what a test asks it

    @property
    def twin(self) -> Twin:
        """Both servers, inside and out: `twin.client_key` is the key of the `*.jwt` clients.

        Raises `LabError` once it is closed, as does whatever needs the servers.
        """
        if not self.running:
            advice = "A fixture of a wider scope, made with dpop_twin_factory, lasts longer."
            raise LabError("This twin ended, with its test or by close()", advice=advice)
        return self._twin

    @property
    def issuer(self) -> str:
        """The base URL, and the issuer: below it are the metadata (RFC 8414, OpenID)."""
        return self.twin.base_url

    @property
    def token_endpoint(self) -> str:
        """Where a token is asked for (RFC 6749 section 3.2)."""
        return self.issuer + TOKEN_PATH

    @property
    def api(self) -> str:
        """The protected resource that wants a DPoP-bound token and its proof, whatever method."""
        return self.issuer + DPOP_API

    @property
    def clock(self) -> Clock:
        """The servers' time; `clock.advance(seconds)` moves it, and not the client's."""
        return self.twin.clock

    def close(self) -> None:
        """Stop, and free the port; a second time does nothing."""
        self.running = False
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        count = len(self.exchanges)
        return f"<{self.title}, {count} exchange{'' if count == 1 else 's'}>"

    # what the server tells it

    def __call__(self, request: Request) -> Response:
        """The twin's answer, which is seen before the client has it."""
        self._answered = response = self._twin(request)
        self._see(request, response)
        return response

    def told(self, request: Request, response: Response) -> None:
        """Hear of an answer that is not the twin's, as to a request too large to be read."""
        if response is not self._answered:
            self._see(request, response)

    def hung_up(self, request: Request) -> None:
        """Hear of a client that left before the body of its request had come."""
        self._note(request)

    def spoke_tls(self, url: str) -> None:
        """Hear of a client that spoke TLS to the port at this URL, and was cut off."""
        self._note(url)

    def _see(self, request: Request, response: Response) -> None:
        exchange = self._twin.exchange(request, response)
        self.exchanges.append(exchange)
        self._note(exchange)

    def _note(self, one: Seen) -> None:
        self._untold.append((self._twin.clock.time(), one))
        self._count += 1

    # what a report tells

    @property
    def title(self) -> str:
        """Its rules, and where it is."""
        return f"dpop_twin, {self._twin.policy.title} at {self._twin.base_url}"

    def told_now(self) -> str:
        """What came in since it was last told or forgotten, as `serve --explain` tells it.

        Without secrets, the last requests of many; empty where nobody called a twin that was there
        before.
        """
        missing, seen, told = self._count - len(self._untold), [*self._untold], self._teller()
        lines = [f"({missing} requests before these)"] * bool(missing)
        lines += [repr(told(time, one)) for time, one in seen]
        if not lines and self._new:
            lines = [f"No request came in. Token endpoint: {self._twin.base_url}{TOKEN_PATH}"]
        self.forget()
        return "\n".join(lines)

    def _teller(self) -> "Callable[[float, Seen], Entry]":
        """What makes an entry, one redactor for all."""
        from dpop_lab.doctor.explain import telling, unread  # loaded when a test fails
        from dpop_lab.doctor.sign_in.part import Parts
        from dpop_lab.wire.redact import Redactor

        twin, redactor = self._twin, Redactor()
        known: dict[str, Any] = {
            "base_url": twin.base_url,
            "policy": twin.policy,
            "redactor": redactor,
            "sign_ins": Parts(),
        }

        def told(time: float, one: Seen) -> "Entry":
            if isinstance(one, Exchange):
                return telling.entry(one, number=0, **known)
            if isinstance(one, str):
                return unread.tls_entry(one, time=time, number=0)
            asked, came = redactor.text(f"{one.method} {one.path}"), len(one.body)
            return unread.left_entry(asked, came, name="", time=time, number=0)

        return told

    def forget(self) -> None:
        """Tell nothing of what came in up to now."""
        self._untold, self._count, self._new = deque[tuple[float, Seen]](maxlen=MOST_TOLD), 0, False
