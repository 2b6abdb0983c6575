"""Two clients that come to a call by a detour: pages by a query, and URLs that have moved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests

from dpop_lab.client.recorder import InProcessAdapter, record
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Seen
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_ways import DuendeReading
from dpop_lab.server.resource_server import DPOP_API, ResourceServer, Routes
from dpop_lab.session.call import API, host_of
from dpop_lab.wire.message import Request, Response
from dpop_lab.wire.syntax import without_query

# ---- a query


@dataclass(frozen=True, slots=True, kw_only=True)
class AsText(DuendeReading):
    """The reader of an API that compares `htu` as text, and not as a URL."""

    def same_url(self, wanted: str, found: str) -> bool:
        """Character by character, with the URL without its query."""
        return found == without_query(wanted)


TEXTUAL = replace(
    DUENDE,
    profiles={**DUENDE.profiles, "api": replace(DUENDE.api, reading=AsText(api=True))},
)
PAGES = 3


def paging(lab: Lab, key: PrivateKey) -> list[requests.Response]:
    """Read three pages with one token."""
    import uuid

    from dpop_lab.jose import sign_compact
    from dpop_lab.proof import access_token_hash, proof_header

    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    answers = []
    for page in (1, 2, 3):
        url = f"{lab.api}?page={page}"
        claims = {"jti": str(uuid.uuid4()), "htm": "GET", "htu": url, "iat": lab.clock.now()}
        claims["ath"] = access_token_hash(token)
        proof = sign_compact(proof_header(key), claims, key)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        answers.append(lab.session.get(url, headers=headers))
    return answers


def textual_api(scene: Scene) -> Mapping[str, Any]:
    """An API that takes no query in `htu`, and the key of a client."""
    scene.open(TEXTUAL)
    return {"key": generate_key()}


def three_pages(scene: Scene) -> Steps:
    """Were three pages read with one token?"""
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    last = calls[-1]
    told = "The API saw an htu with a query. It compares htu with its URL, and has no query there."
    yield "?" not in str(last.proof.claims.get("htu")), told
    again = "The API saw one proof a second time. The htu of all pages is one, and a proof is not."
    yield last.caught != "unused", again
    yield last.accepted, f"The API refused the last call: {last.reason}."
    pages = {
        one.url.partition("?")[2]: one.token for one in calls if one.accepted and "?" in one.url
    }
    yield pages, "The API was called without a query, so it does not know which page is wanted."
    yield len(pages) >= PAGES, f"Read so far: {len(pages)} of {PAGES} pages."
    yield len({*pages.values()}) == 1, "Each page had a token of its own. One serves for all."
    return "Three pages: the query went to the server, and stayed out of the proofs."


# ---- what has moved

MOVED, AWAY = f"{DPOP_API}/moved", f"{DPOP_API}/away"
ELSEWHERE = "https://mirror.example"


class Removed(ResourceServer):
    """The two APIs, and two URLs that lead on: to the API, and to another host."""

    @property
    def routes(self) -> Routes:
        """Who answers, by path."""
        to = {MOVED: self.base_url + DPOP_API, AWAY: f"{ELSEWHERE}/test"}
        return {**super().routes, **{path: _leading(url) for path, url in to.items()}}


def _leading(url: str) -> Any:
    return lambda request: Response(307, (("Location", url),))


def _stranger(request: Request) -> Response:
    return Response(200, (("Content-Type", "text/plain"),), b"Thank you.")


def following(lab: Lab, key: PrivateKey, url: str) -> requests.Response:
    """Call a URL of the API, wherever it has moved to."""
    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    proof = lab.proof(key, "GET", url, access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    return lab.session.get(url, headers=headers)


def two_removals(scene: Scene) -> Mapping[str, Any]:
    """Two URLs that lead on, and the key of a client."""
    lab = scene.open(apis=Removed)
    lab.session.mount(ELSEWHERE, InProcessAdapter(_stranger))
    record(lab.session, lab.log, clock=lab.clock.time)
    return {"key": generate_key(), "moved": lab.base_url + MOVED, "away": lab.base_url + AWAY}


def _after(calls: tuple[Seen, ...], path: str) -> tuple[Seen, ...] | None:
    """What came after the last call of this path, None where it was not called."""
    at = [number for number, one in enumerate(calls) if one.url.endswith(path)]
    return calls[at[-1] + 1 :] if at else None


def nothing_lost_and_arrived(scene: Scene) -> Steps:
    """Did the other host get nothing of the first call, and did the second arrive at the API?"""
    since = _after(scene.calls, AWAY)
    yield since is not None, "task.away was not called yet. That is the first."
    strange = [one for one in since or () if host_of(one.url) == host_of(ELSEWHERE)]
    had = {"proof": any(one.is_proof for one in strange)}
    had["token"] = any(one.token for one in strange)
    names = " and ".join(name for name, is_so in had.items() if is_so)
    yield not names, f"{host_of(ELSEWHERE)}, which is none of your API's, now has your {names}."
    moved = _after(since or (), MOVED)
    kept = "The call of task.away gave nothing away. After it, task.moved was not called yet."
    yield moved is not None, kept
    there = [one for one in moved or () if one.url == scene.lab.api]
    yield there, "task.moved answered with a Location at the same server. Nobody went there."
    stale = "The call of task.moved went on to the new URL with the proof for the one before."
    yield there[0].caught != "htu", stale
    yield there[0].accepted, f"The call went on, and was refused: {there[0].reason}."
    if strange:
        return "Each URL had its own proof, and at the other host you came with empty hands."
    return "Each URL had its own proof, and the other host heard nothing of you."
