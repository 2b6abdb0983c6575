"""What to change in the claims of a proof, made from what they are and should be."""

import base64
import hashlib
from collections.abc import Mapping

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.written import advice
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.proof import access_token_hash
from dpop_lab.session.call import Call
from dpop_lab.show.values import date, duration, shown
from dpop_lab.wire.url import DEFAULT_PORTS, normal_url

URL_ENDS = {"?": "query", "#": "fragment"}


@advice
def htm(finding: Finding, call: Call) -> str:
    """Whether it is the method, in other letters."""
    if str(finding.found).upper() != finding.wanted:
        return ""
    return f"Write htm in capital letters, {finding.wanted}: it is compared as it stands."


@advice
def htu(finding: Finding, call: Call) -> str:
    """In which part the two URLs differ."""
    wanted, found = str(finding.wanted), finding.found
    if not isinstance(found, str):
        return f"Give htu as a string: send {wanted}."
    return f"{_htu_fault(wanted, found)}: send {wanted}{_behind(call)}"


def _htu_fault(wanted: str, found: str) -> str:
    """In which part the two URLs differ, in words."""
    if found != found.strip() or " " in found:
        return "htu has white space in it"
    there, here = normal_url(wanted), normal_url(found)
    if here is None or there is None:
        relative = found.startswith("/") or "://" not in found
        return "htu is no whole URL" if relative else "htu can't be read as a URL"
    default = DEFAULT_PORTS[here.scheme] == here.port and here.scheme != there.scheme
    faults = {
        f"the scheme {here.scheme} in place of {there.scheme}": here.scheme != there.scheme,
        f"the host {shown(here.host, 60)} in place of {there.host}": here.host != there.host,
        f"the port {here.port} in place of {there.port}": here.port != there.port and not default,
        _path_fault(there.path, here.path): here.path != there.path,
        "a user in it": bool(here.user),
    }
    parts = [told for told, so in faults.items() if so]
    parts = parts or [f"a {part}" for sign, part in URL_ENDS.items() if sign in found][:1]
    return f"htu has {' and '.join(parts)}" if parts else "htu is spelled in another way"


def _path_fault(wanted: str, found: str) -> str:
    if found.rstrip("/") == wanted.rstrip("/"):
        return "a slash at the end" if found.endswith("/") else "no slash at the end"
    if found.lower() == wanted.lower():
        return f"other letter case in its path, {shown(found, 80)}"
    if found.rstrip("/").endswith("/token"):
        return "the path of the token endpoint, as if the proof were made for that"
    if wanted.endswith(found) or found.endswith(wanted):
        return f"another path, {shown(found, 80)}, as behind a proxy that adds or takes a prefix"
    return f"another path, {shown(found, 80)}"


def _behind(call: Call) -> str:
    if not {"x-forwarded-proto", "x-forwarded-host", "forwarded", "x-forwarded-prefix"} & {
        name.lower() for name, _ in call.headers
    }:
        return "."
    return (
        ". The request came through a proxy: htu is the URL that the client calls, and the server"
        " behind the proxy has to know that one."
    )


@advice
def ath(finding: Finding, call: Call) -> str:
    """How the hash was made instead, where that can be told."""
    wanted, found = finding.wanted, finding.found
    if found is None:
        if str(call.proof.claims.get("htu", "")).rstrip("/").lower().endswith("/token"):
            return (
                "This is the proof of the token request: make one for this call, with an htm, an "
                "htu and an ath of its own."
            )
        return f"Add ath, base64url of the SHA-256 of the access token: here {wanted}."
    if how := _other_hash(call.token).get(str(found)):
        return f"ath {how}. It is base64url, without =, of the SHA-256 of the token: {wanted}."
    return (
        f"ath is the hash of another access token: make the proof with the token that is sent, "
        f"whose hash is {wanted}. After a renewal the proof must follow."
    )


def _other_hash(token: str) -> Mapping[str, str]:
    """What is made of the right token in a wrong way, and in which."""
    octets = token.encode("utf-8", "surrogatepass")
    digest = sha256(octets)
    standard = base64.b64encode(digest).decode()
    return {
        digest.hex(): "is hexadecimal",
        digest.hex().upper(): "is hexadecimal",
        standard: "is in the standard base64 alphabet",
        standard.rstrip("="): "is in the standard base64 alphabet",
        base64.urlsafe_b64encode(digest).decode(): "has = at its end",
        base64url_encode(digest.hex().encode()): "is base64url of the hexadecimal text",
        base64url_encode(hashlib.sha512(octets).digest()): "is made with SHA-512",
        base64url_encode(hashlib.sha384(octets).digest()): "is made with SHA-384",
        base64url_encode(digest[:16]): "is the left half of the hash, as in at_hash",
        access_token_hash(f"DPoP {token}"): "is the hash of the token with the word DPoP before it",
        access_token_hash(f"Bearer {token}"): "is the hash of the token with the word Bearer",
        access_token_hash(token + "\n"): "is the hash of the token with a line feed behind it",
        token: "is the token itself",
    }


@advice
def fresh(finding: Finding, call: Call) -> str:
    """How far it is from the clock that decides."""
    iat = call.proof.claims.get("iat")
    if iat is None:
        return "Add iat, the time of making in whole seconds since 1970."
    if type(iat) not in (int, float):
        return "Give iat as a JSON number of seconds since 1970, without quotes."
    if not abs(iat) < 1e15:
        return "Give iat as whole seconds since 1970."
    if iat > 1e11:
        return f"iat is in milliseconds: divide it by 1000, {int(iat) // 1000}."
    if call.clock is None and iat < 1e9:
        return (
            f"iat is {date(iat) or 'no time'}: set it to the time of making, and the clock (NTP)."
        )
    if call.clock is None:
        return "iat lies ahead of this machine's clock: set the client's clock (NTP), in UTC."
    time, whose = call.clock
    away = duration(iat - time)
    hour = abs(abs(iat - time) % 1800 - 900) > 870 and abs(iat - time) > 1700
    zone = " By whole or half hours: local time was taken for UTC." if hour else ""
    if iat > time:
        return f"iat is {away} ahead of {whose}: set the client's clock (NTP).{zone}"
    return (
        f"iat is {away} behind {whose}: make the proof right before it is sent, and set the"
        f" client's clock (NTP).{zone}"
    )


@advice
def nonce(finding: Finding, call: Call) -> str:
    """Which nonce to take."""
    if finding.defect == "missing":
        given = call.nonce or "".join(call.nonces[-1:])
        named = f" ({shown(given, 60)})" if given else ""
        return (
            f"Sign a new proof with the nonce from the DPoP-Nonce header{named} and send the"
            " request again, once, with a new jti."
        )
    if finding.defect == "stale":
        return (
            "Use the newest nonce: this one is outdated. Each DPoP-Nonce replaces the one before."
        )
    return (
        "Use the nonce this server gave last: the token endpoint and each API have their own, and "
        "none takes that of another."
    )
