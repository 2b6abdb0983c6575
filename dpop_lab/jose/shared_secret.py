"""A compact JWS under a secret that both sides know: either of them could have made it."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import base64url_encode, compact_json

HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def mac_compact(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """A compact JWS over header and claims, with an HMAC for a signature (RFC 7518 section 3.2).

    Raises `LabError` when the header's `alg` is none of `HASHES`. That the secret is as long as the
    hash, as the RFC wants, is not checked: who issued the secret has settled its length.
    """
    alg = header.get("alg")
    if alg not in HASHES:
        wanted, found = " or ".join(HASHES), repr(alg)
        raise LabError("The header's alg takes no shared secret", wanted=wanted, found=found)
    signing_input = ".".join(base64url_encode(compact_json(part)) for part in (header, claims))
    mac = hmac.digest(secret, signing_input.encode("ascii"), HASHES[alg])
    return f"{signing_input}.{base64url_encode(mac)}"
