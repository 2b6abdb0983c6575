"""URLs: cut down as a proof names them, in one spelling (RFC 3986), taken apart."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")


class NormalURL(NamedTuple):
    """An absolute http(s) URL in its one spelling, without query and fragment."""

    scheme: str
    user: str | None
    host: str
    port: int
    path: str


def without_query(url: str) -> str:
    """The URL without query and fragment, nothing else touched (RFC 9449 section 4.2)."""
    return url.partition("#")[0].partition("?")[0]


@lru_cache(maxsize=64)
def normal_url(url: str) -> NormalURL | None:
    """A URL after the normalisation of RFC 3986 section 6.2.2 and 6.2.3.

    Scheme and host in small letters, the default port filled in, dot segments taken out,
    unreserved characters not percent-encoded, an empty path as `/`. The case of the path counts.
    None for what is no absolute http or https URL.
    """
    if not re.fullmatch(r"[!-~]+", url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    user = parts.netloc.rpartition("@")[0] if "@" in parts.netloc else None
    path = UNRESERVED.sub(lambda match: chr(int(match[1], 16)), parts.path)
    path = re.sub(r"%[0-9a-f]{2}", lambda match: match[0].upper(), path, flags=re.IGNORECASE)
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    return NormalURL(parts.scheme, user, parts.hostname, port, without_dots(path) or "/")


def without_dots(path: str) -> str:
    """A path with `.` and `..` carried out (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


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


def without_login(said: str) -> str:
    """An error's words without name and password of a URL in it, whatever marks are in these."""
    bare = re.sub(r"Failed to parse: .*", "a URL that can't be read", said, flags=re.DOTALL)
    bare = re.sub(r"can't encode character '[^']{1,12}'", "can't encode a character", bare)
    ahead, _, url = bare.partition("//")
    return f"{ahead}//…@{url.rpartition('@')[2]}" if "@" in url else bare
