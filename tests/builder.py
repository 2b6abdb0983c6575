"""The one builder of test proofs: right ones, and every kind of wrong one the recordings describe.

It shares no code with dpop_lab, so the two can disagree: `cryptography` signs, JSON and base64url
are done here. `test_builder.py` holds it against the RFCs' printed examples.

    proof(key(), htm="GET", htu=url, iat=now, jti="1", access_token=token)       a right one
    proof(key(), htm="GET", htu=url, iat=now, jti="1", header={"typ": "JWT"})    a wrong one
    described({"without": ["iat"]}, htm="GET", htu=url, now=now)        in the recordings' words

The names of variations are those of tests/recordings/README.md.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit, urlunsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
KINDS = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "none": "P-256"}
THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
THUMBPRINT_MEMBERS["OKP"] = ("crv", "kty", "x")


# ---- encoding ---------------------------------------------------------------------------------


def encode(octets):
    """Octets as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text):
    """The octets of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    """A value as JSON without white space, members in the order given."""
    return json.dumps(value, separators=(",", ":"))


def _number(value, length=None):
    return encode(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def _int(text):
    return int.from_bytes(decode(text), "big")


def access_token_hash(access_token):
    """The `ath` of an access token."""
    return encode(hashlib.sha256(access_token.encode()).digest())


def thumbprint(jwk):
    """The RFC 7638 SHA-256 thumbprint of a JWK."""
    members = {name: jwk[name] for name in THUMBPRINT_MEMBERS[jwk["kty"]]}
    return encode(hashlib.sha256(compact(members).encode()).digest())


# ---- keys -------------------------------------------------------------------------------------


@cache
def key(name="A", alg="ES256", *, bits=2048):
    """The key of this name fit for an algorithm: the same one each time within a process."""
    kind = "Ed25519" if name == "E" else KINDS.get(alg, "RSA")
    return _generate(name, kind, bits)


@cache
def _generate(_name, kind, bits):
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES[kind]())


def load(jwk):
    """The private key in a JWK."""
    if jwk["kty"] == "EC":
        return ec.derive_private_key(_int(jwk["d"]), CURVES[jwk["crv"]]())
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PrivateKey.from_private_bytes(decode(jwk["d"]))
    p, q, d = (_int(jwk[name]) for name in "pqd")
    public = rsa.RSAPublicNumbers(_int(jwk["e"]), _int(jwk["n"]))
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def _raw(signing_key):
    """A cryptography key from one: itself, a JWK, or what can give its private JWK when asked."""
    if isinstance(signing_key, Mapping):
        return load(signing_key)
    return load(signing_key.private_jwk()) if hasattr(signing_key, "private_jwk") else signing_key


@cache
def _jwk(raw):
    if isinstance(raw, ed25519.Ed25519PrivateKey):
        public, private = raw.public_key().public_bytes_raw(), raw.private_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": encode(public)}, {"d": encode(private)}
    numbers = raw.private_numbers()
    public = numbers.public_numbers
    if isinstance(raw, rsa.RSAPrivateKey):
        rest = zip(("dp", "dq", "qi"), (numbers.dmp1, numbers.dmq1, numbers.iqmp), strict=True)
        first = (("d", numbers.d), ("p", numbers.p), ("q", numbers.q))
        private = {name: _number(value) for name, value in (*first, *rest)}
        return {"kty": "RSA", "n": _number(public.n), "e": _number(public.e)}, private
    length = (raw.key_size + 7) // 8
    crv = next(name for name, curve in CURVES.items() if isinstance(raw.curve, curve))
    x, y, d = (_number(value, length) for value in (public.x, public.y, numbers.private_value))
    return {"kty": "EC", "crv": crv, "x": x, "y": y}, {"d": d}


def public_jwk(signing_key):
    """The public half of a key, as a new dict: kty, crv, x, y | kty, crv, x | kty, n, e."""
    return dict(_jwk(_raw(signing_key))[0])


def private_jwk(signing_key):
    """A key with its private members, as a new dict."""
    public, private = _jwk(_raw(signing_key))
    return {**public, **private}


def default_alg(signing_key):
    """The algorithm a key signs with when none is named."""
    if hasattr(signing_key, "alg"):
        return signing_key.alg
    jwk = public_jwk(signing_key)
    if jwk["kty"] == "RSA":
        return "RS256"
    return next(alg for alg, kind in KINDS.items() if kind == jwk["crv"])


# ---- signing ----------------------------------------------------------------------------------


def sign(signing_key, octets, *, alg, der=False):
    """A JOSE signature; with ES* the hash is the algorithm's, the curve the key's."""
    raw = _raw(signing_key)
    if alg == "none":
        return b""
    if alg in ("EdDSA", "Ed25519"):
        return raw.sign(octets)
    sha = HASHES[alg[2:]]()
    if alg.startswith("ES"):
        signature = raw.sign(octets, ec.ECDSA(sha))
        return signature if der else _raw_signature(raw, signature)
    if alg.startswith("PS"):
        salted = padding.PSS(mgf=padding.MGF1(sha), salt_length=sha.digest_size)
        return raw.sign(octets, salted, sha)
    return raw.sign(octets, padding.PKCS1v15(), sha)


def _raw_signature(raw, signature):
    length = (raw.key_size + 7) // 8
    return b"".join(part.to_bytes(length, "big") for part in decode_dss_signature(signature))


def jws(
    header,
    claims,
    signing_key,
    *,
    alg=None,
    payload=None,
    length=None,
    parts=None,
    der=False,
    spoil=False,
    drop_signature=False,
):
    """A compact JWS over a header and claims as given, faults and all.

    `alg` signs, whatever the header says. `payload` is text that takes the claims' place. `length`
    pads to so many characters. `parts` keeps only so many dot parts. `der` leaves an ECDSA
    signature in DER, `spoil` flips its first bit, `drop_signature` empties it.
    """
    alg = alg or default_alg(signing_key)
    if length is not None:
        header, claims = _padded(header, claims, _signature_length(signing_key, alg), length)
    text = compact(claims) if payload is None else payload
    signing_input = f"{encode(compact(header).encode())}.{encode(text.encode())}"
    signature = sign(signing_key, signing_input.encode(), alg=alg, der=der)
    if spoil:
        signature = bytes([signature[0] ^ 0x80]) + signature[1:]
    whole = f"{signing_input}.{'' if drop_signature else encode(signature)}"
    return ".".join(whole.split(".")[:parts])


def _signature_length(signing_key, alg):
    return len(encode(sign(signing_key, b"", alg=alg)))


def _encoded_length(value):
    return -(-len(compact(value).encode()) * 4 // 3)


def _padded(header, claims, signature_length, length):
    """Header and claims with a member `pad`, so that the whole JWS has `length` characters."""
    for extra in ("", "p", "pp", "ppp"):
        head = {**header, "pad": extra} if extra else header
        wanted = length - 2 - signature_length - _encoded_length(head)
        padding_room = wanted * 3 // 4 - len(compact({**claims, "pad": ""}).encode())
        body = {**claims, "pad": "p" * max(padding_room, 0)}
        if _encoded_length(body) == wanted:
            return head, body
    raise ValueError(f"no padding makes {length} characters")


# ---- proofs and assertions --------------------------------------------------------------------


def proof(
    signing_key,
    *,
    htm,
    htu,
    iat,
    jti,
    access_token=None,
    nonce=None,
    alg=None,
    header=None,
    claims=None,
    jwk=None,
    header_key=None,
    private=False,
    without=(),
    without_header=(),
    text=None,
    **faults,
):
    """A DPoP proof for a request, right unless variations say otherwise.

    `header` and `claims` set members (a None is JSON null), `without_header` and `without` leave
    some out. `jwk` sets members of the jwk, None removes; `header_key` puts another key there;
    `private` shows the private members. `text` comes instead of a proof. The rest is `jws`'s.
    """
    if text is not None:
        return text
    alg = alg or default_alg(signing_key)
    shown = header_key or signing_key
    key_members = {**(private_jwk(shown) if private else public_jwk(shown)), **(jwk or {})}
    present = {name: value for name, value in key_members.items() if value is not None}
    said = {"jti": jti, "htm": htm, "htu": htu, "iat": iat}
    if access_token is not None:
        said["ath"] = access_token_hash(access_token)
    if nonce is not None:
        said["nonce"] = nonce
    return jws(
        _changed({"typ": "dpop+jwt", "alg": alg, "jwk": present}, header, without_header),
        _changed(said, claims, without),
        signing_key,
        alg=alg,
        **faults,
    )


def assertion(
    signing_key,
    *,
    kid,
    client_id,
    audience,
    now,
    jti,
    alg="RS256",
    header=None,
    claims=None,
    without=(),
    without_header=(),
    text=None,
    **faults,
):
    """A client assertion (RFC 7523), right unless variations say otherwise."""
    if text is not None:
        return text
    said = {"iss": client_id, "sub": client_id, "aud": audience, "jti": jti}
    said |= {"iat": now, "exp": now + 60}
    return jws(
        _changed({"alg": alg, "kid": kid, "typ": "JWT"}, header, without_header),
        _changed(said, claims, without),
        signing_key,
        alg=alg,
        **faults,
    )


def _changed(members, set_to, without):
    changed = {**members, **(set_to or {})}
    return {name: value for name, value in changed.items() if name not in without}


def spoilt(token):
    """A token with the first character of its signature changed."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


