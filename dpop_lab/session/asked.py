"""The rows that can be asked of a call, with their findings, and what the others lack."""

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

from dpop_lab.checking import Finding, Profile, Report, ask
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.encoding import several
from dpop_lab.proof.rules import Context, ProofProfile, replay_key
from dpop_lab.server.access_token import TokenContext, TokenProfile, token_of
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.answer import ABOUT_DPOP, members_in
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of
from dpop_lab.show.values import is_time
from dpop_lab.wire.syntax import is_loopback, normal_url

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
LONG_AGO = 1_000_000_000  # no clock goes so wrong
BESIDE = "the access token that goes with it (token)"
HIDDEN = "the access token: it is redacted here"
OPAQUE = "one that can be read: this access token is opaque to all but its server"
DECODED = "the {0} as it was sent: decoded, it does not show this"
MEMBERS = {  # that a row looks at, where it has another name
    "no_private_key": "jwk", "bound_key": "jwk", "fresh": "iat", "unused": "jti", "at_typ": "typ",
    "not_expired": "exp", "at_signature": "signature", "unbound": "cnf",
}  # fmt: skip
READABLE = "an access token that can be read"
OF_CLAIMS = ("at_signature", "issuer", "audience", "at_typ", "not_expired", "unbound")
Jwks = tuple[Mapping[str, Any], ...]
#: Reports; what to give for each row that can't be asked; what fails under RFC_9449 alone.
Asked = tuple[tuple[Report, ...], Mapping[str, str], tuple[Finding, ...]]


def ask_rows(call: Call, policy: Policy, *, now: float, used: set[Hashable], jwks: Jwks) -> Asked:
    """Ask every row that can be asked of the access token and of the proof.

    `now` is this machine's time, for what no better clock is known for; `used` are the proofs seen
    before in the same paste, and gets this one where the server may have taken it; `jwks` are the
    issuer's keys.
    """
    reports, missing, stricter = [], dict[str, str](), list[Finding]()
    for place in _places(call):
        profile, strict = policy.profiles[place], RFC_9449.profiles[place]
        report, more = _asked(call, profile, now, used, jwks)
        reports.append(report)
        missing |= more
        passed = {one.check.name for one in report.findings if one.mark == "passed"}
        if strict is not profile:
            known = {one.check.name for one in report.findings} - passed
            there, _ = _asked(call, strict, now, used, jwks)
            failed = [one for one in there.findings if one.mark == "failed"]
            stricter += [one for one in failed if one.check.name not in known]
        sent = not (call.refused or call.name.startswith("JWTs"))
        if isinstance(profile, ProofProfile) and {"jti", "jwk"} <= passed and sent:
            used.add(replay_key(call.proof, _context(call, profile, now, used)))
    return tuple(reports), missing, tuple(stricter)


def _places(call: Call) -> list[str]:
    """Where the rules are for what is there, or was wanted: an access token, a proof."""
    found, challenged = [], {one.scheme for one in call.challenges or ()}
    asks_for_proof = call.is_proof or _wants_dpop(call)
    plain = call.scheme.lower() == "bearer" and (call.accepted or not asks_for_proof)
    if call.place == API and _brings_token(call):
        bearer = challenged == {"bearer"} and not speaks_of_dpop(call)
        found.append("bearer" if plain or bearer else "bound")
    wanted = call.whole and call.place and not plain and _wants_dpop(call)
    if call.is_proof or (wanted and "proof" not in call.hidden):
        nonce = call.wants_nonce or bool(call.nonces)
        place = "token" if call.place == TOKEN_ENDPOINT else "api"
        found.append(f"{place}_nonce" if nonce else place)
    return found


def _brings_token(call: Call) -> bool:
    """Is there an access token, or was one wanted?"""
    there = bool(call.token or call.scheme or call.authorization) or "access_token" in call.hidden
    wanted = call.status is None or call.status in (400, 401, 403)
    return there or (call.whole and bool(call.url) and wanted)


