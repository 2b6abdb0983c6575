"""What a token request has to bring as the sign-in before it had it: code, verifier, names."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from urllib.parse import unquote, unquote_plus

from dpop_lab.doctor.advice.hashes import how_made
from dpop_lab.doctor.exchanges import named, value_of
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.sign_in.grants import Use
from dpop_lab.show.values import shown
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import without_query

#: What any fault of a token request accounts for, and what one of its key does.
ANY = ("invalid_grant", "spent grant", "any row")
OF_KEYS = (*ANY, "bound_key", "code key", "refresh key", "invalid_token", "invalid_request",
           "invalid_dpop_proof")  # fmt: skip
ANEW = "Start the login anew"


def other_terms(use: Use) -> Iterator[Problem]:
    """What has to be as in the authorization request: the verifier, redirect_uri, client_id."""
    asked, call = use.grant.asked, use.call
    if asked is None or use.grant.name != "code" or asked.call is call or not call.form:
        return
    where = named(asked.call)
    yield from _verifier(call, asked.terms, where)
    theirs, mine = asked.terms.get("redirect_uri", ""), call.form.get("redirect_uri", "")
    if theirs and mine != theirs and (mine or call.refused):  # OAuth 2.1 asks for none
        here = f"{shown(mine, 120)} here" if mine else "missing here"
        yield Problem(
            f"redirect_uri is {here}, and {where} sent {shown(theirs, 120)}"
            f"{_difference(mine, theirs)}",
            f"Send the one of the authorization request, to the letter. {ANEW}.",
            "RFC 6749 §4.1.3",
            shown(theirs, 200),
            shown(mine, 200) if mine else "nothing",
            explains=("redirect", *ANY, "unauthorized_client"),
        )
    theirs, mine = asked.terms.get("client_id", ""), call.form.get("client_id", "")
    if theirs and mine and mine != theirs:
        yield Problem(
            f"client_id is {shown(mine, 80)} here, and {where} asked as {shown(theirs, 80)}: a code"
            " is good for the client that it was given to",
            f"Send one client_id in both requests. {ANEW}.",
            "RFC 6749 §4.1.3",
            shown(theirs, 80),
            shown(mine, 80),
            explains=("invalid_client", *ANY, "unauthorized_client"),
        )


SHORTEST = 43  # characters of a verifier (RFC 7636 section 4.1): a shorter one stands for another
DIFFERENCES: dict[str, Callable[[str], str]] = {
    "they differ in the slash at the end": lambda url: url.rstrip("/"),
    "they differ in the scheme": lambda url: url.partition("://")[2],
    "they differ in the query": lambda url: url.partition("?")[0],
    "one of them is percent-encoded once more": unquote,
    "they differ in capital letters": str.lower,
    "one has localhost, the other 127.0.0.1": lambda url: url.replace("127.0.0.1", "localhost"),
}


def _difference(one: str, other: str) -> str:
    """How two URLs differ, where it is in one thing, in words behind a colon."""
    return next((f": {how}" for how, of in DIFFERENCES.items() if of(one) == of(other)), "")


def _verifier(call: Call, terms: Mapping[str, str], where: str) -> Iterator[Problem]:
    """A code_verifier of which code_challenge was not made (RFC 7636 section 4.6)."""
    challenge, verifier = terms.get("code_challenge", ""), value_of(call, "code_verifier")
    method = terms.get("code_challenge_method", "plain")
    right = base64url_encode(hashlib.sha256(verifier.encode()).digest())
    fits = challenge == {"S256": right, "plain": verifier}.get(method, challenge)
    sent = call.form.get("code_verifier", "")
    if not challenge and verifier and call.refused:
        yield from _no_challenge(terms, where)
    if not challenge or fits or sent != verifier or is_hidden(sent):
        return
    title = f"code_verifier does not fit the code_challenge of {where}"
    action = (
        "Keep the code_verifier with the state of its own login: a second start, another tab or a"
        " restart overwrites the only one."
    )
    if not verifier:
        title = f"code_verifier is missing, and {where} sent a code_challenge"
        action = "Send the code_verifier of that login with its code."
    elif challenge == right:
        title = f"code_challenge_method is not S256 in {where}, and the challenge is a hash"
        action = "Send code_challenge_method=S256 beside the challenge."
    elif how := how_made(challenge, {"": verifier.encode()}):
        title = f"code_challenge in {where} is made of this very verifier, but it {how}"
        action = "Send base64url of SHA-256, without padding, as code_challenge."
    elif challenge == verifier:
        title = f"code_challenge in {where} is the verifier itself, and its method says S256"
        action = "Send base64url of the verifier's SHA-256 as code_challenge."
    elif len(verifier) < SHORTEST:
        return
    wanted, found = shown(challenge, 80), shown(right, 80) if verifier else "nothing"
    explains = ("pkce", *ANY)
    yield Problem(title, f"{action} {ANEW}.", "RFC 7636 §4.6", wanted, found, explains=explains)


def _no_challenge(terms: Mapping[str, str], where: str) -> Iterator[Problem]:
    """A verifier of a login that began without a challenge, as far as its request is known."""
    if {"response_type", "client_id"} <= terms.keys():
        yield Problem(
            f"code_verifier came, and {where} sent no code_challenge that it could fit",
            "Send code_challenge, and code_challenge_method=S256, in the authorization request."
            f" {ANEW}.",
            "RFC 7636 §4.3",
            explains=("pkce", *ANY),
        )


def another_code(use: Use) -> Iterator[Problem]:
    """Another code than the one that the last redirect brought, which accounts for all else."""
    mine, newest = value_of(use.call, "code"), use.newest
    missing = use.grant.name == "code" and not use.call.form.get("code", "").strip()
    if newest is None or mine == newest.value or not (mine or missing):
        return
    given = newest.given
    where = named(given) if given else ""
    if use.grant.given and mine:
        title = f"The code is that of an earlier login: {where} brought a newer one"
        action = (
            "Redeem the newest code, once, with verifier and key of its own login; forget what was"
            " kept of the one before."
        )
    elif missing:
        behind = ", behind #, which only scripts of the page see" * bool(given and "#" in given.url)
        title = f"There is no code in this request, though {where} brought one{behind}"
        action = "Read the code where the answer has it: in the query, behind #, or in a form."
    elif how := _spelling(mine, newest.value):
        title = f"The code is not as {where} brought it: {how}"
        action = "Read the code by a URL parser, and send it as a form parameter, whole."
    else:
        title = f"The code in this request is not the one that {where} brought"
        action = f"Redeem the code of the redirect that has the state of this login. {ANEW}."
    explains = ("spent grant", *OF_KEYS, "pkce", "redirect")
    yield Problem(title, action, "RFC 6749 §4.1.3", explains=explains)


def _spelling(mine: str, brought: str) -> str:
    """How a code was spoilt on the way; empty where it is another one."""
    if unquote(mine) == brought:
        return "it is still percent-encoded, so it went out encoded twice"
    if mine in (unquote_plus(brought), unquote(brought), brought.replace("+", " ")):
        return "it was percent-decoded twice"
    return "its end is missing" if len(mine) >= 8 and brought.startswith(mine) else ""


def elsewhere(use: Use) -> Iterator[Problem]:
    """A code that one server gave and another is asked to redeem, going by host and path."""
    asked = use.grant.asked if use.grant.name == "code" else None
    theirs, host = host_of(asked.call.url) if asked else "", host_of(use.call.url)
    if asked and theirs == host != "":
        theirs, host = _tenants(without_query(asked.call.url), without_query(use.call.url))
    if asked and theirs and host and theirs != host:
        yield Problem(
            f"The code was asked for at {shown(theirs, 80)} in {named(asked.call)}, and this"
            f" request went to {shown(host, 80)}: no server knows another one's codes",
            "Take both endpoints from the metadata of one issuer. If they are of one, look whether"
            f" the code was used before or is outdated. {ANEW}.",
            "RFC 9700 §4.4",
            theirs,
            host,
            explains=ANY,
            guess="open",
        )


def _tenants(one: str, other: str) -> tuple[str, str]:
    """The one part in which two URLs differ before their last; empty where they differ in more."""
    pairs = list(zip_longest(one.split("/")[:-1], other.split("/")[:-1], fillvalue=""))
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    return differing[0] if len(differing) == 1 else ("", "")
