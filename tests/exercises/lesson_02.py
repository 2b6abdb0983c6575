"""Lesson 2."""

import base64
import hashlib
import json

from jwcrypto.jwk import JWK

from dpop_lab import public_jwk, read_proof, thumbprint
from tests.exercises import Tried, predicted


def call(task, key):
    proof = task.lab.proof(key, "GET", task.lab.api, access_token=task.token)
    headers = {"Authorization": f"DPoP {task.token}", "DPoP": proof}
    return task.lab.session.get(task.lab.api, headers=headers)


def keys(task, *, fitting):
    jkt = read_proof(task.token).claims["cnf"]["jkt"]
    return [key for key in task.keys if (thumbprint(public_jwk(key)) == jkt) is fitting]


def all_keys(task):
    for key in keys(task, fitting=False) + keys(task, fitting=True):
        call(task, key)


def a_new_token(task):
    task.lab.session.get(task.lab.api, auth=task.lab.auth(key=task.keys[0]))


def text(jwk, names=("crv", "kty", "x", "y")):
    return json.dumps({name: jwk[name] for name in names}, separators=(",", ":")).encode()


def url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def points_alone(jwk):
    names = ("crv", "kty", "x", "y") if jwk["kty"] == "EC" else sorted(jwk)[:2]
    return url(hashlib.sha256(text(jwk, names)).digest())


def whole(jwk):
    return url(hashlib.sha256(text(jwk, sorted(jwk))).digest())


def der(jwk):
    pem = JWK(**{name: jwk[name] for name in ("crv", "kty", "x", "y")}).export_to_pem().decode()
    octets = base64.b64decode("".join(pem.splitlines()[1:-1]))
    return url(hashlib.sha256(octets).digest())


GUESSES = (
    lambda jwk: hashlib.sha256(text(jwk)).hexdigest(),
    lambda jwk: base64.b64encode(hashlib.sha256(text(jwk)).digest()).decode(),
    lambda jwk: url(hashlib.sha1(text(jwk)).digest()),
    whole,
    der,
)


def recomputed(task):
    """For each server the guess that gives its token's jkt."""
    found = {}
    for name, token in task.tokens.items():
        jkt = read_proof(token).claims["cnf"]["jkt"]
        found[name] = next(one for one in GUESSES if one(task.jwks[name]) == jkt)
    return found


def one_short(task):
    found = recomputed(task)
    del found["E"]
    task.compare(**found)


def copied(task):
    jkts = {name: read_proof(token).claims["cnf"]["jkt"] for name, token in task.tokens.items()}
    task.compare(A=lambda jwk: jkts["A"])


def right_form(task):
    """A function of the right length, and of another key, for one that hashed something else."""
    name = next(name for name, one in recomputed(task).items() if one is der)
    task.compare(**{name: thumbprint})


def other_alphabet(task):
    """Base64url, padded, where a server used the other alphabet."""
    found = recomputed(task)
    name = next(name for name, one in found.items() if one is GUESSES[1])
    task.compare(**{name: lambda jwk: url(hashlib.sha256(text(jwk)).digest()) + "="})


TRIED = {
    "02.1": Tried(
        solve=lambda task: call(task, keys(task, fitting=True)[0]),
        wrong=(all_keys, a_new_token),
    ),
    "02.2": Tried(
        solve=predicted(
            backwards="accepted", with_kid="accepted", padded="bound_key",
            same_kid="bound_key", another="signature",
        ),
        wrong=(
            predicted(with_kid="bound_key"),
            predicted(same_kid="accepted"),
            predicted(another="bound_key"),
            predicted(padded=""),
            predicted(backwards="accepted"),
        ),
    ),
    "02.3": Tried(
        solve=lambda task: task.repair(thumbprint),
        wrong=(
            lambda task: task.repair(task.jkt),
            lambda task: task.repair(lambda jwk: url(hashlib.sha256(str(jwk).encode()).digest())),
            lambda task: task.repair(whole),
            lambda task: task.repair(points_alone),
        ),
    ),
    "02.4": Tried(
        solve=lambda task: task.compare(**recomputed(task)),
        wrong=(
            one_short,
            copied,
            right_form,
            other_alphabet,
            lambda task: task.compare(A=lambda jwk: "short"),
        ),
    ),
}  # fmt: skip
