"""JWTs, whole or cut off, alone or anywhere in a text: what each is for, which belong together."""

import re
from collections.abc import Mapping

from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.jose.jws import salvaged
from dpop_lab.proof import access_token_hash, read_proof
from dpop_lab.session.call import Call

MOST_JWTS = 20
JWT = re.compile(r"ey[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=+/-]*){0,5}")
APART = (r"\s+", r"(?<!\s)\s*\n\s*", r"(?<!\s)\s*\n\s*\n\s*", r"\Z")
PIECES = tuple(map(re.compile, APART))  # words, lines, paragraphs, all of it
AROUND = "\"'`,;[]()"
PROOF, TOKEN, REFRESH, ASSERTION, ID_TOKEN, JWE, OTHER = (
    "a DPoP proof", "an access token", "a refresh token", "a client assertion", "an ID token",
    "an encrypted JWT (JWE)", "a JWT",
)  # fmt: skip
REFRESH_TYP = ("refresh", "offline")  # a claim of Keycloak's
OF_REFRESH = re.compile(r"refresh[_ -]?(?:token)?\W{1,5}\Z", re.I)  # before a JWT


def jwts_in(text: str) -> Pasted | None:
    """One JWT or several, alone or anywhere in a text; half a one too where it is the only one.

    White space within one that stands alone is taken out.
    """
    alone = _alone(text)
    refresh = [one[0] for one in JWT.finditer(text) if is_refresh(one)]
    texts = (match[0] for match in JWT.finditer(text))
    found = alone or [one.rstrip("=+/-") for one in texts if ".." not in one]
    found = [
        one
        for one in dict.fromkeys(found)
        if salvaged(one).header or salvaged(one).claims or one[:3] == "eyJ"
    ]
    found = [one for one in found if "." in one or len(found) == 1]
    if not found:
        return None
    kinds = {one: REFRESH if one in refresh else kind_of(one) for one in found[:MOST_JWTS]}
    several = len(kinds) > 1
    told = f"{len(kinds)} JWTs" if several else kinds[found[0]]
    remarks = [*passed_over(len(found))]
    if alone and len(text.split()) > len(alone):
        remarks.append("White space in it was taken out: a header has it in one piece.")
    whole = f"a set of {told}" if several else told
    return Pasted(
        kind=whole if alone else f"text with {told} in it",
        calls=tuple(paired(kinds)),
        remarks=tuple(remarks),
    )


def passed_over(total: int) -> tuple[str, ...]:
    """What is to be said where there are more JWTs than are looked at."""
    return (f"{total - MOST_JWTS} more JWTs were passed over.",) * (total > MOST_JWTS)


def _alone(text: str) -> list[str]:
    """The JWTs that a text consists of: apart where each is whole, else put together again."""
    for apart in PIECES:
        pieces = ["".join(one.split()).strip(AROUND) for one in apart.split(text.strip())]
        pieces = [one for one in pieces if one]
        if pieces and all(JWT.fullmatch(one) and _is_whole(one) for one in pieces):
            return pieces
    joined = "".join(text.split()).strip(AROUND)
    odd = joined.count(".") in (2, 4) and re.fullmatch(r"[\w.=+/-]+", joined)
    return [joined] if JWT.fullmatch(joined) or (odd and salvaged(joined).header) else []


def _is_whole(text: str) -> bool:
    """Has it the three parts of a JWS, or the five of a JWE?"""
    dots = text.count(".")
    return dots == 2 or (dots == 4 and "enc" in salvaged(text).header)


def kind_of(text: str) -> str:
    """What a JWT is for, going by its typ and its claims."""
    jws = salvaged(text)
    typ, claims = str(jws.header.get("typ", "")).lower(), jws.claims
    if str(claims.get("typ", "")).lower() in REFRESH_TYP:
        return REFRESH
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
    return TOKEN if {"scope", "scp", "client_id"} & set(claims) else OTHER


def is_refresh(found: re.Match[str]) -> bool:
    """Does what stands before a JWT, or a claim in it, say that it is a refresh token?"""
    before = found.string[max(0, found.start() - 30) : found.start()]
    return bool(OF_REFRESH.search(before)) or kind_of(found[0]) == REFRESH


def paired(kinds: Mapping[str, str]) -> list[Call]:
    """Each proof with the access token it names, then what is left over; no refresh token."""
    tokens = {access_token_hash(text): text for text, kind in kinds.items() if kind == TOKEN}
    proofs = [text for text, kind in kinds.items() if kind == PROOF]
    calls: list[Call] = []
    for number, text in enumerate(proofs, 1):
        ath = read_proof(text).claims.get("ath")
        decoded = text.endswith(".") and all(one.endswith(".") for one in tokens.values())
        alone = len(tokens) == 1 and (ath is not None or decoded)
        only = "".join(tokens.values()) if alone else ""
        name = f"proof {number}" * (len(proofs) > 1)
        calls.append(Call(proofs=(text,), token=tokens.get(str(ath), only), name=name))
    used = {*proofs, *(one.token for one in calls)}
    used |= {text for text, kind in kinds.items() if kind == REFRESH and len(kinds) > 1}
    rest = [(text, kind * (len(kinds) > 1)) for text, kind in kinds.items() if text not in used]
    return [*calls, *(Call(token=text, name=name) for text, name in rest)]
