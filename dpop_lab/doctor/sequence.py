"""What only a sequence shows: an outdated nonce, a spent code, a proof sent twice, another key."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from dpop_lab.doctor.advice.hashes import thumbprint_made
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, host_of, json_value
from dpop_lab.session.decoded import thumbprint_or_none
from dpop_lab.show.values import duration, shown
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import without_query

NUMBERED = re.compile(r"<\w+ \d+>")  # a mask that stands for one value and no other
SOON = 30  # seconds in which no nonce should be outdated
OF_A_PROOF = ("invalid_dpop_proof", "use_dpop_nonce", "invalid_request", "")
REPLAY = re.compile(r"replay|already|re-?us|\bused\b|\bjti\b|unique|duplicate", re.I)
#: What counts once: the parameter, its name in words, the error code, and what to do.
SPENT = (
    (
        "code",
        "authorization code",
        "invalid_grant",
        "Start the login anew. Then send one token request for each code, with the proof, and the"
        " nonce if one is known, from the start: a callback that runs twice, or two requests at"
        " once, spend the code.",
    ),
    (
        "refresh_token",
        "refresh token",
        "invalid_grant",
        "Log in again. Then send the proof, and the nonce if one is known, with the first refresh"
        " request, one at a time, and keep the newest refresh token that an answer brings.",
    ),
    (
        "code_verifier",
        "PKCE verifier",
        "invalid_grant",
        "Start the login anew: each login has a code and a code_verifier of its own.",
    ),
    (
        "client_assertion",
        "client assertion",
        "invalid_client",
        "Make a new assertion, with a jti of its own, for each request, also for the one that"
        " brings the nonce.",
    ),
)
Earlier = list[Call]
Look = Callable[[Call, Earlier, Earlier], Iterator[Problem]]


def in_sequence(calls: tuple[Call, ...]) -> tuple[tuple[Problem, ...], ...]:
    """For each call of a session, in their order, the problems that the others make plain.

    Values of codes and tokens are compared and never shown.
    """
    known = [
        call if call.name else replace(call, name=f"exchange {number}")
        for number, call in enumerate(calls, 1)
    ]
    return tuple(
        tuple(_of_one(call, known[:number], known[number + 1 :]))
        for number, call in enumerate(known)
    )


def _of_one(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """What is wrong with one call, each cause once."""
    explained = set[str]()
    for look in LOOKS:
        for problem in look(call, earlier, later):
            if problem.row not in explained:
                yield problem
            explained.update(problem.explains)


def settled(call: Call, later: Earlier) -> bool:
    """Did a later request to the same place get through?"""
    good = [one for one in later if one.status is not None and one.status < 300]
    return any(one.method == call.method and _place(one) == _place(call) for one in good)


def obeyed(call: Call, later: Earlier) -> bool:
    """Did the next request to that server bring the nonce that this answer asked for?"""
    following = (one for one in later if same_server(one, call))
    after = next(following, None)
    if not call.wants_nonce or after is None:
        return False
    brought = after.is_proof and after.proof.claims.get("nonce") == call.nonce
    return brought if after.is_proof else not after.wants_nonce and after.refused


def same_server(one: Call, other: Call) -> bool:
    """Do both go to one server, as far as is known? Its two places keep nonces of their own."""
    pairs = ((one.place, other.place), (host_of(one.url), host_of(other.url)))
    return all(mine == theirs or not (mine and theirs) for mine, theirs in pairs)


def _place(call: Call) -> str:
    return host_of(call.url) + without_query(call.url).partition("://")[2]


def _named(call: Call) -> str:
    return call.name.partition(" of ")[0]


def _answered(call: Call) -> str:
    """An exchange with what came of it, in brackets."""
    return f"{_named(call)} ({call.said or 'no answer'})"


def _key(call: Call) -> str:
    """The thumbprint of the proof's key, empty where there is none."""
    return thumbprint_or_none(call.proof.header.get("jwk")) or ""


def _value(call: Call, name: str) -> str:
    """A parameter that is known, or whose mask stands for it alone; else empty."""
    value = call.form.get(name, "")
    return value if NUMBERED.fullmatch(value) or not is_hidden(value) else ""


def _members(call: Call) -> dict[str, Any]:
    """The members of the JSON object in an answer."""
    found = json_value(call.exchange.response_body)
    return found if isinstance(found, dict) else {}


# ---- nonces


