"""What to change about keys: algorithm, jwk, signature, the key a token is bound to."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.form import in_words
from dpop_lab.doctor.advice.found import Advice, defect_of, found_of, wanted_of
from dpop_lab.doctor.decoded import leaked
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.jose.jws import raw_signature, verify
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown

ALGS_OF = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
ANOTHER_KEY = "Make another key, such as EC P-256 for ES256"


def fitting(case: Call) -> str:
    """The algorithm that goes with the key in the proof, empty when none does."""
    jwk = _jwk(case)
    if jwk.get("kty") == "RSA":
        return "PS256"
    return ALGS_OF.get(str(jwk.get("crv")), "" if jwk.get("crv") else "ES256")


def _jwk(case: Call) -> Mapping[str, Any]:
    jwk = case.proof.header.get("jwk")
    return jwk if isinstance(jwk, dict) else {}


def _alg(finding: Finding, case: Call) -> str:
    found, taken = found_of(finding), str(wanted_of(finding)).split()
    name = fitting(case)
    if isinstance(found, str) and found.upper().startswith("HS"):
        return (
            f"Sign with the private key and {name or 'ES256'}: {shown(found, 20)} is a MAC, whose"
            " key the server would have to know."
        )
    if isinstance(found, str) and found.lower() == "none":
        return f"Sign the proof, with {name or 'ES256'}: alg none is no signature."
    if name not in taken:
        return f"{ANOTHER_KEY}: this server takes no algorithm that fits this one."
    if found is None:
        return f"Name the algorithm in the header: alg {name} fits this key."
    if isinstance(found, str) and found.upper() in ALGORITHMS and found not in ALGORITHMS:
        return f"Write {found.upper()} in capital letters."
    return f"Sign with {name}, which this server takes and which fits the key."


def _jwk_row(finding: Finding, case: Call) -> str:
    header = case.proof.header
    given = header.get("jwk")
    if given is None:
        other = next((one for one in ("kid", "x5c", "jku", "x5u") if one in header), "")
        instead = f" {other} does not replace it." if other else ""
        return f"Put the public key into the header as jwk: kty and its numbers.{instead}"
    if isinstance(given, str):
        return "Put the jwk there as a JSON object, not as a string with JSON in it."
    if not isinstance(given, dict):
        return "Put the jwk there as a JSON object."
    jwk, alg = _jwk(case), header.get("alg")
    if "keys" in jwk:
        return "Put the key itself there: this is a JWK Set, with the key in its member keys."
    if lacking := [name for name in PUBLIC.get(str(jwk.get("kty")), ("kty",)) if name not in jwk]:
        return f"Put {' and '.join(lacking)} into jwk, too: a member name in its small letters."
    if jwk.get("kty") == "oct":
        return "Use an EC, RSA or Ed25519 key pair: a symmetric key can't be shown to the server."
    if jwk.get("kty") != "RSA" and not fitting(case):
        return f"{ANOTHER_KEY}: no proof can be signed on the curve {shown(jwk.get('crv'), 20)}."
    known = ALGORITHMS.get(alg) if isinstance(alg, str) else None
    if known and (known.kty != jwk.get("kty") or known.crv not in (None, jwk.get("crv"))):
        return (
            f"Let alg and key fit each other: {alg} wants {known.kty} {known.crv or ''}".rstrip()
            + f", the key is {jwk.get('kty')} {jwk.get('crv', '')}".rstrip()
            + f"; with this key alg is {fitting(case)}."
        )
    fault = str(found_of(finding))
    if "bits" in fault:
        return f"Make a new key of another size: {fault}."
    return f"Export the public key anew as a JWK: {fault}."


def _no_private_key(finding: Finding, case: Call) -> str:
    if not leaked(_jwk(case)) and _jwk(case).get("kty") != "oct":
        return "Leave the private members out of jwk, also where they are empty."
    return (
        "This key has leaked: its private half went out with the proof. Make a new key, and put "
        "only kty, crv, x, y (RSA: kty, n, e) into jwk; bound tokens must be fetched anew."
    )


def _signature(finding: Finding, case: Call) -> str:
    proof, jwk, alg = case.proof, _jwk(case), str(case.proof.header.get("alg"))
    size = OCTETS.get(str(jwk.get("crv")), 0)
    if jwk.get("kty") == "EC" and size and (raw := raw_signature(proof.signature, size)):
        if verify(proof.signing_input, raw, alg=alg, jwk=jwk):
            return (
                "Convert the signature: it is right, but in DER as most libraries give it; a JWS "
                f"has r and s side by side, {2 * size} octets."
            )
        return f"A JWS has r and s side by side, {2 * size} octets; this signature is in DER."
    segment = proof.text.rpartition(".")[2]
    spelled = [kind for where, kind in proof.deviations if where == "signature"]
    wanted = -(-2 * size * 4 // 3)  # characters of base64url
    if size and 0 < len(segment.rstrip("=")) < wanted and not proof.signature:
        return f"The signature ends early, {len(segment)} of {wanted} characters: copied whole?"
    if segment and not proof.signature and spelled:
        return f"Write the signature in base64url (RFC 7515): {in_words(spelled[0])}."
    if jwk.get("kty") == "EC" and size and len(proof.signature) != 2 * size:
        return f"Give the signature as r and s, {2 * size} octets; here are {len(proof.signature)}."
    for other in ALGORITHMS:
        if other != alg and verify(proof.signing_input, proof.signature, alg=other, jwk=jwk):
            return (
                f"Name the algorithm that was used: the signature is good under {other}, not {alg}."
            )
    for text, how in (
        (proof.signing_input + b"\n", "with a line feed behind it, as echo adds one"),
        (sha256(proof.signing_input), "hashed beforehand: the algorithm hashes it by itself"),
    ):
        if verify(text, proof.signature, alg=alg, jwk=jwk):
            return f"Sign header.claims as it is; here it was signed {how}."
    return (
        "Sign header.claims as they are sent, with the private key that belongs to the jwk in the "
        "header: another key signed, or the text was changed after it was signed."
    )


def _bound_key(finding: Finding, case: Call) -> str:
    if defect_of(finding) == "missing":
        return (
            "This access token is bound to no key: ask for one with a DPoP header in the token "
            "request, and look for token_type DPoP in the answer."
        )
    cnf = case.access_token.claims.get("cnf")
    if defect_of(finding) == "unchecked":
        return (
            f"The token is bound by {shown(found_of(finding), 60)}, and this server checks jkt "
            "alone: ask its issuer for a token that is bound by nothing else."
        )
    if isinstance(cnf, dict) and "jkt" not in cnf:
        names = ", ".join(map(str, cnf))[:60] or "nothing"
        return f"The token is bound by {names}, not by jkt: ask for one with a DPoP proof."
    if not isinstance(wanted_of(finding), str):
        return "cnf in the access token is no object with a text jkt: its issuer has to mend that."
    jkt = str(wanted_of(finding))
    if how := _other_thumbprint(jkt, _jwk(case)):
        return f"cnf.jkt {how}: the issuer has to use RFC 7638, which gives {found_of(finding)}."
    return (
        f"The token is bound to the key {shown(jkt, 60)}, the proof is signed with "
        f"{shown(found_of(finding), 60)}: sign with the key the token was asked for with, or ask "
        "for a new token with this one. A key must live as long as its tokens."
    )


def _other_thumbprint(jkt: str, jwk: Mapping[str, Any]) -> str:
    """How another thumbprint of the same key was made, where that can be told."""
    try:
        right = thumbprint(jwk)
        whole = json.dumps(jwk, separators=(",", ":")).encode()
        spaced = json.dumps(jwk).encode()
        ordered = json.dumps(dict(sorted(jwk.items())), separators=(",", ":")).encode()
    except (KeyUnusable, TypeError, ValueError):
        return ""
    ways = {
        base64.b64encode(base64.urlsafe_b64decode(right + "=")).decode(): "is in standard base64",
        right + "=": "has = at its end",
        base64.urlsafe_b64decode(right + "=").hex(): "is hexadecimal",
        base64url_encode(sha256(ordered)): "is the hash of all members of the jwk",
        base64url_encode(sha256(whole)): "is the hash of the jwk as it stands, not in sorted form",
        base64url_encode(sha256(spaced)): "is the hash of the jwk with white space",
    }
    ways.pop(right, None)
    return ways.get(jkt, "")


KEY_ADVICE: Mapping[str, Advice] = {
    "alg": _alg,
    "jwk": _jwk_row,
    "no_private_key": _no_private_key,
    "signature": _signature,
    "bound_key": _bound_key,
}
