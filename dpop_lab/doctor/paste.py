"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dpop_lab.client.challenge import read_challenges
from dpop_lab.client.exchange import Exchange
from dpop_lab.doctor.case import Case, case_of, linked, with_answer
from dpop_lab.doctor.curl_command import is_curl, read_curl
from dpop_lab.doctor.half import salvaged
from dpop_lab.doctor.messages import (
    MARK,
    START,
    curl_output,
    header_lines,
    is_curl_output,
    raw_messages,
    session_log,
    uncommented,
)
from dpop_lab.doctor.recorded import har_entries, of_requests
from dpop_lab.doctor.server_words import known_words
from dpop_lab.errors import KeyUnusable
from dpop_lab.jose.jws import Jws
from dpop_lab.jose.key_formats import load_key
from dpop_lab.proof.proof import access_token_hash, read_proof
from dpop_lab.proof.rendering import words

LONGEST, LONGEST_JSON = 1_000_000, 16_000_000  # characters that are looked at
MOST = 100  # exchanges, 20 JWTs: the rest is counted
MOST_JWTS = 20
JWT = re.compile(r"ey[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_=+/-]*){0,5}")
BROKEN_JWT = re.compile(r"\s+(?=[\w=+/.-]+\s*\Z)|\s+")
PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----")
PROOF, TOKEN, ASSERTION, ID_TOKEN, JWE, JWT_KIND = (
    "a DPoP proof", "an access token", "a client assertion", "an ID token",
    "an encrypted JWT (JWE)", "a JWT",
)  # fmt: skip
CHALLENGE = re.compile(r"(?:WWW-Authenticate\s*:\s*)?(?:dpop|bearer)(?:\s*\Z|\s+\w+\s*=)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pasted:
    """What something turned out to be: `kind` in words, its cases, and what else is to be told.

    `jwks` are the keys that were in it, `texts` all it is made of: secrets are looked for there.
    `understood` is false when nothing of DPoP was recognised.
    """

    kind: str
    cases: tuple[Case, ...] = ()
    jwks: tuple[Mapping[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    text: str = ""
    understood: bool = True


def read_paste(thing: object) -> Pasted:
    """Recognise anything; never raises, opens nothing, sends nothing.

    Text, octets and JSON values are looked into; so are the objects of `requests`, exchanges,
    session logs and whatever else holds exchanges.
    """
    if isinstance(thing, Pasted):
        return thing
    objects = of_requests(thing)
    if objects is not None:
        return _exchanges(f"a requests.{type(thing).__name__}", objects)
    if isinstance(thing, Exchange):
        return _exchanges("a recorded exchange", [thing])
    inner = getattr(thing, "exchange", None)
    if isinstance(inner, Exchange):
        return _exchanges("a recorded exchange", [inner])
    if isinstance(thing, Jws):
        return _of_text(thing.text)
    if isinstance(thing, bytes | bytearray | memoryview):
        return _of_text(*_decoded(bytes(thing)))
    if isinstance(thing, str):
        return _of_text(thing)
    if isinstance(thing, Mapping):
        return _of_json(dict(thing), "") or _not_understood("a mapping without anything of DPoP")
    if isinstance(thing, Iterable):
        return _of_items(thing)
    return _not_understood(f"a {type(thing).__name__}")


def _of_items(things: Iterable[object]) -> Pasted:
    """A session log, or several things in a row."""
    items = [one for _, one in zip(range(MOST), things, strict=False)]
    if items and all(isinstance(one, Exchange) for one in items):
        return _exchanges("recorded exchanges", [one for one in items if isinstance(one, Exchange)])
    read = [read_paste(one) for one in items if not isinstance(one, list | tuple)]
    read = [one for one in read if one.understood]
    if not read:
        return _not_understood("a list without anything of DPoP")
    return Pasted(
        kind=f"{len(read)} things",
        cases=tuple(linked([case for one in read for case in one.cases])),
        jwks=tuple(jwk for one in read for jwk in one.jwks),
        remarks=tuple(remark for one in read for remark in one.remarks),
        exchanges=tuple(exchange for one in read for exchange in one.exchanges),
        text="\n".join(one.text for one in read),
    )


def _decoded(octets: bytes) -> tuple[str, str]:
    """Octets as text, and a remark when they were none."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff") or octets[1:40:2].count(0) > 10:
        codec = "utf-16" if octets[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le"
        return octets.decode(codec, "replace"), ""
    try:
        return octets.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return octets.decode("latin-1"), "It is not all text (UTF-8)."


def _of_text(text: str, remark: str = "") -> Pasted:
    remarks = [remark] if remark else []
    if "\0" in text:
        text = text.replace("\0", "")
        remarks.append("It held NUL characters.")
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    value = _json(text)
    if len(text) > LONGEST and value is None:
        remarks.append(f"Only the first {LONGEST} of {len(text)} characters were looked at.")
        text = text[:LONGEST]
    found = _recognised(text, value)
    return replace(found, remarks=(*remarks, *found.remarks), text=text)


def _json(text: str) -> Any:
    start = text[:200].lstrip()[:1]
    if start not in ("{", "[", '"') or len(text) > LONGEST_JSON:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _recognised(text: str, value: Any) -> Pasted:
    """The first reading that makes sense of it, the most telling first."""
    if not text.strip():
        return _not_understood("nothing")
    found = None if value is None else _of_json(value, text)
    if found is not None:
        return found
    plain = text if is_curl_output(text) else uncommented(text)
    if MARK.search(plain):
        exchanges = session_log(plain)
        if exchanges:
            return _exchanges("a session log", exchanges)
    if is_curl(plain):
        exchange, remarks = read_curl(plain)
        return replace(_exchanges("a curl command", [exchange]), remarks=remarks)
    if is_curl_output(plain):
        return _exchanges("the output of curl -v", curl_output(plain))
    plain = plain.lstrip("\n \t")
    if START.match(plain) or START.search(plain):
        return _raw(plain)
    if PEM.search(plain):
        return _of_pem(plain)
    return _of_lines(plain) or _of_jwts(plain) or _of_words(plain) or _not_understood(_size(text))


def _raw(text: str) -> Pasted:
    exchanges = raw_messages(text)
    asked = any(one.method for one in exchanges)
    answered = any(one.status is not None for one in exchanges)
    kind = "a raw HTTP request with its response" if asked and answered else "a raw HTTP request"
    return _exchanges(kind if asked else "a raw HTTP response", exchanges)


def _of_lines(text: str) -> Pasted | None:
    """Header lines, or a challenge without its name."""
    stripped = text.strip()
    if CHALLENGE.match(stripped) and "\n" not in stripped and ":" not in stripped.split(" ")[0]:
        text = f"WWW-Authenticate: {stripped}"
    found = header_lines(text.strip("\n"))
    if found is None:
        return None
    lone = len(found.request_headers) + len(found.response_headers) == 1
    pasted = _exchanges("a header line" if lone else "header lines", [found])
    return pasted


def _of_jwts(text: str) -> Pasted | None:
    """One JWT or several, alone or anywhere in a text; half a one too."""
    squeezed = "".join(text.split())
    alone = JWT.fullmatch(squeezed.strip("\"'`,;"))
    found = [alone[0]] if alone else [match[0].rstrip("=+/-") for match in JWT.finditer(text)]
    found = [one for one in dict.fromkeys(found) if "." in one or len(found) == 1]
    found = [one for one in found if _is_jwt(one)]
    if not found and squeezed.count(".") in (2, 4) and re.fullmatch(r"[\w.=+/-]+", squeezed):
        found = [squeezed]
    if not found:
        return None
    pieces = found[:MOST_JWTS]
    kinds = [kind_of(one) for one in pieces]
    more = len(found) - len(pieces)
    remarks = (f"{more} more JWTs were passed over.",) if more else ()
    told = f"{kinds[0]}" if len(kinds) == 1 else f"{len(kinds)} JWTs"
    if alone and len(text.split()) > 1:
        remarks = (*remarks, "White space in it was taken out: a header has it in one piece.")
    kind = told if alone else f"text with {told} in it"
    cases = tuple(linked(_paired(pieces, kinds)))
    stray = known_words(text) if not alone else None
    if stray and len(cases) == 1:
        cases = (replace(cases[0], error=stray[0], description=stray[1]),)
    return Pasted(kind=kind, cases=cases, remarks=remarks)


def _is_jwt(text: str) -> bool:
    """Does its first part hold JSON, or begin to?"""
    return bool(salvaged(text).header) or text.startswith("eyJ")


def kind_of(text: str) -> str:
    """What a JWT is for, going by its typ and its claims."""
    jws = salvaged(text)
    typ, claims = str(jws.header.get("typ", "")).lower(), jws.claims
    if text.count(".") == 4 or "enc" in jws.header:
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


def _paired(pieces: list[str], kinds: list[str]) -> list[Case]:
    """Each proof with the access token it names, then what is left over."""
    tokens = [one for one, kind in zip(pieces, kinds, strict=True) if kind == TOKEN]
    cases: list[Case] = []
    used: set[str] = set()
    for text, kind in zip(pieces, kinds, strict=True):
        if kind != PROOF:
            continue
        ath = read_proof(text).claims.get("ath")
        fits = [one for one in tokens if access_token_hash(one) == ath]
        token = (fits or (tokens if len(tokens) == 1 and ath is not None else []))[:1]
        used.update(token)
        case = Case(proofs=(text,), token="".join(token))
        cases.append(
            replace(case, name=f"proof {len(cases) + 1}" if kinds.count(PROOF) > 1 else "")
        )
    for text, kind in zip(pieces, kinds, strict=True):
        if kind != PROOF and text not in used:
            cases.append(Case(token=text, name=kind if len(pieces) > 1 else ""))
    return cases


def _of_words(text: str) -> Pasted | None:
    """What a server says of its refusal, as people write it down."""
    said = known_words(text)
    if said is None:
        return None
    error, description = said
    challenges = read_challenges(text[:16_000]) if "=" in text else None
    case = Case(error=error, description=description, challenges=challenges or None)
    return Pasted(kind="a server's error text", cases=(case,))


def _of_json(value: Any, text: str) -> Pasted | None:
    """JSON: a HAR, an answer, a key, a decoded JWT, or text that was put in quotes."""
    entries = har_entries(value)
    if entries is not None:
        return _har(entries)
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, list):
        if value and all(isinstance(one, dict) and {"type", "value"} <= set(one) for one in value):
            answer = Exchange("", "", (), "", 0, 0, status=200, response_body=json.dumps(value))
            case = replace(case_of(answer), sent_at=None, whole=False)
            return Pasted(kind="an answer of the demo's API", cases=(case,))
        return _of_items(value) if value else None
    if not isinstance(value, dict):
        return None
    if "error" in value or isinstance(value.get("access_token"), str):
        case = with_answer(Case(), value)
        nonce = value.get("DPoP-Nonce") or value.get("dpop_nonce")
        case = replace(case, nonce=nonce if isinstance(nonce, str) else "")
        if case.error and not isinstance(value["error"], str):
            case = replace(case, error="", description=str(value["error"])[:300])
        kind = "a JSON error" if "error" in value else "a token response"
        cases = (case, Case(token=case.issued)) if case.issued else (case,)
        return Pasted(kind=kind, cases=cases)
    keys = value.get("keys") if isinstance(value.get("keys"), list) else [value]
    jwks = tuple(one for one in keys or [] if isinstance(one, dict) and "kty" in one)
    if jwks:
        return Pasted(kind="a JWK" if "kty" in value else "a JWK Set", jwks=jwks)
    return _decoded_jwt(value) or (_of_jwts(text) if text else None)


def _decoded_jwt(value: dict[str, Any]) -> Pasted | None:
    """A proof or a token as a decoder shows it: header and claims, without a signature."""
    header = value.get("header") or value.get("protected") or {}
    claims = value.get("payload") or value.get("claims") or value
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    if not {"htm", "htu", "jti", "cnf", "iat"} & set(claims):
        return None
    from dpop_lab.jose.encoding import base64url_encode, compact_json

    text = ".".join(base64url_encode(compact_json(one)) for one in (header, claims)) + "."
    pasted = _of_jwts(text)
    remark = "It is decoded already: without the text itself its signature can't be verified."
    return pasted and replace(pasted, kind=f"{pasted.kind}, decoded", remarks=(remark,))


def _har(entries: list[Exchange]) -> Pasted:
    """The exchanges of a HAR that have to do with DPoP."""
    kept = [one for one in entries if _concerns(one)]
    passed = len(entries) - len(kept)
    kind = f"a HAR file of {len(entries)} exchange{'s' * (len(entries) != 1)}"
    if not kept:
        return _not_understood(f"{kind}, none with a DPoP header, a token or a token request")
    pasted = _exchanges(kind, kept)
    told = f"{passed} exchange{'s' * (passed != 1)} without anything of DPoP passed over."
    return replace(pasted, remarks=(*pasted.remarks, *([told] if passed else [])))


def _concerns(exchange: Exchange) -> bool:
    names = {name.lower() for name, _ in (*exchange.request_headers, *exchange.response_headers)}
    told = {"dpop", "authorization", "www-authenticate", "dpop-nonce"} & names
    asks = next((value.lower() for name, value in exchange.request_headers
                 if name.lower() == "access-control-request-headers"), "")  # fmt: skip
    return bool(told) or "grant_type=" in exchange.request_body or "dpop" in asks


def _of_pem(text: str) -> Pasted:
    kinds = dict.fromkeys(PEM.findall(text))
    kind = f"PEM with {' and '.join(kind.lower() for kind in kinds)}"[:200]
    try:
        return Pasted(kind=kind, jwks=(load_key(text[text.index("-----BEGIN") :]).public_jwk(),))
    except KeyUnusable as error:
        return Pasted(kind=kind, remarks=(f"No key pair: {error.problem}.",))


def _exchanges(kind: str, exchanges: list[Exchange]) -> Pasted:
    kept, total = exchanges[:MOST], len(exchanges)
    several = total > 1
    cases = [
        case_of(one, name=f"exchange {number} of {total}" if several else "")
        for number, one in enumerate(kept, 1)
    ]
    remarks = (f"Only the first {MOST} of {total} exchanges are told.",) if total > MOST else ()
    if several and "HAR" not in kind:
        kind = f"{kind}, {total} exchanges"
    return Pasted(
        kind=kind, cases=tuple(linked(cases)), remarks=remarks, exchanges=tuple(kept),
        understood=bool(cases),
    )  # fmt: skip


def _size(text: str) -> str:
    return f"{len(text)} characters in which nothing of DPoP was recognised"


def _not_understood(found: str) -> Pasted:
    return Pasted(kind=words(found), understood=False)


def opened(path: str | os.PathLike[str], limit: int = LONGEST_JSON) -> bytes:
    """The octets of a file, no more than can be looked at. Raises `OSError`."""
    with open(path, "rb") as file:
        return file.read(limit)
