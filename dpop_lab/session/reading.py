"""From exchanges to calls: what each says, and what the others of a session know of it."""

import math
import re
from collections import Counter
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from dpop_lab.jose.encoding import read_json
from dpop_lab.proof import access_token_hash, read_proof
from dpop_lab.server.common import basic_pair
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.session.call import API, LINES, TOKEN_SCHEMES, Call, header_value, host_of
from dpop_lab.show.values import http_time
from dpop_lab.wire.message import Exchange, Headers, Redacted, lines
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import Challenge, read_challenges

C = TypeVar("C", bound=Call)
LONGEST = 16_000  # characters of a URL or a challenge


def read_call(exchange: Exchange, **known: Any) -> Call:
    """What an exchange carries. An empty method means that the request is not known."""
    return read_as(Call, exchange, **known)


def read_as(kind: type[C], exchange: Exchange, **known: Any) -> C:
    """What an exchange carries, in a call of this kind, with what is known of it besides."""
    sent, received = exchange.request_headers[:LINES], exchange.response_headers[:LINES]
    proofs = exchange.proofs if isinstance(exchange, Redacted) else lines(sent, "DPoP")
    proofs = tuple(value.strip() for value in proofs)
    authorization = header_value(sent, "Authorization").strip()
    scheme, token = ("", authorization) if is_hidden(authorization) else _split(authorization)
    hidden = {"proof": any(map(is_hidden, proofs)), "access_token": is_hidden(token)}
    echoed = _echoed(exchange.response_body)
    if hidden["proof"] and echoed and not is_hidden(echoed):
        proofs, hidden["proof"] = (echoed,), False
    proofs = tuple(one for one in proofs if not is_hidden(one))
    challenged = lines(received, "WWW-Authenticate")
    challenges = read_challenges(", ".join(challenged)[:LONGEST]) if challenged else None
    url, guessed = _url(exchange, proofs)
    form = _form(exchange, authorization)
    return kind(
        exchange=exchange,
        method=exchange.method[:40],
        url=without_user(url)[:LONGEST],
        url_guessed=guessed,
        whole=bool(exchange.method),
        proofs=proofs,
        authorization="" if hidden["access_token"] else authorization,
        scheme=scheme,
        token="" if hidden["access_token"] else token,
        hidden=tuple(name for name, is_so in hidden.items() if is_so),
        form=dict(reversed(form)),
        doubled=_doubled(form),
        sent_at=None if math.isnan(exchange.sent_at) else exchange.sent_at,
        date=_date(received),
        status=exchange.status,
        challenges=challenges,
        nonce=header_value(received, "DPoP-Nonce"),
        **answer_of(json_value(exchange.response_body), challenges or ()),
        **known,
    )


def _doubled(form: list[tuple[str, str]]) -> tuple[str, ...]:
    counts = Counter(name for name, _ in form)
    several = ("resource", "audience")  # RFC 8707, RFC 8693
    return tuple(name for name, count in counts.items() if count > 1 and name not in several)


def answer_of(members: object, challenges: tuple[Challenge, ...] = ()) -> dict[str, Any]:
    """The fields of a call that a JSON answer tells, an error or a token, or else a challenge."""
    told = members if isinstance(members, dict) else {}
    said = {name: str(told[name]) for name in ("error", "error_description") if told.get(name)}
    for challenge in challenges:
        if challenge.scheme in TOKEN_SCHEMES and "error" not in said:
            said |= {n: v for n, v in challenge.parameters.items() if n.startswith("error")}
    issued = told.get("access_token")
    return {
        "error": said.get("error", "")[:200],
        "description": said.get("error_description", "")[:1000],
        "issued": issued if isinstance(issued, str) and not is_hidden(issued) else "",
        "token_type": str(told.get("token_type", ""))[:40],
    }


def json_value(text: str) -> Any:
    """The JSON value a text is, None when it is none. Never raises."""
    return read_json(text) if text.lstrip()[:1] in ("{", "[") else None


def _date(headers: Headers) -> float | None:
    """The server's time when it answered; what a cache has kept for a while says how long."""
    made, age = http_time(header_value(headers, "Date")), header_value(headers, "Age").strip()
    return made + int(age) if made is not None and re.fullmatch(r"\d{1,9}", age) else made


def without_user(url: str) -> str:
    """A URL without the user and password before its host."""
    return re.sub(r"(?<=//)[^/?#@]*@", "", url, count=1)


def _echoed(body: str) -> str:
    """The proof that the demo's API repeats in its answer."""
    pairs = json_value(body) if "proof_token" in body else None
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, dict) and pair.get("type") == "proof_token":
            return str(pair.get("value", ""))
    return ""


def _split(authorization: str) -> tuple[str, str]:
    scheme, gap, token = authorization.partition(" ")
    if gap and scheme.lower() not in TOKEN_SCHEMES:
        return scheme, ""
    return (scheme, token.strip()) if gap else ("", authorization)


def _url(exchange: Exchange, proofs: tuple[str, ...]) -> tuple[str, bool]:
    """The URL; where a raw request left its scheme open, that of the proof or the likely one."""
    url = exchange.url
    if not url.startswith("//"):
        return url, False
    host = host_of("http:" + url)
    local = host.partition(":")[0] in ("localhost", "127.0.0.1") or host.startswith("[")
    scheme = "http" if local or host.endswith(":80") else "https"
    named = str(read_proof("".join(proofs[:1])).claims.get("htu", ""))
    told = named.partition("://")[0].lower()
    if host_of(named) == host != host_of(BASE_URL) and told in ("http", "https"):
        scheme = told
    return f"{scheme}:{url}", True


def _form(exchange: Exchange, authorization: str) -> list[tuple[str, str]]:
    """The parameters of a token request; with a client's name and secret sent as HTTP Basic."""
    body, form = exchange.request_body, list[tuple[str, str]]()
    if "=" in body[:4000] and not body.lstrip().startswith(("{", "[", "<", "--")):
        form = parse_qsl(body[:100_000], keep_blank_values=True)
    if pair := basic_pair(authorization):
        named = "client_id" in dict(form)
        form += [("client_id", pair[0])] * (not named) + [("Basic", "yes")]
    return form


def linked(calls: list[Call]) -> list[Call]:
    """The calls of one session, each with what the others know of it.

    A hidden token is the one issued before that its proof names in `ath`; nonces are those given
    out before, at the same place.
    """
    tokens: list[str] = []
    nonces: dict[str, list[str]] = {}
    done = []
    for call in calls:
        at = f"{call.place} {host_of(call.url)}"
        known = nonces.setdefault(at, [])
        proven = call.is_proof or "access_token" in call.hidden
        if call.token:
            tokens.append(call.token)
        elif call.place == API and proven and (token := _named_token(call, tokens)):
            hidden = tuple(name for name in call.hidden if name != "access_token")
            call = replace(call, token=token, scheme=call.scheme or "DPoP", hidden=hidden)
        done.append(replace(call, nonces=(*call.nonces, *known)))
        if call.nonce and not is_hidden(call.nonce):
            known.append(call.nonce)
        if call.issued:
            tokens.append(call.issued)
    return done


def _named_token(call: Call, tokens: list[str]) -> str:
    """The token that the proof's ath is the hash of; without such a claim the only one known."""
    ath = call.proof.claims.get("ath")
    if ath is None:
        return tokens[-1] if len(set(tokens)) == 1 else ""
    return next((one for one in reversed(tokens) if access_token_hash(one) == ath), "")
