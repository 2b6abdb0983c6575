"""What to change in the claims of a proof, made from what they are and should be."""

import re
from collections.abc import Mapping

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.header import jwk_of
from dpop_lab.doctor.advice.tokens import SENT_ID
from dpop_lab.doctor.times import time_advice
from dpop_lab.doctor.url_mends import INNER, JOINED
from dpop_lab.doctor.urls import is_inside, joined_twice
from dpop_lab.session.call import OF_TOKENS, Call, host_of
from dpop_lab.session.decoded import thumbprint_or_none
from dpop_lab.show.values import shown
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import normal_url

FORWARDED = {"forwarded", "x-original-host"}
FORWARDED |= {f"x-forwarded-{one}" for one in ("proto", "host", "prefix", "uri")}
BEHIND_PROXY = (
    "The server that is asked by the proxy has to compare htm and htu with the client's request, as"
    " X-Forwarded-Method and X-Forwarded-Uri tell it, not with the request of the proxy: htm is"
    " right."
)
PAIR = re.compile(r'\b(proto|host)="?([^;,"\s]{1,300})', re.I)


def htm(finding: Finding, call: Call) -> str:
    """Whether it is the method, in other letters."""
    if str(finding.found).upper() != finding.wanted:
        forwarded = first(call.headers, "X-Forwarded-Method") or first(
            call.headers, "X-Original-Method"
        )
        htu = call.proof.claims.get("htu")
        inner = is_inside(call.url) and isinstance(htu, str) and not is_inside(htu)
        if inner or (forwarded and forwarded.upper() == finding.found):
            return BEHIND_PROXY
        if not (isinstance(finding.found, str) and finding.wanted):
            return ""
        return (
            f"Set htm to {finding.wanted}, the method of the request, in a proof that is made for"
            " it."
        )
    return f"Write htm in capital letters, {finding.wanted}: it is compared as it stands."


def htu(finding: Finding, call: Call) -> str:
    """In which part the two URLs differ."""
    wanted, found = str(finding.wanted), finding.found
    if joined_twice(wanted):
        return JOINED
    if not isinstance(found, str):
        how = "Add htu" if found is None else "Give htu as a string"
        return f"{how}: send {wanted}." if wanted else f"{how}, the URL without its query."
    given = {name.lower(): value.partition(",")[0].strip() for name, value in call.headers}
    if not FORWARDED & given.keys():
        if is_inside(wanted) and not is_inside(found):
            return INNER.format(wanted)
        return f"Send {wanted} as htu, the URL that is called, not {shown(found, 200)[1:-1]}."
    if _is_public(wanted, found, given):
        return (
            "The server behind the proxy has to know the URL that is called, set there or got from"
            " Forwarded or X-Forwarded headers, where nobody but the proxy can set them: htu is"
            " right, it is the public URL that the forwarded headers give."
        )
    return (
        "The request came through a proxy: htu has to be the URL that the client calls. If it is,"
        " tell the server behind the proxy that URL, and leave the client alone."
    )


def _is_public(wanted: str, found: str, given: Mapping[str, str]) -> bool:
    """Is it the URL that the headers of the proxy give (RFC 7239, or X-Forwarded-…)?"""
    there, here = normal_url(wanted), normal_url(found)
    if there is None or here is None:
        return False
    pairs = {name.lower(): value for name, value in PAIR.findall(given.get("forwarded", ""))}
    scheme = pairs.get("proto") or given.get("x-forwarded-proto", here.scheme)
    named = given.get("x-forwarded-host") or given.get("x-original-host")
    name = pairs.get("host") or named or host_of(wanted)
    port, prefix = given.get("x-forwarded-port"), given.get("x-forwarded-prefix", "")
    host = f"{name}:{port}" if port and ":" not in name else name
    public = [given.get(f"x-{one}", "") for one in ("forwarded-uri", "envoy-original-path")]
    paths = (there.path, prefix.rstrip("/") + there.path, *public)
    return here in [normal_url(f"{scheme}://{host}{path}") for path in paths]


def ath(finding: Finding, call: Call) -> str:
    """How the hash was made instead, where that can be told."""
    wanted, found = finding.wanted, finding.found
    if found is None:
        if OF_TOKENS.search(str(call.proof.claims.get("htu", ""))):
            return (
                "This is the proof of the token request: make one for this call, with an htm, an "
                "htu and an ath of its own."
            )
        here = f": here {wanted}" if call.token else " that goes with the proof"
        return f"Add ath, base64url of the SHA-256 of the access token{here}."
    if how := "is the token itself" if found == call.token else _hashed(found, call):
        right = "It has to be base64url, without =, of the SHA-256 of the token alone"
        return f"ath {how}. {right}: {wanted}."
    return (
        f"ath is the hash of another access token: make the proof with the token that is sent, "
        f"whose hash is {wanted}. After a renewal the proof must follow."
    )


