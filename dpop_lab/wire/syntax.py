"""What stands in messages, read: URLs, in one spelling and cut down (RFC 3986), and challenges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
# by which a browser signs somebody in: authorization requests, and answers to them
ASKS = re.compile(r"[?&](?:response_type|dpop_jkt)=|[?&]request_uri=urn")
RETURNS = re.compile(r"[?&#](?:error=[a-z_]+(?:&|$)|access_token=)")
CODE, BESIDE = re.compile(r"[?&#]code="), re.compile(r"[?&#](?:state|iss|session_state)=")
LONGEST = 16_000  # characters of such a URL
UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")


def without_query(url: str) -> str:
    """The URL without query and fragment, nothing else touched (RFC 9449 section 4.2)."""
    return url.partition("#")[0].partition("?")[0]


@lru_cache(maxsize=64)
def normal_url(url: str) -> SplitResult | None:
    """A URL after the normalisation of RFC 3986 section 6.2.2 and 6.2.3, in its parts.

    Scheme and host in small letters, the default port filled in, dot segments taken out,
    unreserved characters not percent-encoded, an empty path as `/`; the case of the path counts,
    query and fragment are gone. None for what is no absolute http or https URL.
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
    user = parts.netloc.rpartition("@")[0] + "@" if "@" in parts.netloc else ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    path = UNRESERVED.sub(lambda match: chr(int(match[1], 16)), parts.path)
    path = re.sub(r"%[0-9a-f]{2}", lambda match: match[0].upper(), path, flags=re.IGNORECASE)
    return SplitResult(parts.scheme, f"{user}{name}:{port}", without_dots(path) or "/", "", "")


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
    return normal and (normal.scheme, str(normal.hostname), int(normal.port or 0))


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


NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 9449 section 8.1
NONCE_WANTED = "use_dpop_nonce"
WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
IN_A_CHALLENGE = re.compile(
    rf"""[ \t,]*+(?:(?P<name>{WORD})[ \t]*=[ \t]*(?P<value>{WORD}|"(?:[^"\\]|\\.)*")(?=[ \t,]|\Z)
      |(?P<scheme>{WORD})(?:[ \t]++(?:(?P<token68>[A-Za-z0-9\-._~+/]+=*)[ \t]*(?=,|\Z))?|(?=,|\Z))
      |[^,]++|\Z)""",
    re.DOTALL | re.VERBOSE,
)


def signs_in(url: str) -> bool:
    """Is it an authorization request, or does it bring the answer to one?"""
    return ASKS.search(url[:LONGEST]) is not None or returns(url)


def returns(url: str) -> bool:
    """Does a URL bring a code, an access token or an error to a client?"""
    url = "" if url.startswith("ws") else url[:LONGEST]  # a WebSocket's
    return RETURNS.search(url) is not None or bool(CODE.search(url) and BESIDE.search(url))


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: scheme and parameter names in small letters, values unquoted."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    token68: str = ""

    @property
    def error(self) -> str | None:
        """The error code in small letters, None when the challenge names none."""
        error = self.parameters.get("error")
        return None if error is None else error.lower()


def read_challenges(value: str) -> tuple[Challenge, ...]:
    """The challenges of a WWW-Authenticate value (RFC 9110 section 11.6.1), in order; never raises.

    Several header lines may have been joined with commas. What fits no rule of the grammar is
    passed over up to the next comma.
    """
    found: list[tuple[str, dict[str, str], str]] = []
    for part in IN_A_CHALLENGE.finditer(value):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}, part["token68"] or ""))
        elif part["name"] and found:
            text = part["value"]
            quoted = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
            found[-1][1].setdefault(part["name"].lower(), quoted if text[0] == '"' else text)
    return tuple(Challenge(*parts) for parts in found)


def wants_nonce(challenges: tuple[Challenge, ...]) -> bool:
    """Does the server ask for a nonce of its own (RFC 9449 sections 8 and 9)?

    The code has no other meaning under another scheme, and some servers have it under `Bearer`.
    """
    return any(one.error == NONCE_WANTED for one in challenges)


def refuses_token(challenges: tuple[Challenge, ...], *, proved: bool) -> bool:
    """Does a 401 with these challenges call the token bad?

    It does by `invalid_token`, and, to a request that carried a proof, by DPoP challenges that name
    no error at all: so the demo server answers an expired token.
    """
    errors = {one.error for one in challenges if one.scheme == "dpop"}
    return (proved and errors == {None}) or any(one.error == "invalid_token" for one in challenges)


def offered_nonce(headers: Mapping[str, str]) -> str | None:
    """The value of the DPoP-Nonce header if it is one (two lines joined by a comma are none)."""
    text = headers.get("DPoP-Nonce", "")
    return text if NONCE.fullmatch(text) else None
