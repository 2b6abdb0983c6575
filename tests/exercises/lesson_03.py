"""Lesson 3."""

import json
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dpop_lab import generate_key, load_key, read_proof
from dpop_lab.jose.jws import sign_compact
from tests.exercises import Tried
from tests.exercises.lesson_02 import predicted


def url(octets):
    return urlsafe_b64encode(octets).decode().rstrip("=")


def side_by_side(der):
    r, s = decode_dss_signature(der)
    return r.to_bytes(32) + s.to_bytes(32)


def by_vault(task, *, form=side_by_side, jwk=None, signed=slice(None), end=""):
    """A proof by hand, signed in the vault."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk or task.jwk}
    iat = task.lab.clock.now()
    claims = {"jti": url(str(iat).encode()), "htm": "POST", "htu": task.lab.token_endpoint}
    parts = [url(json.dumps(one).encode()) for one in (header, claims | {"iat": iat})]
    signature = form(task.sign(".".join(parts[signed]).encode()))
    task.lab.ask(proof=".".join([*parts, url(signature) + end]))


def sent(task, letter, *, old=False, **members):
    """Send one of the six with these members changed, and a new signature or the old one."""
    was = read_proof(task.proofs[letter])
    header = {name: members.get(name, value) for name, value in was.header.items()}
    claims = {name: members.get(name, value) for name, value in was.claims.items()}
    proof = sign_compact(header, claims, task.key)
    signature = was.text.rpartition(".")[2] if old else proof.rpartition(".")[2]
    task.lab.ask(proof=f"{proof.rpartition('.')[0]}.{signature}")


def good(task):
    return {
        "typ": "dpop+jwt", "alg": "ES256", "jwk": task.key.public_jwk(), "htm": "POST",
        "htu": task.lab.token_endpoint,
    }  # fmt: skip


def faults(task):
    """The letters of the six by the member that is wrong in each, and what it should be."""
    found = {}
    for letter, text in task.proofs.items():
        proof = read_proof(text)
        members = {**proof.header, **proof.claims}
        wrong = next((name for name, one in good(task).items() if members[name] != one), "iat")
        found[wrong] = letter, {wrong: good(task).get(wrong, members["iat"] // 1000)}
    return found


def mended(*names):
    def way(task):
        for name in names:
            letter, members = faults(task)[name]
            sent(task, letter, **members)

    return way


def all_set(task):
    """Set whatever is known to each of the six, right or not."""
    letter = faults(task)["htm"][0]
    sent(task, letter, **good(task), iat=task.lab.clock.now() - 5)


def key_with_a_name(task):
    letter, members = faults(task)["jwk"]
    sent(task, letter, jwk={**members["jwk"], "kid": "x"})


def old_signature(task):
    letter, members = faults(task)["htm"]
    sent(task, letter, old=True, **members)


def leaked(task):
    return load_key(read_proof(task.proof).header["jwk"])


def leaked_again(task):
    key = leaked(task)
    honest = read_proof(task.lab.proof(key, "POST", task.lab.token_endpoint))
    header = {**honest.header, "jwk": key.private_jwk()}
    task.lab.ask(proof=sign_compact(header, honest.claims, key))


def edited(task):
    header, _claims, signature = task.proof.split(".")
    other = url(json.dumps(dict(read_proof(task.proof).claims, jti="mine")).encode())
    task.lab.ask(proof=f"{header}.{other}.{signature}")


TRIED = {
    "03.1": Tried(
        solve=by_vault,
        wrong=(
            lambda task: by_vault(task, form=lambda der: der),
            lambda task: by_vault(task, form=lambda der: side_by_side(der)[1:]),
            lambda task: by_vault(task, signed=slice(1, None)),
            lambda task: by_vault(task, jwk=generate_key().public_jwk()),
            lambda task: by_vault(task, end="=="),
            lambda task: task.lab.ask(),
        ),
    ),
    "03.2": Tried(
        solve=mended("typ", "alg", "jwk", "htm", "htu", "iat"),
        wrong=(
            mended("typ"),
            mended("htm", "htu"),
            lambda task: task.lab.ask(proof=task.proofs["A"]),
            all_set,
            old_signature,
            key_with_a_name,
            lambda task: task.lab.ask(key=task.key),
        ),
    ),
    "03.3": Tried(
        solve=predicted(
            edited="signature", shared="alg", two="htm", anew="unused", slow="accepted"
        ),
        wrong=(
            predicted(edited="htm"),
            predicted(shared="signature"),
            predicted(two="fresh"),
            predicted(anew="accepted"),
            predicted(slow=""),
        ),
    ),
    "03.4": Tried(
        solve=lambda task: task.lab.ask(key=leaked(task)),
        wrong=(
            lambda task: task.lab.ask(proof=task.proof),
            lambda task: task.lab.ask(key=generate_key()),
            edited,
            leaked_again,
        ),
    ),
}