def _wants_dpop(call: Call) -> bool:
    """Does the server want a proof, going by the scheme, its challenge or its words?"""
    challenged = any(one.scheme == "dpop" for one in call.challenges or ())
    cnf = call.access_token.claims.get("cnf")
    bound = isinstance(cnf, dict) and "jkt" in cnf
    return call.scheme.lower() == "dpop" or challenged or bound or speaks_of_dpop(call)


def speaks_of_dpop(call: Call) -> bool:
    """Are the server's words about a proof, whatever scheme its challenge names?"""
    return ABOUT_DPOP.search(f"{call.error} {call.description}") is not None


def _asked(
    call: Call, profile: Profile, now: float, used: set[Hashable], jwks: Jwks
) -> tuple[Report, dict[str, str]]:
    """The findings of the rows that can be asked, and what the others lack."""
    presented, context, lacks = call.proof, object(), _proof_lacks(call, now)
    if isinstance(profile, ProofProfile):
        context = _context(call, profile, now, used)
    elif isinstance(profile, TokenProfile):
        context, lacks = _token_context(call, profile, now, jwks), _token_lacks(call, jwks)
        presented = token_of(context.authorization)
    what = "access token" if isinstance(profile, TokenProfile) else "proof"
    unseen = [name for name in call.unseen if name.startswith(what.split()[-1])]
    hidden = {name.partition(".")[2] for name in unseen}
    hidden |= {"strict_form"} if len(unseen) > 1 else set()
    lacks |= {
        row.name: DECODED.format(what)
        for row in profile.rows
        if MEMBERS.get(row.name, row.name) in hidden
    }
    give = {row.name: lacks.get(row.name, lacks.get("", "")) for row in profile.rows}
    findings = ask(tuple(row for row in profile.rows if not give[row.name]), presented, context)
    missing = {name: text for name, text in give.items() if text}
    return Report(profile.name, tuple(findings), profile.struck_out), missing


def _token_context(call: Call, profile: TokenProfile, now: float, jwks: Jwks) -> TokenContext:
    iat = call.proof.claims.get("iat")  # where no clock is known, the time of the proof beside it
    then = iat if is_time(iat) and LONG_AGO < iat <= now else now
    put_together = f"{call.scheme or 'DPoP'} {call.token}" if call.token or call.scheme else ""
    return TokenContext(
        profile=profile,
        authorization=call.authorization or put_together,
        keys=jwks,
        issuer=_issuer(call),
        audience=_elsewhere(call),
        now=_time(call, then),
    )


def _context(call: Call, profile: ProofProfile, now: float, used: set[Hashable]) -> Context:
    return Context(
        profile=profile,
        headers=call.proofs,
        method=call.method,
        url=call.url.partition("?")[0].partition("#")[0],
        now=_time(call, now),
        access_token="" if "token.signature" in call.unseen else call.token or None,
        cnf=call.access_token.claims.get("cnf"),
        nonce_time=lambda nonce: _time(call, now) if nonce in call.nonces else None,
        used=used.__contains__,
    )


def _time(call: Call, now: float) -> int:
    return math.floor(call.clock[0] if call.clock else now)


def _proof_lacks(call: Call, now: float) -> dict[str, str]:
    """What to give so that a row about a proof can be asked, by its name; "" is any other row."""
    if not "".join(call.proofs):
        return {"": "a proof", "one_header": ""}
    claims, token = call.proof.claims, call.access_token
    iat = claims.get("iat")
    wrong = not is_time(iat) or iat < LONG_AGO or iat > now + 10  # by whatever clock
    readable, has_nonce = token.claims and not token.problem, "nonce" in claims
    exact = call.token and "token.signature" not in call.unseen
    no_hash = (call.token or "access_token" in call.hidden) and "ath" not in claims
    lacks = (
        ("one_header", call.whole or len(call.proofs) > 1, "the whole request"),
        ("htm", call.method or "htm" not in claims, "the method of the request (method)"),
        ("htu", call.url or "htu" not in claims, "the URL of the request (url)"),
        ("bound_key", readable, "what the access token is bound to: it is opaque, ask its server"),
        ("ath", exact or no_hash, BESIDE),
        ("bound_key", "token.cnf" not in call.unseen, DECODED.format("access token")),
        ("bound_key", call.token, BESIDE),
        ("fresh", call.clock or wrong, "when it was sent (now), or the answer with its Date"),
        (
            "nonce",
            call.nonces or not has_nonce or call.wants_nonce,
            "the nonce that the server gave (nonce)",
        ),
        ("unused", call.name.startswith("exchange"), "the exchanges before it, in one paste"),
    )
    return {row: give for row, known, give in lacks if not known}


