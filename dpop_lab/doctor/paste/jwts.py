"""JWTs alone or anywhere in a text: what each is for, and which belong together."""

import re
from dataclasses import replace

from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.doctor.paste.salvage import salvaged
from dpop_lab.doctor.server_words import known_words
from dpop_lab.proof import access_token_hash, read_proof
from dpop_lab.session.call import Call
from dpop_lab.session.reading import linked

MOST_JWTS = 20


JWT = re.compile(r"ey[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=+/-]*){0,5}")
APART = (r"\s+", r"(?<!\s)\s*\n\s*", r"(?<!\s)\s*\n\s*\n\s*", r"\Z")
PIECES = tuple(map(re.compile, APART))  # words, lines, paragraphs, all of it
AROUND = "\"'`,;[]()"


PROOF, TOKEN, ASSERTION, ID_TOKEN, JWE, JWT_KIND = (
    "a DPoP proof", "an access token", "a client assertion", "an ID token",
    "an encrypted JWT (JWE)", "a JWT",
)  # fmt: skip


def jwts_in(text: str, *, in_code: bool = False) -> Pasted | None:
    """One JWT or several, alone or anywhere in a text, half a one too.

    `in_code`: the words around them are those of a program, not of a server.
    """
    squeezed = "".join(text.split())
    alone = _alone(text)
    found = alone or [match[0].rstrip("=+/-") for match in JWT.finditer(text)]
    found = [one for one in dict.fromkeys(found) if "." in one or len(found) == 1]
    found = [one for one in found if _is_jwt(one)]
    if not found and squeezed.count(".") in (2, 4) and re.fullmatch(r"[\w.=+/-]+", squeezed):
        found = [squeezed] if salvaged(squeezed).header else []
    if not found:
        return None
    pieces = found[:MOST_JWTS]
    kinds = [kind_of(one) for one in pieces]
    more = len(found) - len(pieces)
    remarks = (f"{more} more JWTs were passed over.",) if more else ()
    told = kinds[0] if len(kinds) == 1 else f"{len(kinds)} JWTs"
    if alone and len(text.split()) > len(alone):
        remarks = (*remarks, "White space in it was taken out: a header has it in one piece.")
    told = f"a set of {told}" if alone and len(kinds) > 1 else told
    kind = told if alone or in_code else f"text with {told} in it"
    calls = tuple(linked(_paired(pieces, kinds)))
    stray = None if alone or in_code else known_words(text)
    if stray and len(calls) == 1:
        calls = (replace(calls[0], error=stray[0], description=stray[1]),)
    return Pasted(kind=kind, calls=calls, remarks=remarks)


def _alone(text: str) -> list[str]:
    """The JWTs that a text consists of: apart where each is whole, else put together again."""
    for apart in PIECES:
        pieces = ["".join(one.split()).strip(AROUND) for one in apart.split(text.strip())]
        pieces = [one for one in pieces if one]
        if pieces and all(JWT.fullmatch(one) and _is_whole(one) for one in pieces):
            return pieces
    joined = "".join(text.split()).strip(AROUND)
    return [joined] if JWT.fullmatch(joined) else []


def _is_whole(text: str) -> bool:
    """Has it the three parts of a JWS, or the five of a JWE?"""
    dots = text.count(".")
    return dots == 2 or (dots == 4 and "enc" in salvaged(text).header)


def _is_jwt(text: str) -> bool:
    """Does its first part hold JSON, or begin to?"""
    return bool(salvaged(text).header) or text.startswith("eyJ")


def kind_of(text: str) -> str:
    """What a JWT is for, going by its typ and its claims."""
    jws = salvaged(text)
    typ, claims = str(jws.header.get("typ", "")).lower(), jws.claims
    if "enc" in jws.header or (text.count(".") == 4 and not jws.header):
        return JWE
    if typ == "dpop+jwt" or "jwk" in jws.header or {"htm", "htu"} & set(claims):
        return PROOF
    if typ in ("at+jwt", "application/at+jwt") or "cnf" in claims:
        return TOKEN
    if claims.get("iss") is not None and claims.get("iss") == claims.get("sub"):
        return ASSERTION
    if {"at_hash", "c_hash", "nonce"} & set(claims) and "sub" in claims:
        return ID_TOKEN
    return TOKEN if {"scope", "scp", "client_id"} & set(claims) else JWT_KIND


def _paired(pieces: list[str], kinds: list[str]) -> list[Call]:
    """Each proof with the access token it names, then what is left over."""
    tokens = [one for one, kind in zip(pieces, kinds, strict=True) if kind == TOKEN]
    calls: list[Call] = []
    used: set[str] = set()
    for text, kind in zip(pieces, kinds, strict=True):
        if kind != PROOF:
            continue
        ath = read_proof(text).claims.get("ath")
        fits = [one for one in tokens if access_token_hash(one) == ath]
        token = (fits or (tokens if len(tokens) == 1 and ath is not None else []))[:1]
        used.update(token)
        call = Call(proofs=(text,), token="".join(token))
        calls.append(
            replace(call, name=f"proof {len(calls) + 1}" if kinds.count(PROOF) > 1 else "")
        )
    for text, kind in zip(pieces, kinds, strict=True):
        if kind != PROOF and text not in used:
            calls.append(Call(token=text, name=kind if len(pieces) > 1 else ""))
    return calls
