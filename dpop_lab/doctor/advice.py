"""Each failed row of a proof turned into an action, made from what was found."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from dpop_lab.doctor.case import TOKEN_ENDPOINT, Case
from dpop_lab.doctor.times import duration
from dpop_lab.doctor.token_advice import TOKEN_ADVICE, TOKEN_GENERAL
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.jose.jws import raw_signature, verify
from dpop_lab.jose.keys import ALGORITHMS, OCTETS, PUBLIC
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.proof.checking import Finding
from dpop_lab.proof.htu import DEFAULT_PORTS, normal_url
from dpop_lab.proof.proof import TYP, access_token_hash
from dpop_lab.proof.rendering import shown

Advice = Callable[[Finding, Case], str]
ALGS_OF = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
NEW_PROOF = "Make a new proof for each request, with a new jti and iat, also when one is sent again"


def advise(finding: Finding, case: Case) -> str:
    """What to change so that this row passes, in a sentence or two; empty for one that passed.

    Made from what was found, without repeating a secret; never raises.
    """
    if finding.mark != "failed":
        return ""
    write = ADVICE.get(finding.check.name) or TOKEN_ADVICE.get(finding.check.name)
    return write(finding, case) if write else f"Mend this: {finding.check.question}"


def _defect(finding: Finding) -> str:
    return (finding.verdict.defect if finding.verdict else None) or ""


def _wanted(finding: Finding) -> Any:
    return finding.verdict.wanted if finding.verdict else None


def _found(finding: Finding) -> Any:
    return finding.verdict.found if finding.verdict else None


def _one_header(finding: Finding, case: Case) -> str:
    if _defect(finding) == "several":
        return (
            "Send one DPoP header: something adds a second, such as an interceptor that runs "
            "twice, a retry that appends where it should replace, or a proxy."
        )
    if _defect(finding) == "empty":
        return "Put the proof into the DPoP header: it is there, but empty."
    if case.scheme.lower() == "bearer" or not case.scheme:
        what = "the token request" if case.place == TOKEN_ENDPOINT else "the call"
        return f"Sign a proof for {what} and send it in a DPoP header of its own."
    return "Send a DPoP header with a proof beside Authorization: the token alone proves nothing."


def _well_formed(finding: Finding, case: Case) -> str:
    text = case.proofs[0] if case.proofs else ""
    word = text.split(" ")[0].lower()
    if word in ("dpop", "bearer", "dpop:"):
        return f"Take the word {shown(text.split(' ')[0])} away: the header holds the proof alone."
    if "," in text:
        return "Send one proof: here several stand in one header line, joined by a comma."
    if text[:1] in "\"'":
        return "Take the quotes around the proof away."
    if _defect(finding) == "too_long":
        return "Make the proof shorter: with an EC key in place of RSA, without further members."
    parts = text.count(".") + 1
    if parts == 5:
        return "Send a signed JWT (JWS, three parts): this one is encrypted (JWE, five parts)."
    if parts < 3:
        lacks = "claims and signature are" if parts == 1 else "the signature is"
        return f"Send the whole proof, header.claims.signature: {lacks} missing."
    if parts > 3:
        return f"Send header.claims.signature, three parts between dots; here are {parts}."
    if "number" in str(_found(finding)) or "iat" in str(_found(finding)):
        return "Give iat as a JSON number of seconds, without quotes, and the texts as strings."
    return "Encode header and claims as JSON objects in base64url (RFC 7515), each once."


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
}


def _strict_form(finding: Finding, case: Case) -> str:
    told = [f"{where}: {DEVIATIONS.get(kind, 'use the one strict spelling')}"
            for where, kind in case.proof.deviations]  # fmt: skip
    return f"Write the proof in its strict form. {'; '.join(told[:5])}."


def _typ(finding: Finding, case: Case) -> str:
    found = _found(finding)
    was = "it is missing" if found is None else f"here it is {shown(found, 40)}"
    hint = ""
    if isinstance(found, str) and found.lower() == TYP:
        hint = " Small letters count."
    elif found == "JWT":
        hint = " Most JWT libraries put JWT there by themselves: set it in the header by hand."
    elif isinstance(found, str) and found.lower().endswith("at+jwt"):
        hint = " This looks like the access token: the DPoP header is for the proof."
    return f'Set typ in the header to "{TYP}"; {was}.{hint}'


def _fitting(case: Case) -> str:
    """The algorithm that goes with the key in the proof."""
    jwk = _jwk(case)
    if jwk.get("kty") == "RSA":
        return "PS256 or RS256"
    return ALGS_OF.get(str(jwk.get("crv")), "ES256")


def _jwk(case: Case) -> Mapping[str, Any]:
    jwk = case.proof.header.get("jwk")
    return jwk if isinstance(jwk, dict) else {}


def _alg(finding: Finding, case: Case) -> str:
    found = _found(finding)
    if isinstance(found, str) and found.upper().startswith("HS"):
        return (
            f"Sign with the private key and {_fitting(case)}: {found} is a MAC, whose key the"
            " server would have to know."
        )
    if isinstance(found, str) and found.lower() == "none":
        return f"Sign the proof, with {_fitting(case)}: alg none is no signature."
    if found is None:
        return f"Name the algorithm in the header: alg {_fitting(case)} fits this key."
    if isinstance(found, str) and found.upper() in ALGORITHMS and found not in ALGORITHMS:
        return f"Write {found.upper()} in capital letters."
    return f"Sign with an algorithm this server takes, such as {_fitting(case)}."


def _jwk_row(finding: Finding, case: Case) -> str:
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
    if lacking := [name for name in PUBLIC.get(str(jwk.get("kty")), ("kty",)) if name not in jwk]:
        return f"Put {' and '.join(lacking)} into jwk, too: a member name in its small letters."
    if jwk.get("kty") == "oct":
        return "Use an EC, RSA or Ed25519 key pair: a symmetric key can't be shown to the server."
    known = ALGORITHMS.get(alg) if isinstance(alg, str) else None
    if known and (known.kty != jwk.get("kty") or known.crv not in (None, jwk.get("crv"))):
        return (
            f"Let alg and key fit each other: {alg} wants {known.kty} {known.crv or ''}".rstrip()
            + f", the key is {jwk.get('kty')} {jwk.get('crv', '')}".rstrip()
            + f"; with this key alg is {_fitting(case)}."
        )
    return f"Export the public key anew as a JWK: {_found(finding)}."


def _no_private_key(finding: Finding, case: Case) -> str:
    return (
        "This key has leaked: its private half went out with the proof. Make a new key, and put "
        "only kty, crv, x, y (RSA: kty, n, e) into jwk; bound tokens must be fetched anew."
    )


def _signature(finding: Finding, case: Case) -> str:
    proof, jwk, alg = case.proof, _jwk(case), str(case.proof.header.get("alg"))
    size = OCTETS.get(str(jwk.get("crv")), 0)
    if jwk.get("kty") == "EC" and size and (raw := raw_signature(proof.signature, size)):
        if verify(proof.signing_input, raw, alg=alg, jwk=jwk):
            return (
                "Convert the signature: it is right, but in DER as most libraries give it; a JWS "
                f"has r and s side by side, {2 * size} octets."
            )
        return f"A JWS has r and s side by side, {2 * size} octets; this signature is in DER."
    if jwk.get("kty") == "EC" and size and len(proof.signature) != 2 * size:
        return f"Give the signature as r and s, {2 * size} octets; here are {len(proof.signature)}."
    for other in ALGORITHMS:
        if other != alg and verify(proof.signing_input, proof.signature, alg=other, jwk=jwk):
            return (
                f"Name the algorithm that was used: the signature is good under {other}, not {alg}."
            )
    return (
        "Sign header.claims as they are sent, with the private key that belongs to the jwk in the "
        "header: another key signed, or the text was changed after it was signed."
    )


def _jti(finding: Finding, case: Case) -> str:
    if _defect(finding) == "missing":
        return "Add jti, a new random string for each proof, such as a UUID."
    return "Give jti as a string that is not empty, new for each proof."


def _htm(finding: Finding, case: Case) -> str:
    wanted, found = _wanted(finding), _found(finding)
    if found is None:
        return f"Add htm: {shown(wanted, 20)}, the method of the request."
    if isinstance(found, str) and found.upper() == wanted:
        return f"Write htm in capital letters, {wanted}: it is compared as it stands."
    return (
        f"htm is {shown(found, 40)}, the request is {wanted}: make a proof for {wanted}, at the"
        " time of the request and not before."
    )


def _htu(finding: Finding, case: Case) -> str:
    wanted, found = str(_wanted(finding)), _found(finding)
    if found is None:
        return f"Add htu: send {wanted}."
    if not isinstance(found, str):
        return f"Give htu as a string: send {wanted}."
    return f"{_htu_fault(wanted, found, case)}: send {wanted}" + _behind(case)


def _htu_fault(wanted: str, found: str, case: Case) -> str:
    """In which part the two URLs differ, in words."""
    if found != found.strip() or " " in found:
        return "htu has white space in it"
    there, here = normal_url(wanted), normal_url(found)
    if here is None or there is None:
        relative = found.startswith("/") or "://" not in found
        return "htu is no whole URL" if relative else "htu can't be read as a URL"
    faults = []
    if here.scheme != there.scheme:
        faults.append(f"the scheme {here.scheme} in place of {there.scheme}")
    if here.host != there.host:
        faults.append(f"the host {shown(here.host, 60)} in place of {there.host}")
    default = DEFAULT_PORTS[here.scheme] == here.port and here.scheme != there.scheme
    if here.port != there.port and not default:
        faults.append(f"the port {here.port} in place of {there.port}")
    if here.path != there.path:
        faults.append(_path_fault(there.path, here.path))
    if here.user:
        faults.append("a user in it")
    if not faults:
        part = "query" if "?" in found else "fragment" if "#" in found else "spelling"
        return f"htu has a {part}" if part != "spelling" else "htu is spelled in another way"
    return "htu has " + " and ".join(faults)


def _path_fault(wanted: str, found: str) -> str:
    if found.rstrip("/") == wanted.rstrip("/"):
        return "a slash at the end" if found.endswith("/") else "no slash at the end"
    if found.lower() == wanted.lower():
        return f"other letter case in its path, {shown(found, 80)}"
    if found.rstrip("/").endswith("/token"):
        return "the path of the token endpoint, as if the proof were made for that"
    if wanted.endswith(found) or found.endswith(wanted):
        return f"another path, {shown(found, 80)}, as behind a proxy that adds or takes a prefix"
    return f"another path, {shown(found, 80)}"


def _behind(case: Case) -> str:
    names = {name.lower() for name, _ in case.headers}
    if {"x-forwarded-proto", "x-forwarded-host", "forwarded", "x-forwarded-prefix"} & names:
        return (
            ". The request came through a proxy: htu is the URL that the client calls, and the"
            " server behind the proxy has to know that one."
        )
    return "."


def _ath(finding: Finding, case: Case) -> str:
    wanted, found = _wanted(finding), _found(finding)
    if found is None:
        return f"Add ath, base64url of the SHA-256 of the access token: here {wanted}."
    if isinstance(found, str) and (how := _other_hash(found, case.token)):
        return f"ath {how}. It is base64url, without =, of the SHA-256 of the token: {wanted}."
    return (
        f"ath is the hash of another access token: make the proof with the token that is sent, "
        f"whose hash is {wanted}. After a renewal the proof must follow."
    )


def _other_hash(found: str, token: str) -> str:
    """How a wrong ath was made of the right token, where that can be told."""
    octets = token.encode("utf-8", "surrogatepass")
    digest = sha256(octets)
    standard = base64.b64encode(digest).decode()
    half = base64url_encode(digest[:16])
    ways = {
        digest.hex(): "is hexadecimal",
        digest.hex().upper(): "is hexadecimal",
        standard: "is in the standard base64 alphabet",
        standard.rstrip("="): "is in the standard base64 alphabet",
        base64.urlsafe_b64encode(digest).decode(): "has = at its end",
        base64url_encode(digest.hex().encode()): "is base64url of the hexadecimal text",
        base64url_encode(hashlib.sha512(octets).digest()): "is made with SHA-512",
        base64url_encode(hashlib.sha384(octets).digest()): "is made with SHA-384",
        half: "is the left half of the hash, as in at_hash",
        access_token_hash(f"DPoP {token}"): "is the hash of the token with the word DPoP before it",
        access_token_hash(f"Bearer {token}"): "is the hash of the token with the word Bearer",
        access_token_hash(token + "\n"): "is the hash of the token with a line feed behind it",
        token: "is the token itself",
    }
    return ways.get(found, "")


def _bound_key(finding: Finding, case: Case) -> str:
    if _defect(finding) == "missing":
        return (
            "This access token is bound to no key: ask for one with a DPoP header in the token "
            "request, and look for token_type DPoP in the answer."
        )
    cnf = case.access_token.claims.get("cnf")
    if isinstance(cnf, dict) and "jkt" not in cnf:
        names = ", ".join(map(str, cnf))[:60] or "nothing"
        return f"The token is bound by {names}, not by jkt: ask for one with a DPoP proof."
    jkt = str(_wanted(finding))
    if how := _other_thumbprint(jkt, _jwk(case)):
        return f"cnf.jkt {how}: the issuer has to use RFC 7638, which gives {_found(finding)}."
    return (
        f"The token is bound to the key {shown(jkt, 60)}, the proof is signed with "
        f"{shown(_found(finding), 60)}: sign with the key the token was asked for with, or ask for "
        "a new token with this one. A key must live as long as its tokens."
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
        right + "=": "has = at its end",
        base64.b64encode(base64.urlsafe_b64decode(right + "=")).decode(): "is in standard base64",
        base64.urlsafe_b64decode(right + "=").hex(): "is hexadecimal",
        base64url_encode(sha256(ordered)): "is the hash of all members of the jwk",
        base64url_encode(sha256(whole)): "is the hash of the jwk as it stands, not in sorted form",
        base64url_encode(sha256(spaced)): "is the hash of the jwk with white space",
    }
    ways.pop(right, None)
    return ways.get(jkt, "")


def _fresh(finding: Finding, case: Case) -> str:
    iat = case.proof.claims.get("iat")
    if iat is None:
        return "Add iat, the time of making in whole seconds since 1970."
    if isinstance(iat, bool) or not isinstance(iat, int | float):
        return "Give iat as a JSON number of seconds since 1970, without quotes."
    if not math.isfinite(iat):
        return "Give iat as whole seconds since 1970."
    if iat > 100_000_000_000:
        return f"iat is in milliseconds: divide it by 1000, {int(iat) // 1000}."
    time, whose = case.clock or (None, "")
    if time is None:
        return "iat lies ahead of this machine's clock: set the client's clock (NTP), in UTC."
    away = duration(iat - time)
    hour = abs(abs(iat - time) % 1800 - 900) > 870 and abs(iat - time) > 1700
    zone = " By whole or half hours: local time was taken for UTC." if hour else ""
    if iat > time:
        return f"iat is {away} ahead of {whose}: set the client's clock (NTP).{zone}"
    return (
        f"iat is {away} behind {whose}: make the proof right before it is sent, and set the"
        f" client's clock (NTP).{zone}"
    )


def _nonce(finding: Finding, case: Case) -> str:
    if _defect(finding) == "missing":
        given = case.nonce or (case.nonces[-1] if case.nonces else "")
        named = f" ({shown(given, 60)})" if given else ""
        return (
            f"Sign a new proof with the nonce from the DPoP-Nonce header{named} and send the"
            " request again, once, with a new jti."
        )
    if _defect(finding) == "stale":
        return (
            "Use the newest nonce: this one is outdated. Each DPoP-Nonce replaces the one before."
        )
    return (
        "Use the nonce this server gave last: the token endpoint and each API have their own, and "
        "none takes that of another."
    )


def _unused(finding: Finding, case: Case) -> str:
    return f"{NEW_PROOF}: this jti was used before."


ADVICE: Mapping[str, Advice] = {
    "one_header": _one_header,
    "well_formed": _well_formed,
    "strict_form": _strict_form,
    "typ": _typ,
    "alg": _alg,
    "jwk": _jwk_row,
    "no_private_key": _no_private_key,
    "signature": _signature,
    "jti": _jti,
    "htm": _htm,
    "htu": _htu,
    "ath": _ath,
    "bound_key": _bound_key,
    "fresh": _fresh,
    "nonce": _nonce,
    "unused": _unused,
}
GENERAL: Mapping[str, str] = {
    "one_header": "Send exactly one DPoP header with a proof for this request.",
    "well_formed": "Send the proof as a JWT in compact form: header.claims.signature.",
    "strict_form": "Write the proof in strict base64url and JSON, each claim of its own type.",
    "typ": f'Set typ in the header to "{TYP}".',
    "alg": "Sign with an asymmetric algorithm that the server takes, such as ES256.",
    "jwk": "Put the public key, and nothing else, into the header as jwk, with an alg that fits.",
    "no_private_key": "The private key was in the header: make a new key, send its public members.",
    "signature": "Sign header.claims as sent, with the private key of the jwk in the header.",
    "jti": "Give each proof a jti of its own, a string that is not empty.",
    "htm": "Set htm to the method of the request, in capital letters.",
    "htu": "Set htu to the URL of the request as the server knows it, without query and fragment.",
    "ath": "Set ath to base64url of the SHA-256 of the access token that is sent.",
    "bound_key": "Sign with the key that the access token was asked for with.",
    "fresh": "Set iat to the time of sending in seconds, by a clock that is right.",
    "nonce": "Put the newest nonce of this server into a new proof and send it again, once.",
    "unused": f"{NEW_PROOF}.",
    **TOKEN_GENERAL,
}
