"""The start page."""

from functools import cache

from dpop_lab import TokenRefused, generate_key
from tests.exercises import Tried

key_for = cache(generate_key)  # each once: making RSA takes long, and fifty exercises are tried


def call(alg):
    def way(task):
        try:
            task.lab.session.get(task.lab.api, auth=task.lab.auth(key=key_for(alg)))
        except TokenRefused:
            pass

    return way


def without_proof(task):
    token = task.lab.ask(key=key_for("RS256")).json()["access_token"]
    task.lab.session.get(task.lab.api, headers={"Authorization": f"DPoP {token}"})


TRIED = {
    "00.1": Tried(
        solve=call("RS256"),
        wrong=(
            call("ES256"),
            call("EdDSA"),
            without_proof,
            lambda task: task.lab.ask(key=key_for("RS256")),
        ),
        second=call("PS256"),
    )
}
