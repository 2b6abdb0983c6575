"""From anything pasted to a report and what to do about it; nothing is sent anywhere."""

import time
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from dpop_lab.doctor.asked import Examined
from dpop_lab.doctor.examine import examine
from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.doctor.paste.recognise import read_paste
from dpop_lab.doctor.problem import METHODS
from dpop_lab.doctor.report import Diagnosis
from dpop_lab.doctor.secrets import Secrets
from dpop_lab.errors import LabError, expect
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import Call, host_of, is_hidden
from dpop_lab.session.reading import LONGEST, json_value, without_user
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import FAR, at_once, mapped, shown
from dpop_lab.wire.url import normal_url, without_query


def diagnose(
    anything: object,
    *,
    url: str = "",
    method: str = "",
    token: str = "",
    nonce: str = "",
    now: float | None = None,
    jwks: Mapping[str, Any] | None = None,
    policy: Policy | None = None,
) -> Diagnosis:
    """Say what something is, what is wrong with it by the rows of RFC 9449, and what to do.

    Takes a proof, an access token, header lines, a server's error text or JSON, an answer of
    `requests`, raw HTTP, a curl command, a HAR file, a session log, a recorded exchange, as text,
    octets, JSON values or objects; a `pathlib.Path` is read. What is known besides is given by
    name: `url` and `method` of the request, the access `token` and the server's `nonce`, `now`
    (seconds since 1970) when it was sent, `jwks` the issuer's keys, `policy` the rules to hold it
    to (the demo's for the demo, `RFC_9449` for any other). Nothing is sent or run, and whatever is
    given, it does not raise; only arguments of another type raise `LabError`.
    """
    _check(now, policy, url=url, method=method, token=token, nonce=nonce)
    remarks, pasted = _unusable(url), read_paste(anything)
    known = {"url": "" if remarks else without_user(url), "method": _method(method)}
    known |= {"token": token.strip(), "nonce": nonce}
    pasted = replace(pasted, calls=tuple(_with_known(one, known, now) for one in pasted.calls))
    keys, secrets = (*_keys(jwks), *_issued_keys(pasted)), Secrets(pasted)
    here = time.time() if now is None else now
    return Diagnosis(
        kind=pasted.kind,
        understood=pasted.understood,
        examined=tuple(_examined(pasted.calls, secrets, policy=policy, now=here, jwks=keys)),
        jwks=pasted.jwks,
        remarks=(*pasted.remarks, *remarks),
        secrets=secrets.kinds,
        now=here,
        _secrets=secrets,
    )


def _check(now: object, policy: object, **texts: object) -> None:
    """Raise `LabError` for arguments of another type, and for a time that is none."""
    for name, text in texts.items():
        expect(text, str, name)
    expect(now, (int, float, type(None)), "now", "Seconds since 1970.")
    expect(policy, (Policy, type(None)), "policy", "DUENDE or RFC_9449.")
    if isinstance(now, int | float) and not abs(now) < FAR:
        wanted, found = "seconds since 1970", shown(now, 40)
        raise LabError("now is no time", wanted=wanted, found=found)


def _examined(calls: tuple[Call, ...], secrets: Secrets, **known: Any) -> Iterator[Examined]:
    """Each call examined after those before it, and its words cleaned."""
    used = set[Hashable]()
    for number, call in enumerate(calls):
        solved = _is_solved([*calls[number:]])
        yield _without_secrets(examine(call, used=used, solved=solved, **known), secrets)


def _unusable(url: str) -> tuple[str, ...]:
    """A remark where the URL that was given is none."""
    good = not url or (len(url) <= LONGEST and normal_url(url) is not None)
    return () if good else ("The url that was given is no http(s) URL, and not used.",)


def _method(text: str) -> str:
    """A method as it was given; one of the usual ones in capitals."""
    text = text.strip()[:40]
    return text.upper() if text.upper() in METHODS else text


def _without_secrets(one: Examined, secrets: Secrets) -> Examined:
    """What was found, its words cleaned, since each problem may be shown by itself."""

    found = one.problems, one.remarks
    problems, remarks = at_once(partial(mapped, found), secrets.clean)
    return replace(one, problems=problems, remarks=remarks)


def _with_known(call: Call, known: Mapping[str, str], now: float | None) -> Call:
    """The call with what was given by name, where it does not know better."""
    token = known["token"]
    scheme, gap, rest = token.partition(" ")
    token = rest.strip() if gap and scheme.lower() in ("dpop", "bearer") else token
    changes: dict[str, Any] = {}
    if known["url"]:
        changes |= {"url": known["url"], "url_guessed": False}
    if known["method"]:
        changes["method"] = known["method"]
    if token and not is_hidden(token) and not call.token:
        changes |= {"token": token, "hidden": tuple(h for h in call.hidden if h != "access_token")}
    if known["nonce"]:
        changes["nonces"] = (*call.nonces, known["nonce"])
    if now is not None:
        changes |= {"sent_at": now, "date": None}
    return replace(call, **changes) if changes else call


def _keys(jwks: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
    """The keys in a JWK Set, or the one JWK that was given instead."""
    expect(jwks, (Mapping, type(None)), "jwks", "The issuer's JWK Set, as a dict.")
    if jwks is None:
        return ()
    keys = jwks.get("keys", [jwks])
    if not isinstance(keys, list):
        raise LabError("Not a JWK Set", wanted="keys, a list", found=type(keys).__name__)
    return tuple(one for one in keys if isinstance(one, Mapping))


def _issued_keys(pasted: Pasted) -> tuple[Mapping[str, Any], ...]:
    """The issuer's keys, where its JWK Set was fetched in the same session."""
    found: list[Mapping[str, Any]] = []
    for exchange in pasted.exchanges:
        if '"keys"' in exchange.response_body[:2000] and exchange.status == 200:
            value = json_value(exchange.response_body)
            keys = value.get("keys") if isinstance(value, dict) else None
            found += (
                [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []
            )
    return tuple(found)


def _is_solved(calls: list[Call]) -> bool:
    """Did a later request get what this one was refused for want of a nonce or a token?"""
    call, later = calls[0], calls[1:]
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        good = [one for one in later if WELL_KNOWN in one.url and one.status == 200]
        return any(host_of(one.url) == host_of(call.url) for one in good)
    refused = call.error in ("use_dpop_nonce", "invalid_token") or call.bare_challenge
    if not refused or call.status is None:
        return False
    same = [one for one in later if (one.method, _place(one)) == (call.method, _place(call))]
    return any(one.status is not None and one.status < 300 for one in same)


def _place(call: Call) -> str:
    return host_of(call.url) + without_query(call.url).partition("://")[2]
