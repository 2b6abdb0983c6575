"""What a request was in a sign-in, as the page tells it: whose, of which one, what came of it."""

from dataclasses import dataclass

from dpop_lab.session.call import Call, read_as
from dpop_lab.session.sign_in.places import parameters
from dpop_lab.session.sign_in.trail import Session
from dpop_lab.session.telling import Step
from dpop_lab.wire.message import Redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a person is told of a request for its part in a sign-in; each may be empty."""

    sign_in: str = ""  #: which one it belongs to
    browser: str = ""  #: that sent it
    client: str = ""  #: that it goes for, as the request has it
    carried: str = ""
    came: str = ""  #: of it, where it was not refused
    known: str = ""  #: of a code or token in it, where it was


class Parts:
    """What requests are in the sign-ins at one server, each after those before it."""

    def __init__(self) -> None:
        self._session = Session(lambda jkt, number: f"key {jkt[:8]}…")

    def of(self, redacted: Redacted, call: Call, clock: str) -> Part:
        """What this request was, at this time on the clock."""
        known = self._session.sign_ins
        if not (call.of_a_person or known.asked):
            return Part()
        step = read_as(Step, redacted, name=clock)
        if not (step.of_a_person or known.about(step)):
            return Part()
        noted = self._session.note(step)
        came = noted.outcome or f"tokens{noted.evidence}" * step.token_request
        return Part(
            sign_in=f"sign-in {noted.sign_in}" if noted.sign_in else "",
            browser=noted.browser.called if noted.browser else "",
            client=parameters(redacted).get("client_id", "")[:60],
            carried=noted.held,
            came="" if step.refused else came,
            known=noted.evidence.removeprefix("; ") if step.refused else "",
        )
