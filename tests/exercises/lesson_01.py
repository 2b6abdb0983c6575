"""Lesson 1."""

from dpop_lab import generate_key, public_jwk
from dpop_lab.jose.encoding import base64url_decode, base64url_encode
from tests.exercises import Tried, predicted


def ask(change):
    """Ask with the coordinate x changed in this way."""

    def way(task):
        x = base64url_encode(change(base64url_decode(task.jwk["x"])))
        task.ask({**task.jwk, "x": x})

    return way


def call(key):
    """Call the API with the stolen token and a proof by this key."""

    def way(task):
        lab = task.lab
        proof = lab.proof(key(task), "GET", lab.api, access_token=task.stolen)
        headers = {"Authorization": f"DPoP {task.stolen}", "DPoP": proof}
        lab.session.get(lab.api, headers=headers)

    return way


TRIED = {
    "01.1": Tried(
        solve=ask(lambda octets: b"\0" + octets),
        wrong=(
            lambda task: task.ask(task.jwk),
            ask(lambda octets: octets + b"\0"),
            ask(lambda octets: b"\0\0" + octets),
            lambda task: task.ask(public_jwk(generate_key())),
            lambda task: task.ask({"kty": "EC"}),
            lambda task: task.ask({**task.jwk, "x": f"A{task.jwk['x']}"}),
            lambda task: task.ask({**task.jwk, "x": f"{task.jwk['x']}="}),
        ),
    ),
    "01.2": Tried(
        solve=predicted(
            rsa="accepted", small="jwk", swapped="jwk", private="no_private_key",
            another="signature",
        ),
        wrong=(
            predicted(swapped="signature"),
            predicted(small="accepted"),
            predicted(private="signature"),
            predicted(swapped=""),
        ),
    ),
    "01.3": Tried(
        solve=call(lambda task: task.key),
        wrong=(
            call(lambda task: generate_key()),
            lambda task: task.lab.session.get(task.lab.api, auth=task.program),
            lambda task: task.lab.ask(key=task.key),
        ),
    ),
}  # fmt: skip
