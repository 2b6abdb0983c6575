"""What is wrong with x and y of an EC key: swapped, cut, spelled otherwise, off the curve."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dpop_lab.jose.encoding import loose_base64url_decode
from dpop_lab.jose.keys import OCTETS
from dpop_lab.jose.public_forms import CURVES, on_curve

#: How a coordinate may be written, and how its octets are read then.
SPELLINGS: tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...] = (
    ("as a decimal number", re.compile(r"\d{60,170}"), lambda text: int(text).to_bytes(72)),
    (
        "in hexadecimal",
        re.compile(r"(?:0x)?(?:[0-9A-Fa-f]{2}){24,70}"),
        lambda text: bytes.fromhex(text.removeprefix("0x")),
    ),
    (
        "",
        re.compile(r"[\w+/-]{1,180}={0,2}", re.ASCII),
        lambda text: loose_base64url_decode(text.rstrip("=")),
    ),
)


def point_advice(jwk: Mapping[str, Any]) -> str:
    """What to do about x and y of an EC key that can't be used; empty where that is not known."""
    curve, size = str(jwk.get("crv")), OCTETS.get(str(jwk.get("crv")), 0)
    read = [_octets(jwk.get(name), size) for name in "xy"]
    if jwk.get("kty") != "EC" or curve not in CURVES or not all(octets for octets, _ in read):
        return ""
    x, y = (octets for octets, _ in read)
    if len(x) in (2 * size, 2 * size + 1):
        return f"x holds the whole point, x and y: split it into two of {size} octets."
    if on_curve(curve, x, y):
        odd = [f"{name} {fault}" for name, (_, fault) in zip("xy", read, strict=True) if fault]
        wanted = f"base64url, without =, of {size} octets, zeros in front included"
        return f"Write x and y as {wanted}: {' and '.join(odd)}." if odd else ""
    off = f"The point (x, y) is not on the curve {curve}"
    if x == y:
        return (
            f"{off}: x and y are the same value, one was copied for the other. Export the key anew."
        )
    if on_curve(curve, y, x):
        return (
            f"{off}; swapped it is: x and y are the wrong way round. Put them right where the jwk"
            " is made."
        )
    if on_curve(curve, x[::-1], y[::-1]):
        return f"{off}; with the octets turned round it is: write them big-endian."
    if other := next((name for name in CURVES if on_curve(name, x, y)), ""):
        return f"{off}, but on {other}: name that curve in crv, or take a key on {curve}."
    return (
        f"{off}, nor is it with x and y swapped: they are of two keys, or an octet was changed or"
        " lost. Export the public key anew as a JWK."
    )


def _octets(given: object, size: int) -> tuple[bytes, str]:
    """The octets of a coordinate, and what is odd about how it is written."""
    return next(_readings(given, size), (b"", ""))


def _readings(given: object, size: int) -> Iterator[tuple[bytes, str]]:
    if not isinstance(given, str):
        return
    for spelling, pattern, read in SPELLINGS:
        if not pattern.fullmatch(given):
            continue
        try:
            octets = read(given)
        except ValueError:
            continue
        yield octets, f"is written {spelling}" if spelling else _fault(given, octets, size)


def _fault(text: str, octets: bytes, size: int) -> str:
    if len(octets) < size:
        return f"has {len(octets)} octets: leading zeros were lost"
    if len(octets) > size:
        return f"has {len(octets)} octets: a zero was put in front, as for a signed number"
    if "=" in text:
        return "has = at its end"
    return "is in the standard base64 alphabet" if {"+", "/"} & set(text) else ""
