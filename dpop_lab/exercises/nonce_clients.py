"""Two clients that are to be mended: one forgets its nonces, the other mixes them up."""

from collections.abc import Mapping
from typing import Any

import requests

from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Seen
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import API, TOKEN_ENDPOINT

CALLS, APART, MOST = 10, 100, 12
ROUNDS = 3
IN_ROUNDS = 2 * ROUNDS + 2  # requests: each server sends the client back once


def a_guarded_api(scene: Scene) -> Mapping[str, Any]:
    """Make an API that demands nonces, and a key."""
    scene.open(RFC_9449, api_nonce=True)
    return {"key": generate_key()}


def client(lab: Lab, key: PrivateKey) -> list[requests.Response]:
    """Call the API ten times, a hundred seconds apart."""
    token = lab.ask("m2m.dpop", key=key).json()["access_token"]
    answers = []
    for _ in range(10):
        nonce = None
        for _ in range(2):
            proof = lab.proof(key, "GET", lab.api, access_token=token, nonce=nonce)
            headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
            answer = lab.session.get(lab.api, headers=headers)
            nonce = answer.headers.get("DPoP-Nonce")
            if answer.status_code != 401:
                break
        answers.append(answer)
        lab.clock.advance(100)
    return answers


def ten_calls(scene: Scene) -> Steps:
    """Ten calls with one token, a hundred seconds apart, in so few requests."""
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked and scene.at(API), "The API was not called yet."
    run = [one for one in scene.calls[scene.calls.index(asked[-1]) :] if one.place == API]
    accepted = [one for one in run if one.accepted][:CALLS]
    refused = [one for one in run if one.caught == "nonce"]
    bare = sum("nonce" not in one.proof.claims for one in refused)
    known = f"{bare} of the last {len(run)} requests had no nonce. The API had given one out"
    yield bare <= 1, f"{known} before, with a refusal, and with a 200 now and then."
    few = f"With the last token {len(accepted)} calls were accepted. {CALLS} are wanted with one."
    yield len(accepted) == CALLS, few
    took = _when(accepted[-1]) - _when(accepted[0])
    apart = f"The ten calls took {took:.0f} s. They are to be {APART} s apart."
    yield took >= (CALLS - 1) * APART - 1, apart
    old = (
        f"{len(run)} requests: {len(refused) - bare} proofs had a nonce that was too old. While it"
        " was still good, a 200 had brought the next one, which was not taken."
    )
    yield len(run) <= MOST, old
    return "One refusal, at the very first call. Each nonce after that came with a success."


def _when(call: Seen) -> float:
    return call.sent_at or 0


def rounds(lab: Lab, key: PrivateKey) -> list[requests.Response]:
    """Three times: ask for a token, then call the API with it."""
    from urllib.parse import urlsplit

    token, nonces, answers = "", dict[str, str](), []
    for _ in range(3):
        for url in (lab.token_endpoint, lab.api):
            server = urlsplit(url).netloc
            for _ in range(2):
                nonce = nonces.get(server)
                if url == lab.token_endpoint:
                    answer = lab.ask("m2m.dpop.nonce", key=key, nonce=nonce)
                    token = answer.json().get("access_token", token)
                else:
                    proof = lab.proof(key, "GET", url, access_token=token, nonce=nonce)
                    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
                    answer = lab.session.get(url, headers=headers)
                if "DPoP-Nonce" in answer.headers:
                    nonces[server] = answer.headers["DPoP-Nonce"]
                if answer.ok:
                    break
            answers.append(answer)
    return answers


def three_rounds(scene: Scene) -> Steps:
    """Three tokens and a call with each, no nonce sent to the server that did not make it."""
    starts = [
        number
        for number, one in enumerate(scene.calls)
        if one.place == TOKEN_ENDPOINT and "nonce" not in one.proof.claims
    ]
    yield starts, "Nobody asked for a token yet."
    run = scene.calls[starts[-1] :]
    makers = {one.nonce: one.place for one in scene.calls if one.nonce}
    foreign = [
        one for one in run if makers.get(str(one.proof.claims.get("nonce")), one.place) != one.place
    ]
    mixed = (
        f"{len(foreign)} of {len(run)} proofs carried a nonce of the other server, and were"
        " refused: the token endpoint and the API are two servers at one host."
    )
    yield not foreign, mixed
    tokens = {one.token for one in run if one.place == API and one.accepted}
    few = (
        "A run begins with a token request that has no nonce, and one run is to have three rounds."
        f" Tokens that the API took in the last run: {len(tokens)} of {ROUNDS}."
    )
    yield len(tokens) >= ROUNDS, few
    many = f"No nonce went astray, and still {len(run)} requests went out. {IN_ROUNDS} will do."
    yield len(run) <= IN_ROUNDS, many
    return "A nonce belongs to the server that made it, and a host is not always one server."