# ---- the recordings' description language -----------------------------------------------------


class Names(dict):
    """What `{…}` stands for; a random `{jti-1}` or `{long-2000}` is made when first asked for."""

    def __missing__(self, name):
        kind, _, rest = name.partition("-")
        if kind not in ("jti", "long") or not rest.isdigit():
            raise KeyError(name)
        made = secrets.token_urlsafe(16) if kind == "jti" else secrets.token_hex(int(rest))
        self[name] = made if kind == "jti" else made[: int(rest)]
        return self[name]


def filled(value, names, *, now):
    """A described value with its `{…}` and its `{"now": n}` replaced."""
    if isinstance(value, str):
        return re.sub(r"\{([a-z]+(?:-[a-z0-9]+)*)\}", lambda found: names[found[1]], value)
    if isinstance(value, list):
        return [filled(item, names, now=now) for item in value]
    if not isinstance(value, dict):
        return value
    if "now" in value and set(value) <= {"now", "as"}:
        return time_value(now + value["now"], value.get("as"))
    return {name: filled(item, names, now=now) for name, item in value.items()}


def time_value(seconds, form=None):
    """A time as the recordings write it: an integer, a string, a float or milliseconds."""
    if form == "float":
        return float(seconds)
    whole = int(seconds)
    return {None: whole, "string": str(whole), "ms": whole * 1000}[form]


