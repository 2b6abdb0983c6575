"""Two texts as a compact JWS, right or wrong: spelt and signed as an edit says."""

import hmac
from typing import Any

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import COMPACT, base64url_encode, compact_json, from_json
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.catalogue.change import Edit

HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def text(value: object) -> str:
    """A JSON value as the text that is signed. Raises `LabError` for what JSON can't write."""
    try:
        return COMPACT.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        wanted = "text, numbers, true, false, None, lists and dicts of these"
        raise LabError("No JSON can be made of it", wanted=wanted, found=str(error)) from None


def spelt(edit: Edit, name: str, value: Any) -> Any:
    """A part of a JWS in the spelling that an edit has for it."""
    change = edit.spelling.get(name)
    return change(value) if change else value


def texts(edit: Edit, header: object, claims: object) -> tuple[str, str]:
    """Header and claims as the texts that are signed, in the spelling of an edit."""
    return spelt(edit, "header text", text(header)), spelt(edit, "claims text", text(claims))


def forged(
    header: str, claims: str, edit: Edit, key: PrivateKey, *, signature: bytes | None = None
) -> str:
    """Two texts as a compact JWS in the spelling of an edit; without a signature one is made."""
    parts = [
        spelt(edit, name, base64url_encode(text.encode("utf-8", "surrogatepass")))
        for name, text in (("header", header), ("claims", claims))
    ]
    signing_input = ".".join(parts)
    if signature is None:
        signature = _signature(signing_input.encode("utf-8", "replace"), header, key)
    last = base64url_encode(spelt(edit, "signature", signature))
    return str(spelt(edit, "whole", f"{signing_input}.{last}"))


def _signature(octets: bytes, header: str, key: PrivateKey) -> bytes:
    """A signature in the way the header names, where the key can, else in the key's own way.

    For `none` it is empty; HMAC takes what everybody knows for its secret: the public key.
    """
    try:
        members = from_json(header)
        alg = members.get("alg") if isinstance(members, dict) else None
    except (ValueError, RecursionError):
        alg = None
    if isinstance(alg, str) and alg.lower() == "none":
        return b""
    if isinstance(alg, str) and alg in HASHES:
        return hmac.digest(compact_json(key.public_jwk()), octets, HASHES[alg])
    try:
        return key.sign_as(octets, str(alg))
    except ValueError:
        return key.sign(octets)
