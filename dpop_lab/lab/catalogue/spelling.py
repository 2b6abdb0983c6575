"""Ways to write a JWS, or to spoil its signature, that leave its meaning nearly as it was."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from dpop_lab.jose.encoding import base64url_encode, loose_base64url_decode
from dpop_lab.jose.jws import der_signature

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def as_it_is(text: str) -> str:
    """No other bytes."""
    return text


def followed_by(more: str) -> Callable[[str], str]:
    """With more text at the end."""
    return lambda text: text + more


def after(more: str) -> Callable[[str], str]:
    """With more text at the beginning."""
    return lambda text: more + text


def said_before(name: str, value: str) -> Callable[[str], str]:
    """A JSON object with one more member at its beginning, where the name may stand already."""
    return lambda text: f'{{"{name}":{value},{text[1:]}'


def said_after(name: str, value: str) -> Callable[[str], str]:
    """A JSON object with one more member at its end."""
    return lambda text: f'{text[:-1]},"{name}":{value}}}'


def url_with(**parts: Callable[[str], str] | str) -> Callable[[str], str]:
    """A URL with other parts: `scheme`, `netloc`, `path`; a text, or a function of the old one."""

    def change(url: str) -> str:
        old = urlsplit(url)
        new = {
            name: part(getattr(old, name)) if callable(part) else part
            for name, part in parts.items()
        }
        return urlunsplit(old._replace(**new))

    return change


def padded(segment: str) -> str:
    """Base64url with the padding that JOSE leaves out."""
    return segment + "=" * (-len(segment) % 4)


def standard(segment: str) -> str:
    """Base64 in the standard alphabet, with + and /."""
    return segment.replace("-", "+").replace("_", "/")


def with_other_spare_bits(token: str) -> str:
    """The last character changed in a bit that no octet of the signature is made of."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1]


def with_last_character_changed(token: str) -> str:
    """The last character changed in a bit that is part of the signature's last octet."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 32]


def flipped(signature: bytes) -> bytes:
    """The first bit turned over."""
    return bytes([signature[0] ^ 0x80]) + signature[1:] if signature else b""


def zeros(signature: bytes) -> bytes:
    """Nothing but zeros, as many."""
    return bytes(len(signature))


def shortened(signature: bytes) -> bytes:
    """The last octet gone."""
    return signature[:-1]


def swapped(signature: bytes) -> bytes:
    """The second half before the first."""
    half = len(signature) // 2
    return signature[half:] + signature[:half]


def in_der(signature: bytes) -> bytes:
    """An ECDSA signature in DER, as most libraries and smart cards give it."""
    half = len(signature) // 2
    return der_signature(signature, half) if half else b""


def with_the_other_s(token: str) -> str:
    """An ES256 JWS with n - s for s: another signature, and as good, that takes no key to make."""
    head, _, last = token.rpartition(".")
    octets = loose_base64url_decode(last)
    r, s = octets[:32], int.from_bytes(octets[32:])
    if len(octets) != 64 or not 0 < s < ORDER:
        return token
    return f"{head}.{base64url_encode(r + (ORDER - s).to_bytes(32))}"


def in_parts(count: int) -> Callable[[str], str]:
    """Cut, or filled up with the signature, to so many parts between dots."""

    def cut(token: str) -> str:
        parts = token.split(".")
        return ".".join([*parts, *parts[-1:] * count][:count])

    return cut


def with_blanks(text: str) -> str:
    """JSON with a blank behind every colon and comma."""
    return json.dumps(json.loads(text))
