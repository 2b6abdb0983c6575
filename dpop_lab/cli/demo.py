"""`dpop-lab demo`: the whole flow on the offline twin, from a key to an accepted call."""

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import requests

from dpop_lab.cli.options import POLICIES, Commands, add_policy, adder, command, show
from dpop_lab.jose.encoding import hash_input, thumbprint
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.proof import read_proof

if TYPE_CHECKING:
    from dpop_lab.lab.lab import Lab


def declare(commands: Commands) -> None:
    """Add the command to the parser."""
    words = "the whole flow on the offline twin, step by step"
    add_policy(adder(command(commands, "demo", _demo, words)))


def _demo(options: argparse.Namespace) -> int:
    from dpop_lab.lab.lab import Lab

    with Lab(policy=POLICIES[options.policy]) as lab:
        for step in _steps(lab):
            show(f"{step}\n")
    return 0


def _steps(lab: "Lab") -> Iterator[str]:
    """The steps as text, one at a time, each carried out when it is asked for."""
    yield (
        f"From a key to an accepted call: {lab.base_url}, played by the offline twin\n"
        f"({lab.policy.name}). Nothing leaves this machine."
    )
    key, thief = generate_key("ES256"), generate_key("ES256")
    jwk, jkt = key.public_jwk(), thumbprint(key.public_jwk())
    yield _step(1, "A key", "The private half stays here. This is the public half:", jwk)
    said = "The members that count, sorted, without white space (RFC 7638):"
    hashed = f"{hash_input(jwk).decode()}\nSHA-256 of that, as base64url:  {jkt}"
    yield _step(2, "Its thumbprint", said, hashed)
    proof = lab.proof(key, "POST", lab.token_endpoint)
    yield _step(
        3,
        "A proof for the token endpoint",
        "Signed with the private key, good for one request to one URL (RFC 9449 §4.2):",
        _decoded(proof),
    )
    answer = lab.ask(proof=proof)
    token = str(answer.json()["access_token"])
    yield _step(
        4,
        "The access token",
        f"{_status(answer)}, token_type {answer.json()['token_type']}. "
        "cnf.jkt is the thumbprint of step 2:",
        _decoded(token),
    )
    said = "A fresh proof with the token's hash in it (ath), and the call:"
    yield _step(5, "The protected call", said, _call(lab, key, token))
    said = "The thief has the token but not the key, and signs with a key of their own:"
    yield _step(6, "The same token, stolen", said, _call(lab, thief, token))
    yield (
        "Next: dpop-lab key new ec.pem, then dpop-lab call --key ec.pem --log session.log\n"
        "does the same in one command and writes down what went over the wire."
    )


def _call(lab: "Lab", key: PrivateKey, token: str) -> str:
    """One call of the protected API, by hand: the claims of the proof, the answer, the findings."""
    proof = lab.proof(key, "GET", lab.api, access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    answer = lab.session.get(lab.api, headers=headers)
    challenge = answer.headers.get("WWW-Authenticate")
    lines = [json.dumps(read_proof(proof).claims, indent=2), "", f"GET {lab.api}", _status(answer)]
    lines += [f"WWW-Authenticate: {challenge}"] * bool(challenge)
    lines += ["", "What the server found:", *map(str, lab.log[-1].reports)]
    return "\n".join(lines)


def _step(number: int, title: str, words: str, shown: object) -> str:
    text = shown if isinstance(shown, str) else json.dumps(shown, indent=2)
    body = "\n".join(f"    {line}".rstrip() for line in text.splitlines())
    return f"{number}. {title}\n   {words}\n{body}"


def _decoded(text: str) -> str:
    jws = read_jws(text)
    start = f"{text[:8]}… ({len(text)} characters)"
    return f"{start}\n{json.dumps(jws.header, indent=2)}\n{json.dumps(jws.claims, indent=2)}"


def _status(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.reason}"
