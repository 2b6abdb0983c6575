"""Exercises of lesson 2, a key's thumbprint."""

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import Any

import requests

from dpop_lab.exercises.binding import Hash, call_headers, compared, comparing, thumbprints_by
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene, Trial
from dpop_lab.jose.encoding import base64url_encode, compact_json, hash_input, sha256
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key, public_jwk
from dpop_lab.jose.public_forms import public_forms
from dpop_lab.lab.catalogue.change import one_of
from dpop_lab.server.access_token import issue
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


# ---- 02.3


def jkt(jwk: Mapping[str, Any]) -> str:
    """The thumbprint of a public JWK, which an API compares with cnf.jkt."""
    import hashlib
    import json

    text = json.dumps(jwk)
    return hashlib.sha256(text.encode()).hexdigest()


def _wrong_hash(scene: Scene) -> Mapping[str, Any]:
    lab = scene.open()
    point, rsa, thief = generate_key(), generate_key("RS256"), generate_key()
    bound = [lab.ask(key=key).json()["access_token"] for key in (point, rsa)]
    more = {"use": "sig", "kid": "1", **public_jwk(point)}
    calls = {
        "a plain key": (point, public_jwk(point), bound[0]),
        "a key with a kid": (point, more, bound[0]),
        "an RSA key": (rsa, public_jwk(rsa), bound[1]),
        "a thief": (thief, public_jwk(thief), bound[0]),
    }

    def trial(key: PrivateKey, jwk: Mapping[str, Any], token: str) -> Trial:
        return lambda session: session.get(lab.api, headers=call_headers(lab, key, jwk, token))

    def repair(function: Hash) -> object:
        """Let the API compute thumbprints so: three honest calls, and one by a thief."""
        made = thumbprints_by(function, [jwk for _, jwk, _ in calls.values()])
        return scene.try_out(comparing(made), {name: trial(*one) for name, one in calls.items()})

    return {"repair": repair}


def _all_four_right(scene: Scene) -> Steps:
    yield scene.trials, "No repair was tried out yet: task.repair(function)."
    seen = {name: calls[0] for name, calls in scene.trials.items()}
    plain = seen["a plain key"]
    wanted, found = compared(plain)
    form = (
        f"Of the plain key the API computed {len(found)} characters; the token has {len(wanted)}."
    )
    yield len(found) == len(wanted), form
    octets = "The API's thumbprint has the token's form now, and is of other octets, for each key."
    yield plain.accepted or seen["an RSA key"].accepted, octets
    yield plain.accepted, "The RSA key is right, and the point is not: what is required of EC?"
    more = "The same key with a kid and a use gets another thumbprint: those are hashed as well."
    yield seen["a key with a kid"].accepted, more
    rsa = "Points are right now. An RSA key has other members, and its owner is refused."
    yield seen["an RSA key"].accepted, rsa
    return "Three owners get in, whatever they write beside their keys, and the thief does not."


# ---- 02.4

FAULTS: tuple[Hash, ...] = (
    lambda jwk: sha256(hash_input(jwk)).hex(),
    lambda jwk: base64url_encode(sha1(hash_input(jwk), usedforsecurity=False).digest()),
    lambda jwk: base64url_encode(sha256(compact_json(jwk))),
    lambda jwk: b64encode(sha256(hash_input(jwk))).decode(),
    lambda jwk: base64url_encode(sha256(next(iter(public_forms(jwk).values())))),
)
SERVERS = "ABCDE"
OTHER = ", another key"


def _with_kid(key: PrivateKey, kid: str) -> dict[str, str]:
    """The public JWK with a kid, its members in the order of the alphabet."""
    return dict(sorted({**public_jwk(key), "kid": kid}.items()))


def _five_faults(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(), generate_key()
    drawn = secrets.SystemRandom().sample(FAULTS, len(FAULTS))
    faults = dict(zip(SERVERS, drawn, strict=True))
    honest = read_jws(lab.ask(key=key).json()["access_token"]).claims

    def token(kid: str, by: PrivateKey) -> str:
        cnf = {"jkt": faults[kid](_with_kid(by, kid))}
        return issue((lab.twin.signing_key, lab.twin.published), {**honest, "cnf": cnf})

    def trial(kid: str, by: PrivateKey) -> Trial:
        jwk, given = _with_kid(by, kid), token(kid, by)
        return lambda session: session.get(lab.api, headers=call_headers(lab, by, jwk, given))

    def compare(**functions: Hash) -> object:
        """Let the API compute as each of these servers does: `compare(A=function)`."""
        made, trials, other = dict[bytes, str](), dict[str, Trial](), generate_key()
        for kid, function in functions.items():
            one_of("server", kid, faults)
            made |= thumbprints_by(function, [_with_kid(by, kid) for by in (key, other)])
            trials |= {kid: trial(kid, key), kid + OTHER: trial(kid, other)}
        return scene.try_out(comparing(made), trials)

    return {
        "jwks": {kid: _with_kid(key, kid) for kid in SERVERS},
        "tokens": {kid: token(kid, key) for kid in SERVERS},
        "compare": compare,
    }


def _all_recomputed(scene: Scene) -> Steps:
    yield scene.trials, "No function was tried out yet: task.compare(A=function)."
    seen = {name: calls[0] for name, calls in scene.trials.items()}
    tried = [name for name in seen if name in SERVERS]
    for name in tried:
        wanted, found = compared(seen[name])
        there = f"Server {name}: your function gives {len(found)} characters, its token has"
        yield len(found) == len(wanted), f"{there} {len(wanted)}. That tells which form it is."
        octets = (
            f"Server {name}: the form is right, and other octets were hashed, or by another hash."
        )
        yield seen[name].accepted, octets
        fixed = f"Server {name}: right for this key, and not for another. Compute it from the JWK."
        yield seen[name + OTHER].accepted, fixed
    count = f"Recomputed: {', '.join(tried)}. All five are wanted, in one call of task.compare."
    yield len(tried) == len(SERVERS), count
    return "Each of the five faults is reproduced, so you know what each server did."


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
        start=_wrong_hash,
        steps=_all_four_right,
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
            "64 characters are hex, 44 are base64 with padding, 27 are the 20 octets of SHA-1.",
            "Two have the right form. One hashed the whole JWK, one the public key as DER"
            " (SubjectPublicKeyInfo), as openssl does.",
        ),
        start=_five_faults,
        steps=_all_recomputed,
    ),
)
