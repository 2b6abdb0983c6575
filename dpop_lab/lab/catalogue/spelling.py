"""Ways to write a JWS, or to spoil its signature, that leave its meaning nearly as it was."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from dpop_lab.jose.encoding import base64url_encode, loose_base64url_decode
from dpop_lab.jose.keys import der_signature
from dpop_lab.lab.catalogue.change import edited

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


def in_array(value: object) -> object:
    """A JSON value as an array of one."""
    return [value]


def with_blanks(text: str) -> str:
    """JSON with a blank behind every colon and comma."""
    return json.dumps(json.loads(text))


def url_with(**parts: Callable[[str], str] | str) -> Callable[[str], str]:
    """A URL with other parts: `scheme`, `netloc`, `path`; a text, or a function of the old one."""

    def change(url: str) -> str:
        old = urlsplit(url)
        return str(urlunsplit(edited(old._asdict(), parts, now=0).values()))

    return change


def padded(segment: str) -> str:
    """Base64url with the padding that JOSE leaves out."""
    return segment + "=" * (-len(segment) % 4)


def in_parts(count: int) -> Callable[[str], str]:
    """Cut, or filled up with the signature, to so many parts between dots."""

    def cut(token: str) -> str:
        parts = token.split(".")
        return ".".join([*parts, *parts[-1:] * count][:count])

    return cut


def last_character_changed(bit: int) -> Callable[[str], str]:
    """The last character changed in one of its six bits: of a signature 1 carries nothing."""
    return lambda token: token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ bit]


def flipped(signature: bytes) -> bytes:
    """The first bit turned over."""
    return bytes([signature[0] ^ 0x80]) + signature[1:] if signature else b""


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
