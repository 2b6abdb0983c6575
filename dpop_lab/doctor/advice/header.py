"""What to change in the form of a proof, its header and its key, made from what is there."""

from collections.abc import Mapping
from typing import Any

from dpop_lab.checking import Finding
from dpop_lab.doctor.times import time_advice
from dpop_lab.jose.encoding import sha256
from dpop_lab.jose.jws import Jws, verify
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC, raw_signature
from dpop_lab.proof import TYP
from dpop_lab.session.call import TOKEN_ENDPOINT, Call
from dpop_lab.show.values import shown
from dpop_lab.wire.secrets import leaked

ALGS_OF = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
ANOTHER_KEY = "Make another key, such as EC P-256 for ES256"
DEVIATIONS = {
    "padding": "leave out the = at its end",
    "spare_bits": "encode it anew: its last character has bits that mean nothing",
    "foreign_alphabet": "use the URL-safe alphabet, - and _ in place of + and /",
    "white_space": "take out the white space",
    "number_as_text": "write it as a JSON number, without quotes",
    "not_a_number": "write it as a JSON number",
    "not_a_string": "write it as a JSON string",
    "value_in_an_array": "write the value itself, not an array of one",
    "duplicate_member": "name each member once",
    "text_after_the_object": "end after the closing brace",
    "byte_order_mark": "take out the byte order mark",
    "extension_not_understood": "leave crit out: no extension is known for proofs",
    "five_parts": "send a signed JWT, not an encrypted one",
    "unreadable": "it can't be decoded; was it copied whole?",
    "impossible_length": "its end is missing; was it copied whole?",
}


def one_header(finding: Finding, call: Call) -> str:
    """How many there are, and where."""
    if finding.defect == "several":
        return (
            "Send one DPoP header: something adds a second, such as an interceptor that runs "
            "twice, a retry that appends where it should replace, or a proxy."
        )
    if finding.defect == "empty":
        return "Put the proof into the DPoP header: it is there, but empty."
    if call.personal == "PAR endpoint":
        return (
            "Sign a proof for the pushed authorization request, too, and send it in a DPoP header:"
            " the code is bound to its key, so the token request needs a proof by the same key."
        )
    if call.place == TOKEN_ENDPOINT or call.scheme.lower() != "dpop":
        what = "token request" if call.place == TOKEN_ENDPOINT else "call"
        return f"Sign a proof for the {what} and send it in a DPoP header of its own."
    return "Send a DPoP header with a proof beside Authorization: the token alone proves nothing."


def well_formed(finding: Finding, call: Call) -> str:
    """What it looks like instead."""
    text = "".join(call.proofs[:1])
    word, parts = text.split(" ")[0], text.count(".") + 1
    if word.lower() in ("dpop", "bearer", "dpop:"):
        return f"Take the word {shown(word)} away: the header holds the proof alone."
    if "," in text:
        return "Send one proof: here several stand in one header line, joined by a comma."
    if text[:1] in ('"', "'"):
        return "Take the quotes around the proof away."
    if finding.defect == "too_long":
        return "Make the proof shorter: with an EC key in place of RSA, without further members."
    if parts == 5:
        return "Send a signed JWT (JWS, three parts): this one is encrypted (JWE, five parts)."
    if parts < 3:
        lacks = "claims and signature are" if parts == 1 else "the signature is"
        return f"Send the whole proof, header.claims.signature: {lacks} missing."
    if parts > 3:
        return f"Send header.claims.signature, three parts between dots; here are {parts}."
    _, another, names = str(finding.found).partition("another JSON type than it can read: ")
    if another:
        return f"Give {names} in the JSON type the RFCs have: texts as strings, times as numbers."
    return "Encode header and claims as JSON objects in base64url (RFC 7515), each once."


def in_words(deviation: str) -> str:
    """What to do about a deviation from the strict spelling."""
    return DEVIATIONS.get(deviation, "use the one strict spelling")


def strict_form(finding: Finding, call: Call) -> str:
    """Each deviation."""
    told = [f"{where}: {in_words(kind)}" for where, kind in call.proof.deviations]
    time = f" {time_advice(call)}" * ("claims.iat" in dict(call.proof.deviations))
    return f"Write the proof in its strict form. {'; '.join(told[:5])}.{time}"


