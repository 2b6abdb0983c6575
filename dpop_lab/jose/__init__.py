"""What DPoP stands on: base64url and JSON, keys, thumbprints, compact JWS."""

from dpop_lab.jose.encoding import (
    REQUIRED_MEMBERS,
    base64url_decode,
    base64url_encode,
    compact_json,
    loose_base64url_decode,
)
from dpop_lab.jose.jws import read_jws, sign_compact
from dpop_lab.jose.keys import der_signature

__all__ = [
    "REQUIRED_MEMBERS",
    "base64url_decode",
    "base64url_encode",
    "compact_json",
    "der_signature",
    "loose_base64url_decode",
    "read_jws",
    "sign_compact",
]
