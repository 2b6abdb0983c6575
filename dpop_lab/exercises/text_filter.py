"""An API behind a filter that knows proofs by their text, and a captured call."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, lacking
from dpop_lab.jose.keys import generate_key
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import Window
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.session.call import API
from dpop_lab.wire.message import Request, Response

DAY = 24 * 60 * 60
FORGETFUL = lacking(DUENDE, "unused")
POLICY = replace(
    FORGETFUL,
    profiles={**FORGETFUL.profiles, "api": replace(FORGETFUL.api, window=Window(DAY, 25))},
)


@dataclass(slots=True, kw_only=True, repr=False)
class Filtered(ResourceServer):
    """An API that is asked only for proofs whose text it has not taken before."""

    known: set[tuple[str, ...]] = field(default_factory=set)

    def api(self, place: str, request: Request) -> Response:
        """Refuse a known text, and know it once the API has said yes."""
        text = tuple(one.strip() for one in request.lines("DPoP"))
        if text in self.known:
            return Response(403, (("Content-Type", "text/plain"),), b"proof seen before")
        answer = ResourceServer.api(self, place, request)
        if answer.status == 200:
            self.known.add(text)
        return answer


def a_captured_call(scene: Scene) -> Mapping[str, Any]:
    """Make the API, and a call of it by an honest client."""
    lab, key = scene.open(POLICY, apis=Filtered), generate_key()
    token = lab.ask(key=key).json()["access_token"]
    proof = lab.proof(key, "GET", lab.api, access_token=token)
    captured = {"Authorization": f"DPoP {token}", "DPoP": proof}
    lab.session.get(lab.api, headers=captured)
    return {"captured": captured}


def replayed_past_the_filter(scene: Scene) -> Steps:
    """The captured proof, with another text, accepted once more."""
    captured = scene.given["captured"]
    proof, sent = captured["DPoP"], scene.at(API)
    yield sent, "Nothing was sent to the API yet."
    last = sent[-1]
    yield last.token == captured["Authorization"][5:], "The API saw a token that was not captured."
    yield last.is_proof, "The API saw the captured token, and no proof."
    seen = last.proofs[0]
    yield seen != proof, "The filter saw the text that it knows, and asked no further."
    same = seen.rpartition(".")[0] == proof.rpartition(".")[0]
    other = "The API saw another proof: header and claims are not the captured ones."
    yield same or last.accepted, f"{other} {last.reason}."
    yield same, "You have got the client's key? This was another proof than the captured one."
    spoilt = "Header and claims are as they were, and the signature says something else now"
    yield last.accepted, f"{spoilt}: {last.reason}."
    lesson = " A server knows a proof by its jti, which is signed, not by its text."
    if last.proof.signature == read_proof(proof).signature:
        return f"The same octets in another spelling were another text to the filter.{lesson}"
    return f"The other signature is as good as the first, and nobody needed a key.{lesson}"
