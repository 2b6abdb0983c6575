"""Exercises of lesson 2, a key's thumbprint."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.exercises.binding import (
    all_four_right,
    all_recomputed,
    call_headers,
    five_faults,
    jkt,
    wrong_hash,
)
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import PrivateKey, generate_key, public_jwk
from dpop_lab.session.call import ACCEPTED, API, TOKEN_ENDPOINT

# ---- 02.1


def _twelve_keys(scene: Scene) -> Mapping[str, Any]:
    keys = [generate_key() for _ in range(12)]
    answer = scene.open().ask(key=secrets.choice(keys))
    return {"keys": keys, "token": answer.json()["access_token"]}


def _first_call_fits(scene: Scene) -> Steps:
    yield not scene.at(TOKEN_ENDPOINT), "You asked for a token. The one you have is to be used."
    calls = scene.at(API)
    yield calls, "The API was not called yet."
    first = calls[0]
    yield first.token == scene.given["token"], "The first call did not carry the token you have."
    other = "The API saw a proof, and the token is bound to another key than the one that made it."
    yield first.caught != "bound_key", f"{other} That was your one call: start again."
    yield first.accepted, f"The API refused the first call, and not for its key: {first.reason}."
    return "The thumbprint told which key it is, before anything was sent."


# ---- 02.2


def _five_spellings(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    jwk, token = public_jwk(key), lab.ask(key=key).json()["access_token"]
    curve = generate_key("ES384")
    jwks: dict[str, tuple[PrivateKey, Mapping[str, Any]]] = {
        "backwards": (key, dict(reversed(jwk.items()))),
        "with_kid": (key, {"kid": "2026-11", "use": "sig", "alg": "ES256", **jwk}),
        "padded": (key, {**jwk, "x": jwk["x"] + "="}),
        "same_kid": (curve, {"kid": "2026-11", **public_jwk(curve)}),
        "another": (key, public_jwk(generate_key())),
    }

    def send(key: PrivateKey, jwk: Mapping[str, Any]) -> Callable[[], requests.Response]:
        return lambda: lab.session.get(lab.api, headers=call_headers(lab, key, jwk, token))

    return {"send": each_once(scene, "spelling", {name: send(*one) for name, one in jwks.items()})}


def _spellings_predicted(scene: Scene) -> Steps:
    why = {
        ACCEPTED: "Only the required members are hashed, in an order of their own.",
        "bound_key": "A kid is only a label, and a hash is of the text as it stands, = included.",
        "signature": "The jwk is of a key that did not sign.",
    }
    return (yield from all_predicted(scene, 5, why))


EXERCISES = (
    Exercise(
        id="02.1",
        kind="do",
        title="Whose token is it?",
        task=(
            "Twelve keys were found in a backup, and an access token. The token is bound to one of"
            " the keys. Call the API with it, and get in with your first call. Ask for no other"
            " token."
        ),
        gives={"keys": "a list of twelve private keys", "token": "an access token"},
        hints=(
            "A bound token says which key it belongs to. Where does it say so?",
            "decode_jwt(task.token) shows cnf.jkt: a thumbprint. Each key has one, too.",
            "Compare thumbprint(public_jwk(key)) of each key with it; task.lab.proof(key, 'GET',"
            " task.lab.api, access_token=task.token) is the proof by the one that fits.",
        ),
        start=_twelve_keys,
        steps=_first_call_fits,
    ),
    Exercise(
        id="02.2",
        kind="predict",
        title="One key, five spellings",
        task=(
            "An access token is bound to a key. Five calls present it with another jwk each:"
            " 'backwards', its members in reverse order; 'with_kid', with kid, use and alg beside"
            " them; 'padded', with = behind x; 'same_kid', another key that bears the kid of ours"
            " and signed; 'another', the public JWK of another key that did not sign. For each,"
            " predict the row that says no, or 'accepted', then send it: task.predict('typ'),"
            " task.send('padded')."
        ),
        gives={"send": "makes one of the five calls, by its name, once"},
        hints=(
            "What of a JWK goes into its thumbprint, and in which order?",
            "A hash is of the text as it stands, and this server passes over padding.",
            "Two of the five are accepted. Who did not sign fails before the binding is asked.",
        ),
        start=_five_spellings,
        steps=_spellings_predicted,
    ),
    Exercise(
        id="02.3",
        kind="mend",
        title="An API that locks its owners out",
        task=(
            "This API computes thumbprints by a function of its own, and refuses every bound token."
            " Mend the function, and let the API use it: task.repair(jkt). Owners of three keys"
            " call, one with more members in its JWK, one with RSA, and so does a thief."
        ),
        gives={"jkt": "the function below", "repair": "lets the API use a function, and calls it"},
        hints=(
            "Compare what it gives with thumbprint(jwk): how long, in which alphabet?",
            "The text that is hashed has the required members alone, sorted, and no white space.",
            "Which members are required depends on kty: crv, kty, x, y of EC; e, kty, n of RSA."
            " Then SHA-256, and base64url without padding of its 32 octets.",
        ),
        code=jkt,
        start=wrong_hash,
        steps=all_four_right,
    ),
    Exercise(
        id="02.4",
        kind="do",
        title="Five wrong thumbprints",
        task=(
            "Five servers, A to E, issued a token for one key, and each computed cnf.jkt wrongly in"
            " a way of its own. Find out what each did by doing the same: for each write a function"
            " of a JWK, and task.compare(A=…, B=…, C=…, D=…, E=…) lets the API compute with them."
        ),
        gives={
            "jwks": "the public JWK as each server saw it, by the server's name",
            "tokens": "the token of each server, by its name",
            "compare": "lets the API compute as these servers do, and calls it by two keys",
        },
        hints=(
            "How long is each cnf.jkt, and of which characters?",
            "64 characters are hex, 44 ordinary base64 (+, /, padding), 27 the octets of SHA-1.",
            "Two have the right form. One hashed the whole JWK, one the public key as DER"
            " (SubjectPublicKeyInfo), as openssl does.",
        ),
        start=five_faults,
        steps=all_recomputed,
    ),
)
