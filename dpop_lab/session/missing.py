"""Which rows can not be asked of a call, and what to give so that they can."""

from collections.abc import Mapping
from typing import Any

from dpop_lab.checking import Check
from dpop_lab.proof.rules import one_header
from dpop_lab.server.access_token import scheme
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.call import Call, host_of

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def proof_lacks(call: Call, rows: tuple[Check, ...], now: float) -> dict[str, str]:
    """The rows about a proof that can't be asked, and what to give so that they can."""
    missing: dict[str, str] = {}
    if not "".join(call.proofs):
        return dict.fromkeys((row.name for row in rows if row != one_header), "a proof")
    iat = call.proof.claims.get("iat")
    ahead = isinstance(iat, int | float) and not isinstance(iat, bool) and iat > now + 10
    if not call.whole and len(call.proofs) < 2:
        missing["one_header"] = "the whole request"
    if not call.method:
        missing["htm"] = "the method of the request (method)"
    if not call.url:
        missing["htu"] = "the URL of the request (url)"
    if not call.token:
        missing["ath"] = "the access token that goes with it (token)"
        missing["bound_key"] = missing["ath"]
    elif call.access_token.problem or ("cnf" not in call.access_token.claims and not _ours(call)):
        missing["bound_key"] = "what the access token is bound to: it is opaque, ask its server"
    if call.clock is None and not ahead and not _odd_time(iat):
        missing["fresh"] = "when it was sent (now), or the answer with its Date"
    if not call.nonces and "nonce" in call.proof.claims:
        missing["nonce"] = "the nonce that the server gave (nonce)"
    missing["unused"] = "the exchanges before it, in one paste"
    if call.name.startswith("exchange"):
        del missing["unused"]
    return missing


def _ours(call: Call) -> bool:
    """Is the token a readable JWT, so that a missing cnf means that it is bound to nothing?"""
    return not call.access_token.problem and bool(call.access_token.claims)


def _odd_time(iat: object) -> bool:
    """Is this no time at all, or one so far off that no clock can excuse it?"""
    if not isinstance(iat, int | float) or isinstance(iat, bool):
        return True
    return iat < 1_000_000_000


def token_lacks(
    call: Call, rows: tuple[Check, ...], jwks: tuple[Mapping[str, Any], ...]
) -> dict[str, str]:
    """The rows about an access token that can't be asked, and what to give so that they can."""
    missing, about_tokens = dict[str, str](), [row.name for row in rows if row != scheme]
    if not call.whole and not call.scheme:
        missing["scheme"] = "the whole Authorization header"
    if "access_token" in call.hidden:
        hidden = "the access token: it is redacted here"
        missing |= dict.fromkeys(about_tokens, hidden)
        if not call.scheme:
            missing["scheme"] = hidden
        return missing
    if not call.token or (call.authorization and not call.scheme):
        return missing | dict.fromkeys(about_tokens, "an access token, behind its scheme")
    cnf = call.access_token.claims.get("cnf")
    if isinstance(cnf, dict) and "jkt" not in cnf:
        missing["unbound"] = "whether it came over the TLS connection it is bound to (RFC 8705)"
    unreadable = not call.token.startswith("ey") or call.token.count(".") == 4
    opaque = (
        call.token and unreadable and (call.access_token.problem or not call.access_token.claims)
    )
    if opaque and not call.is_demo:
        told = "one that can be read: this access token is opaque to all but its server"
        missing |= dict.fromkeys(about_tokens, told)
    if not jwks:
        missing["at_signature"] = "the issuer's keys (its JWK Set)"
    if not issuer_of(call):
        missing["issuer"] = "which issuer the API trusts"
    missing["audience"] = "what the API calls itself"
    return missing


def issuer_of(call: Call) -> str:
    """The issuer that the API trusts, where that is known: of the demo and the twin, itself."""
    host = host_of(call.url)
    if not call.is_demo or (host and host != host_of(BASE_URL) and not _local(host)):
        return ""
    if call.url:
        scheme, _, rest = call.url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"
    return BASE_URL


def _local(host: str) -> bool:
    return host.startswith(LOOPBACK)