def _nonces(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A nonce that was replaced, is another server's, or was asked for in vain."""
    sent = call.proof.claims.get("nonce", call.proof.header.get("nonce"))
    if not call.is_proof or "nonce" not in f"{call.error} {call.description}".lower():
        return
    given = [one for one in earlier if one.nonce and _came_before(one, call)]
    here = [one for one in given if same_server(one, call)]
    source = next((one for one in reversed(given) if one.nonce == sent), None)
    if sent is None:
        yield from _in_vain(call, here, later)
    elif source in here and here[-1].nonce != sent:
        newer = here[here.index(source) + 1]
        yield _nonce_problem(
            call,
            f"it is outdated: {_answered(newer)} had given a newer one, {shown(newer.nonce, 60)}",
            "Keep the newest nonce of every answer, also of a 200, for each server, and put it into"
            f" the next proof, here {shown(here[-1].nonce, 60)}: then a call needs one request.",
        )
    elif source and source not in here:
        yield _nonce_problem(
            call,
            f"it is that of another server: {_named(source)} gave it, at the {source.place}"
            f" {host_of(source.url)}".rstrip(),
            "Keep a nonce for each server apart: the token endpoint and each API have their own.",
        )
    elif source and not settled(call, later):
        yield _refused_at_once(call, source)


def _came_before(one: Call, call: Call) -> bool:
    """Was the answer there when the other request was sent? Where no times are known, it was."""
    sent, ended = call.sent_at, one.exchange.ended_at
    return sent is None or not ended > sent


def _nonce_problem(call: Call, said: str, action: str, *, at_server: bool = False) -> Problem:
    sent = call.proof.claims.get("nonce", call.proof.header.get("nonce"))
    start = f"The proof's nonce is {shown(sent, 60)}, and " if sent is not None else ""
    return Problem(
        f"nonce: {start}{said}",
        action,
        "RFC 9449 §8.2",
        row="nonce",
        explains=("nonce", "use_dpop_nonce"),
        at_server=at_server,
    )


def _in_vain(call: Call, here: Earlier, later: Earlier) -> Iterator[Problem]:
    """A challenge that was not obeyed."""
    asked = next((one for one in reversed(here) if one.wants_nonce), None)
    if asked and not settled(call, later):
        yield _nonce_problem(
            call,
            f"{_named(asked)} asked for it and gave {shown(asked.nonce, 60)}, and this proof has"
            " none",
            "Obey the challenge: take the nonce from the DPoP-Nonce header of the answer into the"
            " claims of a new proof, and send the request again, once.",
        )


def _refused_at_once(call: Call, source: Call) -> Problem:
    """The newest nonce was brought, and the server wants another."""
    age = call.clock[0] - source.date if call.clock and source.date is not None else None
    if age is not None and age > SOON:
        return _nonce_problem(
            call,
            f"it is outdated by now: {_named(source)} gave it {duration(age)} before",
            "Take the new nonce of this answer into a new proof and send the request again, once.",
        )
    return _nonce_problem(
        call,
        f"it is the newest one, of {_named(source)}, and the server wants another all the same",
        "Take the new nonce of this answer, once. If that goes on, the server is at fault: several"
        " nodes that don't know each other's nonces, or nonces that count once while two requests"
        " are under way. This is a guess: its log tells.",
        at_server=True,
    )


# ---- what counts once


def _same_proof(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof that went out before, as when an HTTP library sends a request again by itself."""
    about = call.error.lower() in OF_A_PROOF or REPLAY.search(call.description)
    if not call.is_proof or not call.refused or not about:
        return
    first = next((one for one in reversed(earlier) if _is_same_proof(one, call)), None)
    if first is None or (_same_answer(first, call) and not call.wants_nonce):
        return
    what = "proof" if first.proofs == call.proofs else "jti, under the same key,"
    yield Problem(
        f"unused: the same {what} went out before, in {_answered(first)}",
        "Make a new proof with a new jti for each attempt. A retry by the HTTP library or an"
        " interceptor repeats the headers as they were: make the proof inside what is retried.",
        "RFC 9449 §11.1",
        row="unused",
        explains=("unused", "nonce", "use_dpop_nonce"),
    )


def _is_same_proof(one: Call, other: Call) -> bool:
    jti = other.proof.claims.get("jti")
    same_jti = isinstance(jti, str) and one.proof.claims.get("jti") == jti
    return one.proofs[:1] == other.proofs[:1] or (same_jti and _key(one) == _key(other) != "")


def _same_answer(one: Call, other: Call) -> bool:
    """Were both refused alike? Then the second was not refused for what the first had done."""
    alike = (one.said, one.description) == (other.said, other.description)
    return alike and one.refused


def _spent(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A code, refresh token or assertion that an earlier request has used up."""
    for name, words, error, action in SPENT:
        value, failed = _value(call, name), call.error.lower() == error
        before = [
            one
            for one in earlier
            if failed
            and value
            and _value(one, name) == value
            and same_server(one, call)
            and not _same_answer(one, call)
        ]
        if before:
            yield _spent_problem(words, error, action, before)
            return
    if call.error.lower() == "invalid_grant" and not call.form:
        yield from _spent_out_of_sight(call, earlier)


def _spent_problem(words: str, error: str, action: str, before: Earlier) -> Problem:
    """What was spent, by which request, and what had come of that."""
    first = before[0]
    used = "used it up"
    if first.refused:
        proofless = first.whole and not first.is_proof and "proof" not in first.hidden
        used += ", though it was refused" + " for want of a proof" * proofless
    elif first.status is None:
        used += ", though no answer came"
    return Problem(
        f"The same {words} went in {_named(first)} and here: {_answered(first)} {used}",
        action,
        "RFC 6749 §5.2" if error == "invalid_grant" else "RFC 7523 §3",
        explains=(error, "spent grant", "refresh key", "code key"),
    )


def _spent_out_of_sight(call: Call, earlier: Earlier) -> Iterator[Problem]:
    """The answers alone: a grant is refused after another request to that endpoint."""
    before = [one for one in earlier if same_server(one, call) and not _same_answer(one, call)]
    before = [one for one in before if one.issued or one.error.lower() in OF_A_PROOF[:2]]
    if not before:
        return
    index = 1 if "refresh" in call.description.lower() else 0
    _, words, error, action = SPENT[index]
    yield Problem(
        f"The {words} is spent, most likely: {_answered(before[-1])} used it up, or two requests"
        " at once did",
        f"{action} This goes by the answers alone: to be sure, give the requests.",
        "RFC 6749 §5.2",
        explains=(error, "spent grant"),
    )


# ---- keys and bindings


def _unbound(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A token that is bound to no key, since the request for it had no proof."""
    wanted = any(one.scheme == "dpop" for one in call.challenges or ())
    wanted = wanted or call.is_proof or "dpop" in call.description.lower()
    source = next((one for one in earlier if call.token and one.issued == call.token), None)
    if not source or not call.refused or not wanted or not source.whole:
        return
    if source.is_proof or "proof" in source.hidden or "cnf" in call.access_token.claims:
        return
    yield Problem(
        "The access token is bound to no key, since the token request in"
        f" {_named(source)} had no DPoP header",
        "Send a proof in a DPoP header with the token request, look for token_type DPoP in the"
        " answer, then call the API under the scheme DPoP with a proof by the same key.",
        "RFC 9449 §5",
        row="bound_key",
        explains=("bound_key", "scheme", "unbound", "one_header", "ath", "invalid_token"),
    )


def _another_key(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof by another key than the one that the token or the refresh token was got with."""
    mine = _key(call)
    if not mine or not call.refused or call.wants_nonce:
        return
    for one in reversed(earlier):
        if not _key(one) or not one.issued:
            continue
        refresh = _members(one).get("refresh_token")
        if call.place == API and one.issued == call.token:
            what, topic = "access token", "bound_key"
        elif refresh and refresh == _value(call, "refresh_token"):
            what, topic = "refresh token", "refresh key"
        else:
            continue
        if _key(one) != mine:
            yield Problem(
                f"The {what} was got with another key, in {_named(one)}: this proof is by"
                f" {shown(mine, 60)}, that one was by {shown(_key(one), 60)}",
                f"Sign with the key that the {what} was got with, and keep it as long as the token"
                " lives. Where it is lost, log in again.",
                "RFC 9449 §5",
                row=topic * (topic == "bound_key"),
                explains=(topic, "bound_key", "invalid_token", "invalid_grant"),
            )
        return


def _key_of_the_login(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A code that is bound to a key by `dpop_jkt` or the pushed request, and another key here."""
    mine = _key(call)
    pushed = "code_challenge" in call.form or "dpop_jkt" in call.form
    if not mine or not ("code" in call.form or pushed):
        return
    for one in reversed([*earlier, *[call] * pushed]):
        asked = dict(parse_qsl(one.url.partition("?")[2]))
        said = asked.get("dpop_jkt") or one.form.get("dpop_jkt", "")
        pushing = one.place == TOKEN_ENDPOINT and "code_challenge" in one.form
        bound = said or (_key(one) if pushing else "")
        how = thumbprint_made(bound, call.proof.header["jwk"], call.proof.header)
        if how:
            yield _misspelt_jkt(one, bound, mine, how)
        elif bound and bound != mine:
            yield _login_problem(call, one, bound, named=bool(said))
        if bound:
            return


def _misspelt_jkt(one: Call, bound: str, mine: str, how: str) -> Problem:
    return Problem(
        f"dpop_jkt in {_named(one)} is made of this very key, but it {how}",
        f"Send the JWK thumbprint, base64url of SHA-256 (RFC 7638): dpop_jkt={mine}.",
        "RFC 9449 §10",
        mine,
        shown(bound, 200),
        explains=("code key", "bound_key", "invalid_grant", "invalid_request"),
    )


def _login_problem(call: Call, one: Call, bound: str, *, named: bool) -> Problem:
    how = f"dpop_jkt in {_named(one)}" if named else f"The pushed request in {_named(one)}"
    title = (
        f"{how} binds the code to the key {shown(bound, 60)}, and this proof is by another key,"
        f" {shown(_key(call), 60)}"
    )
    taken = call.accepted
    if taken:
        title += ": the server accepted what it must refuse"
    return Problem(
        title,
        "The server has to compare both: else a stolen code works with any key."
        if taken
        else "Sign with the key of the authorization request. Keep it until the callback, across"
        " processes and page loads: store it with the state of the login.",
        "RFC 9449 §10",
        bound,
        _key(call),
        explains=("code key", "bound_key", "invalid_grant", "invalid_request"),
        at_server=taken,
    )


LOOKS: tuple[Look, ...] = (
    _same_proof, _nonces, _spent, _unbound, _key_of_the_login, _another_key,
)  # fmt: skip
