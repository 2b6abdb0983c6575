"""Lesson 4."""

from dpop_lab import generate_key, public_jwk, read_proof, thumbprint
from dpop_lab.jose.jws import segment, sign_compact
from tests.exercises import Tried
from tests.exercises.lesson_02 import predicted

NONCE = "m2m.dpop.nonce"


def tokens(*keys, once=True):
    """A token for each key, by the nonce of the first refusal, or a refusal for each."""

    def way(task):
        nonce = None
        for key in keys:
            if not (nonce and once):
                nonce = task.lab.ask(NONCE, key=key).headers["DPoP-Nonce"]
            task.lab.ask(NONCE, key=key, nonce=nonce)

    return way


def misplaced(task):
    key = generate_key()
    nonce = task.lab.ask(NONCE, key=key).headers["DPoP-Nonce"]
    honest = read_proof(task.lab.proof(key, "POST", task.lab.token_endpoint))
    task.lab.ask(NONCE, proof=sign_compact({**honest.header, "nonce": nonce}, honest.claims, key))


def same_proof(task):
    key = generate_key()
    nonce = task.lab.ask(NONCE, key=key).headers["DPoP-Nonce"]
    proof = task.lab.proof(key, "POST", task.lab.token_endpoint, nonce=nonce)
    for _ in range(2):
        task.lab.ask(NONCE, proof=proof)


A, B = generate_key(), generate_key()


def moved(session, lab, key, *, header=True, scheme="DPoP", looks=True, proven=True, who="m2m"):
    """The client of 04.2, mended as far as is said."""
    form = {"grant_type": "client_credentials", "scope": "api"}
    form |= {"client_id": who, "client_secret": "secret"}
    headers = {"DPoP": lab.proof(key, "POST", lab.token_endpoint)} if header else {}
    answer = session.post(lab.token_endpoint, data=form, headers=headers).json()
    if looks and answer["token_type"] != "DPoP":
        raise ValueError
    token = answer["access_token"]
    headers = {"Authorization": f"{scheme} {token}"}
    if proven:
        headers["DPoP"] = lab.proof(key, "GET", lab.api, access_token=token)
    session.get(lab.api if scheme == "DPoP" else lab.plain_api, headers=headers)


def run(**how):
    return lambda task: task.run(lambda *given: moved(*given, **how))


def forged(task, *, key=A, signer=A, ath=None, **claims):
    """Call the API with the stolen token after these changes, bound to a key."""
    header, _body, signature = task.token.split(".")
    now = {**read_proof(task.token).claims, "cnf": {"jkt": thumbprint(public_jwk(key))}, **claims}
    token = f"{header}.{segment(now)}.{signature}"
    called(task, token, signer, ath=ath or token)


def called(task, token, key, ath=None):
    proof = task.lab.proof(key, "GET", task.lab.api, access_token=ath or token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    task.lab.session.get(task.lab.api, headers=headers)


TRIED = {
    "04.1": Tried(
        solve=tokens(A, B),
        wrong=(
            tokens(A, B, once=False),
            tokens(A),
            tokens(A, A),
            lambda task: task.lab.ask(NONCE, key=A),
            lambda task: [task.lab.ask("m2m.dpop", key=key) for key in (A, B)],
            misplaced,
            same_proof,
        ),
    ),
    "04.2": Tried(
        solve=run(),
        wrong=(
            lambda task: task.run(task.client),
            run(header=False, looks=False),
            run(looks=False),
            run(looks=False, who="m2m.dpop"),
            run(scheme="Bearer", proven=False),
            run(proven=False),
            lambda task: task.lab.session.get(task.lab.api, auth=task.lab.auth("m2m")),
        ),
    ),
    "04.3": Tried(
        solve=predicted(
            twice="unused", reused="accepted", both="no row", openid="no row", one_key="accepted"
        ),
        wrong=(
            predicted(both="well_formed"),
            predicted(reused="nonce"),
            predicted(twice="accepted"),
            predicted(one_key=""),
        ),
    ),
    "04.4": Tried(
        solve=forged,
        wrong=(
            lambda task: called(task, task.token, A),
            lambda task: forged(task, ath=task.token),
            lambda task: forged(task, key=B),
            lambda task: called(task, task.lab.ask(key=A).json()["access_token"], A),
            lambda task: task.lab.session.get(task.lab.api),
        ),
        second=lambda task: forged(task, exp=4_000_000_000),
    ),
}
