"""JSON as what it is: a HAR, an answer, a key, header lines by name, a decoded JWT."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.client.exchange import Exchange
from dpop_lab.doctor.case import Case
from dpop_lab.doctor.jwts import jwts_in
from dpop_lab.doctor.messages import with_headers
from dpop_lab.doctor.pasted import Pasted, not_understood, of_exchanges
from dpop_lab.doctor.reading import case_of, with_answer
from dpop_lab.doctor.recorded import har_entries
from dpop_lab.jose.encoding import base64url_encode


def json_paste(value: object) -> Pasted | None:
    """What a JSON value is; None for one that says nothing of DPoP by its members. Never raises."""
    entries = har_entries(value)
    if entries is not None:
        return _har(entries)
    if isinstance(value, list):
        return _api_claims(value)
    if not isinstance(value, Mapping):
        return None
    if "error" in value or isinstance(value.get("access_token"), str):
        return _answer(value)
    keys = value.get("keys") if isinstance(value.get("keys"), list) else [value]
    jwks = tuple(one for one in keys or [] if isinstance(one, Mapping) and "kty" in one)
    if jwks:
        return Pasted(kind="a JWK" if "kty" in value else "a JWK Set", jwks=jwks)
    return _headers(value) or _decoded_jwt(value)


def _api_claims(value: list[Any]) -> Pasted | None:
    """The list that the demo's API answers with."""
    pairs = [one for one in value if isinstance(one, dict) and {"type", "value"} <= set(one)]
    if not pairs or len(pairs) < len(value):
        return None
    answer = Exchange("", "", (), "", 0, 0, status=200, response_body=json.dumps(value))
    case = replace(case_of(answer), sent_at=None, whole=False)
    return Pasted(kind="an answer of the demo's API", cases=(case,))


def _answer(value: Mapping[str, Any]) -> Pasted:
    """What a token endpoint answers: an error, or a token."""
    case = with_answer(Case(), value)
    nonce = value.get("DPoP-Nonce") or value.get("dpop_nonce")
    case = replace(case, nonce=nonce if isinstance(nonce, str) else "")
    if case.error and not isinstance(value["error"], str):
        case = replace(case, error="", description=str(value["error"])[:300])
    kind = "a JSON error" if "error" in value else "a token response"
    cases = (case, Case(token=case.issued)) if case.issued else (case,)
    return Pasted(kind=kind, cases=cases)


def _headers(value: Mapping[Any, Any]) -> Pasted | None:
    """Header lines by their names, as many libraries print them."""
    lines = tuple((str(name), text) for name, text in value.items() if isinstance(text, str))
    found = with_headers(lines) if len(lines) == len(value) else None
    return None if found is None else of_exchanges("header lines", [found])


def _decoded_jwt(value: Mapping[str, Any]) -> Pasted | None:
    """A proof or a token as a decoder shows it: header and claims, without a signature."""
    header = value.get("header") or value.get("protected") or {}
    claims = value.get("payload") or value.get("claims") or value
    if not isinstance(header, Mapping) or not isinstance(claims, Mapping):
        return None
    if not {"htm", "htu", "jti", "cnf", "iat"} & set(claims):
        return None
    try:
        parts = [json.dumps(one, default=str, skipkeys=True) for one in (header, claims)]
    except (ValueError, RecursionError):  # it holds itself
        return None
    pasted = jwts_in(".".join(base64url_encode(one.encode()) for one in parts) + ".")
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
