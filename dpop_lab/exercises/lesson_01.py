"""Exercises of lesson 1, keys."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.errors import expect
from dpop_lab.exercises.binding import with_jwk
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.encoding import base64url_encode, loose_base64url_decode
from dpop_lab.jose.keys import PrivateKey, generate_key, public_jwk, too_small_key
from dpop_lab.lab.lab import Lab
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import ACCEPTED, API, TOKEN_ENDPOINT


def _signed(lab: Lab, key: PrivateKey, jwk: object) -> str:
    """A proof for a token, with this in place of the key's own jwk in its header."""
    return with_jwk(lab.proof(key, "POST", lab.token_endpoint), key, jwk)


# ---- 01.1

OCTETS = 32


def _a_zero_lost(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(RFC_9449), generate_key()
    octets = loose_base64url_decode(public_jwk(key)["x"])
    while octets[0] or not octets[-1]:
        key = generate_key()
        octets = loose_base64url_decode(public_jwk(key)["x"])

    def ask(jwk: Mapping[str, object]) -> requests.Response:
        """Ask for a token; the proof's header holds this jwk, the key signs."""
        expect(jwk, Mapping, "jwk", "task.jwk is one, with a fault.")
        return lab.ask(proof=_signed(lab, key, dict(jwk)))

    return {"jwk": {**public_jwk(key), "x": base64url_encode(octets[1:])}, "ask": ask}


def _whole_point(scene: Scene) -> Steps:
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked, "Nobody asked for a token yet."
    last = asked[-1]
    jwk = last.proof.header["jwk"] if last.proof else {}
    yield {*jwk} >= {"kty", "crv", "x", "y"}, "The server saw a jwk that lacks a member."
    whose = "The server saw the jwk of another key. It is task.jwk that is to be mended."
    yield jwk["y"] == scene.given["jwk"]["y"], whose
    yield "=" not in jwk["x"], "The server saw an = in x. base64url has no padding in a JWK."
    x, given = (loose_base64url_decode(one["x"]) for one in (jwk, scene.given["jwk"]))
    broken = jwk["x"] == scene.given["jwk"]["x"]
    length = f"The server saw an x of {len(x)} octets"
    yield not broken, f"{length}, as it was handed out. A point on P-256 has {OCTETS} in each half."
    yield len(x) == OCTETS, f"{length}. A point on P-256 has {OCTETS} in each half."
    other_end = "a zero behind a number makes another number, and the point is off the curve"
    yield x[-1], f"{length}, the last of which is zero: {other_end}."
    front = "before the octets of task.jwk's x, and not a letter before its text"
    yield x.endswith(given), f"{length}, and they are other ones: a zero octet goes {front}."
    yield last.accepted, f"The server refused it: {last.reason}."
    return "The point has all its octets again, and the server took the key."


# ---- 01.2


def _five_jwks(scene: Scene) -> Mapping[str, Any]:
    lab = scene.open(RFC_9449)
    ours, rsa, small = generate_key(), generate_key("RS256"), too_small_key()
    point = public_jwk(ours)
    jwks: dict[str, tuple[PrivateKey, object]] = {
        "rsa": (rsa, public_jwk(rsa)),
        "small": (small, public_jwk(small)),
        "swapped": (ours, {**point, "x": point["y"], "y": point["x"]}),
        "private": (ours, ours.private_jwk()),
        "another": (ours, public_jwk(generate_key())),
    }

    def send(key: PrivateKey, jwk: object) -> Callable[[], requests.Response]:
        return lambda: lab.ask(proof=_signed(lab, key, jwk))

    return {"send": each_once(scene, "jwk", {name: send(*one) for name, one in jwks.items()})}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "jwk": "That is no key, or too weak a one: the point lies on the curve, RSA has 2048 bits.",
        "no_private_key": "It verifies, and whoever reads the proof has the private key.",
        "signature": "A good jwk, but of a key that did not sign.",
        ACCEPTED: "A key was never the fault.",
    }
    return (yield from all_predicted(scene, 5, why))


# ---- 01.3


def _one_key_for_all(scene: Scene) -> Mapping[str, Any]:
    lab, built_in = scene.open(), generate_key()
    program = lab.auth(key=built_in)
    lab.session.get(lab.api, auth=program)
    token = program.token
    return {"program": lab.auth(key=built_in), "key": built_in, "stolen": token and token.value}


def _in_with_the_victims_token(scene: Scene) -> Steps:
    calls = scene.at(API)
    own = "You asked for a token of your own. The API would know that it is you."
    yield calls or not scene.at(TOKEN_ENDPOINT), own
    yield calls, "The API was not called yet."
    last, stolen = calls[-1], scene.given["stolen"]
    yield last.token == stolen, "The API saw another token than the stolen one."
    thief = "The API saw the stolen token with a proof by another key than the one it is bound to."
    yield last.caught != "bound_key", thief
    yield last.accepted, f"The API refused the stolen token: {last.reason}."
    return (
        "You are your victim. A key that is built into every copy of a program is no proof of"
        " anything: each installation makes its own when it first starts."
    )


EXERCISES = (
    Exercise(
        id="01.1",
        kind="mend",
        title="Thirty-one octets",
        task=(
            "A program writes the coordinates of a public key as numbers without leading zeros. One"
            " key in 128 is then refused by a strict server, and task.jwk is such a key. Mend the"
            " JWK, and ask for a token with it: task.ask(jwk)."
        ),
        gives={"jwk": "the public JWK with its fault", "ask": "asks for a token with a JWK"},
        hints=(
            "How many octets has each coordinate, when you undo base64url?",
            "A number does not change by a zero in front of it; its octets do.",
            "base64url_decode, one zero octet in front of x, base64url_encode; the other members"
            " stay as they are.",
        ),
        start=_a_zero_lost,
        steps=_whole_point,
    ),
    Exercise(
        id="01.2",
        kind="predict",
        title="Five keys at the door",
        task=(
            "Five proofs ask a strict server for a token, each with another jwk in its header:"
            " 'rsa', an RSA key of 2048 bits; 'small', one of 1024; 'swapped', whose x and y"
            " changed places; 'private', with the member d; 'another', the good public JWK of a key"
            " that did not sign. For each, predict the row that says no, or 'accepted', then send"
            " it: task.predict('typ'), task.send('rsa')."
        ),
        gives={"send": "sends one of the five proofs, by its name, once"},
        hints=(
            "Which of them can't be read as a key, and which is read but not wanted?",
            "A signature is verified with the jwk as it stands there. Does it fit who signed?",
            "Rows about a key: alg, jwk, no_private_key, signature. One of the five is fine.",
        ),
        start=_five_jwks,
        steps=_each_predicted,
    ),
    Exercise(
        id="01.3",
        kind="attack",
        title="The same key in every copy",
        task=(
            "A program comes with a key built in, the same in each copy; yours is task.key. You"
            " found another customer's access token in a log, task.stolen. Call the API of task.lab"
            " with it."
        ),
        gives={
            "program": "your copy: an auth for task.lab.session, which asks for its own token",
            "key": "the key in your copy, and in everybody's",
            "stolen": "the other customer's access token",
        },
        hints=(
            "To which key is the stolen token bound?",
            "The API wants a proof by the key that the token is bound to, and for this token.",
            "task.lab.proof(key, 'GET', task.lab.api, access_token=…) makes the proof; send it as"
            " DPoP beside Authorization: DPoP and the token.",
        ),
        start=_one_key_for_all,
        steps=_in_with_the_victims_token,
    ),
)
