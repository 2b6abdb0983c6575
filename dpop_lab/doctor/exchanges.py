"""Exchanges of a session as they are compared and named: server, key, parameters, answer."""

from typing import Any

from dpop_lab.session.answer import members_in
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import shown
from dpop_lab.wire.labels import known
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import returns, signs_in, without_query

OF_SIGN_INS = {"code", "refresh_token", "code_challenge", "dpop_jkt"}  # parameters
REDIRECTS = (301, 302, 303, 307, 308)
PENDING = ("authorization_pending", "slow_down")
Earlier = list[Call]
KEEP_NEWEST = (
    "Keep the newest nonce of every answer, also of a 200, for each server, and put it into the"
    " next proof: then a call needs one request."
)


def of_sign_in(call: Call) -> bool:
    """Has it to do with a sign-in, or with what came of one?"""
    known = call.of_a_person or call.form.keys() & OF_SIGN_INS or call.error == "invalid_grant"
    sent_to = first(call.exchange.response_headers, "Location")
    return bool(known) or signs_in(call.url) or returns(sent_to)


def settled(call: Call, later: Earlier) -> bool:
    """Did a later request to the same place get through?"""
    good = [one for one in later if one.status is not None and one.status < 300]
    return any(same_request(one, call) for one in good)


def solved(call: Call, later: tuple[Call, ...]) -> str:
    """What to say where a later request got what this one was refused for want of; else empty."""
    told = "A later request of this session got through."
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        found = [one for one in later if one.succeeded and WELL_KNOWN in one.url]
        return told * any(host_of(one.url) == host_of(call.url) for one in found)
    if call.status in REDIRECTS:
        followed = first(call.exchange.response_headers, "Location") in [one.url for one in later]
        return "A later request went where this one was sent on to." * followed
    if call.error in PENDING:
        return "The user has not agreed yet: ask again, each time with a new proof (RFC 8628 §3.5)."
    if call.wants_nonce:
        told = "The server asked for its nonce, and got it in the next request: as it should be."
        if call.nonces and call.is_proof and "nonce" not in call.proof.claims:
            given = shown(call.nonces[-1], 60)
            told = f"The proof has no nonce, though {given} was given before."
            told += f" {KEEP_NEWEST}"
        tries = [one for one in later if same_request(one, call)]
        more = "A later exchange tells more." * any(one.is_proof for one in tries)
        return told if any(not one.wants_nonce for one in tries) else more
    refused = call.error == "invalid_token" or call.bare_challenge
    others = [one for one in later if not call.token or one.token != call.token]
    return told * (refused and settled(call, others))


def same_request(one: Call, other: Call) -> bool:
    """Do both go to one place by one method?"""
    return one.method == other.method and place_of(one) == place_of(other)


def same_server(one: Call, other: Call) -> bool:
    """Do both go to one server, as far as is known? Its two places keep nonces of their own."""
    pairs = ((one.place, other.place), (host_of(one.url), host_of(other.url)))
    return all(mine == theirs or not (mine and theirs) for mine, theirs in pairs)


def place_of(call: Call) -> str:
    """Host and path, without the query."""
    return host_of(call.url) + without_query(call.url).partition("://")[2]


def named(call: Call) -> str:
    """The name of an exchange, without how many there are."""
    return call.name.partition(" of ")[0]


def answered(call: Call) -> str:
    """An exchange with what came of it, in brackets."""
    return f"{named(call)} ({call.said or 'no answer'})"


def used_up(first: Call) -> str:
    """That an exchange used something up, and what came of it."""
    used = f"{answered(first)} used it up"
    if first.refused:
        proofless = first.whole and not first.is_proof and "proof" not in first.hidden
        return f"{used}, though it was refused" + " for want of a proof" * proofless
    return f"{used}, though no answer came" if first.status is None else used


def same_answer(one: Call, other: Call) -> bool:
    """Were both refused alike? Then the second was not refused for what the first had done."""
    alike = (one.said, one.description) == (other.said, other.description)
    return alike and one.refused


def value_of(call: Call, name: str) -> str:
    """A parameter that is known, or whose mask stands for it alone; else empty."""
    return known(call.form.get(name, ""))


def members_of(call: Call) -> dict[str, Any]:
    """The members of the JSON object in an answer."""
    return members_in(call.exchange.response_body)