def _token_lacks(call: Call, jwks: Jwks) -> dict[str, str]:
    """What to give so that a row about a token can be asked, by its name; "" is any other row."""
    if "access_token" in call.hidden:
        return {"": HIDDEN, "scheme": "" if call.scheme else HIDDEN}
    token, cnf = call.access_token, call.access_token.claims.get("cnf")
    lacks = {"scheme": "" if call.whole or call.scheme else "the whole Authorization header"}
    if not call.token or (call.authorization and not call.scheme):
        return lacks | {"": "an access token, behind its scheme"}
    unreadable = not call.token.startswith("ey") or call.token.count(".") == 4
    nothing = bool(token.problem) or not token.claims
    if unreadable and nothing and not call.is_demo:
        lacks[""] = OPAQUE
    elif nothing:
        return lacks | dict.fromkeys(OF_CLAIMS, READABLE)
    elif isinstance(cnf, dict) and "jkt" not in cnf:
        lacks["unbound"] = "whether it came over the TLS connection it is bound to (RFC 8705)"
    if not jwks:
        lacks["at_signature"] = "the issuer's keys (its JWK Set)"
    if not _issuer(call):
        lacks["issuer"] = "which issuer the API trusts"
    return lacks | {"audience": "" if _elsewhere(call) else "what the API calls itself"}


def _elsewhere(call: Call) -> str:
    """The origin that refused a token which names other hosts as its audience; else empty.

    What an API calls itself is not seen, so nothing is asked where it took the token, or where
    the words are about a proof.
    """
    words = f"{call.error} {call.description}".lower()
    if call.status not in (400, 401, 403) or re.search(r"dpop|proof|scope|nonce", words):
        return ""
    audiences = several(call.access_token.claims.get("aud"))
    hosts = [_host(str(one)) for one in (*audiences, call.url)]
    known = all(hosts) and not is_loopback(call.url) and hosts[-1] not in hosts[:-1]
    return "/".join(call.url.split("/", 3)[:3]) if known else ""


def _host(url: str) -> str | None:
    normal = normal_url(url)
    return normal and normal.hostname


def _issuer(call: Call) -> str:
    """The issuer that the API trusts, where that is known: of the demo and the twin, itself."""
    host = host_of(call.url)
    known = not host or host == host_of(BASE_URL) or host.startswith(LOOPBACK)
    if not call.is_demo or not known:
        return ""
    return "/".join(call.url.split("/", 3)[:3]) if call.url else BASE_URL


def keys_of(jwks: Mapping[str, Any] | None) -> Jwks:
    """The keys in a JWK Set, or the one JWK that was given instead. Raises `LabError`."""
    expect(jwks, (Mapping, type(None)), "jwks", "The issuer's JWK Set, as a dict.")
    keys = (jwks or {"keys": []}).get("keys", [jwks])
    if not isinstance(keys, list):
        raise LabError("Not a JWK Set", wanted="keys, a list", found=type(keys).__name__)
    return tuple(one for one in keys if isinstance(one, Mapping))


def issued_keys(calls: tuple[Call, ...]) -> Jwks:
    """The issuer's keys, where its JWK Set was fetched in the same session."""
    bodies = [one.exchange.response_body for one in calls if one.status == 200]
    known = [members_in(body).get("keys") for body in bodies if '"keys"' in body[:2000]]
    return tuple(key for keys in known if isinstance(keys, list) for key in keys_of({"keys": keys}))
