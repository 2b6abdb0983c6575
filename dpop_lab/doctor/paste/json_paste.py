"""JSON as what it is: a HAR, an answer, a key, header lines by name, a decoded JWT."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.doctor.paste.jwts import PROOF, jwts_in, kind_of
from dpop_lab.doctor.paste.logged import HOST, METHOD, STATUS, URL, headers_in, logged_exchange
from dpop_lab.doctor.paste.messages import with_headers
from dpop_lab.doctor.paste.pasted import Pasted, not_understood, of_exchanges, says_something
from dpop_lab.doctor.paste.recorded import har_entries
from dpop_lab.doctor.server_words import known_words
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.session.call import Call
from dpop_lab.session.reading import read_call, with_answer
from dpop_lab.wire.message import Exchange

NAMES = (*METHOD, *URL, *HOST, *STATUS)
NO_AUTHORIZATION = (
    "No Authorization header is in it: browsers leave it out of a HAR file unless asked for"
    " sensitive data."
)


def json_paste(value: object) -> Pasted | None:
    """What a JSON value is; None for one that says nothing of DPoP by its members. Never raises."""
    entries = har_entries(value)
    if entries is not None:
        return _har(entries)
    if isinstance(value, list):
        return _api_claims(value) or _headers(value)
    if not isinstance(value, Mapping):
        return None
    if found := _with_proof(value):
        return found
    logged = logged_exchange(value)
    if logged is not None and says_something(logged):
        whole = bool(logged.request_headers)
        return of_exchanges("an exchange in JSON", [logged], whole=whole)
    if "error" in value or isinstance(value.get("access_token"), str):
        return _answer(value)
    keys = value.get("keys") if isinstance(value.get("keys"), list) else [value]
    jwks = tuple(one for one in keys or [] if isinstance(one, Mapping) and "kty" in one)
    if jwks:
        return Pasted(kind="a JWK" if "kty" in value else "a JWK Set", jwks=jwks)
    return _headers(value) or _decoded_jwt(value) or _problem_details(value)


def _api_claims(value: list[Any]) -> Pasted | None:
    """The list that the demo's API answers with."""
    pairs = [one for one in value if isinstance(one, dict) and {"type", "value"} <= set(one)]
    if not pairs or len(pairs) < len(value):
        return None
    answer = Exchange("", "", (), "", 0, 0, status=200, response_body=json.dumps(value))
    call = replace(read_call(answer), sent_at=None, whole=False)
    return Pasted(kind="an answer of the demo's API", calls=(call,))


def _answer(value: Mapping[str, Any]) -> Pasted:
    """What a token endpoint answers: an error, or a token."""
    call = with_answer(Call(), value)
    nonce = value.get("DPoP-Nonce") or value.get("dpop_nonce")
    call = replace(call, nonce=nonce if isinstance(nonce, str) else "", status=_status(value))
    if call.error and not isinstance(value["error"], str):
        call = replace(call, error="", description=str(value["error"])[:300])
    kind = "a JSON error" if "error" in value else "a token response"
    calls = (call, Call(token=call.issued)) if call.issued else (call,)
    return Pasted(kind=kind, calls=calls)


def _status(value: Mapping[str, Any]) -> int | None:
    status = value.get("status")
    return status if isinstance(status, int) and 100 <= status < 600 else None


def _problem_details(value: Mapping[str, Any]) -> Pasted | None:
    """The problem details of RFC 9457: what they say, and the status."""
    texts = [value[name] for name in ("detail", "title") if isinstance(value.get(name), str)]
    if not texts or not (_status(value) or isinstance(value.get("type"), str)):
        return None
    error, description = known_words(" ".join(texts)) or ("", "")
    call = Call(error=error, description=description or texts[0][:1000], status=_status(value))
    return Pasted(kind="a problem in JSON (RFC 9457)", calls=(call,))


def _with_proof(value: Mapping[str, Any]) -> Pasted | None:
    """A proof among other members, perhaps with its access token and what it is for."""
    texts = {str(name): one for name, one in value.items() if isinstance(one, str)}
    proofs = [one for one in texts.values() if one.count(".") == 2 and kind_of(one) == PROOF]
    names = ("access_token", "accessToken", "token", "at")
    token = next((texts[name] for name in names if name in texts), "")
    if len(proofs) != 1 or ("dpop" in map(str.lower, texts) and not token):  # header lines, then
        return None
    named = logged_exchange({name: one for name, one in value.items() if name in NAMES})
    made = read_call(named) if named else Call()
    nonce = texts.get("nonce", "")
    call = replace(
        made, proofs=tuple(proofs), token=token, whole=False, nonces=(nonce,) * bool(nonce)
    )
    return Pasted(kind="a DPoP proof in JSON", calls=(call,))


def _headers(value: Mapping[Any, Any] | list[Any]) -> Pasted | None:
    """Header lines by their names, as many libraries print them, or as pairs of name and value."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not all(
        isinstance(one, list | tuple) and list(map(type, one)) == [str, str] for one in pairs
    ):
        return None
    found = with_headers(headers_in(pairs))
    return None if found is None else of_exchanges("a set of header lines", [found])


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
    named = [{name.lower() for name, _ in one.request_headers} for one in kept]
    bare = not any("authorization" in one for one in named) and any("dpop" in one for one in named)
    pasted = of_exchanges(kind, kept, whole=not bare)
    if bare:
        pasted = replace(pasted, remarks=(*pasted.remarks, NO_AUTHORIZATION))
    told = f"{passed} exchange{'s' * (passed != 1)} without anything of DPoP passed over."
    return replace(pasted, remarks=(*pasted.remarks, *([told] if passed else [])))


def _concerns(exchange: Exchange) -> bool:
    names = {name.lower() for name, _ in (*exchange.request_headers, *exchange.response_headers)}
    told = {"dpop", "authorization", "www-authenticate", "dpop-nonce"} & names
    asks = next((value.lower() for name, value in exchange.request_headers
                 if name.lower() == "access-control-request-headers"), "")  # fmt: skip
    return bool(told) or "grant_type=" in exchange.request_body or "dpop" in asks
