"""Exercises of lesson 3, a proof."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from dpop_lab.errors import expect
from dpop_lab.exercises.binding import with_jwk
from dpop_lab.exercises.exercise import Exercise, Steps, all_predicted, each_once
from dpop_lab.exercises.scene import Scene, lacking
from dpop_lab.exercises.six_proofs import six_bad_proofs, six_mended
from dpop_lab.jose.jws import Jws, mac_compact, segment, sign_compact
from dpop_lab.jose.keys import der_signature, generate_key, public_jwk
from dpop_lab.proof import read_proof
from dpop_lab.server.duende_site import SECRET
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import ACCEPTED, TOKEN_ENDPOINT

NONE_YET = "Nobody asked for a token yet."

# ---- 03.1

HALF = 32  # octets of r, and of s
DER = b"\x30"  # how DER begins


def _a_vault(scene: Scene) -> Mapping[str, Any]:
    scene.open(RFC_9449)
    key = generate_key()

    def sign(octets: bytes) -> bytes:
        """The signature of these octets (ECDSA on P-256 with SHA-256), in DER."""
        expect(octets, bytes, "octets", "The vault signs octets: text.encode().")
        return der_signature(key.sign(octets), HALF)

    return {"sign": sign, "jwk": public_jwk(key)}


def _signed_in_the_vault(scene: Scene) -> Steps:
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked, NONE_YET
    last = asked[-1]
    yield last.is_proof, "The server saw no header DPoP: task.lab.ask(proof=…) sends one."
    proof = last.proof
    yield proof.header and proof.claims, "The server can't read a header and claims in the proof."
    other = "The server saw a proof, and its jwk is not that of the key in the vault."
    yield proof.header.get("jwk") == scene.given["jwk"], other
    yield proof.signature, "The third part of the proof is no base64url."
    size = len(proof.signature)
    told = f"The server saw a signature of {size} octets"
    der = f"{told}, which begin as DER does. It wants the bare numbers, {HALF} octets each."
    yield size == 2 * HALF or not proof.signature.startswith(DER), der
    cut = "DER leaves zeros out in front of a number, and puts one where its first bit is set."
    yield size == 2 * HALF, f"{told}, and wants {2 * HALF}. {cut}"
    text = "It has its 64 octets, and is of another text, or r and s changed places."
    yield last.caught != "signature", text
    yield last.accepted, f"The signature is in order. The server refused it still: {last.reason}."
    return "A proof with a key that nobody can take out of its vault, and no DPoP library at all."


# ---- 03.3


def _five_proofs(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(RFC_9449), generate_key()

    def honest(seconds: int = 0, htm: str = "POST") -> Jws:
        iat = lab.clock.now() + seconds
        return read_proof(lab.proof(key, htm, lab.token_endpoint, iat=iat))

    def edited() -> str:
        header, _, signature = (was := honest(htm="GET")).text.split(".")
        return f"{header}.{segment({**was.claims, 'htm': 'POST'})}.{signature}"

    first = honest()
    lab.ask(proof=first.text)
    shared = {**first.header, "alg": "HS256"}
    made: dict[str, Callable[[], str]] = {
        "edited": edited,
        "shared": lambda: mac_compact(shared, honest().claims, SECRET.encode()),
        "two": lambda: honest(-3600, "GET").text,
        "anew": lambda: sign_compact(first.header, first.claims, key),
        "slow": lambda: honest(-50).text,
    }

    def asking(make: Callable[[], str]) -> Callable[[], requests.Response]:
        return lambda: lab.ask(proof=make())

    return {"send": each_once(scene, "proof", {name: asking(make) for name, make in made.items()})}


def _each_predicted(scene: Scene) -> Steps:
    why = {
        "signature": "The claim is right now, and another text was signed.",
        "alg": "A secret that the server has as well proves nobody's key.",
        "htm": "Two rows fail, and the first of them in the server's order is the answer.",
        "unused": "Another signature makes no other proof: it goes by its jti.",
        ACCEPTED: "A proof may be a minute old here.",
    }
    return (yield from all_predicted(scene, 5, why))


# ---- 03.4


def _a_key_in_a_log(scene: Scene) -> Mapping[str, Any]:
    lab, key = scene.open(lacking(RFC_9449, "no_private_key")), generate_key()
    proof = with_jwk(lab.proof(key, "POST", lab.token_endpoint), key, key.private_jwk())
    lab.ask(proof=proof)
    return {"proof": proof}


def _a_proof_of_ones_own(scene: Scene) -> Steps:
    asked = scene.at(TOKEN_ENDPOINT)
    yield asked, NONE_YET
    last, caught = asked[-1], scene.given["proof"]
    yield last.proofs != (caught,), f"The server saw the proof of the log again: {last.reason}."
    jwk = last.proof.header["jwk"]
    public = {name: read_proof(caught).header["jwk"][name] for name in ("kty", "crv", "x", "y")}
    other = "The server saw a proof by another key. A token would be bound to that, and not to"
    yield {**jwk, **public} == jwk, f"{other} the key of the client."
    edited = "The server saw a proof that was changed, with the signature of before."
    yield last.caught != "signature", edited
    yield last.accepted, f"It was signed with the client's key, and refused: {last.reason}."
    told = "The server took your proof, and the private key stands in its jwk once more: whoever"
    yield "d" not in jwk, f"{told} reads the next log has it, too."
    return (
        "You have a token that is bound to the client's key, and can prove it at any API. The row"
        " no_private_key can't undo the leak; it tells the client at once. Then: a new key, new"
        " tokens, the old ones revoked."
    )


EXERCISES = (
    Exercise(
        id="03.1",
        kind="do",
        title="A key in a vault",
        task=(
            "The private key is in a vault, which signs what you give it and never hands the key"
            " out. It answers in DER, as key services do. Make a proof with it by hand, and ask for"
            " a token: task.lab.ask(proof=…). The server is a strict one."
        ),
        gives={
            "sign": "a function of octets: their signature, ECDSA on P-256 with SHA-256, as DER",
            "jwk": "the public JWK of the key in the vault",
        },
        hints=(
            "Which text is signed, and of how many octets is a signature in a JWS?",
            "30, length, 02, length of r, r, 02, length of s, s: that is DER. A JWS has r and s"
            " alone, 32 octets each.",
            "decode_dss_signature of cryptography.hazmat.primitives.asymmetric.utils gives r and s;"
            " r.to_bytes(32) + s.to_bytes(32) goes into the third part, as base64url.",
        ),
        start=_a_vault,
        steps=_signed_in_the_vault,
    ),
    Exercise(
        id="03.2",
        kind="mend",
        title="Six bad proofs",
        task=(
            "In each of the six proofs of task.proofs one member is wrong, of the header or the"
            " claims. Mend that member and no other, sign again with task.key, and send each:"
            " task.lab.ask(proof=…). Proofs may be a day old here: where iat is right it may stay."
        ),
        gives={"proofs": "six proofs, by the letters A to F", "key": "the key that signs them"},
        hints=(
            "Take them apart, one beside the other: in which member does each differ?",
            "read_proof(task.proofs['A']) has header and claims. Sent as it is, each is refused:"
            " task.lab.log[-1].reports[-1].failure says what was wanted.",
            "sign_compact(proof.header, {**proof.claims, 'htm': …}, task.key), or {**proof.header,"
            " 'typ': …}. sign_compact is in dpop_lab.jose.",
        ),
        start=six_bad_proofs,
        steps=six_mended,
    ),
    Exercise(
        id="03.3",
        kind="predict",
        title="Which row says no?",
        task=(
            "Five proofs ask a strict server for a token: 'edited', made for GET, its htm then set"
            " to POST; 'shared', signed by HS256 with the client's secret; 'two', made for GET an"
            " hour ago; 'anew', the text of a proof that was taken, signed once more; 'slow', made"
            " 50 seconds ago. For each, predict the row that says no, or 'accepted', then send it:"
            " task.predict('typ'), task.send('two')."
        ),
        gives={"send": "sends one of the five proofs, by its name, once"},
        hints=(
            "Rows are asked in the order of RFC_9449.token, and the first no is the answer.",
            "What does a signature cover, and by which claim is a proof known?",
            "Of the two that were made for GET one says POST now, and its signature is of the old"
            " text. RFC_9449.token.window says how old a proof may be.",
        ),
        start=_five_proofs,
        steps=_each_predicted,
    ),
    Exercise(
        id="03.4",
        kind="attack",
        title="One look at a log",
        task=(
            "This server lacks the row no_private_key, and a careless client sent it task.proof,"
            " which you found in a log. Ask for a token that is bound to the client's key, with a"
            " proof that gives nobody else what you found."
        ),
        gives={"proof": "the proof from the log, which the server took"},
        hints=(
            "decode_jwt(task.proof): which member of its jwk has no business there?",
            "load_key takes a JWK, and gives a private key where all of it is there.",
            "task.lab.ask(key=…) makes a proof by that key, with the public JWK alone.",
        ),
        start=_a_key_in_a_log,
        steps=_a_proof_of_ones_own,
    ),
)
