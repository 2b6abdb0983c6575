"""A prepared request as the wire has it: origin, htu, Host, header lines."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from dpop_lab.proof.htu import DEFAULT_PORTS, normal_url


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port (RFC 6454 section 4); None for a URL that has no such three."""
    normal = normal_url(url)
    return normal and (normal.scheme, normal.host, normal.port)


def is_loopback(url: str) -> bool:
    """Does this URL lead to this machine?"""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def htu(url: str) -> str:
    """The URL as a proof names it: without query, fragment and user (RFC 9449 section 4.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path or '/'}"


def host(url: str) -> str:
    """What the Host header says for this URL: no user, no default port (RFC 9110 section 7.2)."""
    parts = urlsplit(url)
    name = parts.netloc.rpartition("@")[2]
    return name.removesuffix(f":{DEFAULT_PORTS.get(parts.scheme)}")


def header_lines(request: requests.PreparedRequest) -> tuple[tuple[str, str], ...]:
    """The header lines in order, with the Host line that a connection would add."""
    lines = tuple((as_text(name), as_text(value)) for name, value in request.headers.items())
    named = any(name.lower() == "host" for name, _ in lines)
    return lines if named else (("Host", host(str(request.url))), *lines)


def as_text(value: str | bytes) -> str:
    """A part of a header line as text; requests takes octets there too."""
    return str(value) if isinstance(value, str) else value.decode("latin-1")
