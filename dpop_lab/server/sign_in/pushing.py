"""A pushed authorization request (RFC 9126), whose proof binds the code (RFC 9449 section 10.1)."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from dpop_lab.proof.rules import jkt
from dpop_lab.server.authorization_server import TokenRequest
from dpop_lab.server.common import Form, bad_request, value
from dpop_lab.server.sign_in.authorization import KEPT, PUSHED, Fault, read_request
from dpop_lab.server.sign_in.state import Pushed, State
from dpop_lab.server.sign_in.ways import ways_of
from dpop_lab.wire.message import Response

PAR = "/connect/par"
OF_THE_CLIENT = ("client_secret", "client_assertion", "client_assertion_type")
MISMATCH = "Mismatch between thumbprint of JWK in DPoP HTTP header and dpop_jkt parameter"


@dataclass(repr=False)
class PushedRequest(TokenRequest):
    """A request to the PAR endpoint: who asks, with which proof, and what for."""

    state: State
    place: ClassVar[str] = "par"
    path: ClassVar[str] = PAR

    @cached_property
    def proof(self) -> str | None:
        """The thumbprint of the key in the proof, which is used up; None without a proof."""
        if not self.header:
            return None
        proof, context = self.proof_and_context
        self.server.take(proof, context, self.reports)
        return jkt(proof, context)

    @property
    def asked(self) -> Form:
        """The authorization request in it."""
        own = {name: given for name, given in self.form.items() if name not in OF_THE_CLIENT}
        return {**own, "client_id": (self.client.client_id,)}

    def granted(self) -> Response:
        """The answer, with a request_uri (RFC 9126 section 2.2)."""
        for step in ("client", "header", "proof"):
            getattr(self, step)
        if "request_uri" in self.form:
            raise bad_request(description="A pushed request may not name another.")
        if self.proof and value(self.form, "dpop_jkt") not in ("", self.proof):
            raise bad_request(description=MISMATCH)
        try:
            read_request(self.policy, self.asked)
        except Fault as fault:
            raise bad_request(fault.error, fault.description) from None
        state, now = self.state, self.server.clock.now()
        asked = {name: given for name, given in self.asked.items() if name in KEPT}
        handle = state.pushed.put(state.handle(), Pushed(asked, self.proof, now), now=now)
        lifetime = ways_of(self.policy).pushed_lifetime
        body = {"request_uri": f"{PUSHED}{handle}", "expires_in": lifetime}
        return Response(201, self.policy.token_headers, self.policy.json(body))
