"""An API that compares thumbprints by a function of somebody's own, and calls of it."""

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha1
from typing import Any

from dpop_lab.checking import Verdict
from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Seen, Trial
from dpop_lab.jose.encoding import base64url_encode, compact_json, hash_input, sha256
from dpop_lab.jose.jws import Jws, read_jws, sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key, public_jwk
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import read_proof
from dpop_lab.proof.rules import Context, bound_key
from dpop_lab.server.access_token import issue
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy

Hash = Callable[[Mapping[str, Any]], str]


def with_jwk(proof: str, key: PrivateKey, jwk: object) -> str:
    """A proof with this in place of its jwk, signed again by the key."""
    read = read_proof(proof)
    return sign_compact({**read.header, "jwk": jwk}, read.claims, key)


def call_headers(lab: Lab, key: PrivateKey, jwk: Mapping[str, Any], token: str) -> dict[str, str]:
    """Those of a call of the API, with this in place of the key's own jwk in the proof."""
    proof = with_jwk(lab.proof(key, "GET", lab.api, access_token=token), key, dict(jwk))
    return {"Authorization": f"DPoP {token}", "DPoP": proof}


def comparing(made: Mapping[bytes, str]) -> Policy:
    """A policy whose API compares cnf.jkt with what was made of a jwk, by its JSON."""

    def judge(proof: Jws, context: Context) -> Verdict:
        cnf = context.cnf if isinstance(context.cnf, dict) else {}
        wanted, found = cnf.get("jkt"), made.get(compact_json(proof.header["jwk"]))
        return wanted, found, None if found == wanted else "wrong"

    row = replace(bound_key, judge=judge)
    rows = tuple(row if one.name == row.name else one for one in DUENDE.api.rows)
    return replace(DUENDE, profiles={**DUENDE.profiles, "api": replace(DUENDE.api, rows=rows)})


def thumbprints_by(function: Hash, jwks: list[dict[str, str]]) -> dict[bytes, str]:
    """What the function makes of each JWK. Raises `LabError` for what is no text."""
    if not callable(function):
        raise LabError("That is no function", wanted="a function of a JWK, which gives text")
    made = {compact_json(one): function(dict(one)) for one in jwks}
    for value in made.values():
        expect(value, str, "the API", "The function gives a thumbprint, as text.")
    return made


def compared(call: Seen) -> tuple[str, str]:
    """What the token says and what the API computed, in a call."""
    finding = call.findings["bound_key"]
    return str(finding.wanted), str(finding.found)


# ---- an API that computes thumbprints wrongly


def jkt(jwk: Mapping[str, Any]) -> str:
    """The thumbprint of a public JWK, which an API compares with cnf.jkt."""
    import hashlib
    import json

    text = json.dumps(jwk)
    return hashlib.sha256(text.encode()).hexdigest()


def wrong_hash(scene: Scene) -> Mapping[str, Any]:
    """An API that takes a function for its thumbprints, three owners of keys, and a thief."""
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
        scene.trials = {}  # the function may raise
        made = thumbprints_by(function, [jwk for _, jwk, _ in calls.values()])
        return scene.try_out(comparing(made), {name: trial(*one) for name, one in calls.items()})

    return {"repair": repair}


def all_four_right(scene: Scene) -> Steps:
    """Each owner gets in, whatever their key and its JWK."""
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
    rsa = "Points are right now, and RSA is not: which members are required, in which order?"
    yield seen["an RSA key"].accepted, rsa
    return "Three owners get in, whatever they write beside their keys, and the thief does not."


# ---- five servers that did


def _hash_of_another_form(jwk: Mapping[str, Any]) -> str:
    from dpop_lab.jose.public_forms import public_forms  # of this exercise alone

    return base64url_encode(sha256(next(iter(public_forms(jwk).values()))))


FAULTS: tuple[Hash, ...] = (
    lambda jwk: sha256(hash_input(jwk)).hex(),
    lambda jwk: base64url_encode(sha1(hash_input(jwk), usedforsecurity=False).digest()),
    lambda jwk: base64url_encode(sha256(compact_json(jwk))),
    lambda jwk: b64encode(sha256(hash_input(jwk))).decode(),
    _hash_of_another_form,
)
SERVERS = "ABCDE"
OTHER = ", another key"


def base64url_of(text: str) -> str:
    """Base64 of either alphabet in that of base64url."""
    return text.translate(str.maketrans("+/", "-_"))


def _with_kid(key: PrivateKey, kid: str) -> dict[str, str]:
    """The public JWK with a kid, its members in the order of the alphabet."""
    return dict(sorted({**public_jwk(key), "kid": kid}.items()))


def _key() -> PrivateKey:
    """A key whose thumbprint tells ordinary base64 from base64url."""
    key = generate_key()
    return key if {*"+/"} & {*FAULTS[3](public_jwk(key))} else _key()


def five_faults(scene: Scene) -> Mapping[str, Any]:
    """Tokens of five servers for one key, and an API that takes a function for each."""
    lab, key = scene.open(), _key()
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
        scene.trials = {}  # a function may raise
        made, trials, other = dict[bytes, str](), dict[str, Trial](), _key()
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


def all_recomputed(scene: Scene) -> Steps:
    """For two keys each function gives what its server computed."""
    yield scene.trials, "No function was tried out yet: task.compare(A=function)."
    seen = {name: calls[0] for name, calls in scene.trials.items()}
    tried = [name for name in seen if name in SERVERS]
    for name in tried:
        wanted, found = compared(seen[name])
        there = f"Server {name}: your function gives {len(found)} characters, its token has"
        yield len(found) == len(wanted), f"{there} {len(wanted)}. That tells which form it is."
        alphabet = f"Server {name}: the right octets, in the other alphabet of base64."
        yield seen[name].accepted or base64url_of(wanted) != base64url_of(found), alphabet
        octets = (
            f"Server {name}: the form is right, and other octets were hashed, or by another hash."
        )
        yield seen[name].accepted, octets
        fixed = f"Server {name}: right for this key, and not for another. Compute it from the JWK."
        yield seen[name + OTHER].accepted, fixed
    count = f"Recomputed: {', '.join(tried)}. All five are wanted, in one call of task.compare."
    yield len(tried) == len(SERVERS), count
    return "Each of the five faults is reproduced, so you know what each server did."
