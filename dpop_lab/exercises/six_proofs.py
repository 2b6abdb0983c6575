"""Six proofs with a fault in one member each, and whether that member alone was mended."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.exercises.exercise import Steps
from dpop_lab.exercises.scene import Scene, Seen, lacking
from dpop_lab.jose.jws import Jws, mac_compact, sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import proof_header, read_proof
from dpop_lab.proof.rules import Window
from dpop_lab.server.duende_site import SECRET
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import TOKEN_ENDPOINT

LETTERS, SHUFFLED = "ABCDEF", secrets.SystemRandom()
A_DAY = replace(
    RFC_9449,
    profiles={**RFC_9449.profiles, "token": replace(RFC_9449.token, window=Window(86400, 60))},
)


def _faults(lab: Lab, key: PrivateKey) -> dict[str, object]:
    """For each of six members a value that is wrong in a proof for a token."""
    return {
        "typ": "JWT",
        "alg": "HS256",
        "jwk": key.private_jwk(),
        "htm": "post",
        "htu": lab.base_url,
        "iat": lab.clock.now() * 1000,
    }


def six_bad_proofs(scene: Scene) -> Mapping[str, Any]:
    """Six proofs by their letters, and the key that signs them."""
    lab, key = scene.open(lacking(A_DAY, "unused")), generate_key()
    faults = list(_faults(lab, key).items())
    proofs = {}
    for letter, (name, value) in zip(LETTERS, SHUFFLED.sample(faults, len(faults)), strict=True):
        honest = read_proof(lab.proof(key, "POST", lab.token_endpoint, jti=f"proof-{letter}"))
        parts = honest.header, honest.claims
        header, claims = ({**one, name: value} if name in one else one for one in parts)
        proofs[letter] = (
            mac_compact(header, claims, SECRET.encode())
            if name == "alg"
            else sign_compact(header, claims, key)
        )
    return {"proofs": proofs, "key": key}


def _members(proof: Jws) -> dict[str, Any]:
    return {**proof.header, **proof.claims}


def _fault(members: Mapping[str, Any], scene: Scene) -> str:
    """The member that is wrong in one of the six."""
    endpoint = scene.lab.token_endpoint
    honest = {**proof_header(scene.given["key"]), "htm": "POST", "htu": endpoint}
    return next((name for name, value in honest.items() if members[name] != value), "iat")


def _mended(call: Seen, letter: str, scene: Scene) -> Steps:
    """Is this one of the six, with the one member mended that was wrong?"""
    before, after = _members(read_proof(scene.given["proofs"][letter])), _members(call.proof)
    wrong = _fault(before, scene)
    changed = [one for one in {**before, **after} if before.get(one) != after.get(one)]
    others = " and ".join(one for one in changed if one != wrong)
    yield not others, f"In {letter} you changed {others}, in which nothing was wrong."
    yield changed, f"{letter} came as it was: {call.reason}."
    signature = f"In {letter} the right member was changed, and the signature is of the old text."
    yield call.caught != "signature", signature
    yield call.accepted, f"In {letter} the right member was changed. Still: {call.reason}."
    more = f"In {letter} the private key has gone, and the jwk is not what a public key's is."
    yield after["jwk"] == proof_header(scene.given["key"])["jwk"], more
    return letter


def six_mended(scene: Scene) -> Steps:
    """Was each of the six taken, with its one fault mended and nothing else changed?"""
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked, "Nobody asked for a token yet."
    done = set()
    for call in asked:
        letter = str(call.proof.claims.get("jti")).removeprefix("proof-")
        known = letter in scene.given["proofs"]
        if known and all(good for good, _ in _mended(call, letter, scene)):
            done.add(letter)
    yield known, "The jti of the last proof is none of the six: mend the proofs you have."
    count = f"Mended: {', '.join(sorted(done)) or 'none'}."
    if letter not in done:
        for good, words in _mended(call, letter, scene):
            yield good, f"{words} {count}"
    yield len(done) == len(LETTERS), f"{count} Six are wanted."
    return (
        "Six mended, and nothing changed that was right. One of them had carried its private key:"
        " outside of a lab that key would be lost, however well the proof is mended."
    )
