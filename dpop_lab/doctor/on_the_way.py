"""What a gateway or a proxy took out of a request, as two sides of it tell."""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.exchanges import Earlier, named
from dpop_lab.doctor.problem import Problem
from dpop_lab.proof.rules import one_header
from dpop_lab.session.call import Call


def header_lost(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof that went out with this token, and did not arrive where it was refused."""
    sent = [one for one in earlier if one.is_proof and one.status is None and one.token]
    if call.refused and not call.is_proof and call.token in [one.token for one in sent]:
        problem = Problem.at(
            one_header,
            f"{named(sent[-1])} sent a proof, and here, behind a gateway or proxy, it is gone",
            "Let the gateway pass the header DPoP on, or check the proof itself: the client is"
            " right.",
        )
        yield replace(problem, explains=("one_header", "not_expired"), at_server=True)