def typ(finding: Finding, call: Call) -> str:
    """What it is instead, and where that comes from."""
    found, kind = finding.found, str(finding.found).lower()
    was = "it is missing" if found is None else f"here it is {shown(found, 40)}"
    hint = {
        TYP: " Small letters count.",
        "jwt": " Most JWT libraries put JWT there by themselves: set it in the header by hand.",
    }.get(kind, "")
    if kind.endswith("at+jwt"):
        hint = " This looks like the access token: the DPoP header is for the proof."
    elif is_another_jwt(call.proof):
        return (
            "This is a JWT for another purpose, such as a client assertion or the proof of a"
            f" credential's key. Make a DPoP proof: set typ to {TYP}, with jti, htm, htu and iat."
        )
    return f"{finding.check.mend[:-1]}; {was}.{hint}"


def is_another_jwt(proof: Jws) -> bool:
    """Is it made for something else than DPoP, going by its claims?"""
    return not {"htm", "htu"} & set(proof.claims) and bool(
        {"aud", "iss", "sub"} & set(proof.claims)
    )


def alg(finding: Finding, call: Call) -> str:
    """Which algorithm fits the key, and is taken."""
    found = finding.found if isinstance(finding.found, str) else ""
    name = _fitting(call)
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


def _fitting(call: Call) -> str:
    """The algorithm that goes with the key in the proof, empty when none does."""
    key = jwk_of(call)
    if key.get("kty") == "RSA":
        return "PS256"
    return ALGS_OF.get(str(key.get("crv")), "" if key.get("crv") else "ES256")


def jwk_of(call: Call) -> Mapping[str, Any]:
    """The key in the header of the proof, empty where there is none."""
    found = call.proof.header.get("jwk")
    return found if isinstance(found, dict) else {}


def jwk(finding: Finding, call: Call) -> str:
    """What is wrong with the key."""
    header, name = call.proof.header, _fitting(call)
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
    kty, crv = given.get("kty"), given.get("crv")
    if missing := [one for one in PUBLIC.get(str(kty), ("kty",)) if one not in given]:
        return f"Put {' and '.join(missing)} into jwk, too: a member name in its small letters."
    if kty == "oct":
        return "Use an EC, RSA or Ed25519 key pair: a symmetric key can't be shown to the server."
    if not name:
        return f"{ANOTHER_KEY}: no proof can be signed on the curve {shown(crv, 20)}."
    wanted, curve = ALGORITHMS.get(str(header.get("alg")), (None, None))
    if wanted and (wanted != kty or curve not in (None, crv)):
        takes = f"{wanted} {curve or ''}".rstrip()
        fault = f"{header['alg']} wants {takes}, the key is {kty} {crv or ''}".rstrip()
        return f"Let alg and key fit each other: {fault}; with this key alg is {name}."
    from dpop_lab.doctor.advice.points import point_advice  # such keys are rare

    if told := point_advice(given):
        return told
    size = "bits" in str(finding.found)
    action = "Make a new key of another size" if size else "Export the public key anew as a JWK"
    return f"{action}: {finding.found}."


def no_private_key(finding: Finding, call: Call) -> str:
    """Whether the key has leaked."""
    key = jwk_of(call)
    if not leaked(key) and key.get("kty") != "oct":
        return "Leave the private members out of jwk, also where they are empty."
    return (
        "Make a new key, for the private half of this one went out with the proof. Put only kty, "
        "crv, x, y (RSA: kty, n, e) into jwk; bound tokens must be fetched anew."
    )


def signature(finding: Finding, call: Call) -> str:
    """How it was made instead, where that can be told."""
    proof, key, alg = call.proof, jwk_of(call), str(call.proof.header.get("alg"))
    sent, given = proof.signing_input, proof.signature
    size = 2 * OCTETS.get(str(key.get("crv")), 0)
    whole, ec = -(-size * 4 // 3), size and key.get("kty") == "EC"  # characters of base64url
    if ec and (raw := raw_signature(given, size // 2)):
        right = verify(sent, raw, alg=alg, jwk=key)
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
    return next((how for text, one, how in tries if verify(text, given, alg=one, jwk=key)), "")


ROWS = one_header, well_formed, strict_form, typ, alg, jwk, no_private_key, signature
