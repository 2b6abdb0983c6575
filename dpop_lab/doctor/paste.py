"""Recognise what was pasted, and take it apart into requests and answers; nothing is believed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.client.exchange import Exchange
from dpop_lab.doctor.case import Case
from dpop_lab.doctor.curl_command import is_curl, read_curl
from dpop_lab.doctor.jwts import jwts_in
from dpop_lab.doctor.messages import (
    MARK,
    START,
    curl_output,
    is_curl_output,
    session_log,
    uncommented,
)
from dpop_lab.doctor.pasted import MOST, Pasted, not_understood, of_exchanges
from dpop_lab.doctor.reading import case_of, linked, with_answer
from dpop_lab.doctor.recorded import har_entries, of_requests
from dpop_lab.doctor.texts import PEM, header_paste, pem_paste, raw_paste, words_paste
from dpop_lab.jose.jws import Jws

LONGEST, LONGEST_JSON = 1_000_000, 16_000_000  # characters that are looked at


def read_paste(thing: object) -> Pasted:
    """Recognise anything; never raises, opens nothing, sends nothing.

    Text, octets and JSON values are looked into; so are the objects of `requests`, exchanges,
    session logs and whatever else holds exchanges.
    """
    if isinstance(thing, Pasted):
        return thing
    objects = of_requests(thing)
    if objects is not None:
        return of_exchanges(f"a requests.{type(thing).__name__}", objects)
    if isinstance(thing, Exchange):
        return of_exchanges("a recorded exchange", [thing])
    inner = getattr(thing, "exchange", None)
    if isinstance(inner, Exchange):
        return of_exchanges("a recorded exchange", [inner])
    if isinstance(thing, Jws):
        return _of_text(thing.text)
    if isinstance(thing, bytes | bytearray | memoryview):
        return _of_text(*_decoded(bytes(thing)))
    if isinstance(thing, str):
        return _of_text(thing)
    if isinstance(thing, Mapping):
        return _of_json(dict(thing), "") or not_understood("a mapping without anything of DPoP")
    if isinstance(thing, Iterable):
        return _of_items(thing)
    return not_understood(f"a {type(thing).__name__}")


def _of_items(things: Iterable[object]) -> Pasted:
    """A session log, or several things in a row."""
    items = [one for _, one in zip(range(MOST), things, strict=False)]
    if items and all(isinstance(one, Exchange) for one in items):
        return of_exchanges(
            "recorded exchanges", [one for one in items if isinstance(one, Exchange)]
        )
    read = [read_paste(one) for one in items if not isinstance(one, list | tuple)]
    read = [one for one in read if one.understood]
    if not read:
        return not_understood("a list without anything of DPoP")
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
        return not_understood("nothing")
    found = None if value is None else _of_json(value, text)
    if found is not None:
        return found
    plain = text if is_curl_output(text) else uncommented(text)
    if MARK.search(plain):
        exchanges = session_log(plain)
        if exchanges:
            return of_exchanges("a session log", exchanges)
    if is_curl(plain):
        exchange, remarks = read_curl(plain)
        return replace(of_exchanges("a curl command", [exchange]), remarks=remarks)
    if is_curl_output(plain):
        return of_exchanges("the output of curl -v", curl_output(plain))
    plain = plain.lstrip("\n \t")
    if START.match(plain) or START.search(plain):
        return raw_paste(plain)
    if PEM.search(plain):
        return pem_paste(plain)
    return (
        header_paste(plain) or jwts_in(plain) or words_paste(plain) or not_understood(_size(text))
    )


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
    return _decoded_jwt(value) or (jwts_in(text) if text else None)


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
    pasted = jwts_in(text)
    remark = "It is decoded already: without the text itself its signature can't be verified."
    return pasted and replace(pasted, kind=f"{pasted.kind}, decoded", remarks=(remark,))


def _har(entries: list[Exchange]) -> Pasted:
    """The exchanges of a HAR that have to do with DPoP."""
    kept = [one for one in entries if _concerns(one)]
    passed = len(entries) - len(kept)
    kind = f"a HAR file of {len(entries)} exchange{'s' * (len(entries) != 1)}"
    if not kept:
        return not_understood(f"{kind}, none with a DPoP header, a token or a token request")
    pasted = of_exchanges(kind, kept)
    told = f"{passed} exchange{'s' * (passed != 1)} without anything of DPoP passed over."
    return replace(pasted, remarks=(*pasted.remarks, *([told] if passed else [])))


def _concerns(exchange: Exchange) -> bool:
    names = {name.lower() for name, _ in (*exchange.request_headers, *exchange.response_headers)}
    told = {"dpop", "authorization", "www-authenticate", "dpop-nonce"} & names
    asks = next((value.lower() for name, value in exchange.request_headers
                 if name.lower() == "access-control-request-headers"), "")  # fmt: skip
    return bool(told) or "grant_type=" in exchange.request_body or "dpop" in asks


def _size(text: str) -> str:
    return f"{len(text)} characters in which nothing of DPoP was recognised"