def varied(value, variation):
    """A claim's value after one of the variations that have a name (see the README)."""
    split = urlsplit(value)
    appended = {"?x=1", "#x", "/"}
    if variation in appended:
        return value + variation
    return {
        None: lambda: value,
        "lower": value.lower,
        "list": lambda: [value],
        "relative": lambda: split.path,
        "scheme": lambda: _respelt(split, scheme="http" if split.scheme == "https" else "https"),
        "HOST": lambda: _respelt(split, netloc=split.netloc.upper()),
        "user@": lambda: _respelt(split, netloc=f"user@{split.netloc}"),
        "/./": lambda: _respelt(split, path=f"/.{split.path}"),
        "padded": lambda: f"{value}=",
        "other": lambda: access_token_hash(f"not {value}"),
    }[variation]()


def _respelt(split, **changed):
    return urlunsplit(split._replace(**changed))


def described(description, *, htm, htu, now, access_token=None, nonce=None, names=None):
    """The proof of one description; `nonce` is what `"nonce": "fresh"` stands for."""
    rest = filled(description, Names() if names is None else names, now=now)
    alg, name = rest.pop("alg", None) or "ES256", rest.pop("key", "A")
    rest.pop("id", None)
    claims = rest.pop("claims", {})
    if "ath" in rest:
        claims = {"ath": varied(access_token_hash(access_token), rest.pop("ath")), **claims}
    if "header_key" in rest:
        rest["header_key"] = key(rest["header_key"], alg)
    return proof(
        key(name, alg),
        htm=varied(htm, rest.pop("htm", None)),
        htu=varied(htu, rest.pop("htu", None)),
        iat=now,
        jti=secrets.token_urlsafe(16),
        access_token=access_token,
        nonce=nonce if rest.pop("nonce", None) == "fresh" else None,
        alg=alg,
        claims=claims,
        **rest,
    )
