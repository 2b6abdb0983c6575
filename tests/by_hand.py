"""A proof made, and one verified, with `cryptography` alone: the peer the lab is measured against.

Everything a careful server does is done once, straight on: no report, no rows, no policy.
"""

import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

COMPACT = json.JSONEncoder(separators=(",", ":"))
ES256 = ec.ECDSA(hashes.SHA256())
OLDEST, AHEAD = 60, 10  # seconds


def encode(octets):
    """Octets as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text):
    """The octets of base64url text; raises ValueError for any other alphabet."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def compact(value):
    """A JSON value as octets without white space."""
    return COMPACT.encode(value).encode()


def sha256(text):
    """The hash of a text as base64url."""
    return encode(hashlib.sha256(text).digest())


def public_jwk(key):
    """The public half of a P-256 key as a JWK."""
    numbers = key.public_key().public_numbers()
    x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def header_of(key):
    """A proof's header, encoded; for one key always the same."""
    return encode(compact({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key)}))


def make(key, header, *, jti, htm, htu, iat, access_token):
    """A signed proof for one request with an access token (RFC 9449 section 4.2)."""
    ath = sha256(access_token.encode())
    claims = {"jti": jti, "htm": htm, "htu": htu, "iat": iat, "ath": ath}
    signing_input = f"{header}.{encode(compact(claims))}"
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ES256))
    return f"{signing_input}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def public_key(jwk):
    """The key of a P-256 JWK; ValueError when the point is not on the curve."""
    x, y = (int.from_bytes(decode(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def verify(text, *, method, url, now, access_token, jkt, used):
    """Is this proof good for this request (RFC 9449 section 4.3)? Every claim is compared."""
    head, payload, signed = text.split(".")
    header, claims = json.loads(decode(head)), json.loads(decode(payload))
    jwk, signature = header["jwk"], decode(signed)
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        octets = f"{head}.{payload}".encode()
        public_key(jwk).verify(encode_dss_signature(r, s), octets, ES256)
    except InvalidSignature:
        return False
    return (
        header["typ"] == "dpop+jwt"
        and header["alg"] == "ES256"
        and "d" not in jwk
        and len(signature) == 64
        and isinstance(claims["jti"], str)
        and claims["htm"] == method
        and claims["htu"].partition("#")[0].partition("?")[0] == url
        and claims["ath"] == sha256(access_token.encode())
        and sha256(compact(members)) == jkt
        and now - OLDEST <= claims["iat"] <= now + AHEAD
        and claims["jti"] not in used
    )