def _hashed(found: object, call: Call) -> str:
    """How a hash was made that should be that of the access token; empty where no way fits."""
    from dpop_lab.doctor.advice.hashes import how_made  # a wrong hash is rare

    texts = {
        "": call.token,
        "the token with the word DPoP before it": f"DPoP {call.token}",
        "the token with the word Bearer before it": f"Bearer {call.token}",
        "the token with a line feed behind it": f"{call.token}\n",
        "the token in quotes": f'"{call.token}"',
        "the token's claims alone": ".".join(call.token.split(".")[1:2]),
        "the token without its signature": call.token.rpartition(".")[0],
    }
    forms = {words: text.encode("utf-8", "surrogatepass") for words, text in texts.items() if text}
    if how := how_made(found, forms):
        return how
    mine = thumbprint_or_none(jwk_of(call))
    return "is the thumbprint of the key, as cnf.jkt has it" if mine and found == mine else ""


def bound_key(finding: Finding, call: Call) -> str:
    """What the token is bound to, and how."""
    if finding.defect == "missing":
        if {"at_hash", "c_hash", "nonce"} & call.access_token.claims.keys():
            return SENT_ID
        if "jkt" in call.access_token.claims:
            return "The issuer has to put jkt into an object cnf: here it stands beside it."
        return (
            "This access token is bound to no key: ask for one with a DPoP header in the token "
            "request, and look for token_type DPoP in the answer."
        )
    cnf, jkt, found = call.access_token.claims.get("cnf"), finding.wanted, finding.found
    if finding.defect == "unchecked":
        return (
            f"The token is bound by {shown(found, 60)}, and this server checks jkt "
            "alone: ask its issuer for a token that is bound by nothing else."
        )
    if isinstance(cnf, dict) and "jkt" not in cnf:
        names = ", ".join(map(str, cnf))[:60] or "nothing"
        if found and thumbprint_or_none(cnf.get("jwk")) == found:
            return f"The issuer has to put jkt into cnf, {found}: here it has the whole key, jwk."
        return f"The token is bound by {names}, not by jkt: ask for one with a DPoP proof."
    if not isinstance(jkt, str):
        return "The issuer has to mend cnf in the access token: it is no object with a text jkt."
    from dpop_lab.doctor.advice.hashes import thumbprint_made  # a wrong hash is rare

    if how := thumbprint_made(jkt, jwk_of(call), call.proof.header):
        return (
            "The issuer has to use the JWK thumbprint, base64url of SHA-256 (RFC 7638), which gives"
            f" {found}. The key is right: cnf.jkt is made of this very key, but it {how}."
        )
    return (
        f"The token is bound to the key {shown(jkt, 60)}, the proof is signed with "
        f"{shown(found, 60)}: sign with the key the token was asked for with, or ask "
        "for a new token with this one. A key must live as long as its tokens."
    )


def fresh(finding: Finding, call: Call) -> str:
    """How far it is from the clock that decides."""
    return time_advice(call)


def nonce(finding: Finding, call: Call) -> str:
    """Which nonce to take, and where it belongs."""
    if finding.defect == "missing" or call.gives_no_nonce:
        return _no_nonce(call)
    sent, given = shown(finding.found, 60), shown(call.nonce, 60)
    if finding.defect == "stale":
        return (
            "Use the newest nonce: this one is outdated. Each DPoP-Nonce replaces the one before."
        )
    if call.nonce and call.nonce == finding.found:
        return (
            f"The server has to take the nonce that it gives, {given}: the proof has this very one."
            " Perhaps each counts once and all are given the same, or several nodes do not know"
            " each other's: its log tells."
        )
    if call.nonce:
        return (
            f"The proof's nonce, {sent}, is outdated, or another server's: make a new proof with"
            f" that of this answer, {given}, and send the request again, once."
        )
    return (
        "Use the nonce this server gave last: the token endpoint and each API have their own, and "
        "none takes that of another."
    )


def _no_nonce(call: Call) -> str:
    """Where the nonce is that the proof lacks."""
    given, astray = call.nonce or "".join(call.nonces[-1:]), ""
    if sent_back := first(call.headers, "DPoP-Nonce"):
        astray = (
            f" It belongs into the claim nonce of the proof: the request has"
            f" {shown(sent_back, 60)} in DPoP-Nonce, a header of answers: nobody reads it there."
        )
    if call.gives_no_nonce:
        return (
            "The server has to send the nonce in a DPoP-Nonce header with the challenge, or a proxy"
            " before it to pass that header on: nobody looks elsewhere. Only a page in a browser"
            " may miss it though it came: there Access-Control-Expose-Headers has to name it."
            f"{astray}"
        )
    named = f" ({shown(given, 60)})" if given else ""
    return (
        f"Sign a new proof with the nonce from the DPoP-Nonce header{named} and send the request"
        f" again, once, with a new jti.{astray}"
    )


ROWS = htm, htu, ath, bound_key, fresh, nonce
