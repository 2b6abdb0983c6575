"""What to change about keys: algorithm, jwk, signature, the key a token is bound to."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.form import in_words
from dpop_lab.doctor.advice.written import advice
from dpop_lab.doctor.decoded import leaked
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import base64url_encode, compact_json, sha256, thumbprint
from dpop_lab.jose.jws import raw_signature, verify
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown

ALGS_OF = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
ANOTHER_KEY = "Make another key, such as EC P-256 for ES256"


def fitting(call: Call) -> str:
    """The algorithm that goes with the key in the proof, empty when none does."""
    jwk = _jwk(call)
    if jwk.get("kty") == "RSA":
        return "PS256"
    return ALGS_OF.get(str(jwk.get("crv")), "" if jwk.get("crv") else "ES256")


def _jwk(call: Call) -> Mapping[str, Any]:
    jwk = call.proof.header.get("jwk")
    return jwk if isinstance(jwk, dict) else {}


@advice
def alg(finding: Finding, call: Call) -> str:
    """Which algorithm fits the key, and is taken."""
    found = finding.found if isinstance(finding.found, str) else ""
    name = fitting(call)
    if found.upper().startswith("HS"):
        return (
            f"Sign with the private key and {name or 'ES256'}: {shown(found, 20)} is a MAC, whose"
            " key the server would have to know."
        )
    if found.lower() == "none":
        return f"Sign the proof, with {name or 'ES256'}: alg none is no signature."
    if name not in str(finding.wanted).split():
        return f"{ANOTHER_KEY}: this server takes no algorithm that fits this one."
    if finding.defect == "missing":
        return f"Name the algorithm in the header: alg {name} fits this key."
    if found.upper() in ALGORITHMS and found not in ALGORITHMS:
        return f"Write {found.upper()} in capital letters."
    return f"Sign with {name}, which this server takes and which fits the key."


@advice
def jwk(finding: Finding, call: Call) -> str:
    """What is wrong with the key."""
    header = call.proof.header
    given = header.get("jwk")
    if given is None:
        other = next((one for one in ("kid", "x5c", "jku", "x5u") if one in header), "")
        instead = f" {other} does not replace it." if other else ""
        return f"Put the public key into the header as jwk: kty and its numbers.{instead}"
    if not isinstance(given, dict):
        text = ", not as a string with JSON in it" if isinstance(given, str) else ""
        return f"Put the jwk there as a JSON object{text}."
    if "keys" in given:
        return "Put the key itself there: this is a JWK Set, with the key in its member keys."
    kty, crv, name = given.get("kty"), given.get("crv"), fitting(call)
    if missing := [one for one in PUBLIC.get(str(kty), ("kty",)) if one not in given]:
        return f"Put {' and '.join(missing)} into jwk, too: a member name in its small letters."
    if kty == "oct":
        return "Use an EC, RSA or Ed25519 key pair: a symmetric key can't be shown to the server."
    if not name:
        return f"{ANOTHER_KEY}: no proof can be signed on the curve {shown(crv, 20)}."
    wanted = ALGORITHMS.get(str(header.get("alg")))
    if wanted and (wanted.kty != kty or wanted.crv not in (None, crv)):
        return (
            f"Let alg and key fit each other: {header['alg']} wants "
            f"{' '.join(filter(None, (wanted.kty, wanted.crv)))}, the key is {kty} {crv or ''}"
        ).rstrip() + f"; with this key alg is {name}."
    size = "bits" in str(finding.found)
    action = "Make a new key of another size" if size else "Export the public key anew as a JWK"
    return f"{action}: {finding.found}."


@advice
def no_private_key(finding: Finding, call: Call) -> str:
    """Whether the key has leaked."""
    jwk = _jwk(call)
    if not leaked(jwk) and jwk.get("kty") != "oct":
        return "Leave the private members out of jwk, also where they are empty."
    return (
        "This key has leaked: its private half went out with the proof. Make a new key, and put "
        "only kty, crv, x, y (RSA: kty, n, e) into jwk; bound tokens must be fetched anew."
    )


@advice
def signature(finding: Finding, call: Call) -> str:
    """How it was made instead, where that can be told."""
    proof, jwk, alg = call.proof, _jwk(call), str(call.proof.header.get("alg"))
    sent, given = proof.signing_input, proof.signature
    size = 2 * OCTETS.get(str(jwk.get("crv")), 0)
    whole, ec = -(-size * 4 // 3), size and jwk.get("kty") == "EC"  # characters of base64url
    if ec and (raw := raw_signature(given, size // 2)):
        right = verify(sent, raw, alg=alg, jwk=jwk)
        told = "Convert the signature: it is right, but in DER" if right else "It is in DER"
        return f"{told}, as most libraries give it; a JWS has r and s side by side, {size} octets."
    segment = proof.text.rpartition(".")[2]
    spelled = [kind for where, kind in proof.deviations if where == "signature"]
    if size and 0 < len(segment.rstrip("=")) < whole and not given:
        return f"The signature ends early, {len(segment)} of {whole} characters: copied whole?"
    if segment and not given and spelled:
        return f"Write the signature in base64url (RFC 7515): {in_words(spelled[0])}."
    if ec and len(given) != size:
        return f"Give the signature as r and s, {size} octets; here are {len(given)}."
    signed = "Sign header.claims as it is; here it was signed"
    tries = [
        (sent + b"\n", alg, f"{signed} with a line feed behind it, as echo adds one."),
        (sha256(sent), alg, f"{signed} hashed beforehand: the algorithm hashes it by itself."),
    ]
    named = "Name the algorithm that was used: the signature is good under"
    tries += [(sent, other, f"{named} {other}, not {alg}.") for other in ALGORITHMS if other != alg]
    return next((how for text, one, how in tries if verify(text, given, alg=one, jwk=jwk)), "")


@advice
def bound_key(finding: Finding, call: Call) -> str:
    """What the token is bound to, and how."""
    if finding.defect == "missing":
        return (
            "This access token is bound to no key: ask for one with a DPoP header in the token "
            "request, and look for token_type DPoP in the answer."
        )
    cnf = call.access_token.claims.get("cnf")
    if finding.defect == "unchecked":
        return (
            f"The token is bound by {shown(finding.found, 60)}, and this server checks jkt "
            "alone: ask its issuer for a token that is bound by nothing else."
        )
    if isinstance(cnf, dict) and "jkt" not in cnf:
        names = ", ".join(map(str, cnf))[:60] or "nothing"
        return f"The token is bound by {names}, not by jkt: ask for one with a DPoP proof."
    if not isinstance(finding.wanted, str):
        return "cnf in the access token is no object with a text jkt: its issuer has to mend that."
    jkt = str(finding.wanted)
    if how := _other_thumbprint(jkt, _jwk(call)):
        return f"cnf.jkt {how}: the issuer has to use RFC 7638, which gives {finding.found}."
    return (
        f"The token is bound to the key {shown(jkt, 60)}, the proof is signed with "
        f"{shown(finding.found, 60)}: sign with the key the token was asked for with, or ask "
        "for a new token with this one. A key must live as long as its tokens."
    )


def _other_thumbprint(jkt: str, jwk: Mapping[str, Any]) -> str:
    """How another thumbprint of the same key was made, where that can be told."""
    try:
        right = thumbprint(jwk)
        whole, ordered = compact_json(jwk), compact_json(dict(sorted(jwk.items())))
        spaced = json.dumps(jwk).encode()
    except (KeyUnusable, TypeError, ValueError):
        return ""
    octets = base64.urlsafe_b64decode(right + "=")
    ways = {
        base64.b64encode(octets).decode(): "is in standard base64",
        right + "=": "has = at its end",
        octets.hex(): "is hexadecimal",
        base64url_encode(sha256(ordered)): "is the hash of all members of the jwk",
        base64url_encode(sha256(whole)): "is the hash of the jwk as it stands, not in sorted form",
        base64url_encode(sha256(spaced)): "is the hash of the jwk with white space",
    }
    return ways.get(jkt, "") if jkt != right else ""
