"""Lesson 2."""

from dpop_lab import public_jwk, read_proof, thumbprint
from tests.exercises import Tried


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


TRIED = {
    "02.1": Tried(
        solve=lambda task: call(task, keys(task, fitting=True)[0]),
        wrong=(all_keys, a_new_token),
    )
}
